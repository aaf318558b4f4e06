/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control: makes the running world match the wanted one, and answers questions.
 *
 * Everything in this room runs on the control thread.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/err.h"
#include "model/world.h"
#include "proto/link.h"
#include "proto/reply.h"

struct sd_event;

struct ctl;

/* Called after every change of a link, the caller's own included. 'link' is
 * borrowed.
 */
typedef void ctl_changed_fn(void *userdata, enum proto_event event, const struct proto_link *link);

/* Starts a world without links in 'runtime_dir': locks the directory, starts
 * the worker, watches the host's devices. 'event' stays the caller's and must
 * outlive it.
 */
int ctl_new(struct sd_event *event, const char *runtime_dir, struct ctl **ret_ctl, struct err *err);

/* Detaches everybody, removes all sockets, stops the worker. Takes NULL. */
struct ctl *ctl_free(struct ctl *ctl);

/* Where the control socket belongs. */
const struct runtime_dir *ctl_runtime_dir(const struct ctl *ctl);

void ctl_set_changed(struct ctl *ctl, ctl_changed_fn *changed, void *userdata);

/* Carry out a request: all of it, or nothing and a sentence. 'ret_name' is the
 * name the new link got.
 */
int ctl_add(struct ctl *ctl, const struct link_change *change, char ret_name[LINK_NAME_SIZE],
	    struct err *err);
int ctl_set(struct ctl *ctl, const struct link_change *change, struct err *err);
int ctl_delete(struct ctl *ctl, const char *name, struct err *err);

/* Describes the link 'name'; -ENODEV if there is none. */
int ctl_show(struct ctl *ctl, const char *name, struct proto_link *ret_link, struct err *err);

/* Describes the first link whose index is above 'index'. False at the end, or
 * with '*ret_r' negative when memory ran out.
 */
bool ctl_show_after(struct ctl *ctl, uint32_t index, struct proto_link *ret_link, int *ret_r,
		    struct err *err);

#endif
