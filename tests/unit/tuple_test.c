#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "wire/tuple.h"

enum { V4 = 1, UNSPECIFIED = 2, LOOPBACK = 4, MULTICAST = 8, BROADCAST = 16, LINK_LOCAL = 32, UNICAST = 64 };

#define A4(a, b, c, d) { { [10] = 0xff, 0xff, a, b, c, d } }
#define A6(hi, lo, last) { { [0] = hi, lo, [15] = last } }

static void every_address_is_what_it_is(void **state)
{
	static const struct {
		struct tern_addr addr;
		unsigned	 is;
	} cases[] = {
		{ A4(0, 0, 0, 0), V4 | UNSPECIFIED },
		{ A4(0, 0, 0, 1), V4 },
		{ A4(1, 0, 0, 0), V4 | UNICAST },
		{ A4(10, 0, 0, 1), V4 | UNICAST },
		{ A4(126, 255, 255, 255), V4 | UNICAST },
		{ A4(127, 0, 0, 1), V4 | LOOPBACK | UNICAST },
		{ A4(127, 255, 255, 254), V4 | LOOPBACK | UNICAST },
		{ A4(169, 253, 0, 1), V4 | UNICAST },
		{ A4(169, 254, 0, 1), V4 | LINK_LOCAL | UNICAST },
		{ A4(223, 255, 255, 255), V4 | UNICAST },
		{ A4(224, 0, 0, 1), V4 | MULTICAST },
		{ A4(239, 255, 255, 255), V4 | MULTICAST },
		{ A4(240, 0, 0, 1), V4 | UNICAST },
		{ A4(255, 255, 255, 254), V4 | UNICAST },
		{ A4(255, 255, 255, 255), V4 | BROADCAST },
		{ A6(0, 0, 0), UNSPECIFIED },
		{ A6(0, 0, 1), LOOPBACK | UNICAST },
		{ A6(0, 0, 2), UNICAST },
		{ A6(0x20, 0x01, 1), UNICAST },
		{ A6(0xfd, 0, 1), UNICAST },
		{ A6(0xfe, 0x80, 1), LINK_LOCAL | UNICAST },
		{ A6(0xfe, 0xbf, 1), LINK_LOCAL | UNICAST },
		{ A6(0xfe, 0xc0, 1), UNICAST },
		{ A6(0xff, 0x02, 1), MULTICAST },
		{ { { [10] = 0xff, 0xfe, 10, 0, 0, 1 } }, UNICAST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct tern_addr *a = &cases[i].addr;
		const unsigned		is =
			(addr_is_v4(a) ? V4 : 0) | (addr_is_unspecified(a) ? UNSPECIFIED : 0) |
			(addr_is_loopback(a) ? LOOPBACK : 0) | (addr_is_multicast(a) ? MULTICAST : 0) |
			(addr_is_broadcast(a) ? BROADCAST : 0) | (addr_is_link_local(a) ? LINK_LOCAL : 0) |
			(addr_is_unicast(a) ? UNICAST : 0);

		if (is != cases[i].is)
			print_error("case %zu\n", i);
		assert_int_equal(is, cases[i].is);
	}
}

static void v4_goes_there_and_back(void **state)
{
	const struct tern_addr expected = A4(192, 0, 2, 33), addr = addr_v4(0xc0000221);

	(void)state;
	assert_memory_equal(&addr, &expected, sizeof addr);
	assert_int_equal(addr_v4_of(&addr), 0xc0000221);
}

static void prefixes(void **state)
{
	static const struct {
		struct tern_addr addr, prefix;
		unsigned	 bits;
		bool		 in;
	} cases[] = {
		{ A4(10, 0, 2, 100), A4(10, 0, 2, 0), 24, true },
		{ A4(10, 0, 3, 100), A4(10, 0, 2, 0), 24, false },
		{ A4(10, 0, 3, 100), A4(10, 0, 2, 0), 23, true },
		{ A4(10, 0, 2, 1), A4(10, 0, 2, 0), 32, false },
		{ A4(10, 0, 2, 1), A4(10, 0, 2, 1), 32, true },
		{ A4(10, 0, 2, 0), A4(10, 0, 2, 1), 99, false },
		{ A4(10, 0, 2, 0), A4(10, 0, 2, 1), UINT32_MAX, false },
		{ A4(200, 1, 1, 1), A4(0, 0, 0, 0), 0, true },
		{ A4(200, 1, 1, 1), A4(0, 0, 0, 0), 1, false },
		{ A4(100, 1, 1, 1), A4(0, 0, 0, 0), 1, true },
		{ A6(0x20, 0x01, 1), A4(0, 0, 0, 0), 0, false },
		{ A4(10, 0, 0, 1), A6(0, 0, 0), 0, true },
		{ A6(0x20, 0x01, 1), A6(0, 0, 0), 0, true },
		{ A6(0x20, 0x01, 2), A6(0x20, 0x01, 0), 127, false },
		{ A6(0x20, 0x01, 1), A6(0x20, 0x01, 1), 128, true },
		{ A6(0x20, 0x01, 1), A6(0x20, 0x01, 1), 500, true },
		{ A6(0xfe, 0xbf, 1), A6(0xfe, 0x80, 0), 10, true },
		{ A6(0xfe, 0xc0, 1), A6(0xfe, 0x80, 0), 10, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (addr_in_prefix(&cases[i].addr, &cases[i].prefix, cases[i].bits) != cases[i].in)
			print_error("case %zu\n", i);
		assert_int_equal(addr_in_prefix(&cases[i].addr, &cases[i].prefix, cases[i].bits),
				 cases[i].in);
	}
}

static void tuples_differ_by_every_part(void **state)
{
	const struct tern_tuple a = { A4(10, 0, 0, 1), A4(10, 0, 0, 2), 7, 1000, 2000 };
	struct tern_tuple	b = a;

	(void)state;
	assert_true(tuple_equal(&a, &b));
	b.local.b[15] ^= 1;
	assert_false(tuple_equal(&a, &b));
	assert_false(addr_equal(&a.local, &b.local));
	b = a, b.remote.b[0] ^= 1;
	assert_false(tuple_equal(&a, &b));
	b = a, b.zone++;
	assert_false(tuple_equal(&a, &b));
	b = a, b.local_port++;
	assert_false(tuple_equal(&a, &b));
	b = a, b.remote_port++;
	assert_false(tuple_equal(&a, &b));
}

/* Whatever of it changes, the bytes do; and no tuple of one form is the beginning of another's. */
static void packed_tuples_are_told_apart(void **state)
{
	static const struct tern_addr a4 = A4(10, 0, 0, 1), b4 = A4(10, 0, 0, 2);
	static const struct tern_addr a6 = A6(0x20, 1, 1), b6 = A6(0x20, 1, 2);
	const struct tern_tuple tuples[] = {
		{ .local = a4, .remote = b4, .local_port = 1, .remote_port = 2 },
		{ .local = b4, .remote = a4, .local_port = 1, .remote_port = 2 },
		{ .local = a4, .remote = b4, .local_port = 2, .remote_port = 1 },
		{ .local = a4, .remote = b4, .local_port = 1, .remote_port = 2, .zone = 9 },
		{ .local = a6, .remote = b6, .local_port = 1, .remote_port = 2 },
		{ .local = a6, .remote = b6, .local_port = 1, .remote_port = 2, .zone = 9 },
		{ .local = b6, .remote = a6, .local_port = 1, .remote_port = 2 },
	};
	static const size_t lengths[] = { 12, 12, 12, 16, 36, 40, 36 };
	enum { N = sizeof tuples / sizeof *tuples };
	uint8_t bytes[N][TUPLE_PACKED];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(tuple_pack(bytes[i], &tuples[i]), lengths[i]);
		for (size_t k = 0; k < i; k++)
			assert_true(lengths[i] != lengths[k] || memcmp(bytes[i], bytes[k], lengths[i]) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_what_it_is),
		cmocka_unit_test(packed_tuples_are_told_apart),
		cmocka_unit_test(v4_goes_there_and_back),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(tuples_differ_by_every_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
