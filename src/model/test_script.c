/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/test_script.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
struct mac script_mac(const char *text)
{
	struct mac mac = { { 2, 0, 0, 0, 0, 0 } };

	if (!mac_parse(text, &mac))
		mac.byte[5] = (uint8_t)strtoul(text, NULL, 16);
	return mac;
}

static struct mac next_random(void)
{
	static uint8_t count;
	const uint8_t random[6] = { 0x52, 0x54, 0, 0, 0, ++count };

	return mac_from_random(random);
}

/* The language */

static bool is_on(const char *value)
{
	return strcmp(value, "on") == 0;
}

/* "add:01,02" */
static void read_sources(struct link_change *change, char *value)
{
	char *list = strchr(value, ':'), *save = NULL;

	*list++ = '\0';
	if (!source_command_parse(value, &change->source_command))
		change->source_command = (enum source_command)strtoul(value, NULL, 10);
	for (char *mac = strtok_r(list, ",", &save); mac; mac = strtok_r(NULL, ",", &save))
		assert_int_equal(link_change_add_source(change, script_mac(mac), NULL), 0);
}

static uint32_t mode_of(const char *value)
{
	enum fwd_mode mode;

	return fwd_mode_parse(value, &mode) ? mode : (uint32_t)strtoul(value, NULL, 10);
}

static unsigned read_pair(struct link_change *change, const char *key, char *value)
{
	uint32_t number = (uint32_t)strtoul(value, NULL, 10);

	if (strcmp(key, "kind") == 0)
		return link_kind_parse(value, &change->kind) ? LINK_HAS_KIND : 0;
	if (strcmp(key, "lower") == 0)
		return text_copy(change->lower, LINK_NAME_SIZE, value) ? LINK_HAS_LOWER : 0;
	if (strcmp(key, "mac") == 0)
		return change->address = script_mac(value), LINK_HAS_ADDRESS;
	if (strcmp(key, "mtu") == 0)
		return change->mtu = number, LINK_HAS_MTU;
	if (strcmp(key, "up") == 0)
		return change->up = is_on(value), LINK_HAS_UP;
	if (strcmp(key, "name") == 0)
		return text_copy(change->new_name, LINK_NAME_SIZE, value) ? LINK_HAS_NEW_NAME : 0;
	if (strcmp(key, "alias") == 0)
		return text_copy(change->alias, LINK_ALIAS_SIZE, value) ? LINK_HAS_ALIAS : 0;
	if (strcmp(key, "txqlen") == 0)
		return change->txqlen = number, LINK_HAS_TXQLEN;
	if (strcmp(key, "mode") == 0)
		return change->mode = mode_of(value), LINK_HAS_MODE;
	if (strcmp(key, "flags") == 0)
		return change->flags = number, LINK_HAS_FLAGS;
	if (strcmp(key, "bcq") == 0)
		return change->bcqueuelen = number, LINK_HAS_BCQUEUELEN;
	if (strcmp(key, "bclim") == 0)
		return change->bclim = (int32_t)strtol(value, NULL, 10), LINK_HAS_BCLIM;
	if (strcmp(key, "hairpin") == 0)
		return change->hairpin = is_on(value), LINK_HAS_HAIRPIN;
	if (strcmp(key, "vhost") == 0)
		return text_copy(change->vhost, LINK_PATH_SIZE, value) ? LINK_HAS_VHOST : 0;
	if (strcmp(key, "poll") == 0)
		return change->poll = number, LINK_HAS_POLL;
	if (strcmp(key, "src") == 0)
		return read_sources(change, value), LINK_HAS_SOURCES;
	return 0;
}

static void read_change(struct link_change *change, char **save)
{
	for (char *key; (key = strtok_r(NULL, " ", save));) {
		unsigned bit = read_pair(change, key, strtok_r(NULL, " ", save));

		if (!bit)
			fail_msg("no such key, or not its value: %s", key);
		change->has |= bit;
	}
}

static struct netdev_facts facts_of_new(const char *name)
{
	struct netdev_facts facts = {
		.ifindex = 7,
		.mac = script_mac("02:00:00:00:ee:00"),
		.mtu = 2000,
		.max_mtu = 9000,
		.up = true,
		.carrier = true,
	};

	assert_true(text_copy(facts.name, sizeof(facts.name), name));
	return facts;
}

