/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Ethernet header, VLAN tags, and the sizes frames have here. */
#ifndef WIRE_ETH_H
#define WIRE_ETH_H

#include <assert.h>
#include <stdbool.h>

#include "wire/endian.h"
#include "wire/mac.h"

#define ETH_HEADER_LEN 14
#define ETH_VLAN_LEN   4

/* The largest frame that may enter: what QEMU's socket back ends accept
 * (NET_BUFSIZE), a little above a 64 KiB super-frame (R4.5, R4.10).
 */
#define ETH_FRAME_MAX 69632

enum eth_type {
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_VLAN = 0x8100, /* 802.1Q */
	ETH_TYPE_IPV6 = 0x86dd,
	ETH_TYPE_PAUSE = 0x8808,
	ETH_TYPE_QINQ = 0x88a8, /* 802.1ad */
};

struct eth_header {
	struct mac dst;
	struct mac src;
	be16 type;
};
static_assert(sizeof(struct eth_header) == ETH_HEADER_LEN, "as it lies in a frame");

static inline bool eth_type_is_vlan(uint16_t type)
{
	return type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ;
}

#endif
