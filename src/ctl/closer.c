/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Belongs to its thread and its slot; whoever lets go of it last frees it. */
struct closer {
	bool let_go; /* by one of the two */
	unsigned n;
	int fd[];
};

static void let_go(struct closer *closer)
{
	if (__atomic_exchange_n(&closer->let_go, true, __ATOMIC_ACQ_REL))
		free(closer);
}

static void *run(void *arg)
{
	struct closer *closer = arg;

	for (unsigned i = 0; i < closer->n; i++)
		(void)fd_close(closer->fd[i]);
	let_go(closer);
	return NULL;
}

static int start(struct closer *closer)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attr, run, closer);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -r;
}

bool closers_have_room(struct closers *closers)
{
	bool room = false;

	for (unsigned i = 0; i < CLOSERS_MAX; i++) {
		struct closer **slot = &closers->slot[i];

		if (*slot && __atomic_load_n(&(*slot)->let_go, __ATOMIC_ACQUIRE))
			let_go(TAKE(*slot));
		if (!*slot)
			room = true;
	}
	return room;
}

void closers_close(struct closers *closers, const int fds[], unsigned n)
{
	struct closer *closer = malloc(sizeof(*closer) + n * sizeof(closer->fd[0]));
	unsigned i = 0;

	while (i < CLOSERS_MAX && closers->slot[i])
		i++;
	assert(i < CLOSERS_MAX);

	if (closer) {
		closer->let_go = false;
		closer->n = n;
		memcpy(closer->fd, fds, n * sizeof(fds[0]));
		if (start(closer) >= 0) {
			closers->slot[i] = closer;
			return;
		}
		free(closer);
	}

	/* Better late than never. */
	for (unsigned k = 0; k < n; k++)
		(void)fd_close(fds[k]);
}

void closers_fini(struct closers *closers)
{
	for (unsigned i = 0; i < CLOSERS_MAX; i++) {
		if (closers->slot[i])
			let_go(TAKE(closers->slot[i]));
	}
}
