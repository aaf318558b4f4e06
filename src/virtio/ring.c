/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings
 * =====
 *
 * What it is. The half of a virtqueue that does not depend on its layout:
 * chains become pieces of this process's memory, headers are read from and
 * written to them, frames are copied. split.c and packed.c find the chains and
 * give them back.
 *
 * The window. Buffers are fetched many at a time: first their descriptors are
 * asked of memory, then read and translated while the frames' own memory is on
 * its way, and only then are frames looked at. For a guest on another core that
 * is worth more than everything else here. What was fetched too much is given
 * back (rewound), so that between two calls a ring that receives holds nothing.
 *
 * Trust. Everything in shared memory is read once, by the functions of chain.h,
 * into locals, and these are checked. A descriptor that was rewound is read
 * again, and what was known of it is forgotten. Used entries, indices and
 * events are only written. So the guest decides what is in its own frames, and
 * nothing else.
 *
 * What goes wrong is the driver's doing, so it ends in ring_break().
 */
#include "virtio/ring.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "virtio/chain.h"
#include "virtio/copy.h"

#define RING_PREFETCH_MAX 2048

void ring_break(struct ring *ring, const char *fmt, ...)
{
	va_list args;

	if (ring->is_broken)
		return;

	va_start(args, fmt);
	(void)vsnprintf(ring->broken, sizeof(ring->broken), fmt, args);
	va_end(args);
	ring->is_broken = true;
}

int ring_init(struct ring *ring, const struct ring_config *config, const struct guest_mem *mem,
	      enum ring_direction direction, struct err *err)
{
	uint64_t features = config->features;
	bool modern = virtio_has(features, VIRTIO_F_VERSION_1);

	if (config->size == 0 || config->size > VIRTQ_SIZE_MAX)
		return err_set(err, EINVAL, "a ring of %u entries", config->size);

	*ring = (struct ring){
		.mem = mem,
		.layout = config->layout,
		.direction = direction,
		.size = config->size,
		.mergeable = virtio_has(features, VIRTIO_NET_F_MRG_RXBUF),
		.has_event_idx = virtio_has(features, VIRTIO_F_EVENT_IDX),
		.has_indirect = virtio_has(features, VIRTIO_F_INDIRECT_DESC),
		.is_armed = true,
		.per_frame = 1,
	};
	ring->header_len = modern || ring->mergeable ? sizeof(struct virtio_net_header)
						     : sizeof(struct vnet_header);

	switch (config->layout) {
	case RING_SPLIT:
		return split_init(ring, config, err);
	case RING_PACKED:
		return packed_init(ring, config, err);
	}
	return err_set(err, EINVAL, "a ring of no known layout");
}

uint32_t ring_base(const struct ring *ring)
{
	/* Nothing is in flight between two calls: used is where available is. */
	return ring->layout == RING_SPLIT ? ring->avail : packed_base(ring);
}

/*
 * Chains
 */

bool chain_add_slowly(struct ring *ring, struct ring_buffer *buffer, const struct chain_desc *desc)
{
	bool is_write = desc->flags & VIRTQ_WRITE;
	uint64_t addr = desc->addr;
	uint32_t len = desc->len;

	if (is_write != (ring->direction == RING_TO_GUEST))
		ring_break(ring, is_write ? "a descriptor to write to in a frame it sent"
					  : "a descriptor to read from in a buffer to receive in");
	else if (len == 0)
		ring_break(ring, "a descriptor of no bytes");
	else if (len > UINT32_MAX - buffer->len)
		ring_break(ring, "a chain of more than 4 GiB");

	while (!ring->is_broken && len > 0) {
		unsigned at = ring->n_iov + buffer->n_iov;
		uint64_t left;
		uint8_t *host = guest_at(ring->mem, &ring->hint, addr, &left);
		uint32_t n;

		if (!host) {
			ring_break(ring, "a descriptor of %u bytes at %#llx, outside its memory",
				   desc->len, (unsigned long long)desc->addr);
			break;
		}

		/* Where nothing can be kept, nothing is looked for: in small
		 * regions that would take long.
		 */
		if (at == RING_IOV_MAX) {
			buffer->is_cut = true;
			break;
		}

		n = (uint32_t)MIN(left, (uint64_t)len);
		ring->iov[at] = (struct iovec){ .iov_base = host, .iov_len = n };
		buffer->n_iov++;
		buffer->len += n;
		addr += n;
		len -= n;
	}

	return !ring->is_broken;
}

