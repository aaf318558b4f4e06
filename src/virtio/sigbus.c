/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handler runs in whatever thread touched the memory, while the control
 * thread may be changing the table: so an entry is published by its start,
 * which is written last and taken back first, and the handler locks nothing.
 * It makes one system call, mmap(), which is safe there though POSIX does not
 * say so: glibc's is the bare call.
 */
#include "virtio/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct sigbus_range {
	uint8_t *start; /* NULL: free */
	size_t size;
	bool *shrank;
};

static struct sigbus_range ranges[SIGBUS_RANGES_MAX];
static unsigned n_ranges; /* those behind were never used */

static bool sigbus_find(const void *address, struct sigbus_range *ret_range)
{
	unsigned n = __atomic_load_n(&n_ranges, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++) {
		struct sigbus_range range = {
			.start = __atomic_load_n(&ranges[i].start, __ATOMIC_ACQUIRE),
		};

		range.size = ranges[i].size;
		range.shrank = ranges[i].shrank;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);

		/* Control may be giving the entry to another region meanwhile.
		 * The one that faulted is in use, and its entry stays.
		 */
		if (!range.start ||
		    range.start != __atomic_load_n(&ranges[i].start, __ATOMIC_RELAXED))
			continue;
		if ((uintptr_t)address - (uintptr_t)range.start < range.size) {
			*ret_range = range;
			return true;
		}
	}

	return false;
}

static void sigbus_handle(int number, siginfo_t *info, void *context)
{
	struct sigbus_range range;
	int saved = errno;

	(void)context;

	/* All of it at once: the file will not grow back in time. */
	if (sigbus_find(info->si_addr, &range) &&
	    mmap(range.start, range.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		__atomic_store_n(range.shrank, true, __ATOMIC_RELEASE);
	else
		(void)signal(number, SIG_DFL); /* and touch it again */

	errno = saved;
}

int sigbus_install(struct err *err)
{
	struct sigaction action = { .sa_sigaction = sigbus_handle, .sa_flags = SA_SIGINFO };

	(void)sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, NULL) < 0)
		return err_set(err, errno, "cannot handle SIGBUS: %s", strerror(errno));
	return 0;
}

int sigbus_guard(void *start, size_t size, bool *shrank, struct err *err)
{
	unsigned i = 0;

	assert(start);

	while (i < SIGBUS_RANGES_MAX && ranges[i].start)
		i++;
	if (i == SIGBUS_RANGES_MAX)
		return err_set(err, ENOSPC, "more than %d memory regions of all guests",
			       SIGBUS_RANGES_MAX);

	ranges[i].size = size;
	ranges[i].shrank = shrank;
	__atomic_store_n(&ranges[i].start, start, __ATOMIC_RELEASE);
	if (i == n_ranges)
		__atomic_store_n(&n_ranges, i + 1, __ATOMIC_RELEASE);
	return 0;
}

void sigbus_unguard(void *start)
{
	for (unsigned i = 0; i < n_ranges; i++) {
		if (ranges[i].start == start) {
			__atomic_store_n(&ranges[i].start, NULL, __ATOMIC_RELEASE);
			return;
		}
	}
}
