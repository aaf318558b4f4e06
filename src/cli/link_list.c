/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/link_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void link_list_fini(struct link_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		proto_link_fini(&list->link[i]);
	free(list->link);
	*list = (struct link_list){ 0 };
}

/* Takes the link out of 'reply'. Room doubles whenever it is used up. */
static int append(struct link_list *list, struct proto_reply *reply, struct err *err)
{
	if (list->n == LINK_LIST_MAX)
		return err_set(err, E2BIG, "limpetd lists more than %d links", LINK_LIST_MAX);

	if ((list->n & (list->n - 1)) == 0) {
		size_t room = list->n == 0 ? 1 : 2 * list->n;
		struct proto_link *grown = reallocarray(list->link, room, sizeof(*grown));

		if (!grown)
			return err_set(err, ENOMEM, "out of memory");
		list->link = grown;
	}

	list->link[list->n++] = reply->link;
	memset(&reply->link, 0, sizeof(reply->link));
	return 0;
}

int link_list_fetch(struct client *client, const char *name, const enum link_kind *kind,
		    struct link_list *ret_list, struct err *err)
{
	struct proto_request request = { .method = PROTO_METHOD_LIST, .more = true };
	struct link_list list SCOPED(scoped_link_list) = { 0 };
	enum proto_more more = PROTO_CONTINUES;
	int r;

	(void)text_copy(request.name, sizeof(request.name), name);
	request.has_kind = kind != NULL;
	if (kind)
		request.kind = *kind;

	r = client_send(client, &request, err);
	while (r == 0 && more == PROTO_CONTINUES) {
		struct proto_reply reply SCOPED(scoped_proto_reply) = { 0 };

		r = client_receive(client, PROTO_METHOD_LIST, CLIENT_TIMEOUT, &reply, err);
		if (r < 0)
			return r;
		more = reply.more;
		if (reply.has_link)
			r = append(&list, &reply, err);
	}
	if (r < 0) {
		client_disconnect(client);
		return r;
	}

	*ret_list = list;
	list = (struct link_list){ 0 };
	return 0;
}
