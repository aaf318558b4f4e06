/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bursts: the frames one worker handles at a time.
 *
 * A frame is a borrowed view: iovecs into its source's memory, the work its
 * checksum and segmentation still need, and a copy of its first bytes, read
 * once, on which all decisions are made. Ports whose kernel interface wants
 * whole buffers (datagrams, AF_PACKET) receive into the burst's store, which
 * all ports of a worker share; it is touched as far as it is used.
 */
#ifndef PORT_BURST_H
#define PORT_BURST_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "wire/drop.h"
#include "wire/eth.h"
#include "wire/vnet.h"

#define BURST_MAX 64

/* The copied start: Ethernet header and the ethertype behind one VLAN tag. */
#define FRAME_HEAD_LEN 18

/* A slot of the store: headroom to put a VLAN tag back, then a whole frame. */
#define BURST_HEADROOM	16
#define BURST_SLOT_SIZE (ETH_FRAME_MAX + BURST_HEADROOM + 112)

struct frame {
	const struct iovec *iov; /* the frame, without vnet header */
	uint16_t n_iov;
	uint8_t head[FRAME_HEAD_LEN]; /* its first bytes; zeros where it is shorter */
	uint32_t len;		      /* bytes, at least ETH_HEADER_LEN */
	struct vnet_header vnet;
	struct iovec one; /* for 'iov', when one is enough */
};

struct burst {
	unsigned n;
	uint32_t dropped[DROP_COUNT]; /* frames that ended at their source port */
	uint8_t *store;		      /* BURST_MAX slots of BURST_SLOT_SIZE bytes */
	struct frame frame[BURST_MAX];
};

/* Makes an empty burst and its store (address space; pages as they are used). */
int burst_new(struct burst **ret_burst, struct err *err);
struct burst *burst_free(struct burst *burst);

/* Slot 'i' of the store, at its headroom. */
static inline uint8_t *burst_slot(struct burst *burst, unsigned i)
{
	return burst->store + (size_t)i * BURST_SLOT_SIZE;
}

/* Makes 'frame' a view of 'len' bytes at 'data', which lie in one piece and
 * have no work left in them. The frame points into itself: do not move it.
 */
void burst_set_frame(struct frame *frame, uint8_t *data, uint32_t len);

/* Appends the frame of 'len' bytes at 'data', which lies in one piece and has
 * no work left in it, or counts it as a runt. 'data' stays the source's.
 * Returns the frame, whose 'vnet' the caller may fill in, or NULL.
 */
struct frame *burst_append(struct burst *burst, uint8_t *data, uint32_t len);

/* Counts a frame that a source port could not pass on. */
static inline void burst_drop(struct burst *burst, enum drop why)
{
	burst->dropped[why]++;
}

/* Empties the burst, counts included. */
void burst_clear(struct burst *burst);

#endif
