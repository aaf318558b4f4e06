/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vhost port
 * ==============
 *
 * What it is. The rings of one guest. What the guest sends are frames whose
 * pieces lie in its memory; what it receives is copied from wherever it lies,
 * once, to where the guest wants it.
 *
 * Heads. The guest can change a frame while we forward it. So a frame's first
 * bytes, on which it is decided who gets it, are taken out of the guest's
 * memory when they are read: the frame's first piece is frame->head, and the
 * rest is where it was. What is delivered begins with what was decided on,
 * whatever way it goes.
 *
 * Kicks. The kick eventfds are watched by an epoll of the port's own, which is
 * the descriptor that the worker polls. They are watched edge-triggered and
 * never read: reading could be made to block by whoever shares the descriptor.
 * While the worker polls the rings, the guest is asked not to kick at all.
 *
 * Queues. Frames to a guest with several pairs go to the one their addresses
 * choose, so that a conversation keeps its order.
 *
 * What can go wrong. A broken ring, or memory that shrank, is a fault. A ring
 * the guest does not fill makes drops.
 */
#include "port/vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "port/bell.h"
#include "port/burst.h"
#include "port/port.h"
#include "virtio/memory.h"
#include "virtio/ring.h"

struct vhost_ring {
	struct ring ring;
	unsigned index; /* vhost-user's */
	int call_fd;
	bool must_poll; /* there is no kick */
};

struct port_vhost {
	struct port up;
	const struct guest_mem *mem;
	unsigned may_leave; /* work the guest may leave to us: enum vnet_work */
	uint8_t flags_to;   /* of a vnet header that the guest understands */
	bool is_armed;
	unsigned turn; /* the ring to receive from first */
	unsigned n_from, n_to;
	struct vhost_ring *from[PORT_VHOST_PAIRS_MAX];
	struct vhost_ring *to[PORT_VHOST_PAIRS_MAX];
	int wake_fd; /* was readable when the port was opened */
};

static struct port_vhost *vhost_of(struct port *port)
{
	return container_of(port, struct port_vhost, up);
}

static void vhost_call(const struct vhost_ring *queue)
{
	if (queue->call_fd >= 0)
		bell_ring(queue->call_fd);
}

/* Sets the fault if there is a reason for one. */
static void vhost_check(struct port_vhost *vhost, const struct vhost_ring *queue)
{
	/* First: the zeros in its place look like a broken ring. */
	if (guest_mem_shrank(vhost->mem))
		port_fault(&vhost->up, "its memory shrank");
	if (queue->ring.is_broken)
		port_fault(&vhost->up, "its ring %u is broken: %s", queue->index,
			   queue->ring.broken);
}

/*
 * From the guest
 */

/* Is the header one the guest may send? What it does not say is cleared. */
static inline bool vhost_check_vnet(const struct port_vhost *vhost, struct frame *frame)
{
	struct vnet_header *vnet = &frame->vnet;
	unsigned work;

	vnet->flags &= VNET_NEEDS_CSUM;
	if (vnet_is_plain(vnet)) {
		memset(vnet, 0, sizeof(*vnet));
		return true;
	}

	work = vnet_work(vnet);
	if (work & ~vhost->may_leave)
		return false;
	if (work & VNET_WORK_CSUM &&
	    le16_to_cpu(vnet->csum_start) + le16_to_cpu(vnet->csum_offset) + 2u > frame->len)
		return false;
	return !(work & ~(unsigned)VNET_WORK_CSUM) || le16_to_cpu(vnet->gso_size) > 0;
}

/* Moves the first bytes from the frame's pieces, from iov[1] on, to its head. */
static void vhost_gather_head(struct ring_frame *from, struct frame *to, size_t len)
{
	size_t at = 0;

	memset(to->head, 0, FRAME_HEAD_LEN);
	while (at < len) {
		struct iovec *iov = &from->iov[1];
		size_t n = MIN(iov->iov_len, len - at);

		memcpy(to->head + at, iov->iov_base, n);
		at += n;
		iov->iov_base = (uint8_t *)iov->iov_base + n;
		iov->iov_len -= n;
		if (iov->iov_len == 0) {
			from->iov++;
			from->n_iov--;
		}
	}
	from->iov[0] = (struct iovec){ .iov_base = to->head, .iov_len = len };
}

static inline void vhost_take_head(struct ring_frame *from, struct frame *to)
{
	struct iovec *first = &from->iov[1];

	if (first->iov_len > FRAME_HEAD_LEN) {
		memcpy(to->head, first->iov_base, FRAME_HEAD_LEN);
		first->iov_base = (uint8_t *)first->iov_base + FRAME_HEAD_LEN;
		first->iov_len -= FRAME_HEAD_LEN;
		from->iov[0] = (struct iovec){ to->head, FRAME_HEAD_LEN };
	} else {
		vhost_gather_head(from, to, MIN(from->len, (uint32_t)FRAME_HEAD_LEN));
	}

	to->iov = from->iov;
	to->n_iov = from->n_iov;
	to->len = from->len;
	to->vnet = from->vnet;
}

