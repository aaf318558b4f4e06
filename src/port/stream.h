/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream port: frames through a connected stream socket, each behind its
 * length (port/framing.h). What QEMU's -netdev stream attaches to.
 */
#ifndef PORT_STREAM_H
#define PORT_STREAM_H

#include "base/err.h"
#include "base/macros.h"

struct port;

/* Makes a port of the connected stream socket 'fd', which is the port's when
 * this has succeeded.
 *
 * The peer's going away is a fault, once everything it sent has been received;
 * until then tx() answers NO_PEER. A length above ETH_FRAME_MAX is a fault.
 *
 * Memory: 264 KiB of address space, touched as far as the peer makes it
 * necessary; the kernel holds at most about 0.5 MiB on the way to the peer.
 */
int port_stream_open(int fd, struct port **ret_port, struct err *err) MUST_CHECK;

#endif
