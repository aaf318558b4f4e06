/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world's members: finding them, putting them in, taking them out, and
 * what a change of a lower does to its endpoints.
 *
 * Invariants. Both lists are in the order of the index, which grows only: a
 * link never takes the index of one that is gone. No two links have one name.
 * Every endpoint's MTU is at most its lower's (R1.30). A passthru endpoint is
 * alone and has its lower's address (R1.40, R1.41).
 */
#include "model/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/adopt.h"
#include "model/check.h"

void world_init(struct world *world)
{
	*world = (struct world){ .next_index = 1 };
	list_init(&world->lowers);
	list_init(&world->endpoints);
}

void world_fini(struct world *world)
{
	struct model_endpoint *ep, *next_ep;
	struct model_lower *lower, *next_lower;

	list_for_each_safe(ep, next_ep, &world->endpoints, item)
		model_endpoint_free(ep);
	list_for_each_safe(lower, next_lower, &world->lowers, item)
		model_lower_free(lower);
	world_init(world);
}

void model_lower_free(struct model_lower *lower)
{
	free(lower);
}

void model_endpoint_free(struct model_endpoint *ep)
{
	if (ep)
		free(ep->sources);
	free(ep);
}

struct model_lower *world_find_lower(const struct world *world, const char *name)
{
	struct model_lower *lower;

	list_for_each(lower, &world->lowers, item) {
		if (strcmp(lower->name, name) == 0)
			return lower;
	}

	return NULL;
}

struct model_endpoint *world_find_endpoint(const struct world *world, const char *name)
{
	struct model_endpoint *ep;

	list_for_each(ep, &world->endpoints, item) {
		if (strcmp(ep->name, name) == 0)
			return ep;
	}

	return NULL;
}

struct model_lower *world_find_netdev(const struct world *world, uint32_t ifindex, const char *name)
{
	struct model_lower *lower, *returned = NULL;

	list_for_each(lower, &world->lowers, item) {
		if (lower->kind != LINK_KIND_NETDEV)
			continue;
		if (lower->present && lower->ifindex == ifindex)
			return lower;
		if (!lower->present && strcmp(lower->name, name) == 0)
			returned = lower;
	}

	return returned;
}

int world_find_link(const struct world *world, const char *name, struct world_link *ret_link,
		    struct err *err)
{
	struct world_link link = { .ep = world_find_endpoint(world, name) };
	char text[TEXT_ESCAPED_SIZE(LINK_NAME_SIZE)];

	if (!link.ep)
		link.lower = world_find_lower(world, name);
	if (!link.ep && !link.lower)
		return err_set(err, ENODEV, "there is no link '%s'; 'limpet link show' lists them",
			       text_escape(text, sizeof(text), name));

	*ret_link = link;
	return 0;
}

struct world_cursor world_cursor_after(const struct world *world, uint32_t index)
{
	struct world_cursor cursor = { world, world->lowers.next, world->endpoints.next };

	while (cursor.lower != &world->lowers &&
	       list_entry(cursor.lower, struct model_lower, item)->index <= index)
		cursor.lower = cursor.lower->next;
	while (cursor.ep != &world->endpoints &&
	       list_entry(cursor.ep, struct model_endpoint, item)->index <= index)
		cursor.ep = cursor.ep->next;

	return cursor;
}

bool world_cursor_next(struct world_cursor *cursor, struct world_link *ret_link)
{
	const struct world *world = cursor->world;
	struct world_link link = { 0 };

	if (cursor->lower != &world->lowers)
		link.lower = list_entry(cursor->lower, struct model_lower, item);
	if (cursor->ep != &world->endpoints)
		link.ep = list_entry(cursor->ep, struct model_endpoint, item);
	if (!link.lower && !link.ep)
		return false;

	if (!link.ep || (link.lower && link.lower->index < link.ep->index)) {
		link.ep = NULL;
		cursor->lower = cursor->lower->next;
	} else {
		link.lower = NULL;
		cursor->ep = cursor->ep->next;
	}

	*ret_link = link;
	return true;
}

void world_commit_lower(struct world *world, struct model_lower *lower)
{
	lower->index = world->next_index++;
	list_append(&world->lowers, &lower->item);
	world->n_lowers++;
}

void world_commit_endpoint(struct world *world, struct model_endpoint *ep)
{
	struct model_lower *lower = ep->lower;

	ep->index = world->next_index++;
	list_append(&world->endpoints, &ep->item);
	list_append(&lower->endpoints, &ep->sibling);
	world->n_endpoints++;
	world->n_sources += ep->n_sources;
	lower->n_endpoints++;

	if (lower->bclim != ep->bclim_then) {
		lower->bclim = ep->bclim_then;
		lower->news |= LINK_HAS_BCLIM;
	}
}

int world_check_delete(const struct world *world, const char *name, struct world_link *ret_link,
		       struct err *err)
{
	struct world_link link;
	int r;

	r = world_find_link(world, name, &link, err);
	if (r < 0)
		return r;

	if (link.lower && link.lower->kind == LINK_KIND_NETDEV)
		return err_set(err, EOPNOTSUPP, "'%s' is a device of the host; use 'ip link'",
			       link.lower->name);

	*ret_link = link;
	return 0;
}

bool model_endpoint_borrows_mac(const struct model_endpoint *ep)
{
	return fwd_mode_is_alone(ep->mode) && !mac_equal(ep->lower->mac, ep->lower->own_mac);
}

void world_remove_endpoint(struct world *world, struct model_endpoint *ep)
{
	struct model_lower *lower = ep->lower;

	if (lower->kind == LINK_KIND_DUMMY && model_endpoint_borrows_mac(ep)) {
		lower->mac = lower->own_mac;
		lower->news |= LINK_HAS_ADDRESS;
	}

	list_remove(&ep->item);
	list_remove(&ep->sibling);
	assert(lower->n_endpoints > 0);
	lower->n_endpoints--;
	world->n_endpoints--;
	world->n_sources -= ep->n_sources;

	/* The hub is gone with its last endpoint (R1.1), and what was set on it. */
	if (list_empty(&lower->endpoints))
		lower->bclim = MODEL_BCLIM;
}

void world_remove_lower(struct world *world, struct model_lower *lower)
{
	assert(list_empty(&lower->endpoints));

	list_remove(&lower->item);
	world->n_lowers--;
}

bool model_lower_is_idle(const struct model_lower *lower)
{
	return lower->kind == LINK_KIND_NETDEV && list_empty(&lower->endpoints);
}

bool model_lower_carrier(const struct model_lower *lower)
{
	return lower->present && lower->up && lower->carrier;
}

uint32_t model_lower_bcqueuelen(const struct model_lower *lower)
{
	const struct model_endpoint *ep;
	uint32_t len = 0;

	list_for_each(ep, &lower->endpoints, sibling)
		len = MAX(len, ep->bcqueuelen);

	return len;
}
