/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a link becomes what a copy of it says: differences, and their news. */
#ifndef MODEL_ADOPT_H
#define MODEL_ADOPT_H

#include <string.h>

#include "model/world.h"

/* For model/ itself. What differs, as bits of enum link_field and, for a lower,
 * enum model_news.
 */
unsigned adopt_lower_changes(const struct model_lower *lower, const struct model_lower *next);
unsigned adopt_endpoint_changes(const struct model_endpoint *ep, const struct model_endpoint *next);

/* Makes 'lower' what 'next' says, and its endpoints what that makes of them. */
void adopt_lower(struct model_lower *lower, const struct model_lower *next);

/* Makes 'ep' what 'next' says; takes 'next->sources'. */
void adopt_endpoint(struct model_endpoint *ep, struct model_endpoint *next);

/* Writes what the kernel says into 'lower', but for its name and own_mac. */
void adopt_facts(struct model_lower *lower, const struct netdev_facts *facts);

/* Puts 'text', which fits, into a member. What follows it is zeroed, because
 * members are compared whole.
 */
static inline void adopt_text(char *member, size_t size, const char *text)
{
	size_t len = strlen(text);

	assert(len < size);
	memcpy(member, text, len);
	memset(member + len, 0, size - len);
}

#endif
