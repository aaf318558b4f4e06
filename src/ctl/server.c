/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "base/fd.h"
#include "base/list.h"
#include "ctl/client.h"
#include "ctl/log.h"
#include "ctl/sockets.h"

struct server {
	struct client_context context;
	sd_event *event;
	int listen_fd;
	sd_event_source *accept_source;
	struct list clients;
	unsigned n_clients;
	struct log_limit log_limit;
};

static void on_client_closed(void *userdata)
{
	struct server *server = userdata;

	server->n_clients--;
}

static int on_connect(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct server *server = userdata;
	int fd SCOPED(scoped_fd) = -1;
	struct err err;
	int r;

	(void)source;
	(void)events;
	r = socket_accept(listen_fd, FD_LEFT_BY_CLIENTS, &fd);
	if (r == -EMFILE)
		log_limited(&server->log_limit, LOG_WARNING,
			    "control socket: " NO_DESCRIPTOR "; a client was turned away");
	if (r < 0)
		return 0;

	if (server->n_clients >= SERVER_CLIENTS_MAX) {
		log_limited(&server->log_limit, LOG_WARNING,
			    "control socket: %d clients are connected; one more was turned away",
			    SERVER_CLIENTS_MAX);
		return 0;
	}

	r = client_new(&server->context, server->event, fd, &server->clients, &err);
	if (r < 0) {
		log_limited(&server->log_limit, LOG_ERR, "control socket: %s", err.msg);
		return 0;
	}
	(void)fd_take(&fd);
	server->n_clients++;
	return 0;
}

static void on_changed(void *userdata, enum proto_event event, const struct proto_link *link)
{
	struct server *server = userdata;
	struct client *client, *next;

	list_for_each_safe(client, next, &server->clients, item)
		client_tell(client, event, link);
}

int server_new(struct ctl *ctl, struct sd_event *event, const char *version,
	       struct server **ret_server, struct err *err)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return err_set(err, ENOMEM, "out of memory");

	server->context = (struct client_context){
		.ctl = ctl,
		.version = version,
		.closed = on_client_closed,
		.userdata = server,
	};
	server->event = event;
	server->listen_fd = -1;
	list_init(&server->clients);
	r = control_socket_open(ctl_runtime_dir(ctl), &server->listen_fd, err);
	if (r >= 0) {
		r = socket_watch(event, server->listen_fd, on_connect, server,
				 &server->accept_source);
		if (r < 0)
			(void)err_set(err, -r, "cannot watch the control socket: %s", strerror(-r));
	}
	if (r < 0) {
		server_free(server);
		return r;
	}

	ctl_set_changed(ctl, on_changed, server);
	*ret_server = server;
	return 0;
}

struct server *server_free(struct server *server)
{
	struct client *client, *next;

	if (!server)
		return NULL;

	ctl_set_changed(server->context.ctl, NULL, NULL);
	list_for_each_safe(client, next, &server->clients, item)
		client_free(client);
	sd_event_source_disable_unref(server->accept_source);
	if (server->listen_fd >= 0)
		control_socket_remove(ctl_runtime_dir(server->context.ctl));
	fd_close(server->listen_fd);
	free(server);
	return NULL;
}
