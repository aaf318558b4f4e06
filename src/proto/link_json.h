/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct proto_link as JSON: the type Link of io.limpet. For proto/ itself. */
#ifndef PROTO_LINK_JSON_H
#define PROTO_LINK_JSON_H

#include "proto/json.h"
#include "proto/link.h"

/* Of struct proto_link. */
extern const struct json_object link_object;

static inline bool link_is_endpoint(const struct proto_link *link)
{
	return link->kind == LINK_KIND_MACVTAP || link->kind == LINK_KIND_MACVLAN;
}

#endif
