/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding a burst
 * ==================
 *
 * What it is. Two passes, as netmap's VALE does it: first every frame of the
 * burst is classified (fwd/) and queued for its receivers, then each receiver
 * gets all its frames at once, so that it costs one system call and one
 * notification however many frames it gets.
 *
 * Queues. A queue entry is a run of frames and a link; all queues share one
 * pool of entries, and members that have any are chained. A burst of
 * broadcasts to thousands of endpoints can use the pool up: then everything
 * queued is delivered and the pool starts again, so nothing is lost for that.
 *
 * Reflection. A lower that reflects (the dummy with hairpin) gives frames back
 * while the sender's burst still holds their memory. They are classified as
 * frames from the wire, which never go to the wire, so this ends after one
 * turn.
 *
 * Offloads. A frame with work left in its vnet header goes as it is to ports
 * that can offload. For the others its checksum is finished, or it is cut into
 * segments, here and at the last moment (offload.c).
 *
 * Accounting. path/counters.h has the sum that must hold.
 *
 * Threads. One worker. No locks, no allocation; system calls are the ports'.
 */
#include "path/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <urcu-qsbr.h>

#include "fwd/verdict.h"
#include "path/offload.h"
#include "wire/eth.h"

static_assert(FRAME_HEAD_LEN == FWD_HEAD_LEN, "ports copy what the law looks at");

#define POOL_SIZE 4096
#define POOL_END  UINT16_MAX
static_assert(POOL_SIZE < POOL_END, "entries are numbered in 16 bits");

/* Segments of one super-frame that are sent with one call. */
#define SEGMENTS_MAX  32
#define SEGMENTS_SIZE ((size_t)2 * ETH_FRAME_MAX)

/* Frames of the burst that follow each other and are alike. */
struct entry {
	uint16_t frame;
	uint16_t n;
	uint16_t next;
};

struct forward {
	forward_touched_fn touched;
	void *context;
	struct burst *reflected;
	struct offload offload;
	uint8_t *segments;	    /* SEGMENTS_SIZE bytes of finished frames */
	struct path_hub *hub;	    /* whose frames are being classified */
	const struct burst *burst;  /* whose frames the endpoints' queues hold */
	struct path_member *queued; /* chain of endpoints with entries */
	unsigned n_entries;
	struct entry entry[POOL_SIZE];
	uint16_t wire[BURST_MAX]; /* frames for the lower */
	unsigned n_wire;
};

int forward_new(forward_touched_fn touched, void *context, struct forward **ret_forward,
		struct err *err)
{
	struct forward *forward = calloc(1, sizeof(*forward));
	int r;

	if (!forward)
		return err_set(err, ENOMEM, "out of memory");

	forward->touched = touched;
	forward->context = context;
	forward->segments = malloc(SEGMENTS_SIZE);
	r = burst_new(&forward->reflected, err);
	if (r >= 0 && !forward->segments)
		r = err_set(err, ENOMEM, "out of memory");
	if (r < 0) {
		forward_free(forward);
		return r;
	}

	*ret_forward = forward;
	return 0;
}

struct forward *forward_free(struct forward *forward)
{
	if (forward) {
		burst_free(forward->reflected);
		free(forward->segments);
		free(forward);
	}
	return NULL;
}

/* Frames are summed up in locals, and counted a burst at a time. */
static inline void sum_traffic(struct path_traffic *sum, const struct frame *frame, unsigned n)
{
	sum->frames += n;
	sum->bytes += (uint64_t)n * frame->len;
	if (frame->head[0] & 1)
		sum->groups += n;
}

static void count_traffic(struct path_traffic *traffic, const struct path_traffic *sum)
{
	counter_add(&traffic->frames, sum->frames);
	counter_add(&traffic->bytes, sum->bytes);
	if (sum->groups)
		counter_add(&traffic->groups, sum->groups);
}

