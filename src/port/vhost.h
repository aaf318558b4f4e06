/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's virtqueues as a port: frames leave from, and arrive in, the guest's
 * own memory.
 *
 * A port serves rings as they are configured when it is opened, and does not
 * change. When the front-end changes anything (memory, an address, a
 * descriptor, what is enabled), the control thread takes the port away from its
 * worker, asks it where its rings are, closes it and opens another.
 *
 * Faults: what a ring was broken by ("avail index jumped by 40000 in a ring of
 * 256"), or "its memory shrank".
 */
#ifndef PORT_VHOST_H
#define PORT_VHOST_H

#include <stdint.h>

#include "base/err.h"

struct guest_mem;
struct port;
struct ring_config;

#define PORT_VHOST_PAIRS_MAX 8
#define PORT_VHOST_RINGS_MAX (2 * PORT_VHOST_PAIRS_MAX)

/* Of all this, the port keeps 'mem' and the rings' descriptors, which stay the
 * caller's, in use until it is closed.
 */
struct port_vhost_config {
	const struct guest_mem *mem;
	uint64_t features; /* as negotiated: wire/virtio.h */

	/* By the index of vhost-user: of pair i, the guest receives from ring
	 * 2 * i and sends through ring 2 * i + 1. NULL: not there, not started,
	 * or not enabled.
	 */
	const struct ring_config *ring[PORT_VHOST_RINGS_MAX];
};

/* -EINVAL with a sentence if a ring is not where it should be. */
int port_vhost_open(const struct port_vhost_config *config, struct port **ret_port,
		    struct err *err);

/* Where ring 'index' would go on, as GET_VRING_BASE has it. No worker reaches
 * the port any more. The ring is one that the port was opened with.
 */
uint32_t port_vhost_base(const struct port *port, unsigned index);

#endif
