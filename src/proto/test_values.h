/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values for the tests of proto, with something in every field. */
#ifndef PROTO_TEST_VALUES_H
#define PROTO_TEST_VALUES_H

#include "model/change.h"
#include "proto/link.h"

/* The same in struct a and b, whatever the type of the member. */
#define ASSERT_SAME(a, b, member) \
	assert_memory_equal(&(a)->member, &(b)->member, sizeof((a)->member))

struct mac test_mac(uint8_t last);

/* A change that has all fields, and a link that has all an endpoint has. */
void test_fill_change(struct link_change *change);
void test_fill_link(struct proto_link *link);

#endif
