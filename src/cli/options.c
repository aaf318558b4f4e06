/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options are spelled as ip(8) spells them: one dash or two, cut short to any
 * length; where two begin alike, the earlier row of the table has the short
 * form (-b is -batch, -s is -statistics).
 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

static int set_version(struct options *options)
{
	options->instead = INSTEAD_VERSION;
	return 0;
}

static int set_help(struct options *options)
{
	options->instead = INSTEAD_HELP;
	return 0;
}

static int set_human(struct options *options)
{
	options->human = true;
	return 0;
}

static int set_iec(struct options *options)
{
	options->iec = true;
	return 0;
}

static int set_stats(struct options *options)
{
	options->stats++;
	return 0;
}

static int set_details(struct options *options)
{
	options->details = true;
	return 0;
}

static int set_oneline(struct options *options)
{
	options->oneline = true;
	return 0;
}

static int set_stamp_long(struct options *options)
{
	options->stamp = STAMP_LONG;
	return 0;
}

static int set_stamp_short(struct options *options)
{
	options->stamp = STAMP_SHORT;
	return 0;
}

static int set_force(struct options *options)
{
	options->force = true;
	return 0;
}

static int set_brief(struct options *options)
{
	options->brief = true;
	return 0;
}

static int set_json(struct options *options)
{
	options->json = true;
	return 0;
}

static int set_pretty(struct options *options)
{
	options->pretty = true;
	return 0;
}

/* -resolve and -Numeric: there is nothing here that has two spellings. */
static int set_nothing(struct options *options)
{
	(void)options;
	return 0;
}

static int set_batch(struct options *options, const char *value)
{
	options->batch = value;
	return 0;
}

static int set_runtime_dir(struct options *options, const char *value)
{
	options->runtime_dir = value;
	return *value != '\0' ? 0 : -EINVAL;
}

/* "-color" alone is "always". */
static int set_colour(struct options *options, const char *value)
{
	static const struct {
		const char *name;
		enum option_colour colour;
	} colours[] = {
		{ "always", COLOUR_ALWAYS },
		{ "auto", COLOUR_AUTO },
		{ "never", COLOUR_NEVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
		if (!value || strcmp(value, colours[i].name) == 0) {
			options->colour = colours[i].colour;
			return 0;
		}
	}
	return -EINVAL;
}

enum value {
	VALUE_NONE,
	VALUE_OPTIONAL, /* only as -option=value */
	VALUE_REQUIRED, /* -option value, too */
};

/* clang-format off */
static const struct option {
	struct word word;
	enum value value;
	int (*set)(struct options *options);
	int (*set_value)(struct options *options, const char *value);
} table[] = {
	{ { "human-readable", "human",    1 }, VALUE_NONE,     set_human,       NULL },
	{ { "iec",            NULL,       2 }, VALUE_NONE,     set_iec,         NULL },
	{ { "statistics",     "stats",    1 }, VALUE_NONE,     set_stats,       NULL },
	{ { "details",        NULL,       1 }, VALUE_NONE,     set_details,     NULL },
	{ { "resolve",        NULL,       1 }, VALUE_NONE,     set_nothing,     NULL },
	{ { "runtime-dir",    NULL,       2 }, VALUE_REQUIRED, NULL,            set_runtime_dir },
	{ { "oneline",        NULL,       1 }, VALUE_NONE,     set_oneline,     NULL },
	{ { "timestamp",      NULL,       1 }, VALUE_NONE,     set_stamp_long,  NULL },
	{ { "tshort",         "ts",       2 }, VALUE_NONE,     set_stamp_short, NULL },
	{ { "Version",        "version",  1 }, VALUE_NONE,     set_version,     NULL },
	{ { "force",          NULL,       2 }, VALUE_NONE,     set_force,       NULL },
	{ { "batch",          NULL,       1 }, VALUE_REQUIRED, NULL,            set_batch },
	{ { "brief",          NULL,       2 }, VALUE_NONE,     set_brief,       NULL },
	{ { "json",           NULL,       1 }, VALUE_NONE,     set_json,        NULL },
	{ { "pretty",         NULL,       1 }, VALUE_NONE,     set_pretty,      NULL },
	{ { "color",          "colour",   1 }, VALUE_OPTIONAL, NULL,            set_colour },
	{ { "help",           NULL,       2 }, VALUE_NONE,     set_help,        NULL },
	{ { "Numeric",        NULL,       1 }, VALUE_NONE,     set_nothing,     NULL },
};
/* clang-format on */

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (word_matches(&table[i].word, name))
			return &table[i];
	}
	return NULL;
}

/* Splits "-name=value" or "--name"; false if 'name' does not fit. */
static bool split(const char *given, char *name, size_t size, const char **ret_value)
{
	const char *from = given + strspn(given, "-");
	size_t len = strcspn(from, "=");

	if (len == 0 || len >= size || from - given > 2)
		return false;

	memcpy(name, from, len);
	name[len] = '\0';
	*ret_value = from[len] == '=' ? from + len + 1 : NULL;
	return true;
}

static int take_option(struct args *args, struct options *options, struct err *err)
{
	const char *given = args_take(args);
	const struct option *option;
	const char *value = NULL;
	char name[24];
	int r;

	option = split(given, name, sizeof(name), &value) ? find(name) : NULL;
	if (!option || (option->value == VALUE_NONE && value))
		return err_set(err, EINVAL, "option \"%s\" is unknown, try \"limpet help\"", given);

	if (option->value == VALUE_NONE)
		return option->set(options);

	if (option->value == VALUE_REQUIRED && !value) {
		r = args_value(args, given, &value, err);
		if (r < 0)
			return r;
	}
	if (option->set_value(options, value) < 0)
		return err_set(err, EINVAL, "option \"%s\" cannot have the value \"%s\"", given,
			       value);
	return 0;
}

int options_parse(struct args *args, struct options *ret_options, struct err *err)
{
	struct options options = { .colour = COLOUR_NEVER };
	int r;

	while (args_peek(args) && args_peek(args)[0] == '-') {
		if (args_take_word(args, "--"))
			break;
		r = take_option(args, &options, err);
		if (r < 0)
			return r;
	}

	*ret_options = options;
	return 0;
}
