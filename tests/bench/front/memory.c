/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that guests share with a switch. */
#include "memory.h"

#include <errno.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#define SMALL_PAGE 4096
#define HUGE_PAGE  (2u << 20)

/* Maps all of it at once, so that no page fault is measured. */
static int map(struct memory *memory, size_t slice, unsigned n_slices, size_t page)
{
	unsigned flags = MFD_CLOEXEC | (page == HUGE_PAGE ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
	size_t size = n_slices * memory_round(slice, page);
	int fd SCOPED(scoped_fd) = memfd_create("limpet-front", flags);
	void *base;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;

	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;

	*memory = (struct memory){ .fd = fd_take(&fd), .base = base, .size = size, .page = page };
	return 0;
}

int memory_open(struct memory *memory, size_t slice, unsigned n_slices, enum memory_pages pages,
		struct err *err)
{
	int r = -ENOMEM;

	if (pages != MEMORY_PAGES_SMALL)
		r = map(memory, slice, n_slices, HUGE_PAGE);
	if (r < 0 && pages != MEMORY_PAGES_HUGE)
		r = map(memory, slice, n_slices, SMALL_PAGE);
	if (r < 0)
		return err_set(err, -r, "cannot have %zu octets of %smemory for guests: %s",
			       slice * n_slices, pages == MEMORY_PAGES_HUGE ? "huge " : "",
			       strerror(-r));

	return 0;
}

void memory_close(struct memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	fd_close(memory->fd);
	*memory = (struct memory){ .fd = -1 };
}

struct memory_slice memory_slice(struct memory *memory, size_t size)
{
	struct memory_slice slice = {
		.fd = memory->fd,
		.offset = memory->taken,
		.base = memory->base + memory->taken,
		.size = memory_round(size, memory->page),
	};

	memory->taken += slice.size;
	assert(memory->taken <= memory->size);
	return slice;
}

void *memory_take(struct memory_slice *slice, size_t size)
{
	void *at = slice->base + slice->taken;

	slice->taken += memory_round(size, SMALL_PAGE);
	assert(slice->taken <= slice->size);
	return at;
}
