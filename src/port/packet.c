/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet port
 * ===============
 *
 * What it is. A raw packet socket bound to one device. Frames are read with
 * recvmmsg() into the burst's store and sent with sendmmsg() straight from
 * where they lie. No ring: TPACKET_V3 holds a lone frame back for up to a
 * millisecond, V2 is no faster than recvmmsg() and knows no virtio_net_hdr
 * behind 64 KiB frames. No PACKET_QDISC_BYPASS: captures and traffic control on
 * the device see what leaves.
 *
 * Frames. A virtio_net_hdr precedes each, so that unfinished checksums and
 * 64 KiB super-frames pass whole in both directions. The kernel takes the outer
 * VLAN tag out of what it receives; it comes back by PACKET_AUXDATA.
 *
 * Trouble. A device that goes down reports ENETDOWN once and loses frames until
 * it is up; the socket stays bound. A device that is deleted, or leaves the
 * network namespace, unbinds the socket: that is a fault, found by the next
 * tx(). The kernel does not wake a reader for it: it reports the going down that
 * comes first, and unbinds some milliseconds later. So rx() finds out only when
 * it was late, and the control thread has to watch the links (host/monitor.h).
 * The socket has one place for an asynchronous error, which the next call in
 * *either* direction gets; see packet_send().
 *
 * Threads. A worker calls rx and tx; the filter functions and the missed count
 * belong to the control thread and touch nothing that the worker does.
 */
#include "port/packet.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/fd.h"
#include "base/text.h"
#include "port/burst.h"
#include "port/tag.h"

/* Asked for, each way; without CAP_NET_ADMIN net.core.{r,w}mem_max limit it
 * (208 KiB by default). 8 MiB is 100 super-frames or 10,000 small ones, as the
 * kernel counts them: 10 ms at a million frames a second.
 */
#define PACKET_BUFFER_SIZE (8 * 1024 * 1024)

/* Pieces in one sendmmsg(), the vnet headers included. */
#define PACKET_IOV_MAX UIO_MAXIOV

union packet_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct packet {
	struct port up;

	/* the worker's */
	unsigned rx_lost; /* errors of rx() that tx() was told */
	bool went_down;	  /* rx() is to look whether the device is gone too */
	struct mmsghdr rx_msg[BURST_MAX];
	struct iovec rx_iov[BURST_MAX][2]; /* vnet header, frame */
	struct vnet_header rx_vnet[BURST_MAX];
	union packet_control rx_control[BURST_MAX];
	struct mmsghdr tx_msg[BURST_MAX];
	struct iovec tx_iov[PACKET_IOV_MAX];

	/* the control thread's */
	int ifindex;
	char name[TEXT_ESCAPED_SIZE(IF_NAMESIZE)];
	enum port_packet_filter promisc;
	enum port_packet_filter allmulti;
	uint64_t missed;
};

static struct packet *packet_of(struct port *port)
{
	return container_of(port, struct packet, up);
}

/* Has the kernel unbound the socket from its device? */
static bool packet_is_gone(const struct packet *p)
{
	struct sockaddr_ll addr = { 0 };
	socklen_t len = sizeof(addr);

	return getsockname(p->up.fd, (struct sockaddr *)&addr, &len) < 0 ||
	       addr.sll_ifindex != p->ifindex;
}

/* Is there a frame that has been received and not read? */
static bool packet_is_readable(const struct packet *p)
{
	int len;

	return ioctl(p->up.fd, SIOCINQ, &len) == 0 && len > 0;
}

/* A device that is gone is a fault, once the frames from before are read. */
static void packet_look_for_device(struct packet *p)
{
	if (!packet_is_gone(p))
		p->went_down = false;
	else if (!packet_is_readable(p))
		port_fault(&p->up, "device is gone");
}

/* ---- From the device ---- */

static void packet_rx_prepare(struct packet *p, struct burst *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *msg = &p->rx_msg[i].msg_hdr;

		p->rx_iov[i][1].iov_base = burst_slot(in, in->n + i) + BURST_HEADROOM;
		msg->msg_controllen = sizeof(p->rx_control[i]);
	}
}

