/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/colour.h"

#include <stdarg.h>
#include <string.h>

static const char *const codes[] = {
	[COLOUR_NONE] = "",
	[COLOUR_NAME] = "\033[36m",
	[COLOUR_MAC] = "\033[33m",
	[COLOUR_STATE_UP] = "\033[32m",
	[COLOUR_STATE_DOWN] = "\033[31m",
};

void colour_print(FILE *out, bool enabled, enum colour colour, const char *fmt, ...)
{
	bool coloured = enabled && colour != COLOUR_NONE;
	va_list args;

	if (coloured)
		(void)fputs(codes[colour], out);
	va_start(args, fmt);
	(void)vfprintf(out, fmt, args);
	va_end(args);
	if (coloured)
		(void)fputs("\033[0m", out);
}

enum colour colour_of_state(const char *operstate)
{
	if (strcmp(operstate, "UP") == 0)
		return COLOUR_STATE_UP;
	if (strcmp(operstate, "DOWN") == 0)
		return COLOUR_STATE_DOWN;
	return COLOUR_NONE;
}
