/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed rings (virtio 1.2 §2.8): one ring of descriptors, which the driver
 * makes available and the device marks as used in the same places.
 *
 * A descriptor's two flags say whose it is, relative to a wrap counter that
 * changes with each turn. A chain takes consecutive descriptors; used, it takes
 * the place of its first one, and the others are skipped. The flags of the
 * first one used in a burst are written last, and show all of them at once.
 */
#include <errno.h>

#include "virtio/chain.h"

#define PACKED_WRAP 0x8000u

static void *packed_find(const struct guest_mem *mem, uint64_t user, uint64_t size, uint64_t align)
{
	uint8_t *at = guest_range_user(mem, user, size);

	return at && (uintptr_t)at % align == 0 ? at : NULL;
}

int packed_init(struct ring *ring, const struct ring_config *config, struct err *err)
{
	uint64_t size = config->size * sizeof(struct virtq_packed_desc);

	ring->packed.desc = packed_find(ring->mem, config->desc, size, 16);
	ring->packed.driver = packed_find(ring->mem, config->avail, 4, 4);
	ring->packed.device = packed_find(ring->mem, config->used, 4, 4);
	if (!ring->packed.desc || !ring->packed.driver || !ring->packed.device)
		return err_set(err, EINVAL,
			       "a packed ring of %u entries whose parts (%#llx, %#llx, %#llx) are "
			       "not in its memory, or not aligned",
			       config->size, (unsigned long long)config->desc,
			       (unsigned long long)config->avail, (unsigned long long)config->used);

	/* The base's upper half says the same of used descriptors; nothing is in
	 * flight, and not every front-end fills it in.
	 */
	ring->avail = config->base & ~PACKED_WRAP & UINT16_MAX;
	ring->avail_wrap = config->base & PACKED_WRAP;
	if (ring->avail >= ring->size)
		return err_set(err, EINVAL, "a packed ring of %u entries that goes on at entry %u",
			       config->size, ring->avail);
	ring->used = ring->published = ring->avail;
	ring->used_wrap = ring->avail_wrap;
	return 0;
}

uint32_t packed_base(const struct ring *ring)
{
	uint32_t half = ring->avail | (ring->avail_wrap ? PACKED_WRAP : 0);

	return half << 16 | half;
}

/* Moves a position on by 'n' steps, at most a turn. */
static inline void packed_step(const struct ring *ring, uint16_t *pos, bool *wrap, unsigned n)
{
	unsigned next = *pos + n;

	if (next >= ring->size) {
		next -= ring->size;
		*wrap = !*wrap;
	}
	*pos = (uint16_t)next;
}

static inline bool packed_is_available(uint16_t flags, bool wrap)
{
	return !!(flags & VIRTQ_AVAIL) == wrap && !!(flags & VIRTQ_USED) != wrap;
}

/* 'flags' were read before, and with acquire. */
static inline void packed_read(const struct virtq_packed_desc *from, uint16_t flags,
			       struct chain_desc *ret_desc)
{
	ret_desc->addr = load64(&from->addr);
	ret_desc->len = load32(&from->len);
	ret_desc->next = load16(&from->id);
	ret_desc->flags = flags;
}

/* Adds the chain that begins with 'desc', at the position the ring has; sets
 * how many descriptors it takes and its id, which its last one has.
 */
static bool packed_walk(struct ring *ring, struct ring_buffer *buffer, struct chain_desc *desc)
{
	unsigned max = MIN(ring->size, (uint32_t)RING_CHAIN_MAX);
	uint16_t pos = ring->avail;
	bool wrap = ring->avail_wrap;
	unsigned n = 1;

	for (;; n++) {
		if (!(desc->flags & VIRTQ_INDIRECT ? chain_add_table(ring, buffer, desc)
						   : chain_add(ring, buffer, desc)))
			return false;
		if (!(desc->flags & VIRTQ_NEXT))
			break;

		if (n == max) {
			ring_break(ring, "a loop, or a chain of more than %u descriptors", max);
			return false;
		}
		packed_step(ring, &pos, &wrap, 1);
		packed_read(&ring->packed.desc[pos], load16(&ring->packed.desc[pos].flags), desc);
	}

	buffer->n_desc = (uint16_t)n;
	buffer->id = desc->next;
	return true;
}

/* Fetches buffers of one descriptor in one piece of memory, as
 * split_fetch_simple(), up to the ring's end; returns how many.
 */
static inline unsigned packed_fetch_simple(struct ring *ring, unsigned n,
					   enum ring_direction direction)
{
	const uint16_t mask = VIRTQ_NEXT | VIRTQ_WRITE | VIRTQ_INDIRECT | VIRTQ_AVAIL | VIRTQ_USED;
	const uint16_t wanted = (uint16_t)((direction == RING_FROM_GUEST ? 0 : VIRTQ_WRITE) |
					   (ring->avail_wrap ? VIRTQ_AVAIL : VIRTQ_USED));
	const struct guest_region *region = &ring->mem->region[ring->hint % GUEST_REGIONS_MAX];
	const unsigned is_from = direction == RING_FROM_GUEST;
	const uint64_t gpa = region->gpa, size = region->size;
	const struct virtq_packed_desc *table = &ring->packed.desc[ring->avail];
	struct ring_buffer *buffer = &ring->buffer[ring->n_buffers];
	struct iovec *iov = &ring->iov[ring->n_iov];
	uint16_t at = ring->n_iov;
	unsigned i;

