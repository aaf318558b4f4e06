/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The law, cell by cell: the tables of the spec's section 2 against fwd.
 *
 * One hub with two endpoints of each mode and all the odd ones is asked about
 * every pair of source and destination; the answer is written as a sorted list
 * of names ("h" the host, "w" the wire, "!P2" denied) and compared with the
 * spec's tables as transcribed here. A passthru hub and size limits follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "fwd/verdict.h"
#include "wire/eth.h"

#define TEXT_SIZE 128

/* clang-format off */
enum who { P1, P2, V1, V2, B1, B2, S1, S2, DN, SD, SE, N_ENDPOINTS };
/* clang-format on */

static const char *const names[N_ENDPOINTS] = { "P1", "P2", "V1", "V2", "B1", "B2",
						"S1", "S2", "DN", "SD", "SE" };

/* Addresses: endpoint i has 02:00:00:00:00:i; the others have a letter. */
static struct mac address_of(const char *name)
{
	struct mac mac = { { 2, 0, 0, 0, 0, 0 } };

	for (int i = 0; i < N_ENDPOINTS; i++) {
		if (strcmp(name, names[i]) == 0) {
			mac.byte[5] = (uint8_t)(i + 1);
			return mac;
		}
	}
	if (strcmp(name, "broadcast") == 0)
		memset(mac.byte, 0xff, 6);
	else if (strcmp(name, "group") == 0)
		mac = (struct mac){ { 1, 0, 0x5e, 1, 2, 3 } };
	else if (strcmp(name, "zero") == 0)
		mac = (struct mac){ { 0 } };
	else
		mac = (struct mac){ { 2, (uint8_t)name[0], (uint8_t)name[1], 0, 0, 0 } };
	return mac;
}

static const struct fwd_lower lower = {
	.mtu = 1500, .up = true, .carrier = true, .has_host = true
};

static struct fwd_table *make_hub(const struct fwd_lower *below)
{
	/* S1 lists L1; S2 lists L2 with nodst; SD is down and lists L3 with
	 * nodst; SE is down and lists L4; DN is down and of bridge mode.
	 */
	const struct mac list[] = { address_of("L1"), address_of("L2"), address_of("L3"),
				    address_of("L4") };
	/* clang-format off */
	struct fwd_endpoint endpoints[N_ENDPOINTS] = {
		[P1] = { .mode = FWD_MODE_PRIVATE, .up = true },
		[P2] = { .mode = FWD_MODE_PRIVATE, .up = true },
		[V1] = { .mode = FWD_MODE_VEPA,    .up = true },
		[V2] = { .mode = FWD_MODE_VEPA,    .up = true },
		[B1] = { .mode = FWD_MODE_BRIDGE,  .up = true },
		[B2] = { .mode = FWD_MODE_BRIDGE,  .up = true },
		[S1] = { .mode = FWD_MODE_SOURCE,  .up = true,  .sources = &list[0], .n_sources = 1 },
		[S2] = { .mode = FWD_MODE_SOURCE,  .up = true,  .sources = &list[1], .n_sources = 1,
			 .flags = FWD_FLAG_NODST },
		[DN] = { .mode = FWD_MODE_BRIDGE,  .up = false },
		[SD] = { .mode = FWD_MODE_SOURCE,  .up = false, .sources = &list[2], .n_sources = 1,
			 .flags = FWD_FLAG_NODST },
		[SE] = { .mode = FWD_MODE_SOURCE,  .up = false, .sources = &list[3], .n_sources = 1 },
	};
	/* clang-format on */
	struct fwd_table *table = NULL;

	for (int i = 0; i < N_ENDPOINTS; i++) {
		endpoints[i].slot = (uint16_t)i;
		endpoints[i].mac = address_of(names[i]);
		endpoints[i].mtu = 1500;
	}
	assert_int_equal(
		fwd_table_new(below, endpoints, N_ENDPOINTS, 0x1234567890abcdef, &table, NULL), 0);
	return table;
}

static void append(char *text, const char *prefix, const char *name)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, TEXT_SIZE - len, "%s%s%s", len ? " " : "", prefix, name);
}

