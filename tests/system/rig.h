/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every test of the packet port stands on: a network namespace, a device
 * 'low0' with a port on it, the wire behind that, and bursts to use.
 */
#ifndef TESTS_SYSTEM_RIG_H
#define TESTS_SYSTEM_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "port/burst.h"
#include "port/packet.h"

#define RIG_DEADLINE_MS 5000

struct rig {
	struct port *port;
	int wire; /* rig_setup_tap(): the tap's descriptor; else -1 */
	struct burst *in, *out;
	uint8_t bytes[80000];	 /* what the wire gave, ... */
	struct vnet_header vnet; /* ... behind this */
};

/* cmocka's setup functions: nothing but the namespace; a tap device (the far
 * end shows bytes and offloads as they are); a veth pair low0 and wire0, up.
 */
int rig_setup(void **state);
int rig_setup_tap(void **state);
int rig_setup_veth(void **state);
int rig_teardown(void **state);

struct port *rig_open(const char *name);

/* Waits until 'fd' can be read. */
void rig_wait(int fd);

/* Receives until 'n' frames are in 'in', which is emptied first. */
void rig_receive(struct port *port, struct burst *in, unsigned n);

/* Appends a copy of 'data' to 'out'. */
struct frame *rig_put(struct burst *out, const void *data, size_t len);

/* Sends what is in 'out'; returns how many frames were taken. */
unsigned rig_send(struct port *port, struct burst *out, enum drop *ret_why);

/* Sends one frame, which has to be taken. */
void rig_send_one(struct port *port, struct burst *out, const void *data, size_t len);

/* The tap's far end: sends to the device; receives into 'bytes' and 'vnet',
 * and returns the frame's length.
 */
void rig_write_wire(struct rig *rig, struct vnet_header vnet, const void *data, size_t len);
size_t rig_read_wire(struct rig *rig);

#endif
