/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's network devices, watched: what changes is told as it happens. */
#ifndef HOST_MONITOR_H
#define HOST_MONITOR_H

#include "base/err.h"

struct host_link;
struct host_monitor;

enum host_event {
	HOST_LINK_CHANGED, /* the device is new, or something about it is */
	HOST_LINK_REMOVED, /* deleted, or moved to another network namespace */
	HOST_RESYNC,	   /* events were lost: ask again about what matters */
};

/* Called from host_monitor_read(), in the order of events. 'link' is NULL for
 * HOST_RESYNC, and lacks what only a query knows (host/link.h).
 */
typedef void host_monitor_fn(void *userdata, enum host_event event, const struct host_link *link);

/* Watches this network namespace, from now on. */
int host_monitor_open(host_monitor_fn *fn, void *userdata, struct host_monitor **ret_monitor,
		      struct err *err);
struct host_monitor *host_monitor_close(struct host_monitor *monitor);

/* Readable when there is something to tell. It belongs to the monitor. */
int host_monitor_fd(const struct host_monitor *monitor);

/* Tells some of what there is, in bounded time and without blocking; the
 * descriptor stays readable if there is more. A negative errno means that the
 * monitor is broken and has to be opened anew.
 */
int host_monitor_read(struct host_monitor *monitor, struct err *err);

static inline void scoped_monitor(struct host_monitor **monitor)
{
	*monitor = host_monitor_close(*monitor);
}

#endif
