/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A control client
 * ================
 *
 * What it is. Requests in, replies out, in order: the next request is looked
 * at when the reply to the last one has left. A List makes one reply at a
 * time, when the socket has taken the one before, so a client that reads
 * slowly costs one reply's memory however many links there are.
 *
 * Limits. A request has at most VARLINK_REQUEST_MAX bytes. Events wait for a
 * monitoring client up to EVENTS_MAX bytes, then it is told that it has lost
 * some. A client that has kept a reply, or half a request, waiting for
 * PATIENCE_USEC is hung up on; one that is just silent may stay.
 *
 * What goes wrong ends this connection and nothing else.
 */
#include "ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <systemd/sd-event.h>

#include "base/fd.h"
#include "proto/request.h"
#include "proto/varlink.h"

#define EVENTS_MAX    ((size_t)256 * 1024)
#define PATIENCE_USEC (30 * UINT64_C(1000000))
#define READ_SIZE     16384

/* What the client waits for. */
enum mode {
	MODE_REQUESTS,
	MODE_LISTING,
	MODE_MONITORING,
};

struct connection {
	struct client client;
	struct client_context *context;
	int fd;
	sd_event_source *io;
	sd_event_source *patience;
	struct varlink_input input;
	bool input_partial; /* half a request is there */
	bool waits;	    /* 'patience' runs */

	char *out; /* bytes to send */
	size_t out_len, out_size;
	bool hang_up; /* when they are sent */

	enum mode mode;
	uint32_t list_index; /* of the last link listed */
	bool list_by_kind;
	enum link_kind list_kind;
	bool lost; /* events could not be kept */
};

static struct connection *connection_of(struct client *client)
{
	return container_of(client, struct connection, client);
}

void client_free(struct client *client)
{
	struct connection *c = connection_of(client);

	list_remove(&client->item);
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->patience);
	varlink_input_fini(&c->input);
	fd_close(c->fd);
	c->context->closed(c->context->userdata);
	free(c->out);
	free(c);
}

static bool is_sending(const struct connection *c)
{
	return c->out_len > 0;
}

/* Appends a message to what is to be sent, and finishes it. */
static void queue(struct connection *c, struct varlink_message *message)
{
	if (c->out_len + message->len > c->out_size) {
		size_t size = MAX(c->out_len + message->len, 2 * c->out_size);
		char *out = realloc(c->out, size);

		if (!out) {
			c->hang_up = true;
			varlink_message_fini(message);
			return;
		}
		c->out = out;
		c->out_size = size;
	}

	if (message->len > 0)
		memcpy(c->out + c->out_len, message->text, message->len);
	c->out_len += message->len;
	varlink_message_fini(message);
}

/* Queues the message a proto_reply_...() made with result 'r'. */
static void queue_result(struct connection *c, int r, struct varlink_message *message)
{
	if (r < 0)
		c->hang_up = true;
	else
		queue(c, message);
}

static void refuse(struct connection *c, int r, const struct err *err)
{
	struct varlink_message message = { 0 };

	r = proto_reply_refused(-r, err->msg, &message, NULL);
	queue_result(c, r, &message);
}

static void list_one(struct connection *c, const char *name)
{
	struct varlink_message message = { 0 };
	struct proto_link link;
	struct err err;
	int r;

	r = ctl_show(c->context->ctl, name, &link, &err);
	if (r < 0) {
		refuse(c, r, &err);
		return;
	}
	r = proto_reply_link(&link, PROTO_LAST, &message, NULL);
	proto_link_fini(&link);
	queue_result(c, r, &message);
}

/* The first link behind the last one listed that the client asked for. */
static bool next_listed(struct connection *c, struct proto_link *ret_link, int *ret_r)
{
	while (ctl_show_after(c->context->ctl, c->list_index, ret_link, ret_r, NULL)) {
		c->list_index = ret_link->index;
		if (!c->list_by_kind || ret_link->kind == c->list_kind)
			return true;
		proto_link_fini(ret_link);
	}
	return false;
}

/* Queues the next link of a listing; says in the one before last that another
 * follows, which is known only by looking.
 */
