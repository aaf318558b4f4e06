/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/notify.h"

#include "ctl/show.h"

void notify_lower(struct ctl *ctl, enum proto_event event, struct model_lower *lower)
{
	struct proto_link link = { 0 };

	lower->news = 0;
	if (!ctl->changed)
		return;
	show_lower(lower, &link);
	ctl->changed(ctl->userdata, event, &link);
	proto_link_fini(&link);
}

void notify_endpoint(struct ctl *ctl, enum proto_event event, struct model_endpoint *ep)
{
	struct proto_link link = { 0 };

	ep->news = 0;
	if (!ctl->changed)
		return;
	if (show_endpoint(ctl, ep, &link, NULL) >= 0)
		ctl->changed(ctl->userdata, event, &link);
	proto_link_fini(&link);
}

void notify_news(struct ctl *ctl, struct model_lower *lower)
{
	struct model_endpoint *ep;

	if (lower->news)
		notify_lower(ctl, PROTO_EVENT_CHANGED, lower);
	list_for_each(ep, &lower->endpoints, sibling) {
		if (ep->news)
			notify_endpoint(ctl, PROTO_EVENT_CHANGED, ep);
	}
}
