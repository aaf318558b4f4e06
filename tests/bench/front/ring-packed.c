/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed rings, the driver's side (virtio 1.2 §2.8). A buffer's id is its slot. */
#include "ring.h"

#define AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1u << VRING_PACKED_DESC_F_USED)

void ring_packed_open_(struct ring *ring)
{
	ring->avail_wrap = ring->used_wrap = true;
	ring_packed_disarm_(ring);
}

/* Writes the next descriptor but its flags, which it returns the place of. */
static uint16_t *ring_packed_put(struct ring *ring, uint64_t addr, uint32_t len, uint16_t id)
{
	struct vring_packed_desc *desc = (struct vring_packed_desc *)ring->desc + ring->next_avail;

	desc->addr = addr;
	desc->len = len;
	desc->id = id;
	return &desc->flags;
}

static uint16_t ring_packed_flags(const struct ring *ring)
{
	return (ring->config.direction == RING_RECEIVE ? VRING_DESC_F_WRITE : 0) |
	       (ring->avail_wrap ? AVAIL : USED);
}

static void ring_packed_advance(struct ring *ring)
{
	if (++ring->next_avail == ring->config.size) {
		ring->next_avail = 0;
		ring->avail_wrap = !ring->avail_wrap;
	}
}

/* The first descriptor's flags are written last: they make the others valid. */
static void ring_packed_chain(struct ring *ring, const struct ring_buf *buf)
{
	uint64_t at = ring_gpa_(ring, buf->slot);
	uint32_t n = ring_parts_(ring, buf->len), rest = buf->len;
	uint16_t *head = NULL, head_flags = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = MIN(rest, ring->config.part_len);
		uint16_t flags = ring_packed_flags(ring);
		uint16_t *place = ring_packed_put(ring, at, len, (uint16_t)buf->slot);

		if (i + 1 < n)
			flags |= VRING_DESC_F_NEXT;
		if (i == 0) {
			head = place;
			head_flags = flags;
		} else {
			*place = flags;
		}
		ring_packed_advance(ring);
		at += len;
		rest -= len;
	}

	ring->posted[buf->slot] = (uint8_t)n;
	__atomic_store_n(head, head_flags, __ATOMIC_RELEASE);
}

static void ring_packed_indirect(struct ring *ring, const struct ring_buf *buf)
{
	uint64_t at = ring->tables_gpa + (uint64_t)buf->slot * ring->table_size * 16;
	uint32_t n = ring_table_(ring, buf, true);
	uint16_t flags = (ring->avail_wrap ? AVAIL : USED) | VRING_DESC_F_INDIRECT;
	uint16_t *place = ring_packed_put(ring, at, n * 16, (uint16_t)buf->slot);

	ring_packed_advance(ring);
	ring->posted[buf->slot] = 1;
	__atomic_store_n(place, flags, __ATOMIC_RELEASE);
}

/* Whether a device that asked for the descriptor 'off_wrap' is to be told,
 * after those from 'before' up to the next one have been made available.
 */
static bool ring_packed_passed(const struct ring *ring, uint16_t off_wrap, uint16_t before)
{
	uint16_t event = off_wrap & 0x7fff;

	if ((off_wrap >> 15 != 0) != ring->avail_wrap)
		event -= (uint16_t)ring->config.size;
	return vring_need_event(event, ring->next_avail, before);
}

static void ring_packed_tell(struct ring *ring, uint16_t before)
{
	struct vring_packed_desc_event *device = ring->used;
	uint16_t flags, off_wrap;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	off_wrap = __atomic_load_n(&device->off_wrap, __ATOMIC_RELAXED);
	flags = __atomic_load_n(&device->flags, __ATOMIC_RELAXED);
	if (flags == VRING_PACKED_EVENT_FLAG_ENABLE ||
	    (flags == VRING_PACKED_EVENT_FLAG_DESC && ring_packed_passed(ring, off_wrap, before)))
		ring_kick_(ring);
}

void ring_packed_post_(struct ring *ring, const struct ring_buf *bufs, unsigned n)
{
	uint16_t before = ring->next_avail;
	bool wrap = ring->avail_wrap;

	for (unsigned i = 0; i < n; i++) {
		if (ring->config.indirect)
			ring_packed_indirect(ring, &bufs[i]);
		else
			ring_packed_chain(ring, &bufs[i]);
	}

	if (wrap != ring->avail_wrap)
		before -= (uint16_t)ring->config.size;
	ring_packed_tell(ring, before);
}

static bool ring_packed_is_used(const struct ring *ring)
{
	const struct vring_packed_desc *desc = ring->desc;
	unsigned flags_wrap =
		__atomic_load_n(&desc[ring->next_used].flags, __ATOMIC_ACQUIRE) & (AVAIL | USED);

	return flags_wrap == (ring->used_wrap ? AVAIL | USED : 0);
}

unsigned ring_packed_collect_(struct ring *ring, struct ring_buf *bufs, unsigned max)
{
	unsigned n;

	for (n = 0; n < max && ring->n_posted && ring_packed_is_used(ring); n++) {
		const struct vring_packed_desc *desc =
			(struct vring_packed_desc *)ring->desc + ring->next_used;
		uint16_t id = desc->id;
		unsigned parts;

		bufs[n] = (struct ring_buf){ id, desc->len };
		parts = ring_take_back_(ring, id);
		if (!parts)
			return 0;

		ring->next_used = (uint16_t)(ring->next_used + parts);
		if (ring->next_used >= ring->config.size) {
			ring->next_used -= (uint16_t)ring->config.size;
			ring->used_wrap = !ring->used_wrap;
		}
	}

	return n;
}

bool ring_packed_arm_(struct ring *ring)
{
	struct vring_packed_desc_event *driver = ring->avail;
	uint16_t wrap = ring->used_wrap ? 1u << VRING_PACKED_EVENT_F_WRAP_CTR : 0;

	__atomic_store_n(&driver->off_wrap, (uint16_t)(ring->next_used | wrap), __ATOMIC_RELAXED);
	__atomic_store_n(&driver->flags,
			 ring->config.event_idx ? VRING_PACKED_EVENT_FLAG_DESC
						: VRING_PACKED_EVENT_FLAG_ENABLE,
			 __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !ring_packed_is_used(ring);
}

void ring_packed_disarm_(struct ring *ring)
{
	struct vring_packed_desc_event *driver = ring->avail;

	__atomic_store_n(&driver->flags, VRING_PACKED_EVENT_FLAG_DISABLE, __ATOMIC_RELAXED);
}
