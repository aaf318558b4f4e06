/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out what is asked
 * ==========================
 *
 * What it is. Every request goes the same way: the model checks it against the
 * world (pure, nothing changed); what it needs is acquired (sockets, the
 * lower's port, the kernel's consent); the model commits, which cannot fail;
 * the hub concerned publishes a new table. If acquiring fails, what was
 * acquired is given back, and nothing has changed.
 *
 * A change under traffic is one pointer: workers see the old table or the new
 * one, and other hubs and other endpoints' ports are not touched at all.
 *
 * Threads. All of it runs on the control thread.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/endpoint.h"
#include "ctl/hub.h"
#include "ctl/netdev.h"
#include "ctl/notify.h"
#include "ctl/show.h"
#include "ctl/state.h"
#include "host/link.h"

/* The worker has finished with a port, maybe with several. */
static int on_worker_event(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct ctl *ctl = userdata;
	struct model_endpoint *ep;
	struct model_lower *lower;
	uint64_t count;

	(void)source;
	(void)events;
	(void)!read(fd, &count, sizeof(count));

	list_for_each(ep, &ctl->world.endpoints, item)
		endpoint_reap(ep->runtime);
	list_for_each(lower, &ctl->world.lowers, item)
		netdev_reap(lower->runtime);
	return 0;
}

static int start_worker(struct ctl *ctl, struct err *err)
{
	int r;

	r = worker_new(&ctl->worker, err);
	if (r < 0)
		return r;
	r = worker_start(ctl->worker, err);
	if (r < 0)
		return r;
	r = sd_event_add_io(ctl->event, &ctl->worker_source, worker_event_fd(ctl->worker), EPOLLIN,
			    on_worker_event, ctl);
	if (r < 0)
		return err_set(err, -r, "cannot watch the worker: %s", strerror(-r));
	return 0;
}

int ctl_new(struct sd_event *event, const char *runtime_dir, struct ctl **ret_ctl, struct err *err)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	struct err why;
	int r;

	if (!ctl)
		return err_set(err, ENOMEM, "out of memory");

	ctl->event = event;
	world_init(&ctl->world);
	r = runtime_dir_open(&ctl->dir, runtime_dir, err);
	if (r < 0) {
		free(ctl);
		return r;
	}

	r = start_worker(ctl, err);
	if (r < 0) {
		ctl_free(ctl);
		return r;
	}

	/* The embedded default needs no netlink: a sandbox may not have it. */
	if (netdev_watch(ctl, &why) < 0)
		log_line(LOG_WARNING, "%s; devices of the host cannot be lowers", why.msg);

	*ret_ctl = ctl;
	return 0;
}

static void remove_endpoint(struct ctl *ctl, struct model_endpoint *ep)
{
	struct model_lower *lower = ep->lower;
	struct err err;

	if (model_endpoint_borrows_mac(ep) && lower->kind == LINK_KIND_NETDEV && lower->present &&
	    host_link_set_mac((int)lower->ifindex, lower->own_mac, &err) < 0)
		log_line(LOG_WARNING, "lower %s: keeps the address of endpoint %s: %s", lower->name,
			 ep->name, err.msg);

	notify_endpoint(ctl, PROTO_EVENT_DELETED, ep);
	endpoint_free(ep->runtime);
	world_remove_endpoint(&ctl->world, ep);
	model_endpoint_free(ep);
}

static void remove_lower(struct ctl *ctl, struct model_lower *lower)
{
	struct model_endpoint *ep, *next;

	list_for_each_safe(ep, next, &lower->endpoints, sibling)
		remove_endpoint(ctl, ep);
	notify_lower(ctl, PROTO_EVENT_DELETED, lower);
	hub_free(lower->runtime);
	world_remove_lower(&ctl->world, lower);
	model_lower_free(lower);
}

struct ctl *ctl_free(struct ctl *ctl)
{
	struct model_lower *lower, *next;

	if (!ctl)
		return NULL;

	ctl->changed = NULL;
	list_for_each_safe(lower, next, &ctl->world.lowers, item)
		remove_lower(ctl, lower);
	world_fini(&ctl->world);
	sd_event_source_disable_unref(ctl->monitor_source);
	host_monitor_close(ctl->monitor);
	sd_event_source_disable_unref(ctl->worker_source);
	worker_free(ctl->worker);
	runtime_dir_close(&ctl->dir);
	free(ctl);
	return NULL;
}

