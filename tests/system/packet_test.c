/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet port on real devices: every byte of every frame, both ways.
 *
 * The lower is a tap device, whose far end shows bytes and offloads as no
 * packet socket can falsify them; or a veth pair where that makes a difference.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "netns.h"
#include "rig.h"

static const uint8_t *frame_bytes(const struct frame *frame)
{
	assert_int_equal(frame->n_iov, 1);
	return frame->iov[0].iov_base;
}

/* ---- Frames that need nothing ---- */

#define ADDRESSES 0x02, 0, 0, 0, 0, 0xa1, 0x02, 0, 0, 0, 0, 0xb2

/* clang-format off */
static const struct {
	const char *what;
	size_t len;
	uint8_t start[30];	/* the rest is a pattern */
} shapes[] = {
	{ "a bare header",    14,   { ADDRESSES, 0x88, 0xb5 } },
	{ "plain",            60,   { ADDRESSES, 0x88, 0xb5 } },
	{ "odd",              61,   { ADDRESSES, 0x88, 0xb5 } },
	{ "a full MTU",       1514, { ADDRESSES, 0x88, 0xb5 } },
	{ "802.3 length",     60,   { ADDRESSES, 0x00, 0x2e, 0x42, 0x42, 0x03 } },
	{ "802.1Q",           64,   { ADDRESSES, 0x81, 0x00, 0x00, 0x64, 0x88, 0xb5 } },
	{ "802.1Q, shortest", 20,   { ADDRESSES, 0x81, 0x00, 0x00, 0x64, 0x88, 0xb5 } },
	{ "802.1Q, full MTU", 1518, { ADDRESSES, 0x81, 0x00, 0x00, 0x64, 0x88, 0xb5 } },
	{ "PCP and DEI",      64,   { ADDRESSES, 0x81, 0x00, 0xf0, 0x64, 0x88, 0xb5 } },
	{ "priority tag",     64,   { ADDRESSES, 0x81, 0x00, 0xa0, 0x00, 0x88, 0xb5 } },
	{ "all-zero tag",     64,   { ADDRESSES, 0x81, 0x00, 0x00, 0x00, 0x88, 0xb5 } },
	{ "VID 4095",         64,   { ADDRESSES, 0x81, 0x00, 0x0f, 0xff, 0x88, 0xb5 } },
	{ "802.1ad",          64,   { ADDRESSES, 0x88, 0xa8, 0x00, 0x07, 0x88, 0xb5 } },
	{ "QinQ",             68,   { ADDRESSES, 0x88, 0xa8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x64,
				      0x88, 0xb5 } },
	{ "Q in Q in Q",      72,   { ADDRESSES, 0x81, 0x00, 0x00, 0x01, 0x81, 0x00, 0x00, 0x02,
				      0x81, 0x00, 0x00, 0x03, 0x88, 0xb5 } },
	{ "tagged IPv4",      64,   { ADDRESSES, 0x81, 0x00, 0x00, 0x64, 0x08, 0x00, 0x45 } },
};
/* clang-format on */

static const uint8_t *shape(size_t i)
{
	static const uint8_t none[sizeof(shapes[0].start)];
	static uint8_t bytes[1518];

	for (size_t at = 0; at < sizeof(bytes); at++)
		bytes[at] = (uint8_t)(at + i);
	memcpy(bytes, shapes[i].start, MIN(shapes[i].len, sizeof(none)));
	return bytes;
}

static void every_shape_arrives_as_it_was_sent(void **state)
{
	struct rig *rig = *state;
	const struct vnet_header plain = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct frame *frame;

		print_message("# from the wire: %s\n", shapes[i].what);
		rig_write_wire(rig, plain, shape(i), shapes[i].len);
		rig_receive(rig->port, rig->in, 1);
		frame = &rig->in->frame[0];
		assert_int_equal(frame->len, shapes[i].len);
		assert_memory_equal(frame_bytes(frame), shape(i), shapes[i].len);
		assert_memory_equal(frame->head, shape(i), MIN(shapes[i].len, sizeof(frame->head)));
		assert_true(vnet_is_plain(&frame->vnet));
		rig->port->ops->release(rig->port);
	}
}

