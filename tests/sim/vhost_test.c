/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two guests on a hub, with their rings in memory and a worker between them:
 * the whole way of a frame but for the front-end's socket.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "path/worker.h"
#include "port/burst.h"
#include "port/port.h"
#include "port/vhost.h"
#include "virtio/model_driver.h"
#include "virtio/sigbus.h"
#include "wire/eth.h"

#define RING_SIZE   64u
#define BUFFER_SIZE 2048u
#define FRAME_LEN   300u
#define DEADLINE_MS 5000

#define MODERN (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF))
#define CSUM   (VIRTIO_BIT(VIRTIO_NET_F_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM))

struct guest {
	struct model_guest memory;
	struct model_driver to, from; /* it */
	uint64_t send_at, buffers;
	unsigned n_sent, n_received;
	struct port *port;
	struct path_member member;
	struct path_attachment attachment;
};

struct sim {
	struct path_hub hub;
	struct worker *worker;
	struct guest guest[2];
};

static struct mac guest_mac(unsigned i)
{
	return (struct mac){ { 2, 0, 0, 0, 0, (uint8_t)i } };
}

static void give_buffer(struct guest *g, unsigned i)
{
	const struct model_piece piece = { g->buffers + (uint64_t)i * BUFFER_SIZE, BUFFER_SIZE,
					   true };

	assert_true(model_driver_add(&g->to, &piece, 1, MODEL_DIRECT, i));
	(void)model_driver_publish(&g->to);
}

static void open_port(struct guest *g, uint64_t features)
{
	const struct port_vhost_config config = {
		.mem = &g->memory.mem,
		.features = features,
		.ring = { &g->to.config, &g->from.config },
	};

	assert_int_equal(port_vhost_open(&config, &g->port, NULL), 0);
	g->attachment = (struct path_attachment){ .port = g->port, .member = &g->member };
	g->member.active = &g->attachment;
}

static void guest_start(struct guest *g, enum ring_layout layout, uint64_t features)
{
	model_guest_init(&g->memory);
	model_driver_init(&g->to, &g->memory, layout, RING_SIZE, features);
	model_driver_init(&g->from, &g->memory, layout, RING_SIZE, features);
	g->from.config.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->to.config.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->send_at = MODEL_GPA + MODEL_REGION_SIZE;
	g->buffers = MODEL_GPA + MODEL_REGION_SIZE / 2;
	for (unsigned i = 0; i < RING_SIZE; i++)
		give_buffer(g, i);
	open_port(g, features);
}

static void guest_stop(struct guest *g)
{
	port_close(g->port);
	(void)close(g->from.config.kick_fd);
	(void)close(g->to.config.call_fd);
	model_driver_fini(&g->to);
	model_driver_fini(&g->from);
	model_guest_fini(&g->memory);
}

