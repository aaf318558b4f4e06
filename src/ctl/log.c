/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool to_journal;

void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	/* systemd.exec(5): device and inode of the stream that is the journal's. */
	to_journal = stream && fstat(STDERR_FILENO, &st) == 0 &&
		     snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev,
			      (uintmax_t)st.st_ino) > 0 &&
		     strcmp(stream, mine) == 0;
}

PRINTF(2, 0) static void print(int priority, const char *fmt, va_list args)
{
	char line[1024];

	(void)vsnprintf(line, sizeof(line), fmt, args);
	if (to_journal)
		(void)fprintf(stderr, "<%d>%s\n", priority, line);
	else
		(void)fprintf(stderr, "limpetd: %s\n", line);
}

void log_line(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(priority, fmt, args);
	va_end(args);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void log_limited(struct log_limit *limit, int priority, const char *fmt, ...)
{
	uint64_t now = now_ns();
	va_list args;

	if (now - limit->since_ns >= LOG_INTERVAL_NS) {
		if (limit->suppressed)
			log_line(priority, "(%u lines like the next one were left out)",
				 limit->suppressed);
		*limit = (struct log_limit){ .since_ns = now };
	}
	if (limit->n >= LOG_BURST) {
		limit->suppressed++;
		return;
	}

	limit->n++;
	va_start(args, fmt);
	print(priority, fmt, args);
	va_end(args);
}
