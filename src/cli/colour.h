/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The colours ip(8) gives names, addresses and states. */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

#include "base/macros.h"

enum colour {
	COLOUR_NONE,
	COLOUR_NAME,
	COLOUR_MAC,
	COLOUR_STATE_UP,
	COLOUR_STATE_DOWN,
};

/* Prints to 'out'; in colour if 'enabled' and 'colour' is one. */
void colour_print(FILE *out, bool enabled, enum colour colour, const char *fmt, ...) PRINTF(4, 5);

/* Of what view_operstate() says. */
enum colour colour_of_state(const char *operstate);

#endif