static void publish_table(struct sim *sim)
{
	static const struct fwd_lower lower = { .mtu = 1500, .up = true, .carrier = true };
	struct fwd_endpoint endpoints[2];
	struct path_table *table = NULL;
	struct fwd_table *fwd = NULL;

	for (unsigned i = 0; i < 2; i++)
		endpoints[i] = (struct fwd_endpoint){ .slot = (uint16_t)i,
						      .mac = guest_mac(i),
						      .mode = FWD_MODE_BRIDGE,
						      .up = true,
						      .mtu = 1500 };
	assert_int_equal(fwd_table_new(&lower, endpoints, 2, 99, &fwd, NULL), 0);
	assert_int_equal(path_table_new(fwd, 2, &table, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		table->member[i] = &sim->guest[i].member;
	path_table_free(path_publish_table(&sim->hub, table));
}

static struct sim *sim_new(enum ring_layout layout, uint64_t features_0, uint64_t features_1)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	assert_non_null(sim);
	sim->hub.lower = (struct path_member){ .hub = &sim->hub, .slot = FWD_NOBODY };
	assert_int_equal(worker_new(&sim->worker, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		sim->guest[i].member =
			(struct path_member){ .hub = &sim->hub, .slot = (uint16_t)i };
		guest_start(&sim->guest[i], layout, i == 0 ? features_0 : features_1);
	}
	publish_table(sim);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(worker_watch(sim->worker, &sim->guest[i].attachment, NULL), 0);
	return sim;
}

static void sim_free(struct sim *sim)
{
	for (unsigned i = 0; i < 2; i++)
		worker_unwatch(sim->worker, &sim->guest[i].attachment);
	path_synchronize();
	worker_free(sim->worker);
	for (unsigned i = 0; i < 2; i++)
		guest_stop(&sim->guest[i]);
	path_table_free(sim->hub.table);
	free(sim);
}

static void fill_frame(uint8_t bytes[FRAME_LEN], unsigned to, unsigned seq)
{
	memset(bytes, (int)seq, FRAME_LEN);
	memcpy(bytes, guest_mac(to).byte, 6);
	memcpy(bytes + 6, guest_mac(!to).byte, 6);
	be16_store(bytes + 12, 0x88b5);
	be32_store(bytes + 100, seq);
}

/* Returns whether the guest was asked to kick, and then has. */
static bool send_with(struct guest *g, unsigned to, const struct vnet_header *vnet)
{
	uint64_t at = g->send_at + g->n_sent % RING_SIZE * BUFFER_SIZE;
	const struct model_piece piece = { at, 12 + FRAME_LEN, false };
	struct virtio_net_header header = { .vnet = *vnet };
	uint8_t bytes[FRAME_LEN];
	const uint64_t one = 1;
	unsigned token;
	uint32_t len;

	while (model_driver_get(&g->from, &token, &len))
		;
	fill_frame(bytes, to, g->n_sent++);
	model_guest_write(&g->memory, at, &header, sizeof(header));
	model_guest_write(&g->memory, at + 12, bytes, sizeof(bytes));
	assert_true(model_driver_add(&g->from, &piece, 1, MODEL_DIRECT, 0));
	if (!model_driver_publish(&g->from))
		return false;
	assert_int_equal(write(g->from.config.kick_fd, &one, sizeof(one)), sizeof(one));
	return true;
}

static bool send_frame(struct guest *g, unsigned to)
{
	static const struct vnet_header plain;

	return send_with(g, to, &plain);
}

/* The next frame, header included; false if there is none. */
static bool receive(struct guest *g, uint8_t bytes[BUFFER_SIZE], uint32_t *ret_len)
{
	unsigned token;

	if (!model_driver_get(&g->to, &token, ret_len))
		return false;
	model_guest_read(&g->memory, g->buffers + (uint64_t)token * BUFFER_SIZE, bytes, *ret_len);
	give_buffer(g, token);
	return true;
}

static bool receive_frame(struct guest *g, unsigned self)
{
	uint8_t bytes[BUFFER_SIZE], expected[FRAME_LEN];
	uint32_t len;

	if (!receive(g, bytes, &len))
		return false;
	fill_frame(expected, self, g->n_received++);
	assert_int_equal(len, 12 + FRAME_LEN);
	assert_memory_equal(bytes + 12, expected, FRAME_LEN);
	return true;
}

static unsigned run(struct sim *sim, unsigned rounds)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rounds; i++)
		n = worker_round(sim->worker);
	return n;
}

static const enum ring_layout layouts[] = { RING_SPLIT, RING_PACKED };

static void frames_pass_both_ways(void **state)
{
	(void)state;
	worker_enter();
	for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
		struct sim *sim = sim_new(layouts[l], MODERN, MODERN);

		for (unsigned i = 0; i < 500; i++) {
			for (unsigned k = 0; k < i % 30; k++) {
				(void)send_frame(&sim->guest[0], 1);
				(void)send_frame(&sim->guest[1], 0);
			}
			(void)run(sim, 3);
			for (unsigned k = 0; k < i % 30; k++) {
				assert_true(receive_frame(&sim->guest[0], 0));
				assert_true(receive_frame(&sim->guest[1], 1));
			}
			assert_false(receive_frame(&sim->guest[0], 0));
		}
		assert_int_equal(sim->guest[0].member.counters.in.frames, sim->guest[0].n_sent);
		assert_int_equal(sim->guest[0].member.counters.out.bytes,
				 (uint64_t)sim->guest[1].n_sent * FRAME_LEN);
		sim_free(sim);
	}
	worker_leave();
}

