/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of proto: requests both ways, and what becomes of everything that is
 * none.
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
#include "proto/request.h"
#include "proto/test_values.h"

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
	ASSERT_SAME(a, b, vhost);
	ASSERT_SAME(a, b, poll);
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
	test_fill_change(&request.change);
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

		test_fill_change(&request.change);
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

static void bytes_that_are_no_call_get_a_sentence(void **state)
{
	/* clang-format off */
	static const struct refusal_case cases[] = {
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
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refusal(&cases[i], strlen(cases[i].text));
}

static void calls_that_break_the_interface_get_varlink_s_errors(void **state)
{
	/* clang-format off */
	static const struct refusal_case cases[] = {
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
		/* nobody waits for an answer */
		{ "{\"method\":\"io.limpet.Nothing\",\"oneway\":true}", -EINVAL, NULL },
		{ "{\"extra\":1,\"method\":\"io.limpet.List\",\"oneway\":true}", -EINVAL, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refusal(&cases[i], strlen(cases[i].text));
}

static void values_that_mean_nothing_get_an_errno_and_a_sentence(void **state)
{
	/* clang-format off */
	static const struct refusal_case cases[] = {
		{ CHANGE("\"mode\":\"brigde\""), -EINVAL, "'change.mode' is 'brigde', which is not" },
		{ CHANGE("\"kind\":\"veth\""),   -EINVAL, REFUSED("EINVAL") },
		{ CHANGE("\"flags\":[\"nodst\",\"x\"]"), -EINVAL, "'x', which is not one of nopromisc" },
		{ CHANGE("\"address\":\"02:00:00:00:00\""), -EINVAL, "not a MAC address" },
		{ CHANGE("\"address\":\"02:00:00:00:00:00:01\""), -EINVAL, "not a MAC address" },
		{ CHANGE("\"macaddr\":{\"command\":\"drop\"}"), -EINVAL, "one of add, del, flush, set" },
		{ CHANGE("\"macaddr\":{\"command\":\"set\",\"addresses\":[\"2\"]}"), -EINVAL, "MAC" },
		{ CHANGE("\"name\":\"sixteen-letters!\""), -EINVAL, "longer than 15 bytes" },
		{ CALL("Delete", "\"name\":\"sixteen-letters!\""), -EINVAL, "longer than 15 bytes" },
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
	for (size_t i = 0; i < VARLINK_REQUEST_MAX; i++)
		text[i] = "{\"a\":"[i % 5];
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
	test_fill_change(&request.change);
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_change_arrives),
		cmocka_unit_test(only_the_fields_given_arrive),
		cmocka_unit_test(every_method_arrives),
		cmocka_unit_test(a_flush_names_no_addresses),
		cmocka_unit_test(null_is_as_good_as_absent),
		cmocka_unit_test(bytes_that_are_no_call_get_a_sentence),
		cmocka_unit_test(calls_that_break_the_interface_get_varlink_s_errors),
		cmocka_unit_test(values_that_mean_nothing_get_an_errno_and_a_sentence),
		cmocka_unit_test(depth_is_bounded_before_anybody_recurses),
		cmocka_unit_test(a_request_holds_so_many_addresses),
		cmocka_unit_test(a_wrong_byte_anywhere_does_no_harm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
