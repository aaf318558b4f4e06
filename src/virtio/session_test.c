/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the vhost-user session: what is legal when, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/session.h"
#include "wire/virtio.h"

#define REQUEST(name) VHOST_USER_##name
#define MEM_SIZE      0x100000

/* What the session asked for. */
static struct {
	unsigned halts, maps, unmaps, announces;
	unsigned fds[SESSION_RINGS][SESSION_FD_COUNT]; /* how often one was given */
	bool map_fails;
	struct mac announced;
} world;

static uint8_t memory[MEM_SIZE];
static struct session session;

static void halt(void *context, struct session *halted)
{
	assert_ptr_equal(context, &world);
	assert_ptr_equal(halted, &session);
	world.halts++;
}

static int map(void *context, unsigned fd, uint64_t offset, struct guest_region *region,
	       struct err *err)
{
	(void)context;
	(void)offset;
	assert_in_range(fd, 0, SESSION_FDS_MAX - 1);
	if (world.map_fails)
		return err_set(err, 22, "its descriptor is a toaster");
	world.maps++;
	region->host = memory;
	return 0;
}

static void unmap(void *context, const struct guest_region *region)
{
	(void)context;
	assert_ptr_equal(region->host, memory);
	world.unmaps++;
}

static int set_fd(void *context, unsigned ring, enum session_fd which, bool given, struct err *err)
{
	(void)context;
	(void)err;
	world.fds[ring][which] += given;
	return 0;
}

static void announce(void *context, struct mac mac)
{
	(void)context;
	world.announces++;
	world.announced = mac;
}

static const struct session_ops ops = { halt, map, unmap, set_fd, announce };

static int start(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	session_init(&session, &ops, &world, session_features, 1500);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	session_fini(&session);
	assert_int_equal(world.maps, world.unmaps);
	return 0;
}

/* Brings bytes in, as many at a time as the session has room for. */
static enum session_progress push(const void *bytes, size_t len, unsigned n_fds)
{
	enum session_progress progress = SESSION_MORE;
	const uint8_t *from = bytes;

	while (len > 0 && progress == SESSION_MORE) {
		uint8_t *at;
		size_t room = session_room(&session, &at);
		size_t n = room < len ? room : len;

		assert_true(room > 0);
		memcpy(at, from, n);
		from += n;
		len -= n;
		progress = session_take(&session, n, n_fds);
		n_fds = 0;
	}
	return progress;
}

static enum session_progress send_flags(uint32_t request, uint32_t flags, const void *payload,
					uint32_t size, unsigned n_fds)
{
	uint8_t message[sizeof(struct vhost_user_header) + 4096] = { 0 };
	const struct vhost_user_header header = { request, flags, size };

	memcpy(message, &header, sizeof(header));
	if (payload)
		memcpy(message + sizeof(header), payload, size);
	return push(message, sizeof(header) + size, n_fds);
}

static enum session_progress send(uint32_t request, const void *payload, uint32_t size,
				  unsigned n_fds)
{
	return send_flags(request, VHOST_USER_VERSION, payload, size, n_fds);
}

static enum session_progress send_u64(uint32_t request, uint64_t value, unsigned n_fds)
{
	return send(request, &value, sizeof(value), n_fds);
}

static enum session_progress send_state(uint32_t request, uint32_t index, uint32_t num)
{
	const struct vhost_user_state state = { index, num };

	return send(request, &state, sizeof(state), 0);
}

static enum session_progress send_region(uint32_t request, uint64_t gpa, uint64_t size,
					 uint64_t uva, uint64_t offset, unsigned n_fds)
{
	const struct vhost_user_one_region one = { 0, { gpa, size, uva, offset } };

	return send(request, &one, sizeof(one), n_fds);
}

static enum session_progress send_addr(uint32_t index, uint32_t flags, uint64_t desc,
				       uint64_t avail, uint64_t used)
{
	const struct vhost_user_addr addr = { index, flags, desc, used, avail, 0 };

	return send(REQUEST(SET_VRING_ADDR), &addr, sizeof(addr), 0);
}

