/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the datagram port: whom it answers. What every kind of port promises
 * is tested in tests/conform.
 */
#include "port/dgram.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "port/burst.h"
#include "port/port.h"

#define NOBODY 65534

struct fixture {
	char dir[32];
	struct port *port;
	struct burst *in;
};

static uint8_t data[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[2][108];
	static unsigned i;

	(void)snprintf(path[++i % 2], sizeof(path[0]), "%s/%s", f->dir, name);
	return path[i % 2];
}

/* A datagram socket bound to 'name' in the test's directory. */
static int bound(const struct fixture *f, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(f, name));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/limpet-dgram-XXXXXX");
	*state = f;
	return !mkdtemp(f->dir) || burst_new(&f->in, NULL) < 0 ||
	       port_dgram_open(bound(f, "near"), &f->port, NULL) < 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	DIR *dir = opendir(f->dir);
	const struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(f->dir);
	f->port = port_close(f->port);
	burst_free(f->in);
	free(f);
	return 0;
}

/* A frame from 'fd' to the port. */
static void say(const struct fixture *f, int fd)
{
	struct sockaddr_un near = { .sun_family = AF_UNIX };

	(void)snprintf(near.sun_path, sizeof(near.sun_path), "%s", path_of(f, "near"));
	assert_int_equal(
		sendto(fd, data, sizeof(data), 0, (const struct sockaddr *)&near, sizeof(near)),
		sizeof(data));
}

static unsigned port_rx(struct fixture *f)
{
	burst_clear(f->in);
	return f->port->ops->rx(f->port, f->in, BURST_MAX);
}

/* Sends one frame; why it was not taken, or DROP_COUNT if it was. */
static enum drop port_tx(struct fixture *f)
{
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct frame frame = { .iov = &iov, .n_iov = 1, .len = sizeof(data) };
	struct frame *frames[] = { &frame };
	enum drop why;

	return f->port->ops->tx(f->port, frames, 1, &why) == 1 ? DROP_COUNT : why;
}

static bool hears(int fd)
{
	uint8_t buf[100];

	return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == sizeof(data);
}

static void nobody_is_answered_before_somebody_sent(void **state)
{
	struct fixture *f = *state;
	char peer[500];

	assert_int_equal(port_tx(f), DROP_NO_PEER);
	assert_false(port_dgram_peer(f->port, peer, sizeof(peer)));
	assert_string_equal(peer, "");
}

static void a_socket_without_address_is_not_heard(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	say(f, fd);
	assert_int_equal(port_rx(f), 0);
	assert_int_equal(f->in->dropped[DROP_UNBOUND_PEER], 1);
	assert_int_equal(port_tx(f), DROP_NO_PEER);
	(void)close(fd);
}

static void whoever_sent_last_is_answered(void **state)
{
	struct fixture *f = *state;
	int a = bound(f, "a"), b = bound(f, "b");
	char peer[500];

	say(f, a);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(a));

	say(f, a);
	say(f, b);
	assert_int_equal(port_rx(f), 2);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_false(hears(a));
	assert_true(hears(b));
	assert_true(port_dgram_peer(f->port, peer, sizeof(peer)));
	assert_string_equal(peer, path_of(f, "b"));
	(void)close(a);
	(void)close(b);
}

/* The socket that only sends may not, then. */
static void a_peer_that_connects_is_answered(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un near = { .sun_family = AF_UNIX };
	int a = bound(f, "a"), b = bound(f, "b");

	(void)snprintf(near.sun_path, sizeof(near.sun_path), "%s", path_of(f, "near"));
	say(f, a);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(a));

	/* After it was found, */
	assert_int_equal(connect(a, (const struct sockaddr *)&near, sizeof(near)), 0);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(a));

	/* and before. */
	assert_int_equal(connect(b, (const struct sockaddr *)&near, sizeof(near)), 0);
	say(f, b);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(b));
	assert_false(hears(a));
	(void)close(a);
	(void)close(b);
}

