/* Every unit that this machine has sums and copies as the slow way does (base/sum.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "base/sum.h"

static const struct sum_unit plain = { sum_add, sum_copy };

/* Word by word, in wire order. */
static uint16_t slow(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint64_t)p[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t in_wire_order(uint32_t sum)
{
	const uint16_t folded = sum_fold16(sum);
	uint8_t	       wire[2];

	memcpy(wire, &folded, sizeof wire);
	return get16(wire);
}

static void fill(uint8_t *at, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)splitmix64(seed);
}

static const struct sum_unit *unit_of(int i)
{
	return i == 0 ? &plain : i == 1 ? sum_unit_best() : sum_unit_wide();
}

/* Every length to 400 at every alignment, then long ones, of all ones (the most carries). */
static void sums_agree(void **state)
{
	static uint8_t at[70000];
	uint64_t       seed = 1;

	(void)state;
	fill(at, 1000, &seed);
	for (int i = 0; i < 3 && unit_of(i); i++) {
		const struct sum_unit *const unit = unit_of(i);

		for (size_t n = 0; n <= 400; n++)
			for (size_t from = 0; from < 8; from++)
				assert_int_equal(in_wire_order(unit->add(0, at + from, n)), slow(at + from, n));
	}
	memset(at, 0xff, sizeof at);
	for (int i = 0; i < 3 && unit_of(i); i++)
		for (size_t n = 1; n <= 69000; n += 977)
			assert_int_equal(in_wire_order(unit_of(i)->add(0xffffffff, at, n)), slow(at, n));
}

static void copies_are_exact(void **state)
{
	uint8_t	 from[400], to[420];
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 3 && unit_of(i); i++) {
		for (size_t n = 0; n <= 350; n++) {
			const size_t skew = n % 7;

			fill(from, sizeof from, &seed);
			memset(to, 0x5a, sizeof to);
			assert_int_equal(in_wire_order(unit_of(i)->copy(0, to + 8, from + skew, n)),
					 slow(from + skew, n));
			assert_memory_equal(to + 8, from + skew, n);
			for (size_t k = 0; k < 8; k++) {
				assert_int_equal(to[k], 0x5a);
				assert_int_equal(to[8 + n + k], 0x5a);
			}
		}
		const uint32_t before = unit_of(i)->add(0, "\x12\x34", 2);

		assert_int_equal(unit_of(i)->copy(before, to, from, 32), unit_of(i)->add(before, from, 32));
	}
}

/* Parts cut anywhere, each summed by itself. */
static void parts_join_to_the_whole(void **state)
{
	uint8_t	 at[257];
	uint64_t seed = 2;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		const size_t n = 1 + splitmix64(&seed) % sizeof at, a = splitmix64(&seed) % (n + 1);
		uint32_t     sum;

		fill(at, n, &seed);
		sum = sum_join(sum_add(0, at, a), sum_unit_best()->add(0, at + a, n - a), a);
		assert_int_equal(in_wire_order(sum), slow(at, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_agree),
		cmocka_unit_test(copies_are_exact),
		cmocka_unit_test(parts_join_to_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
