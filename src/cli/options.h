/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options before the object: how to print, whom to ask. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/args.h"

enum option_colour {
	COLOUR_NEVER,
	COLOUR_AUTO, /* if stdout is a terminal */
	COLOUR_ALWAYS,
};

enum option_stamp {
	STAMP_NONE,
	STAMP_LONG,  /* -t: a line of its own */
	STAMP_SHORT, /* -ts */
};

/* What the line asks for instead of a command. */
enum option_instead {
	INSTEAD_NONE,
	INSTEAD_HELP,
	INSTEAD_VERSION,
};

struct options {
	bool details;	/* -d */
	unsigned stats; /* -s, counted */
	bool json, pretty, brief, oneline;
	bool human, iec;
	enum option_colour colour;
	enum option_stamp stamp;
	bool force;
	const char *batch;	 /* a file, "-", or NULL */
	const char *runtime_dir; /* NULL: the default one */
	enum option_instead instead;
};

/* Takes the options at the front of 'args' into 'ret_options', up to the object.
 * Strings stay where the words are. -EINVAL for an unknown option, or one
 * without its value.
 */
int options_parse(struct args *args, struct options *ret_options, struct err *err);

#endif
