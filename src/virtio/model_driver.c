/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio/model_driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define USER_OFFSET UINT64_C(0x7f0000000000)

static void check(bool so)
{
	if (!so)
		abort();
}

void model_guest_init(struct model_guest *guest)
{
	*guest = (struct model_guest){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		struct guest_region region = {
			.gpa = MODEL_GPA + i * MODEL_REGION_SIZE,
			.user = USER_OFFSET + 3 * i * MODEL_REGION_SIZE,
			.size = MODEL_REGION_SIZE,
		};

		/* Blocks of their own: sanitizers see who leaves them. */
		region.host = guest->bytes[i] = calloc(1, MODEL_REGION_SIZE);
		check(region.host && guest_mem_add(&guest->mem, &region, NULL) == 0);
	}
}

void model_guest_fini(struct model_guest *guest)
{
	free(guest->bytes[0]);
	free(guest->bytes[1]);
}

uint64_t model_guest_alloc(struct model_guest *guest, uint64_t size)
{
	uint64_t at = guest->next;

	guest->next += (size + 63) & ~UINT64_C(63);
	check(guest->next <= MODEL_REGION_SIZE);
	return MODEL_GPA + at;
}

static uint8_t *byte_at(const struct model_guest *guest, uint64_t gpa)
{
	uint64_t offset = gpa - MODEL_GPA;

	check(offset < 2 * MODEL_REGION_SIZE);
	return &guest->bytes[offset / MODEL_REGION_SIZE][offset % MODEL_REGION_SIZE];
}

void model_guest_write(struct model_guest *guest, uint64_t gpa, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		memcpy(byte_at(guest, gpa + i), (const uint8_t *)from + i, 1);
}

void model_guest_read(const struct model_guest *guest, uint64_t gpa, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = *byte_at(guest, gpa + i);
}

void model_driver_init(struct model_driver *driver, struct model_guest *guest,
		       enum ring_layout layout, uint32_t size, uint64_t features)
{
	uint64_t desc = model_guest_alloc(guest, size * sizeof(struct virtq_desc));
	uint64_t avail = model_guest_alloc(guest, 6 + size * sizeof(le16));
	uint64_t used = model_guest_alloc(guest, 6 + size * sizeof(struct virtq_used_entry));
	uint64_t to_user = USER_OFFSET - MODEL_GPA;

	*driver = (struct model_driver){
		.guest = guest,
		.config = { .layout = layout,
			    .size = size,
			    .features = features,
			    .desc = desc + to_user,
			    .avail = avail + to_user,
			    .used = used + to_user,
			    .kick_fd = -1,
			    .call_fd = -1,
			    .base = layout == RING_PACKED ? 0x80008000 : 0 },
		.desc = (void *)byte_at(guest, desc),
		.avail = (void *)byte_at(guest, avail),
		.used = (void *)byte_at(guest, used),
		.packed = (void *)byte_at(guest, desc),
		.driver = (void *)byte_at(guest, avail),
		.device = (void *)byte_at(guest, used),
		.n_free = (uint16_t)size,
		.avail_wrap = true,
		.used_wrap = true,
		.slot = calloc(size, sizeof(struct model_slot)),
	};
	check(driver->slot != NULL);
	for (uint32_t i = 0; virtio_has(features, VIRTIO_F_INDIRECT_DESC) && i < size; i++)
		driver->slot[i].table =
			model_guest_alloc(guest, MODEL_INDIRECT_MAX * sizeof(struct virtq_desc));
}

void model_driver_fini(struct model_driver *driver)
{
	free(driver->slot);
}

/* A free descriptor (split), or id (packed), from the end: unlike a device. */
static uint16_t free_slot(struct model_driver *driver)
{
	for (uint32_t i = driver->config.size; i-- > 0;) {
		if (!driver->slot[i].busy)
			return (uint16_t)i;
	}
	abort();
}

static uint16_t piece_flags(const struct model_piece *piece)
{
	return piece->is_write ? VIRTQ_WRITE : 0;
}

static void write_table(struct model_driver *driver, uint64_t table,
			const struct model_piece pieces[], unsigned n)
{
	check(n <= MODEL_INDIRECT_MAX);
	for (unsigned i = 0; i < n; i++) {
		bool more = i + 1 < n;
		struct virtq_desc split = { cpu_to_le64(pieces[i].gpa), cpu_to_le32(pieces[i].len),
					    cpu_to_le16((uint16_t)(piece_flags(&pieces[i]) |
								   (more ? VIRTQ_NEXT : 0))),
					    cpu_to_le16((uint16_t)(i + 1)) };
		struct virtq_packed_desc packed = { split.addr, split.len, 0,
						    cpu_to_le16(piece_flags(&pieces[i])) };

		model_guest_write(driver->guest, table + i * sizeof(split),
				  driver->config.layout == RING_SPLIT ? (void *)&split
								      : (void *)&packed,
				  sizeof(split));
	}
}

