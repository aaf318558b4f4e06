/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program tells its shell, as ip(8) does. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum cli_exit {
	CLI_OK = 0,
	CLI_SYNTAX = 1,	 /* nothing was asked of the daemon */
	CLI_REFUSED = 2, /* the daemon said no, or cannot be reached */
};

/* The exit code of a command line that could not be read: 'r' is what a parser
 * returned. A name that is too long is well-formed and refused all the same,
 * only sooner, because no request could carry it.
 */
enum cli_exit cli_exit_of_parse(int r);

#endif
