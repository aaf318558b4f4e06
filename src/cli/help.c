/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/help.h"

#include <errno.h>
#include <string.h>

#include "cli/command.h"

static const char limpet[] =
	"Usage: limpet [ OPTIONS ] OBJECT { COMMAND | help }\n"
	"       limpet [ OPTIONS ] [ -force ] -batch { FILE | - }\n"
	"where  OBJECT := { link | monitor | qemu | help }\n"
	"       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -h[uman-readable] | -iec |\n"
	"                    -j[son] | -p[retty] | -br[ief] | -o[neline] |\n"
	"                    -t[imestamp] | -ts[hort] | -b[atch] FILE | -force | -r[esolve] |\n"
	"                    -N[umeric] | -c[olor][={always|auto|never}] |\n"
	"                    --runtime-dir DIR }\n";

static const char link[] =
	"Usage: limpet link add [ link LOWER ] [ name ] NAME\n"
	"                       [ address MAC ] [ mtu MTU ] [ txqueuelen PACKETS ]\n"
	"                       [ alias TEXT ] [ up ] [ vhost VHOST ] [ poll MICROSECONDS ]\n"
	"                       type TYPE [ ARGS ]\n"
	"\n"
	"       limpet link set [ dev ] NAME [ { up | down } ]\n"
	"                       [ address MAC ] [ mtu MTU ] [ txqueuelen PACKETS ]\n"
	"                       [ name NEWNAME ] [ alias TEXT ]\n"
	"                       [ vhost VHOST ] [ poll MICROSECONDS ]\n"
	"                       [ type TYPE ARGS ]\n"
	"\n"
	"       limpet link delete [ dev ] NAME [ type TYPE ]\n"
	"\n"
	"       limpet link show [ [ dev ] NAME ] [ type TYPE ] [ up ]\n"
	"\n"
	"       limpet link help [ TYPE ]\n"
	"\n"
	"LOWER := a network device of this host, or a dummy\n"
	"TYPE := { macvtap | macvlan | dummy }\n"
	"VHOST := { server | client PATH }\n";

#define MACVLAN_HELP(kind)                                                          \
	"Usage: ... " kind " [ mode MODE ] [ flag FLAG ] [ nopromisc ] [ nodst ]\n" \
	"           [ macaddr COMMAND ] [ bcqueuelen LENGTH ] [ bclim LIMIT ]\n"    \
	"\n"                                                                        \
	"MODE := { private | vepa | bridge | passthru | source }\n"                 \
	"FLAG := { null | nopromisc | nodst }\n"                                    \
	"COMMAND := { add MAC | del MAC | set [ MAC ... ] | flush }\n"              \
	"LENGTH := 0..4294967295\n"                                                 \
	"LIMIT := -2147483648..2147483647\n"

static const char dummy[] =
	"Usage: ... dummy [ hairpin { on | off } ]\n"
	"\n"
	"hairpin on: the far end of the dummy sends back what its endpoints send to\n"
	"            each other, as a VEPA-capable switch does\n";

static const char monitor[] = "Usage: limpet monitor [ link | all ]\n";

static const char qemu[] =
	"Usage: limpet qemu [ dev ] NAME ... [ memory { SIZE | off } ] [ vhost | stream ]\n"
	"\n"
	"Prints what to add to QEMU's command line to attach a guest with SIZE of memory\n"
	"(512M) to NAME: with vhost-user, or through a stream socket.\n";

static const struct topic {
	const char *name, *text;
} topics[] = {
	{ "limpet", limpet },
	{ "link", link },
	{ "macvtap", MACVLAN_HELP("macvtap") },
	{ "macvlan", MACVLAN_HELP("macvlan") },
	{ "dummy", dummy },
	{ "monitor", monitor },
	{ "qemu", qemu },
};

static const struct topic *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		if (strcmp(name, topics[i].name) == 0)
			return &topics[i];
	}
	return NULL;
}

bool help_has(const char *topic)
{
	return find(topic) != NULL;
}

void help_write(FILE *out, const char *topic)
{
	const struct topic *found = find(topic);

	assert(found);
	(void)fputs(found->text, out);
}

enum cli_exit help_print(const char *topic)
{
	help_write(stdout, topic);
	return CLI_OK;
}

enum cli_exit help_run(struct cli *cli, struct args *args, struct err *err)
{
	const char *topic = args_take(args);

	(void)cli;
	if (topic && !help_has(topic)) {
		(void)err_set(err, EINVAL, "there is no help for \"%s\", try \"limpet help\"",
			      topic);
		return CLI_SYNTAX;
	}
	return help_print(topic ? topic : "limpet");
}
