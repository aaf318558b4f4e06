/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user messages, each one waited for: with REPLY_ACK for the switch's
 * answer, so that what is wrong is known where it went wrong.
 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

#define PATIENCE_MS 10000

/* clang-format off */
enum request {
	GET_FEATURES          = 1,
	SET_FEATURES          = 2,
	SET_OWNER             = 3,
	SET_MEM_TABLE         = 5,
	SET_VRING_NUM         = 8,
	SET_VRING_ADDR        = 9,
	SET_VRING_BASE        = 10,
	GET_VRING_BASE        = 11,
	SET_VRING_KICK        = 12,
	SET_VRING_CALL        = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM         = 17,
	SET_VRING_ENABLE      = 18,
};

static const char *const names[] = {
	[GET_FEATURES]          = "GET_FEATURES",
	[SET_FEATURES]          = "SET_FEATURES",
	[SET_OWNER]             = "SET_OWNER",
	[SET_MEM_TABLE]         = "SET_MEM_TABLE",
	[SET_VRING_NUM]         = "SET_VRING_NUM",
	[SET_VRING_ADDR]        = "SET_VRING_ADDR",
	[SET_VRING_BASE]        = "SET_VRING_BASE",
	[GET_VRING_BASE]        = "GET_VRING_BASE",
	[SET_VRING_KICK]        = "SET_VRING_KICK",
	[SET_VRING_CALL]        = "SET_VRING_CALL",
	[GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
	[SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
	[GET_QUEUE_NUM]         = "GET_QUEUE_NUM",
	[SET_VRING_ENABLE]      = "SET_VRING_ENABLE",
};
/* clang-format on */

#define PROTOCOL_MQ	   (1u << 0)
#define PROTOCOL_REPLY_ACK (1u << 3)

#define VERSION	   1u
#define REPLY	   4u
#define NEED_REPLY 8u

struct state {
	uint32_t index, num;
};

struct region {
	uint64_t gpa, size, user, offset;
};

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		struct state state;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} addr;
		struct {
			uint32_t n, padding;
			struct region region;
		} table;
	};
} __attribute__((packed));

#define HEADER offsetof(struct message, number)

static int trouble(const struct session *session, enum request request, int errnum, struct err *err)
{
	return err_set(err, errnum, "vhost-user '%s': %s failed: %s", session->path, names[request],
		       errnum == EPIPE ? "the switch hung up" : strerror(errnum));
}

/* Sends 'message', with descriptor 'fd' if that is one. */
static int transmit(const struct session *session, struct message *message, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = message, .iov_len = HEADER + message->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	message->flags |= VERSION;
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}

	return sendmsg(session->fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_all(int fd, void *to, size_t size)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	for (size_t done = 0; done < size;) {
		ssize_t n;

		if (poll(&pollfd, 1, PATIENCE_MS) == 0)
			return -ETIMEDOUT;
		n = recv(fd, (char *)to + done, size - done, 0);
		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}

	return 0;
}

/* Receives the answer to 'request', which is one number or one state. */
static int receive(const struct session *session, enum request request, struct message *message)
{
	int r = receive_all(session->fd, message, HEADER);

	if (r == 0 && (message->request != request || !(message->flags & REPLY) ||
		       message->size != sizeof(message->number)))
		r = -EPROTO;
	if (r == 0)
		r = receive_all(session->fd, &message->number, sizeof(message->number));
	return r;
}

/* Asks for a number. */
static int get(const struct session *session, enum request request, uint64_t *ret_number,
	       struct err *err)
{
	struct message message = { .request = request };
	int r = transmit(session, &message, -1);

	if (r == 0)
		r = receive(session, request, &message);
	if (r < 0)
		return trouble(session, request, -r, err);

	*ret_number = message.number;
	return 0;
}

/* Says something and, if the switch can acknowledge it, waits for that. */
static int set(const struct session *session, struct message *message, int fd, struct err *err)
{
	enum request request = message->request;
	bool ack = session->protocol & PROTOCOL_REPLY_ACK;
	int r;

	message->flags = ack ? NEED_REPLY : 0;
	r = transmit(session, message, fd);
	if (r == 0 && ack)
		r = receive(session, request, message);
	if (r < 0)
		return trouble(session, request, -r, err);
	if (ack && message->number != 0)
		return err_set(err, EPROTO, "vhost-user '%s': the switch refused %s", session->path,
			       names[request]);

	return 0;
}

static int set_number(const struct session *session, enum request request, uint64_t number,
		      struct err *err)
{
	struct message message = { .request = request, .size = 8, .number = number };

	return set(session, &message, -1, err);
}

static int set_state(const struct session *session, enum request request, unsigned index,
		     uint32_t num, struct err *err)
{
	struct message message = { .request = request, .size = 8, .state = { index, num } };

	return set(session, &message, -1, err);
}

static int set_fd(const struct session *session, enum request request, unsigned index, int fd,
		  struct err *err)
{
	struct message message = { .request = request, .size = 8, .number = index };

	return set(session, &message, fd, err);
}