/* Reads up to 'n' messages; returns how many. */
static unsigned packet_recv(struct packet *p, struct burst *in, unsigned n)
{
	/* Reading an error takes it away. The limit is for the case that new
	 * ones come as fast.
	 */
	for (unsigned tries = 0; tries < BURST_MAX; tries++) {
		int got = recvmmsg(p->up.fd, p->rx_msg, n, MSG_DONTWAIT, NULL);

		if (got >= 0)
			return (unsigned)got;

		switch (errno) {
		case EINTR:
			break;
		case EINVAL: /* segmentation that a vnet header cannot express */
			burst_drop(in, DROP_BAD_OFFLOAD);
			break;
		case ENETDOWN:
			p->went_down = true;
			break;
		case EAGAIN:
		case ENOBUFS:
		case ENOMEM:
			return 0;
		default:
			port_fault(&p->up, "cannot receive: %s", strerrordesc_np(errno));
			return 0;
		}
	}

	return 0;
}

/* What the kernel says beside the frame; NULL if it says nothing. */
static const struct tpacket_auxdata *packet_auxdata(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
		    c->cmsg_len >= CMSG_LEN(sizeof(struct tpacket_auxdata)))
			return (const void *)CMSG_DATA(c);
	}

	return NULL;
}

/* Appends the message in place 'i' to 'in', or counts why not. */
static void packet_rx_append(struct packet *p, struct burst *in, unsigned i)
{
	const struct tpacket_auxdata *aux = packet_auxdata(&p->rx_msg[i].msg_hdr);
	struct vnet_header vnet = p->rx_vnet[i];
	uint8_t *data = p->rx_iov[i][1].iov_base;
	uint32_t len = p->rx_msg[i].msg_len;
	struct frame *frame;

	if (len < sizeof(vnet) + ETH_HEADER_LEN) {
		burst_drop(in, DROP_RUNT);
		return;
	}
	len -= (uint32_t)sizeof(vnet);

	if (aux && aux->tp_status & TP_STATUS_VLAN_VALID) {
		uint16_t tpid = ETH_TYPE_VLAN;

		if (aux->tp_status & TP_STATUS_VLAN_TPID_VALID)
			tpid = aux->tp_vlan_tpid;
		data = tag_insert(data, tpid, aux->tp_vlan_tci, &vnet);
		len += ETH_VLAN_LEN;
	}

	if (p->rx_msg[i].msg_hdr.msg_flags & MSG_TRUNC || len > ETH_FRAME_MAX) {
		burst_drop(in, DROP_TRUNCATED);
		return;
	}

	frame = burst_append(in, data, len);
	if (frame)
		frame->vnet = vnet;
}

static unsigned packet_rx(struct port *port, struct burst *in, unsigned budget)
{
	struct packet *p = packet_of(port);
	unsigned before = in->n;
	unsigned n = MIN(budget, BURST_MAX - before);

	if (port->faulty)
		return 0;

	for (; p->rx_lost > 0; p->rx_lost--)
		burst_drop(in, DROP_BAD_OFFLOAD);

	packet_rx_prepare(p, in, n);
	n = packet_recv(p, in, n);
	for (unsigned i = 0; i < n; i++)
		packet_rx_append(p, in, i);
	if (p->went_down)
		packet_look_for_device(p);

	return in->n - before;
}

static void packet_release(struct port *port)
{
	(void)port; /* the frames lie in the burst's store */
}

/* ---- To the device ---- */

/* Describes as many of 'frames' as one sendmmsg() takes; returns how many. */
static unsigned packet_tx_prepare(struct packet *p, struct frame *const frames[], unsigned n)
{
	unsigned used = 0;
	unsigned i;

	for (i = 0; i < n && i < BURST_MAX; i++) {
		struct frame *frame = frames[i];
		struct msghdr *msg = &p->tx_msg[i].msg_hdr;

		if (used + 1 + frame->n_iov > PACKET_IOV_MAX)
			break;

		msg->msg_iov = &p->tx_iov[used];
		msg->msg_iovlen = 1 + (size_t)frame->n_iov;
		p->tx_iov[used++] =
			(struct iovec){ .iov_base = &frame->vnet, .iov_len = sizeof(frame->vnet) };
		memcpy(&p->tx_iov[used], frame->iov, frame->n_iov * sizeof(*frame->iov));
		used += frame->n_iov;
	}

	return i;
}

