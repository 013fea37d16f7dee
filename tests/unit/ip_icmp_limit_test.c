#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/icmp_limit.h"
#include "wire/tuple.h"

static const struct siphash_key key = { 7, 8 };

static unsigned take(struct icmp_limit *limit, struct tern_addr dst, tern_time now, unsigned times)
{
	unsigned n = 0;

	while (times-- > 0)
		n += icmp_limit_take(limit, &dst, now);
	return n;
}

static void a_prefix_gets_a_burst_and_a_rate(void **state)
{
	struct icmp_limit limit;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		icmp_limit_init(&limit, &key, seed);
		unsigned n = take(&limit, addr_v4(0x0a000001), 0, 1000);
		assert_in_range(n, 4, ICMP_LIMIT_BURST);
		n = 0;
		/* 10 s, a try each millisecond, from all over the /24; within one epoch of the hash */
		for (unsigned i = 1; i <= 10000; i++)
			n += take(&limit, addr_v4(0x0a000000 + i % 256), i * TERN_MILLISECOND, 1);
		assert_in_range(n, 60, 10 * ICMP_LIMIT_RATE);
		/* After a pause no more than a burst, however long. */
		n = take(&limit, addr_v4(0x0a000001), TERN_NEVER - 1, 1000);
		assert_in_range(n, 4, ICMP_LIMIT_BURST);
	}
	/* Time that stands still or goes back is harmless. */
	assert_int_equal(take(&limit, addr_v4(0x0a000001), 5, 100), 0);
}

/* Whoever has learnt when the next error is due cannot tell from it whether another had one. */
static void the_rate_is_not_exact(void **state)
{
	struct icmp_limit limit;
	unsigned	  n = 0;

	(void)state;
	icmp_limit_init(&limit, &key, 3);
	take(&limit, addr_v4(0x0a000001), 0, 1000);
	for (unsigned i = 1; i <= 100; i++)
		n += take(&limit, addr_v4(0x0a000001), i * 100 * TERN_MILLISECOND, 1);
	assert_in_range(n, 60, 95);
}

static void prefixes_do_not_share(void **state)
{
	struct icmp_limit limit;
	unsigned	  served = 0;

	(void)state;
	icmp_limit_init(&limit, &key, 1);
	take(&limit, addr_v4(0x0a000001), 0, 1000);
	for (uint32_t i = 0; i < 100; i++)
		served += take(&limit, addr_v4(0x0b000001 + (i << 8)), 0, 1);
	assert_true(served >= 98);
	/* All together send what all the buckets hold. */
	unsigned total = 0;
	for (uint32_t i = 0; i < 1000000; i++)
		total += take(&limit, addr_v4(0x0c000000 + i * 256), 0, 1);
	assert_true(total <= ICMP_LIMIT_BUCKETS * ICMP_LIMIT_BURST);
}

/* attacks: SAD DNS / CVE-2020-25705. The victim's errors and the attacker's probe meet in one bucket at
 * best, and even there the answer to the probe does not tell 1,000 errors from 999, nor a burst from
 * one error less, nearly as often as it would have to. */
static void the_limit_is_no_side_channel(void **state)
{
	static struct icmp_limit limit;
	const struct tern_addr	 victim = addr_v4(0x0a000001);
	static const unsigned	 tries[][2] = { { 1000, 999 }, { 12, 11 }, { 9, 8 }, { 7, 6 } };
	unsigned		 answers[4][2] = { { 0 } };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 2; k++)
			for (uint64_t seed = 0; seed < 2000; seed++) {
				icmp_limit_init(&limit, &key, seed * 8191 + i * 2 + k);
				take(&limit, victim, 0, tries[i][k]);
				answers[i][k] += take(&limit, victim, 0, 1); /* shares the bucket for sure */
			}
	for (unsigned i = 0; i < 4; i++) {
		const int more = (int)answers[i][1] - (int)answers[i][0];

		assert_true(more < 2000 * 35 / 100); /* an exact limit makes it 100 at one of them */
	}
	/* An attacker who is elsewhere in the table sees the same whatever the victim had. */
	const struct tern_addr elsewhere = addr_v4(0xc6336401);
	unsigned	       alone = 0, beside = 0;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		icmp_limit_init(&limit, &key, seed);
		alone += take(&limit, elsewhere, 0, 20);
		icmp_limit_init(&limit, &key, seed + 5000);
		take(&limit, victim, 0, 1000);
		beside += take(&limit, elsewhere, 0, 20);
	}
	assert_in_range(alone > beside ? alone - beside : beside - alone, 0, alone / 50);
}

