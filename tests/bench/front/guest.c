/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests: from their specification to started rings. */
#include "guest.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BIT(n) (UINT64_C(1) << (n))

#define OFFLOADS                                                                               \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                          \
	 BIT(VIRTIO_NET_F_GUEST_TSO6))

static bool take_number(const char *text, long min, long max, long *ret_value)
{
	char *rest;
	long value = strtol(text, &rest, 10);

	if (rest == text || *rest || value < min || value > max)
		return false;

	*ret_value = value;
	return true;
}

static bool take_option(struct guest_spec *spec, const char *option)
{
	const struct {
		const char *name;
		bool *flag;
		long *number;
		long min, max;
	} options[] = {
		{ .name = "server", .flag = &spec->server },
		{ .name = "packed", .flag = &spec->packed },
		{ .name = "mrg", .flag = &spec->mergeable },
		{ .name = "indirect", .flag = &spec->indirect },
		{ .name = "noevent", .flag = &spec->no_event_idx },
		{ .name = "size=", .number = &spec->size, .min = 2, .max = RING_SIZE_MAX },
		{ .name = "slot=", .number = &spec->slot, .min = 128, .max = 1 << 17 },
		{ .name = "part=", .number = &spec->part, .min = 1, .max = 1 << 17 },
		{ .name = "queues=", .number = &spec->queues, .min = 1, .max = GUEST_QUEUES_MAX },
	};

	if (strncmp(option, "mac=", 4) == 0)
		return mac_parse(option + 4, &spec->mac);

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].name);

		if (options[i].flag && strcmp(option, options[i].name) == 0)
			return *options[i].flag = true;
		if (options[i].number && strncmp(option, options[i].name, len) == 0)
			return take_number(option + len, options[i].min, options[i].max,
					   options[i].number);
	}

	return false;
}

int guest_parse(struct guest_spec *ret_spec, const char *text, struct err *err)
{
	struct guest_spec spec = { .mac = { { 2 } }, .size = 256, .queues = 1 };
	char copy[256], *save, *option;

	if (strncmp(text, "vhost:", 6) != 0 || !text_copy(copy, sizeof(copy), text + 6))
		return err_set(err, EINVAL, "'%s' is not vhost:PATH[,OPTION...]", text);

	option = strtok_r(copy, ",", &save);
	if (!option || !text_copy(spec.path, sizeof(spec.path), option))
		return err_set(err, EINVAL, "'%s' has no path, or one that is too long", text);

	while ((option = strtok_r(NULL, ",", &save)))
		if (!take_option(&spec, option))
			return err_set(err, EINVAL,
				       "'%s' is no option of a guest, or its value is no good",
				       option);

	*ret_spec = spec;
	return 0;
}

/* Both rings of a queue pair. A guest without mergeable buffers has to have
 * room for the longest frame in each.
 */
static void configure(const struct guest_spec *spec, const struct guest_load *load,
		      struct ring_config *ret_tx, struct ring_config *ret_rx)
{
	uint32_t frame = load->size + RING_HEADER;
	uint32_t slot = spec->slot ? (uint32_t)spec->slot : spec->mergeable ? 2048 : frame;
	struct ring_config both = {
		.packed = spec->packed,
		.event_idx = !spec->no_event_idx,
		.size = (uint32_t)spec->size,
	};

	*ret_tx = *ret_rx = both;
	ret_tx->direction = RING_TRANSMIT;
	ret_tx->slot_len = frame;
	ret_tx->part_len = (uint32_t)spec->part;
	ret_tx->indirect = spec->indirect;
	ret_tx->n_slots = load->slots;
	ret_rx->direction = RING_RECEIVE;
	ret_rx->slot_len = spec->mergeable ? slot : MAX(slot, frame);
}

size_t guest_memory(const struct guest_spec *spec, const struct guest_load *load)
{
	struct ring_config tx, rx;

	configure(spec, load, &tx, &rx);
	return (size_t)spec->queues * (ring_memory(&tx) + ring_memory(&rx));
}

int guest_open(struct guest *guest, const struct guest_spec *spec, const struct guest_load *load,
	       struct memory *memory, struct err *err)
{
	struct ring_config tx, rx;
	int r = session_init(&guest->session, spec->path, spec->server, err);

