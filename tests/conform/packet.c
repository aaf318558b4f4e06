/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a packet port: the wire of a tap device, in a network
 * namespace of its own. Nothing refuses frames that nobody reads there, and
 * the kernel takes no runts.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "conform.h"
#include "netns.h"
#include "port/packet.h"
#include "wire/eth.h"

#define FRAME_MAX 65535

static const char *packet_open(struct conform_pair *pair)
{
	struct port_packet_spec spec = { .name = "conform0" };

	if (!netns_enter())
		return "needs root";

	pair->far = netns_tap("conform0");
	netns_run("ip link set conform0 mtu %d", FRAME_MAX - ETH_HEADER_LEN);
	spec.ifindex = netns_index("conform0");
	return port_packet_open(&spec, &pair->port, NULL) == 0 ? NULL : "no packet sockets here";
}

static bool packet_send(struct conform_pair *pair, const struct conform_frame *frame)
{
	struct vnet_header vnet = frame->vnet;
	struct iovec iov[] = {
		{ .iov_base = &vnet, .iov_len = sizeof(vnet) },
		{ .iov_base = frame->data, .iov_len = frame->len },
	};

	return writev(pair->far, iov, 2) == (ssize_t)(sizeof(vnet) + frame->len);
}

static bool packet_recv(struct conform_pair *pair, struct conform_frame *frame)
{
	struct iovec iov[] = {
		{ .iov_base = &frame->vnet, .iov_len = sizeof(frame->vnet) },
		{ .iov_base = frame->data, .iov_len = frame->len },
	};
	ssize_t n = readv(pair->far, iov, 2);

	if (n < (ssize_t)sizeof(frame->vnet))
		return false;

	frame->len = (size_t)n - sizeof(frame->vnet);
	return true;
}

static void packet_leave(struct conform_pair *pair)
{
	pair->far = fd_close(pair->far); /* takes the device with it */
}

const struct conform_kind conform_kind = {
	.name = "packet",
	.can = CONFORM_SENDS_TOO_LONG | CONFORM_LEAVES | CONFORM_OFFLOADS,
	.frame_max = FRAME_MAX,
	.gone = DROP_LOWER_DOWN,
	.open = packet_open,
	.send = packet_send,
	.recv = packet_recv,
	.leave = packet_leave,
	.close = packet_leave,
};
