/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/vhost.h"
#include "port/dgram.h"
#include "port/packet.h"

static uint64_t sum(const uint64_t drops[DROP_COUNT])
{
	uint64_t total = 0;

	for (int why = 0; why < DROP_COUNT; why++)
		total += drops[why];
	return total;
}

/* From the link's user's side: what goes out to him is received (R2.57). Groups are
 * filled in for both directions; whoever calls clears what was sent.
 */
static void show_counters(const struct path_counters *live, struct proto_link *ret_link)
{
	struct path_counters counters;

	path_counters_read(live, &counters);
	ret_link->rx = (struct proto_traffic){
		.bytes = counters.out.bytes,
		.packets = counters.out.frames,
		.dropped = sum(counters.drops_out),
		.multicast = counters.out.groups,
	};
	ret_link->tx = (struct proto_traffic){
		.bytes = counters.in.bytes,
		.packets = counters.in.frames,
		.dropped = sum(counters.drops_in),
		.multicast = counters.in.groups,
	};
	memcpy(ret_link->drops_in, counters.drops_in, sizeof(counters.drops_in));
	memcpy(ret_link->drops_out, counters.drops_out, sizeof(counters.drops_out));
}

/* A lower receives from the wire: the other way round. */
static void turn_directions(struct proto_link *link)
{
	struct proto_traffic rx = link->rx;

	link->rx = link->tx;
	link->tx = rx;
}

void show_lower(const struct model_lower *lower, struct proto_link *ret_link)
{
	const struct ctl_hub *hub = lower->runtime;

	ret_link->index = lower->index;
	ret_link->kind = lower->kind;
	ret_link->address = lower->mac;
	ret_link->mtu = lower->mtu;
	ret_link->min_mtu = lower->min_mtu;
	ret_link->max_mtu = lower->max_mtu;
	ret_link->txqlen = lower->txqlen;
	ret_link->up = lower->up;
	ret_link->carrier = model_lower_carrier(lower);
	ret_link->lower_up = true;
	ret_link->hairpin = lower->hairpin;
	(void)text_copy(ret_link->name, sizeof(ret_link->name), lower->name);
	(void)text_copy(ret_link->alias, sizeof(ret_link->alias), lower->alias);

	show_counters(&hub->path.lower.counters, ret_link);
	turn_directions(ret_link);
	ret_link->tx.multicast = 0;
	ret_link->replicas = counter_read(&hub->path.replicas);
	ret_link->host = counter_read(&hub->path.host);
	if (!hub->attachment) {
		(void)text_copy(ret_link->port, sizeof(ret_link->port), "none");
		(void)text_copy(ret_link->reason, sizeof(ret_link->reason), "the device is gone");
		return;
	}
	(void)text_copy(ret_link->port, sizeof(ret_link->port), hub->attachment->port->ops->kind);
	/* Lost in the socket's buffer, before they could enter. */
	if (lower->kind == LINK_KIND_NETDEV)
		ret_link->rx.errors = port_packet_missed(hub->attachment->port);
}

static void show_port(const struct ctl *ctl, const struct ctl_endpoint *ep,
		      struct proto_link *ret_link)
{
	const char *kind = "none";

	if (ep->vhost) {
		kind = "vhost";
		vhost_describe(ep->vhost, ret_link->features, sizeof(ret_link->features));
	} else if (ep->stream) {
		kind = "stream";
	} else if (port_dgram_peer(ep->dgram->port, ret_link->peer, sizeof(ret_link->peer))) {
		kind = "dgram";
	}

	(void)text_copy(ret_link->port, sizeof(ret_link->port), kind);
	(void)text_copy(ret_link->reason, sizeof(ret_link->reason), ep->reason);
	endpoint_socket_path(&ctl->dir, ep->model->name, SOCKET_STREAM, ret_link->stream_path);
	endpoint_socket_path(&ctl->dir, ep->model->name, SOCKET_DGRAM, ret_link->dgram_path);
	endpoint_socket_path(&ctl->dir, ep->model->name, SOCKET_VHOST, ret_link->vhost_path);
}

int show_endpoint(const struct ctl *ctl, const struct model_endpoint *ep,
		  struct proto_link *ret_link, struct err *err)
{
	const struct ctl_endpoint *runtime = ep->runtime;

	ret_link->index = ep->index;
	ret_link->kind = ep->kind;
	ret_link->address = ep->mac;
	ret_link->mtu = ep->mtu;
	ret_link->min_mtu = MODEL_MTU_MIN;
	ret_link->max_mtu = MODEL_MTU_MAX;
	ret_link->txqlen = ep->txqlen;
	ret_link->up = ep->up;
	ret_link->carrier = model_lower_carrier(ep->lower);
	ret_link->lower_up = ep->lower->up;
	/* It hears all groups while it is up: nobody joins them for a guest. */
	ret_link->allmulti = ep->up;
	ret_link->mode = ep->mode;
	ret_link->flags = ep->flags;
	ret_link->bcqueuelen = ep->bcqueuelen;
	ret_link->used_bcqueuelen = model_lower_bcqueuelen(ep->lower);
	ret_link->bclim = ep->lower->bclim;
	ret_link->poll = ep->poll;
	(void)text_copy(ret_link->vhost, sizeof(ret_link->vhost), ep->vhost);
	(void)text_copy(ret_link->name, sizeof(ret_link->name), ep->name);
	(void)text_copy(ret_link->lower, sizeof(ret_link->lower), ep->lower->name);
	(void)text_copy(ret_link->alias, sizeof(ret_link->alias), ep->alias);

	if (ep->n_sources) {
		ret_link->sources = malloc(ep->n_sources * sizeof(*ep->sources));
		if (!ret_link->sources)
			return err_set(err, ENOMEM, "out of memory");
		memcpy(ret_link->sources, ep->sources, ep->n_sources * sizeof(*ep->sources));
		ret_link->n_sources = ep->n_sources;
	}

	show_counters(&runtime->member.counters, ret_link);
	ret_link->tx.multicast = 0;
	show_port(ctl, runtime, ret_link);
	return 0;
}