int session_init(struct session *session, const char *path, bool server, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd SCOPED(scoped_fd) = -1;

	*session = (struct session){ .fd = -1, .listener = -1, .path = path, .queue_pairs = 1 };
	if (!server)
		return 0;

	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return err_set(err, ENAMETOOLONG, "socket '%s': the path is too long", path);

	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0)
		return err_set(err, errno, "cannot listen on '%s': %s", path, strerror(errno));

	session->listener = fd_take(&fd);
	return 0;
}

static int await_switch(struct session *session, struct err *err)
{
	struct pollfd pollfd = { .fd = session->listener, .events = POLLIN };

	if (poll(&pollfd, 1, PATIENCE_MS) <= 0)
		return err_set(err, ETIMEDOUT, "no switch came to '%s' within %d s", session->path,
			       PATIENCE_MS / 1000);

	session->fd = accept4(session->listener, NULL, NULL, SOCK_CLOEXEC);
	if (session->fd < 0)
		return err_set(err, errno, "cannot accept on '%s': %s", session->path,
			       strerror(errno));

	return 0;
}

static int find_switch(struct session *session, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd SCOPED(scoped_fd) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!text_copy(address.sun_path, sizeof(address.sun_path), session->path))
		return err_set(err, ENAMETOOLONG, "socket '%s': the path is too long",
			       session->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, errno, "cannot connect to '%s': %s", session->path,
			       strerror(errno));

	session->fd = fd_take(&fd);
	return 0;
}

/* What only front-ends and back-ends know of. */
static int agree_protocol(struct session *session, struct err *err)
{
	uint64_t offered;
	int r = get(session, GET_PROTOCOL_FEATURES, &offered, err);

	if (r < 0)
		return r;

	offered &= PROTOCOL_MQ | PROTOCOL_REPLY_ACK;
	r = set_number(session, SET_PROTOCOL_FEATURES, offered, err);
	if (r < 0)
		return r;

	session->protocol = offered;
	return offered & PROTOCOL_MQ ? get(session, GET_QUEUE_NUM, &session->queue_pairs, err) : 0;
}

int session_agree(struct session *session, uint64_t wanted, uint64_t needed, struct err *err)
{
	uint64_t protocol = UINT64_C(1) << SESSION_F_PROTOCOL_FEATURES, offered;
	struct message owner = { .request = SET_OWNER };
	int r = session->listener < 0 ? find_switch(session, err) : await_switch(session, err);

	if (r == 0)
		r = get(session, GET_FEATURES, &offered, err);
	if (r < 0)
		return r;
	if (needed & ~offered)
		return err_set(err, EPROTO, "the switch behind '%s' does not offer %#llx",
			       session->path, (unsigned long long)(needed & ~offered));

	if (offered & protocol)
		r = agree_protocol(session, err);
	if (r == 0)
		r = set(session, &owner, -1, err);

	session->features = offered & (wanted | needed | protocol);
	return r < 0 ? r : set_number(session, SET_FEATURES, session->features, err);
}

int session_share(struct session *session, const struct memory_slice *slice, struct err *err)
{
	struct message message = {
		.request = SET_MEM_TABLE,
		.size = sizeof(message.table),
		.table = { .n = 1,
			   .region = { .gpa = MEMORY_GPA,
				       .size = slice->size,
				       .user = (uintptr_t)slice->base,
				       .offset = slice->offset } },
	};

	return set(session, &message, slice->fd, err);
}

int session_start(struct session *session, unsigned index, const struct ring *ring, struct err *err)
{
	struct message message = {
		.request = SET_VRING_ADDR,
		.size = sizeof(message.addr),
		.addr = { .index = index,
			  .desc = (uintptr_t)ring->desc,
			  .avail = (uintptr_t)ring->avail,
			  .used = (uintptr_t)ring->used },
	};
	/* A packed ring begins with both wrap counters set. */
	uint32_t base = ring->config.packed ? 1u << 15 | 1u << 31 : 0;
	int r = set_state(session, SET_VRING_NUM, index, ring->config.size, err);

	if (r == 0)
		r = set_state(session, SET_VRING_BASE, index, base, err);
	if (r == 0)
		r = set(session, &message, -1, err);
	if (r == 0)
		r = set_fd(session, SET_VRING_CALL, index, ring->call_fd, err);
	if (r == 0)
		r = set_fd(session, SET_VRING_KICK, index, ring->kick_fd, err);
	if (r == 0 && session_has(session, SESSION_F_PROTOCOL_FEATURES))
		r = set_state(session, SET_VRING_ENABLE, index, 1, err);
	return r;
}

int session_stop(struct session *session, unsigned index, uint32_t *ret_base, struct err *err)
{
	struct message message = { .request = GET_VRING_BASE, .size = 8, .state = { index, 0 } };
	int r = transmit(session, &message, -1);

	if (r == 0)
		r = receive(session, GET_VRING_BASE, &message);
	if (r < 0)
		return trouble(session, GET_VRING_BASE, -r, err);

	*ret_base = message.state.num;
	return 0;
}

void session_fini(struct session *session)
{
	if (session->listener >= 0)
		unlink(session->path);
	session->fd = fd_close(session->fd);
	session->listener = fd_close(session->listener);
}
