/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling those who monitor what changed. */
#ifndef CTL_NOTIFY_H
#define CTL_NOTIFY_H

#include "ctl/state.h"

void notify_lower(struct ctl *ctl, enum proto_event event, struct model_lower *lower);
void notify_endpoint(struct ctl *ctl, enum proto_event event, struct model_endpoint *ep);

/* A 'changed' for the lower and for each of its endpoints that has news, which
 * are none afterwards.
 */
void notify_news(struct ctl *ctl, struct model_lower *lower);

#endif
