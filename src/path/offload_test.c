/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of offload: what segments look like, what is refused, what happens
 * when the sender's memory changes. That they are the kernel's, byte for byte,
 * is tests/system/segment_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "path/offload.h"
#include "path/superframe.h"
#include "wire/ip.h"

#define ACK 0x10

static struct superframe super;
static struct offload offload;
static uint8_t buf[ETH_FRAME_MAX];

/* The sum of 16-bit words in network order, folded: 0xffff over something that
 * contains its right checksum. Deliberately not wire/csum.h.
 */
static uint32_t naive_sum(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void assert_checksums_right(const uint8_t *frame, uint32_t len, const struct layers *at)
{
	const uint8_t *ip = frame + at->l3;
	uint32_t n_l4 = len - at->l4;
	bool v4 = at->type == ETH_TYPE_IPV4;
	uint32_t sum = naive_sum(n_l4 + at->proto, ip + (v4 ? 12 : 8), v4 ? 8 : 32);

	assert_int_equal(naive_sum(sum, frame + at->l4, n_l4), 0xffff);
	if (v4)
		assert_int_equal(naive_sum(0, ip, at->l4 - at->l3), 0xffff);
}

static void assert_lengths_right(const uint8_t *frame, uint32_t len, const struct layers *at)
{
	const uint8_t *ip = frame + at->l3;

	if (at->type == ETH_TYPE_IPV4)
		assert_int_equal(be16_load(ip + 2), len - at->l3);
	else
		assert_int_equal(be16_load(ip + 4), len - at->l3 - 40);
	if (at->proto == IP_PROTO_UDP)
		assert_int_equal(be16_load(frame + at->l4 + 4), len - at->l4);
}

/* clang-format off */
static const struct superframe_spec frames_to_cut[] = {
	{ .name = "TCP/IPv4", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP, .n_payload = 20000,
	  .gso_size = 1448, .n_tcp_options = 12, .tcp_flags = ACK | TCP_PSH | TCP_FIN | TCP_CWR,
	  .id = 0xfffe, .seq = 0xffffff00, .ecn = true },
	{ .name = "TCP/IPv4 with options, two tags", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP,
	  .n_payload = 9001, .gso_size = 999, .n_vlans = 2, .n_ip_options = 40,
	  .n_tcp_options = 40, .tcp_flags = ACK | TCP_PSH },
	{ .name = "TCP/IPv6", .type = ETH_TYPE_IPV6, .proto = IP_PROTO_TCP, .n_payload = 65000,
	  .gso_size = 1428, .tcp_flags = ACK | TCP_FIN },
	{ .name = "TCP/IPv6 behind extensions", .type = ETH_TYPE_IPV6, .proto = IP_PROTO_TCP,
	  .n_payload = 5000, .gso_size = 1001, .n_vlans = 1,
	  .extension = { 0xff, IP_PROTO_DST_OPTIONS }, .tcp_flags = ACK },
	{ .name = "checksum not left to do", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP,
	  .n_payload = 3000, .gso_size = 1460, .tcp_flags = ACK, .no_csum = true },
	{ .name = "UDP/IPv4", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_UDP, .n_payload = 12001,
	  .gso_size = 1200 },
	{ .name = "UDP/IPv6", .type = ETH_TYPE_IPV6, .proto = IP_PROTO_UDP, .n_payload = 4800,
	  .gso_size = 1200, .n_vlans = 1 },
	{ .name = "checksum not left to do, tag", .type = ETH_TYPE_IPV6, .proto = IP_PROTO_TCP,
	  .n_payload = 3000, .gso_size = 1440, .n_vlans = 1, .tcp_flags = ACK, .no_csum = true },
	{ .name = "segments of one byte", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP,
	  .n_payload = OFFLOAD_FRAMES_MAX, .gso_size = 1, .tcp_flags = ACK },
};
/* clang-format on */

static void assert_segment_right(const struct superframe_spec *spec, const struct frame *got,
				 unsigned i, uint32_t done, bool last)
{
	const struct layers *at = &super.at;
	const uint8_t *tcp = buf + at->l4;
	uint32_t n_payload = got->len - at->payload;

	assert_ptr_equal(got->iov->iov_base, buf);
	assert_true(vnet_is_plain(&got->vnet));
	assert_int_equal(n_payload, last ? spec->n_payload - done : spec->gso_size);
	assert_memory_equal(buf, super.data, at->l3);
	assert_memory_equal(buf + at->payload, super.data + at->payload + done, n_payload);
	assert_lengths_right(buf, got->len, at);
	assert_checksums_right(buf, got->len, at);

	if (at->type == ETH_TYPE_IPV4)
		assert_int_equal(be16_load(buf + at->l3 + 4), (uint16_t)(spec->id + i));
	if (at->proto == IP_PROTO_TCP) {
		unsigned gone = (last ? 0u : TCP_FIN | TCP_PSH) | (i ? TCP_CWR : 0u);

		assert_int_equal(be32_load(tcp + 4), spec->seq + done);
		assert_int_equal(tcp[13], spec->tcp_flags & ~gone);
	}
}

static void a_frame_is_cut_into_right_segments(void **state)
{
	struct superframe_dice dice = { 1 };
	struct frame got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frames_to_cut); i++) {
		const struct superframe_spec *spec = &frames_to_cut[i];
		unsigned n = (spec->n_payload + spec->gso_size - 1) / spec->gso_size;
		uint32_t done = 0;

		superframe_build(&super, spec);
		superframe_scatter(&super, &dice);
		assert_int_equal(offload_begin(&offload, &super.frame), n);
		for (unsigned j = 0; j < n; j++) {
			assert_true(offload_next(&offload, buf, sizeof(buf), &got));
			assert_segment_right(spec, &got, j, done, j + 1 == n);
			done += got.len - super.at.payload;
		}
		assert_int_equal(done, spec->n_payload);
		assert_int_equal(offload_next_len(&offload), 0);
		assert_false(offload_next(&offload, buf, sizeof(buf), &got));
	}
}

