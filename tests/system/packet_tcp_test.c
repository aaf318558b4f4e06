/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP between two stacks of the kernel, through two packet ports: offloads as
 * real senders use them.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "netns.h"
#include "rig.h"

/* Two namespaces with a veth each, and a port on this end of both. */
struct relay {
	struct port *port[2];
	struct burst *burst;
	size_t largest;
	unsigned open_checksums;
};

static void relay_open(struct relay *relay, int ns[2])
{
	int here = netns_here();

	for (int i = 0; i < 2; i++) {
		char name[8];

		netns_run("ip link add m%d type veth peer name e%d && ip link set m%d up && "
			  "ip link set e%d netns /proc/%d/fd/%d",
			  i, i, i, i, getpid(), ns[i]);
		netns_switch(ns[i]);
		netns_run("ip address add 10.0.0.%d/24 dev e%d && ip link set e%d up", i + 1, i, i);
		netns_switch(here);
		(void)snprintf(name, sizeof(name), "m%d", i);
		relay->port[i] = rig_open(name);
	}
	(void)fd_close(here);
}

/* Takes what arrived at one port to the other. */
static void relay_move(struct relay *relay, int from)
{
	struct port *port = relay->port[from];
	enum drop why;

	burst_clear(relay->burst);
	(void)port->ops->rx(port, relay->burst, BURST_MAX);
	for (unsigned i = 0; i < relay->burst->n; i++) {
		const struct frame *frame = &relay->burst->frame[i];

		relay->largest = MAX(relay->largest, (size_t)frame->len);
		if (frame->vnet.flags & VNET_NEEDS_CSUM) {
			relay->open_checksums++;
			assert_int_equal(le16_to_cpu(frame->vnet.csum_start), 34);
		}
		if (frame->len > 1514) {
			assert_int_equal(frame->vnet.gso_type & ~VNET_GSO_ECN, VNET_GSO_TCPV4);
			assert_in_range(le16_to_cpu(frame->vnet.gso_size), 536, 1460);
		}
	}
	(void)rig_send(relay->port[!from], relay->burst, &why); /* TCP repairs the rest */
	port->ops->release(port);
}

static int tcp_socket(int ns)
{
	int here = netns_here(), fd;

	netns_switch(ns);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	netns_switch(here);
	(void)fd_close(here);
	assert_true(fd >= 0);
	return fd;
}

#define TRANSFER (8u << 20)

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at ^ at >> 8 ^ at >> 16);
}

/* Writes and reads as much as goes; returns how much has been read. */
static size_t transfer_some(int sender, int receiver, size_t *sent, size_t received)
{
	static uint8_t chunk[65536];
	ssize_t n;

	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = pattern(*sent + i);
	n = send(sender, chunk, MIN(sizeof(chunk), TRANSFER - *sent), MSG_NOSIGNAL);
	*sent += n > 0 ? (size_t)n : 0;

	n = receiver < 0 ? -1 : recv(receiver, chunk, sizeof(chunk), 0);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(chunk[i], pattern(received + (size_t)i));
	return received + (n > 0 ? (size_t)n : 0);
}

static void tcp_passes_between_two_stacks_in_super_frames(void **state)
{
	struct rig *rig = *state;
	struct relay relay = { .burst = rig->in };
	int ns[2] = { netns_new(), netns_new() };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5000) };
	int listener, sender, receiver = -1;
	long deadline = netns_now_ms() + 4 * RIG_DEADLINE_MS;
	size_t sent = 0, received = 0;

	relay_open(&relay, ns);
	listener = tcp_socket(ns[1]);
	sender = tcp_socket(ns[0]);
	to.sin_addr.s_addr = htonl(0x0a000002);
	assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(listener, 1), 0);
	(void)connect(sender, (struct sockaddr *)&to, sizeof(to));

	while (received < TRANSFER) {
		struct pollfd pollfds[] = {
			{ .fd = relay.port[0]->fd, .events = POLLIN },
			{ .fd = relay.port[1]->fd, .events = POLLIN },
		};

		(void)poll(pollfds, 2, 10);
		assert_true(netns_now_ms() < deadline);
		relay_move(&relay, 0);
		relay_move(&relay, 1);
		if (receiver < 0)
			receiver = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		received = transfer_some(sender, receiver, &sent, received);
	}

	print_message("# largest frame %zu bytes, %u open checksums\n", relay.largest,
		      relay.open_checksums);
	assert_true(relay.largest > 60000);
	assert_true(relay.open_checksums > 100);

	for (int i = 0; i < 2; i++) {
		(void)port_close(relay.port[i]);
		(void)fd_close(ns[i]);
	}
	(void)fd_close(receiver);
	(void)fd_close(sender);
	(void)fd_close(listener);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tcp_passes_between_two_stacks_in_super_frames,
						rig_setup, rig_teardown),
	};

	if (netns_skip_all())
		return 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("packet_tcp", tests, NULL, NULL);
}
