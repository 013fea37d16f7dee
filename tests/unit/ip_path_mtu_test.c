#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/path_mtu.h"
#include "wire/tuple.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct path_mtu	      table;
};

static const struct siphash_key key = { 5, 6 };

static void begin(struct fixture *f)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, 1 << 20, 0);
	path_mtu_init(&f->table, &f->mem, &key);
}

static void end(struct fixture *f)
{
	path_mtu_done(&f->table);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
}

static const struct tern_addr six = { { 0x20, 0x01, [15] = 1 } };

static uint32_t lower(struct fixture *f, struct tern_addr dst, uint32_t told, uint32_t len, tern_time now)
{
	return path_mtu_lower(&f->table, &dst, 0, told, len, 1500, now);
}

static uint32_t mtu_of(const struct fixture *f, struct tern_addr dst, tern_time now)
{
	return path_mtu_of(&f->table, &dst, 0, 1500, now);
}

/* attacks: CVE-2020-11910/11911, IPv6 PTB <1280, CVE-2020-36516 */
static void what_routers_say_is_bounded(void **state)
{
	static const struct {
		bool	 v6;
		uint32_t told, len, want; /* want: the new path MTU, 0 ignored */
	} cases[] = {
		{ false, 1400, 1500, 1400 },
		{ false, 552, 1500, 552 },
		{ false, 551, 1500, 552 },
		{ false, 68, 1500, 552 },
		{ false, 67, 1500, 552 },
		{ false, 1, 1500, 552 },
		{ false, 1499, 1500, 1499 },
		{ false, 1500, 1500, 0 }, /* as long as the packet: then it was not too big */
		{ false, 9000, 9001, 0 }, /* more than the link carries */
		{ false, 65535, 1500, 0 },
		{ false, 1000, 900, 0 }, /* more than the packet was */
		{ false, 0, 1500, 1492 },
		{ false, 0, 1492, 1006 },
		{ false, 0, 1006, 552 }, /* RFC 1191 7.1 */
		{ false, 0, 600, 552 },
		{ false, 0, 20, 552 },
		{ false, 0, 0, 0 },
		{ true, 1400, 1500, 1400 },
		{ true, 1280, 1500, 1280 },
		{ true, 1500, 1500, 0 },
		{ true, 1279, 1500, 0 },
		{ true, 68, 1500, 0 },
		{ true, 0, 1500, 0 }, /* RFC 8201 4, RFC 8021 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct tern_addr dst = cases[i].v6 ? six : addr_v4(0x0a000002);
		struct fixture	       f;

		begin(&f);
		assert_int_equal(lower(&f, dst, cases[i].told, cases[i].len, 0), cases[i].want);
		assert_int_equal(mtu_of(&f, dst, 0), cases[i].want ? cases[i].want : 1500);
		end(&f);
	}
}

static void it_is_never_raised_and_forgotten_after_ten_minutes(void **state)
{
	const struct tern_addr dst = addr_v4(0x0a000002), other = addr_v4(0x0a000003);
	struct fixture	       f;

	(void)state;
	begin(&f);
	assert_int_equal(lower(&f, dst, 1000, 1500, 0), 1000);
	assert_int_equal(lower(&f, dst, 1200, 1500, 1), 0);
	assert_int_equal(lower(&f, dst, 1000, 1500, 1), 0);
	assert_int_equal(mtu_of(&f, dst, 2), 1000);
	assert_int_equal(mtu_of(&f, other, 2), 1500);
	assert_int_equal(path_mtu_of(&f.table, &dst, 1, 1500, 2), 1500); /* another zone */
	assert_int_equal(path_mtu_of(&f.table, &dst, 0, 900, 2), 900);	 /* the link carries less by now */
	assert_int_equal(lower(&f, dst, 900, 1000, 5), 900);
	assert_int_equal(mtu_of(&f, dst, PATH_MTU_AGE + 4), 900);
	assert_int_equal(mtu_of(&f, dst, PATH_MTU_AGE + 5), 1500);
	assert_int_equal(lower(&f, dst, 1200, 1500, PATH_MTU_AGE + 6), 1200); /* it may have grown */
	path_mtu_trim(&f.table, PATH_MTU_AGE + 7);
	assert_true(f.mem.used > 0);
	path_mtu_trim(&f.table, 3 * PATH_MTU_AGE);
	assert_int_equal(f.mem.used, 0);
	assert_int_equal(mtu_of(&f, dst, 3 * PATH_MTU_AGE), 1500);
	end(&f);
}

/* attacks: PMTU cache flood: it costs no more memory, and what was told last is known. */
static void a_flood_is_bounded(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	lower(&f, addr_v4(1), 1400, 1500, 0);
	const size_t used = f.mem.used;
	for (uint32_t i = 0; i < 100000; i++) {
		assert_int_equal(lower(&f, addr_v4(0x0b000000 + i), 1400, 1500, i + 1), 1400);
		assert_int_equal(mtu_of(&f, addr_v4(0x0b000000 + i), i + 1), 1400);
	}
	assert_int_equal(f.mem.used, used);
	assert_true(used <= 16384);
	unsigned known = 0;
	for (uint32_t i = 100000 - 64; i < 100000; i++)
		known += mtu_of(&f, addr_v4(0x0b000000 + i), 100001) == 1400;
	assert_true(known >= 60); /* the latest, of which few share a set */
	end(&f);
}

static void without_memory_the_answer_still_stands(void **state)
{
	const struct tern_addr dst = addr_v4(0x0a000002);
	struct fixture	       f;

	(void)state;
	begin(&f);
	f.host.fail_all = true;
	assert_int_equal(lower(&f, dst, 1000, 1500, 0), 1000);
	assert_int_equal(mtu_of(&f, dst, 0), 1500);
	path_mtu_trim(&f.table, 0);
	end(&f);
}

static void a_narrow_link_has_no_higher_floor(void **state)
{
	const struct tern_addr dst = addr_v4(0x0a000002);
	struct fixture	       f;

	(void)state;
	begin(&f);
	assert_int_equal(path_mtu_lower(&f.table, &dst, 0, 100, 296, 296, 0), 0);
	assert_int_equal(path_mtu_of(&f.table, &dst, 0, 296, 0), 296);
	end(&f);
}

/* Two networks of the same numbers: what a router of one says is nothing to the other. */
static void zones_have_paths_of_their_own(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(path_mtu_lower(&f.table, &six, 100, 1300, 1500, 1500, 0), 1300);
	assert_int_equal(path_mtu_of(&f.table, &six, 100, 1500, 0), 1300);
	assert_int_equal(path_mtu_of(&f.table, &six, 0, 1500, 0), 1500);
	assert_int_equal(lower(&f, six, 1400, 1500, 0), 1400);
	assert_int_equal(path_mtu_of(&f.table, &six, 100, 1500, 0), 1300);
	end(&f);
}

static void the_end_of_time_does_not_overflow(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(lower(&f, six, 1300, 1500, TERN_NEVER - TERN_SECOND), 1300);
	assert_int_equal(mtu_of(&f, six, TERN_NEVER - TERN_SECOND), 1300);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_routers_say_is_bounded),
		cmocka_unit_test(it_is_never_raised_and_forgotten_after_ten_minutes),
		cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(without_memory_the_answer_still_stands),
		cmocka_unit_test(a_narrow_link_has_no_higher_floor),
		cmocka_unit_test(zones_have_paths_of_their_own),
		cmocka_unit_test(the_end_of_time_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