/* Writes who gets the frame; asserts that nobody gets it twice. */
static void describe(const struct fwd_table *table, const struct fwd_verdict *verdict,
		     const struct fwd_frame *frame, char text[TEXT_SIZE])
{
	unsigned copies[N_ENDPOINTS] = { 0 };

	text[0] = '\0';
	for (unsigned mode = 1; mode <= FWD_MODE_SOURCE; mode <<= 1) {
		size_t n;
		const uint16_t *slot = fwd_table_members(table, (enum fwd_mode)mode, &n);

		for (size_t i = 0; verdict->group_modes & mode && i < n; i++)
			copies[slot[i]] += fwd_member_takes(table, verdict, frame, slot[i]);
	}
	if (verdict->unicast != FWD_NOBODY)
		copies[verdict->unicast]++;
	for (unsigned i = 0; verdict->listeners && i < verdict->listeners->n; i++)
		copies[verdict->listeners->slot[i]]++;

	for (int i = 0; i < N_ENDPOINTS; i++) {
		assert_true(copies[i] <= 1);
		if (copies[i])
			append(text, "", names[i]);
	}
	if (verdict->denied != FWD_NOBODY)
		append(text, "!", names[verdict->denied]);
	if (verdict->host)
		append(text, "", "h");
	if (verdict->wire)
		append(text, "", "w");
	if (!text[0])
		append(text, "-", verdict->why < DROP_COUNT ? drop_name(verdict->why) : "");
}

struct test_frame {
	uint8_t head[FWD_HEAD_LEN];
	struct fwd_frame view;
};

static struct fwd_frame *make_frame(struct test_frame *frame, const char *dst, const char *src,
				    uint16_t type, uint32_t len)
{
	struct mac d = address_of(dst), s = address_of(src);

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->head, d.byte, 6);
	memcpy(frame->head + 6, s.byte, 6);
	be16_store(frame->head + 12, type);
	frame->view = (struct fwd_frame){ .head = frame->head, .len = len };
	return &frame->view;
}

static void expect_from_wire(const struct fwd_table *table, const struct fwd_frame *frame,
			     const char *what, const char *expected)
{
	struct fwd_verdict verdict;
	char text[TEXT_SIZE];

	fwd_from_wire(table, frame, &verdict);
	describe(table, &verdict, frame, text);
	if (strcmp(text, expected) != 0)
		fail_msg("wire, %s: expected '%s', got '%s'", what, expected, text);
}

static void expect_from_endpoint(const struct fwd_table *table, uint16_t slot,
				 const struct fwd_frame *frame, const char *what,
				 const char *expected)
{
	struct fwd_verdict verdict;
	char text[TEXT_SIZE];

	fwd_from_endpoint(table, slot, frame, &verdict);
	describe(table, &verdict, frame, text);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected '%s', got '%s'", what, expected, text);
}

/* R2.1 to R2.5, R2.9: the table of 2.1. */
static void what_endpoints_send(void **state)
{
	static const char *const senders[] = { "P1", "V1", "S1" };
	static const char *const to[] = { "P1", "P2", "V1", "V2",   "B1",	 "B2",	 "S1",
					  "DN", "LO", "XX", "zero", "broadcast", "group" };
	/* clang-format off */
	static const struct {
		const char *to, *expected;
	} bridge[] = {
		{ "B1", "B1" },			/* R2.2: itself */
		{ "B2", "B2" },
		{ "P1", "w" }, { "V1", "w" }, { "S1", "w" }, { "DN", "w" },
		{ "LO", "w" }, { "XX", "w" }, { "zero", "w" },
		{ "broadcast", "B2 w" },	/* R2.3 */
		{ "group", "B2 w" },
	};
	/* clang-format on */
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;
	char what[TEXT_SIZE];

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(senders); s++) {
		for (size_t d = 0; d < ARRAY_SIZE(to); d++) {
			(void)snprintf(what, sizeof(what), "%s to %s", senders[s], to[d]);
			expect_from_endpoint(table, (uint16_t)(address_of(senders[s]).byte[5] - 1),
					     make_frame(&frame, to[d], senders[s], 0x0800, 60),
					     what, "w");
		}
	}
	for (size_t d = 0; d < ARRAY_SIZE(bridge); d++) {
		/* R2.5: whatever source address it claims. */
		static const char *const claims[] = { "B1", "B2",   "P1",	"LO",
						      "XX", "zero", "broadcast" };

		for (size_t c = 0; c < ARRAY_SIZE(claims); c++) {
			(void)snprintf(what, sizeof(what), "B1 as %s to %s", claims[c],
				       bridge[d].to);
			expect_from_endpoint(
				table, B1, make_frame(&frame, bridge[d].to, claims[c], 0x0800, 60),
				what, bridge[d].expected);
		}
	}
	fwd_table_free(table);
}

/* R2.18: the whole table of the wire side, with the intended difference that
 * private endpoints never hear their siblings (R2.14, R2.15, R2.24).
 */
