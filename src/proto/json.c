/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structs as JSON objects
 * =======================
 *
 * What it is. Tables in request.c and link.c name the members of our structs;
 * the two functions at the end walk such a table, forth or back, and call the
 * codec of each member's type. So a field is one row, and cannot be written in
 * one way and read in another.
 *
 * Where it sits. Between jansson and the rest of proto. Whoever connected may
 * have written what is read here.
 *
 * What can go wrong. jansson recurses once for each level of nesting, and takes
 * some fifty times the memory of "[[[[...". The text is therefore looked through
 * for its depth before jansson sees it; its length was bounded when it came in.
 */
#include "proto/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/change.h"
#include "wire/drop.h"
#include "wire/mac.h"

static_assert(sizeof(enum fwd_mode) == sizeof(uint32_t), "json_mode serves both");

/* How deep does the text nest, as far as brackets tell? */
static int depth_of(const char *text, size_t len)
{
	bool quoted = false;
	int depth = 0, deepest = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!quoted && (text[i] == '}' || text[i] == ']'))
			depth--;
		deepest = MAX(deepest, depth);
	}

	return deepest;
}

int json_parse(const char *text, size_t len, json_t **ret_json, struct err *err)
{
	char why[TEXT_ESCAPED_SIZE(JSON_ERROR_TEXT_LENGTH)];
	json_error_t error;
	json_t *json;

	if (depth_of(text, len) > JSON_DEPTH_MAX)
		return err_set(err, EBADMSG, "the message nests deeper than %d levels",
			       JSON_DEPTH_MAX);

	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return err_set(err, EBADMSG, "the message is not JSON: %s, at byte %d",
			       text_escape(why, sizeof(why), error.text), error.position);

	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, EBADMSG, "the message is not a JSON object");
	}

	*ret_json = json;
	return 0;
}

int json_print(const json_t *json, struct varlink_message *ret_message, struct err *err)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		return err_set(err, ENOMEM, "out of memory");

	*ret_message = (struct varlink_message){ text, strlen(text) + 1 };
	return 0;
}

json_t *json_any_text(const char *text)
{
	char escaped[TEXT_ESCAPED_SIZE(512)];
	json_t *json = json_string(text);

	/* A device of the host may be called by bytes that are no UTF-8. */
	return json ? json : json_string(text_escape(escaped, sizeof(escaped), text));
}

static int wrong_type(const struct json_place *place, const char *wanted, struct err *err)
{
	return err_set(err, EBADMSG, "'%s' has to be %s", place->path, wanted);
}

static int wrong_value(const struct json_place *place, const char *text, const char *wanted,
		       struct err *err)
{
	char escaped[128];

	return err_set(err, EINVAL, "'%s' is '%s', which is not %s", place->path,
		       text_escape(escaped, sizeof(escaped), text), wanted);
}

/* bool */

static json_t *write_bool(const struct json_field *field, const void *at)
{
	(void)field;
	return json_boolean(*(const bool *)at);
}

static int read_bool(const struct json_field *field, const json_t *json, void *at,
		     struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_boolean(json))
		return wrong_type(place, "true or false", err);

	*(bool *)at = json_is_true(json);
	return 0;
}

const struct json_codec json_bool = { write_bool, read_bool };

/* Integers */

static json_t *write_u32(const struct json_field *field, const void *at)
{
	(void)field;
	return json_integer(*(const uint32_t *)at);
}

static int read_u32(const struct json_field *field, const json_t *json, void *at,
		    struct json_place *place, struct err *err)
{
	json_int_t value = json_integer_value(json);

	(void)field;
	if (!json_is_integer(json) || value < 0 || value > UINT32_MAX)
		return wrong_type(place, "an integer from 0 to 4294967295", err);

	*(uint32_t *)at = (uint32_t)value;
	return 0;
}

const struct json_codec json_u32 = { write_u32, read_u32 };

static json_t *write_i32(const struct json_field *field, const void *at)
{
	(void)field;
	return json_integer(*(const int32_t *)at);
}

static int read_i32(const struct json_field *field, const json_t *json, void *at,
		    struct json_place *place, struct err *err)
{
	json_int_t value = json_integer_value(json);

	(void)field;
	if (!json_is_integer(json) || value < INT32_MIN || value > INT32_MAX)
		return wrong_type(place, "an integer from -2147483648 to 2147483647", err);

	*(int32_t *)at = (int32_t)value;
	return 0;
}

const struct json_codec json_i32 = { write_i32, read_i32 };

static json_t *write_u64(const struct json_field *field, const void *at)
{
	(void)field;
	return json_integer((json_int_t)MIN(*(const uint64_t *)at, (uint64_t)INT64_MAX));
}

static int read_u64(const struct json_field *field, const json_t *json, void *at,
		    struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return wrong_type(place, "an integer, not negative", err);

	*(uint64_t *)at = (uint64_t)json_integer_value(json);
	return 0;
}

const struct json_codec json_u64 = { write_u64, read_u64 };

