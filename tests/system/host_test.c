/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host room and a real kernel: devices found, judged, changed and watched. */
#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "host/link.h"
#include "host/monitor.h"
#include "netns.h"

#define DEADLINE_MS 5000

static int set_up(void **state)
{
	(void)state;
	assert_true(netns_enter());
	return 0;
}

static void make_veth(void)
{
	netns_run("ip link add low0 type veth peer name wire0 && ip link set low0 up && "
		  "ip link set wire0 up");
}

/* ---- Queries ---- */

static void a_device_is_found_by_name_and_by_index(void **state)
{
	struct host_link link, again;
	struct err err;

	(void)state;
	make_veth();
	netns_run("ip link set low0 mtu 2000 address 02:00:00:00:00:a1");
	assert_int_equal(host_link_by_name("low0", &link, &err), 0);
	assert_int_equal(link.index, netns_index("low0"));
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.mtu, 2000);
	assert_true(mac_equal(link.mac, (struct mac){ { 2, 0, 0, 0, 0, 0xa1 } }));
	assert_true(host_link_is_running(&link));
	assert_int_equal(link.link, netns_index("wire0"));

	assert_int_equal(host_link_by_index(link.index, &again, &err), 0);
	assert_string_equal(again.name, "low0");

	netns_run("ip link set wire0 down");
	assert_int_equal(host_link_by_name("low0", &link, &err), 0);
	assert_true(link.up);
	assert_false(link.carrier);
}

static void a_device_that_is_not_there_is_said_so(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *sentence;
	} cases[] = {
		{ "eth7", "there is no network device 'eth7'; 'ip link' lists them" },
		{ "", "there is no network device ''; 'ip link' lists them" },
		{ "0123456789abcdef",
		  "there is no network device '0123456789abcdef'; 'ip link' lists them" },
		{ "\x1b[2J", "there is no network device '\\x1b[2J'; 'ip link' lists them" },
		{ "low%d", "there is no network device 'low%d'; 'ip link' lists them" },
	};
	/* clang-format on */
	struct host_link link;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(host_link_by_name(cases[i].name, &link, &err), -ENODEV);
		assert_string_equal(err.msg, cases[i].sentence);
	}
	assert_int_equal(host_link_by_index(-1, &link, &err), -ENODEV);
	assert_int_equal(host_link_by_index(0, &link, &err), -ENODEV);
	assert_int_equal(host_link_by_index(4711, &link, &err), -ENODEV);
	assert_string_equal(err.msg,
			    "there is no network device with index 4711; 'ip link' lists them");
}

/* R1.4, what this kernel can make of it; the rest is in src/host/parse_test.c. */
static void lowers_are_judged_as_the_kernels_driver_does(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{ "low0",  0 },
		{ "wire0", -EBUSY },	/* in a bridge */
		{ "br0",   0 },
		{ "tap0",  0 },
		{ "tun0",  -EINVAL },
		{ "lo",    -EINVAL },
		{ "mvt0",  0 },		/* here; the kernel would take low0 instead: R1.5 */
	};
	/* clang-format on */
	struct host_link link;
	struct err err;

	(void)state;
	make_veth();
	netns_run("ip link add br0 type bridge && ip link set wire0 master br0 && "
		  "ip tuntap add tap0 mode tap && ip tuntap add tun0 mode tun && "
		  "ip link add link low0 name mvt0 type macvtap");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].name);
		assert_int_equal(host_link_by_name(cases[i].name, &link, &err), 0);
		assert_int_equal(host_link_can_be_lower(&link, &err), cases[i].result);
	}

	assert_int_equal(host_link_by_name("wire0", &link, &err), 0);
	(void)host_link_can_be_lower(&link, &err);
	assert_string_equal(err.msg, "network device 'wire0' is a member of bridge 'br0', which "
				     "takes its frames; use 'br0' as the lower");
}

/* ---- Orders ---- */

static void an_address_can_be_given(void **state)
{
	struct mac mac = { { 2, 0, 0, 0, 0, 0x77 } };
	struct mac group = { { 3, 0, 0, 0, 0, 0x77 } };
	struct err err;

	(void)state;
	make_veth();
	assert_int_equal(host_link_set_mac(netns_index("low0"), mac, &err), 0);
	assert_true(netns_prints("ip link show low0", "02:00:00:00:00:77"));

	assert_int_equal(host_link_set_mac(netns_index("low0"), group, &err), -EADDRNOTAVAIL);
	assert_string_equal(err.msg, "cannot give network device 'low0' the address "
				     "03:00:00:00:00:77: Cannot assign requested address");
	assert_int_equal(host_link_set_mac(4711, mac, &err), -ENODEV);
	assert_string_equal(err.msg, "there is no network device with index 4711 any more; 'ip "
				     "link' lists those that exist");
}

static void without_net_admin_the_sentence_names_it(void **state)
{
	struct mac mac = { { 2, 0, 0, 0, 0, 0x77 } };
	struct host_link link;
	struct err err;

	(void)state;
	make_veth();
	(void)capng_get_caps_process();
	(void)capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_NET_ADMIN);
	assert_int_equal(capng_apply(CAPNG_SELECT_CAPS), 0);

	assert_int_equal(host_link_by_name("low0", &link, &err), 0);
	assert_int_equal(host_link_set_mac(link.index, mac, &err), -EPERM);
	assert_string_equal(err.msg, "cannot change the address of network device 'low0' without "
				     "CAP_NET_ADMIN; start limpetd with that capability, or use a "
				     "mode other than passthru");

	(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_NET_ADMIN);
	assert_int_equal(capng_apply(CAPNG_SELECT_CAPS), 0);
}

/* ---- The monitor ---- */

