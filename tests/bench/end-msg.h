/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ends on sockets that keep frames apart have in common. */
#ifndef BENCH_END_MSG_H
#define BENCH_END_MSG_H

#include <sys/un.h>

#include "end.h"

/* A socket's own name, which is unlinked when the end is closed, and the name
 * that all its frames are sent to.
 */
struct end_msg_names {
	struct sockaddr_un own, peer;
};

/* Makes an end of 'fd', a socket that does not block. The end closes it, also
 * if this fails. 'names' is NULL for a socket that needs none: one of a pair,
 * or bound to a device.
 */
int end_msg_new(const struct end_spec *spec, int fd, const struct end_msg_names *names,
		struct end **ret_end, struct err *err);

void end_msg_close(struct end *end);
int end_msg_tx(struct end *end, const struct frame_burst *burst);
int end_msg_rx(struct end *end, struct frame_tally *tally);

#endif
