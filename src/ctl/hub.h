/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hubs at work: the lower's port, its receive filter, and the table. */
#ifndef CTL_HUB_H
#define CTL_HUB_H

#include "ctl/state.h"

/* Makes the runtime half of a lower and opens its port; sets 'model->runtime'. */
int hub_new(struct ctl *ctl, struct model_lower *model, struct ctl_hub **ret_hub, struct err *err);

/* Closes the port. No endpoint may be left. Takes NULL. */
struct ctl_hub *hub_free(struct ctl_hub *hub);

/* Opens the port that the lower, as 'model' describes it, needs. */
int hub_open_port(const struct model_lower *model, struct port **ret_port, struct err *err);

/* Lets frames go through 'port' from now on, instead of the one before, which
 * is closed. 'port' may be NULL; it is the hub's on success.
 */
int hub_attach_port(struct ctl_hub *hub, struct port *port, struct err *err);

/* Gives the endpoint a place in the tables to come, or takes it back. */
int hub_take_slot(struct ctl_hub *hub, struct ctl_endpoint *ep, struct err *err);
void hub_give_slot(struct ctl_hub *hub, struct ctl_endpoint *ep);

/* Takes an endpoint that is going away out of the lower's receive filter. */
void hub_forget_filter(struct ctl_hub *hub, struct ctl_endpoint *ep);

/* Makes workers and the lower's receive filter follow the model, and waits
 * until no worker uses the old table. If memory runs out the hub forwards
 * nothing, and the log says so: an old table may name who is gone.
 */
void hub_publish(struct ctl_hub *hub);

#endif
