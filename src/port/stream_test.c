/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the stream port: what only a stream's peer can do wrong. What every
 * kind of port promises is tested in tests/conform.
 */
#include <dirent.h>
#include <pthread.h>
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
#include "port/framing.h"
#include "port/port.h"
#include "port/stream.h"

struct fixture {
	struct port *port;
	int peer;
	struct burst *in;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2] = { -1, -1 };

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	f->peer = fds[1];
	assert_int_equal(burst_new(&f->in, NULL), 0);
	assert_int_equal(port_stream_open(fds[0], &f->port, NULL), 0);
	return f;
}

static void fixture_free(struct fixture *f)
{
	f->port = port_close(f->port);
	(void)fd_close(f->peer);
	burst_free(f->in);
	free(f);
}

static int set_up(void **state)
{
	*state = fixture_new();
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
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

static void a_peer_that_does_not_listen_may_still_speak(void **state)
{
	struct fixture *f = *state;
	struct frame *frame;
	uint8_t data[60];
	enum drop why;

	memcpy(data, small + 4, sizeof(data));
	burst_clear(f->in);
	frame = burst_append(f->in, data, sizeof(data));
	assert_int_equal(shutdown(f->peer, SHUT_RD), 0);
	assert_int_equal(f->port->ops->tx(f->port, &frame, 1, &why), 0);
	assert_int_equal(why, DROP_NO_PEER);
	peer_says(f, small, sizeof(small));
	assert_int_equal(port_rx(f), 1);
	assert_false(f->port->faulty);
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
		struct fixture *f = fixture_new();
		unsigned random = seed;

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
		fixture_free(f);
	}
}

/* A peer that takes what it likes of the stream. Every frame says in its first
 * bytes which it is, and the rest of it follows from that.
 */
struct reader {
	int fd;
	struct framing framing;
	struct burst *burst;
	unsigned next; /* the lowest number the next frame may have */
	unsigned n;    /* frames so far */
	unsigned n_bad;
};

/* Lengths between 18 and 4 KiB, and now and then a large one. */
static uint32_t len_of(unsigned seq)
{
	return seq % 50 == 49 ? 65000 : FRAME_HEAD_LEN + seq * 97 % 4080;
}

static void fill(uint8_t *data, unsigned seq)
{
	uint32_t len = len_of(seq);

	memcpy(data, &seq, sizeof(seq));
	for (uint32_t i = sizeof(seq); i < len; i++)
		data[i] = (uint8_t)(seq * 13 + i + i / 256);
}

static void reader_check(struct reader *reader, const struct frame *frame)
{
	static uint8_t expected[65536];
	unsigned seq;

	memcpy(&seq, frame->head, sizeof(seq));
	fill(expected, seq);
	if (seq < reader->next || frame->len != len_of(seq) ||
	    memcmp(frame->iov[0].iov_base, expected, frame->len) != 0)
		reader->n_bad++;
	reader->next = seq + 1;
	reader->n++;
}

/* Receives up to 'max' bytes; false at the end of the stream. */
static bool reader_read(struct reader *reader, size_t max, int flags)
{
	size_t room;
	uint8_t *at = framing_room(&reader->framing, &room);
	ssize_t n = recv(reader->fd, at, MIN(room, max), flags);

	if (n > 0)
		framing_add(&reader->framing, (size_t)n);
	while (framing_has_frame(&reader->framing)) {
		burst_clear(reader->burst);
		(void)framing_take(&reader->framing, reader->burst, BURST_MAX);
		for (unsigned i = 0; i < reader->burst->n; i++)
			reader_check(reader, &reader->burst->frame[i]);
	}
	return n != 0 && framing_absurd(&reader->framing) == 0;
}

static struct reader *reader_new(const struct fixture *f)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	reader->framing.buf = malloc(FRAMING_SIZE);
	assert_non_null(reader->framing.buf);
	assert_int_equal(burst_new(&reader->burst, NULL), 0);
	reader->fd = f->peer;
	return reader;
}

static void reader_free(struct reader *reader)
{
	free(reader->framing.buf);
	burst_free(reader->burst);
	free(reader);
}

/* The kernel then takes a few KiB at a time, wherever that ends. */
static void make_narrow(struct fixture *f)
{
	const int tiny = 4096;

	assert_int_equal(setsockopt(f->port->fd, SOL_SOCKET, SO_SNDBUF, &tiny, sizeof(tiny)), 0);
}

