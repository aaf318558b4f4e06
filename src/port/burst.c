/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/burst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STORE_SIZE ((size_t)BURST_MAX * BURST_SLOT_SIZE)

int burst_new(struct burst **ret_burst, struct err *err)
{
	struct burst *burst = calloc(1, sizeof(*burst));
	void *store;

	if (!burst)
		return err_set(err, ENOMEM, "out of memory");

	/* Mapped, not allocated: most of it is never touched. */
	store = mmap(NULL, STORE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (store == MAP_FAILED) {
		free(burst);
		return err_set(err, ENOMEM, "out of memory for frames (%zu bytes)", STORE_SIZE);
	}

	burst->store = store;
	*ret_burst = burst;
	return 0;
}

struct burst *burst_free(struct burst *burst)
{
	if (burst) {
		(void)munmap(burst->store, STORE_SIZE);
		free(burst);
	}
	return NULL;
}

void burst_set_frame(struct frame *frame, uint8_t *data, uint32_t len)
{
	uint32_t head = MIN(len, (uint32_t)FRAME_HEAD_LEN);

	memcpy(frame->head, data, head);
	memset(frame->head + head, 0, FRAME_HEAD_LEN - head);
	frame->one = (struct iovec){ .iov_base = data, .iov_len = len };
	frame->iov = &frame->one;
	frame->n_iov = 1;
	frame->len = len;
	memset(&frame->vnet, 0, sizeof(frame->vnet));
}

struct frame *burst_append(struct burst *burst, uint8_t *data, uint32_t len)
{
	struct frame *frame = &burst->frame[burst->n];

	assert(burst->n < BURST_MAX);

	if (len < ETH_HEADER_LEN) {
		burst_drop(burst, DROP_RUNT);
		return NULL;
	}

	burst_set_frame(frame, data, len);
	burst->n++;
	return frame;
}

void burst_clear(struct burst *burst)
{
	burst->n = 0;
	memset(burst->dropped, 0, sizeof(burst->dropped));
}
