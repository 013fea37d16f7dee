#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "unit/allocator.h"
#include "host/demux.h"
#include "wire/tuple.h"

/* The records that the table names: entry i bears tuple_of(i); `kinds` says what it is now. */
struct world {
	struct test_allocator memory;
	struct mem	      mem;
	struct demux	      demux;
	bool		      v6;
	uint64_t	      compared;
};

static struct tern_tuple tuple_of(const struct world *w, uint32_t i)
{
	struct tern_tuple tuple = { .local_port = 80, .remote_port = (uint16_t)(i & 0xffff) };

	if (w->v6) {
		tuple.local.b[0] = tuple.remote.b[0] = 0xfd;
		tuple.local.b[15] = 1;
		tuple.remote.b[14] = (uint8_t)(i >> 24);
		tuple.remote.b[15] = (uint8_t)(i >> 16);
	} else {
		tuple.local = addr_v4(0x0a000001);
		tuple.remote = addr_v4(0x0a010000 + (i >> 16));
	}
	return tuple;
}

static bool is(void *context, demux_ref ref, const struct tern_tuple *tuple)
{
	struct world	       *w = context;
	const struct tern_tuple own = tuple_of(w, demux_ref_index(ref));

	w->compared++;
	return tuple_equal(&own, tuple);
}

static void tuple(void *context, demux_ref ref, struct tern_tuple *to)
{
	*to = tuple_of(context, demux_ref_index(ref));
}

static void begin(struct world *w, bool v6, size_t limit)
{
	static const struct siphash_key key = { 1, 2 };
	const struct demux_owner	owner = { is, tuple, w };
	const struct tern_allocator	allocator = test_allocator(&w->memory);

	w->v6 = v6;
	w->compared = 0;
	mem_init(&w->mem, &allocator, limit, 0);
	assert_int_equal(demux_init(&w->demux, &w->mem, &key, &owner), 0);
}

static void end(struct world *w)
{
	demux_done(&w->demux);
	assert_int_equal(w->mem.used, 0);
	assert_int_equal(w->memory.blocks, 0);
}

static demux_ref block(uint32_t i)
{
	return demux_ref_of(DEMUX_BLOCK, i);
}

static int insert(struct world *w, uint32_t i)
{
	const struct tern_tuple name = tuple_of(w, i);

	return demux_insert(&w->demux, &name, block(i));
}

static demux_ref find(struct world *w, uint32_t i)
{
	const struct tern_tuple name = tuple_of(w, i);

	return demux_find(&w->demux, &name);
}

static bool take_out(struct world *w, uint32_t i)
{
	const struct tern_tuple name = tuple_of(w, i);

	return demux_remove(&w->demux, &name, block(i));
}

static void finds_what_was_inserted(void **state)
{
	const uint32_t n = 30000;

	for (int v6 = 0; v6 < 2; v6++) {
		struct world w;

		(void)state;
		begin(&w, v6, SIZE_MAX);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(find(&w, i).v, 0);
			assert_int_equal(insert(&w, i), 0);
			assert_int_equal(find(&w, i).v, block(i).v);
		}
		demux_check(&w.demux);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(find(&w, i).v, block(i).v);
		for (uint32_t i = 0; i < n; i += 2)
			assert_true(take_out(&w, i));
		demux_check(&w.demux);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(find(&w, i).v, i % 2 ? block(i).v : 0);
		assert_false(take_out(&w, 0));
		end(&w);
	}
}

static void zone_tells_equal_addresses_apart(void **state)
{
	struct world	  w;
	struct tern_tuple a;

	(void)state;
	begin(&w, false, SIZE_MAX);
	a = tuple_of(&w, 7);
	const uint64_t without = demux_hash(&w.demux, &a);
	a.zone = 1;
	assert_true(demux_hash(&w.demux, &a) != without);
	assert_int_equal(insert(&w, 7), 0);
	assert_int_equal(demux_find(&w.demux, &a).v, 0);
	end(&w);
}

