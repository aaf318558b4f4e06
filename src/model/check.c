/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the spec's section 1
 * ==================================
 *
 * What it is. Each function answers one question about a request, with the
 * errno the kernel's driver gives (R1.x in the comments) and a sentence that
 * names the object, the owner it clashes with, and a way out.
 *
 * Where it sits. add.c and set.c ask; nothing here changes anything.
 *
 * What can go wrong. A rule that is checked at another moment than the kernel's
 * is a difference somebody will trip over: R1.14 above all, where an address is
 * not compared at an add, but when the endpoint goes up or its address changes.
 */
#include "model/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/text.h"

#define ALL_ENDPOINT (CHECK_ADD_ENDPOINT | CHECK_SET_ENDPOINT)
#define ALL_DUMMY    (CHECK_ADD_DUMMY | CHECK_SET_DUMMY)
#define ALL_SET	     (CHECK_SET_ENDPOINT | CHECK_SET_DUMMY)

/* clang-format off */
static const struct {
	enum link_field field;
	const char *name;
	unsigned ops;
} fields[] = {
	{ LINK_HAS_KIND,       "type",       ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_LOWER,      "link",       ALL_ENDPOINT },
	{ LINK_HAS_ADDRESS,    "address",    ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_MTU,        "mtu",        ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_UP,         "up or down", ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_NEW_NAME,   "new name",   ALL_SET },
	{ LINK_HAS_ALIAS,      "alias",      ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_TXQLEN,     "txqueuelen", ALL_ENDPOINT | ALL_DUMMY },
	{ LINK_HAS_MODE,       "mode",       ALL_ENDPOINT },
	{ LINK_HAS_FLAGS,      "flags",      ALL_ENDPOINT },
	{ LINK_HAS_SOURCES,    "macaddr",    ALL_ENDPOINT },
	{ LINK_HAS_BCQUEUELEN, "bcqueuelen", ALL_ENDPOINT },
	{ LINK_HAS_BCLIM,      "bclim",      ALL_ENDPOINT },
	{ LINK_HAS_HAIRPIN,    "hairpin",    ALL_DUMMY },
	{ LINK_HAS_VHOST,      "vhost",      ALL_ENDPOINT },
	{ LINK_HAS_POLL,       "poll",       ALL_ENDPOINT },
};
/* clang-format on */

static const char *op_name(enum check_op op)
{
	switch (op) {
	case CHECK_ADD_ENDPOINT:
		return "adding an endpoint";
	case CHECK_SET_ENDPOINT:
		return "setting an endpoint";
	case CHECK_ADD_DUMMY:
		return "adding a dummy";
	case CHECK_SET_DUMMY:
		return "setting a dummy";
	}

	abort(); /* not an enum check_op */
}

int check_fields(const struct link_change *change, enum check_op op, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if ((change->has & fields[i].field) && !(fields[i].ops & op))
			return err_set(err, EINVAL, "'%s' has no meaning when %s", fields[i].name,
				       op_name(op));
	}

	return 0;
}

#define FOR_LINK_SIZE (sizeof(" for ''") + TEXT_ESCAPED_SIZE(LINK_NAME_SIZE))

/* " for 'm1'", to follow a value that was given for the link 'name', which is
 * unchecked; nothing if it has no name yet.
 */
static const char *for_link(const char *name, char buf[static FOR_LINK_SIZE])
{
	char text[TEXT_ESCAPED_SIZE(LINK_NAME_SIZE)];

	buf[0] = '\0';
	if (name[0])
		(void)snprintf(buf, FOR_LINK_SIZE, " for '%s'",
			       text_escape(text, sizeof(text), name));
	return buf;
}

/* R1.13 */
static int check_address(const struct link_change *change, struct mac mac, const char *what,
			 struct err *err)
{
	char text[MAC_TEXT_SIZE], whom[FOR_LINK_SIZE];

	if (mac_is_valid(mac))
		return 0;

	return err_set(err, EADDRNOTAVAIL, "%s %s%s is %s; an interface needs a unicast address",
		       what, mac_format(mac, text), for_link(change->name, whom),
		       mac_is_zero(mac) ? "zero" : "a group address");
}

/* R1.50, R1.51 but for the mode, which depends on the endpoint */
static int check_sources(const struct link_change *change, struct err *err)
{
	char whom[FOR_LINK_SIZE];
	bool one = false;

	switch (change->source_command) {
	case SOURCE_ADD:
	case SOURCE_DEL:
		one = true;
		break;
	case SOURCE_SET:
		break;
	case SOURCE_FLUSH:
		return 0; /* addresses given with it are not looked at */
	default:
		return err_set(err, EINVAL,
			       "command %u for a source list is none of add, del, flush, set",
			       (unsigned)change->source_command);
	}

	if (one && change->n_sources != 1)
		return err_set(err, EINVAL, "'macaddr %s'%s takes one address, not %zu",
			       source_command_name(change->source_command),
			       for_link(change->name, whom), change->n_sources);

	for (size_t i = 0; i < change->n_sources; i++) {
		int r = check_address(change, change->sources[i], "source address", err);

		if (r < 0)
			return r;
	}

	return 0;
}

