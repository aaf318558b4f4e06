/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint's peers
 * ===================
 *
 * An endpoint has one port at a time. Its datagram socket is that port from
 * the start, and belongs to whoever bound a socket of its own and sent last. A
 * stream peer that connects takes the endpoint over; while it is there, others
 * that connect are turned away and datagrams are dropped (other-peer). When it
 * leaves, the datagram socket is the port again. Address, mode, policy and
 * counters are the endpoint's and stay.
 */
#include "ctl/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "ctl/attach.h"
#include "ctl/hub.h"
#include "port/dgram.h"
#include "port/stream.h"

/* Has the peer closed its end? The worker may not have come to it yet. */
static bool has_hung_up(const struct port *port)
{
	struct pollfd pollfd = { .fd = port->fd, .events = POLLRDHUP };

	return port->faulty ||
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
}

void endpoint_reap(struct ctl_endpoint *ep)
{
	if (ep->stream && worker_has_finished(ep->stream))
		detach_stream(ep);
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

static int on_connect(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct ctl_endpoint *ep = userdata;
	int fd SCOPED(scoped_fd) = -1;
	struct err err;
	int r;

	(void)source;
	(void)events;
	r = socket_accept(listen_fd, FD_LEFT_BY_PEERS, &fd);
	if (r == -EMFILE)
		log_limited(&ep->log_limit, LOG_ERR,
			    "endpoint %s: " NO_DESCRIPTOR "; a stream peer was turned away",
			    ep->model->name);
	if (r < 0)
		return 0;

	if (ep->stream && has_hung_up(ep->stream->port))
		detach_stream(ep);
	if (ep->stream) {
		log_limited(&ep->log_limit, LOG_WARNING,
			    "endpoint %s: has a stream peer; another one was turned away",
			    ep->model->name);
		return 0;
	}

	r = attach_stream(ep, &fd, &err);
	if (r < 0)
		log_limited(&ep->log_limit, LOG_ERR,
			    "endpoint %s: cannot attach a stream peer: %s; it was turned away",
			    ep->model->name, err.msg);
	else
		log_limited(&ep->log_limit, LOG_INFO, "endpoint %s: stream peer attached",
			    ep->model->name);
	return 0;
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

int endpoint_new(struct ctl_hub *hub, struct model_endpoint *model, struct ctl_endpoint **ret_ep,
		 struct err *err)
{
	int fds[ENDPOINT_SOCKET_COUNT] = { -1, -1 };
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
	ep->listen_fd = fd_take(&fds[SOCKET_STREAM]);
	r = hub_take_slot(hub, ep, err);
	if (r < 0)
		goto no_slot;

	model->runtime = ep;
	r = attach_dgram(ep, &fds[SOCKET_DGRAM], err);
	if (r >= 0) {
		r = socket_watch(hub->ctl->event, ep->listen_fd, on_connect, ep,
				 &ep->accept_source);
		if (r < 0)
			r = err_set(err, -r, "cannot watch the socket of '%s': %s", model->name,
				    strerror(-r));
	}
	if (r < 0) {
		fd_close(fds[SOCKET_DGRAM]);
		endpoint_free(ep);
		return r;
	}

	*ret_ep = ep;
	return 0;

no_slot:
	fd_close(ep->listen_fd);
	free(ep);
no_endpoint:
	fd_close(fds[SOCKET_STREAM]);
	fd_close(fds[SOCKET_DGRAM]);
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
	sd_event_source_disable_unref(ep->accept_source);
	fd_close(ep->listen_fd);
	endpoint_sockets_remove(&hub->ctl->dir, ep->model->name);

	/* Its address leaves the lower's filter with it. */
	hub_give_slot(hub, ep);
	hub_forget_filter(hub, ep);
	hub_publish(hub);
	if (ep->stream)
		attachment_retire(worker, ep->stream, NULL);
	if (ep->dgram)
		attachment_retire(worker, ep->dgram, NULL);
	ep->model->runtime = NULL;
	free(ep);
	return NULL;
}
