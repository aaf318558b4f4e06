/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end on the character device of a kernel macvtap, as QEMU without
 * vhost-net drives it: one write() and one read() for each frame.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "end.h"

struct end_tap {
	struct end end;
	struct virtio_net_hdr vnet;
	uint8_t in[FRAME_SIZE_MAX];
};

/* With a vnet header the guest takes whatever a Linux guest would take. */
static int tap_setup(int fd, bool vnet)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int len = sizeof(struct virtio_net_hdr);

	if (vnet)
		ifr.ifr_flags |= IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	if (!vnet)
		return 0;

	if (ioctl(fd, TUNSETVNETHDRSZ, &len) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		return -errno;

	return 0;
}

static int tap_open(const struct end_spec *spec, struct end **ret_end, struct err *err)
{
	struct end_tap *tap;
	int fd SCOPED(scoped_fd) = open(spec->address, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(err, errno, "cannot open '%s': %s", spec->address, strerror(errno));

	r = tap_setup(fd, spec->vnet);
	if (r < 0)
		return err_set(err, -r, "'%s' refuses to be a tap: %s", spec->address,
			       strerror(-r));

	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return err_set(err, ENOMEM, "out of memory");

	tap->end = (struct end){ .ops = &end_tap_ops, .spec = *spec, .fd = fd_take(&fd) };
	*ret_end = &tap->end;
	return 0;
}

static void tap_close(struct end *end)
{
	fd_close(end->fd);
	free(container_of(end, struct end_tap, end));
}

static int tap_tx(struct end *end, const struct frame_burst *burst)
{
	const struct frame_shape *shape = burst->shape;
	struct virtio_net_hdr vnet = shape->vnet;
	unsigned done;

	for (done = 0; done < burst->n; done++) {
		struct iovec iov[] = {
			{ .iov_base = &vnet, .iov_len = sizeof(vnet) },
			{ .iov_base = burst->frame[done], .iov_len = shape->size },
		};
		int skip = end->spec.vnet ? 0 : 1;

		if (writev(end->fd, iov + skip, 2 - skip) < 0) {
			if (errno == EAGAIN || errno == ENOBUFS)
				break;
			return -errno;
		}
	}

	return (int)done;
}

static int tap_rx(struct end *end, struct frame_tally *tally)
{
	struct end_tap *tap = container_of(end, struct end_tap, end);
	int skip = end->spec.vnet ? 0 : 1;
	int n;

	for (n = 0; n < FRAME_BURST; n++) {
		struct iovec iov[] = {
			{ .iov_base = &tap->vnet, .iov_len = sizeof(tap->vnet) },
			{ .iov_base = tap->in, .iov_len = sizeof(tap->in) },
		};
		ssize_t len = readv(end->fd, iov + skip, 2 - skip);

		if (len < 0 && errno != EAGAIN)
			return -errno;
		if (len < 0)
			break;
		if (end->spec.vnet)
			len -= (ssize_t)sizeof(tap->vnet);
		frame_count(tally, tap->in, (size_t)MAX(len, 0));
	}

	return n;
}

const struct end_ops end_tap_ops = {
	.kind = "tap",
	.batch = 1,
	.has_vnet = true,
	.open = tap_open,
	.close = tap_close,
	.tx = tap_tx,
	.rx = tap_rx,
};