static void every_shape_leaves_as_it_was_given(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		print_message("# to the wire: %s\n", shapes[i].what);
		rig_send_one(rig->port, rig->out, shape(i), shapes[i].len);
		assert_int_equal(rig_read_wire(rig), shapes[i].len);
		assert_memory_equal(rig->bytes, shape(i), shapes[i].len);
		assert_true(vnet_is_plain(&rig->vnet));
	}
}

/* A veth hands its peer what the sender built, tag and all: another path in
 * the kernel than a tap's.
 */
static void every_shape_crosses_a_veth_pair(void **state)
{
	struct rig *rig = *state;
	struct port *far SCOPED(scoped_port) = rig_open("wire0");

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		print_message("# over veth: %s\n", shapes[i].what);
		rig_send_one(far, rig->out, shape(i), shapes[i].len);
		rig_receive(rig->port, rig->in, 1);
		assert_int_equal(rig->in->frame[0].len, shapes[i].len);
		assert_memory_equal(frame_bytes(&rig->in->frame[0]), shape(i), shapes[i].len);
	}
}

static void a_burst_keeps_its_order_and_its_budget(void **state)
{
	struct rig *rig = *state;
	const struct vnet_header plain = { 0 };
	unsigned got = 0;

	for (unsigned i = 0; i < 100; i++) {
		uint8_t bytes[60] = { ADDRESSES, 0x88, 0xb5, (uint8_t)i };

		rig_write_wire(rig, plain, bytes, sizeof(bytes));
	}

	for (unsigned budget = 10; got < 100; budget += 7) {
		unsigned n;

		burst_clear(rig->in);
		rig_wait(rig->port->fd);
		n = rig->port->ops->rx(rig->port, rig->in, budget);
		assert_int_equal(n, rig->in->n);
		assert_in_range(n, 1, budget);
		for (unsigned i = 0; i < rig->in->n; i++)
			assert_int_equal(frame_bytes(&rig->in->frame[i])[14], got++);
	}
}

static void received_frames_join_those_already_in_the_burst(void **state)
{
	struct rig *rig = *state;
	const struct vnet_header plain = { 0 };

	burst_clear(rig->in);
	for (unsigned i = 0; i < BURST_MAX - 1; i++)
		(void)rig_put(rig->in, shape(1), shapes[1].len);
	rig_write_wire(rig, plain, shape(2), shapes[2].len);
	rig_write_wire(rig, plain, shape(3), shapes[3].len);

	rig_wait(rig->port->fd);
	assert_int_equal(rig->port->ops->rx(rig->port, rig->in, BURST_MAX), 1);
	assert_int_equal(rig->in->n, BURST_MAX);
	assert_memory_equal(frame_bytes(&rig->in->frame[BURST_MAX - 2]), shape(1), shapes[1].len);
	assert_memory_equal(frame_bytes(&rig->in->frame[BURST_MAX - 1]), shape(2), shapes[2].len);
}

static void a_frame_in_pieces_leaves_whole(void **state)
{
	struct rig *rig = *state;
	static const size_t pieces[] = { 1, 2, 11, 46, 300, 1023 };
	struct iovec iov[1023];
	enum drop why = DROP_COUNT;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct frame *frame;
		uint8_t *data;

		burst_clear(rig->out);
		frame = rig_put(rig->out, shape(3), shapes[3].len);
		data = frame->one.iov_base;
		for (size_t j = 0; j < pieces[i]; j++)
			iov[j] = (struct iovec){ .iov_base = data + j, .iov_len = 1 };
		iov[pieces[i] - 1].iov_len = shapes[3].len - pieces[i] + 1;
		frame->iov = iov;
		frame->n_iov = (uint16_t)pieces[i];

		assert_int_equal(rig_send(rig->port, rig->out, &why), 1);
		assert_int_equal(rig_read_wire(rig), shapes[3].len);
		assert_memory_equal(rig->bytes, shape(3), shapes[3].len);
	}
}

