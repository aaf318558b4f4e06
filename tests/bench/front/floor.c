/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floors: the bare copy, and the bare wake-ups. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/clock.h"
#include "fetch.h"
#include "measuring.h"
#include "pattern.h"

#define BURST 32

/* Frames written, and frames copied, are counted on cache lines of their own. */
struct copier {
	_Alignas(128) atomic_uint_fast64_t written;
	_Alignas(128) atomic_uint_fast64_t copied;
	_Alignas(128) atomic_bool stop;
	const struct ring *from, *to;
	uint32_t size, from_slots, to_slots; /* slots: of a frame in the receiver */
	uint32_t buffers;		     /* that a frame takes in the receiver */
	long cpu;
};

/* One frame, from one slot to the few it takes in the receiver. */
static void copy_frame(const struct copier *copier, uint64_t number)
{
	const uint8_t *from = ring_header(copier->from, (uint32_t)(number % copier->from_slots));
	uint32_t slot = (uint32_t)(number % copier->to_slots) * copier->buffers;
	uint32_t rest = copier->size + RING_HEADER;

	while (rest) {
		uint32_t len = MIN(rest, copier->to->config.slot_len);

		memcpy(ring_header(copier->to, slot++), from, len);
		from += len;
		rest -= len;
	}
}

static void *copier_main(void *arg)
{
	struct copier *copier = arg;
	uint64_t next = 0;

	cpu_pin(copier->cpu);
	while (!atomic_load_explicit(&copier->stop, memory_order_relaxed)) {
		uint64_t written = atomic_load_explicit(&copier->written, memory_order_acquire);
		uint64_t end = MIN(written, next + BURST);

		if (next == end)
			continue;
		while (next < end)
			copy_frame(copier, next++);
		atomic_store_explicit(&copier->copied, next, memory_order_release);
	}

	return NULL;
}

/* What the generator does to a frame on either side. */
static void write_one(const struct traffic *traffic, const struct copier *copier, uint64_t number)
{
	uint8_t *frame = ring_frame(copier->from, (uint32_t)(number % copier->from_slots));

	fetch_to_write(ring_frame(copier->from, (uint32_t)((number + 1) % copier->from_slots)),
		       traffic->touch ? traffic->shape.size : 1);
	memcpy(frame + traffic->shape.stamp_at, &number, sizeof(number));
	if (traffic->touch)
		pattern_fill(frame + traffic->shape.stamp_at + sizeof(number),
			     traffic->shape.size - traffic->shape.stamp_at - sizeof(number),
			     number);
}

static void read_one(struct traffic *traffic, const struct copier *copier, uint64_t number)
{
	uint32_t slot = (uint32_t)(number % copier->to_slots) * copier->buffers;
	uint32_t rest = copier->size + RING_HEADER;

	uint32_t next = (uint32_t)((number + 1) % copier->to_slots) * copier->buffers;

	if (traffic->touch && next != slot)
		fetch_to_read(ring_frame(copier->to, next), traffic->shape.size);
	traffic->sum += ring_frame(copier->to, slot)[traffic->shape.stamp_at];
	while (traffic->touch && rest) {
		uint32_t len = MIN(rest, copier->to->config.slot_len);

		traffic->sum += pattern_sum(ring_header(copier->to, slot++), len);
		rest -= len;
	}
}

/* How far the generator is. */
struct play {
	uint64_t sent, read;
	uint64_t timed_ns; /* of bursts */
};

static uint64_t copied(struct copier *copier)
{
	return atomic_load_explicit(&copier->copied, memory_order_acquire);
}

/* Keeps as many frames under way as both sides have room for. */
static void play_turn(struct play *play, struct traffic *traffic, struct copier *copier)
{
	uint64_t there = copied(copier);
	uint64_t room = MIN(copier->from_slots, copier->to_slots);
	uint64_t last = MIN(play->read + room, play->sent + BURST);

	while (play->sent < last)
		write_one(traffic, copier, play->sent++);
	atomic_store_explicit(&copier->written, play->sent, memory_order_release);
	while (play->read < there)
		read_one(traffic, copier, play->read++);
}

/* As traffic_burst(). */
static void play_burst(struct play *play, struct traffic *traffic, struct copier *copier)
{
	uint64_t last = play->sent + MIN(traffic->window, (uint64_t)copier->to_slots), start;

	while (play->sent < last)
		write_one(traffic, copier, play->sent++);

	start = clock_ns();
	atomic_store_explicit(&copier->written, play->sent, memory_order_release);
	while (copied(copier) < last)
		;
	play->timed_ns += clock_ns() - start;

	while (play->read < last)
		read_one(traffic, copier, play->read++);
}