static void add_split(struct model_driver *driver, const struct model_piece pieces[], unsigned n,
		      enum model_how how, unsigned token)
{
	struct virtq_desc *last = NULL;
	uint16_t head = 0, at;

	for (unsigned i = 0; i < n; i++) {
		at = free_slot(driver);
		driver->slot[at].busy = true;
		driver->desc[at] =
			(struct virtq_desc){ cpu_to_le64(pieces[i].gpa), cpu_to_le32(pieces[i].len),
					     cpu_to_le16(piece_flags(&pieces[i])), 0 };
		if (last) {
			last->next = cpu_to_le16(at);
			last->flags |= cpu_to_le16(VIRTQ_NEXT);
		} else {
			head = at;
		}
		last = &driver->desc[at];
	}
	if (how == MODEL_INDIRECT)
		driver->desc[head].flags = cpu_to_le16(VIRTQ_INDIRECT);

	driver->slot[head].token = token;
	driver->slot[head].n_desc = (uint16_t)n;
	driver->avail->ring[driver->next_avail++ & (driver->config.size - 1)] = cpu_to_le16(head);
}

static void add_packed(struct model_driver *driver, const struct model_piece pieces[], unsigned n,
		       enum model_how how, unsigned token)
{
	uint16_t id = free_slot(driver);

	driver->slot[id] = (struct model_slot){ true, (uint16_t)n, token, driver->slot[id].table };
	for (unsigned i = 0; i < n; i++) {
		struct virtq_packed_desc *desc = &driver->packed[driver->next_avail];
		uint16_t flags = (uint16_t)(piece_flags(&pieces[i]) | (i + 1 < n ? VIRTQ_NEXT : 0) |
					    (how == MODEL_INDIRECT ? VIRTQ_INDIRECT : 0) |
					    (driver->avail_wrap ? VIRTQ_AVAIL : VIRTQ_USED));

		desc->addr = cpu_to_le64(pieces[i].gpa);
		desc->len = cpu_to_le32(pieces[i].len);
		desc->id = cpu_to_le16(id);
		if (driver->published++ == 0)
			driver->first_flags = flags;
		else
			desc->flags = cpu_to_le16(flags);
		if (++driver->next_avail == driver->config.size) {
			driver->next_avail = 0;
			driver->avail_wrap = !driver->avail_wrap;
		}
	}
}

bool model_driver_add(struct model_driver *driver, const struct model_piece pieces[], unsigned n,
		      enum model_how how, unsigned token)
{
	struct model_piece table;

	if (driver->n_free < (how == MODEL_INDIRECT ? 1 : n))
		return false;

	if (how == MODEL_INDIRECT) {
		table.gpa = driver->slot[free_slot(driver)].table;
		table.len = n * (uint32_t)sizeof(struct virtq_desc);
		table.is_write = false;
		write_table(driver, table.gpa, pieces, n);
		pieces = &table;
		n = 1;
	}
	driver->n_free = (uint16_t)(driver->n_free - n);
	if (driver->config.layout == RING_SPLIT)
		add_split(driver, pieces, n, how, token);
	else
		add_packed(driver, pieces, n, how, token);
	return true;
}

