/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the headers of a frame lie. */
#ifndef WIRE_PARSE_H
#define WIRE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/eth.h"
#include "wire/ip.h"

/* Offsets count from the frame's first byte. */
struct layers {
	enum eth_type type;  /* IPV4 or IPV6 */
	enum ip_proto proto; /* TCP or UDP */
	uint16_t l3;	     /* the IP header */
	uint16_t l4;	     /* the TCP or UDP header */
	uint16_t payload;    /* what is behind it */
};

/* Finds TCP or UDP in a frame of which the first 'len' bytes (below 64 KiB)
 * are at 'head': behind up to two VLAN tags, IPv4 options, and the IPv6
 * extension headers that may be skipped. False, and 'ret_layers' untouched,
 * for any other frame, for fragments, and for headers that end behind 'len' or
 * claim to be shorter than they can be.
 */
bool parse_frame(const uint8_t *head, size_t len, struct layers *ret_layers);

#endif
