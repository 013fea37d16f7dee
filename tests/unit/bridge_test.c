/* Two links joined, in virtual time: each side's far end is what a device would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tern/loop.h>

#include "link/bridge.h"

#define MS TERN_MILLISECOND

enum { MOST = 4096, LENGTH = 100 };

struct world {
	struct bridge	  bridge;
	struct tern_link *far[2];
};

static void start(struct world *w, const struct tern_impair *there, const struct tern_impair *back)
{
	const struct tern_link_config config = { .mtu = 1500 };
	const struct tern_impair     *impair[2] = { back, there }; /* what leaves by side 1 came from side 0 */

	*w = (struct world){ .far = { NULL, NULL } };
	for (unsigned i = 0; i < 2; i++) {
		struct tern_link *end[2];

		assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
		w->far[i] = end[1];
		w->bridge.side[i] = end[0];
		if (impair[i] != NULL)
			assert_int_equal(tern_impair_create(&w->bridge.side[i], end[0], impair[i],
							    tern_allocator_default()), 0);
	}
}

static void stop(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		w->bridge.side[i]->ops->close(w->bridge.side[i]);
		w->far[i]->ops->close(w->far[i]);
	}
}

static void put(struct world *w, unsigned side, uint8_t first, unsigned n, tern_time now)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t	     bytes[LENGTH] = { (uint8_t)(first + i) };
		tern_packet  packet = { .part[0] = { .at = bytes, .n = LENGTH }, .n_parts = 1, .len = LENGTH };
		tern_packet *one = &packet;

		assert_int_equal(w->far[side]->ops->send(w->far[side], &one, 1, now), 1);
	}
	w->bridge.look[side] = true;
}

/* What has come out at that side: how many, their first bytes. */
static unsigned got(struct world *w, unsigned side, uint8_t first[], tern_time now)
{
	tern_packet *batch[BRIDGE_BATCH];
	unsigned     n = 0;

	for (size_t some; (some = w->far[side]->ops->receive(w->far[side], batch, BRIDGE_BATCH, now)) > 0;)
		for (size_t i = 0; i < some; i++)
			first[n++] = batch[i]->part[0].at[0];
	return n;
}

static void both_ways_pass(void **state)
{
	struct world w;
	uint8_t	     first[MOST];

	(void)state;
	start(&w, NULL, NULL);
	assert_int_equal(bridge_move(&w.bridge, 0), 0);
	assert_true(bridge_deadline(&w.bridge) == TERN_NEVER);
	put(&w, 0, 10, 3, 0);
	put(&w, 1, 20, 2, 0);
	w.bridge.look[1] = false;
	assert_int_equal(bridge_move(&w.bridge, 0), 3);
	assert_int_equal(bridge_move(&w.bridge, 0), 0); /* nobody said that there is something */
	w.bridge.look[1] = true;
	assert_int_equal(bridge_move(&w.bridge, 0), 2);
	assert_true(!w.bridge.look[0] && w.bridge.look[1]);
	assert_int_equal(bridge_move(&w.bridge, 0), 0);
	assert_false(w.bridge.look[1]);
	assert_int_equal(got(&w, 1, first, 0), 3);
	assert_memory_equal(first, "\x0a\x0b\x0c", 3);
	assert_int_equal(got(&w, 0, first, 0), 2);
	assert_memory_equal(first, "\x14\x15", 2);
	stop(&w);
}

