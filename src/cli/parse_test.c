/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the grammar: lines of `link add` and `link set`, and the changes or
 * sentences they come to.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include "cli/link_parse.h"
#include "cli/split.h"

/* One line, parsed. */
struct parsed {
	int r;
	struct link_change change;
	struct err err;
};

static struct parsed parse(enum link_verb verb, const char *text)
{
	struct parsed parsed = { .err = { .msg = "" } };
	char *line = strdup(text);
	char **words = calloc(strlen(text) / 2 + 1, sizeof(*words));
	struct args args = { .word = words };

	assert_non_null(line);
	assert_non_null(words);
	assert_int_equal(split_words(line, words, &args.count, NULL), 0);
	parsed.r = link_parse(&args, verb, &parsed.change, &parsed.err);
	free(words);
	free(line);
	return parsed;
}

static void describe_sources(FILE *out, const struct link_change *change)
{
	char mac[MAC_TEXT_SIZE];

	(void)fprintf(out, " macaddr %s", source_command_name(change->source_command));
	for (size_t i = 0; i < change->n_sources; i++)
		(void)fprintf(out, " %s", mac_format(change->sources[i], mac));
}

static void describe_kind(FILE *out, const struct link_change *change)
{
	(void)fprintf(out, " type %s", link_kind_name(change->kind));
	if (change->has & LINK_HAS_MODE)
		(void)fprintf(out, " mode %s", fwd_mode_name((enum fwd_mode)change->mode));
	if (change->has & LINK_HAS_FLAGS)
		(void)fprintf(out, " flags %" PRIu32, change->flags);
	if (change->has & LINK_HAS_SOURCES)
		describe_sources(out, change);
	if (change->has & LINK_HAS_BCQUEUELEN)
		(void)fprintf(out, " bcqueuelen %" PRIu32, change->bcqueuelen);
	if (change->has & LINK_HAS_BCLIM)
		(void)fprintf(out, " bclim %" PRId32, change->bclim);
	if (change->has & LINK_HAS_HAIRPIN)
		(void)fprintf(out, " hairpin %d", change->hairpin);
}

/* The change in one spelling, always in this order; the caller frees it. */
static char *describe(const struct link_change *change)
{
	char mac[MAC_TEXT_SIZE];
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	(void)fprintf(out, "'%s'", change->name);
	if (change->has & LINK_HAS_LOWER)
		(void)fprintf(out, " link %s", change->lower);
	if (change->has & LINK_HAS_ADDRESS)
		(void)fprintf(out, " address %s", mac_format(change->address, mac));
	if (change->has & LINK_HAS_MTU)
		(void)fprintf(out, " mtu %" PRIu32, change->mtu);
	if (change->has & LINK_HAS_TXQLEN)
		(void)fprintf(out, " txqlen %" PRIu32, change->txqlen);
	if (change->has & LINK_HAS_UP)
		(void)fprintf(out, " up %d", change->up);
	if (change->has & LINK_HAS_NEW_NAME)
		(void)fprintf(out, " name %s", change->new_name);
	if (change->has & LINK_HAS_ALIAS)
		(void)fprintf(out, " alias [%s]", change->alias);
	if (change->has & LINK_HAS_VHOST)
		(void)fprintf(out, " vhost '%s'", change->vhost);
	if (change->has & LINK_HAS_POLL)
		(void)fprintf(out, " poll %" PRIu32, change->poll);
	if (change->has & LINK_HAS_KIND)
		describe_kind(out, change);
	assert_int_equal(fclose(out), 0);
	return text;
}

struct good {
	enum link_verb verb;
	const char *line, *change;
};