static void count_drops(uint64_t drops[DROP_COUNT], enum drop why, uint64_t n)
{
	counter_add(&drops[why], n);
}

/* Does a refusal for this reason concern one frame only? (port.h) */
static bool is_about_one_frame(enum drop why)
{
	return why == DROP_OVERSIZE || why == DROP_BAD_OFFLOAD || why == DROP_LOWER_FULL;
}

/* Sends finished frames, or frames the port can finish. */
static void send_frames(struct path_member *member, struct port *port, struct frame *const frames[],
			unsigned n)
{
	struct path_traffic sum = { 0 };

	while (n > 0) {
		enum drop why = DROP_PEER_FULL;
		unsigned taken = port->ops->tx(port, frames, n, &why);
		unsigned lost;

		assert(taken <= n);
		for (unsigned i = 0; i < taken; i++)
			sum_traffic(&sum, frames[i], 1);
		if (taken == n)
			break;

		lost = is_about_one_frame(why) ? 1 : n - taken;
		count_drops(member->counters.drops_out, why, lost);
		frames += taken + lost;
		n -= taken + lost;
	}

	count_traffic(&member->counters.out, &sum);
}

/* Sends one frame that has work left through a port that cannot do it. The
 * frame counts once: as delivered if all its segments were taken, as dropped
 * if one was not; the rest of them is not sent then.
 */
static void send_offloaded(struct forward *forward, struct path_member *member, struct port *port,
			   const struct frame *frame)
{
	unsigned left = offload_begin(&forward->offload, frame);
	enum drop why = DROP_BAD_OFFLOAD;

	while (left > 0) {
		struct frame segment[SEGMENTS_MAX];
		struct frame *segments[SEGMENTS_MAX];
		unsigned n = 0;
		size_t at = 0;

		while (n < ARRAY_SIZE(segment) &&
		       offload_next(&forward->offload, forward->segments + at, SEGMENTS_SIZE - at,
				    &segment[n])) {
			at += segment[n].len;
			segments[n] = &segment[n];
			n++;
		}
		if (n == 0 || port->ops->tx(port, segments, n, &why) != n)
			break;

		left -= n;
		if (left == 0) {
			struct path_traffic sum = { 0 };

			sum_traffic(&sum, frame, 1);
			count_traffic(&member->counters.out, &sum);
			return;
		}
	}

	count_drops(member->counters.drops_out, why, 1);
}

/* Delivers 'n' frames of a burst to a member: whole runs of frames the port
 * takes as they are, and in their places those that need work first.
 */
static void deliver(struct forward *forward, struct path_member *member,
		    struct frame *const frames[], unsigned n)
{
	struct path_attachment *active = rcu_dereference(member->active);
	struct port *port;
	unsigned done = 0;

	if (!active) {
		count_drops(member->counters.drops_out,
			    member->slot == FWD_NOBODY ? DROP_LOWER_DOWN : DROP_NO_PEER, n);
		return;
	}

	port = active->port;
	while (done < n) {
		unsigned run = 0;

		while (done + run < n && !(vnet_work(&frames[done + run]->vnet) & ~port->takes))
			run++;

		if (run > 0)
			send_frames(member, port, frames + done, run);
		else
			send_offloaded(forward, member, port, frames[done]);
		done += MAX(run, 1u);
	}

	forward->touched(forward->context, active);
}

static void deliver_queue(struct forward *forward, struct path_member *member)
{
	struct frame *frames[BURST_MAX];
	uint16_t at = member->queue_head;
	unsigned n = 0;

	/* More than a burst's worth can wait: a source endpoint that lists its
	 * own address gets its own group frames twice (fwd/verdict.h).
	 */
	while (at != POOL_END) {
		const struct entry *entry = &forward->entry[at];

		if (n + entry->n > BURST_MAX) {
			deliver(forward, member, frames, n);
			n = 0;
		}
		for (unsigned i = 0; i < entry->n; i++)
			frames[n++] = (struct frame *)&forward->burst->frame[entry->frame + i];
		at = entry->next;
	}

	member->queued = false;
	deliver(forward, member, frames, n);
}

