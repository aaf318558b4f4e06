/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back-end's side of vhost-user
 * =================================
 *
 * What it is. A table with a row for each message: its name, how large its
 * payload may be, which descriptors come with it, what must have been agreed on
 * before, and whether running rings have to be let go of first. All of that is
 * checked before a handler sees the message; a handler then judges the values.
 *
 * Where it sits. ctl/vhost.c owns the socket and carries out what session_ops
 * name; the fuzzer and the unit tests put themselves in its place. The rings
 * themselves run in port/vhost.c, on a configuration made from what is kept here.
 *
 * Rings. A ring is started by its kick descriptor and stopped by GET_VRING_BASE;
 * it runs while it is started, enabled, and has a size and addresses. A change
 * to what running rings are made of halts them all, once the message has been
 * found in order; they go on where they stopped.
 *
 * What can go wrong. Everything here was sent by somebody hostile. Sums that
 * overflow, regions that overlap, sizes that are none, messages out of turn:
 * each ends this session with a clause, and concerns nobody else. Messages of
 * features not offered (dirty logging, in-flight tracking) have a row without
 * handler, which keeps their place.
 */
#include "virtio/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/virtio.h"

/* MQ needs CTRL_VQ: the control queue is the front-end's, which tells what was
 * asked there by SET_VRING_ENABLE.
 */
const uint64_t session_features =
	VIRTIO_BIT(VIRTIO_NET_F_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) |
	VIRTIO_BIT(VIRTIO_NET_F_MTU) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) |
	VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) |
	VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6) |
	VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN) | VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) |
	VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) |
	VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | VIRTIO_BIT(VIRTIO_NET_F_MQ) |
	VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
	VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES) |
	VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_PACKED) |
	VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6) |
	VIRTIO_BIT(VIRTIO_NET_F_HOST_USO);

#define PROTOCOL_FEATURES                                                                    \
	(VHOST_USER_PROTOCOL_MQ | VHOST_USER_PROTOCOL_RARP | VHOST_USER_PROTOCOL_REPLY_ACK | \
	 VHOST_USER_PROTOCOL_NET_MTU | VHOST_USER_PROTOCOL_RESET_DEVICE |                    \
	 VHOST_USER_PROTOCOL_MEM_SLOTS | VHOST_USER_PROTOCOL_STATUS)

/* The smallest MTU of IPv4, as everywhere in Limpet (R1.8). */
#define MTU_MIN 68

enum descriptors {
	FDS_NONE,
	FDS_ONE,
	FDS_STRAY,   /* one may come along, and is not used */
	FDS_RING,    /* one, unless the payload says that there is none */
	FDS_REGIONS, /* one for each region */
};

enum condition {
	EARLY = 1,   /* legal before SET_OWNER */
	REPLIES = 2, /* has a reply of its own, so no acknowledgement */
	HALTS = 4,   /* lets go of running rings first */
};

struct request {
	const char *name;
	/* Carries the message out; false if it is at fault. NULL: not offered. */
	bool (*handle)(struct session *session);
	uint32_t size_min, size_max;
	enum descriptors fds;
	unsigned conditions;
	uint64_t protocol; /* protocol feature that has to be agreed on */
};

static const struct request *request_of(const struct session *session);