/* The last reply of those that wait; they are gone then. */
static uint64_t read_reply(uint32_t request)
{
	struct vhost_user_header header;
	uint64_t value;
	size_t len;
	const uint8_t *bytes = session_output(&session, &len);

	assert_true(len >= sizeof(header) + sizeof(value));
	bytes += len - sizeof(header) - sizeof(value);
	memcpy(&header, bytes, sizeof(header));
	memcpy(&value, bytes + sizeof(header), sizeof(value));
	assert_int_equal(header.request, request);
	assert_int_equal(header.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	assert_int_equal(header.size, sizeof(value));
	session_sent(&session, len);
	return value;
}

static void expect_fault(enum session_progress progress, const char *clause)
{
	assert_int_equal(progress, SESSION_FAULT);
	assert_string_equal(session.fault, clause);
	/* It stays over, whatever comes. */
	assert_int_equal(session_take(&session, 0, 0), SESSION_FAULT);
}

#define ALL_PROTOCOL                                                                         \
	(VHOST_USER_PROTOCOL_MQ | VHOST_USER_PROTOCOL_RARP | VHOST_USER_PROTOCOL_REPLY_ACK | \
	 VHOST_USER_PROTOCOL_NET_MTU | VHOST_USER_PROTOCOL_RESET_DEVICE |                    \
	 VHOST_USER_PROTOCOL_MEM_SLOTS | VHOST_USER_PROTOCOL_STATUS)

/* Everything agreed on, owned, with one region of memory at 0x10000000. */
static void negotiate(uint64_t features)
{
	const struct vhost_user_mem_table table = {
		.n_regions = 1,
		.region = { { .gpa = 0, .size = MEM_SIZE, .uva = 0x10000000 } },
	};

	assert_int_equal(send(REQUEST(GET_FEATURES), NULL, 0, 0), SESSION_DONE);
	assert_int_equal(read_reply(REQUEST(GET_FEATURES)), session_features);
	assert_int_equal(send(REQUEST(GET_PROTOCOL_FEATURES), NULL, 0, 0), SESSION_DONE);
	assert_int_equal(read_reply(REQUEST(GET_PROTOCOL_FEATURES)), ALL_PROTOCOL);
	assert_int_equal(send_u64(REQUEST(SET_PROTOCOL_FEATURES), ALL_PROTOCOL, 0), SESSION_DONE);
	assert_int_equal(send(REQUEST(SET_OWNER), NULL, 0, 0), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_FEATURES), features, 0), SESSION_DONE);
	assert_int_equal(send(REQUEST(SET_MEM_TABLE), &table, 40, 1), SESSION_DONE);
}

#define FEATURES_SPLIT	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES))
#define FEATURES_PACKED (FEATURES_SPLIT | VIRTIO_BIT(VIRTIO_F_RING_PACKED))

static void run_ring(uint32_t index)
{
	assert_int_equal(send_state(REQUEST(SET_VRING_NUM), index, 256), SESSION_DONE);
	assert_int_equal(send_state(REQUEST(SET_VRING_BASE), index, 7), SESSION_DONE);
	assert_int_equal(send_addr(index, 0, 0x10000000, 0x10001000, 0x10002000), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_VRING_KICK), index, 1), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_VRING_CALL), index, 1), SESSION_DONE);
	assert_false(session_ring_runs(&session, index));
	assert_int_equal(send_state(REQUEST(SET_VRING_ENABLE), index, 1), SESSION_DONE);
	assert_true(session_ring_runs(&session, index));
}

static void a_ring_runs_from_kick_and_enable_to_get_vring_base(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	assert_false(session_runs(&session));
	run_ring(1);
	assert_true(session_runs(&session));
	assert_int_equal(world.fds[1][SESSION_FD_KICK], 1);

	world.halts = 0;
	assert_int_equal(send_state(REQUEST(GET_VRING_BASE), 1, 0), SESSION_DONE);
	assert_int_equal(world.halts, 1);
	assert_int_equal(read_reply(REQUEST(GET_VRING_BASE)), (uint64_t)7 << 32 | 1);
	assert_false(session_runs(&session));
}

