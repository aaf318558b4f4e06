/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the printers: to the byte what ip printed (show_golden.h), once what
 * is ours is taken out; and then that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/show.h"
#include "cli/show_golden.h"
#include "cli/split.h"

static struct proto_link m0(void)
{
	return (struct proto_link){
		.index = 4,
		.name = "m0",
		.kind = LINK_KIND_MACVTAP,
		.lower = "v0",
		.address = { { 2, 0, 0, 0, 0, 0x10 } },
		.mtu = 1500,
		.min_mtu = 68,
		.max_mtu = 65535,
		.txqlen = 500,
		.up = true,
		.carrier = true,
		.lower_up = true,
		.alias = "web server",
		.mode = FWD_MODE_BRIDGE,
		.bcqueuelen = 1000,
		.used_bcqueuelen = 1000,
		.bclim = 1,
		.rx = { .bytes = 1251724, .packets = 1241, .multicast = 7 },
		.tx = { .bytes = 139653710, .packets = 98765 },
		.port = "stream",
		.peer = "4711",
		.stream_path = "/run/limpet/m0/stream.sock",
		.dgram_path = "/run/limpet/m0/dgram.sock",
		.vhost_path = "/run/limpet/m0/vhost.sock",
		.poll = 50,
	};
}

static struct proto_link m1(void)
{
	static struct mac sources[] = { { { 2, 0, 0, 0, 0, 0xa2 } }, { { 2, 0, 0, 0, 0, 0xa1 } } };
	struct proto_link link = m0();

	link.index = 5;
	(void)text_copy(link.name, sizeof(link.name), "m1");
	link.address.byte[5] = 0x11;
	link.mtu = 1400;
	link.txqlen = 77;
	link.up = false;
	link.alias[0] = '\0';
	link.mode = FWD_MODE_SOURCE;
	link.flags = FWD_FLAG_NODST;
	link.sources = sources;
	link.n_sources = ARRAY_SIZE(sources);
	return link;
}

/* What 'links' look like with 'options', "-d -s"; the caller frees it. */
static char *printed(const char *options, bool monitor, const struct proto_link *links, size_t n)
{
	struct options parsed;
	char line[64];
	char *words[sizeof(line)];
	struct args args = { .word = words };
	struct show show;
	size_t size;
	char *text;
	FILE *out;

	assert_true(text_copy(line, sizeof(line), options));
	assert_int_equal(split_words(line, words, &args.count, NULL), 0);
	assert_int_equal(options_parse(&args, &parsed, NULL), 0);

	out = open_memstream(&text, &size);
	assert_non_null(out);
	show = show_to(out, &parsed);
	show.monitor = monitor;
	show_links(&show, links, n);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Where the JSON object that begins at 'at' ends. */
static char *object_end(char *at)
{
	int depth = 0;

	do {
		depth += *at == '{';
		depth -= *at == '}';
		at++;
	} while (depth > 0);
	return at;
}

/* Takes out the lines and the JSON objects of ours. */
static void strip_ours(char *text)
{
	char *at;

	while ((at = strstr(text, "    limpet ")) != NULL) {
		char *end = at + strcspn(at, "\n\\");

		/* With -o the separator that goes stands before it. */
		if (at[-1] == '\\')
			at--;
		else
			end++;
		memmove(at, end, strlen(end) + 1);
	}
	while ((at = strstr(text, "\"limpet\":")) != NULL) {
		char *end = object_end(strchr(at, '{'));

		while (*--at != ',')
			;
		memmove(at, end, strlen(end) + 1);
	}
}

static void links_look_as_ip_prints_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		struct proto_link links[] = { m0(), m1() };
		bool both = strcmp(golden[i].which, "both") == 0;
		size_t first = strcmp(golden[i].which, "m1") == 0;
		char *text;

		if (strcmp(golden[i].which, "m0, v0 down") == 0)
			links[0].carrier = links[0].lower_up = false;
		text = printed(golden[i].options, false, &links[first], both ? 2 : 1);
		strip_ours(text);
		assert_string_equal(text, golden[i].text);
		free(text);
	}
}

/* As recorded from `ip monitor link`, which leaves out what no event carries. */
static void events_look_as_ip_prints_them(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	text = printed("", true, &link, 1);
	assert_string_equal(
		text, "4: m0@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state "
		      "UP group default \n"
		      "    link/ether 02:00:00:00:00:10 brd ff:ff:ff:ff:ff:ff\n"
		      "    alias web server\n");
	free(text);

	text = printed("-d -s", true, &link, 1);
	strip_ours(text);
	assert_string_equal(
		text, "4: m0@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state "
		      "UP group default \n"
		      "    link/ether 02:00:00:00:00:10 brd ff:ff:ff:ff:ff:ff promiscuity 0  "
		      "allmulti 0 minmtu 68 maxmtu 65535 \n"
		      "    macvtap mode bridge bcqueuelen 1000 usedbcqueuelen 1000 numtxqueues 1 "
		      "numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 tso_max_size 524280 "
		      "tso_max_segs 65535 gro_max_size 65536 \n"
		      "    alias web server\n");
	free(text);
}

