/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/announce.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "ctl/attach.h"
#include "port/stream.h"
#include "wire/endian.h"

/* The frame, behind the length that a stream has before it. */
struct announcement {
	be32 len;
	uint8_t frame[60];
};
static_assert(sizeof(struct announcement) == 64, "no padding");

/* RFC 903: "what is my protocol address?", of which only the sender matters. */
static void write_rarp(struct announcement *out, struct mac mac)
{
	/* Ethernet, IPv4, six and four bytes, request reverse */
	static const uint8_t what[] = { 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3 };

	*out = (struct announcement){ .len = cpu_to_be32(sizeof(out->frame)) };
	memset(out->frame, 0xff, sizeof(mac));
	memcpy(out->frame + 6, &mac, sizeof(mac));
	memcpy(out->frame + 12, what, sizeof(what));
	memcpy(out->frame + 22, &mac, sizeof(mac)); /* sender, its address 0.0.0.0 */
	memcpy(out->frame + 32, &mac, sizeof(mac)); /* target, the same */
}

int announcement_open(struct path_member *member, struct mac mac,
		      struct path_attachment **ret_attachment)
{
	struct port *port SCOPED(scoped_port) = NULL;
	int near SCOPED(scoped_fd) = -1;
	int far SCOPED(scoped_fd) = -1;
	struct announcement announcement;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	near = fds[0];
	far = fds[1];
	write_rarp(&announcement, mac);
	if (!fd_leaves(MAX(near, far), FD_LEFT_BY_PEERS) ||
	    send(far, &announcement, sizeof(announcement), MSG_NOSIGNAL) < 0)
		return -EMFILE;

	r = port_stream_open(near, &port, NULL);
	if (r < 0)
		return r;
	(void)fd_take(&near);
	r = attachment_new(port, member, ret_attachment, NULL);
	if (r >= 0)
		(void)TAKE(port);
	return r;
}
