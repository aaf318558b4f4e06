/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of framing: frames out of bytes, however the bytes arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/burst.h"
#include "port/framing.h"

/* What a reader has seen of a stream. */
struct reader {
	struct framing framing;
	struct burst *burst;
	unsigned n_frames;
	unsigned n_runts;
	uint8_t bytes[4 * ETH_FRAME_MAX]; /* of all its frames, in order */
	size_t n_bytes;
};

static struct reader *reader_new(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	reader->framing.buf = malloc(FRAMING_SIZE);
	assert_non_null(reader->framing.buf);
	assert_int_equal(burst_new(&reader->burst, NULL), 0);
	return reader;
}

static void reader_free(struct reader *reader)
{
	burst_free(reader->burst);
	free(reader->framing.buf);
	free(reader);
}

/* Takes all that is complete, 'budget' frames at a time. */
static void reader_take(struct reader *reader, unsigned budget)
{
	while (framing_has_frame(&reader->framing)) {
		unsigned n = framing_take(&reader->framing, reader->burst, budget);

		assert_true(n <= budget);
		assert_int_equal(n, reader->burst->n);
		for (unsigned i = 0; i < n; i++) {
			const struct frame *frame = &reader->burst->frame[i];

			assert_int_equal(frame->n_iov, 1);
			assert_int_equal(frame->iov[0].iov_len, frame->len);
			memcpy(reader->bytes + reader->n_bytes, frame->iov[0].iov_base, frame->len);
			reader->n_bytes += frame->len;
		}
		reader->n_frames += n;
		reader->n_runts += reader->burst->dropped[DROP_RUNT];
		burst_clear(reader->burst);
	}
}

/* Feeds 'n' bytes, at most 'piece' at a time. */
static void reader_feed(struct reader *reader, const uint8_t *data, size_t n, size_t piece)
{
	while (n > 0) {
		size_t room;
		uint8_t *at = framing_room(&reader->framing, &room);
		size_t now = MIN(n, piece);

		now = MIN(now, room);
		assert_true(now > 0);
		memcpy(at, data, now);
		framing_add(&reader->framing, now);
		reader_take(reader, 2);
		data += now;
		n -= now;
	}
}

/* Writes a length and that many bytes counting from 'first'; returns the size. */
static size_t put_frame(uint8_t *at, uint32_t len, uint8_t first)
{
	be32 prefix = cpu_to_be32(len);

	memcpy(at, &prefix, sizeof(prefix));
	for (uint32_t i = 0; i < len; i++)
		at[FRAMING_PREFIX + i] = (uint8_t)(first + i);
	return FRAMING_PREFIX + len;
}

static void frames_survive_every_split(void **state)
{
	static const uint32_t lens[] = { 14, 0, 60, 13, 15, 1, 0, 18 };
	uint8_t stream[256], plain[256];
	size_t size = 0, n_plain = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t put = put_frame(stream + size, lens[i], (uint8_t)(i * 31));

		if (lens[i] >= ETH_HEADER_LEN) {
			memcpy(plain + n_plain, stream + size + FRAMING_PREFIX, lens[i]);
			n_plain += lens[i];
		}
		size += put;
	}

	/* In two parts at every place, and evenly in parts of every size: 1 is
	 * byte by byte.
	 */
	for (size_t split = 1; split < 2 * size; split++) {
		struct reader *reader = reader_new();

		if (split < size) {
			reader_feed(reader, stream, split, size);
			reader_feed(reader, stream + split, size - split, size);
		} else {
			reader_feed(reader, stream, size, split - size + 1);
		}
		assert_int_equal(reader->n_frames, 4);
		assert_int_equal(reader->n_runts, 2);
		assert_int_equal(reader->n_bytes, n_plain);
		assert_memory_equal(reader->bytes, plain, n_plain);
		assert_false(framing_is_cut(&reader->framing));
		reader_free(reader);
	}
}

static void the_largest_frame_passes_in_any_pieces(void **state)
{
	static const size_t pieces[] = { 1, 4096, ETH_FRAME_MAX, FRAMING_SIZE };
	uint8_t *stream = malloc(3 * (FRAMING_PREFIX + (size_t)ETH_FRAME_MAX));
	size_t size = 0;

	(void)state;
	assert_non_null(stream);
	for (uint8_t i = 0; i < 3; i++)
		size += put_frame(stream + size, ETH_FRAME_MAX, i);

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct reader *reader = reader_new();

		reader_feed(reader, stream, size, pieces[i]);
		assert_int_equal(reader->n_frames, 3);
		assert_memory_equal(reader->bytes, stream + FRAMING_PREFIX, ETH_FRAME_MAX);
		assert_int_equal(reader->bytes[2 * ETH_FRAME_MAX], 2);
		reader_free(reader);
	}
	free(stream);
}

static void an_absurd_length_ends_the_stream_behind_the_frames_before_it(void **state)
{
	static const uint32_t absurd[] = { ETH_FRAME_MAX + 1, 0x7fffffff, 0x80000000, UINT32_MAX };
	uint8_t stream[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
		struct reader *reader = reader_new();
		be32 prefix = cpu_to_be32(absurd[i]);
		size_t size = put_frame(stream, 60, 1);

		memcpy(stream + size, &prefix, sizeof(prefix));
		reader_feed(reader, stream, size + 3, size + 3);
		assert_int_equal(framing_absurd(&reader->framing), 0);
		reader_feed(reader, stream + size + 3, 1, 1);
		assert_int_equal(framing_absurd(&reader->framing), absurd[i]);
		assert_false(framing_has_frame(&reader->framing));
		assert_int_equal(reader->n_frames, 1);
		reader_free(reader);
	}
}

static void half_a_frame_can_be_told_from_none(void **state)
{
	struct reader *reader = reader_new();
	uint8_t stream[128];
	size_t size = put_frame(stream, 60, 1);

	(void)state;
	assert_false(framing_is_cut(&reader->framing));
	reader_feed(reader, stream, 2, 2);
	assert_true(framing_is_cut(&reader->framing));
	reader_feed(reader, stream + 2, size - 2, size);
	assert_false(framing_is_cut(&reader->framing));
	reader_free(reader);
}

static void a_budget_leaves_the_rest_for_later(void **state)
{
	struct reader *reader = reader_new();
	uint8_t stream[5 * 64];
	size_t room;

	(void)state;
	for (uint8_t i = 0; i < 5; i++)
		(void)put_frame(stream + i * 64, 60, i);
	memcpy(framing_room(&reader->framing, &room), stream, sizeof(stream));
	framing_add(&reader->framing, sizeof(stream));

	assert_int_equal(framing_take(&reader->framing, reader->burst, 3), 3);
	assert_true(framing_has_frame(&reader->framing));
	assert_int_equal(reader->burst->frame[2].head[0], 2);
	burst_clear(reader->burst);
	assert_int_equal(framing_take(&reader->framing, reader->burst, 3), 2);
	assert_int_equal(reader->burst->frame[1].head[0], 4);
	assert_false(framing_has_frame(&reader->framing));
	reader_free(reader);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_survive_every_split),
		cmocka_unit_test(the_largest_frame_passes_in_any_pieces),
		cmocka_unit_test(an_absurd_length_ends_the_stream_behind_the_frames_before_it),
		cmocka_unit_test(half_a_frame_can_be_told_from_none),
		cmocka_unit_test(a_budget_leaves_the_rest_for_later),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
