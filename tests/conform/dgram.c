/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a datagram port: a socket bound beside the port's. It says
 * hello with a runt, for until it has sent the port has no peer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "conform.h"
#include "port/burst.h"
#include "port/dgram.h"
#include "port/port.h"
#include "wire/eth.h"

struct dgram_files {
	char dir[32];
	struct sockaddr_un near, far;
};

static int dgram_bind(const char *dir, const char *name, struct sockaddr_un *ret_address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ret_address->sun_family = AF_UNIX;
	(void)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/%s", dir, name);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)ret_address, sizeof(*ret_address)) < 0)
		fd = fd_close(fd);
	return fd;
}

static bool dgram_hello(struct conform_pair *pair, const struct dgram_files *files)
{
	struct burst *burst;
	unsigned n_runts;

	if (burst_new(&burst, NULL) < 0)
		return false;
	if (sendto(pair->far, "", 0, 0, (const struct sockaddr *)&files->near,
		   sizeof(files->near)) == 0)
		(void)pair->port->ops->rx(pair->port, burst, BURST_MAX);
	n_runts = burst->dropped[DROP_RUNT];
	pair->port->ops->release(pair->port);
	burst_free(burst);
	return n_runts == 1;
}

static const char *dgram_open(struct conform_pair *pair)
{
	struct dgram_files *files = calloc(1, sizeof(*files));
	int fd;

	pair->data = files;
	if (!files)
		return "no memory";

	(void)snprintf(files->dir, sizeof(files->dir), "/tmp/limpet-conform-XXXXXX");
	if (!mkdtemp(files->dir))
		return "no temporary directory";

	fd = dgram_bind(files->dir, "near", &files->near);
	if (fd < 0 || port_dgram_open(fd, &pair->port, NULL) < 0)
		return "no datagram sockets here";
	pair->far = dgram_bind(files->dir, "far", &files->far);
	return dgram_hello(pair, files) ? NULL : "no datagrams here";
}

static bool dgram_send(struct conform_pair *pair, const struct conform_frame *frame)
{
	const struct dgram_files *files = pair->data;

	return sendto(pair->far, frame->data, frame->len, MSG_DONTWAIT,
		      (const struct sockaddr *)&files->near,
		      sizeof(files->near)) == (ssize_t)frame->len;
}

static bool dgram_recv(struct conform_pair *pair, struct conform_frame *frame)
{
	ssize_t n = recv(pair->far, frame->data, frame->len, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 || (size_t)n > frame->len)
		return false;

	frame->len = (size_t)n;
	memset(&frame->vnet, 0, sizeof(frame->vnet));
	return true;
}

static void dgram_leave(struct conform_pair *pair)
{
	pair->far = fd_close(pair->far);
}

static void dgram_close(struct conform_pair *pair)
{
	struct dgram_files *files = pair->data;

	dgram_leave(pair);
	if (files) {
		(void)unlink(files->near.sun_path);
		(void)unlink(files->far.sun_path);
		(void)rmdir(files->dir);
		free(files);
	}
}

const struct conform_kind conform_kind = {
	.name = "dgram",
	.can = CONFORM_SENDS_RUNTS | CONFORM_SENDS_TOO_LONG | CONFORM_FILLS | CONFORM_LEAVES,
	.frame_max = ETH_FRAME_MAX,
	.full = DROP_PEER_FULL,
	.gone = DROP_NO_PEER,
	.open = dgram_open,
	.send = dgram_send,
	.recv = dgram_recv,
	.leave = dgram_leave,
	.close = dgram_close,
};
