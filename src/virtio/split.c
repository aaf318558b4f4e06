/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Split rings (virtio 1.2 §2.7): a table of descriptors, a ring of chains the
 * driver makes available, and a ring of those the device has used.
 */
#include <errno.h>

#include "virtio/chain.h"

static void *split_find(const struct guest_mem *mem, uint64_t user, uint64_t size, uint64_t align)
{
	uint8_t *at = guest_range_user(mem, user, size);

	return at && (uintptr_t)at % align == 0 ? at : NULL;
}

int split_init(struct ring *ring, const struct ring_config *config, struct err *err)
{
	uint64_t n = config->size;

	if (n & (n - 1))
		return err_set(err, EINVAL, "a split ring of %u entries: not a power of two",
			       config->size);

	/* Each ends with an event index, which is there if it was negotiated. */
	ring->split.desc = split_find(ring->mem, config->desc, n * sizeof(struct virtq_desc), 16);
	ring->split.avail = split_find(
		ring->mem, config->avail,
		sizeof(struct virtq_avail) + (n + ring->has_event_idx) * sizeof(le16), 2);
	ring->split.used =
		split_find(ring->mem, config->used,
			   sizeof(struct virtq_used) + n * sizeof(struct virtq_used_entry) +
				   ring->has_event_idx * sizeof(le16),
			   4);
	if (!ring->split.desc || !ring->split.avail || !ring->split.used)
		return err_set(err, EINVAL,
			       "a split ring of %u entries whose parts (%#llx, %#llx, %#llx) are "
			       "not in its memory, or not aligned",
			       config->size, (unsigned long long)config->desc,
			       (unsigned long long)config->avail, (unsigned long long)config->used);

	/* Everything is used in the order it was made available, so the used
	 * index says where to go on even to somebody who was not told.
	 */
	ring->avail = load16(&ring->split.used->idx);
	ring->used = ring->published = ring->avail_seen = ring->avail;
	return 0;
}

/* The number of buffers that are available now; 0 if none is. */
static unsigned split_available(struct ring *ring, unsigned n)
{
	uint16_t ready = (uint16_t)(ring->avail_seen - ring->avail);

	if (ready >= n)
		return n;

	ring->avail_seen = load16_acquire(&ring->split.avail->idx);
	ready = (uint16_t)(ring->avail_seen - ring->avail);
	if (ready > ring->size) {
		ring_break(ring, "avail index jumped by %u in a ring of %u", ready, ring->size);
		return 0;
	}
	return MIN(n, (unsigned)ready);
}

static inline void split_read(const struct virtq_desc *from, struct chain_desc *ret_desc)
{
	uint64_t rest = load64(&((const le64 *)(const void *)from)[1]);

	ret_desc->addr = load64(&from->addr);
	ret_desc->len = (uint32_t)rest;
	ret_desc->flags = (uint16_t)(rest >> 32);
	ret_desc->next = (uint16_t)(rest >> 48);
}

/* Adds the chain that begins with 'desc'. */
static bool split_walk(struct ring *ring, struct ring_buffer *buffer, struct chain_desc *desc)
{
	unsigned max = MIN(ring->size, (uint32_t)RING_CHAIN_MAX);

	for (unsigned n = 1;; n++) {
		if (desc->flags & VIRTQ_INDIRECT)
			return chain_add_table(ring, buffer, desc);
		if (!chain_add(ring, buffer, desc))
			return false;
		if (!(desc->flags & VIRTQ_NEXT))
			return true;

		if (n == max) {
			ring_break(ring, "a loop, or a chain of more than %u descriptors", max);
			return false;
		}
		if (desc->next >= ring->size) {
			ring_break(ring, "descriptor %u in a ring of %u", desc->next, ring->size);
			return false;
		}
		split_read(&ring->split.desc[desc->next], desc);
	}
}

/* Reads the heads of the next 'n' buffers; returns how many are descriptors. */
static unsigned split_read_heads(struct ring *ring, unsigned n)
{
	uint16_t *heads = ring->heads;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = (uint16_t)((ring->avail + i) & (ring->size - 1));

		heads[i] = load16(&ring->split.avail->ring[at]);
		if (heads[i] >= ring->size) {
			ring_break(ring, "descriptor %u in a ring of %u", heads[i], ring->size);
			return i;
		}
		__builtin_prefetch(&ring->split.desc[heads[i]]);
	}

	return n;
}

/* Fetches buffers of one descriptor in one piece of memory, which nearly all
 * are, up to the first that is not one; returns how many. Here all the checks
 * of chain_add() are made at once, and 'direction' is a constant.
 */
