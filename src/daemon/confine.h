/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up what the daemon does not need, before the first peer. */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include "base/err.h"

/* Keeps CAP_NET_RAW (AF_PACKET) and CAP_NET_ADMIN (the address of a lower with
 * a passthru endpoint), if it has them, and no other capability, for good:
 * nothing it might execute gets one either.
 */
int confine(struct err *err);

#endif
