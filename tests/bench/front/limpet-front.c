/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limpet-front: guests that do nothing but send and receive
 * =========================================================
 *
 * It plays the front-ends of a vhost-user switch, sources and sinks in one
 * process and one thread, so that no guest is what limits, and every frame can
 * be accounted for. The result is one line of JSON on stdout, of the kind that
 * limpet-load prints.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"
#include "measuring.h"

#define GUESTS_MAX 512

static const char usage[] =
	"usage: limpet-front [OPTION...] GUEST GUEST [GUEST GUEST...]\n"
	"\n"
	"Guests talk in pairs. Each is vhost:PATH[,OPTION...], with options:\n"
	"  server       listen on PATH; the switch connects\n"
	"  mac=MAC      its address\n"
	"  packed       rings are packed, not split\n"
	"  size=N       entries of each ring, default 256\n"
	"  queues=N     pairs of rings, default 1\n"
	"  mrg          mergeable receive buffers, of 2048 octets\n"
	"  slot=OCTETS  of a receive buffer\n"
	"  part=OCTETS  of a transmit descriptor; longer frames are chained\n"
	"  indirect     the chain is in a table of its own\n"
	"  noevent      without EVENT_IDX\n"
	"\n"
	"  --latency        one frame there and one back; default: throughput\n"
	"  --sleep          wait for the switch's calls meanwhile; default: poll\n"
	"  --floor copy     no switch but a thread that copies between two guests' memory\n"
	"  --floor wake     no switch, no frames: the wake-ups that a round trip needs\n"
	"  --size OCTETS    of a frame, default 64\n"
	"  --gso OCTETS     frames are TCP super-frames of such segments\n"
	"  --both           both ways at once; default: from the first of a pair\n"
	"  --window N       frames under way in each direction at most; default: no limit\n"
	"  --slots N        transmit buffers in use, default: the window, or the ring\n"
	"  --batch N        frames sent in a turn, default 32\n"
	"  --bursts         windows of frames, timed from the first descriptor to the last frame,\n"
	"                   without what the generator does before and afterwards\n"
	"  --touch          write and read all of each payload\n"
	"  --verify         and compare it, too\n"
	"  --pages 4k|2m    of the guests' memory, default: 2m if there are enough\n"
	"  --seconds S      to measure, default 0.5\n"
	"  --warm-up S      before that, default 0.1\n"
	"  --cpus A,B       where this runs (B: a floor's other thread); -1: anywhere\n"
	"  --switch PID     whose processor time to read\n";

enum floor { FLOOR_NONE, FLOOR_COPY, FLOOR_WAKE };

struct options {
	bool latency, both, touch, verify;
	enum floor floor;
	enum memory_pages pages;
	long size, gso, window, slots;
	struct plan plan;
	unsigned n_guests;
	struct guest_spec spec[GUESTS_MAX];
};

/* clang-format off */
static const struct option long_options[] = {
	{ "latency", no_argument,       NULL, 'l' },
	{ "sleep",   no_argument,       NULL, 'z' },
	{ "floor",   required_argument, NULL, 'f' },
	{ "size",    required_argument, NULL, 's' },
	{ "gso",     required_argument, NULL, 'g' },
	{ "both",    no_argument,       NULL, 'b' },
	{ "window",  required_argument, NULL, 'i' },
	{ "slots",   required_argument, NULL, 'o' },
	{ "batch",   required_argument, NULL, 'a' },
	{ "bursts",  no_argument,       NULL, 'x' },
	{ "touch",   no_argument,       NULL, 'u' },
	{ "verify",  no_argument,       NULL, 'v' },
	{ "pages",   required_argument, NULL, 'm' },
	{ "seconds", required_argument, NULL, 't' },
	{ "warm-up", required_argument, NULL, 'w' },
	{ "cpus",    required_argument, NULL, 'c' },
	{ "switch",  required_argument, NULL, 'p' },
	{ "help",    no_argument,       NULL, 'h' },
	{ NULL,      0,                 NULL, 0   },
};
/* clang-format on */

