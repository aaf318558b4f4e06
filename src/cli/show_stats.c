/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of a link in ip's columns: as wide as the widest number below,
 * with a header of their own for each direction.
 */
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "cli/show.h"
#include "cli/view.h"

#define COLUMNS 6

struct column {
	const char *name;
	enum view_counter counter;
};

/* clang-format off */
static const struct column rx_columns[COLUMNS] = {
	{ "bytes",   VIEW_BYTES   },
	{ "packets", VIEW_PACKETS },
	{ "errors",  VIEW_ERRORS  },
	{ "dropped", VIEW_DROPPED },
	{ "missed",  VIEW_ZERO },
	{ "mcast",   VIEW_MULTICAST },
};

static const struct column tx_columns[COLUMNS] = {
	{ "bytes",   VIEW_BYTES   },
	{ "packets", VIEW_PACKETS },
	{ "errors",  VIEW_ERRORS  },
	{ "dropped", VIEW_DROPPED },
	{ "carrier", VIEW_ZERO },
	{ "collsns", VIEW_ZERO },
};
/* clang-format on */

/* What a second -s adds: errors of kinds that hardware makes. */
static const char *const rx_errors[] = { "length", "crc", "frame", "fifo", "overrun" };
static const char *const tx_errors[] = { "aborted", "fifo", "window", "heartbt", "transns" };
static_assert(ARRAY_SIZE(rx_errors) == COLUMNS - 1, "they stand below the columns");
static_assert(ARRAY_SIZE(tx_errors) == COLUMNS - 1, "they stand below the columns");

static int digits(uint64_t value)
{
	int n = 1;

	while (value >= 10) {
		value /= 10;
		n++;
	}
	return n;
}

static void widen(int widths[COLUMNS], const struct column *columns,
		  const struct proto_traffic *traffic)
{
	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = MAX(widths[i], digits(view_counter(traffic, columns[i].counter)));
}

/* With -h: three digits and a letter, "1.23k". */
static void print_human(const struct show *show, int width, uint64_t value)
{
	const uint64_t base = show->options->iec ? 1024 : 1000;
	const char *prefix = "kMGTPE";
	uint64_t unit = base, scale = 1;
	int precision = 2;
	char buf[32];

	while (value / base >= unit && prefix[1] != '\0') {
		unit *= base;
		prefix++;
	}
	for (; precision > 0; precision--) {
		scale *= 10;
		if (value / unit < scale)
			break;
	}
	(void)snprintf(buf, sizeof(buf), "%.*f%c%s", precision, (double)value / (double)unit,
		       *prefix, show->options->iec ? "i" : "");
	(void)fprintf(show->out, "%*s ", width, buf);
}

static void print_number(const struct show *show, int width, uint64_t value)
{
	if (show->options->human && value >= (show->options->iec ? 1024 : 1000))
		print_human(show, width, value);
	else
		(void)fprintf(show->out, "%*" PRIu64 " ", width, value);
}

static void print_direction(const struct show *show, const char *label, const int widths[COLUMNS],
			    const struct column *columns, const struct proto_traffic *traffic)
{
	/* The label takes four of the first column's width; what follows the
	 * last is the place of a column that ip shows on other devices.
	 */
	(void)fprintf(show->out, "%s    %s: ", show_line_end(show), label);
	for (size_t i = 0; i < COLUMNS; i++)
		(void)fprintf(show->out, "%*s ", i == 0 ? widths[i] - 4 : widths[i],
			      columns[i].name);
	(void)fprintf(show->out, "%10s%s    ", "", show_line_end(show));
	for (size_t i = 0; i < COLUMNS; i++)
		print_number(show, widths[i], view_counter(traffic, columns[i].counter));
}

static void print_errors(const struct show *show, const char *label, const int widths[COLUMNS],
			 const char *const names[COLUMNS - 1])
{
	(void)fprintf(show->out, "%s    %s errors:%*s", show_line_end(show), label, widths[0] - 10,
		      "");
	for (size_t i = 1; i < COLUMNS; i++)
		(void)fprintf(show->out, " %*s", widths[i], names[i - 1]);
	(void)fprintf(show->out, "%s    %*s", show_line_end(show), widths[0] + 1, "");
	for (size_t i = 1; i < COLUMNS; i++)
		(void)fprintf(show->out, "%*d ", widths[i], 0);
}

static void print_drops(const struct show *show, const char *label,
			const uint64_t drops[DROP_COUNT])
{
	const char *lead = label;

	for (unsigned i = 0; i < DROP_COUNT; i++) {
		if (drops[i] == 0)
			continue;
		(void)fprintf(show->out, "%s%s %" PRIu64 " ", lead, drop_name((enum drop)i),
			      drops[i]);
		lead = "";
	}
}

static bool any(const uint64_t drops[DROP_COUNT])
{
	for (unsigned i = 0; i < DROP_COUNT; i++) {
		if (drops[i] != 0)
			return true;
	}
	return false;
}

void show_stats(const struct show *show, const struct proto_link *link)
{
	int widths[COLUMNS] = {
		(int)strlen("*X errors:"), (int)strlen("packets"), (int)strlen("errors"),
		(int)strlen("dropped"),	   (int)strlen("heartbt"), (int)strlen("overrun"),
	};

	widen(widths, rx_columns, &link->rx);
	widen(widths, tx_columns, &link->tx);

	print_direction(show, "RX", widths, rx_columns, &link->rx);
	if (show->options->stats > 1)
		print_errors(show, "RX", widths, rx_errors);
	print_direction(show, "TX", widths, tx_columns, &link->tx);
	if (show->options->stats > 1)
		print_errors(show, "TX", widths, tx_errors);

	if (!show->options->details || !(any(link->drops_in) || any(link->drops_out)))
		return;
	(void)fprintf(show->out, "%s    limpet drops ", show_line_end(show));
	print_drops(show, "in ", link->drops_in);
	print_drops(show, "out ", link->drops_out);
}
