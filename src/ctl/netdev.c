/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lowers come and go
 * ==================
 *
 * The kernel tells about its devices through netlink. Whatever it says about a
 * device that is a lower here, the answer is the same: ask for the whole truth
 * about that device, tell the model, and make port and table follow. A device
 * that vanishes takes its port with it, not its endpoints; one of that name
 * that comes back is opened again.
 */
#include "ctl/netdev.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/text.h"
#include "ctl/hub.h"
#include "ctl/notify.h"
#include "host/link.h"

/* What ip shows for a device that says nothing else. */
#define NETDEV_TXQLEN 1000

static void facts_from_link(const struct host_link *link, struct netdev_facts *ret_facts)
{
	*ret_facts = (struct netdev_facts){
		.ifindex = (uint32_t)link->index,
		.mac = link->mac,
		.mtu = link->mtu,
		.min_mtu = link->min_mtu,
		.max_mtu = link->max_mtu,
		.txqlen = NETDEV_TXQLEN,
		.up = link->up,
		.carrier = link->carrier,
	};
	(void)text_copy(ret_facts->name, sizeof(ret_facts->name), link->name);
}

int netdev_query(const char *name, struct netdev_facts *ret_facts, struct err *err)
{
	struct host_link link;
	int r;

	r = host_link_by_name(name, &link, err);
	if (r < 0)
		return r;
	r = host_link_can_be_lower(&link, err);
	if (r < 0)
		return r;

	facts_from_link(&link, ret_facts);
	return 0;
}

/* Closes the port of a lower whose device is gone, or is another one now. */
static void let_go(struct ctl_hub *hub)
{
	struct err err;

	/* Without a new port there is nothing that could fail. */
	(void)hub_attach_port(hub, NULL, &err);
	if (!hub->model->present)
		log_line(LOG_WARNING, "lower %s: the device is gone; its endpoints have no carrier",
			 hub->model->name);
}

/* Opens the port of a lower whose device is there. */
static void cling_again(struct ctl_hub *hub)
{
	struct port *port = NULL;
	struct err err;

	if (hub_open_port(hub->model, &port, &err) < 0 || hub_attach_port(hub, port, &err) < 0) {
		port_close(port);
		log_limited(&hub->log_limit, LOG_ERR, "lower %s: cannot be opened again: %s",
			    hub->model->name, err.msg);
		return;
	}
	log_line(LOG_NOTICE, "lower %s: the device is back", hub->model->name);
}

/* Tells the model what the kernel says now, and follows it. */
static void refresh(struct ctl *ctl, struct model_lower *lower)
{
	struct ctl_hub *hub = lower->runtime;
	uint32_t ifindex = lower->ifindex;
	struct netdev_facts facts;
	struct host_link link;
	int r = -ENODEV;

	if (lower->present)
		r = host_link_by_index((int)lower->ifindex, &link, NULL);
	if (r < 0) {
		/* One that returns may be a different one, and unfit. */
		r = host_link_by_name(lower->name, &link, NULL);
		if (r >= 0)
			r = host_link_can_be_lower(&link, NULL);
	}
	if (r >= 0)
		facts_from_link(&link, &facts);

	world_update_lower(&ctl->world, lower, r >= 0 ? &facts : NULL);
	/* Another device of that name: the old one's port must go first. */
	if (hub->attachment && (worker_has_finished(hub->attachment) || lower->ifindex != ifindex))
		let_go(hub);
	if (lower->present && !hub->attachment)
		cling_again(hub);
	hub_publish(hub);
	notify_news(ctl, lower);
}

static void on_link(void *userdata, enum host_event event, const struct host_link *link)
{
	struct ctl *ctl = userdata;
	struct model_lower *lower;

	switch (event) {
	case HOST_LINK_CHANGED:
	case HOST_LINK_REMOVED:
		lower = world_find_netdev(&ctl->world, (uint32_t)link->index, link->name);
		if (lower)
			refresh(ctl, lower);
		return;
	case HOST_RESYNC:
		list_for_each(lower, &ctl->world.lowers, item) {
			if (lower->kind == LINK_KIND_NETDEV)
				refresh(ctl, lower);
		}
		return;
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct ctl *ctl = userdata;
	struct err err;

	(void)source;
	(void)fd;
	(void)events;
	if (host_monitor_read(ctl->monitor, &err) >= 0)
		return 0;

	log_line(LOG_WARNING, "netlink: %s; watching the host's devices anew", err.msg);
	ctl->monitor_source = sd_event_source_disable_unref(ctl->monitor_source);
	ctl->monitor = host_monitor_close(ctl->monitor);
	if (netdev_watch(ctl, &err) < 0)
		log_line(LOG_ERR, "%s; changes of lowers go unnoticed", err.msg);
	else
		on_link(ctl, HOST_RESYNC, NULL);
	return 0;
}

int netdev_watch(struct ctl *ctl, struct err *err)
{
	int r;

	r = host_monitor_open(on_link, ctl, &ctl->monitor, err);
	if (r < 0)
		return r;

	r = sd_event_add_io(ctl->event, &ctl->monitor_source, host_monitor_fd(ctl->monitor),
			    EPOLLIN, on_readable, ctl);
	if (r < 0) {
		ctl->monitor = host_monitor_close(ctl->monitor);
		return err_set(err, -r, "cannot watch netlink: %s", strerror(-r));
	}
	return 0;
}

void netdev_reap(struct ctl_hub *hub)
{
	if (hub->attachment && worker_has_finished(hub->attachment))
		refresh(hub->ctl, hub->model);
}