static void play_until(struct play *play, struct traffic *traffic, struct copier *copier,
		       const struct plan *plan, uint64_t end)
{
	do {
		for (unsigned turn = 0; turn < 16; turn++) {
			if (plan->bursts)
				play_burst(play, traffic, copier);
			else
				play_turn(play, traffic, copier);
		}
	} while (clock_ns() < end);
}

int floor_copy(struct throughput *ret, struct traffic *traffic, const struct plan *plan,
	       struct err *err)
{
	const struct ring *from = traffic->lane[0].tx, *to = traffic->sink[1].rx;
	uint32_t size = traffic->shape.size + RING_HEADER;
	uint32_t buffers = (size + to->config.slot_len - 1) / to->config.slot_len;
	struct copier copier = {
		.from = from,
		.to = to,
		.size = traffic->shape.size,
		.from_slots = from->n_slots,
		.to_slots = to->n_slots / buffers,
		.buffers = buffers,
		.cpu = plan->cpus[1],
	};
	struct throughput run = { 0 };
	struct play play = { 0 };
	pthread_t thread;

	if (!copier.to_slots)
		return err_set(err, EINVAL, "no frame fits into the receiver's buffers");
	if (pthread_create(&thread, NULL, copier_main, &copier) != 0)
		return err_set(err, EAGAIN, "cannot start a thread");

	cpu_pin(plan->cpus[0]);
	play_until(&play, traffic, &copier, plan, clock_ns() + plan->warmup);
	play.timed_ns = 0;
	cpu_times_read(&run.begin, 0);
	run.received = play.read;
	play_until(&play, traffic, &copier, plan, run.begin.at + plan->period);
	run.received = play.read - run.received;
	run.timed_ns = play.timed_ns;
	cpu_times_read(&run.end, 0);
	copier.stop = true;
	pthread_join(thread, NULL);
	cpu_unpin();

	run.sent = run.received;
	*ret = run;
	return 0;
}

/* Two eventfds, and who answers the one by the other. */
struct waker {
	int there, back;
	long cpu;
};

/* A count of 1000 means to stop. */
static void *waker_main(void *arg)
{
	const struct waker *waker = arg;
	uint64_t n;

	cpu_pin(waker->cpu);
	while (read(waker->there, &n, sizeof(n)) == sizeof(n) && n < 1000)
		if (write(waker->back, &(uint64_t){ 1 }, sizeof(n)) < 0)
			break;
	return NULL;
}

static bool wake_once(const struct waker *waker)
{
	uint64_t n;

	return write(waker->there, &(uint64_t){ 1 }, sizeof(n)) == sizeof(n) &&
	       read(waker->back, &n, sizeof(n)) == sizeof(n);
}

static size_t wake_until(const struct waker *waker, uint32_t *ns, uint64_t end)
{
	uint64_t start = clock_ns();
	size_t n = 0;

	while (start < end && n < LATENCY_SAMPLES_MAX && wake_once(waker) && wake_once(waker)) {
		uint64_t now = clock_ns();

		ns[n++] = (uint32_t)(now - start);
		start = now;
	}

	return n;
}

int floor_wake(struct latency *ret, const struct plan *plan, struct err *err)
{
	int there SCOPED(scoped_fd) = eventfd(0, EFD_CLOEXEC);
	int back SCOPED(scoped_fd) = eventfd(0, EFD_CLOEXEC);
	struct waker waker = { there, back, plan->cpus[1] };
	uint32_t *ns = calloc(LATENCY_SAMPLES_MAX, sizeof(*ns));
	struct latency run = { 0 };
	pthread_t thread;
	size_t n;

	if (there < 0 || back < 0 || !ns ||
	    pthread_create(&thread, NULL, waker_main, &waker) != 0) {
		free(ns);
		return err_set(err, EAGAIN, "cannot make two eventfds and a thread");
	}

	cpu_pin(plan->cpus[0]);
	wake_until(&waker, ns, clock_ns() + plan->warmup);
	cpu_times_read(&run.begin, 0);
	n = wake_until(&waker, ns, run.begin.at + plan->period);
	cpu_times_read(&run.end, 0);
	cpu_unpin();

	if (write(there, &(uint64_t){ 1000 }, 8) == 8)
		pthread_join(thread, NULL);
	latency_summarise(&run, ns, n);
	free(ns);
	*ret = run;
	return 0;
}
