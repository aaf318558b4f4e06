/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies, written and read
 * =========================
 *
 * What it is. The daemon's answers as Varlink replies, and what the command
 * line understands of them. A refusal of ours keeps its errno and sentence; the
 * errors of org.varlink.service become an errno and a sentence, because a human
 * is going to read them.
 *
 * Where it sits. ctl writes, cli reads; both through the table in link.c.
 *
 * What can go wrong. The two sides may be of different versions: fields the
 * reader does not know are skipped, and those it lacks but for a link's name and
 * kind are as if they were zero.
 */
#include "proto/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "descriptions.h"
#include "proto/json.h"
#include "proto/link_json.h"

#define LIMPET	"io.limpet"
#define SERVICE "org.varlink.service"

#define EVENT_NAME(id, name) [PROTO_EVENT_##id] = (name),
static const char *const event_names[] = { PROTO_EVENTS(EVENT_NAME) };
static_assert(ARRAY_SIZE(event_names) == PROTO_EVENT_COUNT, "one name for each event");

const char *proto_event_name(enum proto_event event)
{
	assert(event < PROTO_EVENT_COUNT);

	return event_names[event];
}

/* The daemon's side */

/* Takes 'parameters'; NULL if memory was out for them. */
static int print_reply(json_t *parameters, enum proto_more more,
		       struct varlink_message *ret_message, struct err *err)
{
	SCOPED(scoped_json) json_t *json = json_pack("{s:o}", "parameters", parameters);

	if (json && more == PROTO_CONTINUES &&
	    json_object_set_new(json, "continues", json_true()) < 0)
		return err_set(err, ENOMEM, "out of memory");

	return json_print(json, ret_message, err);
}

int proto_reply_done(struct varlink_message *ret_message, struct err *err)
{
	return print_reply(json_object(), PROTO_LAST, ret_message, err);
}

int proto_reply_added(const char *name, struct varlink_message *ret_message, struct err *err)
{
	return print_reply(json_pack("{s:o}", "name", json_any_text(name)), PROTO_LAST, ret_message,
			   err);
}

int proto_reply_link(const struct proto_link *link, enum proto_more more,
		     struct varlink_message *ret_message, struct err *err)
{
	json_t *parameters =
		link ? json_pack("{s:o}", "link", json_write(&link_object, link)) : json_object();

	return print_reply(parameters, more, ret_message, err);
}

int proto_reply_event(enum proto_event event, const struct proto_link *link,
		      struct varlink_message *ret_message, struct err *err)
{
	const char *name = proto_event_name(event);
	json_t *parameters;

	if (link)
		parameters = json_pack("{s:s,s:o}", "event", name, "link",
				       json_write(&link_object, link));
	else
		parameters = json_pack("{s:s}", "event", name);

	return print_reply(parameters, PROTO_CONTINUES, ret_message, err);
}

int proto_reply_refused(int errnum, const char *sentence, struct varlink_message *ret_message,
			struct err *err)
{
	SCOPED(scoped_json)
	json_t *json = json_pack("{s:s,s:{s:s,s:o}}", "error", LIMPET ".Refused", "parameters",
				 "errno", err_name(errnum), "message", json_any_text(sentence));

	return json_print(json, ret_message, err);
}

static json_t *describe(const char *interface)
{
	const char *description = NULL;

	if (strcmp(interface, LIMPET) == 0)
		description = description_limpet;
	else if (strcmp(interface, SERVICE) == 0)
		description = description_service;

	if (!description)
		return json_pack("{s:s,s:{s:s}}", "error", SERVICE ".InterfaceNotFound",
				 "parameters", "interface", interface);
	return json_pack("{s:{s:s}}", "parameters", "description", description);
}

int proto_reply_introspect(const struct proto_request *request, const char *version,
			   struct varlink_message *ret_message, struct err *err)
{
	SCOPED(scoped_json) json_t *json = NULL;

	if (request->method == PROTO_METHOD_GET_INTERFACE_DESCRIPTION)
		json = describe(request->interface);
	else
		json = json_pack("{s:{s:s,s:s,s:s,s:s,s:[s,s]}}", "parameters", "vendor", "Limpet",
				 "product", "limpetd", "version", version, "url", "", "interfaces",
				 SERVICE, LIMPET);

	return json_print(json, ret_message, err);
}

/* The client's side */

void proto_reply_fini(struct proto_reply *reply)
{
	proto_link_fini(&reply->link);
	*reply = (struct proto_reply){ 0 };
}

/* clang-format off */
static const struct {
	const char *error;
	int errnum;
	const char *parameter;	/* NULL: it has none */
	const char *sentence;	/* before the parameter */
} service_errors[] = {
	{ SERVICE ".InterfaceNotFound", EOPNOTSUPP, "interface", "the daemon does not know the interface" },
	{ SERVICE ".MethodNotFound", EOPNOTSUPP, "method", "the daemon does not know the method" },
	{ SERVICE ".MethodNotImplemented", EOPNOTSUPP, "method", "the daemon does not have the method" },
	{ SERVICE ".InvalidParameter", EINVAL, "parameter", "the daemon does not take the parameter" },
	{ SERVICE ".PermissionDenied", EPERM, NULL, "the daemon does not permit it" },
	{ SERVICE ".ExpectedMore", EINVAL, NULL, "the daemon has more than one reply to this" },
};
/* clang-format on */