struct told {
	unsigned n_changed, n_removed, n_resync;
	int removed_index;
	struct host_link last; /* changed, of low0 */
};

static void on_event(void *userdata, enum host_event event, const struct host_link *link)
{
	struct told *told = userdata;

	switch (event) {
	case HOST_LINK_CHANGED:
		told->n_changed++;
		if (strcmp(link->name, "low0") == 0)
			told->last = *link;
		return;
	case HOST_LINK_REMOVED:
		told->n_removed++;
		told->removed_index = link->index;
		return;
	case HOST_RESYNC:
		assert_null(link);
		told->n_resync++;
		return;
	}
}

static struct host_monitor *watch(struct told *told)
{
	struct host_monitor *monitor = NULL;
	struct err err;

	memset(told, 0, sizeof(*told));
	if (host_monitor_open(on_event, told, &monitor, &err) < 0)
		fail_msg("%s", err.msg);
	return monitor;
}

/* Reads until there is nothing more to read. */
static void read_all(struct host_monitor *monitor)
{
	struct pollfd pollfd = { .fd = host_monitor_fd(monitor), .events = POLLIN };
	long deadline = netns_now_ms() + DEADLINE_MS;
	struct err err;

	while (poll(&pollfd, 1, 0) == 1) {
		assert_int_equal(host_monitor_read(monitor, &err), 0);
		assert_true(netns_now_ms() < deadline);
	}
}

static void what_happens_to_a_device_is_told(void **state)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = NULL;
	struct told told;
	int index;

	(void)state;
	monitor = watch(&told);
	read_all(monitor);
	assert_int_equal(told.n_changed, 0);

	make_veth();
	read_all(monitor);
	index = netns_index("low0");
	assert_int_equal(told.last.index, index);
	assert_true(told.last.up);

	netns_run("ip link set low0 down && ip link set low0 mtu 1400 address 02:00:00:00:00:a1");
	read_all(monitor);
	assert_false(told.last.up);
	assert_int_equal(told.last.mtu, 1400);
	assert_true(mac_equal(told.last.mac, (struct mac){ { 2, 0, 0, 0, 0, 0xa1 } }));

	assert_int_equal(told.n_removed, 0);
	netns_run("ip link del wire0");
	read_all(monitor);
	assert_int_equal(told.n_removed, 2);
	assert_int_equal(told.n_resync, 0);
}

static void leaving_a_bridge_is_no_removal(void **state)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = NULL;
	struct told told;

	(void)state;
	make_veth();
	netns_run("ip link add br0 type bridge");
	monitor = watch(&told);
	netns_run("ip link set low0 master br0");
	read_all(monitor);
	assert_int_equal(told.last.master, netns_index("br0"));
	assert_string_equal(told.last.master_kind, "bridge");
	netns_run("ip link set low0 nomaster");
	read_all(monitor);
	assert_int_equal(told.last.master, 0);
	assert_int_equal(told.n_removed, 0);
}

static void moving_to_another_namespace_is_a_removal(void **state)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = NULL;
	int elsewhere SCOPED(scoped_fd) = -1;
	struct told told;
	int index;

	(void)state;
	make_veth();
	index = netns_index("low0");
	elsewhere = netns_new();
	monitor = watch(&told);
	netns_run("ip link set low0 netns /proc/%d/fd/%d", (int)getpid(), elsewhere);
	read_all(monitor);
	assert_int_equal(told.n_removed, 1);
	assert_int_equal(told.removed_index, index);
}

static void lost_events_are_told_as_such(void **state)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = NULL;
	struct told told;
	struct err err;
	int small = 4096, index;

	(void)state;
	make_veth();
	index = netns_index("low0");
	monitor = watch(&told);
	assert_int_equal(
		setsockopt(host_monitor_fd(monitor), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		0);
	for (int i = 0; i < 100; i++) {
		struct mac mac = { { 2, 0, 0, 0, 1, (uint8_t)i } };

		assert_int_equal(host_link_set_mac(index, mac, &err), 0);
	}
	read_all(monitor);
	assert_true(told.n_resync > 0);

	/* And it goes on. */
	netns_run("ip link set low0 mtu 1234");
	read_all(monitor);
	assert_int_equal(told.last.mtu, 1234);
}

static void a_storm_is_read_in_portions(void **state)
{
	struct host_monitor *monitor SCOPED(scoped_monitor) = NULL;
	struct told told;
	struct err err;
	unsigned first;
	int index;

	(void)state;
	make_veth();
	index = netns_index("low0");
	monitor = watch(&told);
	for (int i = 0; i < 100; i++) {
		struct mac mac = { { 2, 0, 0, 0, 1, (uint8_t)i } };

		assert_int_equal(host_link_set_mac(index, mac, &err), 0);
	}
	assert_int_equal(host_monitor_read(monitor, &err), 0);
	first = told.n_changed;
	assert_in_range(first, 1, 99);
	read_all(monitor);
	assert_true(told.n_changed >= 100);
	assert_int_equal(told.n_resync, 0);
}

#define WITH_NETNS(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_NETNS(a_device_is_found_by_name_and_by_index),
		WITH_NETNS(a_device_that_is_not_there_is_said_so),
		WITH_NETNS(lowers_are_judged_as_the_kernels_driver_does),
		WITH_NETNS(an_address_can_be_given),
		WITH_NETNS(without_net_admin_the_sentence_names_it),
		WITH_NETNS(what_happens_to_a_device_is_told),
		WITH_NETNS(leaving_a_bridge_is_no_removal),
		WITH_NETNS(moving_to_another_namespace_is_a_removal),
		WITH_NETNS(lost_events_are_told_as_such),
		WITH_NETNS(a_storm_is_read_in_portions),
	};

	if (netns_skip_all())
		return 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