static void a_guest_that_does_not_receive_loses_its_own_frames(void **state)
{
	struct sim *sim = sim_new(RING_SPLIT, MODERN, MODERN);
	unsigned n = 0;

	(void)state;
	worker_enter();
	for (unsigned i = 0; i < 2 * RING_SIZE; i++) {
		(void)send_frame(&sim->guest[0], 1);
		(void)run(sim, 2);
	}
	while (receive_frame(&sim->guest[1], 1))
		n++;
	assert_int_equal(n, RING_SIZE);
	assert_int_equal(sim->guest[1].member.counters.drops_out[DROP_PEER_FULL], RING_SIZE);

	/* And has its ring back. */
	sim->guest[1].n_received = sim->guest[0].n_sent;
	(void)send_frame(&sim->guest[0], 1);
	(void)run(sim, 2);
	assert_true(receive_frame(&sim->guest[1], 1));
	worker_leave();
	sim_free(sim);
}

/* What it is that a worker sleeping in epoll would hear. */
static bool would_wake(const struct guest *g)
{
	struct pollfd poll_fd = { .fd = g->port->fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

static void a_quiet_guest_is_not_polled_and_its_kick_wakes(void **state)
{
	(void)state;
	worker_enter();
	for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
		struct sim *sim = sim_new(layouts[l], MODERN, MODERN);

		/* Opened, it is looked at once. */
		assert_true(would_wake(&sim->guest[0]));
		assert_int_equal(run(sim, 4), 0);
		for (unsigned i = 0; i < 100; i++) {
			assert_false(would_wake(&sim->guest[0]));
			assert_true(send_frame(&sim->guest[0], 1));
			assert_true(would_wake(&sim->guest[0]));
			assert_int_equal(run(sim, 4), 0);
			assert_true(receive_frame(&sim->guest[1], 1));
		}
		sim_free(sim);
	}
	worker_leave();
}

static void a_busy_guest_is_polled_and_need_not_kick(void **state)
{
	(void)state;
	worker_enter();
	for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
		struct sim *sim = sim_new(layouts[l], MODERN, MODERN);

		/* Sleep is short for somebody with as much patience. */
		sim->guest[0].attachment.poll_ns = 4000000000u;
		sim->guest[0].attachment.slept_since = 0;
		(void)run(sim, 4);
		(void)send_frame(&sim->guest[0], 1);
		(void)run(sim, 4);
		sim->guest[0].attachment.poll_now_ns = 4000000000u;
		(void)send_frame(&sim->guest[0], 1);
		(void)run(sim, 1);
		for (unsigned i = 0; i < 100; i++) {
			assert_false(send_frame(&sim->guest[0], 1));
			assert_true(run(sim, 1) > 0);
		}
		assert_int_equal(sim->guest[1].member.counters.out.frames, 102 - 38);
		sim_free(sim);
	}
	worker_leave();
}

static void what_is_decided_on_is_what_is_delivered(void **state)
{
	struct sim *sim = sim_new(RING_SPLIT, MODERN, MODERN);
	struct burst *burst = NULL;
	struct port *from = sim->guest[0].port, *to = sim->guest[1].port;
	struct frame *frame;
	enum drop why;

	(void)state;
	assert_int_equal(burst_new(&burst, NULL), 0);
	(void)send_frame(&sim->guest[0], 1);
	assert_int_equal(from->ops->rx(from, burst, BURST_MAX), 1);

	/* Too late to be somebody else's frame. */
	model_guest_write(&sim->guest[0].memory, sim->guest[0].send_at + 12, "\xff\xff\xff\xff", 4);
	model_guest_write(&sim->guest[0].memory, sim->guest[0].send_at, "\x01\x01", 2);
	frame = &burst->frame[0];
	assert_int_equal(to->ops->tx(to, &frame, 1, &why), 1);
	from->ops->release(from);
	assert_true(receive_frame(&sim->guest[1], 1));

	worker_enter();
	burst_free(burst);
	sim_free(sim);
	worker_leave();
}

