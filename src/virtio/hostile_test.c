/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers that are no drivers: each case is one lie in an otherwise good ring,
 * and what the ring says of it.
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

#define SIZE  8u
#define DATA  (MODEL_GPA + MODEL_REGION_SIZE / 2)
#define TABLE (DATA + 65536)
#define END   (MODEL_GPA + 2 * MODEL_REGION_SIZE)

enum { N = VIRTQ_NEXT, W = VIRTQ_WRITE, I = VIRTQ_INDIRECT };

/* A descriptor; 'next' is for split rings only. */
struct lie_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define LIE_DESC_MAX 10

struct lie {
	const char *what;
	const char *says; /* NULL: that is allowed */
	struct lie_desc desc[LIE_DESC_MAX];
	struct lie_desc table[LIE_DESC_MAX]; /* at TABLE */
	uint16_t head;			     /* split */
	uint16_t avail;			     /* split: the index; 0: 1 */
	enum ring_direction direction;
};

/* clang-format off */
static const struct lie split_lies[] = {
	{ "nothing", NULL, .desc = { { DATA, 100, 0, 0 } } },
	{ "a next that is not asked for", NULL, .desc = { { DATA, 100, 0, 60000 } } },
	{ "two regions", NULL, .desc = { { DATA + MODEL_REGION_SIZE / 2 - 50, 100, 0, 0 } } },
	{ "the last byte", NULL, .desc = { { END - 100, 100, 0, 0 } } },
	{ "all of memory", NULL, .desc = { { MODEL_GPA, 2 * MODEL_REGION_SIZE, 0, 0 } } },
	{ "a table", NULL, .desc = { { TABLE, 32, I, 0 } }, { { DATA, 10, N, 1 }, { DATA, 90, 0, 0 } } },
	{ "a table behind a descriptor", NULL, .desc = { { DATA, 10, N, 1 }, { TABLE, 16, I, 0 } }, { { DATA, 90, 0, 0 } } },

	{ "index jumps", "avail index jumped by 40000 in a ring of 8", .desc = { { DATA, 100, 0, 0 } }, .avail = 40000 },
	{ "index jumps a little", "avail index jumped by 9 in a ring of 8", .desc = { { DATA, 100, 0, 0 } }, .avail = 9 },
	{ "head", "descriptor 8 in a ring of 8", .desc = { { DATA, 100, 0, 0 } }, .head = 8 },
	{ "far head", "descriptor 65535 in a ring of 8", .desc = { { DATA, 100, 0, 0 } }, .head = 65535 },
	{ "next", "descriptor 8 in a ring of 8", .desc = { { DATA, 100, N, 8 } } },
	{ "loop of one", "a loop, or a chain of more than 8", .desc = { { DATA, 100, N, 0 } } },
	{ "loop of two", "a loop, or a chain of more than 8", .desc = { { DATA, 100, N, 1 }, { DATA, 100, N, 0 } } },
	{ "no bytes", "a descriptor of no bytes", .desc = { { DATA, 0, 0, 0 } } },
	{ "no bytes later", "a descriptor of no bytes", .desc = { { DATA, 100, N, 1 }, { DATA, 0, 0, 0 } } },
	{ "below", "a descriptor of 100 bytes at 0x3fffffff, outside", .desc = { { MODEL_GPA - 1, 100, 0, 0 } } },
	{ "zero", "outside its memory", .desc = { { 0, 100, 0, 0 } } },
	{ "beyond", "outside its memory", .desc = { { END, 1, 0, 0 } } },
	{ "one byte beyond", "outside its memory", .desc = { { END - 99, 100, 0, 0 } } },
	{ "around", "outside its memory", .desc = { { UINT64_MAX - 10, 100, 0, 0 } } },
	{ "huge", "outside its memory", .desc = { { DATA, UINT32_MAX, 0, 0 } } },
	{ "huge together", "a chain of more than 4 GiB", .desc = { { MODEL_GPA, 2 * MODEL_REGION_SIZE, N, 1 }, { DATA, UINT32_MAX - 10, 0, 0 } } },
	{ "writable", "a descriptor to write to in a frame", .desc = { { DATA, 100, W, 0 } } },
	{ "writable later", "a descriptor to write to in a frame", .desc = { { DATA, 100, N, 1 }, { DATA, 100, W, 0 } } },
	{ "table not whole", "an indirect table of 40 bytes", .desc = { { TABLE, 40, I, 0 } } },
	{ "empty table", "an indirect table of 0 bytes", .desc = { { TABLE, 0, I, 0 } } },
	{ "long table", "an indirect table of 1025 descriptors", .desc = { { TABLE, 1025 * 16, I, 0 } } },
	{ "huge table", "an indirect table of 268435455", .desc = { { TABLE, 0xfffffff0, I, 0 } } },
	{ "table beyond", "an indirect table at 0x40200000, outside", .desc = { { END, 16, I, 0 } } },
	{ "half an entry", "an indirect table at 0x401ffff8, outside", .desc = { { END - 8, 16, I, 0 } } },
	{ "table around", "outside its memory", .desc = { { UINT64_MAX - 15, 32, I, 0 } } },
	{ "table and next", "an indirect table in the middle", .desc = { { TABLE, 16, I | N, 1 } }, { { DATA, 9, 0, 0 } } },
	{ "table in table", "an indirect table in an indirect table", .desc = { { TABLE, 16, I, 0 } }, { { TABLE, 16, I, 0 } } },
	{ "table next", "descriptor 2 in an indirect table of 2", .desc = { { TABLE, 32, I, 0 } }, { { DATA, 9, N, 2 } } },
	{ "table loop", "a loop in an indirect table of 2", .desc = { { TABLE, 32, I, 0 } }, { { DATA, 9, N, 1 }, { DATA, 9, N, 0 } } },
	{ "table, no bytes", "a descriptor of no bytes", .desc = { { TABLE, 16, I, 0 } }, { { DATA, 0, 0, 0 } } },
	{ "table, outside", "outside its memory", .desc = { { TABLE, 16, I, 0 } }, { { END, 9, 0, 0 } } },
	{ "table, writable", "a descriptor to write to", .desc = { { TABLE, 16, I, 0 } }, { { DATA, 9, W, 0 } } },

	{ "to receive in", NULL, .desc = { { DATA, 100, W, 0 } }, .direction = RING_TO_GUEST },
	{ "readable", "a descriptor to read from in a buffer", .desc = { { DATA, 100, 0, 0 } }, .direction = RING_TO_GUEST },
	{ "readable first", "a descriptor to read from in a buffer", .desc = { { DATA, 100, N, 1 }, { DATA, 100, W, 0 } }, .direction = RING_TO_GUEST },
	{ "to receive outside", "outside its memory", .desc = { { END - 99, 100, W, 0 } }, .direction = RING_TO_GUEST },
};

