/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a frame, or one copy of it, was not delivered.
 *
 * Each reason is a counter and a name, so that nothing is ever dropped without
 * a trace. The names leave the process: 'limpet -s -d link show' prints them.
 */
#ifndef WIRE_DROP_H
#define WIRE_DROP_H

/* clang-format off */
#define DROPS(X)                                                                                   \
	/* said by the law (fwd) */                                                                \
	X(ENDPOINT_DOWN,   "endpoint-down")   /* sender, or passthru owner, is down: R2.8, R2.17 */ \
	X(NO_CARRIER,      "no-carrier")      /* the sender's lower is down or gone: R2.8 */       \
	X(OVERSIZE,        "oversize")        /* above the path's limit: R2.50 */                  \
	X(PRIVATE_SIBLING, "private-sibling") /* private means private: docs/differences.md */     \
	X(NODST,           "nodst")           /* swallowed by a down nodst endpoint: R2.10 */      \
	X(NO_OWNER,        "no-owner")        /* from the wire, and nobody here wants it */        \
	/* said by ports */                                                                        \
	X(RUNT,            "runt")            /* shorter than its Ethernet header or tag: R3.21 */         \
	X(TRUNCATED,       "truncated")       /* longer than ETH_FRAME_MAX */                      \
	X(UNBOUND_PEER,    "unbound-peer")    /* datagram from a socket without an address */      \
	X(OTHER_PEER,      "other-peer")      /* the endpoint belongs to another peer now */       \
	X(NO_PEER,         "no-peer")         /* nobody is attached to the endpoint */             \
	X(PEER_FULL,       "peer-full")       /* the receiver does not read fast enough */         \
	X(LOWER_DOWN,      "lower-down")      /* the lower's device refused: down or gone */       \
	X(LOWER_FULL,      "lower-full")      /* the lower's queue is full */                      \
	X(BAD_OFFLOAD,     "bad-offload")     /* a vnet header that lies about its frame */
/* clang-format on */

#define DROP_ENUM(id, name) DROP_##id,
enum drop { DROPS(DROP_ENUM) DROP_COUNT };

/* The reason's name, static memory. */
const char *drop_name(enum drop drop);

#endif
