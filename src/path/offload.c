/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums and segments in software
 * ==================================
 *
 * What it is. A frame comes with a vnet header that says what its sender left
 * to do. If that is a checksum alone, one finished frame is made. If the frame
 * is to be cut, each segment gets a copy of the headers, with lengths, IPv4
 * ID, sequence number, flags and checksums made right, and its share of the
 * payload. The kernel's own segmentation is the model: what it makes of the
 * same frame is the same byte for byte, which tests/system checks.
 *
 * Where it sits. path calls it at the last moment, for a port that cannot
 * offload. It allocates nothing and makes no system calls.
 *
 * Trust. The frame lies in its sender's memory, which may change while we
 * read. So nothing is looked at there: bytes are read into offload->head or
 * the caller's buffer first, then checked or summed, and what leaves is what
 * was checked or summed. (Parsing may read some payload too; that copy is not
 * used.) The bytes forwarding was decided on come from frame->head. The vnet
 * header is the frame's own copy, but each of its numbers is the sender's.
 */
#include "path/offload.h"

#include <string.h>

#include "base/macros.h"
#include "wire/csum.h"
#include "wire/ip.h"

/* What has to be in the frame for each kind of cut, and the most frames that
 * may come of it. Real segments are hundreds of bytes long; a sender that asks
 * for a header before each byte only wants to keep us busy. For TCP the kernel
 * has no limit, ours is a 64 KiB frame in segments of 64 bytes; for UDP it is
 * the kernel's UDP_MAX_SEGMENTS.
 */
/* clang-format off */
static const struct cut {
	enum vnet_gso gso;	/* all of gso_type */
	enum eth_type type;
	enum ip_proto proto;
	unsigned n_max;
} cuts[] = {
	{ VNET_GSO_TCPV4,                ETH_TYPE_IPV4, IP_PROTO_TCP, OFFLOAD_FRAMES_MAX },
	{ VNET_GSO_TCPV4 | VNET_GSO_ECN, ETH_TYPE_IPV4, IP_PROTO_TCP, OFFLOAD_FRAMES_MAX },
	{ VNET_GSO_TCPV6,                ETH_TYPE_IPV6, IP_PROTO_TCP, OFFLOAD_FRAMES_MAX },
	{ VNET_GSO_TCPV6 | VNET_GSO_ECN, ETH_TYPE_IPV6, IP_PROTO_TCP, OFFLOAD_FRAMES_MAX },
	{ VNET_GSO_UDP_L4,               ETH_TYPE_IPV4, IP_PROTO_UDP, 128 },
	{ VNET_GSO_UDP_L4,               ETH_TYPE_IPV6, IP_PROTO_UDP, 128 },
};
/* clang-format on */

static bool offload_wants_csum(const struct offload *o)
{
	return o->frame->vnet.flags & VNET_NEEDS_CSUM;
}

static size_t offload_check_offset(const struct offload *o)
{
	return o->at.proto == IP_PROTO_TCP ? offsetof(struct tcp_header, check)
					   : offsetof(struct udp_header, check);
}

/* Makes byte 'pos' of the frame the next one to be read. */
static void offload_seek(struct offload *o, uint32_t pos)
{
	const struct iovec *iov = o->frame->iov;

	assert(pos <= o->frame->len);

	o->iov_idx = 0;
	o->iov_pos = pos;
	while (o->iov_idx < o->frame->n_iov && o->iov_pos >= iov[o->iov_idx].iov_len)
		o->iov_pos -= iov[o->iov_idx++].iov_len;
}

static void offload_read(struct offload *o, uint8_t *to, size_t len)
{
	while (len > 0) {
		const struct iovec *iov = &o->frame->iov[o->iov_idx];
		size_t n;

		assert(o->iov_idx < o->frame->n_iov);

		/* At its end, or empty: then it need not point anywhere. */
		if (o->iov_pos == iov->iov_len) {
			o->iov_idx++;
			o->iov_pos = 0;
			continue;
		}

		n = MIN(len, iov->iov_len - o->iov_pos);
		memcpy(to, (const uint8_t *)iov->iov_base + o->iov_pos, n);
		o->iov_pos += n;
		to += n;
		len -= n;
	}
}

