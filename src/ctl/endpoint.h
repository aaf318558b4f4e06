/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints at work: their sockets, and who is attached. */
#ifndef CTL_ENDPOINT_H
#define CTL_ENDPOINT_H

#include "ctl/state.h"

/* Makes the runtime half of an endpoint: its sockets and its slot on the hub;
 * sets 'model->runtime'. Workers do not know it before hub_publish().
 */
int endpoint_new(struct ctl_hub *hub, struct model_endpoint *model, struct ctl_endpoint **ret_ep,
		 struct err *err);

/* Detaches everybody, removes the sockets and leaves the hub, whose table no
 * longer may name it: publishes a new one. Takes NULL.
 */
struct ctl_endpoint *endpoint_free(struct ctl_endpoint *ep);

/* Called when the worker has finished with a port: detaches the peer. */
void endpoint_reap(struct ctl_endpoint *ep);

/* Follows what the model has committed: MTU, polling, who connects to whom. */
void endpoint_update(struct ctl_endpoint *ep);

/* Is there a stream peer or a front-end, to whom the endpoint belongs? */
bool endpoint_has_peer(const struct ctl_endpoint *ep);

/* Makes the connection 'fd' to a front-end the endpoint's; takes it over on
 * success. -EBUSY if another peer has the endpoint.
 */
int endpoint_attach_vhost(struct ctl_endpoint *ep, int *fd, struct err *err);

/* The front-end is through, for this reason; called by its own code, which must
 * not touch it any more.
 */
void endpoint_lose_vhost(struct ctl_endpoint *ep, const char *reason);

#endif
