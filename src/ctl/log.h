/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's log: one line for each event, object first, fact second,
 * consequence third.
 *
 * Lines go to stderr; under systemd with the journal's priority prefix. What a
 * peer can cause repeatedly goes through log_limited().
 */
#ifndef CTL_LOG_H
#define CTL_LOG_H

#include <stdint.h>
#include <syslog.h>

#include "base/macros.h"

/* Chooses the form: with "<N>" in front when stderr is the journal's. */
void log_init(void);

/* 'priority' is LOG_ERR (somebody lost service), LOG_WARNING (we carry on and
 * say so), LOG_NOTICE (a life's event an operator wants in a ticket) or LOG_INFO.
 */
void log_line(int priority, const char *fmt, ...) PRINTF(2, 3);

/* At most LOG_BURST lines of one object in LOG_INTERVAL_NS; how many were left
 * out is said with the next one.
 */
#define LOG_BURST	10
#define LOG_INTERVAL_NS (10 * UINT64_C(1000000000))

struct log_limit {
	uint64_t since_ns;
	unsigned n, suppressed;
};

void log_limited(struct log_limit *limit, int priority, const char *fmt, ...) PRINTF(3, 4);

#endif
