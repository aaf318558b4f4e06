/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One link as 'show' and 'monitor' report it: the daemon fills it in, proto
 * carries it as JSON, the command line prints it in ip's words.
 */
#ifndef PROTO_LINK_H
#define PROTO_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "model/change.h"
#include "wire/drop.h"

/* One direction, from the endpoint's user's point of view, as ip counts. */
struct proto_traffic {
	uint64_t bytes;
	uint64_t packets;
	uint64_t errors;
	uint64_t dropped;
	uint64_t multicast; /* received only */
};

struct proto_link {
	uint32_t index; /* the daemon's own numbering, from 1 */
	char name[LINK_NAME_SIZE];
	enum link_kind kind;
	char lower[LINK_NAME_SIZE]; /* empty for a lower */
	struct mac address;
	uint32_t mtu, min_mtu, max_mtu;
	uint32_t txqlen;
	bool up;			/* set up by its administrator */
	bool carrier;			/* R1.20; for a lower: its own */
	bool lower_up;			/* its lower is administratively up (else M-DOWN) */
	uint32_t promiscuity, allmulti; /* what it asks of its lower */
	char alias[LINK_ALIAS_SIZE];

	/* macvtap and macvlan */
	enum fwd_mode mode;
	unsigned flags;	     /* enum fwd_flag */
	struct mac *sources; /* owned; NULL unless mode is source */
	size_t n_sources;
	uint32_t bcqueuelen, used_bcqueuelen;
	int32_t bclim;

	/* dummy */
	bool hairpin;

	/* As ip counts: rx is what the endpoint's user received. */
	struct proto_traffic rx, tx;
	/* By reason; "in" is what came from its peer (or, for a lower, from
	 * the wire), "out" copies that were on their way to it.
	 */
	uint64_t drops_in[DROP_COUNT], drops_out[DROP_COUNT];
	/* Of a lower: what path/counters.h needs beside them for its sum. */
	uint64_t replicas, host;

	/* The port in use: "none", "stream", "dgram", "vhost", "packet", "dummy". */
	char port[16];
	char peer[sizeof(((struct sockaddr_un *)0)->sun_path) * 4 + 1]; /* escaped; may be empty */
	char features[96]; /* what a vhost-user front-end agreed to; may be empty */
	char reason[160];  /* why the last peer was detached; may be empty */

	/* Empty for a lower. */
	char stream_path[LINK_PATH_SIZE], dgram_path[LINK_PATH_SIZE], vhost_path[LINK_PATH_SIZE];
	char vhost[LINK_PATH_SIZE]; /* the front-end to connect to; empty: it listens */
	uint32_t poll;
};

/* Frees what the link owns, and zeroes it. */
void proto_link_fini(struct proto_link *link);

#endif
