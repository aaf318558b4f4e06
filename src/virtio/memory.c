/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio/memory.h"

#include <errno.h>
#include <inttypes.h>

static bool wraps(uint64_t start, uint64_t size)
{
	uint64_t end;

	return __builtin_add_overflow(start, size, &end);
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a - b < b_size || b - a < a_size;
}

int guest_mem_add(struct guest_mem *mem, const struct guest_region *region, struct err *err)
{
	if (mem->n_regions == GUEST_REGIONS_MAX)
		return err_set(err, ENOSPC, "more than %d memory regions", GUEST_REGIONS_MAX);
	if (region->size == 0)
		return err_set(err, EINVAL, "a memory region of no bytes");
	if (wraps(region->gpa, region->size) || wraps(region->user, region->size))
		return err_set(err, EINVAL,
			       "a memory region of %#" PRIx64 " bytes at guest %#" PRIx64
			       ", user %#" PRIx64 " wraps around",
			       region->size, region->gpa, region->user);

	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guest_region *other = &mem->region[i];

		if (overlap(region->gpa, region->size, other->gpa, other->size) ||
		    overlap(region->user, region->size, other->user, other->size))
			return err_set(err, EINVAL,
				       "the memory region at guest %#" PRIx64 ", user %#" PRIx64
				       " overlaps another one",
				       region->gpa, region->user);
	}

	mem->region[mem->n_regions++] = *region;
	return 0;
}

int guest_mem_remove(struct guest_mem *mem, const struct guest_region *like,
		     struct guest_region *ret_region, struct err *err)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		struct guest_region *region = &mem->region[i];

		if (region->gpa != like->gpa || region->user != like->user ||
		    region->size != like->size)
			continue;

		*ret_region = *region;
		*region = mem->region[--mem->n_regions];
		mem->region[mem->n_regions] = (struct guest_region){ 0 };
		return 0;
	}

	return err_set(err, ENOENT, "there is no memory region at guest %#" PRIx64, like->gpa);
}

uint8_t *guest_find_(const struct guest_mem *mem, unsigned *hint, uint64_t gpa, uint64_t *ret_size)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guest_region *region = &mem->region[i];

		if (gpa - region->gpa < region->size) {
			*hint = i;
			*ret_size = region->size - (gpa - region->gpa);
			return region->host + (gpa - region->gpa);
		}
	}

	return NULL;
}

uint8_t *guest_range(const struct guest_mem *mem, uint64_t gpa, uint64_t size)
{
	unsigned hint = 0;
	uint64_t left = 0;
	uint8_t *at = guest_at(mem, &hint, gpa, &left);

	return at && size <= left ? at : NULL;
}

uint8_t *guest_range_user(const struct guest_mem *mem, uint64_t user, uint64_t size)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guest_region *region = &mem->region[i];
		uint64_t offset = user - region->user;

		if (offset < region->size)
			return size <= region->size - offset ? region->host + offset : NULL;
	}

	return NULL;
}
