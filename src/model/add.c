/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New links: what an add asks for, built beside the world with the defaults of
 * R1.8, to be committed or thrown away.
 */
#include "model/world.h"

#include <errno.h>
#include <stdlib.h>

#include "model/adopt.h"
#include "model/check.h"
#include "model/edit.h"
#include "model/name.h"

/* The kernel's defaults of an Ethernet device. */
#define DUMMY_MTU    1500
#define DUMMY_TXQLEN 1000

/* Which is the lower of an endpoint to add? R1.4, R1.5 */
static int find_lower(const struct world *world, const struct link_change *change,
		      struct model_lower **ret_lower, struct err *err)
{
	const struct model_endpoint *sibling;

	if (!(change->has & LINK_HAS_LOWER) || change->lower[0] == '\0')
		return err_set(err, EINVAL, "an endpoint needs a lower to cling to: 'link NAME'");

	sibling = world_find_endpoint(world, change->lower);
	*ret_lower = sibling ? sibling->lower : world_find_lower(world, change->lower);
	return 0;
}

int world_check_add(const struct world *world, const struct link_change *change,
		    struct model_lower **ret_lower, struct err *err)
{
	struct model_lower *lower = NULL;
	int r;

	if (!(change->has & LINK_HAS_KIND))
		return err_set(err, EINVAL, "what is to be added: 'type macvtap' or 'type dummy'?");

	switch (change->kind) {
	case LINK_KIND_MACVTAP:
		r = check_fields(change, CHECK_ADD_ENDPOINT, err);
		break;
	case LINK_KIND_DUMMY:
		r = check_fields(change, CHECK_ADD_DUMMY, err);
		break;
	case LINK_KIND_MACVLAN:
		return err_set(err, EOPNOTSUPP,
			       "type macvlan is not there yet; 'type macvtap' is, for programs and "
			       "virtual machines");
	case LINK_KIND_NETDEV:
	default:
		return err_set(
			err, EOPNOTSUPP,
			"a device of the host is not added; name it as 'link' of an endpoint");
	}
	if (r < 0)
		return r;

	r = check_values(change, err);
	if (r == 0 && change->kind == LINK_KIND_MACVTAP)
		r = find_lower(world, change, &lower, err);
	if (r < 0)
		return r;

	*ret_lower = lower;
	return 0;
}

static int new_lower(const struct world *world, struct model_lower **ret_lower, struct err *err)
{
	struct model_lower *lower;

	if (world->n_lowers >= WORLD_LOWERS_MAX)
		return err_set(err, ENOSPC,
			       "there are %d lowers, the most there may be; delete one",
			       WORLD_LOWERS_MAX);

	lower = calloc(1, sizeof(*lower));
	if (!lower)
		return err_set(err, ENOMEM, "out of memory");

	list_init(&lower->endpoints);
	list_init(&lower->item);
	lower->bclim = MODEL_BCLIM;
	lower->min_mtu = MODEL_MTU_MIN;
	lower->max_mtu = MODEL_MTU_MAX;
	lower->present = true;
	*ret_lower = lower;
	return 0;
}

int world_new_netdev(const struct world *world, const struct netdev_facts *facts,
		     struct model_lower **ret_lower, struct err *err)
{
	SCOPED(scoped_model_lower) struct model_lower *lower = NULL;
	struct world_link other;
	int r;

	r = new_lower(world, &lower, err);
	if (r < 0)
		return r;

	if (world_find_link(world, facts->name, &other, NULL) == 0)
		return err_set(err, EEXIST, "name '%s' is taken by a link of Limpet's own",
			       facts->name);

	lower->kind = LINK_KIND_NETDEV;
	adopt_text(lower->name, sizeof(lower->name), facts->name);
	lower->own_mac = facts->mac;
	adopt_facts(lower, facts);
	*ret_lower = TAKE(lower);
	return 0;
}

int world_new_dummy(const struct world *world, const struct link_change *change, struct mac random,
		    struct model_lower **ret_lower, struct err *err)
{
	SCOPED(scoped_model_lower) struct model_lower *lower = NULL;
	struct edit edit = { .world = world, .change = change };
	char name[LINK_NAME_SIZE];
	int r;

	r = name_choose(world, NULL, NULL, change->name[0] ? change->name : "dummy%d", name, err);
	if (r < 0)
		return r;

	r = new_lower(world, &lower, err);
	if (r < 0)
		return r;

	adopt_text(lower->name, sizeof(lower->name), name);
	lower->kind = LINK_KIND_DUMMY;
	lower->mac = lower->own_mac = random;
	lower->mtu = DUMMY_MTU;
	lower->txqlen = DUMMY_TXQLEN;
	lower->carrier = true;
	lower->up = true; /* unlike the kernel's: a lower that is down serves nobody */

	edit.next_lower = lower;
	r = edit_dummy(&edit, err);
	if (r < 0)
		return r;

	*ret_lower = TAKE(lower);
	return 0;
}

/* An endpoint with all the defaults: R1.8. */
static struct model_endpoint *new_endpoint(struct model_lower *lower, const char *name)
{
	struct model_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return NULL;

	list_init(&ep->item);
	list_init(&ep->sibling);
	adopt_text(ep->name, sizeof(ep->name), name);
	ep->kind = LINK_KIND_MACVTAP;
	ep->lower = lower;
	ep->mtu = lower->mtu;
	ep->txqlen = MODEL_TXQLEN;
	ep->mode = FWD_MODE_VEPA;
	ep->bcqueuelen = MODEL_BCQUEUELEN;
	ep->poll = MODEL_POLL;
	return ep;
}

/* Is there room for one more endpoint, here and on this lower? */
static int check_room(const struct world *world, const struct model_lower *lower, struct err *err)
{
	if (world->n_endpoints >= WORLD_ENDPOINTS_MAX)
		return err_set(err, ENOSPC,
			       "there are %d endpoints, the most there may be; delete one first",
			       WORLD_ENDPOINTS_MAX);

	if (!lower->present)
		return err_set(
			err, ENODEV,
			"lower '%s' has vanished; its endpoints wait for it, new ones cannot",
			lower->name);

	return 0;
}

int world_new_endpoint(const struct world *world, struct model_lower *lower,
		       const struct link_change *change, struct mac random,
		       struct model_endpoint **ret_ep, struct err *err)
{
	SCOPED(scoped_model_endpoint) struct model_endpoint *ep = NULL;
	struct model_lower next_lower = *lower;
	struct edit edit = { world, change, lower, NULL, &next_lower, NULL };
	char name[LINK_NAME_SIZE];
	int r;

	r = check_room(world, lower, err);
	if (r == 0)
		r = name_choose(world, lower, NULL, change->name[0] ? change->name : "macvtap%d",
				name, err);
	if (r < 0)
		return r;

	ep = new_endpoint(lower, name);
	if (!ep)
		return err_set(err, ENOMEM, "out of memory");

	ep->mac = random;
	edit.next_ep = ep;
	r = edit_endpoint(&edit, err);
	if (r == 0)
		r = check_company(lower, ep->mode, err);
	if (r < 0)
		return r;

	if (fwd_mode_is_alone(ep->mode)) /* R1.41 */
		ep->mac = lower->mac;
	ep->bclim_then = next_lower.bclim;
	*ret_ep = TAKE(ep);
	return 0;
}
