/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory: what may be in it, where things are, and that it may shrink. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "virtio/memory.h"
#include "virtio/sigbus.h"

#define PAGE 4096

static uint8_t bytes[4][PAGE];

/* Two regions that follow each other for the guest, and one far away. */
static void three_regions(struct guest_mem *mem)
{
	const struct guest_region regions[] = {
		{ .gpa = 0, .user = 0x7000, .size = PAGE, .host = bytes[0] },
		{ .gpa = PAGE, .user = 0x20000, .size = PAGE, .host = bytes[2] },
		{ .gpa = UINT64_MAX - PAGE, .user = 0x100, .size = PAGE, .host = bytes[3] },
	};

	*mem = (struct guest_mem){ 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(regions); i++)
		assert_int_equal(guest_mem_add(mem, &regions[i], NULL), 0);
}

static void ranges_are_found_where_they_are_and_nowhere_else(void **state)
{
	/* clang-format off */
	static const struct { uint64_t gpa, size; uint8_t *host; } cases[] = {
		{ 0, PAGE,                    bytes[0] },
		{ 0, PAGE + 1,                NULL }, /* straddles */
		{ PAGE - 1, 1,                bytes[0] + PAGE - 1 },
		{ PAGE - 1, 2,                NULL },
		{ PAGE, PAGE,                 bytes[2] },
		{ 2 * PAGE - 1, 1,            bytes[2] + PAGE - 1 },
		{ 2 * PAGE, 1,                NULL },
		{ 2 * PAGE, 0,                NULL },
		{ 5, UINT64_MAX,              NULL },
		{ 5, UINT64_MAX - 4,          NULL },
		{ UINT64_MAX - PAGE, PAGE,    bytes[3] },
		{ UINT64_MAX - 1, 1,          bytes[3] + PAGE - 1 },
		{ UINT64_MAX - 1, 2,          NULL },
		{ UINT64_MAX, 1,              NULL },
		{ UINT64_MAX - PAGE - 1, 2,   NULL },
	};
	/* clang-format on */
	struct guest_mem mem;

	(void)state;
	three_regions(&mem);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_ptr_equal(guest_range(&mem, cases[i].gpa, cases[i].size), cases[i].host);
}

static void user_addresses_are_another_space(void **state)
{
	struct guest_mem mem;

	(void)state;
	three_regions(&mem);
	assert_ptr_equal(guest_range_user(&mem, 0x7000, PAGE), bytes[0]);
	assert_ptr_equal(guest_range_user(&mem, 0x7010, 16), bytes[0] + 16);
	assert_ptr_equal(guest_range_user(&mem, 0x20fff, 1), bytes[2] + PAGE - 1);
	assert_null(guest_range_user(&mem, 0x20fff, 2));
	assert_null(guest_range_user(&mem, 0x7010, UINT64_MAX));
	assert_null(guest_range_user(&mem, 0, 1));
}

static void any_hint_is_safe(void **state)
{
	struct guest_mem mem;

	(void)state;
	three_regions(&mem);
	for (unsigned start = 0; start < 3 * GUEST_REGIONS_MAX; start++) {
		unsigned hint = start;
		uint64_t left = 0;

		assert_ptr_equal(guest_at(&mem, &hint, PAGE + 7, &left), bytes[2] + 7);
		assert_int_equal(left, PAGE - 7);
		assert_int_equal(hint % GUEST_REGIONS_MAX, 1);
		hint = start;
		assert_null(guest_at(&mem, &hint, 3 * PAGE, &left));
	}
}

