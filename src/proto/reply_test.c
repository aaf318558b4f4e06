/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of proto: replies both ways, introspection, and that the description of
 * the interface says what the code does.
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
#include "proto/test_values.h"

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
	ASSERT_SAME(a, b, replicas);
	ASSERT_SAME(a, b, host);
	ASSERT_SAME(a, b, port);
	ASSERT_SAME(a, b, peer);
	ASSERT_SAME(a, b, reason);
	ASSERT_SAME(a, b, stream_path);
	ASSERT_SAME(a, b, dgram_path);
	ASSERT_SAME(a, b, vhost_path);
	ASSERT_SAME(a, b, features);
	ASSERT_SAME(a, b, vhost);
	ASSERT_SAME(a, b, poll);
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
	test_fill_link(&link);
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
		link.replicas = 11;
		link.host = 12;
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

static json_t *introspect(const char *call)
{
	struct varlink_message message = { 0 };
	struct varlink_message refusal = { 0 };
	struct proto_request request = { 0 };
	json_t *json;

	assert_int_equal(proto_request_decode(call, strlen(call), &request, &refusal, NULL), 0);
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
	test_fill_change(&request.change);
	assert_int_equal(proto_request_encode(&request, &message, NULL), 0);
	wanted = take_parameter(&message, "change");
	check_type(text, "Change", wanted);
	check_type(text, "SourceList", json_object_get(wanted, "macaddr"));

	test_fill_link(&link);
	assert_int_equal(proto_reply_link(&link, PROTO_LAST, &message, NULL), 0);
	shown = take_parameter(&message, "link");
	assert_int_equal(proto_reply_link(&dummy, PROTO_LAST, &message, NULL), 0);
	lower = take_parameter(&message, "link");
	json_object_set(shown, "dummy", json_object_get(lower, "dummy"));
	json_object_set(shown, "hub", json_object_get(lower, "hub"));
	check_type(text, "Link", shown);
	check_type(text, "Macvtap", json_object_get(shown, "macvtap"));
	check_type(text, "Dummy", json_object_get(shown, "dummy"));
	check_type(text, "Traffic", json_object_get(shown, "rx"));
	check_type(text, "Hub", json_object_get(shown, "hub"));
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
	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
