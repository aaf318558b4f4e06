/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/view.h"

#include <stdlib.h>

#include "base/macros.h"

const struct view_constant view_constants[] = {
	{ "numtxqueues", "num_tx_queues", 1 },	    { "numrxqueues", "num_rx_queues", 1 },
	{ "gso_max_size", "gso_max_size", 65536 },  { "gso_max_segs", "gso_max_segs", 65535 },
	{ "tso_max_size", "tso_max_size", 524280 }, { "tso_max_segs", "tso_max_segs", 65535 },
	{ "gro_max_size", "gro_max_size", 65536 },
};
const size_t view_n_constants = ARRAY_SIZE(view_constants);

bool view_is_endpoint(const struct proto_link *link)
{
	switch (link->kind) {
	case LINK_KIND_MACVTAP:
	case LINK_KIND_MACVLAN:
		return true;
	case LINK_KIND_DUMMY:
	case LINK_KIND_NETDEV:
		return false;
	}

	abort(); /* not an enum link_kind */
}

/* The kernel's dummy never says how it is, so ip shows UNKNOWN for one that is
 * up; whoever greps for that finds it here too.
 */
const char *view_operstate(const struct proto_link *link)
{
	if (!link->up)
		return "DOWN";
	if (link->carrier)
		return link->kind == LINK_KIND_DUMMY ? "UNKNOWN" : "UP";
	return view_is_endpoint(link) ? "LOWERLAYERDOWN" : "DOWN";
}

const char *view_qdisc(const struct proto_link *link)
{
	switch (link->kind) {
	case LINK_KIND_MACVTAP:
		return link->up ? "pfifo_fast" : "noop";
	case LINK_KIND_MACVLAN:
	case LINK_KIND_DUMMY:
		return link->up ? "noqueue" : "noop";
	case LINK_KIND_NETDEV:
		return NULL;
	}

	abort(); /* not an enum link_kind */
}

size_t view_flags(const struct proto_link *link, const char *ret_flags[VIEW_FLAGS_MAX])
{
	size_t n = 0;

	if (link->up && !link->carrier)
		ret_flags[n++] = "NO-CARRIER";
	ret_flags[n++] = "BROADCAST";
	ret_flags[n++] = link->kind == LINK_KIND_DUMMY ? "NOARP" : "MULTICAST";
	if (link->up)
		ret_flags[n++] = "UP";
	if (link->up && link->carrier)
		ret_flags[n++] = "LOWER_UP";
	if (view_is_endpoint(link) && !link->lower_up)
		ret_flags[n++] = "M-DOWN";

	assert(n <= VIEW_FLAGS_MAX);
	return n;
}

uint64_t view_counter(const struct proto_traffic *traffic, enum view_counter counter)
{
	switch (counter) {
	case VIEW_BYTES:
		return traffic->bytes;
	case VIEW_PACKETS:
		return traffic->packets;
	case VIEW_ERRORS:
		return traffic->errors;
	case VIEW_DROPPED:
		return traffic->dropped;
	case VIEW_MULTICAST:
		return traffic->multicast;
	case VIEW_ZERO:
		return 0;
	}

	abort(); /* not an enum view_counter */
}
