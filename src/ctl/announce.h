/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the network where a guest is now: a RARP request in its name, which
 * every switch on the way learns from.
 */
#ifndef CTL_ANNOUNCE_H
#define CTL_ANNOUNCE_H

#include "path/hub.h"
#include "wire/mac.h"

/* Makes an attachment of 'member' that sends this frame, and then finishes by
 * itself: a stream port whose far end has been closed behind the frame.
 */
int announcement_open(struct path_member *member, struct mac mac,
		      struct path_attachment **ret_attachment);

#endif
