/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "base/fd.h"
#include "netns.h"

struct port *rig_open(const char *name)
{
	struct port_packet_spec spec = { .ifindex = netns_index(name), .name = name };
	struct port *port = NULL;
	struct err err;

	if (port_packet_open(&spec, &port, &err) < 0)
		fail_msg("%s", err.msg);
	return port;
}

int rig_setup(void **state)
{
	struct rig *rig;
	struct err err;

	assert_true(netns_enter());
	rig = calloc(1, sizeof(*rig));
	if (!rig || burst_new(&rig->in, &err) < 0 || burst_new(&rig->out, &err) < 0)
		fail_msg("out of memory");
	rig->wire = -1;
	*state = rig;
	return 0;
}

int rig_setup_tap(void **state)
{
	struct rig *rig;

	(void)rig_setup(state);
	rig = *state;
	rig->wire = netns_tap("low0");
	rig->port = rig_open("low0");
	return 0;
}

int rig_setup_veth(void **state)
{
	struct rig *rig;

	(void)rig_setup(state);
	netns_run("ip link add low0 type veth peer name wire0 && ip link set low0 up && "
		  "ip link set wire0 up");
	rig = *state;
	rig->port = rig_open("low0");
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	(void)port_close(rig->port);
	(void)fd_close(rig->wire);
	(void)burst_free(rig->in);
	(void)burst_free(rig->out);
	free(rig);
	return 0;
}

void rig_wait(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	if (poll(&pollfd, 1, RIG_DEADLINE_MS) != 1)
		fail_msg("nothing to read for %d ms", RIG_DEADLINE_MS);
}

void rig_receive(struct port *port, struct burst *in, unsigned n)
{
	burst_clear(in);
	while (in->n < n) {
		rig_wait(port->fd);
		(void)port->ops->rx(port, in, n - in->n);
		assert_false(port->faulty);
	}
}

struct frame *rig_put(struct burst *out, const void *data, size_t len)
{
	uint8_t *slot = burst_slot(out, out->n) + BURST_HEADROOM;

	memcpy(slot, data, len);
	return burst_append(out, slot, (uint32_t)len);
}

unsigned rig_send(struct port *port, struct burst *out, enum drop *ret_why)
{
	struct frame *frames[BURST_MAX];

	for (unsigned i = 0; i < out->n; i++)
		frames[i] = &out->frame[i];
	return port->ops->tx(port, frames, out->n, ret_why);
}

void rig_send_one(struct port *port, struct burst *out, const void *data, size_t len)
{
	enum drop why = DROP_COUNT;

	burst_clear(out);
	(void)rig_put(out, data, len);
	assert_int_equal(rig_send(port, out, &why), 1);
}

void rig_write_wire(struct rig *rig, struct vnet_header vnet, const void *data, size_t len)
{
	struct iovec iov[] = {
		{ .iov_base = &vnet, .iov_len = sizeof(vnet) },
		{ .iov_base = (void *)data, .iov_len = len },
	};

	assert_int_equal(writev(rig->wire, iov, 2), (ssize_t)(sizeof(vnet) + len));
}

size_t rig_read_wire(struct rig *rig)
{
	struct iovec iov[] = {
		{ .iov_base = &rig->vnet, .iov_len = sizeof(rig->vnet) },
		{ .iov_base = rig->bytes, .iov_len = sizeof(rig->bytes) },
	};
	ssize_t got;

	rig_wait(rig->wire);
	got = readv(rig->wire, iov, 2);
	assert_true(got > (ssize_t)sizeof(rig->vnet));
	return (size_t)got - sizeof(rig->vnet);
}
