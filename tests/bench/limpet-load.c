/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limpet-load: how much a path between two ends carries, and how fast
 * ===================================================================
 *
 * Source and sink are in one process, so that every frame can be accounted for
 * and no guest is what limits. The result is one line of JSON on stdout;
 * bench.py runs this many times and makes sense of the lines.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "measure.h"

static const char usage[] =
	"usage: limpet-load [OPTION...] FROM TO\n"
	"\n"
	"FROM and TO are KIND:ADDRESS[,mac=MAC][,batch=N][,vnet]:\n"
	"  stream:PATH    a Limpet endpoint's stream socket\n"
	"  dgram:PATH     a Limpet endpoint's datagram socket\n"
	"  tap:PATH       the character device of a kernel macvtap\n"
	"  packet:DEVICE  a packet socket on a network device\n"
	"  stream:- stream:-, dgram:- dgram:-   a socketpair, without a switch\n"
	"\n"
	"  --latency        one frame there and one back; default: throughput, one way\n"
	"  --size OCTETS    of a frame, default 64\n"
	"  --gso OCTETS     frames are TCP super-frames of such segments\n"
	"  --seconds S      to measure, default 0.5\n"
	"  --warm-up S      before that, default 0.1\n"
	"  --quiet S        afterwards wait so long for the next frame under way, default 0.1\n"
	"  --threads 1|2    poll both ends, or source and sink who sleep; default 1\n"
	"  --cpus A,B       where the threads run, default 0,1; -1: anywhere\n"
	"  --switch PID     whose processor time to read\n"
	"  --verify         compare every octet that arrives\n";

struct options {
	bool latency, verify;
	long size, gso;
	struct plan plan;
	struct end_spec ends[2];
};

/* clang-format off */
static const struct option long_options[] = {
	{ "latency", no_argument,       NULL, 'l' },
	{ "size",    required_argument, NULL, 's' },
	{ "gso",     required_argument, NULL, 'g' },
	{ "seconds", required_argument, NULL, 't' },
	{ "warm-up", required_argument, NULL, 'w' },
	{ "quiet", required_argument, NULL, 'q' },
	{ "threads", required_argument, NULL, 'n' },
	{ "cpus",    required_argument, NULL, 'c' },
	{ "switch",  required_argument, NULL, 'p' },
	{ "verify",  no_argument,       NULL, 'v' },
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

/* Reads what getopt found; false if its argument is no good. */
static bool take_option(struct options *options, int option)
{
	struct plan *plan = &options->plan;

	switch (option) {
	case 'l':
		return options->latency = true;
	case 'v':
		return options->verify = true;
	case 's':
		return take_number(optarg, '\0', 0, UINT16_MAX * 2, &options->size);
	case 'g':
		return take_number(optarg, '\0', 0, UINT16_MAX, &options->gso);
	case 't':
		return take_seconds(optarg, &plan->period);
	case 'w':
		return take_seconds(optarg, &plan->warmup);
	case 'q':
		return take_seconds(optarg, &plan->quiet);
	case 'n':
		return take_number(optarg, '\0', 1, 2, &plan->threads);
	case 'c':
		return take_cpus(optarg, plan->cpus);
	case 'p':
		return take_number(optarg, '\0', 1, INT_MAX, &plan->switch_pid);
	default:
		return false;
	}
}

static int parse_ends(struct options *options, char *const *argv, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int r = end_parse(&options->ends[i], argv[i], err);

		if (r < 0)
			return r;
	}

	if (strcmp(options->ends[0].address, "-") != 0)
		return 0;

	return end_pair(&options->ends[0], &options->ends[1], err);
}

static int parse(struct options *options, int argc, char **argv, struct err *err)
{
	long size_min = options->gso ? 200 : FRAME_SIZE_MIN;
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

	if (argc - optind != 2)
		return err_set(err, EINVAL, "two ends are needed; --help lists them");
	if (options->size < size_min || options->size > FRAME_SIZE_MAX)
		return err_set(err, EINVAL, "a frame of %ld octets: use %ld to %d", options->size,
			       size_min, FRAME_SIZE_MAX);

	return parse_ends(options, argv + optind, err);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void print_account(const struct side *a, const struct side *b)
{
	printf(", \"reordered\": %" PRIu64 ", \"damaged\": %" PRIu64 ", \"foreign\": %" PRIu64,
	       a->in.reordered + b->in.reordered, a->in.damaged + b->in.damaged,
	       a->in.foreign + b->in.foreign);
}

static int run_flow(const struct options *options, struct side *a, struct side *b, struct err *err)
{
	struct flow flow;
	double period;
	int r = flow_run(&flow, a, b, &options->plan, err);

	if (r < 0)
		return r;

	period = seconds(flow.end.at - flow.begin.at);
	printf("{\"measure\": \"throughput\", \"fps\": %.0f, \"bps\": %.0f",
	       (double)flow.received / period,
	       (double)flow.received * (double)options->size * 8 / period);
	printf(", \"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"total_sent\": %" PRIu64
	       ", \"lost\": %" PRIu64,
	       flow.sent, flow.received, flow.total_sent,
	       flow.total_sent - MIN(flow.total_sent, flow.total_received));
	print_account(a, b);
	cpu_times_print(&flow.begin, &flow.end);
	return 0;
}

static int run_echo(const struct options *options, struct side *a, struct side *b, struct err *err)
{
	struct echo echo;
	int r = echo_run(&echo, a, b, &options->plan, err);

	if (r < 0)
		return r;

	printf("{\"measure\": \"latency\", \"samples\": %" PRIu64 ", \"lost\": %" PRIu64,
	       echo.samples, echo.lost);
	printf(", \"min_ns\": %" PRIu64 ", \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64, echo.min,
	       echo.p50, echo.p99);
	print_account(a, b);
	cpu_times_print(&echo.begin, &echo.end);
	return 0;
}

static int run(const struct options *options, struct err *err)
{
	SCOPED(side_fini) struct side a = { 0 };
	SCOPED(side_fini) struct side b = { 0 };
	const long *cpus = options->plan.cpus;
	struct frame_shape shape;
	unsigned before;
	int r;

	frame_shape_init(&shape, (uint32_t)options->size, (uint16_t)options->gso,
			 (uint32_t)(clock_ns() ^ (uint64_t)getpid() << 16));
	r = end_open(&options->ends[0], &a.end, err);
	if (r == 0)
		r = end_open(&options->ends[1], &b.end, err);
	if (r == 0)
		r = side_init_pair(&a, &b, &shape, options->verify, err);
	if (r == 0)
		r = side_open_path(&a, &b, err);
	if (r < 0)
		return r;

	before = cpu_distance_ns(cpus[0], cpus[1]);
	r = options->latency ? run_echo(options, &a, &b, err) : run_flow(options, &a, &b, err);
	if (r < 0)
		return r;

	printf(", \"size\": %ld, \"gso\": %ld, \"threads\": %ld, \"distance_ns\": [%u, %u]}\n",
	       options->size, options->gso, options->plan.threads, before,
	       cpu_distance_ns(cpus[0], cpus[1]));
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.size = 64,
		.plan = {
			.threads = 1,
			.cpus = { 0, 1 },
			.warmup = 100000000,
			.quiet = 100000000,
			.period = 500000000,
		},
	};
	struct err err;
	int r = parse(&options, argc, argv, &err);

	if (r == 0)
		r = run(&options, &err);
	if (r < 0) {
		(void)fprintf(stderr, "limpet-load: %s\n", err.msg);
		return 1;
	}

	return 0;
}
