/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: a frame with a vnet header, parsed, then finished or cut.
 *
 * The input: a vnet header; two bytes that are a number of filler bytes behind
 * the frame, so that large frames fit into small inputs; one byte that says in
 * which pieces the frame lies; the frame.
 *
 * Whatever offload makes has to be as many and as long frames as it said, with
 * headers that parse to the same places, lengths and sums that are right, and
 * the payload of the frame, whole and in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "path/offload.h"
#include "wire/ip.h"

#define PREFIX_LEN (sizeof(struct vnet_header) + 3)

#define EXPECT(what) expect((what), #what)

static void expect(bool so, const char *what)
{
	if (so)
		return;

	(void)fprintf(stderr, "fuzz_frame: not so: %s\n", what);
	abort();
}

static struct iovec iov[ETH_FRAME_MAX + 1];
static struct offload offload;

/* Deliberately not wire/csum.h. */
static uint32_t naive_sum(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Pieces of 'step' bytes, with empty ones between if 'step' is odd. */
static void scatter(struct frame *frame, const uint8_t *data, uint32_t len, uint32_t step)
{
	uint16_t n = 0;

	if (step == 0 || len / step > 1000)
		step = len;
	for (uint32_t pos = 0; pos < len; pos += step) {
		iov[n++] = (struct iovec){ (void *)(data + pos), MIN(step, len - pos) };
		if (step % 2)
			iov[n++] = (struct iovec){ NULL, 0 };
	}
	frame->iov = iov;
	frame->n_iov = n;
}

static void check_layers(const uint8_t *data, uint32_t len)
{
	struct layers at;

	if (!parse_frame(data, MIN(len, (uint32_t)UINT16_MAX), &at))
		return;

	EXPECT(at.type == ETH_TYPE_IPV4 || at.type == ETH_TYPE_IPV6);
	EXPECT(at.proto == IP_PROTO_TCP || at.proto == IP_PROTO_UDP);
	EXPECT(at.l3 >= ETH_HEADER_LEN && at.l3 <= ETH_HEADER_LEN + 2 * ETH_VLAN_LEN);
	EXPECT(at.l4 >= at.l3 + sizeof(struct ipv4_header));
	EXPECT(at.payload >= at.l4 + sizeof(struct udp_header) && at.payload <= len);
}

static void check_segment(const uint8_t *segment, uint32_t len, const struct frame *source)
{
	struct layers at;
	const uint8_t *ip;

	EXPECT(parse_frame(segment, MIN(len, (uint32_t)UINT16_MAX), &at));
	EXPECT(at.type == offload.at.type && at.proto == offload.at.proto);
	EXPECT(at.l4 == offload.at.l4 && at.payload == offload.at.payload);

	ip = segment + at.l3;
	if (at.type == ETH_TYPE_IPV4) {
		EXPECT(be16_load(ip + offsetof(struct ipv4_header, total_len)) == len - at.l3);
		EXPECT(naive_sum(0, ip, at.l4 - at.l3) == 0xffff);
	} else {
		EXPECT(be16_load(ip + offsetof(struct ipv6_header, payload_len)) ==
		       len - at.l3 - sizeof(struct ipv6_header));
	}
	if (at.proto == IP_PROTO_UDP)
		EXPECT(be16_load(segment + at.l4 + offsetof(struct udp_header, len)) ==
		       len - at.l4);

	/* With a partial sum from the input, the sum is what the input says. */
	if (!(source->vnet.flags & VNET_NEEDS_CSUM)) {
		bool v4 = at.type == ETH_TYPE_IPV4;
		uint32_t pseudo =
			naive_sum(len - at.l4 + at.proto, ip + (v4 ? 12 : 8), v4 ? 8 : 32);

		EXPECT(naive_sum(pseudo, segment + at.l4, len - at.l4) == 0xffff);
	}
}

/* Everything but the bytes a checksum was put into. */
static void check_whole(const uint8_t *made, const uint8_t *data, const struct frame *source)
{
	uint32_t from = source->len, to = source->len;

	if (source->vnet.flags & VNET_NEEDS_CSUM) {
		from = le16_to_cpu(source->vnet.csum_start) + le16_to_cpu(source->vnet.csum_offset);
		to = from + 2;
	}
	EXPECT(memcmp(made, data, from) == 0);
	EXPECT(memcmp(made + to, data + to, source->len - to) == 0);
}

/* 'done' bytes of the frame went into the headers and the frames before. */
static void check_next(uint32_t len, const struct frame *source, const uint8_t *data, uint32_t done)
{
	/* A block of its very size, so that ASan sees what writes beyond. */
	uint8_t *buf = malloc(len);
	struct frame made;

	EXPECT(buf && !offload_next(&offload, buf, len - 1, &made));
	EXPECT(offload_next(&offload, buf, len, &made));
	EXPECT(made.len == len && made.iov->iov_base == buf && vnet_is_plain(&made.vnet));
	EXPECT(memcmp(buf, data, ETH_HEADER_LEN) == 0);
	if (offload.cut) {
		check_segment(buf, len, source);
		EXPECT(memcmp(buf + offload.head_len, data + done, len - offload.head_len) == 0);
	} else {
		check_whole(buf, data, source);
	}
	free(buf);
}

static void check_frames(const struct frame *source, const uint8_t *data)
{
	unsigned n = offload_begin(&offload, source), n_made = 0;
	uint32_t done = offload.head_len;

	EXPECT(n <= OFFLOAD_FRAMES_MAX);

	for (uint32_t len; (len = offload_next_len(&offload)) > 0; n_made++) {
		check_next(len, source, data, done);
		done += len - offload.head_len;
	}

	EXPECT(n_made == n && (n == 0 || done == source->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	uint32_t len, n_given, n_filler;
	uint8_t *whole;

	if (size < PREFIX_LEN + ETH_HEADER_LEN || size > ETH_FRAME_MAX)
		return 0;

	n_given = (uint32_t)(size - PREFIX_LEN);
	n_filler = be16_load(data + sizeof(struct vnet_header));
	len = MIN(n_given + n_filler, (uint32_t)ETH_FRAME_MAX);
	whole = malloc(len);
	EXPECT(whole != NULL);
	memset(whole, 0xa5, len);
	memcpy(whole, data + PREFIX_LEN, n_given);

	burst_set_frame(&frame, whole, len);
	memcpy(&frame.vnet, data, sizeof(frame.vnet));
	scatter(&frame, whole, len, data[PREFIX_LEN - 1]);
	check_layers(whole, len);
	check_frames(&frame, whole);

	free(whole);
	return 0;
}
