/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the Internet checksum against RFC 1071 and a naive version of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/csum.h"

/* As RFC 1071 §4.1 writes it: 16 bits at a time, in network order. */
static uint16_t naive(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return (uint16_t)~sum;
}

static void the_example_of_rfc_1071(void **state)
{
	/* §3: the sum of these is ddf2. */
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(be16_to_cpu(csum_fold(csum_add(0, bytes, 8))), (uint16_t)~0xddf2);
	assert_int_equal(be16_to_cpu(csum_fold(csum_add(0, bytes, 7))), (uint16_t)~0xdcfb);
	assert_int_equal(be16_to_cpu(csum_fold(0)), 0xffff);
}

static void every_length_and_alignment_agrees_with_the_naive_sum(void **state)
{
	static uint8_t bytes[70000];
	static const size_t longs[] = { 1448, 1499, 65535, 69632 };

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + (i >> 5));

	for (size_t start = 0; start < 9; start++) {
		for (size_t len = 0; len < 200; len++)
			assert_int_equal(be16_to_cpu(csum_fold(csum_add(0, bytes + start, len))),
					 naive(bytes + start, len));
		for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
			assert_int_equal(
				be16_to_cpu(csum_fold(csum_add(0, bytes + start, longs[i]))),
				naive(bytes + start, longs[i]));
	}
}

static void no_carry_is_lost(void **state)
{
	static uint8_t ones[69632];
	uint64_t sum = 0;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 1000; i++)
		sum = csum_add(sum, ones, sizeof(ones));
	assert_int_equal(csum_fold(sum), 0);

	ones[sizeof(ones) - 1] = 0xfe;
	assert_int_equal(be16_to_cpu(csum_fold(csum_add(sum, ones, sizeof(ones)))), 1);
}

static void parts_add_up_and_numbers_can_be_replaced(void **state)
{
	uint8_t bytes[26] = { 0x45, 0x00, 0xff, 0xff, 0x12, 0x34, 0xab, 0xcd, 0x01 };
	uint64_t sum = csum_add(csum_add(0, bytes, 10), bytes + 10, 16);

	(void)state;
	assert_int_equal(be16_to_cpu(csum_fold(sum)), naive(bytes, 26));

	for (uint32_t length = 0; length < 70000; length += 331) {
		be16_store(bytes + 20, (uint16_t)(length >> 16));
		be16_store(bytes + 22, (uint16_t)length);
		assert_int_equal(be16_to_cpu(csum_fold(csum_add_number(sum, length))),
				 naive(bytes, 26));
		assert_int_equal(csum_fold(csum_sub_number(csum_add_number(sum, length), length)),
				 csum_fold(sum));
	}

	assert_int_equal(csum_fold(csum_add_field(csum_add(0, bytes, 2), bytes + 2)),
			 csum_fold(csum_add(0, bytes, 4)));
}

static void zero_means_no_checksum_where_the_caller_says_so(void **state)
{
	static const uint8_t ones[] = { 0xff, 0xff };
	uint64_t sum = csum_add(0, ones, 2);

	(void)state;
	assert_int_equal(csum_fold(sum), 0);
	assert_int_equal(csum_fold_nonzero(sum), 0xffff);
	assert_int_equal(csum_fold_nonzero(1), csum_fold(1));
}

/* Datagrams whose checksums were computed elsewhere (scapy). */
static void pseudo_headers_give_the_checksums_others_computed(void **state)
{
	static const uint8_t v4[] = {
		0x45, 0x00, 0x00, 0x1f, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x8e,
		0x4b, 0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33, 0x64, 0x4d, 0x03, 0xe8,
		0x00, 0x35, 0x00, 0x0b, 0x3b, 0xd4, 0x6f, 0x64, 0x64,
	};
	static const uint8_t v6[] = {
		0x60, 0x00, 0x00, 0x00, 0x00, 0x21, 0x06, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01,
		0x0d, 0xb8, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x02, 0x00, 0x50, 0x0f, 0xa0, 0x00, 0x00, 0x00, 0x4d, 0x00, 0x00, 0x00, 0x00,
		0x50, 0x18, 0x20, 0x00, 0x76, 0x8b, 0x00, 0x00, 0x6c, 0x69, 0x6d, 0x70, 0x65,
		0x74, 0x20, 0x63, 0x6c, 0x69, 0x6e, 0x67, 0x73,
	};
	uint64_t sum;

	(void)state;
	assert_int_equal(csum_fold(csum_add(0, v4, 20)), 0);
	sum = csum_add_number(csum_pseudo_ipv4(v4, IP_PROTO_UDP), sizeof(v4) - 20);
	assert_int_equal(csum_fold(csum_add(sum, v4 + 20, sizeof(v4) - 20)), 0);
	sum = csum_add_number(csum_pseudo_ipv6(v6, IP_PROTO_TCP), sizeof(v6) - 40);
	assert_int_equal(csum_fold(csum_add(sum, v6 + 40, sizeof(v6) - 40)), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_1071),
		cmocka_unit_test(every_length_and_alignment_agrees_with_the_naive_sum),
		cmocka_unit_test(no_carry_is_lost),
		cmocka_unit_test(parts_add_up_and_numbers_can_be_replaced),
		cmocka_unit_test(zero_means_no_checksum_where_the_caller_says_so),
		cmocka_unit_test(pseudo_headers_give_the_checksums_others_computed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("csum", tests, NULL, NULL);
}
