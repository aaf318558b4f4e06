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
#include <unistd.h>

#include <urcu-qsbr.h>

#include "base/fd.h"
#include "path/forward.h"

#define EVENTS_MAX 64

struct worker {
	int epoll_fd;
	int event_fd; /* worker to control: something finished */
	int stop_fd;  /* control to worker: end */
	struct burst *burst;
	struct forward *forward;
	pthread_t thread;
	bool running;
	bool stopping; /* the worker's own */
};

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
}

bool worker_has_finished(const struct path_attachment *attachment)
{
	return __atomic_load_n(&attachment->finished, __ATOMIC_ACQUIRE);
}

static void serve(struct worker *worker, struct path_attachment *attachment, uint32_t events)
{
	struct port *port = attachment->port;
	struct burst *burst = worker->burst;

	/* It may have finished earlier in this round. */
	if (attachment->finished)
		return;

	if (events & EPOLLOUT && port->ops->flush)
		port->ops->flush(port);

	if (events & ~(uint32_t)EPOLLOUT) {
		do {
			burst_clear(burst);
			(void)port->ops->rx(port, burst, BURST_MAX);
			forward_burst(worker->forward, attachment, burst);
			port->ops->release(port);
		} while (port->has_more);
	}

	touched(worker, attachment);
}

unsigned worker_round(struct worker *worker)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(worker->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			serve(worker, events[i].data.ptr, events[i].events);
		else
			worker->stopping = true;
	}

	rcu_quiescent_state();
	return n > 0 ? (unsigned)n : 0;
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
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&worker->thread, NULL, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return err_set(err, r, "cannot start a worker thread: %s", strerror(r));

	(void)pthread_setname_np(worker->thread, "limpetd-worker");
	worker->running = true;
	return 0;
}
