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
#include <sys/uio.h>

#include "base/err.h"
#include "virtio/memory.h"
#include "wire/virtio.h"

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

/* Buffers that are looked at at a time, and pieces of memory in all of them.
 * A frame merges no more buffers, and consists of no more pieces.
 */
#define RING_WINDOW  256
#define RING_IOV_MAX 1024

/* The most descriptors of one chain, as for QEMU, however large the ring is. A
 * frame needs some 20; walking thousands would be at the others' expense.
 */
#define RING_CHAIN_MAX 1024

enum ring_direction {
	RING_FROM_GUEST, /* the guest sends */
	RING_TO_GUEST,	 /* the guest receives */
};

/* What a driver has made available: one chain of descriptors. */
struct ring_buffer {
	uint16_t id;	 /* as the driver knows it */
	uint16_t n_desc; /* steps in the ring */
	uint16_t iov;	 /* its first piece */
	uint16_t n_iov;
	uint32_t len; /* bytes in all pieces */
	bool is_cut;  /* it has more pieces than there was room for */
};

/* Private; here so that a port can embed it. */
struct ring {
	const struct guest_mem *mem;
	unsigned hint;
	enum ring_layout layout;
	enum ring_direction direction;
	uint32_t size;
	uint16_t header_len;
	bool mergeable;
	bool has_event_idx;
	bool has_indirect;
	bool was_called; /* once; from then on the events decide */
	bool is_armed;

	/* Where to look for the next buffer, and where to put it when used. The
	 * split layout has free-running indices, the packed one positions with
	 * wrap counters.
	 */
	uint16_t avail, used, published;
	uint16_t avail_seen; /* split: the driver's index when last read */
	bool avail_wrap, used_wrap;
	uint16_t n_published; /* packed: steps since 'published' */
	uint16_t first_flags; /* packed: of the descriptor at 'published', to be written last */

	union {
		struct {
			struct virtq_desc *desc;
			struct virtq_avail *avail;
			struct virtq_used *used;
		} split;
		struct {
			struct virtq_packed_desc *desc;
			struct virtq_packed_event *driver;
			struct virtq_packed_event *device;
		} packed;
	};

	/* The window: buffers that were fetched, and those of them dealt with. */
	uint16_t n_buffers, n_done, n_iov;
	uint16_t per_frame; /* buffers the last frame took */
	struct ring_buffer buffer[RING_WINDOW];
	struct iovec iov[RING_IOV_MAX];

	uint16_t heads[RING_WINDOW]; /* split: of the buffers being fetched */

	bool is_broken;
	char broken[120];
};

/* A frame in the guest's memory, its header read. */
struct ring_frame {
	/* iov[0] is empty, for the caller's own copy of the first bytes, and what
	 * it points to is the caller's. The pieces are from iov[1] on.
	 */
	struct iovec *iov;
	uint16_t n_iov; /* with iov[0] */
	uint32_t len;	/* 0: there was no whole header; UINT32_MAX: too many pieces */
	struct vnet_header vnet;
};

enum ring_put {
	RING_PUT_DONE,
	RING_PUT_FULL,	/* nothing, or not enough, is available now */
	RING_PUT_SMALL, /* the buffer is too small, and no others can be merged */
};

/* Starts on the ring in 'config', whose memory is 'mem'. -EINVAL if the ring
 * has a size it cannot have, or does not lie in memory. Both must outlive it.
 */
int ring_init(struct ring *ring, const struct ring_config *config, const struct guest_mem *mem,
	      enum ring_direction direction, struct err *err);

/* Where to go on, for struct ring_config's 'base'. */
uint32_t ring_base(const struct ring *ring);

/* Takes up to 'n' frames that the guest sends; returns how many. They stay
 * where they are until ring_release(), which comes before the next take.
 */
unsigned ring_take(struct ring *ring, struct ring_frame frames[], unsigned n);

/* Gives all taken frames back to the guest. True: it wants to be called. */
bool ring_release(struct ring *ring);

/* Says that about 'n' frames will be put, so that memory is fetched early. */
void ring_expect(struct ring *ring, unsigned n);

/* Copies a frame of 'len' bytes, which lies in 'n_iov' pieces, and its header
 * to the guest, which sees it after ring_commit().
 */
enum ring_put ring_put(struct ring *ring, const struct iovec *iov, unsigned n_iov, uint32_t len,
		       const struct vnet_header *vnet);

/* Shows the guest what was put. True: it wants to be called. */
bool ring_commit(struct ring *ring);

/* Asks the guest to kick when it makes something available. False: there is
 * something already, which no kick may tell of; look again.
 */
bool ring_arm(struct ring *ring);

/* Asks it not to. A hint: there may still be kicks. */
void ring_disarm(struct ring *ring);

#endif
