/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/vnet.h"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (file) {
		(void)fputs(text, file);
		(void)fclose(file);
	}
}

static bool unshare_quietly(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return false;

	/* A kernel without IPv6 has no such files, and no need of them. */
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return true;
}

bool netns_enter(void)
{
	return unshare_quietly();
}

bool netns_skip_all(void)
{
	if (unshare_quietly())
		return false;

	(void)printf("1..0 # SKIP making network namespaces needs root\n");
	return true;
}

int netns_here(void)
{
	int ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		fail_msg("no network namespace: %s", strerror(errno));
	return ns;
}

int netns_new(void)
{
	int here = netns_here(), ns;

	if (!unshare_quietly())
		fail_msg("no new network namespace: %s", strerror(errno));
	ns = netns_here();
	netns_switch(here);
	(void)close(here);
	return ns;
}

void netns_switch(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		fail_msg("cannot change the network namespace: %s", strerror(errno));
}

void netns_run(const char *fmt, ...)
{
	char command[512];
	va_list args;
	int status;

	va_start(args, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);

	status = system(command);
	if (status != 0)
		fail_msg("'%s' ended with status %d", command, status);
}

bool netns_prints(const char *command, const char *text)
{
	char output[16384];
	FILE *pipe = popen(command, "re");
	size_t n = pipe ? fread(output, 1, sizeof(output) - 1, pipe) : 0;

	if (!pipe || pclose(pipe) != 0)
		fail_msg("'%s' failed", command);
	output[n] = '\0';
	return strstr(output, text) != NULL;
}

int netns_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	int header = (int)sizeof(struct vnet_header);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, offload) < 0)
		fail_msg("cannot make tap device '%s': %s", name, strerror(errno));
	netns_run("ip link set %s up", name);
	return fd;
}

int netns_index(const char *name)
{
	unsigned index = if_nametoindex(name);

	if (index == 0)
		fail_msg("there is no device '%s'", name);
	return (int)index;
}

long netns_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
