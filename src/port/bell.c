/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why this is no write(). An eventfd's counter can be full, and then write()
 * waits unless O_NONBLOCK is set; but that flag belongs to the open file, which
 * we share with a peer, and a peer that fills the counter and clears the flag
 * would stop the worker. The kernel's own signal never waits. From user space it
 * is reached through AIO: a request that is done at once (to read nothing of an
 * empty file) and signals the eventfd when it is. It costs some 0.3 us more.
 */
#include "port/bell.h"

#include <linux/aio_abi.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* Where the kernel puts completions: it is mapped at the context's address. */
struct bell_completions {
	uint32_t id, size, head, tail, magic;
};
#define BELL_MAGIC 0xa10a10a1

enum bell_state { BELL_NEW, BELL_READY, BELL_BROKEN };

struct bell {
	enum bell_state state;
	aio_context_t context;
	int empty_fd;
};

/* A thread needs one, whatever the number of its ports, and keeps it. */
static _Thread_local struct bell bell;

static enum bell_state bell_open(void)
{
	bell.empty_fd = memfd_create("limpet-bell", MFD_CLOEXEC);
	if (bell.empty_fd < 0)
		return BELL_BROKEN;
	if (syscall(SYS_io_setup, 1, &bell.context) < 0) {
		bell.empty_fd = fd_close(bell.empty_fd);
		return BELL_BROKEN;
	}
	return BELL_READY;
}

/* Makes room for the next completion; this one tells nothing. */
static void bell_forget(void)
{
	struct bell_completions *done = (void *)(uintptr_t)bell.context; /* NOLINT */
	struct io_event event;

	if (done->magic == BELL_MAGIC)
		__atomic_store_n(&done->head, __atomic_load_n(&done->tail, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	else
		(void)syscall(SYS_io_getevents, bell.context, 0, 1, &event, NULL);
}

void bell_ring(int fd)
{
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *requests[] = { &request };
	const uint64_t one = 1;

	if (bell.state == BELL_NEW)
		bell.state = bell_open();
	if (bell.state == BELL_BROKEN) { /* a kernel without AIO */
		(void)!write(fd, &one, sizeof(one));
		return;
	}

	request.aio_fildes = (uint32_t)bell.empty_fd;
	(void)syscall(SYS_io_submit, bell.context, 1, requests);
	bell_forget();
}
