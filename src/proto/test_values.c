/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/test_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct mac test_mac(uint8_t last)
{
	return (struct mac){ { 2, 0, 0, 0, 0, last } };
}

void test_fill_change(struct link_change *change)
{
	*change = (struct link_change){
		.has = (LINK_HAS_POLL << 1) - 1,
		.kind = LINK_KIND_MACVTAP,
		.lower = "lan0",
		.address = test_mac(9),
		.mtu = 9000,
		.up = true,
		.new_name = "web1",
		.alias = "caf\xc3\xa9 \"1\"",
		.txqlen = UINT32_MAX,
		.mode = FWD_MODE_SOURCE,
		.flags = FWD_FLAG_NOPROMISC | FWD_FLAG_NODST,
		.source_command = SOURCE_SET,
		.bcqueuelen = 0,
		.bclim = INT32_MIN,
		.hairpin = true,
		.vhost = "/run/ovs/web1",
		.poll = 20,
	};
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(link_change_add_source(change, test_mac(i), NULL), 0);
}

void test_fill_link(struct proto_link *link)
{
	*link = (struct proto_link){
		.index = 7,
		.name = "web0",
		.kind = LINK_KIND_MACVTAP,
		.lower = "lan0",
		.address = test_mac(9),
		.mtu = 1400,
		.min_mtu = 68,
		.max_mtu = 65535,
		.txqlen = 500,
		.up = true,
		.carrier = true,
		.lower_up = true,
		.promiscuity = 1,
		.allmulti = 2,
		.alias = "the web",
		.mode = FWD_MODE_SOURCE,
		.flags = FWD_FLAG_NOPROMISC | FWD_FLAG_NODST,
		.n_sources = 3,
		.bcqueuelen = 1000,
		.used_bcqueuelen = 3000,
		.bclim = -1,
		.rx = { 1, 2, 3, 4, 5 },
		.tx = { 6, 7, 8, 9, INT64_MAX },
		.port = "vhost",
		.features = "packed, 2 queue pairs",
		.vhost = "/run/ovs/web0",
		.poll = 50,
		.peer = "@x",
		.reason = "it sent a frame of 99999999 bytes",
		.stream_path = "/run/limpet/web0/stream.sock",
		.dgram_path = "/run/limpet/web0/dgram.sock",
		.vhost_path = "/run/limpet/web0/vhost.sock",
	};
	link->sources = calloc(link->n_sources, sizeof(*link->sources));
	assert_non_null(link->sources);
	for (size_t i = 0; i < link->n_sources; i++)
		link->sources[i] = test_mac((uint8_t)i);
	for (size_t i = 0; i < DROP_COUNT; i++) {
		link->drops_in[i] = i;
		link->drops_out[i] = 100 * i;
	}
}
