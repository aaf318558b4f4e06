/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Varlink's wire form, without the wire: messages are JSON objects, each ended
 * by a NUL byte (https://varlink.org).
 */
#ifndef PROTO_VARLINK_H
#define PROTO_VARLINK_H

#include <stddef.h>

#include "base/err.h"

/* The longest request a server takes, NUL excluded: an Add with
 * LINK_SOURCES_MAX addresses needs a third of it.
 */
#define VARLINK_REQUEST_MAX (256 * 1024)
/* The longest reply a client takes. */
#define VARLINK_REPLY_MAX (1024 * 1024)

/* A message to send: 'len' bytes from 'text', the final NUL among them. Zeroed,
 * it is none.
 */
struct varlink_message {
	char *text; /* owned */
	size_t len;
};

/* Frees what the message owns, and zeroes it. */
void varlink_message_fini(struct varlink_message *message);

/* Bytes that came in, cut into messages. Memory is bounded by 'max' and the
 * largest chunk pushed; once next() has returned 0 because every byte was taken,
 * nothing is held.
 */
struct varlink_input {
	char *buf;	   /* owned */
	size_t size;	   /* of buf */
	size_t start, end; /* the unread bytes in it */
	size_t scanned;	   /* no NUL between start and here */
	size_t max;
};

/* 'max': the longest message to take, NUL excluded. */
void varlink_input_init(struct varlink_input *input, size_t max);
void varlink_input_fini(struct varlink_input *input);

/* Appends 'len' bytes as they were received. -ENOMEM, or -EMSGSIZE when 'max'
 * unread bytes are there already: take messages out first.
 */
int varlink_input_push(struct varlink_input *input, const void *bytes, size_t len, struct err *err);

/* The next message: 1, and 'ret_text' points to 'ret_len' bytes and a NUL, good
 * until the next call; 0 if it is not complete yet; -EMSGSIZE if it is longer
 * than 'max': the connection is of no use any more.
 */
int varlink_input_next(struct varlink_input *input, const char **ret_text, size_t *ret_len,
		       struct err *err);

#endif