static int add_endpoint(struct world *world, const struct link_change *change, struct err *err)
{
	struct netdev_facts facts = facts_of_new(change->lower);
	SCOPED(scoped_model_lower) struct model_lower *new_lower = NULL;
	struct model_lower *lower;
	struct model_endpoint *ep;
	int r;

	r = world_check_add(world, change, &lower, err);
	if (r < 0)
		return r;
	if (!lower) {
		if (strncmp(change->lower, "eth", 3) != 0)
			return err_set(err, ENODEV, "no device '%s'", change->lower);
		r = world_new_netdev(world, &facts, &new_lower, err);
		if (r < 0)
			return r;
		lower = new_lower;
	}

	r = world_new_endpoint(world, lower, change, next_random(), &ep, err);
	if (r < 0)
		return r;

	if (new_lower)
		world_commit_lower(world, TAKE(new_lower));
	world_commit_endpoint(world, ep);
	return 0;
}

static int add_dummy(struct world *world, const struct link_change *change, struct err *err)
{
	struct model_lower *lower;
	int r;

	r = world_check_add(world, change, &lower, err);
	if (r == 0)
		r = world_new_dummy(world, change, next_random(), &lower, err);
	if (r == 0)
		world_commit_lower(world, lower);
	return r;
}

static int add(struct world *world, enum link_kind kind, char **save, struct err *err)
{
	SCOPED(link_change_fini) struct link_change change = { .has = LINK_HAS_KIND, .kind = kind };
	const char *name = strtok_r(NULL, " ", save);
	const char *lower = kind == LINK_KIND_MACVTAP ? strtok_r(NULL, " ", save) : "-";

	if (strcmp(name, "-") != 0)
		assert_true(text_copy(change.name, LINK_NAME_SIZE, name));
	if (strcmp(lower, "-") != 0) {
		change.has |= LINK_HAS_LOWER;
		assert_true(text_copy(change.lower, LINK_NAME_SIZE, lower));
	}
	read_change(&change, save);

	return kind == LINK_KIND_MACVTAP ? add_endpoint(world, &change, err)
					 : add_dummy(world, &change, err);
}

static int set(struct world *world, char **save, struct err *err)
{
	SCOPED(link_change_fini) struct link_change change = { 0 };
	struct world_set set;
	int r;

	assert_true(text_copy(change.name, LINK_NAME_SIZE, strtok_r(NULL, " ", save)));
	read_change(&change, save);
	r = world_prepare_set(world, &change, &set, err);
	if (r == 0)
		world_commit_set(world, &set);
	return r;
}

static void remove_endpoint(struct world *world, struct model_endpoint *ep)
{
	world_remove_endpoint(world, ep);
	model_endpoint_free(ep);
}

static int del(struct world *world, const char *name, struct err *err)
{
	struct model_endpoint *ep, *tmp;
	struct world_link link;
	int r;

	r = world_check_delete(world, name, &link, err);
	if (r < 0)
		return r;

	if (link.ep) {
		struct model_lower *lower = link.ep->lower;

		remove_endpoint(world, link.ep);
		if (!model_lower_is_idle(lower))
			return 0;
		link.lower = lower;
	}

	list_for_each_safe(ep, tmp, &link.lower->endpoints, sibling)
		remove_endpoint(world, ep);
	world_remove_lower(world, link.lower);
	model_lower_free(link.lower);
	return 0;
}

static int news(struct world *world, char **save, struct err *err)
{
	struct model_lower *lower = world_find_lower(world, strtok_r(NULL, " ", save));
	struct netdev_facts facts = facts_of_new(lower->name);

	(void)err;
	facts.mac = lower->mac;
	facts.mtu = lower->mtu;
	facts.up = lower->up;
	for (char *key; (key = strtok_r(NULL, " ", save));) {
		char *value = strtok_r(NULL, " ", save);

		if (strcmp(key, "mac") == 0)
			facts.mac = script_mac(value);
		else if (strcmp(key, "mtu") == 0)
			facts.mtu = (uint32_t)strtoul(value, NULL, 10);
		else if (strcmp(key, "up") == 0)
			facts.up = is_on(value);
		else if (strcmp(key, "carrier") == 0)
			facts.carrier = is_on(value);
		else if (strcmp(key, "name") == 0)
			assert_true(text_copy(facts.name, LINK_NAME_SIZE, value));
		else
			fail_msg("no such key: %s", key);
	}
	world_update_lower(world, lower, &facts);
	return 0;
}

