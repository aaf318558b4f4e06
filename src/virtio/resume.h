/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a ring goes on that is started again. */
#ifndef VIRTIO_RESUME_H
#define VIRTIO_RESUME_H

#include <stdint.h>

struct guest_mem;
struct ring_config;

/* The base from which a ring that was started has to go on: 'config->base', as
 * the front-end told it, unless the ring in the guest's memory shows that this
 * cannot be. A ring that is not in memory is for ring_init() to refuse.
 */
uint32_t ring_resume(const struct guest_mem *mem, const struct ring_config *config);

#endif
