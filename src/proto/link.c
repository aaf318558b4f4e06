/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/link.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/link_json.h"

void proto_link_fini(struct proto_link *link)
{
	free(link->sources);
	*link = (struct proto_link){ 0 };
}

/* Source lists: two members, so at the struct's start */

static json_t *write_sources(const struct json_field *field, const void *at)
{
	const struct proto_link *link = at;

	(void)field;
	return json_write_macs(link->sources, link->n_sources);
}

struct source_reader {
	struct proto_link *link;
	size_t room;
};

static int append_source(void *to, struct mac mac, struct err *err)
{
	struct source_reader *reader = to;

	/* What came in has as many addresses as the array has room for. */
	assert(reader->link->n_sources < reader->room);
	(void)err;
	reader->link->sources[reader->link->n_sources++] = mac;
	return 0;
}

static int read_sources(const struct json_field *field, const json_t *json, void *at,
			struct json_place *place, struct err *err)
{
	struct source_reader reader = { .link = at, .room = json_array_size(json) };

	(void)field;
	if (reader.room > 0) {
		reader.link->sources = calloc(reader.room, sizeof(struct mac));
		if (!reader.link->sources)
			return err_set(err, ENOMEM, "out of memory");
	}

	return json_read_macs(json, place, append_source, &reader, err);
}

static const struct json_codec link_sources = { write_sources, read_sources };

/* Which optional fields a link has */

enum {
	TAG_ALWAYS,
	TAG_LOWER,
	TAG_ALIAS,
	TAG_MACVTAP,
	TAG_DUMMY,
	TAG_HUB,
	TAG_SOCKETS,
	TAG_PEER,
	TAG_FEATURES,
	TAG_REASON,
	TAG_VHOST,
};

static bool link_has(const void *base, const struct json_field *field)
{
	const struct proto_link *link = base;

	switch (field->tag) {
	case TAG_LOWER:
		return link->lower[0] != '\0';
	case TAG_ALIAS:
		return link->alias[0] != '\0';
	case TAG_MACVTAP:
		return link_is_endpoint(link);
	case TAG_DUMMY:
		return link->kind == LINK_KIND_DUMMY;
	case TAG_HUB:
		return !link_is_endpoint(link);
	case TAG_SOCKETS:
		return link->stream_path[0] != '\0';
	case TAG_PEER:
		return link->peer[0] != '\0';
	case TAG_FEATURES:
		return link->features[0] != '\0';
	case TAG_VHOST:
		return link->vhost[0] != '\0';
	case TAG_REASON:
		return link->reason[0] != '\0';
	default:
		return true;
	}
}

/* Here the tags of two rows are flags, for json_flag. */
static bool macvtap_has(const void *base, const struct json_field *field)
{
	const struct proto_link *link = base;

	return field->codec != &link_sources || link->n_sources > 0;
}

/* clang-format off */
#define LINK(name, codec, member) { (name), &(codec), JSON_AT(struct proto_link, member) }
#define TRAFFIC(name) { #name, &json_u64, JSON_AT(struct proto_traffic, name) }

static const struct json_field traffic_fields[] = {
	TRAFFIC(bytes), TRAFFIC(packets), TRAFFIC(errors), TRAFFIC(dropped), TRAFFIC(multicast),
};
static const struct json_object traffic_object = JSON_OBJECT(traffic_fields, NULL, NULL);

