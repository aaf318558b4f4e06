/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ends on sockets that keep frames apart have in common. */
#ifndef BENCH_END_MSG_H
#define BENCH_END_MSG_H

#include <sys/un.h>

#include "end.h"

struct end_msg;

/* Makes an end of 'fd', a connected or bound socket that does not block. The
 * end closes it, also if this fails, and then unlinks 'path' if that is not
 * empty.
 */
int end_msg_new(const struct end_spec *spec, int fd, const struct sockaddr_un *path,
		struct end **ret_end, struct err *err);

void end_msg_close(struct end *end);
int end_msg_tx(struct end *end, const struct frame_burst *burst);
int end_msg_rx(struct end *end, struct frame_tally *tally);

#endif
