/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink's words about a device, read into a struct host_link.
 *
 * A pure function of the message. Attributes of the wrong size are refused with
 * the whole message; unknown ones are what the next kernel knows, and skipped.
 */
#include "host/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/text.h"

/* Copies a string attribute; false if it is none or too long. */
static bool get_text(const struct nlattr *attr, char *buf, size_t size)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	       text_copy(buf, size, mnl_attr_get_str(attr));
}

static bool get_u32(const struct nlattr *attr, uint32_t *ret_value)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return false;
	*ret_value = mnl_attr_get_u32(attr);
	return true;
}

static bool get_index(const struct nlattr *attr, int *ret_index)
{
	uint32_t value;

	if (!get_u32(attr, &value) || value > INT32_MAX)
		return false;
	*ret_index = (int)value;
	return true;
}

static bool get_u8(const struct nlattr *attr, uint8_t *ret_value)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U8) < 0)
		return false;
	*ret_value = mnl_attr_get_u8(attr);
	return true;
}

static bool get_carrier(const struct nlattr *attr, bool *ret_carrier)
{
	uint8_t value;

	if (!get_u8(attr, &value))
		return false;
	*ret_carrier = value != 0;
	return true;
}

static bool get_mac(const struct nlattr *attr, struct mac *ret_mac)
{
	/* Other lengths are other link layers: no MAC, but no mistake. */
	if (mnl_attr_get_payload_len(attr) == sizeof(struct mac))
		*ret_mac = mac_load(mnl_attr_get_payload(attr));
	return true;
}

static int parse_info(const struct nlattr *attr, void *userdata)
{
	struct host_link *link = userdata;
	bool ok = true;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_INFO_KIND:
		ok = get_text(attr, link->kind, sizeof(link->kind));
		break;
	case IFLA_INFO_SLAVE_KIND:
		ok = get_text(attr, link->master_kind, sizeof(link->master_kind));
		break;
	default:
		break;
	}

	return ok ? MNL_CB_OK : MNL_CB_ERROR;
}

static bool get_info(const struct nlattr *attr, struct host_link *link)
{
	return mnl_attr_validate(attr, MNL_TYPE_NESTED) == 0 &&
	       mnl_attr_parse_nested(attr, parse_info, link) == MNL_CB_OK;
}

static bool get_attr(const struct nlattr *attr, struct host_link *link)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		return get_text(attr, link->name, sizeof(link->name));
	case IFLA_ADDRESS:
		return get_mac(attr, &link->mac);
	case IFLA_MTU:
		return get_u32(attr, &link->mtu);
	case IFLA_MIN_MTU:
		return get_u32(attr, &link->min_mtu);
	case IFLA_MAX_MTU:
		return get_u32(attr, &link->max_mtu);
	case IFLA_CARRIER:
		return get_carrier(attr, &link->carrier);
	case IFLA_OPERSTATE:
		return get_u8(attr, &link->operstate);
	case IFLA_LINK:
		return get_index(attr, &link->link);
	case IFLA_MASTER:
		return get_index(attr, &link->master);
	case IFLA_LINKINFO:
		return get_info(attr, link);
	default:
		return true;
	}
}

struct parse {
	struct host_link link;
	bool elsewhere; /* IFLA_LINK is an index in another network namespace */
};

static int parse_attr(const struct nlattr *attr, void *userdata)
{
	struct parse *parse = userdata;

	if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID)
		parse->elsewhere = true;

	return get_attr(attr, &parse->link) ? MNL_CB_OK : MNL_CB_ERROR;
}

int host_link_parse(const struct nlmsghdr *msg, struct host_link *ret_link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct parse parse = { 0 };
	struct host_link *link = &parse.link;

	if (msg->nlmsg_type != RTM_NEWLINK && msg->nlmsg_type != RTM_DELLINK)
		return -ENOENT;
	/* libmnl reads on to the next multiple. */
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*info) || msg->nlmsg_len % MNL_ALIGNTO != 0)
		return -EBADMSG;
	if (info->ifi_family != AF_UNSPEC)
		return -ENOENT;

	link->index = info->ifi_index;
	link->arp_type = info->ifi_type;
	link->up = info->ifi_flags & IFF_UP;
	link->loopback = info->ifi_flags & IFF_LOOPBACK;
	link->carrier = info->ifi_flags & IFF_LOWER_UP; /* until IFLA_CARRIER says it */

	if (mnl_attr_parse(msg, sizeof(*info), parse_attr, &parse) < 0)
		return -EBADMSG;
	if (link->index <= 0 || link->name[0] == '\0')
		return -EBADMSG;
	if (parse.elsewhere)
		link->link = 0;

	*ret_link = *link;
	return 0;
}
