/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources and sinks
 * =================
 *
 * A frame lies in the slot of its ring from the start; to send it is to write
 * its stamp (16 octets, as a guest at least writes its headers), its payload if
 * payloads are to be touched, and its descriptors. To receive one is to read
 * the stamp, the payload if touched, and to hand the buffer out again. The
 * virtio header of a slot never changes, and is written once, as DPDK's driver
 * does; so one cache line less is passed to and fro.
 *
 * All of it runs in one thread and is the price of the measurement: what it
 * costs bounds what can be measured.
 */
#include "traffic.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "fetch.h"
#include "pattern.h"

#define STAMP_MAGIC   0x6c70
#define SEQ_HELLO     UINT64_MAX
#define OPEN_PATHS_NS 10000000000
#define BURST_MAX     512	/* buffers of a burst */
#define BURST_NS      100000000 /* what has not come by then was lost */
#define MERGED_MAX    600	/* buffers of 128 octets for the longest frame */

struct stamp {
	uint32_t run;
	uint16_t magic;
	uint16_t lane;
	uint64_t seq;
};

/* Slots that go to and fro in a circle. */
static void put_idle(struct lane *lane, uint32_t slot)
{
	lane->idle[(lane->idle_first + lane->n_idle++) & lane->idle_mask] = slot;
}

static uint32_t take_idle(struct lane *lane)
{
	lane->n_idle--;
	return lane->idle[lane->idle_first++ & lane->idle_mask];
}

static uint32_t peek_idle(const struct lane *lane)
{
	return lane->idle[lane->idle_first & lane->idle_mask];
}

/* Every slot gets a frame that lacks nothing but its stamp. */
static int lane_init(struct lane *lane, const struct traffic *traffic, struct guest *from,
		     const struct guest *to, struct ring *tx)
{
	struct virtio_net_hdr_mrg_rxbuf header = { .hdr = traffic->shape.vnet };
	uint32_t room = 1;

	while (room < tx->n_slots)
		room *= 2;
	lane->tx = tx;
	lane->to = to;
	lane->number = (uint16_t)(lane - traffic->lane);
	lane->idle_mask = room - 1;
	lane->idle = calloc(room, sizeof(lane->idle[0]));
	lane->like = malloc(traffic->shape.size);
	if (!lane->idle || !lane->like)
		return -ENOMEM;

	frame_build(lane->like, &traffic->shape, to->spec.mac, from->spec.mac);
	for (uint32_t slot = 0; slot < tx->n_slots; slot++) {
		memcpy(ring_header(tx, slot), &header, RING_HEADER);
		memcpy(ring_frame(tx, slot), lane->like, traffic->shape.size);
		put_idle(lane, slot);
	}

	return 0;
}

static unsigned count_queues(const struct guest *guests, unsigned n_guests)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_guests; i++)
		n += guests[i].n_queues;
	return n;
}

int traffic_init(struct traffic *traffic, const struct frame_shape *shape, struct guest *guests,
		 unsigned n_guests, struct err *err)
{
	unsigned n = count_queues(guests, n_guests);
	int r = 0;

	if (n > TRAFFIC_LANES_MAX)
		return err_set(err, EMFILE, "%u queues are too many: use up to %u", n,
			       TRAFFIC_LANES_MAX);

	traffic->shape = *shape;
	traffic->lane = calloc(n, sizeof(traffic->lane[0]));
	traffic->sink = calloc(n, sizeof(traffic->sink[0]));
	traffic->scratch = malloc(shape->size);
	if (!traffic->lane || !traffic->sink || !traffic->scratch)
		return err_set(err, ENOMEM, "out of memory");

	for (unsigned i = 0; i < n_guests && r == 0; i++) {
		for (unsigned q = 0; q < guests[i].n_queues && r == 0; q++) {
			traffic->sink[traffic->n_sinks++] =
				(struct sink){ &guests[i].rx[q], &guests[i] };
			r = lane_init(&traffic->lane[traffic->n_lanes++], traffic, &guests[i],
				      &guests[i ^ 1], &guests[i].tx[q]);
		}
	}

	return r < 0 ? err_set(err, -r, "out of memory") : 0;
}

