/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the processors did, and how far apart two of them are. */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdint.h>

#include "base/err.h"

/* Nanoseconds of processor time since some moment. */
struct cpu_times {
	uint64_t at;	  /* when this was read */
	uint64_t own;	  /* this process */
	uint64_t forward; /* the process that forwards, 0 without one */
	uint64_t busy;	  /* everybody, in the kernel's ticks (10 ms) */
	uint64_t waited;  /* both processes could have run, and others did */
	uint64_t steal;	  /* a hypervisor's other guests, also in ticks */
};

/* 'switch_pid' is 0 when the kernel forwards. */
void cpu_times_read(struct cpu_times *times, long switch_pid);

/* Prints what was used in between, in seconds, as members of a JSON object that
 * has some already. "others" is what neither process used, to the kernel's tick.
 */
void cpu_times_print(const struct cpu_times *begin, const struct cpu_times *end);

/* Ties the calling thread to 'cpu'; does nothing if that is negative. */
void cpu_pin(long cpu);

/* Lets the calling thread run anywhere again. */
void cpu_unpin(void);

/* How long a cache line takes from CPU 'a' to CPU 'b' and back, in
 * nanoseconds; 0 if they are the same or cannot be had. A hypervisor moves
 * virtual CPUs about, and everything between two cores costs more when they
 * are far apart. The calling thread is unpinned afterwards.
 */
unsigned cpu_distance_ns(long a, long b);

#endif