/* Sends the first of 'n' messages; returns how many, or a negative errno that
 * concerns the first.
 */
static int packet_send(struct packet *p, unsigned n)
{
	int sent = sendmmsg(p->up.fd, p->tx_msg, n, MSG_DONTWAIT);
	int first;

	if (sent >= 0)
		return sent;

	first = errno;
	if (first != EINVAL && first != ENETDOWN)
		return -first;

	/* That may have been an error of the receiving side, which is told once
	 * to whoever asks first. The second answer is about the frame.
	 */
	sent = sendmmsg(p->up.fd, p->tx_msg, n, MSG_DONTWAIT);
	if (first == EINVAL && (sent >= 0 || errno != EINVAL))
		p->rx_lost++;

	return sent >= 0 ? sent : -errno;
}

static enum drop packet_tx_why(struct packet *p, int errnum)
{
	switch (errnum) {
	case EMSGSIZE:
		return DROP_OVERSIZE;
	case EINVAL:
		return DROP_BAD_OFFLOAD;
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return DROP_LOWER_FULL;
	case ENXIO: /* bound to nothing */
		p->went_down = true;
		packet_look_for_device(p);
		return DROP_LOWER_DOWN;
	default:
		return DROP_LOWER_DOWN;
	}
}

static unsigned packet_tx(struct port *port, struct frame *const frames[], unsigned n,
			  enum drop *ret_why)
{
	struct packet *p = packet_of(port);
	unsigned done = 0;

	if (port->faulty && n > 0) {
		*ret_why = DROP_LOWER_DOWN;
		return 0;
	}

	while (done < n) {
		unsigned batch = packet_tx_prepare(p, frames + done, n - done);
		int sent = batch > 0 ? packet_send(p, batch) : -EMSGSIZE;

		if (sent < 0) {
			*ret_why = packet_tx_why(p, -sent);
			return done;
		}
		done += (unsigned)sent;
	}

	return done;
}

/* ---- The device's filter ---- */

static int packet_membership(struct packet *p, int option, struct packet_mreq *mreq,
			     const char *what, struct err *err)
{
	mreq->mr_ifindex = p->ifindex;
	if (setsockopt(p->up.fd, SOL_PACKET, option, mreq, sizeof(*mreq)) < 0)
		return err_set(err, errno, "cannot change %s of network device '%s': %s", what,
			       p->name, strerrordesc_np(errno));
	return 0;
}

static int packet_filter(struct port *port, int option, struct mac mac, struct err *err)
{
	struct packet_mreq mreq = { .mr_type = PACKET_MR_UNICAST, .mr_alen = sizeof(mac) };

	memcpy(mreq.mr_address, &mac, sizeof(mac));
	return packet_membership(packet_of(port), option, &mreq, "the receive filter", err);
}

int port_packet_filter_add(struct port *port, struct mac mac, struct err *err)
{
	return packet_filter(port, PACKET_ADD_MEMBERSHIP, mac, err);
}

int port_packet_filter_del(struct port *port, struct mac mac, struct err *err)
{
	return packet_filter(port, PACKET_DROP_MEMBERSHIP, mac, err);
}

static int packet_set_filter(struct packet *p, int type, enum port_packet_filter *state,
			     enum port_packet_filter wanted, struct err *err)
{
	struct packet_mreq mreq = { .mr_type = (unsigned short)type };
	int option = wanted == PORT_PACKET_ALL ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP;
	const char *what = type == PACKET_MR_PROMISC ? "promiscuous mode" : "all-multicast mode";
	int r;

	if (*state == wanted)
		return 0;

	r = packet_membership(p, option, &mreq, what, err);
	if (r < 0)
		return r;

	*state = wanted;
	return 0;
}

int port_packet_set_promisc(struct port *port, enum port_packet_filter filter, struct err *err)
{
	struct packet *p = packet_of(port);

	return packet_set_filter(p, PACKET_MR_PROMISC, &p->promisc, filter, err);
}

