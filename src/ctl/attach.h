/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attachments: putting a port on its place, and taking it off again. */
#ifndef CTL_ATTACH_H
#define CTL_ATTACH_H

#include "base/err.h"
#include "path/hub.h"

struct worker;

/* Makes 'port' an attachment of 'member'; takes the port over on success. It
 * is neither seen nor watched yet.
 */
int attachment_new(struct port *port, struct path_member *member,
		   struct path_attachment **ret_attachment, struct err *err);

/* Closes the port, too. Nobody may see it any more. Takes NULL. */
struct path_attachment *attachment_free(struct path_attachment *attachment);

/* Takes the attachment away from the workers and frees it: 'member' sends
 * through 'instead' (may be NULL) from now on, if it was its active one.
 */
void attachment_retire(struct worker *worker, struct path_attachment *attachment,
		       struct path_attachment *instead);

#endif