/* attacks: SAD DNS / CVE-2020-25705. What a prefix is answered is the same, draw by draw, whatever another has. */
static void what_one_has_another_does_not_move(void **state)
{
	static struct icmp_limit limit[2];
	const struct tern_addr	 victim = addr_v4(0x0a000001);

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		const struct tern_addr own = addr_v4(0x0b000000 + (i << 8));

		icmp_limit_init(&limit[0], &key, i);
		icmp_limit_init(&limit[1], &key, i);
		for (tern_time now = 0; now < 2 * TERN_SECOND; now += 10 * TERN_MILLISECOND) {
			take(&limit[1], victim, now, 1 + i % 7);
			assert_int_equal(take(&limit[0], own, now, 1), take(&limit[1], own, now, 1));
		}
	}
}

/* What own is answered amid a flood from everywhere, which takes every bucket, with the victim's errors or without. */
static unsigned amid_a_flood(struct tern_addr own, uint64_t seed, tern_time now, bool victim_too)
{
	static struct icmp_limit limit;

	icmp_limit_init(&limit, &key, seed);
	if (victim_too)
		take(&limit, addr_v4(0x0a000001), now, 1000);
	for (uint32_t k = 0; k < 700; k++)
		take(&limit, addr_v4(0x0c000000 + (k << 8)), now, 1);
	return take(&limit, own, now, 20);
}

/* There prefixes share; one that shares the victim's bucket now does not in the next epoch. */
static void collisions_do_not_last(void **state)
{
	unsigned collided = 0, still = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		const struct tern_addr own = addr_v4(0x0b000000 + (i << 8));
		bool		       shares[2];

		for (unsigned later = 0; later < 2; later++) {
			const tern_time now = later * 17 * TERN_SECOND;

			shares[later] = amid_a_flood(own, i, now, false) != amid_a_flood(own, i, now, true);
		}
		collided += shares[0];
		still += shares[0] && shares[1];
	}
	assert_in_range(collided, 4, 100);
	assert_true(still <= 2);
}

/* ---- what may be answered ---- */

static struct routes our_routes(struct mem *mem)
{
	struct routes	       routes;
	const struct tern_addr own = addr_v4(0x0a000001);
	uint8_t		       link;

	routes_init(&routes, mem);
	route_add_link(&routes, 1500, 0, &link);
	route_add_address(&routes, link, &own, 24);
	return routes;
}

