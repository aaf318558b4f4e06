/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a run, and the account of them.
 *
 * A lane leads from one transmitting ring to the guest at the other end of the
 * pair. Each frame carries the run's number, its lane's and its own, so that
 * whatever is lost, doubled, overtaken or damaged on the way is counted where
 * it happened, whichever of the peer's rings it arrives in.
 */
#ifndef FRONT_TRAFFIC_H
#define FRONT_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/frame.h"
#include "guest.h"

#define TRAFFIC_LANES_MAX 1024

struct lane {
	struct ring *tx;
	const struct guest *to;
	uint16_t number;
	bool active; /* carries the load, and not only what opens the path */

	uint8_t *like;	/* how its frames begin */
	uint32_t *idle; /* slots that are the driver's, oldest first, in a circle */
	uint32_t idle_mask, idle_first, n_idle;

	uint64_t sent, received;
	uint64_t next_seq; /* the last that arrived, plus 1 */
	uint64_t given_up; /* frames before it do not count as under way */
	uint64_t reordered, damaged, hellos;
	uint64_t unmarked;    /* arrived without the header they were sent with */
	uint64_t tries, full; /* to send; found no room */
};

struct sink {
	struct ring *rx;
	const struct guest *guest;
};

struct traffic {
	struct frame_shape shape;
	bool touch;	 /* payloads are written and read */
	bool verify;	 /* and compared, too */
	uint64_t window; /* frames under way in a lane at most, 0: as many as fit */
	unsigned n_lanes, n_sinks;
	struct lane *lane;
	struct sink *sink;
	uint64_t foreign; /* frames of somebody else */
	uint64_t sum;	  /* of what was read: keeps the compiler from leaving it out */
	uint8_t *scratch; /* the frame that should have arrived */
};

/* Between guests 2i and 2i + 1, both ways; nothing is active yet. -EMFILE if
 * there are too many. The guests are open.
 */
int traffic_init(struct traffic *traffic, const struct frame_shape *shape, struct guest *guests,
		 unsigned n_guests, struct err *err);

/* Harmless on a zeroed one. */
void traffic_fini(struct traffic *traffic);

/* Sends frames through every lane until one has come out of each. It also lets
 * a switch learn who is where.
 */
int traffic_open_paths(struct traffic *traffic, struct err *err);

/* Sends up to 'n' frames; returns how many. */
unsigned traffic_send(struct traffic *traffic, struct lane *lane, unsigned n);

/* Takes what has arrived; returns how many buffers that was. */
unsigned traffic_receive(struct traffic *traffic, struct sink *sink);

/* Takes back what the switch has sent; without it a lane runs dry. */
void traffic_reclaim(struct lane *lane);

/* Writes 'n' frames, gives them to the switch at once, and waits for all of them;
 * only then looks at what has arrived. Returns how long that took between the
 * first descriptor given and the last one back, 0 if some did not come. What a
 * frame costs the generator is not in it. There are no more frames in either
 * ring, and never more than both have room for.
 */
uint64_t traffic_burst(struct traffic *traffic, struct lane *lane, struct sink *sink, unsigned n);

/* Of all lanes. */
uint64_t traffic_sent(const struct traffic *traffic);
uint64_t traffic_received(const struct traffic *traffic);

#endif
