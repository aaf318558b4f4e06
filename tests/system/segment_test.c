/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does offload make of a super-frame what the kernel makes of it?
 * ==============================================================
 *
 * The kernel segments in software for a tap that offers no offloads. The test
 * makes one in a network namespace of its own, sends each super-frame with its
 * vnet header out of it through AF_PACKET, reads what comes out at the tap's
 * descriptor, and compares byte for byte with what offload makes of the same
 * frame, scattered over many pieces.
 *
 * A marker frame sent after each super-frame says that everything has come:
 * nothing waits for time to pass. It needs CAP_NET_ADMIN and CAP_NET_RAW, and
 * is skipped without.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "netns.h"
#include "path/offload.h"
#include "path/superframe.h"

#define ACK	    0x10
#define MARKER_TYPE 0x88b5 /* IEEE 802: local experimental */
#define DEADLINE_MS 10000

static int tap = -1;
static int packet = -1;
static struct superframe super;
static struct offload offload;

static int setup(void **state)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int on = 1;

	(void)state;
	assert_true(netns_enter());
	tap = netns_tap("segment");
	assert_int_equal(ioctl(tap, TUNSETOFFLOAD, 0), 0);
	/* What is not cut has to fit, and some frames are not. */
	netns_run("ip link set segment mtu 65521");

	packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	address.sll_ifindex = netns_index("segment");
	assert_int_equal(bind(packet, (struct sockaddr *)&address, sizeof(address)), 0);
	return setsockopt(packet, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on));
}

static int teardown(void **state)
{
	(void)state;
	packet = fd_close(packet);
	tap = fd_close(tap);
	return 0;
}

