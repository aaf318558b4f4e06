/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/split.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Moves what stands between quotes from '*from' to '*to'. */
static int copy_quoted(char **from, char **to, struct err *err)
{
	char quote = *(*from)++;

	while (**from != quote) {
		if (**from == '\0')
			return err_set(err, EINVAL, "a quote (%c) is not closed", quote);
		*(*to)++ = *(*from)++;
	}
	(*from)++;
	return 0;
}

/* Moves one word from '*from' to '*to', its quotes left out. */
static int copy_word(char **from, char **to, struct err *err)
{
	int r = 0;

	while (r == 0 && **from && !strchr(" \t\n", **from)) {
		if (**from == '\'' || **from == '"')
			r = copy_quoted(from, to, err);
		else
			*(*to)++ = *(*from)++;
	}
	return r;
}

int split_words(char *line, char **words, size_t *ret_n, struct err *err)
{
	char *from = line;
	char *to = line;
	size_t n = 0;

	for (;;) {
		char *word;
		bool last;
		int r;

		from += strspn(from, " \t\n");
		if (*from == '\0' || *from == '#')
			break;

		word = to;
		r = copy_word(&from, &to, err);
		if (r < 0)
			return r;

		/* The NUL may fall on the blank that is not read yet. */
		last = *from == '\0';
		if (!last)
			from++;
		*to++ = '\0';
		words[n++] = word;
		if (last)
			break;
	}

	*ret_n = n;
	return 0;
}
