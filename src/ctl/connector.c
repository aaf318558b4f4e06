/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/connector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/text.h"
#include "ctl/endpoint.h"

#define RETRY_US     1000000
#define RETRY_ACC_US 50000 /* wake-ups of many connectors coincide */

struct connector {
	struct ctl_endpoint *ep;
	char path[LINK_PATH_SIZE];
	sd_event_source *timer;
	int told; /* the errno that the log has; 0: none since the last success */
};

/* Connecting to a local socket is done at once, or fails at once. */
static int dial(const char *path, int *ret_fd)
{
	int fd SCOPED(scoped_fd) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	static_assert(sizeof(addr.sun_path) == LINK_PATH_SIZE, "any path fits");
	(void)text_copy(addr.sun_path, sizeof(addr.sun_path), path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;

	*ret_fd = fd_take(&fd);
	return 0;
}

static void try_once(struct connector *connector)
{
	struct ctl_endpoint *ep = connector->ep;
	char path[TEXT_ESCAPED_SIZE(LINK_PATH_SIZE)];
	int fd SCOPED(scoped_fd) = -1;
	struct err err;
	int r;

	if (endpoint_has_peer(ep))
		return;

	r = dial(connector->path, &fd);
	if (r < 0 && r != connector->told)
		log_limited(&ep->log_limit, LOG_INFO,
			    "endpoint %s: cannot connect to '%s': %s; trying again every second",
			    ep->model->name, text_escape(path, sizeof(path), connector->path),
			    strerror(-r));
	connector->told = r;
	if (r >= 0 && endpoint_attach_vhost(ep, &fd, &err) < 0)
		log_limited(&ep->log_limit, LOG_WARNING,
			    "endpoint %s: cannot attach the front-end at '%s': %s", ep->model->name,
			    text_escape(path, sizeof(path), connector->path), err.msg);
}

static void arm(sd_event_source *timer, uint64_t us)
{
	(void)sd_event_source_set_time_relative(timer, us);
	(void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
	struct connector *connector = userdata;

	(void)us;
	try_once(connector);
	if (!endpoint_has_peer(connector->ep))
		arm(source, RETRY_US);
	return 0;
}

void connector_wake(struct connector *connector)
{
	arm(connector->timer, RETRY_US);
}

int connector_new(struct ctl_endpoint *ep, const char *path, struct connector **ret_connector,
		  struct err *err)
{
	struct connector *connector = calloc(1, sizeof(*connector));
	int r;

	if (!connector)
		return err_set(err, ENOMEM, "out of memory");

	connector->ep = ep;
	(void)text_copy(connector->path, sizeof(connector->path), path);
	r = sd_event_add_time_relative(ep->hub->ctl->event, &connector->timer, CLOCK_MONOTONIC, 0,
				       RETRY_ACC_US, on_timer, connector);
	if (r < 0) {
		free(connector);
		return err_set(err, -r, "cannot set a timer: %s", strerror(-r));
	}

	*ret_connector = connector;
	return 0;
}

struct connector *connector_free(struct connector *connector)
{
	if (connector) {
		sd_event_source_disable_unref(connector->timer);
		free(connector);
	}
	return NULL;
}

const char *connector_path(const struct connector *connector)
{
	return connector->path;
}