static inline unsigned split_fetch_simple(struct ring *ring, const uint16_t heads[], unsigned n,
					  enum ring_direction direction)
{
	const struct guest_region *region = &ring->mem->region[ring->hint % GUEST_REGIONS_MAX];
	const unsigned is_from = direction == RING_FROM_GUEST;
	const uint16_t wanted = direction == RING_FROM_GUEST ? 0 : VIRTQ_WRITE;
	const uint64_t gpa = region->gpa, size = region->size;
	const struct virtq_desc *table = ring->split.desc;
	struct ring_buffer *buffer = &ring->buffer[ring->n_buffers];
	struct iovec *iov = &ring->iov[ring->n_iov];
	uint16_t at = ring->n_iov;
	unsigned i;

	n = MIN(n, (RING_IOV_MAX - at) / (1 + is_from));
	for (i = 0; i < n; i++) {
		struct chain_desc desc;
		uint64_t offset;
		uint8_t *host;

		split_read(&table[heads[i]], &desc);
		offset = desc.addr - gpa;
		if ((desc.flags & (VIRTQ_NEXT | VIRTQ_WRITE | VIRTQ_INDIRECT)) != wanted ||
		    desc.len == 0 || offset >= size || desc.len > size - offset)
			break;

		host = region->host + offset;
		if (is_from)
			*iov++ = (struct iovec){ NULL, 0 };
		*iov++ = (struct iovec){ .iov_base = host, .iov_len = desc.len };

		buffer->id = heads[i];
		buffer->n_desc = 1;
		buffer->iov = at;
		buffer->n_iov = (uint16_t)(1 + is_from);
		buffer->len = desc.len;
		buffer->is_cut = false;
		buffer++;
		at = (uint16_t)(at + 1 + is_from);

		chain_prefetch(host, direction);
	}

	ring->n_buffers = (uint16_t)(ring->n_buffers + i);
	ring->n_iov = at;
	ring->avail = (uint16_t)(ring->avail + i);
	return i;
}

/* Fetches any buffer. False: the ring is broken, or the window full. */
static bool split_fetch_one(struct ring *ring, uint16_t head)
{
	struct ring_buffer *buffer = chain_begin(ring);
	struct chain_desc desc;

	buffer->id = head;
	split_read(&ring->split.desc[head], &desc);
	if (!split_walk(ring, buffer, &desc) || !chain_end(ring, buffer))
		return false;

	ring->avail++;
	return true;
}

void split_fetch(struct ring *ring, unsigned n)
{
	const uint16_t *heads = ring->heads;
	unsigned i = 0;

	n = split_available(ring, MIN(n, (unsigned)RING_WINDOW));
	n = split_read_heads(ring, n);

	while (i < n) {
		if (ring->direction == RING_FROM_GUEST)
			i += split_fetch_simple(ring, heads + i, n - i, RING_FROM_GUEST);
		else
			i += split_fetch_simple(ring, heads + i, n - i, RING_TO_GUEST);
		if (i < n && !split_fetch_one(ring, heads[i++]))
			return;
	}
}

void split_rewind(struct ring *ring, unsigned n_desc)
{
	ring->avail = (uint16_t)(ring->avail - n_desc);
}

void split_use_all(struct ring *ring)
{
	uint16_t mask = (uint16_t)(ring->size - 1);

	for (unsigned i = ring->n_done; i < ring->n_buffers; i++) {
		struct virtq_used_entry *entry = &ring->split.used->ring[ring->used++ & mask];

		store32(&entry->id, ring->buffer[i].id);
		store32(&entry->len, 0);
	}
	ring->n_done = ring->n_buffers;
}

bool split_publish(struct ring *ring)
{
	const struct virtq_avail *avail = ring->split.avail;
	uint16_t n = (uint16_t)(ring->used - ring->published);
	bool first = !ring->was_called;

	if (n == 0)
		return false;

	ring->published = ring->used;
	store16_release(&ring->split.used->idx, ring->used);

	/* The driver writes its wish, then looks at the index; we the other way
	 * round (virtio 1.2 §2.7.7.2): one of the two sees the other's.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ring->has_event_idx)
		return !(load16(&avail->flags) & VIRTQ_NO_NOTIFICATION);

	ring->was_called = true;
	return first || ring_passed(load16(&avail->ring[ring->size]), ring->used, n);
}

/* Behind the used entries. */
static le16 *split_avail_event(const struct ring *ring)
{
	return (le16 *)(void *)&ring->split.used->ring[ring->size];
}

bool split_arm(struct ring *ring)
{
	if (ring->has_event_idx)
		store16(split_avail_event(ring), ring->avail);
	else
		store16(&ring->split.used->flags, 0);

	/* As in split_publish(), with the roles exchanged. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(&ring->split.avail->idx) == ring->avail;
}

void split_disarm(struct ring *ring)
{
	/* With event indices it is enough to leave the old one there. */
	if (!ring->has_event_idx)
		store16(&ring->split.used->flags, VIRTQ_NO_NOTIFICATION);
}
