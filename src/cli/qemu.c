/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object `qemu`: the arguments that attach a QEMU guest to an endpoint. */
#include "cli/qemu.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/jsonw.h"
#include "cli/link_list.h"

/* QEMU's ids begin with a letter and have no other signs than these. */
static void format_id(const char *name, char id[QEMU_ID_SIZE])
{
	char *to = id;

	if (!isalpha((unsigned char)*name))
		to = stpcpy(to, "net");
	for (; *name; name++)
		*to++ = isalnum((unsigned char)*name) || strchr("-._", *name) ? *name : '_';
	*to = '\0';
}

/* In QEMU's option lists a comma inside a value is written twice. */
static void format_path(const char *path, char *buf)
{
	for (; *path; path++) {
		*buf++ = *path;
		if (*path == ',')
			*buf++ = ',';
	}
	*buf = '\0';
}

void qemu_format(const struct proto_link *link, struct qemu_args *ret_args)
{
	char path[2 * sizeof(link->stream_path)];
	char id[QEMU_ID_SIZE];
	char mac[MAC_TEXT_SIZE];

	format_id(link->name, id);
	format_path(link->stream_path, path);
	(void)snprintf(ret_args->netdev, sizeof(ret_args->netdev),
		       "stream,id=%s,server=off,addr.type=unix,addr.path=%s", id, path);
	(void)snprintf(ret_args->device, sizeof(ret_args->device),
		       "virtio-net-pci,netdev=%s,mac=%s", id, mac_format(link->address, mac));
}

void qemu_quote(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_.,:/=@%+";

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		(void)fputs(word, out);
		return;
	}

	(void)fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*word, out);
	}
	(void)fputc('\'', out);
}

static void print(const struct options *options, const struct qemu_args *qemu)
{
	const char *const words[] = { "-netdev", qemu->netdev, "-device", qemu->device };

	if (options->json) {
		struct jsonw json =
			jsonw_begin(stdout, options->pretty ? JSONW_PRETTY : JSONW_COMPACT);

		jsonw_array(&json, NULL);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			jsonw_string(&json, NULL, words[i]);
		jsonw_array_end(&json);
		jsonw_end(&json);
		return;
	}

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (i > 0)
			(void)fputc(' ', stdout);
		qemu_quote(stdout, words[i]);
	}
	(void)fputc('\n', stdout);
}

static int parse(struct args *args, char *name, struct err *err)
{
	const char *given;
	int r;

	(void)args_take_word(args, "dev");
	given = args_take(args);
	if (!given)
		return err_set(err, EINVAL,
			       "not enough information: which endpoint? try \"limpet qemu help\"");
	r = args_link_name(given, name, err);
	return r < 0 ? r : args_end(args, err);
}

enum cli_exit qemu_run(struct cli *cli, struct args *args, struct err *err)
{
	struct link_list list SCOPED(scoped_link_list) = { 0 };
	char name[LINK_NAME_SIZE];
	struct qemu_args qemu;
	int r;

	if (args_at_help(args))
		return help_print("qemu");
	r = parse(args, name, err);
	if (r < 0)
		return cli_exit_of_parse(r);

	r = link_list_fetch(&cli->client, name, NULL, &list, err);
	if (r < 0)
		return CLI_REFUSED;
	if (list.n == 0 || list.link[0].stream_path[0] == '\0') {
		(void)err_set(err, EOPNOTSUPP,
			      "'%s' is no endpoint that a guest can attach to: make one on it "
			      "with 'limpet link add link %s type macvtap'",
			      name, name);
		return CLI_REFUSED;
	}

	qemu_format(&list.link[0], &qemu);
	print(&cli->options, &qemu);
	return CLI_OK;
}
