/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets a frame: the law of the four modes, and of source lists. */
#ifndef FWD_VERDICT_H
#define FWD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwd/table.h"
#include "wire/drop.h"

/* Bytes of a frame's start that decide: Ethernet header, and the ethertype
 * behind one VLAN tag.
 */
#define FWD_HEAD_LEN 18

/* What the law looks at. */
struct fwd_frame {
	const uint8_t *head; /* FWD_HEAD_LEN bytes, zeros behind a shorter frame */
	uint32_t len;	     /* with Ethernet header */
	bool is_gso;	     /* a super-frame: no size limit concerns it (R2.50) */
};

/* The copies to be made. They never name one endpoint twice: 'unicast' and
 * 'group_modes' exclude each other, and 'listeners' are of source mode, which
 * neither of the two ever is, but for a source endpoint's own reflected frame.
 */
struct fwd_verdict {
	uint16_t unicast;    /* a slot, or FWD_NOBODY */
	uint16_t except;     /* not this one of the group */
	uint16_t denied;     /* would have had a copy, but for 'why' */
	uint8_t group_modes; /* up endpoints in these modes: enum fwd_mode bits */
	bool group_by_mtu;   /* ... whose MTU + 18 is enough for the frame (R2.50) */
	bool wire;	     /* out of the lower */
	bool host;	     /* to the host's own stack */
	const struct fwd_listeners *listeners; /* NULL: none */
	enum drop why; /* of 'denied', or why nobody gets the frame; else DROP_COUNT */
};

/* A frame that the endpoint in 'slot' sends (spec 2.1). With 'why' set and
 * 'denied' FWD_NOBODY the frame was not accepted, and nobody gets it.
 */
void fwd_from_endpoint(const struct fwd_table *table, uint16_t slot, const struct fwd_frame *frame,
		       struct fwd_verdict *ret_verdict);

/* A frame that arrives on the lower (spec 2.2). */
void fwd_from_wire(const struct fwd_table *table, const struct fwd_frame *frame,
		   struct fwd_verdict *ret_verdict);

/* Does the verdict give this frame to the group member in 'slot'? */
bool fwd_member_takes(const struct fwd_table *table, const struct fwd_verdict *verdict,
		      const struct fwd_frame *frame, uint16_t slot);

#endif
