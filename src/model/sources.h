/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set of addresses a source-mode endpoint listens to (R1.50). */
#ifndef MODEL_SOURCES_H
#define MODEL_SOURCES_H

#include <stddef.h>

#include "base/err.h"
#include "model/change.h"
#include "wire/mac.h"

/* For model/ itself. A set is an array, sorted, none twice; no array at
 * all when it is empty.
 */

/* Copies 'list' of 'n'; -ENOMEM. */
int sources_copy(const struct mac *list, size_t n, struct mac **ret_list, struct err *err);

/* Carries out the command of 'change' on the set '*list'. -ENOSPC above
 * LINK_SOURCES_MAX, -ENOMEM; the set is then as before.
 */
int sources_apply(struct mac **list, size_t *n, const struct link_change *change, struct err *err);

#endif
