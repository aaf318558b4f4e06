/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices of the host: what they are, and whether one can be a lower.
 *
 * Queries are a question to the kernel and its answer, each on a socket of its
 * own: for the control thread, which may block that long.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/mac.h"

struct nlmsghdr;

/* The longest name, NUL included: the kernel's IFNAMSIZ. */
#define HOST_NAME_SIZE 16

/* The longest kind ("openvswitch", "macvtap", ...), NUL included. */
#define HOST_KIND_SIZE 64

struct host_link {
	int index;
	char name[HOST_NAME_SIZE];
	char kind[HOST_KIND_SIZE]; /* "" if it has none, as a plain NIC */
	uint16_t arp_type;	   /* ARPHRD_... */
	struct mac mac;		   /* zero if its addresses are not 6 bytes */
	uint32_t mtu;
	uint32_t min_mtu, max_mtu; /* 0: no limit */
	bool up;		   /* administratively */
	bool carrier;
	bool loopback;
	uint8_t operstate; /* IF_OPER_..., R1.20 */
	int link;	   /* index of the device it sits on; 0: none here */

	/* The device it belongs to, if any, and what that is. */
	int master;
	char master_kind[HOST_KIND_SIZE]; /* "bridge", "bond", "vrf", ...; may be "" */

	/* Filled in by host_link_by_name() alone; empty otherwise. */
	char master_name[HOST_NAME_SIZE];
	char ipvlan[HOST_NAME_SIZE]; /* an ipvlan device that sits on this one */
};

/* Can frames be moved over it at this moment? */
static inline bool host_link_is_running(const struct host_link *link)
{
	return link->up && link->carrier;
}

/* Finds a device of this network namespace; -ENODEV if there is none. By name
 * is for who wants to use it: that asks other devices about it too. By index is
 * for who knows it already.
 */
int host_link_by_name(const char *name, struct host_link *ret_link, struct err *err);
int host_link_by_index(int index, struct host_link *ret_link, struct err *err);

/* Judges what host_link_by_name() found: can endpoints cling to it, as to the
 * kernel's driver (R1.4)? 0, -EINVAL for a device of the wrong sort, or -EBUSY
 * for one whose frames belong to another. A macvlan or macvtap device may be a
 * lower here.
 */
int host_link_can_be_lower(const struct host_link *link, struct err *err);

/* Gives the device another address; needs CAP_NET_ADMIN. */
int host_link_set_mac(int index, struct mac mac, struct err *err);

/* Reads a RTM_NEWLINK or RTM_DELLINK message. The message is whole, as
 * mnl_nlmsg_ok() checks it; -EBADMSG if it makes no sense, -ENOENT if it is not
 * about a device as such (a bridge tells about its members in the same words).
 */
int host_link_parse(const struct nlmsghdr *msg, struct host_link *ret_link);

#endif
