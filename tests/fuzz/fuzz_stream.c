/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: the framing of streams, in pieces of any size.
 *
 * The input says how a peer's bytes arrive: one byte for the receiver's budget,
 * then records, each a piece. N < 254: N bytes, which follow. 254: the two
 * bytes that follow are a number of filler bytes, so that large frames fit into
 * small inputs. 255: the length of a frame, whose lower two bytes follow.
 *
 * What comes out is compared with what a reader sees that has all bytes at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "port/burst.h"
#include "port/framing.h"

#define STREAM_MAX (1u << 20)

#define EXPECT(what)                                                               \
	do {                                                                       \
		if (!(what)) {                                                     \
			(void)fprintf(stderr, "fuzz_stream: not so: %s\n", #what); \
			abort();                                                   \
		}                                                                  \
	} while (0)

/* All bytes so far, and how far the simple reader has read them. */
static struct {
	uint8_t *bytes;
	size_t size;
	size_t at;
	unsigned n_runts;
} all;

static struct framing framing;
static struct burst *burst;
static unsigned n_runts;

/* The simple reader's next length; false if it is not there. */
static bool peek_length(uint32_t *ret_len)
{
	const uint8_t *at = all.bytes + all.at;

	if (all.size - all.at < 4)
		return false;
	*ret_len = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return true;
}

/* The simple reader's next frame; NULL if there is none, or never will be. */
static const uint8_t *next_frame(uint32_t *ret_len)
{
	uint32_t len;

	while (peek_length(&len) && len <= ETH_FRAME_MAX && len <= all.size - all.at - 4) {
		const uint8_t *frame = all.bytes + all.at + 4;

		all.at += 4 + len;
		if (len >= ETH_HEADER_LEN) {
			*ret_len = len;
			return frame;
		}
		all.n_runts += len > 0;
	}
	return NULL;
}

static void compare(const struct frame *frame)
{
	uint32_t len = 0;
	const uint8_t *expected = next_frame(&len);

	EXPECT(expected && frame->len == len);
	EXPECT(frame->n_iov == 1 && frame->iov[0].iov_len == len);
	EXPECT(memcmp(frame->iov[0].iov_base, expected, len) == 0);
	EXPECT(memcmp(frame->head, expected, MIN(len, (uint32_t)FRAME_HEAD_LEN)) == 0);
}

static void take(unsigned budget)
{
	while (framing_has_frame(&framing)) {
		unsigned n = framing_take(&framing, burst, budget);

		EXPECT(n <= budget && n == burst->n);
		for (unsigned i = 0; i < n; i++)
			compare(&burst->frame[i]);
		n_runts += burst->dropped[DROP_RUNT];
		burst_clear(burst);
	}
}

/* What was appended to 'all' from 'from' on arrives. */
static void arrive(size_t from, unsigned budget)
{
	while (from < all.size && framing_absurd(&framing) == 0) {
		size_t room, now = all.size - from;
		uint8_t *at = framing_room(&framing, &room);

		EXPECT(room > 0);
		now = MIN(now, room);
		memcpy(at, all.bytes + from, now);
		framing_add(&framing, now);
		from += now;
		take(budget);
	}
}

/* Appends a record's bytes to 'all'; returns what the record took. */
static size_t append(const uint8_t *record, size_t size)
{
	uint8_t *end = all.bytes + all.size;
	size_t n = MIN(record[0], size - 1);

	if (record[0] < 254) {
		memcpy(end, record + 1, n);
		all.size += n;
		return 1 + n;
	}
	if (size < 3)
		return size;

	if (record[0] == 254) {
		n = (size_t)record[1] << 8 | record[2];
		memset(end, record[2], n);
		all.size += n;
	} else {
		const uint8_t length[4] = { 0, record[1] & 1, record[1], record[2] };

		memcpy(end, length, sizeof(length));
		all.size += sizeof(length);
	}
	return 3;
}

static void check_rest(void)
{
	uint32_t len = 0, absurd = framing_absurd(&framing);

	EXPECT(!next_frame(&len)); /* counts the runts at the end */
	EXPECT(n_runts == all.n_runts);
	if (absurd > 0)
		EXPECT(absurd > ETH_FRAME_MAX && peek_length(&len) && len == absurd);
	else
		EXPECT(framing_is_cut(&framing) == (all.at < all.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned budget = size > 0 ? 1 + data[0] % BURST_MAX : 1;

	if (!burst) {
		framing.buf = malloc(FRAMING_SIZE);
		all.bytes = malloc(STREAM_MAX);
		EXPECT(framing.buf && all.bytes && burst_new(&burst, NULL) == 0);
	}
	framing.start = framing.end = 0;
	all.size = all.at = 0;
	all.n_runts = n_runts = 0;

	for (size_t i = 1; i < size && all.size <= STREAM_MAX - 65536;) {
		size_t before = all.size;

		i += append(data + i, size - i);
		arrive(before, budget);
	}

	check_rest();
	return 0;
}
