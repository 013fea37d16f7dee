/* gateway/filter.c: what the guest may reach. */
#include "gateway/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool allows(const struct filter *filter, const char *address, uint16_t port)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, address), 0);
	return filter_allows(filter, &addr, port);
}

static void nothing_said_is_everything_allowed(void **state)
{
	const struct filter filter = { .n = 0 };

	(void)state;
	assert_true(allows(&filter, "192.0.2.1", 80));
	assert_true(allows(&filter, "2001:db8::1", 0));
}

static void an_allow_denies_the_rest(void **state)
{
	struct filter filter = { .n = 0 };

	(void)state;
	assert_int_equal(filter_add(&filter, true, "192.0.2.0/24:443"), 0);
	assert_true(allows(&filter, "192.0.2.77", 443));
	assert_false(allows(&filter, "192.0.2.77", 80));
	assert_false(allows(&filter, "192.0.3.77", 443));
	assert_false(allows(&filter, "2001:db8::1", 443));
}

static void the_first_that_matches_decides(void **state)
{
	struct filter filter = { .n = 0 };

	(void)state;
	assert_int_equal(filter_add(&filter, false, "10.1.2.3"), 0);
	assert_int_equal(filter_add(&filter, true, "10.0.0.0/8"), 0);
	assert_int_equal(filter_add(&filter, false, "*:25"), 0);
	assert_int_equal(filter_add(&filter, true, "*"), 0);
	assert_false(allows(&filter, "10.1.2.3", 80));
	assert_true(allows(&filter, "10.1.2.4", 25));
	assert_false(allows(&filter, "198.51.100.1", 25));
	assert_false(allows(&filter, "2001:db8::1", 25));
	assert_true(allows(&filter, "2001:db8::1", 26));
}

static void rules_about_one_family_leave_the_other(void **state)
{
	struct filter filter = { .n = 0 };

	(void)state;
	assert_int_equal(filter_add(&filter, false, "::/0"), 0);
	assert_true(allows(&filter, "192.0.2.1", 80));
	assert_false(allows(&filter, "2001:db8::1", 80));
	filter = (struct filter){ .n = 0 };
	assert_int_equal(filter_add(&filter, false, "0.0.0.0/0"), 0);
	assert_false(allows(&filter, "192.0.2.1", 80));
	assert_true(allows(&filter, "2001:db8::1", 80));
}

static void ranges_and_prefixes_end_where_they_say(void **state)
{
	struct filter filter = { .n = 0 };

	(void)state;
	assert_int_equal(filter_add(&filter, false, "[2001:db8::]/33:80-90"), 0);
	assert_true(allows(&filter, "2001:db8::1", 79));
	assert_false(allows(&filter, "2001:db8::1", 80));
	assert_false(allows(&filter, "2001:db8:7fff::1", 90));
	assert_true(allows(&filter, "2001:db8::1", 91));
	assert_true(allows(&filter, "2001:db8:8000::1", 85));
	/* What has no port is none of a rule's about ports. */
	assert_true(allows(&filter, "2001:db8::1", 0));
}

static void what_is_no_rule_changes_nothing(void **state)
{
	static const char *const table[] = {
		"", ":80", "192.0.2", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/24:", "192.0.2.0/24:0",
		"192.0.2.0/24:65536", "192.0.2.0/24:9-8", "192.0.2.0/24:1-", "192.0.2.0/24:80x", "192.0.2.0/",
		"192.0.2.0/-1", "[2001:db8::", "[2001:db8::]/129", "2001:db8::1/64", "*80", "*:", "host:80",
		"[192.0.2.1]x",
	};
	struct filter filter = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		assert_int_equal(filter_add(&filter, true, table[i]), -TERN_EINVAL);
	assert_int_equal(filter.n, 0);
	assert_false(filter.has_allow);
}

static void rules_are_bounded(void **state)
{
	struct filter filter = { .n = 0 };

	(void)state;
	for (unsigned i = 0; i < FILTER_RULES; i++)
		assert_int_equal(filter_add(&filter, false, "192.0.2.1:80"), 0);
	assert_int_equal(filter_add(&filter, false, "192.0.2.1:80"), -TERN_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_is_everything_allowed),
		cmocka_unit_test(an_allow_denies_the_rest),
		cmocka_unit_test(the_first_that_matches_decides),
		cmocka_unit_test(rules_about_one_family_leave_the_other),
		cmocka_unit_test(ranges_and_prefixes_end_where_they_say),
		cmocka_unit_test(what_is_no_rule_changes_nothing),
		cmocka_unit_test(rules_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