static void more_pieces_than_one_call_takes_need_two(void **state)
{
	struct rig *rig = *state;
	static struct iovec iov[10][1000];
	enum drop why = DROP_COUNT;

	for (unsigned i = 0; i < ARRAY_SIZE(iov); i++) {
		struct frame *frame = rig_put(rig->out, shape(3), shapes[3].len);
		uint8_t *data = frame->one.iov_base;

		for (size_t j = 0; j < ARRAY_SIZE(iov[i]); j++)
			iov[i][j] = (struct iovec){ .iov_base = data + j, .iov_len = 1 };
		iov[i][999].iov_len = shapes[3].len - 999;
		frame->iov = iov[i];
		frame->n_iov = ARRAY_SIZE(iov[i]);
	}

	assert_int_equal(rig_send(rig->port, rig->out, &why), ARRAY_SIZE(iov));
	for (unsigned i = 0; i < ARRAY_SIZE(iov); i++) {
		assert_int_equal(rig_read_wire(rig), shapes[3].len);
		assert_memory_equal(rig->bytes, shape(3), shapes[3].len);
	}
}

/* ---- Frames with work left in them ---- */

/* A TCP segment of 'payload' bytes behind Ethernet, 'tagged' with VID 100 or
 * not, and IPv4; its checksum is left to whoever sends it at last. Returns the
 * length.
 */
static size_t super_frame(uint8_t *bytes, bool tagged, size_t payload, struct vnet_header *ret_vnet)
{
	/* clang-format off */
	static const uint8_t start[] = { ADDRESSES, 0x81, 0x00, 0x00, 0x64 };
	static const uint8_t ip[] = {
		0x45, 0, 0, 0,  0, 1, 0, 0,  64, 6, 0, 0,  10, 0, 0, 1,  10, 0, 0, 2,
	};
	static const uint8_t tcp[] = { 4, 0, 8, 0,  0, 0, 0, 1,  0, 0, 0, 1,  0x50, 0x10, 1, 0 };
	/* clang-format on */
	size_t eth = tagged ? 18 : 14;

	memset(bytes, 0, eth + 40);
	memcpy(bytes, start, tagged ? 16 : 12);
	bytes[eth - 2] = 0x08;
	memcpy(bytes + eth, ip, sizeof(ip));
	be16_store(bytes + eth + 2, (uint16_t)(40 + payload));
	memcpy(bytes + eth + 20, tcp, sizeof(tcp));
	for (size_t i = 0; i < payload; i++)
		bytes[eth + 40 + i] = (uint8_t)(i * 7);

	*ret_vnet = (struct vnet_header){
		.flags = VNET_NEEDS_CSUM,
		.gso_type = VNET_GSO_TCPV4,
		.hdr_len = cpu_to_le16((uint16_t)(eth + 40)),
		.gso_size = cpu_to_le16(1448),
		.csum_start = cpu_to_le16((uint16_t)(eth + 20)),
		.csum_offset = cpu_to_le16(16),
	};
	return eth + 40 + payload;
}

static void assert_offload_equal(struct vnet_header a, struct vnet_header b)
{
	assert_int_equal(a.flags & VNET_NEEDS_CSUM, b.flags & VNET_NEEDS_CSUM);
	assert_int_equal(a.gso_type, b.gso_type);
	assert_int_equal(le16_to_cpu(a.gso_size), le16_to_cpu(b.gso_size));
	assert_int_equal(le16_to_cpu(a.csum_start), le16_to_cpu(b.csum_start));
	assert_int_equal(le16_to_cpu(a.csum_offset), le16_to_cpu(b.csum_offset));
}