static void deliver_endpoints(struct forward *forward)
{
	while (forward->queued) {
		struct path_member *member = forward->queued;

		forward->queued = member->queue_next;
		deliver_queue(forward, member);
	}
	forward->n_entries = 0;
}

/* Queues 'n' frames of the burst, from 'i' on, for an endpoint. */
static void enqueue(struct forward *forward, struct path_member *member, unsigned i, unsigned n)
{
	uint16_t at;

	if (forward->n_entries == POOL_SIZE)
		deliver_endpoints(forward);

	at = (uint16_t)forward->n_entries++;
	forward->entry[at] = (struct entry){ (uint16_t)i, (uint16_t)n, POOL_END };
	if (member->queued) {
		forward->entry[member->queue_tail].next = at;
	} else {
		member->queued = true;
		member->queue_head = at;
		member->queue_next = forward->queued;
		forward->queued = member;
	}
	member->queue_tail = at;
}

/* Queues 'n' frames from 'i' on for the group members the verdict names. Returns
 * the number of copies of each, those dropped for their size included.
 */
static unsigned enqueue_group(struct forward *forward, const struct path_table *table,
			      const struct fwd_verdict *verdict, const struct fwd_frame *view,
			      unsigned i, unsigned n)
{
	unsigned copies = 0;

	for (unsigned modes = verdict->group_modes; modes; modes &= modes - 1) {
		size_t n_slots;
		const uint16_t *slot = fwd_table_members(table->fwd, modes & -modes, &n_slots);

		for (size_t m = 0; m < n_slots; m++) {
			struct path_member *member = table->member[slot[m]];

			if (slot[m] == verdict->except)
				continue;
			copies++;
			if (fwd_member_takes(table->fwd, verdict, view, slot[m]))
				enqueue(forward, member, i, n);
			else
				count_drops(member->counters.drops_out, DROP_OVERSIZE, n);
		}
	}

	return copies;
}

/* Queues 'n' frames from 'i' on as the verdict says; returns the number of
 * copies of each, those denied by the law included.
 */
static unsigned dispatch(struct forward *forward, const struct path_table *table,
			 const struct fwd_verdict *verdict, const struct fwd_frame *view,
			 unsigned i, unsigned n)
{
	const struct fwd_listeners *listeners = verdict->listeners;
	unsigned copies = enqueue_group(forward, table, verdict, view, i, n);

	if (verdict->unicast != FWD_NOBODY) {
		enqueue(forward, table->member[verdict->unicast], i, n);
		copies++;
	}
	for (unsigned l = 0; listeners && l < listeners->n; l++) {
		enqueue(forward, table->member[listeners->slot[l]], i, n);
		copies++;
	}
	if (verdict->denied != FWD_NOBODY) {
		count_drops(table->member[verdict->denied]->counters.drops_out, verdict->why, n);
		copies++;
	}
	if (verdict->wire) {
		for (unsigned k = 0; k < n; k++)
			forward->wire[forward->n_wire++] = (uint16_t)(i + k);
		copies++;
	}
	if (verdict->host) {
		counter_add(&forward->hub->host, n);
		copies++;
	}

	return copies;
}

/* Does the law say the same of both? It looks at nothing else, and behind the
 * Ethernet header only if that has a VLAN tag.
 */
static inline bool is_alike(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && a->vnet.gso_type == b->vnet.gso_type &&
	       memcmp(a->head, b->head, ETH_HEADER_LEN) == 0 &&
	       (!eth_type_is_vlan(be16_load(a->head + 12)) ||
		memcmp(a->head, b->head, FRAME_HEAD_LEN) == 0);
}

/* How many frames of the burst, from 'i' on, are alike: those of a conversation
 * come in runs, and are judged, queued and counted once.
 */
