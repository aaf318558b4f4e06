/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Super-frames for tests: TCP or UDP frames with checksum and segmentation
 * left to do, as a guest's driver makes them.
 */
#ifndef PATH_SUPERFRAME_H
#define PATH_SUPERFRAME_H

#include <stdbool.h>

#include "port/burst.h"
#include "wire/parse.h"

/* What the frame is made of. Zero is a sensible value for most. */
struct superframe_spec {
	const char *name;
	enum eth_type type;
	enum ip_proto proto;
	uint32_t n_payload;
	uint16_t gso_size; /* 0: nothing to cut, a checksum only */
	unsigned n_vlans;
	unsigned n_ip_options;	/* bytes of IPv4 options; a multiple of 4 */
	uint8_t extension[4];	/* IPv6 extension headers; 0xff is hop-by-hop */
	unsigned n_tcp_options; /* bytes; a multiple of 4 */
	uint8_t tcp_flags;
	uint16_t id;
	uint16_t frag;
	uint32_t seq;
	bool ecn;     /* VNET_GSO_ECN beside the type */
	bool no_csum; /* checksum not left to do: VNET_NEEDS_CSUM is off */
};

#define SUPERFRAME_PIECES_MAX 512

struct superframe {
	struct frame frame;
	struct layers at;
	uint32_t len;
	struct iovec iov[SUPERFRAME_PIECES_MAX];
	uint8_t data[ETH_FRAME_MAX];
};

/* A source of numbers that a seed repeats. */
struct superframe_dice {
	uint64_t state;
};

/* A number below 'n'. */
uint32_t superframe_roll(struct superframe_dice *dice, uint32_t n);

/* Builds the frame in one piece. */
void superframe_build(struct superframe *super, const struct superframe_spec *spec);

/* Scatters it over pieces of any length, some of them empty. */
void superframe_scatter(struct superframe *super, struct superframe_dice *dice);

#endif