static bool take_number(const char *text, char end, long min, long max, long *ret_value)
{
	char *rest;
	long value = strtol(text, &rest, 10);

	if (rest == text || *rest != end || value < min || value > max)
		return false;

	*ret_value = value;
	return true;
}

static bool take_seconds(const char *text, uint64_t *ret_ns)
{
	char *rest;
	double value = strtod(text, &rest);

	if (rest == text || *rest || !(value >= 0 && value < 1e6))
		return false;

	*ret_ns = (uint64_t)(value * 1e9);
	return true;
}

static bool take_cpus(const char *text, long cpus[2])
{
	const char *comma = strchr(text, ',');

	return comma && take_number(text, ',', -1, 4095, &cpus[0]) &&
	       take_number(comma + 1, '\0', -1, 4095, &cpus[1]);
}

static bool take_floor(const char *text, enum floor *ret_floor)
{
	*ret_floor = strcmp(text, "copy") == 0	 ? FLOOR_COPY
		     : strcmp(text, "wake") == 0 ? FLOOR_WAKE
						 : FLOOR_NONE;
	return *ret_floor != FLOOR_NONE;
}

static bool take_pages(const char *text, enum memory_pages *ret_pages)
{
	*ret_pages = strcmp(text, "4k") == 0   ? MEMORY_PAGES_SMALL
		     : strcmp(text, "2m") == 0 ? MEMORY_PAGES_HUGE
					       : MEMORY_PAGES_ANY;
	return *ret_pages != MEMORY_PAGES_ANY;
}

/* Options that need no argument; false if 'option' is not one of them. */
static bool take_flag(struct options *options, int option)
{
	switch (option) {
	case 'l':
		return options->latency = true;
	case 'z':
		return options->plan.sleep = true;
	case 'b':
		return options->both = true;
	case 'x':
		return options->plan.bursts = true;
	case 'u':
		return options->touch = true;
	case 'v':
		return options->touch = options->verify = true;
	default:
		return false;
	}
}

/* Reads what getopt found; false if its argument is no good. */
static bool take_option(struct options *options, int option)
{
	struct plan *plan = &options->plan;

	switch (option) {
	case 'f':
		return take_floor(optarg, &options->floor);
	case 's':
		return take_number(optarg, '\0', FRAME_SIZE_MIN, FRAME_SIZE_MAX, &options->size);
	case 'g':
		return take_number(optarg, '\0', 1, UINT16_MAX, &options->gso);
	case 'i':
		return take_number(optarg, '\0', 1, RING_SIZE_MAX, &options->window);
	case 'o':
		return take_number(optarg, '\0', 1, RING_SIZE_MAX, &options->slots);
	case 'a':
		return take_number(optarg, '\0', 1, RING_BURST, &plan->batch);
	case 'm':
		return take_pages(optarg, &options->pages);
	case 't':
		return take_seconds(optarg, &plan->period);
	case 'w':
		return take_seconds(optarg, &plan->warmup);
	case 'c':
		return take_cpus(optarg, plan->cpus);
	case 'p':
		return take_number(optarg, '\0', 1, INT_MAX, &plan->switch_pid);
	default:
		return take_flag(options, option);
	}
}

static int parse_guests(struct options *options, int n, char *const *argv, struct err *err)
{
	int r = 0;

	if (options->floor != FLOOR_NONE && n == 0)
		return 0;
	if (n < 2 || n % 2 || n > GUESTS_MAX)
		return err_set(err, EINVAL,
			       "guests talk in pairs: give 2, 4 ... %d; --help "
			       "says how",
			       GUESTS_MAX);

	options->n_guests = (unsigned)n;
	for (int i = 0; i < n && r == 0; i++)
		r = guest_parse(&options->spec[i], argv[i], err);
	return r;
}

