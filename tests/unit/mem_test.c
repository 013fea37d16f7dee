#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/mem.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
};

static void begin(struct fixture *f, size_t limit, size_t reserve)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, limit, reserve);
}

static void end(struct fixture *f)
{
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->mem.idle, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_int_equal(f->host.bytes, 0);
	assert_false(f->host.broken);
}

static void get_gives_zeroed_aligned_memory(void **state)
{
	struct fixture f;
	const size_t   aligns[] = { 0, 1, 8, 64, 4096 };

	(void)state;
	begin(&f, 100000, 0);
	for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
		uint8_t *p = mem_get(&f.mem, 333, aligns[i], MEM_ORDINARY);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % (aligns[i] ? aligns[i] : 16), 0);
		for (size_t k = 0; k < 333; k++)
			assert_int_equal(p[k], 0);
		assert_int_equal(f.mem.used, 333);
		mem_put(&f.mem, p, 333);
	}
	mem_put(&f.mem, NULL, 10);
	end(&f);
}

/* limit 1000, reserve 200: what each claim may have when `used` is taken already. */
static void limit_and_reserve(void **state)
{
	static const struct {
		size_t	       used, size;
		enum mem_claim claim;
		bool	       given;
	} cases[] = {
		{ 1, 799, MEM_ORDINARY, true },	       { 1, 800, MEM_ORDINARY, false },
		{ 1, 999, MEM_RESERVED, true },	       { 1, 1000, MEM_RESERVED, false },
		{ 900, 1, MEM_ORDINARY, false },       { 900, 100, MEM_RESERVED, true },
		{ 900, 101, MEM_RESERVED, false },     { 1, SIZE_MAX, MEM_RESERVED, false },
		{ 900, SIZE_MAX, MEM_ORDINARY, false }, { 1000, 1, MEM_RESERVED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;

		begin(&f, 1000, 200);
		void *first = mem_get(&f.mem, cases[i].used, 0, MEM_RESERVED);
		assert_non_null(first);
		void *then = mem_get(&f.mem, cases[i].size, 0, cases[i].claim);
		assert_int_equal(then != NULL, cases[i].given);
		assert_int_equal(f.mem.refused, !cases[i].given);
		assert_int_equal(f.mem.used, cases[i].used + (then ? cases[i].size : 0));
		assert_int_equal(f.mem.peak, f.mem.used);
		if (then)
			mem_put(&f.mem, then, cases[i].size);
		mem_put(&f.mem, first, cases[i].used);
		end(&f);
	}
}

static void a_reserve_above_the_limit_leaves_nothing_ordinary(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 100, 1000);
	assert_null(mem_get(&f.mem, 1, 0, MEM_ORDINARY));
	void *p = mem_get(&f.mem, 100, 0, MEM_RESERVED);
	assert_non_null(p);
	mem_put(&f.mem, p, 100);
	end(&f);
}

static void an_allocator_that_fails_is_counted_and_charges_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 1000, 0);
	f.host.fail_all = true;
	assert_null(mem_get(&f.mem, 10, 0, MEM_ORDINARY));
	assert_int_equal(f.mem.failed, 1);
	assert_int_equal(f.mem.refused, 0);
	end(&f);
}

static void tight_above_seven_eighths(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 1000, 200);
	void *a = mem_get(&f.mem, 700, 0, MEM_ORDINARY);
	assert_false(mem_is_tight(&f.mem));
	void *b = mem_get(&f.mem, 1, 0, MEM_ORDINARY);
	assert_true(mem_is_tight(&f.mem));
	mem_put(&f.mem, a, 700);
	mem_put(&f.mem, b, 1);
	assert_false(mem_is_tight(&f.mem));
	end(&f);
}

static void pool_keeps_no_more_than_it_should_last_in_first_out(void **state)
{
	struct fixture f;
	struct pool    pool;
	void	      *block[5];

	(void)state;
	begin(&f, 10000, 0);
	pool_init(&pool, &f.mem, 100, 0, 2);
	for (size_t i = 0; i < 5; i++)
		block[i] = pool_get(&pool, MEM_ORDINARY);
	assert_int_equal(pool.n_used, 5);
	for (size_t i = 0; i < 5; i++)
		pool_put(&pool, block[i]);
	assert_int_equal(pool.n_used, 0);
	assert_int_equal(pool.n_free, 2);
	assert_int_equal(f.mem.used, 200);
	assert_int_equal(f.mem.idle, 200);
	assert_ptr_equal(pool_get(&pool, MEM_ORDINARY), block[1]);
	assert_ptr_equal(pool_get(&pool, MEM_ORDINARY), block[0]);
	assert_int_equal(f.mem.idle, 0);
	pool_put(&pool, block[0]);
	pool_put(&pool, block[1]);
	pool_done(&pool);
	end(&f);
}

static void pool_of_tiny_blocks_has_room_for_its_list(void **state)
{
	struct fixture f;
	struct pool    pool;

	(void)state;
	begin(&f, 10000, 0);
	pool_init(&pool, &f.mem, 1, 1, 8);
	void *a = pool_get(&pool, MEM_ORDINARY), *b = pool_get(&pool, MEM_ORDINARY);
	pool_put(&pool, a);
	pool_put(&pool, b);
	assert_ptr_equal(pool_get(&pool, MEM_ORDINARY), b);
	assert_ptr_equal(pool_get(&pool, MEM_ORDINARY), a);
	pool_put(&pool, a);
	pool_put(&pool, b);
	pool_done(&pool);
	end(&f);
}

/* Blocks that lie free in a pool belong to the reserve as fresh memory does. */
static void a_kept_block_does_not_open_the_reserve(void **state)
{
	struct fixture f;
	struct pool    pool;
	void	      *block[10];

	(void)state;
	begin(&f, 1000, 200);
	pool_init(&pool, &f.mem, 100, 0, 10);
	for (size_t i = 0; i < 10; i++)
		block[i] = pool_get(&pool, MEM_RESERVED);
	pool_put(&pool, block[9]);
	assert_null(pool_get(&pool, MEM_ORDINARY));
	assert_int_equal(f.mem.refused, 1);
	assert_ptr_equal(pool_get(&pool, MEM_RESERVED), block[9]);
	for (size_t i = 0; i < 10; i++)
		pool_put(&pool, block[i]);
	for (size_t i = 0; i < 10; i++)
		block[i] = pool_get(&pool, MEM_ORDINARY);
	assert_non_null(block[7]);
	assert_null(block[8]);
	for (size_t i = 0; i < 8; i++)
		pool_put(&pool, block[i]);
	pool_trim(&pool);
	pool_done(&pool);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_gives_zeroed_aligned_memory),
		cmocka_unit_test(limit_and_reserve),
		cmocka_unit_test(a_reserve_above_the_limit_leaves_nothing_ordinary),
		cmocka_unit_test(an_allocator_that_fails_is_counted_and_charges_nothing),
		cmocka_unit_test(tight_above_seven_eighths),
		cmocka_unit_test(pool_keeps_no_more_than_it_should_last_in_first_out),
		cmocka_unit_test(pool_of_tiny_blocks_has_room_for_its_list),
		cmocka_unit_test(a_kept_block_does_not_open_the_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
