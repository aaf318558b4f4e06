/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limpet: the command line to limpetd, in the grammar of ip(8). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/batch.h"
#include "cli/help.h"
#include "version.h"

static enum cli_exit run_line(struct cli *cli, struct args *args)
{
	struct err err = { .msg = "" };
	enum cli_exit code = command_run(cli, args, &err);

	if (code != CLI_OK)
		command_complain(&err);
	return code;
}

static enum cli_exit run(struct cli *cli, struct args *args)
{
	struct err err;

	switch (cli->options.instead) {
	case INSTEAD_HELP:
		return help_print("limpet");
	case INSTEAD_VERSION:
		(void)printf("limpet utility, limpet-%s\n", LIMPET_VERSION);
		return CLI_OK;
	case INSTEAD_NONE:
		break;
	}

	if (!cli->options.batch && args_peek(args))
		return run_line(cli, args);
	if (!cli->options.batch) {
		help_write(stderr, "limpet");
		return CLI_SYNTAX;
	}
	if (args_end(args, &err) < 0) {
		command_complain(&err);
		return CLI_SYNTAX;
	}
	return batch_run(cli);
}

/* A full disk behind stdout is only noticed here. */
static enum cli_exit finish(enum cli_exit code)
{
	struct err err;

	if (fflush(stdout) == 0)
		return code;
	(void)err_set(&err, errno, "cannot print: %s", strerror(errno));
	command_complain(&err);
	return CLI_REFUSED;
}

int main(int argc, char **argv)
{
	struct args args = { .word = argv, .count = (size_t)argc, .at = 1 };
	enum cli_exit code;
	struct cli cli = { 0 };
	struct err err;

	if (options_parse(&args, &cli.options, &err) < 0 ||
	    client_init(&cli.client, cli.options.runtime_dir, &err) < 0) {
		command_complain(&err);
		return CLI_SYNTAX;
	}

	code = finish(run(&cli, &args));
	client_fini(&cli.client);
	return (int)code;
}
