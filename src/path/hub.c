/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/hub.h"

#include <errno.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

int path_table_new(struct fwd_table *fwd, size_t n_slots, struct path_table **ret_table,
		   struct err *err)
{
	struct path_table *table =
		calloc(1, sizeof(*table) + n_slots * sizeof(struct path_member *));

	if (!table)
		return err_set(err, ENOMEM, "out of memory for a table of %zu slots", n_slots);

	table->fwd = fwd;
	table->n_slots = n_slots;
	*ret_table = table;
	return 0;
}

struct path_table *path_table_free(struct path_table *table)
{
	if (table) {
		fwd_table_free(table->fwd);
		free(table);
	}
	return NULL;
}

struct path_table *path_publish_table(struct path_hub *hub, struct path_table *table)
{
	return rcu_xchg_pointer(&hub->table, table);
}

struct path_attachment *path_publish_attachment(struct path_member *member,
						struct path_attachment *attachment)
{
	return rcu_xchg_pointer(&member->active, attachment);
}

void path_synchronize(void)
{
	synchronize_rcu();
}
