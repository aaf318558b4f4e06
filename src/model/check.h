/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the spec's section 1, one function each. */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "base/err.h"
#include "model/change.h"
#include "model/world.h"

/* For model/ itself. What is being done, for the table of fields. */
enum check_op {
	CHECK_ADD_ENDPOINT = 1 << 0,
	CHECK_SET_ENDPOINT = 1 << 1,
	CHECK_ADD_DUMMY = 1 << 2,
	CHECK_SET_DUMMY = 1 << 3,
};

/* May 'op' name the fields that 'change' has? */
int check_fields(const struct link_change *change, enum check_op op, struct err *err);

/* Are the values of 'change' values at all, whatever the world is like:
 * addresses, mode, flags, source list?
 */
int check_values(const struct link_change *change, struct err *err);

/* Can the endpoint 'name' of 'lower' have this MTU; can the dummy 'name' (R1.30)? */
int check_mtu(const struct model_lower *lower, const char *name, uint32_t mtu, struct err *err);
int check_dummy_mtu(const char *name, uint32_t mtu, struct err *err);

/* Is the address of 'next', which hangs on 'lower' or will, free for an endpoint
 * that is up (R1.14)? Not to be asked about an address that 'next' has already
 * and is up with.
 */
int check_address_free(const struct model_lower *lower, const struct model_endpoint *next,
		       struct err *err);

/* Does the hub of 'lower' take a new endpoint of 'mode' (R1.40)? */
int check_company(const struct model_lower *lower, enum fwd_mode mode, struct err *err);

/* The endpoint of 'lower' that is alone there by its mode, or NULL. */
struct model_endpoint *check_lone_endpoint(const struct model_lower *lower);

#endif
