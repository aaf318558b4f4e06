/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the conformance suite needs to know about a kind of port: how to open
 * one, and how to be the far end of it.
 *
 * A new kind is a file that defines 'conform_kind', and a word in the list in
 * meson.build.
 */
#ifndef CONFORM_CONFORM_H
#define CONFORM_CONFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/drop.h"
#include "wire/vnet.h"

struct port;

/* A port and its far end, from open() to close(). */
struct conform_pair {
	struct port *port; /* the suite closes it */
	int far;	   /* the far end's descriptor, if it has one */
	void *data;	   /* the kind's own */
};

struct conform_frame {
	uint8_t *data;
	size_t len;
	struct vnet_header vnet;
};

enum conform_can {
	CONFORM_SENDS_RUNTS = 1,    /* the far end can: they are counted */
	CONFORM_SENDS_TOO_LONG = 2, /* and these: a fault, or counted as TRUNCATED */
	CONFORM_FILLS = 4,	    /* tx() refuses when the far end does not read */
	CONFORM_LEAVES = 8,	    /* the far end can go, and tx() refuses */
	CONFORM_OFFLOADS = 16,	    /* the port takes frames with work left */
};

struct conform_kind {
	const char *name;
	unsigned can;	      /* enum conform_can */
	uint32_t frame_max;   /* the largest frame that passes both ways */
	bool too_long_faults; /* CONFORM_SENDS_TOO_LONG: or counts */
	enum drop full;	      /* CONFORM_FILLS: what tx() says */
	enum drop gone;	      /* CONFORM_LEAVES: what tx() says */

	/* Makes what a thread keeps once it has used the kind, so that it does not
	 * count as leaked. May be NULL.
	 */
	void (*prepare)(void);

	/* Opens both. Returns NULL, or why that is not possible here ("needs
	 * root"); then the tests are skipped. 'port' is set, or left NULL, and
	 * close() is called, in any case.
	 */
	const char *(*open)(struct conform_pair *pair);

	/* The far end sends one frame. False: not now, its queue is full. */
	bool (*send)(struct conform_pair *pair, const struct conform_frame *frame);

	/* The far end receives one frame into 'frame->data' of 'frame->len' bytes,
	 * and sets the other members. Must not wait. False: there is none yet.
	 */
	bool (*recv)(struct conform_pair *pair, struct conform_frame *frame);

	/* CONFORM_LEAVES: the far end goes away for good. */
	void (*leave)(struct conform_pair *pair);

	/* Frees what open() made, but for the port, which is closed already. */
	void (*close)(struct conform_pair *pair);
};

/* The one this program tests. */
extern const struct conform_kind conform_kind;

#endif
