/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hub's table: who is there, as an immutable value.
 *
 * The control thread builds a new table for every change and publishes it;
 * workers only read. An endpoint is known by its slot, a small number it keeps
 * as long as it exists. An address is in the table while its endpoint is up,
 * and only then (R1.15).
 */
#ifndef FWD_TABLE_H
#define FWD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fwd/mode.h"
#include "wire/mac.h"

/* Slots of a hub: the most endpoints it can have. */
#define FWD_SLOTS_MAX 4096

/* No slot. */
#define FWD_NOBODY UINT16_MAX

struct fwd_lower {
	uint32_t mtu;
	bool up; /* administratively */
	bool carrier;
	bool has_host; /* is there a host behind it that hears the wire? */
};

struct fwd_endpoint {
	uint16_t slot;
	struct mac mac;
	enum fwd_mode mode;
	unsigned flags; /* enum fwd_flag */
	bool up;
	uint32_t mtu;
	const struct mac *sources; /* borrowed; looked at in source mode */
	size_t n_sources;
};

struct fwd_table;

/* Source-mode endpoints that list one address (R2.10). */
struct fwd_listeners {
	const uint16_t *slot; /* the up ones */
	uint16_t n;
	bool nodst; /* one of them, up or down, keeps the frame for itself */
};

/* Builds a table of 'n' endpoints with different slots. 'seed' keys the hash,
 * so that nobody who chooses addresses can choose collisions. Fails with
 * -ENOMEM only. Free it with fwd_table_free(), which takes NULL.
 */
int fwd_table_new(const struct fwd_lower *lower, const struct fwd_endpoint *endpoints, size_t n,
		  uint64_t seed, struct fwd_table **ret_table, struct err *err);
struct fwd_table *fwd_table_free(struct fwd_table *table);

/* The lower as the table was told. */
const struct fwd_lower *fwd_table_lower(const struct fwd_table *table);

/* The slot of the up endpoint with that address, or FWD_NOBODY. The time it
 * takes does not depend on the number of endpoints.
 */
uint16_t fwd_table_find(const struct fwd_table *table, struct mac mac);

/* Who lists 'source'; NULL if nobody does. */
const struct fwd_listeners *fwd_table_listeners(const struct fwd_table *table, struct mac source);

/* The slots of all up endpoints in 'mode'; sets '*ret_n'. */
const uint16_t *fwd_table_members(const struct fwd_table *table, enum fwd_mode mode, size_t *ret_n);

/* Of a slot the table was built with. */
bool fwd_table_is_up(const struct fwd_table *table, uint16_t slot);
enum fwd_mode fwd_table_mode(const struct fwd_table *table, uint16_t slot);
uint32_t fwd_table_mtu(const struct fwd_table *table, uint16_t slot);

/* The passthru endpoint, up or down, or FWD_NOBODY (R1.40: it is alone). */
uint16_t fwd_table_passthru(const struct fwd_table *table);

#endif