void session_fault(struct session *session, const char *fmt, ...)
{
	va_list ap;

	if (session->fault[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(session->fault, sizeof(session->fault), fmt, ap);
	va_end(ap);
}

/* "peer sent SET_VRING_NUM 3: ..."; the format begins behind the name. */
#define REFUSE(session, fmt, ...)                                                                \
	(session_fault((session), "peer sent %s" fmt, request_of(session)->name, ##__VA_ARGS__), \
	 false)

static bool put_reply(struct session *session, const void *payload, uint32_t size)
{
	const struct vhost_user_header header = {
		.request = session->header.request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = size,
	};

	if (sizeof(session->output) - session->n_output < sizeof(header) + size) {
		session_fault(session, "peer does not read replies: %u bytes are waiting",
			      session->n_output);
		return false;
	}

	memcpy(session->output + session->n_output, &header, sizeof(header));
	memcpy(session->output + session->n_output + sizeof(header), payload, size);
	session->n_output += (uint32_t)(sizeof(header) + size);
	return true;
}

static bool reply_u64(struct session *session, uint64_t value)
{
	return put_reply(session, &value, sizeof(value));
}

/* Is the front-end waiting to hear how it went? */
static bool wants_ack(const struct session *session)
{
	return session->header.flags & VHOST_USER_NEED_REPLY &&
	       session->protocol & VHOST_USER_PROTOCOL_REPLY_ACK &&
	       !(request_of(session)->conditions & REPLIES);
}

static bool is_packed(const struct session *session)
{
	return virtio_has(session->features, VIRTIO_F_RING_PACKED);
}

bool session_ring_runs(const struct session *session, unsigned ring)
{
	const struct session_ring *r = &session->ring[ring];

	return r->has_kick && r->enabled && r->has_addr && r->num > 0;
}

bool session_runs(const struct session *session)
{
	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		if (session_ring_runs(session, i))
			return true;
	}
	return false;
}

static void stop_ring(struct session *session, unsigned ring)
{
	struct session_ring *r = &session->ring[ring];

	if (r->has_kick)
		(void)session->ops->set_fd(session->context, ring, SESSION_FD_KICK, false, NULL);
	r->has_kick = false;
}

static void stop_rings(struct session *session)
{
	for (unsigned i = 0; i < SESSION_RINGS; i++)
		stop_ring(session, i);
}

/* Features */

static bool get_features(struct session *session)
{
	return reply_u64(session, session->offered);
}

/* The two layouts judge sizes, addresses and positions in different ways. */
static void forget_layout(struct session *session)
{
	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		session->ring[i].num = 0;
		session->ring[i].base = 0;
		session->ring[i].has_addr = false;
	}
}

static bool set_features(struct session *session)
{
	uint64_t chosen = session->payload.u64, stray = chosen & ~session->offered;
	uint64_t changed = chosen ^ session->features;

	if (stray)
		return REFUSE(session, " %#" PRIx64 ": bits %#" PRIx64 " were not offered", chosen,
			      stray);
	/* QEMU says the same again for each queue pair, beside running ones. */
	if (changed && session_runs(session))
		return REFUSE(session, " %#" PRIx64 ": other features, while rings run", chosen);

	if (virtio_has(changed, VIRTIO_F_RING_PACKED))
		forget_layout(session);
	session->features = chosen;
	if (!virtio_has(chosen, VHOST_USER_F_PROTOCOL_FEATURES)) {
		for (unsigned i = 0; i < SESSION_RINGS; i++)
			session->ring[i].enabled = true;
	}
	return true;
}

static bool get_protocol_features(struct session *session)
{
	return reply_u64(session, PROTOCOL_FEATURES);
}

static bool set_protocol_features(struct session *session)
{
	uint64_t chosen = session->payload.u64, stray = chosen & ~PROTOCOL_FEATURES;

	if (stray)
		return REFUSE(session, " %#" PRIx64 ": bits %#" PRIx64 " were not offered", chosen,
			      stray);

	session->protocol = chosen;
	return true;
}

static bool get_queue_num(struct session *session)
{
	return reply_u64(session, SESSION_PAIRS);
}

/* Ownership and state */

static bool set_owner(struct session *session)
{
	session->owned = true;
	return true;
}

/* Deprecated, and read in two ways. Stopping the rings serves both: who meant
 * to go on starts them again.
 */
static bool reset_owner(struct session *session)
{
	stop_rings(session);
	return true;
}

static bool reset_device(struct session *session)
{
	stop_rings(session);
	for (unsigned i = 0; i < SESSION_RINGS; i++)
		session->ring[i] = (struct session_ring){ 0 };
	session->features = 0;
	session->status = 0;
	return true;
}

static bool get_status(struct session *session)
{
	return reply_u64(session, session->status);
}

static bool set_status(struct session *session)
{
	uint64_t status = session->payload.u64;

	if (status & ~(uint64_t)VIRTIO_STATUS_MASK)
		return REFUSE(session, " %#" PRIx64 ": a status has eight bits", status);

	session->status = (uint8_t)status;
	if (status == 0) { /* virtio 1.2 §2.1: a reset */
		session->ops->halt(session->context, session);
		stop_rings(session);
	}
	return true;
}

static bool net_set_mtu(struct session *session)
{
	uint64_t mtu = session->payload.u64;

	if (mtu >= MTU_MIN && mtu <= session->max_mtu)
		return true;
	if (!wants_ack(session))
		return REFUSE(session, " %" PRIu64 ": the endpoint carries %d to %u", mtu, MTU_MIN,
			      session->max_mtu);
	session->declined = true;
	return true;
}

static bool send_rarp(struct session *session)
{
	struct mac mac;

	memcpy(&mac, &session->payload.u64, sizeof(mac));
	if (!mac_is_valid(mac))
		return REFUSE(session, ": its address is none of an interface");

	session->ops->announce(session->context, mac);
	return true;
}

/* Memory */

static void forget_memory(struct session *session)
{
	for (unsigned i = 0; i < session->mem.n_regions; i++)
		session->ops->unmap(session->context, &session->mem.region[i]);
	session->mem = (struct guest_mem){ 0 };
}

static bool add_region(struct session *session, const struct vhost_user_region *told, unsigned fd)
{
	struct guest_region region = { .gpa = told->gpa, .user = told->uva, .size = told->size };
	struct err err = { "" };
	uint64_t end;

	if (told->size == 0)
		return REFUSE(session, ": a memory region of no bytes");
	if (__builtin_add_overflow(told->offset, told->size, &end) || end > INT64_MAX)
		return REFUSE(session,
			      ": a memory region of %#" PRIx64 " bytes at %#" PRIx64
			      " of its file, where no file has any",
			      told->size, told->offset);

	if (session->ops->map(session->context, fd, told->offset, &region, &err) < 0)
		return REFUSE(session, ": %s", err.msg);
	if (guest_mem_add(&session->mem, &region, &err) < 0) {
		session->ops->unmap(session->context, &region);
		return REFUSE(session, ": %s", err.msg);
	}
	return true;
}

static bool set_mem_table(struct session *session)
{
	const struct vhost_user_mem_table *table = &session->payload.table;

	forget_memory(session);
	for (unsigned i = 0; i < table->n_regions; i++) {
		if (!add_region(session, &table->region[i], i))
			return false;
	}
	return true;
}

static bool get_max_mem_slots(struct session *session)
{
	return reply_u64(session, GUEST_REGIONS_MAX);
}

/* QEMU 7.2 adds, and removes, each region once for each queue pair: what is there
 * already, or gone already, is as it should be.
 */
static bool has_region(const struct session *session, const struct vhost_user_region *told)
{
	for (unsigned i = 0; i < session->mem.n_regions; i++) {
		const struct guest_region *region = &session->mem.region[i];

		if (region->gpa == told->gpa && region->user == told->uva &&
		    region->size == told->size)
			return true;
	}
	return false;
}

static bool add_mem_reg(struct session *session)
{
	const struct vhost_user_region *told = &session->payload.one.region;

	if (has_region(session, told))
		return true;
	if (session->mem.n_regions == GUEST_REGIONS_MAX)
		return REFUSE(session, ": all %d memory slots are taken", GUEST_REGIONS_MAX);
	return add_region(session, told, 0);
}

static bool rem_mem_reg(struct session *session)
{
	const struct vhost_user_region *told = &session->payload.one.region;
	struct guest_region like = { .gpa = told->gpa, .user = told->uva, .size = told->size };
	struct guest_region gone;

	if (guest_mem_remove(&session->mem, &like, &gone, NULL) >= 0)
		session->ops->unmap(session->context, &gone);
	return true;
}

/* Rings */

/* The ring a message is about, or NULL and a fault. */
static struct session_ring *ring_of(struct session *session, uint32_t index)
{
	if (index < SESSION_RINGS)
		return &session->ring[index];

	(void)REFUSE(session, " for ring %u: there are %d", index, SESSION_RINGS);
	return NULL;
}

/* As ring_of(), for what cannot change under a running ring. */
static struct session_ring *idle_ring_of(struct session *session, uint32_t index)
{
	struct session_ring *ring = ring_of(session, index);

	if (!ring || !session_ring_runs(session, index))
		return ring;

	(void)REFUSE(session, " for ring %u, which is running", index);
	return NULL;
}

static bool set_vring_num(struct session *session)
{
	const struct vhost_user_state *state = &session->payload.state;
	struct session_ring *ring = idle_ring_of(session, state->index);

	if (!ring)
		return false;
	if (state->num == 0 || state->num > VIRTQ_SIZE_MAX)
		return REFUSE(session, " %u: a ring has 1 to %u entries", state->num,
			      VIRTQ_SIZE_MAX);
	if (!is_packed(session) && (state->num & (state->num - 1)) != 0)
		return REFUSE(session, " %u: not a power of two", state->num);

	ring->num = state->num;
	return true;
}

static bool set_vring_addr(struct session *session)
{
	const struct vhost_user_addr *addr = &session->payload.addr;
	struct session_ring *ring = ring_of(session, addr->index);
	/* virtio 1.2 §2.7 and §2.8: the packed ring's event areas are words of 32 bits. */
	uint64_t avail_mask = is_packed(session) ? 3 : 1;

	if (!ring)
		return false;
	if (addr->flags)
		return REFUSE(session, " with flags %#x: logging was not offered", addr->flags);
	if (addr->desc & 15 || addr->avail & avail_mask || addr->used & 3)
		return REFUSE(session, " %#" PRIx64 " %#" PRIx64 " %#" PRIx64 ": not aligned",
			      addr->desc, addr->avail, addr->used);

	ring->desc = addr->desc;
	ring->avail = addr->avail;
	ring->used = addr->used;
	ring->has_addr = true;
	return true;
}

/* Split: an index. Packed: two positions, each below the ring's size, with a
 * wrap counter; the size may be told later, so that is for who opens the ring.
 */
static bool set_vring_base(struct session *session)
{
	const struct vhost_user_state *state = &session->payload.state;
	struct session_ring *ring = idle_ring_of(session, state->index);

	if (!ring)
		return false;
	if (!is_packed(session) && state->num > UINT16_MAX)
		return REFUSE(session, " %u: an index has 16 bits", state->num);

	ring->base = state->num;
	return true;
}

static bool get_vring_base(struct session *session)
{
	struct vhost_user_state state = session->payload.state;
	struct session_ring *ring = ring_of(session, state.index);

	if (!ring)
		return false;

	stop_ring(session, state.index);
	state.num = ring->base;
	return put_reply(session, &state, sizeof(state));
}

static bool set_ring_fd(struct session *session, enum session_fd which)
{
	uint64_t word = session->payload.u64;
	unsigned index = (unsigned)(word & VHOST_USER_RING_MASK);
	bool given = !(word & VHOST_USER_NO_FD);
	struct session_ring *ring = ring_of(session, index);
	struct err err = { "" };

	if (!ring)
		return false;
	if (session->ops->set_fd(session->context, index, which, given, &err) < 0)
		return REFUSE(session, ": %s", err.msg);
	if (which == SESSION_FD_KICK)
		ring->has_kick = true;
	return true;
}

static bool set_vring_kick(struct session *session)
{
	if (session->payload.u64 & VHOST_USER_NO_FD)
		return REFUSE(session, " without a descriptor: a ring that has to be polled for "
				       "ever is not offered");
	return set_ring_fd(session, SESSION_FD_KICK);
}

static bool set_vring_call(struct session *session)
{
	return set_ring_fd(session, SESSION_FD_CALL);
}

static bool set_vring_err(struct session *session)
{
	return set_ring_fd(session, SESSION_FD_ERR);
}

static bool set_vring_enable(struct session *session)
{
	const struct vhost_user_state *state = &session->payload.state;
	struct session_ring *ring = ring_of(session, state->index);

	if (!ring)
		return false;
	if (state->num > 1)
		return REFUSE(session, " %u: neither 0 nor 1", state->num);
	if (ring->enabled == (state->num == 1))
		return true; /* QEMU says so repeatedly, while rings run */

	session->ops->halt(session->context, session);
	ring->enabled = state->num == 1;
	return true;
}

/* clang-format off */
#define PROTO(feature) VHOST_USER_PROTOCOL_##feature

static const struct request requests[VHOST_USER_REQUEST_MAX] = {
	[VHOST_USER_GET_FEATURES]     = { "GET_FEATURES", get_features, 0, 0, FDS_NONE, EARLY | REPLIES, 0 },
	[VHOST_USER_SET_FEATURES]     = { "SET_FEATURES", set_features, 8, 8, FDS_NONE, 0, 0 },
	[VHOST_USER_SET_OWNER]        = { "SET_OWNER", set_owner, 0, 0, FDS_NONE, EARLY, 0 },
	[VHOST_USER_RESET_OWNER]      = { "RESET_OWNER", reset_owner, 0, 0, FDS_NONE, HALTS, 0 },
	[VHOST_USER_SET_MEM_TABLE]    = { "SET_MEM_TABLE", set_mem_table, 8, 264, FDS_REGIONS, HALTS, 0 },
	[VHOST_USER_SET_LOG_BASE]     = { "SET_LOG_BASE", NULL, 8, 16, FDS_ONE, REPLIES, PROTO(LOG_SHMFD) },
	[VHOST_USER_SET_LOG_FD]       = { "SET_LOG_FD", NULL, 0, 8, FDS_ONE, 0, PROTO(LOG_SHMFD) },
	[VHOST_USER_SET_VRING_NUM]    = { "SET_VRING_NUM", set_vring_num, 8, 8, FDS_NONE, 0, 0 },
	[VHOST_USER_SET_VRING_ADDR]   = { "SET_VRING_ADDR", set_vring_addr, 40, 40, FDS_NONE, HALTS, 0 },
	[VHOST_USER_SET_VRING_BASE]   = { "SET_VRING_BASE", set_vring_base, 8, 8, FDS_NONE, 0, 0 },
	[VHOST_USER_GET_VRING_BASE]   = { "GET_VRING_BASE", get_vring_base, 8, 8, FDS_NONE, HALTS | REPLIES, 0 },
	[VHOST_USER_SET_VRING_KICK]   = { "SET_VRING_KICK", set_vring_kick, 8, 8, FDS_RING, HALTS, 0 },
	[VHOST_USER_SET_VRING_CALL]   = { "SET_VRING_CALL", set_vring_call, 8, 8, FDS_RING, HALTS, 0 },
	[VHOST_USER_SET_VRING_ERR]    = { "SET_VRING_ERR", set_vring_err, 8, 8, FDS_RING, 0, 0 },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", get_protocol_features, 0, 0, FDS_NONE, EARLY | REPLIES, 0 },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", set_protocol_features, 8, 8, FDS_NONE, EARLY, 0 },
	[VHOST_USER_GET_QUEUE_NUM]    = { "GET_QUEUE_NUM", get_queue_num, 0, 0, FDS_NONE, EARLY | REPLIES, PROTO(MQ) },
	[VHOST_USER_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", set_vring_enable, 8, 8, FDS_NONE, 0, 0 },
	[VHOST_USER_SEND_RARP]        = { "SEND_RARP", send_rarp, 8, 8, FDS_NONE, 0, PROTO(RARP) },
	[VHOST_USER_NET_SET_MTU]      = { "NET_SET_MTU", net_set_mtu, 8, 8, FDS_NONE, 0, PROTO(NET_MTU) },
	[VHOST_USER_GET_INFLIGHT_FD]  = { "GET_INFLIGHT_FD", NULL, 24, 24, FDS_NONE, REPLIES, PROTO(INFLIGHT) },
	[VHOST_USER_SET_INFLIGHT_FD]  = { "SET_INFLIGHT_FD", NULL, 24, 24, FDS_ONE, 0, PROTO(INFLIGHT) },
	[VHOST_USER_RESET_DEVICE]     = { "RESET_DEVICE", reset_device, 0, 0, FDS_NONE, HALTS, PROTO(RESET_DEVICE) },
	[VHOST_USER_GET_MAX_MEM_SLOTS] = { "GET_MAX_MEM_SLOTS", get_max_mem_slots, 0, 0, FDS_NONE, EARLY | REPLIES, PROTO(MEM_SLOTS) },
	[VHOST_USER_ADD_MEM_REG]      = { "ADD_MEM_REG", add_mem_reg, 40, 40, FDS_ONE, HALTS, PROTO(MEM_SLOTS) },
	[VHOST_USER_REM_MEM_REG]      = { "REM_MEM_REG", rem_mem_reg, 40, 40, FDS_STRAY, HALTS, PROTO(MEM_SLOTS) },
	[VHOST_USER_SET_STATUS]       = { "SET_STATUS", set_status, 8, 8, FDS_NONE, 0, PROTO(STATUS) },
	[VHOST_USER_GET_STATUS]       = { "GET_STATUS", get_status, 0, 0, FDS_NONE, REPLIES, PROTO(STATUS) },
};
/* clang-format on */

static const struct request *request_of(const struct session *session)
{
	return &requests[session->header.request];
}

/* What can be said when the header is here: the payload is not read before. */
static bool check_header(struct session *session)
{
	const struct vhost_user_header *header = &session->header;
	const struct request *request;

	if (header->request >= VHOST_USER_REQUEST_MAX || !requests[header->request].name) {
		session_fault(session, "peer sent request %u: unknown", header->request);
		return false;
	}

	request = request_of(session);
	if ((header->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return REFUSE(session, " of version %u: only 1 is known",
			      header->flags & VHOST_USER_VERSION_MASK);
	if (header->flags & VHOST_USER_REPLY)
		return REFUSE(session, " as a reply, to nothing");
	if (!request->handle)
		return REFUSE(session, ": not offered");
	if (!session->owned && !(request->conditions & EARLY))
		return REFUSE(session, " before SET_OWNER");
	if (request->protocol && !(session->protocol & request->protocol))
		return REFUSE(session, ": its protocol feature was not agreed on");
	if (header->size < request->size_min || header->size > request->size_max)
		return REFUSE(session, " with %u bytes: %s%u are right", header->size,
			      request->size_min < request->size_max ? "up to " : "",
			      request->size_max);
	return true;
}

/* How many descriptors have to be here? */
static bool check_fds(struct session *session)
{
	const struct vhost_user_mem_table *table = &session->payload.table;
	unsigned wanted = 0;

	switch (request_of(session)->fds) {
	case FDS_NONE:
		break;
	case FDS_ONE:
		wanted = 1;
		break;
	case FDS_STRAY:
		wanted = session->n_fds ? 1 : 0;
		break;
	case FDS_RING:
		wanted = session->payload.u64 & VHOST_USER_NO_FD ? 0 : 1;
		break;
	case FDS_REGIONS:
		if (table->n_regions > VHOST_USER_TABLE_REGIONS ||
		    session->header.size < 8 + table->n_regions * sizeof(table->region[0]))
			return REFUSE(session, ": %u regions in %u bytes", table->n_regions,
				      session->header.size);
		wanted = table->n_regions;
		break;
	}

	if (session->n_fds == wanted)
		return true;
	return REFUSE(session, " with %u descriptors: %u belong to it", session->n_fds, wanted);
}

static bool carry_out(struct session *session)
{
	const struct request *request = request_of(session);
	session->declined = false;
	if (!check_fds(session))
		return false;
	if (request->conditions & HALTS)
		session->ops->halt(session->context, session);
	if (!request->handle(session))
		return false;
	/* SET_PROTOCOL_FEATURES that agrees on it is answered already. */
	return !wants_ack(session) || reply_u64(session, session->declined);
}

void session_init(struct session *session, const struct session_ops *ops, void *context,
		  uint64_t offered, uint32_t max_mtu)
{
	*session = (struct session){
		.ops = ops,
		.context = context,
		.offered = offered,
		.max_mtu = max_mtu,
	};
}

void session_fini(struct session *session)
{
	forget_memory(session);
}

size_t session_room(struct session *session, uint8_t **ret_at)
{
	const size_t header = sizeof(session->header);

	if (session->got < header) {
		*ret_at = (uint8_t *)&session->header + session->got;
		return header - session->got;
	}

	*ret_at = (uint8_t *)&session->payload + (session->got - header);
	return session->header.size - (session->got - header);
}

enum session_progress session_take(struct session *session, size_t len, unsigned n_fds)
{
	const uint32_t header = sizeof(session->header);
	bool had_header = session->got >= header;

	if (session->fault[0] != '\0')
		return SESSION_FAULT;

	session->got += (uint32_t)len;
	session->n_fds += n_fds;
	if (session->n_fds > SESSION_FDS_MAX) {
		session_fault(session, "peer sent %u descriptors with one message; %d are allowed",
			      session->n_fds, SESSION_FDS_MAX);
		return SESSION_FAULT;
	}
	if (session->got < header)
		return SESSION_MORE;
	if (!had_header && !check_header(session))
		return SESSION_FAULT;
	if (session->got < header + session->header.size)
		return SESSION_MORE;

	if (!carry_out(session))
		return SESSION_FAULT;
	session->got = 0;
	session->n_fds = 0;
	memset(&session->payload, 0, sizeof(session->payload));
	return SESSION_DONE;
}

bool session_is_cut(const struct session *session)
{
	return session->got > 0;
}

const uint8_t *session_output(const struct session *session, size_t *ret_len)
{
	*ret_len = session->n_output;
	return session->output;
}

void session_sent(struct session *session, size_t len)
{
	assert(len <= session->n_output);
	session->n_output -= (uint32_t)len;
	memmove(session->output, session->output + len, session->n_output);
}
