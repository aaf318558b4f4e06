/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File descriptors that close themselves. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>

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

/* Whoever can make the process open any number of descriptors leaves some: one
 * that has none left cannot even turn somebody away. The first number is for
 * what others cause, the second, smaller one for what control clients cost.
 */
#define FD_LEFT_BY_PEERS   32
#define FD_LEFT_BY_CLIENTS 16

/* Does 'fd', which was opened just now, leave at least 'n' descriptors of those
 * that the process may have (RLIMIT_NOFILE)?
 */
bool fd_leaves(int fd, unsigned n);

#endif
