/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet port's life: privileges, the device's filter, and a device that
 * goes down, comes back, moves away or is deleted under traffic.
 */
#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "netns.h"
#include "rig.h"

static const uint8_t bytes[60] = { 2, 0, 0, 0, 0, 0xa1, 2, 0, 0, 0, 0, 0xb2, 0x88, 0xb5 };
static const struct mac guest_mac = { { 2, 0, 0, 0, 0, 0xa1 } };
static const char guest_text[] = "02:00:00:00:00:a1";

/* ---- Privileges ---- */

/* Runs 'fn' in a process with no capability but 'capability' (-1: none); it
 * returns NULL, or a sentence that fails the test.
 */
static void run_with_capability(int capability, const char *(*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *complaint;

		capng_clear(CAPNG_SELECT_BOTH);
		if (capability >= 0)
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
					   (unsigned)capability);
		if (capng_apply(CAPNG_SELECT_BOTH) < 0)
			_exit(2);
		complaint = fn();
		if (complaint)
			(void)!write(STDERR_FILENO, complaint, strlen(complaint));
		_exit(complaint ? 1 : 0);
	}

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const char *use_everything(void)
{
	struct port_packet_spec spec = { .ifindex = netns_index("low0"), .name = "low0" };
	struct pollfd pollfd = { .events = POLLIN };
	struct port *port, *far;
	struct burst *burst;
	struct frame *frame;
	static struct err err;
	enum drop why;

	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return "the privileges were not dropped";
	if (port_packet_open(&spec, &port, &err) < 0 ||
	    port_packet_filter_add(port, guest_mac, &err) < 0 ||
	    port_packet_set_allmulti(port, PORT_PACKET_ALL, &err) < 0 ||
	    port_packet_set_promisc(port, PORT_PACKET_ALL, &err) < 0 ||
	    port_packet_filter_del(port, guest_mac, &err) < 0)
		return err.msg;

	spec.ifindex = netns_index("wire0");
	if (port_packet_open(&spec, &far, &err) < 0 || burst_new(&burst, &err) < 0)
		return err.msg;
	frame = rig_put(burst, bytes, sizeof(bytes));
	if (far->ops->tx(far, &frame, 1, &why) != 1)
		return "cannot send";
	burst_clear(burst);
	pollfd.fd = port->fd;
	if (poll(&pollfd, 1, RIG_DEADLINE_MS) != 1 || port->ops->rx(port, burst, 1) != 1)
		return "cannot receive";

	(void)port_close(far);
	(void)port_close(port);
	(void)burst_free(burst);
	return NULL;
}

static void net_raw_is_all_it_needs(void **state)
{
	(void)state;
	run_with_capability(CAP_NET_RAW, use_everything);
}

static const char *open_and_be_refused(void)
{
	struct port_packet_spec spec = { .ifindex = netns_index("low0"), .name = "low0" };
	struct port *port = NULL;
	struct err err;

	if (port_packet_open(&spec, &port, &err) != -EPERM || port)
		return "opened without a privilege";
	if (strcmp(err.msg, "cannot use network device 'low0' without CAP_NET_RAW; start limpetd "
			    "with that capability, or add a lower of type dummy, which needs none"))
		return "does not say what is missing";
	return NULL;
}

static void without_net_raw_it_says_so(void **state)
{
	(void)state;
	run_with_capability(-1, open_and_be_refused);
}

static void a_device_that_is_gone_cannot_be_opened(void **state)
{
	struct port_packet_spec spec = { .ifindex = 4711, .name = "was\x1b[2J" };
	struct port *port = NULL;
	struct err err;

	(void)state;
	assert_int_equal(port_packet_open(&spec, &port, &err), -ENODEV);
	assert_string_equal(err.msg, "network device 'was\\x1b[2J' (index 4711) is gone; 'ip link' "
				     "lists those that exist");
}

/* ---- The device's filter ---- */

static bool low0_shows(const char *text)
{
	return netns_prints("ip -d link show low0", text);
}

static bool filter_has_guest(void)
{
	return netns_prints("bridge fdb show dev low0", guest_text);
}

/* A veth filters nothing, and says so by being promiscuous while an address is
 * in its list (R1.17).
 */
static void an_address_is_in_the_filter_while_it_is_wanted(void **state)
{
	struct rig *rig = *state;
	struct err err;

	assert_false(filter_has_guest());
	assert_true(low0_shows("promiscuity 0 "));

	assert_int_equal(port_packet_filter_add(rig->port, guest_mac, &err), 0);
	assert_int_equal(port_packet_filter_add(rig->port, guest_mac, &err), 0);
	assert_true(filter_has_guest());
	assert_true(low0_shows("promiscuity 1 "));

	assert_int_equal(port_packet_filter_del(rig->port, guest_mac, &err), 0);
	assert_true(filter_has_guest());
	assert_int_equal(port_packet_filter_del(rig->port, guest_mac, &err), 0);
	assert_false(filter_has_guest());
	assert_true(low0_shows("promiscuity 0 "));
}

