/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/parse.h"

#define VLAN_TAGS_MAX 2

/* Each step moves 'at', where the next header starts, and fails if that header
 * does not lie before 'len' as a whole; so 'at' is never above 'len'.
 */
struct cursor {
	const uint8_t *head;
	size_t len;
	size_t at;
};

static bool has(const struct cursor *c, size_t n_bytes)
{
	return n_bytes <= c->len - c->at;
}

static bool parse_ethernet(struct cursor *c, uint16_t *ret_type)
{
	uint16_t type;

	if (!has(c, ETH_HEADER_LEN))
		return false;

	type = be16_load(c->head + offsetof(struct eth_header, type));
	c->at += ETH_HEADER_LEN;

	for (int i = 0; i < VLAN_TAGS_MAX && eth_type_is_vlan(type); i++) {
		if (!has(c, ETH_VLAN_LEN))
			return false;
		type = be16_load(c->head + c->at + ETH_VLAN_LEN - sizeof(type));
		c->at += ETH_VLAN_LEN;
	}

	*ret_type = type;
	return true;
}

static bool parse_ipv4(struct cursor *c, uint8_t *ret_proto)
{
	const uint8_t *ip = c->head + c->at;
	size_t header_len;

	if (!has(c, sizeof(struct ipv4_header)) || ip[0] >> 4 != 4)
		return false;
	if (be16_load(ip + offsetof(struct ipv4_header, frag)) & IPV4_FRAG_MASK)
		return false;

	header_len = (size_t)(ip[0] & 0xf) * 4;
	if (header_len < sizeof(struct ipv4_header) || !has(c, header_len))
		return false;

	*ret_proto = ip[offsetof(struct ipv4_header, protocol)];
	c->at += header_len;
	return true;
}

static bool may_skip(uint8_t next)
{
	return next == IP_PROTO_HOP_BY_HOP || next == IP_PROTO_ROUTING ||
	       next == IP_PROTO_DST_OPTIONS;
}

static bool parse_ipv6(struct cursor *c, uint8_t *ret_proto)
{
	const uint8_t *ip = c->head + c->at;
	uint8_t next;

	if (!has(c, sizeof(struct ipv6_header)) || ip[0] >> 4 != 6)
		return false;

	next = ip[offsetof(struct ipv6_header, next)];
	c->at += sizeof(struct ipv6_header);

	while (may_skip(next)) {
		const uint8_t *ext = c->head + c->at;
		size_t ext_len;

		if (!has(c, sizeof(struct ipv6_extension)))
			return false;
		ext_len = ((size_t)ext[offsetof(struct ipv6_extension, len)] + 1) * 8;
		if (!has(c, ext_len))
			return false;
		next = ext[offsetof(struct ipv6_extension, next)];
		c->at += ext_len;
	}

	*ret_proto = next;
	return true;
}

static bool parse_ip(struct cursor *c, uint16_t type, uint8_t *ret_proto)
{
	if (type == ETH_TYPE_IPV4)
		return parse_ipv4(c, ret_proto);

	return type == ETH_TYPE_IPV6 && parse_ipv6(c, ret_proto);
}

static bool parse_transport(struct cursor *c, uint8_t proto)
{
	const uint8_t *l4 = c->head + c->at;
	size_t header_len = sizeof(struct udp_header);

	if (proto == IP_PROTO_TCP) {
		if (!has(c, sizeof(struct tcp_header)))
			return false;
		header_len = (size_t)(l4[offsetof(struct tcp_header, data_offset)] >> 4) * 4;
		if (header_len < sizeof(struct tcp_header))
			return false;
	} else if (proto != IP_PROTO_UDP) {
		return false;
	}

	if (!has(c, header_len))
		return false;

	c->at += header_len;
	return true;
}

bool parse_frame(const uint8_t *head, size_t len, struct layers *ret_layers)
{
	struct cursor c = { .head = head, .len = len };
	struct layers found = { 0 };
	uint16_t type;
	uint8_t proto;

	assert(len <= UINT16_MAX);

	if (!parse_ethernet(&c, &type))
		return false;

	found.l3 = (uint16_t)c.at;
	if (!parse_ip(&c, type, &proto))
		return false;

	found.l4 = (uint16_t)c.at;
	if (!parse_transport(&c, proto))
		return false;

	found.payload = (uint16_t)c.at;
	found.type = type;
	found.proto = proto;
	*ret_layers = found;
	return true;
}
