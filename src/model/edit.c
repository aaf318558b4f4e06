/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of a change, one function each
 * =========================================
 *
 * What it is. A table says which function puts which field into the copy of a
 * link that an add or a set is working on. They run in the order of the table,
 * and see what those before them have done: the mode comes before the source
 * list, which it permits, and everything before "up", which is when an address
 * has to be free (R1.14).
 *
 * Where it sits. add.c and set.c make the copies; commit makes them real. As
 * only copies change, a change that fails half way has changed nothing (the
 * kernel's keeps the first half: R1.39).
 */
#include "model/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/adopt.h"
#include "model/check.h"
#include "model/name.h"
#include "model/sources.h"

struct field_edit {
	enum link_field field;
	int (*put)(struct edit *edit, struct err *err);
};

static int put_lower(struct edit *edit, struct err *err)
{
	const char *lower = edit->change->lower;

	/* At an add the lower was found by it, maybe through a sibling (R1.5). */
	if (!edit->ep || strcmp(lower, edit->lower->name) == 0)
		return 0;

	return err_set(err, EOPNOTSUPP,
		       "endpoint '%s' stays on its lower '%s'; to move it, delete and add it",
		       edit->ep->name, edit->lower->name);
}

static int put_new_name(struct edit *edit, struct err *err)
{
	struct world_link self = { .ep = (struct model_endpoint *)edit->ep };
	char name[LINK_NAME_SIZE];
	int r;

	if (!self.ep)
		self.lower = (struct model_lower *)edit->lower;

	r = name_choose(edit->world, NULL, &self, edit->change->new_name, name, err);
	if (r < 0)
		return r;

	if (edit->next_ep)
		adopt_text(edit->next_ep->name, LINK_NAME_SIZE, name);
	else
		adopt_text(edit->next_lower->name, LINK_NAME_SIZE, name);
	return 0;
}

static int put_mode(struct edit *edit, struct err *err)
{
	enum fwd_mode mode = (enum fwd_mode)edit->change->mode;
	struct model_endpoint *next = edit->next_ep;

	/* R1.35 */
	if (edit->ep && fwd_mode_is_alone(mode) != fwd_mode_is_alone(next->mode))
		return err_set(
			err, EINVAL,
			"the mode of '%s' cannot change from %s to %s: an endpoint is passthru "
			"from add to delete, or never",
			next->name, fwd_mode_name(next->mode), fwd_mode_name(mode));

	next->mode = mode;
	if (!fwd_mode_has_sources(mode)) { /* R1.36 */
		free(next->sources);
		next->sources = NULL;
		next->n_sources = 0;
	}

	return 0;
}

/* R1.41: the address of a passthru endpoint is its lower's. Given at an add it
 * is ignored, given later it is set on the lower.
 */
static int put_lone_address(struct edit *edit, struct err *err)
{
	if (!edit->ep)
		return 0;

	if (!edit->lower->present && !mac_equal(edit->change->address, edit->lower->mac))
		return err_set(err, ENODEV,
			       "the address of '%s' is that of its lower '%s', which has vanished",
			       edit->ep->name, edit->lower->name);

	edit->next_lower->mac = edit->change->address;
	edit->next_ep->mac = edit->change->address;
	return 0;
}

static int put_address(struct edit *edit, struct err *err)
{
	struct model_endpoint *next = edit->next_ep;

	if (fwd_mode_is_alone(next->mode))
		return put_lone_address(edit, err);

	next->mac = edit->change->address;

	/* R1.14: compared at a change, not at an add; the present one is fine. */
	if (!edit->ep || mac_equal(edit->ep->mac, next->mac))
		return 0;

	return check_address_free(edit->lower, next, err);
}

static int put_mtu(struct edit *edit, struct err *err)
{
	int r = check_mtu(edit->lower, edit->next_ep->name, edit->change->mtu, err);

	if (r == 0)
		edit->next_ep->mtu = edit->change->mtu;
	return r;
}

static int put_alias(struct edit *edit, struct err *err)
{
	(void)err;
	if (edit->next_ep)
		adopt_text(edit->next_ep->alias, LINK_ALIAS_SIZE, edit->change->alias);
	else
		adopt_text(edit->next_lower->alias, LINK_ALIAS_SIZE, edit->change->alias);
	return 0;
}

static int put_txqlen(struct edit *edit, struct err *err)
{
	(void)err;
	if (edit->next_ep)
		edit->next_ep->txqlen = edit->change->txqlen;
	else
		edit->next_lower->txqlen = edit->change->txqlen;
	return 0;
}

static int put_flags(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_ep->flags = edit->change->flags;
	return 0;
}

static int put_bcqueuelen(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_ep->bcqueuelen = edit->change->bcqueuelen;
	return 0;
}

static int put_vhost(struct edit *edit, struct err *err)
{
	(void)err;
	adopt_text(edit->next_ep->vhost, LINK_PATH_SIZE, edit->change->vhost);
	return 0;
}

static int put_poll(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_ep->poll = edit->change->poll;
	return 0;
}

/* R1.56: the last value set through any endpoint is the hub's. */
static int put_bclim(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_lower->bclim = edit->change->bclim;
	return 0;
}

static int put_sources(struct edit *edit, struct err *err)
{
	struct model_endpoint *next = edit->next_ep;
	size_t others = edit->world->n_sources - (edit->ep ? edit->ep->n_sources : 0);
	int r;

	if (!fwd_mode_has_sources(next->mode)) /* R1.51 */
		return err_set(err, EINVAL,
			       "endpoint '%s' is in mode %s; only mode source has a "
			       "list of source addresses",
			       next->name, fwd_mode_name(next->mode));

	r = sources_apply(&next->sources, &next->n_sources, edit->change, err);
	if (r < 0)
		return r;

	if (others + next->n_sources > WORLD_SOURCES_MAX)
		return err_set(
			err, ENOSPC,
			"the source lists of all endpoints hold %zu addresses, and %d are the "
			"most they may; shorten one first",
			others, WORLD_SOURCES_MAX);

	return 0;
}

static int put_up(struct edit *edit, struct err *err)
{
	bool was_up = edit->ep && edit->ep->up;

	edit->next_ep->up = edit->change->up;
	if (!edit->change->up || was_up)
		return 0;

	return check_address_free(edit->lower, edit->next_ep, err); /* R1.14 */
}

static int put_dummy_address(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_lower->mac = edit->change->address; /* R1.14: not compared */
	edit->next_lower->own_mac = edit->change->address;
	return 0;
}

static int put_dummy_mtu(struct edit *edit, struct err *err)
{
	int r = check_dummy_mtu(edit->next_lower->name, edit->change->mtu, err);

	if (r == 0)
		edit->next_lower->mtu = edit->change->mtu;
	return r;
}

static int put_dummy_up(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_lower->up = edit->change->up;
	return 0;
}

static int put_hairpin(struct edit *edit, struct err *err)
{
	(void)err;
	edit->next_lower->hairpin = edit->change->hairpin;
	return 0;
}

static int edit_fields(struct edit *edit, const struct field_edit *fields, size_t n,
		       struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = 0;

		if (edit->change->has & fields[i].field)
			r = fields[i].put(edit, err);
		if (r < 0)
			return r;
	}

	return 0;
}

