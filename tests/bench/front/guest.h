/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is played: its memory, its queue pairs, its session with the switch. */
#ifndef FRONT_GUEST_H
#define FRONT_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "ring.h"
#include "session.h"
#include "wire/mac.h"

#define GUEST_QUEUES_MAX 8

/* What the command line says: vhost:PATH[,OPTION...] */
struct guest_spec {
	char path[108];
	struct mac mac;
	bool server, packed, mergeable, indirect, no_event_idx;
	long size;   /* of the rings */
	long slot;   /* octets of a receive buffer, 0: whatever a frame needs */
	long part;   /* octets of a transmit descriptor, 0: all of a frame */
	long queues; /* pairs */
};

int guest_parse(struct guest_spec *ret_spec, const char *text, struct err *err);

/* What a guest has to be able to send and take. */
struct guest_load {
	uint32_t size;	/* of the longest frame */
	bool offloads;	/* super-frames and unfinished checksums */
	uint32_t slots; /* transmit buffers in use, 0: as many as the ring has */
};

struct guest {
	struct guest_spec spec;
	struct memory_slice slice;
	struct session session;
	unsigned n_queues;
	struct ring tx[GUEST_QUEUES_MAX], rx[GUEST_QUEUES_MAX];
};

/* How much memory guest_open() will take. */
size_t guest_memory(const struct guest_spec *spec, const struct guest_load *load);

/* Lays out the guest's rings; if it is to be a server, it listens then. The
 * specification has to outlive the guest.
 */
int guest_open(struct guest *guest, const struct guest_spec *spec, const struct guest_load *load,
	       struct memory *memory, struct err *err);

/* Finds the switch, agrees with it and starts all rings, the receiving ones
 * full of buffers.
 */
int guest_start(struct guest *guest, const struct guest_load *load, struct err *err);

/* Takes the rings back and checks where the switch says it stopped. */
int guest_stop(struct guest *guest, struct err *err);

/* Harmless on a zeroed guest. */
void guest_close(struct guest *guest);

/* The first reason why a ring is broken, or NULL. */
const char *guest_broken(const struct guest *guest);

#endif
