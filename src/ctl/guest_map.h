/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's memory, mapped from the descriptors its front-end sent. */
#ifndef CTL_GUEST_MAP_H
#define CTL_GUEST_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What mmap() gave for a region, which may begin in the middle of a page. */
struct guest_map {
	void *start;
	size_t len;
	uint8_t *region;
};

/* Maps 'size' bytes at 'offset' of the file 'fd', which have to be there. Only
 * memory is accepted (a memfd, tmpfs, hugetlbfs): a page of another file system
 * could keep whoever touches it waiting for as long as its owner likes.
 */
int guest_map_open(int fd, uint64_t offset, uint64_t size, struct guest_map *ret_map,
		   struct err *err);
void guest_map_close(const struct guest_map *map);

#endif
