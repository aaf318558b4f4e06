/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vhost-user front-end that is connected to an endpoint: its socket, its
 * guest's memory, its rings' descriptors, and the port while rings run.
 */
#ifndef CTL_VHOST_H
#define CTL_VHOST_H

#include "ctl/state.h"

struct vhost;

/* Talks to the front-end on 'fd', which it takes over on success. The endpoint
 * has no port until the rings run. A front-end that leaves, or misbehaves, is
 * reported with endpoint_lose_vhost().
 */
int vhost_new(struct ctl_endpoint *ep, int *fd, struct vhost **ret_vhost, struct err *err);

/* Lets go of the rings and the memory, and hangs up. Takes NULL. */
struct vhost *vhost_free(struct vhost *vhost);

/* Has the front-end closed its end? */
bool vhost_has_hung_up(const struct vhost *vhost);

/* Called when the worker has finished with a port, maybe this one. */
void vhost_reap(struct vhost *vhost);

/* The endpoint's settings have changed: running rings follow. */
void vhost_update(struct vhost *vhost);

/* What was agreed on: "packed, mrg_rxbuf, tso, 2 queue pairs". */
void vhost_describe(const struct vhost *vhost, char *buf, size_t size);

#endif