	configure(spec, load, &tx, &rx);
	guest->spec = *spec;
	guest->slice = memory_slice(memory, guest_memory(spec, load));
	guest->n_queues = (unsigned)spec->queues;
	guest->session.path = guest->spec.path;
	for (unsigned i = 0; i < guest->n_queues && r == 0; i++) {
		r = ring_open(&guest->rx[i], &rx, &guest->slice, err);
		if (r == 0)
			r = ring_open(&guest->tx[i], &tx, &guest->slice, err);
	}

	return r;
}

/* The features this guest insists on. It takes the others if they are there. */
static uint64_t needs(const struct guest *guest, const struct guest_load *load)
{
	uint64_t needed = BIT(VIRTIO_F_VERSION_1);

	if (guest->spec.packed)
		needed |= BIT(VIRTIO_F_RING_PACKED);
	if (guest->spec.mergeable)
		needed |= BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (guest->spec.indirect)
		needed |= BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (guest->n_queues > 1)
		needed |= BIT(VIRTIO_NET_F_MQ);
	if (load->offloads)
		needed |= OFFLOADS;
	return needed;
}

/* All buffers of a receiving ring are with the switch before it starts. */
static void fill(struct ring *ring)
{
	struct ring_buf bufs[RING_BURST];

	for (uint32_t slot = 0; slot < ring->n_slots;) {
		unsigned n = 0;

		while (n < RING_BURST && slot < ring->n_slots)
			bufs[n++] = (struct ring_buf){ slot++, ring->config.slot_len };
		ring_post(ring, bufs, n);
	}
}

static int start_queue(struct guest *guest, unsigned i, struct err *err)
{
	bool event_idx = session_has(&guest->session, VIRTIO_RING_F_EVENT_IDX);
	struct ring *rings[] = { &guest->rx[i], &guest->tx[i] };
	int r = 0;

	for (unsigned j = 0; j < ARRAY_SIZE(rings) && r == 0; j++) {
		rings[j]->config.event_idx &= event_idx;
		ring_disarm(rings[j]);
		if (rings[j]->config.direction == RING_RECEIVE)
			fill(rings[j]);
		r = session_start(&guest->session, 2 * i + j, rings[j], err);
	}

	return r;
}

int guest_start(struct guest *guest, const struct guest_load *load, struct err *err)
{
	uint64_t event_idx = guest->spec.no_event_idx ? 0 : BIT(VIRTIO_RING_F_EVENT_IDX);
	int r = session_agree(&guest->session, event_idx, needs(guest, load), err);

	if (r == 0 && guest->n_queues > guest->session.queue_pairs)
		return err_set(err, EPROTO, "the switch behind '%s' has %llu queue pairs, not %u",
			       guest->spec.path, (unsigned long long)guest->session.queue_pairs,
			       guest->n_queues);
	if (r == 0)
		r = session_share(&guest->session, &guest->slice, err);
	for (unsigned i = 0; i < guest->n_queues && r == 0; i++)
		r = start_queue(guest, i, err);
	return r;
}

/* Where a switch has to go on: at the first buffer it has not used. What it
 * has taken and not used yet may be counted among either.
 */
static int stop_ring(struct guest *guest, unsigned index, const struct ring *ring, struct err *err)
{
	uint32_t base;
	int r = session_stop(&guest->session, index, &base, err);

	if (r < 0 || ring->config.packed)
		return r;
	if ((uint16_t)(ring->next_avail - (uint16_t)base) > ring->config.size)
		return err_set(err, EPROTO,
			       "'%s': the switch says that it stopped ring %u at %u, "
			       "of which buffers up to %u are there",
			       guest->spec.path, index, base, ring->next_avail);

	return 0;
}

int guest_stop(struct guest *guest, struct err *err)
{
	int r = 0;

	for (unsigned i = 0; i < guest->n_queues && r == 0; i++) {
		r = stop_ring(guest, 2 * i, &guest->rx[i], err);
		if (r == 0)
			r = stop_ring(guest, 2 * i + 1, &guest->tx[i], err);
	}

	return r;
}

void guest_close(struct guest *guest)
{
	if (!guest->n_queues)
		return;

	session_fini(&guest->session);
	for (unsigned i = 0; i < guest->n_queues; i++) {
		ring_close(&guest->rx[i]);
		ring_close(&guest->tx[i]);
	}
	guest->n_queues = 0;
}

const char *guest_broken(const struct guest *guest)
{
	for (unsigned i = 0; i < guest->n_queues; i++) {
		if (guest->rx[i].broken)
			return guest->rx[i].broken;
		if (guest->tx[i].broken)
			return guest->tx[i].broken;
	}

	return NULL;
}
