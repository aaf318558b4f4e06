/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a hub
 * ==================
 *
 * What it is. Two hashes with open addressing, never more than half full: one
 * from address to slot, for destinations and reflected sources, one from
 * source address to the endpoints that list it. An entry of the first is eight
 * bytes, address and slot packed, so that a look-up costs one cache line for 1
 * endpoint and for 4096 alike (tests/bench measures it). Beside them the slots
 * of each mode in a row, for group frames.
 *
 * Everything is laid out at build time; nothing changes afterwards.
 */
#include "fwd/table.h"

#include <errno.h>
#include <stdlib.h>

#define N_MODES 5

struct slot {
	uint32_t mtu;
	uint8_t mode; /* enum fwd_mode */
	bool up;
};

/* mac_number() << 16 | slot; 0 is empty, because no endpoint owns address 0. */
struct mac_hash {
	uint64_t *entry;
	unsigned shift;
	size_t mask;
};

struct source_entry {
	uint64_t mac; /* 0: empty; zero cannot be listed (R1.51) */
	struct fwd_listeners listeners;
};

struct source_hash {
	struct source_entry *entry;
	unsigned shift;
	size_t mask;
};

struct fwd_table {
	struct fwd_lower lower;
	uint64_t multiplier;
	struct mac_hash macs;
	struct source_hash sources;
	uint16_t passthru;
	size_t n_slots;
	struct slot *slot;
	uint16_t *members[N_MODES];
	size_t n_members[N_MODES];
	uint16_t *listening; /* what all 'listeners' point into */
};

/* One listed address of one endpoint, while the table is built. */
struct listing {
	uint64_t mac;
	uint16_t slot;
	bool up, nodst;
};

static unsigned mode_index(enum fwd_mode mode)
{
	return (unsigned)__builtin_ctz(mode);
}

/* Multiplicative hashing (Knuth, TAOCP 3, 6.4) with a secret odd factor: the
 * high bits of the product depend on all bits of the address.
 */
static size_t hash(uint64_t multiplier, unsigned shift, uint64_t mac)
{
	return (size_t)((mac * multiplier) >> shift);
}

/* Bits of a table for 'n' entries that stays at most half full. */
static unsigned table_bits(size_t n)
{
	unsigned bits = 3;

	while (((size_t)1 << bits) < 2 * n)
		bits++;
	return bits;
}

static void mac_hash_insert(struct fwd_table *table, struct mac mac, uint16_t slot)
{
	struct mac_hash *macs = &table->macs;
	uint64_t number = mac_number(mac);
	size_t i = hash(table->multiplier, macs->shift, number);

	/* The first one wins: two up endpoints with one address are refused
	 * before they come here (R1.14), but a table must not depend on it.
	 */
	while (macs->entry[i]) {
		if (macs->entry[i] >> 16 == number)
			return;
		i = (i + 1) & macs->mask;
	}
	macs->entry[i] = number << 16 | slot;
}

static struct source_entry *source_hash_at(const struct fwd_table *table, uint64_t mac)
{
	const struct source_hash *sources = &table->sources;
	size_t i = hash(table->multiplier, sources->shift, mac);

	while (sources->entry[i].mac && sources->entry[i].mac != mac)
		i = (i + 1) & sources->mask;
	return &sources->entry[i];
}

