/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links on paper: in lines, in columns or as JSON, each the way ip(8) has it. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/jsonw.h"
#include "cli/options.h"
#include "proto/link.h"

struct show {
	FILE *out;
	const struct options *options;
	bool colour;
	bool monitor; /* events say a little less than links that were asked for */
};

/* How to print what 'options' ask for to 'out'. */
struct show show_to(FILE *out, const struct options *options);

/* All of 'n' links, in the form the options ask for. */
void show_links(const struct show *show, const struct proto_link *links, size_t n);

/* One link, in the text form the options ask for. */
void show_line(const struct show *show, const struct proto_link *link);

enum jsonw_style show_json_style(const struct show *show);

/* One link as lines (with -o as one line), ended by a newline. */
void show_text(const struct show *show, const struct proto_link *link);

/* One link as a row of -br. */
void show_brief(const struct show *show, const struct proto_link *link);

/* The fields of one link, into an object that the caller opened. */
void show_json(struct jsonw *json, const struct show *show, const struct proto_link *link);

/* The counters of one link, and its drops, as lines that follow the others. */
void show_stats(const struct show *show, const struct proto_link *link);

/* What goes between two lines of one link. */
static inline const char *show_line_end(const struct show *show)
{
	return show->options->oneline ? "\\" : "\n";
}

#endif
