#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"

static void numbers_stand_in_network_order_at_any_address(void **state)
{
	static const uint8_t wire[] = { 0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7 };

	(void)state;
	for (size_t skew = 0; skew < 8; skew++) {
		uint8_t p[17];

		memset(p, 0xee, sizeof p);
		put64(p + skew, 0x8091a2b3c4d5e6f7u);
		assert_memory_equal(p + skew, wire, 8);
		assert_true(get64(p + skew) == 0x8091a2b3c4d5e6f7u);
		assert_int_equal(get32(p + skew), 0x8091a2b3);
		assert_int_equal(get16(p + skew), 0x8091);
		put32(p + skew, 0x01020304);
		assert_true(get64(p + skew) == 0x01020304c4d5e6f7u);
		put16(p + skew, 0xfffe);
		assert_true(get64(p + skew) == 0xfffe0304c4d5e6f7u);
		assert_int_equal(p[skew + 8], 0xee);
	}
}

static void least_and_greatest(void **state)
{
	(void)state;
	assert_int_equal(min_u32(1, UINT32_MAX), 1);
	assert_int_equal(max_u32(1, UINT32_MAX), UINT32_MAX);
	assert_true(min_size(SIZE_MAX, 3) == 3);
	assert_true(min_i64(INT64_MIN, INT64_MAX) == INT64_MIN);
	assert_true(max_i64(INT64_MIN, INT64_MAX) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stand_in_network_order_at_any_address),
		cmocka_unit_test(least_and_greatest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
