/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of an endpoint in QEMU's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/qemu.h"

static struct proto_link link_of(const char *name, const char *path)
{
	struct proto_link link = { .address = { { 0x52, 0x54, 0, 0xb8, 0x9c, 0x58 } },
				   .mtu = 1500 };

	assert_true(text_copy(link.name, sizeof(link.name), name));
	assert_true(text_copy(link.stream_path, sizeof(link.stream_path), path));
	assert_true(text_copy(link.vhost_path, sizeof(link.vhost_path), path));
	return link;
}

static struct qemu_args args_of(const char *name, const char *path, enum qemu_way way)
{
	struct proto_link link = link_of(name, path);
	struct qemu_args args;

	qemu_format(&link, way, &args);
	return args;
}

static void a_guest_gets_socket_and_address(void **state)
{
	struct qemu_args args = args_of("web0", "/run/limpet/web0/vhost.sock", QEMU_VHOST);

	(void)state;
	assert_string_equal(args.chardev,
			    "socket,id=web0-vhost,path=/run/limpet/web0/vhost.sock,reconnect=1");
	assert_string_equal(args.netdev, "vhost-user,id=web0,chardev=web0-vhost");
	assert_string_equal(args.device, "virtio-net-pci,netdev=web0,mac=52:54:00:b8:9c:58");

	args = args_of("web0", "/run/limpet/web0/stream.sock", QEMU_STREAM);
	assert_string_equal(args.chardev, "");
	assert_string_equal(args.netdev, "stream,id=web0,server=off,addr.type=unix,"
					 "addr.path=/run/limpet/web0/stream.sock");
	assert_string_equal(args.device, "virtio-net-pci,netdev=web0,mac=52:54:00:b8:9c:58");
}

static void who_is_connected_to_listens(void **state)
{
	struct proto_link link = link_of("web0", "/run/limpet/web0/vhost.sock");
	struct qemu_args args;

	(void)state;
	assert_true(text_copy(link.vhost, sizeof(link.vhost), "/run/guests/web0"));
	qemu_format(&link, QEMU_VHOST, &args);
	assert_string_equal(args.chardev,
			    "socket,id=web0-vhost,path=/run/guests/web0,server=on,wait=off");
}

static void an_uncommon_mtu_is_told(void **state)
{
	struct proto_link link = link_of("web0", "/x");
	struct qemu_args args;

	(void)state;
	link.mtu = 9000;
	qemu_format(&link, QEMU_VHOST, &args);
	assert_string_equal(args.device,
			    "virtio-net-pci,netdev=web0,mac=52:54:00:b8:9c:58,host_mtu=9000");
}

static void names_and_paths_keep_to_the_rules_of_qemu(void **state)
{
	struct qemu_args args = args_of("0a@b:c.d", "/tmp/a,b/0/x.sock", QEMU_STREAM);

	(void)state;
	assert_string_equal(args.netdev, "stream,id=net0a_b_c.d,server=off,addr.type=unix,"
					 "addr.path=/tmp/a,,b/0/x.sock");
	assert_string_equal(args.device, "virtio-net-pci,netdev=net0a_b_c.d,mac=52:54:00:b8:9c:58");

	args = args_of("0a@b:c.d", "/tmp/a,b/0/x.sock", QEMU_VHOST);
	assert_string_equal(args.chardev,
			    "socket,id=net0a_b_c.d-vhost,path=/tmp/a,,b/0/x.sock,reconnect=1");
	assert_string_equal(args.netdev, "vhost-user,id=net0a_b_c.d,chardev=net0a_b_c.d-vhost");
}

static void the_longest_names_and_paths_fit(void **state)
{
	struct proto_link link;
	char path[108];
	struct qemu_args args;

	(void)state;
	memset(path, ',', sizeof(path));
	path[107] = '\0';
	link = link_of("123456789012345", path);
	link.mtu = UINT32_MAX;
	assert_true(text_copy(link.vhost, sizeof(link.vhost), path));

	qemu_format(&link, QEMU_STREAM, &args);
	assert_int_equal(
		strlen(args.netdev),
		strlen("stream,id=net123456789012345,server=off,addr.type=unix,addr.path=") +
			2 * 107);
	qemu_format(&link, QEMU_VHOST, &args);
	assert_int_equal(strlen(args.chardev),
			 strlen("socket,id=net123456789012345-vhost,path=,server=on,wait=off") +
				 2 * 107);
	assert_string_equal(args.device, "virtio-net-pci,netdev=net123456789012345,"
					 "mac=52:54:00:b8:9c:58,host_mtu=4294967295");
}

static void a_shell_takes_each_argument_as_it_is(void **state)
{
	static const struct {
		const char *word, *quoted;
	} cases[] = {
		{ "stream,id=a,addr.path=/run/x", "stream,id=a,addr.path=/run/x" },
		{ "a b", "'a b'" },
		{ "", "''" },
		{ "it's", "'it'\\''s'" },
		{ "$(x)", "'$(x)'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size;
		char *text;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		qemu_quote(out, cases[i].word);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(text, cases[i].quoted);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_gets_socket_and_address),
		cmocka_unit_test(who_is_connected_to_listens),
		cmocka_unit_test(an_uncommon_mtu_is_told),
		cmocka_unit_test(names_and_paths_keep_to_the_rules_of_qemu),
		cmocka_unit_test(the_longest_names_and_paths_fit),
		cmocka_unit_test(a_shell_takes_each_argument_as_it_is),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli qemu", tests, NULL, NULL);
}