	n = MIN(n, (RING_IOV_MAX - at) / (1 + is_from));
	n = MIN(n, ring->size - ring->avail);
	for (i = 0; i < n; i++) {
		uint16_t flags = load16_acquire(&table[i].flags);
		struct chain_desc desc;
		uint64_t offset;
		uint8_t *host;

		if ((flags & mask) != wanted)
			break;
		packed_read(&table[i], flags, &desc);
		offset = desc.addr - gpa;
		if (desc.len == 0 || offset >= size || desc.len > size - offset)
			break;

		host = region->host + offset;
		if (is_from)
			*iov++ = (struct iovec){ NULL, 0 };
		*iov++ = (struct iovec){ .iov_base = host, .iov_len = desc.len };

		buffer->id = desc.next;
		buffer->n_desc = 1;
		buffer->iov = at;
		buffer->n_iov = (uint16_t)(1 + is_from);
		buffer->len = desc.len;
		buffer->is_cut = false;
		buffer++;
		at = (uint16_t)(at + 1 + is_from);

		chain_prefetch(host, direction);
		__builtin_prefetch(&table[i] + 8);
	}

	ring->n_buffers = (uint16_t)(ring->n_buffers + i);
	ring->n_iov = at;
	packed_step(ring, &ring->avail, &ring->avail_wrap, i);
	return i;
}

/* Fetches any buffer; returns its descriptors. 0: there is none, the ring is
 * broken, or the window full.
 */
static unsigned packed_fetch_one(struct ring *ring)
{
	const struct virtq_packed_desc *at = &ring->packed.desc[ring->avail];
	uint16_t flags = load16_acquire(&at->flags);
	struct ring_buffer *buffer;
	struct chain_desc desc;

	if (!packed_is_available(flags, ring->avail_wrap))
		return 0;

	buffer = chain_begin(ring);
	packed_read(at, flags, &desc);
	if (!packed_walk(ring, buffer, &desc) || !chain_end(ring, buffer))
		return 0;

	packed_step(ring, &ring->avail, &ring->avail_wrap, buffer->n_desc);
	return buffer->n_desc;
}

void packed_fetch(struct ring *ring, unsigned n)
{
	unsigned n_desc = 0, step;

	n = MIN(n, (unsigned)RING_WINDOW);
	while (ring->n_buffers < n) {
		if (ring->direction == RING_FROM_GUEST)
			step = packed_fetch_simple(ring, n - ring->n_buffers, RING_FROM_GUEST);
		else
			step = packed_fetch_simple(ring, n - ring->n_buffers, RING_TO_GUEST);
		if (step == 0)
			step = packed_fetch_one(ring);
		if (step == 0)
			return;

		/* More than a turn: somebody writes behind us, and is no driver. */
		n_desc += step;
		if (n_desc > ring->size) {
			ring_break(ring, "more descriptors than its ring of %u has", ring->size);
			return;
		}
	}
}

void packed_rewind(struct ring *ring, unsigned n_desc)
{
	if (n_desc > ring->avail) {
		ring->avail = (uint16_t)(ring->avail + ring->size - n_desc);
		ring->avail_wrap = !ring->avail_wrap;
	} else {
		ring->avail = (uint16_t)(ring->avail - n_desc);
	}
}

void packed_use(struct ring *ring, const struct ring_buffer *buffer, uint32_t len)
{
	struct virtq_packed_desc *desc = &ring->packed.desc[ring->used];
	uint16_t flags = (uint16_t)((ring->used_wrap ? VIRTQ_AVAIL | VIRTQ_USED : 0) |
				    (len > 0 ? VIRTQ_WRITE : 0));

	store16(&desc->id, buffer->id);
	store32(&desc->len, len);
	if (ring->n_published == 0)
		ring->first_flags = flags;
	else
		store16(&desc->flags, flags);

	ring->n_published = (uint16_t)(ring->n_published + buffer->n_desc);
	packed_step(ring, &ring->used, &ring->used_wrap, buffer->n_desc);
}

void packed_use_all(struct ring *ring)
{
	while (ring->n_done < ring->n_buffers)
		packed_use(ring, &ring->buffer[ring->n_done++], 0);
}

/* Both fields of the driver's wish are one word, as they are for it. */
static bool packed_wants_call(const struct ring *ring, uint16_t n)
{
	uint32_t wish = load32((const le32 *)(const void *)ring->packed.driver);
	unsigned flags = wish >> 16 & 3;
	uint16_t event = wish & (PACKED_WRAP - 1);

	if (flags != VIRTQ_EVENT_DESC || !ring->has_event_idx)
		return flags != VIRTQ_EVENT_DISABLE;
	if (!!(wish & PACKED_WRAP) != ring->used_wrap)
		event = (uint16_t)(event - ring->size);
	return ring_passed(event, ring->used, n);
}

bool packed_publish(struct ring *ring)
{
	uint16_t n = ring->n_published;

	if (n == 0)
		return false;

	store16_release(&ring->packed.desc[ring->published].flags, ring->first_flags);
	ring->published = ring->used;
	ring->n_published = 0;

	/* As for split rings: split_publish(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return packed_wants_call(ring, n);
}

bool packed_arm(struct ring *ring)
{
	uint16_t pos = (uint16_t)(ring->avail | (ring->avail_wrap ? PACKED_WRAP : 0));

	if (ring->has_event_idx) {
		store16(&ring->packed.device->off_wrap, pos);
		store16_release(&ring->packed.device->flags, VIRTQ_EVENT_DESC);
	} else {
		store16(&ring->packed.device->flags, VIRTQ_EVENT_ENABLE);
	}

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !packed_is_available(load16(&ring->packed.desc[ring->avail].flags),
				    ring->avail_wrap);
}

void packed_disarm(struct ring *ring)
{
	store16(&ring->packed.device->flags, VIRTQ_EVENT_DISABLE);
}
