/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a vhost port: a guest with a split ring for each direction. It
 * has the driver's manners: it kicks when it is asked to, and gives every
 * buffer back at once.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "conform.h"
#include "port/bell.h"
#include "port/port.h"
#include "port/vhost.h"
#include "virtio/model_driver.h"
#include "wire/eth.h"

#define RING_SIZE   64u
#define BUFFER_SIZE 4096u
#define N_BUFFERS   40u

/* A frame of the largest size and a little more, with its header. */
#define SEND_SIZE 70000u

struct vhost_far {
	struct model_guest guest;
	struct model_driver to, from; /* it */
	uint64_t send_at;
	uint64_t buffers;
};

static void far_give_buffer(struct vhost_far *far, unsigned i)
{
	const struct model_piece piece = { far->buffers + (uint64_t)i * BUFFER_SIZE, BUFFER_SIZE,
					   true };

	if (!model_driver_add(&far->to, &piece, 1, MODEL_DIRECT, i))
		abort();
	(void)model_driver_publish(&far->to);
}

static void far_start(struct vhost_far *far, uint64_t features)
{
	model_guest_init(&far->guest);
	model_driver_init(&far->to, &far->guest, RING_SPLIT, RING_SIZE, features);
	model_driver_init(&far->from, &far->guest, RING_SPLIT, RING_SIZE, features);
	far->send_at = MODEL_GPA + MODEL_REGION_SIZE - 100; /* it straddles */
	far->buffers = MODEL_GPA + MODEL_REGION_SIZE / 2;
	far->from.config.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	far->to.config.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < N_BUFFERS; i++)
		far_give_buffer(far, i);
}

static const char *vhost_open(struct conform_pair *pair)
{
	struct vhost_far *far = calloc(1, sizeof(*far));
	const uint64_t features =
		VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) |
		VIRTIO_BIT(VIRTIO_NET_F_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) |
		VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4);
	struct port_vhost_config config = { .features = features };

	pair->data = far;
	if (!far)
		return "no memory";

	far_start(far, features);
	config.mem = &far->guest.mem;
	config.ring[0] = &far->to.config;
	config.ring[1] = &far->from.config;
	if (port_vhost_open(&config, &pair->port, NULL) < 0)
		return "no vhost port";
	pair->far = far->to.config.call_fd;
	return NULL;
}

static void far_reap(struct vhost_far *far)
{
	unsigned token;
	uint32_t len;

	while (model_driver_get(&far->from, &token, &len))
		;
}

/* Each frame has a place of its own: they are not released at once. */
static bool vhost_send(struct conform_pair *pair, const struct conform_frame *frame)
{
	struct vhost_far *far = pair->data;
	const struct virtio_net_header header = { .vnet = frame->vnet };
	uint64_t at = far->send_at;
	struct model_piece pieces[2];
	const uint64_t one = 1;

	far_reap(far);
	pieces[0] = (struct model_piece){ at, sizeof(header), false };
	pieces[1] = (struct model_piece){ at + sizeof(header), (uint32_t)frame->len, false };
	if (!model_driver_add(&far->from, pieces, frame->len > 0 ? 2 : 1, MODEL_DIRECT, 0))
		return false;
	model_guest_write(&far->guest, at, &header, sizeof(header));
	model_guest_write(&far->guest, at + sizeof(header), frame->data, frame->len);

	far->send_at += sizeof(header) + frame->len;
	if (far->send_at > MODEL_GPA + 2 * MODEL_REGION_SIZE - 2 * SEND_SIZE)
		far->send_at = MODEL_GPA + MODEL_REGION_SIZE - 100;
	if (model_driver_publish(&far->from))
		(void)!write(far->from.config.kick_fd, &one, sizeof(one));
	return true;
}

static bool vhost_recv(struct conform_pair *pair, struct conform_frame *frame)
{
	struct vhost_far *far = pair->data;
	struct virtio_net_header header;
	uint8_t bytes[BUFFER_SIZE];
	unsigned n = 0, token;
	size_t at = 0;
	uint32_t len;

	do {
		size_t skip = n == 0 ? sizeof(header) : 0;

		if (!model_driver_get(&far->to, &token, &len))
			return false;
		model_guest_read(&far->guest, far->buffers + (uint64_t)token * BUFFER_SIZE, bytes,
				 len);
		far_give_buffer(far, token);
		if (n == 0)
			memcpy(&header, bytes, sizeof(header));
		if (at + len - skip > frame->len)
			return false;
		memcpy(frame->data + at, bytes + skip, len - skip);
		at += len - skip;
	} while (++n < le16_to_cpu(header.num_buffers));

	frame->len = at;
	frame->vnet = header.vnet;
	return true;
}

static void vhost_close(struct conform_pair *pair)
{
	struct vhost_far *far = pair->data;

	if (!far)
		return;
	(void)fd_close(far->from.config.kick_fd);
	(void)fd_close(far->to.config.call_fd);
	model_driver_fini(&far->to);
	model_driver_fini(&far->from);
	model_guest_fini(&far->guest);
	free(far);
}

/* A thread's bell, and the file it needs, stay open. */
static void vhost_prepare(void)
{
	int fd SCOPED(scoped_fd) = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	bell_ring(fd);
}

const struct conform_kind conform_kind = {
	.name = "vhost",
	.prepare = vhost_prepare,
	.can = CONFORM_SENDS_RUNTS | CONFORM_SENDS_TOO_LONG | CONFORM_FILLS | CONFORM_OFFLOADS,
	.frame_max = ETH_FRAME_MAX,
	.full = DROP_PEER_FULL,
	.open = vhost_open,
	.send = vhost_send,
	.recv = vhost_recv,
	.close = vhost_close,
};
