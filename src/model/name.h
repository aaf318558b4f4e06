/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of links: which are names at all, which are free, which come next. */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include "base/err.h"
#include "model/change.h"
#include "model/world.h"

/* For model/ itself.
 *
 * Writes to 'ret_name' the name a link gets that wants to be called 'wanted':
 * that, or with the lowest free number in place of a "%d" in it (R1.9). -EINVAL
 * for what is no name, -EEXIST for one in use by a link of 'world' other than
 * 'self', or by 'lower', which need not be in the world and may be NULL.
 */
int name_choose(const struct world *world, const struct model_lower *lower,
		const struct world_link *self, const char *wanted, char ret_name[LINK_NAME_SIZE],
		struct err *err);

#endif