static void what_arrives_from_the_wire(void **state)
{
	static const char *const to[] = { "P1", "P2", "V1", "B1",	 "S1",
					  "DN", "LO", "XX", "broadcast", "group" };
#define EVERYBODY "P1 P2 V1 V2 B1 B2"
	/* clang-format off */
	static const struct {
		const char *from;
		const char *expected[ARRAY_SIZE(to)];
	} rows[] = {
		{ "XX", { "P1", "P2", "V1", "B1", "h", "h", "h", "h", EVERYBODY " h", EVERYBODY " h" } },
		{ "L1", { "P1 S1", "P2 S1", "V1 S1", "B1 S1", "S1 h", "S1 h", "S1 h", "S1 h",
			  EVERYBODY " S1 h", EVERYBODY " S1 h" } },
		{ "L2", { "S2", "S2", "S2", "S2", "S2", "S2", "S2", "S2", "S2", "S2" } },
		{ "L3", { "-nodst", "-nodst", "-nodst", "-nodst", "-nodst", "-nodst", "-nodst",
			  "-nodst", "-nodst", "-nodst" } },
		{ "L4", { "P1", "P2", "V1", "B1", "h", "h", "h", "h", EVERYBODY " h", EVERYBODY " h" } },
		{ "LO", { "P1", "P2", "V1", "B1", "h", "h", "h", "h", EVERYBODY " h", EVERYBODY " h" } },
		{ "P1", { "!P1", "!P2", "V1", "B1", "h", "h", "h", "h", "!P1", "!P1" } },
		{ "V1", { "!P1", "!P2", "V1", "B1", "h", "h", "h", "h", "V2 B1 B2 h", "V2 B1 B2 h" } },
		{ "B1", { "!P1", "!P2", "V1", "B1", "h", "h", "h", "h", "V1 V2 h", "V1 V2 h" } },
		{ "S1", { "!P1", "!P2", "V1", "B1", "h", "h", "h", "h", "S1", "S1" } },
		{ "DN", { "P1", "P2", "V1", "B1", "h", "h", "h", "h", EVERYBODY " h", EVERYBODY " h" } },
		{ "zero", { "P1", "P2", "V1", "B1", "h", "h", "h", "h", EVERYBODY " h",
			    EVERYBODY " h" } },
	};
	/* clang-format on */
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;
	char what[TEXT_SIZE];

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(rows); s++) {
		for (size_t d = 0; d < ARRAY_SIZE(to); d++) {
			(void)snprintf(what, sizeof(what), "%s to %s", rows[s].from, to[d]);
			expect_from_wire(table, make_frame(&frame, to[d], rows[s].from, 0x0800, 60),
					 what, rows[s].expected[d]);
		}
	}
	fwd_table_free(table);
}

static struct fwd_table *make_passthru_hub(bool up)
{
	const struct fwd_endpoint endpoint = {
		.slot = P1,
		.mac = address_of("P1"),
		.mode = FWD_MODE_PASSTHRU,
		.up = up,
		.mtu = 1500,
	};
	struct fwd_table *table = NULL;

	assert_int_equal(fwd_table_new(&lower, &endpoint, 1, 7, &table, NULL), 0);
	return table;
}

/* R2.16, R2.17. The hub's only endpoint is called P1 here. */
static void a_passthru_endpoint_owns_its_lower(void **state)
{
	/* clang-format off */
	static const struct {
		const char *from, *to, *up, *down;
	} cases[] = {
		{ "XX", "P1",        "P1",   "-endpoint-down" },
		{ "XX", "YY",        "P1",   "-endpoint-down" },
		{ "P1", "P1",        "P1",   "-endpoint-down" },
		{ "P1", "YY",        "P1",   "-endpoint-down" },
		{ "XX", "broadcast", "P1 h", "h" },
		{ "XX", "group",     "P1 h", "h" },
		{ "P1", "broadcast", "P1",   "h" },
		{ "P1", "group",     "P1",   "h" },
	};
	/* clang-format on */
	struct fwd_table *up = make_passthru_hub(true), *down = make_passthru_hub(false);
	struct test_frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_frame(&frame, cases[i].to, cases[i].from, 0x0800, 60);
		expect_from_wire(up, &frame.view, cases[i].to, cases[i].up);
		expect_from_wire(down, &frame.view, cases[i].to, cases[i].down);
	}
	expect_from_endpoint(up, P1, make_frame(&frame, "P1", "P1", 0x0800, 60), "own", "w");
	expect_from_endpoint(up, P1, make_frame(&frame, "broadcast", "P1", 0x0800, 60), "all", "w");
	fwd_table_free(up);
	fwd_table_free(down);
}

