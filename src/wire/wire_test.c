/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of wire: MAC addresses and the names of drop reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/drop.h"
#include "wire/mac.h"

static void addresses_are_read_as_iproute2_reads_them(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *normal; /* NULL: refused */
	} cases[] = {
		{ "52:54:00:b8:9c:58", "52:54:00:b8:9c:58" },
		{ "52:54:00:B8:9C:58", "52:54:00:b8:9c:58" },
		{ "2:0:0:0:0:a1",      "02:00:00:00:00:a1" },
		{ "52:54:00:b8:9c",       NULL },
		{ "52:54:00:b8:9c:58:01", NULL },
		{ "52:54:00:b8:9c:5g",    NULL },
		{ "52:54:00:b8:9c:158",   NULL },
		{ "52-54-00-b8-9c-58",    NULL },
		{ "",                     NULL },
		{ ":::::",                NULL },
	};
	/* clang-format on */
	char buf[MAC_TEXT_SIZE];
	struct mac mac;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(mac_parse(cases[i].text, &mac), cases[i].normal != NULL);
		if (cases[i].normal)
			assert_string_equal(mac_format(mac, buf), cases[i].normal);
	}
}

static void a_random_address_is_unicast_and_local(void **state)
{
	(void)state;
	for (int first = 0; first < 256; first++) {
		const uint8_t random[6] = { (uint8_t)first, 1, 2, 3, 4, 5 };
		struct mac mac = mac_from_random(random);

		assert_true(mac_is_valid(mac));
		assert_int_equal(mac.byte[0] & 3, 2); /* R1.12 */
	}
}

static void every_reason_has_its_own_name(void **state)
{
	(void)state;
	for (int i = 0; i < DROP_COUNT; i++) {
		for (int j = 0; j < i; j++)
			assert_string_not_equal(drop_name((enum drop)i), drop_name((enum drop)j));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_as_iproute2_reads_them),
		cmocka_unit_test(a_random_address_is_unicast_and_local),
		cmocka_unit_test(every_reason_has_its_own_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
