/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of reading links from netlink messages, recorded (testdata/) and made
 * up, and of the judgement on what was read.
 */
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>

#include "base/macros.h"
#include "host/link.h"

struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[4096];
};

static struct nlmsghdr *header(struct message *message)
{
	return (void *)message->bytes;
}

static size_t record(const char *name, struct message *message)
{
	char path[512];
	size_t len;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.nl", TESTDATA, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("cannot open %s", path);
	len = fread(message->bytes, 1, sizeof(message->bytes), file);
	(void)fclose(file);
	assert_true(mnl_nlmsg_ok(header(message), (int)len));
	return len;
}

static void recorded_links_are_understood(void **state)
{
	/* clang-format off */
	static const struct {
		const char *record;
		struct host_link link;
	} cases[] = {
		{ "loopback", { .index = 1, .name = "lo", .arp_type = ARPHRD_LOOPBACK, .mtu = 65536,
				.carrier = true, .loopback = true, .operstate = 2 } },
		{ "veth", { .index = 3, .name = "low0", .kind = "veth", .arp_type = ARPHRD_ETHER,
			    .mac = { { 2, 0, 0, 0, 0, 1 } }, .mtu = 2000, .min_mtu = 68,
			    .max_mtu = 65535, .up = true, .carrier = true, .operstate = 6,
			    .link = 2 } },
		{ "tun", { .index = 5, .name = "tun0", .kind = "tun", .arp_type = ARPHRD_NONE,
			   .mtu = 1500, .min_mtu = 68, .max_mtu = 65535, .operstate = 2 } },
		{ "macvtap", { .index = 6, .name = "mvt0", .kind = "macvtap",
			       .arp_type = ARPHRD_ETHER, .mtu = 2000, .min_mtu = 68,
			       .max_mtu = 65535, .operstate = 2, .carrier = true, .link = 3 } },
		{ "bridge-member", { .index = 2, .name = "wire0", .kind = "veth",
				     .arp_type = ARPHRD_ETHER, .mac = { { 2, 0, 0, 0, 0, 2 } },
				     .mtu = 1500, .min_mtu = 68, .max_mtu = 65535, .up = true,
				     .carrier = true, .operstate = 6, .link = 3, .master = 4,
				     .master_kind = "bridge" } },
		{ "removed", { .index = 2, .name = "wire0", .kind = "veth",
			       .arp_type = ARPHRD_ETHER, .mac = { { 2, 0, 0, 0, 0, 2 } },
			       .mtu = 1500, .min_mtu = 68, .max_mtu = 65535, .operstate = 2,
			       .link = 3 } },
		{ "peer-elsewhere", { .index = 3, .name = "low0", .kind = "veth",
				      .arp_type = ARPHRD_ETHER, .mac = { { 2, 0, 0, 0, 0, 1 } },
				      .mtu = 2000, .min_mtu = 68, .max_mtu = 65535, .up = true,
				      .operstate = 2 } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct host_link *wanted = &cases[i].link;
		struct message message;
		struct host_link link;

		print_message("# %s\n", cases[i].record);
		(void)record(cases[i].record, &message);
		assert_int_equal(host_link_parse(header(&message), &link), 0);
		assert_int_equal(link.index, wanted->index);
		assert_string_equal(link.name, wanted->name);
		assert_string_equal(link.kind, wanted->kind);
		assert_int_equal(link.arp_type, wanted->arp_type);
		if (!mac_is_zero(wanted->mac))
			assert_true(mac_equal(link.mac, wanted->mac));
		assert_int_equal(link.mtu, wanted->mtu);
		assert_int_equal(link.min_mtu, wanted->min_mtu);
		assert_int_equal(link.max_mtu, wanted->max_mtu);
		assert_int_equal(link.up, wanted->up);
		assert_int_equal(link.carrier, wanted->carrier);
		assert_int_equal(link.loopback, wanted->loopback);
		assert_int_equal(link.operstate, wanted->operstate);
		assert_int_equal(link.link, wanted->link);
		assert_int_equal(link.master, wanted->master);
		assert_string_equal(link.master_kind, wanted->master_kind);
	}
}

static void what_a_bridge_tells_about_a_member_is_not_about_the_device(void **state)
{
	static const char *const records[] = { "bridge-told-new", "bridge-told-gone" };
	struct host_link link;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct message message;

		(void)record(records[i], &message);
		assert_int_equal(host_link_parse(header(&message), &link), -ENOENT);
	}
}

