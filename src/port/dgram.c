/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The datagram port
 * =================
 *
 * What it is. Frames as datagrams between our bound Unix socket and a peer that
 * is known only by the address on what it sends. Received into the burst's
 * store, sent from wherever the frames lie.
 *
 * Whom we answer. An address is a claim: a sender can put a link to somebody
 * else's socket in its place, or bind the name in a file system of its own
 * where the name means something else, and this process would send that
 * sender's frames with its own rights. So an address is resolved once, when it
 * appears, following no link; the socket found must belong to the user who the
 * kernel says sent; and from then on frames go to that very socket, which
 * /proc/self/fd names. (Connecting to it would do that too, but a connected
 * socket hears nobody else, and then a peer that died could not be followed.)
 *
 * Sending. To look that name up takes longer than all the rest of sending, so a
 * second socket, which only sends, is connected to the pinned one. The kernel
 * refuses this for a peer that has connected its socket to ours: such a one is
 * sent to by name.
 *
 * What can go wrong. The peer's queue is full: PEER_FULL. Its socket is closed:
 * perhaps it started anew at the same path, so the address is resolved once
 * more; otherwise it is forgotten until it sends again, NO_PEER. It never
 * blocks, and nothing a peer does is a fault.
 *
 * Threads. Like every port; only the text that port_dgram_peer() shows is
 * shared, under a lock which the worker never waits for.
 */
#include "port/dgram.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "port/burst.h"
#include "port/port.h"

/* As in port/stream.c: so that a few 64 KiB frames can be under way. */
#define DGRAM_SNDBUF 212992

/* A path as the kernel tells it: up to 108 bytes and always a NUL. */
struct peer_path {
	char text[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
};

struct port_dgram {
	struct port up;
	struct peer_path path; /* of whom we answer; empty: nobody */
	uid_t uid;	       /* who that is */
	int pin;	       /* its socket (O_PATH), or -1 */
	struct sockaddr_un to; /* the pin as an address */
	int direct;	       /* a socket connected to the pin, or -1 */

	bool unshown; /* 'shown' has to follow yet */
	pthread_mutex_t shown_lock;
	struct peer_path shown; /* a copy of 'path' for other threads */
};

/* One received datagram besides its bytes. */
struct sender {
	struct sockaddr_storage address; /* larger than sockaddr_un, see struct peer_path */
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct ucred))];
};

static struct port_dgram *dgram_of(struct port *port)
{
	return container_of(port, struct port_dgram, up);
}

/* Unless somebody is just reading: then the next dgram_rx() tries again. */
static void dgram_show(struct port_dgram *dgram)
{
	dgram->unshown = pthread_mutex_trylock(&dgram->shown_lock) != 0;
	if (dgram->unshown)
		return;

	dgram->shown = dgram->path;
	(void)pthread_mutex_unlock(&dgram->shown_lock);
}

/* From now on frames are sent by name. */
static void dgram_disconnect(struct port_dgram *dgram)
{
	dgram->direct = fd_close(dgram->direct);
}

/* Has frames sent straight to the pinned socket, if that is possible. */
static void dgram_connect(struct port_dgram *dgram)
{
	const int sndbuf = DGRAM_SNDBUF;

	dgram_disconnect(dgram);
	dgram->direct = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dgram->direct < 0)
		return;
	if (!fd_leaves(dgram->direct, FD_LEFT_BY_PEERS)) {
		dgram_disconnect(dgram);
		return;
	}

	(void)setsockopt(dgram->direct, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	if (connect(dgram->direct, (const struct sockaddr *)&dgram->to, sizeof(dgram->to)) < 0)
		dgram_disconnect(dgram);
}

static void dgram_forget(struct port_dgram *dgram)
{
	dgram_disconnect(dgram);
	dgram->pin = fd_close(dgram->pin);
	dgram->path.text[0] = '\0';
	dgram_show(dgram);
}

/* Makes the socket at 'path', if it is one and belongs to 'uid', the one that
 * is answered.
 */
