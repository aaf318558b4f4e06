/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One end of a measured path: a way to give frames to what is measured and to
 * take them from it, as a hypervisor or the far side of a wire would.
 *
 * A new kind of end is one file with a 'struct end_ops' and one line in end.c.
 */
#ifndef BENCH_END_H
#define BENCH_END_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "frame.h"

struct end_ops;

/* What the command line says: KIND:ADDRESS[,mac=MAC][,batch=N][,vnet] */
struct end_spec {
	const struct end_ops *ops;
	char address[128];
	struct mac mac;
	unsigned batch; /* frames in one system call, where the kind can */
	bool vnet;	/* a virtio_net_hdr before each frame */
	int fd;		/* an end of a socketpair, else -1 */
};

struct end {
	const struct end_ops *ops;
	struct end_spec spec;
	int fd;	    /* to poll() on; never blocks */
	bool blind; /* poll() cannot tell when the far end's queue has room again */
};

/* open() is called once and releases whatever it took if it fails; close()
 * once after a successful open(). tx() is called by one thread and rx() by one
 * thread, perhaps another. Neither waits: they return 0 when there is nothing
 * to do, and a negative errno when the end is gone for good.
 */
struct end_ops {
	const char *kind;
	int socket_type; /* of a socketpair that makes two ends without a switch; 0: cannot */
	unsigned batch;	 /* the default */
	bool has_vnet;

	int (*open)(const struct end_spec *spec, struct end **ret_end, struct err *err);
	void (*close)(struct end *end);

	/* Takes frames from the front of 'burst'; returns how many. Without
	 * any it only finishes what a former call began.
	 */
	int (*tx)(struct end *end, const struct frame_burst *burst);

	/* Counts what has arrived into 'tally', but not for ever; returns how
	 * much it did: 0 means that nothing was there.
	 */
	int (*rx)(struct end *end, struct frame_tally *tally);
};

extern const struct end_ops end_stream_ops;
extern const struct end_ops end_dgram_ops;
extern const struct end_ops end_tap_ops;
extern const struct end_ops end_packet_ops;

/* Reads a specification such as "stream:/run/limpet/web0/stream.sock,mac=..." */
int end_parse(struct end_spec *ret_spec, const char *text, struct err *err);

int end_open(const struct end_spec *spec, struct end **ret_end, struct err *err);
void end_close(struct end *end);

static inline void scoped_end(struct end **end)
{
	end_close(*end);
}

/* Makes the two specifications the ends of one socketpair: the floor that no
 * switch between two sockets can be faster than.
 */
int end_pair(struct end_spec *a, struct end_spec *b, struct err *err);

/* Waits until 'end' is ready for poll()'s 'events', at most 10 ms; 1 ms for one
 * that cannot know.
 */
void end_wait(const struct end *end, short events);

#endif
