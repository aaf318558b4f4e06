/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of model: section 1 of the spec, rule by rule.
 *
 * A case is a few lines of a tiny language (test_script.h), carried out on an
 * empty world, and what has to come of the last of them. Whatever is refused has
 * to leave the world exactly as it was, which is compared after every refusal.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/test_script.h"
#include "model/world.h"

/* Cases */

struct rule_case {
	const char *rule;
	const char *before; /* lines, ";" between, that have to pass */
	const char *line;
	int errnum;	    /* 0: passes */
	const char *expect; /* errnum: a piece of the sentence; else facts, blanks between */
};

static void run_before(struct world *world, const struct rule_case *c)
{
	char text[512], *save = NULL;
	struct err err;

	assert_true(text_copy(text, sizeof(text), c->before));
	for (char *line = strtok_r(text, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
		line += strspn(line, " ");
		if (script_run(world, line, &err) < 0)
			fail_msg("%s: before: %s: %s", c->rule, line, err.msg);
	}
}

static void check_facts(const struct rule_case *c, const char *text)
{
	char facts[512], *save = NULL;

	assert_true(text_copy(facts, sizeof(facts), c->expect));
	for (char *fact = strtok_r(facts, " ", &save); fact; fact = strtok_r(NULL, " ", &save)) {
		if (!script_holds(text, fact))
			fail_msg("%s: %s; %s: not %s, but%s", c->rule, c->before, c->line, fact,
				 text);
	}
}

static void run_case(const struct rule_case *c)
{
	static char before[SCRIPT_DUMP_SIZE], after[SCRIPT_DUMP_SIZE];
	struct err err = { "" };
	struct world world;
	int r;

	world_init(&world);
	run_before(&world, c);
	script_dump(&world, before);
	r = script_run(&world, c->line, &err);
	script_dump(&world, after);

	if (r != -c->errnum)
		fail_msg("%s: %s; %s: %s, not %s (%s)", c->rule, c->before, c->line,
			 r ? err_name(-r) : "passed", c->errnum ? err_name(c->errnum) : "passed",
			 err.msg);
	if (c->errnum == 0) {
		check_facts(c, after);
	} else {
		assert_string_equal(before, after);
		if (!strstr(err.msg, c->expect))
			fail_msg("%s: %s: no '%s' in: %s", c->rule, c->line, c->expect, err.msg);
	}
	world_fini(&world);
}

#define RUN_CASES(cases)                                          \
	do {                                                      \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(cases); i_++) \
			run_case(&(cases)[i_]);                   \
	} while (0)

/* clang-format off */
#define BUSY	EADDRINUSE
#define INVALID	EADDRNOTAVAIL
#define LAN	"dummy lan0 mac f0"
#define M1	LAN "; add m1 lan0 mode bridge mac 01"
#define M1_UP	M1 " up on"
#define M2	M1_UP "; add m2 lan0 mode bridge mac 02"
#define M2_TWIN	M1_UP "; add m2 lan0 mode bridge mac 01"
#define PASS	LAN "; add p lan0 mode passthru"
#define SRC	LAN "; add s lan0 mode source mac 01"
/* clang-format on */

