/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4, IPv6, TCP and UDP headers as they lie in a frame.
 *
 * A frame puts them at odd addresses: nobody points one of these structs into
 * a buffer. They are for offsetof() and sizeof, with be16_load() and friends.
 */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include <assert.h>

#include "wire/endian.h"

/* What an IPv4 'protocol' or an IPv6 'next' field says comes behind. */
enum ip_proto {
	IP_PROTO_HOP_BY_HOP = 0, /* IPv6 extension header */
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_ROUTING = 43,	   /* IPv6 extension header */
	IP_PROTO_FRAGMENT = 44,	   /* IPv6 extension header */
	IP_PROTO_DST_OPTIONS = 60, /* IPv6 extension header */
};

/* The most an IPv4 header's 'total_len' can say. */
#define IP_LEN_MAX 65535

/* Of 'frag': more fragments follow, or this is not the first one. */
#define IPV4_FRAG_MASK 0x3fff

struct ipv4_header {
	uint8_t version_ihl; /* 4, then the header's length in 32-bit words */
	uint8_t tos;
	be16 total_len; /* this header included */
	be16 id;
	be16 frag;
	uint8_t ttl;
	uint8_t protocol;
	be16 check;
	be32 src;
	be32 dst;
};
static_assert(sizeof(struct ipv4_header) == 20, "RFC 791 §3.1");

struct ipv6_header {
	be32 version_class_flow;
	be16 payload_len; /* extension headers included, this one not */
	uint8_t next;
	uint8_t hop_limit;
	uint8_t src[16];
	uint8_t dst[16];
};
static_assert(sizeof(struct ipv6_header) == 40, "RFC 8200 §3");

/* What every extension header that may be skipped starts with. */
struct ipv6_extension {
	uint8_t next;
	uint8_t len; /* in 8-byte units, the first one not counted */
	uint8_t options[6];
};
static_assert(sizeof(struct ipv6_extension) == 8, "RFC 8200 §4");

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
};

struct tcp_header {
	be16 src_port;
	be16 dst_port;
	be32 seq;
	be32 ack;
	uint8_t data_offset; /* the header's length in 32-bit words, in the high half */
	uint8_t flags;	     /* enum tcp_flag */
	be16 window;
	be16 check;
	be16 urgent;
};
static_assert(sizeof(struct tcp_header) == 20, "RFC 9293 §3.1");

struct udp_header {
	be16 src_port;
	be16 dst_port;
	be16 len; /* this header included */
	be16 check;
};
static_assert(sizeof(struct udp_header) == 8, "RFC 768");

#endif
