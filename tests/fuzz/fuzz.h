/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one function of a fuzz target, which libFuzzer or replay.c calls. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds the input to what is tested, and aborts if that answers wrongly.
 * Returns 0 and leaves nothing behind.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
