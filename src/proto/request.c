/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls, read and written
 * =======================
 *
 * What it is. A table of the methods; for each, a table of its parameters, which
 * serves the daemon that reads and the command line that writes. The interface
 * description (io.limpet.varlink) says the same for the world; a test compares.
 *
 * Where it sits. ctl takes messages from its connections and gets requests;
 * what it cannot get, it gets as the reply that says why.
 *
 * What can go wrong. Everything here was sent by somebody. There are three
 * answers: bytes that are no call get a sentence, and their connection should
 * be closed; a call that breaks the interface gets the error Varlink has for
 * that; a call with a value that means nothing ("mode": "brigde") is refused as
 * the kernel would, with errno and sentence.
 */
#include "proto/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/json.h"
#include "proto/reply.h"

/* Change */

static int append_source(void *to, struct mac mac, struct err *err)
{
	return link_change_add_source(to, mac, err);
}

/* The list has two members, so it is read and written at its struct's start. */
static json_t *write_sources(const struct json_field *field, const void *at)
{
	const struct link_change *change = at;

	(void)field;
	return json_write_macs(change->sources, change->n_sources);
}

static int read_sources(const struct json_field *field, const json_t *json, void *at,
			struct json_place *place, struct err *err)
{
	(void)field;
	return json_read_macs(json, place, append_source, at, err);
}

static const struct json_codec change_sources = { write_sources, read_sources };

enum { TAG_COMMAND = 1, TAG_ADDRESSES };

static bool source_list_has(const void *base, const struct json_field *field)
{
	const struct link_change *change = base;

	return field->tag != TAG_ADDRESSES || change->n_sources > 0;
}

/* clang-format off */
static const struct json_field source_list_fields[] = {
	{ "command",   &json_command,   JSON_AT(struct link_change, source_command),
	  .tag = TAG_COMMAND, .need = JSON_REQUIRED },
	{ "addresses", &change_sources, .tag = TAG_ADDRESSES },
};
static const struct json_object source_list_object =
	JSON_OBJECT(source_list_fields, source_list_has, NULL);

#define CHANGE(name, codec, bit, member) \
	{ (name), &(codec), JSON_AT(struct link_change, member), .tag = (bit) }

static const struct json_field change_fields[] = {
	CHANGE("kind",       json_kind,  LINK_HAS_KIND,       kind),
	CHANGE("lower",      json_text,  LINK_HAS_LOWER,      lower),
	CHANGE("address",    json_mac,   LINK_HAS_ADDRESS,    address),
	CHANGE("mtu",        json_u32,   LINK_HAS_MTU,        mtu),
	CHANGE("up",         json_bool,  LINK_HAS_UP,         up),
	CHANGE("name",       json_text,  LINK_HAS_NEW_NAME,   new_name),
	CHANGE("alias",      json_text,  LINK_HAS_ALIAS,      alias),
	CHANGE("txqlen",     json_u32,   LINK_HAS_TXQLEN,     txqlen),
	CHANGE("mode",       json_mode,  LINK_HAS_MODE,       mode),
	CHANGE("flags",      json_flags, LINK_HAS_FLAGS,      flags),
	CHANGE("bcqueuelen", json_u32,   LINK_HAS_BCQUEUELEN, bcqueuelen),
	CHANGE("bclim",      json_i32,   LINK_HAS_BCLIM,      bclim),
	CHANGE("hairpin",    json_bool,  LINK_HAS_HAIRPIN,    hairpin),
	CHANGE("vhost",      json_text,  LINK_HAS_VHOST,      vhost),
	CHANGE("poll",       json_u32,   LINK_HAS_POLL,       poll),
	{ "macaddr", &json_nested, .tag = LINK_HAS_SOURCES, .object = &source_list_object },
};
/* clang-format on */
#undef CHANGE

static bool change_has(const void *base, const struct json_field *field)
{
	const struct link_change *change = base;

	return change->has & field->tag;
}

static void change_got(void *base, const struct json_field *field)
{
	struct link_change *change = base;

	change->has |= field->tag;
}

static const struct json_object change_object = JSON_OBJECT(change_fields, change_has, change_got);

/* Parameters */

enum { TAG_ALWAYS, TAG_NAME, TAG_KIND };

static bool request_has(const void *base, const struct json_field *field)
{
	const struct proto_request *request = base;

	if (field->tag == TAG_NAME && field->need == JSON_OPTIONAL)
		return request->name[0] != '\0';
	if (field->tag == TAG_KIND)
		return request->has_kind;
	return true;
}

static void request_got(void *base, const struct json_field *field)
{
	struct proto_request *request = base;

	if (field->tag == TAG_KIND)
		request->has_kind = true;
}

/* clang-format off */
#define NAME_ROW(needed) \
	{ "name", &json_text, JSON_AT(struct proto_request, name), \
	  .tag = TAG_NAME, .need = (needed) }
#define CHANGE_ROW \
	{ "change", &json_nested, JSON_AT(struct proto_request, change), \
	  .need = JSON_REQUIRED, .object = &change_object }

