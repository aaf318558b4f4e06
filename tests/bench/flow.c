/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Throughput
 * ==========
 *
 * One thread sends a burst, takes what has arrived, and so on, never sleeping:
 * the cheapest way to load a switch, which then has the other core to itself.
 * Or two threads, source and sink, each asleep in poll() while it can do
 * nothing: two guests that share the machine with the switch.
 *
 * The calling thread only looks at the counters when the period begins and
 * ends. Afterwards the source stops and the sink waits until all frames sent
 * are there, or nothing has come for a while; what is missing then was lost.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "measure.h"

struct job {
	const struct plan *plan;
	struct side *source, *sink;
	atomic_bool stop;     /* set by the calling thread: send no more */
	atomic_bool finished; /* set by the source: 'sent' is final */
	atomic_bool drained;  /* set by the sink: nothing more will come */
	int source_status, sink_status;
};

static uint64_t counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Receives what is still under way. */
static int drain(struct job *job, bool sleep)
{
	uint64_t deadline = clock_ns() + job->plan->quiet;

	while (job->sink->in.received < counter_get(&job->source->sent) && clock_ns() < deadline) {
		int r = side_receive(job->sink);

		if (r < 0)
			return r;
		if (r > 0)
			deadline = clock_ns() + job->plan->quiet;
		else if (sleep)
			end_wait(job->sink->end, POLLIN);
		else
			side_send(job->source, 0);
	}

	return 0;
}

static void *both_main(void *arg)
{
	struct job *job = arg;
	int r;

	cpu_pin(job->plan->cpus[0]);
	do {
		r = side_send(job->source, FRAME_BURST);
		if (r >= 0)
			r = side_receive(job->sink);
	} while (r >= 0 && !job->stop);

	job->source_status = r < 0 ? r : drain(job, false);
	return NULL;
}

/* At the end the socket may have taken a frame in part; the rest has to
 * follow, or the sink would miss it.
 */
static void *source_main(void *arg)
{
	struct job *job = arg;
	int r;

	cpu_pin(job->plan->cpus[0]);
	do {
		r = side_send(job->source, FRAME_BURST);
		if (r == 0)
			end_wait(job->source->end, POLLOUT);
	} while (r >= 0 && !job->stop);

	job->finished = true;
	while (r >= 0 && !job->drained) {
		r = side_send(job->source, 0);
		end_wait(job->source->end, 0);
	}

	job->source_status = r;
	return NULL;
}

static void *sink_main(void *arg)
{
	struct job *job = arg;
	int r = 0;

	cpu_pin(job->plan->cpus[1]);
	while (r >= 0 && !job->finished) {
		r = side_receive(job->sink);
		if (r == 0)
			end_wait(job->sink->end, POLLIN);
	}

	job->sink_status = r < 0 ? r : drain(job, true);
	job->drained = true;
	return NULL;
}

/* Looks at the counters when the period begins and when it ends. */
static void observe(struct flow *flow, const struct job *job)
{
	const struct plan *plan = job->plan;
	uint64_t start = clock_ns();
	uint64_t sent, received;

	clock_sleep_until_ns(start + plan->warmup);
	cpu_times_read(&flow->begin, plan->switch_pid);
	sent = counter_get(&job->source->sent);
	received = counter_get(&job->sink->in.received);

	clock_sleep_until_ns(start + plan->warmup + plan->period);
	cpu_times_read(&flow->end, plan->switch_pid);
	flow->sent = counter_get(&job->source->sent) - sent;
	flow->received = counter_get(&job->sink->in.received) - received;
}

static int check(const struct side *side, const char *what, int status, struct err *err)
{
	if (status >= 0)
		return 0;

	return err_set(err, -status, "%s %s:%s failed while frames were under way: %s", what,
		       side->end->ops->kind, side->end->spec.address, strerror(-status));
}

int flow_run(struct flow *ret_flow, struct side *source, struct side *sink, const struct plan *plan,
	     struct err *err)
{
	struct job job = { .plan = plan, .source = source, .sink = sink };
	bool alone = plan->threads == 1;
	pthread_t first, second;
	struct flow flow = { 0 };
	int r;

	r = pthread_create(&first, NULL, alone ? both_main : source_main, &job);
	if (r == 0 && !alone)
		r = pthread_create(&second, NULL, sink_main, &job);
	if (r != 0)
		abort(); /* the machine has no thread left: nothing to measure here */

	observe(&flow, &job);
	job.stop = true;
	pthread_join(first, NULL);
	if (!alone)
		pthread_join(second, NULL);

	r = check(source, "source", job.source_status, err);
	if (r == 0)
		r = check(sink, "sink", job.sink_status, err);
	if (r < 0)
		return r;

	flow.total_sent = source->sent;
	flow.total_received = sink->in.received;
	*ret_flow = flow;
	return 0;
}
