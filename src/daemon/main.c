/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limpetd: start, confine, wait, stop
 * ===================================
 *
 * What it is. The frame around the control thread: options, limits and
 * privileges, then the event loop until SIGTERM or SIGINT.
 *
 * Order. Privileges are dropped before the first peer can connect; readiness
 * is told when the control socket listens. die() exists here and nowhere else:
 * after the start nothing ends the daemon but its administrator.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "ctl/ctl.h"
#include "ctl/log.h"
#include "ctl/server.h"
#include "ctl/sockets.h"
#include "daemon/confine.h"
#include "version.h"
#include "virtio/sigbus.h"

static void usage(FILE *out)
{
	(void)fputs(
		"Usage: limpetd [ --runtime-dir DIR ]\n"
		"       limpetd { --help | --version }\n"
		"\n"
		"Carries the endpoints that 'limpet link add' makes. Stays in the foreground;\n"
		"SIGTERM stops it. DIR is where its sockets are: $XDG_RUNTIME_DIR/limpet for a\n"
		"user, /run/limpet for root and where XDG_RUNTIME_DIR is not set.\n",
		out);
}

_Noreturn static void die(const char *sentence)
{
	log_line(LOG_ERR, "%s", sentence);
	exit(EXIT_FAILURE);
}

struct options {
	const char *runtime_dir;
};

static struct options parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "runtime-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "hV", known, NULL)) >= 0) {
		switch (c) {
		case 'r':
			options.runtime_dir = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			(void)puts("limpetd " LIMPET_VERSION);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(EXIT_FAILURE);
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "limpetd: unexpected argument '%s'\n", argv[optind]);
		usage(stderr);
		exit(EXIT_FAILURE);
	}
	return options;
}

/* Where the sockets are by default; 'buf' may hold the answer. */
static const char *default_runtime_dir(char *buf, size_t size)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !base || !base[0])
		return "/run/limpet";
	(void)snprintf(buf, size, "%s/limpet", base);
	return buf;
}

/* Every endpoint costs descriptors; the soft limit is for programs that use
 * select(), which this is not.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int wait_for_end(sd_event *event, struct ctl *ctl)
{
	struct server *server = NULL;
	struct err err;
	int r;

	if (server_new(ctl, event, LIMPET_VERSION, &server, &err) < 0) {
		ctl_free(ctl);
		die(err.msg);
	}

	(void)sd_notify(0, "READY=1");
	log_line(LOG_INFO, "ready on '%s'", ctl_runtime_dir(ctl)->path);
	r = sd_event_loop(event);
	(void)sd_notify(0, "STOPPING=1");
	server_free(server);
	if (r < 0)
		log_line(LOG_ERR, "the event loop failed: %s", strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	char buf[4096];
	sd_event *event = NULL;
	struct ctl *ctl = NULL;
	sigset_t signals;
	struct err err;
	int r;

	log_init();
	raise_descriptor_limit();
	if (confine(&err) < 0 || sigbus_install(&err) < 0)
		die(err.msg);

	/* Blocked before the worker starts, so that no thread takes them. */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);

	if (sd_event_default(&event) < 0 ||
	    sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL) < 0 ||
	    sd_event_add_signal(event, NULL, SIGINT, NULL, NULL) < 0)
		die("cannot make an event loop");
	(void)sd_event_set_watchdog(event, 1);

	if (ctl_new(event,
		    options.runtime_dir ? options.runtime_dir
					: default_runtime_dir(buf, sizeof(buf)),
		    &ctl, &err) < 0)
		die(err.msg);

	r = wait_for_end(event, ctl);
	ctl_free(ctl);
	sd_event_unref(event);
	/* systemd's Restart=on-failure goes by this. */
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
