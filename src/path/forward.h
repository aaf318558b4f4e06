/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a burst to its receivers: classify all, then deliver to each. */
#ifndef PATH_FORWARD_H
#define PATH_FORWARD_H

#include "base/err.h"
#include "path/hub.h"
#include "port/burst.h"

/* Called for every port that was sent to: it may want to be polled for writing
 * now, or be finished.
 */
typedef void (*forward_touched_fn)(void *context, struct path_attachment *attachment);

struct forward;

/* Working memory of one worker's forwarding. */
int forward_new(forward_touched_fn touched, void *context, struct forward **ret_forward,
		struct err *err);
struct forward *forward_free(struct forward *forward);

/* Worker: forwards the frames of 'burst', which came in through 'attachment',
 * by the table its hub has at this moment; counts all of them. When it
 * returns, every frame has been delivered or dropped, and the caller releases
 * the source.
 */
void forward_burst(struct forward *forward, struct path_attachment *attachment,
		   struct burst *burst);

#endif
