/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: a packed ring and whatever a driver may do to it; see ring.h. */
#include "fuzz.h"
#include "ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_ring(RING_PACKED, data, size);
}
