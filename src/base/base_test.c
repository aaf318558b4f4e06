/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of base: sentences, errno names, escapes, lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/list.h"
#include "base/text.h"

static void an_error_is_a_number_and_a_sentence(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, EBUSY, "lower '%s' is taken", "eth0"), -EBUSY);
	assert_string_equal(err.msg, "lower 'eth0' is taken");
	assert_int_equal(err_set(NULL, EINVAL, "unread"), -EINVAL);
}

static void errno_names_go_both_ways(void **state)
{
	static const int numbers[] = { EADDRINUSE, EADDRNOTAVAIL, EINVAL, EBUSY, EOPNOTSUPP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(err_number(err_name(numbers[i])), numbers[i]);
	assert_string_equal(err_name(9999), "EIO");
	assert_int_equal(err_number("ENONSENSE"), EIO);
}

static void escapes_leave_nothing_a_terminal_obeys(void **state)
{
	char buf[TEXT_ESCAPED_SIZE(16)];
	char small[6];

	(void)state;
	assert_string_equal(text_escape(buf, sizeof(buf), "a\x1b[2J\\"), "a\\x1b[2J\\x5c");
	assert_string_equal(text_escape(buf, sizeof(buf), "\xc3\xa9"), "\\xc3\\xa9");
	assert_string_equal(text_escape(small, sizeof(small), "ab\ncd"), "ab");
}

static void copies_are_whole_or_not_at_all(void **state)
{
	char buf[4] = "old";

	(void)state;
	assert_false(text_copy(buf, sizeof(buf), "four"));
	assert_string_equal(buf, "old");
	assert_true(text_copy(buf, sizeof(buf), "new"));
	assert_string_equal(buf, "new");
}

static void lists_keep_order_and_lose_members(void **state)
{
	struct item {
		int value;
		struct list link;
	} items[3] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct item *pos, *tmp;
	struct list list;
	int sum = 0;

	(void)state;
	list_init(&list);
	assert_true(list_empty(&list));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_append(&list, &items[i].link);

	list_for_each_safe(pos, tmp, &list, link) {
		if (pos->value == 2)
			list_remove(&pos->link);
	}
	list_for_each(pos, &list, link)
		sum = sum * 10 + pos->value;
	assert_int_equal(sum, 13);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_a_number_and_a_sentence),
		cmocka_unit_test(errno_names_go_both_ways),
		cmocka_unit_test(escapes_leave_nothing_a_terminal_obeys),
		cmocka_unit_test(copies_are_whole_or_not_at_all),
		cmocka_unit_test(lists_keep_order_and_lose_members),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
