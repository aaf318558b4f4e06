/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes are worked out on a copy of a link, which may still be thrown away.
 * Here a link becomes its copy: members that change are in the tables, members
 * that say who and where a link is (index, lists, runtime) are not.
 */
#include "model/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "model/check.h"

struct member {
	unsigned news; /* which news it is when this member changes */
	size_t offset, size;
};

#define MEMBER(type, bit, member)                                                        \
	{                                                                                \
		(bit), offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}

/* own_mac is nobody's news, but changes along. */
static const struct member lower_members[] = {
	MEMBER(model_lower, LINK_HAS_NEW_NAME, name),
	MEMBER(model_lower, LINK_HAS_ADDRESS, mac),
	MEMBER(model_lower, 0, own_mac),
	MEMBER(model_lower, LINK_HAS_MTU, mtu),
	MEMBER(model_lower, LINK_HAS_MTU, max_mtu),
	MEMBER(model_lower, LINK_HAS_TXQLEN, txqlen),
	MEMBER(model_lower, LINK_HAS_UP | MODEL_NEWS_CARRIER, up),
	MEMBER(model_lower, MODEL_NEWS_CARRIER, carrier),
	MEMBER(model_lower, MODEL_NEWS_CARRIER, present),
	MEMBER(model_lower, MODEL_NEWS_CARRIER, ifindex),
	MEMBER(model_lower, LINK_HAS_HAIRPIN, hairpin),
	MEMBER(model_lower, LINK_HAS_ALIAS, alias),
	MEMBER(model_lower, LINK_HAS_BCLIM, bclim),
};

/* The source list, which is owned, is not among them. */
static const struct member endpoint_members[] = {
	MEMBER(model_endpoint, LINK_HAS_NEW_NAME, name),
	MEMBER(model_endpoint, LINK_HAS_ADDRESS, mac),
	MEMBER(model_endpoint, LINK_HAS_MTU, mtu),
	MEMBER(model_endpoint, LINK_HAS_TXQLEN, txqlen),
	MEMBER(model_endpoint, LINK_HAS_UP, up),
	MEMBER(model_endpoint, LINK_HAS_ALIAS, alias),
	MEMBER(model_endpoint, LINK_HAS_MODE, mode),
	MEMBER(model_endpoint, LINK_HAS_FLAGS, flags),
	MEMBER(model_endpoint, LINK_HAS_BCQUEUELEN, bcqueuelen),
	MEMBER(model_endpoint, LINK_HAS_VHOST, vhost),
	MEMBER(model_endpoint, LINK_HAS_POLL, poll),
};

static unsigned differences(const void *a, const void *b, const struct member *members, size_t n)
{
	unsigned news = 0;

	for (size_t i = 0; i < n; i++) {
		size_t offset = members[i].offset;

		if (memcmp((const char *)a + offset, (const char *)b + offset, members[i].size) !=
		    0)
			news |= members[i].news;
	}

	return news;
}

static void copy(void *to, const void *from, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t offset = members[i].offset;

		memcpy((char *)to + offset, (const char *)from + offset, members[i].size);
	}
}

unsigned adopt_lower_changes(const struct model_lower *lower, const struct model_lower *next)
{
	return differences(lower, next, lower_members, ARRAY_SIZE(lower_members));
}

unsigned adopt_endpoint_changes(const struct model_endpoint *ep, const struct model_endpoint *next)
{
	unsigned news = differences(ep, next, endpoint_members, ARRAY_SIZE(endpoint_members));

	if (ep->n_sources != next->n_sources ||
	    (ep->n_sources > 0 &&
	     memcmp(ep->sources, next->sources, ep->n_sources * sizeof(*ep->sources)) != 0))
		news |= LINK_HAS_SOURCES;

	return news;
}

/* R1.30, R1.41, R1.20: an endpoint that sits on 'lower' after it has 'changed'. */
static void follow(struct model_endpoint *ep, const struct model_lower *lower, unsigned changed)
{
	if (ep->mtu > lower->mtu) {
		ep->mtu = lower->mtu;
		ep->news |= LINK_HAS_MTU;
	}

	if (fwd_mode_is_alone(ep->mode) && !mac_equal(ep->mac, lower->mac)) {
		ep->mac = lower->mac;
		ep->news |= LINK_HAS_ADDRESS;
	}

	ep->news |= changed & MODEL_NEWS_CARRIER;
}

void adopt_lower(struct model_lower *lower, const struct model_lower *next)
{
	unsigned changed = adopt_lower_changes(lower, next);
	struct model_endpoint *ep;

	copy(lower, next, lower_members, ARRAY_SIZE(lower_members));
	lower->news |= changed;

	list_for_each(ep, &lower->endpoints, sibling)
		follow(ep, lower, changed);
}

void adopt_endpoint(struct model_endpoint *ep, struct model_endpoint *next)
{
	ep->news |= adopt_endpoint_changes(ep, next);
	copy(ep, next, endpoint_members, ARRAY_SIZE(endpoint_members));

	free(ep->sources);
	ep->n_sources = next->n_sources;
	ep->sources = TAKE(next->sources);
	next->n_sources = 0;
}

void adopt_facts(struct model_lower *lower, const struct netdev_facts *facts)
{
	lower->ifindex = facts->ifindex;
	lower->mac = facts->mac;
	lower->mtu = facts->mtu;
	lower->min_mtu = facts->min_mtu;
	lower->max_mtu = facts->max_mtu ? facts->max_mtu : MODEL_MTU_MAX;
	lower->txqlen = facts->txqlen;
	lower->up = facts->up;
	lower->carrier = facts->carrier;
	lower->present = true;
}
