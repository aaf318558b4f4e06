/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words after `type KIND`. */
#ifndef CLI_KIND_PARSE_H
#define CLI_KIND_PARSE_H

#include "base/err.h"
#include "cli/args.h"
#include "model/change.h"

/* Reads the rest of the line, the options of the kind called 'name', into
 * 'change'. Returns as link_parse() does.
 */
int kind_parse(struct args *args, const char *name, struct link_change *change, struct err *err);

#endif
