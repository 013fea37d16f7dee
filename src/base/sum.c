/* For vectors of two words: what every vector unit has. A compiler without one makes scalars of it. */
#define SUM_WORDS 2
#include "base/sum_kernel.h"

uint32_t sum_add(uint32_t sum, const void *from, size_t n)
{
	return sum_pass(sum, from, n);
}

uint32_t sum_copy(uint32_t sum, void *restrict to, const void *restrict from, size_t n)
{
	return sum_copy_pass(sum, to, from, n);
}

const struct sum_unit *sum_unit_best(void)
{
	static const struct sum_unit plain = { sum_add, sum_copy };
	const struct sum_unit *const wide = sum_unit_wide();

	return wide ? wide : &plain;
}
