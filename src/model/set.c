/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of links that are there: by request, and by news from the kernel. */
#include "model/world.h"

#include <errno.h>
#include <stdlib.h>

#include "model/adopt.h"
#include "model/check.h"
#include "model/edit.h"
#include "model/sources.h"

/* A copy of 'ep' with a source list of its own. */
static int copy_endpoint(const struct model_endpoint *ep, struct model_endpoint *ret_copy,
			 struct err *err)
{
	struct mac *sources;
	int r;

	r = sources_copy(ep->sources, ep->n_sources, &sources, err);
	if (r < 0)
		return r;

	*ret_copy = *ep;
	ret_copy->sources = sources;
	return 0;
}

static int check_target(const struct world_link *link, const struct link_change *change,
			struct err *err)
{
	enum link_kind kind = link->ep ? link->ep->kind : link->lower->kind;
	const char *name = link->ep ? link->ep->name : link->lower->name;
	int r;

	if (kind == LINK_KIND_NETDEV)
		return err_set(err, EOPNOTSUPP, "'%s' is a device of the host; use 'ip link'",
			       name);

	/* R1.37. Before the fields, which mean something for the type asked of. */
	if ((change->has & LINK_HAS_KIND) && change->kind != kind)
		return err_set(err, EOPNOTSUPP, "'%s' is of type %s, not %s; a link keeps its type",
			       name, link_kind_name(kind), link_kind_name(change->kind));

	r = check_fields(change, link->ep ? CHECK_SET_ENDPOINT : CHECK_SET_DUMMY, err);
	return r < 0 ? r : check_values(change, err);
}

int world_prepare_set(const struct world *world, const struct link_change *change,
		      struct world_set *ret_set, struct err *err)
{
	SCOPED(world_set_fini) struct world_set set = { 0 };
	struct edit edit = { .world = world, .change = change };
	struct world_link link;
	int r;

	r = world_find_link(world, change->name, &link, err);
	if (r == 0)
		r = check_target(&link, change, err);
	if (r < 0)
		return r;

	set.ep = link.ep;
	set.lower = link.ep ? link.ep->lower : link.lower;
	set.next_lower = *set.lower;
	edit.lower = set.lower;
	edit.next_lower = &set.next_lower;

	if (set.ep) {
		r = copy_endpoint(set.ep, &set.next_ep, err);
		if (r < 0)
			return r;
		edit.ep = set.ep;
		edit.next_ep = &set.next_ep;
	}

	r = set.ep ? edit_endpoint(&edit, err) : edit_dummy(&edit, err);
	if (r < 0)
		return r;

	set.lower_changes = adopt_lower_changes(set.lower, &set.next_lower);
	if (set.ep)
		set.ep_changes = adopt_endpoint_changes(set.ep, &set.next_ep);

	*ret_set = set;
	set.next_ep.sources = NULL;
	return 0;
}

void world_set_fini(struct world_set *set)
{
	free(set->next_ep.sources);
	*set = (struct world_set){ 0 };
}

void world_commit_set(struct world *world, struct world_set *set)
{
	if (set->ep) {
		world->n_sources -= set->ep->n_sources;
		adopt_endpoint(set->ep, &set->next_ep);
		world->n_sources += set->ep->n_sources;
	}

	adopt_lower(set->lower, &set->next_lower);
	world_set_fini(set);
}

/* The host renamed the device; follow, unless one of our own has that name: then
 * it keeps the name under which people here know it.
 */
static void follow_name(const struct world *world, struct model_lower *next,
			const struct netdev_facts *facts)
{
	struct world_link other;

	if (world_find_link(world, facts->name, &other, NULL) < 0)
		adopt_text(next->name, sizeof(next->name), facts->name);
}

void world_update_lower(struct world *world, struct model_lower *lower,
			const struct netdev_facts *facts)
{
	struct model_lower next = *lower;

	assert(lower->kind == LINK_KIND_NETDEV);

	if (facts) {
		follow_name(world, &next, facts);
		if (!mac_equal(lower->mac, facts->mac)) /* R1.42: set on the lower itself */
			next.own_mac = facts->mac;
		adopt_facts(&next, facts);
	} else {
		next.present = false;
		next.carrier = false;
		next.ifindex = 0;
	}

	adopt_lower(lower, &next);
}
