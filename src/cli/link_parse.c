/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `link add` and `link set` up to `type`; what follows it belongs
 * to the kind (kind_parse.c). Their order, spelling and abbreviations are those
 * of ip-link(8), but for vhost and poll, which are ours. A word that is no keyword
 * is the link's name, once.
 */
#include "cli/link_parse.h"

#include <errno.h>
#include <string.h>

#include "cli/kind_parse.h"

struct parse {
	struct link_change *change;
	enum link_verb verb;
};

/* A second value for one field is a mistake somebody would like to hear of. */
static int claim(struct parse *parse, enum link_field field, const char *keyword,
		 const struct args *args, struct err *err)
{
	if (parse->change->has & field)
		return err_set(err, EINVAL, "duplicate \"%s\": \"%s\" is the second value", keyword,
			       args_peek(args) ? args_peek(args) : "");
	parse->change->has |= field;
	return 0;
}

static int name_link(struct parse *parse, const char *name, struct err *err)
{
	if (parse->change->name[0] != '\0')
		return err_set(err, EINVAL, "either \"dev\" is duplicate, or \"%s\" is garbage",
			       name);
	return args_link_name(name, parse->change->name, err);
}

static int take_dev(struct parse *parse, struct args *args, struct err *err)
{
	const char *name;
	int r;

	r = args_value(args, "dev", &name, err);
	return r < 0 ? r : name_link(parse, name, err);
}

/* At an add the link's name, at a set its new one. */
static int take_name(struct parse *parse, struct args *args, struct err *err)
{
	const char *name;
	int r;

	if (parse->verb == LINK_ADD)
		return take_dev(parse, args, err);

	r = claim(parse, LINK_HAS_NEW_NAME, "name", args, err);
	if (r == 0)
		r = args_value(args, "name", &name, err);
	return r < 0 ? r : args_link_name(name, parse->change->new_name, err);
}

static int take_link(struct parse *parse, struct args *args, struct err *err)
{
	const char *name;
	int r;

	r = claim(parse, LINK_HAS_LOWER, "link", args, err);
	if (r == 0)
		r = args_value(args, "link", &name, err);
	return r < 0 ? r : args_link_name(name, parse->change->lower, err);
}

/* As with ip, the last of several counts. */
static int take_up(struct parse *parse, struct args *args, struct err *err)
{
	(void)args;
	(void)err;
	parse->change->has |= LINK_HAS_UP;
	parse->change->up = true;
	return 0;
}

static int take_down(struct parse *parse, struct args *args, struct err *err)
{
	(void)args;
	(void)err;
	parse->change->has |= LINK_HAS_UP;
	parse->change->up = false;
	return 0;
}

static int take_address(struct parse *parse, struct args *args, struct err *err)
{
	int r = claim(parse, LINK_HAS_ADDRESS, "address", args, err);

	return r < 0 ? r : args_mac(args, "address", &parse->change->address, err);
}

static int take_mtu(struct parse *parse, struct args *args, struct err *err)
{
	int r = claim(parse, LINK_HAS_MTU, "mtu", args, err);

	return r < 0 ? r : args_number(args, "mtu", &parse->change->mtu, err);
}

static int take_txqlen(struct parse *parse, struct args *args, struct err *err)
{
	int r = claim(parse, LINK_HAS_TXQLEN, "txqueuelen", args, err);

	return r < 0 ? r : args_number(args, "txqueuelen", &parse->change->txqlen, err);
}

static int take_alias(struct parse *parse, struct args *args, struct err *err)
{
	struct link_change *change = parse->change;
	int r = claim(parse, LINK_HAS_ALIAS, "alias", args, err);

	return r < 0 ? r : args_text(args, "alias", change->alias, sizeof(change->alias), err);
}

/* `vhost server`, or `vhost client PATH`. */
static int take_vhost(struct parse *parse, struct args *args, struct err *err)
{
	struct link_change *change = parse->change;
	const char *side;
	int r;

	r = claim(parse, LINK_HAS_VHOST, "vhost", args, err);
	if (r == 0)
		r = args_value(args, "vhost", &side, err);
	if (r < 0 || strcmp(side, "server") == 0)
		return r;
	if (strcmp(side, "client") != 0)
		return err_set(err, EINVAL,
			       "argument of \"vhost\" must be \"server\" or \"client\", not \"%s\"",
			       side);

	r = args_text(args, "client", change->vhost, sizeof(change->vhost), err);
	if (r == 0 && change->vhost[0] != '/')
		r = err_set(err, EINVAL,
			    "argument of \"client\" must be an absolute path, not \"%s\"",
			    change->vhost);
	return r;
}