static const struct lie packed_lies[] = {
	{ "nothing", NULL, .desc = { { DATA, 100, 0, 0 } } },
	{ "two regions", NULL, .desc = { { DATA + MODEL_REGION_SIZE / 2 - 50, 100, 0, 0 } } },
	{ "the last byte", NULL, .desc = { { END - 100, 100, 0, 0 } } },
	{ "a table", NULL, .desc = { { TABLE, 32, I, 0 } }, { { DATA, 10, 0, 0 }, { DATA, 90, 0, 0 } } },
	{ "DPDK's table", NULL, .desc = { { TABLE, 32, I, 0 } }, { { DATA, 12, W, 0 }, { DATA, 90, 0, 0 } } },

	{ "loop", "a loop, or a chain of more than 8", .desc = { { DATA, 9, N, 0 }, { DATA, 9, N, 0 }, { DATA, 9, N, 0 },
	  { DATA, 9, N, 0 }, { DATA, 9, N, 0 }, { DATA, 9, N, 0 }, { DATA, 9, N, 0 }, { DATA, 9, N, 0 } } },
	{ "no bytes", "a descriptor of no bytes", .desc = { { DATA, 0, 0, 0 } } },
	{ "below", "a descriptor of 100 bytes at 0x3fffffff, outside", .desc = { { MODEL_GPA - 1, 100, 0, 0 } } },
	{ "beyond", "outside its memory", .desc = { { END, 1, 0, 0 } } },
	{ "one byte beyond", "outside its memory", .desc = { { END - 99, 100, 0, 0 } } },
	{ "around", "outside its memory", .desc = { { UINT64_MAX - 10, 100, 0, 0 } } },
	{ "huge", "outside its memory", .desc = { { DATA, UINT32_MAX, 0, 0 } } },
	{ "writable", "a descriptor to write to in a frame", .desc = { { DATA, 100, W, 0 } } },
	{ "writable later", "a descriptor to write to in a frame", .desc = { { DATA, 100, N, 0 }, { DATA, 100, W, 0 } } },
	{ "table not whole", "an indirect table of 40 bytes", .desc = { { TABLE, 40, I, 0 } } },
	{ "empty table", "an indirect table of 0 bytes", .desc = { { TABLE, 0, I, 0 } } },
	{ "long table", "an indirect table of 1025 descriptors", .desc = { { TABLE, 1025 * 16, I, 0 } } },
	{ "half an entry", "an indirect table at 0x401ffff8, outside", .desc = { { END - 8, 16, I, 0 } } },
	{ "table around", "outside its memory", .desc = { { UINT64_MAX - 15, 32, I, 0 } } },
	{ "table and next", "an indirect table in the middle", .desc = { { TABLE, 16, I | N, 0 }, { DATA, 9, 0, 0 } }, { { DATA, 9, 0, 0 } } },
	{ "table in table", "an indirect table in an indirect table", .desc = { { TABLE, 16, I, 0 } }, { { TABLE, 16, I, 0 } } },
	{ "table, no bytes", "a descriptor of no bytes", .desc = { { TABLE, 16, I, 0 } }, { { DATA, 0, 0, 0 } } },

	{ "to receive in", NULL, .desc = { { DATA, 100, W, 0 } }, .direction = RING_TO_GUEST },
	{ "readable", "a descriptor to read from in a buffer", .desc = { { DATA, 100, 0, 0 } }, .direction = RING_TO_GUEST },
};
/* clang-format on */

