/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of how a line of a batch file falls into words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/split.h"

/* The words, joined by '|'. */
static int split(const char *text, char *joined, struct err *err)
{
	char line[64];
	char *words[sizeof(line) / 2 + 1];
	size_t n = 0;
	int r;

	assert_true(text_copy(line, sizeof(line), text));
	r = split_words(line, words, &n, err);
	*joined = '\0';
	for (size_t i = 0; r == 0 && i < n; i++) {
		joined = stpcpy(joined, words[i]);
		joined = stpcpy(joined, "|");
	}
	return r;
}

static void blanks_separate_and_quotes_hold_together(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "link set m0 up\n", "link|set|m0|up|" },
		{ "  link\t\tset   m0 \n", "link|set|m0|" },
		{ "link", "link|" },
		{ "", "" },
		{ "\n", "" },
		{ "# link set", "" },
		{ "link # set", "link|" },
		{ "link m#0", "link|m#0|" },
		{ "alias \"two words\"\n", "alias|two words|" },
		{ "alias 'it \"is\"' x", "alias|it \"is\"|x|" },
		{ "alias \"#\"", "alias|#|" },
		{ "alias ''", "alias||" },
		{ "alias \"\" x", "alias||x|" },
		{ "a'b c'd", "ab cd|" },
		{ "a b", "a|b|" },
		{ "a b c d e f g", "a|b|c|d|e|f|g|" },
	};
	char joined[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(split(cases[i].line, joined, NULL), 0);
		assert_string_equal(joined, cases[i].words);
	}
}

static void a_quote_has_to_end(void **state)
{
	struct err err = { .msg = "" };
	char joined[64];

	(void)state;
	assert_int_equal(split("alias \"two words\n", joined, &err), -EINVAL);
	assert_string_equal(err.msg, "a quote (\") is not closed");
	assert_int_equal(split("alias '", joined, &err), -EINVAL);
	assert_string_equal(err.msg, "a quote (') is not closed");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_separate_and_quotes_hold_together),
		cmocka_unit_test(a_quote_has_to_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli split", tests, NULL, NULL);
}