/* R1.37 */
static int check_mode(uint32_t mode, struct err *err)
{
	if ((mode & ~(uint32_t)FWD_MODES_ALL) || mode == 0 || (mode & (mode - 1)))
		return err_set(err, EINVAL,
			       "mode %u is none of private, vepa, bridge, passthru, source", mode);

	return 0;
}

/* R1.38 */
static int check_flags(uint32_t flags, struct err *err)
{
	if (flags & ~(uint32_t)(FWD_FLAG_NOPROMISC | FWD_FLAG_NODST))
		return err_set(err, EINVAL, "flags %#x are more than nopromisc and nodst", flags);

	return 0;
}

/* The daemon's working directory is nobody's business. */
static int check_vhost(const char *path, struct err *err)
{
	char escaped[128];

	if (path[0] == '\0' || path[0] == '/')
		return 0;

	return err_set(err, EINVAL,
		       "'%s' is no absolute path, and a front-end's socket is named by one",
		       text_escape(escaped, sizeof(escaped), path));
}

static int check_poll(uint32_t poll, struct err *err)
{
	if (poll <= MODEL_POLL_MAX)
		return 0;

	return err_set(err, EINVAL, "%u microseconds of polling are more than %d, a second", poll,
		       MODEL_POLL_MAX);
}

int check_values(const struct link_change *change, struct err *err)
{
	int r = 0;

	if (change->has & LINK_HAS_ADDRESS)
		r = check_address(change, change->address, "address", err);
	if (r == 0 && (change->has & LINK_HAS_MODE))
		r = check_mode(change->mode, err);
	if (r == 0 && (change->has & LINK_HAS_FLAGS))
		r = check_flags(change->flags, err);
	if (r == 0 && (change->has & LINK_HAS_SOURCES))
		r = check_sources(change, err);
	if (r == 0 && (change->has & LINK_HAS_VHOST))
		r = check_vhost(change->vhost, err);
	if (r == 0 && (change->has & LINK_HAS_POLL))
		r = check_poll(change->poll, err);

	return r;
}

static int check_mtu_least(const char *name, uint32_t mtu, struct err *err)
{
	if (mtu < MODEL_MTU_MIN)
		return err_set(err, EINVAL, "MTU %u for '%s' is below %d, the least there is", mtu,
			       name, MODEL_MTU_MIN);

	return 0;
}

int check_mtu(const struct model_lower *lower, const char *name, uint32_t mtu, struct err *err)
{
	if (mtu > lower->mtu)
		return err_set(
			err, EINVAL,
			"MTU %u for '%s' is above %u, the MTU of lower '%s'; raise that first", mtu,
			name, lower->mtu, lower->name);

	return check_mtu_least(name, mtu, err);
}

int check_dummy_mtu(const char *name, uint32_t mtu, struct err *err)
{
	if (mtu > MODEL_MTU_MAX)
		return err_set(err, EINVAL,
			       "MTU %u for '%s' is above %d, the most a dummy can have", mtu, name,
			       MODEL_MTU_MAX);

	return check_mtu_least(name, mtu, err);
}

int check_address_free(const struct model_lower *lower, const struct model_endpoint *next,
		       struct err *err)
{
	const struct model_endpoint *ep;
	char text[MAC_TEXT_SIZE];

	if (fwd_mode_is_alone(next->mode))
		return 0;

	(void)mac_format(next->mac, text);
	if (mac_equal(lower->mac, next->mac))
		return err_set(err, EADDRINUSE,
			       "address %s is in use by lower '%s' itself; give '%s' another", text,
			       lower->name, next->name);

	list_for_each(ep, &lower->endpoints, sibling) {
		if (ep->up && mac_equal(ep->mac, next->mac))
			return err_set(err, EADDRINUSE,
				       "address %s is in use by endpoint '%s' of lower '%s'; "
				       "give '%s' another, or set '%s' down first",
				       text, ep->name, lower->name, next->name, ep->name);
	}

	return 0;
}

struct model_endpoint *check_lone_endpoint(const struct model_lower *lower)
{
	struct model_endpoint *ep;

	list_for_each(ep, &lower->endpoints, sibling) {
		if (fwd_mode_is_alone(ep->mode))
			return ep;
	}

	return NULL;
}

int check_company(const struct model_lower *lower, enum fwd_mode mode, struct err *err)
{
	const struct model_endpoint *lone = check_lone_endpoint(lower);
	const struct model_endpoint *first;

	if (lone)
		return err_set(
			err, EINVAL,
			"lower '%s' carries the passthru endpoint '%s', which is alone there; "
			"delete it first, or use another lower",
			lower->name, lone->name);

	if (!fwd_mode_is_alone(mode) || list_empty(&lower->endpoints))
		return 0;

	first = list_entry(lower->endpoints.next, struct model_endpoint, sibling);
	return err_set(
		err, EINVAL,
		"a passthru endpoint is alone on its lower, and '%s' has %zu already: '%s'%s",
		lower->name, lower->n_endpoints, first->name,
		lower->n_endpoints > 1 ? " and others" : "");
}
