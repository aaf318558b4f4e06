/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentence a human gets to read when a control operation fails. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

/* Functions that take a 'struct err *' fill it in if, and only if, they return
 * a negative errno. The pointer may be NULL when nobody will read the sentence.
 */
struct err {
	char msg[512];
};

/* Writes the sentence and is -'errnum', so that a failure is one statement:
 * return err_set(err, EBUSY, "lower '%s' ...", name). 'errnum' is a positive
 * errno, evaluated first. A sentence that does not fit is cut.
 *
 * A macro, so that compilers and analyzers see that the result is negative.
 */
#define err_set(err, errnum, ...)               \
	({                                      \
		int err_errnum_ = (errnum);     \
		assert(err_errnum_ > 0);        \
		err_write_((err), __VA_ARGS__); \
		-err_errnum_;                   \
	})

void err_write_(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* The constant's name of a positive errno: "EADDRINUSE"; "EIO" for one that
 * has no name here. Static memory.
 */
const char *err_name(int errnum);

/* The positive errno of a constant's name, EIO for a name unknown here. */
int err_number(const char *name);

#endif