static void without_protocol_features_rings_need_no_enabling(void **state)
{
	(void)state;
	assert_int_equal(send(REQUEST(SET_OWNER), NULL, 0, 0), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_FEATURES), VIRTIO_BIT(VIRTIO_F_VERSION_1), 0),
			 SESSION_DONE);
	assert_int_equal(send_state(REQUEST(SET_VRING_NUM), 0, 256), SESSION_DONE);
	assert_int_equal(send_addr(0, 0, 0x1000, 0x2000, 0x3000), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_VRING_KICK), 0, 1), SESSION_DONE);
	assert_true(session_ring_runs(&session, 0));
}

static void only_what_changes_lets_go_of_running_rings(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	run_ring(0);
	run_ring(1);
	world.halts = 0;

	/* QEMU repeats these for each queue pair, and at each reset. */
	assert_int_equal(send_u64(REQUEST(SET_FEATURES), FEATURES_SPLIT, 0), SESSION_DONE);
	assert_int_equal(send_state(REQUEST(SET_VRING_ENABLE), 0, 1), SESSION_DONE);
	assert_int_equal(send_u64(REQUEST(SET_VRING_ERR), 0, 1), SESSION_DONE);
	assert_int_equal(world.halts, 0);

	assert_int_equal(send_u64(REQUEST(SET_VRING_CALL), 0, 1), SESSION_DONE);
	assert_int_equal(send_state(REQUEST(SET_VRING_ENABLE), 0, 0), SESSION_DONE);
	assert_int_equal(world.halts, 2);
	assert_false(session_ring_runs(&session, 0));
	assert_true(session_ring_runs(&session, 1));
}

static void what_is_asked_with_need_reply_is_acknowledged(void **state)
{
	const uint32_t flags = VHOST_USER_VERSION | VHOST_USER_NEED_REPLY;
	const struct vhost_user_state ring = { 0, 256 };
	uint64_t mtu = 1400;
	size_t len;

	(void)state;
	negotiate(FEATURES_SPLIT);
	(void)session_output(&session, &len);
	assert_int_equal(len, 0); /* nobody asked */

	assert_int_equal(send_flags(REQUEST(SET_VRING_NUM), flags, &ring, 8, 0), SESSION_DONE);
	assert_int_equal(read_reply(REQUEST(SET_VRING_NUM)), 0);
	assert_int_equal(send_flags(REQUEST(NET_SET_MTU), flags, &mtu, 8, 0), SESSION_DONE);
	assert_int_equal(read_reply(REQUEST(NET_SET_MTU)), 0);
	mtu = 9000;
	assert_int_equal(send_flags(REQUEST(NET_SET_MTU), flags, &mtu, 8, 0), SESSION_DONE);
	assert_int_equal(read_reply(REQUEST(NET_SET_MTU)), 1);

	/* One reply, not two. */
	assert_int_equal(send_flags(REQUEST(GET_QUEUE_NUM), flags, NULL, 0, 0), SESSION_DONE);
	(void)session_output(&session, &len);
	assert_int_equal(len, sizeof(struct vhost_user_header) + 8);
	assert_int_equal(read_reply(REQUEST(GET_QUEUE_NUM)), SESSION_PAIRS);
}

static void a_message_may_come_byte_by_byte(void **state)
{
	const struct vhost_user_header header = { REQUEST(SET_PROTOCOL_FEATURES), 1, 8 };
	uint8_t message[20] = { 0 };

	(void)state;
	memcpy(message, &header, sizeof(header));
	message[12] = 8; /* REPLY_ACK */
	for (size_t i = 0; i < sizeof(message) - 1; i++) {
		assert_int_equal(push(message + i, 1, 0), SESSION_MORE);
		assert_true(session_is_cut(&session));
	}
	assert_int_equal(push(message + 19, 1, 0), SESSION_DONE);
	assert_false(session_is_cut(&session));
	assert_int_equal(session.protocol, VHOST_USER_PROTOCOL_REPLY_ACK);
}

