/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings against a driver that keeps to the standard, in all the ways it leaves
 * open. hostile_test.c has the drivers that do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "virtio/model_driver.h"
#include "virtio/ring.h"

#define N_SLOTS	  60
#define BURST	  16
#define SLOT_SIZE 5003 /* odd, so that nothing is aligned */

/* Places for frames, around the border of the two regions. */
#define SLOTS_GPA (MODEL_GPA + MODEL_REGION_SIZE - N_SLOTS / 2 * SLOT_SIZE)

#define MODERN	 VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define MERGE	 VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF)
#define EVENT	 VIRTIO_BIT(VIRTIO_F_EVENT_IDX)
#define INDIRECT VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)

struct kind {
	enum ring_layout layout;
	uint32_t size;
	uint64_t features;
};

/* clang-format off */
static const struct kind kinds[] = {
	{ RING_SPLIT,  256, MODERN | MERGE | EVENT | INDIRECT },
	{ RING_SPLIT,  64,  MODERN | EVENT },
	{ RING_SPLIT,  16,  MODERN | MERGE | INDIRECT },
	{ RING_SPLIT,  8,   0 },
	{ RING_SPLIT,  1,   MODERN | INDIRECT },
	{ RING_PACKED, 256, MODERN | MERGE | EVENT | INDIRECT },
	{ RING_PACKED, 64,  MODERN | EVENT },
	{ RING_PACKED, 17,  MODERN | MERGE | INDIRECT },
	{ RING_PACKED, 8,   MODERN },
	{ RING_PACKED, 1,   MODERN | INDIRECT },
};
/* clang-format on */

struct fixture {
	struct kind kind;
	struct model_guest guest;
	struct model_driver driver;
	struct ring *ring;
	uint32_t random;
	bool slot_busy[N_SLOTS];
	unsigned slot_seq[N_SLOTS];
	uint32_t slot_len[N_SLOTS];
};

static void set_up(struct fixture *f, const struct kind *kind, enum ring_direction direction)
{
	*f = (struct fixture){ .kind = *kind, .random = 12345 };
	model_guest_init(&f->guest);
	model_driver_init(&f->driver, &f->guest, kind->layout, kind->size, kind->features);
	f->ring = malloc(sizeof(*f->ring));
	assert_non_null(f->ring);
	assert_int_equal(ring_init(f->ring, &f->driver.config, &f->guest.mem, direction, NULL), 0);
}

static void tear_down(struct fixture *f)
{
	assert_false(f->ring->is_broken);
	free(f->ring);
	model_driver_fini(&f->driver);
	model_guest_fini(&f->guest);
}

static uint32_t chance(struct fixture *f, uint32_t n)
{
	f->random = f->random * 1103515245 + 12345;
	return (f->random >> 8) % n;
}

/* What a control thread does between two ports: the ring goes on elsewhere. */
static void move(struct fixture *f, enum ring_direction direction)
{
	f->driver.config.base = ring_base(f->ring);
	assert_int_equal(ring_init(f->ring, &f->driver.config, &f->guest.mem, direction, NULL), 0);
}

static uint32_t header_len(const struct fixture *f)
{
	return f->kind.features & (MODERN | MERGE) ? 12 : 10;
}

static uint32_t frame_len(unsigned seq)
{
	return 1 + seq * 7919 % 4000;
}

static uint8_t frame_byte(unsigned seq, uint32_t at)
{
	return (uint8_t)(seq * 31 + at + at / 256);
}

static struct vnet_header frame_vnet(unsigned seq)
{
	return (struct vnet_header){ .flags = (uint8_t)seq,
				     .csum_start = cpu_to_le16((uint16_t)seq),
				     .csum_offset = cpu_to_le16((uint16_t)~seq) };
}

static int find_slot(struct fixture *f)
{
	unsigned start = chance(f, N_SLOTS);

	for (unsigned i = 0; i < N_SLOTS; i++) {
		if (!f->slot_busy[(start + i) % N_SLOTS])
			return (int)((start + i) % N_SLOTS);
	}
	return -1;
}

/* Cuts 'len' bytes at 'gpa' into up to 'max' pieces. */
static unsigned cut(struct fixture *f, uint64_t gpa, uint32_t len, bool is_write, unsigned max,
		    struct model_piece pieces[])
{
	unsigned n = 0;

	while (len > 0) {
		uint32_t size = n + 1 == max || chance(f, 3) == 0 ? len : 1 + chance(f, len);

		pieces[n++] = (struct model_piece){ gpa, size, is_write };
		gpa += size;
		len -= size;
	}
	return n;
}

