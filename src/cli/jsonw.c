/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/jsonw.h"

#include <assert.h>
#include <inttypes.h>

static void put(const struct jsonw *json, char c)
{
	(void)fputc(c, json->out);
}

static void new_line(const struct jsonw *json)
{
	if (json->style == JSONW_COMPACT)
		return;
	(void)fprintf(json->out, "\n%*s", (int)json->depth * 4, "");
}

/* Control characters: JSON may not hold those below 0x20, and a terminal obeys
 * those from 0x7f to 0x9f as well. The text is UTF-8, because it came out of a
 * JSON message: 0xc2 leads what is up to 0xbf.
 */
static unsigned control_at(const char *text)
{
	unsigned char c = (unsigned char)text[0];
	unsigned char next = c ? (unsigned char)text[1] : 0;

	if (c < 0x20 || c == 0x7f)
		return c;
	return c == 0xc2 && next >= 0x80 && next < 0xa0 ? next : 0;
}

static void put_string(const struct jsonw *json, const char *text)
{
	put(json, '"');
	for (const char *c = text; *c; c++) {
		unsigned control = control_at(c);

		if (control) {
			(void)fprintf(json->out, "\\u%04x", control);
			c += control >= 0x80;
		} else {
			if (*c == '"' || *c == '\\')
				put(json, '\\');
			put(json, *c);
		}
	}
	put(json, '"');
}

/* What stands before a value: a comma, in an object a new line and a name. */
static void lead(struct jsonw *json, const char *name)
{
	if (json->more)
		put(json, ',');
	json->more = true;
	if (!name)
		return;

	new_line(json);
	put_string(json, name);
	(void)fputs(json->style == JSONW_PRETTY ? ": " : ":", json->out);
}

struct jsonw jsonw_begin(FILE *out, enum jsonw_style style)
{
	return (struct jsonw){ .out = out, .style = style };
}

void jsonw_end(struct jsonw *json)
{
	assert(json->depth == 0);

	put(json, '\n');
}

void jsonw_object(struct jsonw *json, const char *name)
{
	lead(json, name);
	put(json, '{');
	json->depth++;
	json->more = false;
}

void jsonw_object_end(struct jsonw *json)
{
	assert(json->depth > 0);

	json->depth--;
	if (json->more)
		new_line(json);
	put(json, '}');
	json->more = true;
}

void jsonw_array(struct jsonw *json, const char *name)
{
	lead(json, name);
	(void)fputs(json->style == JSONW_PRETTY ? "[ " : "[", json->out);
	json->depth++;
	json->more = false;
}

void jsonw_array_end(struct jsonw *json)
{
	assert(json->depth > 0);

	json->depth--;
	if (json->style == JSONW_PRETTY && json->more)
		put(json, ' ');
	put(json, ']');
	json->more = true;
}

void jsonw_string(struct jsonw *json, const char *name, const char *value)
{
	lead(json, name);
	put_string(json, value);
}

void jsonw_string_or_null(struct jsonw *json, const char *name, const char *value)
{
	lead(json, name);
	if (*value != '\0')
		put_string(json, value);
	else
		(void)fputs("null", json->out);
}

void jsonw_number(struct jsonw *json, const char *name, uint64_t value)
{
	lead(json, name);
	(void)fprintf(json->out, "%" PRIu64, value);
}

void jsonw_signed(struct jsonw *json, const char *name, int64_t value)
{
	lead(json, name);
	(void)fprintf(json->out, "%" PRId64, value);
}

void jsonw_bool(struct jsonw *json, const char *name, bool value)
{
	lead(json, name);
	(void)fputs(value ? "true" : "false", json->out);
}