/* Text */

static json_t *write_text(const struct json_field *field, const void *at)
{
	(void)field;
	return json_any_text(at);
}

static int read_text(const struct json_field *field, const json_t *json, void *at,
		     struct json_place *place, struct err *err)
{
	if (!json_is_string(json))
		return wrong_type(place, "a string", err);

	if (!text_copy(at, field->size, json_string_value(json))) {
		char escaped[128];

		return err_set(err, EINVAL, "'%s' is '%s', longer than %zu bytes", place->path,
			       text_escape(escaped, sizeof(escaped), json_string_value(json)),
			       field->size - 1);
	}

	return 0;
}

const struct json_codec json_text = { write_text, read_text };

/* Addresses */

static json_t *write_mac(const struct json_field *field, const void *at)
{
	char text[MAC_TEXT_SIZE];

	(void)field;
	return json_string(mac_format(*(const struct mac *)at, text));
}

static int read_mac(const struct json_field *field, const json_t *json, void *at,
		    struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_string(json))
		return wrong_type(place, "a string", err);

	if (!mac_parse(json_string_value(json), at))
		return wrong_value(place, json_string_value(json), "a MAC address", err);

	return 0;
}

const struct json_codec json_mac = { write_mac, read_mac };

/* Names that stand for numbers */

static json_t *write_kind(const struct json_field *field, const void *at)
{
	(void)field;
	return json_string(link_kind_name(*(const enum link_kind *)at));
}

static int read_kind(const struct json_field *field, const json_t *json, void *at,
		     struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_string(json))
		return wrong_type(place, "a string", err);

	if (!link_kind_parse(json_string_value(json), at))
		return wrong_value(place, json_string_value(json), "a type of link", err);

	return 0;
}

const struct json_codec json_kind = { write_kind, read_kind };

static json_t *write_mode(const struct json_field *field, const void *at)
{
	(void)field;
	return json_string(fwd_mode_name(*(const enum fwd_mode *)at));
}

static int read_mode(const struct json_field *field, const json_t *json, void *at,
		     struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_string(json))
		return wrong_type(place, "a string", err);

	if (!fwd_mode_parse(json_string_value(json), at))
		return wrong_value(place, json_string_value(json),
				   "one of private, vepa, bridge, passthru, source", err);

	return 0;
}

const struct json_codec json_mode = { write_mode, read_mode };

static json_t *write_command(const struct json_field *field, const void *at)
{
	(void)field;
	return json_string(source_command_name(*(const enum source_command *)at));
}

static int read_command(const struct json_field *field, const json_t *json, void *at,
			struct json_place *place, struct err *err)
{
	(void)field;
	if (!json_is_string(json))
		return wrong_type(place, "a string", err);

	if (!source_command_parse(json_string_value(json), at))
		return wrong_value(place, json_string_value(json), "one of add, del, flush, set",
				   err);

	return 0;
}

const struct json_codec json_command = { write_command, read_command };

/* Flags: an array of names in a request, a member each in a reply */

static const struct {
	uint32_t flag;
	const char *name;
} flag_names[] = {
	{ FWD_FLAG_NOPROMISC, "nopromisc" },
	{ FWD_FLAG_NODST, "nodst" },
};

static json_t *write_flags(const struct json_field *field, const void *at)
{
	uint32_t flags = *(const uint32_t *)at;
	json_t *array = json_array();

	(void)field;
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if ((flags & flag_names[i].flag) &&
		    json_array_append_new(array, json_string(flag_names[i].name)) < 0) {
			json_decref(array);
			return NULL;
		}
	}

	return array;
}

static uint32_t flag_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (strcmp(flag_names[i].name, name) == 0)
			return flag_names[i].flag;
	}

	return 0;
}

static int read_flags(const struct json_field *field, const json_t *json, void *at,
		      struct json_place *place, struct err *err)
{
	uint32_t flags = 0;

	(void)field;
	if (!json_is_array(json))
		return wrong_type(place, "an array of strings", err);

	for (size_t i = 0; i < json_array_size(json); i++) {
		const char *name = json_string_value(json_array_get(json, i));
		uint32_t flag = name ? flag_by_name(name) : 0;

		if (!name)
			return wrong_type(place, "an array of strings", err);
		if (!flag)
			return wrong_value(place, name, "one of nopromisc, nodst", err);
		flags |= flag;
	}

	*(uint32_t *)at = flags;
	return 0;
}

const struct json_codec json_flags = { write_flags, read_flags };

static json_t *write_flag(const struct json_field *field, const void *at)
{
	return json_boolean(*(const unsigned *)at & field->tag);
}

static int read_flag(const struct json_field *field, const json_t *json, void *at,
		     struct json_place *place, struct err *err)
{
	if (!json_is_boolean(json))
		return wrong_type(place, "true or false", err);

	if (json_is_true(json))
		*(unsigned *)at |= field->tag;
	return 0;
}

