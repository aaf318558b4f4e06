/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ip -j link show` prints for a link: its field names, their order and
 * types, and one object more that is ours.
 */
#include "base/macros.h"
#include "cli/show.h"
#include "cli/view.h"

struct field {
	const char *name;
	enum view_counter counter;
};

/* clang-format off */
static const struct field rx_fields[] = {
	{ "bytes",       VIEW_BYTES     },
	{ "packets",     VIEW_PACKETS   },
	{ "errors",      VIEW_ERRORS    },
	{ "dropped",     VIEW_DROPPED   },
	{ "over_errors", VIEW_ZERO      },
	{ "multicast",   VIEW_MULTICAST },
	/* with a second -s */
	{ "length_errors", VIEW_ZERO },
	{ "crc_errors",    VIEW_ZERO },
	{ "frame_errors",  VIEW_ZERO },
	{ "fifo_errors",   VIEW_ZERO },
	{ "missed_errors", VIEW_ZERO },
};

static const struct field tx_fields[] = {
	{ "bytes",          VIEW_BYTES   },
	{ "packets",        VIEW_PACKETS },
	{ "errors",         VIEW_ERRORS  },
	{ "dropped",        VIEW_DROPPED },
	{ "carrier_errors", VIEW_ZERO    },
	{ "collisions",     VIEW_ZERO    },
	/* with a second -s */
	{ "aborted_errors",   VIEW_ZERO },
	{ "fifo_errors",      VIEW_ZERO },
	{ "window_errors",    VIEW_ZERO },
	{ "heartbeat_errors", VIEW_ZERO },
	{ "carrier_changes",  VIEW_ZERO },
};
/* clang-format on */

#define FIELDS_PLAIN 6
#define FIELDS_ALL   ARRAY_SIZE(rx_fields)
static_assert(ARRAY_SIZE(rx_fields) == ARRAY_SIZE(tx_fields), "as many received as sent");

static void write_flags(struct jsonw *json, const struct proto_link *link)
{
	const char *flags[VIEW_FLAGS_MAX];
	size_t n = view_flags(link, flags);

	jsonw_array(json, "flags");
	for (size_t i = 0; i < n; i++)
		jsonw_string(json, NULL, flags[i]);
	jsonw_array_end(json);
}

static void write_mac(struct jsonw *json, const char *name, struct mac mac)
{
	char text[MAC_TEXT_SIZE];

	jsonw_string(json, name, mac_format(mac, text));
}

static void write_name(struct jsonw *json, const struct proto_link *link)
{
	if (link->lower[0] != '\0')
		jsonw_string(json, "link", link->lower);
	jsonw_string(json, "ifname", link->name);
}

static void write_macvlan(struct jsonw *json, const struct proto_link *link)
{
	jsonw_string(json, "mode", fwd_mode_name(link->mode));
	if (link->flags & FWD_FLAG_NOPROMISC)
		jsonw_bool(json, "nopromisc", true);
	if (link->flags & FWD_FLAG_NODST)
		jsonw_bool(json, "nodst", true);
	jsonw_number(json, "bcqueuelen", link->bcqueuelen);
	jsonw_number(json, "usedbcqueuelen", link->used_bcqueuelen);
	if (link->bclim != 1)
		jsonw_signed(json, "bclim", link->bclim);
	if (!fwd_mode_has_sources(link->mode))
		return;

	jsonw_number(json, "macaddr_count", link->n_sources);
	if (link->n_sources == 0)
		return;
	jsonw_array(json, "macaddr_data");
	for (size_t i = 0; i < link->n_sources; i++)
		write_mac(json, NULL, link->sources[i]);
	jsonw_array_end(json);
}

static void write_linkinfo(struct jsonw *json, const struct proto_link *link)
{
	jsonw_object(json, "linkinfo");
	jsonw_string(json, "info_kind", link_kind_name(link->kind));
	if (link->kind != LINK_KIND_NETDEV) {
		jsonw_object(json, "info_data");
		if (link->kind == LINK_KIND_DUMMY)
			jsonw_bool(json, "hairpin", link->hairpin);
		else
			write_macvlan(json, link);
		jsonw_object_end(json);
	}
	jsonw_object_end(json);
}

static void write_details(struct jsonw *json, const struct show *show,
			  const struct proto_link *link)
{
	jsonw_number(json, "promiscuity", link->promiscuity);
	jsonw_number(json, "allmulti", link->allmulti);
	jsonw_number(json, "min_mtu", link->min_mtu);
	jsonw_number(json, "max_mtu", link->max_mtu);
	write_linkinfo(json, link);
	if (link->kind == LINK_KIND_NETDEV)
		return;

	if (!show->monitor)
		jsonw_string(json, "inet6_addr_gen_mode", "eui64");
	for (size_t i = 0; i < view_n_constants; i++)
		jsonw_number(json, view_constants[i].json, view_constants[i].value);
}

static void write_traffic(struct jsonw *json, const char *name, const struct field *fields,
			  size_t n, const struct proto_traffic *traffic)
{
	jsonw_object(json, name);
	for (size_t i = 0; i < n; i++)
		jsonw_number(json, fields[i].name, view_counter(traffic, fields[i].counter));
	jsonw_object_end(json);
}

static void write_stats(struct jsonw *json, const struct show *show, const struct proto_link *link)
{
	size_t n = show->options->stats > 1 ? FIELDS_ALL : FIELDS_PLAIN;

	jsonw_object(json, "stats64");
	write_traffic(json, "rx", rx_fields, n, &link->rx);
	write_traffic(json, "tx", tx_fields, n, &link->tx);
	jsonw_object_end(json);
}

static void write_drops(struct jsonw *json, const char *name, const uint64_t drops[DROP_COUNT])
{
	jsonw_object(json, name);
	for (unsigned i = 0; i < DROP_COUNT; i++) {
		if (drops[i] != 0)
			jsonw_number(json, drop_name((enum drop)i), drops[i]);
	}
	jsonw_object_end(json);
}

static void write_limpet(struct jsonw *json, const struct proto_link *link)
{
	jsonw_object(json, "limpet");
	if (link->stream_path[0] != '\0') {
		jsonw_object(json, "sockets");
		jsonw_string(json, "stream", link->stream_path);
		jsonw_string(json, "dgram", link->dgram_path);
		jsonw_string(json, "vhost", link->vhost_path);
		jsonw_object_end(json);
	}

	jsonw_object(json, "port");
	jsonw_string(json, "kind", link->port);
	jsonw_string_or_null(json, "peer", link->peer);
	jsonw_string_or_null(json, "features", link->features);
	jsonw_string_or_null(json, "reason", link->reason);
	jsonw_object_end(json);
	if (view_is_endpoint(link)) {
		jsonw_string_or_null(json, "vhost", link->vhost);
		jsonw_number(json, "poll", link->poll);
	}

	jsonw_object(json, "drops");
	write_drops(json, "in", link->drops_in);
	write_drops(json, "out", link->drops_out);
	jsonw_object_end(json);
	if (!view_is_endpoint(link)) {
		jsonw_object(json, "hub");
		jsonw_number(json, "replicas", link->replicas);
		jsonw_number(json, "host", link->host);
		jsonw_object_end(json);
	}
	jsonw_object_end(json);
}

static void write_brief(struct jsonw *json, const struct proto_link *link)
{
	write_name(json, link);
	jsonw_string(json, "operstate", view_operstate(link));
	write_mac(json, "address", link->address);
	write_flags(json, link);
}

void show_json(struct jsonw *json, const struct show *show, const struct proto_link *link)
{
	if (show->options->brief) {
		write_brief(json, link);
		return;
	}

	jsonw_number(json, "ifindex", link->index);
	write_name(json, link);
	write_flags(json, link);
	jsonw_number(json, "mtu", link->mtu);
	if (view_qdisc(link))
		jsonw_string(json, "qdisc", view_qdisc(link));
	jsonw_string(json, "operstate", view_operstate(link));
	if (!show->monitor)
		jsonw_string(json, "linkmode", "DEFAULT");
	jsonw_string(json, "group", "default");
	if (!show->monitor && link->txqlen > 0)
		jsonw_number(json, "txqlen", link->txqlen);
	jsonw_string(json, "link_type", "ether");
	write_mac(json, "address", link->address);
	jsonw_string(json, "broadcast", "ff:ff:ff:ff:ff:ff");
	if (show->options->details)
		write_details(json, show, link);
	if (link->alias[0] != '\0')
		jsonw_string(json, "ifalias", link->alias);
	if (show->options->stats > 0)
		write_stats(json, show, link);
	write_limpet(json, link);
}
