/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in a byte stream, each behind its length as 32 bits, big endian: what
 * QEMU's -netdev stream and socket, libkrun and socket_vmnet speak (R4.10).
 *
 * Bytes in, frames out; no I/O. The frames are views into the buffer, and a
 * frame that is not complete yet is the only thing that is ever moved.
 */
#ifndef PORT_FRAMING_H
#define PORT_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/eth.h"

struct burst;

#define FRAMING_PREFIX 4

/* The largest frame, and behind it about what a burst of 1514-byte ones takes. */
#define FRAMING_SIZE 196608
static_assert(FRAMING_SIZE > FRAMING_PREFIX + ETH_FRAME_MAX, "there is always room to go on");

struct framing {
	uint8_t *buf;	   /* FRAMING_SIZE bytes, the owner's */
	size_t start, end; /* what lies in it and has not been taken */
};

/* Where the next '*ret_room' bytes of the stream belong; never none, unless
 * framing_has_frame(). May move what is left of the stream, so no frame that
 * was taken may still be in use.
 */
uint8_t *framing_room(struct framing *framing, size_t *ret_room);

/* 'n' bytes have been put there. */
void framing_add(struct framing *framing, size_t n);

/* Would framing_take() get any further? */
bool framing_has_frame(const struct framing *framing);

/* Appends the next complete frames to 'in', 'budget' at most, and returns how
 * many. Frames too short for an Ethernet header are counted as runts; a length
 * of 0 means nothing, as in QEMU. Stops for good at a length that
 * framing_absurd() tells.
 */
unsigned framing_take(struct framing *framing, struct burst *in, unsigned budget);

/* The length the stream is at if it is above ETH_FRAME_MAX, which no frame
 * has and behind which nothing can be found any more; else 0.
 */
uint32_t framing_absurd(const struct framing *framing);

/* Have parts of a frame arrived? Asked when no more will come. */
static inline bool framing_is_cut(const struct framing *framing)
{
	return framing->start != framing->end;
}

#endif
