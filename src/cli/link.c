/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object `link`: what can be done with links, but for showing them. */
#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/link_parse.h"

/* Sends the request; there is nothing to say if it was carried out. */
static enum cli_exit ask(struct cli *cli, const struct proto_request *request, struct err *err)
{
	struct proto_reply reply SCOPED(scoped_proto_reply) = { 0 };

	return client_call(&cli->client, request, &reply, err) < 0 ? CLI_REFUSED : CLI_OK;
}

static enum cli_exit change(struct cli *cli, struct args *args, enum link_verb verb,
			    struct err *err)
{
	struct proto_request request SCOPED(scoped_proto_request) = {
		.method = verb == LINK_ADD ? PROTO_METHOD_ADD : PROTO_METHOD_SET,
	};
	int r;

	r = link_parse(args, verb, &request.change, err);
	if (r < 0)
		return cli_exit_of_parse(r);
	if (r != 0)
		return help_print(r == PARSE_HELP_KIND ? link_kind_name(request.change.kind)
						       : "link");

	memcpy(request.name, request.change.name, sizeof(request.name));
	return ask(cli, &request, err);
}

static enum cli_exit link_add(struct cli *cli, struct args *args, struct err *err)
{
	return change(cli, args, LINK_ADD, err);
}

static enum cli_exit link_set(struct cli *cli, struct args *args, struct err *err)
{
	return change(cli, args, LINK_SET, err);
}

/* `type KIND` may follow, as with ip, where it selects nothing either. */
static int parse_delete(struct args *args, char *name, struct err *err)
{
	enum link_kind kind;
	const char *value;
	int r;

	(void)args_take_word(args, "dev");
	value = args_take(args);
	if (!value)
		return err_set(err, EINVAL, "not enough information: \"dev\" argument is required");
	r = args_link_name(value, name, err);
	if (r < 0)
		return r;

	if (args_take_word(args, "type")) {
		r = args_value(args, "type", &value, err);
		if (r < 0)
			return r;
		if (!link_kind_parse(value, &kind))
			return err_set(err, EINVAL, "there is no type \"%s\"", value);
	}
	return args_end(args, err);
}

static enum cli_exit link_delete(struct cli *cli, struct args *args, struct err *err)
{
	struct proto_request request = { .method = PROTO_METHOD_DELETE };
	int r;

	if (args_at_help(args))
		return help_print("link");

	r = parse_delete(args, request.name, err);
	return r < 0 ? cli_exit_of_parse(r) : ask(cli, &request, err);
}

static enum cli_exit link_help(struct cli *cli, struct args *args, struct err *err)
{
	const char *topic = args_take(args);

	(void)cli;
	if (topic && !help_has(topic)) {
		(void)err_set(err, EINVAL, "there is no help for \"%s\", try \"limpet link help\"",
			      topic);
		return CLI_SYNTAX;
	}
	return help_print(topic ? topic : "link");
}

/* In iproute2's order: "s" is set, "sh" show. */
/* clang-format off */
static const struct command commands[] = {
	{ { "add",    NULL,     1 }, link_add    },
	{ { "set",    "change", 1 }, link_set    },
	{ { "delete", NULL,     1 }, link_delete },
	{ { "show",   "ls",     2 }, link_show   },
	{ { "list",   "lst",    1 }, link_show   },
	{ { "help",   NULL,     1 }, link_help   },
};
/* clang-format on */

enum cli_exit link_run(struct cli *cli, struct args *args, struct err *err)
{
	const char *given = args_take(args);
	const struct command *command;

	if (!given)
		return link_show(cli, args, err);

	command = command_find(commands, ARRAY_SIZE(commands), given);
	if (!command) {
		(void)err_set(err, EINVAL, "command \"%s\" is unknown, try \"limpet link help\"",
			      given);
		return CLI_SYNTAX;
	}
	return command->run(cli, args, err);
}
