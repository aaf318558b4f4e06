/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conformance suite
 * =====================
 *
 * What it is. The promises of port/port.h as tests, in a program for each kind
 * of port: this file and a 'conform_kind'.
 *
 * How. The frame with number 'seq' has a length and contents that follow from
 * the number, so whoever receives it can tell what it must be. Frames are
 * recognised by their source address; anything else that a kernel interface
 * brings along is ignored. Nothing sleeps: whoever expects a frame polls.
 */
#include "conform.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "port/burst.h"
#include "port/port.h"
#include "virtio/sigbus.h"

/* How many frames the tests let lie around unread on any port: what fits into
 * the queue of a datagram socket.
 */
#define BATCH 8

/* How many are sent at once where the far end does not keep up. */
#define FLOOD 24

/* Nothing takes that long unless it never happens. */
#define DEADLINE_MS 5000

/* A peer that does not read makes nobody hold more than this. */
#define UNREAD_MAX (4u << 20)

static const struct mac our_src = { { 0x02, 0xc0, 0x4f, 0x00, 0x00, 0x01 } };

struct fixture {
	const struct conform_kind *kind;
	int n_fds; /* open before */
	struct conform_pair pair;
	struct burst *in;
	uint32_t dropped[DROP_COUNT]; /* by rx(), so far */
};

/*
 * Frames by number
 */

static const uint32_t lengths[] = { 14, 60, 1514, 15, 9014, 200, 65550, 1024, 64, ETH_FRAME_MAX };

/* So many at the start fit onto any way at once. */
#define SHORT_ONES 6

static uint32_t frame_len(const struct conform_kind *kind, unsigned seq)
{
	return MIN(lengths[seq % ARRAY_SIZE(lengths)], kind->frame_max);
}

static void frame_fill(uint8_t *data, uint32_t len, unsigned seq)
{
	/* To everybody, from us, with an ethertype for experiments. */
	memset(data, 0xff, 6);
	memcpy(data + 6, &our_src, 6);
	be16_store(data + 12, 0x88b5);
	for (uint32_t i = ETH_HEADER_LEN; i < len; i++)
		data[i] = (uint8_t)(seq * 7 + i + i / 256);
}

static bool frame_is_ours(const uint8_t *head)
{
	return mac_equal(mac_load(head + 6), our_src);
}

/* A frame to be sent, in 'n_iov' pieces (fewer, if it has not so many bytes). */
static struct frame *frame_new(const struct conform_kind *kind, unsigned seq, unsigned n_iov)
{
	uint32_t len = frame_len(kind, seq), piece;
	struct frame *frame = calloc(1, sizeof(*frame));
	uint8_t *data = malloc(len);
	struct iovec *iov;

	n_iov = MIN(n_iov, len);
	iov = calloc(n_iov, sizeof(*iov));
	assert_non_null(frame);
	assert_non_null(data);
	assert_non_null(iov);

	frame_fill(data, len, seq);
	piece = len / n_iov;
	for (unsigned i = 0; i < n_iov; i++)
		iov[i] = (struct iovec){
			.iov_base = data + (size_t)i * piece,
			.iov_len = i + 1 < n_iov ? piece : len - i * piece,
		};

	frame->iov = iov;
	frame->n_iov = (uint16_t)n_iov;
	frame->len = len;
	memcpy(frame->head, data, MIN(len, (uint32_t)FRAME_HEAD_LEN));
	return frame;
}

static void frame_free(struct frame *frame)
{
	free(frame->iov[0].iov_base);
	free((void *)frame->iov);
	free(frame);
}

static void assert_is_frame(const struct conform_kind *kind, unsigned seq, const void *data,
			    size_t len)
{
	uint32_t expected_len = frame_len(kind, seq);
	uint8_t *expected = malloc(expected_len);

	assert_non_null(expected);
	frame_fill(expected, expected_len, seq);
	assert_int_equal(len, expected_len);
	assert_memory_equal(data, expected, expected_len);
	free(expected);
}

/*
 * Both ends
 */

static int64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until 'fd' is readable, if it is one; fails behind the deadline. */
static void wait_readable(int fd, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left = deadline - now_ms();

	assert_true(left > 0);
	if (fd >= 0)
		assert_int_equal(poll(&poll_fd, 1, (int)left), 1);
}