void traffic_fini(struct traffic *traffic)
{
	for (unsigned i = 0; i < traffic->n_lanes; i++) {
		free(traffic->lane[i].idle);
		free(traffic->lane[i].like);
	}
	free(traffic->lane);
	free(traffic->sink);
	free(traffic->scratch);
	*traffic = (struct traffic){ 0 };
}

static size_t payload_at(const struct traffic *traffic)
{
	return traffic->shape.stamp_at + sizeof(struct stamp);
}

/* Of the pattern in a frame's payload. */
static uint64_t seed_of(const struct stamp *stamp)
{
	return (stamp->seq + 1) * PATTERN_STEP ^ (uint64_t)stamp->lane << 48 ^ stamp->run;
}

void traffic_reclaim(struct lane *lane)
{
	struct ring_buf bufs[RING_BURST];
	unsigned n = ring_collect(lane->tx, bufs, RING_BURST);

	for (unsigned i = 0; i < n; i++) {
		put_idle(lane, bufs[i].slot);
		fetch_to_write(ring_frame(lane->tx, bufs[i].slot), 1);
	}
}

static void write_frame(const struct traffic *traffic, const struct lane *lane, uint32_t slot,
			uint64_t seq)
{
	struct stamp stamp = { traffic->shape.run, STAMP_MAGIC, lane->number, seq };
	uint8_t *frame = ring_frame(lane->tx, slot);
	size_t payload = payload_at(traffic);

	memcpy(frame + traffic->shape.stamp_at, &stamp, sizeof(stamp));
	if (traffic->touch)
		pattern_fill(frame + payload, traffic->shape.size - payload, seed_of(&stamp));
}

/* Sends 'n' frames, for which there is room. */
static void send(struct traffic *traffic, struct lane *lane, uint64_t seq, unsigned n)
{
	struct ring_buf bufs[RING_BURST];

	for (unsigned i = 0; i < n; i++) {
		bufs[i] = (struct ring_buf){ take_idle(lane), traffic->shape.size + RING_HEADER };
		if (traffic->touch && i + 1 < n)
			fetch_to_write(ring_frame(lane->tx, peek_idle(lane)), traffic->shape.size);
		write_frame(traffic, lane, bufs[i].slot, seq + i);
	}
	ring_post(lane->tx, bufs, n);
}

unsigned traffic_send(struct traffic *traffic, struct lane *lane, unsigned n)
{
	unsigned wanted = MIN(n, (unsigned)RING_BURST);

	if (traffic->window) {
		uint64_t under_way = lane->sent - MAX(lane->next_seq, lane->given_up);
		uint64_t room = traffic->window - MIN(under_way, traffic->window);

		wanted = (unsigned)MIN((uint64_t)wanted, room);
	}

	if (lane->n_idle < wanted)
		traffic_reclaim(lane);
	n = MIN(wanted, lane->n_idle);
	lane->tries += wanted != 0;
	lane->full += n < wanted;
	send(traffic, lane, lane->sent, n);
	lane->sent += n;
	return n;
}

static size_t checksum_at(const struct traffic *traffic)
{
	return (size_t)traffic->shape.vnet.csum_start + traffic->shape.vnet.csum_offset;
}

/* Does the header still say what is to be done with the frame? A switch that
 * has finished a checksum or a frame's segmentation would have to change it,
 * but not between guests that leave both to each other.
 */
static bool is_marked(const struct traffic *traffic, const struct sink *sink, uint32_t slot)
{
	struct virtio_net_hdr vnet;

	memcpy(&vnet, ring_header(sink->rx, slot), sizeof(vnet));
	return vnet.gso_type == traffic->shape.vnet.gso_type &&
	       !vnet.gso_size == !traffic->shape.vnet.gso_size;
}