static void super_frames_pass_whole(void **state)
{
	struct rig *rig = *state;
	static uint8_t sent[80000];

	for (int tagged = 0; tagged < 2; tagged++) {
		struct vnet_header vnet;
		size_t len = super_frame(sent, tagged, 65000, &vnet);
		enum drop why = DROP_COUNT;

		print_message("# %s\n", tagged ? "tagged" : "untagged");
		rig_write_wire(rig, vnet, sent, len);
		rig_receive(rig->port, rig->in, 1);
		assert_int_equal(rig->in->frame[0].len, len);
		assert_memory_equal(frame_bytes(&rig->in->frame[0]), sent, len);
		assert_offload_equal(rig->in->frame[0].vnet, vnet);
		/* A hint, but one that has to cover the headers, tag included. */
		assert_true(le16_to_cpu(rig->in->frame[0].vnet.hdr_len) >=
			    le16_to_cpu(vnet.hdr_len));

		burst_clear(rig->out);
		rig_put(rig->out, sent, len)->vnet = vnet;
		assert_int_equal(rig_send(rig->port, rig->out, &why), 1);
		assert_int_equal(rig_read_wire(rig), len);
		assert_memory_equal(rig->bytes, sent, len);
		assert_offload_equal(rig->vnet, vnet);
	}
}

static void a_checksum_is_left_open_behind_a_tag_too(void **state)
{
	struct rig *rig = *state;
	static uint8_t sent[2000];

	for (int tagged = 0; tagged < 2; tagged++) {
		struct vnet_header vnet;
		size_t len = super_frame(sent, tagged, 500, &vnet);
		enum drop why = DROP_COUNT;

		vnet.gso_type = VNET_GSO_NONE;
		vnet.gso_size = vnet.hdr_len = cpu_to_le16(0);
		rig_write_wire(rig, vnet, sent, len);
		rig_receive(rig->port, rig->in, 1);
		assert_memory_equal(frame_bytes(&rig->in->frame[0]), sent, len);
		assert_offload_equal(rig->in->frame[0].vnet, vnet);

		burst_clear(rig->out);
		rig_put(rig->out, sent, len)->vnet = vnet;
		assert_int_equal(rig_send(rig->port, rig->out, &why), 1);
		assert_int_equal(rig_read_wire(rig), len);
		assert_offload_equal(rig->vnet, vnet);
	}
}

/* ---- Frames that do not get through ---- */

static void a_bad_frame_stops_the_burst_and_is_named(void **state)
{
	struct rig *rig = *state;
	static const uint8_t big[2000] = { ADDRESSES, 0x88, 0xb5 };
	struct frame *frames[7];
	enum drop why = DROP_COUNT;

	burst_clear(rig->out);
	for (unsigned i = 0; i < 7; i++) {
		bool large = i == 2;

		(void)rig_put(rig->out, large ? big : shape(1), large ? sizeof(big) : 60);
		frames[i] = &rig->out->frame[i];
	}
	frames[4]->vnet.flags = VNET_NEEDS_CSUM;
	frames[4]->vnet.csum_start = cpu_to_le16(5000);
	frames[5]->vnet.gso_type = 77;
	frames[5]->vnet.gso_size = cpu_to_le16(1);

	assert_int_equal(rig->port->ops->tx(rig->port, frames, 7, &why), 2);
	assert_int_equal(why, DROP_OVERSIZE);
	assert_int_equal(rig->port->ops->tx(rig->port, frames + 3, 4, &why), 1);
	assert_int_equal(why, DROP_BAD_OFFLOAD);
	assert_int_equal(rig->port->ops->tx(rig->port, frames + 5, 2, &why), 0);
	assert_int_equal(why, DROP_BAD_OFFLOAD);
	assert_int_equal(rig->port->ops->tx(rig->port, frames + 6, 1, &why), 1);
	assert_false(rig->port->faulty);

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_read_wire(rig), 60);
}

/* Traffic control on the device decides about each frame: one that is larger
 * than the bucket of a token bucket filter never leaves, its neighbours do.
 */
