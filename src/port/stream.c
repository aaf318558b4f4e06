/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream port
 * ===============
 *
 * What it is. Frames through a connected AF_UNIX stream socket; one recv() and
 * one sendmsg() for a whole burst wherever the kernel takes and gives that much.
 *
 * Receiving. recv() appends to the buffer of port/framing.h, and the frames
 * are views into it. It is called only when no complete frame is left there:
 * until release() nothing may move. What is left there is 'has_more', since the
 * descriptor is readable only for what is still in the kernel; so the turn of a
 * peer that sends small frames ends after one buffer, however many they are.
 *
 * Sending. A burst goes out as one gathered write, lengths included. If the
 * kernel stops in the middle of a frame, the rest of that frame is copied to
 * 'pending', for the stream must go on with exactly these bytes; the frames
 * behind it are refused as PEER_FULL. So a peer that does not read costs one
 * failing system call a burst and nobody's time, and its stream is never torn.
 *
 * What can go wrong. A peer that stops reading forever: it gets drops until it
 * goes. One that closes: sendmsg() fails first, but what it sent before is
 * still delivered, and only then is the port faulty.
 */
#include "port/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "port/burst.h"
#include "port/framing.h"
#include "port/port.h"

/* Enough for a burst of frames in three pieces each; 4 KiB of stack. */
#define STREAM_IOV_MAX 256

/* Room for the rest of one frame, in whole pages. */
#define STREAM_PENDING_SIZE 73728
static_assert(STREAM_PENDING_SIZE >= FRAMING_PREFIX + ETH_FRAME_MAX, "the largest rest");

/* What is under way to the peer at most, asked of the kernel: some 300 frames
 * of 1514 bytes, where macvtap queues 500 (R3.40). It doubles this for its
 * bookkeeping and grants it even where net.core.wmem_max has its default.
 */
#define STREAM_SNDBUF 212992

#define STREAM_MAP_SIZE (FRAMING_SIZE + STREAM_PENDING_SIZE)

struct port_stream {
	struct port up;
	struct framing in;
	uint8_t *pending;     /* STREAM_PENDING_SIZE bytes: the rest of a frame, */
	size_t pending_start; /* from here */
	size_t pending_end;   /* to here */
	bool deaf;	      /* the peer takes nothing any more */
};

struct gather {
	struct iovec iov[STREAM_IOV_MAX];
	unsigned n_iov;
	be32 prefix[BURST_MAX];
	unsigned n_frames;
};

static struct port_stream *stream_of(struct port *port)
{
	return container_of(port, struct port_stream, up);
}

/* Reads once. False if nothing came, and the fault is set if nothing will. */
static bool stream_receive(struct port_stream *stream)
{
	size_t room;
	uint8_t *at = framing_room(&stream->in, &room);
	ssize_t n = recv(stream->up.fd, at, room, MSG_DONTWAIT);

	if (n > 0) {
		framing_add(&stream->in, (size_t)n);
		return true;
	}

	if (n == 0 && framing_is_cut(&stream->in))
		port_fault(&stream->up, "peer closed the connection in the middle of a frame");
	else if (n == 0 || errno == ECONNRESET)
		port_fault(&stream->up, "peer closed the connection");
	else if (errno != EAGAIN && errno != EINTR)
		port_fault(&stream->up, "cannot receive from the peer: %s", strerrordesc_np(errno));
	return false;
}

static unsigned stream_rx(struct port *port, struct burst *in, unsigned budget)
{
	struct port_stream *stream = stream_of(port);
	uint32_t absurd;
	unsigned n;

	port->has_more = false;
	if (port->faulty)
		return 0;
	if (!framing_has_frame(&stream->in) && !stream_receive(stream))
		return 0;

	n = framing_take(&stream->in, in, budget);
	port->has_more = framing_has_frame(&stream->in);

	absurd = framing_absurd(&stream->in);
	if (absurd > 0)
		port_fault(port, "peer sent a frame of %u bytes; at most %u are allowed", absurd,
			   ETH_FRAME_MAX);
	return n;
}

static void stream_release(struct port *port)
{
	(void)port; /* the next stream_rx() finds out what it may overwrite */
}

/* sendmsg(), and how many bytes went. */
static size_t stream_send(struct port_stream *stream, struct iovec *iov, unsigned n_iov)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_iov };
	ssize_t n = sendmsg(stream->up.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;

	/* stream_rx() will tell why, when it has read what is left to read. EFAULT
	 * is the sender's doing: a guest's memory that is gone.
	 */
	if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM && errno != EINTR &&
	    errno != EFAULT)
		stream->deaf = true;
	return 0;
}

static void stream_flush(struct port *port)
{
	struct port_stream *stream = stream_of(port);
	struct iovec rest = {
		.iov_base = stream->pending + stream->pending_start,
		.iov_len = stream->pending_end - stream->pending_start,
	};

	if (rest.iov_len > 0)
		stream->pending_start += stream_send(stream, &rest, 1);
	if (stream->deaf)
		stream->pending_start = stream->pending_end;
	port->want_write = stream->pending_start < stream->pending_end;
}

