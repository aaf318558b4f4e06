/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/exit.h"
#include "model/change.h"

enum cli_exit cli_exit_of_parse(int r)
{
	return r == -ENAMETOOLONG ? CLI_REFUSED : CLI_SYNTAX;
}

bool word_matches(const struct word *word, const char *given)
{
	size_t len = strlen(given);

	if (strcmp(given, word->name) == 0 || (word->alias && strcmp(given, word->alias) == 0))
		return true;
	return word->shortest > 0 && len >= word->shortest && strncmp(word->name, given, len) == 0;
}

const char *args_peek(const struct args *args)
{
	return args->at < args->count ? args->word[args->at] : NULL;
}

const char *args_take(struct args *args)
{
	return args->at < args->count ? args->word[args->at++] : NULL;
}

bool args_take_word(struct args *args, const char *word)
{
	const char *next = args_peek(args);

	if (!next || strcmp(next, word) != 0)
		return false;
	args->at++;
	return true;
}

bool args_at_help(const struct args *args)
{
	static const char *const words[] = { "help", "-h", "-help", "--help" };
	const char *next = args_peek(args);

	for (size_t i = 0; next && i < ARRAY_SIZE(words); i++) {
		if (strcmp(next, words[i]) == 0)
			return true;
	}
	return false;
}

int args_value(struct args *args, const char *keyword, const char **ret_value, struct err *err)
{
	const char *value = args_take(args);

	if (!value)
		return err_set(err, EINVAL,
			       "\"%s\" needs a value after it; try \"help\" instead of it",
			       keyword);
	*ret_value = value;
	return 0;
}

/* What strtoull() takes beyond a number (blanks, a sign) does not begin with a
 * digit.
 */
bool args_parse_number(const char *text, uint32_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || number > UINT32_MAX)
		return false;

	*ret_number = (uint32_t)number;
	return true;
}

int args_number(struct args *args, const char *keyword, uint32_t *ret_number, struct err *err)
{
	const char *value;
	int r;

	r = args_value(args, keyword, &value, err);
	if (r < 0)
		return r;

	if (!args_parse_number(value, ret_number))
		return err_set(err, EINVAL,
			       "argument of \"%s\" must be a positive integer [0-4294967295], "
			       "not \"%s\"",
			       keyword, value);
	return 0;
}

int args_signed(struct args *args, const char *keyword, int32_t *ret_number, struct err *err)
{
	const char *value;
	uint32_t size;
	bool minus;
	int r;

	r = args_value(args, keyword, &value, err);
	if (r < 0)
		return r;

	minus = *value == '-';
	if (!args_parse_number(value + minus, &size) || size > (uint32_t)INT32_MAX + minus)
		return err_set(err, EINVAL,
			       "argument of \"%s\" must be an integer [-2147483648-2147483647], "
			       "not \"%s\"",
			       keyword, value);

	*ret_number = (int32_t)(minus ? -(int64_t)size : (int64_t)size);
	return 0;
}

int args_mac(struct args *args, const char *keyword, struct mac *ret_mac, struct err *err)
{
	const char *value;
	int r;

	r = args_value(args, keyword, &value, err);
	if (r < 0)
		return r;

	if (!mac_parse(value, ret_mac))
		return err_set(
			err, EINVAL,
			"argument of \"%s\" must be a MAC address such as 52:54:00:b8:9c:58, "
			"not \"%s\"",
			keyword, value);
	return 0;
}

int args_on_off(struct args *args, const char *keyword, bool *ret_on, struct err *err)
{
	const char *value;
	int r;

	r = args_value(args, keyword, &value, err);
	if (r < 0)
		return r;

	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return err_set(err, EINVAL,
			       "argument of \"%s\" must be \"on\" or \"off\", not \"%s\"", keyword,
			       value);
	*ret_on = strcmp(value, "on") == 0;
	return 0;
}

int args_text(struct args *args, const char *keyword, char *buf, size_t size, struct err *err)
{
	const char *value;
	int r;

	r = args_value(args, keyword, &value, err);
	if (r < 0)
		return r;

	if (!text_copy(buf, size, value))
		return err_set(err, ENAMETOOLONG, "\"%s\" is too long: %s has up to %zu characters",
			       value, keyword, size - 1);
	return 0;
}

int args_link_name(const char *name, char *buf, struct err *err)
{
	if (*name == '\0')
		return err_set(err, EINVAL, "\"\" is not the name of a link");
	if (!text_copy(buf, LINK_NAME_SIZE, name))
		return err_set(err, ENAMETOOLONG,
			       "\"%s\" is too long: the name of a link has up to %d characters",
			       name, LINK_NAME_SIZE - 1);
	return 0;
}

int args_end(const struct args *args, struct err *err)
{
	const char *extra = args_peek(args);

	if (extra)
		return err_set(err, EINVAL,
			       "\"%s\" is one word too many; try \"help\" instead of it", extra);
	return 0;
}
