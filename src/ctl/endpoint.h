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

/* Called when the worker has finished with the stream peer: detaches it. */
void endpoint_reap(struct ctl_endpoint *ep);

#endif
