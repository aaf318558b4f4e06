/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ctl/attach.h"
#include "port/dummy.h"
#include "port/packet.h"
#include "wire/eth.h"

int hub_open_port(const struct model_lower *model, struct port **ret_port, struct err *err)
{
	if (model->kind == LINK_KIND_DUMMY)
		return port_dummy_open(model->hairpin ? PORT_DUMMY_HAIRPIN_ON
						      : PORT_DUMMY_HAIRPIN_OFF,
				       model->mtu + ETH_HEADER_LEN + ETH_VLAN_LEN, ret_port, err);

	return port_packet_open(&(const struct port_packet_spec){ .ifindex = (int)model->ifindex,
								  .name = model->name },
				ret_port, err);
}

int hub_attach_port(struct ctl_hub *hub, struct port *port, struct err *err)
{
	struct path_attachment *old = hub->attachment, *new = NULL;
	int r;

	if (port) {
		r = attachment_new(port, &hub->path.lower, &new, err);
		if (r < 0)
			return r;
		r = worker_watch(hub->ctl->worker, new, err);
		if (r < 0) {
			free(new); /* the port stays the caller's */
			return r;
		}
	}

	/* The filter belonged to the old port. */
	for (size_t i = 0; i < hub->n_slots; i++) {
		if (hub->slot[i])
			hub->slot[i]->filtered = false;
	}

	hub->attachment = new;
	if (old) {
		worker_unwatch(hub->ctl->worker, old);
		path_publish_attachment(&hub->path.lower, new);
		path_synchronize();
		attachment_free(old);
	} else {
		path_publish_attachment(&hub->path.lower, new);
	}
	return 0;
}

int hub_new(struct ctl *ctl, struct model_lower *model, struct ctl_hub **ret_hub, struct err *err)
{
	struct port *port SCOPED(scoped_port) = NULL;
	struct ctl_hub *hub;
	int r;

	r = hub_open_port(model, &port, err);
	if (r < 0)
		return r;

	hub = calloc(1, sizeof(*hub));
	if (!hub)
		return err_set(err, ENOMEM, "out of memory");

	hub->ctl = ctl;
	hub->model = model;
	hub->path.lower = (struct path_member){ .hub = &hub->path, .slot = FWD_NOBODY };
	if (getrandom(&hub->seed, sizeof(hub->seed), 0) != sizeof(hub->seed))
		hub->seed = (uint64_t)(uintptr_t)hub;

	r = hub_attach_port(hub, port, err);
	if (r < 0) {
		free(hub);
		return r;
	}

	(void)TAKE(port);
	model->runtime = hub;
	*ret_hub = hub;
	return 0;
}

struct ctl_hub *hub_free(struct ctl_hub *hub)
{
	if (!hub)
		return NULL;

	assert(hub->n_slots == 0);
	if (hub->attachment)
		attachment_retire(hub->ctl->worker, TAKE(hub->attachment), NULL);
	path_table_free(hub->path.table);
	hub->model->runtime = NULL;
	free(hub);
	return NULL;
}

int hub_take_slot(struct ctl_hub *hub, struct ctl_endpoint *ep, struct err *err)
{
	for (uint16_t i = 0; i < FWD_SLOTS_MAX; i++) {
		if (hub->slot[i])
			continue;
		hub->slot[i] = ep;
		hub->n_slots = MAX(hub->n_slots, (size_t)i + 1);
		ep->member.slot = i;
		return 0;
	}

	return err_set(err, ENOSPC, "lower '%s' has %d endpoints, and there is no room for more",
		       hub->model->name, FWD_SLOTS_MAX);
}

void hub_give_slot(struct ctl_hub *hub, struct ctl_endpoint *ep)
{
	hub->slot[ep->member.slot] = NULL;
	while (hub->n_slots > 0 && !hub->slot[hub->n_slots - 1])
		hub->n_slots--;
}

