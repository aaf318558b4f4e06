/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: what a client sends, from bytes to the world.
 *
 * The input: one byte that says in pieces of which size the rest arrives. The
 * rest is cut into messages; each is read as a request, which is carried out on
 * a small world, and as every reply.
 *
 * A request that was read has to come out of its own encoding the same, as has
 * a link. What was not read has to be answered by something a client can read.
 * The world has to keep its promises whatever was asked of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "fuzz.h"
#include "model/world.h"
#include "proto/reply.h"
#include "proto/request.h"

#define LONGEST 8192

#define EXPECT(what)                                                              \
	do {                                                                      \
		if (!(what)) {                                                    \
			(void)fprintf(stderr, "fuzz_proto: not so: %s\n", #what); \
			abort();                                                  \
		}                                                                 \
	} while (0)

/* Carrying out */

static struct mac next_address(void)
{
	static uint8_t bytes[6];

	bytes[5]++;
	return mac_from_random(bytes);
}

static int find_or_make_lower(struct world *world, const struct link_change *change,
			      struct model_lower **ret_lower)
{
	struct netdev_facts facts = { .ifindex = 1, .mtu = 2000, .up = true, .carrier = true };
	int r;

	r = world_check_add(world, change, ret_lower, NULL);
	if (r < 0 || *ret_lower || change->kind == LINK_KIND_DUMMY)
		return r;

	memcpy(facts.name, change->lower, sizeof(facts.name));
	facts.mac = next_address();
	r = world_new_netdev(world, &facts, ret_lower, NULL);
	if (r == 0)
		world_commit_lower(world, *ret_lower);
	return r;
}

static void forget_idle(struct world *world, struct model_lower *lower)
{
	if (model_lower_is_idle(lower)) {
		world_remove_lower(world, lower);
		model_lower_free(lower);
	}
}

static void carry_out_add(struct world *world, const struct link_change *change)
{
	struct model_endpoint *ep;
	struct model_lower *lower;

	if (find_or_make_lower(world, change, &lower) < 0)
		return;

	if (change->kind == LINK_KIND_DUMMY) {
		if (world_new_dummy(world, change, next_address(), &lower, NULL) == 0)
			world_commit_lower(world, lower);
		return;
	}

	if (world_new_endpoint(world, lower, change, next_address(), &ep, NULL) == 0)
		world_commit_endpoint(world, ep);
	forget_idle(world, lower);
}

static void carry_out_delete(struct world *world, const char *name)
{
	struct model_endpoint *ep, *next;
	struct model_lower *lower;
	struct world_link link;

	if (world_check_delete(world, name, &link, NULL) < 0)
		return;

	lower = link.lower ? link.lower : link.ep->lower;
	list_for_each_safe(ep, next, &lower->endpoints, sibling) {
		if (link.lower || ep == link.ep) {
			world_remove_endpoint(world, ep);
			model_endpoint_free(ep);
		}
	}
	if (link.lower) {
		world_remove_lower(world, lower);
		model_lower_free(lower);
	} else {
		forget_idle(world, lower);
	}
}

static void carry_out(struct world *world, const struct proto_request *request)
{
	struct world_set set;

	switch (request->method) {
	case PROTO_METHOD_ADD:
		carry_out_add(world, &request->change);
		break;
	case PROTO_METHOD_SET:
		if (world_prepare_set(world, &request->change, &set, NULL) == 0)
			world_commit_set(world, &set);
		break;
	case PROTO_METHOD_DELETE:
		carry_out_delete(world, request->name);
		break;
	case PROTO_METHOD_LIST:
	case PROTO_METHOD_MONITOR:
	case PROTO_METHOD_GET_INFO:
	case PROTO_METHOD_GET_INTERFACE_DESCRIPTION:
		break;
	}
}

static void check_endpoint(const struct world *world, const struct model_endpoint *ep)
{
	const struct model_lower *lower = ep->lower;

	EXPECT(world_find_endpoint(world, ep->name) == ep);
	EXPECT(!world_find_lower(world, ep->name));
	EXPECT(mac_is_valid(ep->mac));
	EXPECT(ep->mtu >= MODEL_MTU_MIN && ep->mtu <= lower->mtu);
	if (ep->mode == FWD_MODE_PASSTHRU)
		EXPECT(lower->n_endpoints == 1 && mac_equal(ep->mac, lower->mac));
}

static void check_sources(const struct model_endpoint *ep)
{
	EXPECT(ep->n_sources == 0 || ep->mode == FWD_MODE_SOURCE);
	for (size_t i = 1; i < ep->n_sources; i++)
		EXPECT(memcmp(&ep->sources[i - 1], &ep->sources[i], sizeof(struct mac)) < 0);
}

static void check_world(const struct world *world)
{
	struct world_cursor cursor = world_cursor_after(world, 0);
	size_t n_lowers = 0, n_endpoints = 0, n_sources = 0;
	struct world_link link;

	while (world_cursor_next(&cursor, &link)) {
		n_lowers += link.lower != NULL;
		n_endpoints += link.ep != NULL;
		if (link.ep) {
			check_endpoint(world, link.ep);
			check_sources(link.ep);
			n_sources += link.ep->n_sources;
		}
	}
	EXPECT(n_lowers == world->n_lowers);
	EXPECT(n_endpoints == world->n_endpoints);
	EXPECT(n_sources == world->n_sources);
}

/* Reading */

static void check_request(const struct proto_request *request)
{
	struct varlink_message first = { 0 }, second = { 0 }, refusal = { 0 };
	struct proto_request again = { 0 };

	EXPECT(proto_request_encode(request, &first, NULL) == 0);
	EXPECT(proto_request_decode(first.text, first.len - 1, &again, &refusal, NULL) == 0);
	EXPECT(proto_request_encode(&again, &second, NULL) == 0);
	EXPECT(strcmp(first.text, second.text) == 0);
	varlink_message_fini(&first);
	varlink_message_fini(&second);

	if (request->method >= PROTO_METHOD_GET_INFO) {
		EXPECT(proto_reply_introspect(request, "1", &first, NULL) == 0);
		varlink_message_fini(&first);
	}
	proto_request_fini(&again);
}

static void check_refusal(struct varlink_message *refusal)
{
	struct proto_reply reply = { 0 };

	if (refusal->text) {
		EXPECT(proto_reply_decode(refusal->text, refusal->len - 1, PROTO_METHOD_SET, &reply,
					  NULL) == 0);
		EXPECT(reply.errnum > 0 && reply.refusal.msg[0]);
	}
	varlink_message_fini(refusal);
}

static void check_link(const struct proto_link *link)
{
	struct varlink_message first = { 0 }, second = { 0 };
	struct proto_reply again = { 0 };

	EXPECT(proto_reply_link(link, PROTO_LAST, &first, NULL) == 0);
	EXPECT(proto_reply_decode(first.text, first.len - 1, PROTO_METHOD_LIST, &again, NULL) == 0);
	EXPECT(proto_reply_link(&again.link, PROTO_LAST, &second, NULL) == 0);
	EXPECT(strcmp(first.text, second.text) == 0);
	varlink_message_fini(&first);
	varlink_message_fini(&second);
	proto_reply_fini(&again);
}

static void read_as_reply(const char *text, size_t len)
{
	for (int method = 0; method < PROTO_METHOD_COUNT; method++) {
		struct proto_reply reply = { 0 };

		if (proto_reply_decode(text, len, (enum proto_method)method, &reply, NULL) == 0 &&
		    reply.has_link)
			check_link(&reply.link);
		proto_reply_fini(&reply);
	}
}

static void take_message(struct world *world, const char *text, size_t len)
{
	struct varlink_message refusal = { 0 };
	struct proto_request request = { 0 };

	if (proto_request_decode(text, len, &request, &refusal, NULL) == 0) {
		check_request(&request);
		carry_out(world, &request);
		check_world(world);
	}
	check_refusal(&refusal);
	proto_request_fini(&request);
	read_as_reply(text, len);
}

/* Takes out what is complete. False when the connection is of no use any more. */
static bool take_messages(struct world *world, struct varlink_input *input)
{
	const char *text;
	size_t len;
	int r;

	while ((r = varlink_input_next(input, &text, &len, NULL)) == 1) {
		EXPECT(text[len] == '\0' && len <= LONGEST);
		take_message(world, text, len);
	}
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? data[0] + 1 : 1;
	struct varlink_input input;
	struct world world;

	world_init(&world);
	varlink_input_init(&input, LONGEST);
	for (size_t at = 1; at < size; at += step) {
		EXPECT(varlink_input_push(&input, data + at, MIN(step, size - at), NULL) == 0);
		if (!take_messages(&world, &input))
			break;
	}
	varlink_input_fini(&input);
	world_fini(&world);
	return 0;
}