/* R2.6 (d), (e): a local unicast is seen by source lists. */
static void a_bridge_unicast_passes_the_source_lists(void **state)
{
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;

	(void)state;
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "L1", 0x0800, 60), "L1", "B2 S1");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "L2", 0x0800, 60), "L2", "S2");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "L3", 0x0800, 60), "L3", "!B2");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "L4", 0x0800, 60), "L4", "B2");
	/* ... but a local group frame is not. */
	expect_from_endpoint(table, B1, make_frame(&frame, "group", "L1", 0x0800, 60), "group",
			     "B2 w");
	fwd_table_free(table);
}

/* R2.7, R2.54 */
static void pause_frames_stay_with_the_host(void **state)
{
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;

	(void)state;
	expect_from_endpoint(table, B1, make_frame(&frame, "group", "B1", ETH_TYPE_PAUSE, 60),
			     "pause", "w");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", ETH_TYPE_PAUSE, 60),
			     "unicast pause", "B2");
	expect_from_wire(table, make_frame(&frame, "group", "XX", ETH_TYPE_PAUSE, 60), "pause",
			 "h");
	expect_from_wire(table, make_frame(&frame, "V1", "XX", ETH_TYPE_PAUSE, 60), "unicast pause",
			 "V1");

	make_frame(&frame, "group", "XX", ETH_TYPE_VLAN, 64);
	be16_store(frame.head + 16, ETH_TYPE_PAUSE);
	expect_from_wire(table, &frame.view, "tagged pause", "h");
	fwd_table_free(table);
}

/* R2.50: 18 bytes above the MTU, header included, and not one more. */
static void sizes_are_limited_where_the_driver_limits_them(void **state)
{
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;

	(void)state;
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", 0x0800, 1518), "fits", "B2");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", 0x0800, 1519), "1519",
			     "!B2");
	expect_from_endpoint(table, B1, make_frame(&frame, "broadcast", "B1", 0x0800, 1518), "fits",
			     "B2 w");
	expect_from_endpoint(table, B1, make_frame(&frame, "broadcast", "B1", 0x0800, 1519), "1519",
			     "w");
	/* The wire and other modes know no limit here. */
	expect_from_endpoint(table, V1, make_frame(&frame, "B2", "V1", 0x0800, 9000), "vepa", "w");
	expect_from_wire(table, make_frame(&frame, "B2", "XX", 0x0800, 9000), "wire", "B2");
	/* Nor does a super-frame. */
	make_frame(&frame, "B2", "B1", 0x0800, 60000);
	frame.view.is_gso = true;
	expect_from_endpoint(table, B1, &frame.view, "gso", "B2");
	fwd_table_free(table);
}

/* As in the kernel, where a device takes the tag out of what it receives. */
static void a_frame_too_short_for_its_tag_is_lost_among_siblings(void **state)
{
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;

	(void)state;
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", ETH_TYPE_VLAN, 20), "20",
			     "B2");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", ETH_TYPE_VLAN, 19), "19",
			     "!B2");
	expect_from_endpoint(table, B1, make_frame(&frame, "group", "B1", ETH_TYPE_VLAN, 20), "20",
			     "B2 w");
	expect_from_endpoint(table, B1, make_frame(&frame, "group", "B1", ETH_TYPE_VLAN, 19), "19",
			     "w");
	expect_from_endpoint(table, B1, make_frame(&frame, "B2", "B1", 0x0800, 14), "untagged",
			     "B2");
	fwd_table_free(table);
}

/* R2.8 */
static void who_is_down_sends_nothing(void **state)
{
	static const struct fwd_lower down = { .mtu = 1500, .up = false, .carrier = true };
	static const struct fwd_lower dark = { .mtu = 1500, .up = true, .carrier = false };
	struct fwd_table *table = make_hub(&lower);
	struct test_frame frame;

	(void)state;
	make_frame(&frame, "B2", "DN", 0x0800, 60);
	expect_from_endpoint(table, DN, &frame.view, "down", "-endpoint-down");
	fwd_table_free(table);

	table = make_hub(&down);
	expect_from_endpoint(table, B1, &frame.view, "lower down", "-no-carrier");
	fwd_table_free(table);

	table = make_hub(&dark);
	expect_from_endpoint(table, B1, &frame.view, "no carrier", "-no-carrier");
	fwd_table_free(table);
}

/* The dummy has no host: what only a host would hear is dropped, and said. */
static void a_lower_without_host_delivers_to_nobody_else(void **state)
{
	static const struct fwd_lower lonely = { .mtu = 1500, .up = true, .carrier = true };
	struct fwd_table *table = make_hub(&lonely);
	struct test_frame frame;

	(void)state;
	expect_from_wire(table, make_frame(&frame, "XX", "YY", 0x0800, 60), "unknown", "-no-owner");
	expect_from_wire(table, make_frame(&frame, "XX", "L1", 0x0800, 60), "listed", "S1");
	expect_from_wire(table, make_frame(&frame, "broadcast", "B1", 0x0800, 60), "group",
			 "V1 V2");
	fwd_table_free(table);
}

