/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of proto: messages out of bytes, requests and replies both ways, and
 * what becomes of everything that is neither.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/macros.h"
#include "proto/reply.h"
#include "proto/request.h"
#include "proto/varlink.h"

/* The same in struct a and b, whatever the type of the member. */
#define ASSERT_SAME(a, b, member) \
	assert_memory_equal(&(a)->member, &(b)->member, sizeof((a)->member))

static struct mac mac_of(uint8_t last)
{
	return (struct mac){ { 2, 0, 0, 0, 0, last } };
}

/* Splitting */

/* Pushes 'bytes' in chunks of 'step'; what came out, a '|' after each message. */
static void split(const char *bytes, size_t len, size_t step, char *out)
{
	struct varlink_input input;

	varlink_input_init(&input, 16);
	*out = '\0';
	for (size_t at = 0; at < len; at += step) {
		const char *text;
		size_t text_len;

		assert_int_equal(varlink_input_push(&input, bytes + at, MIN(step, len - at), NULL),
				 0);
		while (varlink_input_next(&input, &text, &text_len, NULL) == 1) {
			assert_int_equal(strlen(text), text_len);
			strcat(strcat(out, text), "|");
		}
	}
	varlink_input_fini(&input);
}

static void messages_do_not_depend_on_how_bytes_arrive(void **state)
{
	static const char bytes[] = "one\0two\0\0sixteen-letters!\0f\0unfinished";
	char out[64];

	(void)state;
	for (size_t step = 1; step <= sizeof(bytes); step++) {
		split(bytes, sizeof(bytes) - 1, step, out);
		assert_string_equal(out, "one|two||sixteen-letters!|f|");
	}
}

/* Long enough that the unread bytes have to move in the buffer, many times. */
static void a_long_stream_comes_out_whole(void **state)
{
	enum { LONGEST = 3000, MESSAGES = 400 };
	static char stream[MESSAGES * (LONGEST + 1)];
	struct varlink_input input;
	size_t len = 0, at = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t message_len = i * 7919 % (LONGEST + 1);

		memset(stream + len, 'a' + (int)(i % 26), message_len);
		stream[len + message_len] = '\0';
		len += message_len + 1;
	}

	varlink_input_init(&input, LONGEST);
	for (size_t sent = 0, step = 1; sent < len; sent += step, step = step * 31 % 5003) {
		const char *text;
		size_t text_len;

		step = MIN(step, len - sent);
		assert_int_equal(varlink_input_push(&input, stream + sent, step, NULL), 0);
		while (varlink_input_next(&input, &text, &text_len, NULL) == 1) {
			assert_string_equal(text, stream + at);
			at += text_len + 1;
			n++;
		}
	}
	assert_int_equal(n, MESSAGES);
	assert_int_equal(at, len);
	varlink_input_fini(&input);
}

static void a_message_has_a_longest_length(void **state)
{
	struct varlink_input input;
	const char *text;
	size_t len;

	(void)state;
	varlink_input_init(&input, 16);
	assert_int_equal(varlink_input_push(&input, "seventeen-letters", 18, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), -EMSGSIZE);
	varlink_input_fini(&input);

	/* Without its end in sight it is too long just the same. */
	assert_int_equal(varlink_input_push(&input, "seventeen-letters", 17, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), -EMSGSIZE);
	assert_int_equal(varlink_input_push(&input, "!", 1, NULL), -EMSGSIZE);
	varlink_input_fini(&input);
}

static void memory_is_bounded_and_given_back(void **state)
{
	static char chunk[1000];
	struct varlink_input input;
	const char *text;
	size_t len;
	int r = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	varlink_input_init(&input, VARLINK_REQUEST_MAX);
	for (size_t sent = 0; sent < 100 * 1024 * 1024 && r == 0; sent += sizeof(chunk)) {
		r = varlink_input_push(&input, chunk, sizeof(chunk), NULL);
		assert_true(input.size <= 2 * VARLINK_REQUEST_MAX);
	}
	assert_int_equal(r, -EMSGSIZE);
	varlink_input_fini(&input);

	assert_int_equal(varlink_input_push(&input, "{}", 3, NULL), 0);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), 1);
	assert_int_equal(varlink_input_next(&input, &text, &len, NULL), 0);
	assert_null(input.buf);
}

/* Requests */

static void fill_change(struct link_change *change)
{
	*change = (struct link_change){
		.has = (LINK_HAS_HAIRPIN << 1) - 1,
		.kind = LINK_KIND_MACVTAP,
		.lower = "lan0",
		.address = mac_of(9),
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
	};
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(link_change_add_source(change, mac_of(i), NULL), 0);
}