static void a_peer_that_restarts_is_found_again(void **state)
{
	struct fixture *f = *state;
	int a = bound(f, "a");
	char peer[500];

	say(f, a);
	assert_int_equal(port_rx(f), 1);
	(void)close(a);
	(void)unlink(path_of(f, "a"));
	a = bound(f, "a");
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(a));

	(void)close(a);
	assert_int_equal(port_tx(f), DROP_NO_PEER);
	assert_false(port_dgram_peer(f->port, peer, sizeof(peer)));
	assert_false(f->port->faulty);
}

static void a_link_in_place_of_the_peer_is_not_followed(void **state)
{
	struct fixture *f = *state;
	int a = bound(f, "a"), victim = bound(f, "victim");

	/* Before the port looks: heard, not answered. */
	say(f, a);
	assert_int_equal(rename(path_of(f, "a"), path_of(f, "moved")), 0);
	assert_int_equal(symlink(path_of(f, "victim"), path_of(f, "a")), 0);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_NO_PEER);

	/* Afterwards: the socket that sent is answered, wherever it is now. */
	assert_int_equal(rename(path_of(f, "moved"), path_of(f, "a")), 0);
	say(f, a);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(unlink(path_of(f, "a")), 0);
	assert_int_equal(symlink(path_of(f, "victim"), path_of(f, "a")), 0);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(a));
	assert_false(hears(victim));
	(void)close(a);
	(void)close(victim);
}

