/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object `qemu`: the arguments that attach a QEMU guest to an endpoint. */
#include "cli/qemu.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/jsonw.h"
#include "cli/link_list.h"

#define NICS_MAX    8
#define MTU_COMMON  1500 /* what a guest takes for granted */
#define MEMORY_SIZE 24	 /* of a size as text */

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

/* Who listens, QEMU or limpetd? Both keep looking for each other. */
static void format_chardev(const struct proto_link *link, const char *id, char *buf, size_t size)
{
	bool is_server = link->vhost[0] != '\0';
	char path[2 * LINK_PATH_SIZE];

	format_path(is_server ? link->vhost : link->vhost_path, path);
	(void)snprintf(buf, size, "socket,id=%s-vhost,path=%s,%s", id, path,
		       is_server ? "server=on,wait=off" : "reconnect=1");
}

void qemu_format(const struct proto_link *link, enum qemu_way way, struct qemu_args *ret_args)
{
	char path[2 * LINK_PATH_SIZE];
	char id[QEMU_ID_SIZE];
	char mac[MAC_TEXT_SIZE];
	int len;

	*ret_args = (struct qemu_args){ .chardev = "" };
	format_id(link->name, id);
	len = snprintf(ret_args->device, sizeof(ret_args->device),
		       "virtio-net-pci,netdev=%s,mac=%s", id, mac_format(link->address, mac));

	if (way == QEMU_STREAM) {
		format_path(link->stream_path, path);
		(void)snprintf(ret_args->netdev, sizeof(ret_args->netdev),
			       "stream,id=%s,server=off,addr.type=unix,addr.path=%s", id, path);
		return;
	}

	format_chardev(link, id, ret_args->chardev, sizeof(ret_args->chardev));
	(void)snprintf(ret_args->netdev, sizeof(ret_args->netdev),
		       "vhost-user,id=%s,chardev=%s-vhost", id, id);
	/* Any other MTU the guest cannot know. */
	if (link->mtu != MTU_COMMON)
		(void)snprintf(ret_args->device + len, sizeof(ret_args->device) - (size_t)len,
			       ",host_mtu=%" PRIu32, link->mtu);
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

/* What is asked for. */
struct wish {
	char name[NICS_MAX][LINK_NAME_SIZE];
	size_t n_names;
	const char *memory; /* how much the guest has; "off": somebody else says */
	enum qemu_way way;
};

struct line {
	const char *word[4 + 6 * NICS_MAX];
	size_t n;
};

static void add(struct line *line, const char *option, const char *value)
{
	if (*value == '\0')
		return;
	line->word[line->n++] = option;
	line->word[line->n++] = value;
}

static void print_line(const struct options *options, const struct line *line)
{
	if (options->json) {
		struct jsonw json =
			jsonw_begin(stdout, options->pretty ? JSONW_PRETTY : JSONW_COMPACT);

		jsonw_array(&json, NULL);
		for (size_t i = 0; i < line->n; i++)
			jsonw_string(&json, NULL, line->word[i]);
		jsonw_array_end(&json);
		jsonw_end(&json);
		return;
	}

	for (size_t i = 0; i < line->n; i++) {
		if (i > 0)
			(void)fputc(' ', stdout);
		qemu_quote(stdout, line->word[i]);
	}
	(void)fputc('\n', stdout);
}

/* Memory first: a guest has one, however many NICs it has. */
static void print(const struct options *options, const struct wish *wish,
		  const struct qemu_args nic[])
{
	struct line line = { .n = 0 };
	char object[64 + MEMORY_SIZE];

	if (wish->way == QEMU_VHOST && strcmp(wish->memory, "off") != 0) {
		(void)snprintf(object, sizeof(object),
			       "memory-backend-memfd,id=limpet,size=%s,share=on", wish->memory);
		add(&line, "-object", object);
		add(&line, "-machine", "memory-backend=limpet");
	}
	for (size_t i = 0; i < wish->n_names; i++) {
		add(&line, "-chardev", nic[i].chardev);
		add(&line, "-netdev", nic[i].netdev);
		add(&line, "-device", nic[i].device);
	}
	print_line(options, &line);
}

static int take_memory(struct wish *wish, struct args *args, struct err *err)
{
	size_t digits;
	int r;

	r = args_value(args, "memory", &wish->memory, err);
	if (r < 0)
		return r;

	digits = strspn(wish->memory, "0123456789");
	if (strcmp(wish->memory, "off") == 0 ||
	    (digits > 0 && strlen(wish->memory) < MEMORY_SIZE &&
	     strspn(wish->memory + digits, "KMGTkmgt") == strlen(wish->memory + digits) &&
	     strlen(wish->memory + digits) <= 1))
		return 0;
	return err_set(err, EINVAL,
		       "argument of \"memory\" must be a size such as 512M or 2G, or \"off\", not "
		       "\"%s\"",
		       wish->memory);
}

static int take_name(struct wish *wish, const char *given, struct err *err)
{
	if (wish->n_names == NICS_MAX)
		return err_set(err, EINVAL, "\"%s\" is one NIC too many: a guest gets at most %d",
			       given, NICS_MAX);
	return args_link_name(given, wish->name[wish->n_names++], err);
}

static int parse(struct args *args, struct wish *wish, struct err *err)
{
	const char *given;
	int r = 0;

	while (r == 0 && (given = args_take(args))) {
		if (strcmp(given, "dev") == 0 && args_peek(args))
			r = take_name(wish, args_take(args), err);
		else if (strcmp(given, "memory") == 0)
			r = take_memory(wish, args, err);
		else if (strcmp(given, "stream") == 0)
			wish->way = QEMU_STREAM;
		else if (strcmp(given, "vhost") == 0)
			wish->way = QEMU_VHOST;
		else
			r = take_name(wish, given, err);
	}
	if (r == 0 && wish->n_names == 0)
		return err_set(err, EINVAL,
			       "not enough information: which endpoint? try \"limpet qemu help\"");
	return r;
}

/* Asks the daemon about one endpoint. */
static int fetch(struct cli *cli, const char *name, enum qemu_way way, struct qemu_args *ret_args,
		 struct err *err)
{
	struct link_list list SCOPED(scoped_link_list) = { 0 };
	int r;

	r = link_list_fetch(&cli->client, name, NULL, &list, err);
	if (r < 0)
		return r;
	if (list.n == 0 || list.link[0].stream_path[0] == '\0')
		return err_set(err, EOPNOTSUPP,
			       "'%s' is no endpoint that a guest can attach to: make one on it "
			       "with 'limpet link add link %s type macvtap'",
			       name, name);

	qemu_format(&list.link[0], way, ret_args);
	return 0;
}

enum cli_exit qemu_run(struct cli *cli, struct args *args, struct err *err)
{
	struct wish wish = { .memory = "512M" };
	struct qemu_args nic[NICS_MAX];
	int r;

	if (args_at_help(args))
		return help_print("qemu");
	r = parse(args, &wish, err);
	if (r < 0)
		return cli_exit_of_parse(r);

	for (size_t i = 0; i < wish.n_names; i++) {
		if (fetch(cli, wish.name[i], wish.way, &nic[i], err) < 0)
			return CLI_REFUSED;
	}
	print(&cli->options, &wish, nic);
	return CLI_OK;
}
