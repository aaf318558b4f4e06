/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ip says of a link in words, drawn from what the daemon says of it: the
 * same for text and JSON.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stddef.h>

#include "proto/link.h"

/* "UP", "DOWN", "LOWERLAYERDOWN" or "UNKNOWN" (R1.20). Static memory. */
const char *view_operstate(const struct proto_link *link);

/* "pfifo_fast", "noqueue", "noop"; NULL for a device of the host, whose queues
 * are not ours to tell. Static memory.
 */
const char *view_qdisc(const struct proto_link *link);

/* The words between the angle brackets, in ip's order; static memory. Returns
 * how many.
 */
#define VIEW_FLAGS_MAX 8
size_t view_flags(const struct proto_link *link, const char *ret_flags[VIEW_FLAGS_MAX]);

/* Does it cling to a lower: macvtap or macvlan? */
bool view_is_endpoint(const struct proto_link *link);

/* The numbers that ip -d gives for every device and that are the same for every
 * endpoint and dummy: one queue, and segmented frames of up to 64 KiB.
 */
struct view_constant {
	const char *text; /* ip's word in text */
	const char *json; /* and in JSON */
	unsigned value;
};
extern const struct view_constant view_constants[];
extern const size_t view_n_constants;

/* What a column or a field of the statistics shows. */
enum view_counter {
	VIEW_BYTES,
	VIEW_PACKETS,
	VIEW_ERRORS,
	VIEW_DROPPED,
	VIEW_MULTICAST,
	VIEW_ZERO, /* counts something that does not happen here */
};
uint64_t view_counter(const struct proto_traffic *traffic, enum view_counter counter);

#endif
