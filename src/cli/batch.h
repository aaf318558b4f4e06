/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of commands, one a line, over one connection. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "cli/command.h"

/* Carries out the lines of cli->options.batch, complaining about each that
 * fails. Stops at the first of them unless -force. Returns CLI_OK, or the exit
 * code of the first line that failed.
 */
enum cli_exit batch_run(struct cli *cli);

#endif
