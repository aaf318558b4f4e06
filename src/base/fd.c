/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fd.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);

	errno = saved;
	return -1;
}

bool fd_leaves(int fd, unsigned n)
{
	struct rlimit limit;

	/* The kernel gives the lowest free number: none below is left. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return true;
	return limit.rlim_cur > (rlim_t)fd + n;
}
