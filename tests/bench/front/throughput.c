/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Throughput: send, receive, and never sleep. */
#include <errno.h>
#include <string.h>

#include "bench/clock.h"
#include "measuring.h"

#define TURNS 16 /* between two looks at the clock */
/* A path that delivered nothing for so long is empty. Where each frame is to be
 * accounted for, a busy machine's switch is given longer.
 */
#define QUIET_NS	100000000
#define QUIET_VERIFY_NS (20 * UINT64_C(100000000))

#define STALLED_NS 100000000 /* a window that did not move for so long has lost frames */

static const char *broken(const struct traffic *traffic)
{
	for (unsigned i = 0; i < traffic->n_lanes; i++) {
		const char *reason = guest_broken(traffic->lane[i].to);

		if (reason)
			return reason;
	}

	return NULL;
}

static void turn(struct traffic *traffic, unsigned batch)
{
	for (unsigned i = 0; i < traffic->n_lanes; i++)
		if (traffic->lane[i].active)
			traffic_send(traffic, &traffic->lane[i], batch);
	for (unsigned i = 0; i < traffic->n_sinks; i++)
		traffic_receive(traffic, &traffic->sink[i]);
}

/* Lanes with a window would wait for ever for frames that were dropped. */
struct stall {
	uint64_t received, since;
};

static void forgive(struct stall *stall, struct traffic *traffic, uint64_t now)
{
	uint64_t received = traffic_received(traffic);

	if (received != stall->received) {
		*stall = (struct stall){ received, now };
		return;
	}
	if (!traffic->window || now - stall->since < STALLED_NS)
		return;

	for (unsigned i = 0; i < traffic->n_lanes; i++)
		traffic->lane[i].given_up = traffic->lane[i].sent;
	stall->since = now;
}

static void load_until(struct traffic *traffic, uint64_t end, unsigned batch)
{
	struct stall stall = { 0, clock_ns() };
	uint64_t now;

	do {
		for (unsigned i = 0; i < TURNS; i++)
			turn(traffic, batch);
		now = clock_ns();
		forgive(&stall, traffic, now);
	} while (now < end && !broken(traffic));
}

/* Frames that arrived for the first time, and in order. */
static uint64_t arrived(const struct traffic *traffic)
{
	uint64_t n = traffic_received(traffic);

	for (unsigned i = 0; i < traffic->n_lanes; i++)
		n -= traffic->lane[i].reordered;
	return n;
}

static void drain(struct traffic *traffic)
{
	uint64_t quiet_since = clock_ns(), received = traffic_received(traffic);
	uint64_t quiet = traffic->verify ? QUIET_VERIFY_NS : QUIET_NS;

	while (arrived(traffic) < traffic_sent(traffic) && clock_ns() - quiet_since < quiet) {
		turn(traffic, 0);
		if (traffic_received(traffic) == received)
			continue;
		received = traffic_received(traffic);
		quiet_since = clock_ns();
	}
}

static double share_full(const struct traffic *traffic)
{
	uint64_t tries = 0, full = 0;

	for (unsigned i = 0; i < traffic->n_lanes; i++) {
		tries += traffic->lane[i].tries;
		full += traffic->lane[i].full;
	}
	return tries ? (double)full / (double)tries : 0;
}

int throughput_run(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
		   uint64_t *received_by_lane, struct err *err)
{
	unsigned batch = (unsigned)plan->batch;
	struct throughput run = { 0 };
	uint64_t now;

	cpu_pin(plan->cpus[0]);
	now = clock_ns();
	load_until(traffic, now + plan->warmup, batch);

	cpu_times_read(&run.begin, plan->switch_pid);
	run.sent = traffic_sent(traffic);
	run.received = traffic_received(traffic);
	for (unsigned i = 0; i < traffic->n_lanes; i++)
		received_by_lane[i] = traffic->lane[i].received;

	load_until(traffic, run.begin.at + plan->period, batch);
	cpu_times_read(&run.end, plan->switch_pid);
	run.sent = traffic_sent(traffic) - run.sent;
	run.received = traffic_received(traffic) - run.received;
	for (unsigned i = 0; i < traffic->n_lanes; i++)
		received_by_lane[i] = traffic->lane[i].received - received_by_lane[i];

	run.full = share_full(traffic);
	drain(traffic);
	cpu_unpin();
	if (broken(traffic))
		return err_set(err, EPROTO, "the switch broke a ring: %s", broken(traffic));

	run.total_sent = traffic_sent(traffic);
	run.total_received = traffic_received(traffic);
	*ret = run;
	return 0;
}

static void burst_until(struct throughput *run, struct traffic *traffic, uint64_t end)
{
	struct lane *lane = &traffic->lane[0];
	unsigned n = (unsigned)traffic->window;

	while (clock_ns() < end && !broken(traffic)) {
		uint64_t ns = traffic_burst(traffic, lane, &traffic->sink[1], n);

		run->timed_ns += ns;
		run->received += ns ? n : 0;
	}
}

int bursts_run(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
	       struct err *err)
{
	struct throughput run = { 0 };

	cpu_pin(plan->cpus[0]);
	burst_until(&run, traffic, clock_ns() + plan->warmup);
	run.timed_ns = run.received = 0;
	cpu_times_read(&run.begin, plan->switch_pid);
	burst_until(&run, traffic, run.begin.at + plan->period);
	cpu_times_read(&run.end, plan->switch_pid);
	cpu_unpin();
	if (broken(traffic))
		return err_set(err, EPROTO, "the switch broke a ring: %s", broken(traffic));

	run.sent = run.received;
	run.total_sent = traffic_sent(traffic);
	run.total_received = traffic_received(traffic);
	*ret = run;
	return 0;
}