int port_packet_set_allmulti(struct port *port, enum port_packet_filter filter, struct err *err)
{
	struct packet *p = packet_of(port);

	return packet_set_filter(p, PACKET_MR_ALLMULTI, &p->allmulti, filter, err);
}

uint64_t port_packet_missed(struct port *port)
{
	struct packet *p = packet_of(port);
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	/* Reading sets the kernel's counters back to zero. */
	if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		p->missed += stats.tp_drops;

	return p->missed;
}

/* ---- Opening and closing ---- */

static void packet_close(struct port *port)
{
	struct packet *p = packet_of(port);

	port->fd = fd_close(port->fd);
	free(p);
}

static const struct port_ops packet_ops = {
	.kind = "packet",
	.rx = packet_rx,
	.release = packet_release,
	.tx = packet_tx,
	.close = packet_close,
};

static void packet_set_buffer(int fd, int force_option, int option)
{
	int size = PACKET_BUFFER_SIZE;

	/* Either limit is a matter of speed only. */
	if (setsockopt(fd, SOL_SOCKET, force_option, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

/* A socket with all its options, bound to nothing, so that nothing is queued. */
static int packet_socket(const struct packet *p, int *ret_fd, struct err *err)
{
	static const struct {
		int option;
		const char *name;
	} options[] = {
		{ PACKET_VNET_HDR, "PACKET_VNET_HDR" },
		{ PACKET_AUXDATA, "PACKET_AUXDATA" },
		{ PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING" },
	};
	int fd SCOPED(scoped_fd) = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return err_set(
			err, errno,
			"cannot use network device '%s' without CAP_NET_RAW; start limpetd "
			"with that capability, or add a lower of type dummy, which needs none",
			p->name);
	if (fd < 0)
		return err_set(err, errno,
			       "cannot open a packet socket for network device '%s': %s", p->name,
			       strerrordesc_np(errno));

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int on = 1;

		if (setsockopt(fd, SOL_PACKET, options[i].option, &on, sizeof(on)) < 0)
			return err_set(err, errno,
				       "cannot use network device '%s': this kernel's packet "
				       "sockets refuse %s (%s); Linux 4.20 or later is needed",
				       p->name, options[i].name, strerrordesc_np(errno));
	}

	packet_set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	packet_set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int packet_bind(struct packet *p, struct err *err)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htobe16(ETH_P_ALL),
		.sll_ifindex = p->ifindex,
	};

	if (bind(p->up.fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	if (errno == ENODEV)
		return err_set(err, ENODEV,
			       "network device '%s' (index %d) is gone; 'ip link' lists those "
			       "that exist",
			       p->name, p->ifindex);
	return err_set(err, errno, "cannot bind a packet socket to network device '%s': %s",
		       p->name, strerrordesc_np(errno));
}

/* What never changes about the messages that rx() and tx() hand to the kernel. */
static void packet_init_messages(struct packet *p)
{
	for (unsigned i = 0; i < BURST_MAX; i++) {
		struct msghdr *msg = &p->rx_msg[i].msg_hdr;

		p->rx_iov[i][0].iov_base = &p->rx_vnet[i];
		p->rx_iov[i][0].iov_len = sizeof(p->rx_vnet[i]);
		p->rx_iov[i][1].iov_len = ETH_FRAME_MAX;
		msg->msg_iov = p->rx_iov[i];
		msg->msg_iovlen = ARRAY_SIZE(p->rx_iov[i]);
		msg->msg_control = &p->rx_control[i];
	}
}

int port_packet_open(const struct port_packet_spec *spec, struct port **ret_port, struct err *err)
{
	struct port *port SCOPED(scoped_port) = NULL;
	struct packet *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_set(err, ENOMEM, "out of memory");

	p->up.ops = &packet_ops;
	p->up.takes = VNET_WORK_ALL;
	p->up.fd = -1;
	p->ifindex = spec->ifindex;
	(void)text_escape(p->name, sizeof(p->name), spec->name);
	packet_init_messages(p);
	port = &p->up;

	r = packet_socket(p, &p->up.fd, err);
	if (r < 0)
		return r;

	r = packet_bind(p, err);
	if (r < 0)
		return r;

	*ret_port = TAKE(port);
	return 0;
}
