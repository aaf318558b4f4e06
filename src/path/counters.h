/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters: written by one worker, read by the control thread while it counts.
 *
 * Each counter is loaded and stored whole (relaxed), so a reader may see one
 * counter a frame ahead of another, never half a number.
 *
 * The sum that must always hold for a hub, over its endpoints and its lower:
 *
 *     accepted frames + replicas = delivered copies + host + drops out
 *
 * and every frame that entered is either accepted or in drops in.
 */
#ifndef PATH_COUNTERS_H
#define PATH_COUNTERS_H

#include <stdint.h>

#include "wire/drop.h"

struct path_traffic {
	uint64_t frames;
	uint64_t bytes;	 /* Ethernet header included, vnet header not */
	uint64_t groups; /* frames to a group address */
};

struct path_counters {
	struct path_traffic in;		/* accepted from the port */
	struct path_traffic out;	/* taken by the port */
	uint64_t drops_in[DROP_COUNT];	/* came from the port, not accepted */
	uint64_t drops_out[DROP_COUNT]; /* copies that did not reach the port */
};

static inline void counter_add(uint64_t *counter, uint64_t n)
{
	/* One writer: a plain read is its own last write. */
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Copies 'from', which a worker may be writing. */
void path_counters_read(const struct path_counters *from, struct path_counters *ret_counters);

#endif
