/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The usage of every object and kind. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/exit.h"

/* Is there help for "limpet", "link", "macvtap", ...? */
bool help_has(const char *topic);

/* Prints the help for 'topic', which there is, to 'out'. */
void help_write(FILE *out, const char *topic);

/* The same to stdout; asking for help is no mistake: CLI_OK. */
enum cli_exit help_print(const char *topic);

#endif
