/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object `monitor`: every change of a link, as it happens, until somebody
 * interrupts it or the daemon ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/show.h"

static void print_stamp(const struct show *show)
{
	struct timeval now;
	char text[64];
	struct tm tm;

	(void)gettimeofday(&now, NULL);
	if (!localtime_r(&now.tv_sec, &tm))
		return;

	if (show->options->stamp == STAMP_LONG) {
		(void)strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
		(void)fprintf(show->out, "Timestamp: %s %ld usec\n", text, (long)now.tv_usec);
	} else if (show->options->stamp == STAMP_SHORT) {
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		(void)fprintf(show->out, "[%s.%06ld] ", text, (long)now.tv_usec);
	}
}

/* One object a line, so that a reader need not wait for the end of an array. */
static void print_json(const struct show *show, const struct proto_reply *event)
{
	struct jsonw json = jsonw_begin(show->out, show_json_style(show));

	jsonw_object(&json, NULL);
	if (event->event == PROTO_EVENT_DELETED)
		jsonw_bool(&json, "deleted", true);
	if (event->event == PROTO_EVENT_LOST)
		jsonw_bool(&json, "lost", true);
	if (event->has_link)
		show_json(&json, show, &event->link);
	jsonw_object_end(&json);
	jsonw_end(&json);
}

static void print_lines(const struct show *show, const struct proto_reply *event)
{
	print_stamp(show);
	if (event->event == PROTO_EVENT_DELETED)
		(void)fputs("Deleted ", show->out);
	if (!event->has_link)
		(void)fputs(
			"Some changes were lost, this side read too slowly: list the links again\n",
			show->out);
	else
		show_line(show, &event->link);
}

static bool is_news(const struct proto_reply *event)
{
	switch (event->event) {
	case PROTO_EVENT_READY:
		return false;
	case PROTO_EVENT_LOST:
		return true;
	case PROTO_EVENT_ADDED:
	case PROTO_EVENT_CHANGED:
	case PROTO_EVENT_DELETED:
		return event->has_link;
	case PROTO_EVENT_COUNT:
		break;
	}

	abort(); /* not an enum proto_event */
}

static int print_next(struct cli *cli, const struct show *show, struct err *err)
{
	struct proto_reply event SCOPED(scoped_proto_reply) = { 0 };
	int r;

	r = client_receive(&cli->client, PROTO_METHOD_MONITOR, CLIENT_FOREVER, &event, err);
	if (r < 0)
		return r;

	if (is_news(&event)) {
		if (show->options->json)
			print_json(show, &event);
		else
			print_lines(show, &event);
	}
	if (fflush(show->out) != 0)
		return err_set(err, errno, "cannot print: %s", strerror(errno));
	return 0;
}

enum cli_exit monitor_run(struct cli *cli, struct args *args, struct err *err)
{
	const struct proto_request request = { .method = PROTO_METHOD_MONITOR, .more = true };
	static const struct word what[] = { { "link", NULL, 1 }, { "all", NULL, 1 } };
	struct show show = show_to(stdout, &cli->options);
	int r;

	show.monitor = true;
	if (args_at_help(args))
		return help_print("monitor");
	if (args_peek(args) &&
	    (word_matches(&what[0], args_peek(args)) || word_matches(&what[1], args_peek(args))))
		(void)args_take(args);
	if (args_end(args, err) < 0)
		return CLI_SYNTAX;

	r = client_send(&cli->client, &request, err);
	while (r == 0)
		r = print_next(cli, &show, err);
	return CLI_REFUSED;
}
