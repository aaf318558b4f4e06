/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying frames: short ones without a call, which would cost more than the
 * copy.
 */
#ifndef VIRTIO_COPY_H
#define VIRTIO_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COPY_SHORT 256

/* Copies of a constant size are a load and a store each; two that overlap
 * cover everything between one and two of them.
 */
static inline void copy_overlapping(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len >= 2) {
		memcpy(to, from, 2);
		memcpy(to + len - 2, from + len - 2, 2);
	} else if (len == 1) {
		*to = *from;
	}
}

static inline void copy_bytes(void *to, const void *from, size_t len)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if (len > COPY_SHORT) {
		memcpy(to, from, len);
		return;
	}
	if (len < 16) {
		copy_overlapping(t, f, len);
		return;
	}

	for (size_t at = 0; at + 16 < len; at += 16)
		memcpy(t + at, f + at, 16);
	memcpy(t + len - 16, f + len - 16, 16);
}

/* Keeps the compiler from reading again, behind this, what was read before. */
static inline void copy_done(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif
