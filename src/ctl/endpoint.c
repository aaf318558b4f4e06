/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint's peers
 * ===================
 *
 * An endpoint has one port at a time. Its datagram socket is that port from
 * the start, and belongs to whoever bound a socket of its own and sent last. A
 * stream peer or a vhost-user front-end that connects takes the endpoint over;
 * while it is there, others that connect are turned away and datagrams are
 * dropped (other-peer). When it leaves, the datagram socket is the port again.
 * Address, mode, policy and counters are the endpoint's and stay.
 *
 * Front-ends come to the endpoint's socket, or the endpoint goes to theirs and
 * then takes nobody who comes (connector.c).
 */
#include "ctl/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "ctl/attach.h"
#include "ctl/connector.h"
#include "ctl/hub.h"
#include "ctl/vhost.h"
#include "port/dgram.h"
#include "port/stream.h"

/* Has the peer closed its end? The worker may not have come to it yet. */
static bool has_hung_up(const struct path_attachment *stream)
{
	struct pollfd pollfd = { .fd = stream->port->fd, .events = POLLRDHUP };

	return worker_has_finished(stream) ||
	       (poll(&pollfd, 1, 0) > 0 && pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void detach_stream(struct ctl_endpoint *ep)
{
	struct worker *worker = ep->hub->ctl->worker;
	struct path_attachment *stream = TAKE(ep->stream);

	/* The worker has finished with it, or is made to let go of it first:
	 * the reason is the port's until it is closed.
	 */
	worker_unwatch(worker, stream);
	path_publish_attachment(&ep->member, ep->dgram);
	path_synchronize();

	(void)text_copy(ep->reason, sizeof(ep->reason),
			stream->port->faulty ? stream->port->fault : "replaced by a new peer");
	log_limited(&ep->log_limit, LOG_INFO, "endpoint %s: stream peer detached: %s",
		    ep->model->name, ep->reason);
	attachment_free(stream);
	if (ep->connector)
		connector_wake(ep->connector);
}

void endpoint_lose_vhost(struct ctl_endpoint *ep, const char *reason)
{
	(void)text_copy(ep->reason, sizeof(ep->reason), reason);
	log_limited(&ep->log_limit, LOG_INFO, "endpoint %s: vhost peer detached: %s",
		    ep->model->name, ep->reason);
	ep->vhost = vhost_free(ep->vhost);
	path_publish_attachment(&ep->member, ep->dgram);
	if (ep->connector)
		connector_wake(ep->connector);
}

void endpoint_reap(struct ctl_endpoint *ep)
{
	if (ep->stream && worker_has_finished(ep->stream))
		detach_stream(ep);
	if (ep->vhost)
		vhost_reap(ep->vhost);
}

bool endpoint_has_peer(const struct ctl_endpoint *ep)
{
	return ep->stream || ep->vhost;
}

/* Is the endpoint free for a new peer? Who has hung up makes way. */
static bool make_way(struct ctl_endpoint *ep)
{
	if (ep->stream && has_hung_up(ep->stream))
		detach_stream(ep);
	if (ep->vhost && vhost_has_hung_up(ep->vhost))
		endpoint_lose_vhost(ep, "replaced by a new peer");
	return !endpoint_has_peer(ep);
}

int endpoint_attach_vhost(struct ctl_endpoint *ep, int *fd, struct err *err)
{
	int r;

	if (!make_way(ep))
		return err_set(err, EBUSY, "it has another peer");
	if (!closers_have_room(&ep->closers))
		return err_set(err, EBUSY, "what earlier front-ends left is still being closed");

	/* Datagrams are somebody else's from now on. */
	path_publish_attachment(&ep->member, NULL);
	r = vhost_new(ep, fd, &ep->vhost, err);
	if (r < 0) {
		path_publish_attachment(&ep->member, ep->dgram);
		return r;
	}

	log_limited(&ep->log_limit, LOG_INFO, "endpoint %s: vhost peer attached", ep->model->name);
	return 0;
}

/* Makes the connection 'fd' the endpoint's port. */
static int attach_stream(struct ctl_endpoint *ep, int *fd, struct err *err)
{
	struct port *port SCOPED(scoped_port) = NULL;
	struct path_attachment *stream = NULL;
	int r;

	r = port_stream_open(*fd, &port, err);
	if (r < 0)
		return r;
	(void)fd_take(fd);

	r = attachment_new(port, &ep->member, &stream, err);
	if (r < 0)
		return r;

	/* Seen before it is watched: else its first frames were another's. */
	path_publish_attachment(&ep->member, stream);
	r = worker_watch(ep->hub->ctl->worker, stream, err);
	if (r < 0) {
		path_publish_attachment(&ep->member, ep->dgram);
		path_synchronize();
		free(stream);
		return r;
	}

	(void)TAKE(port);
	ep->stream = stream;
	return 0;
}

static const char *const socket_kinds[] = {
	[SOCKET_STREAM] = "stream",
	[SOCKET_DGRAM] = "dgram",
	[SOCKET_VHOST] = "vhost",
};
static_assert(ARRAY_SIZE(socket_kinds) == ENDPOINT_SOCKET_COUNT, "one name for each socket");

static void on_peer(struct ctl_endpoint *ep, enum endpoint_socket socket, int listen_fd)
{
	const char *kind = socket_kinds[socket];
	int fd SCOPED(scoped_fd) = -1;
	struct err err;
	int r;

	r = socket_accept(listen_fd, FD_LEFT_BY_PEERS, &fd);
	if (r == -EMFILE)
		log_limited(&ep->log_limit, LOG_ERR,
			    "endpoint %s: " NO_DESCRIPTOR "; a %s peer was turned away",
			    ep->model->name, kind);
	if (r < 0)
		return;

	if (socket == SOCKET_VHOST && ep->connector)
		r = err_set(&err, EBUSY, "it connects to '%s' itself",
			    connector_path(ep->connector));
	else if (socket == SOCKET_VHOST)
		r = endpoint_attach_vhost(ep, &fd, &err);
	else if (make_way(ep))
		r = attach_stream(ep, &fd, &err);
	else
		r = err_set(&err, EBUSY, "it has another peer");

	if (r < 0)
		log_limited(&ep->log_limit, r == -EBUSY ? LOG_WARNING : LOG_ERR,
			    "endpoint %s: a %s peer was turned away: %s", ep->model->name, kind,
			    err.msg);
	else if (socket == SOCKET_STREAM)
		log_limited(&ep->log_limit, LOG_INFO, "endpoint %s: stream peer attached",
			    ep->model->name);
}

static int on_stream(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)events;
	on_peer(userdata, SOCKET_STREAM, listen_fd);
	return 0;
}

static int on_vhost(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)events;
	on_peer(userdata, SOCKET_VHOST, listen_fd);
	return 0;
}

