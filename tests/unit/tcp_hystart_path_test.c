/* HyStart++ in CUBIC, on a path with a queue: slow start is left, for its conservative form at least, before the
 * queue overflows, on every clean path whose buffer holds more than 20 ms and more than one round trip. */
#include "tcp/hystart.h"
#include "unit/cc_path.h"

enum { MBIT = 1000000 / 8, HYSTART_AT = 13 }; /* the words of it within cubic.c's state */

struct seen {
	bool	  left;	 /* standard slow start */
	uint64_t  queue; /* then, bytes */
	uint32_t  cwnd;
	bool	  lost;	 /* something, before that */
};

static struct path path;

static void look(struct path *p, void *context)
{
	struct seen *const seen = context;
	const bool css = hystart_growth(&p->state[HYSTART_AT], &p->cc, 4 * p->cc.mss) < 4 * p->cc.mss;

	seen->lost |= !seen->left && p->lost > 0;
	if (seen->left || (!css && hystart_applies(&p->cc)))
		return;
	seen->left = true;
	seen->queue = path_queue(p);
	seen->cwnd = p->cc.cwnd;
}

static struct seen run(uint64_t rate, tern_time rtt, uint64_t buffer, bool paced)
{
	struct seen seen = { 0 };

	memset(&path, 0, sizeof path);
	path.rate = rate;
	path.rtt = rtt;
	path.buffer = buffer;
	path_begin(&path, &cc_cubic);
	path.cc.paced = paced;
	path_run(&path, 40 * rtt, look, &seen);
	return seen;
}

static void slow_start_is_left_before_the_first_loss(void **state)
{
	static const unsigned rates[] = { 10, 100, 1000 }, rtts_ms[] = { 20, 40, 100 }, percents[] = { 110, 200, 400 };

	(void)state;
	for (unsigned i = 0; i < 27; i++) {
		const uint64_t rate = (uint64_t)rates[i % 3] * MBIT, bdp = rate * rtts_ms[i / 3 % 3] / 1000;
		const uint64_t buffer = bdp * percents[i / 9] / 100, least = rate * 21 / 1000;

		if (bdp > 5000 * 1448)
			continue; /* more packets than the path keeps books of */
		/* Seventeen segments fill the shortest path, and eight samples take half of them (N_RTT_SAMPLE): with
		 * little more buffer than that it overflows in the very round in which the queue begins. */
		if (bdp < 32 * 1448 && percents[i / 9] < 200)
			continue;
		for (unsigned paced = 0; paced < 2; paced++) {
			const struct seen seen = run(rate, (tern_time)rtts_ms[i / 3 % 3] * TERN_MILLISECOND,
						     buffer > least ? buffer : least, paced);

			if (!seen.left || seen.lost)
				print_error("%u Mbit/s, %u ms, %u %%, paced %u: left %d, lost %d, queue %u\n",
					    rates[i % 3], rtts_ms[i / 3 % 3], percents[i / 9], paced, seen.left,
					    seen.lost, (unsigned)seen.queue);
			assert_true(seen.left);
			assert_false(seen.lost);
			assert_true(seen.cwnd > bdp); /* and not before the path is full */
		}
	}
}

/* Without it the queue overflows: the test above is one of HyStart++. */
static void reno_overflows_it(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	memset(&path, 0, sizeof path);
	path.rate = 100 * MBIT;
	path.rtt = 40 * TERN_MILLISECOND;
	path.buffer = path_bdp(&path) * 2;
	path_begin(&path, &cc_reno);
	path_run(&path, 40 * path.rtt, NULL, &seen);
	assert_true(path.lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_start_is_left_before_the_first_loss),
		cmocka_unit_test(reno_overflows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
