/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/guest_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/macros.h"

#define NO_MEMORY_FILE "its descriptor is neither a memfd nor a file on tmpfs or hugetlbfs"

/* The size of the file's pages: the offset and length of a mapping are whole
 * ones. For huge pages it is the file system that tells.
 */
static int find_page_size(int fd, uint64_t end, uint64_t *ret_size, struct err *err)
{
	struct statfs fs;
	struct stat st;

	/* Only these have seals. It is asked first because it asks nobody: a FUSE
	 * file's server could take its time to answer the rest.
	 */
	if (fcntl(fd, F_GET_SEALS) < 0)
		return err_set(err, EINVAL, NO_MEMORY_FILE);
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_set(err, errno, "its descriptor cannot be examined: %s",
			       strerror(errno));
	if (!S_ISREG(st.st_mode) || (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC))
		return err_set(err, EINVAL, NO_MEMORY_FILE);
	if (end > (uint64_t)st.st_size)
		return err_set(err, EINVAL,
			       "a memory region ends at byte %" PRIu64
			       " of a file that has %" PRIu64,
			       end, (uint64_t)st.st_size);
	if (fs.f_bsize <= 0 || (fs.f_bsize & (fs.f_bsize - 1)) != 0)
		return err_set(err, EINVAL, "its file system has odd pages, of %ld bytes",
			       (long)fs.f_bsize);

	*ret_size = (uint64_t)fs.f_bsize;
	return 0;
}

int guest_map_open(int fd, uint64_t offset, uint64_t size, struct guest_map *ret_map,
		   struct err *err)
{
	uint64_t page = 0, before, len;
	void *start;
	int r;

	r = find_page_size(fd, offset + size, &page, err);
	if (r < 0)
		return r;

	before = offset & (page - 1);
	if (__builtin_add_overflow(size, before + page - 1, &len))
		return err_set(err, EINVAL, "a memory region of %#" PRIx64 " bytes", size);
	len &= ~(page - 1);

	start = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		     (off_t)(offset - before));
	if (start == MAP_FAILED)
		return err_set(err, errno,
			       "a memory region of %" PRIu64 " bytes cannot be mapped: "
			       "%s",
			       size, strerror(errno));

	/* Not in a core dump: it is somebody else's, and large. */
	(void)madvise(start, len, MADV_DONTDUMP);
	*ret_map = (struct guest_map){ start, len, (uint8_t *)start + before };
	return 0;
}

void guest_map_close(const struct guest_map *map)
{
	(void)munmap(map->start, map->len);
}
