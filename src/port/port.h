/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports: the ways frames enter and leave this process
 * ===================================================
 *
 * What it is. One small ops struct that every kind implements in a file of its
 * own. A port moves frames; it knows neither hub nor mode, and is handed the
 * descriptors it needs.
 *
 * Life. A kind's open function (port/stream.h, ...) makes a port. Then one
 * worker at a time calls rx(), release(), tx() and flush(); they never block,
 * log or allocate. close() is called exactly once, by the control thread, when
 * no worker can reach the port any more.
 *
 * Trouble. What the peer does wrong, or its going away, ends up in 'fault': the
 * port then takes and gives no more frames, and the worker hands it to the
 * control thread, which closes it. Nothing a peer does ends the process.
 */
#ifndef PORT_PORT_H
#define PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "wire/drop.h"

struct burst;
struct frame;
struct port;

enum port_can {
	/* What was sent comes back by rx() at once and without the descriptor
	 * becoming readable: the worker calls rx() after each tx(), before it
	 * releases the sender's frames.
	 */
	PORT_CAN_REFLECT = 1,
};

struct port_ops {
	const char *kind; /* as 'limpet link show -d' prints it */
	unsigned can;	  /* enum port_can */

	/* Appends up to 'budget' frames to 'in', and counts there what it had
	 * to drop; returns how many frames it appended. Their memory belongs
	 * to the port, or to the burst's store, until release(). If more are
	 * left, the descriptor stays readable, or 'has_more' is set.
	 */
	unsigned (*rx)(struct port *port, struct burst *in, unsigned budget);

	/* Every frame of the last rx() has been dealt with. */
	void (*release)(struct port *port);

	/* For ports that are polled while they are busy; NULL for others. From
	 * the first rx() on, what comes in need not make the descriptor readable
	 * any more; arm() has it do so again, until the next rx(). False: there
	 * is something already, of which it may not tell; call rx().
	 */
	bool (*arm)(struct port *port);

	/* Takes frames from the front of 'frames' and returns how many. If
	 * that is fewer than 'n', '*ret_why' is the reason, and the caller
	 * counts it: for OVERSIZE, BAD_OFFLOAD and LOWER_FULL (a policer may
	 * have meant this frame) it concerns the first frame not taken alone,
	 * and the caller goes on behind it; any other reason concerns all that
	 * are left.
	 */
	unsigned (*tx)(struct port *port, struct frame *const frames[], unsigned n,
		       enum drop *ret_why);

	/* The descriptor can be written again ('want_write' was set). May be
	 * NULL for kinds that never set it.
	 */
	void (*flush)(struct port *port);

	/* Frees the port and closes its descriptor. */
	void (*close)(struct port *port);
};

struct port {
	const struct port_ops *ops;
	int fd;	       /* polled for reading; -1: there is nothing to poll */
	bool has_more; /* frames are left of which 'fd' knows nothing: call rx() again */
	/* Work on a frame that can be left to whoever receives it: enum vnet_work.
	 * Where more is left to do, tx() is given finished, segmented frames.
	 */
	unsigned takes;
	bool want_write; /* a frame is half sent: poll for writing too */
	bool faulty;	 /* 'fault' says why; set once, last */
	char fault[160]; /* a clause for a human: "peer closed the connection" */
};

/* The port is finished: writes the clause (once; later ones are ignored). */
void port_fault(struct port *port, const char *fmt, ...) PRINTF(2, 3);

/* Closes 'port' if it is one; returns NULL. */
struct port *port_close(struct port *port);

static inline void scoped_port(struct port **port)
{
	*port = port_close(*port);
}

#endif
