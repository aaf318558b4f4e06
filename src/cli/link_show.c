/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `link show`: which links, and in which of the three forms. */
#include <errno.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/link_list.h"
#include "cli/show.h"

struct filter {
	char name[LINK_NAME_SIZE]; /* empty: any */
	bool has_kind, up;
	enum link_kind kind;
};

static int parse_kind(struct args *args, struct filter *filter, struct err *err)
{
	const char *name;
	int r;

	r = args_value(args, "type", &name, err);
	if (r < 0)
		return r;
	if (!link_kind_parse(name, &filter->kind))
		return err_set(err, EINVAL,
			       "argument of \"type\" must be \"macvtap\", \"macvlan\", \"dummy\" "
			       "or \"netdev\", not \"%s\"",
			       name);
	filter->has_kind = true;
	return 0;
}

static int parse_word(struct args *args, struct filter *filter, struct err *err)
{
	const char *name;
	int r;

	if (args_take_word(args, "up")) {
		filter->up = true;
		return 0;
	}
	if (args_take_word(args, "type"))
		return parse_kind(args, filter, err);

	(void)args_take_word(args, "dev");
	r = args_value(args, "dev", &name, err);
	if (r < 0)
		return r;
	if (filter->name[0] != '\0')
		return err_set(err, EINVAL, "either \"dev\" is duplicate, or \"%s\" is garbage",
			       name);
	return args_link_name(name, filter->name, err);
}

/* Keeps what the filter lets through, in order. */
static void apply(const struct filter *filter, struct link_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct proto_link *link = &list->link[i];

		if ((filter->has_kind && link->kind != filter->kind) || (filter->up && !link->up))
			proto_link_fini(link);
		else
			list->link[kept++] = *link;
	}
	list->n = kept;
}

enum cli_exit link_show(struct cli *cli, struct args *args, struct err *err)
{
	struct link_list list SCOPED(scoped_link_list) = { 0 };
	struct show show = show_to(stdout, &cli->options);
	struct filter filter = { .name = "" };
	int r = 0;

	while (r == 0 && args_peek(args)) {
		if (args_at_help(args))
			return help_print("link");
		r = parse_word(args, &filter, err);
	}
	if (r < 0)
		return cli_exit_of_parse(r);

	r = link_list_fetch(&cli->client, filter.name, filter.has_kind ? &filter.kind : NULL, &list,
			    err);
	if (r < 0)
		return CLI_REFUSED;

	apply(&filter, &list);
	show_links(&show, list.link, list.n);
	return CLI_OK;
}
