/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the options before the object. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/options.h"
#include "cli/split.h"

static char line[256];
static char *words[sizeof(line)];

static int parse(const char *text, struct options *ret_options, struct args *ret_args,
		 struct err *err)
{
	*ret_args = (struct args){ .word = words };
	*ret_options = (struct options){ 0 };
	assert_true(text_copy(line, sizeof(line), text));
	assert_int_equal(split_words(line, words, &ret_args->count, NULL), 0);
	return options_parse(ret_args, ret_options, err);
}

/* clang-format off */
static const struct {
	const char *line;
	struct options options;
} cases[] = {
	{ "link",               { .stats = 0 } },
	{ "-s link",            { .stats = 1 } },
	{ "-s -s -stats link",  { .stats = 3 } },
	{ "-statistics link",   { .stats = 1 } },
	{ "--statistics link",  { .stats = 1 } },
	{ "-d link",            { .details = true } },
	{ "-o link",            { .oneline = true } },
	{ "-j link",            { .json = true } },
	{ "--json link",        { .json = true } },
	{ "-j -p link",         { .json = true, .pretty = true } },
	{ "-br link",           { .brief = true } },
	{ "-brief link",        { .brief = true } },
	{ "-h link",            { .human = true } },
	{ "-human link",        { .human = true } },
	{ "-human-readable -iec link", { .human = true, .iec = true } },
	{ "-t link",            { .stamp = STAMP_LONG } },
	{ "-ts link",           { .stamp = STAMP_SHORT } },
	{ "-c link",            { .colour = COLOUR_ALWAYS } },
	{ "-c=never link",      { .colour = COLOUR_NEVER } },
	{ "-color=auto link",   { .colour = COLOUR_AUTO } },
	{ "--color=always link", { .colour = COLOUR_ALWAYS } },
	{ "-N -r link",         { .stats = 0 } },
	{ "-force link",        { .force = true } },
	{ "-V link",            { .instead = INSTEAD_VERSION } },
	{ "-Version link",      { .instead = INSTEAD_VERSION } },
	{ "-help link",         { .instead = INSTEAD_HELP } },
	{ "-b f link",          { .batch = "f" } },
	{ "-batch - link",      { .batch = "-" } },
	{ "--runtime-dir /x link",  { .runtime_dir = "/x" } },
	{ "-runtime-dir /x link",   { .runtime_dir = "/x" } },
	{ "--runtime-dir=/x link",  { .runtime_dir = "/x" } },
	{ "-- link",            { .stats = 0 } },
	{ "-s -- link",         { .stats = 1 } },
};
/* clang-format on */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void options_are_spelled_as_ip_spells_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct options *want = &cases[i].options;
		struct options got;
		struct args args;

		assert_int_equal(parse(cases[i].line, &got, &args, NULL), 0);
		assert_string_equal(args_peek(&args), "link");
		assert_int_equal(got.stats, want->stats);
		assert_int_equal(got.details, want->details);
		assert_int_equal(got.oneline, want->oneline);
		assert_int_equal(got.json, want->json);
		assert_int_equal(got.pretty, want->pretty);
		assert_int_equal(got.brief, want->brief);
		assert_int_equal(got.human, want->human);
		assert_int_equal(got.iec, want->iec);
		assert_int_equal(got.stamp, want->stamp);
		assert_int_equal(got.colour, want->colour);
		assert_int_equal(got.force, want->force);
		assert_int_equal(got.instead, want->instead);
		assert_true(same_text(got.batch, want->batch));
		assert_true(same_text(got.runtime_dir, want->runtime_dir));
	}
}

static void options_end_at_the_object(void **state)
{
	struct options options;
	struct args args;

	(void)state;
	assert_int_equal(parse("-s link show -j", &options, &args, NULL), 0);
	assert_false(options.json);
	assert_int_equal(args.at, 1);
}

static void unknown_options_and_values_are_named(void **state)
{
	static const struct {
		const char *line, *sentence;
	} bad[] = {
		{ "-foo link", "option \"-foo\" is unknown, try \"limpet help\"" },
		{ "- link", "option \"-\" is unknown, try \"limpet help\"" },
		{ "---json link", "option \"---json\" is unknown, try \"limpet help\"" },
		{ "-f link", "option \"-f\" is unknown, try \"limpet help\"" },
		{ "-n x link", "option \"-n\" is unknown, try \"limpet help\"" },
		{ "-json=1 link", "option \"-json=1\" is unknown, try \"limpet help\"" },
		{ "-c=foo link", "option \"-c=foo\" cannot have the value \"foo\"" },
		{ "--runtime-dir=", "option \"--runtime-dir=\" cannot have the value \"\"" },
		{ "-b", "\"-b\" needs a value after it; try \"help\" instead of it" },
		{ "--runtime-dir",
		  "\"--runtime-dir\" needs a value after it; try \"help\" instead of it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct options options;
		struct err err = { .msg = "" };
		struct args args;

		assert_int_equal(parse(bad[i].line, &options, &args, &err), -EINVAL);
		assert_string_equal(err.msg, bad[i].sentence);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_spelled_as_ip_spells_them),
		cmocka_unit_test(options_end_at_the_object),
		cmocka_unit_test(unknown_options_and_values_are_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli options", tests, NULL, NULL);
}
