/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The datagram port: one frame a datagram, to and from whoever bound a Unix
 * socket of its own and sent last. What QEMU's -netdev dgram attaches to.
 */
#ifndef PORT_DGRAM_H
#define PORT_DGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

struct port;

/* Makes a port of the bound Unix datagram socket 'fd', which is the port's when
 * this has succeeded.
 *
 * No peer can make it faulty. Frames of a socket that has no address are
 * counted as UNBOUND_PEER. Answers go to the address that sent last, provided
 * that it is an absolute path to a socket which belongs to the sender's user
 * (a sender who is root may name any); abstract addresses only ever send. They
 * come from a socket without address, but to a peer that has connected its
 * socket to this one they come from this one.
 *
 * Memory: none for frames; the kernel queues net.unix.max_dgram_qlen datagrams
 * each way, 10 by default, so that bursts lose more here than on a stream.
 */
int port_dgram_open(int fd, struct port **ret_port, struct err *err) MUST_CHECK;

/* Writes the path of the peer's socket, escaped, to 'buf'; false if there is
 * no peer at the moment. 'port' is a datagram port. Any thread, while a worker
 * uses the port.
 */
bool port_dgram_peer(struct port *port, char *buf, size_t size);

#endif