static void a_checksum_alone_is_finished(void **state)
{
	struct superframe_spec spec = { .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP };
	struct superframe_dice dice = { 2 };
	struct frame got;

	(void)state;
	for (uint32_t n = 0; n < 3000; n += 7) {
		spec.type = n % 2 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6;
		spec.proto = n % 3 ? IP_PROTO_TCP : IP_PROTO_UDP;
		spec.n_vlans = n % 4 % 3;
		spec.n_payload = n;
		/* Too short to be cut is no lie: a checksum is left. */
		spec.gso_size = n % 5 ? 0 : 3000;
		superframe_build(&super, &spec);
		superframe_scatter(&super, &dice);

		assert_int_equal(offload_begin(&offload, &super.frame), 1);
		assert_int_equal(offload_next_len(&offload), super.len);
		assert_true(offload_next(&offload, buf, super.len, &got));
		assert_int_equal(got.len, super.len);
		assert_checksums_right(buf, got.len, &super.at);
		assert_memory_equal(buf, super.data, super.at.l4);
		assert_memory_equal(buf + super.at.payload, super.data + super.at.payload, n);
		assert_false(offload_next(&offload, buf, sizeof(buf), &got));
	}
}

static void a_zero_checksum_is_sent_as_ones(void **state)
{
	static const struct superframe_spec spec = {
		.type = ETH_TYPE_IPV4, .proto = IP_PROTO_UDP, .n_payload = 4, .gso_size = 2
	};
	struct frame got;
	uint8_t *payload;

	(void)state;

	/* Payload that makes each datagram's sum 0xffff: first whole, then cut. */
	for (int cut = 0; cut < 2; cut++) {
		superframe_build(&super, &spec);
		payload = super.data + super.at.payload;
		memset(payload, 0, 4);
		if (!cut)
			super.frame.vnet.gso_type = VNET_GSO_NONE;
		assert_true(offload_begin(&offload, &super.frame));
		assert_true(offload_next(&offload, buf, sizeof(buf), &got));
		memcpy(payload, buf + super.at.l4 + 6, 2);

		assert_true(offload_begin(&offload, &super.frame));
		assert_true(offload_next(&offload, buf, sizeof(buf), &got));
		assert_int_equal(be16_load(buf + super.at.l4 + 6), 0xffff);
		assert_checksums_right(buf, got.len, &super.at);
	}
}

static void a_plain_frame_passes_unchanged(void **state)
{
	static const struct superframe_spec spec = {
		.type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP, .n_payload = 100, .no_csum = true
	};
	struct frame got;

	(void)state;
	superframe_build(&super, &spec);
	assert_int_equal(offload_begin(&offload, &super.frame), 1);
	assert_true(offload_next(&offload, buf, sizeof(buf), &got));
	assert_int_equal(got.len, super.len);
	assert_memory_equal(buf, super.data, super.len);

	/* An Ethernet header alone is a frame, too. */
	burst_set_frame(&super.frame, super.data, ETH_HEADER_LEN);
	assert_int_equal(offload_begin(&offload, &super.frame), 1);
	assert_true(offload_next(&offload, buf, sizeof(buf), &got));
	assert_int_equal(got.len, ETH_HEADER_LEN);
}

