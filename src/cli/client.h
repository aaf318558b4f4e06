/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection to limpetd's control socket: made when it is first needed, kept
 * for every call that follows.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <sys/un.h>

#include "base/err.h"
#include "proto/reply.h"
#include "proto/request.h"
#include "proto/varlink.h"

struct client {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;		/* -1: not connected */
	int timeout_ms; /* for a whole request or a whole reply */
	struct varlink_input input;
};

/* How long to wait for a reply. */
enum client_patience {
	CLIENT_TIMEOUT,
	CLIENT_FOREVER,
};

/* A client of the daemon that runs in 'runtime_dir'; NULL: where limpetd runs
 * unless told otherwise. Does not connect. Fails if the path is too long.
 */
int client_init(struct client *client, const char *runtime_dir, struct err *err);
void client_fini(struct client *client);

/* Closes the connection, and forgets what came over it: for a caller that does
 * not want the rest of an answer.
 */
void client_disconnect(struct client *client);

/* Sends a request; with 'more' set, replies are then to be received. After any
 * failure the connection is closed, and the next call makes a new one.
 */
int client_send(struct client *client, const struct proto_request *request, struct err *err);

/* Waits for the next reply to a call of 'method' into 'ret_reply', which the
 * caller finishes. Fails with the daemon's errno and sentence if it refused.
 */
int client_receive(struct client *client, enum proto_method method, enum client_patience patience,
		   struct proto_reply *ret_reply, struct err *err);

/* Sends a request and waits for its one reply. */
int client_call(struct client *client, const struct proto_request *request,
		struct proto_reply *ret_reply, struct err *err);

static inline void scoped_proto_reply(struct proto_reply *reply)
{
	proto_reply_fini(reply);
}

static inline void scoped_proto_request(struct proto_request *request)
{
	proto_request_fini(request);
}

#endif
