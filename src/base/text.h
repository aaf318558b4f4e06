/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings that came from outside, made fit for a sentence or a buffer. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Room for the escaped form of a string of 'n' characters, NUL included. */
#define TEXT_ESCAPED_SIZE(n) (4 * (n) + 1)

/* Writes 'text' to 'buf' with everything that is not printable ASCII as \xNN
 * (bytes above 0x7f too: nobody's terminal is driven by a peer). Cut to fit
 * 'size'. Returns 'buf'.
 */
char *text_escape(char *buf, size_t size, const char *text);

/* Copies 'text' to 'buf' of 'size' bytes; false, and 'buf' untouched, if it
 * does not fit with its NUL.
 */
bool text_copy(char *buf, size_t size, const char *text);

#endif