/* The checks that hold for every header, as the kernel makes them (R3.62). */
static bool offload_check_header(const struct frame *frame)
{
	const struct vnet_header *vnet = &frame->vnet;
	uint32_t start = le16_to_cpu(vnet->csum_start);
	uint32_t end = start + le16_to_cpu(vnet->csum_offset) + sizeof(be16);

	if (le16_to_cpu(vnet->hdr_len) > frame->len)
		return false;
	if (vnet->gso_type == VNET_GSO_ECN)
		return false;
	if (vnet->gso_type != VNET_GSO_NONE && le16_to_cpu(vnet->gso_size) == 0)
		return false;

	/* The kernel wants the room of an IP header before the checksummed
	 * part, and counts it from the frame's start; so do we. It keeps the
	 * sum out of the addresses and tags that forwarding looked at.
	 */
	return !(vnet->flags & VNET_NEEDS_CSUM) ||
	       (start >= sizeof(struct ipv4_header) && end <= frame->len);
}

/* How the vnet header wants the frame cut; NULL if its headers do not fit. */
static const struct cut *offload_find_cut(const struct offload *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		if (cuts[i].gso == o->frame->vnet.gso_type && cuts[i].type == o->at.type &&
		    cuts[i].proto == o->at.proto)
			return &cuts[i];
	}

	return NULL;
}

/* Is the checksum to be where TCP or UDP has it? */
static bool offload_check_place(const struct offload *o)
{
	const struct vnet_header *vnet = &o->frame->vnet;

	if (offload_wants_csum(o))
		return le16_to_cpu(vnet->csum_start) == o->at.l4 &&
		       le16_to_cpu(vnet->csum_offset) == offload_check_offset(o);

	/* A UDP sender may mean that there is to be no checksum at all. The
	 * kernel takes UDP with a checksum to finish only, and so do we.
	 */
	return o->at.proto == IP_PROTO_TCP;
}

/* The sum of the pseudo header, but for the length. A sender that leaves the
 * checksum to us has put that sum, its frame's length included, where the
 * checksum goes. We go on from there, as the kernel does, because only the
 * sender knows the final destination of a packet with a routing header.
 */
static uint64_t offload_sum_pseudo(const struct offload *o)
{
	const uint8_t *ip = o->head + o->at.l3;
	const uint8_t *l4 = o->head + o->at.l4;
	uint32_t len = o->frame->len - o->at.l4;

	if (offload_wants_csum(o)) {
		if (o->at.proto == IP_PROTO_UDP)
			len = be16_load(l4 + offsetof(struct udp_header, len));
		return csum_sub_number(csum_add_field(0, l4 + offload_check_offset(o)), len);
	}

	return o->at.type == ETH_TYPE_IPV4 ? csum_pseudo_ipv4(ip, o->at.proto)
					   : csum_pseudo_ipv6(ip, o->at.proto);
}

/* Prepares to cut the frame. False: the vnet header lies, or wants too much.
 * A frame that is one segment already is left to offload_plan_whole().
 */
static bool offload_plan_cut(struct offload *o)
{
	const struct frame *frame = o->frame;
	uint32_t size = le16_to_cpu(frame->vnet.gso_size);
	uint32_t n_head = MIN(frame->len, (uint32_t)OFFLOAD_HEAD_MAX);
	const struct cut *cut;
	uint32_t n_payload;

	offload_seek(o, 0);
	offload_read(o, o->head, n_head);
	memcpy(o->head, frame->head, MIN(n_head, (uint32_t)FRAME_HEAD_LEN));
	if (!parse_frame(o->head, n_head, &o->at))
		return false;

	cut = offload_find_cut(o);
	if (!cut || !offload_check_place(o))
		return false;

	n_payload = frame->len - o->at.payload;
	o->cut = n_payload > size;
	if (!o->cut)
		return true;
	if (o->at.payload - o->at.l3 + size > IP_LEN_MAX)
		return false;

	o->pseudo = offload_sum_pseudo(o);
	memset(o->head + o->at.l4 + offload_check_offset(o), 0, sizeof(be16));
	o->head_len = o->at.payload;
	o->payload_left = n_payload;
	o->payload_max = size;
	o->n_left = (n_payload + size - 1) / size;
	return o->n_left <= cut->n_max;
}

static void offload_plan_whole(struct offload *o)
{
	o->head_len = (uint16_t)MIN(o->frame->len, (uint32_t)FRAME_HEAD_LEN);
	memcpy(o->head, o->frame->head, o->head_len);
	o->payload_left = o->payload_max = o->frame->len - o->head_len;
	o->n_left = 1;
}

