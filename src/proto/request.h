/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client asks for: the methods of io.limpet and of org.varlink.service,
 * read by the daemon, written by the command line.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/change.h"
#include "proto/varlink.h"

enum proto_method {
	/* io.limpet */
	PROTO_METHOD_ADD,
	PROTO_METHOD_SET,
	PROTO_METHOD_DELETE,
	PROTO_METHOD_LIST,
	PROTO_METHOD_MONITOR,
	/* org.varlink.service: proto_reply_introspect() answers */
	PROTO_METHOD_GET_INFO,
	PROTO_METHOD_GET_INTERFACE_DESCRIPTION,
};
#define PROTO_METHOD_COUNT (PROTO_METHOD_GET_INTERFACE_DESCRIPTION + 1)

struct proto_request {
	enum proto_method method;
	bool more;   /* the client takes any number of replies */
	bool oneway; /* the client wants none, not even an error */

	/* The link meant, also in 'change.name'. Empty: Add picks one, List
	 * lists all.
	 */
	char name[LINK_NAME_SIZE];
	struct link_change change; /* Add, Set; owned */
	bool has_kind;		   /* List */
	enum link_kind kind;
	char interface[64]; /* GetInterfaceDescription */
};

/* Frees what the request owns, and zeroes it. Takes a zeroed one. */
void proto_request_fini(struct proto_request *request);

/* Reads a call of 'len' bytes and a NUL. On failure 'ret_refusal', if it has a
 * text, is the reply to send (there is none for a oneway call); -EBADMSG says
 * that the bytes were no call at all, and the connection should be closed after
 * it.
 */
int proto_request_decode(const char *text, size_t len, struct proto_request *ret_request,
			 struct varlink_message *ret_refusal, struct err *err);

/* Writes the call that 'request' describes. */
int proto_request_encode(const struct proto_request *request, struct varlink_message *ret_message,
			 struct err *err);

#endif