/* Cut short or with a bit turned, a message is understood or refused; the
 * sanitizers see to it that nothing is read beyond its end.
 */
static void damaged_messages_harm_nobody(void **state)
{
	struct message message;
	size_t len = record("bridge-member", &message);
	struct host_link link;

	(void)state;
	/* A message's buffer ends on a boundary of four bytes: libmnl, like the
	 * kernel, rounds lengths up.
	 */
	for (size_t cut = sizeof(struct nlmsghdr); cut <= len; cut++) {
		struct nlmsghdr *copy = calloc(1, MNL_ALIGN(cut));

		assert_non_null(copy);
		memcpy(copy, message.bytes, cut);
		copy->nlmsg_len = (uint32_t)cut;
		(void)host_link_parse(copy, &link);
		free(copy);
	}

	for (size_t bit = sizeof(struct nlmsghdr) * 8; bit < len * 8; bit++) {
		struct nlmsghdr *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, message.bytes, len);
		((uint8_t *)copy)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		(void)host_link_parse(copy, &link);
		free(copy);
	}
}

static struct nlmsghdr *start(struct message *message, int index, const char *name)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(message->bytes);
	struct ifinfomsg *info;

	msg->nlmsg_type = RTM_NEWLINK;
	info = mnl_nlmsg_put_extra_header(msg, sizeof(*info));
	info->ifi_index = index;
	info->ifi_type = ARPHRD_ETHER;
	if (name)
		mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	return msg;
}