static inline unsigned run_length(const struct burst *burst, unsigned i)
{
	unsigned n = 1;

	while (i + n < burst->n && is_alike(&burst->frame[i], &burst->frame[i + n]))
		n++;
	return n;
}

/* Classifies and queues all frames of 'burst', which 'member' sent. */
static void classify(struct forward *forward, struct path_member *member,
		     const struct path_table *table, const struct burst *burst)
{
	struct path_traffic accepted = { 0 };
	uint64_t replicas = 0;
	unsigned n;

	forward->burst = burst;
	forward->hub = member->hub;
	for (unsigned i = 0; i < burst->n; i += n) {
		const struct frame *frame = &burst->frame[i];
		const struct fwd_frame view = {
			.head = frame->head,
			.len = frame->len,
			.is_gso = frame->vnet.gso_type != VNET_GSO_NONE,
		};
		struct fwd_verdict verdict;
		unsigned copies;

		if (member->slot == FWD_NOBODY)
			fwd_from_wire(table->fwd, &view, &verdict);
		else
			fwd_from_endpoint(table->fwd, member->slot, &view, &verdict);

		/* A source endpoint that lists its own address gets two copies of
		 * its reflected group frames (fwd/verdict.h), side by side.
		 */
		n = verdict.listeners && verdict.unicast != FWD_NOBODY ? 1 : run_length(burst, i);
		copies = dispatch(forward, table, &verdict, &view, i, n);
		if (copies == 0) {
			count_drops(member->counters.drops_in,
				    verdict.why < DROP_COUNT ? verdict.why : DROP_NO_OWNER, n);
			continue;
		}
		sum_traffic(&accepted, frame, n);
		replicas += (uint64_t)n * (copies - 1);
	}

	count_traffic(&member->counters.in, &accepted);
	counter_add(&member->hub->replicas, replicas);
}

/* Takes back what a reflecting lower was just sent, and forwards it. */
static void reflect(struct forward *forward, struct path_hub *hub, const struct path_table *table,
		    struct port *port)
{
	struct burst *burst = forward->reflected;

	burst_clear(burst);
	if (port->ops->rx(port, burst, BURST_MAX) > 0) {
		classify(forward, &hub->lower, table, burst);
		deliver_endpoints(forward);
	}
	port->ops->release(port);
}

static void deliver_wire(struct forward *forward, struct path_hub *hub,
			 const struct path_table *table, struct burst *burst)
{
	struct path_attachment *active;
	struct frame *frames[BURST_MAX];

	for (unsigned i = 0; i < forward->n_wire; i++)
		frames[i] = &burst->frame[forward->wire[i]];
	deliver(forward, &hub->lower, frames, forward->n_wire);
	forward->n_wire = 0;

	active = rcu_dereference(hub->lower.active);
	if (active && active->port->ops->can & PORT_CAN_REFLECT)
		reflect(forward, hub, table, active->port);
}

void forward_burst(struct forward *forward, struct path_attachment *attachment, struct burst *burst)
{
	struct path_member *member = attachment->member;
	struct path_hub *hub = member->hub;
	const struct path_table *table = rcu_dereference(hub->table);

	for (int why = 0; why < DROP_COUNT; why++) {
		if (burst->dropped[why])
			count_drops(member->counters.drops_in, (enum drop)why, burst->dropped[why]);
	}

	/* The endpoint has been given to another peer, or is not on its hub
	 * any more (or not yet): this port may not speak for it.
	 */
	if (rcu_dereference(member->active) != attachment || !table ||
	    (member->slot != FWD_NOBODY &&
	     (member->slot >= table->n_slots || table->member[member->slot] != member))) {
		if (burst->n)
			count_drops(member->counters.drops_in, DROP_OTHER_PEER, burst->n);
		return;
	}

	classify(forward, member, table, burst);
	deliver_endpoints(forward);
	if (forward->n_wire > 0)
		deliver_wire(forward, hub, table, burst);
}
