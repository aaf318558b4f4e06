/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/csum.h"

/* 2^32 and 2^64 are both 1 modulo 2^16 - 1: what is carried out of a word is
 * added at its low end.
 */
static uint64_t fold_to_33_bits(uint64_t sum)
{
	return (sum & 0xffffffff) + (sum >> 32);
}

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t even = 0, odd = 0, carries = 0;
	uint64_t word[2];

	/* Two chains of additions, so that they need not wait for each other. */
	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(word, at, sizeof(word));
		even += word[0];
		carries += even < word[0];
		odd += word[1];
		carries += odd < word[1];
	}

	word[0] = word[1] = 0;
	memcpy(word, at, len);

	return sum + carries + fold_to_33_bits(even) + fold_to_33_bits(odd) +
	       fold_to_33_bits(word[0]) + fold_to_33_bits(word[1]);
}

be16 csum_fold(uint64_t sum)
{
	sum = fold_to_33_bits(fold_to_33_bits(sum));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);

	return (ENDIAN_FORCE be16)(uint16_t)~sum;
}

be16 csum_fold_nonzero(uint64_t sum)
{
	be16 check = csum_fold(sum);

	return check ? check : (ENDIAN_FORCE be16)0xffff;
}
