/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end on a stream socket: a length of four octets, big-endian, before each
 * frame. It behaves like QEMU's "-netdev stream": one writev() for a frame
 * (for 'batch' frames, if asked), and as much as there is with each read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/text.h"
#include "end.h"

#define HEADER 4

struct end_stream {
	struct end end;

	/* What the socket did not take of the last frames it was given. */
	uint8_t rest[FRAME_BURST * (HEADER + FRAME_SIZE_MAX)];
	size_t rest_at, rest_len;

	/* What has been read and not yet counted: less than one frame. */
	uint8_t in[HEADER + FRAME_SIZE_MAX];
	size_t in_len;
};

static int stream_connect(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd SCOPED(scoped_fd) = -1;

	if (!text_copy(addr.sun_path, sizeof(addr.sun_path), path))
		return err_set(err, ENAMETOOLONG, "socket '%s': the path is too long", path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_set(err, errno, "cannot connect to '%s': %s", path, strerror(errno));

	return fd_take(&fd);
}

static int stream_open(const struct end_spec *spec, struct end **ret_end, struct err *err)
{
	struct end_stream *stream;
	int fd = spec->fd >= 0 ? spec->fd : stream_connect(spec->address, err);

	if (fd < 0)
		return fd;

	stream = calloc(1, sizeof(*stream));
	if (!stream) {
		fd_close(fd);
		return err_set(err, ENOMEM, "out of memory");
	}

	stream->end = (struct end){ .ops = &end_stream_ops, .spec = *spec, .fd = fd };
	*ret_end = &stream->end;
	return 0;
}

static void stream_close(struct end *end)
{
	fd_close(end->fd);
	free(container_of(end, struct end_stream, end));
}

/* Keeps what a short write left of 'iov', from octet 'done' on. */
static void stream_keep(struct end_stream *stream, const struct iovec *iov, size_t n, size_t done)
{
	stream->rest_at = stream->rest_len = 0;
	for (size_t i = 0; i < n; i++) {
		size_t skip = MIN(done, iov[i].iov_len);

		memcpy(stream->rest + stream->rest_len, (uint8_t *)iov[i].iov_base + skip,
		       iov[i].iov_len - skip);
		stream->rest_len += iov[i].iov_len - skip;
		done -= skip;
	}
}

/* 1 when nothing is left over, 0 when the socket is still full. */
static int stream_flush(struct end_stream *stream)
{
	while (stream->rest_len > 0) {
		ssize_t n = send(stream->end.fd, stream->rest + stream->rest_at, stream->rest_len,
				 MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		stream->rest_at += (size_t)n;
		stream->rest_len -= (size_t)n;
	}

	return 1;
}

/* Returns 1 if the socket took the frames, the last perhaps in part. */
static int stream_write(struct end_stream *stream, uint8_t *const *frames, size_t n, uint32_t size)
{
	uint32_t header = htonl(size);
	struct iovec iov[2 * FRAME_BURST];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t done;

	for (size_t i = 0; i < n; i++) {
		iov[msg.msg_iovlen++] = (struct iovec){ .iov_base = &header, .iov_len = HEADER };
		iov[msg.msg_iovlen++] = (struct iovec){ .iov_base = frames[i], .iov_len = size };
	}

	done = sendmsg(stream->end.fd, &msg, MSG_NOSIGNAL);
	if (done < 0)
		return errno == EAGAIN ? 0 : -errno;

	if ((size_t)done < n * (HEADER + size))
		stream_keep(stream, iov, msg.msg_iovlen, (size_t)done);
	return 1;
}

static int stream_tx(struct end *end, const struct frame_burst *burst)
{
	struct end_stream *stream = container_of(end, struct end_stream, end);
	unsigned done = 0;

	for (;;) {
		unsigned n = MIN(end->spec.batch, burst->n - done);
		int r = stream_flush(stream);

		if (r > 0 && n > 0)
			r = stream_write(stream, burst->frame + done, n, burst->shape->size);
		if (r < 0)
			return r;
		if (r == 0 || n == 0)
			return (int)done;
		done += n;
	}
}

/* Counts the whole frames in 'in' and moves the rest to its front. */
static int stream_parse(struct end_stream *stream, struct frame_tally *tally)
{
	size_t at = 0;

	while (stream->in_len - at >= HEADER) {
		uint32_t len;

		memcpy(&len, stream->in + at, HEADER);
		len = ntohl(len);
		if (len > FRAME_SIZE_MAX)
			return -EPROTO;
		if (stream->in_len - at < HEADER + len)
			break;
		frame_count(tally, stream->in + at + HEADER, len);
		at += HEADER + len;
	}

	stream->in_len -= at;
	memmove(stream->in, stream->in + at, stream->in_len);
	return 1;
}

static int stream_rx(struct end *end, struct frame_tally *tally)
{
	struct end_stream *stream = container_of(end, struct end_stream, end);
	ssize_t n =
		recv(end->fd, stream->in + stream->in_len, sizeof(stream->in) - stream->in_len, 0);

	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;

	stream->in_len += (size_t)n;
	return stream_parse(stream, tally);
}

const struct end_ops end_stream_ops = {
	.kind = "stream",
	.socket_type = SOCK_STREAM,
	.batch = 1,
	.open = stream_open,
	.close = stream_close,
	.tx = stream_tx,
	.rx = stream_rx,
};