static void what_traffic_control_refuses_is_that_frame(void **state)
{
	struct rig *rig = *state;
	static const unsigned order[] = { 1, 3, 1, 3, 2 };
	struct frame *frames[ARRAY_SIZE(order)];
	enum drop why = DROP_COUNT;

	netns_run("tc qdisc add dev low0 root tbf rate 1gbit burst 1000 limit 100000");
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		frames[i] = rig_put(rig->out, shape(order[i]), shapes[order[i]].len);

	assert_int_equal(rig->port->ops->tx(rig->port, frames, 5, &why), 1);
	assert_int_equal(why, DROP_LOWER_FULL);
	assert_int_equal(rig->port->ops->tx(rig->port, frames + 2, 3, &why), 1);
	assert_int_equal(why, DROP_LOWER_FULL);
	assert_int_equal(rig->port->ops->tx(rig->port, frames + 4, 1, &why), 1);
	assert_int_equal(rig_read_wire(rig), 60);
	assert_int_equal(rig_read_wire(rig), 60);
	assert_int_equal(rig_read_wire(rig), 61);
}

static void more_pieces_than_the_kernel_takes_are_refused(void **state)
{
	struct rig *rig = *state;
	static struct iovec iov[UIO_MAXIOV];
	enum drop why = DROP_COUNT;

	burst_clear(rig->out);
	for (unsigned i = 0; i < 2; i++)
		(void)rig_put(rig->out, shape(3), shapes[3].len);
	for (size_t i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] =
			(struct iovec){ .iov_base = rig->out->frame[1].one.iov_base, .iov_len = 1 };
	rig->out->frame[1].iov = iov;
	rig->out->frame[1].n_iov = ARRAY_SIZE(iov);

	assert_int_equal(rig_send(rig->port, rig->out, &why), 1);
	assert_int_equal(why, DROP_OVERSIZE);
}

static void frames_above_the_limit_are_counted_as_truncated(void **state)
{
	struct rig *rig = *state;
	static uint8_t big[ETH_FRAME_MAX + 1] = { ADDRESSES, 0x81, 0x00, 0x00, 0x64, 0x88, 0xb5 };
	const struct vnet_header plain = { 0 };

	rig_write_wire(rig, plain, big, ETH_FRAME_MAX + 1); /* by its tag */
	big[12] = 0x88;
	big[13] = 0xb5;
	rig_write_wire(rig, plain, big, ETH_FRAME_MAX + 1);
	rig_write_wire(rig, plain, big, ETH_FRAME_MAX);
	rig_receive(rig->port, rig->in, 1);

	assert_int_equal(rig->in->n, 1);
	assert_int_equal(rig->in->frame[0].len, ETH_FRAME_MAX);
	assert_int_equal(rig->in->dropped[DROP_TRUNCATED], 2);
}

/* Segmentation that a vnet header has no word for: the kernel takes UFO from a
 * tap, but packet sockets cannot tell of it. The frame is lost and counted,
 * its neighbours are not, and whoever sends next is not blamed.
 */
static void inexpressible_segmentation_costs_that_frame_alone(void **state)
{
	struct rig *rig = *state;
	static uint8_t bytes[4000];
	const struct vnet_header plain = { 0 };
	struct vnet_header ufo;
	size_t len = super_frame(bytes, false, 3000, &ufo);

	bytes[14 + 9] = 17; /* UDP */
	ufo.gso_type = VNET_GSO_UDP;
	ufo.csum_offset = cpu_to_le16(6);

	rig_write_wire(rig, plain, shape(1), 60);
	rig_write_wire(rig, ufo, bytes, len);
	rig_write_wire(rig, plain, shape(2), 61);
	rig_receive(rig->port, rig->in, 2);
	assert_int_equal(rig->in->frame[0].len, 60);
	assert_int_equal(rig->in->frame[1].len, 61);
	assert_int_equal(rig->in->dropped[DROP_BAD_OFFLOAD], 1);

	rig_write_wire(rig, plain, shape(1), 60);
	rig_write_wire(rig, ufo, bytes, len);
	burst_clear(rig->in);
	assert_int_equal(rig->port->ops->rx(rig->port, rig->in, BURST_MAX), 1);
	rig_send_one(rig->port, rig->out, shape(1), 60);
	assert_int_equal(rig_read_wire(rig), 60);
	(void)rig->port->ops->rx(rig->port, rig->in, BURST_MAX);
	assert_int_equal(rig->in->dropped[DROP_BAD_OFFLOAD], 1);
	assert_false(rig->port->faulty);
}