const struct json_codec json_flag = { write_flag, read_flag };

/* Drops: only reasons that happened are written, and only known ones read */

static json_t *write_drops(const struct json_field *field, const void *at)
{
	const uint64_t *drops = at;
	json_t *object = json_object();

	for (size_t i = 0; i < DROP_COUNT; i++) {
		if (drops[i] > 0 && json_object_set_new(object, drop_name((enum drop)i),
							write_u64(field, &drops[i])) < 0) {
			json_decref(object);
			return NULL;
		}
	}

	return object;
}

static int read_drops(const struct json_field *field, const json_t *json, void *at,
		      struct json_place *place, struct err *err)
{
	uint64_t *drops = at;

	if (!json_is_object(json))
		return wrong_type(place, "an object", err);

	for (size_t i = 0; i < DROP_COUNT; i++) {
		const json_t *count = json_object_get(json, drop_name((enum drop)i));
		int r = count ? read_u64(field, count, &drops[i], place, err) : 0;

		if (r < 0)
			return r;
	}

	return 0;
}

const struct json_codec json_drops = { write_drops, read_drops };

/* Lists of addresses */

json_t *json_write_macs(const struct mac *macs, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		char text[MAC_TEXT_SIZE];

		if (json_array_append_new(array, json_string(mac_format(macs[i], text))) < 0) {
			json_decref(array);
			return NULL;
		}
	}

	return array;
}

int json_read_macs(const json_t *json, struct json_place *place, json_append_fn *append, void *to,
		   struct err *err)
{
	if (!json_is_array(json))
		return wrong_type(place, "an array of strings", err);

	for (size_t i = 0; i < json_array_size(json); i++) {
		struct mac mac;
		int r;

		r = read_mac(NULL, json_array_get(json, i), &mac, place, err);
		if (r == 0)
			r = append(to, mac, err);
		if (r < 0)
			return r;
	}

	return 0;
}

/* Objects in objects */

static json_t *write_nested(const struct json_field *field, const void *at)
{
	return json_write(field->object, at);
}

static int read_nested(const struct json_field *field, const json_t *json, void *at,
		       struct json_place *place, struct err *err)
{
	if (!json_is_object(json))
		return wrong_type(place, "an object", err);

	return json_read(field->object, json, at, place, err);
}

const struct json_codec json_nested = { write_nested, read_nested };

json_t *json_write(const struct json_object *object, const void *base)
{
	json_t *json = json_object();

	for (size_t i = 0; i < object->n_fields; i++) {
		const struct json_field *field = &object->fields[i];
		const char *at = (const char *)base + field->offset;

		if (object->has && !object->has(base, field))
			continue;

		if (json_object_set_new(json, field->name, field->codec->write(field, at)) < 0) {
			json_decref(json);
			return NULL;
		}
	}

	return json;
}

/* Appends ".name" to the place; returns its length before, to go back to. */
static size_t enter(struct json_place *place, const char *name)
{
	size_t len = strlen(place->path);
	char escaped[48];

	(void)snprintf(place->path + len, sizeof(place->path) - len, "%s%s", len ? "." : "",
		       text_escape(escaped, sizeof(escaped), name));
	return len;
}

static bool has_field(const struct json_object *object, const char *name)
{
	for (size_t i = 0; i < object->n_fields; i++) {
		if (strcmp(object->fields[i].name, name) == 0)
			return true;
	}

	return false;
}

/* A key of 'json' that is no field; NULL if there is none. */
static const char *unknown_key(const struct json_object *object, const json_t *json)
{
	void *iter = json_object_iter((json_t *)json);

	while (iter && has_field(object, json_object_iter_key(iter)))
		iter = json_object_iter_next((json_t *)json, iter);

	return iter ? json_object_iter_key(iter) : NULL;
}

static int read_field(const struct json_object *object, const struct json_field *field,
		      const json_t *json, void *base, struct json_place *place, struct err *err)
{
	const json_t *value = json_object_get(json, field->name);
	bool given = value && !json_is_null(value);
	size_t outside = enter(place, field->name);
	int r;

	if (!given && field->need == JSON_REQUIRED)
		return err_set(err, EBADMSG, "'%s' is missing", place->path);

	if (given) {
		r = field->codec->read(field, value, (char *)base + field->offset, place, err);
		if (r < 0)
			return r; /* 'place' stays where it happened */
		if (object->got)
			object->got(base, field);
	}

	place->path[outside] = '\0';
	return 0;
}

int json_read(const struct json_object *object, const json_t *json, void *base,
	      struct json_place *place, struct err *err)
{
	const char *unknown = unknown_key(object, json);
	int r = 0;

	if (unknown && place->unknown == JSON_UNKNOWN_REFUSED) {
		(void)enter(place, unknown);
		return err_set(err, EBADMSG, "'%s' is not known", place->path);
	}

	for (size_t i = 0; i < object->n_fields && r == 0; i++)
		r = read_field(object, &object->fields[i], json, base, place, err);

	return r;
}
