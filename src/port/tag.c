/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/tag.h"

#include <string.h>

#include "wire/eth.h"

#define ADDRESSES_LEN (2 * sizeof(struct mac))

static void vnet_shift(le16 *field)
{
	*field = cpu_to_le16((uint16_t)(le16_to_cpu(*field) + ETH_VLAN_LEN));
}

uint8_t *tag_insert(uint8_t *data, uint16_t tpid, uint16_t tci, struct vnet_header *vnet)
{
	uint8_t *start = data - ETH_VLAN_LEN;

	memmove(start, data, ADDRESSES_LEN);
	be16_store(start + ADDRESSES_LEN, tpid);
	be16_store(start + ADDRESSES_LEN + 2, tci);

	/* Fields that say nothing stay zero, as the kernel writes them. */
	if (vnet->flags & VNET_NEEDS_CSUM)
		vnet_shift(&vnet->csum_start);
	if (vnet->gso_type != VNET_GSO_NONE)
		vnet_shift(&vnet->hdr_len);

	return start;
}
