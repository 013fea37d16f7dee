#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/seq.h"

static void order_is_that_of_the_circle(void **state)
{
	static const struct {
		uint32_t a, b;
		bool	 lt;
	} cases[] = {
		{ 0, 0, false },
		{ 0, 1, true },
		{ 1, 0, false },
		{ 0xffffffff, 0, true },
		{ 0, 0xffffffff, false },
		{ 0xfffffff0, 0x10, true },
		{ 0, 0x7fffffff, true },
		{ 0x7fffffff, 0, false },
		{ 0x80000000, 0xffffffff, true },
		{ 0x7fffffff, 0x80000000, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const seq_t a = seq(cases[i].a), b = seq(cases[i].b);
		const bool  eq = cases[i].a == cases[i].b, lt = cases[i].lt;

		assert_int_equal(seq_lt(a, b), lt);
		assert_int_equal(seq_le(a, b), lt || eq);
		assert_int_equal(seq_gt(a, b), !lt && !eq);
		assert_int_equal(seq_ge(a, b), !lt);
		assert_int_equal(seq_eq(a, b), eq);
		assert_int_equal(seq_max(a, b).v, lt ? b.v : a.v);
		assert_int_equal(seq_min(a, b).v, lt ? a.v : b.v);
	}
}

static void distances_go_around(void **state)
{
	(void)state;
	assert_int_equal(seq_add(seq(0xfffffffe), 5).v, 3);
	assert_int_equal(seq_sub(seq(3), seq(0xfffffffe)), 5);
	assert_int_equal(seq_sub(seq(7), seq(7)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_that_of_the_circle),
		cmocka_unit_test(distances_go_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
