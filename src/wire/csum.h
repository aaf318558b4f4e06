/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Internet checksum (RFC 1071).
 *
 * A sum is a 64-bit number that is not folded yet: start with 0, add ranges,
 * fields and numbers in any order, fold once at the end. Ranges are summed in
 * the machine's own byte order, which the fold makes right (RFC 1071 §2 B).
 * No frame comes near the 2^30 additions that would overflow it.
 */
#ifndef WIRE_CSUM_H
#define WIRE_CSUM_H

#include <stddef.h>

#include "wire/endian.h"
#include "wire/ip.h"

/* Adds 'len' bytes that start at an even place of what is summed; an odd
 * last byte counts as if a zero followed.
 */
uint64_t csum_add(uint64_t sum, const void *data, size_t len);

/* Adds a 16-bit field as it lies in a header at 'at': a checksum put there by
 * somebody else, for instance.
 */
static inline uint64_t csum_add_field(uint64_t sum, const void *at)
{
	uint16_t raw;

	memcpy(&raw, at, sizeof(raw));
	return sum + raw;
}

/* Adds a number of up to 32 bits, such as a length. */
static inline uint64_t csum_add_number(uint64_t sum, uint32_t number)
{
	return sum + (ENDIAN_FORCE uint32_t)cpu_to_be32(number);
}

/* Takes a number out that was added before (RFC 1624, equation 3). */
static inline uint64_t csum_sub_number(uint64_t sum, uint32_t number)
{
	return sum + (uint32_t) ~(ENDIAN_FORCE uint32_t)cpu_to_be32(number);
}

/* The pseudo header of TCP or UDP without its length, which the caller adds:
 * addresses and protocol. 'ip' is where the IP header lies.
 */
static inline uint64_t csum_pseudo_ipv4(const uint8_t *ip, enum ip_proto proto)
{
	return csum_add_number(csum_add(0, ip + offsetof(struct ipv4_header, src), 8), proto);
}

static inline uint64_t csum_pseudo_ipv6(const uint8_t *ip, enum ip_proto proto)
{
	return csum_add_number(csum_add(0, ip + offsetof(struct ipv6_header, src), 32), proto);
}

/* The checksum: the sum folded to 16 bits, complemented. */
be16 csum_fold(uint64_t sum);

/* The same, for fields where zero would mean that there is no checksum. */
be16 csum_fold_nonzero(uint64_t sum);

#endif