static void the_state_follows_administrator_lower_and_carrier(void **state)
{
	/* clang-format off */
	static const struct {
		enum link_kind kind;
		bool up, carrier, lower_up;
		const char *row; /* R1.20 */
	} cases[] = {
		{ LINK_KIND_MACVTAP, false, false, true,  "DOWN           02:00:00:00:00:10 <BROADCAST,MULTICAST> \n" },
		{ LINK_KIND_MACVTAP, false, false, false, "DOWN           02:00:00:00:00:10 <BROADCAST,MULTICAST,M-DOWN> \n" },
		{ LINK_KIND_MACVTAP, true,  true,  true,  "UP             02:00:00:00:00:10 <BROADCAST,MULTICAST,UP,LOWER_UP> \n" },
		{ LINK_KIND_MACVTAP, true,  false, true,  "LOWERLAYERDOWN 02:00:00:00:00:10 <NO-CARRIER,BROADCAST,MULTICAST,UP> \n" },
		{ LINK_KIND_MACVTAP, true,  false, false, "LOWERLAYERDOWN 02:00:00:00:00:10 <NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN> \n" },
		{ LINK_KIND_DUMMY,   true,  true,  true,  "UNKNOWN        02:00:00:00:00:10 <BROADCAST,NOARP,UP,LOWER_UP> \n" },
		{ LINK_KIND_DUMMY,   false, true,  true,  "DOWN           02:00:00:00:00:10 <BROADCAST,NOARP> \n" },
		{ LINK_KIND_NETDEV,  true,  false, true,  "DOWN           02:00:00:00:00:10 <NO-CARRIER,BROADCAST,MULTICAST,UP> \n" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct proto_link link = m0();
		char *text;

		link.kind = cases[i].kind;
		link.up = cases[i].up;
		link.carrier = cases[i].carrier;
		link.lower_up = cases[i].lower_up;
		text = printed("-br", false, &link, 1);
		assert_string_equal(strchr(text, ' ') + strspn(strchr(text, ' '), " "),
				    cases[i].row);
		free(text);
	}
}

static void details_say_where_guests_attach_and_what_was_lost(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	link.drops_in[DROP_RUNT] = 3;
	link.drops_in[DROP_OVERSIZE] = 1;
	link.drops_out[DROP_PEER_FULL] = 70;
	text = printed("-d -s", false, &link, 1);
	assert_non_null(strstr(text, "\n    limpet port stream peer 4711 sockets "
				     "/run/limpet/m0/stream.sock /run/limpet/m0/dgram.sock "
				     "/run/limpet/m0/vhost.sock poll 50 \n"));
	assert_non_null(
		strstr(text, "\n    limpet drops in oversize 1 runt 3 out peer-full 70 \n"));
	free(text);

	(void)text_copy(link.port, sizeof(link.port), "none");
	link.peer[0] = '\0';
	(void)text_copy(link.reason, sizeof(link.reason), "sent a length of 4294967295");
	text = printed("-d", false, &link, 1);
	assert_non_null(strstr(text, "\n    limpet port none detached "
				     "\"sent a length of 4294967295\" sockets /run/limpet/m0/"));
	assert_null(strstr(text, "drops"));
	free(text);

	(void)text_copy(link.port, sizeof(link.port), "vhost");
	(void)text_copy(link.features, sizeof(link.features), "packed, 2 queue pairs");
	(void)text_copy(link.vhost, sizeof(link.vhost), "/run/ovs/m0");
	text = printed("-d", false, &link, 1);
	assert_non_null(
		strstr(text, "\n    limpet port vhost features \"packed, 2 queue pairs\" "));
	assert_non_null(strstr(text, " vhost client /run/ovs/m0 poll 50 \n"));
	free(text);
}

static void json_has_one_object_of_ours(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	link.drops_in[DROP_RUNT] = 3;
	text = printed("-j", false, &link, 1);
	assert_non_null(
		strstr(text, ",\"limpet\":{\"sockets\":{\"stream\":\"/run/limpet/m0/stream.sock\","
			     "\"dgram\":\"/run/limpet/m0/dgram.sock\","
			     "\"vhost\":\"/run/limpet/m0/vhost.sock\"},"
			     "\"port\":{\"kind\":\"stream\",\"peer\":\"4711\",\"features\":null,"
			     "\"reason\":null},\"vhost\":null,\"poll\":50,"
			     "\"drops\":{\"in\":{\"runt\":3},\"out\":{}}}}]\n"));
	free(text);
}

static void lowers_say_what_they_are(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	link.kind = LINK_KIND_DUMMY;
	link.hairpin = true;
	link.lower[0] = link.alias[0] = link.stream_path[0] = link.peer[0] = '\0';
	text = printed("-d", false, &link, 1);
	assert_int_equal(
		strncmp(text, "4: m0: <BROADCAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue", 59),
		0);
	assert_non_null(strstr(text, "\n    dummy hairpin on addrgenmode eui64 numtxqueues 1 "));
	assert_null(strstr(text, "sockets"));
	free(text);

	link.kind = LINK_KIND_NETDEV;
	text = printed("-d", false, &link, 1);
	assert_null(strstr(text, "qdisc"));
	assert_non_null(strstr(text, "\n    netdev \n"));
	free(text);
}

static void flags_and_limits_show_when_they_are_not_the_default(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	link.mode = FWD_MODE_PASSTHRU;
	link.flags = FWD_FLAG_NOPROMISC;
	link.bclim = -3;
	text = printed("-d", false, &link, 1);
	assert_non_null(strstr(text, "    macvtap mode passthru nopromisc bcqueuelen 1000 "
				     "usedbcqueuelen 1000 bclim -3 addrgenmode"));
	free(text);
	text = printed("-d -j", false, &link, 1);
	assert_non_null(strstr(text,
			       "{\"mode\":\"passthru\",\"nopromisc\":true,\"bcqueuelen\":1000,"
			       "\"usedbcqueuelen\":1000,\"bclim\":-3}"));
	free(text);
}

/* Columns are as wide as the widest of both directions. */
static void wide_counters_widen_their_column(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	link.rx.bytes = 123456789012345;
	link.tx.packets = 1234567890;
	text = printed("-s -s", false, &link, 1);
	assert_non_null(strstr(
		text, "    RX:       bytes    packets errors dropped  missed   mcast           \n"
		      "    123456789012345       1241      0       0       0       7 \n"
		      "    RX errors:          length    crc   frame    fifo overrun\n"
		      "                             0      0       0       0       0 \n"
		      "    TX:       bytes    packets errors dropped carrier collsns           \n"
		      "          139653710 1234567890      0       0       0       0 \n"));
	free(text);
}

static void nothing_a_peer_wrote_drives_the_terminal(void **state)
{
	struct proto_link link = m0();
	char *text;

	(void)state;
	(void)text_copy(link.alias, sizeof(link.alias), "\033[2J\"x\"\xc2\x9b\xc3\xa4");
	(void)text_copy(link.reason, sizeof(link.reason), "a\nb");
	(void)text_copy(link.name, sizeof(link.name), "a\x9b");
	text = printed("-d", false, &link, 1);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "4: a\\x9b@v0: "));
	assert_non_null(strstr(text, "alias \\x1b[2J\"x\"\\xc2\\x9b\\xc3\\xa4\n"));
	assert_non_null(strstr(text, "detached \"a\\x0ab\""));
	free(text);

	text = printed("-br", false, &link, 1);
	assert_int_equal(strncmp(text, "a\\x9b@v0         UP ", 20), 0);
	free(text);

	text = printed("-j", false, &link, 1);
	assert_non_null(strstr(text, "\"ifalias\":\"\\u001b[2J\\\"x\\\"\\u009b\xc3\xa4\""));
	free(text);
}

static void no_link_is_no_line_and_an_empty_array(void **state)
{
	char *text;

	(void)state;
	text = printed("", false, NULL, 0);
	assert_string_equal(text, "");
	free(text);
	text = printed("-j", false, NULL, 0);
	assert_string_equal(text, "[]\n");
	free(text);
	text = printed("-j -p", false, NULL, 0);
	assert_string_equal(text, "[ ]\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_look_as_ip_prints_them),
		cmocka_unit_test(events_look_as_ip_prints_them),
		cmocka_unit_test(the_state_follows_administrator_lower_and_carrier),
		cmocka_unit_test(details_say_where_guests_attach_and_what_was_lost),
		cmocka_unit_test(json_has_one_object_of_ours),
		cmocka_unit_test(lowers_say_what_they_are),
		cmocka_unit_test(flags_and_limits_show_when_they_are_not_the_default),
		cmocka_unit_test(wide_counters_widen_their_column),
		cmocka_unit_test(nothing_a_peer_wrote_drives_the_terminal),
		cmocka_unit_test(no_link_is_no_line_and_an_empty_array),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli show", tests, NULL, NULL);
}
