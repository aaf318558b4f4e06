/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What C forgot: array sizes, containers, scoped clean-up, attributes.
 *
 * SCOPED(fn) runs fn(&variable) when the variable leaves its scope, and TAKE
 * hands the variable's value over, so that the clean-up then does nothing.
 * Every scoped variable is initialised at its declaration (NULL or -1).
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <assert.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define SCOPED(fn)	  __attribute__((cleanup(fn)))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK	  __attribute__((warn_unused_result))

#define TAKE(var)                              \
	({                                     \
		__typeof__(var) take_ = (var); \
		(var) = NULL;                  \
		take_;                         \
	})

#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})

#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

#endif
