/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON as ip(8) lays it out, piece by piece. Compact it is what any writer would
 * print; pretty it has ip's indentation, which no library's is.
 */
#ifndef CLI_JSONW_H
#define CLI_JSONW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum jsonw_style {
	JSONW_COMPACT,
	JSONW_PRETTY,
};

struct jsonw {
	FILE *out;
	enum jsonw_style style;
	unsigned depth;
	bool more; /* the next value or name follows another */
};

/* One document: begin, any number of values, end. The pieces have to nest. */
struct jsonw jsonw_begin(FILE *out, enum jsonw_style style);

/* Ends the document with a newline. */
void jsonw_end(struct jsonw *json);

/* In an object each value needs its name before it; elsewhere it is NULL. */
void jsonw_object(struct jsonw *json, const char *name);
void jsonw_object_end(struct jsonw *json);
void jsonw_array(struct jsonw *json, const char *name);
void jsonw_array_end(struct jsonw *json);
void jsonw_string(struct jsonw *json, const char *name, const char *value);
void jsonw_string_or_null(struct jsonw *json, const char *name, const char *value);
void jsonw_number(struct jsonw *json, const char *name, uint64_t value);
void jsonw_signed(struct jsonw *json, const char *name, int64_t value);
void jsonw_bool(struct jsonw *json, const char *name, bool value);

#endif