/* clang-format off */
static const struct good good[] = {
	/* as in ip-link(8) */
	{ LINK_ADD, "link eth0 name m0 type macvtap",
	  "'m0' link eth0 type macvtap" },
	{ LINK_ADD, "link eth0 m0 type macvtap mode bridge",
	  "'m0' link eth0 type macvtap mode bridge" },
	{ LINK_ADD, "m0 link eth0 type macvtap",
	  "'m0' link eth0 type macvtap" },
	{ LINK_ADD, "dev m0 link eth0 type macvtap",
	  "'m0' link eth0 type macvtap" },
	{ LINK_ADD, "link eth0 type macvtap",
	  "'' link eth0 type macvtap" },
	{ LINK_ADD, "link eth0 name macvtap0 address 52:54:00:b8:9c:58 mtu 1400 txqueuelen 77 type macvlan mode private",
	  "'macvtap0' link eth0 address 52:54:00:b8:9c:58 mtu 1400 txqlen 77 type macvlan mode private" },
	{ LINK_ADD, "lan0 type dummy",             "'lan0' type dummy" },
	{ LINK_ADD, "name lan0 type dummy hairpin on", "'lan0' type dummy hairpin 1" },
	{ LINK_ADD, "lan0 type dummy hairpin off", "'lan0' type dummy hairpin 0" },
	{ LINK_ADD, "m0 alias 'web server' up type macvtap", "'m0' up 1 alias [web server] type macvtap" },
	/* words in any order, in iproute2's short forms and other spellings */
	{ LINK_ADD, "mtu 0x500 addr 2:0:0:0:0:1 l eth0 qlen 5 name m0 ty macvtap m vepa",
	  "'m0' link eth0 address 02:00:00:00:00:01 mtu 1280 txqlen 5 type macvtap mode vepa" },
	{ LINK_ADD, "a 2:0:0:0:0:1 t 5 m0 type macvtap", "'m0' address 02:00:00:00:00:01 txqlen 5 type macvtap" },
	{ LINK_ADD, "txqlen 5 m0 type macvtap",    "'m0' txqlen 5 type macvtap" },
	/* a name like a keyword needs "dev" before it (R5.4) */
	{ LINK_SET, "dev a up",                    "'a' up 1" },
	{ LINK_SET, "dev type down",               "'type' up 0" },
	/* set */
	{ LINK_SET, "m0",                          "'m0'" },
	{ LINK_SET, "m0 up",                       "'m0' up 1" },
	{ LINK_SET, "up dev m0",                   "'m0' up 1" },
	{ LINK_SET, "m0 up down",                  "'m0' up 0" },
	{ LINK_SET, "m0 mtu 9000 name web0 alias x address 02:00:00:00:00:01 down",
	  "'m0' address 02:00:00:00:00:01 mtu 9000 up 0 name web0 alias [x]" },
	{ LINK_SET, "m0 alias ''",                 "'m0' alias []" },
	{ LINK_SET, "m0 up type macvtap mode private", "'m0' up 1 type macvtap mode private" },
	{ LINK_SET, "lan0 type dummy hairpin on",  "'lan0' type dummy hairpin 1" },
	{ LINK_SET, "m0 vhost client /run/q.sock poll 20", "'m0' vhost '/run/q.sock' poll 20" },
	{ LINK_SET, "m0 vhost server poll 0", "'m0' vhost '' poll 0" },
	{ LINK_ADD, "link lan0 m0 vhost client /q type macvtap", "'m0' link lan0 vhost '/q' type macvtap" },
	{ LINK_SET, "m0 mtu 0",                    "'m0' mtu 0" },
	{ LINK_SET, "m0 mtu 4294967295",           "'m0' mtu 4294967295" },
	{ LINK_SET, "m0 name 123456789012345",     "'m0' name 123456789012345" },
	/* flags (R5.1) */
	{ LINK_SET, "m0 type macvtap mode passthru nopromisc", "'m0' type macvtap mode passthru flags 1" },
	{ LINK_SET, "m0 type macvtap nopromisc mode passthru", "'m0' type macvtap mode passthru flags 1" },
	{ LINK_SET, "m0 type macvtap mode source nodst",       "'m0' type macvtap mode source flags 2" },
	{ LINK_SET, "m0 type macvtap flag null",               "'m0' type macvtap flags 0" },
	{ LINK_SET, "m0 type macvtap mode passthru flag nopromisc flag nodst",
	  "'m0' type macvtap mode passthru flags 3" },
	/* source lists (R1.50) */
	{ LINK_SET, "m0 type macvtap macaddr add 02:00:00:00:00:a1",
	  "'m0' type macvtap macaddr add 02:00:00:00:00:a1" },
	{ LINK_SET, "m0 type macvtap macaddr del 02:00:00:00:00:a1",
	  "'m0' type macvtap macaddr del 02:00:00:00:00:a1" },
	{ LINK_SET, "m0 type macvtap macaddr flush",  "'m0' type macvtap macaddr flush" },
	{ LINK_SET, "m0 type macvtap macaddr set",    "'m0' type macvtap macaddr set" },
	{ LINK_SET, "m0 type macvtap mode source macaddr set 2:0:0:0:0:1 2:0:0:0:0:2 nodst",
	  "'m0' type macvtap mode source flags 2 macaddr set 02:00:00:00:00:01 02:00:00:00:00:02" },
	{ LINK_SET, "m0 type macvtap maca flush bcq 7", "'m0' type macvtap macaddr flush bcqueuelen 7" },
	/* numbers */
	{ LINK_SET, "m0 type macvtap bcqueuelen 4294967295 bclim -2147483648",
	  "'m0' type macvtap bcqueuelen 4294967295 bclim -2147483648" },
	{ LINK_SET, "m0 type macvtap bclim 2147483647", "'m0' type macvtap bclim 2147483647" },
};
/* clang-format on */

