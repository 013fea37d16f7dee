#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include <stdlib.h>
#include "base/siphash.h"
#include "base/wheel.h"
#include "unit/allocator.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct wheel	      wheel;
};

static void begin(struct fixture *f, tern_time now)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, 256 << 20, 0);
	wheel_init(&f->wheel, &f->mem, now);
}

static void end(struct fixture *f)
{
	wheel_done(&f->wheel);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_false(f->host.broken);
}

static void never_early_at_most_a_tick_late(void **state)
{
	static const tern_time origins[] = { 0, 1, -5 * TERN_SECOND, 123456789012345, INT64_MAX / 2 };
	static const tern_time waits[] = { 1, 2, WHEEL_TICK - 1, WHEEL_TICK, WHEEL_TICK + 1, 64 * WHEEL_TICK,
					   64 * WHEEL_TICK + 1, TERN_MILLISECOND, 200 * TERN_MILLISECOND,
					   TERN_SECOND, 7200 * TERN_SECOND, 365 * 86400 * TERN_SECOND };

	(void)state;
	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
		for (size_t k = 0; k < sizeof waits / sizeof waits[0]; k++) {
			struct fixture	   f;
			struct wheel_entry e;
			const tern_time	   due = origins[i] + waits[k];
			int		   looks = 0;

			begin(&f, origins[i]);
			assert_true(wheel_add(&f.wheel, wheel_tick(&f.wheel, due), 9));
			assert_false(wheel_next(&f.wheel, due - 1, &e));
			/* Following the deadlines alone comes to it, and in a few steps. */
			tern_time at = wheel_deadline(&f.wheel);
			while (!wheel_next(&f.wheel, at, &e)) {
				const tern_time later = wheel_deadline(&f.wheel);
				assert_true(later > at);
				at = later;
				assert_true(++looks <= WHEEL_LEVELS);
			}
			assert_true(at >= due && at < due + WHEEL_TICK);
			assert_int_equal(e.id, 9);
			assert_true(wheel_deadline(&f.wheel) == TERN_NEVER);
			end(&f);
		}
	}
}

static void the_past_comes_out_next_with_its_own_tick(void **state)
{
	struct fixture	   f;
	struct wheel_entry e;

	(void)state;
	begin(&f, 1000);
	assert_false(wheel_next(&f.wheel, TERN_SECOND, &e));
	assert_true(wheel_tick(&f.wheel, 5) == f.wheel.tick);
	assert_true(wheel_tick(&f.wheel, INT64_MIN) == f.wheel.tick);
	assert_true(wheel_add(&f.wheel, 3, 33));
	assert_true(wheel_deadline(&f.wheel) <= TERN_SECOND);
	assert_true(wheel_next(&f.wheel, TERN_SECOND, &e));
	assert_int_equal(e.tick, 3);
	assert_int_equal(e.id, 33);
	assert_false(wheel_next(&f.wheel, TERN_SECOND, &e));
	end(&f);
}

static void time_that_goes_back_takes_nothing_out(void **state)
{
	struct fixture	   f;
	struct wheel_entry e;

	(void)state;
	begin(&f, 0);
	assert_false(wheel_next(&f.wheel, TERN_SECOND, &e));
	assert_true(wheel_add(&f.wheel, wheel_tick(&f.wheel, TERN_SECOND + 1), 1));
	assert_false(wheel_next(&f.wheel, 5, &e));
	assert_false(wheel_next(&f.wheel, -5, &e));
	assert_true(f.wheel.tick == TERN_SECOND / WHEEL_TICK);
	assert_true(wheel_next(&f.wheel, TERN_SECOND + WHEEL_TICK, &e));
	end(&f);
}

static void the_end_of_time_is_reached_and_not_passed(void **state)
{
	struct fixture	   f;
	struct wheel_entry e;

	(void)state;
	begin(&f, INT64_MIN);
	assert_true(wheel_add(&f.wheel, wheel_tick(&f.wheel, TERN_NEVER), 1));
	assert_true(wheel_add(&f.wheel, UINT64_MAX, 2));
	assert_false(wheel_next(&f.wheel, TERN_NEVER - WHEEL_TICK, &e));
	assert_true(wheel_deadline(&f.wheel) < TERN_NEVER);
	assert_true(wheel_next(&f.wheel, TERN_NEVER, &e));
	assert_true(wheel_next(&f.wheel, TERN_NEVER, &e));
	assert_int_equal(e.id, 2);
	end(&f);

	begin(&f, 0);
	assert_true(wheel_add(&f.wheel, UINT64_MAX, 3));
	assert_true(wheel_deadline(&f.wheel) == TERN_NEVER - 1);
	assert_false(wheel_next(&f.wheel, TERN_NEVER, &e));
	end(&f);
}

