/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words after `link add` and `link set`, as a change. */
#ifndef CLI_LINK_PARSE_H
#define CLI_LINK_PARSE_H

#include "base/err.h"
#include "cli/args.h"
#include "model/change.h"

enum link_verb {
	LINK_ADD = 1 << 0,
	LINK_SET = 1 << 1,
};

/* What a parser returns beside 0 and a negative errno: the line asks for help
 * and is not to be carried out. Of the link, or of the kind in 'change'.
 */
enum {
	PARSE_HELP = 1,
	PARSE_HELP_KIND = 2,
};

/* Reads the rest of the line into 'change', which is zeroed and stays the
 * caller's to finish, also after a failure. Returns 0, PARSE_HELP,
 * PARSE_HELP_KIND, or what args_value() fails with.
 */
int link_parse(struct args *args, enum link_verb verb, struct link_change *change, struct err *err);

#endif
