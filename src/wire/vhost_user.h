/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user: the messages a front-end (QEMU) sends to lend its guest's rings,
 * and the features both sides may agree on.
 *
 * Integers are in the machine's own order: both ends are on one machine. A
 * message is a header and a payload of 'size' bytes; descriptors travel with it
 * as SCM_RIGHTS. Names are the protocol's own.
 */
#ifndef WIRE_VHOST_USER_H
#define WIRE_VHOST_USER_H

#include <assert.h>
#include <stdint.h>

/* How a message is numbered. */
enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SEND_RARP = 19,
	VHOST_USER_NET_SET_MTU = 20,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_REQUEST_MAX = 41,
};

/* Bits of a header's flags. */
#define VHOST_USER_VERSION_MASK 3u
#define VHOST_USER_VERSION	1u
#define VHOST_USER_REPLY	4u
#define VHOST_USER_NEED_REPLY	8u

struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
};
static_assert(sizeof(struct vhost_user_header) == 12, "vhost-user: Header");

struct vhost_user_state {
	uint32_t index;
	uint32_t num;
};
static_assert(sizeof(struct vhost_user_state) == 8, "vhost-user: vring state");

struct vhost_user_addr {
	uint32_t index;
	uint32_t flags; /* 1: log what is written to the used ring */
	uint64_t desc, used, avail;
	uint64_t log;
};
static_assert(sizeof(struct vhost_user_addr) == 40, "vhost-user: vring address");

struct vhost_user_region {
	uint64_t gpa;	 /* guest physical address */
	uint64_t size;	 /* in bytes */
	uint64_t uva;	 /* address in the front-end */
	uint64_t offset; /* in the descriptor's file */
};
static_assert(sizeof(struct vhost_user_region) == 32, "vhost-user: memory region");

/* Regions of one SET_MEM_TABLE. */
#define VHOST_USER_TABLE_REGIONS 8

struct vhost_user_mem_table {
	uint32_t n_regions;
	uint32_t padding;
	struct vhost_user_region region[VHOST_USER_TABLE_REGIONS];
};
static_assert(sizeof(struct vhost_user_mem_table) == 264, "vhost-user: memory table");

struct vhost_user_one_region {
	uint64_t padding;
	struct vhost_user_region region;
};
static_assert(sizeof(struct vhost_user_one_region) == 40, "vhost-user: single memory region");

/* The payload of SET_VRING_KICK, CALL and ERR. */
#define VHOST_USER_RING_MASK 0xffu
#define VHOST_USER_NO_FD     0x100u

/* Protocol features, as bits. */
#define VHOST_USER_PROTOCOL_MQ		 (UINT64_C(1) << 0)
#define VHOST_USER_PROTOCOL_LOG_SHMFD	 (UINT64_C(1) << 1)
#define VHOST_USER_PROTOCOL_RARP	 (UINT64_C(1) << 2)
#define VHOST_USER_PROTOCOL_REPLY_ACK	 (UINT64_C(1) << 3)
#define VHOST_USER_PROTOCOL_NET_MTU	 (UINT64_C(1) << 4)
#define VHOST_USER_PROTOCOL_INFLIGHT	 (UINT64_C(1) << 12)
#define VHOST_USER_PROTOCOL_RESET_DEVICE (UINT64_C(1) << 13)
#define VHOST_USER_PROTOCOL_MEM_SLOTS	 (UINT64_C(1) << 15)
#define VHOST_USER_PROTOCOL_STATUS	 (UINT64_C(1) << 16)

/* In a device's status (virtio 1.2 §2.1). */
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_MASK	  0xffu

#endif
