/* option/units.c: numbers with units as tc(8) reads them, and what is none. */
#include "option/units.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void time_units(void **state)
{
	static const struct {
		const char *text;
		tern_time   ns;
	} table[] = {
		{ "0", 0 },		  { "1s", TERN_SECOND },	 { "1.5s", 1500 * TERN_MILLISECOND },
		{ "40ms", 40 * TERN_MILLISECOND }, { "40MS", 40 * TERN_MILLISECOND }, { "2secs", 2 * TERN_SECOND },
		{ "7us", 7 * TERN_MICROSECOND }, { "7", 7 * TERN_MICROSECOND }, { "5ns", 5 },
		{ "3600s", 3600 * TERN_SECOND }, { ".5ms", 500 * TERN_MICROSECOND },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		tern_time ns = -1;
		assert_true(units_time(table[i].text, &ns));
		assert_int_equal(ns, table[i].ns);
	}
}

static void no_times(void **state)
{
	static const char *const table[] = {
		"", "ms", "-1ms", "+1ms", "1 ms", "1msx", "1e3", "0x10", "1.2.3s", ".", "1m", "3601s", "nan", "inf",
		" 1ms", "1111111111111111111111111111111111111111111111ms",
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		tern_time ns = 77;
		assert_false(units_time(table[i], &ns));
		assert_int_equal(ns, 77);
	}
}

static void shares(void **state)
{
	double share = -1;
	(void)state;
	assert_true(units_share("3%", &share));
	assert_true(share > 0.0299999 && share < 0.0300001);
	assert_true(units_share("0.5", &share));
	assert_true(share > 0.00499999 && share < 0.00500001);
	assert_true(units_share("100%", &share));
	assert_true(share >= 1 && share <= 1);
	assert_true(units_share("0%", &share));
	assert_true(share <= 0);
	assert_false(units_share("100.1%", &share));
	assert_false(units_share("3%%", &share));
	assert_false(units_share("%", &share));
	assert_false(units_share("-3%", &share));
}

static void rates(void **state)
{
	static const struct {
		const char *text;
		uint64_t    bytes;
	} table[] = {
		{ "8", 1 },	   { "8bit", 1 },     { "10mbit", 1250000 },  { "1gbit", 125000000 },
		{ "64kbit", 8000 }, { "1kibit", 128 }, { "1mibit", 131072 },   { "1bps", 1 },
		{ "2kbps", 2000 }, { "1MBPS", 1000000 }, { "2.5gbit", 312500000 },
	};
	uint64_t bytes = 77;
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		assert_true(units_rate(table[i].text, &bytes));
		assert_int_equal(bytes, table[i].bytes);
	}
	bytes = 77;
	assert_false(units_rate("0", &bytes));
	assert_false(units_rate("7bit", &bytes));
	assert_false(units_rate("10mb", &bytes));
	assert_false(units_rate("", &bytes));
	assert_false(units_rate("100000000tbit", &bytes));
	assert_int_equal(bytes, 77);
}

static void numbers(void **state)
{
	uint64_t n = 77;
	(void)state;
	assert_true(units_number("0", 0, 10, &n));
	assert_int_equal(n, 0);
	assert_true(units_number("18446744073709551615", 0, UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	n = 77;
	assert_false(units_number("18446744073709551616", 0, UINT64_MAX, &n));
	assert_false(units_number("99999999999999999999999", 0, UINT64_MAX, &n));
	assert_false(units_number("", 0, 10, &n));
	assert_false(units_number("-1", 0, 10, &n));
	assert_false(units_number("11", 0, 10, &n));
	assert_false(units_number("0", 1, 10, &n));
	assert_false(units_number("1k", 0, 10, &n));
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_units), cmocka_unit_test(no_times), cmocka_unit_test(shares),
		cmocka_unit_test(rates),      cmocka_unit_test(numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
