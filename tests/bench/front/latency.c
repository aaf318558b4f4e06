/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Latency: one frame there and one back, polled for or slept for. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "measuring.h"

#define LOST_MS 3000 /* an answer that has not come by then will not come */

/* Waits for one more frame of 'lane' in the peer's rings. One that is there
 * although nobody called is late, and not lost: '*late' counts it.
 */
static bool await(struct traffic *traffic, const struct lane *lane, struct sink *sink,
		  uint64_t *late)
{
	struct pollfd pollfd = { .fd = sink->rx->call_fd, .events = POLLIN };
	uint64_t before = lane->received, deadline = clock_ns() + LOST_MS * 1000000ULL;
	unsigned turns = 0;
	bool called = true;

	for (;;) {
		traffic_receive(traffic, sink);
		if (lane->received > before) {
			if (!called)
				++*late;
			return true;
		}
		if (!called || sink->rx->broken)
			return false;
		if (late && ring_arm(sink->rx))
			called = poll(&pollfd, 1, LOST_MS) > 0;
		if (!late && ++turns % 64 == 0 && clock_ns() > deadline)
			return false;
	}
}

static bool cross(struct traffic *traffic, unsigned from, uint64_t *late)
{
	struct lane *lane = &traffic->lane[from];

	if (!traffic_send(traffic, lane, 1))
		return false;

	return await(traffic, lane, &traffic->sink[!from], late);
}

struct samples {
	uint32_t *ns;
	size_t n;
	uint64_t lost, late;
};

static void run_until(struct samples *samples, struct traffic *traffic, uint64_t end, bool sleep)
{
	uint64_t *late = sleep ? &samples->late : NULL;
	uint64_t start = clock_ns();

	while (start < end) {
		bool back = cross(traffic, 0, late) && cross(traffic, 1, late);
		uint64_t now = clock_ns();

		if (!back)
			samples->lost++;
		else if (samples->n < LATENCY_SAMPLES_MAX)
			samples->ns[samples->n++] = (uint32_t)(now - start);
		start = now;
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void latency_summarise(struct latency *latency, uint32_t *ns, size_t n)
{
	latency->samples = n;
	if (!n)
		return;

	qsort(ns, n, sizeof(ns[0]), compare);
	latency->min = ns[0];
	latency->p50 = ns[n / 2];
	latency->p99 = ns[n - 1 - n / 100];
}

int latency_run(struct latency *ret, struct traffic *traffic, const struct plan *plan,
		struct err *err)
{
	struct samples samples = { .ns = calloc(LATENCY_SAMPLES_MAX, sizeof(samples.ns[0])) };
	struct latency run = { 0 };

	if (!samples.ns)
		return err_set(err, ENOMEM, "out of memory");

	cpu_pin(plan->cpus[0]);
	run_until(&samples, traffic, clock_ns() + plan->warmup, plan->sleep);
	samples.n = 0;
	samples.lost = 0;
	cpu_times_read(&run.begin, plan->switch_pid);
	run_until(&samples, traffic, run.begin.at + plan->period, plan->sleep);
	cpu_times_read(&run.end, plan->switch_pid);
	cpu_unpin();

	run.lost = samples.lost;
	run.late = samples.late;
	latency_summarise(&run, samples.ns, samples.n);
	free(samples.ns);
	*ret = run;
	for (unsigned i = 0; i < 2; i++)
		if (traffic->sink[i].rx->broken)
			return err_set(err, EPROTO, "the switch broke a ring: %s",
				       traffic->sink[i].rx->broken);

	return 0;
}
