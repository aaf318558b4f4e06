/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to the control socket. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "base/list.h"
#include "ctl/ctl.h"

struct sd_event;

/* What all clients share. */
struct client_context {
	struct ctl *ctl;
	const char *version;
	void (*closed)(void *userdata); /* a client has freed itself */
	void *userdata;
};

struct client {
	struct list item; /* in its list; the rest is private */
};

/* Takes the connection 'fd' over on success and appends the client to
 * 'clients'. The client frees itself when the connection ends.
 */
int client_new(struct client_context *context, struct sd_event *event, int fd, struct list *clients,
	       struct err *err);
void client_free(struct client *client);

/* Tells a client that monitors of a change; others are not concerned. */
void client_tell(struct client *client, enum proto_event event, const struct proto_link *link);

#endif