static void regions_come_and_go_one_by_one(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	for (uint64_t i = 1; i < GUEST_REGIONS_MAX; i++)
		assert_int_equal(send_region(REQUEST(ADD_MEM_REG), i * MEM_SIZE, MEM_SIZE,
					     0x10000000 + i * MEM_SIZE, 0, 1),
				 SESSION_DONE);
	/* One descriptor too many is the habit of some front-ends. */
	assert_int_equal(send_region(REQUEST(REM_MEM_REG), 0, MEM_SIZE, 0x10000000, 0, 1),
			 SESSION_DONE);
	assert_int_equal(session.mem.n_regions, GUEST_REGIONS_MAX - 1);
	assert_int_equal(world.unmaps, 1);
	assert_int_equal(send_region(REQUEST(ADD_MEM_REG), 0, MEM_SIZE, 0x10000000, 0, 1),
			 SESSION_DONE);
	expect_fault(send_region(REQUEST(ADD_MEM_REG), UINT64_C(1) << 40, MEM_SIZE,
				 UINT64_C(1) << 41, 0, 1),
		     "peer sent ADD_MEM_REG: all 64 memory slots are taken");
}

static void a_region_told_twice_is_one(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(send_region(REQUEST(ADD_MEM_REG), MEM_SIZE, 0x1000, 0, 0, 1),
				 SESSION_DONE);
	assert_int_equal(session.mem.n_regions, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(send_region(REQUEST(REM_MEM_REG), MEM_SIZE, 0x1000, 0, 0, 0),
				 SESSION_DONE);
	assert_int_equal(session.mem.n_regions, 1);
	assert_int_equal(world.unmaps, 1);
}

static void a_new_table_replaces_the_old_one(void **state)
{
	const struct vhost_user_mem_table none = { 0 };

	(void)state;
	negotiate(FEATURES_SPLIT);
	assert_int_equal(send(REQUEST(SET_MEM_TABLE), &none, 8, 0), SESSION_DONE);
	assert_int_equal(world.unmaps, 1);
	assert_int_equal(session.mem.n_regions, 0);
}

static void a_reset_stops_the_rings(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	run_ring(0);
	world.halts = 0;
	assert_int_equal(send_u64(REQUEST(SET_STATUS), 15, 0), SESSION_DONE);
	assert_true(session_runs(&session));
	assert_int_equal(send_u64(REQUEST(SET_STATUS), 0, 0), SESSION_DONE);
	assert_false(session_runs(&session));
	assert_int_equal(world.halts, 1);

	assert_int_equal(send_u64(REQUEST(SET_VRING_KICK), 0, 1), SESSION_DONE);
	assert_true(session_runs(&session));
	assert_int_equal(send(REQUEST(RESET_OWNER), NULL, 0, 0), SESSION_DONE);
	assert_false(session_runs(&session));

	assert_int_equal(send(REQUEST(RESET_DEVICE), NULL, 0, 0), SESSION_DONE);
	assert_int_equal(session.features, 0);
	assert_int_equal(session.ring[0].num, 0);
}

static void a_guest_that_moved_is_announced(void **state)
{
	static const uint8_t mac[8] = { 0x52, 0x54, 0, 1, 2, 3 };

	(void)state;
	negotiate(FEATURES_SPLIT);
	assert_int_equal(send(REQUEST(SEND_RARP), mac, 8, 0), SESSION_DONE);
	assert_int_equal(world.announces, 1);
	assert_memory_equal(&world.announced, mac, 6);
}

/* Each message: the size and descriptors it has when it is in order. */
struct row {
	uint32_t request;
	uint32_t size, size_max;
	unsigned n_fds;
	bool early;
	bool protocol; /* needs a protocol feature */
	bool offered;
	uint64_t value; /* the payload's start */
};

/* clang-format off */
static const struct row rows[] = {
	{ REQUEST(GET_FEATURES),          0,   0, 0, true,  false, true,  0 },
	{ REQUEST(SET_FEATURES),          8,   8, 0, false, false, true,  FEATURES_SPLIT },
	{ REQUEST(SET_OWNER),             0,   0, 0, true,  false, true,  0 },
	{ REQUEST(RESET_OWNER),           0,   0, 0, false, false, true,  0 },
	{ REQUEST(SET_MEM_TABLE),         8, 264, 0, false, false, true,  0 },
	{ REQUEST(SET_LOG_BASE),         16,  16, 1, false, true,  false, 0 },
	{ REQUEST(SET_LOG_FD),            0,   8, 1, false, true,  false, 0 },
	{ REQUEST(SET_VRING_NUM),         8,   8, 0, false, false, true,  UINT64_C(256) << 32 },
	{ REQUEST(SET_VRING_ADDR),       40,  40, 0, false, false, true,  0 },
	{ REQUEST(SET_VRING_BASE),        8,   8, 0, false, false, true,  0 },
	{ REQUEST(GET_VRING_BASE),        8,   8, 0, false, false, true,  0 },
	{ REQUEST(SET_VRING_KICK),        8,   8, 1, false, false, true,  0 },
	{ REQUEST(SET_VRING_CALL),        8,   8, 1, false, false, true,  0 },
	{ REQUEST(SET_VRING_ERR),         8,   8, 1, false, false, true,  0 },
	{ REQUEST(GET_PROTOCOL_FEATURES), 0,   0, 0, true,  false, true,  0 },
	{ REQUEST(SET_PROTOCOL_FEATURES), 8,   8, 0, true,  false, true,  ALL_PROTOCOL },
	{ REQUEST(GET_QUEUE_NUM),         0,   0, 0, true,  true,  true,  0 },
	{ REQUEST(SET_VRING_ENABLE),      8,   8, 0, false, false, true,  0 },
	{ REQUEST(SEND_RARP),             8,   8, 0, false, true,  true,  0x525400 },
	{ REQUEST(NET_SET_MTU),           8,   8, 0, false, true,  true,  1500 },
	{ REQUEST(GET_INFLIGHT_FD),      24,  24, 0, false, true,  false, 0 },
	{ REQUEST(SET_INFLIGHT_FD),      24,  24, 1, false, true,  false, 0 },
	{ REQUEST(RESET_DEVICE),          0,   0, 0, false, true,  true,  0 },
	{ REQUEST(GET_MAX_MEM_SLOTS),     0,   0, 0, true,  true,  true,  0 },
	{ REQUEST(ADD_MEM_REG),          40,  40, 1, false, true,  true,  0 },
	{ REQUEST(REM_MEM_REG),          40,  40, 0, false, true,  true,  0 },
	{ REQUEST(SET_STATUS),            8,   8, 0, false, true,  true,  1 },
	{ REQUEST(GET_STATUS),            0,   0, 0, false, true,  true,  0 },
};
/* clang-format on */

/* Sends row 'i' as it should be, but for the size and the descriptors. */
static enum session_progress send_row(const struct row *row, uint32_t size, unsigned n_fds)
{
	uint8_t payload[4096] = { 0 };
	const struct vhost_user_one_region one = { 0, { MEM_SIZE, MEM_SIZE, 0x20000000, 0 } };
	const struct vhost_user_one_region old = { 0, { 0, MEM_SIZE, 0x10000000, 0 } };

	memcpy(payload, &row->value, sizeof(row->value));
	if (row->request == REQUEST(ADD_MEM_REG))
		memcpy(payload, &one, sizeof(one));
	if (row->request == REQUEST(REM_MEM_REG))
		memcpy(payload, &old, sizeof(old));
	return send(row->request, payload, size, n_fds);
}

static void each_message_is_taken_when_it_is_in_order(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)start(state);
		negotiate(FEATURES_SPLIT);
		assert_int_equal(send_row(&rows[i], rows[i].size, rows[i].n_fds),
				 rows[i].offered ? SESSION_DONE : SESSION_FAULT);
		if (!rows[i].offered)
			assert_non_null(strstr(session.fault, ": not offered"));
		(void)finish(state);
	}
}