static void replaced_in_place_without_memory(void **state)
{
	struct world	  w;
	struct tern_tuple name;

	(void)state;
	begin(&w, false, SIZE_MAX);
	assert_int_equal(insert(&w, 5), 0);
	name = tuple_of(&w, 5);
	const uint64_t asked = w.memory.calls;
	demux_replace(&w.demux, &name, block(5), demux_ref_of(DEMUX_TIME_WAIT, 5));
	assert_int_equal(w.memory.calls, asked);
	assert_int_equal(demux_ref_kind(find(&w, 5)), DEMUX_TIME_WAIT);
	assert_int_equal(demux_ref_index(find(&w, 5)), 5);
	assert_false(take_out(&w, 5)); /* it is no block any more */
	assert_true(demux_remove(&w.demux, &name, demux_ref_of(DEMUX_TIME_WAIT, 5)));
	end(&w);
}

/* DESIGN 5.5: at 10^6 entries at most 15 bytes each; most lookups compare one tuple. */
static void million_entries_cost_fifteen_bytes_each(void **state)
{
	const uint32_t n = 1000000;
	struct world   w;

	(void)state;
	begin(&w, false, SIZE_MAX);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(insert(&w, i), 0);
	assert_true(w.mem.used <= 15 * (size_t)n);
	w.compared = 0;
	for (uint32_t i = 0; i < n; i += 10)
		assert_int_equal(find(&w, i).v, block(i).v);
	assert_true(w.compared < n / 10 + n / 100);
	/* and the memory comes back */
	for (uint32_t i = 0; i < n; i++)
		assert_true(take_out(&w, i));
	demux_check(&w.demux);
	assert_true(w.mem.used < 200000);
	end(&w);
}

/* A refused growth is no failure: the buckets fill up first. */
static void works_until_really_full_where_memory_is_refused(void **state)
{
	const uint32_t slots = 256 * 10; /* of the first segment, the only one that the budget allows */
	struct world   w;
	uint32_t       n = 0;

	(void)state;
	begin(&w, false, 17000 + DEMUX_MEMOS * sizeof(struct demux_memo));
	while (insert(&w, n) == 0)
		n++;
	assert_true(n > slots * 9 / 10);
	assert_int_equal(insert(&w, n), -TERN_ENOMEM);
	assert_int_equal(find(&w, n).v, 0);
	demux_check(&w.demux);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(find(&w, i).v, block(i).v);
	assert_true(take_out(&w, 17));
	end(&w);
}

/* Random insertions, removals and lookups against an array. */
static void agrees_with_a_model(void **state)
{
	enum { N = 20000, STEPS = 400000 };
	bool	    *there = calloc(N, sizeof *there);
	uint64_t     random = 42;
	struct world w;

	(void)state;
	begin(&w, false, SIZE_MAX);
	for (int step = 0; step < STEPS; step++) {
		/* the tide: growing for a while, then shrinking */
		const bool     rising = step / (STEPS / 4) % 2 == 0;
		const uint32_t i = (uint32_t)(splitmix64(&random) % N);
		const bool     add = splitmix64(&random) % 10 < (rising ? 8 : 2);

		assert_int_equal(find(&w, i).v, there[i] ? block(i).v : 0);
		if (add && !there[i])
			assert_int_equal(insert(&w, i), 0);
		else if (!add && there[i])
			assert_true(take_out(&w, i));
		there[i] = add;
		if (step % 50000 == 0)
			demux_check(&w.demux);
	}
	demux_check(&w.demux);
	free(there);
	end(&w);
}

static void guess_names_the_entry_or_nothing(void **state)
{
	struct world w;
	unsigned     right = 0;

	(void)state;
	begin(&w, true, SIZE_MAX);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(insert(&w, i), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct tern_tuple name = tuple_of(&w, i);
		const uint64_t		hash = demux_hash(&w.demux, &name);

		demux_prefetch(&w.demux, hash);
		right += demux_guess(&w.demux, hash).v == block(i).v;
	}
	assert_true(right > 900);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_inserted),
		cmocka_unit_test(zone_tells_equal_addresses_apart),
		cmocka_unit_test(replaced_in_place_without_memory),
		cmocka_unit_test(million_entries_cost_fifteen_bytes_each),
		cmocka_unit_test(works_until_really_full_where_memory_is_refused),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(guess_names_the_entry_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
