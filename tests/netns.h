/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces of a test's own, and what lies in them.
 *
 * What a test could not do without fails the test, by cmocka's fail().
 */
#ifndef TESTS_NETNS_H
#define TESTS_NETNS_H

#include <stdbool.h>

#include "base/macros.h"

/* Moves the process to a new, empty network namespace, without IPv6 so that no
 * stack sends what nobody asked for. False if that needs a privilege we lack.
 */
bool netns_enter(void);

/* For main(): true where netns_enter() cannot work, and TAP's word for a suite
 * that is skipped has been printed. cmocka's skip() prints what TAP readers
 * take for a failure.
 */
bool netns_skip_all(void);

/* Another one: makes it, stays here, returns its descriptor for the caller to
 * close. netns_here() is the present one's.
 */
int netns_new(void);
int netns_here(void);
void netns_switch(int ns);

/* Runs a shell command, which has to succeed. */
void netns_run(const char *fmt, ...) PRINTF(1, 2);

/* Does 'text' appear in what a shell command prints? */
bool netns_prints(const char *command, const char *text);

/* A tap device, up, whose wire is the returned descriptor: what is written
 * arrives at the device, what the device sends is read, each behind a struct
 * vnet_header, byte for byte. Non-blocking.
 */
int netns_tap(const char *name);

/* The index of a device. */
int netns_index(const char *name);

/* CLOCK_MONOTONIC in milliseconds. */
long netns_now_ms(void);

#endif