/* Does the frame in 'bufs' look as it did when it was sent? */
static bool is_intact(const struct traffic *traffic, const struct lane *lane,
		      const struct sink *sink, const struct stamp *stamp,
		      const struct ring_buf *bufs)
{
	const uint8_t *piece = ring_frame(sink->rx, bufs[0].slot), *want = traffic->scratch;
	uint32_t len = bufs[0].len - RING_HEADER, size = traffic->shape.size;

	memcpy(traffic->scratch, lane->like, payload_at(traffic));
	memcpy(traffic->scratch + traffic->shape.stamp_at, stamp, sizeof(*stamp));
	if (traffic->shape.vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) /* it may be finished now */
		memcpy(traffic->scratch + checksum_at(traffic), piece + checksum_at(traffic), 2);
	pattern_fill(traffic->scratch + payload_at(traffic), size - payload_at(traffic),
		     seed_of(stamp));

	while (memcmp(piece, want, len) == 0) {
		want += len;
		size -= len;
		if (!size)
			return true;
		bufs++;
		piece = ring_header(sink->rx, bufs->slot);
		len = bufs->len;
	}

	return false;
}

static void touch(struct traffic *traffic, const struct sink *sink, const struct ring_buf *bufs,
		  unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		traffic->sum += pattern_sum(ring_header(sink->rx, bufs[i].slot), bufs[i].len);
}

/* Finds the lane of a frame, NULL if it is not one of ours. */
static struct lane *lane_of(const struct traffic *traffic, const struct sink *sink,
			    const struct stamp *stamp)
{
	struct lane *lane = &traffic->lane[stamp->lane];

	if (stamp->run != traffic->shape.run || stamp->magic != STAMP_MAGIC ||
	    stamp->lane >= traffic->n_lanes || lane->to != sink->guest)
		return NULL;

	return lane;
}

/* Accounts for one frame, which 'n' buffers hold. */
static void account(struct traffic *traffic, const struct sink *sink, const struct ring_buf *bufs,
		    unsigned n)
{
	struct stamp stamp;
	struct lane *lane = NULL;
	uint64_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += bufs[i].len;

	if (bufs[0].len >= RING_HEADER + payload_at(traffic)) {
		memcpy(&stamp, ring_frame(sink->rx, bufs[0].slot) + traffic->shape.stamp_at,
		       sizeof(stamp));
		lane = lane_of(traffic, sink, &stamp);
	}
	if (__builtin_expect(!lane, 0)) {
		traffic->foreign++;
		return;
	}

	if (__builtin_expect(stamp.seq == SEQ_HELLO, 0)) {
		lane->hellos++;
		return;
	}

	lane->unmarked += !is_marked(traffic, sink, bufs[0].slot);
	if (len != traffic->shape.size + RING_HEADER)
		lane->damaged++;
	else if (traffic->verify)
		lane->damaged += !is_intact(traffic, lane, sink, &stamp, bufs);
	else if (traffic->touch)
		touch(traffic, sink, bufs, n);
	if (stamp.seq < lane->next_seq)
		lane->reordered++;
	else
		lane->next_seq = stamp.seq + 1;
	lane->received++;
}

/* How many buffers a frame that begins in 'slot' is in. */
static unsigned buffers_of(const struct sink *sink, uint32_t slot)
{
	uint16_t n;

	if (!sink->guest->spec.mergeable)
		return 1;

	memcpy(&n, ring_header(sink->rx, slot) + 10, sizeof(n));
	return n;
}

