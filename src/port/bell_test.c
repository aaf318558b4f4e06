/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signalling eventfds that do not want to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "port/bell.h"

static void each_ring_is_counted(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		bell_ring(fd);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1000);
	fd_close(fd);
}

static void a_full_counter_holds_nobody_up(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC); /* it blocks */

	(void)state;
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	(void)alarm(10); /* ends the test if it does wait */
	bell_ring(fd);
	bell_ring(fd);
	(void)alarm(0);
	fd_close(fd);
}

static void what_is_no_eventfd_is_left_alone(void **state)
{
	int fds[2], fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n = 0;
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	bell_ring(fds[1]);
	fd_close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);

	bell_ring(fd);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	fd_close(fds[0]);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ring_is_counted),
		cmocka_unit_test(a_full_counter_holds_nobody_up),
		cmocka_unit_test(what_is_no_eventfd_is_left_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("bell", tests, NULL, NULL);
}
