/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of a batch file, as words. */
#ifndef CLI_SPLIT_H
#define CLI_SPLIT_H

#include <stddef.h>

#include "base/err.h"

/* Cuts 'line' into words, in place: blanks separate, '...' and "..." hold
 * together, # begins a comment. 'words' has room for strlen(line) / 2 + 1.
 * -EINVAL if a quote does not end.
 */
int split_words(char *line, char **words, size_t *ret_n, struct err *err);

#endif