static int compare_listings(const void *a, const void *b)
{
	const struct listing *x = a, *y = b;

	if (x->mac != y->mac)
		return x->mac < y->mac ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Turns 'n' sorted listings into hash entries: one for each address. */
static void add_listings(struct fwd_table *table, const struct listing *listings, size_t n)
{
	uint16_t *next = table->listening;

	for (size_t i = 0; i < n;) {
		struct source_entry *entry = source_hash_at(table, listings[i].mac);

		entry->mac = listings[i].mac;
		entry->listeners.slot = next;
		for (; i < n && listings[i].mac == entry->mac; i++) {
			entry->listeners.nodst |= listings[i].nodst;
			if (!listings[i].up)
				continue;
			*next++ = listings[i].slot;
			entry->listeners.n++;
		}
	}
}

static size_t count_listings(const struct fwd_endpoint *endpoints, size_t n)
{
	size_t n_listings = 0;

	for (size_t i = 0; i < n; i++) {
		if (endpoints[i].mode == FWD_MODE_SOURCE)
			n_listings += endpoints[i].n_sources;
	}
	return n_listings;
}

static int build_sources(struct fwd_table *table, const struct fwd_endpoint *endpoints, size_t n)
{
	size_t n_listings = count_listings(endpoints, n), at = 0;
	unsigned bits = table_bits(n_listings);
	struct listing *listings;

	table->sources.shift = 64 - bits;
	table->sources.mask = ((size_t)1 << bits) - 1;
	table->sources.entry = calloc((size_t)1 << bits, sizeof(*table->sources.entry));
	table->listening = calloc(n_listings + 1, sizeof(*table->listening));
	listings = calloc(n_listings + 1, sizeof(*listings));
	if (!table->sources.entry || !table->listening || !listings) {
		free(listings);
		return -ENOMEM;
	}

	for (size_t i = 0; i < n; i++) {
		const struct fwd_endpoint *endpoint = &endpoints[i];

		if (endpoint->mode != FWD_MODE_SOURCE)
			continue;
		for (size_t s = 0; s < endpoint->n_sources; s++)
			listings[at++] = (struct listing){
				.mac = mac_number(endpoint->sources[s]),
				.slot = endpoint->slot,
				.up = endpoint->up,
				.nodst = endpoint->flags & FWD_FLAG_NODST,
			};
	}

	qsort(listings, n_listings, sizeof(*listings), compare_listings);
	add_listings(table, listings, n_listings);
	free(listings);
	return 0;
}

static int allocate(struct fwd_table *table, size_t n_endpoints)
{
	unsigned bits = table_bits(n_endpoints);

	table->macs.shift = 64 - bits;
	table->macs.mask = ((size_t)1 << bits) - 1;
	table->macs.entry = calloc((size_t)1 << bits, sizeof(*table->macs.entry));
	table->slot = calloc(table->n_slots + 1, sizeof(*table->slot));
	if (!table->macs.entry || !table->slot)
		return -ENOMEM;

	for (unsigned m = 0; m < N_MODES; m++) {
		table->members[m] = calloc(table->n_members[m] + 1, sizeof(*table->members[m]));
		if (!table->members[m])
			return -ENOMEM;
		table->n_members[m] = 0;
	}
	return 0;
}

static void add_endpoint(struct fwd_table *table, const struct fwd_endpoint *endpoint)
{
	unsigned m = mode_index(endpoint->mode);

	table->slot[endpoint->slot] = (struct slot){
		.mtu = endpoint->mtu,
		.mode = (uint8_t)endpoint->mode,
		.up = endpoint->up,
	};
	if (endpoint->mode == FWD_MODE_PASSTHRU)
		table->passthru = endpoint->slot;
	if (!endpoint->up)
		return;

	mac_hash_insert(table, endpoint->mac, endpoint->slot);
	table->members[m][table->n_members[m]++] = endpoint->slot;
}

int fwd_table_new(const struct fwd_lower *lower, const struct fwd_endpoint *endpoints, size_t n,
		  uint64_t seed, struct fwd_table **ret_table, struct err *err)
{
	struct fwd_table *table = calloc(1, sizeof(*table));

	if (!table)
		return err_set(err, ENOMEM, "out of memory");

	table->lower = *lower;
	table->multiplier = seed | 1;
	table->passthru = FWD_NOBODY;
	for (size_t i = 0; i < n; i++) {
		assert(endpoints[i].slot < FWD_SLOTS_MAX);
		table->n_slots = MAX(table->n_slots, (size_t)endpoints[i].slot + 1);
		table->n_members[mode_index(endpoints[i].mode)]++;
	}

	if (allocate(table, n) < 0 || build_sources(table, endpoints, n) < 0) {
		fwd_table_free(table);
		return err_set(err, ENOMEM, "out of memory for a table of %zu endpoints", n);
	}

	for (size_t i = 0; i < n; i++)
		add_endpoint(table, &endpoints[i]);

	*ret_table = table;
	return 0;
}

struct fwd_table *fwd_table_free(struct fwd_table *table)
{
	if (!table)
		return NULL;

	free(table->macs.entry);
	free(table->sources.entry);
	free(table->listening);
	free(table->slot);
	for (unsigned m = 0; m < N_MODES; m++)
		free(table->members[m]);
	free(table);
	return NULL;
}

const struct fwd_lower *fwd_table_lower(const struct fwd_table *table)
{
	return &table->lower;
}

uint16_t fwd_table_find(const struct fwd_table *table, struct mac mac)
{
	const struct mac_hash *macs = &table->macs;
	uint64_t number = mac_number(mac), entry;
	size_t i = hash(table->multiplier, macs->shift, number);

	/* Zero is in nobody's table, and would match an empty entry (R2.9). */
	if (!number)
		return FWD_NOBODY;

	while ((entry = macs->entry[i]) != 0) {
		if (entry >> 16 == number)
			return (uint16_t)entry;
		i = (i + 1) & macs->mask;
	}
	return FWD_NOBODY;
}

const struct fwd_listeners *fwd_table_listeners(const struct fwd_table *table, struct mac source)
{
	uint64_t number = mac_number(source);
	const struct source_entry *entry;

	if (!number)
		return NULL;

	entry = source_hash_at(table, number);
	return entry->mac ? &entry->listeners : NULL;
}

const uint16_t *fwd_table_members(const struct fwd_table *table, enum fwd_mode mode, size_t *ret_n)
{
	unsigned m = mode_index(mode);

	*ret_n = table->n_members[m];
	return table->members[m];
}

bool fwd_table_is_up(const struct fwd_table *table, uint16_t slot)
{
	assert(slot < table->n_slots);
	return table->slot[slot].up;
}

enum fwd_mode fwd_table_mode(const struct fwd_table *table, uint16_t slot)
{
	assert(slot < table->n_slots);
	return table->slot[slot].mode;
}

uint32_t fwd_table_mtu(const struct fwd_table *table, uint16_t slot)
{
	assert(slot < table->n_slots);
	return table->slot[slot].mtu;
}

uint16_t fwd_table_passthru(const struct fwd_table *table)
{
	return table->passthru;
}
