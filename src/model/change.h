/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody asks for: one add or set of one link, as a value.
 *
 * The same struct is filled by the command line, by a control message and by
 * a configuration file. Bits in 'has' say which fields were given; the rest is
 * not looked at. Nothing here has been checked against the world yet.
 */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fwd/mode.h"
#include "wire/mac.h"

#define LINK_NAME_SIZE	16  /* NUL included, as the kernel's IFNAMSIZ */
#define LINK_ALIAS_SIZE 256 /* NUL included, as IFALIASZ */
#define LINK_PATH_SIZE	108 /* NUL included, as sun_path */

/* Entries of one endpoint's source list, and of one request. The kernel has no
 * limit (R1.52); a daemon that carries others needs one.
 */
#define LINK_SOURCES_MAX 4096

enum link_kind {
	LINK_KIND_MACVTAP,
	LINK_KIND_MACVLAN,
	LINK_KIND_DUMMY,
	LINK_KIND_NETDEV, /* a lower that is a network device of the host; never asked for */
};

/* "macvtap", "macvlan", "dummy", "netdev". Static memory. */
const char *link_kind_name(enum link_kind kind);
bool link_kind_parse(const char *name, enum link_kind *ret_kind);

enum link_field {
	LINK_HAS_KIND = 1 << 0,
	LINK_HAS_LOWER = 1 << 1,
	LINK_HAS_ADDRESS = 1 << 2,
	LINK_HAS_MTU = 1 << 3,
	LINK_HAS_UP = 1 << 4,
	LINK_HAS_NEW_NAME = 1 << 5,
	LINK_HAS_ALIAS = 1 << 6,
	LINK_HAS_TXQLEN = 1 << 7,
	/* macvtap and macvlan */
	LINK_HAS_MODE = 1 << 8,
	LINK_HAS_FLAGS = 1 << 9,
	LINK_HAS_SOURCES = 1 << 10,
	LINK_HAS_BCQUEUELEN = 1 << 11,
	LINK_HAS_BCLIM = 1 << 12,
	/* dummy */
	LINK_HAS_HAIRPIN = 1 << 13,
	/* how a vhost-user front-end attaches to an endpoint */
	LINK_HAS_VHOST = 1 << 14,
	LINK_HAS_POLL = 1 << 15,
};

/* IFLA_MACVLAN_MACADDR_MODE, with the kernel's numbers (R1.50). */
enum source_command {
	SOURCE_ADD = 0,
	SOURCE_DEL = 1,
	SOURCE_FLUSH = 2,
	SOURCE_SET = 3,
};

const char *source_command_name(enum source_command command);
bool source_command_parse(const char *name, enum source_command *ret_command);

struct link_change {
	unsigned has;		   /* enum link_field */
	char name[LINK_NAME_SIZE]; /* empty at an add: pick "macvtap0", ... (R1.9) */

	enum link_kind kind;
	char lower[LINK_NAME_SIZE];
	struct mac address;
	uint32_t mtu;
	bool up;
	char new_name[LINK_NAME_SIZE];
	char alias[LINK_ALIAS_SIZE]; /* empty: no alias any more */
	uint32_t txqlen;

	uint32_t mode;	/* enum fwd_mode if valid; R1.37 */
	uint32_t flags; /* enum fwd_flag bits; replaces both (R1.38) */
	enum source_command source_command;
	struct mac *sources; /* owned; for add and del exactly one */
	size_t n_sources;
	uint32_t bcqueuelen;
	int32_t bclim;

	bool hairpin;

	/* The socket of a front-end that listens; empty: the endpoint listens. */
	char vhost[LINK_PATH_SIZE];
	uint32_t poll; /* microseconds of polling before its worker sleeps; 0: none */
};

/* Frees what the change owns, and zeroes it. Takes a zeroed one. */
void link_change_fini(struct link_change *change);

/* Appends an address to 'sources'. -E2BIG above LINK_SOURCES_MAX, -ENOMEM. */
int link_change_add_source(struct link_change *change, struct mac source, struct err *err);

#endif