static void what_overruns_the_socket_is_counted_as_missed(void **state)
{
	struct rig *rig = *state;
	const struct vnet_header plain = { 0 };
	int small = 1, n_sent = 500;
	uint64_t missed, received = 0;

	assert_int_equal(setsockopt(rig->port->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
			 0);
	for (int i = 0; i < n_sent; i++)
		rig_write_wire(rig, plain, shape(1), 60);

	missed = port_packet_missed(rig->port);
	do {
		burst_clear(rig->in);
		received += rig->port->ops->rx(rig->port, rig->in, BURST_MAX);
	} while (rig->in->n > 0);
	assert_true(missed > 0);
	assert_int_equal(received + missed, n_sent);
	assert_int_equal(port_packet_missed(rig->port), missed);
}

/* ---- Frames that are none of its business ---- */

static void it_sees_neither_its_own_frames_nor_the_hosts(void **state)
{
	struct rig *rig = *state;
	const struct vnet_header plain = { 0 };
	/* clang-format off */
	static const uint8_t broadcast[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  2, 0, 0, 0, 0, 0xb2,  0x88, 0xb5,
	};
	/* clang-format on */
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 9 };
	int host SCOPED(scoped_fd) = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	netns_run("ip address add 10.0.0.1/24 dev low0");
	to.sin_addr.s_addr = htonl(0x0a0000ff);
	assert_int_equal(setsockopt(host, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
	assert_int_equal(sendto(host, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	rig_send_one(rig->port, rig->out, broadcast, sizeof(broadcast));
	assert_int_equal(rig_read_wire(rig), 43); /* both did leave */
	assert_int_equal(rig_read_wire(rig), 60);

	rig_write_wire(rig, plain, shape(2), 61);
	rig_receive(rig->port, rig->in, 1);
	assert_int_equal(rig->in->frame[0].len, 61);
	assert_int_equal(rig->port->ops->rx(rig->port, rig->in, BURST_MAX), 0);
}

#define WITH_TAP(test)	cmocka_unit_test_setup_teardown(test, rig_setup_tap, rig_teardown)
#define WITH_VETH(test) cmocka_unit_test_setup_teardown(test, rig_setup_veth, rig_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_TAP(every_shape_arrives_as_it_was_sent),
		WITH_TAP(every_shape_leaves_as_it_was_given),
		WITH_VETH(every_shape_crosses_a_veth_pair),
		WITH_TAP(a_burst_keeps_its_order_and_its_budget),
		WITH_TAP(received_frames_join_those_already_in_the_burst),
		WITH_TAP(a_frame_in_pieces_leaves_whole),
		WITH_TAP(more_pieces_than_one_call_takes_need_two),
		WITH_TAP(super_frames_pass_whole),
		WITH_TAP(a_checksum_is_left_open_behind_a_tag_too),
		WITH_TAP(a_bad_frame_stops_the_burst_and_is_named),
		WITH_TAP(what_traffic_control_refuses_is_that_frame),
		WITH_TAP(more_pieces_than_the_kernel_takes_are_refused),
		WITH_TAP(frames_above_the_limit_are_counted_as_truncated),
		WITH_TAP(inexpressible_segmentation_costs_that_frame_alone),
		WITH_TAP(what_overruns_the_socket_is_counted_as_missed),
		WITH_TAP(it_sees_neither_its_own_frames_nor_the_hosts),
	};

	if (netns_skip_all())
		return 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
