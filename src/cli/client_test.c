/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the client against daemons that are absent, silent, strange, or
 * endless. Each of them is a child that plays its part on one connection.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/link_list.h"

/* A daemon that plays 'play' to whoever connects first. */
struct stage {
	char dir[32];
	pid_t pid;
	struct client client;
};

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(text_copy(address.sun_path, sizeof(address.sun_path), path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Waits until a whole call was read. */
static void read_call(int fd)
{
	char byte;

	do {
		if (recv(fd, &byte, 1, 0) != 1)
			_exit(1);
	} while (byte != '\0');
}

static void say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text) + 1, MSG_NOSIGNAL);
}

static struct stage raise_curtain(void (*play)(int fd))
{
	struct stage stage = { .dir = "/tmp/limpet-client-XXXXXX" };
	int fd;

	assert_non_null(mkdtemp(stage.dir));
	assert_int_equal(client_init(&stage.client, stage.dir, NULL), 0);
	fd = listen_on(stage.client.path);
	stage.pid = fork();
	assert_true(stage.pid >= 0);
	if (stage.pid == 0) {
		play(accept(fd, NULL, NULL));
		_exit(0);
	}
	(void)fd_close(fd);
	return stage;
}

static void drop_curtain(struct stage *stage)
{
	client_fini(&stage->client);
	(void)kill(stage->pid, SIGKILL);
	assert_int_equal(waitpid(stage->pid, NULL, 0), stage->pid);
	assert_int_equal(unlink(stage->client.path), 0);
	assert_int_equal(rmdir(stage->dir), 0);
}

/* Deletes a link and returns what comes of it. */
static int delete_link(struct client *client, struct err *err)
{
	const struct proto_request request = { .method = PROTO_METHOD_DELETE, .name = "m0" };
	struct proto_reply reply SCOPED(scoped_proto_reply) = { 0 };

	return client_call(client, &request, &reply, err);
}

static void play_done(int fd)
{
	read_call(fd);
	say(fd, "{\"parameters\":{}}");
	read_call(fd);
	say(fd, "{\"parameters\":{}}");
}

static void two_calls_share_a_connection(void **state)
{
	struct stage stage = raise_curtain(play_done);

	(void)state;
	assert_int_equal(delete_link(&stage.client, NULL), 0);
	assert_int_equal(delete_link(&stage.client, NULL), 0);
	drop_curtain(&stage);
}

static void play_refused(int fd)
{
	read_call(fd);
	say(fd, "{\"error\":\"io.limpet.Refused\",\"parameters\":{\"errno\":\"EADDRINUSE\","
		"\"message\":\"endpoint 'm0' has it\"}}");
	read_call(fd);
	say(fd, "{\"parameters\":{}}");
}

static void a_refusal_keeps_errno_sentence_and_connection(void **state)
{
	struct stage stage = raise_curtain(play_refused);
	struct err err = { .msg = "" };

	(void)state;
	assert_int_equal(delete_link(&stage.client, &err), -EADDRINUSE);
	assert_string_equal(err.msg, "endpoint 'm0' has it");
	assert_int_equal(delete_link(&stage.client, &err), 0);
	drop_curtain(&stage);
}

static void play_silent(int fd)
{
	read_call(fd);
	(void)pause();
}

static void silence_ends_at_the_deadline(void **state)
{
	struct stage stage = raise_curtain(play_silent);
	struct err err = { .msg = "" };

	(void)state;
	stage.client.timeout_ms = 50;
	assert_int_equal(delete_link(&stage.client, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "/control.sock' does not answer (waited 50 ms)"));
	assert_int_equal(stage.client.fd, -1);
	drop_curtain(&stage);
}

/* A byte now and then may not put off the deadline of the whole reply. */
static void play_trickle(int fd)
{
	read_call(fd);
	for (;;) {
		(void)send(fd, " ", 1, MSG_NOSIGNAL);
		(void)usleep(1000);
	}
}

static void a_trickle_ends_at_the_deadline(void **state)
{
	struct stage stage = raise_curtain(play_trickle);

	(void)state;
	stage.client.timeout_ms = 100;
	assert_int_equal(delete_link(&stage.client, NULL), -ETIMEDOUT);
	drop_curtain(&stage);
}

static void play_deaf(int fd)
{
	(void)fd;
	(void)pause();
}

static void a_daemon_that_does_not_read_is_left(void **state)
{
	struct proto_request request = {
		.method = PROTO_METHOD_SET,
		.name = "m0",
		.change = { .has = LINK_HAS_SOURCES, .name = "m0", .source_command = SOURCE_SET },
	};
	struct stage stage = raise_curtain(play_deaf);
	struct proto_reply reply = { 0 };
	int r = 0;

	(void)state;
	for (int i = 0; i < LINK_SOURCES_MAX; i++)
		assert_int_equal(
			link_change_add_source(&request.change, (struct mac){ { 2 } }, NULL), 0);
	stage.client.timeout_ms = 50;
	/* Until the socket's buffer is full. */
	for (int i = 0; i < 100 && r == 0; i++)
		r = client_send(&stage.client, &request, NULL);
	assert_int_equal(r, -ETIMEDOUT);
	proto_reply_fini(&reply);
	link_change_fini(&request.change);
	drop_curtain(&stage);
}