static void each_message_has_its_time(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)start(state);
		if (!rows[i].offered || rows[i].early)
			continue;
		assert_int_equal(send_row(&rows[i], rows[i].size, rows[i].n_fds), SESSION_FAULT);
		assert_non_null(strstr(session.fault, " before SET_OWNER"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)start(state);
		if (!rows[i].offered || !rows[i].protocol)
			continue;
		assert_int_equal(send(REQUEST(SET_OWNER), NULL, 0, 0), SESSION_DONE);
		assert_int_equal(send_row(&rows[i], rows[i].size, rows[i].n_fds), SESSION_FAULT);
		assert_non_null(strstr(session.fault, "was not agreed on"));
	}
}

static void each_message_has_its_size(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].offered)
			continue;
		(void)start(state);
		negotiate(FEATURES_SPLIT);
		assert_int_equal(send_row(&rows[i], rows[i].size_max + 1, rows[i].n_fds),
				 SESSION_FAULT);
		assert_non_null(strstr(session.fault, " bytes: "));
		(void)finish(state);

		if (rows[i].size == 0)
			continue;
		(void)start(state);
		negotiate(FEATURES_SPLIT);
		assert_int_equal(send_row(&rows[i], rows[i].size - 1, rows[i].n_fds),
				 SESSION_FAULT);
		(void)finish(state);
	}
}