static void lines_become_the_change_they_ask_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct parsed parsed = parse(good[i].verb, good[i].line);
		char *change = describe(&parsed.change);

		assert_string_equal(parsed.err.msg, "");
		assert_int_equal(parsed.r, 0);
		assert_string_equal(change, good[i].change);
		free(change);
		link_change_fini(&parsed.change);
	}
}

#define LONG_NAME "1234567890123456"

struct bad {
	enum link_verb verb;
	const char *line, *sentence;
};

/* clang-format off */
static const struct bad bad[] = {
	{ LINK_ADD, "",                   "not enough information: \"type\" argument is required" },
	{ LINK_ADD, "m0 link eth0",       "not enough information: \"type\" argument is required" },
	{ LINK_SET, "",                   "not enough information: \"dev\" argument is required" },
	{ LINK_SET, "up",                 "not enough information: \"dev\" argument is required" },
	{ LINK_SET, "m0 m1 up",           "either \"dev\" is duplicate, or \"m1\" is garbage" },
	{ LINK_SET, "m0 foo 7",           "either \"dev\" is duplicate, or \"foo\" is garbage" },
	{ LINK_SET, "m0 link eth0",       "either \"dev\" is duplicate, or \"link\" is garbage" },
	{ LINK_ADD, "name m0 m1 type macvtap", "either \"dev\" is duplicate, or \"m1\" is garbage" },
	{ LINK_SET, "m0 mt 1300",         "either \"dev\" is duplicate, or \"mt\" is garbage" },
	{ LINK_SET, "a up",               "argument of \"address\" must be a MAC address such as 52:54:00:b8:9c:58, not \"up\"" },
	{ LINK_SET, "dev",                "\"dev\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "dev ''",             "\"\" is not the name of a link" },
	{ LINK_SET, "m0 name ''",         "\"\" is not the name of a link" },
	{ LINK_SET, "m0 mtu",             "\"mtu\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 mtu abc",         "argument of \"mtu\" must be a positive integer [0-4294967295], not \"abc\"" },
	{ LINK_SET, "m0 mtu -1",          "argument of \"mtu\" must be a positive integer [0-4294967295], not \"-1\"" },
	{ LINK_SET, "m0 mtu ' 1'",        "argument of \"mtu\" must be a positive integer [0-4294967295], not \" 1\"" },
	{ LINK_SET, "m0 mtu 1500x",       "argument of \"mtu\" must be a positive integer [0-4294967295], not \"1500x\"" },
	{ LINK_SET, "m0 mtu 4294967296",  "argument of \"mtu\" must be a positive integer [0-4294967295], not \"4294967296\"" },
	{ LINK_SET, "m0 mtu 1000 mtu 1001", "duplicate \"mtu\": \"1001\" is the second value" },
	{ LINK_SET, "m0 address 1:2",     "argument of \"address\" must be a MAC address such as 52:54:00:b8:9c:58, not \"1:2\"" },
	{ LINK_SET, "m0 alias",           "\"alias\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 netns x",         "\"netns\" is a word of ip-link(8) that limpet does not have" },
	{ LINK_SET, "m0 type",            "\"type\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 type veth",       "argument of \"type\" must be \"macvtap\", \"macvlan\" or \"dummy\", not \"veth\"" },
	{ LINK_SET, "m0 type netdev",     "argument of \"type\" must be \"macvtap\", \"macvlan\" or \"dummy\", not \"netdev\"" },
	/* R5.3 */
	{ LINK_SET, "m0 type macvtap mode X",
	  "argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\", not \"X\"" },
	{ LINK_SET, "m0 type macvtap mode 3",
	  "argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\", not \"3\"" },
	{ LINK_SET, "m0 type macvtap flag X",
	  "argument of \"flag\" must be \"nopromisc\", \"nodst\" or \"null\", not \"X\"" },
	{ LINK_SET, "m0 type macvtap X",
	  "macvtap: unknown option \"X\"? (\"mtu\", \"address\" and the like stand before \"type\")" },
	{ LINK_SET, "m0 type macvlan mtu 1500",
	  "macvlan: unknown option \"mtu\"? (\"mtu\", \"address\" and the like stand before \"type\")" },
	{ LINK_SET, "m0 type macvtap bcl 1",
	  "macvtap: unknown option \"bcl\"? (\"mtu\", \"address\" and the like stand before \"type\")" },
	{ LINK_SET, "m0 type macvtap bcqueuelen X",
	  "argument of \"bcqueuelen\" must be a positive integer [0-4294967295], not \"X\"" },
	{ LINK_SET, "m0 type macvtap bclim 2147483648",
	  "argument of \"bclim\" must be an integer [-2147483648-2147483647], not \"2147483648\"" },
	{ LINK_SET, "m0 type macvtap bclim -2147483649",
	  "argument of \"bclim\" must be an integer [-2147483648-2147483647], not \"-2147483649\"" },
	{ LINK_SET, "m0 type macvtap mode vepa mode bridge", "duplicate \"mode\"" },
	/* R5.2 */
	{ LINK_SET, "m0 type macvtap nopromisc",
	  "macvtap: nopromisc flag only valid in passthru mode" },
	{ LINK_ADD, "m0 type macvlan mode bridge flag nopromisc",
	  "macvlan: nopromisc flag only valid in passthru mode" },
	/* R1.51, as far as it is grammar */
	{ LINK_SET, "m0 type macvtap macaddr",
	  "\"macaddr\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 type macvtap macaddr foo",
	  "argument of \"macaddr\" must be \"add\", \"del\", \"set\" or \"flush\", not \"foo\"" },
	{ LINK_SET, "m0 type macvtap macaddr add",
	  "\"macaddr\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 type macvtap macaddr del zz",
	  "argument of \"macaddr\" must be a MAC address such as 52:54:00:b8:9c:58, not \"zz\"" },
	{ LINK_SET, "m0 vhost", "\"vhost\" needs a value after it; try \"help\" instead of it" },
	{ LINK_SET, "m0 vhost maybe",
	  "argument of \"vhost\" must be \"server\" or \"client\", not \"maybe\"" },
	{ LINK_SET, "m0 vhost client q.sock",
	  "argument of \"client\" must be an absolute path, not \"q.sock\"" },
	{ LINK_SET, "m0 vhost server vhost server", "duplicate \"vhost\": \"server\" is the second value" },
	{ LINK_ADD, "lan0 type dummy hairpin maybe",
	  "argument of \"hairpin\" must be \"on\" or \"off\", not \"maybe\"" },
	{ LINK_ADD, "lan0 type dummy mode vepa",
	  "dummy: unknown option \"mode\"? (\"mtu\", \"address\" and the like stand before \"type\")" },
};
/* clang-format on */

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct parsed parsed = parse(bad[i].verb, bad[i].line);

		assert_string_equal(parsed.err.msg, bad[i].sentence);
		assert_int_equal(parsed.r, -EINVAL);
		assert_int_equal(cli_exit_of_parse(parsed.r), CLI_SYNTAX);
		link_change_fini(&parsed.change);
	}
}

