/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: accepts clients and lets them speak Varlink. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "ctl/ctl.h"

/* Clients that may be connected at a time; one more is turned away. */
#define SERVER_CLIENTS_MAX 128

struct server;

/* Listens on DIR/control.sock. From now on the server is told of changes. */
int server_new(struct ctl *ctl, struct sd_event *event, const char *version,
	       struct server **ret_server, struct err *err);

/* Hangs up on all clients and removes the socket. Takes NULL. */
struct server *server_free(struct server *server);

#endif
