/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's memory, as its front-end has shared it: where an address of the
 * guest's lies in this process, if it is the guest's at all.
 *
 * There are two kinds of addresses. Descriptors have guest-physical ones; the
 * rings themselves are told in the front-end's own (user) addresses.
 *
 * The memory is hostile: it changes while it is read, and its file may shrink
 * (sigbus.h). Read once, into a local, and check the local.
 */
#ifndef VIRTIO_MEMORY_H
#define VIRTIO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GUEST_REGIONS_MAX 64

struct guest_region {
	uint64_t gpa;  /* guest-physical address */
	uint64_t user; /* the front-end's address */
	uint64_t size;
	uint8_t *host; /* where it is mapped here */
};

/* Does not change while a ring uses it, but for 'shrank'. */
struct guest_mem {
	unsigned n_regions;
	struct guest_region region[GUEST_REGIONS_MAX];
	bool shrank; /* a region's file was found too short: see sigbus.h */
};

/* Adds a copy of 'region', which is mapped already. -ENOSPC if there are too
 * many, -EINVAL if it is empty, wraps around, or overlaps another one.
 */
int guest_mem_add(struct guest_mem *mem, const struct guest_region *region, struct err *err);

/* Removes the region that begins at these addresses and has this size; says
 * what it was, so that the caller can unmap it. -ENOENT if there is none.
 */
int guest_mem_remove(struct guest_mem *mem, const struct guest_region *like,
		     struct guest_region *ret_region, struct err *err);

/* Has a signal handler set 'shrank' by now? */
static inline bool guest_mem_shrank(const struct guest_mem *mem)
{
	return __atomic_load_n(&mem->shrank, __ATOMIC_RELAXED);
}

/* Where guest-physical 'gpa' lies in this process, and in '*ret_size' for how
 * many bytes the same region goes on (at least one); NULL if the guest does
 * not own it. '*hint' is the region to try first, and becomes the one it was
 * found in; any number is safe. A range that straddles regions is asked for in
 * pieces.
 */
static inline uint8_t *guest_at(const struct guest_mem *mem, unsigned *hint, uint64_t gpa,
				uint64_t *ret_size);

/* Where guest-physical [gpa, gpa + size) lies in this process, or NULL if the
 * guest does not own all of it, or it straddles two regions.
 */
uint8_t *guest_range(const struct guest_mem *mem, uint64_t gpa, uint64_t size);

/* The same for an address of the front-end's. */
uint8_t *guest_range_user(const struct guest_mem *mem, uint64_t user, uint64_t size);

uint8_t *guest_find_(const struct guest_mem *mem, unsigned *hint, uint64_t gpa, uint64_t *ret_size);

static inline uint8_t *guest_at(const struct guest_mem *mem, unsigned *hint, uint64_t gpa,
				uint64_t *ret_size)
{
	/* Entries behind the last region are empty, and contain nothing. */
	const struct guest_region *region = &mem->region[*hint % GUEST_REGIONS_MAX];
	uint64_t offset = gpa - region->gpa;

	if (__builtin_expect(offset < region->size, 1)) {
		*ret_size = region->size - offset;
		return region->host + offset;
	}
	return guest_find_(mem, hint, gpa, ret_size);
}

#endif