static void list_next(struct connection *c)
{
	struct varlink_message message = { 0 };
	struct proto_link link, following = { 0 };
	bool has_link, has_more = false;
	uint32_t at;
	int r = 0;

	has_link = next_listed(c, &link, &r);
	if (has_link) {
		at = c->list_index;
		has_more = next_listed(c, &following, &r);
		proto_link_fini(&following);
		c->list_index = at;
	}
	if (r >= 0)
		r = proto_reply_link(has_link ? &link : NULL,
				     has_more ? PROTO_CONTINUES : PROTO_LAST, &message, NULL);
	if (has_link)
		proto_link_fini(&link);
	if (!has_more)
		c->mode = MODE_REQUESTS;
	queue_result(c, r, &message);
}

static void begin_list(struct connection *c, const struct proto_request *request)
{
	if (request->name[0]) {
		list_one(c, request->name);
		return;
	}

	c->mode = MODE_LISTING;
	c->list_index = 0;
	c->list_by_kind = request->has_kind;
	c->list_kind = request->kind;
	list_next(c);
}

/* Add, Set and Delete. */
static void change_world(struct connection *c, const struct proto_request *request)
{
	struct ctl *ctl = c->context->ctl;
	struct varlink_message message = { 0 };
	char name[LINK_NAME_SIZE];
	struct err err;
	int r;

	if (request->method == PROTO_METHOD_ADD)
		r = ctl_add(ctl, &request->change, name, &err);
	else if (request->method == PROTO_METHOD_SET)
		r = ctl_set(ctl, &request->change, &err);
	else
		r = ctl_delete(ctl, request->name, &err);

	if (request->oneway)
		return;
	if (r < 0) {
		refuse(c, r, &err);
		return;
	}
	r = request->method == PROTO_METHOD_ADD ? proto_reply_added(name, &message, NULL)
						: proto_reply_done(&message, NULL);
	queue_result(c, r, &message);
}

static void answer(struct connection *c, const struct proto_request *request)
{
	struct varlink_message message = { 0 };
	int r;

	switch (request->method) {
	case PROTO_METHOD_ADD:
	case PROTO_METHOD_SET:
	case PROTO_METHOD_DELETE:
		change_world(c, request);
		return;
	case PROTO_METHOD_LIST:
		begin_list(c, request);
		return;
	case PROTO_METHOD_MONITOR:
		c->mode = MODE_MONITORING;
		r = proto_reply_event(PROTO_EVENT_READY, NULL, &message, NULL);
		queue_result(c, r, &message);
		return;
	case PROTO_METHOD_GET_INFO:
	case PROTO_METHOD_GET_INTERFACE_DESCRIPTION:
		r = proto_reply_introspect(request, c->context->version, &message, NULL);
		queue_result(c, r, &message);
		return;
	}
}

static bool is_change(enum proto_method method)
{
	return method == PROTO_METHOD_ADD || method == PROTO_METHOD_SET ||
	       method == PROTO_METHOD_DELETE;
}

static void answer_text(struct connection *c, const char *text, size_t len)
{
	struct varlink_message refusal = { 0 };
	struct proto_request request = { 0 };
	struct err err;
	int r;

	r = proto_request_decode(text, len, &request, &refusal, &err);
	if (r < 0) {
		queue(c, &refusal);
		c->hang_up |= r == -EBADMSG;
		return;
	}
	/* Whoever asks, and wants no reply, wants nothing. */
	if (is_change(request.method) || !request.oneway)
		answer(c, &request);
	proto_request_fini(&request);
}

/* Answers requests until one has a reply to be sent first. */
static void process(struct connection *c)
{
	const char *text;
	size_t len;
	int r = 1;

	while (r > 0 && !is_sending(c) && !c->hang_up && c->mode == MODE_REQUESTS) {
		struct err err;

		r = varlink_input_next(&c->input, &text, &len, &err);
		if (r > 0)
			answer_text(c, text, len);
		else if (r < 0) {
			refuse(c, r, &err);
			c->hang_up = true;
		} else
			c->input_partial = c->input.end > c->input.start;
	}
}