/* Waits until the port has something, as a worker does before it sleeps. */
static void wait_for_port(struct fixture *f, int64_t deadline)
{
	struct port *port = f->pair.port;

	if (!port->ops->arm || port->ops->arm(port))
		wait_readable(port->fd, deadline);
}

static void far_send(struct fixture *f, unsigned seq)
{
	struct conform_frame frame = { .len = frame_len(f->kind, seq) };

	frame.data = malloc(frame.len);
	assert_non_null(frame.data);
	frame_fill(frame.data, (uint32_t)frame.len, seq);
	assert_true(f->kind->send(&f->pair, &frame));
	free(frame.data);
}

/* Sends 'len' bytes that are no frame the suite knows. */
static bool far_send_any(struct fixture *f, size_t len)
{
	struct conform_frame frame = { .data = calloc(1, len), .len = len };
	bool sent;

	assert_non_null(frame.data);
	sent = f->kind->send(&f->pair, &frame);
	free(frame.data);
	return sent;
}

/* Receives one of our frames into 'frame' if there is one. */
static bool far_try_recv(struct fixture *f, struct conform_frame *frame)
{
	static uint8_t buf[ETH_FRAME_MAX];

	do {
		*frame = (struct conform_frame){ .data = buf, .len = sizeof(buf) };
		if (!f->kind->recv(&f->pair, frame))
			return false;
	} while (frame->len < ETH_HEADER_LEN || !frame_is_ours(frame->data));
	return true;
}

static void far_recv(struct fixture *f, unsigned seq)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct conform_frame frame;

	while (!far_try_recv(f, &frame))
		wait_readable(f->pair.far, deadline);
	assert_is_frame(f->kind, seq, frame.data, frame.len);
}

/* rx() into the emptied 'in', and checks what the contract says of any rx(). */
static unsigned port_rx(struct fixture *f, unsigned budget)
{
	unsigned n;

	burst_clear(f->in);
	n = f->pair.port->ops->rx(f->pair.port, f->in, budget);
	assert_true(n <= budget);
	assert_int_equal(n, f->in->n);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		f->dropped[i] += f->in->dropped[i];
	return n;
}

static void port_release(struct fixture *f)
{
	f->pair.port->ops->release(f->pair.port);
}

/* Copies the frame together and checks that it is well formed. */
static uint8_t *frame_linear(const struct frame *frame)
{
	uint8_t *data = calloc(1, MAX(frame->len, (uint32_t)FRAME_HEAD_LEN));
	size_t len = 0;

	assert_non_null(data);
	assert_true(frame->len >= ETH_HEADER_LEN);
	for (unsigned i = 0; i < frame->n_iov; i++) {
		assert_true(len + frame->iov[i].iov_len <= frame->len);
		memcpy(data + len, frame->iov[i].iov_base, frame->iov[i].iov_len);
		len += frame->iov[i].iov_len;
	}
	assert_int_equal(len, frame->len);
	assert_memory_equal(data, frame->head, FRAME_HEAD_LEN); /* zeros behind a short one */
	return data;
}

/* Receives, 'budget' at a time, the frames numbered from 'seq'. */
static void port_receive(struct fixture *f, unsigned seq, unsigned n, unsigned budget)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	unsigned end = seq + n;

	while (seq < end) {
		unsigned got = port_rx(f, budget);

		for (unsigned i = 0; i < got; i++) {
			const struct frame *frame = &f->in->frame[i];
			uint8_t *data = frame_linear(frame);

			if (frame_is_ours(data)) {
				assert_is_frame(f->kind, seq++, data, frame->len);
				assert_true(vnet_is_plain(&frame->vnet));
			}
			free(data);
		}
		port_release(f);

		if (seq < end && !f->pair.port->has_more)
			wait_for_port(f, deadline);
	}
}

/* tx() of the frames numbered from 'seq'; returns how many were taken. */
static unsigned port_tx(struct fixture *f, unsigned seq, unsigned n, unsigned n_iov,
			enum drop *ret_why)
{
	struct frame *frames[BURST_MAX];
	unsigned taken;

	assert_true(n <= BURST_MAX);
	for (unsigned i = 0; i < n; i++)
		frames[i] = frame_new(f->kind, seq + i, n_iov);

	taken = f->pair.port->ops->tx(f->pair.port, frames, n, ret_why);
	assert_true(taken <= n);