static void adds_have_the_kernel_s_defaults(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.8",  LAN, "add m1 lan0", 0, "m1.mode=vepa m1.flags=0 m1.bcq=1000 m1.mtu=1500 "
						  "m1.up=0 m1.txqlen=500 lan0.bclim=1 lan0.n=1" },
		{ "R1.1",  "", "add m1 eth0", 0, "m1.lower=eth0 eth0.n=1 m1.mtu=2000" },
		{ "R1.1",  "add m1 eth0", "del m1", 0, "!m1 !eth0" },
		{ "R1.1",  "add m1 eth0; add m2 eth0", "del m1", 0, "!m1 eth0.n=1" },
		{ "R1.1",  "", "add m1 eth0 mtu 9000", EINVAL, "eth0" },
		{ "R1.3",  M1 "; add m2 lan0 mode private; add m3 lan0 mode source",
			   "add m4 lan0 mode vepa", 0, "lan0.n=4" },
		{ "R1.5",  "add m1 eth0", "add m2 m1", 0, "m2.lower=eth0" },
		{ "R1.5",  M1 "; add m2 m1", "add m3 m2", 0, "m3.lower=lan0" },
		{ "R1.12", LAN, "add m1 lan0 mac 05", 0, "m1.mac=05" },
		{ "R1.14", LAN, "add m1 lan0 mac f0", 0, "m1.mac=f0" },
		{ "R1.14", M1_UP, "add m2 lan0 mac 01", 0, "m2.mac=01 m2.up=0" },
		{ "R1.14", M1_UP, "add m2 lan0 mac 01 up on", BUSY, "endpoint 'm1' of lower 'lan0'" },
		{ "R1.14", LAN, "add m1 lan0 mac f0 up on", BUSY, "lower 'lan0' itself" },
		{ "R1.30", LAN "; set lan0 mtu 2000", "add m1 lan0", 0, "m1.mtu=2000" },
		{ "R1.30", LAN, "add m1 lan0 mtu 1400", 0, "m1.mtu=1400" },
		{ "R1.30", LAN, "add m1 lan0 mtu 1501", EINVAL, "1500, the MTU of lower 'lan0'" },
		{ "R1.30", LAN, "add m1 lan0 mtu 68", 0, "m1.mtu=68" },
		{ "R1.30", LAN, "add m1 lan0 mtu 67", EINVAL, "67 for 'm1' is below 68" },
		{ "R1.38", LAN, "add m1 lan0 mode bridge flags 3", 0, "m1.flags=3" },
		{ "R1.50", LAN, "add s lan0 mode source src set:03,02,03", 0, "s.src=02,03" },
		{ "R1.55", LAN, "add m1 lan0 bcq 4294967295", 0, "m1.bcq=4294967295 lan0.bcq=4294967295" },
		{ "R1.56", LAN, "add m1 lan0 bclim -5", 0, "lan0.bclim=-5" },
		{ "vhost", LAN, "add m1 lan0", 0, "m1.vhost= m1.poll=50" },
		{ "vhost", LAN, "add m1 lan0 vhost /run/q poll 0", 0, "m1.vhost=/run/q m1.poll=0" },
		{ "vhost", LAN, "add m1 lan0 vhost q", EINVAL, "'q' is no absolute path" },
		{ "vhost", LAN, "add m1 lan0 poll 1000000", 0, "m1.poll=1000000" },
		{ "vhost", LAN, "add m1 lan0 poll 1000001", EINVAL, "1000001 microseconds" },
		{ "dummy", "", "dummy -", 0, "dummy0.up=1 dummy0.carrier=1 dummy0.mtu=1500 dummy0.hairpin=0" },
		{ "dummy", "", "dummy lan0 hairpin on mac 09 mtu 9000 up off alias x", 0,
			   "lan0.hairpin=1 lan0.mac=09 lan0.mtu=9000 lan0.up=0 lan0.alias=x" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

/* The table of R1.14, row by row; bridge stands for P, V, B and S. */
static void an_address_is_busy_at_up_and_at_change_only(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.14", M1,      "add m2 lan0 mac 01", 0, "m2.mac=01" },
		{ "R1.14", M2_TWIN, "set m2 up on", BUSY, "02:00:00:00:00:01 is in use by endpoint 'm1'" },
		{ "R1.14", LAN "; add m1 lan0 mac f0", "set m1 up on", BUSY, "lower 'lan0' itself" },
		{ "R1.14", M2, "set m2 mac 01", BUSY, "set 'm1' down first" },
		{ "R1.14", M2 "; set m2 up on", "set m2 mac 01", BUSY, "endpoint 'm1'" },
		{ "R1.14", M2, "set m2 mac f0", BUSY, "lower 'lan0' itself" },
		{ "R1.14", M2 "; set m2 up on", "set m2 mac f0", BUSY, "lower 'lan0' itself" },
		{ "R1.14", M2 "; set m1 up off", "set m2 mac 01", 0, "m2.mac=01" },
		{ "R1.14", M2_TWIN, "set m2 mac 01", 0, "m2.mac=01 m2.up=0" },
		{ "R1.14", M1_UP, "set m1 mac 01", 0, "m1.mac=01 m1.up=1" },
		{ "R1.14", M1_UP, "set lan0 mac 01", 0, "lan0.mac=01 m1.up=1" },
		{ "R1.14", M1_UP "; set lan0 mac 01", "set m1 mac 01", 0, "m1.up=1" },
		{ "R1.14", M1_UP "; set lan0 mac 01", "set m1 up on", 0, "m1.up=1" },
		{ "R1.14", M1_UP "; set lan0 mac 01; set m1 up off", "set m1 up on", BUSY, "lan0" },
		{ "R1.14", M2_TWIN "; set m1 up off; set m2 up on", "set m1 up on", BUSY, "'m2'" },
		{ "R1.14", M2_TWIN, "set m2 mac 03 up on", 0, "m2.mac=03 m2.up=1" },
		{ "R1.14", M2, "set m2 mac 01 up off", BUSY, "'m1'" },
		{ "R1.14", M1_UP, "set m1 up on", 0, "m1.up=1" },
		/* Another hub is another world. */
		{ "R1.14", M1_UP "; dummy lan1; add n1 lan1 mac 01", "set n1 up on", 0, "n1.up=1" },
		/* R1.15: down, an endpoint holds no address. */
		{ "R1.15", M2_TWIN "; set m1 up off", "set m2 up on", 0, "m2.up=1" },
		{ "R1.16", M1_UP, "set m1 mac 05", 0, "m1.mac=05 m1.up=1" },
		{ "R1.14", LAN "; add s lan0 mode source mac 01 up on; add v lan0 mode vepa mac 01",
			   "set v up on", BUSY, "'s'" },
		{ "R1.14", LAN "; add s lan0 mode private mac 01 up on; add v lan0 mode source mac 02",
			   "set v mac 01", BUSY, "'s'" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void addresses_have_to_be_unicast(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.13", LAN, "add m1 lan0 mac 00:00:00:00:00:00", INVALID, "is zero" },
		{ "R1.13", LAN, "add m1 lan0 mac 01:00:5e:00:00:01", INVALID, "a group address" },
		{ "R1.13", LAN, "add m1 lan0 mac ff:ff:ff:ff:ff:ff", INVALID, "ff:ff:ff:ff:ff:ff" },
		{ "R1.13", M1, "set m1 mac 00:00:00:00:00:00", INVALID, "is zero" },
		{ "R1.13", M1, "set m1 mac ff:ff:ff:ff:ff:ff", INVALID, "a group address" },
		{ "R1.13", M1, "set m1 mac 00:1b:21:00:00:01", 0, "m1.mac=00:1b:21:00:00:01" },
		{ "R1.13", LAN, "add p lan0 mode passthru mac ff:ff:ff:ff:ff:ff", INVALID, "group" },
		{ "R1.13", "", "dummy lan0 mac 01:00:00:00:00:00", INVALID, "group" },
		{ "R1.13", LAN, "set lan0 mac 00:00:00:00:00:00", INVALID, "zero" },
		{ "R1.41", PASS, "set p mac 01:00:00:00:00:00", INVALID, "group" },
		{ "R1.51", SRC, "set s src add:00:00:00:00:00:00", INVALID, "zero" },
		{ "R1.51", SRC, "set s src set:02,ff:ff:ff:ff:ff:ff", INVALID, "source address ff" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void an_mtu_is_at_most_the_lower_s(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.30", M1, "set m1 mtu 1501", EINVAL, "above 1500, the MTU of lower 'lan0'" },
		{ "R1.30", M1, "set m1 mtu 70000", EINVAL, "lan0" },
		{ "R1.30", M1, "set m1 mtu 67", EINVAL, "below 68" },
		{ "R1.30", M1, "set m1 mtu 1500", 0, "m1.mtu=1500" },
		{ "R1.30", M1, "set lan0 mtu 1000", 0, "m1.mtu=1000 lan0.mtu=1000" },
		{ "R1.30", M1 "; set m1 mtu 900", "set lan0 mtu 1000", 0, "m1.mtu=900" },
		{ "R1.30", M1, "set lan0 mtu 9000", 0, "m1.mtu=1500 lan0.mtu=9000" },
		{ "R1.30", LAN, "set lan0 mtu 67", EINVAL, "below 68" },
		{ "R1.30", LAN, "set lan0 mtu 65536", EINVAL, "above 65535" },
		{ "R1.30", "", "dummy lan0 mtu 65535", 0, "lan0.mtu=65535" },
		{ "R1.30", "add m1 eth0", "news eth0 mtu 1300", 0, "m1.mtu=1300 eth0.mtu=1300" },
		{ "R1.30", "add m1 eth0", "news eth0 mtu 4000", 0, "m1.mtu=2000 eth0.mtu=4000" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void modes_and_flags_change_as_in_the_kernel(void **state)
{
	static const char *const four[] = { "private", "vepa", "bridge", "source" };
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.35", M1, "set m1 mode passthru", EINVAL, "'m1' cannot change from bridge to passthru" },
		{ "R1.35", PASS, "set p mode bridge", EINVAL, "from passthru to bridge" },
		{ "R1.35", PASS, "set p mode passthru", 0, "p.mode=passthru" },
		{ "R1.36", SRC "; set s src add:09", "set s mode bridge", 0, "s.src= s.mode=bridge" },
		{ "R1.36", SRC "; set s src add:09", "set s mode source", 0, "s.src=09" },
		{ "R1.37", M1, "set m1 mode 0", EINVAL, "mode 0" },
		{ "R1.37", M1, "set m1 mode 3", EINVAL, "mode 3" },
		{ "R1.37", M1, "set m1 mode 5", EINVAL, "mode 5" },
		{ "R1.37", M1, "set m1 mode 32", EINVAL, "mode 32" },
		{ "R1.37", LAN, "add m1 lan0 mode 24", EINVAL, "mode 24" },
		{ "R1.37", M1, "set m1 kind macvlan", EOPNOTSUPP, "'m1' is of type macvtap, not macvlan" },
		{ "R1.37", LAN, "set lan0 kind macvtap", EOPNOTSUPP, "'lan0' is of type dummy" },
		{ "R1.37", LAN, "set lan0 kind macvtap mode vepa", EOPNOTSUPP, "'lan0' is of type dummy" },
		{ "R1.37", M1, "set m1 kind dummy hairpin on", EOPNOTSUPP, "'m1' is of type macvtap" },
		{ "R1.37", M1, "set m1 kind macvtap mode vepa", 0, "m1.mode=vepa" },
		{ "R1.38", M1, "set m1 flags 4", EINVAL, "flags 0x4" },
		{ "R1.38", LAN, "add m1 lan0 flags 4", EINVAL, "flags 0x4" },
		{ "R1.38", M1 "; set m1 flags 1", "set m1 flags 2", 0, "m1.flags=2" },
		{ "R1.44", PASS, "set p flags 1", 0, "p.flags=1 p.up=0" },
		{ "R1.44", PASS "; set p flags 1; set p flags 0", "set p up on", 0, "p.up=1" },
		/* Unlike R1.39: all of a change, or nothing; run_case() compares. */
		{ "R1.39", SRC "; set s src add:09", "set s flags 2 mode passthru", EINVAL, "passthru" },
		{ "R1.39", M2, "set m2 alias x name z bcq 5 bclim 7 mode vepa mac 01", BUSY, "'m1'" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);

	for (size_t from = 0; from < ARRAY_SIZE(four); from++) {
		for (size_t to = 0; to < ARRAY_SIZE(four); to++) {
			char before[128], line[64], expect[64];
			struct rule_case c = { "R1.35", before, line, 0, expect };

			(void)snprintf(before, sizeof(before), LAN "; add m1 lan0 mode %s up %s",
				       four[from], (from + to) % 2 ? "on" : "off");
			(void)snprintf(line, sizeof(line), "set m1 mode %s", four[to]);
			(void)snprintf(expect, sizeof(expect), "m1.mode=%s", four[to]);
			run_case(&c);
		}
	}
}

static void passthru_is_alone_and_has_the_lower_s_address(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.40", PASS, "add m1 lan0", EINVAL, "carries the passthru endpoint 'p'" },
		{ "R1.40", PASS, "add m1 p", EINVAL, "carries the passthru endpoint 'p'" },
		{ "R1.40", PASS, "add m1 lan0 mode passthru", EINVAL, "'p'" },
		{ "R1.40", M1, "add p lan0 mode passthru", EINVAL, "'lan0' has 1 already: 'm1'" },
		{ "R1.40", M2, "add p lan0 mode passthru", EINVAL, "2 already: 'm1' and others" },
		{ "R1.40", PASS "; del p", "add m1 lan0", 0, "lan0.n=1" },
		{ "R1.41", LAN, "add p lan0 mode passthru mac 05", 0, "p.mac=f0 lan0.mac=f0" },
		{ "R1.41", PASS, "set p mac 05", 0, "p.mac=05 lan0.mac=05" },
		{ "R1.41", PASS "; set p up on", "set p mac 05", 0, "p.mac=05 lan0.mac=05 p.up=1" },
		{ "R1.41", PASS, "set lan0 mac 05", 0, "p.mac=05 lan0.mac=05" },
		{ "R1.41", PASS, "set p up on", 0, "p.up=1" },
		{ "R1.41", LAN, "add p lan0 mode passthru up on", 0, "p.up=1 p.mac=f0" },
		{ "R1.41", "add p eth0 mode passthru", "news eth0 mac 07", 0, "p.mac=07" },
		{ "R1.42", PASS "; set p mac 05", "del p", 0, "lan0.mac=f0" },
		{ "R1.42", PASS "; set lan0 mac 06; set p mac 05", "del p", 0, "lan0.mac=06" },
		{ "R1.42", PASS "; set p mac 05; set lan0 mac 06", "del p", 0, "lan0.mac=06" },
		{ "R1.42", PASS, "del p", 0, "lan0.mac=f0" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void source_lists_obey_their_four_commands(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.50", SRC, "set s src add:09", 0, "s.src=09" },
		{ "R1.50", SRC "; set s src add:09", "set s src add:09", 0, "s.src=09" },
		{ "R1.50", SRC "; set s src set:05,02", "set s src add:05", 0, "s.src=02,05" },
		{ "R1.50", SRC "; set s src set:05,02", "set s src add:03", 0, "s.src=02,03,05" },
		{ "R1.50", SRC "; set s src set:09,08", "set s src del:09", 0, "s.src=08" },
		{ "R1.50", SRC "; set s src set:09", "set s src del:09", 0, "s.src=" },
		{ "R1.50", SRC "; set s src set:09", "set s src del:08", 0, "s.src=09" },
		{ "R1.50", SRC "; set s src set:09", "set s src set:05,04,05", 0, "s.src=04,05" },
		{ "R1.50", SRC "; set s src set:09", "set s src set:", 0, "s.src=" },
		{ "R1.50", SRC "; set s src set:09", "set s src flush:", 0, "s.src=" },
		{ "R1.50", SRC "; set s src set:09", "set s src flush:08", 0, "s.src=" },
		{ "R1.51", M1, "set m1 src add:09", EINVAL, "'m1' is in mode bridge" },
		{ "R1.51", M1, "set m1 src flush:", EINVAL, "mode source" },
		{ "R1.51", LAN, "add m1 lan0 mode vepa src add:09", EINVAL, "mode vepa" },
		{ "R1.51", M1, "set m1 mode source src add:09", 0, "m1.src=09 m1.mode=source" },
		{ "R1.51", SRC, "set s mode bridge src add:09", EINVAL, "mode bridge" },
		{ "R1.51", SRC, "set s src add:", EINVAL, "'macaddr add' for 's' takes one address" },
		{ "R1.51", SRC, "set s src del:", EINVAL, "'macaddr del' for 's' takes one address" },
		{ "R1.51", SRC, "set s src 4:09", EINVAL, "command 4" },
		{ "R1.52", SRC "; add t lan0 mode source src add:f0", "set s src set:f0,01", 0,
			   "s.src=01,f0 t.src=f0" },
		{ "R1.52", SRC "; set s src add:09; set s up on", "set s up off", 0, "s.src=09" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void the_hub_s_queue_and_threshold_follow_its_endpoints(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.55", M1 "; add m2 lan0 bcq 3000", "set m1 bcq 10", 0, "lan0.bcq=3000 m1.bcq=10" },
		{ "R1.55", M1 "; add m2 lan0 bcq 3000", "del m2", 0, "lan0.bcq=1000" },
		{ "R1.55", M1, "set m1 bcq 0", 0, "lan0.bcq=0" },
		{ "R1.56", M1 "; add m2 lan0 bclim 7", "set m1 bclim -2", 0, "lan0.bclim=-2" },
		{ "R1.56", M1 "; set m1 bclim 7", "add m2 lan0", 0, "lan0.bclim=7" },
		{ "R1.1",  M1 "; set m1 bclim 7", "del m1", 0, "lan0.bclim=1" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void names_are_checked_chosen_and_unique(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.9", M1, "add m1 lan0", EEXIST, "'m1' is taken by an endpoint of lower 'lan0'" },
		{ "R1.9", LAN, "add lan0 lan0", EEXIST, "'lan0' is taken by the lower" },
		{ "R1.9", "", "add eth0 eth0", EEXIST, "'eth0'" },
		{ "R1.9", M1, "dummy m1", EEXIST, "endpoint of lower 'lan0'" },
		{ "R1.9", M2, "set m2 name m1", EEXIST, "'m1'" },
		{ "R1.9", M2, "set m2 name lan0", EEXIST, "'lan0'" },
		{ "R1.9", M1_UP, "set m1 name web0", 0, "web0.up=1 !m1" },
		{ "R1.9", M1_UP, "set m1 name m1", 0, "m1.up=1" },
		{ "R1.9", M1, "set lan0 name lan1", 0, "m1.lower=lan1 !lan0" },
		{ "R1.9", LAN, "add - lan0", 0, "macvtap0.lower=lan0" },
		{ "R1.9", LAN, "add a/b lan0", EINVAL, "'a/b'" },
		{ "R1.9", LAN, "add a:b lan0", EINVAL, "'a:b'" },
		{ "R1.9", LAN, "add . lan0", EINVAL, "'.'" },
		{ "R1.9", LAN, "add .. lan0", EINVAL, "'..'" },
		{ "R1.9", LAN, "add a\tb lan0", EINVAL, "'a\\x09b'" },
		{ "R1.9", LAN, "add \x1b[2J lan0", EINVAL, "'\\x1b[2J'" },
		{ "R1.9", LAN, "add control.sock lan0", EINVAL, "the control socket" },
		{ "R1.9", LAN, "add lock lan0", EINVAL, "the daemon's lock file" },
		{ "R1.9", LAN, "add a%sb lan0", EINVAL, "'%d'" },
		{ "R1.9", LAN, "add %d%d lan0", EINVAL, "'%d'" },
		{ "R1.9", M1, "set m1 name a/b", EINVAL, "'a/b'" },
		{ "R1.9", LAN "; add web0 lan0; add web2 lan0", "add web%d lan0", 0, "web1.lower=lan0" },
		{ "R1.9", LAN "; add web0x lan0; add web01 lan0", "add web%d lan0", 0, "web0.lower=lan0" },
		{ "R1.9", LAN "; add web0x lan0", "add web%dx lan0", 0, "web1x.lower=lan0" },
		{ "R1.9", M1 "; add web0 lan0", "set m1 name web%d", 0, "web1.lower=lan0 !m1" },
		{ "R1.9", "", "dummy fifteen-letters", 0, "fifteen-letters.mtu=1500" },
		{ "R1.9", "", "add m1 eth0 name x", EINVAL, "'new name' has no meaning when adding" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void every_link_has_only_its_own_fields(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "-",    "", "dummy lan0 poll 1", EINVAL, "'poll' has no meaning when adding a dummy" },
		{ "-",    LAN, "add m1 lan0 hairpin on", EINVAL, "'hairpin' has no meaning" },
		{ "-",    M1, "set m1 hairpin on", EINVAL, "setting an endpoint" },
		{ "-",    "", "dummy lan0 mode vepa", EINVAL, "'mode' has no meaning when adding a dummy" },
		{ "-",    LAN, "set lan0 bclim 3", EINVAL, "setting a dummy" },
		{ "-",    LAN, "set lan0 src add:01", EINVAL, "'macaddr'" },
		{ "-",    "", "dummy lan0 lower eth0", EINVAL, "'link'" },
		{ "-",    M1 "; dummy lan1", "set m1 lower lan1", EOPNOTSUPP, "stays on its lower 'lan0'" },
		{ "-",    M1, "set m1 lower lan0 alias x", 0, "m1.alias=x" },
		{ "-",    M1 "; set m1 alias x", "set m1 alias y txqlen 9", 0, "m1.alias=y m1.txqlen=9" },
		{ "-",    LAN, "set lan0 hairpin on alias y txqlen 9", 0, "lan0.hairpin=1 lan0.alias=y" },
		{ "R1.4", "", "add m1 -", EINVAL, "needs a lower" },
		{ "R1.4", "", "add m1 nosuch", ENODEV, "nosuch" },
		{ "-",    LAN, "add m1 lan0 kind macvlan", EOPNOTSUPP, "macvlan is not there yet" },
		{ "-",    LAN, "add m1 lan0 kind netdev", EOPNOTSUPP, "a device of the host" },
		{ "-",    "", "set m1 up on", ENODEV, "no link 'm1'" },
		{ "-",    "", "del m1", ENODEV, "no link 'm1'" },
		{ "-",    "add m1 eth0", "set eth0 up off", EOPNOTSUPP, "'eth0' is a device of the host; use 'ip link'" },
		{ "-",    "add m1 eth0", "del eth0", EOPNOTSUPP, "use 'ip link'" },
		{ "R1.22", M2, "del lan0", 0, "!lan0 !m1 !m2" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

static void a_lower_s_state_reaches_its_endpoints(void **state)
{
	/* clang-format off */
	static const struct rule_case cases[] = {
		{ "R1.20", M1, "set lan0 up off", 0, "lan0.up=0 lan0.carrier=0" },
		{ "R1.20", M1 "; set lan0 up off", "set m1 up on", 0, "m1.up=1" },
		{ "R1.20", M1_UP "; set lan0 up off", "set lan0 up on", 0, "lan0.carrier=1 m1.up=1" },
		{ "R1.20", "add m1 eth0", "news eth0 carrier off", 0, "eth0.carrier=0 eth0.up=1" },
		{ "R1.20", "add m1 eth0", "news eth0 up off", 0, "eth0.carrier=0 eth0.up=0" },
		{ "8.4",   "add m1 eth0 up on", "gone eth0", 0, "m1.up=1 eth0.carrier=0 eth0.present=0" },
		{ "8.4",   "add m1 eth0; gone eth0", "add m2 eth0", ENODEV, "lower 'eth0' has vanished" },
		{ "8.4",   "add m1 eth0; gone eth0", "news eth0 mtu 1200", 0,
			   "eth0.present=1 eth0.carrier=1 m1.mtu=1200" },
		{ "8.4",   "add m1 eth0; gone eth0", "del m1", 0, "!m1 !eth0" },
		{ "8.4",   "add p eth0 mode passthru; gone eth0", "set p mac 05", ENODEV, "has vanished" },
		{ "8.4",   "add p eth0 mode passthru; gone eth0", "set p alias x", 0, "p.alias=x" },
		{ "news",  "add m1 eth0", "news eth0 name eth9", 0, "m1.lower=eth9 !eth0" },
		{ "news",  "add m1 eth0; dummy lan0", "news eth0 name lan0", 0, "m1.lower=eth0" },
	};
	/* clang-format on */

	(void)state;
	RUN_CASES(cases);
}

/* Not cases: what needs more than a line. */

static void script_runs(struct world *world, const char *lines)
{
	const struct rule_case c = { "-", lines, "", 0, "" };

	run_before(world, &c);
}

static void a_failed_set_of_many_parts_owns_and_keeps_nothing(void **state)
{
	struct link_change change = { .name = "s", .has = LINK_HAS_SOURCES | LINK_HAS_MTU };
	struct world_set set = { 0 };
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, SRC);
	change.source_command = SOURCE_SET;
	change.mtu = 1400;
	assert_int_equal(link_change_add_source(&change, script_mac("09"), NULL), 0);

	/* Prepared, seen, and thrown away. */
	assert_int_equal(world_prepare_set(&world, &change, &set, NULL), 0);
	assert_int_equal(set.ep_changes, LINK_HAS_SOURCES | LINK_HAS_MTU);
	assert_int_equal(set.lower_changes, 0);
	assert_int_equal(set.next_ep.mtu, 1400);
	world_set_fini(&set);
	assert_int_equal(world_find_endpoint(&world, "s")->mtu, 1500);
	assert_int_equal(world.n_sources, 0);

	/* Prepared again, and committed. */
	assert_int_equal(world_prepare_set(&world, &change, &set, NULL), 0);
	world_commit_set(&world, &set);
	assert_int_equal(world_find_endpoint(&world, "s")->mtu, 1400);
	assert_int_equal(world.n_sources, 1);

	link_change_fini(&change);
	world_fini(&world);
}

static void a_passthru_address_is_announced_before_it_is_set(void **state)
{
	struct link_change change = { .name = "p", .has = LINK_HAS_ADDRESS };
	struct world_set set;
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, "add p eth0 mode passthru");
	change.address = script_mac("05");
	assert_int_equal(world_prepare_set(&world, &change, &set, NULL), 0);
	assert_int_equal(set.lower_changes, LINK_HAS_ADDRESS);
	assert_true(mac_equal(set.next_lower.mac, script_mac("05")));
	assert_false(model_endpoint_borrows_mac(set.ep));
	world_commit_set(&world, &set);

	/* R1.42: the kernel's echo is no news; another address is the lower's own. */
	script_runs(&world, "news eth0 mac 05");
	assert_true(model_endpoint_borrows_mac(world_find_endpoint(&world, "p")));
	script_runs(&world, "news eth0 mac 06");
	assert_false(model_endpoint_borrows_mac(world_find_endpoint(&world, "p")));
	world_fini(&world);
}

static void news_name_what_changed_and_only_that(void **state)
{
	/* clang-format off */
	static const struct {
		const char *line;
		unsigned lower, ep;
	} cases[] = {
		{ "news eth0 mtu 1300",    LINK_HAS_MTU, LINK_HAS_MTU },
		{ "news eth0 mtu 1300",    0, 0 },
		{ "news eth0 mtu 1400",    LINK_HAS_MTU, 0 },
		{ "news eth0 carrier off", MODEL_NEWS_CARRIER, MODEL_NEWS_CARRIER },
		{ "gone eth0",             MODEL_NEWS_CARRIER, MODEL_NEWS_CARRIER },
		{ "gone eth0",             0, 0 },
		{ "news eth0",             MODEL_NEWS_CARRIER, MODEL_NEWS_CARRIER },
		{ "news eth0 up off",      LINK_HAS_UP | MODEL_NEWS_CARRIER, MODEL_NEWS_CARRIER },
		{ "news eth0 mac 09",      LINK_HAS_ADDRESS, 0 },
		{ "set m1 mac 03 up on",   0, LINK_HAS_ADDRESS | LINK_HAS_UP },
		{ "set m1 mac 03 up on",   0, 0 },
		{ "set m1 bclim 5",        LINK_HAS_BCLIM, 0 },
		{ "set m1 mode source src add:01", 0, LINK_HAS_MODE | LINK_HAS_SOURCES },
		{ "set m1 mode bridge",    0, LINK_HAS_MODE | LINK_HAS_SOURCES },
		{ "set m1 vhost /q poll 7",  0, LINK_HAS_VHOST | LINK_HAS_POLL },
		{ "set m1 name a alias b txqlen 3 bcq 4 flags 1", 0,
		  LINK_HAS_NEW_NAME | LINK_HAS_ALIAS | LINK_HAS_TXQLEN | LINK_HAS_BCQUEUELEN | LINK_HAS_FLAGS },
	};
	/* clang-format on */
	struct model_endpoint *ep;
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, "add m1 eth0");
	ep = world_find_endpoint(&world, "m1");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ep->lower->news = ep->news = 0;
		script_runs(&world, cases[i].line);
		if (ep->lower->news != cases[i].lower || ep->news != cases[i].ep)
			fail_msg("%s: %#x, %#x", cases[i].line, ep->lower->news, ep->news);
	}
	world_fini(&world);
}

static void links_are_listed_by_index_from_anywhere(void **state)
{
	struct world_cursor cursor;
	struct world_link link;
	uint32_t last = 0, n = 0;
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, "dummy a; add b a; dummy c; add d a; add e c; del b; dummy f");
	cursor = world_cursor_after(&world, 0);
	for (; world_cursor_next(&cursor, &link); n++) {
		uint32_t index = link.ep ? link.ep->index : link.lower->index;

		assert_true(!link.ep != !link.lower);
		assert_true(index > last);
		last = index;
	}
	assert_int_equal(n, 5);

	cursor = world_cursor_after(&world, 4);
	assert_true(world_cursor_next(&cursor, &link));
	assert_string_equal(link.ep->name, "e");
	cursor = world_cursor_after(&world, last);
	assert_false(world_cursor_next(&cursor, &link));
	world_fini(&world);
}

static void a_netdev_is_known_by_index_or_returns_by_name(void **state)
{
	struct model_lower *lower;
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, "add m1 eth0; dummy lan0");
	lower = world_find_lower(&world, "eth0");
	assert_ptr_equal(world_find_netdev(&world, 7, "renamed"), lower);
	assert_null(world_find_netdev(&world, 8, "eth0"));
	world_update_lower(&world, lower, NULL);
	assert_null(world_find_netdev(&world, 7, "other"));
	assert_ptr_equal(world_find_netdev(&world, 8, "eth0"), lower);
	assert_null(world_find_netdev(&world, 8, "lan0"));
	world_fini(&world);
}

static void limits_are_told_in_a_sentence(void **state)
{
	struct link_change change = { .name = "s", .has = LINK_HAS_SOURCES };
	struct world_set set;
	struct err err = { "" };
	struct world world;

	(void)state;
	world_init(&world);
	script_runs(&world, LAN);
	for (int i = 0; i < WORLD_ENDPOINTS_MAX; i++)
		assert_int_equal(script_run(&world, "add - lan0", NULL), 0);
	assert_non_null(world_find_endpoint(&world, "macvtap4095")); /* R1.9: the lowest */
	assert_int_equal(script_run(&world, "add x lan0", &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "4096 endpoints"));
	script_runs(&world, "del macvtap17; add s lan0 mode source; del macvtap0; add - lan0");
	assert_non_null(world_find_endpoint(&world, "macvtap0"));

	/* One list's limit (R1.52 has none), and one request's. */
	change.source_command = SOURCE_SET;
	for (int i = 0; i < LINK_SOURCES_MAX; i++) {
		const uint8_t bytes[6] = { 2, 9, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };

		assert_int_equal(link_change_add_source(&change, mac_load(bytes), NULL), 0);
	}
	assert_int_equal(link_change_add_source(&change, script_mac("01"), &err), -E2BIG);
	assert_int_equal(world_prepare_set(&world, &change, &set, &err), 0);
	world_commit_set(&world, &set);
	assert_int_equal(world.n_sources, LINK_SOURCES_MAX);
	assert_int_equal(script_run(&world, "set s src add:01", &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "full"));

	for (int i = 1000; i < 1063; i++) {
		(void)snprintf(change.name, sizeof(change.name), "macvtap%d", i);
		change.has |= LINK_HAS_MODE;
		change.mode = FWD_MODE_SOURCE;
		assert_int_equal(world_prepare_set(&world, &change, &set, &err), 0);
		world_commit_set(&world, &set);
	}
	assert_int_equal(world.n_sources, WORLD_SOURCES_MAX);
	assert_int_equal(script_run(&world, "set s src del:02:09:00:00:00:00", &err), 0);
	assert_int_equal(script_run(&world, "set s src add:01", &err), 0);
	assert_int_equal(script_run(&world, "set macvtap5 mode source src add:01", &err), -ENOSPC);
	assert_int_equal(script_run(&world, "set s mode bridge", &err), 0);
	assert_int_equal(script_run(&world, "set macvtap5 mode source src add:01", &err), 0);
	link_change_fini(&change);
	world_fini(&world);
}

static void names_of_enums_go_both_ways(void **state)
{
	enum source_command command;
	enum link_kind kind;

	(void)state;
	for (int i = LINK_KIND_MACVTAP; i <= LINK_KIND_NETDEV; i++) {
		assert_true(link_kind_parse(link_kind_name((enum link_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	for (int i = SOURCE_ADD; i <= SOURCE_SET; i++) {
		assert_true(source_command_parse(source_command_name((enum source_command)i),
						 &command));
		assert_int_equal(command, i);
	}
	assert_false(link_kind_parse("macv", &kind));
	assert_false(source_command_parse("", &command));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_have_the_kernel_s_defaults),
		cmocka_unit_test(an_address_is_busy_at_up_and_at_change_only),
		cmocka_unit_test(addresses_have_to_be_unicast),
		cmocka_unit_test(an_mtu_is_at_most_the_lower_s),
		cmocka_unit_test(modes_and_flags_change_as_in_the_kernel),
		cmocka_unit_test(passthru_is_alone_and_has_the_lower_s_address),
		cmocka_unit_test(source_lists_obey_their_four_commands),
		cmocka_unit_test(the_hub_s_queue_and_threshold_follow_its_endpoints),
		cmocka_unit_test(names_are_checked_chosen_and_unique),
		cmocka_unit_test(every_link_has_only_its_own_fields),
		cmocka_unit_test(a_lower_s_state_reaches_its_endpoints),
		cmocka_unit_test(a_failed_set_of_many_parts_owns_and_keeps_nothing),
		cmocka_unit_test(a_passthru_address_is_announced_before_it_is_set),
		cmocka_unit_test(news_name_what_changed_and_only_that),
		cmocka_unit_test(links_are_listed_by_index_from_anywhere),
		cmocka_unit_test(a_netdev_is_known_by_index_or_returns_by_name),
		cmocka_unit_test(limits_are_told_in_a_sentence),
		cmocka_unit_test(names_of_enums_go_both_ways),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