/* Sends what there is. Returns a negative errno when the connection is over. */
static int flush(struct connection *c)
{
	ssize_t n;

	if (!is_sending(c))
		return 0;

	n = send(c->fd, c->out, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;

	/* The clock runs from the last sign of life. */
	(void)sd_event_source_set_time_relative(c->patience, PATIENCE_USEC);
	memmove(c->out, c->out + n, c->out_len - (size_t)n);
	c->out_len -= (size_t)n;
	if (!is_sending(c)) {
		/* Between requests a client costs next to nothing. */
		free(TAKE(c->out));
		c->out_size = 0;
	}
	return 0;
}

/* When everything was sent: what was waiting for that. */
static void go_on(struct connection *c)
{
	struct varlink_message message = { 0 };
	int r;

	if (c->mode == MODE_LISTING) {
		list_next(c);
	} else if (c->mode == MODE_MONITORING && c->lost) {
		c->lost = false;
		r = proto_reply_event(PROTO_EVENT_LOST, NULL, &message, NULL);
		queue_result(c, r, &message);
	} else {
		process(c);
	}
}

/* Lets the clock run while something of the client's is awaited: from when it
 * began, and not from what was last heard of a client that had nothing to do.
 */
static void mind_patience(struct connection *c)
{
	bool waits = is_sending(c) || (c->mode == MODE_REQUESTS && c->input_partial);

	if (waits && !c->waits)
		(void)sd_event_source_set_time_relative(c->patience, PATIENCE_USEC);
	(void)sd_event_source_set_enabled(c->patience, waits ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	c->waits = waits;
}

/* Runs the connection as far as it goes; frees it when it is over. */
static void advance(struct connection *c)
{
	do {
		if (flush(c) < 0) {
			client_free(&c->client);
			return;
		}
		if (is_sending(c))
			break;
		if (c->hang_up) {
			client_free(&c->client);
			return;
		}
		go_on(c);
	} while (is_sending(c) || c->hang_up);

	(void)sd_event_source_set_io_events(c->io, is_sending(c) ? EPOLLOUT : EPOLLIN);
	mind_patience(c);
}

/* Reads once. False when the connection is over. */
static bool receive(struct connection *c)
{
	char buf[READ_SIZE];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	/* Whoever monitors only listens. */
	if (c->mode == MODE_MONITORING)
		return true;

	return varlink_input_push(&c->input, buf, (size_t)n, NULL) >= 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct connection *c = userdata;

	(void)source;
	(void)fd;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !is_sending(c) && !receive(c)) {
		client_free(&c->client);
		return 0;
	}
	if (events & (EPOLLHUP | EPOLLERR) && is_sending(c)) {
		client_free(&c->client);
		return 0;
	}

	advance(c);
	return 0;
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct connection *c = userdata;

	(void)source;
	(void)usec;
	client_free(&c->client);
	return 0;
}

void client_tell(struct client *client, enum proto_event event, const struct proto_link *link)
{
	struct connection *c = connection_of(client);
	struct varlink_message message = { 0 };
	int r;

	if (c->mode != MODE_MONITORING || c->lost)
		return;
	if (c->out_len > EVENTS_MAX) {
		c->lost = true;
		return;
	}

	r = proto_reply_event(event, link, &message, NULL);
	queue_result(c, r, &message);
	advance(c);
}

int client_new(struct client_context *context, struct sd_event *event, int fd, struct list *clients,
	       struct err *err)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_set(err, ENOMEM, "out of memory");

	c->context = context;
	varlink_input_init(&c->input, VARLINK_REQUEST_MAX);
	r = sd_event_add_io(event, &c->io, fd, EPOLLIN, on_io, c);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &c->patience, CLOCK_MONOTONIC, PATIENCE_USEC,
					       0, on_patience, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->patience, SD_EVENT_OFF);
	if (r < 0) {
		sd_event_source_disable_unref(c->io);
		sd_event_source_disable_unref(c->patience);
		free(c);
		return err_set(err, -r, "cannot watch a client: %s", strerror(-r));
	}

	c->fd = fd;
	list_append(clients, &c->client.item);
	return 0;
}
