/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"

/* clang-format off */
static const struct command objects[] = {
	{ { "link",    NULL, 1 }, link_run },
	{ { "monitor", NULL, 1 }, monitor_run },
	{ { "qemu",    NULL, 1 }, qemu_run },
	{ { "help",    NULL, 1 }, help_run },
};
/* clang-format on */

const struct command *command_find(const struct command *table, size_t n, const char *given)
{
	for (size_t i = 0; i < n; i++) {
		if (word_matches(&table[i].word, given))
			return &table[i];
	}
	return NULL;
}

enum cli_exit command_run(struct cli *cli, struct args *args, struct err *err)
{
	const char *given = args_take(args);
	const struct command *object;

	object = given ? command_find(objects, ARRAY_SIZE(objects), given) : NULL;
	if (!object) {
		(void)err_set(err, EINVAL, "object \"%s\" is unknown, try \"limpet help\"",
			      given ? given : "");
		return CLI_SYNTAX;
	}
	return object->run(cli, args, err);
}

/* The sentence holds words that others chose: a name, a peer, a daemon that is
 * none. They may not drive the terminal.
 */
void command_complain(const struct err *err)
{
	char sentence[TEXT_ESCAPED_SIZE(sizeof(err->msg))];

	(void)fflush(stdout);
	(void)fprintf(stderr, "Error: %s\n", text_escape(sentence, sizeof(sentence), err->msg));
}
