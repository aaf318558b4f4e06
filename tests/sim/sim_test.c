/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole hub in one process and one thread: no sockets, no clock.
 *
 * Ports are queues in memory that the test fills and empties. What is tested
 * is path: that every frame that enters is delivered or counted under a
 * reason, that a reflecting lower gives frames back once, that bursts too
 * large for the queues' pool lose nothing, and that a port that no longer is
 * the endpoint's cannot speak for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "path/forward.h"
#include "path/worker.h"
#include "port/burst.h"
#include "port/dummy.h"
#include "port/stream.h"
#include "wire/eth.h"

#define ENDPOINTS_MAX 200
#define FRAME_LEN     60

/* A port that remembers how much it was given, and takes at most 'room'. */
struct queue_port {
	struct port up;
	unsigned room;
	enum drop why;
	unsigned n_taken;
	uint8_t first_tags[4]; /* of the first frames taken: their last byte */
	uint8_t last_tag;      /* of the last one */
};

static unsigned queue_rx(struct port *port, struct burst *in, unsigned budget)
{
	(void)port;
	(void)in;
	(void)budget;
	return 0;
}

static void queue_release(struct port *port)
{
	(void)port;
}

static unsigned queue_tx(struct port *port, struct frame *const frames[], unsigned n,
			 enum drop *ret_why)
{
	struct queue_port *queue = container_of(port, struct queue_port, up);
	unsigned taken = MIN(n, queue->room);

	for (unsigned i = 0; i < taken; i++) {
		const struct iovec *last = &frames[i]->iov[frames[i]->n_iov - 1];

		queue->last_tag = ((const uint8_t *)last->iov_base)[last->iov_len - 1];
		if (queue->n_taken + i < ARRAY_SIZE(queue->first_tags))
			queue->first_tags[queue->n_taken + i] = queue->last_tag;
	}
	queue->n_taken += taken;
	queue->room -= taken;
	if (taken < n)
		*ret_why = queue->why;
	return taken;
}

static void queue_close(struct port *port)
{
	(void)port;
}

static const struct port_ops queue_ops = {
	.kind = "queue",
	.rx = queue_rx,
	.release = queue_release,
	.tx = queue_tx,
	.close = queue_close,
};

/* A hub with 'n' bridge endpoints, unless a test says otherwise. */
struct sim {
	struct path_hub hub;
	struct path_attachment lower_attachment;
	struct port *lower_port;
	unsigned n;
	struct path_member member[ENDPOINTS_MAX];
	struct path_attachment attachment[ENDPOINTS_MAX];
	struct queue_port queue[ENDPOINTS_MAX];
	struct fwd_endpoint endpoint[ENDPOINTS_MAX];
	struct forward *forward;
	struct burst *burst;
	uint8_t bytes[BURST_MAX][FRAME_LEN];
	uint64_t n_sent; /* frames given to forward_burst() */
};

static void ignore(void *context, struct path_attachment *attachment)
{
	(void)context;
	(void)attachment;
}

