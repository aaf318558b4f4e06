/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 'packet' port: a network device of the host as the lower, by AF_PACKET.
 *
 * Everything here needs CAP_NET_RAW and nothing else; with CAP_NET_ADMIN the
 * socket's buffers may be larger than net.core.{r,w}mem_max.
 */
#ifndef PORT_PACKET_H
#define PORT_PACKET_H

#include <stdint.h>

#include "base/err.h"
#include "port/port.h"
#include "wire/mac.h"

struct port_packet_spec {
	int ifindex;
	const char *name; /* the device's, for sentences; copied */
};

/* Opens a port on a device, which must be of Ethernet type and may be down. Its
 * kind is "packet"; it takes offloads. The port sees what the device receives,
 * whoever it is addressed to, and nothing that this host or the port sent.
 */
int port_packet_open(const struct port_packet_spec *spec, struct port **ret_port, struct err *err);

/* What the device's receive filter lets pass. Called by the control thread, at
 * any time in the port's life; all of it ends with the port. Addresses are
 * counted: one added twice is deleted twice.
 */
int port_packet_filter_add(struct port *port, struct mac mac, struct err *err);
int port_packet_filter_del(struct port *port, struct mac mac, struct err *err);

enum port_packet_filter {
	PORT_PACKET_FILTERED,
	PORT_PACKET_ALL,
};

/* Promiscuous, all-multicast: ALL raises the device's count by one, however
 * often it is said, and FILTERED takes that back.
 */
int port_packet_set_promisc(struct port *port, enum port_packet_filter filter, struct err *err);
int port_packet_set_allmulti(struct port *port, enum port_packet_filter filter, struct err *err);

/* Frames lost since the port was opened because its socket's buffer was full.
 * They never entered; no drop counter has them. For the control thread.
 */
uint64_t port_packet_missed(struct port *port);

#endif