static void headers_that_lie_are_not_passed_on(void **state)
{
	/* clang-format off */
	static const struct { struct vnet_header vnet; bool ok; } cases[] = {
		{ { 0 }, true },
		{ { .flags = VNET_DATA_VALID }, true },
		{ { .flags = VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 }, true },
		{ { .flags = VNET_NEEDS_CSUM, .csum_start = FRAME_LEN - 2, .csum_offset = 0 }, true },
		{ { .flags = VNET_NEEDS_CSUM, .csum_start = FRAME_LEN - 2, .csum_offset = 1 }, false },
		{ { .flags = VNET_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 }, false },
		{ { .gso_type = VNET_GSO_TCPV4, .gso_size = 100 }, false }, /* not negotiated */
		{ { .gso_type = 77 }, false },
	};
	/* clang-format on */
	struct sim *sim = sim_new(RING_SPLIT, MODERN | CSUM, MODERN | CSUM);
	uint8_t bytes[BUFFER_SIZE] = { 0 };
	uint32_t len;

	(void)state;
	worker_enter();
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct path_counters *counters = &sim->guest[0].member.counters;
		uint64_t bad = counters->drops_in[DROP_BAD_OFFLOAD];

		(void)send_with(&sim->guest[0], 1, &cases[i].vnet);
		(void)run(sim, 3);
		assert_int_equal(receive(&sim->guest[1], bytes, &len), cases[i].ok);
		assert_int_equal(counters->drops_in[DROP_BAD_OFFLOAD] - bad, !cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(bytes[0], cases[i].vnet.flags & VNET_NEEDS_CSUM);
	}
	worker_leave();
	sim_free(sim);
}

