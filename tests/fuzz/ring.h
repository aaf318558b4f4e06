/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzz_split.c and fuzz_packed.c share.
 *
 * The input is a driver that does what it likes. Its first byte says how the
 * ring is configured: direction, features, size. Then come operations: a byte,
 * and what it needs.
 *
 *	00-3f	offset, two bytes; 1 to 64 bytes: written to memory there
 *	40-7f	frames are taken, 1 to 64, and released
 *	80-bf	1 to 64 frames are put; length, two bytes
 *	c0	the ring is armed
 *	c1	and disarmed
 *	c2	and goes on in another port
 *
 * Taken frames have to lie in guest memory, and their pieces have to make up
 * their length. A ring the guest sends through is written to where a device may
 * write, and nowhere else. A broken ring says why, and does nothing more.
 */
#ifndef FUZZ_RING_H
#define FUZZ_RING_H

#include "virtio/ring.h"

int fuzz_ring(enum ring_layout layout, const uint8_t *data, size_t size);

#endif
