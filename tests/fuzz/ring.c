/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "wire/eth.h"

#define EXPECT(what)                                                             \
	do {                                                                     \
		if (!(what)) {                                                   \
			(void)fprintf(stderr, "fuzz_ring: not so: %s\n", #what); \
			abort();                                                 \
		}                                                                \
	} while (0)

/* Two regions that follow each other. Parts of the ring are in the first. */
#define REGION_SIZE 8192u
#define GPA	    0x1000u
#define DESC_AT	    0u
#define AVAIL_AT    4096u
#define USED_AT	    5120u
#define USED_END    7424u

static struct {
	struct guest_mem mem;
	uint8_t *bytes[2]; /* blocks of their very size, so that ASan sees */
	uint8_t before[2][REGION_SIZE];
	struct ring_config config;
	struct ring *ring;
	enum ring_direction direction;
} sut;

static void start(void)
{
	memset(&sut.mem, 0, sizeof(sut.mem));
	for (unsigned i = 0; i < 2; i++) {
		struct guest_region region = {
			.gpa = GPA + i * REGION_SIZE,
			.user = GPA + 4 * i * REGION_SIZE,
			.size = REGION_SIZE,
		};

		if (!sut.bytes[i])
			sut.bytes[i] = aligned_alloc(16, REGION_SIZE);
		EXPECT(sut.bytes[i]);
		memset(sut.bytes[i], 0, REGION_SIZE);
		region.host = sut.bytes[i];
		EXPECT(guest_mem_add(&sut.mem, &region, NULL) == 0);
	}
	if (!sut.ring)
		sut.ring = malloc(sizeof(*sut.ring));
	EXPECT(sut.ring);
}

static void configure(enum ring_layout layout, uint8_t how)
{
	static const uint32_t sizes[] = { 1, 2, 4, 8, 16, 64, 128, 256 };
	static const uint32_t odd_sizes[] = { 1, 2, 3, 5, 16, 63, 128, 256 };
	uint64_t features = 0;

	features |= how & 2 ? VIRTIO_BIT(VIRTIO_F_EVENT_IDX) : 0;
	features |= how & 4 ? VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) : 0;
	features |= how & 8 ? VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) : 0;
	features |= how & 16 ? VIRTIO_BIT(VIRTIO_F_VERSION_1) : 0;
	sut.direction = how & 1 ? RING_TO_GUEST : RING_FROM_GUEST;
	sut.config = (struct ring_config){
		.layout = layout,
		.size = layout == RING_SPLIT ? sizes[how >> 5] : odd_sizes[how >> 5],
		.features = features,
		.desc = GPA + DESC_AT,
		.avail = GPA + AVAIL_AT,
		.used = GPA + USED_AT,
		.base = layout == RING_PACKED ? 0x80008000 : 0,
		.kick_fd = -1,
		.call_fd = -1,
	};
	EXPECT(ring_init(sut.ring, &sut.config, &sut.mem, sut.direction, NULL) == 0);
}

static bool is_in_memory(const void *at, size_t len)
{
	const uint8_t *byte = at;

	for (unsigned i = 0; i < 2; i++) {
		if (byte >= sut.bytes[i] && byte + len <= sut.bytes[i] + REGION_SIZE)
			return true;
	}
	return false;
}

/* Reads every byte as a port would. */
static void check_frame(const struct ring_frame *frame)
{
	uint64_t len = 0;

	if (frame->len == 0 || frame->len == UINT32_MAX)
		return;

	EXPECT(frame->n_iov > 1 && frame->iov[0].iov_len == 0);
	for (unsigned i = 1; i < frame->n_iov; i++) {
		const volatile uint8_t *bytes = frame->iov[i].iov_base;

		EXPECT(frame->iov[i].iov_len > 0);
		EXPECT(is_in_memory(frame->iov[i].iov_base, frame->iov[i].iov_len));
		(void)bytes[0];
		(void)bytes[frame->iov[i].iov_len - 1];
		len += frame->iov[i].iov_len;
	}
	EXPECT(len == frame->len);
}