/* The work is done for the guest that has not said it can. */
static void a_guest_without_checksums_gets_finished_ones(void **state)
{
	const struct vnet_header vnet = { .flags = VNET_NEEDS_CSUM,
					  .csum_start = cpu_to_le16(34),
					  .csum_offset = cpu_to_le16(16) };
	struct sim *sim = sim_new(RING_SPLIT, MODERN | CSUM, MODERN);
	uint8_t bytes[BUFFER_SIZE] = { 0 }, expected[FRAME_LEN];
	uint32_t len, sum = 0;

	(void)state;
	worker_enter();
	(void)send_with(&sim->guest[0], 1, &vnet);
	(void)run(sim, 3);
	assert_true(receive(&sim->guest[1], bytes, &len));
	assert_int_equal(bytes[0], 0);
	fill_frame(expected, 1, 0);
	for (unsigned i = 34; i < FRAME_LEN; i += 2)
		sum += be16_load(expected + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	be16_store(expected + 34 + 16, (uint16_t)~sum);
	assert_memory_equal(bytes + 12, expected, FRAME_LEN);
	worker_leave();
	sim_free(sim);
}

static void wait_for_worker(struct sim *sim)
{
	struct pollfd poll_fd = { .fd = worker_event_fd(sim->worker), .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
}

static void a_broken_ring_is_the_control_threads(void **state)
{
	struct sim *sim = sim_new(RING_SPLIT, MODERN, MODERN);
	const uint64_t one = 1;

	(void)state;
	assert_int_equal(worker_start(sim->worker, NULL), 0);
	__atomic_store_n(&sim->guest[0].from.avail->idx, cpu_to_le16(40000), __ATOMIC_RELEASE);
	assert_int_equal(write(sim->guest[0].from.config.kick_fd, &one, sizeof(one)), sizeof(one));
	wait_for_worker(sim);
	assert_true(worker_has_finished(&sim->guest[0].attachment));
	assert_false(worker_has_finished(&sim->guest[1].attachment));
	assert_string_equal(sim->guest[0].port->fault,
			    "its ring 1 is broken: avail index jumped by 40000 in a ring of 64");
	sim_free(sim);
}

static void a_guest_whose_memory_shrinks_is_detached(void **state)
{
	struct sim *sim = sim_new(RING_SPLIT, MODERN, MODERN);
	struct guest *g = &sim->guest[0];
	int fd = memfd_create("guest", MFD_CLOEXEC);
	uint8_t *at;

	(void)state;
	assert_int_equal(sigbus_install(NULL), 0);

	/* Its second region, where its frames are, becomes a file's. */
	assert_int_equal(ftruncate(fd, MODEL_REGION_SIZE), 0);
	at = mmap(NULL, MODEL_REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	g->memory.mem.region[1].host = at;
	assert_int_equal(sigbus_guard(at, MODEL_REGION_SIZE, &g->memory.mem.shrank, NULL), 0);

	assert_int_equal(worker_start(sim->worker, NULL), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	(void)send_frame(g, 1);
	wait_for_worker(sim);
	assert_true(worker_has_finished(&g->attachment));
	assert_string_equal(g->port->fault, "its memory shrank");
	sim_free(sim);

	sigbus_unguard(at);
	(void)munmap(at, MODEL_REGION_SIZE);
	(void)close(fd);
}

/* A front-end that changes its mind all the time, in the middle of traffic. */
static void ports_come_and_go_while_the_worker_polls(void **state)
{
	(void)state;
	for (unsigned l = 0; l < ARRAY_SIZE(layouts); l++) {
		struct sim *sim = sim_new(layouts[l], MODERN, MODERN);
		struct guest *from = &sim->guest[0], *to = &sim->guest[1];
		unsigned n_polled = 0;

		from->attachment.poll_ns = to->attachment.poll_ns = 1000000;
		assert_int_equal(worker_start(sim->worker, NULL), 0);
		for (unsigned i = 0; i < 300; i++) {
			for (unsigned k = 0; k < 20; k++)
				(void)send_frame(from, 1);
			while (to->n_received < from->n_sent)
				(void)receive_frame(to, 1);

			n_polled += __atomic_load_n(&from->attachment.is_polled, __ATOMIC_RELAXED);
			worker_unwatch(sim->worker, &from->attachment);
			(void)path_publish_attachment(&from->member, NULL);
			path_synchronize();
			assert_false(from->attachment.is_polled);
			from->from.config.base = port_vhost_base(from->port, 1);
			from->to.config.base = port_vhost_base(from->port, 0);
			from->port = port_close(from->port);
			memset(&from->attachment, 0xee, sizeof(from->attachment));
			open_port(from, MODERN);
			from->attachment.poll_ns = 1000000;
			assert_int_equal(worker_watch(sim->worker, &from->attachment, NULL), 0);
		}
		assert_true(n_polled > 0); /* or nothing was tried */
		sim_free(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_pass_both_ways),
		cmocka_unit_test(a_guest_that_does_not_receive_loses_its_own_frames),
		cmocka_unit_test(a_quiet_guest_is_not_polled_and_its_kick_wakes),
		cmocka_unit_test(a_busy_guest_is_polled_and_need_not_kick),
		cmocka_unit_test(what_is_decided_on_is_what_is_delivered),
		cmocka_unit_test(headers_that_lie_are_not_passed_on),
		cmocka_unit_test(a_guest_without_checksums_gets_finished_ones),
		cmocka_unit_test(a_broken_ring_is_the_control_threads),
		cmocka_unit_test(a_guest_whose_memory_shrinks_is_detached),
		cmocka_unit_test(ports_come_and_go_while_the_worker_polls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vhost", tests, NULL, NULL);
}