struct expected {
	uint64_t tick;
	uint32_t id; /* also the order of insertion */
};

static int by_tick_then_id(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	if (x->tick != y->tick)
		return x->tick < y->tick ? -1 : 1;
	return x->id < y->id ? -1 : 1;
}

/* Near and far ticks, so that every level is used and many collide. */
static uint64_t random_tick(const struct wheel *wheel, uint64_t *seed)
{
	const uint64_t r = splitmix64(seed);

	return wheel->tick + (splitmix64(seed) >> (34 + r % 30));
}

enum { ENTRIES = 20000 };

/* All comes out by tick, then by insertion, once, not before its time, against a sorted array. */
static void order_is_that_of_a_sorted_array(void **state)
{
	static struct expected all[ENTRIES];
	struct fixture	       f;
	struct wheel_entry     e;
	uint64_t	       seed = 7;

	(void)state;
	begin(&f, 77);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		all[i] = (struct expected){ random_tick(&f.wheel, &seed), i };
		assert_true(wheel_add(&f.wheel, all[i].tick, i));
	}
	qsort(all, ENTRIES, sizeof all[0], by_tick_then_id);
	uint32_t out = 0;
	for (uint64_t tick = 0; out < ENTRIES;
	     tick += 1 + (splitmix64(&seed) >> (36 + splitmix64(&seed) % 28))) {
		const tern_time now = 77 + (tern_time)(tick * WHEEL_TICK) + 5;

		assert_true(out == ENTRIES ||
			    wheel_deadline(&f.wheel) <= 77 + (tern_time)(all[out].tick * WHEEL_TICK));
		while (wheel_next(&f.wheel, now, &e)) {
			assert_true(e.tick <= tick);
			assert_int_equal(e.id, all[out].id);
			assert_int_equal(e.tick, all[out].tick);
			out++;
		}
		assert_int_equal(f.wheel.n, ENTRIES - out);
		assert_true(out == ENTRIES || all[out].tick > tick);
	}
	assert_true(wheel_deadline(&f.wheel) == TERN_NEVER);
	end(&f);
}

/* Adding while time runs: each comes out in the round in which its tick falls, in order of ticks. */
static void a_living_wheel_loses_nothing(void **state)
{
	static uint64_t due[ENTRIES];
	struct fixture	f;
	uint64_t	seed = 8, sum = 0;
	uint32_t	n = 0;

	(void)state;
	begin(&f, 0);
	for (int round = 0; round < 30000; round++) {
		struct wheel_entry e;
		uint64_t	   last = 0;
		const tern_time	   now = (tern_time)(sum * WHEEL_TICK);

		while (wheel_next(&f.wheel, now, &e)) {
			assert_int_equal(due[e.id], e.tick);
			assert_true(e.tick <= sum && e.tick >= last);
			last = e.tick;
			due[e.id] = UINT64_MAX;
			n--;
		}
		assert_true(f.wheel.tick == sum);
		for (uint32_t k = 0; k < splitmix64(&seed) % 4; k++) {
			const uint32_t id = (uint32_t)(splitmix64(&seed) % ENTRIES);

			if (due[id] != 0 && due[id] != UINT64_MAX)
				continue;
			due[id] = f.wheel.tick + (splitmix64(&seed) >> (44 + splitmix64(&seed) % 20));
			if (due[id] == 0)
				due[id] = 1;
			assert_true(wheel_add(&f.wheel, due[id], id));
			n++;
		}
		assert_int_equal(f.wheel.n, n);
		if (splitmix64(&seed) % 512 == 0)
			wheel_trim(&f.wheel);
		sum += splitmix64(&seed) >> (50 + splitmix64(&seed) % 14);
	}
	end(&f);
}

