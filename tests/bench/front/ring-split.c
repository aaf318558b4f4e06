/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Split rings, the driver's side (virtio 1.2 §2.7).
 *
 * Slot i owns the descriptors from i << parts_shift on, so there is no list of
 * free ones. They are written anew for each frame, as a guest's kernel does.
 */
#include "ring.h"

void ring_split_open_(struct ring *ring)
{
	ring_split_disarm_(ring);
}

/* The descriptors of one buffer; returns the first one's number. */
static uint16_t ring_split_describe(struct ring *ring, const struct ring_buf *buf)
{
	uint16_t write = ring->config.direction == RING_RECEIVE ? VRING_DESC_F_WRITE : 0;
	uint16_t head = (uint16_t)(buf->slot << ring->parts_shift);
	struct vring_desc *desc = (struct vring_desc *)ring->desc + head;
	uint64_t at = ring_gpa_(ring, buf->slot);
	uint32_t n = ring_parts_(ring, buf->len), rest = buf->len, len;

	for (uint32_t i = 0; i + 1 < n; i++) {
		len = MIN(rest, ring->config.part_len);
		desc[i] = (struct vring_desc){ at, len, write | VRING_DESC_F_NEXT,
					       (uint16_t)(head + i + 1) };
		at += len;
		rest -= len;
	}

	desc[n - 1] = (struct vring_desc){ at, rest, write, 0 };
	return head;
}

static uint16_t ring_split_describe_indirect(struct ring *ring, const struct ring_buf *buf)
{
	uint32_t n = ring_table_(ring, buf, false);

	((struct vring_desc *)ring->desc)[buf->slot] = (struct vring_desc){
		.addr = ring->tables_gpa + (uint64_t)buf->slot * ring->table_size * 16,
		.len = n * 16,
		.flags = VRING_DESC_F_INDIRECT,
	};
	return (uint16_t)buf->slot;
}

static void ring_split_tell(struct ring *ring)
{
	struct vring_used *used = ring->used;
	uint16_t before = ring->published;
	uint16_t *event = (uint16_t *)(void *)&used->ring[ring->config.size];

	ring->published = ring->next_avail;

	/* The index must be there before the device's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->config.event_idx
		    ? vring_need_event(__atomic_load_n(event, __ATOMIC_RELAXED), ring->published,
				       before)
		    : !(__atomic_load_n(&used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY))
		ring_kick_(ring);
}

void ring_split_post_(struct ring *ring, const struct ring_buf *bufs, unsigned n)
{
	struct vring_avail *avail = ring->avail;
	uint16_t mask = (uint16_t)(ring->config.size - 1), next = ring->next_avail;

	for (unsigned i = 0; i < n; i++) {
		avail->ring[next++ & mask] = ring->config.indirect
						     ? ring_split_describe_indirect(ring, &bufs[i])
						     : ring_split_describe(ring, &bufs[i]);
		ring->posted[bufs[i].slot] = 1;
	}

	ring->next_avail = next;
	__atomic_store_n(&avail->idx, next, __ATOMIC_RELEASE);
	ring_split_tell(ring);
}

unsigned ring_split_collect_(struct ring *ring, struct ring_buf *bufs, unsigned max)
{
	struct vring_used *used = ring->used;
	uint16_t mask = (uint16_t)(ring->config.size - 1);
	uint16_t there = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) - ring->next_used;
	unsigned n = MIN(there, max);

	if (__builtin_expect(there > ring->n_posted, 0)) {
		ring->broken = "the used index passed the available one";
		return 0;
	}

	for (unsigned i = 0; i < n; i++) {
		struct vring_used_elem elem = used->ring[(ring->next_used + i) & mask];
		uint32_t slot = elem.id >> ring->parts_shift;

		if (!ring_take_back_(ring, slot))
			return 0;
		bufs[i] = (struct ring_buf){ slot, elem.len };
	}

	ring->next_used = (uint16_t)(ring->next_used + n);
	return n;
}

static void ring_split_used_event(struct ring *ring, uint16_t event)
{
	struct vring_avail *avail = ring->avail;

	__atomic_store_n(&avail->ring[ring->config.size], event, __ATOMIC_RELAXED);
}

bool ring_split_arm_(struct ring *ring)
{
	struct vring_avail *avail = ring->avail;
	struct vring_used *used = ring->used;

	if (ring->config.event_idx)
		ring_split_used_event(ring, ring->next_used);
	else
		__atomic_store_n(&avail->flags, 0, __ATOMIC_RELAXED);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == ring->next_used;
}

/* With EVENT_IDX the flag means nothing: as in the kernel's driver, the event
 * lies somewhere in the past, and is met once in 65536 frames.
 */
void ring_split_disarm_(struct ring *ring)
{
	struct vring_avail *avail = ring->avail;

	if (ring->config.event_idx)
		ring_split_used_event(ring, (uint16_t)(ring->next_used - 1));
	else
		__atomic_store_n(&avail->flags, VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
}