/* False: the kernel refuses the frame's vnet header. */
static bool kernel_send(const struct vnet_header *vnet, const uint8_t *data, uint32_t len)
{
	struct iovec iov[] = { { (void *)vnet, sizeof(*vnet) }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	if (sendmsg(packet, &msg, 0) >= 0)
		return true;

	assert_int_equal(errno, EINVAL);
	return false;
}

static void kernel_send_marker(void)
{
	static const struct vnet_header nothing;
	uint8_t marker[60];

	memcpy(marker, super.data, ETH_HEADER_LEN);
	memset(marker + ETH_HEADER_LEN, 0, sizeof(marker) - ETH_HEADER_LEN);
	be16_store(marker + offsetof(struct eth_header, type), MARKER_TYPE);
	assert_true(kernel_send(&nothing, marker, sizeof(marker)));
}

/* The next of our frames, or 0 if it is the marker. */
static uint32_t kernel_receive(uint8_t *buf, size_t size)
{
	struct pollfd readable = { .fd = tap, .events = POLLIN };
	struct vnet_header vnet;
	struct iovec iov[] = { { &vnet, sizeof(vnet) }, { buf, size } };
	ssize_t n;

	do {
		assert_int_equal(poll(&readable, 1, DEADLINE_MS), 1);
		n = readv(tap, iov, ARRAY_SIZE(iov)) - (ssize_t)sizeof(vnet);
		assert_true(n >= ETH_HEADER_LEN);
		assert_true(vnet_is_plain(&vnet));
	} while (memcmp(buf, super.data, 2 * sizeof(struct mac)) != 0);

	return be16_load(buf + offsetof(struct eth_header, type)) == MARKER_TYPE ? 0 : (uint32_t)n;
}

/* Sends 'super' both ways; returns how many frames offload made. */
static unsigned compare(const char *name)
{
	static uint8_t theirs[ETH_FRAME_MAX], ours[ETH_FRAME_MAX];
	unsigned n_ours = offload_begin(&offload, &super.frame), n_theirs = 0;
	struct frame frame;
	uint32_t len;

	(void)kernel_send(&super.frame.vnet, super.data, super.len);
	kernel_send_marker();

	while ((len = kernel_receive(theirs, sizeof(theirs))) > 0) {
		n_theirs++;
		if (!offload_next(&offload, ours, sizeof(ours), &frame))
			continue;
		for (uint32_t i = 0; i < MIN(len, frame.len); i++) {
			if (ours[i] != theirs[i])
				fail_msg("%s: frame %u of %u, byte %u: %02x, the kernel's %02x",
					 name, n_theirs, n_ours, i, ours[i], theirs[i]);
		}
		if (frame.len != len)
			fail_msg("%s: frame %u of %u has %u bytes, the kernel's %u", name, n_theirs,
				 n_ours, frame.len, len);
	}

	/* What offload refuses is the caller's to judge. */
	if (n_ours > 0 && n_ours != n_theirs)
		fail_msg("%s: %u frames, the kernel's %u", name, n_ours, n_theirs);
	return n_ours;
}

#define V4TCP .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP
#define V6TCP .type = ETH_TYPE_IPV6, .proto = IP_PROTO_TCP
#define V4UDP .type = ETH_TYPE_IPV4, .proto = IP_PROTO_UDP
#define V6UDP .type = ETH_TYPE_IPV6, .proto = IP_PROTO_UDP
#define CUT   .n_payload = 20001, .gso_size = 1448

static void named_frames_come_out_as_the_kernels(void **state)
{
	/* clang-format off */
	static const struct superframe_spec specs[] = {
		{ .name = "TCP/IPv4", V4TCP, CUT, .tcp_flags = ACK },
		{ .name = "TCP/IPv6", V6TCP, CUT, .tcp_flags = ACK },
		{ .name = "FIN and PSH", V4TCP, CUT, .tcp_flags = ACK | TCP_FIN | TCP_PSH },
		{ .name = "CWR", V4TCP, CUT, .tcp_flags = ACK | TCP_CWR },
		{ .name = "CWR with ECN", V4TCP, CUT, .tcp_flags = ACK | TCP_CWR, .ecn = true },
		{ .name = "CWR with ECN, IPv6", V6TCP, CUT, .tcp_flags = ACK | TCP_CWR, .ecn = true },
		{ .name = "every flag", V4TCP, CUT, .tcp_flags = 0xff },
		{ .name = "sequence wraps", V4TCP, CUT, .tcp_flags = ACK, .seq = 0xfffffff0 },
		{ .name = "ID wraps", V4TCP, CUT, .tcp_flags = ACK, .id = 0xfffd },
		{ .name = "don't fragment", V4TCP, CUT, .frag = 0x4000, .id = 7 },
		{ .name = "TCP options", V4TCP, CUT, .n_tcp_options = 40 },
		{ .name = "IPv4 options", V4TCP, CUT, .n_ip_options = 40, .n_tcp_options = 12 },
		{ .name = "hop-by-hop", V6TCP, CUT, .extension = { 0xff } },
		{ .name = "extensions", V6TCP, CUT,
		  .extension = { 0xff, IP_PROTO_DST_OPTIONS, IP_PROTO_ROUTING, IP_PROTO_DST_OPTIONS } },
		{ .name = "one tag", V4TCP, CUT, .n_vlans = 1 },
		{ .name = "one tag, IPv6", V6TCP, CUT, .n_vlans = 1 },
		{ .name = "two tags", V4TCP, CUT, .n_vlans = 2 },
		{ .name = "two tags, IPv6, extensions", V6TCP, CUT, .n_vlans = 2, .extension = { 0xff } },
		{ .name = "odd segments", V4TCP, .n_payload = 9999, .gso_size = 777 },
		{ .name = "odd segments, IPv6", V6TCP, .n_payload = 9998, .gso_size = 777 },
		{ .name = "last segment full", V4TCP, .n_payload = 14480, .gso_size = 1448 },
		{ .name = "last segment of a byte", V4TCP, .n_payload = 14481, .gso_size = 1448 },
		{ .name = "small segments", V4TCP, .n_payload = 300, .gso_size = 1 },
		{ .name = "largest frame", V4TCP, .n_payload = 65495, .gso_size = 1448 },
		{ .name = "checksum done, TCP/IPv4", V4TCP, CUT, .no_csum = true },
		{ .name = "checksum done, TCP/IPv6", V6TCP, CUT, .no_csum = true },
		{ .name = "checksum done, short", V4TCP, .n_payload = 9, .gso_size = 99, .no_csum = true },
		{ .name = "UDP/IPv4", V4UDP, CUT },
		{ .name = "UDP/IPv6", V6UDP, CUT },
		{ .name = "UDP with IPv4 options", V4UDP, CUT, .n_ip_options = 8, .id = 0xffff },
		{ .name = "UDP behind extensions, tag", V6UDP, CUT, .n_vlans = 1,
		  .extension = { 0xff, IP_PROTO_DST_OPTIONS } },
		{ .name = "UDP, most datagrams", V4UDP, .n_payload = 12800, .gso_size = 100 },
		{ .name = "UDP, two tags", V4UDP, CUT, .n_vlans = 2 },
		{ .name = "shorter than a segment", V4TCP, .n_payload = 100, .gso_size = 1448 },
		{ .name = "UDP shorter than a segment", V6UDP, .n_payload = 100, .gso_size = 1448 },
		{ .name = "no payload", V4TCP, .gso_size = 1448, .tcp_flags = ACK },
		{ .name = "checksum only, TCP/IPv4", V4TCP, .n_payload = 1001 },
		{ .name = "checksum only, TCP/IPv6", V6TCP, .n_payload = 1000, .n_vlans = 1 },
		{ .name = "checksum only, UDP/IPv4", V4UDP, .n_payload = 1 },
		{ .name = "checksum only, UDP/IPv6", V6UDP, .n_vlans = 2, .extension = { 0xff } },
		{ .name = "nothing to do", V4TCP, .n_payload = 1000, .no_csum = true },
	};
	/* clang-format on */
	struct superframe_dice dice = { 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		superframe_build(&super, &specs[i]);
		superframe_scatter(&super, &dice);
		if (compare(specs[i].name) == 0)
			fail_msg("%s: refused", specs[i].name);
	}
}

static struct superframe_spec random_spec(struct superframe_dice *dice)
{
	static const uint8_t extensions[] = { 0, 0xff, IP_PROTO_DST_OPTIONS, IP_PROTO_ROUTING };
	struct superframe_spec spec = {
		.type = superframe_roll(dice, 2) ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6,
		.proto = superframe_roll(dice, 3) ? IP_PROTO_TCP : IP_PROTO_UDP,
		.n_payload = superframe_roll(dice, superframe_roll(dice, 2) ? 3000 : 64000),
		.gso_size = (uint16_t)superframe_roll(dice, 9000),
		.n_vlans = superframe_roll(dice, 3),
		.n_ip_options = superframe_roll(dice, 11) * 4,
		.n_tcp_options = superframe_roll(dice, 11) * 4,
		.tcp_flags = (uint8_t)superframe_roll(dice, 256),
		.id = (uint16_t)superframe_roll(dice, 65536),
		.seq = superframe_roll(dice, UINT32_MAX),
	};

	for (unsigned i = 0; i < sizeof(spec.extension); i++)
		spec.extension[i] = extensions[superframe_roll(dice, ARRAY_SIZE(extensions))];

	if (spec.proto == IP_PROTO_TCP)
		spec.ecn = superframe_roll(dice, 2);
	/* A finished checksum makes the kernel look for the headers itself,
	 * and from a packet socket it does not find them behind a tag.
	 */
	if (spec.proto == IP_PROTO_TCP && spec.n_vlans == 0)
		spec.no_csum = superframe_roll(dice, 4) == 0;

	/* UDP's limit; the tap's queue is read only behind the send, too. */
	if (spec.gso_size && spec.n_payload / spec.gso_size >= 128)
		spec.n_payload = 128u * spec.gso_size;
	/* The kernel counts TCP options as payload when it decides whether there
	 * is anything to cut, not when it cuts, and drops what is in between.
	 */
	if (spec.n_payload <= spec.gso_size)
		spec.n_tcp_options = 0;
	return spec;
}

static void random_frames_come_out_as_the_kernels(void **state)
{
	struct superframe_dice dice = { 20250720 };
	char name[300];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct superframe_spec spec = random_spec(&dice);

		(void)snprintf(
			name, sizeof(name),
			"random frame %d (%#x/%d, payload %u, gso_size %u, tags %u, extensions "
			"%u %u %u %u, ECN %d, flags %#x)",
			i, spec.type, spec.proto, spec.n_payload, spec.gso_size, spec.n_vlans,
			spec.extension[0], spec.extension[1], spec.extension[2], spec.extension[3],
			spec.ecn, spec.tcp_flags);
		superframe_build(&super, &spec);
		/* A partial sum for other addresses, as behind a routing header. */
		if (!spec.no_csum && superframe_roll(&dice, 2))
			super.data[super.at.l4 + le16_to_cpu(super.frame.vnet.csum_offset)] ^=
				(uint8_t)superframe_roll(&dice, 256);
		superframe_scatter(&super, &dice);
		if (compare(name) == 0)
			fail_msg("%s: refused", name);
	}
}

