/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the fields of a change get into a link, at an add and at a set. */
#ifndef MODEL_EDIT_H
#define MODEL_EDIT_H

#include "base/err.h"
#include "model/change.h"
#include "model/world.h"

/* For model/ itself. A change on its way into copies: 'lower' and 'ep' are the
 * links as they are, 'next_lower' and 'next_ep' what they become. When an
 * endpoint is added 'ep' is NULL; when a dummy is added 'lower' is; when a dummy
 * is added or set 'ep' and 'next_ep' are.
 */
struct edit {
	const struct world *world;
	const struct link_change *change;
	const struct model_lower *lower;
	const struct model_endpoint *ep;
	struct model_lower *next_lower;
	struct model_endpoint *next_ep;
};

/* Puts every field that the change has into 'next_ep' (and what belongs to the
 * hub into 'next_lower'), or says why it cannot be. The change has passed
 * check_fields() and check_values().
 */
int edit_endpoint(struct edit *edit, struct err *err);

/* The same for 'next_lower', a dummy. */
int edit_dummy(struct edit *edit, struct err *err);

#endif
