/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Latency: one frame there and one back, again and again. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "measure.h"

#define SAMPLES_MAX (4u << 20)
#define LOST_NS	    200000000 /* an answer that has not come by then will not come */

struct samples {
	uint32_t *ns;
	size_t n;
};

/* Waits for one more frame on 'side'; returns 0 if none came, 1 if one did. */
static int await(struct side *side, bool sleep)
{
	uint64_t before = side->in.received;
	uint64_t deadline = clock_ns() + LOST_NS;
	unsigned spins = 0;

	for (;;) {
		int r = side_receive(side);

		if (r < 0)
			return r;
		if (side->in.received > before)
			return 1;
		if (r == 0 && sleep)
			end_wait(side->end, POLLIN);
		if ((sleep || ++spins % 64 == 0) && clock_ns() > deadline)
			return 0;
	}
}

/* Sends one frame from 'from' and waits for it at 'to'. */
static int cross(struct side *from, struct side *to, bool sleep)
{
	int r = side_send(from, 1);

	return r <= 0 ? r : await(to, sleep);
}

static int round_trip(struct echo *echo, struct samples *samples, struct side *a, struct side *b,
		      bool sleep)
{
	uint64_t start = clock_ns();
	int r = cross(a, b, sleep);

	if (r > 0)
		r = cross(b, a, sleep);
	if (r < 0)
		return r;
	if (r == 0)
		echo->lost++;
	else if (samples->n < SAMPLES_MAX)
		samples->ns[samples->n++] = (uint32_t)(clock_ns() - start);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void summarise(struct echo *echo, struct samples *samples)
{
	echo->samples = samples->n;
	if (!samples->n)
		return;

	qsort(samples->ns, samples->n, sizeof(samples->ns[0]), compare);
	echo->min = samples->ns[0];
	echo->p50 = samples->ns[samples->n / 2];
	echo->p99 = samples->ns[samples->n - 1 - samples->n / 100];
}

static int measure(struct echo *echo, struct samples *samples, struct side *a, struct side *b,
		   const struct plan *plan)
{
	uint64_t begin = clock_ns() + plan->warmup;
	bool sleep = plan->threads > 1;
	int r = 0;

	while (r == 0 && clock_ns() < begin)
		r = round_trip(echo, samples, a, b, sleep);

	*echo = (struct echo){ 0 };
	samples->n = 0;
	cpu_times_read(&echo->begin, plan->switch_pid);
	while (r == 0 && (samples->n + echo->lost == 0 || clock_ns() < begin + plan->period))
		r = round_trip(echo, samples, a, b, sleep);
	cpu_times_read(&echo->end, plan->switch_pid);
	return r;
}

int echo_run(struct echo *ret_echo, struct side *a, struct side *b, const struct plan *plan,
	     struct err *err)
{
	struct samples samples = { .ns = calloc(SAMPLES_MAX, sizeof(samples.ns[0])) };
	struct echo echo = { 0 };
	int r;

	if (!samples.ns)
		return err_set(err, ENOMEM, "out of memory");

	cpu_pin(plan->cpus[0]);
	r = measure(&echo, &samples, a, b, plan);
	cpu_unpin();
	summarise(&echo, &samples);
	free(samples.ns);
	if (r < 0)
		return err_set(err, -r, "an end failed while frames were under way: %s",
			       strerror(-r));

	*ret_echo = echo;
	return 0;
}
