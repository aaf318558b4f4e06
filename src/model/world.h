/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wanted world as a value: lowers, the endpoints that cling to them, and
 * every rule about what may be added, changed and deleted.
 *
 * Everything happens in two steps. The first checks a request against the
 * world and builds what it asks for beside it; it can fail, and has then
 * changed nothing. The second, the commit, cannot fail. Between the two the
 * caller acquires what the change needs (sockets, the kernel's consent), and
 * just throws the first step's result away if it does not get it.
 *
 *	add	world_check_add, [world_new_netdev], world_new_endpoint or
 *		world_new_dummy; then world_commit_lower, world_commit_endpoint
 *	set	world_prepare_set; then world_commit_set
 *	delete	world_check_delete; then world_remove_endpoint, world_remove_lower
 *	news	world_update_lower: facts, nothing to refuse
 *
 * Nobody else changes a member, but for 'runtime', which is the caller's, and
 * 'news', which the caller sets to 0 once it has acted on it.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "fwd/mode.h"
#include "model/change.h"
#include "wire/mac.h"

/* The kernel knows none of these limits; a daemon that carries others' traffic
 * on a bounded budget needs them.
 */
#define WORLD_LOWERS_MAX    1024
#define WORLD_ENDPOINTS_MAX 4096
#define WORLD_SOURCES_MAX   (64 * WORLD_ENDPOINTS_MAX) /* all source lists together */

#define MODEL_MTU_MIN	 68 /* R1.8 */
#define MODEL_MTU_MAX	 65535
#define MODEL_TXQLEN	 500  /* R1.8 */
#define MODEL_BCQUEUELEN 1000 /* R1.8 */
#define MODEL_BCLIM	 1    /* R1.8 */
#define MODEL_POLL	 50   /* microseconds: two wake-ups of a sleeping core */
#define MODEL_POLL_MAX	 1000000

/* Bits of 'news' beside those of enum link_field. */
enum model_news {
	MODEL_NEWS_CARRIER = 1 << 16, /* model_lower_carrier() is not what it was */
};

/* The device endpoints cling to, and the hub it is (R1.1). */
struct model_lower {
	uint32_t index; /* the world's own numbering, from 1 */
	char name[LINK_NAME_SIZE];
	enum link_kind kind; /* LINK_KIND_DUMMY or LINK_KIND_NETDEV */
	struct mac mac;
	struct mac own_mac; /* what it has again after a passthru endpoint: R1.42 */
	uint32_t mtu, min_mtu, max_mtu;
	uint32_t txqlen;
	bool up; /* administratively */
	bool carrier;
	bool present;	  /* false: the netdev vanished, its endpoints wait */
	uint32_t ifindex; /* of a present netdev; else 0 */
	bool hairpin;	  /* dummy: its far end is a reflective relay */
	char alias[LINK_ALIAS_SIZE];
	int32_t bclim; /* of the hub: R1.56 */

	struct list endpoints; /* struct model_endpoint 'sibling', by index */
	size_t n_endpoints;

	unsigned news; /* what changed: enum link_field | enum model_news */
	void *runtime;
	struct list item; /* in world.lowers */
};

/* One virtual Ethernet interface. */
struct model_endpoint {
	uint32_t index;
	char name[LINK_NAME_SIZE];
	enum link_kind kind; /* LINK_KIND_MACVTAP */
	struct model_lower *lower;
	struct mac mac;
	uint32_t mtu; /* MODEL_MTU_MIN .. the lower's */
	uint32_t txqlen;
	bool up;
	char alias[LINK_ALIAS_SIZE];
	enum fwd_mode mode;
	unsigned flags;	     /* enum fwd_flag */
	struct mac *sources; /* owned; sorted, none twice; NULL if there are none */
	size_t n_sources;
	uint32_t bcqueuelen;	    /* as requested: R1.55 */
	char vhost[LINK_PATH_SIZE]; /* a listening front-end to connect to; empty: listen */
	uint32_t poll;		    /* microseconds before its worker sleeps */
	int32_t bclim_then;	    /* of a new one: what its commit makes of the hub's bclim */

	unsigned news; /* what changed: enum link_field | enum model_news */
	void *runtime;
	struct list sibling; /* in lower->endpoints */
	struct list item;    /* in world.endpoints */
};

struct world {
	struct list lowers;    /* struct model_lower 'item', by index */
	struct list endpoints; /* struct model_endpoint 'item', by index */
	size_t n_lowers, n_endpoints, n_sources;
	uint32_t next_index;
};

/* A link: a lower or an endpoint. Exactly one of the two is not NULL. */
struct world_link {
	struct model_lower *lower;
	struct model_endpoint *ep;
};

/* What the kernel says about one of its devices that can be a lower (R1.4: the
 * caller has had that judged).
 */
struct netdev_facts {
	uint32_t ifindex;
	char name[LINK_NAME_SIZE];
	struct mac mac;
	uint32_t mtu;
	uint32_t min_mtu, max_mtu; /* 0: the kernel names no limit */
	uint32_t txqlen;
	bool up;
	bool carrier;
};

void world_init(struct world *world);

/* Frees every link; what their 'runtime' points to is the caller's business. */
void world_fini(struct world *world);

/* NULL if there is none of that name. */
struct model_lower *world_find_lower(const struct world *world, const char *name);
struct model_endpoint *world_find_endpoint(const struct world *world, const char *name);

/* The lower that news about a netdev are for: the present one with this
 * 'ifindex', or one of this 'name' whose device had vanished. NULL if none.
 */
struct model_lower *world_find_netdev(const struct world *world, uint32_t ifindex,
				      const char *name);

/* Finds the link 'name'. -ENODEV if there is none. */
int world_find_link(const struct world *world, const char *name, struct world_link *ret_link,
		    struct err *err);

/* All links in the order of their index, from the first above 'index'. The
 * cursor is good until the world changes; to go on later, begin a new one
 * after the last index seen.
 */
struct world_cursor {
	const struct world *world;
	const struct list *lower, *ep;
};
struct world_cursor world_cursor_after(const struct world *world, uint32_t index);

/* False at the end. */
bool world_cursor_next(struct world_cursor *cursor, struct world_link *ret_link);

/* Checks all of an add that can be said before its lower is known in person,
 * and finds the lower (naming an endpoint means its lower: R1.5). 'ret_lower'
 * becomes NULL for a dummy, and if the world does not know the lower: it may be
 * a device of the host, see world_new_netdev().
 */
int world_check_add(const struct world *world, const struct link_change *change,
		    struct model_lower **ret_lower, struct err *err);

/* A lower for the device of the host that 'facts' describe, not yet in the
 * world.
 */
int world_new_netdev(const struct world *world, const struct netdev_facts *facts,
		     struct model_lower **ret_lower, struct err *err);

/* The dummy that 'change', which world_check_add() accepted, asks for; not yet
 * in the world. 'random' is its address if none was given.
 */
int world_new_dummy(const struct world *world, const struct link_change *change, struct mac random,
		    struct model_lower **ret_lower, struct err *err);

/* The endpoint on 'lower' that 'change', which world_check_add() accepted, asks
 * for; not yet in the world. 'lower' may itself be waiting for its commit.
 * 'random' is its address if none was given.
 */
int world_new_endpoint(const struct world *world, struct model_lower *lower,
		       const struct link_change *change, struct mac random,
		       struct model_endpoint **ret_ep, struct err *err);

/* Puts the new link into the world, which owns it from now on, and numbers it.
 * Nothing else may have been committed since it was made, except its lower.
 */
void world_commit_lower(struct world *world, struct model_lower *lower);
void world_commit_endpoint(struct world *world, struct model_endpoint *ep);

/* A set that passed every check. 'next_ep' and 'next_lower' are what the links
 * will be like after the commit; their list members mean nothing.
 */
struct world_set {
	struct model_endpoint *ep;     /* what is set; NULL if 'lower' is */
	struct model_lower *lower;     /* what is set, or the lower of 'ep' */
	struct model_endpoint next_ep; /* if 'ep' */
	struct model_lower next_lower;
	unsigned ep_changes;	/* enum link_field: what the commit will change */
	unsigned lower_changes; /* also by an endpoint: bclim; its address if passthru */
};

/* Checks the set that 'change' asks of the link 'change->name'; all of it
 * passes, or nothing (unlike R1.39). If the address of a netdev lower is among
 * 'lower_changes' (R1.41), the caller has to set it in the kernel before the
 * commit.
 */
int world_prepare_set(const struct world *world, const struct link_change *change,
		      struct world_set *ret_set, struct err *err);

/* Frees what a set owns; for one that is not committed. Takes a zeroed one. */
void world_set_fini(struct world_set *set);

/* Makes the world as 'set' says, and finishes 'set'. 'news' of the endpoint, of
 * the lower and of its endpoints say what changed.
 */
void world_commit_set(struct world *world, struct world_set *set);

/* Finds the link to delete. -ENODEV if there is none, -EOPNOTSUPP for a device
 * of the host.
 */
int world_check_delete(const struct world *world, const char *name, struct world_link *ret_link,
		       struct err *err);

/* Must the lower get 'lower->own_mac' back when 'ep' goes (R1.42)? For a netdev
 * the caller then has to set it in the kernel; a dummy is seen to here.
 */
bool model_endpoint_borrows_mac(const struct model_endpoint *ep);

/* Takes the endpoint out of the world; it is the caller's again, to free. */
void world_remove_endpoint(struct world *world, struct model_endpoint *ep);

/* Takes a lower that has no endpoints out of the world; it is the caller's. */
void world_remove_lower(struct world *world, struct model_lower *lower);

/* A netdev lower is in the world only for its endpoints (R1.1): is it time to
 * remove this one?
 */
bool model_lower_is_idle(const struct model_lower *lower);

/* What the kernel now says about the netdev of 'lower'; 'facts' NULL: it
 * vanished, or came back as something that cannot be a lower. 'facts' must
 * be the present state, not one that a change of ours has overtaken: an address
 * that differs from the one here was set on the lower itself (R1.42). 'news' of
 * the lower and of its endpoints say what changed (R1.20, R1.30, R1.41).
 */
void world_update_lower(struct world *world, struct model_lower *lower,
			const struct netdev_facts *facts);

/* Do endpoints on the lower have a carrier (R1.20)? */
bool model_lower_carrier(const struct model_lower *lower);

/* The broadcast queue length the hub uses (R1.55). */
uint32_t model_lower_bcqueuelen(const struct model_lower *lower);

/* For links that are not in the world. Take NULL. */
void model_lower_free(struct model_lower *lower);
void model_endpoint_free(struct model_endpoint *ep);

static inline void scoped_model_lower(struct model_lower **lower)
{
	model_lower_free(*lower);
}

static inline void scoped_model_endpoint(struct model_endpoint **ep)
{
	model_endpoint_free(*ep);
}

#endif