static bool dgram_pin(struct port_dgram *dgram, const struct peer_path *path, uid_t uid)
{
	int SCOPED(scoped_fd) pin = open(path->text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (pin < 0 || !fd_leaves(pin, FD_LEFT_BY_PEERS))
		return false;
	if (fstat(pin, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	if (st.st_uid != uid && uid != 0)
		return false;

	(void)fd_close(dgram->pin);
	dgram->pin = fd_take(&pin);
	(void)snprintf(dgram->to.sun_path, sizeof(dgram->to.sun_path), "/proc/self/fd/%d",
		       dgram->pin);
	dgram->path = *path;
	dgram->uid = uid;
	dgram_connect(dgram);
	dgram_show(dgram);
	return true;
}

/* The absolute path a datagram came from; false if it has none. */
static bool sender_path(struct sender *sender, const struct msghdr *msg, struct peer_path *ret_path)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&sender->address;
	size_t len = msg->msg_namelen;

	if (len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(sender->address))
		return false;

	len -= offsetof(struct sockaddr_un, sun_path);
	if (un->sun_path[0] != '/' || len > sizeof(ret_path->text))
		return false;

	memset(ret_path, 0, sizeof(*ret_path));
	memcpy(ret_path->text, un->sun_path, MIN(len, sizeof(ret_path->text) - 1));
	return true;
}

/* The user a datagram came from, nobody's number if the kernel does not say. */
static uid_t sender_uid(const struct msghdr *msg)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(msg);
	struct ucred cred = { .uid = (uid_t)-1 };

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_CREDENTIALS &&
	    control->cmsg_len == CMSG_LEN(sizeof(struct ucred)))
		memcpy(&cred, CMSG_DATA(control), sizeof(cred));
	return cred.uid;
}

/* The last datagram of a burst tells whom to answer from now on. */
static void dgram_follow(struct port_dgram *dgram, struct sender *sender, const struct msghdr *msg)
{
	struct peer_path path;

	if (sender_path(sender, msg, &path) && strcmp(path.text, dgram->path.text) != 0)
		(void)dgram_pin(dgram, &path, sender_uid(msg));
}

static bool dgram_append(struct burst *in, uint8_t *data, const struct mmsghdr *mmsg)
{
	if (mmsg->msg_hdr.msg_namelen <= offsetof(struct sockaddr_un, sun_path)) {
		burst_drop(in, DROP_UNBOUND_PEER);
		return false;
	}
	if (mmsg->msg_hdr.msg_flags & MSG_TRUNC) {
		burst_drop(in, DROP_TRUNCATED);
		return false;
	}

	return burst_append(in, data, mmsg->msg_len);
}

static unsigned dgram_rx(struct port *port, struct burst *in, unsigned budget)
{
	struct port_dgram *dgram = dgram_of(port);
	unsigned first = in->n, room = MIN(budget, BURST_MAX - first), n = 0;
	struct sender sender[BURST_MAX];
	struct mmsghdr mmsg[BURST_MAX];
	struct iovec iov[BURST_MAX];
	int got;

	for (unsigned i = 0; i < room; i++) {
		iov[i] = (struct iovec){
			.iov_base = burst_slot(in, first + i) + BURST_HEADROOM,
			.iov_len = ETH_FRAME_MAX,
		};
		mmsg[i].msg_hdr = (struct msghdr){
			.msg_name = &sender[i].address,
			.msg_namelen = sizeof(sender[i].address),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = sender[i].control,
			.msg_controllen = sizeof(sender[i].control),
		};
	}

	/* Its errors are passing ones, or the memory is short: later, then. */
	got = recvmmsg(port->fd, mmsg, room, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (got <= 0)
		return 0;

	for (unsigned i = 0; i < MIN((unsigned)got, room); i++)
		n += dgram_append(in, iov[i].iov_base, &mmsg[i]);

	dgram_follow(dgram, &sender[got - 1], &mmsg[got - 1].msg_hdr);
	if (dgram->unshown)
		dgram_show(dgram);
	return n;
}

static void dgram_release(struct port *port)
{
	(void)port; /* the frames lie in the burst's store */
}

/* Why nothing could be sent, given errno; forgets a peer that takes nothing. */
static enum drop dgram_refused(struct port_dgram *dgram, int errnum)
{
	switch (errnum) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
	case EFAULT: /* the sender's doing: a guest's memory that is gone */
		return DROP_PEER_FULL;
	case EMSGSIZE: /* above the socket's buffer, or in above 1024 pieces */
		return DROP_OVERSIZE;
	default: /* closed, replaced, made inaccessible, connected elsewhere */
		dgram_forget(dgram);
		return DROP_NO_PEER;
	}
}

