/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control and workers share: hubs, their members and their ports.
 *
 * Control owns and allocates everything here. Workers reach it through two
 * kinds of published pointers, read inside a worker's round only: a hub's
 * table, and the attachment a member sends through. What control takes away it
 * frees after path_synchronize(), when no worker can hold it any more.
 */
#ifndef PATH_HUB_H
#define PATH_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "fwd/table.h"
#include "path/counters.h"
#include "port/port.h"

/* How long to poll where nobody says otherwise: about what it takes to wake a
 * sleeping core, so that at worst polling doubles the cost of a wake-up.
 */
#define PATH_POLL_NS 50000

struct path_hub;
struct worker;

/* A port on its place. Made by control, watched by one worker. */
struct path_attachment {
	struct port *port;
	struct path_member *member;

	/* For ports that can be polled: how long the worker looks for more at
	 * most, after there was something, before it sleeps. 0: not at all. Set
	 * before it is watched.
	 */
	uint32_t poll_ns;

	/* control to worker: not to be polled any more */
	bool retired;

	/* the worker's */
	bool polls_write;
	bool is_polled; /* it is in the worker's chain of polled attachments, */
	struct path_attachment *polled_next; /* and this is the next one */
	uint64_t quiet_since;		     /* a time; 0: it is not quiet */
	uint64_t slept_since;
	uint32_t poll_now_ns; /* how long it is worth it these days */
	/* Set by the worker, once, when the port is faulty and no longer
	 * watched; control then detaches and closes it.
	 */
	bool finished;
};

/* Somebody on a hub who sends and receives: an endpoint, or the lower. */
struct path_member {
	struct path_hub *hub;
	uint16_t slot;			/* FWD_NOBODY: the lower */
	struct path_attachment *active; /* published; NULL: nobody attached */
	struct path_counters counters;

	/* The worker's list of copies waiting for delivery, within a burst. */
	uint16_t queue_head, queue_tail;
	struct path_member *queue_next;
	bool queued;
};

/* One immutable state of a hub. */
struct path_table {
	struct fwd_table *fwd; /* owned */
	size_t n_slots;
	struct path_member *member[]; /* by slot; NULL: free slot */
};

struct path_hub {
	struct path_table *table; /* published */
	struct path_member lower;
	uint64_t host;	   /* frames the host's stack hears; its worker counts */
	uint64_t replicas; /* copies beyond a frame's first; its worker counts */
};

/* Allocates a table for 'n_slots'; takes 'fwd' over on success. */
int path_table_new(struct fwd_table *fwd, size_t n_slots, struct path_table **ret_table,
		   struct err *err);
struct path_table *path_table_free(struct path_table *table);

/* Control thread: lets workers see 'table' (or 'attachment') from now on and
 * returns what they saw until now, which the caller frees after
 * path_synchronize().
 */
struct path_table *path_publish_table(struct path_hub *hub, struct path_table *table);
struct path_attachment *path_publish_attachment(struct path_member *member,
						struct path_attachment *attachment);

/* Control thread: waits until every worker has passed a quiescent point (or
 * sleeps): none holds anything that was unpublished before the call. Takes a
 * burst's time at most.
 */
void path_synchronize(void);

#endif