static void each_way_has_its_delay(void **state)
{
	const struct tern_impair there = { .delay = 3 * MS }, back = { .delay = 5 * MS };
	struct world		 w;
	uint8_t			 first[MOST];

	(void)state;
	start(&w, &there, &back);
	put(&w, 0, 1, 1, 0);
	put(&w, 1, 2, 1, 0);
	assert_int_equal(bridge_move(&w.bridge, 0), 2);
	assert_true(bridge_deadline(&w.bridge) == 3 * MS);
	assert_int_equal(bridge_move(&w.bridge, 3 * MS - 1), 0);
	assert_int_equal(got(&w, 1, first, 3 * MS - 1), 0);
	assert_int_equal(bridge_move(&w.bridge, 3 * MS), 0);
	assert_int_equal(got(&w, 1, first, 3 * MS), 1);
	assert_int_equal(got(&w, 0, first, 3 * MS), 0);
	assert_true(bridge_deadline(&w.bridge) == 5 * MS);
	(void)bridge_move(&w.bridge, 5 * MS);
	assert_int_equal(got(&w, 0, first, 5 * MS), 1);
	assert_true(bridge_deadline(&w.bridge) == TERN_NEVER);
	stop(&w);
}

static tern_time a_slow_machines(void *context)
{
	tern_time *const now = context;

	return *now += 2 * MS;
}

/* What was read late came late, for all that the bridge knows: its delay begins then. */
static void the_delay_begins_when_a_frame_has_come(void **state)
{
	const struct tern_impair there = { .delay = 3 * MS };
	tern_time		 now = 0;
	struct world		 w;
	uint8_t			 first[MOST];

	(void)state;
	start(&w, &there, NULL);
	w.bridge.clock = a_slow_machines;
	w.bridge.context = &now;
	put(&w, 0, 1, 1, 0);
	assert_int_equal(bridge_move(&w.bridge, now), 1);
	assert_true(bridge_deadline(&w.bridge) == 5 * MS);
	assert_int_equal(bridge_move(&w.bridge, 5 * MS - 1), 0);
	assert_int_equal(got(&w, 1, first, 5 * MS - 1), 0);
	assert_int_equal(bridge_move(&w.bridge, 5 * MS), 0);
	assert_int_equal(got(&w, 1, first, 5 * MS), 1);
	stop(&w);
}

/* The numbers of the frames that pass, whatever the times at which they come, and how many at once. */
static unsigned fates(uint64_t seed, unsigned burst, uint8_t first[MOST])
{
	const struct tern_impair there = { .loss = 0.2, .duplicate = 0.1, .seed = seed };
	struct world		 w;
	unsigned		 n = 0;

	start(&w, &there, NULL);
	for (unsigned sent = 0; sent < 240; sent += burst) {
		put(&w, 0, (uint8_t)sent, burst, sent * burst * MS);
		(void)bridge_move(&w.bridge, sent * burst * MS);
		n += got(&w, 1, first + n, sent * burst * MS);
	}
	stop(&w);
	return n;
}

static void the_same_seed_gives_the_nth_frame_the_same_fate(void **state)
{
	static uint8_t one[MOST], other[MOST];
	const unsigned n = fates(7, 1, one);

	(void)state;
	assert_in_range(n, 160, 260);
	assert_int_equal(fates(7, 24, other), n);
	assert_memory_equal(one, other, n);
	const unsigned m = fates(8, 1, other);
	assert_true(m != n || memcmp(one, other, n) != 0);
}

static void what_the_other_side_has_no_room_for_is_counted(void **state)
{
	struct world w;
	uint8_t	     first[2 * MOST];
	unsigned     moved = 0;

	(void)state;
	start(&w, NULL, NULL);
	for (unsigned i = 0; i < 5000 / 50; i++) { /* a pair keeps 4096 */
		put(&w, 0, 0, 50, 0);
		for (size_t n; (n = bridge_move(&w.bridge, 0)) > 0;)
			moved += (unsigned)n;
	}
	assert_int_equal(moved, 5000);
	assert_int_equal(w.bridge.refused[0], 5000 - 4096);
	assert_int_equal(w.bridge.refused[1], 0);
	assert_int_equal(got(&w, 1, first, 0), 4096);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_pass),
		cmocka_unit_test(each_way_has_its_delay),
		cmocka_unit_test(the_delay_begins_when_a_frame_has_come),
		cmocka_unit_test(the_same_seed_gives_the_nth_frame_the_same_fate),
		cmocka_unit_test(what_the_other_side_has_no_room_for_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
