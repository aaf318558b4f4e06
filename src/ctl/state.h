/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs behind the model: the room's own structs.
 *
 * struct ctl_hub hangs on a model_lower's 'runtime', struct ctl_endpoint on a
 * model_endpoint's. The model says what is wanted; these hold the sockets,
 * ports and tables that make it so.
 */
#ifndef CTL_STATE_H
#define CTL_STATE_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "ctl/closer.h"
#include "ctl/ctl.h"
#include "ctl/log.h"
#include "ctl/sockets.h"
#include "host/monitor.h"
#include "model/world.h"
#include "path/hub.h"
#include "path/worker.h"

struct ctl {
	sd_event *event; /* borrowed */
	struct runtime_dir dir;
	struct world world;
	struct worker *worker;
	sd_event_source *worker_source;
	struct host_monitor *monitor; /* NULL: no netlink, no netdev lowers */
	sd_event_source *monitor_source;
	ctl_changed_fn *changed;
	void *userdata;
};

struct ctl_hub {
	struct ctl *ctl;
	struct model_lower *model;
	struct path_hub path;
	struct path_attachment *attachment; /* of the lower's port; NULL: none */
	uint64_t seed;			    /* of the table's hash */
	struct ctl_endpoint *slot[FWD_SLOTS_MAX];
	size_t n_slots; /* highest slot in use + 1 */
	struct log_limit log_limit;
};

struct connector;
struct vhost;

struct ctl_endpoint {
	struct ctl_hub *hub;
	struct model_endpoint *model;
	struct path_member member;
	struct path_attachment *dgram;	      /* always */
	struct path_attachment *stream;	      /* NULL: nobody connected */
	struct vhost *vhost;		      /* NULL: no front-end connected */
	struct closers closers;		      /* of what front-ends left */
	struct connector *connector;	      /* NULL: it listens for front-ends */
	int listen_fd[ENDPOINT_SOCKET_COUNT]; /* -1 where there is none */
	sd_event_source *accept_source[ENDPOINT_SOCKET_COUNT];
	char reason[sizeof(((struct port *)0)->fault)]; /* why the last peer was detached */
	struct log_limit log_limit;

	/* What the lower's receive filter was told for this endpoint. */
	bool filtered;
	struct mac filtered_mac;
};

#endif
