/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of VLAN tags put back: bytes, offsets, and nothing beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "port/tag.h"
#include "wire/eth.h"

/* clang-format off */
static const uint8_t untagged[] = {
	0x02, 0, 0, 0, 0, 0xa1,  0x02, 0, 0, 0, 0, 0xb2,  0x08, 0x00,  0x45, 0x11, 0x22,
};
static const uint8_t tagged[] = {
	0x02, 0, 0, 0, 0, 0xa1,  0x02, 0, 0, 0, 0, 0xb2,  0x88, 0xa8, 0xe0, 0x64,
	0x08, 0x00,  0x45, 0x11, 0x22,
};
/* clang-format on */

static void a_tag_goes_behind_the_addresses(void **state)
{
	uint8_t room[8 + sizeof(untagged) + 1];
	struct vnet_header vnet = { 0 };
	const struct vnet_header plain = { 0 };
	uint8_t *data = room + 8, *start;

	(void)state;
	memset(room, 0xee, sizeof(room));
	memcpy(data, untagged, sizeof(untagged));

	start = tag_insert(data, ETH_TYPE_QINQ, 0xe064, &vnet);

	assert_ptr_equal(start, data - ETH_VLAN_LEN);
	assert_memory_equal(start, tagged, sizeof(tagged));
	assert_int_equal(room[3], 0xee);
	assert_int_equal(room[sizeof(room) - 1], 0xee);
	assert_memory_equal(&vnet, &plain, sizeof(vnet));
}

static void a_bare_header_takes_a_tag(void **state)
{
	uint8_t room[ETH_VLAN_LEN + ETH_HEADER_LEN];
	struct vnet_header vnet = { 0 };

	(void)state;
	memcpy(room + ETH_VLAN_LEN, untagged, ETH_HEADER_LEN);
	assert_ptr_equal(tag_insert(room + ETH_VLAN_LEN, ETH_TYPE_QINQ, 0xe064, &vnet), room);
	assert_memory_equal(room, tagged, sizeof(room));
}

static void offsets_that_mean_something_count_the_tag(void **state)
{
	/* clang-format off */
	static const struct {
		struct vnet_header before;
		unsigned csum_start, hdr_len;
	} cases[] = {
		{ { .flags = 0,               .gso_type = VNET_GSO_NONE },  0,  0 },
		{ { .flags = VNET_DATA_VALID, .gso_type = VNET_GSO_NONE },  0,  0 },
		{ { .flags = VNET_NEEDS_CSUM, .gso_type = VNET_GSO_NONE }, 38,  0 },
		{ { .flags = VNET_NEEDS_CSUM, .gso_type = VNET_GSO_TCPV4 }, 38, 70 },
		{ { .flags = VNET_NEEDS_CSUM, .gso_type = VNET_GSO_TCPV6 | VNET_GSO_ECN }, 38, 70 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t room[ETH_VLAN_LEN + sizeof(untagged)];
		struct vnet_header vnet = cases[i].before;

		if (vnet.flags & VNET_NEEDS_CSUM) {
			vnet.csum_start = cpu_to_le16(34);
			vnet.csum_offset = cpu_to_le16(16);
		}
		if (vnet.gso_type != VNET_GSO_NONE) {
			vnet.hdr_len = cpu_to_le16(66);
			vnet.gso_size = cpu_to_le16(1448);
		}
		memcpy(room + ETH_VLAN_LEN, untagged, sizeof(untagged));
		(void)tag_insert(room + ETH_VLAN_LEN, ETH_TYPE_VLAN, 100, &vnet);

		assert_int_equal(le16_to_cpu(vnet.csum_start), cases[i].csum_start);
		assert_int_equal(le16_to_cpu(vnet.hdr_len), cases[i].hdr_len);
		assert_int_equal(vnet.flags, cases[i].before.flags);
		assert_int_equal(vnet.gso_type, cases[i].before.gso_type);
		if (vnet.flags & VNET_NEEDS_CSUM)
			assert_int_equal(le16_to_cpu(vnet.csum_offset), 16);
		if (vnet.gso_type != VNET_GSO_NONE)
			assert_int_equal(le16_to_cpu(vnet.gso_size), 1448);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_goes_behind_the_addresses),
		cmocka_unit_test(a_bare_header_takes_a_tag),
		cmocka_unit_test(offsets_that_mean_something_count_the_tag),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tag", tests, NULL, NULL);
}
