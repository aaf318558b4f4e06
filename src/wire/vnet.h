/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct virtio_net_hdr: how checksum and segmentation work that is still to
 * be done travels with a frame (virtio 1.2 §5.1.6).
 *
 * Integers are little endian as in virtio 1.0; the kernel's sockets and taps
 * use the host's order, which is the same on every machine Limpet builds for.
 */
#ifndef WIRE_VNET_H
#define WIRE_VNET_H

#include <assert.h>
#include <stdbool.h>

#include "wire/endian.h"

enum vnet_flag {
	VNET_NEEDS_CSUM = 1,
	VNET_DATA_VALID = 2,
};

enum vnet_gso {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_UDP = 3, /* UFO: IP fragmentation, obsolete */
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5, /* USO */
	VNET_GSO_ECN = 0x80, /* a bit beside the type */
};

/* The 10 bytes every variant starts with. */
struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	le16 hdr_len;	  /* a hint: bytes of headers before the payload */
	le16 gso_size;	  /* payload bytes of a segment */
	le16 csum_start;  /* from the start of the frame */
	le16 csum_offset; /* from csum_start */
};
static_assert(sizeof(struct vnet_header) == 10, "virtio 1.2 §5.1.6");

/* Kinds of work that may be left to do on a frame. */
enum vnet_work {
	VNET_WORK_CSUM = 1,
	VNET_WORK_TSO4 = 2,
	VNET_WORK_TSO6 = 4,
	VNET_WORK_ECN = 8,
	VNET_WORK_UFO = 16,
	VNET_WORK_USO = 32,
	VNET_WORK_UNKNOWN = 64,
	VNET_WORK_ALL = 127,
};

/* Is nothing left to do: may any port send the frame as it is? */
static inline bool vnet_is_plain(const struct vnet_header *vnet)
{
	return !(vnet->flags & VNET_NEEDS_CSUM) && vnet->gso_type == VNET_GSO_NONE;
}

/* What is left to do: enum vnet_work. */
static inline unsigned vnet_work(const struct vnet_header *vnet)
{
	unsigned work = vnet->flags & VNET_NEEDS_CSUM ? VNET_WORK_CSUM : 0;

	if (vnet->gso_type == VNET_GSO_NONE)
		return work;
	if (vnet->gso_type & VNET_GSO_ECN)
		work |= VNET_WORK_ECN;

	switch (vnet->gso_type & ~VNET_GSO_ECN) {
	case VNET_GSO_TCPV4:
		return work | VNET_WORK_TSO4;
	case VNET_GSO_TCPV6:
		return work | VNET_WORK_TSO6;
	case VNET_GSO_UDP:
		return work | VNET_WORK_UFO;
	case VNET_GSO_UDP_L4:
		return work | VNET_WORK_USO;
	default:
		return work | VNET_WORK_UNKNOWN;
	}
}

#endif