unsigned offload_begin(struct offload *offload, const struct frame *frame)
{
	offload->frame = frame;
	offload->n_left = 0;
	offload->cut = false;

	if (!offload_check_header(frame))
		return 0;
	if (frame->vnet.gso_type != VNET_GSO_NONE && !offload_plan_cut(offload)) {
		offload->n_left = 0;
		return 0;
	}
	if (!offload->cut)
		offload_plan_whole(offload);

	offload_seek(offload, offload->head_len);
	return offload->n_left;
}

uint32_t offload_next_len(const struct offload *offload)
{
	if (offload->n_left == 0)
		return 0;

	return offload->head_len + MIN(offload->payload_left, offload->payload_max);
}

/* As the kernel's skb_checksum_help(): never zero, whatever the protocol. */
static void offload_finish_whole(const struct offload *o, uint8_t *buf, uint32_t len)
{
	size_t start = le16_to_cpu(o->frame->vnet.csum_start);
	be16 check = csum_fold_nonzero(csum_add(0, buf + start, len - start));

	memcpy(buf + start + le16_to_cpu(o->frame->vnet.csum_offset), &check, sizeof(check));
}

static void offload_finish_ip(const struct offload *o, uint8_t *ip, uint32_t len)
{
	be16 check;

	if (o->at.type == ETH_TYPE_IPV6) {
		be16_store(ip + offsetof(struct ipv6_header, payload_len),
			   (uint16_t)(len - sizeof(struct ipv6_header)));
		return;
	}

	be16_store(ip + offsetof(struct ipv4_header, total_len), (uint16_t)len);
	be16_store(ip + offsetof(struct ipv4_header, check), 0);
	check = csum_fold(csum_add(0, ip, o->at.l4 - o->at.l3));
	memcpy(ip + offsetof(struct ipv4_header, check), &check, sizeof(check));
}

static void offload_finish_transport(const struct offload *o, uint8_t *l4, uint32_t len)
{
	bool last = o->n_left == 0;
	uint64_t sum;
	be16 check;

	if (o->at.proto == IP_PROTO_UDP)
		be16_store(l4 + offsetof(struct udp_header, len), (uint16_t)len);
	else if (!last)
		l4[offsetof(struct tcp_header, flags)] &= (uint8_t) ~(TCP_FIN | TCP_PSH);

	sum = csum_add(csum_add_number(o->pseudo, len), l4, len);
	check = o->at.proto == IP_PROTO_UDP ? csum_fold_nonzero(sum) : csum_fold(sum);
	memcpy(l4 + offload_check_offset(o), &check, sizeof(check));
}

/* Makes the headers those of the segment behind one of 'n_payload' bytes. */
static void offload_advance_head(struct offload *o, uint32_t n_payload)
{
	uint8_t *id = o->head + o->at.l3 + offsetof(struct ipv4_header, id);
	uint8_t *tcp = o->head + o->at.l4;
	uint8_t *seq = tcp + offsetof(struct tcp_header, seq);

	if (o->at.type == ETH_TYPE_IPV4)
		be16_store(id, (uint16_t)(be16_load(id) + 1));

	if (o->at.proto == IP_PROTO_TCP) {
		be32_store(seq, be32_load(seq) + n_payload);
		/* The window was reduced once: said in one segment only. */
		tcp[offsetof(struct tcp_header, flags)] &= (uint8_t)~TCP_CWR;
	}
}

bool offload_next(struct offload *offload, uint8_t *buf, size_t size, struct frame *ret_frame)
{
	uint32_t len = offload_next_len(offload);
	uint32_t n_payload = len - offload->head_len;

	if (len == 0 || len > size)
		return false;

	memcpy(buf, offload->head, offload->head_len);
	offload_read(offload, buf + offload->head_len, n_payload);
	offload->payload_left -= n_payload;
	offload->n_left--;

	if (offload->cut) {
		const struct layers *at = &offload->at;

		offload_finish_ip(offload, buf + at->l3, len - at->l3);
		offload_finish_transport(offload, buf + at->l4, len - at->l4);
		offload_advance_head(offload, n_payload);
	} else if (offload_wants_csum(offload)) {
		offload_finish_whole(offload, buf, len);
	}

	burst_set_frame(ret_frame, buf, len);
	return true;
}