static void each_message_has_its_descriptors(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned stray = rows[i].request == REQUEST(REM_MEM_REG) ? 2 : 1;

		if (!rows[i].offered)
			continue;
		(void)start(state);
		negotiate(FEATURES_SPLIT);
		assert_int_equal(send_row(&rows[i], rows[i].size, rows[i].n_fds + stray),
				 SESSION_FAULT);
		assert_non_null(strstr(session.fault, "descriptors"));
		(void)finish(state);

		if (rows[i].n_fds == 0)
			continue;
		(void)start(state);
		negotiate(FEATURES_SPLIT);
		assert_int_equal(send_row(&rows[i], rows[i].size, 0), SESSION_FAULT);
		(void)finish(state);
	}
}

static void unknown_and_odd_headers_end_the_session(void **state)
{
	/* clang-format off */
	static const struct {
		struct vhost_user_header header;
		const char *clause;
	} cases[] = {
		{ { 0, 1, 0 },   "peer sent request 0: unknown" },
		{ { 21, 1, 0 },  "peer sent request 21: unknown" },
		{ { 41, 1, 0 },  "peer sent request 41: unknown" },
		{ { UINT32_MAX, 1, 0 }, "peer sent request 4294967295: unknown" },
		{ { 1, 0, 0 },   "peer sent GET_FEATURES of version 0: only 1 is known" },
		{ { 1, 2, 0 },   "peer sent GET_FEATURES of version 2: only 1 is known" },
		{ { 1, 5, 0 },   "peer sent GET_FEATURES as a reply, to nothing" },
		{ { 1, 1, UINT32_MAX }, "peer sent GET_FEATURES with 4294967295 bytes: 0 are right" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)start(state);
		expect_fault(push(&cases[i].header, sizeof(cases[i].header), 0), cases[i].clause);
	}
}

static void more_descriptors_than_any_message_has_are_a_fault(void **state)
{
	uint32_t word = REQUEST(SET_MEM_TABLE);

	(void)state;
	expect_fault(push(&word, sizeof(word), 9),
		     "peer sent 9 descriptors with one message; 8 are allowed");
}

/* A message on top of a negotiated session, and what it is refused for. */
struct refusal {
	uint64_t features;
	uint32_t request;
	uint32_t size;
	unsigned n_fds;
	union {
		uint64_t u64;
		struct vhost_user_state state;
		struct vhost_user_addr addr;
		struct vhost_user_one_region one;
		uint64_t words[8];
	};
	const char *clause;
};

