/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors that close themselves. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include "base/macros.h"

/* Closes 'fd' if it is one (not negative); keeps errno. Returns -1, so that
 * fd = fd_close(fd) leaves nothing behind.
 */
int fd_close(int fd);

/* For SCOPED: int fd SCOPED(scoped_fd) = -1. */
static inline void scoped_fd(int *fd)
{
	*fd = fd_close(*fd);
}

/* TAKE for a descriptor. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
