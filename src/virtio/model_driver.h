/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest for tests: memory, and drivers of both layouts as the standard has
 * them. One thread; nobody is hostile, unless the test writes to the memory.
 */
#ifndef VIRTIO_MODEL_DRIVER_H
#define VIRTIO_MODEL_DRIVER_H

#include "virtio/ring.h"

/* Two regions that follow each other for the guest and are apart here, so that
 * buffers can straddle them. Rings lie in the first one.
 */
#define MODEL_REGION_SIZE (UINT64_C(1) << 20)
#define MODEL_GPA	  UINT64_C(0x40000000)

struct model_guest {
	struct guest_mem mem;
	uint8_t *bytes[2];
	uint64_t next; /* free memory, for the rings */
};

void model_guest_init(struct model_guest *guest);
void model_guest_fini(struct model_guest *guest);

/* Memory for the test's own use, from the first region: a guest address. */
uint64_t model_guest_alloc(struct model_guest *guest, uint64_t size);

/* Guest memory as bytes, across the regions. */
void model_guest_write(struct model_guest *guest, uint64_t gpa, const void *from, size_t len);
void model_guest_read(const struct model_guest *guest, uint64_t gpa, void *to, size_t len);

struct model_piece {
	uint64_t gpa;
	uint32_t len;
	bool is_write;
};

enum model_how { MODEL_DIRECT, MODEL_INDIRECT };

#define MODEL_INDIRECT_MAX 64

struct model_slot {
	bool busy;
	uint16_t n_desc;
	unsigned token;
	uint64_t table; /* MODEL_INDIRECT_MAX descriptors */
};

struct model_driver {
	struct model_guest *guest;
	struct ring_config config; /* for ring_init() */

	/* Where the parts of the ring are, by layout. */
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	struct virtq_packed_desc *packed;
	struct virtq_packed_event *driver, *device;

	uint16_t n_free;
	uint16_t next_avail, next_used, published;
	bool avail_wrap, used_wrap;
	uint16_t first_flags;
	struct model_slot *slot; /* by descriptor (split) or id (packed) */
};

/* A ring of 'size' entries; 'features' as negotiated. */
void model_driver_init(struct model_driver *driver, struct model_guest *guest,
		       enum ring_layout layout, uint32_t size, uint64_t features);
void model_driver_fini(struct model_driver *driver);

/* Adds a buffer; false if there is no room. The device sees it when published. */
bool model_driver_add(struct model_driver *driver, const struct model_piece pieces[], unsigned n,
		      enum model_how how, unsigned token);

/* Makes available what was added. True: the device wants to be kicked. */
bool model_driver_publish(struct model_driver *driver);

/* A buffer that was used: its token, and the bytes written. False: none. */
bool model_driver_get(struct model_driver *driver, unsigned *ret_token, uint32_t *ret_len);

/* Asks to be called for the next buffer used, or for none. */
void model_driver_want_call(struct model_driver *driver);
void model_driver_want_silence(struct model_driver *driver);

#endif