static void read_service_error(const char *error, const json_t *parameters,
			       struct proto_reply *reply)
{
	char escaped[128];

	for (size_t i = 0; i < ARRAY_SIZE(service_errors); i++) {
		const char *parameter = service_errors[i].parameter;
		const char *value = NULL;

		if (strcmp(error, service_errors[i].error) != 0)
			continue;

		reply->errnum = service_errors[i].errnum;
		if (parameter)
			value = json_string_value(json_object_get(parameters, parameter));
		if (value)
			(void)err_set(&reply->refusal, EINVAL, "%s '%s'",
				      service_errors[i].sentence,
				      text_escape(escaped, sizeof(escaped), value));
		else
			(void)err_set(&reply->refusal, EINVAL, "%s", service_errors[i].sentence);
		return;
	}

	reply->errnum = EPROTO;
	(void)err_set(&reply->refusal, EPROTO, "the daemon answered with the error '%s'",
		      text_escape(escaped, sizeof(escaped), error));
}

static void read_error(const char *error, const json_t *parameters, struct proto_reply *reply)
{
	const char *name = json_string_value(json_object_get(parameters, "errno"));
	const char *message = json_string_value(json_object_get(parameters, "message"));

	if (strcmp(error, LIMPET ".Refused") != 0) {
		read_service_error(error, parameters, reply);
		return;
	}

	reply->errnum = name ? err_number(name) : EIO;
	(void)err_set(&reply->refusal, EIO, "%s", message ? message : "the daemon refused");
}

static int parse_event(const char *name, enum proto_event *ret_event)
{
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++) {
		if (strcmp(event_names[i], name) == 0) {
			*ret_event = (enum proto_event)i;
			return 0;
		}
	}

	return -EBADMSG;
}

static int read_link(const json_t *parameters, struct proto_reply *reply, struct err *err)
{
	struct json_place place = { .unknown = JSON_UNKNOWN_SKIPPED };
	const json_t *link = json_object_get(parameters, "link");
	int r;

	if (!link || json_is_null(link))
		return 0;

	if (!json_is_object(link))
		return err_set(err, EBADMSG, "'link' has to be an object");

	r = json_read(&link_object, link, &reply->link, &place, err);
	if (r < 0)
		return r;

	/* Whoever shows an endpoint asks for the name of its mode. */
	if (link_is_endpoint(&reply->link) && !reply->link.mode)
		return err_set(err, EBADMSG, "'link.macvtap' is missing");

	reply->has_link = true;
	return 0;
}

static int read_reply(const json_t *parameters, enum proto_method method, struct proto_reply *reply,
		      struct err *err)
{
	const char *event = json_string_value(json_object_get(parameters, "event"));
	const char *name = json_string_value(json_object_get(parameters, "name"));

	switch (method) {
	case PROTO_METHOD_ADD:
		if (!name || !text_copy(reply->name, sizeof(reply->name), name))
			return err_set(err, EBADMSG, "the reply has no usable 'name'");
		return 0;
	case PROTO_METHOD_LIST:
		return read_link(parameters, reply, err);
	case PROTO_METHOD_MONITOR:
		if (!event || parse_event(event, &reply->event) < 0)
			return err_set(err, EBADMSG, "the reply has no usable 'event'");
		return read_link(parameters, reply, err);
	case PROTO_METHOD_SET:
	case PROTO_METHOD_DELETE:
	case PROTO_METHOD_GET_INFO:
	case PROTO_METHOD_GET_INTERFACE_DESCRIPTION:
		return 0;
	}

	abort(); /* not an enum proto_method */
}

int proto_reply_decode(const char *text, size_t len, enum proto_method method,
		       struct proto_reply *ret_reply, struct err *err)
{
	SCOPED(proto_reply_fini) struct proto_reply reply = { 0 };
	SCOPED(scoped_json) json_t *json = NULL;
	const json_t *parameters, *error;
	struct err why = { "" };
	int r;

	r = json_parse(text, len, &json, &why);
	if (r == 0) {
		parameters = json_object_get(json, "parameters");
		error = json_object_get(json, "error");
		if (json_is_true(json_object_get(json, "continues")))
			reply.more = PROTO_CONTINUES;
		if (json_is_string(error))
			read_error(json_string_value(error), parameters, &reply);
		else
			r = read_reply(parameters, method, &reply, &why);
	}
	if (r < 0)
		return err_set(err, r == -ENOMEM ? ENOMEM : EBADMSG,
			       "the daemon's answer makes no sense: %s", why.msg);

	*ret_reply = reply;
	reply = (struct proto_reply){ 0 };
	return 0;
}