static const struct json_field add_fields[] = { NAME_ROW(JSON_OPTIONAL), CHANGE_ROW };
static const struct json_field set_fields[] = { NAME_ROW(JSON_REQUIRED), CHANGE_ROW };
static const struct json_field delete_fields[] = { NAME_ROW(JSON_REQUIRED) };
static const struct json_field list_fields[] = {
	NAME_ROW(JSON_OPTIONAL),
	{ "kind", &json_kind, JSON_AT(struct proto_request, kind), .tag = TAG_KIND },
};
static const struct json_field description_fields[] = {
	{ "interface", &json_text, JSON_AT(struct proto_request, interface), .need = JSON_REQUIRED },
};
/* clang-format on */

/* Methods */

#define LIMPET	"io.limpet"
#define SERVICE "org.varlink.service"

/* How many replies does a method give? */
enum replies {
	REPLIES_ONE,
	REPLIES_MANY,	      /* has to be called with 'more' */
	REPLIES_ONE_IF_NAMED, /* has to be, unless it names a link */
};

#define PARAMETERS(table) JSON_OBJECT(table, request_has, request_got)
#define NO_PARAMETERS         \
	{                     \
		.n_fields = 0 \
	}

/* clang-format off */
static const struct method {
	const char *interface, *name;
	struct json_object parameters;
	enum replies replies;
} methods[] = {
	[PROTO_METHOD_ADD]      = { LIMPET,  "Add",     PARAMETERS(add_fields),    REPLIES_ONE },
	[PROTO_METHOD_SET]      = { LIMPET,  "Set",     PARAMETERS(set_fields),    REPLIES_ONE },
	[PROTO_METHOD_DELETE]   = { LIMPET,  "Delete",  PARAMETERS(delete_fields), REPLIES_ONE },
	[PROTO_METHOD_LIST]     = { LIMPET,  "List",    PARAMETERS(list_fields),   REPLIES_ONE_IF_NAMED },
	[PROTO_METHOD_MONITOR]  = { LIMPET,  "Monitor", NO_PARAMETERS,             REPLIES_MANY },
	[PROTO_METHOD_GET_INFO] = { SERVICE, "GetInfo", NO_PARAMETERS,             REPLIES_ONE },
	[PROTO_METHOD_GET_INTERFACE_DESCRIPTION] = {
		SERVICE, "GetInterfaceDescription", PARAMETERS(description_fields), REPLIES_ONE },
};
/* clang-format on */
static_assert(ARRAY_SIZE(methods) == PROTO_METHOD_COUNT, "one row for each method");

void proto_request_fini(struct proto_request *request)
{
	link_change_fini(&request->change);
	*request = (struct proto_request){ 0 };
}

/* Reading. 'call' is a decode on its way. */

struct call {
	const char *method; /* "io.limpet.Add"; lives in the JSON */
	const json_t *parameters;
	bool more, oneway, upgrade;
};

struct refusal {
	const char *error;     /* of org.varlink.service, without that; NULL: io.limpet.Refused */
	const char *parameter; /* its only parameter: name and value; NULL: none */
	char value[128];
};

/* Notes which error of org.varlink.service is due. */
static int refuse(struct refusal *refusal, const char *error, const char *parameter,
		  const char *value)
{
	refusal->error = error;
	refusal->parameter = parameter;
	(void)text_escape(refusal->value, sizeof(refusal->value), value);
	return -EINVAL;
}

static int invalid_parameter(struct refusal *refusal, const char *path, struct err *err)
{
	(void)err_set(err, EINVAL, "parameter '%s' is not as the interface says", path);
	return refuse(refusal, "InvalidParameter", "parameter", path);
}

static int read_flag_of_call(const json_t *value, bool *ret_flag)
{
	if (!json_is_boolean(value))
		return -EINVAL;

	*ret_flag = json_is_true(value);
	return 0;
}

/* The envelope: what is the same for every Varlink call. */
static int read_call(const json_t *json, struct call *ret_call, struct refusal *refusal,
		     struct err *err)
{
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)json, key, value)
	{
		int r = 0;

		if (strcmp(key, "method") == 0)
			ret_call->method = json_string_value(value);
		else if (strcmp(key, "parameters") == 0 && json_is_object(value))
			ret_call->parameters = value;
		else if (strcmp(key, "parameters") == 0)
			r = json_is_null(value) ? 0 : -EINVAL;
		else if (strcmp(key, "more") == 0)
			r = read_flag_of_call(value, &ret_call->more);
		else if (strcmp(key, "oneway") == 0)
			r = read_flag_of_call(value, &ret_call->oneway);
		else if (strcmp(key, "upgrade") == 0)
			r = read_flag_of_call(value, &ret_call->upgrade);
		else
			r = -EINVAL;
		if (r < 0)
			return invalid_parameter(refusal, key, err);
	}

	if (!ret_call->method)
		return err_set(err, EBADMSG, "the message is not a call: it has no 'method'");
	if (ret_call->upgrade)
		return invalid_parameter(refusal, "upgrade", err);
	if (ret_call->oneway && ret_call->more)
		return invalid_parameter(refusal, "oneway", err);

	return 0;
}

