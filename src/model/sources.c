/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac));
}

int sources_copy(const struct mac *list, size_t n, struct mac **ret_list, struct err *err)
{
	struct mac *copy = NULL;

	if (n > 0) {
		copy = malloc(n * sizeof(*copy));
		if (!copy)
			return err_set(err, ENOMEM, "out of memory");
		memcpy(copy, list, n * sizeof(*copy));
	}

	*ret_list = copy;
	return 0;
}

static void flush(struct mac **list, size_t *n)
{
	free(*list);
	*list = NULL;
	*n = 0;
}

static int add(struct mac **list, size_t *n, struct mac mac, struct err *err)
{
	struct mac *grown;
	size_t at = 0;

	while (at < *n && compare(&(*list)[at], &mac) < 0)
		at++;
	if (at < *n && mac_equal((*list)[at], mac))
		return 0;

	if (*n >= LINK_SOURCES_MAX)
		return err_set(err, ENOSPC, "the source list is full with %d addresses",
			       LINK_SOURCES_MAX);

	grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown)
		return err_set(err, ENOMEM, "out of memory");

	memmove(grown + at + 1, grown + at, (*n - at) * sizeof(*grown));
	grown[at] = mac;
	*list = grown;
	*n += 1;
	return 0;
}

static void del(struct mac **list, size_t *n, struct mac mac)
{
	for (size_t at = 0; at < *n; at++) {
		if (!mac_equal((*list)[at], mac))
			continue;

		*n -= 1;
		memmove(*list + at, *list + at + 1, (*n - at) * sizeof(**list));
		if (*n == 0)
			flush(list, n);
		return;
	}
}

static int set(struct mac **list, size_t *n, const struct link_change *change, struct err *err)
{
	struct mac *wanted;
	size_t kept = 0;
	int r;

	if (change->n_sources > LINK_SOURCES_MAX)
		return err_set(err, ENOSPC, "a source list holds at most %d addresses",
			       LINK_SOURCES_MAX);

	r = sources_copy(change->sources, change->n_sources, &wanted, err);
	if (r < 0)
		return r;

	if (wanted)
		qsort(wanted, change->n_sources, sizeof(*wanted), compare);
	for (size_t i = 0; i < change->n_sources; i++) {
		if (kept == 0 || !mac_equal(wanted[kept - 1], wanted[i]))
			wanted[kept++] = wanted[i];
	}

	flush(list, n);
	*list = wanted;
	*n = kept;
	return 0;
}

int sources_apply(struct mac **list, size_t *n, const struct link_change *change, struct err *err)
{
	switch (change->source_command) {
	case SOURCE_ADD:
		return add(list, n, change->sources[0], err);
	case SOURCE_DEL:
		del(list, n, change->sources[0]);
		return 0;
	case SOURCE_FLUSH:
		flush(list, n);
		return 0;
	case SOURCE_SET:
		return set(list, n, change, err);
	}

	abort(); /* check_values() lets no other pass */
}