static void assert_same_change(const struct link_change *a, const struct link_change *b)
{
	ASSERT_SAME(a, b, has);
	ASSERT_SAME(a, b, kind);
	ASSERT_SAME(a, b, lower);
	ASSERT_SAME(a, b, address);
	ASSERT_SAME(a, b, mtu);
	ASSERT_SAME(a, b, up);
	ASSERT_SAME(a, b, new_name);
	ASSERT_SAME(a, b, alias);
	ASSERT_SAME(a, b, txqlen);
	ASSERT_SAME(a, b, mode);
	ASSERT_SAME(a, b, flags);
	ASSERT_SAME(a, b, source_command);
	ASSERT_SAME(a, b, bcqueuelen);
	ASSERT_SAME(a, b, bclim);
	ASSERT_SAME(a, b, hairpin);
	ASSERT_SAME(a, b, n_sources);
	if (a->n_sources > 0)
		assert_memory_equal(a->sources, b->sources, a->n_sources * sizeof(*a->sources));
}

static void decode_ok(const char *text, struct proto_request *ret_request)
{
	struct varlink_message refusal = { 0 };
	struct err err = { "" };

	if (proto_request_decode(text, strlen(text), ret_request, &refusal, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_null(refusal.text);
}

static void send_request(const struct proto_request *request, struct proto_request *ret_request)
{
	struct varlink_message message = { 0 };

	assert_int_equal(proto_request_encode(request, &message, NULL), 0);
	assert_int_equal(message.len, strlen(message.text) + 1);
	decode_ok(message.text, ret_request);
	varlink_message_fini(&message);
}

static void every_field_of_a_change_arrives(void **state)
{
	struct proto_request request = { .method = PROTO_METHOD_SET, .name = "web0" };
	struct proto_request got = { 0 };

	(void)state;
	fill_change(&request.change);
	send_request(&request, &got);
	assert_int_equal(got.method, PROTO_METHOD_SET);
	assert_string_equal(got.name, "web0");
	assert_string_equal(got.change.name, "web0");
	assert_same_change(&request.change, &got.change);
	proto_request_fini(&got);
	proto_request_fini(&request);
}

static void only_the_fields_given_arrive(void **state)
{
	(void)state;
	for (unsigned bit = LINK_HAS_KIND; bit <= LINK_HAS_HAIRPIN; bit <<= 1) {
		struct proto_request request = { .method = PROTO_METHOD_ADD };
		struct proto_request got = { 0 };

		fill_change(&request.change);
		request.change.has = bit;
		send_request(&request, &got);
		assert_int_equal(got.change.has, bit);
		assert_int_equal(got.change.n_sources, bit == LINK_HAS_SOURCES ? 5 : 0);
		assert_int_equal(got.change.mtu, bit == LINK_HAS_MTU ? 9000 : 0);
		proto_request_fini(&got);
		proto_request_fini(&request);
	}
}

static void every_method_arrives(void **state)
{
	/* clang-format off */
	static const struct proto_request cases[] = {
		{ .method = PROTO_METHOD_ADD },
		{ .method = PROTO_METHOD_ADD, .name = "a", .oneway = true },
		{ .method = PROTO_METHOD_SET, .name = "a" },
		{ .method = PROTO_METHOD_DELETE, .name = "a" },
		{ .method = PROTO_METHOD_LIST, .more = true },
		{ .method = PROTO_METHOD_LIST, .name = "a" },
		{ .method = PROTO_METHOD_LIST, .more = true, .has_kind = true, .kind = LINK_KIND_NETDEV },
		{ .method = PROTO_METHOD_MONITOR, .more = true },
		{ .method = PROTO_METHOD_GET_INFO },
		{ .method = PROTO_METHOD_GET_INTERFACE_DESCRIPTION, .interface = "io.limpet" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct proto_request got = { 0 };

		send_request(&cases[i], &got);
		ASSERT_SAME(&got, &cases[i], method);
		ASSERT_SAME(&got, &cases[i], name);
		ASSERT_SAME(&got, &cases[i], more);
		ASSERT_SAME(&got, &cases[i], oneway);
		ASSERT_SAME(&got, &cases[i], has_kind);
		ASSERT_SAME(&got, &cases[i], kind);
		ASSERT_SAME(&got, &cases[i], interface);
		assert_int_equal(got.change.has, 0);
		proto_request_fini(&got);
	}
}

static void a_flush_names_no_addresses(void **state)
{
	struct proto_request request = {
		.method = PROTO_METHOD_SET,
		.name = "a",
		.change = { .has = LINK_HAS_SOURCES, .source_command = SOURCE_FLUSH },
	};
	struct varlink_message message = { 0 };

	(void)state;
	assert_int_equal(proto_request_encode(&request, &message, NULL), 0);
	assert_non_null(strstr(message.text, "\"macaddr\":{\"command\":\"flush\"}"));
	varlink_message_fini(&message);
}

static void null_is_as_good_as_absent(void **state)
{
	struct proto_request got = { 0 };

	(void)state;
	decode_ok("{\"method\":\"io.limpet.Add\",\"parameters\":{\"name\":null,\"change\":"
		  "{\"mtu\":null,\"macaddr\":null,\"up\":false}}}",
		  &got);
	assert_int_equal(got.change.has, LINK_HAS_UP);
	proto_request_fini(&got);
	decode_ok("{\"method\":\"io.limpet.Monitor\",\"parameters\":null,\"more\":true}", &got);
}

/* Refusals */

struct refusal_case {
	const char *text;
	int r;
	const char *reply; /* a piece of it; NULL: there is none */
};

static void check_refusal(const struct refusal_case *c, size_t len)
{
	struct varlink_message refusal = { 0 };
	struct proto_request request = { 0 };
	struct err err = { "" };
	json_t *json;
	int r;

	r = proto_request_decode(c->text, len, &request, &refusal, &err);
	if (r != c->r)
		fail_msg("%.200s: %d, not %d: %s", c->text, r, c->r, err.msg);
	assert_true(err.msg[0] != '\0');

	if (c->reply) {
		assert_non_null(refusal.text);
		if (!strstr(refusal.text, c->reply))
			fail_msg("%.200s: %s", c->text, refusal.text);
		json = json_loads(refusal.text, 0, NULL);
		assert_non_null(json);
		assert_true(json_is_string(json_object_get(json, "error")));
		assert_true(json_is_object(json_object_get(json, "parameters")));
		json_decref(json);
	} else {
		assert_null(refusal.text);
	}
	varlink_message_fini(&refusal);
}

#define CALL(method, parameters) \
	"{\"method\":\"io.limpet." method "\",\"parameters\":{" parameters "}}"
#define CHANGE(change)	   CALL("Add", "\"change\":{" change "}")
#define INVALID(parameter) "InvalidParameter\",\"parameters\":{\"parameter\":\"" parameter "\"}"
#define REFUSED(errnum)	   "io.limpet.Refused\",\"parameters\":{\"errno\":\"" errnum "\""

static void what_is_no_request_is_refused_in_its_own_way(void **state)
{
	/* clang-format off */
	static const struct refusal_case cases[] = {
		/* no call at all */
		{ "",                            -EBADMSG, REFUSED("EBADMSG") },
		{ "garbage",                     -EBADMSG, "not JSON" },
		{ "[]",                          -EBADMSG, "not a JSON object" },
		{ "{}",                          -EBADMSG, "no 'method'" },
		{ "{} {}",                       -EBADMSG, "not JSON" },
		{ "{\"method\":1}",              -EBADMSG, "no 'method'" },
		{ "{\"method\":\"a\",\"method\":\"a\"}", -EBADMSG, "duplicate" },
		{ "{\"method\":\"\xff\"}",       -EBADMSG, "not JSON" },
		{ "{\"method\":\"a\\u0000b\"}",  -EBADMSG, "not JSON" },
		{ "{\"method\":99999999999999999999999}", -EBADMSG, "not JSON" },
		{ CHANGE("\"mtu\":1e999"),       -EBADMSG, "not JSON" },
		/* the envelope */
		{ "{\"method\":\"io.limpet.List\",\"more\":1}", -EINVAL, INVALID("more") },
		{ "{\"method\":\"io.limpet.List\",\"parameters\":[]}", -EINVAL, INVALID("parameters") },
		{ "{\"method\":\"io.limpet.List\",\"upgrade\":true}", -EINVAL, INVALID("upgrade") },
		{ "{\"method\":\"io.limpet.List\",\"extra\":true}", -EINVAL, INVALID("extra") },
		{ "{\"method\":\"io.limpet.Monitor\",\"more\":true,\"oneway\":true}", -EINVAL, NULL },
		/* the method */
		{ "{\"method\":\"\"}",           -EINVAL, "InterfaceNotFound" },
		{ "{\"method\":\".\"}",          -EINVAL, "InterfaceNotFound" },
		{ "{\"method\":\"Add\"}",        -EINVAL, "InterfaceNotFound" },
		{ "{\"method\":\"io.limpets.Add\"}", -EINVAL, "{\"interface\":\"io.limpets\"}" },
		{ "{\"method\":\"io.limpet.add\"}",  -EINVAL, "{\"method\":\"io.limpet.add\"}" },
		{ "{\"method\":\"io.limpet.\"}",     -EINVAL, "MethodNotFound" },
		{ "{\"method\":\"io.limpet.List\"}", -EINVAL, "ExpectedMore" },
		{ CALL("List", "\"kind\":\"dummy\""), -EINVAL, "ExpectedMore" },
		{ CALL("Monitor", ""),           -EINVAL, "ExpectedMore" },
		/* parameters of the wrong shape */
		{ CALL("Set", "\"change\":{}"),  -EINVAL, INVALID("name") },
		{ CALL("Set", "\"name\":\"a\""), -EINVAL, INVALID("change") },
		{ CALL("Set", "\"name\":\"a\",\"change\":[]"), -EINVAL, INVALID("change") },
		{ CALL("Delete", "\"name\":1"),  -EINVAL, INVALID("name") },
		{ CALL("Delete", "\"name\":\"a\",\"force\":true"), -EINVAL, INVALID("force") },
		{ CALL("Monitor", "\"a\":1"),    -EINVAL, INVALID("a") },
		{ CHANGE("\"colour\":1"),        -EINVAL, INVALID("change.colour") },
		{ CHANGE("\"mtu\":\"1500\""),    -EINVAL, INVALID("change.mtu") },
		{ CHANGE("\"mtu\":1500.0"),      -EINVAL, INVALID("change.mtu") },
		{ CHANGE("\"mtu\":-1"),          -EINVAL, INVALID("change.mtu") },
		{ CHANGE("\"mtu\":4294967296"),  -EINVAL, INVALID("change.mtu") },
		{ CHANGE("\"bclim\":2147483648"), -EINVAL, INVALID("change.bclim") },
		{ CHANGE("\"bclim\":-2147483649"), -EINVAL, INVALID("change.bclim") },
		{ CHANGE("\"up\":1"),            -EINVAL, INVALID("change.up") },
		{ CHANGE("\"mode\":4"),          -EINVAL, INVALID("change.mode") },
		{ CHANGE("\"flags\":\"nodst\""), -EINVAL, INVALID("change.flags") },
		{ CHANGE("\"flags\":[1]"),       -EINVAL, INVALID("change.flags") },
		{ CHANGE("\"address\":[]"),      -EINVAL, INVALID("change.address") },
		{ CHANGE("\"macaddr\":{}"),      -EINVAL, INVALID("change.macaddr.command") },
		{ CHANGE("\"macaddr\":{\"command\":\"set\",\"addresses\":[1]}"), -EINVAL,
			INVALID("change.macaddr.addresses") },
		{ CHANGE("\"macaddr\":{\"command\":\"set\",\"x\":1}"), -EINVAL,
			INVALID("change.macaddr.x") },
		/* the right shape, but nothing that could be meant */
		{ CHANGE("\"mode\":\"brigde\""), -EINVAL, "'change.mode' is 'brigde', which is not" },
		{ CHANGE("\"kind\":\"veth\""),   -EINVAL, REFUSED("EINVAL") },
		{ CHANGE("\"flags\":[\"nodst\",\"x\"]"), -EINVAL, "'x', which is not one of nopromisc" },
		{ CHANGE("\"address\":\"02:00:00:00:00\""), -EINVAL, "not a MAC address" },
		{ CHANGE("\"address\":\"02:00:00:00:00:00:01\""), -EINVAL, "not a MAC address" },
		{ CHANGE("\"macaddr\":{\"command\":\"drop\"}"), -EINVAL, "one of add, del, flush, set" },
		{ CHANGE("\"macaddr\":{\"command\":\"set\",\"addresses\":[\"2\"]}"), -EINVAL, "MAC" },
		{ CHANGE("\"name\":\"sixteen-letters!\""), -EINVAL, "longer than 15 bytes" },
		{ CALL("Delete", "\"name\":\"sixteen-letters!\""), -EINVAL, "longer than 15 bytes" },
		/* nobody waits for an answer */
		{ "{\"method\":\"io.limpet.Nothing\",\"oneway\":true}", -EINVAL, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refusal(&cases[i], strlen(cases[i].text));
}

static void depth_is_bounded_before_anybody_recurses(void **state)
{
	static char text[VARLINK_REQUEST_MAX + 1];
	struct refusal_case c = { text, -EBADMSG, "nests deeper than 16 levels" };

	(void)state;
	memset(text, '[', VARLINK_REQUEST_MAX);
	check_refusal(&c, VARLINK_REQUEST_MAX);
	for (size_t i = 0; i + 5 < VARLINK_REQUEST_MAX; i += 5)
		memcpy(text + i, "{\"a\":", 5);
	check_refusal(&c, VARLINK_REQUEST_MAX);

	/* Brackets in a string are not depth. */
	(void)snprintf(text, sizeof(text), CALL("Delete", "\"name\":\"\\\"[[[[[[[[[[[[[[[[[[[[\""));
	c.reply = "longer than 15 bytes";
	c.r = -EINVAL;
	check_refusal(&c, strlen(text));
}

static void a_request_holds_so_many_addresses(void **state)
{
	static char text[VARLINK_REQUEST_MAX];
	struct refusal_case c = { text, -E2BIG, REFUSED("E2BIG") };
	size_t at;

	(void)state;
	at = (size_t)snprintf(text, sizeof(text), "%s",
			      "{\"method\":\"io.limpet.Add\","
			      "\"parameters\":{\"change\":{\"macaddr\":{\"command\":\"set\","
			      "\"addresses\":[\"2:0:0:0:0:1\"");
	for (int i = 0; i < LINK_SOURCES_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",\"2:0:0:0:0:1\"");
	(void)snprintf(text + at, sizeof(text) - at, "]}}}}");
	check_refusal(&c, strlen(text));
}

/* Every message one byte away from a good one is read or refused, and no more. */
static void a_wrong_byte_anywhere_does_no_harm(void **state)
{
	static const char swaps[] = { '"', '}', '{', '[', ',', '\\', '0', '-', '\x80', ' ' };
	struct proto_request request = { .method = PROTO_METHOD_SET, .name = "web0" };
	struct varlink_message good = { 0 };

	(void)state;
	fill_change(&request.change);
	assert_int_equal(proto_request_encode(&request, &good, NULL), 0);
	for (size_t i = 0; i < good.len - 1; i++) {
		char was = good.text[i];

		for (size_t j = 0; j < sizeof(swaps); j++) {
			struct varlink_message refusal = { 0 };
			struct proto_request got = { 0 };
			int r;

			good.text[i] = swaps[j];
			r = proto_request_decode(good.text, good.len - 1, &got, &refusal, NULL);
			assert_int_equal(r < 0, refusal.text != NULL);
			varlink_message_fini(&refusal);
			proto_request_fini(&got);
		}
		good.text[i] = was;
	}
	varlink_message_fini(&good);
	proto_request_fini(&request);
}

/* Replies */

static void fill_link(struct proto_link *link)
{
	*link = (struct proto_link){
		.index = 7,
		.name = "web0",
		.kind = LINK_KIND_MACVTAP,
		.lower = "lan0",
		.address = mac_of(9),
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
		.port = "stream",
		.peer = "@x",
		.reason = "it sent a frame of 99999999 bytes",
		.stream_path = "/run/limpet/web0/stream.sock",
		.dgram_path = "/run/limpet/web0/dgram.sock",
	};
	link->sources = calloc(link->n_sources, sizeof(*link->sources));
	assert_non_null(link->sources);
	for (uint8_t i = 0; i < link->n_sources; i++)
		link->sources[i] = mac_of(i);
	for (size_t i = 0; i < DROP_COUNT; i++) {
		link->drops_in[i] = i;
		link->drops_out[i] = 100 * i;
	}
}

static void assert_same_link(const struct proto_link *a, const struct proto_link *b)
{
	ASSERT_SAME(a, b, index);
	ASSERT_SAME(a, b, name);
	ASSERT_SAME(a, b, kind);
	ASSERT_SAME(a, b, lower);
	ASSERT_SAME(a, b, address);
	ASSERT_SAME(a, b, mtu);
	ASSERT_SAME(a, b, min_mtu);
	ASSERT_SAME(a, b, max_mtu);
	ASSERT_SAME(a, b, txqlen);
	ASSERT_SAME(a, b, up);
	ASSERT_SAME(a, b, carrier);
	ASSERT_SAME(a, b, lower_up);
	ASSERT_SAME(a, b, promiscuity);
	ASSERT_SAME(a, b, allmulti);
	ASSERT_SAME(a, b, alias);
	ASSERT_SAME(a, b, mode);
	ASSERT_SAME(a, b, flags);
	ASSERT_SAME(a, b, n_sources);
	ASSERT_SAME(a, b, bcqueuelen);
	ASSERT_SAME(a, b, used_bcqueuelen);
	ASSERT_SAME(a, b, bclim);
	ASSERT_SAME(a, b, hairpin);
	ASSERT_SAME(a, b, rx);
	ASSERT_SAME(a, b, tx);
	ASSERT_SAME(a, b, drops_in);
	ASSERT_SAME(a, b, drops_out);
	ASSERT_SAME(a, b, port);
	ASSERT_SAME(a, b, peer);
	ASSERT_SAME(a, b, reason);
	ASSERT_SAME(a, b, stream_path);
	ASSERT_SAME(a, b, dgram_path);
	if (a->n_sources > 0)
		assert_memory_equal(a->sources, b->sources, a->n_sources * sizeof(*a->sources));
}

/* Takes 'message'. */
static void receive(struct varlink_message *message, enum proto_method method,
		    struct proto_reply *ret_reply)
{
	struct err err = { "" };

	assert_int_equal(message->len, strlen(message->text) + 1);
	if (proto_reply_decode(message->text, message->len - 1, method, ret_reply, &err) < 0)
		fail_msg("%s: %s", message->text, err.msg);
	varlink_message_fini(message);
}

static void every_field_of_a_link_arrives(void **state)
{
	struct varlink_message message = { 0 };
	struct proto_reply reply = { 0 };
	struct proto_link link;

	(void)state;
	fill_link(&link);
	assert_int_equal(proto_reply_link(&link, PROTO_CONTINUES, &message, NULL), 0);
	receive(&message, PROTO_METHOD_LIST, &reply);
	assert_int_equal(reply.more, PROTO_CONTINUES);
	assert_true(reply.has_link);
	assert_same_link(&link, &reply.link);
	proto_reply_fini(&reply);
	proto_link_fini(&link);
}

static void a_lower_arrives_without_what_it_has_not(void **state)
{
	static const enum link_kind kinds[] = { LINK_KIND_DUMMY, LINK_KIND_NETDEV };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct proto_link link = { .index = 1, .name = "lan0", .kind = kinds[i] };
		struct varlink_message message = { 0 };
		struct proto_reply reply = { 0 };

		link.hairpin = kinds[i] == LINK_KIND_DUMMY;
		assert_int_equal(proto_reply_link(&link, PROTO_LAST, &message, NULL), 0);
		assert_null(strstr(message.text, "macvtap"));
		assert_null(strstr(message.text, "sockets"));
		assert_null(strstr(message.text, "alias"));
		receive(&message, PROTO_METHOD_LIST, &reply);
		assert_int_equal(reply.more, PROTO_LAST);
		assert_same_link(&link, &reply.link);
		proto_reply_fini(&reply);
	}
}

static void short_replies_arrive(void **state)
{
	struct varlink_message message = { 0 };
	struct proto_reply reply = { 0 };

	(void)state;
	assert_int_equal(proto_reply_done(&message, NULL), 0);
	receive(&message, PROTO_METHOD_SET, &reply);
	assert_int_equal(reply.errnum, 0);

	assert_int_equal(proto_reply_added("macvtap0", &message, NULL), 0);
	receive(&message, PROTO_METHOD_ADD, &reply);
	assert_string_equal(reply.name, "macvtap0");
	proto_reply_fini(&reply);

	assert_int_equal(proto_reply_link(NULL, PROTO_LAST, &message, NULL), 0);
	receive(&message, PROTO_METHOD_LIST, &reply);
	assert_false(reply.has_link);

	for (int i = 0; i < PROTO_EVENT_COUNT; i++) {
		struct proto_link link = { .index = 3, .kind = LINK_KIND_DUMMY };

		assert_int_equal(
			proto_reply_event((enum proto_event)i, i ? &link : NULL, &message, NULL),
			0);
		receive(&message, PROTO_METHOD_MONITOR, &reply);
		assert_int_equal(reply.event, i);
		assert_int_equal(reply.more, PROTO_CONTINUES);
		assert_int_equal(reply.has_link, i != 0);
		proto_reply_fini(&reply);
	}
}

static void refusals_arrive_with_errno_and_sentence(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text;
		int errnum;
		const char *sentence;
	} cases[] = {
		{ "{\"error\":\"io.limpet.Refused\",\"parameters\":{\"errno\":\"EBUSY\",\"message\":\"no\"}}",
		  EBUSY, "no" },
		{ "{\"error\":\"io.limpet.Refused\"}", EIO, "the daemon refused" },
		{ "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"a.B\"}}",
		  EOPNOTSUPP, "does not know the method 'a.B'" },
		{ "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{}}",
		  EINVAL, "does not take the parameter" },
		{ "{\"error\":\"org.varlink.service.PermissionDenied\"}", EPERM, "does not permit" },
		{ "{\"error\":\"com.example.\\u001b[2J\"}", EPROTO, "'com.example.\\x1b[2J'" },
	};
	/* clang-format on */
	struct varlink_message message = { 0 };
	struct proto_reply reply = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(proto_reply_decode(cases[i].text, strlen(cases[i].text),
						    PROTO_METHOD_LIST, &reply, NULL),
				 0);
		assert_int_equal(reply.errnum, cases[i].errnum);
		if (!strstr(reply.refusal.msg, cases[i].sentence))
			fail_msg("%s", reply.refusal.msg);
	}

	assert_int_equal(proto_reply_refused(EADDRINUSE, "taken by 'm1' \xff", &message, NULL), 0);
	receive(&message, PROTO_METHOD_ADD, &reply);
	assert_int_equal(reply.errnum, EADDRINUSE);
	assert_string_equal(reply.refusal.msg, "taken by 'm1' \\xff");
}

static void an_answer_without_sense_is_said_to_be_one(void **state)
{
	/* clang-format off */
	static const struct {
		enum proto_method method;
		const char *text;
	} cases[] = {
		{ PROTO_METHOD_ADD,     "" },
		{ PROTO_METHOD_ADD,     "{\"parameters\":{}}" },
		{ PROTO_METHOD_ADD,     "{\"parameters\":{\"name\":\"sixteen-letters!\"}}" },
		{ PROTO_METHOD_MONITOR, "{\"parameters\":{\"event\":\"upset\"}}" },
		{ PROTO_METHOD_LIST,    "{\"parameters\":{\"link\":1}}" },
		{ PROTO_METHOD_LIST,    "{\"parameters\":{\"link\":{}}}" },
		{ PROTO_METHOD_LIST,    "{\"parameters\":{\"link\":{\"index\":1,\"name\":\"a\","
					"\"kind\":\"macvtap\",\"address\":\"2:0:0:0:0:1\"}}}" },
		{ PROTO_METHOD_LIST,    "{\"parameters\":{\"link\":{\"index\":1,\"name\":\"a\","
					"\"kind\":\"macvtap\",\"address\":\"2:0:0:0:0:1\","
					"\"macvtap\":{\"mode\":\"source\",\"sources\":[\"2:0:0:0:0:1\",7]}}}}" },
	};
	/* clang-format on */
	struct proto_reply reply = { 0 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(proto_reply_decode(cases[i].text, strlen(cases[i].text),
						    cases[i].method, &reply, &err),
				 -EBADMSG);
		assert_non_null(strstr(err.msg, "makes no sense"));
	}
}

static void a_newer_daemon_is_understood(void **state)
{
	static const char text[] =
		"{\"parameters\":{\"future\":1,\"link\":{\"index\":1,\"name\":\"a\",\"kind\":\"dummy\","
		"\"address\":\"2:0:0:0:0:1\",\"speed\":10,\"dropsIn\":{\"meteor\":4,\"runt\":2}}}}";
	struct proto_reply reply = { 0 };

	(void)state;
	assert_int_equal(proto_reply_decode(text, strlen(text), PROTO_METHOD_LIST, &reply, NULL),
			 0);
	assert_string_equal(reply.link.name, "a");
	assert_int_equal(reply.link.drops_in[DROP_RUNT], 2);
	proto_reply_fini(&reply);
}

/* The interface as it is described */

static json_t *introspect(const char *call)
{
	struct varlink_message message = { 0 };
	struct proto_request request = { 0 };
	json_t *json;

	decode_ok(call, &request);
	assert_int_equal(proto_reply_introspect(&request, "1.2.3", &message, NULL), 0);
	json = json_loads(message.text, 0, NULL);
	assert_non_null(json);
	varlink_message_fini(&message);
	return json;
}

static json_t *describe(const char *interface)
{
	char call[256];

	(void)snprintf(call, sizeof(call),
		       "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		       "\"parameters\":{\"interface\":\"%s\"}}",
		       interface);
	return introspect(call);
}

static const char *description_in(const json_t *reply)
{
	return json_string_value(
		json_object_get(json_object_get(reply, "parameters"), "description"));
}

static void the_service_introduces_itself(void **state)
{
	json_t *info = introspect("{\"method\":\"org.varlink.service.GetInfo\"}");
	const json_t *parameters = json_object_get(info, "parameters");
	const json_t *interfaces = json_object_get(parameters, "interfaces");
	json_t *reply;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(parameters, "version")), "1.2.3");
	assert_int_equal(json_array_size(interfaces), 2);
	for (size_t i = 0; i < 2; i++) {
		const char *name = json_string_value(json_array_get(interfaces, i));
		char line[64];

		reply = describe(name);
		(void)snprintf(line, sizeof(line), "\ninterface %s\n", name);
		assert_non_null(strstr(description_in(reply), line));
		json_decref(reply);
	}
	json_decref(info);

	reply = describe("io.nothing");
	assert_string_equal(json_string_value(json_object_get(reply, "error")),
			    "org.varlink.service.InterfaceNotFound");
	json_decref(reply);
}

