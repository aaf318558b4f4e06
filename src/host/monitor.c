/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/link.h"

/* Messages of the kernel for one read: it sends one event in each, of 1 to 2
 * KiB, more only for NICs with many virtual functions.
 */
#define MESSAGE_SIZE 32768

/* Reads for one wake-up, so that a storm of events leaves the event loop time
 * for others.
 */
#define READS_MAX 64

/* Room for some 500 events, if net.core.rmem_max allows it; beyond, RESYNC. */
#define BUFFER_SIZE (1024 * 1024)

struct host_monitor {
	struct mnl_socket *nl;
	host_monitor_fn *fn;
	void *userdata;
	_Alignas(struct nlmsghdr) char message[MESSAGE_SIZE];
};

struct host_monitor *host_monitor_close(struct host_monitor *monitor)
{
	if (monitor) {
		if (monitor->nl)
			(void)mnl_socket_close(monitor->nl);
		free(monitor);
	}
	return NULL;
}

static int monitor_subscribe(struct host_monitor *monitor)
{
	int size = BUFFER_SIZE;

	monitor->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!monitor->nl || mnl_socket_bind(monitor->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return -errno;

	(void)setsockopt(mnl_socket_get_fd(monitor->nl), SOL_SOCKET, SO_RCVBUF, &size,
			 sizeof(size));
	return 0;
}

int host_monitor_open(host_monitor_fn *fn, void *userdata, struct host_monitor **ret_monitor,
		      struct err *err)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return err_set(err, ENOMEM, "out of memory");

	r = monitor_subscribe(monitor);
	if (r < 0)
		return err_set(err, -r, "cannot watch the network devices: %s",
			       strerrordesc_np(-r));

	monitor->fn = fn;
	monitor->userdata = userdata;
	*ret_monitor = TAKE(monitor);
	return 0;
}

int host_monitor_fd(const struct host_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->nl);
}

static void monitor_tell(struct host_monitor *monitor, const struct nlmsghdr *msg)
{
	struct host_link link;
	int r = host_link_parse(msg, &link);

	/* What we cannot read may have been about a device that matters. */
	if (r == -EBADMSG)
		monitor->fn(monitor->userdata, HOST_RESYNC, NULL);
	else if (r == 0 && msg->nlmsg_type == RTM_DELLINK)
		monitor->fn(monitor->userdata, HOST_LINK_REMOVED, &link);
	else if (r == 0)
		monitor->fn(monitor->userdata, HOST_LINK_CHANGED, &link);
}

int host_monitor_read(struct host_monitor *monitor, struct err *err)
{
	for (unsigned reads = 0; reads < READS_MAX; reads++) {
		ssize_t got = mnl_socket_recvfrom(monitor->nl, monitor->message, MESSAGE_SIZE);
		const struct nlmsghdr *msg = (const void *)monitor->message;
		int left = (int)got;

		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
			/* The socket overran, or a message is longer than ours. */
			monitor->fn(monitor->userdata, HOST_RESYNC, NULL);
			continue;
		}
		if (got < 0)
			return err_set(err, errno, "cannot watch the network devices any more: %s",
				       strerrordesc_np(errno));

		for (; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
			monitor_tell(monitor, msg);
	}

	return 0;
}
