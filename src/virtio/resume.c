/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Going on after a crash
 * ======================
 *
 * What it is. When the back-end ended without being asked where its rings stood,
 * the front-end can only guess (R4.20). We give buffers back in the burst in which
 * we take them, so the ring itself tells where the next one is.
 *
 * Split. The used index is it.
 *
 * Packed. There is no index. Each descriptor says by two bits whether it was last
 * made available, and in which lap of the ring (its wrap counter), or used. What
 * is available is one run, and begins where we go on; in a ring where nothing is
 * available that is where the laps meet. A chain's descriptors behind its first
 * keep saying "available" when they are used, so with chains the ring may show
 * several runs. Therefore the front-end is believed as long as what it says can
 * be true, and the ring only where it shows one run.
 */
#include "virtio/resume.h"

#include <stdbool.h>

#include "virtio/memory.h"
#include "virtio/ring.h"

/* A descriptor's two bits, read once. */
struct lap {
	bool avail, used;
};

static struct lap lap_of(const struct virtq_packed_desc *desc)
{
	unsigned flags = le16_to_cpu(*(const volatile le16 *)&desc->flags);

	return (struct lap){ flags & VIRTQ_AVAIL, flags & VIRTQ_USED };
}

static bool is_available(struct lap lap)
{
	return lap.avail != lap.used;
}

static uint32_t packed_base(uint32_t position, bool wrap)
{
	uint32_t half = position | (wrap ? 1u << 15 : 0);

	return half | half << 16;
}

/* Can it be that 'base' is next? Then that descriptor is available in this lap, or
 * was used in the one before; and the descriptor before it has been used in its
 * lap, and may be available in the next.
 */
static bool is_possible(const struct virtq_packed_desc *desc, uint32_t size, uint32_t base)
{
	uint32_t position = base & 0x7fff;
	bool wrap = base & 1u << 15, wrap_before = position > 0 ? wrap : !wrap;
	struct lap next, before;

	if (position >= size)
		return false;
	next = lap_of(&desc[position]);
	before = lap_of(&desc[position > 0 ? position - 1 : size - 1]);

	return is_available(next) == (next.avail == wrap) &&
	       is_available(before) == (before.avail != wrap_before);
}

/* Where the one run of available descriptors begins; false if there are several. */
static bool find_run(const struct virtq_packed_desc *desc, uint32_t size, uint32_t *ret_base)
{
	struct lap first = lap_of(&desc[0]), last = lap_of(&desc[size - 1]), before = last;
	uint32_t seam = size, run = size, n_runs = 0;

	for (uint32_t i = 0; i < size; i++) {
		struct lap lap = lap_of(&desc[i]);

		if (seam == size && lap.avail != first.avail)
			seam = i;
		if (is_available(lap) && !is_available(before)) {
			run = i;
			n_runs++;
		}
		before = lap;
	}

	if (n_runs > 1)
		return false;
	if (n_runs == 1)
		*ret_base = packed_base(run, lap_of(&desc[run]).avail);
	else if (is_available(first)) /* all of them */
		*ret_base =
			seam < size ? packed_base(seam, !first.avail) : packed_base(0, first.avail);
	else /* none */
		*ret_base =
			seam < size ? packed_base(seam, first.avail) : packed_base(0, !first.avail);
	return true;
}

static uint32_t resume_packed(const struct guest_mem *mem, const struct ring_config *config)
{
	const struct virtq_packed_desc *desc = (const void *)guest_range_user(
		mem, config->desc, config->size * sizeof(struct virtq_packed_desc));
	uint32_t base = config->base;

	if (!desc || config->size == 0 || (uintptr_t)desc % sizeof(le64) != 0)
		return base;
	if (!is_possible(desc, config->size, base))
		(void)find_run(desc, config->size, &base);
	return base;
}

static uint32_t resume_split(const struct guest_mem *mem, const struct ring_config *config)
{
	const struct virtq_used *used =
		(const void *)guest_range_user(mem, config->used, sizeof(*used));

	if (!used || (uintptr_t)used % sizeof(le32) != 0)
		return config->base;
	return le16_to_cpu(*(const volatile le16 *)&used->idx);
}

uint32_t ring_resume(const struct guest_mem *mem, const struct ring_config *config)
{
	return config->layout == RING_PACKED ? resume_packed(mem, config)
					     : resume_split(mem, config);
}
