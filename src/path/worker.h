/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers: threads that poll ports, decide and deliver. */
#ifndef PATH_WORKER_H
#define PATH_WORKER_H

#include "base/err.h"
#include "path/hub.h"

struct worker;

/* Makes a worker that is not running yet. Control thread, like all but
 * worker_round().
 */
int worker_new(struct worker **ret_worker, struct err *err);

/* Starts its thread. All signals but SIGBUS are blocked in it. */
int worker_start(struct worker *worker, struct err *err);

/* Ends the thread if it runs, and frees the worker. Takes NULL. */
struct worker *worker_free(struct worker *worker);

/* Readable when an attachment of this worker's has finished; reading eight
 * bytes (an eventfd) resets it. Stays the worker's.
 */
int worker_event_fd(const struct worker *worker);

/* The worker watches the attachment's port from now on. -ENOSPC if the kernel
 * allows no more watches. Ports without descriptor need no watching.
 */
int worker_watch(struct worker *worker, struct path_attachment *attachment, struct err *err);

/* No longer; follow with path_synchronize() before freeing it. Watching must
 * have succeeded before. A finished attachment is no longer watched already.
 * Waits itself until a port that is polled is not.
 */
void worker_unwatch(struct worker *worker, struct path_attachment *attachment);

/* Has the worker given the attachment back because its port is faulty? */
bool worker_has_finished(const struct path_attachment *attachment);

/* One round for tests that have no thread: serves what is ready, at most one
 * burst for each port. Returns the number of ports served, or still polled. The
 * caller is registered as an RCU reader (worker_enter() and worker_leave()).
 */
unsigned worker_round(struct worker *worker);
void worker_enter(void);
void worker_leave(void);

#endif