static void modes_are_counted_once(void **state)
{
	struct rig *rig = *state;
	struct err err;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(port_packet_set_promisc(rig->port, PORT_PACKET_ALL, &err), 0);
		assert_int_equal(port_packet_set_allmulti(rig->port, PORT_PACKET_ALL, &err), 0);
		assert_true(low0_shows("promiscuity 1  allmulti 1 "));
	}
	assert_int_equal(port_packet_set_promisc(rig->port, PORT_PACKET_FILTERED, &err), 0);
	assert_true(low0_shows("promiscuity 0  allmulti 1 "));
	assert_int_equal(port_packet_set_allmulti(rig->port, PORT_PACKET_FILTERED, &err), 0);
	assert_true(low0_shows("promiscuity 0  allmulti 0 "));
	assert_int_equal(port_packet_set_allmulti(rig->port, PORT_PACKET_FILTERED, &err), 0);
	assert_true(low0_shows("promiscuity 0  allmulti 0 "));
}

static void closing_leaves_the_device_as_it_was(void **state)
{
	struct rig *rig = *state;
	struct err err;

	assert_int_equal(port_packet_filter_add(rig->port, guest_mac, &err), 0);
	assert_int_equal(port_packet_set_promisc(rig->port, PORT_PACKET_ALL, &err), 0);
	assert_int_equal(port_packet_set_allmulti(rig->port, PORT_PACKET_ALL, &err), 0);
	assert_true(low0_shows("promiscuity 2  allmulti 1 "));
	rig->port = port_close(rig->port);
	assert_true(low0_shows("promiscuity 0  allmulti 0 "));
	assert_false(filter_has_guest());
}

static void the_filter_of_a_deleted_device_is_a_clear_error(void **state)
{
	struct rig *rig = *state;
	struct mac other = { { 2, 0, 0, 0, 0, 0xa2 } };
	struct err err;

	assert_int_equal(port_packet_filter_add(rig->port, guest_mac, &err), 0);
	netns_run("ip link del low0");
	assert_int_equal(port_packet_filter_add(rig->port, other, &err), -ENODEV);
	assert_string_equal(err.msg, "cannot change the receive filter of network device 'low0': "
				     "No such device");
}

/* ---- Down, up, gone ---- */

static void a_port_opened_on_a_down_device_works_once_it_is_up(void **state)
{
	struct rig *rig = *state;
	struct port *far SCOPED(scoped_port) = rig_open("wire0");
	struct pollfd pollfd = { .events = POLLIN };
	long deadline = netns_now_ms() + RIG_DEADLINE_MS;

	rig->port = port_close(rig->port);
	netns_run("ip link set low0 down");
	rig->port = rig_open("low0");
	pollfd.fd = rig->port->fd;
	assert_int_equal(rig->port->ops->rx(rig->port, rig->in, 1), 0);
	netns_run("ip link set low0 up");

	/* The far end learns a moment later that it has its carrier back. */
	while (rig->in->n == 0) {
		assert_true(netns_now_ms() < deadline);
		rig_send_one(far, rig->out, bytes, sizeof(bytes));
		(void)poll(&pollfd, 1, 10);
		(void)rig->port->ops->rx(rig->port, rig->in, 1);
	}
}

static void sending_while_down_is_a_drop_and_no_fault(void **state)
{
	struct rig *rig = *state;
	enum drop why = DROP_COUNT;

	netns_run("ip link set low0 down");
	for (int i = 0; i < 3; i++) {
		burst_clear(rig->out);
		(void)rig_put(rig->out, bytes, sizeof(bytes));
		assert_int_equal(rig_send(rig->port, rig->out, &why), 0);
		assert_int_equal(why, DROP_LOWER_DOWN);
	}
	assert_false(rig->port->faulty);

	/* The error of going down has not been read by rx(): tx() gets by. */
	netns_run("ip link set low0 up && ip link set low0 down && ip link set low0 up");
	rig_send_one(rig->port, rig->out, bytes, sizeof(bytes));
}

static void sending_to_a_deleted_device_is_a_fault(void **state)
{
	struct rig *rig = *state;
	enum drop why = DROP_COUNT;

	/* Down first: then nothing tells the socket that it is being unbound. */
	netns_run("ip link set low0 down");
	(void)rig->port->ops->rx(rig->port, rig->in, 1);
	netns_run("ip link del low0");
	assert_false(rig->port->faulty);

	(void)rig_put(rig->out, bytes, sizeof(bytes));
	assert_int_equal(rig_send(rig->port, rig->out, &why), 0);
	assert_int_equal(why, DROP_LOWER_DOWN);
	assert_true(rig->port->faulty);
	assert_string_equal(rig->port->fault, "device is gone");
	assert_int_equal(rig_send(rig->port, rig->out, &why), 0);
	assert_int_equal(why, DROP_LOWER_DOWN);
}

