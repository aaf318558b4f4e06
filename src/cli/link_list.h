/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links as the daemon lists them, all in memory before the first is printed: an
 * answer that breaks off leaves no half a table behind.
 */
#ifndef CLI_LINK_LIST_H
#define CLI_LINK_LIST_H

#include "cli/client.h"

/* More than a daemon takes; a peer that sends more is not one. */
#define LINK_LIST_MAX 16384

struct link_list {
	struct proto_link *link; /* owned, 'n' of them */
	size_t n;
};

/* Frees what the list owns, and zeroes it. */
void link_list_fini(struct link_list *list);

/* Asks for the link 'name', or if it is empty for all of them; of 'kind', unless
 * it is NULL. -ENODEV if there is no link of that name.
 */
int link_list_fetch(struct client *client, const char *name, const enum link_kind *kind,
		    struct link_list *ret_list, struct err *err);

static inline void scoped_link_list(struct link_list *list)
{
	link_list_fini(list);
}

#endif