static void nonsense_is_refused_and_nothing_is_written(void **state)
{
	/* clang-format off */
	static const struct {
		const char *what, *name;
		int index;
		uint16_t attr;
		size_t len;
		const char *payload;
	} cases[] = {
		{ "no name",           NULL,   1, IFLA_UNSPEC,    0, "" },
		{ "index 0",           "eth0", 0, IFLA_UNSPEC,    0, "" },
		{ "negative index",    "eth0", -1, IFLA_UNSPEC,   0, "" },
		{ "name too long",     "0123456789abcdef", 1, IFLA_UNSPEC, 0, "" },
		{ "name without end",  NULL,   1, IFLA_IFNAME,    4, "eth0" },
		{ "short MTU",         "eth0", 1, IFLA_MTU,       2, "\1\2" },
		{ "short carrier",     "eth0", 1, IFLA_CARRIER,   0, "" },
		{ "negative master",   "eth0", 1, IFLA_MASTER,    4, "\xff\xff\xff\xff" },
		{ "crooked link info", "eth0", 1, IFLA_LINKINFO,  2, "\1\2" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct message message;
		struct nlmsghdr *msg = start(&message, cases[i].index, cases[i].name);
		struct host_link link = { .index = 77 };

		print_message("# %s\n", cases[i].what);
		if (cases[i].attr != IFLA_UNSPEC)
			mnl_attr_put(msg, cases[i].attr, cases[i].len, cases[i].payload);
		assert_int_equal(host_link_parse(msg, &link), -EBADMSG);
		assert_int_equal(link.index, 77);
	}
}

static void other_messages_are_not_about_links(void **state)
{
	struct message message;
	struct nlmsghdr *msg = start(&message, 1, "eth0");
	struct host_link link;

	(void)state;
	msg->nlmsg_type = RTM_NEWADDR;
	assert_int_equal(host_link_parse(msg, &link), -ENOENT);
}

/* Devices this kernel may not be able to make: told in the words they use. */
static void members_are_recognised_by_their_masters_kind(void **state)
{
	/* clang-format off */
	static const struct {
		const char *kind;	/* of the master; NULL: not told */
		int result;
		const char *sentence;
	} cases[] = {
		{ "bond",        -EBUSY, "network device 'eth0' is a member of the bond with index 9, "
					 "which takes its frames; use that as the lower" },
		{ "team",        -EBUSY, "network device 'eth0' is a member of the team with index 9, "
					 "which takes its frames; use that as the lower" },
		{ "openvswitch", -EBUSY, "network device 'eth0' is a member of the openvswitch with "
					 "index 9, which takes its frames; use that as the lower" },
		{ NULL,          -EBUSY, "network device 'eth0' is a member of the master with index 9, "
					 "which takes its frames; use that as the lower" },
		{ "vrf",              0, "" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct message message;
		struct nlmsghdr *msg = start(&message, 4, "eth0");
		struct nlattr *info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
		struct host_link link;
		struct err err = { "" };

		if (cases[i].kind)
			mnl_attr_put_strz(msg, IFLA_INFO_SLAVE_KIND, cases[i].kind);
		mnl_attr_nest_end(msg, info);
		mnl_attr_put_u32(msg, IFLA_MASTER, 9);

		assert_int_equal(host_link_parse(msg, &link), 0);
		assert_int_equal(host_link_can_be_lower(&link, &err), cases[i].result);
		assert_string_equal(err.msg, cases[i].sentence);
	}
}

static void a_lower_is_an_ethernet_device_whose_frames_are_its_own(void **state)
{
	/* clang-format off */
	static const struct {
		struct host_link link;
		int result;
		const char *sentence;
	} cases[] = { /* R1.4 */
		{ { .name = "eth0", .arp_type = ARPHRD_ETHER, .up = true, .carrier = true }, 0, "" },
		{ { .name = "eth0", .arp_type = ARPHRD_ETHER }, 0, "" },
		{ { .name = "br0", .kind = "bridge", .arp_type = ARPHRD_ETHER }, 0, "" },
		{ { .name = "v7", .kind = "vlan", .arp_type = ARPHRD_ETHER, .link = 2 }, 0, "" },
		{ { .name = "mvt0", .kind = "macvtap", .arp_type = ARPHRD_ETHER, .link = 2 }, 0, "" },
		{ { .name = "lo", .arp_type = ARPHRD_LOOPBACK, .loopback = true }, -EINVAL,
		  "network device 'lo' is the loopback; a lower has to be an Ethernet device, or use "
		  "a lower of type dummy" },
		{ { .name = "tun0", .kind = "tun", .arp_type = ARPHRD_NONE }, -EINVAL,
		  "network device 'tun0' is not an Ethernet device (its type is 65534); frames with "
		  "MAC addresses cannot use it" },
		{ { .name = "eth1", .arp_type = ARPHRD_ETHER, .master = 4, .master_kind = "bridge",
		    .master_name = "br0" }, -EBUSY,
		  "network device 'eth1' is a member of bridge 'br0', which takes its frames; use "
		  "'br0' as the lower" },
		{ { .name = "eth1", .arp_type = ARPHRD_ETHER, .ipvlan = "ipv3" }, -EBUSY,
		  "network device 'eth1' carries the ipvlan device 'ipv3', which takes its frames; "
		  "delete that first" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { "" };

		assert_int_equal(host_link_can_be_lower(&cases[i].link, &err), cases[i].result);
		assert_string_equal(err.msg, cases[i].sentence);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_links_are_understood),
		cmocka_unit_test(what_a_bridge_tells_about_a_member_is_not_about_the_device),
		cmocka_unit_test(damaged_messages_harm_nobody),
		cmocka_unit_test(nonsense_is_refused_and_nothing_is_written),
		cmocka_unit_test(other_messages_are_not_about_links),
		cmocka_unit_test(members_are_recognised_by_their_masters_kind),
		cmocka_unit_test(a_lower_is_an_ethernet_device_whose_frames_are_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
