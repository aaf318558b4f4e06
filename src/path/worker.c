/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's loop
 * =================
 *
 * What it is. A thread that sleeps in epoll until a port has something, then
 * gives every ready port one turn, and again. A turn is a burst, or what a
 * stream port had read with one system call: one port with much to say waits
 * for the others after that.
 *
 * Quiescence. While it serves ports the worker is an RCU reader; between two
 * rounds it passes a quiescent point; while it sleeps it is offline, so that
 * control never waits for a sleeper. The events of a blocking epoll_wait() are
 * thrown away and asked for again without blocking: the first answer was
 * prepared while the worker was offline, and may name attachments that control
 * has freed since.
 *
 * Polling. A port that can be polled (it has arm()) is served every round from
 * its first event on, without a system call, until it had nothing for as long
 * as polling is worth it; then it is armed and waits in epoll again. How long
 * that is adapts, as kvm's halt polling does: sleep that was shorter than the
 * bound was a mistake, and the next time the bound is tried; one that was longer
 * halves it. So a guest that is idle, or sends now and then, costs nothing, and
 * one that is busy is never woken for. Other ports get their turn meanwhile,
 * every few rounds.
 *
 * Retirement. The chain of polled attachments is the worker's own, so control
 * marks those it takes away; the worker takes them out at the start of a round.
 * Two quiescent points after the mark the worker holds none of them: it may
 * pass the first without having seen the mark.
 *
 * Faults. A port that reports a fault is taken out of epoll here and marked
 * finished; control is told through an eventfd and does the rest.
 */
#include "path/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "base/fd.h"
#include "path/forward.h"

#define EVENTS_MAX 64

/* While ports are polled, epoll is asked after so many frames or rounds: a few
 * microseconds, of which asking is a small part.
 */
#define ASK_AFTER_FRAMES 512
#define ASK_AFTER_ROUNDS 64

/* What is not worth polling for: shorter than a system call. */
#define POLL_MIN_NS 1000

struct worker {
	int epoll_fd;
	int event_fd; /* worker to control: something finished */
	int stop_fd;  /* control to worker: end */
	struct burst *burst;
	struct forward *forward;
	pthread_t thread;
	bool running;

	/* the worker's own */
	bool stopping;
	struct path_attachment *polled; /* a chain */
	unsigned n_frames, n_rounds;	/* since epoll was asked */
	uint64_t now;			/* this round's time; 0: not asked for yet */
};

static uint64_t now_ns(struct worker *worker)
{
	struct timespec now;

	if (worker->now == 0) {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		worker->now = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	return worker->now;
}

static void finish(struct worker *worker, struct path_attachment *attachment)
{
	const uint64_t one = 1;

	if (attachment->finished)
		return;

	if (attachment->port->fd >= 0)
		(void)epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, attachment->port->fd, NULL);
	__atomic_store_n(&attachment->finished, true, __ATOMIC_RELEASE);
	/* Can only fail when the counter is full: then control knows. */
	(void)!write(worker->event_fd, &one, sizeof(one));
}

/* After a port was received from or sent to: poll for what it wants now. */
static void touched(void *context, struct path_attachment *attachment)
{
	struct worker *worker = context;
	struct port *port = attachment->port;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = attachment };

	if (port->faulty) {
		finish(worker, attachment);
		return;
	}
	if (port->want_write == attachment->polls_write || port->fd < 0)
		return;

	if (port->want_write)
		event.events |= EPOLLOUT;
	if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, port->fd, &event) == 0)
		attachment->polls_write = port->want_write;
}

int worker_new(struct worker **ret_worker, struct err *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct epoll_event stop = { .events = EPOLLIN, .data.ptr = NULL };
	int r;

	if (!worker)
		return err_set(err, ENOMEM, "out of memory");

	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->event_fd < 0 || worker->stop_fd < 0 ||
	    epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->stop_fd, &stop) < 0) {
		r = err_set(err, errno, "cannot make a worker: %s", strerror(errno));
		worker_free(worker);
		return r;
	}

	r = burst_new(&worker->burst, err);
	if (r >= 0)
		r = forward_new(touched, worker, &worker->forward, err);
	if (r < 0) {
		worker_free(worker);
		return r;
	}

	*ret_worker = worker;
	return 0;
}

struct worker *worker_free(struct worker *worker)
{
	const uint64_t one = 1;

	if (!worker)
		return NULL;

	if (worker->running) {
		(void)!write(worker->stop_fd, &one, sizeof(one));
		(void)pthread_join(worker->thread, NULL);
	}
	forward_free(worker->forward);
	burst_free(worker->burst);
	fd_close(worker->epoll_fd);
	fd_close(worker->event_fd);
	fd_close(worker->stop_fd);
	free(worker);
	return NULL;
}

int worker_event_fd(const struct worker *worker)
{
	return worker->event_fd;
}

int worker_watch(struct worker *worker, struct path_attachment *attachment, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = attachment };

	if (attachment->port->fd < 0)
		return 0;
	if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, attachment->port->fd, &event) < 0)
		return err_set(err, errno, "cannot watch one more port: %s", strerror(errno));
	return 0;
}

