/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VLAN tags that the kernel keeps beside a frame, put back into it. */
#ifndef PORT_TAG_H
#define PORT_TAG_H

#include <stdint.h>

#include "wire/vnet.h"

/* Puts a tag (ethertype 'tpid', then 'tci') behind the two addresses of the
 * frame at 'data', which has at least an Ethernet header and ETH_VLAN_LEN bytes
 * of room before it, and lets the offsets in 'vnet' count it (R2.52). Returns
 * where the frame begins now; it is ETH_VLAN_LEN bytes longer.
 */
uint8_t *tag_insert(uint8_t *data, uint16_t tpid, uint16_t tci, struct vnet_header *vnet);

#endif