/* Checks that 'type NAME (...)' in the description lists the keys of 'object',
 * and no others.
 */
static void check_type(const char *description, const char *type, const json_t *object)
{
	char start[64], body[1024], *save = NULL;
	const char *at;
	size_t n = 0;

	(void)snprintf(start, sizeof(start), "\ntype %s (", type);
	at = strstr(description, start);
	assert_non_null(at);
	at += strlen(start);
	(void)snprintf(body, sizeof(body), "%.*s", (int)(strchr(at, ')') - at), at);
	for (char *field = strtok_r(body, ",\n", &save); field;
	     field = strtok_r(NULL, ",\n", &save)) {
		field += strspn(field, " ");
		field[strcspn(field, ":")] = '\0';
		if (!json_object_get(object, field))
			fail_msg("%s: the description has '%s', the code has not", type, field);
		n++;
	}
	assert_int_equal(n, json_object_size(object));
}

/* The member 'name' of the message's parameters. Takes the message. */
static json_t *take_parameter(struct varlink_message *message, const char *name)
{
	json_t *json = json_loads(message->text, 0, NULL);
	json_t *member = json_object_get(json_object_get(json, "parameters"), name);

	assert_non_null(member);
	json_incref(member);
	varlink_message_fini(message);
	json_decref(json);
	return member;
}