static void values_that_make_no_sense_are_refused(void **state)
{
	/* clang-format off */
	static const struct refusal cases[] = {
		{ FEATURES_SPLIT, REQUEST(SET_VRING_NUM), 8, 0, .state = { 0, 3 },
		  .clause = "peer sent SET_VRING_NUM 3: not a power of two" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_NUM), 8, 0, .state = { 0, 0 },
		  .clause = "peer sent SET_VRING_NUM 0: a ring has 1 to 32768 entries" },
		{ FEATURES_PACKED, REQUEST(SET_VRING_NUM), 8, 0, .state = { 0, 32769 },
		  .clause = "peer sent SET_VRING_NUM 32769: a ring has 1 to 32768 entries" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_NUM), 8, 0, .state = { 16, 256 },
		  .clause = "peer sent SET_VRING_NUM for ring 16: there are 16" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_BASE), 8, 0, .state = { 0, 65536 },
		  .clause = "peer sent SET_VRING_BASE 65536: an index has 16 bits" },
		{ FEATURES_SPLIT, REQUEST(GET_VRING_BASE), 8, 0, .state = { UINT32_MAX, 0 },
		  .clause = "peer sent GET_VRING_BASE for ring 4294967295: there are 16" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_ENABLE), 8, 0, .state = { 0, 2 },
		  .clause = "peer sent SET_VRING_ENABLE 2: neither 0 nor 1" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_KICK), 8, 1, .u64 = 16,
		  .clause = "peer sent SET_VRING_KICK for ring 16: there are 16" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_ADDR), 40, 0, .addr = { 0, 1, 0, 0, 0, 0 },
		  .clause = "peer sent SET_VRING_ADDR with flags 0x1: logging was not offered" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_ADDR), 40, 0, .addr = { 0, 0, 8, 0, 0, 0 },
		  .clause = "peer sent SET_VRING_ADDR 0x8 0 0: not aligned" },
		{ FEATURES_PACKED, REQUEST(SET_VRING_ADDR), 40, 0, .addr = { 0, 0, 16, 0, 2, 0 },
		  .clause = "peer sent SET_VRING_ADDR 0x10 0x2 0: not aligned" },
		{ FEATURES_SPLIT, REQUEST(SET_FEATURES), 8, 0, .u64 = UINT64_C(1) << 26,
		  .clause = "peer sent SET_FEATURES 0x4000000: bits 0x4000000 were not offered" },
		{ FEATURES_SPLIT, REQUEST(SET_PROTOCOL_FEATURES), 8, 0, .u64 = 2,
		  .clause = "peer sent SET_PROTOCOL_FEATURES 0x2: bits 0x2 were not offered" },
		{ FEATURES_SPLIT, REQUEST(SET_STATUS), 8, 0, .u64 = 256,
		  .clause = "peer sent SET_STATUS 0x100: a status has eight bits" },
		{ FEATURES_SPLIT, REQUEST(NET_SET_MTU), 8, 0, .u64 = 67,
		  .clause = "peer sent NET_SET_MTU 67: the endpoint carries 68 to 1500" },
		{ FEATURES_SPLIT, REQUEST(NET_SET_MTU), 8, 0, .u64 = 1501,
		  .clause = "peer sent NET_SET_MTU 1501: the endpoint carries 68 to 1500" },
		{ FEATURES_SPLIT, REQUEST(SEND_RARP), 8, 0, .u64 = 1,
		  .clause = "peer sent SEND_RARP: its address is none of an interface" },
		{ FEATURES_SPLIT, REQUEST(SET_MEM_TABLE), 8, 0, .u64 = 9,
		  .clause = "peer sent SET_MEM_TABLE: 9 regions in 8 bytes" },
		{ FEATURES_SPLIT, REQUEST(SET_MEM_TABLE), 39, 1, .words = { 1 },
		  .clause = "peer sent SET_MEM_TABLE: 1 regions in 39 bytes" },
		{ FEATURES_SPLIT, REQUEST(SET_MEM_TABLE), 40, 0, .words = { 1 },
		  .clause = "peer sent SET_MEM_TABLE with 0 descriptors: 1 belong to it" },
		{ FEATURES_SPLIT, REQUEST(ADD_MEM_REG), 40, 1, .one = { 0, { MEM_SIZE, 0, 0, 0 } },
		  .clause = "peer sent ADD_MEM_REG: a memory region of no bytes" },
		{ FEATURES_SPLIT, REQUEST(ADD_MEM_REG), 40, 1,
		  .one = { 0, { MEM_SIZE, 0x1000, 0, UINT64_MAX } },
		  .clause = "peer sent ADD_MEM_REG: a memory region of 0x1000 bytes at "
			    "0xffffffffffffffff of its file, where no file has any" },
		{ FEATURES_SPLIT, REQUEST(ADD_MEM_REG), 40, 1,
		  .one = { 0, { UINT64_MAX, 0x1000, 0, 0 } },
		  .clause = "peer sent ADD_MEM_REG: a memory region of 0x1000 bytes at guest "
			    "0xffffffffffffffff, user 0 wraps around" },
		{ FEATURES_SPLIT, REQUEST(ADD_MEM_REG), 40, 1,
		  .one = { 0, { MEM_SIZE - 1, 1, 0, 0 } },
		  .clause = "peer sent ADD_MEM_REG: the memory region at guest 0xfffff, user 0 "
			    "overlaps another one" },
		{ FEATURES_SPLIT, REQUEST(SET_VRING_KICK), 8, 0, .u64 = 0x100,
		  .clause = "peer sent SET_VRING_KICK without a descriptor: a ring that has to be "
			    "polled for ever is not offered" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)start(state);
		negotiate(cases[i].features);
		expect_fault(send(cases[i].request, cases[i].words, cases[i].size, cases[i].n_fds),
			     cases[i].clause);
		(void)finish(state);
	}
}