/* R1.15, and that the hash finds what was put in, at any size. */
static void the_table_finds_up_endpoints_and_nobody_else(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 16, 17, 256, FWD_SLOTS_MAX };

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct fwd_endpoint *endpoints = calloc(sizes[s] + 1, sizeof(*endpoints));
		struct fwd_table *table = NULL;

		assert_non_null(endpoints);
		for (size_t i = 0; i < sizes[s]; i++)
			endpoints[i] = (struct fwd_endpoint){
				.slot = (uint16_t)i,
				.mac = { { 2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i } },
				.mode = FWD_MODE_BRIDGE,
				.up = i % 3 != 0,
			};
		assert_int_equal(fwd_table_new(&lower, endpoints, sizes[s], s * 77, &table, NULL),
				 0);
		for (size_t i = 0; i < sizes[s]; i++)
			assert_int_equal(fwd_table_find(table, endpoints[i].mac),
					 endpoints[i].up ? i : FWD_NOBODY);
		assert_int_equal(fwd_table_find(table, address_of("XX")), FWD_NOBODY);
		assert_int_equal(fwd_table_find(table, address_of("zero")), FWD_NOBODY);
		fwd_table_free(table);
		free(endpoints);
	}
}

/* R2.10: several endpoints may list one address. */
static void every_listener_gets_one_copy(void **state)
{
	struct mac list[] = { address_of("L1"), address_of("L2") };
	struct fwd_endpoint endpoints[] = {
		{ .slot = 0,
		  .mac = { { 2, 9, 0, 0, 0, 1 } },
		  .mode = FWD_MODE_SOURCE,
		  .up = true,
		  .sources = list,
		  .n_sources = 2 },
		{ .slot = 1,
		  .mac = { { 2, 9, 0, 0, 0, 2 } },
		  .mode = FWD_MODE_SOURCE,
		  .up = true,
		  .sources = list,
		  .n_sources = 1 },
		{ .slot = 2,
		  .mac = { { 2, 9, 0, 0, 0, 3 } },
		  .mode = FWD_MODE_BRIDGE,
		  .up = true,
		  .sources = list,
		  .n_sources = 2 }, /* not in source mode: ignored */
	};
	const struct fwd_listeners *listeners;
	struct fwd_table *table = NULL;

	(void)state;
	assert_int_equal(fwd_table_new(&lower, endpoints, 3, 5, &table, NULL), 0);
	listeners = fwd_table_listeners(table, list[0]);
	assert_non_null(listeners);
	assert_int_equal(listeners->n, 2);
	assert_int_equal(listeners->slot[0], 0);
	assert_int_equal(listeners->slot[1], 1);
	assert_false(listeners->nodst);
	listeners = fwd_table_listeners(table, list[1]);
	assert_non_null(listeners);
	assert_int_equal(listeners->n, 1);
	assert_null(fwd_table_listeners(table, address_of("L3")));
	fwd_table_free(table);
}

static void modes_have_the_kernels_names(void **state)
{
	static const char *const mode_names[] = { "private", "vepa", "bridge", "passthru",
						  "source" };
	enum fwd_mode mode;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
		assert_true(fwd_mode_parse(mode_names[i], &mode));
		assert_int_equal(mode, 1 << i); /* if_link.h, appendix A */
		assert_string_equal(fwd_mode_name(mode), mode_names[i]);
	}
	assert_false(fwd_mode_parse("passthrough", &mode));
	assert_false(fwd_mode_parse("", &mode));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_endpoints_send),
		cmocka_unit_test(what_arrives_from_the_wire),
		cmocka_unit_test(a_passthru_endpoint_owns_its_lower),
		cmocka_unit_test(a_bridge_unicast_passes_the_source_lists),
		cmocka_unit_test(pause_frames_stay_with_the_host),
		cmocka_unit_test(sizes_are_limited_where_the_driver_limits_them),
		cmocka_unit_test(a_frame_too_short_for_its_tag_is_lost_among_siblings),
		cmocka_unit_test(who_is_down_sends_nothing),
		cmocka_unit_test(a_lower_without_host_delivers_to_nobody_else),
		cmocka_unit_test(the_table_finds_up_endpoints_and_nobody_else),
		cmocka_unit_test(every_listener_gets_one_copy),
		cmocka_unit_test(modes_have_the_kernels_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fwd", tests, NULL, NULL);
}