static int parse(struct options *options, int argc, char **argv, struct err *err)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(usage, stdout);
			exit(0);
		}
		if (!take_option(options, option))
			return err_set(err, EINVAL, "'%s' is no option, or its argument is no good",
				       argv[optind - 1]);
	}

	if (options->gso && options->size < 200)
		return err_set(err, EINVAL, "a super-frame of %ld octets: use 200 at least",
			       options->size);
	if (options->plan.bursts && (!options->window || options->window > 128))
		return err_set(err, EINVAL, "bursts need a window, of 128 at most");
	if (!options->slots)
		options->slots = options->window;

	return parse_guests(options, argc - optind, argv + optind, err);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void print_latency(const struct latency *run)
{
	printf("{\"measure\": \"latency\", \"samples\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"late\": %" PRIu64,
	       run->samples, run->lost, run->late);
	printf(", \"min_ns\": %" PRIu64 ", \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64, run->min,
	       run->p50, run->p99);
	cpu_times_print(&run->begin, &run->end);
}

static void print_throughput(const struct throughput *run, long size)
{
	double period = seconds(run->timed_ns ? run->timed_ns : run->end.at - run->begin.at);

	printf("{\"measure\": \"throughput\", \"fps\": %.0f, \"bps\": %.0f",
	       (double)run->received / period, (double)run->received * (double)size * 8 / period);
	printf(", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"total_sent\": %" PRIu64
	       ", \"lost\": %" PRIu64 ", \"full\": %.3f",
	       run->sent, run->received, run->total_sent,
	       run->total_sent - MIN(run->total_sent, run->total_received), run->full);
	cpu_times_print(&run->begin, &run->end);
}

static void print_lanes(const struct traffic *traffic, const uint64_t *received, double period)
{
	const char *comma = "";

	printf(", \"lanes\": [");
	for (unsigned i = 0; i < traffic->n_lanes; i++) {
		if (!traffic->lane[i].active)
			continue;
		printf("%s%.0f", comma, (double)received[i] / period);
		comma = ", ";
	}
	printf("]");
}

static void print_account(const struct traffic *traffic)
{
	uint64_t reordered = 0, damaged = 0, unmarked = 0, kicks = 0;

	for (unsigned i = 0; i < traffic->n_lanes; i++) {
		reordered += traffic->lane[i].reordered;
		damaged += traffic->lane[i].damaged;
		unmarked += traffic->lane[i].unmarked;
		kicks += traffic->lane[i].tx->kicks + traffic->sink[i].rx->kicks;
	}
	printf(", \"reordered\": %" PRIu64 ", \"damaged\": %" PRIu64 ", \"foreign\": %" PRIu64
	       ", \"unmarked\": %" PRIu64 ", \"kicks\": %" PRIu64,
	       reordered, damaged, traffic->foreign, unmarked, kicks);
}

/* The lanes that carry the load: all, or those from the first of each pair. */
static void activate(struct traffic *traffic, const struct guest *guests, bool both)
{
	for (unsigned i = 0; i < traffic->n_lanes; i++)
		traffic->lane[i].active = both || (traffic->lane[i].to - guests) % 2 == 1;
}

static int run_throughput(const struct options *options, struct traffic *traffic, struct err *err)
{
	uint64_t received[TRAFFIC_LANES_MAX];
	struct throughput run;
	int r;

	if (options->plan.bursts)
		r = bursts_run(&run, traffic, &options->plan, err);
	else
		r = throughput_run(&run, traffic, &options->plan, received, err);
	if (r < 0)
		return r;

	print_throughput(&run, options->size);
	if (!options->plan.bursts)
		print_lanes(traffic, received, seconds(run.end.at - run.begin.at));
	print_account(traffic);
	return 0;
}

static int run_latency(const struct options *options, struct traffic *traffic, struct err *err)
{
	struct latency run;
	int r = latency_run(&run, traffic, &options->plan, err);

	if (r < 0)
		return r;

	print_latency(&run);
	print_account(traffic);
	return 0;
}

