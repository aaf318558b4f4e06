/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of proto: messages out of bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/varlink.h"

/* Pushes 'bytes' in chunks of 'step'; what came out, a '|' after each message. */
static void split(const char *bytes, size_t len, size_t step, char *out)
{
	struct varlink_input input;

	varlink_input_init(&input, 16);
	*out = '\0';
	for (size_t at = 0; at < len; at += step) {
		const char *text;
		size_t text_len;

		assert_int_equal(varlink_input_push(&input, bytes + at, MIN(step, len - at), NULL),
				 0);
		while (varlink_input_next(&input, &text, &text_len, NULL) == 1) {
			assert_int_equal(strlen(text), text_len);
			out += sprintf(out, "%s|", text);
		}
	}
	varlink_input_fini(&input);
}

static void messages_do_not_depend_on_how_bytes_arrive(void **state)
{
	static const char bytes[] = "one\0two\0\0sixteen-letters!\0f\0unfinished";
	char out[64];

	(void)state;
	for (size_t step = 1; step <= sizeof(bytes); step++) {
		split(bytes, sizeof(bytes) - 1, step, out);
		assert_string_equal(out, "one|two||sixteen-letters!|f|");
	}
}

/* Long enough that the unread bytes have to move in the buffer, many times. */
static void a_long_stream_comes_out_whole(void **state)
{
	enum { LONGEST = 3000, MESSAGES = 400 };
	static char stream[MESSAGES * (LONGEST + 1)];
	struct varlink_input input;
	size_t len = 0, at = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t message_len = i * 7919 % (LONGEST + 1);

		memset(stream + len, 'a' + (int)(i % 26), message_len);
		stream[len + message_len] = '\0';
		len += message_len + 1;
	}

	varlink_input_init(&input, LONGEST);
	for (size_t sent = 0, step = 1; sent < len; sent += step, step = step * 31 % 5003) {
		const char *text;
		size_t text_len;

		step = MIN(step, len - sent);
		assert_int_equal(varlink_input_push(&input, stream + sent, step, NULL), 0);
		while (varlink_input_next(&input, &text, &text_len, NULL) == 1) {
			assert_string_equal(text, stream + at);
			at += text_len + 1;
			n++;
		}
	}
	assert_int_equal(n, MESSAGES);
	assert_int_equal(at, len);
	varlink_input_fini(&input);
}

static void a_message_has_a_longest_length(void **state)
{
	struct varlink_input input;
	const char *text;
	size_t len;

	(void)state;
	varlink_input_init(&input, 16);
	assert_int_equal(varlink_input_push(&input, "seventeen-letters", 18, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), -EMSGSIZE);
	varlink_input_fini(&input);

	/* Without its end in sight it is too long just the same. */
	assert_int_equal(varlink_input_push(&input, "seventeen-letters", 17, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), -EMSGSIZE);
	assert_int_equal(varlink_input_push(&input, "!", 1, NULL), -EMSGSIZE);
	varlink_input_fini(&input);
}

static void memory_is_bounded_and_given_back(void **state)
{
	static char chunk[1000];
	struct varlink_input input;
	const char *text;
	size_t len;
	int r = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	varlink_input_init(&input, VARLINK_REQUEST_MAX);
	for (size_t sent = 0; sent < 100 * 1024 * 1024 && r == 0; sent += sizeof(chunk)) {
		r = varlink_input_push(&input, chunk, sizeof(chunk), NULL);
		assert_true(input.size <= 2 * VARLINK_REQUEST_MAX);
	}
	assert_int_equal(r, -EMSGSIZE);
	varlink_input_fini(&input);

	assert_int_equal(varlink_input_push(&input, "{}", 3, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), 1);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), 0);
	assert_null(input.buf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_do_not_depend_on_how_bytes_arrive),
		cmocka_unit_test(a_long_stream_comes_out_whole),
		cmocka_unit_test(a_message_has_a_longest_length),
		cmocka_unit_test(memory_is_bounded_and_given_back),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("varlink", tests, NULL, NULL);
}
