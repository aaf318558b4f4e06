/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the frame parser: where headers lie, and what is no header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/parse.h"

#define MACS	    "\x52\x54\x00\x00\x00\x02\x52\x54\x00\x00\x00\x01"
#define TAG	    "\x81\x00\x00\x05"
#define SERVICE_TAG "\x88\xa8\x00\x07"
#define ADDRESSES4  "\xc0\x00\x02\x01\xc0\x00\x02\x02"
#define IPV4_HEAD(ihl, frag, proto) \
	"\x08\x00" ihl "\x00\x00\x28\x00\x01" frag "\x40" proto "\x00\x00" ADDRESSES4
#define ADDRESSES6 \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define IPV6_HEAD(next)	     "\x86\xdd\x60\x00\x00\x00\x00\x14" next "\x40" ADDRESSES6
#define EXTENSION(next)	     next "\x00\x01\x04\x00\x00\x00\x00"
#define LONG_EXTENSION(next) next "\x01\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0"
#define TCP_HEAD(doff)	     "\x00\x50\x0f\xa0\0\0\0\x01\0\0\0\0" doff "\x10\x01\x00\0\0\0\0"
#define UDP_HEAD	     "\x00\x35\x03\xe8\x00\x08\0\0"
#define WORD		     "\x01\x01\x01\x01"

#define FRAME(text) (const uint8_t *)(text), sizeof(text) - 1

static void headers_are_found(void **state)
{
	/* clang-format off */
	static const struct {
		const uint8_t *frame;
		size_t len;
		struct layers at;
	} cases[] = {
		{ FRAME(MACS IPV4_HEAD("\x45", "\0\0", "\x06") TCP_HEAD("\x50")),
		  { ETH_TYPE_IPV4, IP_PROTO_TCP, 14, 34, 54 } },
		{ FRAME(MACS IPV4_HEAD("\x45", "\x40\0", "\x11") UDP_HEAD), /* don't fragment */
		  { ETH_TYPE_IPV4, IP_PROTO_UDP, 14, 34, 42 } },
		{ FRAME(MACS IPV4_HEAD("\x47", "\0\0", "\x06") WORD WORD TCP_HEAD("\x60") WORD "data"),
		  { ETH_TYPE_IPV4, IP_PROTO_TCP, 14, 42, 66 } },
		{ FRAME(MACS TAG IPV4_HEAD("\x45", "\0\0", "\x11") UDP_HEAD "data"),
		  { ETH_TYPE_IPV4, IP_PROTO_UDP, 18, 38, 46 } },
		{ FRAME(MACS SERVICE_TAG TAG IPV6_HEAD("\x06") TCP_HEAD("\x50")),
		  { ETH_TYPE_IPV6, IP_PROTO_TCP, 22, 62, 82 } },
		{ FRAME(MACS IPV6_HEAD("\x00") EXTENSION("\x2b") LONG_EXTENSION("\x3c") EXTENSION("\x11")
			UDP_HEAD),
		  { ETH_TYPE_IPV6, IP_PROTO_UDP, 14, 86, 94 } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct layers at;

		assert_true(parse_frame(cases[i].frame, cases[i].len, &at));
		assert_int_equal(at.type, cases[i].at.type);
		assert_int_equal(at.proto, cases[i].at.proto);
		assert_int_equal(at.l3, cases[i].at.l3);
		assert_int_equal(at.l4, cases[i].at.l4);
		assert_int_equal(at.payload, cases[i].at.payload);

		/* One byte less of the headers is never enough. */
		for (size_t len = 0; len < cases[i].at.payload; len++)
			assert_false(parse_frame(cases[i].frame, len, &at));
	}
}

static void other_frames_are_left_alone(void **state)
{
	static const struct {
		const char *what;
		const uint8_t *frame;
		size_t len;
	} cases[] = {
		{ "ARP", FRAME(MACS "\x08\x06\0\x01\x08\0\x06\x04\0\x01") },
		{ "three tags",
		  FRAME(MACS TAG TAG TAG IPV4_HEAD("\x45", "\0\0", "\x06") TCP_HEAD("\x50")) },
		{ "ICMP", FRAME(MACS IPV4_HEAD("\x45", "\0\0", "\x01") TCP_HEAD("\x50")) },
		{ "first fragment",
		  FRAME(MACS IPV4_HEAD("\x45", "\x20\0", "\x06") TCP_HEAD("\x50")) },
		{ "later fragment",
		  FRAME(MACS IPV4_HEAD("\x45", "\0\x01", "\x06") TCP_HEAD("\x50")) },
		{ "IPv4 header of 16 bytes",
		  FRAME(MACS IPV4_HEAD("\x44", "\0\0", "\x06") TCP_HEAD("\x50")) },
		{ "IPv5", FRAME(MACS IPV4_HEAD("\x55", "\0\0", "\x06") TCP_HEAD("\x50")) },
		{ "TCP header of 16 bytes",
		  FRAME(MACS IPV4_HEAD("\x45", "\0\0", "\x06") TCP_HEAD("\x40")) },
		{ "TCP header behind the end",
		  FRAME(MACS IPV4_HEAD("\x45", "\0\0", "\x06") TCP_HEAD("\xf0")) },
		{ "IPv6 fragment",
		  FRAME(MACS IPV6_HEAD("\x2c") EXTENSION("\x06") TCP_HEAD("\x50")) },
		{ "authentication header",
		  FRAME(MACS IPV6_HEAD("\x33") EXTENSION("\x06") TCP_HEAD("\x50")) },
		{ "extension behind the end",
		  FRAME(MACS IPV6_HEAD("\x00") "\x06\xff\0\0\0\0\0\0") },
		{ "IPv4 said to be IPv6",
		  FRAME(MACS
			"\x86\xdd\x45\0\0\x28\0\x01\0\0\x40\x06\0\0" ADDRESSES6 TCP_HEAD("\x50")) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct layers at;

		if (parse_frame(cases[i].frame, cases[i].len, &at))
			fail_msg("headers found in: %s", cases[i].what);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_found),
		cmocka_unit_test(other_frames_are_left_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
