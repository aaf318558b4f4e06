/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/framing.h"

#include <string.h>

#include "base/macros.h"
#include "port/burst.h"
#include "wire/endian.h"

/* The length the stream is at; false while some of its bytes are missing. */
static bool framing_length(const struct framing *framing, uint32_t *ret_len)
{
	be32 len;

	if (framing->end - framing->start < FRAMING_PREFIX)
		return false;

	memcpy(&len, framing->buf + framing->start, sizeof(len));
	*ret_len = be32_to_cpu(len);
	return true;
}

uint8_t *framing_room(struct framing *framing, size_t *ret_room)
{
	size_t left = framing->end - framing->start;

	/* To the front, always: a peer of small frames keeps touching the
	 * same page. A frame is moved once at most, as it then starts at 0.
	 */
	if (framing->start > 0) {
		memmove(framing->buf, framing->buf + framing->start, left);
		framing->start = 0;
		framing->end = left;
	}

	*ret_room = FRAMING_SIZE - framing->end;
	return framing->buf + framing->end;
}

void framing_add(struct framing *framing, size_t n)
{
	assert(n <= FRAMING_SIZE - framing->end);

	framing->end += n;
}

/* The length of the frame the stream is at, if all of it is there. */
static bool framing_complete(const struct framing *framing, uint32_t *ret_len)
{
	uint32_t len;

	if (!framing_length(framing, &len) || len > ETH_FRAME_MAX ||
	    len > framing->end - framing->start - FRAMING_PREFIX)
		return false;

	*ret_len = len;
	return true;
}

bool framing_has_frame(const struct framing *framing)
{
	uint32_t len;

	return framing_complete(framing, &len);
}

unsigned framing_take(struct framing *framing, struct burst *in, unsigned budget)
{
	unsigned n = 0;
	uint32_t len = 0;

	while (n < budget && framing_complete(framing, &len)) {
		framing->start += FRAMING_PREFIX;
		if (len > 0 && burst_append(in, framing->buf + framing->start, len))
			n++;
		framing->start += len;
	}

	return n;
}

uint32_t framing_absurd(const struct framing *framing)
{
	uint32_t len;

	return framing_length(framing, &len) && len > ETH_FRAME_MAX ? len : 0;
}