/* Makes 'frame' pending, prefix included, but for its first 'skip' bytes. */
static void stream_keep(struct port_stream *stream, const struct frame *frame, size_t skip)
{
	be32 prefix = cpu_to_be32(frame->len);
	size_t end = sizeof(prefix);

	assert(stream->pending_start == stream->pending_end);

	memcpy(stream->pending, &prefix, sizeof(prefix));
	for (unsigned i = 0; i < frame->n_iov; i++) {
		const struct iovec *iov = &frame->iov[i];

		assert(iov->iov_len <= STREAM_PENDING_SIZE - end);
		memcpy(stream->pending + end, iov->iov_base, iov->iov_len);
		end += iov->iov_len;
	}

	stream->pending_start = skip;
	stream->pending_end = end;
	stream->up.want_write = true;
}

/* Lays out as many frames as fit. */
static void stream_gather(struct gather *gather, struct frame *const frames[], unsigned n)
{
	gather->n_iov = gather->n_frames = 0;

	while (gather->n_frames < MIN(n, (unsigned)BURST_MAX)) {
		const struct frame *frame = frames[gather->n_frames];
		be32 *prefix = &gather->prefix[gather->n_frames];

		if (frame->len > ETH_FRAME_MAX || gather->n_iov + 1 + frame->n_iov > STREAM_IOV_MAX)
			break;

		*prefix = cpu_to_be32(frame->len);
		gather->iov[gather->n_iov++] =
			(struct iovec){ .iov_base = prefix, .iov_len = sizeof(*prefix) };
		memcpy(&gather->iov[gather->n_iov], frame->iov, frame->n_iov * sizeof(*frame->iov));
		gather->n_iov += frame->n_iov;
		gather->n_frames++;
	}
}

/* 'sent' bytes of the first 'n' frames went out: how many frames are taken? One
 * that went in part is, and its rest is kept.
 */
static unsigned stream_settle(struct port_stream *stream, struct frame *const frames[], unsigned n,
			      size_t sent)
{
	for (unsigned i = 0; i < n; i++) {
		size_t size = FRAMING_PREFIX + (size_t)frames[i]->len;

		if (sent == 0)
			return i;
		if (sent < size) {
			stream_keep(stream, frames[i], sent);
			return i + 1;
		}
		sent -= size;
	}

	return n;
}

/* Sends from the front of 'frames'; returns how many were taken. */
static unsigned stream_push(struct port_stream *stream, struct frame *const frames[], unsigned n)
{
	struct gather gather;

	stream_gather(&gather, frames, n);
	if (gather.n_frames == 0) {
		/* In too many pieces for one system call: in one piece, then. */
		stream_keep(stream, frames[0], 0);
		stream_flush(&stream->up);
		return 1;
	}

	return stream_settle(stream, frames, gather.n_frames,
			     stream_send(stream, gather.iov, gather.n_iov));
}

static unsigned stream_tx(struct port *port, struct frame *const frames[], unsigned n,
			  enum drop *ret_why)
{
	struct port_stream *stream = stream_of(port);
	unsigned taken = 0;

	while (taken < n) {
		unsigned pushed;

		/* The poll tells room only when three quarters are free. */
		if (port->want_write)
			stream_flush(port);
		*ret_why = stream->deaf || port->faulty ? DROP_NO_PEER : DROP_PEER_FULL;
		if (stream->deaf || port->faulty || port->want_write)
			break;
		if (frames[taken]->len > ETH_FRAME_MAX) {
			*ret_why = DROP_OVERSIZE;
			break;
		}

		pushed = stream_push(stream, frames + taken, n - taken);
		if (pushed == 0 && !stream->deaf)
			break;
		taken += pushed;
	}

	return taken;
}

static void stream_close(struct port *port)
{
	struct port_stream *stream = stream_of(port);

	(void)munmap(stream->in.buf, STREAM_MAP_SIZE);
	(void)fd_close(port->fd);
	free(stream);
}

static const struct port_ops stream_ops = {
	.kind = "stream",
	.rx = stream_rx,
	.release = stream_release,
	.tx = stream_tx,
	.flush = stream_flush,
	.close = stream_close,
};

int port_stream_open(int fd, struct port **ret_port, struct err *err)
{
	struct port_stream *stream = calloc(1, sizeof(*stream));
	const int sndbuf = STREAM_SNDBUF;
	void *map;

	if (!stream)
		return err_set(err, ENOMEM, "out of memory");

	/* Mapped, not allocated: an idle peer touches none of it. */
	map = mmap(NULL, STREAM_MAP_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED) {
		free(stream);
		return err_set(err, ENOMEM, "out of memory for a peer's frames (%d bytes)",
			       STREAM_MAP_SIZE);
	}

	/* Without it the default does: fewer frames under way. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));

	stream->in.buf = map;
	stream->pending = stream->in.buf + FRAMING_SIZE;
	stream->up.ops = &stream_ops;
	stream->up.fd = fd;
	*ret_port = &stream->up;
	return 0;
}
