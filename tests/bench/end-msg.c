/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending and receiving on sockets where a message is a frame, 'batch' frames
 * with one system call.
 */
#include "end-msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* Not a multiple of a page, or all buffers would share a few cache lines. */
#define BUFFER_SIZE (FRAME_SIZE_MAX + 192)

struct end_msg {
	struct end end;
	struct end_msg_names names;

	struct mmsghdr out[FRAME_BURST];
	struct iovec out_iov[FRAME_BURST][2];
	struct virtio_net_hdr out_vnet;

	struct mmsghdr in[FRAME_BURST];
	struct iovec in_iov[FRAME_BURST][2];
	struct virtio_net_hdr in_vnet[FRAME_BURST];
	uint8_t in_frame[FRAME_BURST][BUFFER_SIZE];
};

/* A frame's message has the vnet header as its first part, or not at all. */
static void prepare(struct mmsghdr *msg, struct iovec iov[2], struct virtio_net_hdr *vnet,
		    bool with_vnet)
{
	iov[0] = (struct iovec){ .iov_base = vnet, .iov_len = sizeof(*vnet) };
	msg->msg_hdr.msg_iov = with_vnet ? iov : iov + 1;
	msg->msg_hdr.msg_iovlen = with_vnet ? 2 : 1;
}

int end_msg_new(const struct end_spec *spec, int fd, const struct end_msg_names *names,
		struct end **ret_end, struct err *err)
{
	struct end_msg *end = calloc(1, sizeof(*end));

	if (!end) {
		fd_close(fd);
		return err_set(err, ENOMEM, "out of memory");
	}

	end->end = (struct end){ .ops = spec->ops, .spec = *spec, .fd = fd };
	if (names) {
		end->end.blind = true;
		end->names = *names;
	}

	for (unsigned i = 0; i < FRAME_BURST; i++) {
		prepare(&end->out[i], end->out_iov[i], &end->out_vnet, spec->vnet);
		if (names) {
			end->out[i].msg_hdr.msg_name = &end->names.peer;
			end->out[i].msg_hdr.msg_namelen = sizeof(end->names.peer);
		}
		prepare(&end->in[i], end->in_iov[i], &end->in_vnet[i], spec->vnet);
		end->in_iov[i][1] = (struct iovec){
			.iov_base = end->in_frame[i],
			.iov_len = FRAME_SIZE_MAX,
		};
	}

	*ret_end = &end->end;
	return 0;
}

void end_msg_close(struct end *end)
{
	struct end_msg *msg = container_of(end, struct end_msg, end);

	fd_close(end->fd);
	if (msg->names.own.sun_path[0])
		unlink(msg->names.own.sun_path);
	free(msg);
}

/* A full queue, ours or the device's, is no error. */
static bool is_full(int errnum)
{
	return errnum == EAGAIN || errnum == ENOBUFS;
}

int end_msg_tx(struct end *end, const struct frame_burst *burst)
{
	struct end_msg *msg = container_of(end, struct end_msg, end);
	unsigned done = 0;

	msg->out_vnet = burst->shape->vnet;
	for (unsigned i = 0; i < burst->n; i++)
		msg->out_iov[i][1] = (struct iovec){
			.iov_base = burst->frame[i],
			.iov_len = burst->shape->size,
		};

	while (done < burst->n) {
		unsigned n = MIN(end->spec.batch, burst->n - done);
		int r = sendmmsg(end->fd, msg->out + done, n, MSG_NOSIGNAL);

		if (r < 0 && !is_full(errno))
			return -errno;
		if (r <= 0)
			break;
		done += (unsigned)r;
	}

	return (int)done;
}

int end_msg_rx(struct end *end, struct frame_tally *tally)
{
	struct end_msg *msg = container_of(end, struct end_msg, end);
	size_t header = end->spec.vnet ? sizeof(struct virtio_net_hdr) : 0;
	int n = 0, r;

	do {
		r = recvmmsg(end->fd, msg->in, end->spec.batch, 0, NULL);
		if (r < 0 && errno != EAGAIN)
			return -errno;

		for (int i = 0; i < r; i++)
			frame_count(tally, msg->in_frame[i],
				    MAX(msg->in[i].msg_len, header) - header);
		n += MAX(r, 0);
	} while (r > 0 && n < FRAME_BURST);

	return n;
}