/* The nested objects below are members of struct proto_link itself. */
static const struct json_field macvtap_fields[] = {
	{ "mode", &json_mode, JSON_AT(struct proto_link, mode), .need = JSON_REQUIRED },
	{ "nopromisc", &json_flag, JSON_AT(struct proto_link, flags), .tag = FWD_FLAG_NOPROMISC },
	{ "nodst", &json_flag, JSON_AT(struct proto_link, flags), .tag = FWD_FLAG_NODST },
	LINK("bcqueuelen",     json_u32, bcqueuelen),
	LINK("usedBcqueuelen", json_u32, used_bcqueuelen),
	LINK("bclim",          json_i32, bclim),
	{ "sources", &link_sources, .offset = 0 },
};
static const struct json_field dummy_fields[] = {
	LINK("hairpin", json_bool, hairpin),
};
static const struct json_field hub_fields[] = {
	LINK("replicas", json_u64, replicas),
	LINK("host",     json_u64, host),
};
static const struct json_field port_fields[] = {
	LINK("kind", json_text, port),
	{ "peer",   &json_text, JSON_AT(struct proto_link, peer),   .tag = TAG_PEER },
	{ "features", &json_text, JSON_AT(struct proto_link, features), .tag = TAG_FEATURES },
	{ "reason", &json_text, JSON_AT(struct proto_link, reason), .tag = TAG_REASON },
};
static const struct json_field sockets_fields[] = {
	LINK("stream", json_text, stream_path),
	LINK("dgram",  json_text, dgram_path),
	LINK("vhost",  json_text, vhost_path),
};

static const struct json_object dummy_object = JSON_OBJECT(dummy_fields, NULL, NULL);
static const struct json_object macvtap_object = JSON_OBJECT(macvtap_fields, macvtap_has, NULL);
static const struct json_object hub_object = JSON_OBJECT(hub_fields, NULL, NULL);
static const struct json_object port_object = JSON_OBJECT(port_fields, link_has, NULL);
static const struct json_object sockets_object = JSON_OBJECT(sockets_fields, NULL, NULL);

static const struct json_field link_fields[] = {
	{ "index",   &json_u32,  JSON_AT(struct proto_link, index),   .need = JSON_REQUIRED },
	{ "name",    &json_text, JSON_AT(struct proto_link, name),    .need = JSON_REQUIRED },
	{ "kind",    &json_kind, JSON_AT(struct proto_link, kind),    .need = JSON_REQUIRED },
	{ "lower",   &json_text, JSON_AT(struct proto_link, lower),   .tag = TAG_LOWER },
	{ "address", &json_mac,  JSON_AT(struct proto_link, address), .need = JSON_REQUIRED },
	LINK("mtu",         json_u32,  mtu),
	LINK("minMtu",      json_u32,  min_mtu),
	LINK("maxMtu",      json_u32,  max_mtu),
	LINK("txqlen",      json_u32,  txqlen),
	LINK("up",          json_bool, up),
	LINK("carrier",     json_bool, carrier),
	LINK("lowerUp",     json_bool, lower_up),
	LINK("promiscuity", json_u32,  promiscuity),
	LINK("allmulti",    json_u32,  allmulti),
	{ "alias",   &json_text, JSON_AT(struct proto_link, alias),   .tag = TAG_ALIAS },
	{ "macvtap", &json_nested, .tag = TAG_MACVTAP, .object = &macvtap_object },
	{ "dummy",   &json_nested, .tag = TAG_DUMMY,   .object = &dummy_object },
	{ "rx", &json_nested, JSON_AT(struct proto_link, rx), .object = &traffic_object },
	{ "tx", &json_nested, JSON_AT(struct proto_link, tx), .object = &traffic_object },
	LINK("dropsIn",     json_drops, drops_in),
	LINK("dropsOut",    json_drops, drops_out),
	{ "hub",     &json_nested, .tag = TAG_HUB, .object = &hub_object },
	{ "port",    &json_nested, .object = &port_object },
	{ "sockets", &json_nested, .tag = TAG_SOCKETS, .object = &sockets_object },
	{ "vhost",   &json_text, JSON_AT(struct proto_link, vhost), .tag = TAG_VHOST },
	{ "poll",    &json_u32,  JSON_AT(struct proto_link, poll),  .tag = TAG_MACVTAP },
};
/* clang-format on */

const struct json_object link_object = JSON_OBJECT(link_fields, link_has, NULL);
