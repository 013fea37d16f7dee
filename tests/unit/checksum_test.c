#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

/* RFC 1071 as it is written: words in wire order, one at a time. */
static uint16_t slow(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint64_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill(uint8_t *p, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)splitmix64(seed);
}

static void rfc_1071_example(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_finish(checksum_add(0, bytes, sizeof bytes)), (uint16_t)~0xddf2);
}

static void known_ipv4_header_is_right(void **state)
{
	uint8_t header[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
			     0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

	(void)state;
	assert_true(checksum_is_right(checksum_add(0, header, sizeof header)));
	for (size_t i = 0; i < sizeof header * 8; i++) {
		header[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(checksum_is_right(checksum_add(0, header, sizeof header)));
		header[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	put16(header + 10, 0);
	assert_int_equal(checksum_finish(checksum_add(0, header, sizeof header)), 0xb861);
}

static void nothing_sums_to_ffff_and_is_not_right(void **state)
{
	(void)state;
	assert_int_equal(checksum_finish(checksum_add(0, "", 0)), 0xffff);
	assert_false(checksum_is_right(0));
}

/* Every length to 300 at every alignment, then long ones of all ones (the most carries). */
static void agrees_with_the_slow_sum(void **state)
{
	static uint8_t at[70000];
	uint64_t       seed = 1;

	(void)state;
	fill(at, sizeof at, &seed);
	for (size_t n = 0; n <= 300; n++)
		for (size_t from = 0; from < 8; from++)
			assert_int_equal(checksum_finish(checksum_add(0, at + from, n)), slow(at + from, n));
	for (size_t n = 1400; n < 65536; n = n * 2 + 37)
		assert_int_equal(checksum_finish(checksum_add(0, at + 1, n)), slow(at + 1, n));
	memset(at, 0xff, sizeof at);
	for (size_t n = 1; n <= 69000; n += 977)
		assert_int_equal(checksum_finish(checksum_add(0xffffffff, at, n)), slow(at, n));
}

/* A sum that carries out of 32 bits, and once more when the carry is added. */
static void carries_go_around_twice(void **state)
{
	const uint8_t little[] = { 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0 };
	const uint8_t big[] = { 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	assert_int_equal(checksum_finish(checksum_add(0xffffffff, little, 8)), slow(little, 8));
	assert_int_equal(checksum_finish(checksum_add(0xffffffff, big, 8)), slow(big, 8));
}

/* A message in three parts, cut anywhere, sums as the whole; the sum of one starts the next. */
static void parts_sum_as_the_whole(void **state)
{
	uint8_t	 at[257];
	uint64_t seed = 2;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		const size_t n = 1 + splitmix64(&seed) % sizeof at, a = splitmix64(&seed) % (n + 1);
		const size_t b = a + splitmix64(&seed) % (n - a + 1);

		fill(at, n, &seed);
		uint32_t sum = checksum_add_at(0, at + b, n - b, b);
		sum = checksum_add_at(sum, at + a, b - a, a);
		sum = checksum_add_at(sum, at, a, 0);
		assert_int_equal(checksum_finish(sum), slow(at, n));
	}
}

static void pseudo_header_of_each_version(void **state)
{
	/* As RFC 9293 3.1 and RFC 8200 8.1 draw them. */
	const uint8_t	 v4[] = { 10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0x12, 0x34 };
	uint8_t v6[40] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 0x20, 0x01, 0x0d, 0xb8, [31] = 2 };
	struct tern_addr src, dst;

	(void)state;
	src = addr_v4(0x0a000001);
	dst = addr_v4(0x0a000002);
	assert_int_equal(checksum_finish(checksum_pseudo(&src, &dst, 6, 0x1234)), slow(v4, sizeof v4));
	memcpy(src.b, v6, 16);
	memcpy(dst.b, v6 + 16, 16);
	put32(v6 + 32, 0x00fedcba);
	v6[39] = 58;
	assert_int_equal(checksum_finish(checksum_pseudo(&src, &dst, 58, 0x00fedcba)), slow(v6, sizeof v6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_1071_example),
		cmocka_unit_test(known_ipv4_header_is_right),
		cmocka_unit_test(nothing_sums_to_ffff_and_is_not_right),
		cmocka_unit_test(agrees_with_the_slow_sum),
		cmocka_unit_test(carries_go_around_twice),
		cmocka_unit_test(parts_sum_as_the_whole),
		cmocka_unit_test(pseudo_header_of_each_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
