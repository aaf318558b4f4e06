/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the dummy port: what its far end takes, and what it gives back. */
#include "port/dummy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "port/burst.h"
#include "port/port.h"

#define MTU_LIMIT 1518

static struct port *port_new(enum port_dummy_hairpin hairpin, uint32_t frame_limit)
{
	struct port *port = NULL;

	assert_int_equal(port_dummy_open(hairpin, frame_limit, &port, NULL), 0);
	return port;
}

static struct burst *burst_of(uint8_t *data, const uint32_t lens[], unsigned n)
{
	struct burst *burst;

	assert_int_equal(burst_new(&burst, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		assert_non_null(burst_append(burst, data, lens[i]));
	return burst;
}

/* tx() of all of 'burst' from frame 'first' on. */
static unsigned port_tx(struct port *port, struct burst *burst, unsigned first, enum drop *ret_why)
{
	struct frame *frames[BURST_MAX];

	for (unsigned i = first; i < burst->n; i++)
		frames[i - first] = &burst->frame[i];
	return port->ops->tx(port, frames, burst->n - first, ret_why);
}

static void without_hairpin_it_takes_all_and_gives_none(void **state)
{
	static const uint32_t lens[] = { 14, 1514, 60 };
	static uint8_t data[1514];
	struct port *port = port_new(PORT_DUMMY_HAIRPIN_OFF, MTU_LIMIT);
	struct burst *out = burst_of(data, lens, ARRAY_SIZE(lens));
	struct burst *in = burst_of(data, NULL, 0);
	enum drop why;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(port_tx(port, out, 0, &why), 3);
	assert_int_equal(port->ops->rx(port, in, BURST_MAX), 0);
	burst_free(out);
	burst_free(in);
	(void)port_close(port);
}

static void with_hairpin_it_gives_back_what_it_took(void **state)
{
	static const uint32_t lens[] = { 14, 1514 };
	static uint8_t data[1514] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 5, 6 };
	struct port *port = port_new(PORT_DUMMY_HAIRPIN_ON, MTU_LIMIT);
	struct burst *out = burst_of(data, lens, ARRAY_SIZE(lens));
	struct burst *in = burst_of(data, NULL, 0);
	enum drop why;

	(void)state;
	assert_int_equal(port_tx(port, out, 0, &why), 2);
	assert_int_equal(port->ops->rx(port, in, BURST_MAX), 2);
	assert_int_equal(in->n, 2);

	/* The same memory, but nothing of the sender's descriptions of it. */
	memset(out->frame, 0xee, sizeof(out->frame));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(in->frame[i].len, lens[i]);
		assert_int_equal(in->frame[i].n_iov, 1);
		assert_ptr_equal(in->frame[i].iov[0].iov_base, data);
		assert_memory_equal(in->frame[i].head, data, ETH_HEADER_LEN);
	}
	port->ops->release(port);
	burst_clear(in);
	assert_int_equal(port->ops->rx(port, in, BURST_MAX), 0);
	burst_free(out);
	burst_free(in);
	(void)port_close(port);
}

static void a_switch_keeps_the_reserved_groups(void **state)
{
	/* clang-format off */
	static const struct {
		uint8_t dst[6];
		unsigned n_back;
	} cases[] = {
		{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 }, 0 }, /* STP */
		{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e }, 0 }, /* LLDP */
		{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0f }, 0 },
		{ { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x10 }, 1 },
		{ { 0x01, 0x80, 0xc2, 0x00, 0x01, 0x00 }, 1 },
		{ { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 }, 1 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 1 },
	};
	/* clang-format on */
	static const uint32_t len = 60;
	struct port *port = port_new(PORT_DUMMY_HAIRPIN_ON, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t data[60] = { 0 };
		struct burst *out, *in = burst_of(data, NULL, 0);
		enum drop refused;

		memcpy(data, cases[i].dst, 6);
		out = burst_of(data, &len, 1);
		assert_int_equal(port_tx(port, out, 0, &refused), 1); /* it reached the switch */
		assert_int_equal(port->ops->rx(port, in, BURST_MAX), cases[i].n_back);
		for (int why = 0; why < DROP_COUNT; why++)
			assert_int_equal(in->dropped[why], 0);
		burst_free(out);
		burst_free(in);
	}
	(void)port_close(port);
}

static void frames_above_the_limit_are_refused_one_by_one(void **state)
{
	static const uint32_t lens[] = { MTU_LIMIT, MTU_LIMIT + 1, 60 };
	static uint8_t data[MTU_LIMIT + 1];
	struct port *port = port_new(PORT_DUMMY_HAIRPIN_ON, MTU_LIMIT);
	struct burst *out = burst_of(data, lens, ARRAY_SIZE(lens));
	struct burst *in = burst_of(data, NULL, 0);
	enum drop why = DROP_COUNT;

	(void)state;
	assert_int_equal(port_tx(port, out, 0, &why), 1);
	assert_int_equal(why, DROP_OVERSIZE);
	assert_int_equal(port_tx(port, out, 2, &why), 1); /* the caller goes on behind it */
	assert_int_equal(port->ops->rx(port, in, BURST_MAX), 2);
	assert_int_equal(in->frame[0].len, MTU_LIMIT);
	assert_int_equal(in->frame[1].len, 60);

	/* Still to be segmented: each segment will be small enough (R2.50). */
	out->frame[1].vnet.gso_type = VNET_GSO_TCPV4;
	assert_int_equal(port_tx(port, out, 1, &why), 2);
	burst_free(out);
	burst_free(in);
	(void)port_close(port);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_hairpin_it_takes_all_and_gives_none),
		cmocka_unit_test(with_hairpin_it_gives_back_what_it_took),
		cmocka_unit_test(a_switch_keeps_the_reserved_groups),
		cmocka_unit_test(frames_above_the_limit_are_refused_one_by_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("dummy", tests, NULL, NULL);
}
