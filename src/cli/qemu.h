/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An endpoint in QEMU's words. */
#ifndef CLI_QEMU_H
#define CLI_QEMU_H

#include <stdio.h>

#include "proto/link.h"

#define QEMU_ID_SIZE (LINK_NAME_SIZE + 3)

/* How the guest attaches. */
enum qemu_way {
	QEMU_VHOST,  /* vhost-user: QEMU shares the guest's memory */
	QEMU_STREAM, /* a stream socket: QEMU carries the frames */
};

struct qemu_args {
	char chardev[288]; /* of -chardev; empty: none */
	char netdev[320];  /* of -netdev */
	char device[96];   /* of -device */
};

/* The arguments that attach a guest to the endpoint 'link'. */
void qemu_format(const struct proto_link *link, enum qemu_way way, struct qemu_args *ret_args);

/* Prints 'word' so that a shell takes it as one, as it is. */
void qemu_quote(FILE *out, const char *word);

#endif