/* One of the numbers a vnet header can go wrong with. Never 65535: as a
 * gso_size it has a meaning of its own inside the kernel, which refuses it.
 */
static uint16_t random_number(struct superframe_dice *dice)
{
	static const uint16_t near[] = { 1, 6, 14, 16, 34, 42, 54, 62, 74, 4000, 4042, 4054, 4062 };

	if (superframe_roll(dice, 16) == 0)
		return (uint16_t)superframe_roll(dice, 65535);
	return (uint16_t)(near[superframe_roll(dice, ARRAY_SIZE(near))] + superframe_roll(dice, 3) -
			  1u);
}

static void spoil(struct vnet_header *vnet, struct superframe_dice *dice)
{
	static const uint8_t types[] = { 0, 1, 2, 4, 5, 0x80, 0x81, 0x84, 0x85 };

	switch (superframe_roll(dice, 6)) {
	case 0:
		vnet->flags = (uint8_t)superframe_roll(dice, 4);
		break;
	case 1:
		vnet->gso_type = types[superframe_roll(dice, ARRAY_SIZE(types))];
		break;
	case 2:
		vnet->hdr_len = cpu_to_le16(random_number(dice));
		break;
	case 3:
		vnet->gso_size = cpu_to_le16(random_number(dice));
		break;
	case 4:
		vnet->csum_start = cpu_to_le16(random_number(dice));
		break;
	case 5:
		vnet->csum_offset = cpu_to_le16(random_number(dice));
		break;
	}
}