int edit_endpoint(struct edit *edit, struct err *err)
{
	/* clang-format off */
	static const struct field_edit fields[] = {
		{ LINK_HAS_LOWER,      put_lower },
		{ LINK_HAS_NEW_NAME,   put_new_name },
		{ LINK_HAS_MODE,       put_mode },
		{ LINK_HAS_ADDRESS,    put_address },
		{ LINK_HAS_MTU,        put_mtu },
		{ LINK_HAS_ALIAS,      put_alias },
		{ LINK_HAS_TXQLEN,     put_txqlen },
		{ LINK_HAS_FLAGS,      put_flags },
		{ LINK_HAS_BCQUEUELEN, put_bcqueuelen },
		{ LINK_HAS_BCLIM,      put_bclim },
		{ LINK_HAS_SOURCES,    put_sources },
		{ LINK_HAS_VHOST,      put_vhost },
		{ LINK_HAS_POLL,       put_poll },
		{ LINK_HAS_UP,         put_up },
	};
	/* clang-format on */

	return edit_fields(edit, fields, ARRAY_SIZE(fields), err);
}

int edit_dummy(struct edit *edit, struct err *err)
{
	/* clang-format off */
	static const struct field_edit fields[] = {
		{ LINK_HAS_NEW_NAME, put_new_name },
		{ LINK_HAS_ADDRESS,  put_dummy_address },
		{ LINK_HAS_MTU,      put_dummy_mtu },
		{ LINK_HAS_ALIAS,    put_alias },
		{ LINK_HAS_TXQLEN,   put_txqlen },
		{ LINK_HAS_UP,       put_dummy_up },
		{ LINK_HAS_HAIRPIN,  put_hairpin },
	};
	/* clang-format on */

	return edit_fields(edit, fields, ARRAY_SIZE(fields), err);
}
