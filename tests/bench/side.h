/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end with the frames it sends and the account of those it gets. */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include "end.h"

struct side {
	struct end *end;
	struct frame_burst out;
	struct frame_tally in;
	uint8_t *memory; /* the frames of 'out', then the one 'in' wants */
	uint64_t sent;	 /* read by another thread meanwhile */
};

/* Fills two zeroed sides whose ends talk to each other. With 'verify' every
 * octet that arrives is compared. 'shape' has to outlive them.
 */
int side_init_pair(struct side *a, struct side *b, const struct frame_shape *shape, bool verify,
		   struct err *err);

/* Frees the frames and closes the end; harmless on a zeroed side. */
void side_fini(struct side *side);

/* Sends frames both ways until one has arrived on each side. It also lets a
 * switch learn who is there.
 */
int side_open_path(struct side *a, struct side *b, struct err *err);

/* Stamps and sends up to 'n' frames; returns how many, or a negative errno. */
int side_send(struct side *side, unsigned n);

static inline int side_receive(struct side *side)
{
	return side->end->ops->rx(side->end, &side->in);
}

#endif
