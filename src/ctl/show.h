/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links as 'show' reports them: what the model wants and what really runs. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl/state.h"

/* 'ret_link' is zeroed by the caller, who finishes it with proto_link_fini(). */
void show_lower(const struct model_lower *lower, struct proto_link *ret_link);

/* -ENOMEM for the copy of a source list, else 0. */
int show_endpoint(const struct ctl *ctl, const struct model_endpoint *ep,
		  struct proto_link *ret_link, struct err *err);

#endif