/* Adds 'len' bytes in a free place, in as many pieces as the ring takes. */
static bool add(struct fixture *f, int slot, uint32_t len, bool is_write)
{
	struct model_piece pieces[8];
	bool may_indirect = f->kind.features & INDIRECT;
	enum model_how how =
		may_indirect && (f->kind.size < 8 || chance(f, 2)) ? MODEL_INDIRECT : MODEL_DIRECT;
	unsigned max = how == MODEL_INDIRECT ? 8 : MIN(f->kind.size, 8u);
	unsigned n = cut(f, SLOTS_GPA + (uint64_t)slot * SLOT_SIZE, len, is_write, max, pieces);

	if (!model_driver_add(&f->driver, pieces, n, how, (unsigned)slot))
		return false;
	f->slot_busy[slot] = true;
	f->slot_len[slot] = len;
	return true;
}

/*
 * The guest sends
 */

static bool send_frame(struct fixture *f, unsigned seq)
{
	int slot = find_slot(f);
	uint8_t bytes[SLOT_SIZE] = { 0 };
	struct vnet_header vnet = frame_vnet(seq);

	if (slot < 0)
		return false;
	memcpy(bytes, &vnet, sizeof(vnet));
	for (uint32_t i = 0; i < frame_len(seq); i++)
		bytes[header_len(f) + i] = frame_byte(seq, i);
	model_guest_write(&f->guest, SLOTS_GPA + (uint64_t)slot * SLOT_SIZE, bytes,
			  header_len(f) + frame_len(seq));
	f->slot_seq[slot] = seq;
	return add(f, slot, header_len(f) + frame_len(seq), false);
}

static void check_frame(const struct ring_frame *frame, unsigned seq)
{
	struct vnet_header vnet = frame_vnet(seq);
	uint32_t at = 0;

	assert_int_equal(frame->len, frame_len(seq));
	assert_memory_equal(&frame->vnet, &vnet, sizeof(vnet));
	assert_int_equal(frame->iov[0].iov_len, 0);
	for (unsigned i = 1; i < frame->n_iov; i++) {
		assert_true(frame->iov[i].iov_len > 0);
		for (size_t k = 0; k < frame->iov[i].iov_len; k++)
			assert_int_equal(((uint8_t *)frame->iov[i].iov_base)[k],
					 frame_byte(seq, at++));
	}
	assert_int_equal(at, frame->len);
}

static void reap_sent(struct fixture *f, unsigned *seq)
{
	unsigned token;
	uint32_t len;

	while (model_driver_get(&f->driver, &token, &len)) {
		assert_int_equal(len, 0);
		assert_int_equal(f->slot_seq[token], (*seq)++);
		f->slot_busy[token] = false;
	}
}

static void frames_leave_in_order_however_they_lie(void **state)
{
	struct ring_frame frames[BURST];
	struct fixture f;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		unsigned sent = 0, taken = 0, reaped = 0;

		set_up(&f, &kinds[k], RING_FROM_GUEST);
		while (reaped < 3000) {
			unsigned n = chance(&f, 12), got;

			while (n-- > 0 && send_frame(&f, sent))
				sent++;
			(void)model_driver_publish(&f.driver);

			got = ring_take(f.ring, frames, 1 + chance(&f, BURST));
			for (unsigned i = 0; i < got; i++)
				check_frame(&frames[i], taken++);
			assert_true(got > 0 || taken == sent);
			(void)ring_release(f.ring);
			reap_sent(&f, &reaped);
			assert_int_equal(reaped, taken);
			if (chance(&f, 50) == 0)
				move(&f, RING_FROM_GUEST);
		}
		tear_down(&f);
	}
}

/*
 * The guest receives
 */

static void fill(struct fixture *f, uint32_t min, uint32_t max)
{
	for (int slot; (slot = find_slot(f)) >= 0;) {
		if (!add(f, slot, min + chance(f, max - min + 1), true))
			break;
	}
	(void)model_driver_publish(&f->driver);
}

static void fill_with_one_piece_each(struct fixture *f, uint32_t len)
{
	for (int slot; (slot = find_slot(f)) >= 0;) {
		const struct model_piece piece = { SLOTS_GPA + (uint64_t)slot * SLOT_SIZE, len,
						   true };

		if (!model_driver_add(&f->driver, &piece, 1, MODEL_DIRECT, (unsigned)slot))
			break;
		f->slot_busy[slot] = true;
		f->slot_len[slot] = len;
	}
	(void)model_driver_publish(&f->driver);
}

static enum ring_put put_frame(struct fixture *f, unsigned seq)
{
	uint32_t len = frame_len(seq), first = chance(f, len + 1);
	struct vnet_header vnet = frame_vnet(seq);
	uint8_t bytes[SLOT_SIZE];
	const struct iovec iov[] = { { bytes, first },
				     { NULL, 0 },
				     { bytes + first, len - first } };

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = frame_byte(seq, i);
	return ring_put(f->ring, iov, ARRAY_SIZE(iov), len, &vnet);
}

