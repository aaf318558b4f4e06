/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to measure between played guests, and the floors that no switch can
 * be faster than.
 */
#ifndef FRONT_MEASURING_H
#define FRONT_MEASURING_H

#include "bench/cpu.h"
#include "traffic.h"

/* How to measure. */
struct plan {
	long cpus[2];	 /* the generator's, and the one that floors use too; -1: any */
	uint64_t warmup; /* nanoseconds that do not count */
	uint64_t period; /* nanoseconds that do */
	long switch_pid; /* whose processor time to read, 0: nobody's */
	long batch;	 /* frames a lane sends in its turn */
	bool bursts;	 /* throughput: of a window at a time */
	bool sleep;	 /* latency: wait for the switch's call instead of polling */
};

struct throughput {
	uint64_t sent, received;	     /* while it counted */
	uint64_t total_sent, total_received; /* in the whole run; the rest was lost */
	uint64_t timed_ns;		     /* of bursts: how long they took; else 0 */
	double full;			     /* share of attempts to send that found no room */
	struct cpu_times begin, end;
};

/* Loads all active lanes for the plan's time; then waits for what is under way.
 * 'received_by_lane' has room for each lane. -EPROTO if a ring broke.
 */
int throughput_run(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
		   uint64_t *received_by_lane, struct err *err);

/* Bursts of frames through the first lane, as many as may be under way. Only the
 * time from the first descriptor to the last frame counts: what the switch can do
 * with what another core has just written, however slowly that writes.
 */
int bursts_run(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
	       struct err *err);

/* There and back again, nanoseconds. */
struct latency {
	uint64_t samples, lost;
	uint64_t late; /* had arrived, but without the call that was asked for */
	uint64_t min, p50, p99;
	struct cpu_times begin, end;
};

/* One frame through the first lane, and one back through the second. */
int latency_run(struct latency *ret, struct traffic *traffic, const struct plan *plan,
		struct err *err);

/* What a switch that did nothing but copy would reach: another thread, on the
 * second CPU, copies each frame once, from slots of the size, number and
 * content that lane 0 has into its sink's.
 */
int floor_copy(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
	       struct err *err);

/* What two round trips between two sleepers take: the wake-ups that a frame
 * there and back needs, if everybody sleeps.
 */
int floor_wake(struct latency *ret, const struct plan *plan, struct err *err);

/* For both latencies: sorts 'ns' and summarises. */
void latency_summarise(struct latency *latency, uint32_t *ns, size_t n);

#define LATENCY_SAMPLES_MAX (4u << 20)

#endif
