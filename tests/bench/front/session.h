/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user, the front-end's side: how a hypervisor lends a guest's rings to a
 * switch. The protocol as QEMU's docs/interop/vhost-user.rst has it, written
 * down here once more: who shares a switch's header shares its mistakes.
 */
#ifndef FRONT_SESSION_H
#define FRONT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "ring.h"

struct session {
	int fd;
	int listener; /* -1: this side connects */
	const char *path;
	uint64_t features; /* as agreed */
	uint64_t protocol;
	uint64_t queue_pairs; /* what the device has at most */
};

/* Feature bits of the transport. */
#define SESSION_F_PROTOCOL_FEATURES 30

/* A session that will connect to 'path', or that listens there already. */
int session_init(struct session *session, const char *path, bool server, struct err *err);

/* Connects, or waits for the switch, 10 s at most; then agrees on those of
 * 'wanted' that the switch offers. -EPROTO if one of 'needed' is missing.
 */
int session_agree(struct session *session, uint64_t wanted, uint64_t needed, struct err *err);

/* Lends the guest's memory. */
int session_share(struct session *session, const struct memory_slice *slice, struct err *err);

/* Lends ring 'index' (2 * pair + 1 is one to transmit through) and starts it. */
int session_start(struct session *session, unsigned index, const struct ring *ring,
		  struct err *err);

/* Takes ring 'index' back; says where the switch stopped. */
int session_stop(struct session *session, unsigned index, uint32_t *ret_base, struct err *err);

/* Harmless on one that session_init() has failed for. */
void session_fini(struct session *session);

static inline bool session_has(const struct session *session, unsigned feature)
{
	return session->features >> feature & 1;
}

#endif