static void code_and_description_name_the_same_fields(void **state)
{
	struct proto_request request = { .method = PROTO_METHOD_SET, .name = "a" };
	struct proto_link link, dummy = { .kind = LINK_KIND_DUMMY };
	json_t *reply = describe("io.limpet"), *shown, *wanted, *lower;
	const char *text = description_in(reply);
	struct varlink_message message = { 0 };

	(void)state;
	fill_change(&request.change);
	assert_int_equal(proto_request_encode(&request, &message, NULL), 0);
	wanted = take_parameter(&message, "change");
	check_type(text, "Change", wanted);
	check_type(text, "SourceList", json_object_get(wanted, "macaddr"));

	fill_link(&link);
	assert_int_equal(proto_reply_link(&link, PROTO_LAST, &message, NULL), 0);
	shown = take_parameter(&message, "link");
	assert_int_equal(proto_reply_link(&dummy, PROTO_LAST, &message, NULL), 0);
	lower = take_parameter(&message, "link");
	json_object_set(shown, "dummy", json_object_get(lower, "dummy"));
	check_type(text, "Link", shown);
	check_type(text, "Macvtap", json_object_get(shown, "macvtap"));
	check_type(text, "Dummy", json_object_get(shown, "dummy"));
	check_type(text, "Traffic", json_object_get(shown, "rx"));
	check_type(text, "Port", json_object_get(shown, "port"));
	check_type(text, "Sockets", json_object_get(shown, "sockets"));

	proto_request_fini(&request);
	proto_link_fini(&link);
	json_decref(wanted);
	json_decref(shown);
	json_decref(lower);
	json_decref(reply);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_do_not_depend_on_how_bytes_arrive),
		cmocka_unit_test(a_long_stream_comes_out_whole),
		cmocka_unit_test(a_message_has_a_longest_length),
		cmocka_unit_test(memory_is_bounded_and_given_back),
		cmocka_unit_test(every_field_of_a_change_arrives),
		cmocka_unit_test(only_the_fields_given_arrive),
		cmocka_unit_test(every_method_arrives),
		cmocka_unit_test(a_flush_names_no_addresses),
		cmocka_unit_test(null_is_as_good_as_absent),
		cmocka_unit_test(what_is_no_request_is_refused_in_its_own_way),
		cmocka_unit_test(depth_is_bounded_before_anybody_recurses),
		cmocka_unit_test(a_request_holds_so_many_addresses),
		cmocka_unit_test(a_wrong_byte_anywhere_does_no_harm),
		cmocka_unit_test(every_field_of_a_link_arrives),
		cmocka_unit_test(a_lower_arrives_without_what_it_has_not),
		cmocka_unit_test(short_replies_arrive),
		cmocka_unit_test(refusals_arrive_with_errno_and_sentence),
		cmocka_unit_test(an_answer_without_sense_is_said_to_be_one),
		cmocka_unit_test(a_newer_daemon_is_understood),
		cmocka_unit_test(the_service_introduces_itself),
		cmocka_unit_test(code_and_description_name_the_same_fields),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
