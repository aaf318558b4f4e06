/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about network devices, and the one order we give them.
 *
 * Each query opens a socket, sends one request and reads until the kernel says
 * that was all. The kernel answers at once and always: nothing here waits for
 * a device or for another process.
 */
#include "host/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static_assert(HOST_NAME_SIZE == IFNAMSIZ, "the kernel's");

/* What the kernel fills for one read of a dump (NLMSG_GOODSIZE allows 32 KiB). */
#define ANSWER_SIZE 32768

static void scoped_socket(struct mnl_socket **nl)
{
	if (*nl)
		(void)mnl_socket_close(*nl);
}

static int open_socket(struct mnl_socket **ret_nl)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		(void)mnl_socket_close(nl);
		return r;
	}

	*ret_nl = nl;
	return 0;
}

/* Sends 'request' and gives every message of the answer to 'fn'. */
static int ask(struct nlmsghdr *request, mnl_cb_t fn, void *userdata)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	struct mnl_socket *nl SCOPED(scoped_socket) = NULL;
	int r = open_socket(&nl);

	if (r < 0)
		return r;

	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -errno;

	do {
		ssize_t len = mnl_socket_recvfrom(nl, answer, sizeof(answer));

		if (len < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)len, request->nlmsg_seq, mnl_socket_get_portid(nl),
			       fn, userdata);
	} while (r == MNL_CB_OK);

	return r < 0 ? -errno : 0;
}

/* ---- Queries ---- */

static int parse_one(const struct nlmsghdr *msg, void *userdata)
{
	int r = host_link_parse(msg, userdata);

	if (r < 0) {
		errno = -r;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static int get_link(struct nlmsghdr *request, struct host_link *ret_link)
{
	struct host_link link = { 0 };
	int r;

	/* The acknowledgement behind the answer ends it. */
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	r = ask(request, parse_one, &link);
	if (r < 0)
		return r;

	*ret_link = link;
	return 0;
}

static struct nlmsghdr *put_request(void *buf, int index)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;

	request->nlmsg_type = RTM_GETLINK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_index = index;
	return request;
}

static int get_link_by_index(int index, struct host_link *ret_link)
{
	_Alignas(struct nlmsghdr) char buf[256];

	return get_link(put_request(buf, index), ret_link);
}

/* Does this message tell of an ipvlan device on 'userdata'? */
static int note_ipvlan(const struct nlmsghdr *msg, void *userdata)
{
	struct host_link *link = userdata, other;

	if (host_link_parse(msg, &other) == 0 && other.link == link->index &&
	    (strcmp(other.kind, "ipvlan") == 0 || strcmp(other.kind, "ipvtap") == 0))
		(void)text_copy(link->ipvlan, sizeof(link->ipvlan), other.name);
	return MNL_CB_OK;
}

/* What other devices have to say about 'link'. A failure leaves it unsaid. */
static void ask_around(struct host_link *link)
{
	struct host_link master;
	int r = -EINTR;

	if (link->master > 0 && get_link_by_index(link->master, &master) == 0)
		(void)text_copy(link->master_name, sizeof(link->master_name), master.name);

	/* Ipvlan devices in other network namespaces cannot be seen. EINTR: one
	 * came or went while the kernel was listing them.
	 */
	for (int tries = 0; r == -EINTR && tries < 10; tries++) {
		_Alignas(struct nlmsghdr) char buf[256];
		struct nlmsghdr *request = put_request(buf, 0);

		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		r = ask(request, note_ipvlan, link);
	}
}

int host_link_by_name(const char *name, struct host_link *ret_link, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *request = put_request(buf, 0);
	char shown[TEXT_ESCAPED_SIZE(64)];
	int r = -ENODEV;

	if (name[0] != '\0' && strlen(name) < HOST_NAME_SIZE) {
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
		r = get_link(request, ret_link);
	}

	(void)text_escape(shown, sizeof(shown), name);
	if (r == -ENODEV)
		return err_set(err, ENODEV, "there is no network device '%s'; 'ip link' lists them",
			       shown);
	if (r < 0)
		return err_set(err, -r, "cannot ask the kernel about network device '%s': %s",
			       shown, strerrordesc_np(-r));

	ask_around(ret_link);
	return 0;
}

int host_link_by_index(int index, struct host_link *ret_link, struct err *err)
{
	int r = index > 0 ? get_link_by_index(index, ret_link) : -ENODEV;

	if (r == -ENODEV)
		return err_set(err, ENODEV,
			       "there is no network device with index %d; 'ip link' lists them",
			       index);
	if (r < 0)
		return err_set(err, -r, "cannot ask the kernel about network device %d: %s", index,
			       strerrordesc_np(-r));

	return 0;
}

/* ---- Judging ---- */

int host_link_can_be_lower(const struct host_link *link, struct err *err)
{
	const char *kind = link->master_kind[0] ? link->master_kind : "master";

	if (link->loopback)
		return err_set(err, EINVAL,
			       "network device '%s' is the loopback; a lower has to be an Ethernet "
			       "device, or use a lower of type dummy",
			       link->name);
	if (link->arp_type != ARPHRD_ETHER)
		return err_set(err, EINVAL,
			       "network device '%s' is not an Ethernet device (its type is %u); "
			       "frames with MAC addresses cannot use it",
			       link->name, link->arp_type);

	/* A VRF routes for its members, but leaves their frames to them. */
	if (link->master != 0 && strcmp(link->master_kind, "vrf") != 0) {
		if (link->master_name[0])
			return err_set(
				err, EBUSY,
				"network device '%s' is a member of %s '%s', which takes its "
				"frames; use '%s' as the lower",
				link->name, kind, link->master_name, link->master_name);
		return err_set(
			err, EBUSY,
			"network device '%s' is a member of the %s with index %d, which takes "
			"its frames; use that as the lower",
			link->name, kind, link->master);
	}

	if (link->ipvlan[0])
		return err_set(
			err, EBUSY,
			"network device '%s' carries the ipvlan device '%s', which takes its "
			"frames; delete that first",
			link->name, link->ipvlan);

	return 0;
}

/* ---- Orders ---- */

static const char *name_of(int index, struct host_link *link)
{
	return get_link_by_index(index, link) == 0 ? link->name : "?";
}

int host_link_set_mac(int index, struct mac mac, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *request = put_request(buf, index);
	struct host_link link;
	char text[MAC_TEXT_SIZE];
	int r;

	request->nlmsg_type = RTM_SETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_attr_put(request, IFLA_ADDRESS, sizeof(mac), &mac);

	r = ask(request, NULL, NULL);
	if (r == -EPERM)
		return err_set(err, EPERM,
			       "cannot change the address of network device '%s' without "
			       "CAP_NET_ADMIN; start limpetd with that capability, or use a mode "
			       "other than passthru",
			       name_of(index, &link));
	if (r == -ENODEV)
		return err_set(err, ENODEV,
			       "there is no network device with index %d any more; 'ip link' lists "
			       "those that exist",
			       index);
	if (r < 0)
		return err_set(err, -r, "cannot give network device '%s' the address %s: %s",
			       name_of(index, &link), mac_format(mac, text), strerrordesc_np(-r));
	return 0;
}
