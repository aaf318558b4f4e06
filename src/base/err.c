/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_write_(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return;

	va_start(args, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
}

const char *err_name(int errnum)
{
	const char *name = strerrorname_np(errnum);

	return name ? name : "EIO";
}

int err_number(const char *name)
{
	/* Linux has no errno above 133 (EHWPOISON); there is room for more. */
	for (int errnum = 1; errnum < 256; errnum++) {
		const char *candidate = strerrorname_np(errnum);

		if (candidate && strcmp(candidate, name) == 0)
			return errnum;
	}

	return EIO;
}