	/* A port that reflects holds views of them until rx() has been called. */
	if (!(f->pair.port->ops->can & PORT_CAN_REFLECT)) {
		for (unsigned i = 0; i < n; i++)
			frame_free(frames[i]);
		return taken;
	}
	for (unsigned i = 0; i < taken; i++)
		far_recv(f, seq + i);
	for (unsigned i = 0; i < n; i++)
		frame_free(frames[i]);
	return taken;
}

/* Sends one frame after the other and has the far end receive each. */
static void port_send_all(struct fixture *f, unsigned seq, unsigned n, unsigned n_iov)
{
	for (unsigned i = 0; i < n; i++) {
		enum drop why;

		assert_int_equal(port_tx(f, seq + i, 1, n_iov, &why), 1);
		if (!(f->pair.port->ops->can & PORT_CAN_REFLECT))
			far_recv(f, seq + i);
	}
}

/* What a worker does when the descriptor can be written. */
static void port_flush(struct fixture *f)
{
	struct pollfd poll_fd = { .fd = f->pair.port->fd, .events = POLLOUT };

	if (f->pair.port->want_write && poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLOUT)
		f->pair.port->ops->flush(f->pair.port);
}

/*
 * A fixture for each test
 */

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

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || burst_new(&f->in, NULL) < 0)
		return -1;
	f->kind = &conform_kind;
	if (f->kind->prepare)
		f->kind->prepare();
	f->n_fds = count_fds();
	f->pair.far = -1;
	*state = f;
	return f->kind->open(&f->pair) ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int leaked;

	f->pair.port = port_close(f->pair.port);
	f->kind->close(&f->pair);
	leaked = count_fds() - f->n_fds;
	burst_free(f->in);
	free(f);
	if (leaked != 0)
		(void)fprintf(stderr, "# %d descriptors leaked\n", leaked);
	return leaked == 0 ? 0 : -1;
}

/*
 * Tests
 */

static void it_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	const struct port *port = f->pair.port;

	assert_string_equal(port->ops->kind, f->kind->name);
	assert_false(port->faulty);
	assert_false(port->want_write);
	assert_true(port->fd >= 0 || port->ops->can & PORT_CAN_REFLECT);
	assert_int_equal(!port->takes, !(f->kind->can & CONFORM_OFFLOADS));
}

static void nothing_to_read_is_nothing(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		unsigned n = port_rx(f, BURST_MAX);

		for (unsigned j = 0; j < n; j++)
			assert_false(frame_is_ours(f->in->frame[j].head));
		port_release(f);
	}
	assert_int_equal(f->dropped[DROP_RUNT], 0);
	assert_false(f->pair.port->faulty);
}

static void frames_come_in_unchanged_and_in_order(void **state)
{
	struct fixture *f = *state;

	for (unsigned seq = 0; seq < 3 * ARRAY_SIZE(lengths); seq++) {
		far_send(f, seq);
		port_receive(f, seq, 1, BURST_MAX);
	}
}

static void frames_go_out_unchanged_and_in_order(void **state)
{
	struct fixture *f = *state;

	port_send_all(f, 0, 3 * ARRAY_SIZE(lengths), 1);
}

static void a_burst_goes_out_in_order(void **state)
{
	struct fixture *f = *state;
	enum drop why;

	for (unsigned round = 0; round < 20; round++) {
		unsigned seq = round * ARRAY_SIZE(lengths);

		assert_int_equal(port_tx(f, seq, SHORT_ONES, 1, &why), SHORT_ONES);
		for (unsigned i = 0; i < SHORT_ONES; i++) {
			if (!(f->pair.port->ops->can & PORT_CAN_REFLECT))
				far_recv(f, seq + i);
		}
	}
}