const struct runtime_dir *ctl_runtime_dir(const struct ctl *ctl)
{
	return &ctl->dir;
}

void ctl_set_changed(struct ctl *ctl, ctl_changed_fn *changed, void *userdata)
{
	ctl->changed = changed;
	ctl->userdata = userdata;
}

/* Six random bytes as an address; not a secret. */
static struct mac random_mac(void)
{
	uint8_t random[6] = { 0 };

	(void)!getrandom(random, sizeof(random), 0);
	return mac_from_random(random);
}

static int add_dummy(struct ctl *ctl, const struct link_change *change,
		     char ret_name[LINK_NAME_SIZE], struct err *err)
{
	struct model_lower *lower = NULL;
	struct ctl_hub *hub;
	int r;

	r = world_new_dummy(&ctl->world, change, random_mac(), &lower, err);
	if (r < 0)
		return r;
	r = hub_new(ctl, lower, &hub, err);
	if (r < 0) {
		model_lower_free(lower);
		return r;
	}

	world_commit_lower(&ctl->world, lower);
	hub_publish(hub);
	(void)text_copy(ret_name, LINK_NAME_SIZE, lower->name);
	notify_lower(ctl, PROTO_EVENT_ADDED, lower);
	return 0;
}

/* Makes a lower, not yet in the world, of a device of the host. */
static int new_netdev(struct ctl *ctl, const char *name, struct model_lower **ret_lower,
		      struct err *err)
{
	struct netdev_facts facts;
	struct model_lower *lower = NULL;
	struct ctl_hub *hub;
	int r;

	r = netdev_query(name, &facts, err);
	if (r < 0)
		return r;
	/* Renamed a moment ago, and netlink's word of it has not been read. */
	if (world_find_netdev(&ctl->world, facts.ifindex, facts.name))
		return err_set(err, EAGAIN, "lower '%s' is being renamed; try again", name);
	r = world_new_netdev(&ctl->world, &facts, &lower, err);
	if (r < 0)
		return r;
	r = hub_new(ctl, lower, &hub, err);
	if (r < 0) {
		model_lower_free(lower);
		return r;
	}

	*ret_lower = lower;
	return 0;
}

/* Adds an endpoint to a lower, which is 'fresh' if it is not yet in the world:
 * then it gets there with the endpoint, or is thrown away.
 */
static int add_endpoint(struct ctl *ctl, const struct link_change *change,
			struct model_lower *lower, bool fresh, char ret_name[LINK_NAME_SIZE],
			struct err *err)
{
	struct model_endpoint *model = NULL;
	struct ctl_endpoint *ep;
	int r;

	r = world_new_endpoint(&ctl->world, lower, change, random_mac(), &model, err);
	if (r >= 0)
		r = endpoint_new(lower->runtime, model, &ep, err);
	if (r < 0) {
		model_endpoint_free(model);
		if (fresh) {
			hub_free(lower->runtime);
			model_lower_free(lower);
		}
		return r;
	}

	if (fresh) {
		world_commit_lower(&ctl->world, lower);
		notify_lower(ctl, PROTO_EVENT_ADDED, lower);
	}
	world_commit_endpoint(&ctl->world, model);
	hub_publish(lower->runtime);
	(void)text_copy(ret_name, LINK_NAME_SIZE, model->name);
	notify_endpoint(ctl, PROTO_EVENT_ADDED, model);
	notify_news(ctl, lower);
	return 0;
}

int ctl_add(struct ctl *ctl, const struct link_change *change, char ret_name[LINK_NAME_SIZE],
	    struct err *err)
{
	struct model_lower *lower = NULL;
	bool fresh = false;
	int r;

	r = world_check_add(&ctl->world, change, &lower, err);
	if (r < 0)
		return r;
	if (change->kind == LINK_KIND_DUMMY)
		return add_dummy(ctl, change, ret_name, err);