static void vhost_append(const struct port_vhost *vhost, struct burst *in, struct ring_frame *from)
{
	struct frame *frame = &in->frame[in->n];

	if (from->len < ETH_HEADER_LEN) {
		burst_drop(in, DROP_RUNT);
		return;
	}
	if (from->len > ETH_FRAME_MAX) {
		burst_drop(in, DROP_TRUNCATED);
		return;
	}

	vhost_take_head(from, frame);
	if (vhost_check_vnet(vhost, frame))
		in->n++;
	else
		burst_drop(in, DROP_BAD_OFFLOAD);
}

static void vhost_disarm(struct port_vhost *vhost)
{
	if (!vhost->is_armed)
		return;

	vhost->is_armed = false;
	for (unsigned i = 0; i < vhost->n_from; i++)
		ring_disarm(&vhost->from[i]->ring);
}

static unsigned vhost_rx(struct port *port, struct burst *in, unsigned budget)
{
	struct port_vhost *vhost = vhost_of(port);
	struct ring_frame frames[BURST_MAX];
	unsigned before = in->n;
	unsigned left = MIN(budget, BURST_MAX - before);

	if (port->faulty)
		return 0;
	vhost_disarm(vhost);

	for (unsigned i = 0; i < vhost->n_from && left > 0; i++) {
		struct vhost_ring *queue = vhost->from[vhost->turn];
		unsigned n = ring_take(&queue->ring, frames, left);

		for (unsigned k = 0; k < n; k++)
			vhost_append(vhost, in, &frames[k]);
		left -= n;
		vhost_check(vhost, queue);
		vhost->turn = vhost->turn + 1 < vhost->n_from ? vhost->turn + 1 : 0;
	}

	return in->n - before;
}

static void vhost_release(struct port *port)
{
	struct port_vhost *vhost = vhost_of(port);

	for (unsigned i = 0; i < vhost->n_from; i++) {
		if (ring_release(&vhost->from[i]->ring))
			vhost_call(vhost->from[i]);
	}
}

/* Edges of before now are not news any more. */
static void vhost_drain(const struct port_vhost *vhost)
{
	struct epoll_event events[PORT_VHOST_PAIRS_MAX + 1];

	(void)epoll_wait(vhost->up.fd, events, ARRAY_SIZE(events), 0);
}

static bool vhost_arm(struct port *port)
{
	struct port_vhost *vhost = vhost_of(port);
	bool quiet = true;

	if (port->faulty)
		return true;

	vhost_drain(vhost);
	vhost->is_armed = true;
	for (unsigned i = 0; i < vhost->n_from; i++) {
		if (!ring_arm(&vhost->from[i]->ring) || vhost->from[i]->must_poll)
			quiet = false;
	}
	return quiet;
}

/*
 * To the guest
 */

static inline struct vhost_ring *vhost_choose(const struct port_vhost *vhost,
					      const struct frame *frame)
{
	unsigned hash = frame->head[5] ^ frame->head[11] ^ frame->head[4] ^ frame->head[10];

	return vhost->n_to == 1 ? vhost->to[0] : vhost->to[hash % vhost->n_to];
}

static enum ring_put vhost_put(const struct port_vhost *vhost, struct vhost_ring *queue,
			       const struct frame *frame)
{
	struct vnet_header vnet;

	if (!(frame->vnet.flags & ~vhost->flags_to))
		return ring_put(&queue->ring, frame->iov, frame->n_iov, frame->len, &frame->vnet);

	vnet = frame->vnet;
	vnet.flags &= vhost->flags_to;
	return ring_put(&queue->ring, frame->iov, frame->n_iov, frame->len, &vnet);
}

static unsigned vhost_tx(struct port *port, struct frame *const frames[], unsigned n,
			 enum drop *ret_why)
{
	struct port_vhost *vhost = vhost_of(port);
	enum ring_put put = RING_PUT_DONE;
	unsigned taken = 0;

	*ret_why = DROP_NO_PEER;
	if (port->faulty || vhost->n_to == 0)
		return 0;

	if (vhost->n_to == 1)
		ring_expect(&vhost->to[0]->ring, n);
	while (taken < n) {
		put = vhost_put(vhost, vhost_choose(vhost, frames[taken]), frames[taken]);
		if (put != RING_PUT_DONE)
			break;
		taken++;
	}

	for (unsigned i = 0; i < vhost->n_to; i++) {
		if (ring_commit(&vhost->to[i]->ring))
			vhost_call(vhost->to[i]);
		vhost_check(vhost, vhost->to[i]);
	}
	*ret_why = put == RING_PUT_SMALL ? DROP_OVERSIZE : DROP_PEER_FULL;
	return taken;
}

/*
 * Life
 */

static void vhost_close(struct port *port)
{
	struct port_vhost *vhost = vhost_of(port);

	for (unsigned i = 0; i < vhost->n_from; i++)
		free(vhost->from[i]);
	for (unsigned i = 0; i < vhost->n_to; i++)
		free(vhost->to[i]);
	(void)fd_close(vhost->wake_fd);
	(void)fd_close(port->fd);
	free(vhost);
}

