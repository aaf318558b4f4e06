/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closes what a peer made, without waiting for it.
 *
 * close() can wait for whoever made the file: for the far end of a TCP socket
 * with SO_LINGER, for the server of a FUSE file; and so can closing a Unix
 * socket in whose queue there are such files. A thread of its own waits then.
 */
#ifndef CTL_CLOSER_H
#define CTL_CLOSER_H

#include <stdbool.h>

#include "base/macros.h"

/* Threads that may wait at a time on one endpoint's account. */
#define CLOSERS_MAX 4

struct closer;

/* Zeroed at first. */
struct closers {
	struct closer *slot[CLOSERS_MAX];
};

/* Is there room for one more closers_close()? */
bool closers_have_room(struct closers *closers) MUST_CHECK;

/* Closes the 'n' descriptors; there was room. */
void closers_close(struct closers *closers, const int fds[], unsigned n);

/* Forgets the threads that still wait. */
void closers_fini(struct closers *closers);

#endif
