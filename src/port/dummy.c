/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/dummy.h"

#include <errno.h>
#include <stdlib.h>

#include "port/burst.h"
#include "port/port.h"
#include "wire/vnet.h"

struct port_dummy {
	struct port up;
	enum port_dummy_hairpin hairpin;
	uint32_t frame_limit;

	/* What the switch sends back: the sender's own views, which rx() hands
	 * on before the sender's port takes its memory back (PORT_CAN_REFLECT).
	 */
	unsigned start, end;
	struct frame reflected[BURST_MAX];
};

static struct port_dummy *dummy_of(struct port *port)
{
	return container_of(port, struct port_dummy, up);
}

static void dummy_copy(struct frame *to, const struct frame *from)
{
	*to = *from;
	if (from->iov == &from->one)
		to->iov = &to->one;
}

static unsigned dummy_rx(struct port *port, struct burst *in, unsigned budget)
{
	struct port_dummy *dummy = dummy_of(port);
	unsigned n = MIN(budget, dummy->end - dummy->start);

	for (unsigned i = 0; i < n; i++)
		dummy_copy(&in->frame[in->n++], &dummy->reflected[dummy->start++]);

	if (dummy->start == dummy->end)
		dummy->start = dummy->end = 0;
	return n;
}

static void dummy_release(struct port *port)
{
	(void)port; /* the frames are their sender's */
}

static bool dummy_is_oversize(const struct port_dummy *dummy, const struct frame *frame)
{
	return dummy->frame_limit > 0 && frame->len > dummy->frame_limit &&
	       frame->vnet.gso_type == VNET_GSO_NONE;
}

/* 01:80:c2:00:00:00 to ..:0f end at the first switch (IEEE 802.1Q 8.6.3). They
 * have reached it, so they are not drops: nobody counts what happens on a wire.
 */
static bool dummy_is_reserved(const struct frame *frame)
{
	static const struct mac reserved = { { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 } };
	struct mac dst = mac_load(frame->head);

	dst.byte[5] &= 0xf0;
	return mac_equal(dst, reserved);
}

static unsigned dummy_tx(struct port *port, struct frame *const frames[], unsigned n,
			 enum drop *ret_why)
{
	struct port_dummy *dummy = dummy_of(port);

	for (unsigned i = 0; i < n; i++) {
		if (dummy_is_oversize(dummy, frames[i])) {
			*ret_why = DROP_OVERSIZE;
			return i;
		}
		if (dummy->hairpin == PORT_DUMMY_HAIRPIN_OFF || dummy_is_reserved(frames[i]))
			continue;

		assert(dummy->end < BURST_MAX); /* or rx() was not called */
		dummy_copy(&dummy->reflected[dummy->end++], frames[i]);
	}

	return n;
}

static void dummy_close(struct port *port)
{
	free(dummy_of(port));
}

static const struct port_ops dummy_ops = {
	.kind = "dummy",
	.can = PORT_CAN_REFLECT,
	.rx = dummy_rx,
	.release = dummy_release,
	.tx = dummy_tx,
	.close = dummy_close,
};

int port_dummy_open(enum port_dummy_hairpin hairpin, uint32_t frame_limit, struct port **ret_port,
		    struct err *err)
{
	struct port_dummy *dummy = calloc(1, sizeof(*dummy));

	if (!dummy)
		return err_set(err, ENOMEM, "out of memory");

	dummy->up.ops = &dummy_ops;
	dummy->up.takes = VNET_WORK_ALL;
	dummy->up.fd = -1;
	dummy->hairpin = hairpin;
	dummy->frame_limit = frame_limit;
	*ret_port = &dummy->up;
	return 0;
}