/* A child of another user binds 'name', sends and goes. */
static void a_stranger_sends_as(const struct fixture *f, const char *name)
{
	pid_t child;
	int status;

	assert_int_equal(chown(f->dir, NOBODY, NOBODY), 0);
	assert_int_equal(chown(path_of(f, "near"), NOBODY, NOBODY), 0);
	child = fork();
	if (child == 0) {
		if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(1);
		say(f, bound(f, name));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_socket_of_somebody_else_is_not_answered(void **state)
{
	struct fixture *f = *state;
	int victim;

	if (geteuid() != 0) {
		print_message("# needs root, to be somebody else\n");
		return;
	}

	victim = bound(f, "victim");
	a_stranger_sends_as(f, "x");
	assert_int_equal(rename(path_of(f, "victim"), path_of(f, "x")), 0);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_NO_PEER);
	assert_false(hears(victim));
	(void)close(victim);
}

static void names_that_mean_nothing_here_are_not_answered(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int abstract = socket(AF_UNIX, SOCK_DGRAM, 0), relative = socket(AF_UNIX, SOCK_DGRAM, 0);
	char cwd[4096];

	/* The family alone: the kernel chooses an abstract name. */
	assert_int_equal(bind(abstract, (const struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	say(f, abstract);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_NO_PEER);

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(f->dir), 0);
	address.sun_path[0] = 'r';
	assert_int_equal(bind(relative, (const struct sockaddr *)&address, sizeof(address)), 0);
	say(f, relative);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_NO_PEER);
	assert_int_equal(chdir(cwd), 0);
	(void)close(abstract);
	(void)close(relative);
}

static void a_path_is_shown_escaped(void **state)
{
	struct fixture *f = *state;
	int a = bound(f, "\x1b[2J");
	char peer[500];

	say(f, a);
	assert_int_equal(port_rx(f), 1);
	assert_true(port_dgram_peer(f->port, peer, sizeof(peer)));
	assert_string_equal(peer, path_of(f, "\\x1b[2J"));
	(void)close(a);
}

struct watcher {
	const struct fixture *f;
	bool stop; /* atomic */
	unsigned n_wrong;
};

static void *watch(void *arg)
{
	struct watcher *watcher = arg;
	size_t len = strlen(watcher->f->dir);
	char peer[500];

	while (!__atomic_load_n(&watcher->stop, __ATOMIC_RELAXED)) {
		if (port_dgram_peer(watcher->f->port, peer, sizeof(peer)) &&
		    strcmp(peer + len, "/a") != 0 && strcmp(peer + len, "/another") != 0)
			watcher->n_wrong++;
	}
	return NULL;
}

static void the_peer_can_be_asked_for_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct watcher watcher = { .f = f };
	int peers[] = { bound(f, "a"), bound(f, "another") };
	char peer[500];
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
	for (int i = 0; i < 5000; i++) {
		say(f, peers[i % 2]);
		assert_int_equal(port_rx(f), 1);
	}
	__atomic_store_n(&watcher.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(watcher.n_wrong, 0);

	/* It may have lagged behind while it was read, but not from now on. */
	say(f, peers[1]);
	assert_int_equal(port_rx(f), 1);
	assert_true(port_dgram_peer(f->port, peer, sizeof(peer)));
	assert_string_equal(peer, path_of(f, "another"));
	(void)close(peers[0]);
	(void)close(peers[1]);
}

static void the_longest_path_is_answered(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t len = strlen(f->dir);
	char path[sizeof(address.sun_path) + 1] = "";

	/* All 108 bytes, without a NUL. */
	memset(address.sun_path, 'x', sizeof(address.sun_path));
	memcpy(address.sun_path, f->dir, len);
	address.sun_path[len] = '/';
	memcpy(path, address.sun_path, sizeof(address.sun_path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);

	say(f, fd);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(port_tx(f), DROP_COUNT);
	assert_true(hears(fd));
	assert_int_equal(unlink(path), 0);
	(void)close(fd);
}

static void a_frame_in_too_many_pieces_is_refused_alone(void **state)
{
	struct fixture *f = *state;
	struct iovec crumbs[2000], whole = { .iov_base = data, .iov_len = sizeof(data) };
	struct frame good = { .iov = &whole, .n_iov = 1, .len = sizeof(data) };
	struct frame bad = { .iov = crumbs, .n_iov = ARRAY_SIZE(crumbs), .len = 2000 };
	struct frame *frames[] = { &good, &bad, &good };
	enum drop why = DROP_COUNT;
	int a = bound(f, "a");

	for (size_t i = 0; i < ARRAY_SIZE(crumbs); i++)
		crumbs[i] = (struct iovec){ .iov_base = data, .iov_len = 1 };

	say(f, a);
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(f->port->ops->tx(f->port, frames, 3, &why), 1);
	assert_int_equal(why, DROP_OVERSIZE);
	assert_true(hears(a));
	assert_false(hears(a));
	assert_int_equal(f->port->ops->tx(f->port, frames + 2, 1, &why), 1);
	assert_true(hears(a));
	(void)close(a);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void descriptors_sent_along_are_not_kept(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un near = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr msg = {
		.msg_name = &near,
		.msg_namelen = sizeof(near),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int a = bound(f, "a"), before;

	say(f, a);
	assert_int_equal(port_rx(f), 1); /* it is the peer: its pin is counted */
	before = count_fds();
	(void)snprintf(near.sun_path, sizeof(near.sun_path), "%s", path_of(f, "near"));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &a, sizeof(int));
	assert_int_equal(sendmsg(a, &msg, 0), sizeof(data));
	assert_int_equal(port_rx(f), 1);
	assert_int_equal(count_fds(), before);
	(void)close(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(nobody_is_answered_before_somebody_sent),
		TEST(a_socket_without_address_is_not_heard),
		TEST(whoever_sent_last_is_answered),
		TEST(a_peer_that_connects_is_answered),
		TEST(a_peer_that_restarts_is_found_again),
		TEST(a_link_in_place_of_the_peer_is_not_followed),
		TEST(a_socket_of_somebody_else_is_not_answered),
		TEST(names_that_mean_nothing_here_are_not_answered),
		TEST(a_path_is_shown_escaped),
		TEST(the_peer_can_be_asked_for_at_any_time),
		TEST(the_longest_path_is_answered),
		TEST(a_frame_in_too_many_pieces_is_refused_alone),
		TEST(descriptors_sent_along_are_not_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("dgram", tests, NULL, NULL);
}
