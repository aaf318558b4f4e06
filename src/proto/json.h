/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structs as JSON objects and back, both ways from one table of their fields.
 *
 * For proto/ itself: jansson stays in this room.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "proto/varlink.h"
#include "wire/mac.h"

/* How deep objects and arrays may nest. The deepest of ours, an array in
 * "macaddr" in "change" in "parameters" in the call, is at 5.
 */
#define JSON_DEPTH_MAX 16

static inline void scoped_json(json_t **json)
{
	json_decref(*json);
}

/* Parses 'len' bytes that have to be one JSON object. -EBADMSG if they are not:
 * also for too deep nesting, a key twice in an object, numbers beyond 64 bits,
 * invalid UTF-8 and an escaped NUL.
 */
int json_parse(const char *text, size_t len, json_t **ret_json, struct err *err);

/* Writes 'json' as a message. -ENOMEM. */
int json_print(const json_t *json, struct varlink_message *ret_message, struct err *err);

/* What happens to fields that are in no table. */
enum json_unknown {
	JSON_UNKNOWN_REFUSED, /* from a client, which would believe we understood */
	JSON_UNKNOWN_SKIPPED, /* from a newer daemon */
};

/* Where a reader is, for the one who has to be told what is wrong. */
struct json_place {
	enum json_unknown unknown;
	char path[96]; /* "change.macaddr.command" */
};

struct json_field;

/* How one type of member is written and read. */
struct json_codec {
	/* The member 'at' as JSON; NULL only when memory is out. */
	json_t *(*write)(const struct json_field *field, const void *at);

	/* The member from JSON. -EBADMSG: not the right type or out of its
	 * range; -EINVAL or another errno: the right type, but nothing that
	 * could be meant. 'place' says where.
	 */
	int (*read)(const struct json_field *field, const json_t *json, void *at,
		    struct json_place *place, struct err *err);
};

enum json_need {
	JSON_OPTIONAL,
	JSON_REQUIRED,
};

struct json_field {
	const char *name;
	const struct json_codec *codec;
	size_t offset; /* of the member */
	size_t size;   /* of the member */
	unsigned tag;  /* for the object's functions and for some codecs */
	enum json_need need;
	const struct json_object *object; /* json_nested: what is in it */
};

struct json_object {
	const struct json_field *fields;
	size_t n_fields;

	/* Is the field to be written? NULL: all are. */
	bool (*has)(const void *base, const struct json_field *field);

	/* The field was read. May be NULL. */
	void (*got)(void *base, const struct json_field *field);
};

#define JSON_OBJECT(table, has_fn, got_fn)                                                         \
	{                                                                                          \
		.fields = (table), .n_fields = ARRAY_SIZE(table), .has = (has_fn), .got = (got_fn) \
	}

/* offset and size of a member, for a row. */
#define JSON_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* The struct at 'base' as a JSON object; NULL when memory is out. */
json_t *json_write(const struct json_object *object, const void *base);

/* Reads a JSON object into the zeroed struct at 'base'. null is as good as
 * absent. Errors as of json_codec.read; what was read so far stays in 'base'.
 */
int json_read(const struct json_object *object, const json_t *json, void *base,
	      struct json_place *place, struct err *err);

/* The codecs, by the C type of the member. */
extern const struct json_codec json_bool;    /* bool */
extern const struct json_codec json_u32;     /* uint32_t */
extern const struct json_codec json_i32;     /* int32_t */
extern const struct json_codec json_u64;     /* uint64_t; written as at most 2^63 - 1 */
extern const struct json_codec json_text;    /* char[size] */
extern const struct json_codec json_mac;     /* struct mac */
extern const struct json_codec json_kind;    /* enum link_kind */
extern const struct json_codec json_mode;    /* enum fwd_mode or uint32_t */
extern const struct json_codec json_flags;   /* uint32_t as names */
extern const struct json_codec json_flag;    /* one bit, 'tag', of an unsigned */
extern const struct json_codec json_command; /* enum source_command */
extern const struct json_codec json_drops;   /* uint64_t[DROP_COUNT] */
extern const struct json_codec json_nested;  /* 'object', at the offset */

/* Reads or writes an array of addresses; for codecs that know the struct. */
json_t *json_write_macs(const struct mac *macs, size_t n);

/* Calls 'append' for each. */
typedef int json_append_fn(void *to, struct mac mac, struct err *err);
int json_read_macs(const json_t *json, struct json_place *place, json_append_fn *append, void *to,
		   struct err *err);

/* A string as JSON, whatever bytes are in it. */
json_t *json_any_text(const char *text);

#endif
