/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two things to measure about a path: what it carries and how long it takes. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "cpu.h"
#include "side.h"

/* How to measure. */
struct plan {
	long threads;	 /* 1: one polls both ends; 2: source and sink, who sleep when idle */
	long cpus[2];	 /* where the threads run, -1: anywhere */
	uint64_t warmup; /* nanoseconds that do not count */
	uint64_t quiet;	 /* a path that delivered nothing for so long is empty */
	uint64_t period; /* nanoseconds that do */
	long switch_pid; /* whose processor time to read, 0: nobody's */
};

/* One way, as fast as it goes. */
struct flow {
	uint64_t sent, received;	     /* while it counted */
	uint64_t total_sent, total_received; /* in the whole run; the rest was lost */
	struct cpu_times begin, end;
};

/* 'source' sends to 'sink' as fast as it can for the plan's time; what was under
 * way at the end is waited for, so that all that is missing then was lost.
 */
int flow_run(struct flow *ret_flow, struct side *source, struct side *sink, const struct plan *plan,
	     struct err *err);

/* One frame there, one back, nanoseconds. */
struct echo {
	uint64_t samples, lost;
	uint64_t min, p50, p99;
	struct cpu_times begin, end;
};

/* 'a' sends one frame, 'b' answers it with one, for the plan's time. One thread
 * plays both. With one thread planned it polls, so that every sleep is the
 * switch's; with two planned it sleeps until each frame is there.
 */
int echo_run(struct echo *ret_echo, struct side *a, struct side *b, const struct plan *plan,
	     struct err *err);

#endif
