/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Surviving memory that shrinks under us.
 *
 * A front-end can truncate the file behind a mapping; the next touch is SIGBUS.
 * For guarded ranges the handler puts pages of zeros there and sets a flag:
 * whoever was reading reads on, and the port that owns the memory becomes
 * faulty. SIGBUS anywhere else ends the process as it should.
 */
#ifndef VIRTIO_SIGBUS_H
#define VIRTIO_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The most ranges that can be guarded at a time. */
#define SIGBUS_RANGES_MAX 16384

/* Installs the handler, for the process. A thread that touches guests' memory
 * must not block SIGBUS: the kernel would end the process.
 */
int sigbus_install(struct err *err);

/* Guards 'size' mapped bytes at 'start'. '*shrank' is set, from a signal
 * handler, when they turned out not to be there; 'shrank' must live until
 * sigbus_unguard(). -ENOSPC if there are too many. Control thread.
 */
int sigbus_guard(void *start, size_t size, bool *shrank, struct err *err);

/* Before the range is unmapped. Control thread. */
void sigbus_unguard(void *start);

#endif
