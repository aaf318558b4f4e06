/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end on a packet socket: the wire, or whoever is on its far side. A burst
 * goes out and comes in with one system call, past the queueing discipline.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "end-msg.h"

/* The wire must not be what loses frames. */
#define RECEIVE_BUFFER (16 << 20)

static const struct {
	int level, name, value;
} options[] = {
	{ SOL_PACKET, PACKET_QDISC_BYPASS, 1 },
	{ SOL_PACKET, PACKET_IGNORE_OUTGOING, 1 },
	{ SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER },
	{ SOL_SOCKET, SO_SNDBUFFORCE, RECEIVE_BUFFER },
};

static int packet_setup(int fd, const char *device, bool vnet)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(device),
	};
	int on = 1;

	if (!addr.sll_ifindex)
		return -ENODEV;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			       sizeof(options[i].value)) < 0)
			return -errno;

	if (vnet && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
		return -errno;

	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

static int packet_open(const struct end_spec *spec, struct end **ret_end, struct err *err)
{
	int fd SCOPED(scoped_fd) = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : packet_setup(fd, spec->address, spec->vnet);

	if (r < 0)
		return err_set(err, -r, "cannot open a packet socket on '%s': %s", spec->address,
			       strerror(-r));

	return end_msg_new(spec, fd_take(&fd), NULL, ret_end, err);
}

const struct end_ops end_packet_ops = {
	.kind = "packet",
	.batch = FRAME_BURST,
	.has_vnet = true,
	.open = packet_open,
	.close = end_msg_close,
	.tx = end_msg_tx,
	.rx = end_msg_rx,
};
