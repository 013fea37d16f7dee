#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/counters.h"
#include "base/siphash.h"

/* As many names as one set has ways, and many in other sets: each counts for itself. */
static void few_count_for_themselves(void **state)
{
	struct counters counters = { 0 };

	(void)state;
	for (uint32_t round = 0; round < 1000; round++)
		for (uint64_t i = 0; i < COUNTERS_WAYS * COUNTERS_SETS; i++)
			for (uint64_t k = 0; k <= i % 3; k++)
				assert_int_equal((*counters_of(&counters, i % COUNTERS_SETS << 32 | (i + 1) << 8))++,
						 round * (i % 3 + 1) + k);
}

/* More names than there is room for: a number never comes back to its name. */
static void none_comes_back(void **state)
{
	enum { NAMES = 500 };
	struct counters counters = { 0 };
	uint64_t	random = 7;
	uint32_t	next[NAMES] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		const uint64_t	which = splitmix64(&random) % NAMES;
		uint32_t *const count = counters_of(&counters, (which + 1) * UINT64_C(0x9e3779b97f4a7c15));

		assert_true(*count >= next[which]);
		next[which] = ++*count;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_count_for_themselves),
		cmocka_unit_test(none_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
