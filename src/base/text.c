/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

char *text_escape(char *buf, size_t size, const char *text)
{
	size_t len = 0;

	assert(size > 0);

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = *c >= 0x20 && *c < 0x7f && *c != '\\';
		size_t need = plain ? 1 : 4;

		if (len + need >= size)
			break;

		if (plain)
			buf[len] = (char)*c;
		else
			(void)snprintf(buf + len, need + 1, "\\x%02x", *c);
		len += need;
	}

	buf[len] = '\0';
	return buf;
}

bool text_copy(char *buf, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return false;

	memcpy(buf, text, len + 1);
	return true;
}