/* Reads entry 'i' of an indirect table, of either layout. */
static bool chain_read_entry(struct ring *ring, uint64_t table, uint32_t i,
			     struct chain_desc *ret_desc)
{
	uint64_t left;
	uint8_t *at =
		guest_at(ring->mem, &ring->hint, table + i * sizeof(struct virtq_desc), &left);
	struct virtq_packed_desc packed;
	struct virtq_desc split;

	/* It may begin in one region and go on in the next: no driver's does. */
	if (!at || left < sizeof(split)) {
		ring_break(ring, "an indirect table at %#llx, outside its memory",
			   (unsigned long long)table);
		return false;
	}

	if (ring->layout == RING_SPLIT) {
		memcpy(&split, at, sizeof(split));
		copy_done();
		*ret_desc =
			(struct chain_desc){ le64_to_cpu(split.addr), le32_to_cpu(split.len),
					     le16_to_cpu(split.flags), le16_to_cpu(split.next) };
	} else {
		memcpy(&packed, at, sizeof(packed));
		copy_done();
		*ret_desc =
			(struct chain_desc){ le64_to_cpu(packed.addr), le32_to_cpu(packed.len),
					     le16_to_cpu(packed.flags), le16_to_cpu(packed.id) };
		/* DPDK's driver says of the header of a frame it sends, if that is
		 * in a table, that it may be written to. We only read it.
		 */
		if (ring->direction == RING_FROM_GUEST)
			ret_desc->flags &= (uint16_t)~VIRTQ_WRITE;
	}
	return true;
}

/* How many entries the table has; 0: the ring is broken. */
static uint32_t chain_check_table(struct ring *ring, const struct chain_desc *desc)
{
	uint32_t n = desc->len / sizeof(struct virtq_desc);
	uint64_t end;

	if (!ring->has_indirect)
		ring_break(ring, "an indirect table, which was not negotiated");
	else if (desc->flags & VIRTQ_NEXT)
		ring_break(ring, "an indirect table in the middle of a chain");
	else if (desc->len == 0 || desc->len % sizeof(struct virtq_desc))
		ring_break(ring, "an indirect table of %u bytes", desc->len);
	else if (n > RING_CHAIN_MAX)
		ring_break(ring, "an indirect table of %u descriptors; at most %d are allowed", n,
			   RING_CHAIN_MAX);
	else if (__builtin_add_overflow(desc->addr, desc->len, &end))
		ring_break(ring, "an indirect table at %#llx, outside its memory",
			   (unsigned long long)desc->addr);

	return ring->is_broken ? 0 : n;
}

bool chain_add_table(struct ring *ring, struct ring_buffer *buffer, const struct chain_desc *desc)
{
	uint32_t n = chain_check_table(ring, desc), i = 0;
	bool more = n > 0;

	for (uint32_t done = 0; more; done++) {
		struct chain_desc entry;

		if (done == n) {
			ring_break(ring, "a loop in an indirect table of %u descriptors", n);
			return false;
		}
		if (!chain_read_entry(ring, desc->addr, i, &entry))
			return false;
		if (entry.flags & VIRTQ_INDIRECT) {
			ring_break(ring, "an indirect table in an indirect table");
			return false;
		}
		if (!chain_add(ring, buffer, &entry))
			return false;

		/* A packed ring's table is used from its start to its end. */
		if (ring->layout == RING_PACKED) {
			more = ++i < n;
			continue;
		}
		more = entry.flags & VIRTQ_NEXT;
		i = entry.next;
		if (more && i >= n) {
			ring_break(ring, "descriptor %u in an indirect table of %u", i, n);
			return false;
		}
	}

	return !ring->is_broken;
}

/*
 * The window
 */

static void ring_fetch(struct ring *ring, unsigned n)
{
	assert(ring->n_done == ring->n_buffers);

	ring->n_buffers = ring->n_done = ring->n_iov = 0;
	if (ring->is_broken)
		return;
	if (ring->layout == RING_SPLIT)
		split_fetch(ring, n);
	else
		packed_fetch(ring, n);
}

static void ring_use(struct ring *ring, const struct ring_buffer *buffer, uint32_t len)
{
	if (ring->layout == RING_SPLIT)
		split_use(ring, buffer, len);
	else
		packed_use(ring, buffer, len);
}

static bool ring_publish(struct ring *ring)
{
	return ring->layout == RING_SPLIT ? split_publish(ring) : packed_publish(ring);
}

/* Gives back what was fetched and not used. */
static void ring_rewind(struct ring *ring)
{
	unsigned n_desc = 0;

	if (ring->n_done == ring->n_buffers)
		return;

	for (unsigned i = ring->n_done; i < ring->n_buffers; i++)
		n_desc += ring->buffer[i].n_desc;
	if (ring->layout == RING_SPLIT)
		split_rewind(ring, n_desc);
	else
		packed_rewind(ring, n_desc);
	ring->n_done = ring->n_buffers;
}

