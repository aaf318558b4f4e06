/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processor time from the process clocks and /proc/stat, and a cache line that
 * two threads toss to each other.
 */
#include "cpu.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

/* The first line of /proc/stat: "cpu user nice system idle iowait irq softirq
 * steal ...", in ticks.
 */
static void read_machine(struct cpu_times *times)
{
	enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COUNT };
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t value[COUNT];
	char line[256], *at = line + strlen("cpu");
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return;

	if (fgets(line, sizeof(line), file)) {
		for (int i = 0; i < COUNT; i++)
			value[i] = strtoull(at, &at, 10) * tick;
		times->busy =
			value[USER] + value[NICE] + value[SYSTEM] + value[IRQ] + value[SOFTIRQ];
		times->steal = value[STEAL];
	}
	(void)fclose(file);
}

/* The second number in a thread's schedstat: nanoseconds in the run queue. */
static uint64_t thread_waited(const char *path)
{
	char line[128] = "", *at = line;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;

	if (fgets(line, sizeof(line), file))
		(void)strtoull(line, &at, 10);
	(void)fclose(file);
	return strtoull(at, NULL, 10);
}

static uint64_t process_waited(pid_t pid)
{
	char path[320];
	const struct dirent *thread;
	uint64_t waited = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;

	while ((thread = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid,
			       thread->d_name);
		waited += thread_waited(path);
	}
	(void)closedir(dir);
	return waited;
}

void cpu_times_read(struct cpu_times *times, long switch_pid)
{
	clockid_t clock;

	*times = (struct cpu_times){ .at = clock_ns() };
	times->own = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	times->waited = process_waited(getpid());
	if (switch_pid)
		times->waited += process_waited((pid_t)switch_pid);
	if (switch_pid && clock_getcpuclockid((pid_t)switch_pid, &clock) == 0)
		times->forward = clock_read_ns(clock);
	read_machine(times);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

void cpu_times_print(const struct cpu_times *begin, const struct cpu_times *end)
{
	uint64_t own = end->own - begin->own, forward = end->forward - begin->forward;
	uint64_t busy = end->busy - begin->busy, known = own + forward;

	printf(", \"seconds\": %.6f", seconds(end->at - begin->at));
	printf(", \"cpu\": {\"load\": %.6f, \"switch\": %.6f", seconds(own), seconds(forward));
	printf(", \"others\": %.3f, \"waited\": %.6f, \"steal\": %.3f}",
	       seconds(busy - MIN(busy, known)), seconds(end->waited - begin->waited),
	       seconds(end->steal - begin->steal));
}

void cpu_pin(long cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The kernel leaves out what this process may not have. */
void cpu_unpin(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
}

static bool may_have(long cpu)
{
	cpu_set_t set;

	cpu_unpin();
	return cpu >= 0 && sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_ISSET(cpu, &set);
}

#define TOSSES 1000
#define SERIES 7

struct ball {
	_Alignas(128) unsigned at; /* even: with the first thread, odd: with the second */
	long cpu;
};

/* Waits 'n' times for the ball, at 'at' first, and tosses it back. */
static void toss(struct ball *ball, unsigned at, unsigned n)
{
	for (unsigned end = at + 2 * n; at != end; at += 2) {
		while (__atomic_load_n(&ball->at, __ATOMIC_ACQUIRE) != at)
			;
		__atomic_store_n(&ball->at, at + 1, __ATOMIC_RELEASE);
	}
}

static void *return_ball(void *arg)
{
	struct ball *ball = arg;

	cpu_pin(ball->cpu);
	toss(ball, 1, SERIES * TOSSES);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

unsigned cpu_distance_ns(long a, long b)
{
	struct ball ball = { .cpu = b };
	uint64_t series[SERIES];
	pthread_t thread;

	if (a == b || !may_have(a) || !may_have(b) ||
	    pthread_create(&thread, NULL, return_ball, &ball) != 0)
		return 0;

	cpu_pin(a);
	for (unsigned i = 0; i < SERIES; i++) {
		uint64_t start = clock_ns();

		toss(&ball, 2 * TOSSES * i, TOSSES);
		series[i] = clock_ns() - start;
	}

	pthread_join(thread, NULL);
	cpu_unpin();
	qsort(series, SERIES, sizeof(series[0]), compare);
	return (unsigned)(series[SERIES / 2] / TOSSES);
}