/* One frame the guest received, from as many buffers as its header says. */
static void check_received(struct fixture *f, unsigned seq, unsigned token, uint32_t used)
{
	static uint8_t bytes[2 * SLOT_SIZE];
	struct virtio_net_header header = { .num_buffers = cpu_to_le16(1) };
	struct vnet_header vnet = frame_vnet(seq);
	uint32_t whole = header_len(f) + frame_len(seq), at = 0;
	unsigned n = 0, left;

	do {
		if (n > 0)
			assert_true(model_driver_get(&f->driver, &token, &used));
		assert_true(used <= f->slot_len[token] && at + used <= sizeof(bytes));
		model_guest_read(&f->guest, SLOTS_GPA + (uint64_t)token * SLOT_SIZE, bytes + at,
				 used);
		f->slot_busy[token] = false;
		at += used;
		n++;
		memcpy(&header, bytes, MIN(at, header_len(f)));
		left = le16_to_cpu(header.num_buffers);
		/* All buffers but the last are full. */
		assert_true(at == whole || used == f->slot_len[token]);
	} while (n < left || at < header_len(f));

	assert_int_equal(n, left);
	assert_int_equal(at, whole);
	assert_memory_equal(&header.vnet, &vnet, sizeof(vnet));
	for (uint32_t i = 0; i < frame_len(seq); i++)
		assert_int_equal(bytes[header_len(f) + i], frame_byte(seq, i));
}

static void frames_arrive_in_order_in_whatever_buffers(void **state)
{
	static unsigned accepted[8192];
	struct fixture f;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		bool merge = kinds[k].features & MERGE;
		unsigned seq = 0, n_accepted = 0, n_seen = 0, n_refused = 0;

		set_up(&f, &kinds[k], RING_TO_GUEST);
		while (n_seen < 2000) {
			unsigned n = chance(&f, 20), token;
			uint32_t used;

			fill(&f, merge ? 20 : 4012, merge ? 2000 : 4900);
			if (chance(&f, 2))
				ring_expect(f.ring, n);
			for (unsigned i = 0; i < n; i++) {
				enum ring_put put = put_frame(&f, seq);

				assert_int_not_equal(put, RING_PUT_SMALL);
				if (put == RING_PUT_DONE)
					accepted[n_accepted++ % ARRAY_SIZE(accepted)] = seq;
				else
					n_refused++;
				seq++;
			}
			(void)ring_commit(f.ring);
			while (model_driver_get(&f.driver, &token, &used))
				check_received(&f, accepted[n_seen++ % ARRAY_SIZE(accepted)], token,
					       used);
			assert_int_equal(n_seen, n_accepted);
			if (chance(&f, 50) == 0)
				move(&f, RING_TO_GUEST);
		}
		assert_true(n_refused < seq);
		tear_down(&f);
	}
}

static void what_does_not_fit_costs_the_guest_nothing(void **state)
{
	static const struct kind small[] = { { RING_SPLIT, 8, MODERN },
					     { RING_PACKED, 8, MODERN } };
	struct fixture f;
	unsigned token;
	uint32_t used;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(small); k++) {
		unsigned n = 0;

		set_up(&f, &small[k], RING_TO_GUEST);
		assert_int_equal(put_frame(&f, 1), RING_PUT_FULL);
		assert_false(ring_commit(f.ring));
		fill(&f, 100, 100);
		assert_true(frame_len(1) > 100);
		assert_int_equal(put_frame(&f, 1), RING_PUT_SMALL);
		(void)ring_commit(f.ring);
		assert_false(model_driver_get(&f.driver, &token, &used));

		/* 7919 * 50 % 4000 + 1 = 3951; the first of length 1 is 0. */
		assert_int_equal(frame_len(0), 1);
		while (put_frame(&f, 0) == RING_PUT_DONE)
			n++;
		assert_true(n > 0);
		(void)ring_commit(f.ring);
		while (n-- > 0) {
			assert_true(model_driver_get(&f.driver, &token, &used));
			check_received(&f, 0, token, used);
		}
		tear_down(&f);
	}
}

static void a_frame_that_cannot_be_merged_is_taken_back(void **state)
{
	static const struct kind merging[] = { { RING_SPLIT, 4, MODERN | MERGE },
					       { RING_PACKED, 5, MODERN | MERGE } };
	struct fixture f;
	unsigned token;
	uint32_t used;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(merging); k++) {
		set_up(&f, &merging[k], RING_TO_GUEST);
		for (unsigned round = 0; round < 10; round++) {
			fill_with_one_piece_each(&f, 300);
			assert_true(frame_len(1) > 5 * 300);
			assert_int_equal(put_frame(&f, 0), RING_PUT_DONE);
			assert_int_equal(put_frame(&f, 1), RING_PUT_FULL);
			assert_int_equal(put_frame(&f, 0), RING_PUT_DONE);
			(void)ring_commit(f.ring);
			for (unsigned i = 0; i < 2; i++) {
				assert_true(model_driver_get(&f.driver, &token, &used));
				check_received(&f, 0, token, used);
			}
			assert_false(model_driver_get(&f.driver, &token, &used));
		}
		tear_down(&f);
	}
}

