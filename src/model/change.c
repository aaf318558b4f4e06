/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

const char *link_kind_name(enum link_kind kind)
{
	switch (kind) {
	case LINK_KIND_MACVTAP:
		return "macvtap";
	case LINK_KIND_MACVLAN:
		return "macvlan";
	case LINK_KIND_DUMMY:
		return "dummy";
	case LINK_KIND_NETDEV:
		return "netdev";
	}

	abort(); /* not an enum link_kind */
}

bool link_kind_parse(const char *name, enum link_kind *ret_kind)
{
	static const enum link_kind kinds[] = {
		LINK_KIND_MACVTAP,
		LINK_KIND_MACVLAN,
		LINK_KIND_DUMMY,
		LINK_KIND_NETDEV,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(name, link_kind_name(kinds[i])) == 0) {
			*ret_kind = kinds[i];
			return true;
		}
	}

	return false;
}

const char *source_command_name(enum source_command command)
{
	switch (command) {
	case SOURCE_ADD:
		return "add";
	case SOURCE_DEL:
		return "del";
	case SOURCE_FLUSH:
		return "flush";
	case SOURCE_SET:
		return "set";
	}

	abort(); /* not an enum source_command */
}

bool source_command_parse(const char *name, enum source_command *ret_command)
{
	static const enum source_command commands[] = {
		SOURCE_ADD,
		SOURCE_DEL,
		SOURCE_FLUSH,
		SOURCE_SET,
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, source_command_name(commands[i])) == 0) {
			*ret_command = commands[i];
			return true;
		}
	}

	return false;
}

void link_change_fini(struct link_change *change)
{
	free(change->sources);
	*change = (struct link_change){ 0 };
}

int link_change_add_source(struct link_change *change, struct mac source, struct err *err)
{
	size_t n = change->n_sources;

	if (n >= LINK_SOURCES_MAX)
		return err_set(err, E2BIG, "more than %d source addresses in one request",
			       LINK_SOURCES_MAX);

	/* The capacity is the next power of two: it grows when 'n' is one. */
	if ((n & (n - 1)) == 0) {
		struct mac *grown = realloc(change->sources, MAX(2 * n, 1U) * sizeof(*grown));

		if (!grown)
			return err_set(err, ENOMEM, "out of memory");
		change->sources = grown;
	}

	change->sources[change->n_sources++] = source;
	return 0;
}