static void running_rings_keep_what_they_are_made_of(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	run_ring(3);
	expect_fault(send_state(REQUEST(SET_VRING_NUM), 3, 512),
		     "peer sent SET_VRING_NUM for ring 3, which is running");
	(void)finish(state);

	(void)start(state);
	negotiate(FEATURES_SPLIT);
	run_ring(3);
	expect_fault(send_state(REQUEST(SET_VRING_BASE), 3, 0),
		     "peer sent SET_VRING_BASE for ring 3, which is running");
	(void)finish(state);

	(void)start(state);
	negotiate(FEATURES_SPLIT);
	run_ring(3);
	expect_fault(send_u64(REQUEST(SET_FEATURES), FEATURES_PACKED, 0),
		     "peer sent SET_FEATURES 0x540000000: other features, while rings run");
}

static void packed_rings_need_no_power_of_two(void **state)
{
	(void)state;
	negotiate(FEATURES_PACKED);
	assert_int_equal(send_state(REQUEST(SET_VRING_NUM), 0, 100), SESSION_DONE);
	assert_int_equal(send_state(REQUEST(SET_VRING_BASE), 0, 0x80008000), SESSION_DONE);
}

static void memory_that_cannot_be_mapped_ends_the_session(void **state)
{
	(void)state;
	negotiate(FEATURES_SPLIT);
	world.map_fails = true;
	expect_fault(send_region(REQUEST(ADD_MEM_REG), MEM_SIZE, MEM_SIZE, 0, 0, 1),
		     "peer sent ADD_MEM_REG: its descriptor is a toaster");
}

static void a_front_end_that_reads_no_replies_is_given_up(void **state)
{
	enum session_progress progress = SESSION_DONE;
	unsigned n = 0;

	(void)state;
	while (progress == SESSION_DONE && n < 1000) {
		progress = send(REQUEST(GET_FEATURES), NULL, 0, 0);
		n++;
	}
	assert_int_equal(n, SESSION_OUTPUT_MAX / 20 + 1);
	expect_fault(progress, "peer does not read replies: 1020 bytes are waiting");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
	static const struct CMUnitTest tests[] = {
		TEST(a_ring_runs_from_kick_and_enable_to_get_vring_base),
		TEST(without_protocol_features_rings_need_no_enabling),
		TEST(only_what_changes_lets_go_of_running_rings),
		TEST(what_is_asked_with_need_reply_is_acknowledged),
		TEST(a_message_may_come_byte_by_byte),
		TEST(regions_come_and_go_one_by_one),
		TEST(a_region_told_twice_is_one),
		TEST(a_new_table_replaces_the_old_one),
		TEST(a_reset_stops_the_rings),
		TEST(a_guest_that_moved_is_announced),
		TEST(each_message_is_taken_when_it_is_in_order),
		TEST(each_message_has_its_time),
		TEST(each_message_has_its_size),
		TEST(each_message_has_its_descriptors),
		TEST(unknown_and_odd_headers_end_the_session),
		TEST(more_descriptors_than_any_message_has_are_a_fault),
		TEST(values_that_make_no_sense_are_refused),
		TEST(running_rings_keep_what_they_are_made_of),
		TEST(packed_rings_need_no_power_of_two),
		TEST(memory_that_cannot_be_mapped_ends_the_session),
		TEST(a_front_end_that_reads_no_replies_is_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("virtio session", tests, NULL, NULL);
}