static int take_poll(struct parse *parse, struct args *args, struct err *err)
{
	int r = claim(parse, LINK_HAS_POLL, "poll", args, err);

	return r < 0 ? r : args_number(args, "poll", &parse->change->poll, err);
}

/* The line ends with the kind: its words are its own. */
static int take_type(struct parse *parse, struct args *args, struct err *err)
{
	const char *kind;
	int r;

	r = args_value(args, "type", &kind, err);
	return r < 0 ? r : kind_parse(args, kind, parse->change, err);
}

static int take_unsupported(struct parse *parse, struct args *args, struct err *err)
{
	(void)parse;
	return err_set(err, EINVAL, "\"%s\" is a word of ip-link(8) that limpet does not have",
		       args->word[args->at - 1]);
}

/* In iproute2's order, which decides what "a" or "t" is short for, and with its
 * exceptions: what has no shortest form there has none here.
 */
/* clang-format off */
static const struct {
	struct word word;
	unsigned verbs;
	int (*take)(struct parse *parse, struct args *args, struct err *err);
} keywords[] = {
	{ { "up",         NULL,     0 }, LINK_ADD | LINK_SET, take_up },
	{ { "down",       NULL,     0 }, LINK_ADD | LINK_SET, take_down },
	{ { "name",       NULL,     0 }, LINK_ADD | LINK_SET, take_name },
	{ { "link",       NULL,     1 }, LINK_ADD,            take_link },
	{ { "address",    NULL,     1 }, LINK_ADD | LINK_SET, take_address },
	{ { "txqueuelen", "txqlen", 1 }, LINK_ADD | LINK_SET, take_txqlen },
	{ { "qlen",       NULL,     1 }, LINK_ADD | LINK_SET, take_txqlen },
	{ { "mtu",        NULL,     0 }, LINK_ADD | LINK_SET, take_mtu },
	{ { "alias",      NULL,     2 }, LINK_ADD | LINK_SET, take_alias },
	{ { "type",       NULL,     2 }, LINK_ADD | LINK_SET, take_type },
	{ { "dev",        NULL,     0 }, LINK_ADD | LINK_SET, take_dev },
	{ { "vhost",      NULL,     0 }, LINK_ADD | LINK_SET, take_vhost },
	{ { "poll",       NULL,     0 }, LINK_ADD | LINK_SET, take_poll },

	{ { "addrgenmode",  NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "allmulticast", NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "arp",          NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "broadcast",    "brd", 0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "carrier",      NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "dynamic",      NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "group",        NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "index",        NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "master",       NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "multicast",    NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "netns",        NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "nomaster",     NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "numrxqueues",  NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "numtxqueues",  NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "promisc",      NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "protodown",    NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "vf",           NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
	{ { "vrf",          NULL,  0 }, LINK_ADD | LINK_SET, take_unsupported },
};
/* clang-format on */

static int take_word(struct parse *parse, struct args *args, struct err *err)
{
	const char *given = args_take(args);

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if ((keywords[i].verbs & parse->verb) && word_matches(&keywords[i].word, given))
			return keywords[i].take(parse, args, err);
	}
	return name_link(parse, given, err);
}

static int check_complete(const struct parse *parse, struct err *err)
{
	const struct link_change *change = parse->change;

	if (parse->verb == LINK_SET && change->name[0] == '\0')
		return err_set(err, EINVAL, "not enough information: \"dev\" argument is required");
	if (parse->verb == LINK_ADD && !(change->has & LINK_HAS_KIND))
		return err_set(err, EINVAL,
			       "not enough information: \"type\" argument is required");
	return 0;
}

int link_parse(struct args *args, enum link_verb verb, struct link_change *change, struct err *err)
{
	struct parse parse = { .change = change, .verb = verb };
	int r = 0;

	while (r == 0 && args_peek(args)) {
		if (args_at_help(args))
			return PARSE_HELP;
		r = take_word(&parse, args, err);
	}
	return r == 0 ? check_complete(&parse, err) : r;
}