void worker_unwatch(struct worker *worker, struct path_attachment *attachment)
{
	/* A port that finished meanwhile is gone from epoll: no matter. */
	if (attachment->port->fd >= 0)
		(void)epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, attachment->port->fd, NULL);

	if (attachment->port->ops->arm) {
		__atomic_store_n(&attachment->retired, true, __ATOMIC_RELEASE);
		path_synchronize();
	}
}

bool worker_has_finished(const struct path_attachment *attachment)
{
	return __atomic_load_n(&attachment->finished, __ATOMIC_ACQUIRE);
}

/* Receives and forwards a burst; returns whether there was anything. */
static bool serve_once(struct worker *worker, struct path_attachment *attachment)
{
	struct port *port = attachment->port;
	struct burst *burst = worker->burst;
	unsigned n;

	burst_clear(burst);
	n = port->ops->rx(port, burst, BURST_MAX);
	forward_burst(worker->forward, attachment, burst);
	port->ops->release(port);
	worker->n_frames += n;
	return n > 0;
}

/* A port that can be polled has something: poll it from now on. */
static void begin_polling(struct worker *worker, struct path_attachment *attachment)
{
	uint64_t now;

	if (attachment->is_polled)
		return;

	/* Was it worth sleeping? */
	now = now_ns(worker);
	if (now - attachment->slept_since < attachment->poll_ns)
		attachment->poll_now_ns = attachment->poll_ns;
	else
		attachment->poll_now_ns /= 2;
	if (attachment->poll_now_ns < POLL_MIN_NS)
		attachment->poll_now_ns = 0;

	attachment->quiet_since = 0;
	attachment->is_polled = true;
	attachment->polled_next = worker->polled;
	worker->polled = attachment;
}

static void serve(struct worker *worker, struct path_attachment *attachment, uint32_t events)
{
	struct port *port = attachment->port;

	/* It may have finished earlier in this round. */
	if (attachment->finished)
		return;

	if (events & EPOLLOUT && port->ops->flush)
		port->ops->flush(port);

	if (port->ops->arm) {
		begin_polling(worker, attachment);
	} else if (events & ~(uint32_t)EPOLLOUT) {
		do {
			(void)serve_once(worker, attachment);
		} while (port->has_more);
	}

	touched(worker, attachment);
}

/* The port had nothing: has it been quiet for long enough to stop polling? */
static bool falls_asleep(struct worker *worker, struct path_attachment *attachment)
{
	uint64_t now;

	if (attachment->poll_now_ns > 0) {
		now = now_ns(worker);
		if (attachment->quiet_since == 0)
			attachment->quiet_since = now;
		if (now - attachment->quiet_since < attachment->poll_now_ns)
			return false;
	}
	if (!attachment->port->ops->arm(attachment->port))
		return false;

	attachment->slept_since = now_ns(worker);
	return true;
}

/* Gives one polled port its turn; returns whether it is to be polled again. */
static bool serve_polled(struct worker *worker, struct path_attachment *attachment)
{
	if (__atomic_load_n(&attachment->retired, __ATOMIC_ACQUIRE) || attachment->finished)
		return false;

	if (serve_once(worker, attachment)) {
		attachment->quiet_since = 0;
	} else if (falls_asleep(worker, attachment)) {
		touched(worker, attachment);
		return false;
	}

	touched(worker, attachment);
	return !attachment->finished;
}

static unsigned serve_all_polled(struct worker *worker)
{
	struct path_attachment **link = &worker->polled;
	unsigned n = 0;

	while (*link) {
		struct path_attachment *attachment = *link;

		n++;
		if (serve_polled(worker, attachment)) {
			link = &attachment->polled_next;
		} else {
			*link = attachment->polled_next;
			attachment->is_polled = false;
		}
	}

	return n;
}

/* Is it the turn of what waits in epoll? */
static bool asks_epoll(struct worker *worker)
{
	if (worker->polled && worker->n_frames < ASK_AFTER_FRAMES &&
	    worker->n_rounds < ASK_AFTER_ROUNDS) {
		worker->n_rounds++;
		return false;
	}

	worker->n_frames = worker->n_rounds = 0;
	return true;
}

unsigned worker_round(struct worker *worker)
{
	struct epoll_event events[EVENTS_MAX];
	unsigned n_polled;
	int n = 0;

	worker->now = 0;
	if (asks_epoll(worker))
		n = epoll_wait(worker->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			serve(worker, events[i].data.ptr, events[i].events);
		else
			worker->stopping = true;
	}
	n_polled = serve_all_polled(worker);

	rcu_quiescent_state();
	return (n > 0 ? (unsigned)n : 0) + n_polled;
}

void worker_enter(void)
{
	rcu_register_thread();
}

void worker_leave(void)
{
	rcu_unregister_thread();
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	struct epoll_event ignored;

	worker_enter();
	while (!worker->stopping) {
		if (worker_round(worker) > 0)
			continue;
		rcu_thread_offline();
		(void)epoll_wait(worker->epoll_fd, &ignored, 1, -1);
		rcu_thread_online();
	}
	worker_leave();
	return NULL;
}

int worker_start(struct worker *worker, struct err *err)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGBUS); /* of guests' memory: virtio/sigbus.h */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&worker->thread, NULL, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return err_set(err, r, "cannot start a worker thread: %s", strerror(r));

	(void)pthread_setname_np(worker->thread, "limpetd-worker");
	worker->running = true;
	return 0;
}