static void scattered_frames_go_out_whole(void **state)
{
	static const unsigned pieces[] = { 2, 3, 17, 255, 256, 300, 1000 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
		port_send_all(f, i, ARRAY_SIZE(lengths), pieces[i]);
}

static void a_budget_is_kept_and_nothing_is_forgotten(void **state)
{
	struct fixture *f = *state;

	for (unsigned budget = 1; budget <= SHORT_ONES + 1; budget++) {
		for (unsigned seq = 0; seq < SHORT_ONES; seq++)
			far_send(f, seq);
		port_receive(f, 0, SHORT_ONES, budget);
	}
}

static void runts_are_counted_and_not_passed_on(void **state)
{
	struct fixture *f = *state;

	assert_true(far_send_any(f, 1));
	assert_true(far_send_any(f, 13));
	far_send(f, 0);
	port_receive(f, 0, 1, BURST_MAX);
	assert_int_equal(f->dropped[DROP_RUNT], 2);
}

static void what_is_too_long_harms_nobody(void **state)
{
	struct fixture *f = *state;

	far_send(f, 0);
	assert_true(far_send_any(f, ETH_FRAME_MAX + 1));
	port_receive(f, 0, 1, BURST_MAX);
	if (f->kind->too_long_faults) {
		assert_int_equal(port_rx(f, BURST_MAX), 0);
		assert_true(f->pair.port->faulty);
		assert_non_null(strstr(f->pair.port->fault, "69633 bytes; at most 69632"));
	} else {
		far_send(f, 1);
		port_receive(f, 1, 1, BURST_MAX);
		assert_int_equal(f->dropped[DROP_TRUNCATED], 1);
		assert_false(f->pair.port->faulty);
	}
}

/* Has the far end receive what it can of the frames that were taken, each of
 * which must be the next one. 'seqs[*done]' is the first it has not received.
 */
static void far_drain(struct fixture *f, const unsigned seqs[], unsigned *done, unsigned n,
		      unsigned max)
{
	struct conform_frame frame;

	while (*done < n && max-- > 0 && far_try_recv(f, &frame))
		assert_is_frame(f->kind, seqs[(*done)++], frame.data, frame.len);
}

/* Sends frames that nobody reads until they are refused; returns how many were
 * taken, whose numbers go to 'seqs'.
 */
static unsigned fill_up(struct fixture *f, unsigned seqs[], unsigned max)
{
	unsigned n = 0, refused = 0;
	size_t size = 0;

	for (unsigned seq = 0; refused < 50; seq += FLOOD) {
		enum drop why = DROP_COUNT;
		unsigned taken = port_tx(f, seq, FLOOD, 1, &why);

		if (taken < FLOOD) {
			assert_int_equal(why, f->kind->full);
			refused++;
		}
		for (unsigned i = 0; i < taken; i++) {
			assert_true(n < max);
			size += frame_len(f->kind, seq + i);
			seqs[n++] = seq + i;
		}
		assert_true(size < UNREAD_MAX);
	}

	return n;
}

static void a_far_end_that_does_not_read_gets_drops(void **state)
{
	static unsigned seqs[UNREAD_MAX / ETH_HEADER_LEN];
	struct fixture *f = *state;
	unsigned n, done = 0;
	int64_t deadline;

	/* Twice: it recovers, and can be filled again. */
	for (int round = 0; round < 2; round++) {
		n = fill_up(f, seqs, ARRAY_SIZE(seqs));
		done = 0;
		deadline = now_ms() + DEADLINE_MS;
		while (done < n) {
			far_drain(f, seqs, &done, n, UINT32_MAX);
			port_flush(f);
			assert_true(now_ms() < deadline);
		}
		assert_false(f->pair.port->want_write);
		port_send_all(f, 0, ARRAY_SIZE(lengths), 1);
	}
	assert_false(f->pair.port->faulty);
}

static void a_far_end_that_reads_slowly_gets_whole_frames(void **state)
{
	static unsigned seqs[FLOOD * 4000];
	struct fixture *f = *state;
	unsigned n = 0, done = 0, random = 1;
	int64_t deadline;

	for (unsigned round = 0; round < 4000; round++) {
		enum drop why;
		unsigned taken;

		random = random * 1103515245 + 12345;
		taken = port_tx(f, round * FLOOD, 1 + (random >> 16) % FLOOD,
				1 + (random >> 24) % 3, &why);
		for (unsigned i = 0; i < taken; i++)
			seqs[n++] = round * FLOOD + i;
		if ((random >> 12) % 4 == 0)
			port_flush(f);
		far_drain(f, seqs, &done, n, (random >> 8) % 8);
	}

	deadline = now_ms() + DEADLINE_MS;
	while (done < n) {
		far_drain(f, seqs, &done, n, UINT32_MAX);
		port_flush(f);
		assert_true(now_ms() < deadline);
	}
	assert_true(n < 4000 * FLOOD / 2); /* or nothing was slow */
	assert_true(n > 1000);
}

static void a_far_end_that_left_is_noticed(void **state)
{
	struct fixture *f = *state;
	enum drop why = DROP_COUNT;

	far_send(f, 0);
	f->kind->leave(&f->pair);

	assert_int_equal(port_tx(f, 0, BATCH, 1, &why), 0);
	assert_int_equal(why, f->kind->gone);

	/* What it sent before still counts. */
	port_receive(f, 0, 1, BURST_MAX);
	assert_int_equal(port_rx(f, BURST_MAX), 0);
	port_release(f);
	assert_int_equal(port_tx(f, 0, BATCH, 1, &why), 0);
	assert_int_equal(why, f->kind->gone);
	if (f->pair.port->faulty)
		assert_true(strlen(f->pair.port->fault) > 0);
	assert_false(f->pair.port->want_write);
}

static void one_that_left_in_the_middle_is_noticed(void **state)
{
	static unsigned seqs[UNREAD_MAX / ETH_HEADER_LEN];
	struct fixture *f = *state;
	enum drop why = DROP_COUNT;

	(void)fill_up(f, seqs, ARRAY_SIZE(seqs));
	f->kind->leave(&f->pair);
	port_flush(f);
	assert_int_equal(port_tx(f, 0, BATCH, 1, &why), 0);
	assert_int_equal(why, f->kind->gone);
	assert_false(f->pair.port->want_write);
}

/* A guest's memory can go while its frames are on their way: that is nothing
 * its receivers should suffer for.
 */
static void a_sender_whose_memory_is_gone_harms_nobody(void **state)
{
	struct fixture *f = *state;
	int fd = memfd_create("gone", MFD_CLOEXEC);
	uint8_t *gone = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	uint8_t head[ETH_HEADER_LEN] = { 0 };
	const struct iovec iov[] = { { head, sizeof(head) }, { gone, 100 } };
	struct frame frame = { .iov = iov, .n_iov = 2, .len = sizeof(head) + 100 };
	struct frame *frames[] = { &frame };
	bool shrank = false;
	enum drop why;

	assert_ptr_not_equal(gone, MAP_FAILED);
	assert_int_equal(sigbus_install(NULL), 0);
	assert_int_equal(sigbus_guard(gone, 4096, &shrank, NULL), 0);
	if (!(f->pair.port->ops->can & PORT_CAN_REFLECT)) {
		(void)f->pair.port->ops->tx(f->pair.port, frames, 1, &why);
		assert_false(f->pair.port->faulty);
		port_send_all(f, 0, SHORT_ONES, 1);
	}
	sigbus_unguard(gone);
	(void)munmap(gone, 4096);
	(void)close(fd);
}

static void it_can_be_closed_with_frames_under_way(void **state)
{
	static unsigned seqs[UNREAD_MAX / ETH_HEADER_LEN];
	struct fixture *f = *state;

	/* Received and not released, unread, and half sent: tear_down() closes. */
	far_send(f, 0);
	if (f->pair.port->fd >= 0)
		wait_for_port(f, now_ms() + DEADLINE_MS);
	(void)port_rx(f, BURST_MAX);
	far_send(f, 1);
	if (f->kind->can & CONFORM_FILLS)
		(void)fill_up(f, seqs, ARRAY_SIZE(seqs));
}

static uint16_t checksum(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += be16_load(data + i);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A TCP super-frame of two segments whose checksum is still to be finished. */
static struct vnet_header fill_super_frame(uint8_t data[2950])
{
	static const uint8_t ip_tcp[40] = {
		0x45, 0, 0x0b, 0x78, 0,	  1, 0x40, 0, 64, 6, 0, 0, /* 2936 bytes of TCP in IPv4 */
		192,  0, 2,    1,    192, 0, 2,	   2,		   /* from, to: for examples */
		0x10, 0, 0x20, 0,    0,	  0, 0,	   1, 0,  0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
	};
	const struct vnet_header vnet = {
		.flags = VNET_NEEDS_CSUM,
		.gso_type = VNET_GSO_TCPV4,
		.hdr_len = cpu_to_le16(54),
		.gso_size = cpu_to_le16(1448),
		.csum_start = cpu_to_le16(34),
		.csum_offset = cpu_to_le16(16),
	};

	frame_fill(data, 2950, 5);
	be16_store(data + 12, ETH_TYPE_IPV4);
	memcpy(data + 14, ip_tcp, sizeof(ip_tcp));
	be16_store(data + 24, (uint16_t)~checksum(data + 14, 20, 0));
	be16_store(data + 50, checksum(data + 26, 8, 6 + 2916)); /* of the pseudo header */
	return vnet;
}

static void assert_same_work(const struct vnet_header *got, const struct vnet_header *want)
{
	assert_int_equal(got->flags & VNET_NEEDS_CSUM, want->flags);
	assert_int_equal(got->gso_type, want->gso_type);
	assert_memory_equal(&got->gso_size, &want->gso_size, 6); /* and csum_*; hdr_len hints */
}

static void work_left_in_a_frame_travels_with_it(void **state)
{
	struct fixture *f = *state;
	uint8_t data[2950];
	struct vnet_header vnet = fill_super_frame(data);
	const struct conform_frame sent = { .data = data, .len = sizeof(data), .vnet = vnet };
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct conform_frame got;
	struct frame *frame = &f->in->frame[0];
	uint8_t *linear;
	enum drop why;

	burst_clear(f->in);
	(void)burst_append(f->in, data, sizeof(data));
	frame->vnet = vnet;
	assert_int_equal(f->pair.port->ops->tx(f->pair.port, &frame, 1, &why), 1);
	while (!far_try_recv(f, &got))
		wait_readable(f->pair.far, deadline);
	assert_int_equal(got.len, sizeof(data));
	assert_memory_equal(got.data, data, sizeof(data));
	assert_same_work(&got.vnet, &vnet);

	assert_true(f->kind->send(&f->pair, &sent));
	while (port_rx(f, 1) == 0 || !frame_is_ours(frame->head)) {
		port_release(f);
		wait_for_port(f, deadline);
	}
	linear = frame_linear(frame);
	assert_int_equal(frame->len, sizeof(data));
	assert_memory_equal(linear, data, sizeof(data));
	assert_same_work(&frame->vnet, &vnet);
	free(linear);
	port_release(f);
}

#define TEST(name, needs)          \
	{                          \
#name, name, needs \
	}
static const struct {
	const char *name;
	CMUnitTestFunction run;
	unsigned needs; /* enum conform_can: does it apply to a kind? */
} tests[] = {
	TEST(it_says_what_it_is, 0),
	TEST(nothing_to_read_is_nothing, 0),
	TEST(frames_come_in_unchanged_and_in_order, 0),
	TEST(frames_go_out_unchanged_and_in_order, 0),
	TEST(a_burst_goes_out_in_order, 0),
	TEST(scattered_frames_go_out_whole, 0),
	TEST(a_budget_is_kept_and_nothing_is_forgotten, 0),
	TEST(runts_are_counted_and_not_passed_on, CONFORM_SENDS_RUNTS),
	TEST(what_is_too_long_harms_nobody, CONFORM_SENDS_TOO_LONG),
	TEST(a_far_end_that_does_not_read_gets_drops, CONFORM_FILLS),
	TEST(a_far_end_that_reads_slowly_gets_whole_frames, CONFORM_FILLS),
	TEST(a_far_end_that_left_is_noticed, CONFORM_LEAVES),
	TEST(one_that_left_in_the_middle_is_noticed, CONFORM_FILLS | CONFORM_LEAVES),
	TEST(a_sender_whose_memory_is_gone_harms_nobody, 0),
	TEST(it_can_be_closed_with_frames_under_way, 0),
	TEST(work_left_in_a_frame_travels_with_it, CONFORM_OFFLOADS),
};

/* Why there can be no tests here, or NULL. */
static const char *why_not(void)
{
	struct conform_pair pair = { .far = -1 };
	const char *reason = conform_kind.open(&pair);

	pair.port = port_close(pair.port);
	conform_kind.close(&pair);
	return reason;
}

int main(void)
{
	static struct CMUnitTest applying[ARRAY_SIZE(tests)];
	const char *reason = why_not();
	unsigned n = 0;

	if (reason) {
		(void)printf("1..0 # SKIP %s: %s\n", conform_kind.name, reason);
		return 0;
	}

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!(tests[i].needs & ~conform_kind.can))
			applying[n++] = (struct CMUnitTest){
				.name = tests[i].name,
				.test_func = tests[i].run,
				.setup_func = set_up,
				.teardown_func = tear_down,
			};
	}

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(conform_kind.name, applying, n, NULL, NULL);
}