/* They are well-formed: the exit code is that of a refusal. */
static void names_that_no_request_can_carry_are_refused(void **state)
{
	static const struct bad cases[] = {
		{ LINK_ADD, "name " LONG_NAME " type macvtap", NULL },
		{ LINK_ADD, "link " LONG_NAME " type macvtap", NULL },
		{ LINK_SET, "m0 name " LONG_NAME, NULL },
		{ LINK_SET, LONG_NAME " up", NULL },
	};
	char alias[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed parsed = parse(cases[i].verb, cases[i].line);

		assert_int_equal(parsed.r, -ENAMETOOLONG);
		assert_string_equal(parsed.err.msg,
				    "\"" LONG_NAME "\" is too long: the name of a link has "
				    "up to 15 characters");
		assert_int_equal(cli_exit_of_parse(parsed.r), CLI_REFUSED);
	}

	memset(alias, 'x', sizeof(alias));
	memcpy(alias, "m0 alias ", 9);
	alias[9 + 255] = '\0';
	assert_int_equal(parse(LINK_SET, alias).r, 0);
	alias[9 + 255] = 'x';
	alias[9 + 256] = '\0';
	assert_int_equal(parse(LINK_SET, alias).r, -ENAMETOOLONG);
}

static void help_is_found_wherever_a_word_is_expected(void **state)
{
	(void)state;
	assert_int_equal(parse(LINK_ADD, "help").r, PARSE_HELP);
	assert_int_equal(parse(LINK_SET, "m0 help").r, PARSE_HELP);
	assert_int_equal(parse(LINK_SET, "m0 up -h").r, PARSE_HELP);
	assert_int_equal(parse(LINK_ADD, "m0 type macvtap help").r, PARSE_HELP_KIND);
	assert_int_equal(parse(LINK_ADD, "m0 type dummy help").change.kind, LINK_KIND_DUMMY);
	assert_int_equal(parse(LINK_SET, "dev help up").r, 0);
}

static void too_many_sources_are_refused(void **state)
{
	size_t size = 64 + (LINK_SOURCES_MAX + 1) * 12;
	char *line = malloc(size);
	struct parsed parsed;
	char *to;

	(void)state;
	assert_non_null(line);
	to = stpcpy(line, "m0 type macvtap macaddr set");
	for (int i = 0; i < LINK_SOURCES_MAX; i++)
		to = stpcpy(to, " 2:0:0:0:0:1");
	parsed = parse(LINK_SET, line);
	assert_int_equal(parsed.r, 0);
	assert_int_equal(parsed.change.n_sources, LINK_SOURCES_MAX);
	link_change_fini(&parsed.change);

	(void)stpcpy(to, " 2:0:0:0:0:1");
	parsed = parse(LINK_SET, line);
	assert_int_equal(parsed.r, -E2BIG);
	link_change_fini(&parsed.change);
	free(line);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_the_change_they_ask_for),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(names_that_no_request_can_carry_are_refused),
		cmocka_unit_test(help_is_found_wherever_a_word_is_expected),
		cmocka_unit_test(too_many_sources_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli parse", tests, NULL, NULL);
}