/* A good TCP/IPv4 super-frame: offsets 14, 34, 54; 4054 bytes long. */
static const struct superframe_spec good = {
	.type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP, .n_payload = 4000, .gso_size = 1000
};

static void a_vnet_header_that_lies_is_refused(void **state)
{
	enum { CSUM = VNET_NEEDS_CSUM };
	/* clang-format off */
	static const struct {
		const char *what;
		uint8_t flags, gso_type;
		uint16_t hdr_len, gso_size, csum_start, csum_offset;
	} cases[] = {
		{ "gso_size 0",                CSUM, VNET_GSO_TCPV4,    54,    0,    34,    16 },
		{ "IPv6 asked of IPv4",        CSUM, VNET_GSO_TCPV6,    54,    1000, 34,    16 },
		{ "UDP asked of TCP",          CSUM, VNET_GSO_UDP_L4,   54,    1000, 34,    6  },
		{ "UFO",                       CSUM, VNET_GSO_UDP,      54,    1000, 34,    6  },
		{ "unknown type",              CSUM, 2,                 54,    1000, 34,    16 },
		{ "unknown type bit",          CSUM, 0x41,              54,    1000, 34,    16 },
		{ "ECN beside UFO",            CSUM, 0x83,              54,    1000, 34,    16 },
		{ "ECN alone",                 CSUM, VNET_GSO_ECN,      54,    1000, 34,    16 },
		{ "hdr_len behind the end",    CSUM, VNET_GSO_TCPV4,    4055,  1000, 34,    16 },
		{ "sum not from TCP on",       CSUM, VNET_GSO_TCPV4,    54,    1000, 36,    16 },
		{ "sum not to TCP's place",    CSUM, VNET_GSO_TCPV4,    54,    1000, 34,    6  },
		{ "sum starts behind the end", CSUM, VNET_GSO_NONE,     0,     0,    4054,  0  },
		{ "sum put behind the end",    CSUM, VNET_GSO_NONE,     0,     0,    34,    4019 },
		{ "sum half behind the end",   CSUM, VNET_GSO_NONE,     0,     0,    4053,  0  },
		{ "largest numbers",           CSUM, VNET_GSO_NONE,     0,     0,    65535, 65535 },
		{ "sum over the addresses",    CSUM, VNET_GSO_NONE,     0,     0,    0,     0  },
		{ "sum over a VLAN tag",       CSUM, VNET_GSO_NONE,     0,     0,    19,    0  },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		superframe_build(&super, &good);
		super.frame.vnet = (struct vnet_header){
			.flags = cases[i].flags,
			.gso_type = cases[i].gso_type,
			.hdr_len = cpu_to_le16(cases[i].hdr_len),
			.gso_size = cpu_to_le16(cases[i].gso_size),
			.csum_start = cpu_to_le16(cases[i].csum_start),
			.csum_offset = cpu_to_le16(cases[i].csum_offset),
		};
		if (offload_begin(&offload, &super.frame) != 0)
			fail_msg("taken: %s", cases[i].what);
		assert_int_equal(offload_next_len(&offload), 0);
	}

	/* The last bytes may be a checksum, and hdr_len the whole frame. */
	superframe_build(&super, &good);
	super.frame.vnet = (struct vnet_header){
		.flags = VNET_NEEDS_CSUM,
		.hdr_len = cpu_to_le16(4054),
		.csum_start = cpu_to_le16(34),
		.csum_offset = cpu_to_le16(4018),
	};
	assert_int_equal(offload_begin(&offload, &super.frame), 1);
}