static int run_copy(const struct options *options, struct traffic *traffic, struct err *err)
{
	struct throughput run;
	int r = floor_copy(&run, traffic, &options->plan, err);

	if (r == 0)
		print_throughput(&run, options->size);
	return r;
}

/* Between guests that are laid out in memory and, but for a floor, started. */
static int run_traffic(const struct options *options, struct traffic *traffic, struct guest *guests,
		       struct err *err)
{
	struct guest_load load = { (uint32_t)options->size, options->gso != 0,
				   (uint32_t)options->slots };
	int r = 0;

	if (options->floor == FLOOR_COPY)
		return run_copy(options, traffic, err);

	for (unsigned i = 0; i < options->n_guests && r == 0; i++)
		r = guest_start(&guests[i], &load, err);
	if (r == 0)
		r = traffic_open_paths(traffic, err);
	if (r < 0)
		return r;

	activate(traffic, guests, options->both);
	r = options->latency ? run_latency(options, traffic, err)
			     : run_throughput(options, traffic, err);
	for (unsigned i = 0; i < options->n_guests && r == 0; i++)
		r = guest_stop(&guests[i], err);
	return r;
}

static int lay_out(const struct options *options, struct memory *memory, struct guest *guests,
		   struct traffic *traffic, struct err *err)
{
	struct guest_load load = { (uint32_t)options->size, options->gso != 0,
				   (uint32_t)options->slots };
	struct frame_shape shape;
	size_t slice = 0;
	int r;

	for (unsigned i = 0; i < options->n_guests; i++)
		slice = MAX(slice, guest_memory(&options->spec[i], &load));
	r = memory_open(memory, slice, options->n_guests, options->pages, err);
	for (unsigned i = 0; i < options->n_guests && r == 0; i++)
		r = guest_open(&guests[i], &options->spec[i], &load, memory, err);
	if (r < 0)
		return r;

	frame_shape_init(&shape, (uint32_t)options->size, (uint16_t)options->gso,
			 (uint32_t)(clock_ns() ^ (uint64_t)getpid() << 16));
	traffic->touch = options->touch;
	traffic->verify = options->verify;
	traffic->window = (uint64_t)options->window;
	return traffic_init(traffic, &shape, guests, options->n_guests, err);
}

static int run_guests(const struct options *options, struct err *err)
{
	static struct guest guests[GUESTS_MAX];
	struct memory memory = { .fd = -1 };
	struct traffic traffic = { 0 };
	int r = lay_out(options, &memory, guests, &traffic, err);

	if (r == 0)
		r = run_traffic(options, &traffic, guests, err);
	if (r == 0)
		printf(", \"page\": %zu", memory.page);

	traffic_fini(&traffic);
	for (unsigned i = 0; i < options->n_guests; i++)
		guest_close(&guests[i]);
	memory_close(&memory);
	return r;
}

static int run(struct options *options, struct err *err)
{
	const long *cpus = options->plan.cpus;
	unsigned before = cpu_distance_ns(cpus[0], cpus[1]);
	struct latency wake;
	int r;

	if (options->floor == FLOOR_WAKE) {
		r = floor_wake(&wake, &options->plan, err);
		if (r == 0)
			print_latency(&wake);
	} else {
		r = run_guests(options, err);
	}
	if (r < 0)
		return r;

	printf(", \"size\": %ld, \"gso\": %ld, \"touch\": %s, \"distance_ns\": [%u, %u]}\n",
	       options->size, options->gso, options->touch ? "true" : "false", before,
	       cpu_distance_ns(cpus[0], cpus[1]));
	return 0;
}

int main(int argc, char **argv)
{
	static struct options options = {
		.size = 64,
		.plan = {
			.cpus = { 0, 1 },
			.warmup = 100000000,
			.period = 500000000,
			.batch = 32,
		},
	};
	struct err err;
	int r = parse(&options, argc, argv, &err);

	if (r == 0)
		r = run(&options, &err);
	if (r < 0) {
		(void)fprintf(stderr, "limpet-front: %s\n", err.msg);
		return 1;
	}

	return 0;
}
