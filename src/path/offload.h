/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finishes the checksum or cuts the segments that a frame's vnet header asks
 * for, where the receiver cannot do it itself.
 *
 *	if (!offload_begin(&offload, frame))
 *		... drop the frame: DROP_BAD_OFFLOAD
 *	while (offload_next(&offload, buf, size, &finished))
 *		... send 'finished', which lies in 'buf'
 */
#ifndef PATH_OFFLOAD_H
#define PATH_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/burst.h"
#include "wire/parse.h"

/* The longest headers a frame to be cut may have. Two VLAN tags, IPv6 and TCP
 * with all its options take 122 bytes; what is left is for extension headers.
 */
#define OFFLOAD_HEAD_MAX 512

/* The most finished frames that come of one. */
#define OFFLOAD_FRAMES_MAX 1024

/* The work on one frame: a few hundred bytes, best kept by the worker. */
struct offload {
	const struct frame *frame;
	unsigned n_left; /* finished frames still to come */

	/* Where the payload goes on in the frame's iovecs, and how much is left. */
	unsigned iov_idx;
	size_t iov_pos;
	uint32_t payload_left;
	uint32_t payload_max; /* of one finished frame */

	bool cut; /* into segments; what is below is for them */
	struct layers at;
	uint64_t pseudo; /* sum of the pseudo header without its length */

	/* Read from the frame once; the next segment's where it differs. */
	uint16_t head_len;
	uint8_t head[OFFLOAD_HEAD_MAX];
};

/* Starts on 'frame', which stays the caller's and must stay in place until the
 * last offload_next(). Returns how many finished frames there will be, or 0 if
 * the vnet header asks for what cannot be done: it lies about its frame
 * (R3.62), or wants IP fragments (UFO) or more than the limits above.
 */
unsigned offload_begin(struct offload *offload, const struct frame *frame);

/* The length of the next finished frame; 0 when there are no more. */
uint32_t offload_next_len(const struct offload *offload);

/* Writes the next finished frame to 'buf' and makes 'ret_frame' a view of it.
 * False, and nothing changed, if there is none left, or if it does not fit in
 * 'size' bytes (ETH_FRAME_MAX is always enough).
 */
bool offload_next(struct offload *offload, uint8_t *buf, size_t size, struct frame *ret_frame);

#endif