static void frames_that_cannot_be_cut_are_refused(void **state)
{
	/* clang-format off */
	static const struct superframe_spec cases[] = {
		{ .name = "more segments than the limit", .type = ETH_TYPE_IPV4,
		  .proto = IP_PROTO_TCP, .n_payload = OFFLOAD_FRAMES_MAX + 1, .gso_size = 1 },
		{ .name = "more datagrams than the limit", .type = ETH_TYPE_IPV4,
		  .proto = IP_PROTO_UDP, .n_payload = 12801, .gso_size = 100 },
		{ .name = "a segment longer than IP can say", .type = ETH_TYPE_IPV4,
		  .proto = IP_PROTO_TCP, .n_payload = 69000, .gso_size = 65496 },
		{ .name = "a fragment", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP,
		  .n_payload = 4000, .gso_size = 1000, .frag = 0x2000 },
		{ .name = "an IPv6 fragment", .type = ETH_TYPE_IPV6, .proto = IP_PROTO_TCP,
		  .n_payload = 4000, .gso_size = 1000, .extension = { IP_PROTO_FRAGMENT } },
		{ .name = "UDP with TCP's ECN bit", .type = ETH_TYPE_IPV4,
		  .proto = IP_PROTO_UDP, .n_payload = 4000, .gso_size = 1000, .ecn = true },
		{ .name = "UDP whose checksum is done", .type = ETH_TYPE_IPV4,
		  .proto = IP_PROTO_UDP, .n_payload = 4000, .gso_size = 1000, .no_csum = true },
		{ .name = "three tags", .type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP,
		  .n_payload = 4000, .gso_size = 1000, .n_vlans = 3 },
	};
	/* clang-format on */
	struct superframe_spec longest = {
		.type = ETH_TYPE_IPV4, .proto = IP_PROTO_TCP, .n_payload = 69000, .gso_size = 65495
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		superframe_build(&super, &cases[i]);
		if (offload_begin(&offload, &super.frame) != 0)
			fail_msg("taken: %s", cases[i].name);
	}

	superframe_build(&super, &longest);
	assert_int_equal(offload_begin(&offload, &super.frame), 2);

	/* Headers longer than the limit: the TCP header is behind it. */
	superframe_build(&super, &good);
	be16_store(super.data + 12, ETH_TYPE_IPV6);
	memset(super.data + 14, 0, 600);
	super.data[14] = 0x60;
	super.data[14 + 40] = IP_PROTO_TCP;
	super.data[14 + 40 + 1] = 60; /* 488 bytes */
	super.frame.vnet.gso_type = VNET_GSO_TCPV6;
	super.frame.vnet.csum_start = cpu_to_le16(14 + 40 + 488);
	super.data[14 + 40 + 488 + 12] = 0x50;
	memcpy(super.frame.head, super.data, FRAME_HEAD_LEN);
	assert_int_equal(offload_begin(&offload, &super.frame), 0);
}

/* What forwarding looked at and what was checked is what leaves, even if the
 * sender writes to its memory at the worst moments.
 */
static void memory_that_changes_cannot_change_the_headers(void **state)
{
	struct frame got;

	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		superframe_build(&super, &good);
		if (!cut)
			super.frame.vnet.gso_type = VNET_GSO_NONE;

		/* The destination, after the decision. */
		super.data[5] ^= 0x40;
		assert_true(offload_begin(&offload, &super.frame));
		/* Everything, after the checks. */
		memset(super.data, 0xff, super.len);

		while (offload_next_len(&offload)) {
			assert_true(offload_next(&offload, buf, sizeof(buf), &got));
			assert_int_equal(buf[5], 2);
			assert_memory_equal(got.head, buf, FRAME_HEAD_LEN);
			if (cut) {
				assert_lengths_right(buf, got.len, &super.at);
				assert_checksums_right(buf, got.len, &super.at);
			}
			memset(super.data, 0xee, super.len);
		}
	}
}

static void a_buffer_that_is_too_small_changes_nothing(void **state)
{
	struct frame got = { .len = 77 };
	uint32_t len;

	(void)state;
	superframe_build(&super, &good);
	assert_int_equal(offload_begin(&offload, &super.frame), 4);
	len = offload_next_len(&offload);
	assert_int_equal(len, 1054);
	assert_false(offload_next(&offload, buf, len - 1, &got));
	assert_int_equal(got.len, 77);
	assert_int_equal(offload.n_left, 4);
	assert_true(offload_next(&offload, buf, len, &got));
	assert_segment_right(&good, &got, 0, 0, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_cut_into_right_segments),
		cmocka_unit_test(a_checksum_alone_is_finished),
		cmocka_unit_test(a_zero_checksum_is_sent_as_ones),
		cmocka_unit_test(a_plain_frame_passes_unchanged),
		cmocka_unit_test(a_vnet_header_that_lies_is_refused),
		cmocka_unit_test(frames_that_cannot_be_cut_are_refused),
		cmocka_unit_test(memory_that_changes_cannot_change_the_headers),
		cmocka_unit_test(a_buffer_that_is_too_small_changes_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
