/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ip link show` prints for a link, to the byte, trailing blanks included:
 * scripts cut these lines by column. Lines of ours begin with "limpet".
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/colour.h"
#include "cli/show.h"
#include "cli/view.h"

/* "m0@eth0", or "lan0", with nothing in it that drives a terminal. */
#define FULL_NAME_SIZE TEXT_ESCAPED_SIZE(2 * LINK_NAME_SIZE)

static char *full_name(const struct proto_link *link, char buf[FULL_NAME_SIZE])
{
	char name[2 * LINK_NAME_SIZE];

	(void)snprintf(name, sizeof(name), "%s%s%s", link->name, link->lower[0] ? "@" : "",
		       link->lower);
	return text_escape(buf, FULL_NAME_SIZE, name);
}

static void print_flags(const struct show *show, const struct proto_link *link)
{
	const char *flags[VIEW_FLAGS_MAX];
	size_t n = view_flags(link, flags);

	for (size_t i = 0; i < n; i++)
		(void)fprintf(show->out, "%c%s", i == 0 ? '<' : ',', flags[i]);
	(void)fputs("> ", show->out);
}

static void print_mac(const struct show *show, const char *mac, const char *after)
{
	colour_print(show->out, show->colour, COLOUR_MAC, "%s%s", mac, after);
}

static void print_first_line(const struct show *show, const struct proto_link *link)
{
	const char *state = view_operstate(link);
	const char *qdisc = view_qdisc(link);
	char name[FULL_NAME_SIZE];

	(void)fprintf(show->out, "%" PRIu32 ": ", link->index);
	colour_print(show->out, show->colour, COLOUR_NAME, "%s: ", full_name(link, name));
	print_flags(show, link);
	(void)fprintf(show->out, "mtu %" PRIu32 " ", link->mtu);
	if (qdisc)
		(void)fprintf(show->out, "qdisc %s ", qdisc);
	(void)fputs("state ", show->out);
	colour_print(show->out, show->colour, colour_of_state(state), "%s ", state);
	if (!show->monitor)
		(void)fputs("mode DEFAULT ", show->out);
	(void)fputs("group default ", show->out);
	if (!show->monitor && link->txqlen > 0)
		(void)fprintf(show->out, "qlen %" PRIu32, link->txqlen);
}

static void print_address_line(const struct show *show, const struct proto_link *link)
{
	char mac[MAC_TEXT_SIZE];

	(void)fprintf(show->out, "%s    link/ether ", show_line_end(show));
	print_mac(show, mac_format(link->address, mac), "");
	(void)fputs(" brd ", show->out);
	print_mac(show, "ff:ff:ff:ff:ff:ff", "");
	if (show->options->details)
		(void)fprintf(show->out,
			      " promiscuity %" PRIu32 "  allmulti %" PRIu32 " minmtu %" PRIu32
			      " maxmtu %" PRIu32 " ",
			      link->promiscuity, link->allmulti, link->min_mtu, link->max_mtu);
}

static void print_macvlan(const struct show *show, const struct proto_link *link)
{
	FILE *out = show->out;
	char mac[MAC_TEXT_SIZE];

	(void)fprintf(out, "mode %s ", fwd_mode_name(link->mode));
	if (link->flags & FWD_FLAG_NOPROMISC)
		(void)fputs("nopromisc ", out);
	if (link->flags & FWD_FLAG_NODST)
		(void)fputs("nodst ", out);
	(void)fprintf(out, "bcqueuelen %" PRIu32 " usedbcqueuelen %" PRIu32 " ", link->bcqueuelen,
		      link->used_bcqueuelen);
	if (link->bclim != 1)
		(void)fprintf(out, "bclim %" PRId32 " ", link->bclim);
	if (!fwd_mode_has_sources(link->mode))
		return;

	(void)fprintf(out, "remotes (%zu) ", link->n_sources);
	for (size_t i = 0; i < link->n_sources; i++)
		(void)fprintf(out, "%s ", mac_format(link->sources[i], mac));
}

/* A device of the host has queues and limits that ip can tell and we cannot. */
static void print_kind_line(const struct show *show, const struct proto_link *link)
{
	(void)fprintf(show->out, "%s    %s ", show_line_end(show), link_kind_name(link->kind));
	if (link->kind == LINK_KIND_NETDEV)
		return;

	if (link->kind == LINK_KIND_DUMMY)
		(void)fprintf(show->out, "hairpin %s ", link->hairpin ? "on" : "off");
	else
		print_macvlan(show, link);

	if (!show->monitor)
		(void)fputs("addrgenmode eui64 ", show->out);
	for (size_t i = 0; i < view_n_constants; i++)
		(void)fprintf(show->out, "%s %u ", view_constants[i].text, view_constants[i].value);
}

/* Whoever may set an alias may not drive the terminal of whoever looks at it. */
static void print_alias_line(const struct show *show, const struct proto_link *link)
{
	char alias[TEXT_ESCAPED_SIZE(LINK_ALIAS_SIZE)];

	if (link->alias[0] != '\0')
		(void)fprintf(show->out, "%s    alias %s", show_line_end(show),
			      text_escape(alias, sizeof(alias), link->alias));
}

/* Ours: who is attached, why the last one is not any more, where to attach. */
static void print_limpet_line(const struct show *show, const struct proto_link *link)
{
	char reason[TEXT_ESCAPED_SIZE(sizeof(link->reason))];
	char path[TEXT_ESCAPED_SIZE(LINK_PATH_SIZE)];
	FILE *out = show->out;

	(void)fprintf(out, "%s    limpet port %s ", show_line_end(show), link->port);
	if (link->peer[0] != '\0')
		(void)fprintf(out, "peer %s ", link->peer);
	if (link->features[0] != '\0')
		(void)fprintf(out, "features \"%s\" ", link->features);
	if (link->reason[0] != '\0')
		(void)fprintf(out, "detached \"%s\" ",
			      text_escape(reason, sizeof(reason), link->reason));
	if (link->stream_path[0] != '\0')
		(void)fprintf(out, "sockets %s %s %s ", link->stream_path, link->dgram_path,
			      link->vhost_path);
	if (link->vhost[0] != '\0')
		(void)fprintf(out, "vhost client %s ",
			      text_escape(path, sizeof(path), link->vhost));
	if (view_is_endpoint(link))
		(void)fprintf(out, "poll %" PRIu32 " ", link->poll);
}

void show_text(const struct show *show, const struct proto_link *link)
{
	print_first_line(show, link);
	print_address_line(show, link);
	if (show->options->details)
		print_kind_line(show, link);
	print_alias_line(show, link);
	if (show->options->details)
		print_limpet_line(show, link);
	if (show->options->stats > 0 && !show->monitor)
		show_stats(show, link);
	(void)fputc('\n', show->out);
}

void show_brief(const struct show *show, const struct proto_link *link)
{
	const char *state = view_operstate(link);
	char name[FULL_NAME_SIZE];
	char mac[MAC_TEXT_SIZE];

	colour_print(show->out, show->colour, COLOUR_NAME, "%-16s ", full_name(link, name));
	colour_print(show->out, show->colour, colour_of_state(state), "%-14s ", state);
	print_mac(show, mac_format(link->address, mac), " ");
	print_flags(show, link);
	(void)fputc('\n', show->out);
}