struct fixture {
	struct model_guest guest;
	struct model_driver driver;
	struct ring *ring;
};

static void write_desc(struct fixture *f, enum ring_layout layout, uint64_t gpa,
		       const struct lie_desc *lie, uint16_t more_flags)
{
	uint16_t flags = (uint16_t)(lie->flags | more_flags);
	const struct virtq_desc split = { cpu_to_le64(lie->addr), cpu_to_le32(lie->len),
					  cpu_to_le16(flags), cpu_to_le16(lie->next) };
	const struct virtq_packed_desc packed = { split.addr, split.len, cpu_to_le16(lie->next),
						  split.flags };

	if (layout == RING_SPLIT)
		model_guest_write(&f->guest, gpa, &split, sizeof(split));
	else
		model_guest_write(&f->guest, gpa, &packed, sizeof(packed));
}

static void tell(struct fixture *f, enum ring_layout layout, const struct lie *lie)
{
	/* The ring is the first that was allocated. */
	for (unsigned i = 0; i < SIZE; i++)
		write_desc(f, layout, MODEL_GPA + i * 16, &lie->desc[i],
			   layout == RING_PACKED && lie->desc[i].addr ? VIRTQ_AVAIL : 0);
	for (unsigned i = 0; i < LIE_DESC_MAX; i++)
		write_desc(f, layout, TABLE + i * 16, &lie->table[i], 0);
	if (layout == RING_SPLIT) {
		f->driver.avail->ring[0] = cpu_to_le16(lie->head);
		f->driver.avail->idx = cpu_to_le16(lie->avail ? lie->avail : 1);
	}
}

static void set_up(struct fixture *f, enum ring_layout layout, enum ring_direction direction,
		   uint64_t features)
{
	model_guest_init(&f->guest);
	model_driver_init(&f->driver, &f->guest, layout, SIZE, features);
	f->ring = malloc(sizeof(*f->ring));
	assert_non_null(f->ring);
	assert_int_equal(ring_init(f->ring, &f->driver.config, &f->guest.mem, direction, NULL), 0);
}

static void tear_down(struct fixture *f)
{
	free(f->ring);
	model_driver_fini(&f->driver);
	model_guest_fini(&f->guest);
}

static unsigned use(struct fixture *f, enum ring_direction direction)
{
	static const struct vnet_header vnet;
	struct ring_frame frames[4];
	uint8_t bytes[64] = { 0 };
	const struct iovec iov = { bytes, sizeof(bytes) };
	unsigned n;

	if (direction == RING_FROM_GUEST) {
		n = ring_take(f->ring, frames, 4);
		(void)ring_release(f->ring);
	} else {
		n = ring_put(f->ring, &iov, 1, sizeof(bytes), &vnet) == RING_PUT_DONE;
		(void)ring_commit(f->ring);
	}
	return n;
}

static void try_lies(enum ring_layout layout, const struct lie lies[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum ring_direction direction = lies[i].direction;
		struct fixture f;

		set_up(&f, layout, direction,
		       VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC));
		tell(&f, layout, &lies[i]);
		if (lies[i].says) {
			assert_int_equal(use(&f, direction), 0);
			if (!f.ring->is_broken || !strstr(f.ring->broken, lies[i].says))
				fail_msg("%s: '%s'", lies[i].what, f.ring->broken);
			assert_int_equal(use(&f, direction), 0); /* and for ever */
		} else {
			if (use(&f, direction) != 1)
				fail_msg("%s: '%s'", lies[i].what, f.ring->broken);
			assert_false(f.ring->is_broken);
		}
		tear_down(&f);
	}
}

