/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sides of a path: their frames, and the check that the path is there. */
#include "side.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define OPEN_PATH_MS 3000

static int side_init(struct side *side, const struct side *peer, const struct frame_shape *shape,
		     bool verify, struct err *err)
{
	/* An odd number of cache lines, or all frames would share a few of them. */
	size_t stride = (shape->size + 127) / 128 * 128 + 64;
	uint8_t *want;

	side->memory = aligned_alloc(64, stride * (FRAME_BURST + 1));
	if (!side->memory)
		return err_set(err, ENOMEM, "out of memory");

	side->out = (struct frame_burst){ .shape = shape, .n = FRAME_BURST };
	for (unsigned i = 0; i < FRAME_BURST; i++) {
		side->out.frame[i] = side->memory + i * stride;
		frame_build(side->out.frame[i], shape, peer->end->spec.mac, side->end->spec.mac);
	}

	want = side->memory + FRAME_BURST * stride;
	frame_build(want, shape, side->end->spec.mac, peer->end->spec.mac);
	side->in = (struct frame_tally){ .shape = shape, .want = verify ? want : NULL };
	return 0;
}

int side_init_pair(struct side *a, struct side *b, const struct frame_shape *shape, bool verify,
		   struct err *err)
{
	int r = side_init(a, b, shape, verify, err);

	return r < 0 ? r : side_init(b, a, shape, verify, err);
}

void side_fini(struct side *side)
{
	end_close(side->end);
	free(side->memory);
	*side = (struct side){ 0 };
}

/* Sends one frame from 'from' to 'to', and counts what has arrived there. */
static int side_hello(struct side *from, struct side *to, struct err *err)
{
	struct frame_burst hello = from->out;
	int r;

	hello.n = 1;
	frame_stamp(hello.frame[0], hello.shape, FRAME_SEQ_HELLO);
	r = from->end->ops->tx(from->end, &hello);
	if (r < 0)
		return err_set(err, -r, "cannot send to %s:%s: %s", from->end->ops->kind,
			       from->end->spec.address, strerror(-r));

	end_wait(to->end, POLLIN);
	r = side_receive(to);
	if (r < 0)
		return err_set(err, -r, "cannot receive from %s:%s: %s", to->end->ops->kind,
			       to->end->spec.address, strerror(-r));

	return 0;
}

int side_open_path(struct side *a, struct side *b, struct err *err)
{
	uint64_t deadline = clock_ns() + OPEN_PATH_MS * 1000000ULL;

	while (clock_ns() < deadline) {
		int r = side_hello(a, b, err);

		if (r == 0)
			r = side_hello(b, a, err);
		if (r < 0)
			return r;
		if (a->in.hellos && b->in.hellos)
			return 0;
	}

	return err_set(err, ETIMEDOUT,
		       "no frame came through within %d ms %s %s:%s: is it up, and its MAC right?",
		       OPEN_PATH_MS, b->in.hellos ? "from" : "to", b->end->ops->kind,
		       b->end->spec.address);
}

int side_send(struct side *side, unsigned n)
{
	struct frame_burst *out = &side->out;
	int r;

	out->n = MIN(n, (unsigned)FRAME_BURST);
	for (unsigned i = 0; i < out->n; i++)
		frame_stamp(out->frame[i], out->shape, side->sent + i);

	r = side->end->ops->tx(side->end, out);
	if (r > 0)
		__atomic_store_n(&side->sent, side->sent + (unsigned)r, __ATOMIC_RELAXED);
	return r;
}
