/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtqueues, the driver's side: split and packed rings behind one face.
 *
 * A ring has slots: buffers of equal size, each of which always takes the same
 * number of descriptors. The driver posts slots, the device uses them, the
 * driver collects them. What no device may do makes the ring broken: nothing
 * more is collected, and 'broken' says why.
 *
 * The layouts are those of the kernel's headers, not of src/wire: who shares a
 * switch's headers shares its mistakes.
 */
#ifndef FRONT_RING_H
#define FRONT_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

#define RING_SIZE_MAX 32768
#define RING_BURST    64 /* slots posted or collected at once */

/* In every slot: the header ends, and the frame begins, on a cache line. */
#define RING_HEADER    12
#define RING_HEADER_AT 52
#define RING_FRAME_AT  64

enum ring_direction { RING_TRANSMIT, RING_RECEIVE };

struct ring_config {
	enum ring_direction direction;
	bool packed, event_idx, indirect;
	uint32_t size;	   /* entries */
	uint32_t slot_len; /* of the longest buffer, with the header */
	uint32_t part_len; /* of one descriptor, 0: all */
	uint32_t n_slots;  /* at most so many, 0: as many as there is room for */
};

/* A slot, and how much of it the driver or the device has filled. */
struct ring_buf {
	uint32_t slot;
	uint32_t len;
};

struct ring {
	struct ring_config config;
	uint32_t parts_shift; /* log2 of the ring's descriptors that a slot takes */
	uint32_t table_size;  /* of its indirect descriptors */
	uint32_t n_slots, stride;
	uint8_t *slots;
	uint64_t slots_gpa;
	struct vring_desc *tables; /* of indirect descriptors */
	uint64_t tables_gpa;

	/* In the shared memory. Of a packed ring, 'avail' and 'used' are the
	 * driver's and the device's event areas.
	 */
	void *desc, *avail, *used;
	uint16_t next_avail, next_used, published;
	bool avail_wrap, used_wrap;
	uint8_t *posted; /* by slot: how many descriptors, 0: none; the driver's own */
	uint32_t n_posted;

	int kick_fd, call_fd;
	uint64_t kicks;
	const char *broken;
};

/* How much shared memory ring_open() will take. */
size_t ring_memory(const struct ring_config *config);

/* Lays a ring out in 'slice'. Nothing is posted, and no call is asked for. */
int ring_open(struct ring *ring, const struct ring_config *config, struct memory_slice *slice,
	      struct err *err);

/* Harmless on a zeroed ring. */
void ring_close(struct ring *ring);

/* Hands slots that the driver has to the device, 'len' octets of each, and
 * tells it if it wants to be told.
 */
void ring_post(struct ring *ring, const struct ring_buf *bufs, unsigned n);

/* Takes back what the device has used; returns how many, 'max' at most. */
unsigned ring_collect(struct ring *ring, struct ring_buf *ret_bufs, unsigned max);

/* Asks for a call when the next slot has been used, and makes sure that it was
 * not before: true if it is worth sleeping. ring_disarm() asks for none again.
 */
bool ring_arm(struct ring *ring);
void ring_disarm(struct ring *ring);

static inline uint8_t *ring_frame(const struct ring *ring, uint32_t slot)
{
	return ring->slots + (size_t)slot * ring->stride + RING_FRAME_AT;
}

static inline uint8_t *ring_header(const struct ring *ring, uint32_t slot)
{
	return ring->slots + (size_t)slot * ring->stride + RING_HEADER_AT;
}

/* For the two layouts: how many descriptors 'len' octets take. */
static inline uint32_t ring_parts_(const struct ring *ring, uint32_t len)
{
	return len <= ring->config.part_len
		       ? 1
		       : (len + ring->config.part_len - 1) / ring->config.part_len;
}

/* For the two layouts: accounts for a slot the device says it has used;
 * returns how many descriptors it has, 0 if that cannot be.
 */
static inline unsigned ring_take_back_(struct ring *ring, uint32_t slot)
{
	unsigned parts = slot < ring->n_slots ? ring->posted[slot] : 0;

	if (__builtin_expect(!parts, 0)) {
		ring->broken = "the device used a buffer that it did not have";
		return 0;
	}

	ring->posted[slot] = 0;
	ring->n_posted--;
	return parts;
}

static inline uint64_t ring_gpa_(const struct ring *ring, uint32_t slot)
{
	return ring->slots_gpa + (uint64_t)slot * ring->stride + RING_HEADER_AT;
}

/* Writes the indirect table of a slot; returns how many descriptors it has. */
uint32_t ring_table_(struct ring *ring, const struct ring_buf *buf, bool packed);

void ring_kick_(struct ring *ring);

void ring_split_open_(struct ring *ring);
void ring_split_post_(struct ring *ring, const struct ring_buf *bufs, unsigned n);
unsigned ring_split_collect_(struct ring *ring, struct ring_buf *bufs, unsigned max);
bool ring_split_arm_(struct ring *ring);
void ring_split_disarm_(struct ring *ring);

void ring_packed_open_(struct ring *ring);
void ring_packed_post_(struct ring *ring, const struct ring_buf *bufs, unsigned n);
unsigned ring_packed_collect_(struct ring *ring, struct ring_buf *bufs, unsigned max);
bool ring_packed_arm_(struct ring *ring);
void ring_packed_disarm_(struct ring *ring);

#endif