/* tx() of the frames from 'seq' on, in two pieces each; how many were taken. */
static unsigned port_tx(struct fixture *f, unsigned seq, unsigned n)
{
	static uint8_t data[BURST_MAX][65536];
	struct iovec iov[BURST_MAX][2];
	struct frame frame[BURST_MAX], *frames[BURST_MAX];
	enum drop why = DROP_COUNT;
	unsigned taken;

	for (unsigned i = 0; i < n; i++) {
		uint32_t len = len_of(seq + i);

		fill(data[i], seq + i);
		iov[i][0] = (struct iovec){ .iov_base = data[i], .iov_len = 14 };
		iov[i][1] = (struct iovec){ .iov_base = data[i] + 14, .iov_len = len - 14 };
		frame[i] = (struct frame){ .iov = iov[i], .n_iov = 2, .len = len };
		frames[i] = &frame[i];
	}

	taken = f->port->ops->tx(f->port, frames, n, &why);
	assert_true(taken == n || why == DROP_PEER_FULL);
	return taken;
}

static void writes_that_end_anywhere_tear_no_frame(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = reader_new(f);
	unsigned random = 7, n_waits = 0, n = 0;

	make_narrow(f);
	for (unsigned round = 0; round < 3000; round++) {
		random = random * 1103515245 + 12345;
		n += port_tx(f, round * 8, 1 + (random >> 16) % 8);
		n_waits += f->port->want_write;
		(void)reader_read(reader, (random >> 8) % 16384, MSG_DONTWAIT);
		if (f->port->want_write && (random >> 24) % 2)
			f->port->ops->flush(f->port);
	}
	while (f->port->want_write || reader->n < n) {
		f->port->ops->flush(f->port);
		assert_true(reader_read(reader, FRAMING_SIZE, MSG_DONTWAIT));
	}
	assert_int_equal(reader->n, n);
	assert_int_equal(reader->n_bad, 0);
	assert_true(n_waits > 500);
	assert_true(n > 1000);
	reader_free(reader);
}

static void *read_to_the_end(void *arg)
{
	struct reader *reader = arg;

	while (reader_read(reader, FRAMING_SIZE, 0)) {
	}
	return NULL;
}

static void a_reader_at_the_same_time_gets_whole_frames(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = reader_new(f);
	unsigned n = 0;
	pthread_t thread;

	make_narrow(f);
	assert_int_equal(pthread_create(&thread, NULL, read_to_the_end, reader), 0);
	for (unsigned round = 0; round < 5000; round++)
		n += port_tx(f, round * 8, 8);
	while (f->port->want_write)
		f->port->ops->flush(f->port);
	assert_int_equal(shutdown(f->port->fd, SHUT_WR), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);

	assert_int_equal(reader->n, n);
	assert_int_equal(reader->n_bad, 0);
	reader_free(reader);
}

static void a_rest_is_given_up_with_its_peer(void **state)
{
	struct fixture *f = *state;

	make_narrow(f);
	assert_int_equal(port_tx(f, 49, 1), 1);
	assert_true(f->port->want_write);
	f->peer = fd_close(f->peer);
	f->port->ops->flush(f->port);
	assert_false(f->port->want_write); /* or it would be polled for in vain */
	assert_false(f->port->faulty);	   /* there could be something left to read */
}

/* Pages of address space, and how many of them are in use. */
static void memory(size_t *ret_size, size_t *ret_resident)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[256], *rest;

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
	*ret_size = strtoul(line, &rest, 10);
	*ret_resident = strtoul(rest, NULL, 10);
}

static void a_closed_port_leaves_no_memory_behind(void **state)
{
	size_t before, after, resident;

	(void)state;
	memory(&before, &resident);
	for (int i = 0; i < 1000; i++)
		fixture_free(fixture_new());
	memory(&after, &resident);
	assert_true(after - before < 1000 * 4);
}

static void a_peer_of_small_frames_costs_little_memory(void **state)
{
	struct fixture *f = *state, many[100];
	size_t size, before, after;

	memory(&size, &before);
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
	memory(&size, &after);
	assert_true(after - before < 100 * 4);

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
		TEST(a_peer_that_does_not_listen_may_still_speak),
		TEST(an_absurd_length_ends_it),
		TEST(noise_is_survived),
		TEST(writes_that_end_anywhere_tear_no_frame),
		TEST(a_reader_at_the_same_time_gets_whole_frames),
		TEST(a_rest_is_given_up_with_its_peer),
		cmocka_unit_test(a_closed_port_leaves_no_memory_behind),
		TEST(a_peer_of_small_frames_costs_little_memory),
		TEST(descriptors_sent_along_are_not_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
