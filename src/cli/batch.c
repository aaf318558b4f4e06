/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/split.h"

struct batch {
	struct cli *cli;
	FILE *file;
	const char *name;
	char *line; /* owned; a command, its continuations joined */
	size_t size;
	unsigned long number; /* of the line read last */
};

static void scoped_free(char **text)
{
	free(*text);
}

static void scoped_free_words(char ***words)
{
	free(*words);
}

/* Does the line end with a backslash? Takes it and the newline away. */
static bool take_continuation(char *line, ssize_t *len)
{
	if (*len < 2 || line[*len - 1] != '\n' || line[*len - 2] != '\\')
		return false;
	*len -= 2;
	line[*len] = '\0';
	return true;
}

/* Reads a command into batch->line. False at the end of the file. */
static bool read_command(struct batch *batch)
{
	ssize_t len = getline(&batch->line, &batch->size, batch->file);

	if (len < 0)
		return false;
	batch->number++;

	while (take_continuation(batch->line, &len)) {
		char *more SCOPED(scoped_free) = NULL;
		size_t more_size = 0;
		ssize_t more_len = getline(&more, &more_size, batch->file);
		char *grown;

		if (more_len < 0)
			break;
		batch->number++;
		grown = realloc(batch->line, (size_t)(len + more_len) + 1);
		if (!grown)
			return false;
		batch->line = grown;
		batch->size = (size_t)(len + more_len) + 1;
		memcpy(batch->line + len, more, (size_t)more_len + 1);
		len += more_len;
	}
	return true;
}

static enum cli_exit run_command(struct batch *batch, struct err *err)
{
	char **words SCOPED(scoped_free_words) = NULL;
	struct args args = { 0 };

	words = reallocarray(NULL, strlen(batch->line) / 2 + 1, sizeof(*words));
	if (!words) {
		(void)err_set(err, ENOMEM, "out of memory");
		return CLI_REFUSED;
	}
	if (split_words(batch->line, words, &args.count, err) < 0)
		return CLI_SYNTAX;

	args.word = words;
	return args.count == 0 ? CLI_OK : command_run(batch->cli, &args, err);
}

static enum cli_exit run_all(struct batch *batch)
{
	enum cli_exit first = CLI_OK;

	while (read_command(batch)) {
		struct err err = { .msg = "" };
		enum cli_exit code = run_command(batch, &err);

		if (code == CLI_OK)
			continue;
		command_complain(&err);
		(void)fprintf(stderr, "Command failed %s:%lu\n", batch->name, batch->number);
		if (first == CLI_OK)
			first = code;
		if (!batch->cli->options.force)
			break;
	}
	return first;
}

enum cli_exit batch_run(struct cli *cli)
{
	struct batch batch = { .cli = cli, .name = cli->options.batch, .file = stdin };
	bool own = strcmp(batch.name, "-") != 0;
	enum cli_exit code;

	if (own)
		batch.file = fopen(batch.name, "re");
	if (!batch.file) {
		struct err err;

		(void)err_set(&err, errno, "cannot open file \"%s\" for reading: %s", batch.name,
			      strerror(errno));
		command_complain(&err);
		return CLI_SYNTAX;
	}

	code = run_all(&batch);
	free(batch.line);
	if (own)
		(void)fclose(batch.file);
	return code;
}
