/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/drop.h"

#include <assert.h>

#define DROP_NAME(id, name) [DROP_##id] = (name),
static const char *const names[] = { DROPS(DROP_NAME) };
static_assert(sizeof(names) / sizeof(names[0]) == DROP_COUNT, "one name for each reason");

const char *drop_name(enum drop drop)
{
	assert(drop < DROP_COUNT);

	return names[drop];
}
