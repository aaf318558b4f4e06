/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a dummy port with hairpin is its own reflection: it sends by
 * tx() and receives by rx().
 */
#include <stdlib.h>
#include <string.h>

#include "conform.h"
#include "port/burst.h"
#include "port/dummy.h"
#include "port/port.h"

struct dummy_far {
	/* A ring of what was lent to the port; the suite receives a frame long
	 * before it has sent this many more.
	 */
	struct burst *sent;
	uint8_t *memory[BURST_MAX];
	unsigned next;

	struct burst *received;
};

static const char *dummy_open(struct conform_pair *pair)
{
	struct dummy_far *far = calloc(1, sizeof(*far));

	pair->data = far;
	if (!far || burst_new(&far->sent, NULL) < 0 || burst_new(&far->received, NULL) < 0 ||
	    port_dummy_open(PORT_DUMMY_HAIRPIN_ON, 0, &pair->port, NULL) < 0)
		return "no memory";
	return NULL;
}

static bool dummy_send(struct conform_pair *pair, const struct conform_frame *frame)
{
	struct dummy_far *far = pair->data;
	unsigned slot = far->next++ % BURST_MAX;
	struct frame *lent;
	enum drop why;

	free(far->memory[slot]);
	far->memory[slot] = malloc(frame->len);
	if (!far->memory[slot])
		return false;

	memcpy(far->memory[slot], frame->data, frame->len);
	far->sent->n = slot;
	lent = burst_append(far->sent, far->memory[slot], (uint32_t)frame->len);
	lent->vnet = frame->vnet;
	return pair->port->ops->tx(pair->port, &lent, 1, &why) == 1;
}

static bool dummy_recv(struct conform_pair *pair, struct conform_frame *frame)
{
	struct dummy_far *far = pair->data;
	struct frame *got = &far->received->frame[0];

	burst_clear(far->received);
	if (pair->port->ops->rx(pair->port, far->received, 1) == 0 || got->len > frame->len)
		return false;

	frame->len = 0;
	for (unsigned i = 0; i < got->n_iov; i++) {
		memcpy(frame->data + frame->len, got->iov[i].iov_base, got->iov[i].iov_len);
		frame->len += got->iov[i].iov_len;
	}
	frame->vnet = got->vnet;
	pair->port->ops->release(pair->port);
	return true;
}

static void dummy_close(struct conform_pair *pair)
{
	struct dummy_far *far = pair->data;

	if (far) {
		for (unsigned i = 0; i < BURST_MAX; i++)
			free(far->memory[i]);
		burst_free(far->sent);
		burst_free(far->received);
		free(far);
	}
}

const struct conform_kind conform_kind = {
	.name = "dummy",
	.can = CONFORM_OFFLOADS,
	.frame_max = ETH_FRAME_MAX,
	.open = dummy_open,
	.send = dummy_send,
	.recv = dummy_recv,
	.close = dummy_close,
};
