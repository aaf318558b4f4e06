/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the stream port: what only a stream's peer can do wrong. What every
 * kind of port promises is tested in tests/conform.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "port/burst.h"
#include "port/port.h"
#include "port/stream.h"

struct fixture {
	struct port *port;
	int peer;
	struct burst *in;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	if (!f || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return -1;
	f->peer = fds[1];
	*state = f;
	return burst_new(&f->in, NULL) < 0 || port_stream_open(fds[0], &f->port, NULL) < 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->port = port_close(f->port);
	(void)fd_close(f->peer);
	burst_free(f->in);
	free(f);
	return 0;
}

static void peer_says(struct fixture *f, const void *bytes, size_t n)
{
	assert_int_equal(send(f->peer, bytes, n, 0), n);
}

static unsigned port_rx(struct fixture *f)
{
	f->port->ops->release(f->port);
	burst_clear(f->in);
	return f->port->ops->rx(f->port, f->in, BURST_MAX);
}

/* A frame of 60 bytes behind its length. */
static const uint8_t small[64] = { 0, 0, 0, 60, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

static void a_frame_may_come_byte_by_byte(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i + 1 < sizeof(small); i++) {
		peer_says(f, small + i, 1);
		assert_int_equal(port_rx(f), 0);
	}
	peer_says(f, small + sizeof(small) - 1, 1);
	assert_int_equal(port_rx(f), 1);
	assert_memory_equal(f->in->frame[0].iov[0].iov_base, small + 4, 60);
}

static void a_length_of_zero_is_no_frame(void **state)
{
	struct fixture *f = *state;

	peer_says(f, "\0\0\0\0", 4);
	peer_says(f, small, sizeof(small));
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(f->in->dropped[DROP_RUNT], 0);
}

static void closing_between_frames_is_said(void **state)
{
	struct fixture *f = *state;

	peer_says(f, small, sizeof(small));
	f->peer = fd_close(f->peer);
	assert_int_equal(port_rx(f), 1);
	assert_false(f->port->faulty);
	assert_int_equal(port_rx(f), 0);
	assert_true(f->port->faulty);
	assert_string_equal(f->port->fault, "peer closed the connection");
}

static void closing_within_a_frame_is_said(void **state)
{
	struct fixture *f = *state;

	peer_says(f, small, 40);
	f->peer = fd_close(f->peer);
	assert_int_equal(port_rx(f), 0);
	assert_int_equal(port_rx(f), 0);
	assert_true(f->port->faulty);
	assert_string_equal(f->port->fault, "peer closed the connection in the middle of a frame");
}

static void leaving_with_frames_unread_is_no_other_fault(void **state)
{
	struct fixture *f = *state;
	struct frame *frame;
	uint8_t data[60];
	enum drop why;

	/* The kernel calls this a reset. */
	memcpy(data, small + 4, sizeof(data));
	burst_clear(f->in);
	frame = burst_append(f->in, data, sizeof(data));
	assert_int_equal(f->port->ops->tx(f->port, &frame, 1, &why), 1);
	f->peer = fd_close(f->peer);
	assert_int_equal(port_rx(f), 0);
	assert_true(f->port->faulty);
	assert_string_equal(f->port->fault, "peer closed the connection");
}

static void an_absurd_length_ends_it(void **state)
{
	struct fixture *f = *state;
	struct frame *frame;
	uint8_t data[60];
	enum drop why;

	peer_says(f, small, sizeof(small));
	peer_says(f, "\xff\xff\xff\xff", 4);
	assert_int_equal(port_rx(f), 1);
	assert_true(f->port->faulty);
	assert_string_equal(f->port->fault,
			    "peer sent a frame of 4294967295 bytes; at most 69632 are allowed");

	/* And it neither takes nor gives any more. */
	peer_says(f, small, sizeof(small));
	assert_int_equal(port_rx(f), 0);
	memcpy(data, small + 4, sizeof(data));
	frame = burst_append(f->in, data, sizeof(data));
	assert_int_equal(f->port->ops->tx(f->port, &frame, 1, &why), 0);
	assert_int_equal(why, DROP_NO_PEER);
}

static void noise_is_survived(void **state)
{
	static uint8_t noise[65536];

	(void)state;
	for (unsigned seed = 1; seed <= 50; seed++) {
		struct fixture *f;
		unsigned random = seed;

		assert_int_equal(set_up((void **)&f), 0);
		for (size_t i = 0; i < sizeof(noise); i++) {
			random = random * 1103515245 + 12345;
			/* Short lengths now and then, or the first ends it. */
			noise[i] = seed % 2 && i % 4 < 3 ? 0 : (uint8_t)(random >> 16);
		}
		peer_says(f, noise, sizeof(noise));
		for (int i = 0; i < 2000 && !f->port->faulty; i++)
			(void)port_rx(f);
		f->peer = fd_close(f->peer);
		(void)port_rx(f);
		assert_true(f->port->faulty);
		assert_int_equal(tear_down((void **)&f), 0);
	}
}

static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, pages;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &size, &pages), 2);
	(void)fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void a_peer_of_small_frames_costs_little_memory(void **state)
{
	struct fixture *f = *state, many[100];
	size_t before = resident();

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		many[i] = (struct fixture){ .peer = fds[1], .in = f->in };
		assert_int_equal(port_stream_open(fds[0], &many[i].port, NULL), 0);
		for (int j = 0; j < 200; j++) {
			peer_says(&many[i], small, sizeof(small));
			assert_int_equal(port_rx(&many[i]), 1);
		}
	}
	/* A page of the mapping each, and the allocator's due. */
	assert_true(resident() - before < 100 * 16384);

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		(void)port_close(many[i].port);
		(void)fd_close(many[i].peer);
	}
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void descriptors_sent_along_are_not_kept(void **state)
{
	struct fixture *f = *state;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)small, .iov_len = sizeof(small) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int before = count_fds();

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &f->peer, sizeof(int));
	assert_int_equal(sendmsg(f->peer, &msg, 0), sizeof(small));
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(count_fds(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_frame_may_come_byte_by_byte),
		TEST(a_length_of_zero_is_no_frame),
		TEST(closing_between_frames_is_said),
		TEST(closing_within_a_frame_is_said),
		TEST(leaving_with_frames_unread_is_no_other_fault),
		TEST(an_absurd_length_ends_it),
		TEST(noise_is_survived),
		TEST(a_peer_of_small_frames_costs_little_memory),
		TEST(descriptors_sent_along_are_not_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
