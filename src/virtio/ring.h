/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtqueues, the device's side: split and packed rings behind one face.
 *
 * A ring has one direction. Of a ring that the guest sends through, frames are
 * taken with ring_take() and given back, all at once, with ring_release(). Into
 * a ring that the guest receives from, frames are copied with ring_put(), and
 * shown to the guest, all at once, with ring_commit().
 *
 * All of a ring is an enemy's. What cannot be a driver's doing makes it
 * broken: it then takes and gives nothing more, and 'broken' has a clause for
 * a human ("avail index jumped by 40000 in a ring of 256").
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "virtio/memory.h"

enum ring_layout { RING_SPLIT, RING_PACKED };

/* As the front-end has told it. */
struct ring_config {
	enum ring_layout layout;
	uint32_t size;	   /* entries */
	uint64_t features; /* as negotiated: wire/virtio.h */

	/* Addresses of the front-end's (user addresses). A packed ring has its
	 * descriptor ring, and the driver's and the device's event area here.
	 */
	uint64_t desc;
	uint64_t avail;
	uint64_t used;

	/* Where to go on, as SET_VRING_BASE and GET_VRING_BASE have it. Split:
	 * the next index in the available ring. Packed: bits 0 to 14 are the
	 * next available descriptor, bit 15 its wrap counter, and the upper half
	 * the same for used ones.
	 */
	uint32_t base;

	/* Eventfds, which stay the caller's; -1: none. Without a kick there has
	 * to be polling; without a call the driver polls.
	 */
	int kick_fd;
	int call_fd;
};

#endif
