/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/superframe.h"

#include <string.h>

#include "wire/csum.h"

#define HOP_BY_HOP_ASKED 0xff

uint32_t superframe_roll(struct superframe_dice *dice, uint32_t n)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's
	 * xorshift generators, scrambled", 2016.
	 */
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (uint32_t)((dice->state * 0x2545f4914f6cdd1d) >> 33) % n;
}

static uint8_t *put_ethernet(uint8_t *at, const struct superframe_spec *spec)
{
	static const uint8_t macs[12] = { 0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1 };

	memcpy(at, macs, sizeof(macs));
	at += sizeof(macs);
	for (unsigned i = 0; i < spec->n_vlans; i++) {
		bool inner = i + 1 == spec->n_vlans;

		be16_store(at, inner ? ETH_TYPE_VLAN : ETH_TYPE_QINQ);
		be16_store(at + 2, (uint16_t)(0x6000 + 5 + i));
		at += ETH_VLAN_LEN;
	}
	be16_store(at, (uint16_t)spec->type);
	return at + 2;
}

static uint8_t *put_ipv4(uint8_t *at, const struct superframe_spec *spec, uint32_t n_behind)
{
	unsigned header_len = sizeof(struct ipv4_header) + spec->n_ip_options;
	be16 check;

	memset(at, 0, sizeof(struct ipv4_header));
	at[0] = (uint8_t)(0x40 + header_len / 4);
	at[offsetof(struct ipv4_header, tos)] = 0x02; /* ECT(0) */
	be16_store(at + offsetof(struct ipv4_header, total_len), (uint16_t)(header_len + n_behind));
	be16_store(at + offsetof(struct ipv4_header, id), spec->id);
	be16_store(at + offsetof(struct ipv4_header, frag), spec->frag);
	at[offsetof(struct ipv4_header, ttl)] = 64;
	at[offsetof(struct ipv4_header, protocol)] = (uint8_t)spec->proto;
	be32_store(at + offsetof(struct ipv4_header, src), 0xc0000201);
	be32_store(at + offsetof(struct ipv4_header, dst), 0xc0000202);
	memset(at + sizeof(struct ipv4_header), 1, spec->n_ip_options); /* NOP */
	check = csum_fold(csum_add(0, at, header_len));
	memcpy(at + offsetof(struct ipv4_header, check), &check, sizeof(check));
	return at + header_len;
}

static uint8_t *put_ipv6(uint8_t *at, const struct superframe_spec *spec, uint32_t n_behind)
{
	uint8_t *next = at + offsetof(struct ipv6_header, next);
	uint8_t *payload_len = at + offsetof(struct ipv6_header, payload_len);
	uint8_t *end = at + sizeof(struct ipv6_header);

	memset(at, 0, sizeof(struct ipv6_header));
	be32_store(at, 0x60212345);
	at[offsetof(struct ipv6_header, hop_limit)] = 64;
	for (int i = 0; i < 32; i++)
		at[offsetof(struct ipv6_header, src) + i] = (uint8_t)(0x20 + i * 7);

	for (size_t i = 0; i < sizeof(spec->extension) && spec->extension[i]; i++) {
		/* The second and later ones are longer; PadN fills them. */
		size_t n_units = i ? 3 : 1;

		*next = spec->extension[i] == HOP_BY_HOP_ASKED ? IP_PROTO_HOP_BY_HOP
							       : spec->extension[i];
		next = end;
		memset(end, 0, n_units * 8);
		end[offsetof(struct ipv6_extension, len)] = (uint8_t)(n_units - 1);
		end[2] = 1;
		end[3] = (uint8_t)(n_units * 8 - 4);
		end += n_units * 8;
	}
	*next = (uint8_t)spec->proto;
	be16_store(payload_len,
		   (uint16_t)((size_t)(end - at) - sizeof(struct ipv6_header) + n_behind));
	return end;
}