/* Offload refuses more, but what it takes comes out as the kernel's. */
static void lies_are_taken_only_if_the_kernel_takes_them(void **state)
{
	struct superframe_dice dice = { 20250721 };
	unsigned n_taken = 0, n_refused = 0;
	char name[200];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct superframe_spec spec = {
			.type = superframe_roll(&dice, 2) ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6,
			.proto = superframe_roll(&dice, 2) ? IP_PROTO_TCP : IP_PROTO_UDP,
			.n_payload = superframe_roll(&dice, 2) ? 4000 : 300,
			.gso_size = 1000,
		};
		struct vnet_header *vnet = &super.frame.vnet;

		superframe_build(&super, &spec);
		for (uint32_t n = superframe_roll(&dice, 3) + 1; n > 0; n--)
			spoil(vnet, &dice);
		superframe_scatter(&super, &dice);

		/* More segments than the tap's queue holds. */
		if (vnet->gso_type != VNET_GSO_NONE && le16_to_cpu(vnet->gso_size) < 14)
			continue;

		(void)snprintf(name, sizeof(name),
			       "lie %d (%#x/%d, %u bytes, flags %u, type %#x, hdr_len %u, gso_size "
			       "%u, csum %u + %u)",
			       i, spec.type, spec.proto, super.len, vnet->flags, vnet->gso_type,
			       le16_to_cpu(vnet->hdr_len), le16_to_cpu(vnet->gso_size),
			       le16_to_cpu(vnet->csum_start), le16_to_cpu(vnet->csum_offset));
		*(compare(name) ? &n_taken : &n_refused) += 1;
	}

	/* Both happen often, or the test tests nothing. */
	assert_in_range(n_taken, 500, 4500);
	assert_in_range(n_refused, 500, 4500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_frames_come_out_as_the_kernels),
		cmocka_unit_test(random_frames_come_out_as_the_kernels),
		cmocka_unit_test(lies_are_taken_only_if_the_kernel_takes_them),
	};

	if (netns_skip_all())
		return 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("segment", tests, setup, teardown);
}