static int listen_on(struct ctl_endpoint *ep, enum endpoint_socket socket, int *fd,
		     sd_event_io_handler_t handler, struct err *err)
{
	int r;

	ep->listen_fd[socket] = fd_take(fd);
	r = socket_watch(ep->hub->ctl->event, ep->listen_fd[socket], handler, ep,
			 &ep->accept_source[socket]);
	if (r < 0)
		return err_set(err, -r, "cannot watch the %s socket of '%s': %s",
			       socket_kinds[socket], ep->model->name, strerror(-r));
	return 0;
}

void endpoint_update(struct ctl_endpoint *ep)
{
	const char *path = ep->model->vhost;
	struct err err;

	if (ep->vhost)
		vhost_update(ep->vhost);
	if (strcmp(ep->connector ? connector_path(ep->connector) : "", path) == 0)
		return;

	ep->connector = connector_free(ep->connector);
	if (ep->vhost)
		endpoint_lose_vhost(ep, "front-ends are to be found elsewhere now");
	if (path[0] != '\0' && connector_new(ep, path, &ep->connector, &err) < 0)
		log_line(LOG_ERR, "endpoint %s: %s; it connects to no front-end", ep->model->name,
			 err.msg);
}

static int attach_dgram(struct ctl_endpoint *ep, int *fd, struct err *err)
{
	struct port *port SCOPED(scoped_port) = NULL;
	int r;

	r = port_dgram_open(*fd, &port, err);
	if (r < 0)
		return r;
	(void)fd_take(fd);

	r = attachment_new(port, &ep->member, &ep->dgram, err);
	if (r < 0)
		return r;

	(void)TAKE(port);
	path_publish_attachment(&ep->member, ep->dgram);
	return worker_watch(ep->hub->ctl->worker, ep->dgram, err);
}

static void close_all(int fds[ENDPOINT_SOCKET_COUNT])
{
	for (int i = 0; i < ENDPOINT_SOCKET_COUNT; i++)
		fds[i] = fd_close(fds[i]);
}

int endpoint_new(struct ctl_hub *hub, struct model_endpoint *model, struct ctl_endpoint **ret_ep,
		 struct err *err)
{
	int fds[ENDPOINT_SOCKET_COUNT] = { -1, -1, -1 };
	struct ctl_endpoint *ep;
	int r;

	r = endpoint_sockets_open(&hub->ctl->dir, model->name, fds, err);
	if (r < 0)
		return r;

	ep = calloc(1, sizeof(*ep));
	if (!ep) {
		r = err_set(err, ENOMEM, "out of memory");
		goto no_endpoint;
	}

	ep->hub = hub;
	ep->model = model;
	ep->member = (struct path_member){ .hub = &hub->path, .slot = FWD_NOBODY };
	for (int i = 0; i < ENDPOINT_SOCKET_COUNT; i++)
		ep->listen_fd[i] = -1;
	r = hub_take_slot(hub, ep, err);
	if (r < 0)
		goto no_slot;

	model->runtime = ep;
	r = attach_dgram(ep, &fds[SOCKET_DGRAM], err);
	if (r >= 0)
		r = listen_on(ep, SOCKET_STREAM, &fds[SOCKET_STREAM], on_stream, err);
	if (r >= 0)
		r = listen_on(ep, SOCKET_VHOST, &fds[SOCKET_VHOST], on_vhost, err);
	if (r < 0) {
		close_all(fds);
		endpoint_free(ep);
		return r;
	}

	endpoint_update(ep);
	*ret_ep = ep;
	return 0;

no_slot:
	free(ep);
no_endpoint:
	close_all(fds);
	endpoint_sockets_remove(&hub->ctl->dir, model->name);
	return r;
}

struct ctl_endpoint *endpoint_free(struct ctl_endpoint *ep)
{
	struct ctl_hub *hub;
	struct worker *worker;

	if (!ep)
		return NULL;

	hub = ep->hub;
	worker = hub->ctl->worker;
	for (int i = 0; i < ENDPOINT_SOCKET_COUNT; i++)
		sd_event_source_disable_unref(ep->accept_source[i]);
	close_all(ep->listen_fd);
	endpoint_sockets_remove(&hub->ctl->dir, ep->model->name);
	connector_free(ep->connector);

	/* Its address leaves the lower's filter with it. */
	hub_give_slot(hub, ep);
	hub_forget_filter(hub, ep);
	hub_publish(hub);
	vhost_free(ep->vhost);
	if (ep->stream)
		attachment_retire(worker, ep->stream, NULL);
	if (ep->dgram)
		attachment_retire(worker, ep->dgram, NULL);
	closers_fini(&ep->closers);
	ep->model->runtime = NULL;
	free(ep);
	return NULL;
}