/*
 * From the guest
 */

/* Reads the header of a frame that has it in several pieces, or ends with it,
 * and takes it out of them.
 */
static void ring_read_header(struct ring *ring, struct ring_frame *frame)
{
	uint8_t header[sizeof(struct virtio_net_header)];
	unsigned at = 0;

	while (at < ring->header_len) {
		struct iovec *iov = &frame->iov[1];
		size_t n = MIN(iov->iov_len, (size_t)ring->header_len - at);

		memcpy(header + at, iov->iov_base, n);
		copy_done();
		at += (unsigned)n;
		iov->iov_base = (uint8_t *)iov->iov_base + n;
		iov->iov_len -= n;
		if (iov->iov_len == 0) {
			frame->iov++;
			frame->n_iov--;
		}
	}

	frame->iov[0] = (struct iovec){ NULL, 0 };
	memcpy(&frame->vnet, header, sizeof(frame->vnet));
}

static inline void ring_open_frame(struct ring *ring, const struct ring_buffer *buffer,
				   struct ring_frame *frame)
{
	struct iovec *first = &ring->iov[buffer->iov + 1];

	frame->iov = first - 1;
	frame->n_iov = buffer->n_iov;
	frame->len = buffer->len - ring->header_len;

	if (first->iov_len > ring->header_len && !buffer->is_cut) {
		memcpy(&frame->vnet, first->iov_base, sizeof(frame->vnet));
		copy_done();
		first->iov_base = (uint8_t *)first->iov_base + ring->header_len;
		first->iov_len -= ring->header_len;
	} else if (buffer->is_cut) {
		frame->len = UINT32_MAX;
	} else if (buffer->len < ring->header_len) {
		frame->len = 0;
	} else {
		ring_read_header(ring, frame);
	}
}

unsigned ring_take(struct ring *ring, struct ring_frame frames[], unsigned n)
{
	assert(ring->direction == RING_FROM_GUEST);

	ring_fetch(ring, n);
	for (unsigned i = 0; i < ring->n_buffers; i++)
		ring_open_frame(ring, &ring->buffer[i], &frames[i]);
	return ring->n_buffers;
}

bool ring_release(struct ring *ring)
{
	if (ring->n_done == ring->n_buffers)
		return false;

	if (ring->layout == RING_SPLIT)
		split_use_all(ring);
	else
		packed_use_all(ring);
	return ring_publish(ring);
}

/*
 * To the guest
 */

void ring_expect(struct ring *ring, unsigned n)
{
	if (ring->n_done == ring->n_buffers)
		ring_fetch(ring, MIN(n * ring->per_frame, (unsigned)RING_WINDOW));
}

/* How many buffers of the window, the first unused one on, have room for 'len'
 * bytes; 0 if all together have not.
 */
static unsigned ring_count(const struct ring *ring, uint32_t len)
{
	uint64_t room = 0;

	for (unsigned i = ring->n_done; i < ring->n_buffers; i++) {
		room += ring->buffer[i].len;
		if (room >= len)
			return i - ring->n_done + 1;
		if (!ring->mergeable)
			break;
	}

	return 0;
}

/* Finds buffers with room for 'len' bytes; sets their number. */
static enum ring_put ring_reserve(struct ring *ring, uint32_t len, unsigned *ret_n)
{
	unsigned n = ring_count(ring, len);

	if (n == 0 && (ring->mergeable || ring->n_done == ring->n_buffers)) {
		ring_rewind(ring);
		ring_fetch(ring, ring->mergeable ? RING_WINDOW : 1);
		n = ring_count(ring, len);
	}
	if (n > 0) {
		*ret_n = n;
		return RING_PUT_DONE;
	}

	/* Would waiting help? Not if the window has all it can hold. */
	if (ring->n_buffers > 0 &&
	    (!ring->mergeable || ring->n_buffers == RING_WINDOW || ring->n_iov == RING_IOV_MAX))
		return RING_PUT_SMALL;
	return RING_PUT_FULL;
}

/* A place in the pieces of consecutive buffers. */
struct ring_writer {
	const struct iovec *iov;
	size_t pos;
};

static void ring_write(struct ring_writer *writer, const void *from, size_t len)
{
	const uint8_t *data = from;

	while (len > 0) {
		size_t n = MIN(len, writer->iov->iov_len - writer->pos);

		copy_bytes((uint8_t *)writer->iov->iov_base + writer->pos, data, n);
		writer->pos += n;
		data += n;
		len -= n;
		if (writer->pos == writer->iov->iov_len) {
			writer->iov++;
			writer->pos = 0;
		}
	}
}

