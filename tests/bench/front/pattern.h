/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload of touched frames: words that depend on the frame's seed and
 * their place, so that a stale, shifted or swapped piece is noticed. It is
 * written and read about as fast as the processor can, because a generator that
 * is slower than the switch measures itself.
 */
#ifndef FRONT_PATTERN_H
#define FRONT_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t pattern_words __attribute__((vector_size(32)));

#define PATTERN_STEP UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio: no short cycles */

static inline void pattern_fill(uint8_t *to, size_t len, uint64_t seed)
{
	pattern_words step = { 4 * PATTERN_STEP, 4 * PATTERN_STEP, 4 * PATTERN_STEP,
			       4 * PATTERN_STEP };
	pattern_words at = { seed, seed + PATTERN_STEP, seed + 2 * PATTERN_STEP,
			     seed + 3 * PATTERN_STEP };

	for (; len >= sizeof(at); len -= sizeof(at), to += sizeof(at), at += step)
		memcpy(to, &at, sizeof(at));
	memcpy(to, &at, len);
}

/* Reads all of it. */
static inline uint64_t pattern_sum(const uint8_t *from, size_t len)
{
	pattern_words sum = { 0 }, at = { 0 };

	for (; len >= sizeof(at); len -= sizeof(at), from += sizeof(at)) {
		memcpy(&at, from, sizeof(at));
		sum += at;
	}
	memcpy(&at, from, len);
	sum += at;
	return sum[0] + sum[1] + sum[2] + sum[3];
}

#endif
