/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of going on: every position of a packed ring, told right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/memory.h"
#include "virtio/resume.h"
#include "virtio/ring.h"

#define SIZE 8
#define USER 0x70000000

static struct {
	struct virtq_packed_desc desc[SIZE];
	struct virtq_used used;
} shared;

static struct guest_mem mem;

static struct ring_config config_of(enum ring_layout layout, uint32_t base)
{
	mem = (struct guest_mem){ 0 };
	assert_int_equal(guest_mem_add(&mem,
				       &(const struct guest_region){
					       .user = USER,
					       .size = sizeof(shared),
					       .host = (uint8_t *)&shared,
				       },
				       NULL),
			 0);
	return (struct ring_config){
		.layout = layout,
		.size = SIZE,
		.desc = USER,
		.used = USER + offsetof(__typeof__(shared), used),
		.base = base,
	};
}

static void set(unsigned i, bool avail, bool used)
{
	shared.desc[i % SIZE].flags =
		cpu_to_le16((uint16_t)((avail ? VIRTQ_AVAIL : 0) | (used ? VIRTQ_USED : 0)));
}

/* A driver has made 'n_avail' descriptors available since the ring was new, and
 * 'n_used' of them have been used.
 */
static void run_ring(unsigned n_used, unsigned n_avail)
{
	memset(&shared, 0, sizeof(shared));
	for (unsigned i = 0; i < n_avail; i++) {
		bool wrap = i / SIZE % 2 == 0;

		set(i, wrap, i < n_used ? wrap : !wrap);
	}
}

static uint32_t base_of(unsigned n)
{
	uint32_t half = n % SIZE | (n / SIZE % 2 == 0 ? 1u << 15 : 0);

	return half | half << 16;
}

static void a_packed_ring_tells_where_it_is(void **state)
{
	(void)state;
	for (unsigned n_used = 0; n_used < 5 * SIZE; n_used++) {
		for (unsigned pending = 0; pending <= SIZE; pending++) {
			struct ring_config config = config_of(RING_PACKED, base_of(n_used));

			run_ring(n_used, n_used + pending);
			assert_int_equal(ring_resume(&mem, &config), base_of(n_used));
			/* QEMU's guess, which is where the ring began. */
			config.base = base_of(0);
			assert_int_equal(ring_resume(&mem, &config), base_of(n_used));
			config.base = 0x7fff7fff;
			assert_int_equal(ring_resume(&mem, &config), base_of(n_used));
		}
	}
}

static void a_ring_that_shows_two_runs_proves_nothing(void **state)
{
	struct ring_config config = config_of(RING_PACKED, base_of(6));

	(void)state;
	run_ring(0, 6);
	set(0, true, true); /* two buffers of three descriptors, used */
	set(3, true, true);
	assert_int_equal(ring_resume(&mem, &config), base_of(6));
}

static void a_split_ring_has_an_index(void **state)
{
	struct ring_config config = config_of(RING_SPLIT, 7);

	(void)state;
	shared.used.idx = cpu_to_le16(40000);
	assert_int_equal(ring_resume(&mem, &config), 40000);
}

static void a_ring_that_is_nowhere_is_not_touched(void **state)
{
	static const enum ring_layout layouts[] = { RING_SPLIT, RING_PACKED };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ring_config config = config_of(layouts[i], 0x80018001);

		config.desc = config.used = USER + sizeof(shared) - 3;
		assert_int_equal(ring_resume(&mem, &config), 0x80018001);
		config.desc = config.used = USER + 2; /* not aligned */
		assert_int_equal(ring_resume(&mem, &config), 0x80018001);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_ring_tells_where_it_is),
		cmocka_unit_test(a_ring_that_shows_two_runs_proves_nothing),
		cmocka_unit_test(a_split_ring_has_an_index),
		cmocka_unit_test(a_ring_that_is_nowhere_is_not_touched),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("virtio resume", tests, NULL, NULL);
}
