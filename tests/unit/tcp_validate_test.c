/* validate.c: RFC 5681 4.1 and RFC 7661 4.4.3, by numbers, for every controller that asks it. */
#include "tcp/validate.h"
#include "unit/tcp_rig.h"

enum { M = 1000 };

static struct tern_cc after(bool paced, uint32_t cwnd, uint32_t ssthresh, tern_time idle)
{
	const struct tern_cc_restart restart = { .now = 2000 * TERN_SECOND, .idle = idle, .rto = ms(300),
						 .restart_window = 10 * M };
	struct tern_cc cc = { .ops = &cc_reno, .cwnd = cwnd, .ssthresh = ssthresh, .mss = M, .paced = paced };

	validate_restart(&cc, &restart);
	return cc;
}

static void unpaced_a_time_out_is_the_limit(struct rig *r)
{
	(void)r;
	assert_int_equal(after(false, 100 * M, 50 * M, ms(300)).cwnd, 100 * M);
	assert_int_equal(after(false, 100 * M, 50 * M, ms(301)).cwnd, 10 * M);
	assert_int_equal(after(false, 100 * M, 50 * M, ms(301)).ssthresh, 50 * M);
	assert_int_equal(after(false, 4 * M, 50 * M, ms(301)).cwnd, 4 * M);
}

static void paced_it_is_kept_for_five_minutes_then_halved(struct rig *r)
{
	static const struct {
		int seconds;
		uint32_t cwnd, ssthresh;
	} table[] = { { 1, 100, 50 },	 { 299, 100, 50 },   { 300, 50, 75 }, { 599, 50, 75 }, { 600, 25, 75 },
		      { 1200, 10, 75 }, { 360000, 10, 75 } };

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tern_cc cc = after(true, 100 * M, 50 * M, table[i].seconds * TERN_SECOND);

		assert_int_equal(cc.cwnd, table[i].cwnd * M);
		assert_int_equal(cc.ssthresh, table[i].ssthresh * M);
	}
	assert_int_equal(after(true, 4 * M, 50 * M, 9000 * TERN_SECOND).cwnd, 4 * M);
}

static void controllers_go_by_it(struct rig *r)
{
	static const struct tern_cc_ops *const all[] = { &cc_reno, &cc_cubic, &cc_dctcp, &cc_prague };
	static uint64_t words[TERN_CC_STATE_WORDS];

	(void)r;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		for (unsigned paced = 0; paced < 2; paced++) {
			const struct tern_cc_restart restart = { .now = 2000 * TERN_SECOND, .idle = 2 * TERN_SECOND,
								 .rto = TERN_SECOND, .restart_window = 10 * M };
			struct tern_cc cc = { .ops = all[i], .state = words, .cwnd = 100 * M, .ssthresh = 50 * M,
					      .mss = M };

			memset(words, 0, sizeof words);
			cc.ops->init(&cc);
			cc.paced = paced;
			cc_restart(&cc, &restart);
			assert_int_equal(cc.cwnd, paced ? 100 * M : 10 * M);
		}
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(unpaced_a_time_out_is_the_limit),
		CASE(paced_it_is_kept_for_five_minutes_then_halved),
		CASE(controllers_go_by_it),
	};

	return RIG_RUN("validate", cases);
}