static void ring_use_many(struct ring *ring, unsigned n, uint32_t len)
{
	for (unsigned i = 0; i < n; i++) {
		const struct ring_buffer *buffer = &ring->buffer[ring->n_done++];
		uint32_t used = MIN(len, buffer->len);

		ring_use(ring, buffer, used);
		len -= used;
	}
}

/* The frame does not go to one piece of memory that was fetched already. */
static __attribute__((noinline)) enum ring_put ring_put_slowly(struct ring *ring,
							       const struct iovec *iov,
							       unsigned n_iov, uint32_t len,
							       const struct vnet_header *vnet)
{
	struct virtio_net_header header = { .vnet = *vnet };
	uint32_t whole = len + ring->header_len;
	struct ring_writer writer;
	enum ring_put put;
	unsigned n;

	put = ring_reserve(ring, whole, &n);
	if (put != RING_PUT_DONE)
		return put;

	ring->per_frame = (uint16_t)n;
	header.num_buffers = cpu_to_le16((uint16_t)n);
	writer = (struct ring_writer){ .iov = &ring->iov[ring->buffer[ring->n_done].iov] };
	ring_write(&writer, &header, ring->header_len);
	for (unsigned i = 0; i < n_iov; i++)
		ring_write(&writer, iov[i].iov_base, iov[i].iov_len);
	ring_use_many(ring, n, whole);
	return RING_PUT_DONE;
}

/* Writes the header of a frame in one buffer, in pieces of which the processor
 * has just stored the same ones: others would have to wait for its cache.
 */
static inline uint8_t *ring_write_header(const struct ring *ring, uint8_t *to,
					 const struct vnet_header *vnet)
{
	const uint8_t *from = (const uint8_t *)vnet;
	const le16 one = cpu_to_le16(1);

	memcpy(to, from, 8);
	memcpy(to + 8, from + 8, 2);
	if (ring->header_len == sizeof(struct virtio_net_header))
		memcpy(to + sizeof(*vnet), &one, sizeof(one));
	return to + ring->header_len;
}

/* The lines of the next buffer are on their way while a frame is copied into
 * this one: a guest that reads what it gets has them in its own cache. Measured
 * with frames of 1514 bytes: a quarter faster if the guest does, a tenth if not.
 * Of longer ones the processor fetches the rest by itself.
 */
static inline void ring_prefetch_rest(const struct ring *ring, const struct ring_buffer *buffer,
				      uint32_t len)
{
	const struct iovec *iov = &ring->iov[buffer->iov];
	size_t end = MIN(iov->iov_len, (size_t)RING_PREFETCH_MAX);

	end = MIN(end, (size_t)len);
	for (size_t at = 128; at < end; at += 64)
		__builtin_prefetch((uint8_t *)iov->iov_base + at, 1);
}

enum ring_put ring_put(struct ring *ring, const struct iovec *iov, unsigned n_iov, uint32_t len,
		       const struct vnet_header *vnet)
{
	const struct ring_buffer *buffer = &ring->buffer[ring->n_done];
	uint32_t whole = len + ring->header_len;
	uint8_t *to;

	assert(ring->direction == RING_TO_GUEST);

	if (ring->n_done == ring->n_buffers || ring->iov[buffer->iov].iov_len < whole)
		return ring_put_slowly(ring, iov, n_iov, len, vnet);

	if (len > COPY_SHORT && ring->n_done + 1u < ring->n_buffers)
		ring_prefetch_rest(ring, buffer + 1, whole);
	to = ring_write_header(ring, ring->iov[buffer->iov].iov_base, vnet);
	for (unsigned i = 0; i < n_iov; i++) {
		copy_bytes(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	ring->n_done++;
	ring->per_frame = 1;
	ring_use(ring, buffer, whole);
	return RING_PUT_DONE;
}

bool ring_commit(struct ring *ring)
{
	ring_rewind(ring);
	return ring_publish(ring);
}

bool ring_arm(struct ring *ring)
{
	if (ring->is_broken)
		return true;

	ring->is_armed = true;
	return ring->layout == RING_SPLIT ? split_arm(ring) : packed_arm(ring);
}

void ring_disarm(struct ring *ring)
{
	if (!ring->is_armed)
		return;

	ring->is_armed = false;
	if (ring->layout == RING_SPLIT)
		split_disarm(ring);
	else
		packed_disarm(ring);
}
