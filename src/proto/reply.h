/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon answers, written by the daemon, read by the command line. */
#ifndef PROTO_REPLY_H
#define PROTO_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "proto/link.h"
#include "proto/request.h"
#include "proto/varlink.h"

/* What Monitor tells. */
#define PROTO_EVENTS(X)       \
	X(READY, "ready")     \
	X(ADDED, "added")     \
	X(CHANGED, "changed") \
	X(DELETED, "deleted") \
	X(LOST, "lost")

#define PROTO_EVENT_ENUM(id, name) PROTO_EVENT_##id,
enum proto_event { PROTO_EVENTS(PROTO_EVENT_ENUM) PROTO_EVENT_COUNT };

/* Do more replies to the same call follow this one? */
enum proto_more {
	PROTO_LAST,
	PROTO_CONTINUES,
};

/* The daemon's side. Each fails only with -ENOMEM. */

/* Set and Delete: done. */
int proto_reply_done(struct varlink_message *ret_message, struct err *err);

/* Add: done, this is its name. */
int proto_reply_added(const char *name, struct varlink_message *ret_message, struct err *err);

/* List: one link; NULL: there are none at all. */
int proto_reply_link(const struct proto_link *link, enum proto_more more,
		     struct varlink_message *ret_message, struct err *err);

/* Monitor: one event, always followed by more. 'link' may be NULL. */
int proto_reply_event(enum proto_event event, const struct proto_link *link,
		      struct varlink_message *ret_message, struct err *err);

/* Any: not done. 'errnum' is a positive errno, 'sentence' for a human. */
int proto_reply_refused(int errnum, const char *sentence, struct varlink_message *ret_message,
			struct err *err);

/* The whole answer to GetInfo and GetInterfaceDescription. 'request' is one of
 * the two; 'version' is the program's.
 */
int proto_reply_introspect(const struct proto_request *request, const char *version,
			   struct varlink_message *ret_message, struct err *err);

/* The client's side. */
struct proto_reply {
	enum proto_more more;

	/* Not 0: the daemon refused, with this positive errno and sentence. */
	int errnum;
	struct err refusal;

	char name[LINK_NAME_SIZE]; /* Add */
	enum proto_event event;	   /* Monitor */
	bool has_link;		   /* List, Monitor */
	struct proto_link link;	   /* owned */
};

/* Frees what the reply owns, and zeroes it. Takes a zeroed one. */
void proto_reply_fini(struct proto_reply *reply);

/* Reads a reply of 'len' bytes and a NUL to a call of 'method'. What a newer
 * daemon may have added is skipped. -EBADMSG: this is no such reply.
 */
int proto_reply_decode(const char *text, size_t len, enum proto_method method,
		       struct proto_reply *ret_reply, struct err *err);

/* "added", ... Static memory. */
const char *proto_event_name(enum proto_event event);

#endif
