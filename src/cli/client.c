/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon may be absent, stuck, or not be limpetd at all. Each wait has a
 * deadline, each message a longest length (proto/varlink.h), and whatever comes
 * of it is a sentence that says which socket was meant and what to try.
 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

/* A change on a device of the host waits for its driver; two seconds were seen. */
#define CLIENT_TIMEOUT_MS 10000

/* limpetd looks for its place in the same way. */
static int default_dir(char *buf, size_t size)
{
	const char *own = geteuid() != 0 ? getenv("XDG_RUNTIME_DIR") : NULL;

	return own && *own ? snprintf(buf, size, "%s/limpet", own)
			   : snprintf(buf, size, "/run/limpet");
}

int client_init(struct client *client, const char *runtime_dir, struct err *err)
{
	char path[4096];
	int len;

	*client = (struct client){ .fd = -1, .timeout_ms = CLIENT_TIMEOUT_MS };
	len = runtime_dir ? snprintf(path, sizeof(path), "%s", runtime_dir)
			  : default_dir(path, sizeof(path));
	if (len >= (int)sizeof(path) ||
	    snprintf(client->path, sizeof(client->path), "%s/control.sock", path) >=
		    (int)sizeof(client->path))
		return err_set(err, ENAMETOOLONG,
			       "the path of '%.64s...' is too long for a socket: choose a shorter "
			       "--runtime-dir",
			       path);

	varlink_input_init(&client->input, VARLINK_REPLY_MAX);
	return 0;
}

void client_disconnect(struct client *client)
{
	client->fd = fd_close(client->fd);
	varlink_input_fini(&client->input);
	varlink_input_init(&client->input, VARLINK_REPLY_MAX);
}

void client_fini(struct client *client)
{
	client->fd = fd_close(client->fd);
	varlink_input_fini(&client->input);
}

static int fail_to_connect(const struct client *client, int errnum, struct err *err)
{
	int dir_len = (int)strlen(client->path) - (int)strlen("/control.sock");

	if (errnum == ENOENT || errnum == ECONNREFUSED || errnum == ENOTDIR)
		return err_set(err, errnum,
			       "cannot reach limpetd at '%s' (%s): is it running? "
			       "try 'systemctl start limpetd', or 'limpetd --runtime-dir %.*s'",
			       client->path, strerror(errnum), dir_len, client->path);
	if (errnum == EACCES)
		return err_set(err, errnum,
			       "cannot reach limpetd at '%s' (%s): be root, or the "
			       "user that it runs as",
			       client->path, strerror(errnum));
	if (errnum == EAGAIN)
		return err_set(err, ETIMEDOUT,
			       "cannot reach limpetd at '%s': it is too busy to answer; try again",
			       client->path);
	return err_set(err, errnum, "cannot reach limpetd at '%s' (%s)", client->path,
		       strerror(errnum));
}

static int connect_once(struct client *client, struct err *err)
{
	const struct timeval timeout = {
		.tv_sec = client->timeout_ms / 1000,
		.tv_usec = client->timeout_ms % 1000 * 1000,
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd SCOPED(scoped_fd) = -1;

	if (client->fd >= 0)
		return 0;

	memcpy(address.sun_path, client->path, sizeof(address.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, errno, "cannot make a socket: %s", strerror(errno));

	/* connect() waits for a place in the daemon's backlog: at most so long. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_to_connect(client, errno, err);

	client->fd = fd_take(&fd);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the socket is ready; 'deadline_ms' negative: without end. */
static int wait_for(const struct client *client, short events, int64_t deadline_ms, struct err *err)
{
	struct pollfd poll_fd = { .fd = client->fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms < 0 ? -1 : MAX(deadline_ms - now_ms(), (int64_t)0);
		int r = poll(&poll_fd, 1, (int)left);

		if (r > 0)
			return 0;
		if (r == 0)
			return err_set(err, ETIMEDOUT,
				       "limpetd at '%s' does not answer (waited %d ms): "
				       "see what it says in 'journalctl -u limpetd'",
				       client->path, client->timeout_ms);
		if (errno != EINTR)
			return err_set(err, errno, "poll: %s", strerror(errno));
	}
}

static int fail_to_talk(const struct client *client, int errnum, struct err *err)
{
	return err_set(err, errnum, "lost limpetd at '%s': %s", client->path, strerror(errnum));
}

static int send_message(struct client *client, const struct varlink_message *message,
			struct err *err)
{
	int64_t deadline = now_ms() + client->timeout_ms;
	size_t sent = 0;

	while (sent < message->len) {
		ssize_t n = send(client->fd, message->text + sent, message->len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		/* Whoever closes at once may have said why: the reply tells. */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return fail_to_talk(client, errno, err);
		r = wait_for(client, POLLOUT, deadline, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int client_send(struct client *client, const struct proto_request *request, struct err *err)
{
	struct varlink_message message = { 0 };
	int r;

	r = connect_once(client, err);
	if (r < 0)
		return r;

	r = proto_request_encode(request, &message, err);
	if (r == 0)
		r = send_message(client, &message, err);
	varlink_message_fini(&message);
	if (r < 0)
		client_disconnect(client);
	return r;
}

/* One more piece of what the daemon says. */
static int receive_piece(struct client *client, int64_t deadline, struct err *err)
{
	char piece[16384];
	ssize_t n;
	int r;

	r = wait_for(client, POLLIN, deadline, err);
	if (r < 0)
		return r;

	n = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return fail_to_talk(client, errno, err);
	if (n == 0)
		return err_set(err, ECONNRESET,
			       "limpetd at '%s' closed the connection without an answer",
			       client->path);
	return varlink_input_push(&client->input, piece, (size_t)n, err);
}

static int receive(struct client *client, enum proto_method method, int64_t deadline,
		   struct proto_reply *ret_reply, struct err *err)
{
	struct err detail = { .msg = "" };
	const char *text;
	size_t len;
	int r;

	for (;;) {
		r = varlink_input_next(&client->input, &text, &len, &detail);
		if (r != 0)
			break;
		r = receive_piece(client, deadline, err);
		if (r < 0)
			return r;
	}

	if (r > 0)
		r = proto_reply_decode(text, len, method, ret_reply, &detail);
	if (r < 0)
		return err_set(err, -r, "'%s' does not talk as limpetd does: %.300s", client->path,
			       detail.msg);
	return 0;
}

int client_receive(struct client *client, enum proto_method method, enum client_patience patience,
		   struct proto_reply *ret_reply, struct err *err)
{
	int64_t deadline = patience == CLIENT_FOREVER ? -1 : now_ms() + client->timeout_ms;
	struct proto_reply reply SCOPED(scoped_proto_reply) = { 0 };
	int r;

	r = receive(client, method, deadline, &reply, err);
	if (r < 0) {
		client_disconnect(client);
		return r;
	}
	if (reply.errnum != 0)
		return err_set(err, reply.errnum, "%s", reply.refusal.msg);

	*ret_reply = reply;
	reply = (struct proto_reply){ 0 };
	return 0;
}

int client_call(struct client *client, const struct proto_request *request,
		struct proto_reply *ret_reply, struct err *err)
{
	int r = client_send(client, request, err);

	return r < 0 ? r : client_receive(client, request->method, CLIENT_TIMEOUT, ret_reply, err);
}