static struct mac endpoint_mac(unsigned i)
{
	return (struct mac){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

static void publish(struct sim *sim)
{
	static const struct fwd_lower lower = { .mtu = 1500, .up = true, .carrier = true };
	struct path_table *table = NULL;
	struct fwd_table *fwd = NULL;

	assert_int_equal(fwd_table_new(&lower, sim->endpoint, sim->n, 99, &fwd, NULL), 0);
	assert_int_equal(path_table_new(fwd, sim->n, &table, NULL), 0);
	for (unsigned i = 0; i < sim->n; i++)
		table->member[i] = &sim->member[i];
	path_table_free(path_publish_table(&sim->hub, table));
}

static struct sim *sim_new(unsigned n, enum port_dummy_hairpin hairpin)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	assert_non_null(sim);
	sim->n = n;
	sim->hub.lower = (struct path_member){ .hub = &sim->hub, .slot = FWD_NOBODY };
	assert_int_equal(port_dummy_open(hairpin, 1518, &sim->lower_port, NULL), 0);
	sim->lower_attachment =
		(struct path_attachment){ .port = sim->lower_port, .member = &sim->hub.lower };
	sim->hub.lower.active = &sim->lower_attachment;

	for (unsigned i = 0; i < n; i++) {
		sim->queue[i] = (struct queue_port){ .up = { .ops = &queue_ops, .fd = -1 },
						     .room = UINT32_MAX };
		sim->member[i] = (struct path_member){ .hub = &sim->hub, .slot = (uint16_t)i };
		sim->attachment[i] = (struct path_attachment){ .port = &sim->queue[i].up,
							       .member = &sim->member[i] };
		sim->member[i].active = &sim->attachment[i];
		sim->endpoint[i] = (struct fwd_endpoint){ .slot = (uint16_t)i,
							  .mac = endpoint_mac(i),
							  .mode = FWD_MODE_BRIDGE,
							  .up = true,
							  .mtu = 1500 };
	}
	publish(sim);
	assert_int_equal(forward_new(ignore, NULL, &sim->forward, NULL), 0);
	assert_int_equal(burst_new(&sim->burst, NULL), 0);
	burst_clear(sim->burst);
	return sim;
}

static void sim_free(struct sim *sim)
{
	path_table_free(sim->hub.table);
	forward_free(sim->forward);
	burst_free(sim->burst);
	port_close(sim->lower_port);
	free(sim);
}

static void add_frame(struct sim *sim, struct mac dst, struct mac src, uint8_t tag)
{
	uint8_t *bytes = sim->bytes[sim->burst->n];

	memset(bytes, 0, FRAME_LEN);
	memcpy(bytes, dst.byte, 6);
	memcpy(bytes + 6, src.byte, 6);
	be16_store(bytes + 12, ETH_TYPE_IPV4);
	bytes[FRAME_LEN - 1] = tag;
	assert_non_null(burst_append(sim->burst, bytes, FRAME_LEN));
}

/* Forwards the burst as having come from endpoint 'i'. */
static void send_from(struct sim *sim, unsigned i)
{
	sim->n_sent += sim->burst->n;
	for (int why = 0; why < DROP_COUNT; why++)
		sim->n_sent += sim->burst->dropped[why];
	forward_burst(sim->forward, &sim->attachment[i], sim->burst);
	burst_clear(sim->burst);
}

static uint64_t sum(const uint64_t drops[DROP_COUNT])
{
	uint64_t total = 0;

	for (int why = 0; why < DROP_COUNT; why++)
		total += drops[why];
	return total;
}

/* The sum that must hold (path/counters.h). What the lower reflects enters
 * again, so it counts as sent.
 */
static void expect_nothing_lost(const struct sim *sim)
{
	uint64_t entered = 0, accepted = 0, ended = sim->hub.host;

	for (unsigned i = 0; i <= sim->n; i++) {
		const struct path_counters *c =
			i < sim->n ? &sim->member[i].counters : &sim->hub.lower.counters;

		accepted += c->in.frames;
		ended += c->out.frames + sum(c->drops_out);
		if (i < sim->n)
			entered += c->in.frames + sum(c->drops_in);
	}
	assert_int_equal(entered, sim->n_sent);
	assert_int_equal(accepted + sim->hub.replicas, ended);
}

static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct mac stranger = { { 2, 0xee, 0, 0, 0, 1 } };

static void a_unicast_reaches_its_sibling_alone(void **state)
{
	struct sim *sim = sim_new(3, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	for (uint8_t i = 0; i < BURST_MAX; i++)
		add_frame(sim, endpoint_mac(1), endpoint_mac(0), i);
	send_from(sim, 0);
	assert_int_equal(sim->queue[1].n_taken, BURST_MAX);
	assert_int_equal(sim->queue[1].last_tag, BURST_MAX - 1); /* in order */
	assert_int_equal(sim->queue[2].n_taken, 0);
	assert_int_equal(sim->hub.lower.counters.out.frames, 0);
	assert_int_equal(sim->member[1].counters.out.bytes, BURST_MAX * FRAME_LEN);
	expect_nothing_lost(sim);
	sim_free(sim);
}

/* 64 broadcasts to 199 receivers are three times the pool of queue entries, if
 * no two that follow each other are alike.
 */
static void a_burst_beyond_the_pool_loses_nothing(void **state)
{
	struct sim *sim = sim_new(ENDPOINTS_MAX, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	for (uint8_t i = 0; i < BURST_MAX; i++)
		add_frame(sim, broadcast, i % 2 ? stranger : endpoint_mac(7), i);
	send_from(sim, 7);
	for (unsigned i = 0; i < sim->n; i++) {
		assert_int_equal(sim->queue[i].n_taken, i == 7 ? 0 : BURST_MAX);
		if (i != 7)
			assert_int_equal(sim->queue[i].last_tag, BURST_MAX - 1);
	}
	assert_int_equal(sim->hub.lower.counters.out.frames, BURST_MAX);
	assert_int_equal(sim->hub.replicas, (uint64_t)BURST_MAX * (ENDPOINTS_MAX - 1));
	expect_nothing_lost(sim);
	sim_free(sim);
}

static void a_reflecting_lower_gives_frames_back_once(void **state)
{
	struct sim *sim = sim_new(4, PORT_DUMMY_HAIRPIN_ON);

	(void)state;
	for (unsigned i = 0; i < sim->n; i++)
		sim->endpoint[i].mode = FWD_MODE_VEPA;
	publish(sim);
	add_frame(sim, endpoint_mac(1), endpoint_mac(0), 1);
	add_frame(sim, broadcast, endpoint_mac(0), 2);
	add_frame(sim, stranger, endpoint_mac(0), 3);
	send_from(sim, 0);
	assert_int_equal(sim->queue[0].n_taken, 0);
	assert_int_equal(sim->queue[1].n_taken, 2);
	assert_int_equal(sim->queue[2].n_taken, 1);
	assert_int_equal(sim->queue[3].n_taken, 1);
	assert_int_equal(sim->hub.lower.counters.out.frames, 3);
	/* The stranger's frame came back, and nobody is there to have it. */
	assert_int_equal(sim->hub.lower.counters.drops_in[DROP_NO_OWNER], 1);
	expect_nothing_lost(sim);
	sim_free(sim);
}

/* Its own group frames, reflected, are a source endpoint's, and once more so if
 * it lists itself: two bursts' worth in one queue.
 */
static void a_source_endpoint_that_lists_itself_harms_nobody(void **state)
{
	struct sim *sim = sim_new(1, PORT_DUMMY_HAIRPIN_ON);
	const struct mac itself = endpoint_mac(0);

	(void)state;
	sim->endpoint[0].mode = FWD_MODE_SOURCE;
	sim->endpoint[0].sources = &itself;
	sim->endpoint[0].n_sources = 1;
	publish(sim);
	for (uint8_t i = 0; i < BURST_MAX; i++)
		add_frame(sim, broadcast, itself, i);
	send_from(sim, 0);
	assert_int_equal(sim->queue[0].n_taken, 2 * BURST_MAX);
	assert_int_equal(sim->queue[0].last_tag, BURST_MAX - 1);
	/* Both copies of a frame come before the next, as from the kernel. */
	assert_memory_equal(sim->queue[0].first_tags, "\0\0\1\1", 4);
	expect_nothing_lost(sim);
	sim_free(sim);
}

static void a_full_receiver_costs_only_its_own_frames(void **state)
{
	struct sim *sim = sim_new(3, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	sim->queue[1].room = 5;
	sim->queue[1].why = DROP_PEER_FULL;
	for (uint8_t i = 0; i < 10; i++)
		add_frame(sim, broadcast, endpoint_mac(0), i);
	send_from(sim, 0);
	assert_int_equal(sim->queue[1].n_taken, 5);
	assert_int_equal(sim->member[1].counters.drops_out[DROP_PEER_FULL], 5);
	assert_int_equal(sim->queue[2].n_taken, 10);
	expect_nothing_lost(sim);
	sim_free(sim);
}

/* OVERSIZE concerns one frame: those behind it are sent. */
static void one_refused_frame_does_not_take_others_along(void **state)
{
	struct sim *sim = sim_new(2, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	sim->queue[1].room = 3;
	sim->queue[1].why = DROP_OVERSIZE;
	for (uint8_t i = 0; i < 5; i++)
		add_frame(sim, endpoint_mac(1), endpoint_mac(0), i);
	send_from(sim, 0);
	/* Each of the two is refused for itself. */
	assert_int_equal(sim->member[1].counters.drops_out[DROP_OVERSIZE], 2);
	expect_nothing_lost(sim);
	sim_free(sim);
}

static void frames_for_nobody_are_counted(void **state)
{
	struct sim *sim = sim_new(3, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	sim->member[1].active = NULL;
	sim->hub.lower.active = NULL;
	add_frame(sim, endpoint_mac(1), endpoint_mac(0), 1);
	add_frame(sim, stranger, endpoint_mac(0), 2);
	burst_drop(sim->burst, DROP_RUNT);
	send_from(sim, 0);
	assert_int_equal(sim->member[1].counters.drops_out[DROP_NO_PEER], 1);
	assert_int_equal(sim->hub.lower.counters.drops_out[DROP_LOWER_DOWN], 1);
	assert_int_equal(sim->member[0].counters.drops_in[DROP_RUNT], 1);
	expect_nothing_lost(sim);
	sim_free(sim);
}

static void a_port_that_was_replaced_cannot_speak(void **state)
{
	struct sim *sim = sim_new(3, PORT_DUMMY_HAIRPIN_OFF);

	(void)state;
	sim->member[0].active = &sim->attachment[2];
	add_frame(sim, endpoint_mac(1), endpoint_mac(0), 1);
	send_from(sim, 0);
	assert_int_equal(sim->queue[1].n_taken, 0);
	assert_int_equal(sim->member[0].counters.drops_in[DROP_OTHER_PEER], 1);
	sim_free(sim);
}

/* A stream's frames, read with one system call, are several bursts; nothing
 * makes the descriptor readable again for those behind the first.
 */
static void frames_read_at_once_are_forwarded_at_once(void **state)
{
	enum { N = 3 * BURST_MAX + 1, SIZE = 4 + FRAME_LEN };
	struct sim *sim = sim_new(2, PORT_DUMMY_HAIRPIN_OFF);
	struct worker *worker = NULL;
	struct port *port = NULL;
	uint8_t out[N * SIZE];
	int fds[2];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		be32_store(out + i * SIZE, FRAME_LEN);
		add_frame(sim, endpoint_mac(1), endpoint_mac(0), (uint8_t)i);
		memcpy(out + i * SIZE + 4, sim->bytes[0], FRAME_LEN);
		burst_clear(sim->burst);
	}

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(port_stream_open(fds[0], &port, NULL), 0);
	assert_int_equal(worker_new(&worker, NULL), 0);
	sim->attachment[0].port = port;
	assert_int_equal(worker_watch(worker, &sim->attachment[0], NULL), 0);

	worker_enter();
	assert_int_equal(write(fds[1], out, sizeof(out)), sizeof(out));
	assert_int_equal(worker_round(worker), 1);
	assert_int_equal(sim->queue[1].n_taken, N);
	assert_int_equal(sim->queue[1].last_tag, N - 1);
	assert_int_equal(worker_round(worker), 0);
	worker_leave();

	worker_unwatch(worker, &sim->attachment[0]);
	worker_free(worker);
	port_close(port);
	(void)close(fds[1]);
	sim_free(sim);
}

/* Every mode, every kind of destination, hairpin on: the sum holds. */
static void the_sum_holds_for_random_traffic(void **state)
{
	static const enum fwd_mode modes[] = { FWD_MODE_PRIVATE, FWD_MODE_VEPA, FWD_MODE_BRIDGE,
					       FWD_MODE_SOURCE };
	const struct mac sources[] = { endpoint_mac(0), endpoint_mac(3), stranger };
	struct sim *sim = sim_new(24, PORT_DUMMY_HAIRPIN_ON);
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < sim->n; i++) {
			struct fwd_endpoint *endpoint = &sim->endpoint[i];

			endpoint->mode = modes[(unsigned)rand_r(&seed) % ARRAY_SIZE(modes)];
			endpoint->up = rand_r(&seed) % 8 != 0;
			endpoint->flags = rand_r(&seed) % 4 ? 0 : FWD_FLAG_NODST;
			endpoint->sources = sources;
			endpoint->n_sources = (unsigned)rand_r(&seed) % ARRAY_SIZE(sources);
			sim->queue[i].room = (unsigned)rand_r(&seed) % 400;
			sim->queue[i].why = rand_r(&seed) % 2 ? DROP_PEER_FULL : DROP_OVERSIZE;
		}
		publish(sim);
		for (unsigned i = 0; i < BURST_MAX; i++) {
			struct mac to = endpoint_mac((unsigned)rand_r(&seed) % 30);
			struct mac from = endpoint_mac((unsigned)rand_r(&seed) % 30);

			add_frame(sim, rand_r(&seed) % 4 ? to : broadcast, from, 0);
		}
		send_from(sim, (unsigned)rand_r(&seed) % sim->n);
		expect_nothing_lost(sim);
	}
	sim_free(sim);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unicast_reaches_its_sibling_alone),
		cmocka_unit_test(a_burst_beyond_the_pool_loses_nothing),
		cmocka_unit_test(a_reflecting_lower_gives_frames_back_once),
		cmocka_unit_test(a_source_endpoint_that_lists_itself_harms_nobody),
		cmocka_unit_test(a_full_receiver_costs_only_its_own_frames),
		cmocka_unit_test(one_refused_frame_does_not_take_others_along),
		cmocka_unit_test(frames_for_nobody_are_counted),
		cmocka_unit_test(a_port_that_was_replaced_cannot_speak),
		cmocka_unit_test(frames_read_at_once_are_forwarded_at_once),
		cmocka_unit_test(the_sum_holds_for_random_traffic),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