/* The table the model asks for. */
static int build_table(struct ctl_hub *hub, struct path_table **ret_table, struct err *err)
{
	const struct model_lower *model = hub->model;
	const struct fwd_lower lower = {
		.mtu = model->mtu,
		.up = model->up,
		.carrier = model_lower_carrier(model),
		.has_host = model->kind == LINK_KIND_NETDEV,
	};
	struct fwd_endpoint *endpoints = calloc(hub->n_slots + 1, sizeof(*endpoints));
	struct fwd_table *fwd = NULL;
	size_t n = 0;
	int r;

	if (!endpoints)
		return err_set(err, ENOMEM, "out of memory");

	for (size_t i = 0; i < hub->n_slots; i++) {
		const struct model_endpoint *ep;

		if (!hub->slot[i])
			continue;
		ep = hub->slot[i]->model;
		endpoints[n++] = (struct fwd_endpoint){
			.slot = (uint16_t)i,
			.mac = ep->mac,
			.mode = ep->mode,
			.flags = ep->flags,
			.up = ep->up,
			.mtu = ep->mtu,
			.sources = ep->sources,
			.n_sources = ep->n_sources,
		};
	}

	r = fwd_table_new(&lower, endpoints, n, hub->seed, &fwd, err);
	free(endpoints);
	if (r < 0)
		return r;

	r = path_table_new(fwd, hub->n_slots, ret_table, err);
	if (r < 0) {
		fwd_table_free(fwd);
		return r;
	}
	for (size_t i = 0; i < hub->n_slots; i++)
		(*ret_table)->member[i] = hub->slot[i] ? &hub->slot[i]->member : NULL;
	return 0;
}

/* The lower's port, if it has a receive filter to be told about. */
static struct port *filtering_port(const struct ctl_hub *hub)
{
	if (hub->model->kind != LINK_KIND_NETDEV || !hub->attachment)
		return NULL;
	return hub->attachment->port;
}

static void warn_filter(struct ctl_hub *hub, int r, const struct err *err)
{
	if (r < 0)
		log_limited(&hub->log_limit, LOG_WARNING,
			    "lower %s: its receive filter did not take a change: %s; frames may be "
			    "missing",
			    hub->model->name, err->msg);
}

/* Is the endpoint's address to be received by the lower (R1.17)? Not its own,
 * which a passthru endpoint has.
 */
static bool wants_filter(const struct model_endpoint *ep)
{
	return ep->up && !fwd_mode_is_alone(ep->mode);
}

/* Addresses and modes the filter lets pass that it did not before. Called
 * before a table is published, so that nothing to a new address is lost.
 */
static void open_filter(struct ctl_hub *hub, struct port *port)
{
	bool any_up = false, promisc = false;
	struct err err;

	for (size_t i = 0; i < hub->n_slots; i++) {
		struct ctl_endpoint *ep = hub->slot[i];

		if (!ep || !ep->model->up)
			continue;
		any_up = true;
		promisc |= fwd_mode_is_alone(ep->model->mode) &&
			   !(ep->model->flags & FWD_FLAG_NOPROMISC);
		if (!wants_filter(ep->model) ||
		    (ep->filtered && mac_equal(ep->filtered_mac, ep->model->mac)))
			continue;

		warn_filter(hub, port_packet_filter_add(port, ep->model->mac, &err), &err);
		if (ep->filtered)
			warn_filter(hub, port_packet_filter_del(port, ep->filtered_mac, &err),
				    &err);
		ep->filtered = true;
		ep->filtered_mac = ep->model->mac;
	}

	/* Endpoints get all groups: nobody joins them on their behalf. */
	warn_filter(hub,
		    port_packet_set_allmulti(port, any_up ? PORT_PACKET_ALL : PORT_PACKET_FILTERED,
					     &err),
		    &err);
	warn_filter(hub,
		    port_packet_set_promisc(port, promisc ? PORT_PACKET_ALL : PORT_PACKET_FILTERED,
					    &err),
		    &err);
}

static void close_filter(struct ctl_hub *hub, struct port *port)
{
	struct err err;

	for (size_t i = 0; i < hub->n_slots; i++) {
		struct ctl_endpoint *ep = hub->slot[i];

		if (!ep || !ep->filtered || wants_filter(ep->model))
			continue;
		warn_filter(hub, port_packet_filter_del(port, ep->filtered_mac, &err), &err);
		ep->filtered = false;
	}
}

void hub_forget_filter(struct ctl_hub *hub, struct ctl_endpoint *ep)
{
	struct port *port = filtering_port(hub);
	struct err err;

	if (port && ep->filtered)
		warn_filter(hub, port_packet_filter_del(port, ep->filtered_mac, &err), &err);
	ep->filtered = false;
}

void hub_publish(struct ctl_hub *hub)
{
	struct port *port = filtering_port(hub);
	struct path_table *table = NULL, *old;
	struct err err;

	if (port)
		open_filter(hub, port);

	if (build_table(hub, &table, &err) < 0)
		log_line(LOG_ERR, "lower %s: %s; its endpoints are cut off", hub->model->name,
			 err.msg);
	old = path_publish_table(&hub->path, table);
	path_synchronize();
	path_table_free(old);

	if (port)
		close_filter(hub, port);
}
