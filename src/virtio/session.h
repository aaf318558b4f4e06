/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One vhost-user connection, seen from the back-end: what a front-end asks for,
 * judged, and kept until rings can run on it.
 *
 * No system calls. The owner reads from the socket what session_room() names,
 * hands it to session_take() with the number of descriptors that came along,
 * and sends what session_output() holds. What has to be done in the world
 * (map memory, keep a descriptor, let go of the rings) the session asks for
 * through 'struct session_ops', while it carries a message out.
 *
 * Everything the front-end says may be a lie. A message that is not as the
 * protocol has it ends the session: 'fault' then says which and why, and
 * nothing that was sent later is looked at.
 */
#ifndef VIRTIO_SESSION_H
#define VIRTIO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "virtio/memory.h"
#include "wire/mac.h"
#include "wire/vhost_user.h"

#define SESSION_PAIRS 8
#define SESSION_RINGS (2 * SESSION_PAIRS) /* even: the guest receives; odd: it sends */

/* Descriptors that one message may carry. More are a fault. */
#define SESSION_FDS_MAX VHOST_USER_TABLE_REGIONS

/* Replies the front-end has not read: as many bytes, then it is given up. */
#define SESSION_OUTPUT_MAX 1024

/* What a ring's descriptors are for. */
enum session_fd {
	SESSION_FD_KICK,
	SESSION_FD_CALL,
	SESSION_FD_ERR,
};
#define SESSION_FD_COUNT 3

struct session_ring {
	uint32_t num; /* entries; 0: not told yet */
	uint32_t base;
	uint64_t desc, avail, used; /* in the front-end's addresses */
	bool has_addr;
	bool has_kick; /* a kick descriptor was given: the ring is started */
	bool enabled;
};

struct session;

/* What a session asks of its owner. */
struct session_ops {
	/* No ring may be used when this returns; where each one that was used
	 * stands has been written to its 'base'. They may run again when the
	 * message that asked has been carried out. Cheap if none runs.
	 */
	void (*halt)(void *context, struct session *session);

	/* Maps the region, whose size and addresses are set, from 'offset' on of
	 * this message's descriptor number 'fd', and sets its 'host'. No sum
	 * overflows. Then the opposite, which has no way to fail.
	 */
	int (*map)(void *context, unsigned fd, uint64_t offset, struct guest_region *region,
		   struct err *err);
	void (*unmap)(void *context, const struct guest_region *region);

	/* The ring has this message's descriptor 0 instead of what it had; or
	 * none, if 'given' is false.
	 */
	int (*set_fd)(void *context, unsigned ring, enum session_fd which, bool given,
		      struct err *err);

	/* The guest moved here: tell the network, in its name. */
	void (*announce)(void *context, struct mac mac);
};

struct session {
	const struct session_ops *ops;
	void *context;
	uint64_t offered; /* virtio features the front-end may choose from */
	uint32_t max_mtu; /* what the guest may be promised */

	uint64_t features; /* chosen */
	uint64_t protocol; /* protocol features chosen */
	uint8_t status;
	bool owned;
	struct guest_mem mem;
	struct session_ring ring[SESSION_RINGS];

	/* The message that is arriving: header, then payload. */
	struct vhost_user_header header;
	union {
		uint64_t u64;
		struct vhost_user_state state;
		struct vhost_user_addr addr;
		struct vhost_user_mem_table table;
		struct vhost_user_one_region one;
	} payload;
	uint32_t got;	/* bytes of both */
	unsigned n_fds; /* that came with it */
	bool declined;	/* it makes sense, but the answer is no */

	uint8_t output[SESSION_OUTPUT_MAX];
	uint32_t n_output;
	char fault[160]; /* a clause for a human: "peer sent ..."; empty: none */
};

/* All that Limpet knows of virtio-net, for 'offered'. */
extern const uint64_t session_features;

void session_init(struct session *session, const struct session_ops *ops, void *context,
		  uint64_t offered, uint32_t max_mtu);

/* Unmaps the memory. The rings were halted, and descriptors are the owner's. */
void session_fini(struct session *session);

enum session_progress {
	SESSION_MORE,  /* the message is not complete yet */
	SESSION_DONE,  /* one message has been carried out; its descriptors are free */
	SESSION_FAULT, /* the session is over */
};

/* Where the next bytes belong, and how many at most: never into the message
 * behind this one, whose descriptors would be taken for this one's.
 */
size_t session_room(struct session *session, uint8_t **ret_at);

/* 'len' bytes, at most as many as there is room for, and 'n_fds' descriptors
 * have arrived. The owner keeps the descriptors of a message until it is done,
 * in the order of their arrival, then closes those that nobody took.
 */
enum session_progress session_take(struct session *session, size_t len, unsigned n_fds);

/* Is a message half here? Then its sender went away in the middle of it. */
bool session_is_cut(const struct session *session);

/* What is to be sent, and that the first 'len' bytes of it have been. */
const uint8_t *session_output(const struct session *session, size_t *ret_len);
void session_sent(struct session *session, size_t len);

/* May the ring be used now: complete, started and enabled? Its values make
 * sense for themselves; where its addresses lead is for whoever opens it.
 */
bool session_ring_runs(const struct session *session, unsigned ring);

/* Does any? */
bool session_runs(const struct session *session);

/* Ends the session with a clause; the first one stays. */
void session_fault(struct session *session, const char *fmt, ...) PRINTF(2, 3);

#endif
