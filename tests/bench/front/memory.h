/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of all guests that are played: one memfd, each guest with a slice
 * of its own that it lends to the switch.
 */
#ifndef FRONT_MEMORY_H
#define FRONT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where every guest's memory begins for the guest: above the hole that a PC
 * has below 4 GiB, and at nobody's address in this process.
 */
#define MEMORY_GPA UINT64_C(0x100000000)

struct memory {
	int fd;
	uint8_t *base;
	size_t size, taken;
	size_t page; /* 4 KiB or 2 MiB */
};

/* One guest's part. */
struct memory_slice {
	int fd;		 /* the memory's */
	uint64_t offset; /* in the file */
	uint8_t *base;
	size_t size, taken;
};

enum memory_pages { MEMORY_PAGES_ANY, MEMORY_PAGES_SMALL, MEMORY_PAGES_HUGE };

/* Makes 'n_slices' slices of at least 'slice' octets possible. MEMORY_PAGES_ANY
 * takes huge pages if enough of them are reserved.
 */
int memory_open(struct memory *memory, size_t slice, unsigned n_slices, enum memory_pages pages,
		struct err *err);

/* Harmless on a zeroed one whose descriptor is -1. */
void memory_close(struct memory *memory);

/* The next slice, zeroed. */
struct memory_slice memory_slice(struct memory *memory, size_t size);

/* The next 'size' octets of the slice, on a page of 4 KiB. */
void *memory_take(struct memory_slice *slice, size_t size);

static inline uint64_t memory_gpa(const struct memory_slice *slice, const void *at)
{
	return MEMORY_GPA + (uint64_t)((const uint8_t *)at - slice->base);
}

static inline size_t memory_round(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

#endif
