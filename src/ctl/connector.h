/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to a front-end that listens, for as long as it takes. */
#ifndef CTL_CONNECTOR_H
#define CTL_CONNECTOR_H

#include "ctl/state.h"

struct connector;

/* Tries now, and then every second until somebody is attached to 'ep', to attach
 * the front-end that listens on 'path'.
 */
int connector_new(struct ctl_endpoint *ep, const char *path, struct connector **ret_connector,
		  struct err *err);

/* A front-end that is attached stays. Takes NULL. */
struct connector *connector_free(struct connector *connector);

/* Nobody is attached any more: tries again, soon. */
void connector_wake(struct connector *connector);

const char *connector_path(const struct connector *connector);

#endif