static uint8_t *put_transport(uint8_t *at, const struct superframe_spec *spec, uint32_t n_l4)
{
	if (spec->proto == IP_PROTO_UDP) {
		be16_store(at, 1000);
		be16_store(at + 2, 53);
		be16_store(at + offsetof(struct udp_header, len), (uint16_t)n_l4);
		be16_store(at + offsetof(struct udp_header, check), 0);
		return at + sizeof(struct udp_header);
	}

	memset(at, 0, sizeof(struct tcp_header));
	be16_store(at, 80);
	be16_store(at + 2, 40000);
	be32_store(at + offsetof(struct tcp_header, seq), spec->seq);
	be32_store(at + offsetof(struct tcp_header, ack), 0x1badcafe);
	at[offsetof(struct tcp_header, data_offset)] = (uint8_t)((20 + spec->n_tcp_options) * 4);
	at[offsetof(struct tcp_header, flags)] = spec->tcp_flags;
	be16_store(at + offsetof(struct tcp_header, window), 502);
	memset(at + sizeof(struct tcp_header), 1, spec->n_tcp_options); /* NOP */
	return at + sizeof(struct tcp_header) + spec->n_tcp_options;
}

static uint8_t vnet_gso_of(const struct superframe_spec *spec)
{
	unsigned gso = VNET_GSO_UDP_L4;

	if (spec->gso_size == 0)
		return VNET_GSO_NONE;
	if (spec->proto == IP_PROTO_TCP)
		gso = spec->type == ETH_TYPE_IPV4 ? VNET_GSO_TCPV4 : VNET_GSO_TCPV6;

	return (uint8_t)(gso | (spec->ecn ? VNET_GSO_ECN : 0u));
}

/* Leaves the pseudo header's sum where the checksum goes, as drivers do, and
 * writes the vnet header to go with it.
 */
static void ask_for_work(struct superframe *super, const struct superframe_spec *spec)
{
	uint8_t *l3 = super->data + super->at.l3, *l4 = super->data + super->at.l4;
	struct vnet_header *vnet = &super->frame.vnet;
	size_t field = spec->proto == IP_PROTO_TCP ? offsetof(struct tcp_header, check)
						   : offsetof(struct udp_header, check);
	uint64_t pseudo = spec->type == ETH_TYPE_IPV4 ? csum_pseudo_ipv4(l3, spec->proto)
						      : csum_pseudo_ipv6(l3, spec->proto);
	uint16_t folded = (uint16_t)~csum_fold(csum_add_number(pseudo, super->len - super->at.l4));

	vnet->gso_type = vnet_gso_of(spec);
	vnet->gso_size = cpu_to_le16(spec->gso_size);
	vnet->hdr_len = cpu_to_le16(super->at.payload);
	if (spec->no_csum)
		return;

	vnet->flags = VNET_NEEDS_CSUM;
	vnet->csum_start = cpu_to_le16(super->at.l4);
	vnet->csum_offset = cpu_to_le16((uint16_t)field);
	memcpy(l4 + field, &folded, sizeof(folded));
}

void superframe_build(struct superframe *super, const struct superframe_spec *spec)
{
	uint32_t n_l4 = spec->n_payload + (spec->proto == IP_PROTO_TCP
						   ? 20 + spec->n_tcp_options
						   : (uint32_t)sizeof(struct udp_header));
	uint8_t *l3 = put_ethernet(super->data, spec);
	uint8_t *l4 =
		spec->type == ETH_TYPE_IPV4 ? put_ipv4(l3, spec, n_l4) : put_ipv6(l3, spec, n_l4);
	uint8_t *payload = put_transport(l4, spec, n_l4);

	super->at = (struct layers){
		.type = spec->type,
		.proto = spec->proto,
		.l3 = (uint16_t)(l3 - super->data),
		.l4 = (uint16_t)(l4 - super->data),
		.payload = (uint16_t)(payload - super->data),
	};
	super->len = super->at.payload + spec->n_payload;
	assert(super->len <= sizeof(super->data));
	for (uint32_t i = 0; i < spec->n_payload; i++)
		payload[i] = (uint8_t)(i * 31 + (i >> 8));

	burst_set_frame(&super->frame, super->data, super->len);
	ask_for_work(super, spec);
}

void superframe_scatter(struct superframe *super, struct superframe_dice *dice)
{
	uint32_t pos = 0;
	uint16_t n = 0;

	/* Small pieces where the headers are, larger ones behind; the last
	 * piece takes what is left.
	 */
	while (pos < super->len && n < SUPERFRAME_PIECES_MAX - 1) {
		uint32_t len = superframe_roll(dice, pos < 200 ? 9 : 3000);

		len = MIN(len, super->len - pos);
		super->iov[n++] = (struct iovec){ len ? super->data + pos : NULL, len };
		pos += len;
	}
	super->iov[n++] = (struct iovec){ super->data + pos, super->len - pos };
	super->frame.iov = super->iov;
	super->frame.n_iov = n;
}