/* "io.limpet.Add" is the method "Add" of the interface "io.limpet". */
static int find_method(const char *full, enum proto_method *ret_method, struct refusal *refusal,
		       struct err *err)
{
	const char *dot = strrchr(full, '.');
	const char *name = dot ? dot + 1 : full;
	char interface[128] = "";
	bool known = false;

	/* One that is cut here is longer than any of ours. */
	if (dot)
		(void)snprintf(interface, sizeof(interface), "%.*s",
			       (int)MIN((size_t)(dot - full), sizeof(interface)), full);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].interface, interface) != 0)
			continue;

		known = true;
		if (strcmp(methods[i].name, name) == 0) {
			*ret_method = (enum proto_method)i;
			return 0;
		}
	}

	(void)err_set(err, EINVAL, "no method of that name");
	return known ? refuse(refusal, "MethodNotFound", "method", full)
		     : refuse(refusal, "InterfaceNotFound", "interface", interface);
}

static int read_parameters(const struct call *call, struct proto_request *request,
			   struct refusal *refusal, struct err *err)
{
	const struct method *method = &methods[request->method];
	struct json_place place = { .unknown = JSON_UNKNOWN_REFUSED };
	SCOPED(scoped_json) json_t *none = json_object();
	const json_t *parameters = call->parameters ? call->parameters : none;
	int r;

	if (!parameters)
		return err_set(err, ENOMEM, "out of memory");

	r = json_read(&method->parameters, parameters, request, &place, err);
	if (r == -EBADMSG)
		return invalid_parameter(refusal, place.path, err);
	if (r < 0)
		return r;

	memcpy(request->change.name, request->name, sizeof(request->change.name));

	if (!request->more && (method->replies == REPLIES_MANY ||
			       (method->replies == REPLIES_ONE_IF_NAMED && !request->name[0]))) {
		(void)err_set(err, EINVAL, "'%s' has to be called with 'more'", method->name);
		return refuse(refusal, "ExpectedMore", NULL, "");
	}

	return 0;
}

static int read_request(const char *text, size_t len, struct proto_request *request,
			struct refusal *refusal, struct err *err)
{
	SCOPED(scoped_json) json_t *json = NULL;
	struct call call = { 0 };
	int r;

	r = json_parse(text, len, &json, err);
	if (r < 0)
		return r;

	/* First, because it decides whether anybody waits for what goes wrong. */
	request->oneway = json_is_true(json_object_get(json, "oneway"));
	r = read_call(json, &call, refusal, err);
	request->more = call.more;
	if (r == 0)
		r = find_method(call.method, &request->method, refusal, err);
	if (r == 0)
		r = read_parameters(&call, request, refusal, err);

	return r;
}

/* The reply for 'r' and 'refusal'. */
static int print_refusal(int r, const struct refusal *refusal, const char *sentence,
			 struct varlink_message *ret_message)
{
	SCOPED(scoped_json) json_t *json = NULL;
	char name[64];

	if (!refusal->error)
		return proto_reply_refused(-r, sentence, ret_message, NULL);

	(void)snprintf(name, sizeof(name), SERVICE ".%s", refusal->error);
	if (refusal->parameter)
		json = json_pack("{s:s,s:{s:s}}", "error", name, "parameters", refusal->parameter,
				 refusal->value);
	else
		json = json_pack("{s:s,s:{}}", "error", name, "parameters");

	return json_print(json, ret_message, NULL);
}

int proto_request_decode(const char *text, size_t len, struct proto_request *ret_request,
			 struct varlink_message *ret_refusal, struct err *err)
{
	SCOPED(proto_request_fini) struct proto_request request = { 0 };
	struct varlink_message message = { 0 };
	struct refusal refusal = { 0 };
	struct err sentence = { "" };
	int r;

	r = read_request(text, len, &request, &refusal, &sentence);
	if (r < 0) {
		/* Without memory for the reply there is none: 'message' stays empty. */
		if (!request.oneway)
			(void)print_refusal(r, &refusal, sentence.msg, &message);
		*ret_refusal = message;
		return err_set(err, -r, "%s", sentence.msg);
	}

	*ret_request = request;
	request = (struct proto_request){ 0 };
	return 0;
}

int proto_request_encode(const struct proto_request *request, struct varlink_message *ret_message,
			 struct err *err)
{
	const struct method *method = &methods[request->method];
	SCOPED(scoped_json) json_t *json = NULL;
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", method->interface, method->name);
	json = json_pack("{s:s,s:o}", "method", name, "parameters",
			 json_write(&method->parameters, request));
	if (json && request->more)
		(void)json_object_set_new(json, "more", json_true());
	if (json && request->oneway)
		(void)json_object_set_new(json, "oneway", json_true());

	return json_print(json, ret_message, err);
}
