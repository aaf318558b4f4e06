/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of descriptors, checked and translated: what both layouts share.
 * For split.c, packed.c and ring.c only.
 */
#ifndef VIRTIO_CHAIN_H
#define VIRTIO_CHAIN_H

#include "base/macros.h"
#include "virtio/ring.h"

/* A descriptor of either layout, read once. */
struct chain_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next; /* split: the next one; packed: the buffer's id */
};

/* The ring is finished: writes the clause (once). */
void ring_break(struct ring *ring, const char *fmt, ...) PRINTF(2, 3);

/* Begins a buffer at the window's end; it does not count yet. */
static inline struct ring_buffer *chain_begin(struct ring *ring)
{
	struct ring_buffer *buffer = &ring->buffer[ring->n_buffers];

	*buffer = (struct ring_buffer){ .n_desc = 1, .iov = ring->n_iov };
	if (ring->direction == RING_FROM_GUEST) {
		/* Empty, for the caller: struct ring_frame. */
		if (ring->n_iov == RING_IOV_MAX)
			buffer->is_cut = true;
		else
			ring->iov[ring->n_iov + buffer->n_iov++] = (struct iovec){ NULL, 0 };
	}
	return buffer;
}

/* Adds what chain_add() cannot: several regions, or what is not allowed. */
bool chain_add_slowly(struct ring *ring, struct ring_buffer *buffer, const struct chain_desc *desc);

/* Adds a descriptor's memory to the buffer. False: the ring is broken. */
static inline bool chain_add(struct ring *ring, struct ring_buffer *buffer,
			     const struct chain_desc *desc)
{
	unsigned at = ring->n_iov + buffer->n_iov;
	uint64_t left;
	uint8_t *host;

	if (!!(desc->flags & VIRTQ_WRITE) != (ring->direction == RING_TO_GUEST) || desc->len == 0 ||
	    desc->len > UINT32_MAX - buffer->len || at >= RING_IOV_MAX)
		return chain_add_slowly(ring, buffer, desc);
	host = guest_at(ring->mem, &ring->hint, desc->addr, &left);
	if (!host || left < desc->len)
		return chain_add_slowly(ring, buffer, desc);

	ring->iov[at] = (struct iovec){ .iov_base = host, .iov_len = desc->len };
	buffer->n_iov++;
	buffer->len += desc->len;
	return true;
}

/* Adds the descriptors of the table that 'desc' points to. False: the ring is
 * broken.
 */
bool chain_add_table(struct ring *ring, struct ring_buffer *buffer, const struct chain_desc *desc);

/* The buffer is complete, and in the window. False: its pieces did not fit
 * behind those of others, and it is to be fetched again when they are gone.
 */
static inline bool chain_end(struct ring *ring, struct ring_buffer *buffer)
{
	if (buffer->is_cut && ring->n_buffers > 0)
		return false;

	ring->n_iov = (uint16_t)(ring->n_iov + buffer->n_iov);
	ring->n_buffers++;
	return true;
}

/* Asks for memory that will be used soon, as much of it as a short frame has. */
static inline void chain_prefetch(const uint8_t *at, enum ring_direction direction)
{
	if (direction == RING_FROM_GUEST) {
		__builtin_prefetch(at);
		__builtin_prefetch(at + 64);
	} else {
		__builtin_prefetch(at, 1);
		__builtin_prefetch(at + 64, 1);
	}
}

/*
 * The layouts
 */

/* Finds the parts of the ring in memory, and where to go on. */
int split_init(struct ring *ring, const struct ring_config *config, struct err *err);
int packed_init(struct ring *ring, const struct ring_config *config, struct err *err);

/* Fetches up to 'n' buffers into the empty window. */
void split_fetch(struct ring *ring, unsigned n);
void packed_fetch(struct ring *ring, unsigned n);

/* Gives buffers of so many steps, the last ones fetched, back unused. */
void split_rewind(struct ring *ring, unsigned n_desc);
void packed_rewind(struct ring *ring, unsigned n_desc);

/* Notes a buffer as used; 'len' bytes were written to it. */
static inline void split_use(struct ring *ring, const struct ring_buffer *buffer, uint32_t len);
void packed_use(struct ring *ring, const struct ring_buffer *buffer, uint32_t len);

/* Notes the rest of the window as used; nothing was written. */
void split_use_all(struct ring *ring);
void packed_use_all(struct ring *ring);

/* Shows what was noted. True: the driver wants to be called. */
bool split_publish(struct ring *ring);
bool packed_publish(struct ring *ring);

/* As ring_arm(), ring_disarm() and ring_base(). */
bool split_arm(struct ring *ring);
bool packed_arm(struct ring *ring);
void split_disarm(struct ring *ring);
void packed_disarm(struct ring *ring);
uint32_t packed_base(const struct ring *ring);

/* Is 'event' among the 'n' steps that ended at 'now' (virtio 1.2 §2.7.7)? */
static inline bool ring_passed(uint16_t event, uint16_t now, uint16_t n)
{
	return (uint16_t)(now - event - 1) < n;
}

/* Fields of shared memory, read or written exactly once. */
static inline uint16_t load16(const le16 *at)
{
	return le16_to_cpu(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline uint16_t load16_acquire(const le16 *at)
{
	return le16_to_cpu(__atomic_load_n(at, __ATOMIC_ACQUIRE));
}

static inline void store16(le16 *at, uint16_t value)
{
	__atomic_store_n(at, cpu_to_le16(value), __ATOMIC_RELAXED);
}

static inline void store16_release(le16 *at, uint16_t value)
{
	__atomic_store_n(at, cpu_to_le16(value), __ATOMIC_RELEASE);
}

static inline uint32_t load32(const le32 *at)
{
	return le32_to_cpu(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline void store32(le32 *at, uint32_t value)
{
	__atomic_store_n(at, cpu_to_le32(value), __ATOMIC_RELAXED);
}

static inline uint64_t load64(const le64 *at)
{
	return le64_to_cpu(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline void split_use(struct ring *ring, const struct ring_buffer *buffer, uint32_t len)
{
	struct virtq_used_entry *entry = &ring->split.used->ring[ring->used++ & (ring->size - 1)];

	store32(&entry->id, buffer->id);
	store32(&entry->len, len);
}

#endif