static void play_hangup(int fd)
{
	read_call(fd);
	(void)close(fd);
}

static void a_closed_connection_is_told(void **state)
{
	struct stage stage = raise_curtain(play_hangup);
	struct err err = { .msg = "" };

	(void)state;
	assert_int_equal(delete_link(&stage.client, &err), -ECONNRESET);
	assert_non_null(strstr(err.msg, "closed the connection without an answer"));
	drop_curtain(&stage);
}

static void play_garbage(int fd)
{
	read_call(fd);
	say(fd, "220 mail.example.org ESMTP");
	(void)pause();
}

static void garbage_is_called_so(void **state)
{
	struct stage stage = raise_curtain(play_garbage);
	struct err err = { .msg = "" };

	(void)state;
	assert_int_equal(delete_link(&stage.client, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "/control.sock' does not talk as limpetd does: "));
	assert_int_equal(stage.client.fd, -1);
	drop_curtain(&stage);
}

static void play_endless(int fd)
{
	static char chunk[65536];

	memset(chunk, 'x', sizeof(chunk));
	read_call(fd);
	while (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
		;
}

static void an_endless_reply_is_cut_off(void **state)
{
	struct stage stage = raise_curtain(play_endless);

	(void)state;
	assert_int_equal(delete_link(&stage.client, NULL), -EMSGSIZE);
	drop_curtain(&stage);
}

static void play_too_many(int fd)
{
	read_call(fd);
	for (int i = 0; i <= LINK_LIST_MAX; i++)
		say(fd,
		    "{\"continues\":true,\"parameters\":{\"link\":{\"index\":1,\"name\":\"m0\","
		    "\"kind\":\"dummy\",\"address\":\"02:00:00:00:00:01\",\"mtu\":1500,"
		    "\"minMtu\":68,\"maxMtu\":65535,\"txqlen\":500,\"up\":true,\"carrier\":true,"
		    "\"lowerUp\":true,\"promiscuity\":0,\"allmulti\":0,\"dummy\":{\"hairpin\":false},"
		    "\"rx\":{\"bytes\":0,\"packets\":0,\"errors\":0,\"dropped\":0,\"multicast\":0},"
		    "\"tx\":{\"bytes\":0,\"packets\":0,\"errors\":0,\"dropped\":0,\"multicast\":0},"
		    "\"dropsIn\":{},\"dropsOut\":{},\"port\":{\"kind\":\"dummy\"}}}}");
	(void)pause();
}

static void a_list_without_end_is_cut_off(void **state)
{
	struct stage stage = raise_curtain(play_too_many);
	struct link_list list = { 0 };
	struct err err = { .msg = "" };

	(void)state;
	assert_int_equal(link_list_fetch(&stage.client, "", NULL, &list, &err), -E2BIG);
	assert_string_equal(err.msg, "limpetd lists more than 16384 links");
	assert_int_equal(list.n, 0);
	/* What is left of the list is no answer to the next call. */
	assert_int_equal(stage.client.fd, -1);
	drop_curtain(&stage);
}

static void an_absent_daemon_is_named_with_what_to_do(void **state)
{
	struct err err = { .msg = "" };
	struct client client;

	(void)state;
	assert_int_equal(client_init(&client, "/nonexistent/limpet", NULL), 0);
	assert_int_equal(delete_link(&client, &err), -ENOENT);
	assert_string_equal(err.msg,
			    "cannot reach limpetd at '/nonexistent/limpet/control.sock' "
			    "(No such file or directory): is it running? try 'systemctl "
			    "start limpetd', or 'limpetd --runtime-dir /nonexistent/limpet'");
	client_fini(&client);
}

static void a_path_no_socket_can_have_is_refused(void **state)
{
	char dir[200];
	struct client client;

	(void)state;
	memset(dir, 'x', sizeof(dir));
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(client_init(&client, dir, NULL), -ENAMETOOLONG);
	/* As long as it just fits: "/control.sock" has 13 signs, the NUL one. */
	dir[sizeof(client.path) - 14] = '\0';
	assert_int_equal(client_init(&client, dir, NULL), 0);
	client_fini(&client);
	dir[sizeof(client.path) - 14] = 'x';
	dir[sizeof(client.path) - 13] = '\0';
	assert_int_equal(client_init(&client, dir, NULL), -ENAMETOOLONG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_calls_share_a_connection),
		cmocka_unit_test(a_refusal_keeps_errno_sentence_and_connection),
		cmocka_unit_test(silence_ends_at_the_deadline),
		cmocka_unit_test(a_trickle_ends_at_the_deadline),
		cmocka_unit_test(a_daemon_that_does_not_read_is_left),
		cmocka_unit_test(a_closed_connection_is_told),
		cmocka_unit_test(garbage_is_called_so),
		cmocka_unit_test(an_endless_reply_is_cut_off),
		cmocka_unit_test(a_list_without_end_is_cut_off),
		cmocka_unit_test(an_absent_daemon_is_named_with_what_to_do),
		cmocka_unit_test(a_path_no_socket_can_have_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli client", tests, NULL, NULL);
}
