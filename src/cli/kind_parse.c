/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of each kind of link: macvtap and macvlan share theirs (R5.1),
 * dummy has one of its own.
 */
#include "cli/kind_parse.h"

#include <errno.h>
#include <string.h>

#include "cli/link_parse.h"

static int claim(struct link_change *change, enum link_field field, const char *keyword,
		 struct err *err)
{
	if (change->has & field)
		return err_set(err, EINVAL, "duplicate \"%s\"", keyword);
	change->has |= field;
	return 0;
}

static int take_mode(struct link_change *change, struct args *args, struct err *err)
{
	enum fwd_mode mode;
	const char *name;
	int r;

	r = claim(change, LINK_HAS_MODE, "mode", err);
	if (r == 0)
		r = args_value(args, "mode", &name, err);
	if (r < 0)
		return r;

	if (!fwd_mode_parse(name, &mode))
		return err_set(err, EINVAL,
			       "argument of \"mode\" must be \"private\", \"vepa\", \"bridge\", "
			       "\"passthru\" or \"source\", not \"%s\"",
			       name);
	change->mode = mode;
	return 0;
}

static int add_flag(struct link_change *change, unsigned flag)
{
	change->has |= LINK_HAS_FLAGS;
	change->flags |= flag;
	return 0;
}

/* May be repeated; a lone "null" is how to clear both (R5.1). */
static int take_flag(struct link_change *change, struct args *args, struct err *err)
{
	const char *name;
	int r;

	r = args_value(args, "flag", &name, err);
	if (r < 0)
		return r;

	if (strcmp(name, "nopromisc") == 0)
		return add_flag(change, FWD_FLAG_NOPROMISC);
	if (strcmp(name, "nodst") == 0)
		return add_flag(change, FWD_FLAG_NODST);
	if (strcmp(name, "null") == 0)
		return add_flag(change, 0);
	return err_set(
		err, EINVAL,
		"argument of \"flag\" must be \"nopromisc\", \"nodst\" or \"null\", not \"%s\"",
		name);
}

static int take_nopromisc(struct link_change *change, struct args *args, struct err *err)
{
	(void)args;
	(void)err;
	return add_flag(change, FWD_FLAG_NOPROMISC);
}

static int take_nodst(struct link_change *change, struct args *args, struct err *err)
{
	(void)args;
	(void)err;
	return add_flag(change, FWD_FLAG_NODST);
}

/* Addresses up to the first word that is none, which may be the next keyword. */
static int take_source_set(struct link_change *change, struct args *args, struct err *err)
{
	struct mac mac;
	int r = 0;

	while (r == 0 && args_peek(args) && mac_parse(args_peek(args), &mac)) {
		(void)args_take(args);
		r = link_change_add_source(change, mac, err);
	}
	return r;
}

static int take_macaddr(struct link_change *change, struct args *args, struct err *err)
{
	const char *command;
	struct mac mac;
	int r;

	r = claim(change, LINK_HAS_SOURCES, "macaddr", err);
	if (r == 0)
		r = args_value(args, "macaddr", &command, err);
	if (r < 0)
		return r;

	if (!source_command_parse(command, &change->source_command))
		return err_set(
			err, EINVAL,
			"argument of \"macaddr\" must be \"add\", \"del\", \"set\" or \"flush\", "
			"not \"%s\"",
			command);

	switch (change->source_command) {
	case SOURCE_ADD:
	case SOURCE_DEL:
		r = args_mac(args, "macaddr", &mac, err);
		return r < 0 ? r : link_change_add_source(change, mac, err);
	case SOURCE_SET:
		return take_source_set(change, args, err);
	case SOURCE_FLUSH:
		break;
	}
	return 0;
}

static int take_bcqueuelen(struct link_change *change, struct args *args, struct err *err)
{
	int r = claim(change, LINK_HAS_BCQUEUELEN, "bcqueuelen", err);

	return r < 0 ? r : args_number(args, "bcqueuelen", &change->bcqueuelen, err);
}

static int take_bclim(struct link_change *change, struct args *args, struct err *err)
{
	int r = claim(change, LINK_HAS_BCLIM, "bclim", err);

	return r < 0 ? r : args_signed(args, "bclim", &change->bclim, err);
}

static int take_hairpin(struct link_change *change, struct args *args, struct err *err)
{
	int r = claim(change, LINK_HAS_HAIRPIN, "hairpin", err);

	return r < 0 ? r : args_on_off(args, "hairpin", &change->hairpin, err);
}

struct option {
	struct word word;
	int (*take)(struct link_change *change, struct args *args, struct err *err);
};

/* clang-format off */
static const struct option macvlan_options[] = {
	{ { "mode",       NULL, 1 }, take_mode },
	{ { "flag",       NULL, 1 }, take_flag },
	{ { "nopromisc",  NULL, 1 }, take_nopromisc },
	{ { "nodst",      NULL, 2 }, take_nodst },
	{ { "macaddr",    NULL, 2 }, take_macaddr },
	{ { "bcqueuelen", NULL, 1 }, take_bcqueuelen },
	{ { "bclim",      NULL, 0 }, take_bclim },
};

static const struct option dummy_options[] = {
	{ { "hairpin", NULL, 2 }, take_hairpin },
};

static const struct kind {
	enum link_kind kind;
	const struct option *options;
	size_t n_options;
} kinds[] = {
	{ LINK_KIND_MACVTAP, macvlan_options, ARRAY_SIZE(macvlan_options) },
	{ LINK_KIND_MACVLAN, macvlan_options, ARRAY_SIZE(macvlan_options) },
	{ LINK_KIND_DUMMY,   dummy_options,   ARRAY_SIZE(dummy_options)   },
};
/* clang-format on */

static const struct kind *find(const char *name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(name, link_kind_name(kinds[i].kind)) == 0)
			return &kinds[i];
	}

	(void)err_set(
		err, EINVAL,
		"argument of \"type\" must be \"macvtap\", \"macvlan\" or \"dummy\", not \"%s\"",
		name);
	return NULL;
}

static int take_option(const struct kind *kind, struct link_change *change, struct args *args,
		       struct err *err)
{
	const char *given = args_take(args);

	for (size_t i = 0; i < kind->n_options; i++) {
		if (word_matches(&kind->options[i].word, given))
			return kind->options[i].take(change, args, err);
	}
	return err_set(err, EINVAL,
		       "%s: unknown option \"%s\"? (\"mtu\", \"address\" "
		       "and the like stand before \"type\")",
		       link_kind_name(kind->kind), given);
}

/* The kernel would store nopromisc in any mode, where it means nothing until the
 * day it does; ip refuses to ask for that, and so do we (R5.2).
 */
static int check_nopromisc(const struct link_change *change, struct err *err)
{
	bool passthru =
		(change->has & LINK_HAS_MODE) && fwd_mode_is_alone((enum fwd_mode)change->mode);

	if ((change->flags & FWD_FLAG_NOPROMISC) && !passthru)
		return err_set(err, EINVAL, "%s: nopromisc flag only valid in passthru mode",
			       link_kind_name(change->kind));
	return 0;
}

int kind_parse(struct args *args, const char *name, struct link_change *change, struct err *err)
{
	const struct kind *kind = find(name, err);
	int r = 0;

	if (!kind)
		return -EINVAL;
	change->has |= LINK_HAS_KIND;
	change->kind = kind->kind;

	while (r == 0 && args_peek(args)) {
		if (args_at_help(args))
			return PARSE_HELP_KIND;
		r = take_option(kind, change, args, err);
	}
	return r == 0 ? check_nopromisc(change, err) : r;
}
