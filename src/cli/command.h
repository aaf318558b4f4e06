/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command: an object, what to do with it, and the words for that. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/err.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/exit.h"
#include "cli/options.h"

struct cli {
	struct options options;
	struct client client;
};

/* A row in the table of objects, or of what can be done with one. run() gets the
 * words after it, prints to stdout, and fills in 'err' unless it returns CLI_OK.
 */
struct command {
	struct word word;
	enum cli_exit (*run)(struct cli *cli, struct args *args, struct err *err);
};

/* The row that 'given' names, or NULL. */
const struct command *command_find(const struct command *table, size_t n, const char *given);

/* Carries out one line, options excluded. */
enum cli_exit command_run(struct cli *cli, struct args *args, struct err *err);

/* The objects. */
enum cli_exit link_run(struct cli *cli, struct args *args, struct err *err);
enum cli_exit monitor_run(struct cli *cli, struct args *args, struct err *err);
enum cli_exit qemu_run(struct cli *cli, struct args *args, struct err *err);
enum cli_exit help_run(struct cli *cli, struct args *args, struct err *err);

/* `link show`. */
enum cli_exit link_show(struct cli *cli, struct args *args, struct err *err);

/* Tells a human on stderr what went wrong. */
void command_complain(const struct err *err);

#endif