static void lies_in_split_rings_are_found(void **state)
{
	(void)state;
	try_lies(RING_SPLIT, split_lies, ARRAY_SIZE(split_lies));
}

static void lies_in_packed_rings_are_found(void **state)
{
	(void)state;
	try_lies(RING_PACKED, packed_lies, ARRAY_SIZE(packed_lies));
}

static void tables_have_to_be_negotiated(void **state)
{
	const struct lie lie = {
		"", NULL, .desc = { { TABLE, 16, I, 0 } }, { { DATA, 90, 0, 0 } }
	};

	(void)state;
	for (unsigned layout = RING_SPLIT; layout <= RING_PACKED; layout++) {
		struct fixture f;

		set_up(&f, layout, RING_FROM_GUEST, VIRTIO_BIT(VIRTIO_F_VERSION_1));
		tell(&f, layout, &lie);
		assert_int_equal(use(&f, RING_FROM_GUEST), 0);
		assert_string_equal(f.ring->broken, "an indirect table, which was not negotiated");
		tear_down(&f);
	}
}

/* Frames in front of a lie are still frames. */
static void what_came_before_counts(void **state)
{
	const struct lie lie = { "", NULL, .desc = { { DATA, 90, 0, 0 }, { 0, 90, 0, 0 } } };
	struct fixture f;

	(void)state;
	set_up(&f, RING_SPLIT, RING_FROM_GUEST, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	tell(&f, RING_SPLIT, &lie);
	f.driver.avail->ring[1] = cpu_to_le16(1);
	f.driver.avail->idx = cpu_to_le16(2);
	assert_int_equal(use(&f, RING_FROM_GUEST), 1);
	assert_true(f.ring->is_broken);
	assert_int_equal(le16_to_cpu(f.driver.used->idx), 1);
	tear_down(&f);
}

/* Frames of no header, of just one, and of more pieces than anybody needs. */
static void odd_frames_are_told_apart(void **state)
{
	struct lie_desc header[] = { { DATA, 5, 0, 0 }, { DATA, 12, 0, 0 }, { DATA, 13, 0, 0 } };
	static const uint32_t lens[] = { 0, 0, 1 };
	struct ring_frame frame;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(header); i++) {
		struct lie lie = { "", NULL, .desc = { header[i] } };
		struct fixture f;

		set_up(&f, RING_SPLIT, RING_FROM_GUEST, VIRTIO_BIT(VIRTIO_F_VERSION_1));
		tell(&f, RING_SPLIT, &lie);
		assert_int_equal(ring_take(f.ring, &frame, 1), 1);
		assert_int_equal(frame.len, lens[i]);
		(void)ring_release(f.ring);
		assert_false(f.ring->is_broken);
		tear_down(&f);
	}
}

static void frames_of_too_many_pieces_are_cut_off(void **state)
{
	const struct lie lie = {
		"", NULL, .desc = { { TABLE, 1024 * 16, I, 0 }, { TABLE, 600 * 16, I, 0 } }
	};
	struct ring_frame frames[4];
	struct fixture f;

	(void)state;
	set_up(&f, RING_PACKED, RING_FROM_GUEST,
	       VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC));
	tell(&f, RING_PACKED, &lie);
	for (unsigned i = 0; i < 1024; i++) {
		const struct lie_desc piece = { DATA + i, 1, 0, 0 };

		write_desc(&f, RING_PACKED, TABLE + i * 16, &piece, 0);
	}

	/* With the empty first piece 1024 are one too many; two frames of a good
	 * number do not fit into one window, and come one after the other.
	 */
	assert_int_equal(ring_take(f.ring, frames, 4), 1);
	assert_int_equal(frames[0].len, UINT32_MAX);
	(void)ring_release(f.ring);
	assert_int_equal(ring_take(f.ring, frames, 4), 1);
	assert_int_equal(frames[0].len, 600 - 12);
	(void)ring_release(f.ring);
	assert_int_equal(ring_take(f.ring, frames, 4), 0);
	assert_false(f.ring->is_broken);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lies_in_split_rings_are_found),
		cmocka_unit_test(lies_in_packed_rings_are_found),
		cmocka_unit_test(tables_have_to_be_negotiated),
		cmocka_unit_test(what_came_before_counts),
		cmocka_unit_test(odd_frames_are_told_apart),
		cmocka_unit_test(frames_of_too_many_pieces_are_cut_off),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
