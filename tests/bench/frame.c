/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a run: plain ones under an experimental EtherType, and TCP
 * super-frames that look enough like TCP for the kernel to segment them.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#include "wire/csum.h"

#define FRAME_ETHERTYPE 0x88b5	   /* IEEE 802: local experiments */
#define FRAME_MAGIC	0x6c6d7074 /* "lmpt" */

struct stamp {
	uint32_t magic;
	uint32_t run;
	uint64_t seq;
};

void frame_shape_init(struct frame_shape *shape, uint32_t size, uint16_t gso_size, uint32_t run)
{
	*shape = (struct frame_shape){ .size = size, .stamp_at = ETH_HLEN, .run = run };
	if (!gso_size)
		return;

	shape->stamp_at = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr);
	shape->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)shape->stamp_at,
		.gso_size = gso_size,
		.csum_start = ETH_HLEN + sizeof(struct iphdr),
		.csum_offset = offsetof(struct tcphdr, check),
	};
}

static void build_tcp(uint8_t *frame, uint32_t size)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(size - ETH_HLEN)),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = htonl(0xc0000201), /* 192.0.2.1, for documentation */
		.daddr = htonl(0xc0000202),
	};
	struct tcphdr tcp = { .th_sport = htons(1), .th_dport = htons(9), .th_off = 5 };

	be16 check;

	tcp.th_flags = TH_ACK;
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	check = csum_fold(csum_add(0, &ip, sizeof(ip)));
	memcpy(frame + ETH_HLEN + offsetof(struct iphdr, check), &check, sizeof(check));
	memcpy(frame + ETH_HLEN + sizeof(ip), &tcp, sizeof(tcp));
}

void frame_build(uint8_t *frame, const struct frame_shape *shape, struct mac dst, struct mac src)
{
	struct ether_header eth;

	for (uint32_t i = 0; i < shape->size; i++)
		frame[i] = (uint8_t)(i * 7 + (i >> 8));

	memcpy(eth.ether_dhost, dst.byte, ETH_ALEN);
	memcpy(eth.ether_shost, src.byte, ETH_ALEN);
	eth.ether_type = htons(shape->vnet.gso_size ? ETHERTYPE_IP : FRAME_ETHERTYPE);
	memcpy(frame, &eth, sizeof(eth));
	if (shape->vnet.gso_size)
		build_tcp(frame, shape->size);
	frame_stamp(frame, shape, FRAME_SEQ_HELLO);
}

void frame_stamp(uint8_t *frame, const struct frame_shape *shape, uint64_t seq)
{
	struct stamp stamp = { .magic = FRAME_MAGIC, .run = shape->run, .seq = seq };

	memcpy(frame + shape->stamp_at, &stamp, sizeof(stamp));
}

/* The TCP checksum may be finished, or not, on the way. */
static bool frame_intact(const struct frame_tally *tally, const uint8_t *frame, size_t len)
{
	size_t stamp_end = tally->shape->stamp_at + sizeof(struct stamp);

	if (len != tally->shape->size)
		return false;

	return !tally->want ||
	       (memcmp(frame, tally->want, ETH_HLEN) == 0 &&
		memcmp(frame + stamp_end, tally->want + stamp_end, len - stamp_end) == 0);
}

void frame_count(struct frame_tally *tally, const uint8_t *frame, size_t len)
{
	const struct frame_shape *shape = tally->shape;
	struct stamp stamp;

	if (len < shape->stamp_at + sizeof(stamp)) {
		tally->foreign++;
		return;
	}

	memcpy(&stamp, frame + shape->stamp_at, sizeof(stamp));
	if (stamp.magic != FRAME_MAGIC || stamp.run != shape->run) {
		tally->foreign++;
		return;
	}

	if (stamp.seq == FRAME_SEQ_HELLO) {
		tally->hellos++;
		return;
	}

	if (!frame_intact(tally, frame, len))
		tally->damaged++;
	if (stamp.seq < tally->next_seq)
		tally->reordered++;
	else
		tally->next_seq = stamp.seq + 1;
	__atomic_store_n(&tally->received, tally->received + 1, __ATOMIC_RELAXED);
}
