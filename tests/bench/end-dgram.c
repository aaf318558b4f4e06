/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end on a datagram socket, one frame a datagram, as QEMU's "-netdev dgram"
 * has it: bound to a name of its own, so that the switch can answer, and not
 * connected: each frame carries the switch's name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "end-msg.h"

static int dgram_open(const struct end_spec *spec, struct end **ret_end, struct err *err)
{
	static unsigned count;
	struct sockaddr_un own = { .sun_family = AF_UNIX }, peer = { .sun_family = AF_UNIX };
	int fd SCOPED(scoped_fd) = -1;

	if (spec->fd >= 0)
		return end_msg_new(spec, spec->fd, NULL, ret_end, err);

	(void)snprintf(own.sun_path, sizeof(own.sun_path), "/tmp/limpet-load-%d-%u.sock", getpid(),
		       count++);
	if (!text_copy(peer.sun_path, sizeof(peer.sun_path), spec->address))
		return err_set(err, ENAMETOOLONG, "socket '%s': the path is too long",
			       spec->address);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return err_set(err, errno, "cannot bind to '%s': %s", own.sun_path,
			       strerror(errno));

	return end_msg_new(spec, fd_take(&fd), &(struct end_msg_names){ own, peer }, ret_end, err);
}

const struct end_ops end_dgram_ops = {
	.kind = "dgram",
	.socket_type = SOCK_DGRAM,
	.batch = 1,
	.open = dgram_open,
	.close = end_msg_close,
	.tx = end_msg_tx,
	.rx = end_msg_rx,
};
