/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio as it lies in memory: feature bits, and the rings of both layouts
 * (virtio 1.2 §2.7 and §2.8). All integers are little endian.
 */
#ifndef WIRE_VIRTIO_H
#define WIRE_VIRTIO_H

#include <assert.h>

#include "wire/endian.h"
#include "wire/vnet.h"

/* Bit numbers; a set of features is a uint64_t. */
enum virtio_feature {
	VIRTIO_NET_F_CSUM = 0,	     /* the guest may leave checksums to us */
	VIRTIO_NET_F_GUEST_CSUM = 1, /* we may leave them to the guest */
	VIRTIO_NET_F_MTU = 3,
	VIRTIO_NET_F_MAC = 5,
	VIRTIO_NET_F_GUEST_TSO4 = 7, /* the guest takes super-frames ... */
	VIRTIO_NET_F_GUEST_TSO6 = 8,
	VIRTIO_NET_F_GUEST_ECN = 9,
	VIRTIO_NET_F_GUEST_UFO = 10,
	VIRTIO_NET_F_HOST_TSO4 = 11, /* ... and sends them */
	VIRTIO_NET_F_HOST_TSO6 = 12,
	VIRTIO_NET_F_HOST_ECN = 13,
	VIRTIO_NET_F_HOST_UFO = 14,
	VIRTIO_NET_F_MRG_RXBUF = 15,
	VIRTIO_NET_F_STATUS = 16,
	VIRTIO_NET_F_CTRL_VQ = 17,
	VIRTIO_NET_F_CTRL_RX = 18,
	VIRTIO_NET_F_CTRL_VLAN = 19,
	VIRTIO_NET_F_GUEST_ANNOUNCE = 21,
	VIRTIO_NET_F_MQ = 22,
	VIRTIO_NET_F_CTRL_MAC_ADDR = 23,
	VIRTIO_F_NOTIFY_ON_EMPTY = 24,
	VHOST_F_LOG_ALL = 26,
	VIRTIO_F_ANY_LAYOUT = 27,
	VIRTIO_F_INDIRECT_DESC = 28,
	VIRTIO_F_EVENT_IDX = 29,
	VHOST_USER_F_PROTOCOL_FEATURES = 30,
	VIRTIO_F_VERSION_1 = 32,
	VIRTIO_F_ACCESS_PLATFORM = 33,
	VIRTIO_F_RING_PACKED = 34,
	VIRTIO_F_IN_ORDER = 35,
	VIRTIO_F_ORDER_PLATFORM = 36,
	VIRTIO_NET_F_GUEST_USO4 = 54,
	VIRTIO_NET_F_GUEST_USO6 = 55,
	VIRTIO_NET_F_HOST_USO = 56,
};

#define VIRTIO_BIT(feature) (UINT64_C(1) << (feature))

static inline bool virtio_has(uint64_t features, enum virtio_feature feature)
{
	return features >> feature & 1;
}

/* What lies in front of every frame. */
struct virtio_net_header {
	struct vnet_header vnet;
	le16 num_buffers; /* set by the device; not there in the legacy layout */
};
static_assert(sizeof(struct virtio_net_header) == 12, "virtio 1.2 §5.1.6");

/* Flags of a descriptor. */
enum virtq_flag {
	VIRTQ_NEXT = 1,
	VIRTQ_WRITE = 2, /* the device writes; else it reads */
	VIRTQ_INDIRECT = 4,
	VIRTQ_AVAIL = 1 << 7, /* packed rings only */
	VIRTQ_USED = 1 << 15,
};

/* The largest ring of either layout. */
#define VIRTQ_SIZE_MAX 32768

struct virtq_desc {
	le64 addr;
	le32 len;
	le16 flags;
	le16 next;
};
static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2 §2.7.5");

/* Behind its entries: le16 used_event. */
struct virtq_avail {
	le16 flags;
	le16 idx;
	le16 ring[];
};
static_assert(sizeof(struct virtq_avail) == 4, "virtio 1.2 §2.7.6");

struct virtq_used_entry {
	le32 id;
	le32 len;
};
static_assert(sizeof(struct virtq_used_entry) == 8, "virtio 1.2 §2.7.8");

/* Behind its entries: le16 avail_event. */
struct virtq_used {
	le16 flags;
	le16 idx;
	struct virtq_used_entry ring[];
};
static_assert(sizeof(struct virtq_used) == 4, "virtio 1.2 §2.7.8");

/* 'flags' of a split ring's halves: please no notification. */
#define VIRTQ_NO_NOTIFICATION 1

struct virtq_packed_desc {
	le64 addr;
	le32 len;
	le16 id;
	le16 flags;
};
static_assert(sizeof(struct virtq_packed_desc) == 16, "virtio 1.2 §2.8.13");

struct virtq_packed_event {
	le16 off_wrap; /* bit 15: the wrap counter */
	le16 flags;
};
static_assert(sizeof(struct virtq_packed_event) == 4, "virtio 1.2 §2.8.14");

enum virtq_packed_event_flag {
	VIRTQ_EVENT_ENABLE = 0,
	VIRTQ_EVENT_DISABLE = 1,
	VIRTQ_EVENT_DESC = 2, /* when 'off_wrap' is reached */
};

#endif
