/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/attach.h"

#include <errno.h>
#include <stdlib.h>

#include "path/worker.h"

int attachment_new(struct port *port, struct path_member *member,
		   struct path_attachment **ret_attachment, struct err *err)
{
	struct path_attachment *attachment = calloc(1, sizeof(*attachment));

	if (!attachment)
		return err_set(err, ENOMEM, "out of memory");

	attachment->port = port;
	attachment->member = member;
	attachment->poll_ns = PATH_POLL_NS;
	*ret_attachment = attachment;
	return 0;
}

struct path_attachment *attachment_free(struct path_attachment *attachment)
{
	if (attachment) {
		port_close(attachment->port);
		free(attachment);
	}
	return NULL;
}

void attachment_retire(struct worker *worker, struct path_attachment *attachment,
		       struct path_attachment *instead)
{
	struct path_member *member = attachment->member;

	worker_unwatch(worker, attachment);
	if (member->active == attachment)
		path_publish_attachment(member, instead);
	path_synchronize();
	attachment_free(attachment);
}
