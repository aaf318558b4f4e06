/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lowers that are network devices of the host: what the kernel says of them. */
#ifndef CTL_NETDEV_H
#define CTL_NETDEV_H

#include "ctl/state.h"

/* Asks the kernel about the device 'name', in the model's words. */
int netdev_query(const char *name, struct netdev_facts *ret_facts, struct err *err);

/* Watches the host's devices, if netlink can be had: without it there are no
 * netdev lowers, and 'ctl->monitor' is NULL.
 */
int netdev_watch(struct ctl *ctl, struct err *err);

/* Called when the worker has finished with the lower's port: the device is
 * gone. Endpoints stay (docs/differences.md).
 */
void netdev_reap(struct ctl_hub *hub);

#endif
