/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking for memory before it is needed: what a frame's lines cost is above all
 * the way from the other core's cache, and many can be under way at a time. The
 * processor itself fetches what follows in a long frame.
 */
#ifndef FRONT_FETCH_H
#define FRONT_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define FETCH_MAX ((size_t)2048)

static inline void fetch_to_write(const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < MIN(size, FETCH_MAX); i += 64) {
#ifdef __x86_64__
		__asm__ volatile("prefetchw %0" : : "m"(at[i]));
#else
		__builtin_prefetch(at + i, 1);
#endif
	}
}

static inline void fetch_to_read(const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < MIN(size, FETCH_MAX); i += 64)
		__builtin_prefetch(at + i);
}

#endif