unsigned traffic_receive(struct traffic *traffic, struct sink *sink)
{
	struct ring_buf bufs[RING_BURST + MERGED_MAX];
	struct ring *rx = sink->rx;
	unsigned n = ring_collect(rx, bufs, RING_BURST), at = 0;

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(ring_frame(rx, bufs[i].slot));

	while (at < n) {
		unsigned parts = buffers_of(sink, bufs[at].slot);

		/* What collect() was not asked for may be there; a frame appears as a whole. */
		if (parts > n - at && parts <= MERGED_MAX)
			n += ring_collect(rx, bufs + n, parts - (n - at));
		if (!parts || parts > n - at) {
			rx->broken = "a frame's num_buffers are not there";
			return 0;
		}
		if (traffic->touch && at + parts < n)
			fetch_to_read(ring_frame(rx, bufs[at + parts].slot), bufs[at + parts].len);
		account(traffic, sink, bufs + at, parts);
		at += parts;
	}

	for (unsigned i = 0; i < n; i++)
		bufs[i].len = rx->config.slot_len;
	ring_post(rx, bufs, n);
	return n;
}

/* The generator's work on what traffic_burst() received in 'n' buffers. */
static void look_at(struct traffic *traffic, struct sink *sink, struct ring_buf *bufs, unsigned n)
{
	for (unsigned at = 0; at < n;) {
		unsigned parts = MAX(buffers_of(sink, bufs[at].slot), 1u);

		account(traffic, sink, bufs + at, MIN(parts, n - at));
		at += parts;
	}

	for (unsigned i = 0; i < n; i++)
		bufs[i].len = sink->rx->config.slot_len;
	ring_post(sink->rx, bufs, n);
}

uint64_t traffic_burst(struct traffic *traffic, struct lane *lane, struct sink *sink, unsigned n)
{
	uint32_t size = traffic->shape.size + RING_HEADER, room = sink->rx->config.slot_len;
	unsigned all = n * ((size + room - 1) / room), got = 0;
	struct ring_buf out[BURST_MAX], in[BURST_MAX];
	uint64_t start, end;

	while (lane->n_idle < n && !lane->tx->broken)
		traffic_reclaim(lane);
	for (unsigned i = 0; i < n; i++) {
		out[i] = (struct ring_buf){ take_idle(lane), size };
		write_frame(traffic, lane, out[i].slot, lane->sent++);
	}

	start = end = clock_ns();
	ring_post(lane->tx, out, n);
	while (got < all && end - start < BURST_NS && !sink->rx->broken) {
		got += ring_collect(sink->rx, in + got, all - got);
		end = clock_ns();
	}

	look_at(traffic, sink, in, got);
	return got == all ? end - start : 0;
}

static bool is_open(const struct traffic *traffic)
{
	for (unsigned i = 0; i < traffic->n_lanes; i++)
		if (!traffic->lane[i].hellos)
			return false;

	return true;
}

/* A frame every millisecond and lane: some switches take seconds to see a link. */
int traffic_open_paths(struct traffic *traffic, struct err *err)
{
	uint64_t now = clock_ns(), deadline = now + OPEN_PATHS_NS, next = now;

	while (!is_open(traffic)) {
		now = clock_ns();
		if (now > deadline)
			return err_set(err, ETIMEDOUT,
				       "not all frames that should open the path came through "
				       "within %d s: are the switch's ends up, and the MACs right?",
				       (int)(OPEN_PATHS_NS / 1000000000));

		for (unsigned i = 0; i < traffic->n_lanes && now >= next; i++) {
			traffic_reclaim(&traffic->lane[i]);
			send(traffic, &traffic->lane[i], SEQ_HELLO,
			     traffic->lane[i].n_idle ? 1 : 0);
		}
		if (now >= next)
			next = now + 1000000;
		for (unsigned i = 0; i < traffic->n_sinks; i++)
			traffic_receive(traffic, &traffic->sink[i]);
	}

	return 0;
}

uint64_t traffic_sent(const struct traffic *traffic)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < traffic->n_lanes; i++)
		sum += traffic->lane[i].sent;
	return sum;
}

uint64_t traffic_received(const struct traffic *traffic)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < traffic->n_lanes; i++)
		sum += traffic->lane[i].received;
	return sum;
}