static const struct port_ops vhost_ops = {
	.kind = "vhost",
	.rx = vhost_rx,
	.release = vhost_release,
	.arm = vhost_arm,
	.tx = vhost_tx,
	.close = vhost_close,
};

static int vhost_watch(const struct port_vhost *vhost, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	/* Several rings may have one kick. */
	if (epoll_ctl(vhost->up.fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST)
		return err_set(err, errno, "cannot watch a ring's kicks: %s", strerror(errno));
	return 0;
}

static int vhost_open_ring(struct port_vhost *vhost, const struct ring_config *config,
			   unsigned index, struct err *err)
{
	bool from = index % 2;
	struct vhost_ring *queue = calloc(1, sizeof(*queue));
	int r;

	if (!queue)
		return err_set(err, ENOMEM, "out of memory");

	queue->index = index;
	queue->call_fd = config->call_fd;
	queue->must_poll = config->kick_fd < 0;
	r = ring_init(&queue->ring, config, vhost->mem, from ? RING_FROM_GUEST : RING_TO_GUEST,
		      err);
	if (r >= 0 && from && config->kick_fd >= 0)
		r = vhost_watch(vhost, config->kick_fd, err);
	if (r < 0) {
		free(queue);
		return r;
	}

	if (from)
		vhost->from[vhost->n_from++] = queue;
	else
		vhost->to[vhost->n_to++] = queue;
	ring_disarm(&queue->ring);
	return 0;
}

/* The work one side leaves to the other, by the features that say so. */
struct vhost_offload {
	enum vnet_work work;
	enum virtio_feature from, to;
};

static void vhost_set_features(struct port_vhost *vhost, uint64_t features)
{
	/* clang-format off */
	static const struct vhost_offload offloads[] = {
		{ VNET_WORK_CSUM, VIRTIO_NET_F_CSUM,      VIRTIO_NET_F_GUEST_CSUM },
		{ VNET_WORK_TSO4, VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_GUEST_TSO4 },
		{ VNET_WORK_TSO6, VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_GUEST_TSO6 },
		{ VNET_WORK_ECN,  VIRTIO_NET_F_HOST_ECN,  VIRTIO_NET_F_GUEST_ECN },
		{ VNET_WORK_UFO,  VIRTIO_NET_F_HOST_UFO,  VIRTIO_NET_F_GUEST_UFO },
		{ VNET_WORK_USO,  VIRTIO_NET_F_HOST_USO,  VIRTIO_NET_F_GUEST_USO4 },
	};
	/* clang-format on */

	for (unsigned i = 0; i < ARRAY_SIZE(offloads); i++) {
		if (virtio_has(features, offloads[i].from))
			vhost->may_leave |= offloads[i].work;
		if (virtio_has(features, offloads[i].to))
			vhost->up.takes |= offloads[i].work;
	}

	/* A vnet header does not say which IP it is. */
	if (!virtio_has(features, VIRTIO_NET_F_GUEST_USO6))
		vhost->up.takes &= ~(unsigned)VNET_WORK_USO;
	if (vhost->up.takes & VNET_WORK_CSUM)
		vhost->flags_to = VNET_NEEDS_CSUM | VNET_DATA_VALID;
}

int port_vhost_open(const struct port_vhost_config *config, struct port **ret_port, struct err *err)
{
	struct port_vhost *vhost = calloc(1, sizeof(*vhost));
	int r = 0;

	if (!vhost)
		return err_set(err, ENOMEM, "out of memory");

	vhost->up.ops = &vhost_ops;
	vhost->mem = config->mem;
	vhost_set_features(vhost, config->features);

	/* Readable at once: kicks of before this port are lost, frames are not. */
	vhost->up.fd = epoll_create1(EPOLL_CLOEXEC);
	vhost->wake_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vhost->up.fd < 0 || vhost->wake_fd < 0)
		r = err_set(err, errno, "cannot watch kicks: %s", strerror(errno));
	else
		r = vhost_watch(vhost, vhost->wake_fd, err);

	for (unsigned i = 0; r >= 0 && i < PORT_VHOST_RINGS_MAX; i++) {
		if (config->ring[i])
			r = vhost_open_ring(vhost, config->ring[i], i, err);
	}
	if (r < 0) {
		vhost_close(&vhost->up);
		return r;
	}

	*ret_port = &vhost->up;
	return 0;
}

uint32_t port_vhost_base(const struct port *port, unsigned index)
{
	const struct port_vhost *vhost = container_of(port, const struct port_vhost, up);
	struct vhost_ring *const *queues = index % 2 ? vhost->from : vhost->to;
	unsigned n = index % 2 ? vhost->n_from : vhost->n_to;

	assert(vhost->up.ops == &vhost_ops);

	for (unsigned i = 0; i < n; i++) {
		if (queues[i]->index == index)
			return ring_base(&queues[i]->ring);
	}
	abort(); /* not a ring the port was opened with */
}
