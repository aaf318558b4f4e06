/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC addresses: passed by value, compared and assigned like numbers. */
#ifndef WIRE_MAC_H
#define WIRE_MAC_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct mac {
	uint8_t byte[6];
};
static_assert(sizeof(struct mac) == 6, "as it lies in a frame");

/* "52:54:00:b8:9c:58" and NUL. */
#define MAC_TEXT_SIZE 18

static inline struct mac mac_load(const void *at)
{
	struct mac mac;

	memcpy(&mac, at, sizeof(mac));
	return mac;
}

/* The address as a number below 2^48, for comparing and hashing. */
static inline uint64_t mac_number(struct mac mac)
{
	uint64_t n = 0;

	memcpy(&n, mac.byte, sizeof(mac.byte));
	return n;
}

static inline bool mac_equal(struct mac a, struct mac b)
{
	return mac_number(a) == mac_number(b);
}

static inline bool mac_is_zero(struct mac mac)
{
	return mac_number(mac) == 0;
}

/* Multicast or broadcast: the group bit of the first octet. */
static inline bool mac_is_group(struct mac mac)
{
	return mac.byte[0] & 1;
}

/* Can an interface own it? Neither zero nor a group (R1.13). */
static inline bool mac_is_valid(struct mac mac)
{
	return !mac_is_zero(mac) && !mac_is_group(mac);
}

/* A unicast, locally administered address from six random bytes (R1.12). */
struct mac mac_from_random(const uint8_t random[6]);

/* Reads six octets of one or two hexadecimal digits with ':' between, as
 * iproute2 does. False, and 'ret_mac' untouched, for anything else.
 */
bool mac_parse(const char *text, struct mac *ret_mac);

/* Writes the address in lower case to 'buf'; returns 'buf'. */
char *mac_format(struct mac mac, char buf[MAC_TEXT_SIZE]);

#endif