static void bad_regions_are_refused(void **state)
{
	/* clang-format off */
	static const struct { struct guest_region region; const char *why; } cases[] = {
		{ { 0x100000, 0x100000, 0, bytes[1] },              "no bytes" },
		{ { UINT64_MAX - 9, 0x100000, 20, bytes[1] },       "wraps" },
		{ { 0x100000, UINT64_MAX - 9, 20, bytes[1] },       "wraps" },
		{ { 0, 0x100000, PAGE, bytes[1] },                  "overlaps" },
		{ { PAGE - 1, 0x100000, 1, bytes[1] },              "overlaps" },
		{ { 2 * PAGE - 1, 0x100000, PAGE, bytes[1] },       "overlaps" },
		{ { 0x100000, 0x6fff, 2, bytes[1] },                "overlaps" },
		{ { 0x100000, 0x10000, 0x100000, bytes[1] },        "overlaps" },
	};
	/* clang-format on */
	struct guest_mem mem;

	(void)state;
	three_regions(&mem);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { "" };

		assert_int_equal(guest_mem_add(&mem, &cases[i].region, &err), -EINVAL);
		assert_non_null(strstr(err.msg, cases[i].why));
		assert_int_equal(mem.n_regions, 3);
	}
}

static void there_are_at_most_so_many_regions(void **state)
{
	struct guest_mem mem = { 0 };
	struct guest_region region = { .size = PAGE, .host = bytes[0] }, removed;

	(void)state;
	for (unsigned i = 0; i < GUEST_REGIONS_MAX; i++) {
		region.gpa = region.user = (uint64_t)i * PAGE;
		assert_int_equal(guest_mem_add(&mem, &region, NULL), 0);
	}
	region.gpa = region.user = (uint64_t)GUEST_REGIONS_MAX * PAGE;
	assert_int_equal(guest_mem_add(&mem, &region, NULL), -ENOSPC);
	assert_int_equal(guest_mem_remove(&mem, &region, &removed, NULL), -ENOENT);

	region.gpa = region.user = 0;
	assert_int_equal(guest_mem_remove(&mem, &region, &removed, NULL), 0);
	assert_ptr_equal(removed.host, bytes[0]);
	assert_null(guest_range(&mem, 0, 1));
	assert_non_null(guest_range(&mem, PAGE, PAGE));
	assert_non_null(guest_range(&mem, (GUEST_REGIONS_MAX - 1) * PAGE, PAGE));
	assert_int_equal(guest_mem_add(&mem, &region, NULL), 0);
}

static uint8_t *map_file(int *ret_fd, size_t size)
{
	uint8_t *at;

	*ret_fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(ftruncate(*ret_fd, (off_t)size), 0);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void memory_that_shrinks_is_survived(void **state)
{
	bool shrank[2] = { false, false };
	int fd[2];
	uint8_t *at[2];

	(void)state;
	assert_int_equal(sigbus_install(NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		at[i] = map_file(&fd[i], 4 * PAGE);
		memset(at[i], 1, 4 * PAGE);
		assert_int_equal(sigbus_guard(at[i], 4 * PAGE, &shrank[i], NULL), 0);
	}

	assert_int_equal(ftruncate(fd[1], PAGE), 0);
	assert_int_equal(*(volatile uint8_t *)(at[1] + 3 * PAGE), 0);
	assert_true(__atomic_load_n(&shrank[1], __ATOMIC_ACQUIRE));
	*(volatile uint8_t *)(at[1] + 2 * PAGE) = 3;
	assert_false(shrank[0]);
	assert_int_equal(*(volatile uint8_t *)at[0], 1);

	for (unsigned i = 0; i < 2; i++) {
		sigbus_unguard(at[i]);
		(void)munmap(at[i], 4 * PAGE);
		(void)close(fd[i]);
	}
}

static void memory_that_nobody_guards_is_not(void **state)
{
	int fd, status = 0;
	bool shrank = false;
	uint8_t *at = map_file(&fd, PAGE);
	pid_t child;

	(void)state;
	assert_int_equal(sigbus_install(NULL), 0);
	assert_int_equal(sigbus_guard(at, PAGE, &shrank, NULL), 0);
	sigbus_unguard(at);
	assert_int_equal(ftruncate(fd, 0), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)!*(volatile uint8_t *)at;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)munmap(at, PAGE);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_found_where_they_are_and_nowhere_else),
		cmocka_unit_test(user_addresses_are_another_space),
		cmocka_unit_test(any_hint_is_safe),
		cmocka_unit_test(bad_regions_are_refused),
		cmocka_unit_test(there_are_at_most_so_many_regions),
		cmocka_unit_test(memory_that_shrinks_is_survived),
		cmocka_unit_test(memory_that_nobody_guards_is_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
