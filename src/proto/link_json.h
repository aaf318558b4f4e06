/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct proto_link as JSON: the type Link of io.limpet. For proto/ itself. */
#ifndef PROTO_LINK_JSON_H
#define PROTO_LINK_JSON_H

#include "proto/json.h"

/* Of struct proto_link. */
extern const struct json_object link_object;

#endif
