/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a stream port. It sends a frame only if all of it fits on the
 * way, and receives one only when all of it is there, so it never waits.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/sockios.h>

#include "base/fd.h"
#include "conform.h"
#include "port/stream.h"
#include "wire/endian.h"
#include "wire/eth.h"

/* Less than half of a socket's default buffer: what may be under way before
 * the largest frame is sent.
 */
#define STREAM_UNDER_WAY 65536

static const char *stream_open(struct conform_pair *pair)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return "no socket pairs here";
	if (port_stream_open(fds[0], &pair->port, NULL) < 0)
		return "no memory";

	pair->far = fds[1];
	return NULL;
}

static bool stream_send(struct conform_pair *pair, const struct conform_frame *frame)
{
	be32 prefix = cpu_to_be32((uint32_t)frame->len);
	struct iovec iov[] = {
		{ .iov_base = &prefix, .iov_len = sizeof(prefix) },
		{ .iov_base = frame->data, .iov_len = frame->len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int under_way;

	if (ioctl(pair->far, SIOCOUTQ, &under_way) < 0 || under_way > STREAM_UNDER_WAY)
		return false;

	return sendmsg(pair->far, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)(sizeof(prefix) + frame->len);
}

static bool stream_recv(struct conform_pair *pair, struct conform_frame *frame)
{
	be32 prefix;
	uint32_t len;
	int there;

	if (recv(pair->far, &prefix, sizeof(prefix), MSG_DONTWAIT | MSG_PEEK) != sizeof(prefix))
		return false;

	len = be32_to_cpu(prefix);
	if (ioctl(pair->far, SIOCINQ, &there) < 0 || (size_t)there < sizeof(prefix) + len ||
	    len > frame->len)
		return false;

	frame->len = len;
	memset(&frame->vnet, 0, sizeof(frame->vnet));
	return recv(pair->far, &prefix, sizeof(prefix), MSG_WAITALL) == sizeof(prefix) &&
	       recv(pair->far, frame->data, len, MSG_WAITALL) == (ssize_t)len;
}

static void stream_leave(struct conform_pair *pair)
{
	pair->far = fd_close(pair->far);
}

const struct conform_kind conform_kind = {
	.name = "stream",
	.can = CONFORM_SENDS_RUNTS | CONFORM_SENDS_TOO_LONG | CONFORM_FILLS | CONFORM_LEAVES,
	.frame_max = ETH_FRAME_MAX,
	.too_long_faults = true,
	.full = DROP_PEER_FULL,
	.gone = DROP_NO_PEER,
	.open = stream_open,
	.send = stream_send,
	.recv = stream_recv,
	.leave = stream_leave,
	.close = stream_leave,
};
