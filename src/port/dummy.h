/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dummy port: a lower that exists in this process only, and what hangs on
 * its far end. It needs no privilege, loses nothing and never faults.
 */
#ifndef PORT_DUMMY_H
#define PORT_DUMMY_H

#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"

struct port;

enum port_dummy_hairpin {
	PORT_DUMMY_HAIRPIN_OFF, /* a cable into nothing: takes all, gives none */
	PORT_DUMMY_HAIRPIN_ON,	/* a switch in reflective relay: gives all back */
};

/* Makes a dummy port that refuses frames above 'frame_limit' bytes as OVERSIZE,
 * as a device does above its MTU + 18; frames still to be segmented are not
 * limited (R2.50), and 0 means no limit.
 */
int port_dummy_open(enum port_dummy_hairpin hairpin, uint32_t frame_limit, struct port **ret_port,
		    struct err *err) MUST_CHECK;

#endif
