/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which thread may call a function, said on its prototype.
 *
 * clang checks ON() at compile time: a worker that calls a control function
 * does not build. gcc sees nothing.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#if defined(__clang__)
#define THREAD_ROLE	   __attribute__((capability("role")))
#define ON(role)	   __attribute__((requires_capability(role)))
#define THREAD_ENTER(role) __attribute__((acquire_capability(role)))
#define THREAD_LEAVE(role) __attribute__((release_capability(role)))
#else
#define THREAD_ROLE
#define ON(role)
#define THREAD_ENTER(role)
#define THREAD_LEAVE(role)
#endif

#endif
