/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tiny language in which the tests of model tell what happens to a world. The
 * words are ip's, but shorter; values follow their keys:
 *
 *	dummy NAME [KEY VALUE]...
 *	add NAME LOWER [KEY VALUE]...	NAME "-": none given; LOWER "-": none
 *	set NAME [KEY VALUE]...
 *	del NAME
 *	news NAME [KEY VALUE]...	what the kernel says about a netdev
 *	gone NAME			... and that it vanished
 *
 * A LOWER called eth... that the world does not know is made from the facts of a
 * device. "07" is the address 02:00:00:00:00:07.
 */
#ifndef MODEL_TEST_SCRIPT_H
#define MODEL_TEST_SCRIPT_H

#include <stdbool.h>

#include "base/err.h"
#include "model/world.h"

#define SCRIPT_DUMP_SIZE (256 * 1024)

struct mac script_mac(const char *text);

/* Carries out one line; what the world says to it. Fails the test if the line
 * makes no sense.
 */
int script_run(struct world *world, const char *line, struct err *err);

/* The world as text: a line for each link, " KEY=VALUE" each, a blank behind. */
void script_dump(const struct world *world, char out[SCRIPT_DUMP_SIZE]);

/* "m1.mtu=1400": does the dump say so? "!m1": is there no such link? */
bool script_holds(const char *dump, const char *fact);

#endif