static int dgram_send(struct port_dgram *dgram, struct mmsghdr *mmsg, unsigned n)
{
	bool by_name = dgram->direct < 0;

	for (unsigned i = 0; i < n; i++) {
		mmsg[i].msg_hdr.msg_name = by_name ? &dgram->to : NULL;
		mmsg[i].msg_hdr.msg_namelen = by_name ? sizeof(dgram->to) : 0;
	}

	return sendmmsg(by_name ? dgram->up.fd : dgram->direct, mmsg, n,
			MSG_DONTWAIT | MSG_NOSIGNAL);
}

static unsigned dgram_tx(struct port *port, struct frame *const frames[], unsigned n,
			 enum drop *ret_why)
{
	struct port_dgram *dgram = dgram_of(port);
	struct mmsghdr mmsg[BURST_MAX];
	bool tried_again = false;
	unsigned taken = 0;

	*ret_why = DROP_NO_PEER;
	if (dgram->pin < 0)
		return 0;

	n = MIN(n, (unsigned)BURST_MAX);
	for (unsigned i = 0; i < n; i++)
		mmsg[i].msg_hdr = (struct msghdr){
			.msg_iov = (struct iovec *)frames[i]->iov,
			.msg_iovlen = frames[i]->n_iov,
		};

	while (taken < n) {
		int sent = dgram_send(dgram, mmsg + taken, n - taken);

		if (sent > 0) {
			taken += (unsigned)sent;
		} else if (errno == EPERM && dgram->direct >= 0) {
			dgram_disconnect(dgram); /* the peer has connected to us */
		} else if (errno == ECONNREFUSED && !tried_again) {
			struct peer_path path = dgram->path;

			tried_again = true;
			(void)dgram_pin(dgram, &path, dgram->uid);
		} else {
			*ret_why = dgram_refused(dgram, errno);
			break;
		}
	}

	return taken;
}

bool port_dgram_peer(struct port *port, char *buf, size_t size)
{
	struct port_dgram *dgram = dgram_of(port);
	struct peer_path path;

	(void)pthread_mutex_lock(&dgram->shown_lock);
	path = dgram->shown;
	(void)pthread_mutex_unlock(&dgram->shown_lock);

	(void)text_escape(buf, size, path.text);
	return path.text[0] != '\0';
}

static void dgram_close(struct port *port)
{
	struct port_dgram *dgram = dgram_of(port);

	(void)pthread_mutex_destroy(&dgram->shown_lock);
	(void)fd_close(dgram->direct);
	(void)fd_close(dgram->pin);
	(void)fd_close(port->fd);
	free(dgram);
}

static const struct port_ops dgram_ops = {
	.kind = "dgram",
	.rx = dgram_rx,
	.release = dgram_release,
	.tx = dgram_tx,
	.close = dgram_close,
};

int port_dgram_open(int fd, struct port **ret_port, struct err *err)
{
	const int on = 1, sndbuf = DGRAM_SNDBUF;
	struct port_dgram *dgram;

	/* Who sends: decides whether its address is believed. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_set(err, errno, "cannot ask for the credentials of datagrams: %s",
			       strerrordesc_np(errno));
	/* Without it the default does: fewer frames under way. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));

	dgram = calloc(1, sizeof(*dgram));
	if (!dgram)
		return err_set(err, ENOMEM, "out of memory");

	(void)pthread_mutex_init(&dgram->shown_lock, NULL);
	dgram->to.sun_family = AF_UNIX;
	dgram->pin = -1;
	dgram->direct = -1;
	dgram->up.ops = &dgram_ops;
	dgram->up.fd = fd;
	*ret_port = &dgram->up;
	return 0;
}
