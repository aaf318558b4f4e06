/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modes of an endpoint and their flags, with the kernel's numbers
 * (if_link.h: IFLA_MACVLAN_MODE, IFLA_MACVLAN_FLAGS).
 */
#ifndef FWD_MODE_H
#define FWD_MODE_H

#include <stdbool.h>

enum fwd_mode {
	FWD_MODE_PRIVATE = 1,
	FWD_MODE_VEPA = 2,
	FWD_MODE_BRIDGE = 4,
	FWD_MODE_PASSTHRU = 8,
	FWD_MODE_SOURCE = 16,
};

#define FWD_MODES_ALL \
	(FWD_MODE_PRIVATE | FWD_MODE_VEPA | FWD_MODE_BRIDGE | FWD_MODE_PASSTHRU | FWD_MODE_SOURCE)

enum fwd_flag {
	FWD_FLAG_NOPROMISC = 1, /* passthru: do not make the lower promiscuous (R1.43) */
	FWD_FLAG_NODST = 2,	/* source: listed frames end here (R2.10) */
};

/* Is an endpoint of this mode alone on its hub, with the lower's own address
 * (R1.40, R1.41)?
 */
static inline bool fwd_mode_is_alone(enum fwd_mode mode)
{
	return mode == FWD_MODE_PASSTHRU;
}

/* Does an endpoint of this mode have a source list (R1.50)? */
static inline bool fwd_mode_has_sources(enum fwd_mode mode)
{
	return mode == FWD_MODE_SOURCE;
}

/* "vepa", ... Static memory. */
const char *fwd_mode_name(enum fwd_mode mode);

/* False, and 'ret_mode' untouched, for a name of no mode. */
bool fwd_mode_parse(const char *name, enum fwd_mode *ret_mode);

#endif
