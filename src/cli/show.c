/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show.h"

#include <unistd.h>

struct show show_to(FILE *out, const struct options *options)
{
	bool colour = options->colour == COLOUR_ALWAYS ||
		      (options->colour == COLOUR_AUTO && isatty(STDOUT_FILENO));

	return (struct show){ .out = out, .options = options, .colour = colour };
}

enum jsonw_style show_json_style(const struct show *show)
{
	return show->options->pretty ? JSONW_PRETTY : JSONW_COMPACT;
}

static void print_json(const struct show *show, const struct proto_link *links, size_t n)
{
	struct jsonw json = jsonw_begin(show->out, show_json_style(show));

	jsonw_array(&json, NULL);
	for (size_t i = 0; i < n; i++) {
		jsonw_object(&json, NULL);
		show_json(&json, show, &links[i]);
		jsonw_object_end(&json);
	}
	jsonw_array_end(&json);
	jsonw_end(&json);
}

void show_line(const struct show *show, const struct proto_link *link)
{
	if (show->options->brief)
		show_brief(show, link);
	else
		show_text(show, link);
}

void show_links(const struct show *show, const struct proto_link *links, size_t n)
{
	if (show->options->json) {
		print_json(show, links, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		show_line(show, &links[i]);
}
