/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings: how they lie in memory, and what both layouts share. */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

/* What follows from a configuration. */
struct layout {
	uint32_t parts;	      /* descriptors of the longest buffer */
	uint32_t parts_shift; /* log2 of the ring's entries that a slot takes */
	uint32_t n_slots, stride;
};

static struct layout layout_of(const struct ring_config *config)
{
	struct layout layout = { .parts = 1 };

	if (config->part_len && config->slot_len)
		layout.parts = (config->slot_len + config->part_len - 1) / config->part_len;
	if (!config->indirect)
		while (1u << layout.parts_shift < layout.parts)
			layout.parts_shift++;

	layout.n_slots = config->size >> layout.parts_shift;
	if (config->n_slots)
		layout.n_slots = MIN(layout.n_slots, config->n_slots);

	/* An odd number of cache lines, or all slots would share a few sets of the cache. */
	layout.stride = (uint32_t)memory_round(RING_HEADER_AT + config->slot_len, 128) + 64;
	return layout;
}

size_t ring_memory(const struct ring_config *config)
{
	struct layout layout = layout_of(config);

	/* The ring's three parts, tables and slots, each up to a page longer. */
	return (size_t)config->size * (16 + 2 + 8) + 5 * 4096 + 64 +
	       (size_t)layout.n_slots * (layout.parts * 16 + layout.stride);
}

static int open_fds(struct ring *ring)
{
	ring->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return ring->kick_fd < 0 || ring->call_fd < 0 ? -errno : 0;
}

static int check(const struct ring_config *config, const struct layout *layout, struct err *err)
{
	bool power = (config->size & (config->size - 1)) == 0;

	if (config->size < 2 || config->size > RING_SIZE_MAX || (!config->packed && !power))
		return err_set(err, EINVAL, "a ring of %u entries: use up to %u%s", config->size,
			       RING_SIZE_MAX, config->packed ? "" : ", a power of two");
	if (layout->parts > UINT8_MAX || !layout->n_slots)
		return err_set(err, EINVAL, "%u descriptors for one buffer in a ring of %u",
			       layout->parts, config->size);

	return 0;
}

int ring_open(struct ring *ring, const struct ring_config *config, struct memory_slice *slice,
	      struct err *err)
{
	struct layout layout = layout_of(config);
	int r = check(config, &layout, err);

	if (r < 0)
		return r;

	*ring = (struct ring){
		.config = *config,
		.parts_shift = layout.parts_shift,
		.table_size = layout.parts,
		.n_slots = layout.n_slots,
		.stride = layout.stride,
		.kick_fd = -1,
		.call_fd = -1,
		.desc = memory_take(slice, config->size * sizeof(struct vring_desc)),
		.avail = memory_take(slice, 6 + config->size * 2),
		.used = memory_take(slice, 6 + config->size * 8),
		.tables = memory_take(slice, (size_t)layout.n_slots * layout.parts * 16),
		.slots = memory_take(slice, (size_t)layout.n_slots * layout.stride),
		.posted = calloc(layout.n_slots, 1),
	};
	if (!config->part_len)
		ring->config.part_len = config->slot_len;
	ring->slots_gpa = memory_gpa(slice, ring->slots);
	ring->tables_gpa = memory_gpa(slice, ring->tables);

	r = ring->posted ? open_fds(ring) : -ENOMEM;
	if (r < 0) {
		ring_close(ring);
		return err_set(err, -r, "cannot make a ring: %s", strerror(-r));
	}

	if (config->packed)
		ring_packed_open_(ring);
	else
		ring_split_open_(ring);
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring->desc)
		return;

	fd_close(ring->kick_fd);
	fd_close(ring->call_fd);
	free(ring->posted);
	*ring = (struct ring){ 0 };
}

uint32_t ring_table_(struct ring *ring, const struct ring_buf *buf, bool packed)
{
	struct vring_desc *table = ring->tables + (size_t)buf->slot * ring->table_size;
	uint16_t write = ring->config.direction == RING_RECEIVE ? VRING_DESC_F_WRITE : 0;
	uint32_t n = ring_parts_(ring, buf->len), rest = buf->len;
	uint64_t at = ring_gpa_(ring, buf->slot);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = MIN(rest, ring->config.part_len);
		bool more = i + 1 < n;

		/* In a packed ring's table only addr, len and WRITE mean something;
		 * 'next' lies where 'flags' is.
		 */
		table[i] = (struct vring_desc){ .addr = at, .len = len };
		if (packed)
			table[i].next = write;
		else
			table[i].flags = write | (more ? VRING_DESC_F_NEXT : 0);
		if (!packed && more)
			table[i].next = (uint16_t)(i + 1);
		at += len;
		rest -= len;
	}

	return n;
}

void ring_kick_(struct ring *ring)
{
	uint64_t one = 1;

	ring->kicks++;
	if (write(ring->kick_fd, &one, sizeof(one)) < 0)
		return; /* it is full: the device has been told often enough */
}

void ring_post(struct ring *ring, const struct ring_buf *bufs, unsigned n)
{
	if (!n)
		return;

	ring->n_posted += n;
	if (ring->config.packed)
		ring_packed_post_(ring, bufs, n);
	else
		ring_split_post_(ring, bufs, n);
}

unsigned ring_collect(struct ring *ring, struct ring_buf *ret_bufs, unsigned max)
{
	if (ring->broken)
		return 0;

	return ring->config.packed ? ring_packed_collect_(ring, ret_bufs, max)
				   : ring_split_collect_(ring, ret_bufs, max);
}

bool ring_arm(struct ring *ring)
{
	uint64_t calls;

	if (read(ring->call_fd, &calls, sizeof(calls)) < 0 && errno != EAGAIN)
		return false;

	return ring->config.packed ? ring_packed_arm_(ring) : ring_split_arm_(ring);
}

void ring_disarm(struct ring *ring)
{
	if (ring->config.packed)
		ring_packed_disarm_(ring);
	else
		ring_split_disarm_(ring);
}
