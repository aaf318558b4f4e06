/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/mac.h"

#include <stdio.h>

struct mac mac_from_random(const uint8_t random[6])
{
	struct mac mac = mac_load(random);

	mac.byte[0] = (uint8_t)((mac.byte[0] & ~1u) | 2u);
	return mac;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(const char *text, struct mac *ret_mac)
{
	struct mac mac;

	for (int i = 0; i < 6; i++) {
		int value = hex_digit(*text++);

		if (value < 0)
			return false;
		if (hex_digit(*text) >= 0)
			value = value * 16 + hex_digit(*text++);
		if (*text++ != (i < 5 ? ':' : '\0'))
			return false;
		mac.byte[i] = (uint8_t)value;
	}

	*ret_mac = mac;
	return true;
}

char *mac_format(struct mac mac, char buf[MAC_TEXT_SIZE])
{
	const uint8_t *b = mac.byte;

	(void)snprintf(buf, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		       b[4], b[5]);
	return buf;
}