static bool passed(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static bool publish_split(struct model_driver *driver)
{
	uint16_t before = le16_to_cpu(driver->avail->idx);
	const le16 *event = (const le16 *)(const void *)&driver->used->ring[driver->config.size];

	__atomic_store_n(&driver->avail->idx, cpu_to_le16(driver->next_avail), __ATOMIC_SEQ_CST);
	if (virtio_has(driver->config.features, VIRTIO_F_EVENT_IDX))
		return passed(le16_to_cpu(*event), driver->next_avail, before);
	return !(le16_to_cpu(driver->used->flags) & VIRTQ_NO_NOTIFICATION);
}

static bool publish_packed(struct model_driver *driver)
{
	uint16_t n = driver->published;
	uint16_t size = (uint16_t)driver->config.size;
	uint16_t first = (uint16_t)((driver->next_avail + size - n % size) % size);
	uint16_t off = le16_to_cpu(driver->device->off_wrap);
	uint16_t flags = le16_to_cpu(driver->device->flags);
	uint16_t event = off & 0x7fff;

	if (n == 0)
		return false;
	__atomic_store_n(&driver->packed[first].flags, cpu_to_le16(driver->first_flags),
			 __ATOMIC_SEQ_CST);
	driver->published = 0;
	if (flags != VIRTQ_EVENT_DESC)
		return flags == VIRTQ_EVENT_ENABLE;
	if ((off >> 15 != 0) != driver->avail_wrap)
		event = (uint16_t)(event - size);
	return passed(event, driver->next_avail, (uint16_t)(driver->next_avail - n));
}

bool model_driver_publish(struct model_driver *driver)
{
	return driver->config.layout == RING_SPLIT ? publish_split(driver) : publish_packed(driver);
}

static bool get_split(struct model_driver *driver, unsigned *ret_token, uint32_t *ret_len)
{
	const struct virtq_used_entry *entry;
	uint32_t id;

	if (le16_to_cpu(__atomic_load_n(&driver->used->idx, __ATOMIC_ACQUIRE)) == driver->next_used)
		return false;

	entry = &driver->used->ring[driver->next_used++ & (driver->config.size - 1)];
	id = le32_to_cpu(entry->id);
	check(id < driver->config.size && driver->slot[id].busy && driver->slot[id].n_desc > 0);
	*ret_token = driver->slot[id].token;
	*ret_len = le32_to_cpu(entry->len);

	driver->n_free = (uint16_t)(driver->n_free + driver->slot[id].n_desc);
	driver->slot[id].n_desc = 0;
	for (;;) {
		const struct virtq_desc *desc = &driver->desc[id];

		driver->slot[id].busy = false;
		if (!(le16_to_cpu(desc->flags) & VIRTQ_NEXT))
			return true;
		id = le16_to_cpu(desc->next);
	}
}

static bool get_packed(struct model_driver *driver, unsigned *ret_token, uint32_t *ret_len)
{
	const struct virtq_packed_desc *desc = &driver->packed[driver->next_used];
	uint16_t flags = le16_to_cpu(__atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE));
	uint16_t id;

	if (!!(flags & VIRTQ_AVAIL) != driver->used_wrap ||
	    !!(flags & VIRTQ_USED) != driver->used_wrap)
		return false;

	id = le16_to_cpu(desc->id);
	check(id < driver->config.size && driver->slot[id].busy);
	*ret_token = driver->slot[id].token;
	*ret_len = le32_to_cpu(desc->len);
	driver->slot[id].busy = false;
	driver->n_free = (uint16_t)(driver->n_free + driver->slot[id].n_desc);
	driver->next_used = (uint16_t)(driver->next_used + driver->slot[id].n_desc);
	if (driver->next_used >= driver->config.size) {
		driver->next_used = (uint16_t)(driver->next_used - driver->config.size);
		driver->used_wrap = !driver->used_wrap;
	}
	return true;
}

bool model_driver_get(struct model_driver *driver, unsigned *ret_token, uint32_t *ret_len)
{
	return driver->config.layout == RING_SPLIT ? get_split(driver, ret_token, ret_len)
						   : get_packed(driver, ret_token, ret_len);
}

void model_driver_want_call(struct model_driver *driver)
{
	bool has_event = virtio_has(driver->config.features, VIRTIO_F_EVENT_IDX);

	if (driver->config.layout == RING_PACKED) {
		driver->driver->off_wrap = cpu_to_le16(
			(uint16_t)(driver->next_used | (driver->used_wrap ? 0x8000 : 0)));
		driver->driver->flags =
			cpu_to_le16(has_event ? VIRTQ_EVENT_DESC : VIRTQ_EVENT_ENABLE);
	} else if (has_event) {
		driver->avail->ring[driver->config.size] = cpu_to_le16(driver->next_used);
	} else {
		driver->avail->flags = 0;
	}
}

void model_driver_want_silence(struct model_driver *driver)
{
	if (driver->config.layout == RING_PACKED)
		driver->driver->flags = cpu_to_le16(VIRTQ_EVENT_DISABLE);
	else if (virtio_has(driver->config.features, VIRTIO_F_EVENT_IDX))
		driver->avail->ring[driver->config.size] =
			cpu_to_le16((uint16_t)(driver->next_used - 1));
	else
		driver->avail->flags = cpu_to_le16(VIRTQ_NO_NOTIFICATION);
}