/* attacks: ICMP smurf / broadcast, CVE-2019-12256, CVE-2020-11899 */
static void errors_answer_nobody_who_must_not_hear_them(void **state)
{
	enum { UDP = IPPROTO_UDP_, ICMP = IPPROTO_ICMP4 };
	static const struct {
		uint32_t src, dst;
		unsigned protocol, type;
		bool	 fragment;
		unsigned offset;
		bool	 may;
	} cases[] = {
		{ 0x0a000002, 0x0a000001, UDP, 0, false, 0, true },
		{ 0x08080808, 0x0a000001, UDP, 0, false, 0, true },
		{ 0x0a000002, 0x0a000001, UDP, 0, true, 0, true },  /* the first fragment */
		{ 0x0a000002, 0x0a000001, UDP, 0, true, 8, false }, /* a later one */
		{ 0x0a000002, 0x0a0000ff, UDP, 0, false, 0, false },
		{ 0x0a000002, 0xffffffff, UDP, 0, false, 0, false },
		{ 0x0a000002, 0xe0000001, UDP, 0, false, 0, false },
		{ 0x0a000002, 0, UDP, 0, false, 0, false },
		{ 0, 0x0a000001, UDP, 0, false, 0, false },
		{ 0x0a0000ff, 0x0a000001, UDP, 0, false, 0, false },
		{ 0xffffffff, 0x0a000001, UDP, 0, false, 0, false },
		{ 0xe0000001, 0x0a000001, UDP, 0, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 8, false, 0, true },
		{ 0x0a000002, 0x0a000001, ICMP, 0, false, 0, true },
		{ 0x0a000002, 0x0a000001, ICMP, 13, false, 0, true },
		{ 0x0a000002, 0x0a000001, ICMP, 3, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 4, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 5, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 11, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 12, false, 0, false },
		{ 0x0a000002, 0x0a000001, ICMP, 200, false, 0, false },
	};
	struct test_allocator	    host;
	struct mem		    mem;
	const struct tern_allocator allocator = test_allocator(&host);

	(void)state;
	mem_init(&mem, &allocator, 1 << 20, 0);
	struct routes routes = our_routes(&mem);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const uint8_t	 payload[8] = { (uint8_t)cases[i].type };
		struct ip_header ip = {
			.src = addr_v4(cases[i].src),
			.dst = addr_v4(cases[i].dst),
			.version = 4,
			.protocol = (uint8_t)cases[i].protocol,
			.is_fragment = cases[i].fragment,
			.fragment_offset = (uint16_t)cases[i].offset,
			.payload = payload,
			.payload_len = 8,
		};

		assert_int_equal(icmp_may_answer(&routes, &ip), cases[i].may);
		ip.payload_len = 0; /* ICMP that does not even say its type */
		assert_int_equal(icmp_may_answer(&routes, &ip), cases[i].may && cases[i].protocol != ICMP);
	}
	routes_done(&routes);
}

static void ipv6_errors_are_not_answered(void **state)
{
	struct test_allocator	    host;
	struct mem		    mem;
	const struct tern_allocator allocator = test_allocator(&host);

	(void)state;
	mem_init(&mem, &allocator, 1 << 20, 0);
	struct routes routes = our_routes(&mem);
	for (unsigned type = 0; type < 256; type++) {
		const uint8_t	 payload[8] = { (uint8_t)type };
		struct ip_header ip = {
			.src.b = { 0x20, 0x01, [15] = 2 },
			.dst.b = { 0x20, 0x01, [15] = 1 },
			.version = 6,
			.protocol = IPPROTO_ICMP6,
			.payload = payload,
			.payload_len = 8,
		};

		assert_int_equal(icmp_may_answer(&routes, &ip), type >= 128 && type != 137);
		/* Whatever stands behind a further header of a first fragment: hop-by-hop, routing, fragment,
		 * authentication, destination options. */
		static const uint8_t further[] = { 0, 43, 44, 51, 60 };
		for (unsigned i = 0; i < sizeof further; i++) {
			ip.is_fragment = false;
			ip.protocol = further[i];
			assert_true(icmp_may_answer(&routes, &ip));
			ip.is_fragment = true;
			assert_false(icmp_may_answer(&routes, &ip));
		}
		ip.protocol = IPPROTO_ICMP6;
		ip.payload_len = 0; /* nothing says what it is */
		assert_false(icmp_may_answer(&routes, &ip));
		ip.payload_len = 8;
		ip.protocol = IPPROTO_UDP_;
		assert_true(icmp_may_answer(&routes, &ip));
		ip.dst.b[0] = 0xff;
		assert_false(icmp_may_answer(&routes, &ip));
	}
	routes_done(&routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_gets_a_burst_and_a_rate),
		cmocka_unit_test(the_rate_is_not_exact),
		cmocka_unit_test(prefixes_do_not_share),
		cmocka_unit_test(the_limit_is_no_side_channel),
		cmocka_unit_test(what_one_has_another_does_not_move),
		cmocka_unit_test(collisions_do_not_last),
		cmocka_unit_test(errors_answer_nobody_who_must_not_hear_them),
		cmocka_unit_test(ipv6_errors_are_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