int script_run(struct world *world, const char *line, struct err *err)
{
	char text[256], *save = NULL;
	const char *verb;

	assert_true(text_copy(text, sizeof(text), line));
	verb = strtok_r(text, " ", &save);
	if (strcmp(verb, "dummy") == 0)
		return add(world, LINK_KIND_DUMMY, &save, err);
	if (strcmp(verb, "add") == 0)
		return add(world, LINK_KIND_MACVTAP, &save, err);
	if (strcmp(verb, "set") == 0)
		return set(world, &save, err);
	if (strcmp(verb, "del") == 0)
		return del(world, strtok_r(NULL, " ", &save), err);
	if (strcmp(verb, "news") == 0)
		return news(world, &save, err);
	if (strcmp(verb, "gone") == 0) {
		world_update_lower(world, world_find_lower(world, save), NULL);
		return 0;
	}
	fail_msg("no such verb: %s", verb);
	return 0;
}

/* The world as text */

static size_t put(char *out, size_t at, const char *fmt, ...) PRINTF(3, 4);
static size_t put(char *out, size_t at, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(out + at, SCRIPT_DUMP_SIZE - at, fmt, args);
	va_end(args);
	assert_in_range(len, 0, (int)(SCRIPT_DUMP_SIZE - at) - 1);
	return at + (size_t)len;
}

static size_t put_mac(char *out, size_t at, const char *before, struct mac mac)
{
	char text[MAC_TEXT_SIZE];

	(void)mac_format(mac, text);
	return put(out, at, "%s%s", before,
		   strncmp(text, "02:00:00:00:00:", 15) == 0 ? text + 15 : text);
}

static size_t put_lower(char *out, size_t at, const struct model_lower *lower)
{
	at = put(out, at, "%s: mtu=%u up=%d carrier=%d hairpin=%d alias=%s txqlen=%u", lower->name,
		 lower->mtu, lower->up, model_lower_carrier(lower), lower->hairpin, lower->alias,
		 lower->txqlen);
	at = put(out, at, " bclim=%d bcq=%u n=%zu present=%d", lower->bclim,
		 model_lower_bcqueuelen(lower), lower->n_endpoints, lower->present);
	at = put_mac(out, at, " mac=", lower->mac);
	return put(out, at, " \n");
}

static size_t put_endpoint(char *out, size_t at, const struct model_endpoint *ep)
{
	at = put(out, at, "%s: lower=%s mtu=%u up=%d mode=%s flags=%u bcq=%u alias=%s txqlen=%u",
		 ep->name, ep->lower->name, ep->mtu, ep->up, fwd_mode_name(ep->mode), ep->flags,
		 ep->bcqueuelen, ep->alias, ep->txqlen);
	at = put(out, at, " vhost=%s poll=%u", ep->vhost, ep->poll);
	at = put_mac(out, at, " mac=", ep->mac);
	at = put(out, at, " src=");
	for (size_t i = 0; i < ep->n_sources; i++)
		at = put_mac(out, at, i ? "," : "", ep->sources[i]);
	return put(out, at, " \n");
}

void script_dump(const struct world *world, char out[SCRIPT_DUMP_SIZE])
{
	struct world_cursor cursor = world_cursor_after(world, 0);
	struct world_link link;
	size_t at = put(out, 0, "\n");

	while (world_cursor_next(&cursor, &link))
		at = link.ep ? put_endpoint(out, at, link.ep) : put_lower(out, at, link.lower);
}

bool script_holds(const char *text, const char *fact)
{
	char start[64], pair[128];
	const char *dot = strchr(fact, '.');
	const char *line, *found;

	if (fact[0] == '!') {
		(void)snprintf(start, sizeof(start), "\n%s:", fact + 1);
		return !strstr(text, start);
	}

	(void)snprintf(start, sizeof(start), "\n%.*s:", (int)(dot - fact), fact);
	(void)snprintf(pair, sizeof(pair), " %s ", dot + 1);
	line = strstr(text, start);
	if (!line)
		return false;
	found = strstr(line + 1, pair);
	return found && found < strchr(line + 1, '\n');
}
