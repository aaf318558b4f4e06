/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

/* What lies beside the endpoints' directories. */
static const struct {
	const char *name, *why;
} reserved[] = {
	{ "control.sock", "the control socket has it" },
	{ "lock", "the daemon's lock file has it" },
};

/* One number more than there can be links is always enough to find a free one. */
#define NAME_NUMBERS (WORLD_LOWERS_MAX + WORLD_ENDPOINTS_MAX + 2)

static int refuse(const char *name, const char *why, struct err *err)
{
	char text[TEXT_ESCAPED_SIZE(LINK_NAME_SIZE)];

	return err_set(err, EINVAL, "'%s' cannot be the name of a link: %s",
		       text_escape(text, sizeof(text), name), why);
}

/* The kernel's rules (dev_valid_name), and no control characters: names end up
 * in logs and on terminals.
 */
static int check_name(const char *name, struct err *err)
{
	const char *percent = strchr(name, '%');

	if (name[0] == '\0')
		return refuse(name, "it is empty", err);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return refuse(name, "it would be a directory of its own", err);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (strcmp(name, reserved[i].name) == 0)
			return refuse(name, reserved[i].why, err);
	}

	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		if (*c == '/' || *c == ':' || *c <= ' ' || *c == 0x7f)
			return refuse(name, "it has a '/', a ':', a space or a control character",
				      err);
	}

	if (percent && (percent[1] != 'd' || strchr(percent + 1, '%')))
		return refuse(name, "a '%' may only stand in one '%d', for a number", err);

	return 0;
}

/* The number that stands in 'name' where 'pattern' has its "%d", or -1. */
static int number_in(const char *name, const char *pattern)
{
	size_t before = (size_t)(strchr(pattern, '%') - pattern);
	char again[LINK_NAME_SIZE + 8];
	long number;

	if (strncmp(name, pattern, before) != 0 || !isdigit((unsigned char)name[before]))
		return -1;

	number = strtol(name + before, NULL, 10);
	if (number >= NAME_NUMBERS)
		return -1;

	/* Only the name that would be made of this number takes it: not "x01". */
	(void)snprintf(again, sizeof(again), "%.*s%ld%s", (int)before, pattern, number,
		       pattern + before + 2);
	return strcmp(name, again) == 0 ? (int)number : -1;
}

static void take_number(bool taken[NAME_NUMBERS], const char *name, const char *pattern)
{
	int number = number_in(name, pattern);

	if (number >= 0)
		taken[number] = true;
}

static int expand(const struct world *world, const struct model_lower *lower, const char *pattern,
		  char ret_name[LINK_NAME_SIZE], struct err *err)
{
	const char *percent = strchr(pattern, '%');
	bool taken[NAME_NUMBERS] = { false };
	char name[LINK_NAME_SIZE + 8];
	struct world_cursor cursor = world_cursor_after(world, 0);
	struct world_link link;
	int number = 0;

	while (world_cursor_next(&cursor, &link))
		take_number(taken, link.ep ? link.ep->name : link.lower->name, pattern);
	if (lower)
		take_number(taken, lower->name, pattern);

	while (taken[number])
		number++;

	(void)snprintf(name, sizeof(name), "%.*s%d%s", (int)(percent - pattern), pattern, number,
		       percent + 2);
	if (!text_copy(ret_name, LINK_NAME_SIZE, name))
		return err_set(err, EINVAL, "name '%s' is longer than %d characters", name,
			       LINK_NAME_SIZE - 1);

	return 0;
}

int name_choose(const struct world *world, const struct model_lower *lower,
		const struct world_link *self, const char *wanted, char ret_name[LINK_NAME_SIZE],
		struct err *err)
{
	struct world_link owner;
	int r;

	r = check_name(wanted, err);
	if (r < 0)
		return r;

	if (strchr(wanted, '%'))
		return expand(world, lower, wanted, ret_name, err);

	if (world_find_link(world, wanted, &owner, NULL) < 0)
		owner = (struct world_link){ 0 };
	if (self && owner.ep == self->ep && owner.lower == self->lower)
		owner = (struct world_link){ 0 };
	if (owner.ep)
		return err_set(err, EEXIST, "name '%s' is taken by an endpoint of lower '%s'",
			       wanted, owner.ep->lower->name);
	if (owner.lower || (lower && strcmp(lower->name, wanted) == 0))
		return err_set(err, EEXIST, "name '%s' is taken by the lower of that name", wanted);

	memcpy(ret_name, wanted, strlen(wanted) + 1);
	return 0;
}
