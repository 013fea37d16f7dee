/* For x86-64 with AVX2; the whole file is compiled for it (CMakeLists.txt), so nothing here may run before it is known
 * that the processor has it and that the system saves its registers (Intel's manual, volume 1, 14.7). */
#define SUM_WORDS 4
#include "base/sum_kernel.h"

enum { LEAF_MOST = 0, LEAF_FEATURES = 1, LEAF_EXTENDED = 7 };
enum { OSXSAVE = 1 << 27, AVX = 1 << 28, AVX2 = 1 << 5, XCR0_SSE_AND_AVX = 6 };

struct cpuid {
	uint32_t a, b, c, d;
};

static struct cpuid ask(uint32_t leaf)
{
	struct cpuid said;

	__asm__ volatile("cpuid" : "=a"(said.a), "=b"(said.b), "=c"(said.c), "=d"(said.d) : "a"(leaf), "c"(0));
	return said;
}

static bool machine_has_it(void)
{
	uint32_t low, high;

	if (ask(LEAF_MOST).a < LEAF_EXTENDED || !(ask(LEAF_FEATURES).c & OSXSAVE) || !(ask(LEAF_FEATURES).c & AVX))
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & XCR0_SSE_AND_AVX) == XCR0_SSE_AND_AVX && ask(LEAF_EXTENDED).b & AVX2;
}

const struct sum_unit *sum_unit_wide(void)
{
	static const struct sum_unit unit = { sum_pass, sum_copy_pass };

	return machine_has_it() ? &unit : NULL;
}