static void trim_keeps_what_is_there_and_gives_back_the_rest(void **state)
{
	struct fixture	   f;
	struct wheel_entry e;
	uint32_t	   next = 9000;

	(void)state;
	begin(&f, 0);
	for (uint32_t i = 0; i < 10000; i++)
		assert_true(wheel_add(&f.wheel, i * 3, i));
	for (uint32_t i = 0; i < next; i++)
		assert_true(wheel_next(&f.wheel, (tern_time)i * 3 * WHEEL_TICK, &e));
	const size_t before = f.mem.used;
	wheel_trim(&f.wheel);
	assert_true(f.mem.used < before / 4);
	for (uint32_t i = 0; i < 500; i++)
		assert_true(wheel_add(&f.wheel, 40000 + i, 10000 + i));
	while (wheel_next(&f.wheel, (tern_time)50000 * WHEEL_TICK, &e))
		assert_int_equal(e.id, next++);
	assert_int_equal(next, 10500);
	wheel_trim(&f.wheel);
	assert_int_equal(f.mem.used, 0);
	assert_true(wheel_add(&f.wheel, 60000, 1));
	end(&f);
}

/* Trimmed when the entries that are left lie anywhere; then more come, and the order is as ever. */
static void trim_moves_nodes_and_keeps_order(void **state)
{
	static struct expected all[2200];
	uint64_t	       seed = 12;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct fixture	   f;
		struct wheel_entry e;
		uint32_t	   out = 0;
		const uint64_t	   from = splitmix64(&seed) % 40000;

		begin(&f, 0);
		for (uint32_t i = 0; i < 2000; i++) {
			all[i] = (struct expected){ splitmix64(&seed) % 40000, i };
			assert_true(wheel_add(&f.wheel, all[i].tick, i));
		}
		qsort(all, 2000, sizeof all[0], by_tick_then_id);
		for (; wheel_next(&f.wheel, (tern_time)(from * WHEEL_TICK), &e); out++)
			assert_int_equal(e.id, all[out].id);
		wheel_trim(&f.wheel);
		assert_int_equal(f.wheel.n_chunks, (2000 - out + WHEEL_CHUNK - 1) / WHEEL_CHUNK);
		for (uint32_t i = 2000; i < 2200; i++) {
			all[i] = (struct expected){ from + splitmix64(&seed) % 40000, i };
			assert_true(wheel_add(&f.wheel, all[i].tick, i));
		}
		qsort(all + out, 2200 - out, sizeof all[0], by_tick_then_id);
		for (; wheel_next(&f.wheel, (tern_time)80000 * WHEEL_TICK, &e); out++)
			assert_int_equal(e.id, all[out].id);
		assert_int_equal(out, 2200);
		end(&f);
	}
}

/* Without memory adding fails and says so; what was added comes out all the same. */
static void without_memory_adding_fails_and_nothing_is_lost(void **state)
{
	struct fixture	   f;
	struct wheel_entry e;
	uint32_t	   added = 0, out = 0;

	(void)state;
	begin(&f, 0);
	f.host.fail_at = 1;
	assert_false(wheel_add(&f.wheel, 1, 0));
	assert_true(wheel_deadline(&f.wheel) == TERN_NEVER);
	f.host.fail_at = 3;
	assert_false(wheel_add(&f.wheel, 1, 0));
	f.host.fail_at = 0;
	f.mem.limit = 20000;
	while (wheel_add(&f.wheel, (uint64_t)added * 977 % 300000, added))
		added++;
	assert_true(added >= 512);
	f.host.fail_all = true;
	for (uint64_t tick = 0; tick <= 300000; tick += 1000)
		while (wheel_next(&f.wheel, (tern_time)(tick * WHEEL_TICK), &e))
			out++;
	assert_int_equal(out, added);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_early_at_most_a_tick_late),
		cmocka_unit_test(the_past_comes_out_next_with_its_own_tick),
		cmocka_unit_test(time_that_goes_back_takes_nothing_out),
		cmocka_unit_test(the_end_of_time_is_reached_and_not_passed),
		cmocka_unit_test(order_is_that_of_a_sorted_array),
		cmocka_unit_test(a_living_wheel_loses_nothing),
		cmocka_unit_test(trim_keeps_what_is_there_and_gives_back_the_rest),
		cmocka_unit_test(trim_moves_nodes_and_keeps_order),
		cmocka_unit_test(without_memory_adding_fails_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