/*
 * Notifications
 */

static void the_guest_is_called_when_it_asks_and_only_then(void **state)
{
	struct ring_frame frame;
	struct fixture f;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		unsigned reaped = 0;

		set_up(&f, &kinds[k], RING_FROM_GUEST);
		for (unsigned i = 0; i < 300; i++) {
			bool wants = i % 3 == 0;

			if (wants)
				model_driver_want_call(&f.driver);
			else
				model_driver_want_silence(&f.driver);
			assert_true(send_frame(&f, i));
			(void)model_driver_publish(&f.driver);
			assert_int_equal(ring_take(f.ring, &frame, 1), 1);
			assert_int_equal(ring_release(f.ring), wants);
			reap_sent(&f, &reaped);
		}
		tear_down(&f);
	}
}

static void kicks_come_while_armed_and_not_before(void **state)
{
	struct ring_frame frame;
	struct fixture f;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		unsigned reaped = 0, seq = 0;

		set_up(&f, &kinds[k], RING_FROM_GUEST);
		for (unsigned i = 0; i < 300; i++) {
			ring_disarm(f.ring);
			assert_true(send_frame(&f, seq++));
			assert_int_equal(model_driver_publish(&f.driver),
					 (kinds[k].features & EVENT) && i == 0 &&
						 kinds[k].layout == RING_SPLIT);
			assert_false(ring_arm(f.ring)); /* there is one already */
			assert_int_equal(ring_take(f.ring, &frame, 1), 1);
			(void)ring_release(f.ring);
			reap_sent(&f, &reaped);

			assert_true(ring_arm(f.ring));
			assert_true(send_frame(&f, seq++));
			assert_true(model_driver_publish(&f.driver));
			assert_int_equal(ring_take(f.ring, &frame, 1), 1);
			(void)ring_release(f.ring);
			reap_sent(&f, &reaped);
		}
		tear_down(&f);
	}
}

static void rings_that_cannot_be_are_refused(void **state)
{
	/* clang-format off */
	static const struct { enum ring_layout layout; uint32_t size; int64_t desc, avail, used; } cases[] = {
		{ RING_SPLIT,  0,     0, 0, 0 },
		{ RING_SPLIT,  3,     0, 0, 0 },
		{ RING_SPLIT,  65536, 0, 0, 0 },
		{ RING_SPLIT,  4,     8, 0, 0 },
		{ RING_SPLIT,  4,     0, 1, 0 },
		{ RING_SPLIT,  4,     0, 0, 2 },
		{ RING_SPLIT,  4,     -(1 << 20), 0, 0 },
		{ RING_SPLIT,  4,     0, 1 << 20, 0 },
		{ RING_SPLIT,  4,     0, 0, INT64_MAX / 2 },
		{ RING_SPLIT,  4,     (1 << 20) - 16, 0, 0 },
		{ RING_PACKED, 0,     0, 0, 0 },
		{ RING_PACKED, 32769, 0, 0, 0 },
		{ RING_PACKED, 4,     4, 0, 0 },
		{ RING_PACKED, 4,     0, 2, 0 },
		{ RING_PACKED, 4,     0, 0, 1 << 21 },
	};
	/* clang-format on */
	struct fixture f;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kind kind = { cases[i].layout, 4, MODERN };
		struct ring_config config;
		struct err err = { "" };

		set_up(&f, &kind, RING_TO_GUEST);
		config = f.driver.config;
		config.size = cases[i].size;
		config.desc += (uint64_t)cases[i].desc;
		config.avail += (uint64_t)cases[i].avail;
		config.used += (uint64_t)cases[i].used;
		assert_true(ring_init(f.ring, &config, &f.guest.mem, RING_TO_GUEST, &err) < 0);
		assert_true(strlen(err.msg) > 0);
		f.ring->is_broken = false;
		tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_leave_in_order_however_they_lie),
		cmocka_unit_test(frames_arrive_in_order_in_whatever_buffers),
		cmocka_unit_test(what_does_not_fit_costs_the_guest_nothing),
		cmocka_unit_test(a_frame_that_cannot_be_merged_is_taken_back),
		cmocka_unit_test(the_guest_is_called_when_it_asks_and_only_then),
		cmocka_unit_test(kicks_come_while_armed_and_not_before),
		cmocka_unit_test(rings_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
