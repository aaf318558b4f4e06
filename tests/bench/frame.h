/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a run: the source stamps them, the sink accounts for them.
 *
 * Every frame carries the run's number and its own sequence number, so that
 * the sink counts exactly what arrived, notices what came out of order or
 * changed on the way, and ignores whatever else the path delivers.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/mac.h"

#define FRAME_SIZE_MIN 60
#define FRAME_SIZE_MAX 69632 /* the longest frame a Limpet endpoint takes */
#define FRAME_BURST    32    /* frames a source hands over at once */

/* A frame before all others, which only shows that the path is open. */
#define FRAME_SEQ_HELLO UINT64_MAX

/* What all frames of a run look like. */
struct frame_shape {
	uint32_t size;		    /* octets, without checksum (FCS) and vnet header */
	uint32_t stamp_at;	    /* where the run's and the frame's number are */
	uint32_t run;		    /* tells this run's frames from all others */
	struct virtio_net_hdr vnet; /* sent before each frame by ends that have one */
};

/* Frames that differ in nothing but their stamps. */
struct frame_burst {
	const struct frame_shape *shape;
	unsigned n;
	uint8_t *frame[FRAME_BURST];
};

/* What the sink knows. 'received' is read by another thread meanwhile. */
struct frame_tally {
	const struct frame_shape *shape;
	const uint8_t *want; /* a frame as it was sent, NULL to look at lengths only */
	uint64_t next_seq;
	uint64_t received;
	uint64_t reordered; /* arrived after a later one, or twice */
	uint64_t damaged;   /* ours, but not as it was sent */
	uint64_t foreign;   /* somebody else's */
	uint64_t hellos;
};

/* Describes frames of 'size' octets. With 'gso_size' each is a TCP segment too
 * long for any wire, to be cut after every 'gso_size' octets of payload: what
 * a guest with segmentation offload sends.
 */
void frame_shape_init(struct frame_shape *shape, uint32_t size, uint16_t gso_size, uint32_t run);

/* Writes a frame of 'shape' to 'frame', which has room for it. */
void frame_build(uint8_t *frame, const struct frame_shape *shape, struct mac dst, struct mac src);

void frame_stamp(uint8_t *frame, const struct frame_shape *shape, uint64_t seq);

/* Accounts for one arrived frame. */
void frame_count(struct frame_tally *tally, const uint8_t *frame, size_t len);

#endif