	if (!lower) {
		r = new_netdev(ctl, change->lower, &lower, err);
		if (r < 0)
			return r;
		fresh = true;
	}
	return add_endpoint(ctl, change, lower, fresh, ret_name, err);
}

/* What a set needs beside the model's consent; undone if it is not committed. */
struct set_needs {
	struct port *port; /* the dummy's new far end */
	bool renamed;
};

static void give_back(struct ctl *ctl, struct world_set *set, struct set_needs *needs)
{
	needs->port = port_close(needs->port);
	if (needs->renamed)
		(void)endpoint_sockets_rename(&ctl->dir, set->next_ep.name, set->ep->name, NULL);
}

static int acquire(struct ctl *ctl, struct world_set *set, struct set_needs *needs, struct err *err)
{
	int r;

	if (set->lower_changes & (LINK_HAS_HAIRPIN | LINK_HAS_MTU) &&
	    set->lower->kind == LINK_KIND_DUMMY) {
		r = hub_open_port(&set->next_lower, &needs->port, err);
		if (r < 0)
			return r;
	}
	if (set->ep && set->ep_changes & LINK_HAS_NEW_NAME) {
		r = endpoint_sockets_rename(&ctl->dir, set->ep->name, set->next_ep.name, err);
		if (r < 0)
			return r;
		needs->renamed = true;
	}
	/* Last, because it cannot simply be taken back (R1.41). */
	if (set->lower_changes & LINK_HAS_ADDRESS && set->lower->kind == LINK_KIND_NETDEV)
		return host_link_set_mac((int)set->lower->ifindex, set->next_lower.mac, err);
	return 0;
}

int ctl_set(struct ctl *ctl, const struct link_change *change, struct err *err)
{
	struct set_needs needs = { 0 };
	struct world_set set = { 0 };
	struct model_endpoint *ep;
	struct model_lower *lower;
	struct ctl_hub *hub;
	int r;

	r = world_prepare_set(&ctl->world, change, &set, err);
	if (r < 0)
		return r;

	lower = set.lower;
	hub = lower->runtime;
	r = acquire(ctl, &set, &needs, err);
	if (r >= 0 && needs.port) {
		r = hub_attach_port(hub, needs.port, err);
		if (r >= 0)
			needs.port = NULL;
	}
	if (r < 0) {
		give_back(ctl, &set, &needs);
		world_set_fini(&set);
		return r;
	}

	world_commit_set(&ctl->world, &set);
	hub_publish(hub);
	list_for_each(ep, &lower->endpoints, sibling)
		endpoint_update(ep->runtime);
	notify_news(ctl, lower);
	return 0;
}

int ctl_delete(struct ctl *ctl, const char *name, struct err *err)
{
	struct world_link link;
	int r;

	r = world_check_delete(&ctl->world, name, &link, err);
	if (r < 0)
		return r;

	if (link.lower) {
		remove_lower(ctl, link.lower);
	} else {
		struct model_lower *lower = link.ep->lower;

		remove_endpoint(ctl, link.ep);
		if (model_lower_is_idle(lower))
			remove_lower(ctl, lower);
	}
	return 0;
}

static int show_link(struct ctl *ctl, const struct world_link *link, struct proto_link *ret_link,
		     struct err *err)
{
	int r = 0;

	*ret_link = (struct proto_link){ 0 };
	if (link->lower)
		show_lower(link->lower, ret_link);
	else
		r = show_endpoint(ctl, link->ep, ret_link, err);
	if (r < 0)
		proto_link_fini(ret_link);
	return r;
}

int ctl_show(struct ctl *ctl, const char *name, struct proto_link *ret_link, struct err *err)
{
	struct world_link link;
	int r;

	r = world_find_link(&ctl->world, name, &link, err);
	if (r < 0)
		return r;
	return show_link(ctl, &link, ret_link, err);
}

bool ctl_show_after(struct ctl *ctl, uint32_t index, struct proto_link *ret_link, int *ret_r,
		    struct err *err)
{
	struct world_cursor cursor = world_cursor_after(&ctl->world, index);
	struct world_link link;

	*ret_r = 0;
	if (!world_cursor_next(&cursor, &link))
		return false;
	*ret_r = show_link(ctl, &link, ret_link, err);
	return *ret_r >= 0;
}