/* Somebody who fills the wire as fast as he can, until the end. */
static pid_t flood(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct port *far = rig_open("wire0");
		struct burst *burst = NULL;
		enum drop why;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (burst_new(&burst, NULL) < 0)
			_exit(1);
		while (burst->n < BURST_MAX)
			(void)rig_put(burst, bytes, sizeof(bytes));
		while (!far->faulty)
			(void)rig_send(far, burst, &why);
		_exit(0);
	}
	return pid;
}

/* What a worker sees of the port. */
struct watch {
	struct port *port;
	struct burst *in;
	unsigned frames;
	unsigned for_nothing; /* wake-ups without a frame */
};

/* Works as a worker does, until 'n_frames' more have come or, with 0, until
 * nothing happens any more or the port is faulty.
 */
static void work(struct watch *watch, unsigned n_frames)
{
	long deadline = netns_now_ms() + RIG_DEADLINE_MS;
	unsigned until = watch->frames + n_frames;

	while (!watch->port->faulty && (n_frames == 0 || watch->frames < until)) {
		struct pollfd pollfd = { .fd = watch->port->fd, .events = POLLIN };
		int ready = poll(&pollfd, 1, n_frames > 0 ? RIG_DEADLINE_MS : 100);

		if (netns_now_ms() > deadline)
			fail_msg("%u frames, %u wake-ups for nothing", watch->frames,
				 watch->for_nothing);
		if (ready == 0 && n_frames == 0)
			return;

		burst_clear(watch->in);
		if (watch->port->ops->rx(watch->port, watch->in, BURST_MAX) == 0)
			watch->for_nothing++;
		watch->frames += watch->in->n;
	}
}

static void delete_it(int elsewhere)
{
	(void)elsewhere;
	netns_run("ip link del low0");
}

static void move_it(int elsewhere)
{
	netns_run("ip link set low0 netns /proc/%d/fd/%d", getpid(), elsewhere);
}

static void a_device_under_traffic(void **state, void (*end)(int elsewhere))
{
	struct rig *rig = *state;
	struct watch watch = { .port = rig->port, .in = rig->in };
	int elsewhere = netns_new();
	pid_t sender = flood();

	for (int i = 0; i < 5; i++) {
		work(&watch, 1000);
		netns_run("ip link set low0 down");
		work(&watch, 0);
		assert_false(rig->port->faulty);
		netns_run("ip link set low0 up");
	}
	work(&watch, 1000);
	end(elsewhere);
	work(&watch, 0);

	assert_true(rig->port->faulty);
	assert_string_equal(rig->port->fault, "device is gone");
	print_message("# %u frames, %u wake-ups for nothing\n", watch.frames, watch.for_nothing);
	/* Six times down, each told once; a race may add an empty one. */
	assert_true(watch.for_nothing <= 12);

	(void)kill(sender, SIGKILL);
	assert_int_equal(waitpid(sender, NULL, 0), sender);
	(void)fd_close(elsewhere);
}

static void down_up_and_deletion_under_traffic_never_spin(void **state)
{
	a_device_under_traffic(state, delete_it);
}

static void a_device_that_moves_to_another_namespace_is_gone(void **state)
{
	a_device_under_traffic(state, move_it);
}

#define WITH_VETH(test) cmocka_unit_test_setup_teardown(test, rig_setup_veth, rig_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_VETH(net_raw_is_all_it_needs),
		WITH_VETH(without_net_raw_it_says_so),
		WITH_VETH(a_device_that_is_gone_cannot_be_opened),
		WITH_VETH(an_address_is_in_the_filter_while_it_is_wanted),
		WITH_VETH(modes_are_counted_once),
		WITH_VETH(closing_leaves_the_device_as_it_was),
		WITH_VETH(the_filter_of_a_deleted_device_is_a_clear_error),
		WITH_VETH(a_port_opened_on_a_down_device_works_once_it_is_up),
		WITH_VETH(sending_while_down_is_a_drop_and_no_fault),
		WITH_VETH(sending_to_a_deleted_device_is_a_fault),
		WITH_VETH(down_up_and_deletion_under_traffic_never_spin),
		WITH_VETH(a_device_that_moves_to_another_namespace_is_gone),
	};

	if (netns_skip_all())
		return 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("packet_life", tests, NULL, NULL);
}