/* A device writes to the used ring (split), or to descriptors that were
 * available (packed), and says when it wants to be kicked.
 */
static void check_untouched(void)
{
	unsigned from = sut.config.layout == RING_SPLIT ? USED_AT : DESC_AT;
	unsigned to = USED_END;

	EXPECT(memcmp(sut.bytes[1], sut.before[1], REGION_SIZE) == 0);
	EXPECT(memcmp(sut.bytes[0], sut.before[0], from) == 0);
	EXPECT(memcmp(sut.bytes[0] + to, sut.before[0] + to, REGION_SIZE - to) == 0);
	if (sut.config.layout == RING_PACKED)
		EXPECT(memcmp(sut.bytes[0] + AVAIL_AT, sut.before[0] + AVAIL_AT,
			      USED_AT - AVAIL_AT) == 0);
}

static void take(unsigned n)
{
	struct ring_frame frames[64];
	bool was_broken = sut.ring->is_broken;
	unsigned got;

	for (unsigned i = 0; i < 2; i++)
		memcpy(sut.before[i], sut.bytes[i], REGION_SIZE);
	got = ring_take(sut.ring, frames, n);
	EXPECT(got <= n && (got == 0 || !was_broken));
	for (unsigned i = 0; i < got; i++)
		check_frame(&frames[i]);
	(void)ring_release(sut.ring);
	check_untouched();
}

static void put(unsigned n, uint32_t len)
{
	static uint8_t bytes[65536];
	const struct vnet_header vnet = { 0 };
	const struct iovec iov[] = { { bytes, len / 3 }, { bytes, len - len / 3 } };
	bool was_broken = sut.ring->is_broken;

	ring_expect(sut.ring, n);
	while (n-- > 0) {
		enum ring_put put = ring_put(sut.ring, iov, ARRAY_SIZE(iov), len, &vnet);

		EXPECT(put != RING_PUT_DONE || !was_broken);
	}
	(void)ring_commit(sut.ring);
}

/* Does one operation; returns the bytes it took. */
static size_t operate(const uint8_t *data, size_t size)
{
	unsigned n = (data[0] & 0x3f) + 1u;
	unsigned number = size >= 3 ? data[1] | (unsigned)data[2] << 8 : 0;

	switch (data[0] & 0xc0) {
	case 0x00:
		for (size_t i = 0; i < n && i + 3 < size; i++) {
			unsigned at = (unsigned)(number + i) % (2 * REGION_SIZE);

			sut.bytes[at / REGION_SIZE][at % REGION_SIZE] = data[3 + i];
		}
		return MIN(size, (size_t)n + 3);
	case 0x40:
		if (sut.direction == RING_FROM_GUEST)
			take(n);
		return 1;
	case 0x80:
		if (sut.direction == RING_TO_GUEST)
			put(n, number);
		return MIN(size, (size_t)3);
	default:
		break;
	}

	if (data[0] == 0xc0) {
		(void)ring_arm(sut.ring);
	} else if (data[0] == 0xc1) {
		ring_disarm(sut.ring);
	} else if (data[0] == 0xc2 && !sut.ring->is_broken) {
		sut.config.base = ring_base(sut.ring);
		EXPECT(ring_init(sut.ring, &sut.config, &sut.mem, sut.direction, NULL) == 0);
	}
	return 1;
}

int fuzz_ring(enum ring_layout layout, const uint8_t *data, size_t size)
{
	if (size == 0 || size > 65536)
		return 0;

	start();
	configure(layout, data[0]);
	for (size_t i = 1; i < size;) {
		i += operate(data + i, size - i);
		EXPECT(sut.ring->is_broken == (sut.ring->broken[0] != '\0'));
	}
	return 0;
}
