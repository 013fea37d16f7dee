/* dctcp.c, prague.c, scalable.c: RFC 8257 by its formulas, RFC 9331 4.3 by its demands. */
#include "tcp/scalable.h"
#include "unit/tcp_rig.h"

#include <math.h>

enum { M = 1000 };

static uint64_t words[CC_FEW_WORDS];
static uint64_t delivered;
static tern_time clock_now;

static struct tern_cc controller(const struct tern_cc_ops *ops, uint32_t cwnd, uint32_t ssthresh)
{
	struct tern_cc cc = { .ops = ops, .state = words, .cwnd = cwnd, .ssthresh = ssthresh, .mss = M };

	memset(words, 0, sizeof words);
	delivered = 0;
	clock_now = 1000 * TERN_SECOND;
	ops->init(&cc);
	return cc;
}

static double alpha(void)
{
	return (double)words[SCALABLE_ALPHA] / SCALABLE_ONE;
}

/* A round trip in which the window is delivered, one in `one_in` segments marked (0: none). */
static void round_trip(struct tern_cc *cc, tern_time rtt, unsigned one_in)
{
	const uint64_t before = delivered;
	const uint32_t segments = cc->cwnd / M;

	for (uint32_t i = 0; i < segments; i++) {
		struct tern_cc_ack ack = {
			.now = clock_now += rtt / segments, .rtt = rtt, .srtt = rtt, .acked = M, .delivered = M,
			.ce = one_in && i % one_in == 0 ? M : 0, .delivered_total = delivered += M,
			.prior_delivered = before, .cwnd_limited = true, .round_start = i == 0,
		};

		cc->ops->ack(cc, &ack);
	}
}

/* 3.3: alpha = alpha * (1 - 1/16) + 1/16 * M. */
static void alpha_follows_the_share(struct rig *r)
{
	static const unsigned one_in[] = { 0, 1, 2, 10, 0 };
	struct tern_cc cc = controller(&cc_dctcp, 100 * M, 100 * M);
	double expected = 1;

	(void)r;
	assert_true(alpha() == 1); /* to begin with */
	round_trip(&cc, ms(1), 1);
	for (unsigned i = 0; i < 5; i++) {
		cc.cwnd = cc.ssthresh = 100 * M;
		words[SCALABLE_DELIVERED] = words[SCALABLE_MARKED] = 0;
		expected = alpha();
		for (unsigned k = 0; k < 200; k++) {
			cc.cwnd = cc.ssthresh = 100 * M; /* the window is not the matter here */
			round_trip(&cc, ms(1), one_in[i]);
			if (k == 0)
				continue; /* of what came before */
			expected = expected * 15 / 16 + (one_in[i] ? 1.0 / one_in[i] : 0) / 16;
			assert_true(fabs(alpha() - expected) < 0.06);
		}
		assert_true(fabs(alpha() - (one_in[i] ? 1.0 / one_in[i] : 0)) < 0.002);
	}
	assert_true(alpha() == 0); /* and not a little more than nothing */
}

/* cwnd = cwnd * (1 - alpha / 2), once for what was in flight. */
static void reduction_is_in_proportion(struct rig *r)
{
	static const double alphas[] = { 1, 0.5, 0.1, 0 };
	const struct tern_cc_ops *const both[] = { &cc_dctcp, &cc_prague };

	(void)r;
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < 4; i++) {
			struct tern_cc cc = controller(both[k], 200 * M, TERN_CC_NO_SSTHRESH);
			struct tern_cc_ack ack = {
				.now = clock_now, .srtt = ms(10), .acked = M, .delivered = M, .ce = M,
				.delivered_total = 900 * M, .prior_delivered = 800 * M,
			};

			words[SCALABLE_ALPHA] = (uint64_t)(alphas[i] * SCALABLE_ONE);
			cc.ops->ack(&cc, &ack);
			assert_true(fabs(cc.cwnd - 200 * M * (1 - alphas[i] / 2)) < 2);
			assert_int_equal(cc.ssthresh, cc.cwnd); /* slow start is over */
			const uint32_t reduced = cc.cwnd;

			ack.delivered_total = 950 * M, ack.prior_delivered = 899 * M;
			cc.ops->ack(&cc, &ack);
			assert_int_equal(cc.cwnd, reduced);
			ack.delivered_total = 1100 * M, ack.prior_delivered = 900 * M;
			cc.ops->ack(&cc, &ack);
			assert_true(alphas[i] == 0 || cc.cwnd < reduced);
		}
	}
}

/* 3.5: a loss is a loss. */
static void loss_halves(struct rig *r)
{
	const struct tern_cc_ops *const both[] = { &cc_dctcp, &cc_prague };
	const struct tern_cc_loss loss = { .in_flight = 100 * M };

	(void)r;
	for (unsigned k = 0; k < 2; k++) {
		struct tern_cc cc = controller(both[k], 100 * M, 200 * M);

		words[SCALABLE_ALPHA] = 0;
		cc_loss(&cc, &loss);
		assert_int_equal(cc.cwnd, 50 * M);
		assert_int_equal(cc.ssthresh, 50 * M);
		cc_rto(&cc, &loss, true);
		assert_int_equal(cc.cwnd, M);
		assert_int_equal(cc.ssthresh, 50 * M);
	}
}

static void growth_is_renos(struct rig *r)
{
	struct tern_cc cc = controller(&cc_dctcp, 10 * M, 40 * M);

	(void)r;
	round_trip(&cc, ms(10), 0);
	assert_int_equal(cc.cwnd, 20 * M);
	round_trip(&cc, ms(10), 0);
	assert_int_equal(cc.cwnd, 40 * M);
	round_trip(&cc, ms(10), 0);
	assert_int_equal(cc.cwnd, 41 * M);
}

/* The fixed point of the response: marks settle at a share of about 2 / window and the window hardly moves. */
static void window_settles_where_marking_begins(struct rig *r)
{
	const struct tern_cc_ops *const both[] = { &cc_dctcp, &cc_prague };

	(void)r;
	for (unsigned k = 0; k < 2; k++) {
		struct tern_cc cc = controller(both[k], 10 * M, TERN_CC_NO_SSTHRESH);
		uint32_t least = UINT32_MAX, most = 0;

		for (unsigned i = 0; i < 4000; i++) {
			round_trip(&cc, ms(30), cc.cwnd > 100 * M ? 1 : 0); /* a step at 100 segments */
			if (i < 2000)
				continue;
			least = cc.cwnd < least ? cc.cwnd : least;
			most = cc.cwnd > most ? cc.cwnd : most;
		}
		assert_in_range(least, 75 * M, 100 * M); /* Reno would go to 50 */
		assert_in_range(most, 100 * M, 104 * M);
	}
}

/* RFC 9331 4.3: flows of short paths do not push out others: growth in time is that of 25 ms. */
static void prague_grows_alike_on_short_paths(struct rig *r)
{
	static const int rtts[] = { 1, 5, 25, 100 };
	double per_second[4];

	(void)r;
	for (unsigned i = 0; i < 4; i++) {
		struct tern_cc cc = controller(&cc_prague, 100 * M, 100 * M);
		const tern_time start = clock_now;

		while (clock_now - start < 5 * TERN_SECOND)
			round_trip(&cc, ms(rtts[i]), 0);
		per_second[i] = (cc.cwnd - 100 * M) / 1000.0 / 5;
	}
	assert_true(per_second[2] > 38 && per_second[2] < 42);
	/* The window of a short path stands for more rate: so it grows as slowly as to make up for it. */
	assert_true(fabs(per_second[0] - 40.0 / 25) < 0.3);
	assert_true(fabs(per_second[1] - 40.0 / 5) < 1);
	assert_true(fabs(per_second[3] - 10) < 0.6);
}

static void prague_grows_by_what_is_unmarked(struct rig *r)
{
	struct tern_cc cc = controller(&cc_prague, 100 * M, 100 * M);

	(void)r;
	words[SCALABLE_ALPHA] = 0; /* no reduction, nor news of it yet: growth alone */
	words[SCALABLE_WORDS] = (uint64_t)clock_now;
	round_trip(&cc, ms(24), 2);
	assert_int_equal(cc.cwnd, 100 * M);
	round_trip(&cc, ms(24), 0); /* half a window then, and half of this one */
	assert_int_equal(cc.cwnd, 101 * M);
	cc = controller(&cc_prague, 100 * M, 100 * M);
	round_trip(&cc, ms(30), 0);
	assert_int_equal(cc.cwnd, 101 * M);
}

static void prague_paces(struct rig *r)
{
	struct tern_cc cc = controller(&cc_prague, 100 * M, 200 * M);

	(void)r;
	round_trip(&cc, ms(100), 0);
	assert_int_equal(cc.cwnd, 200 * M);
	assert_in_range(cc.pacing_rate, 2000 * M, 2100 * M);
	assert_true(cc_prague.paces);
	assert_int_equal(cc_prague.ecn, TERN_CC_ECN_SCALABLE);
	assert_int_equal(cc_dctcp.ecn, TERN_CC_ECN_EVERY);
}

static void any_words_are_survived(struct rig *r)
{
	const struct tern_cc_ops *const both[] = { &cc_dctcp, &cc_prague };
	uint64_t seed = 88172645463325252;

	(void)r;
	for (unsigned i = 0; i < 4000; i++) {
		struct tern_cc cc = controller(both[i % 2], 1 + ((uint32_t)seed & 0xffffff), (uint32_t)(seed >> 40));

		for (unsigned k = 0; k < CC_FEW_WORDS; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			words[k] = i % 3 == 0 ? UINT64_MAX : seed;
		}
		const struct tern_cc_ack ack = {
			.now = clock_now, .srtt = ms(10), .delivered = 1u << 20, .ce = M, .cwnd_limited = true,
			.round_start = true, .prior_delivered = UINT64_MAX,
		};

		cc.ops->ack(&cc, &ack);
		cc.ops->ack(&cc, &ack);
		assert_true(cc.cwnd > 0);
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(alpha_follows_the_share),
		CASE(reduction_is_in_proportion),
		CASE(loss_halves),
		CASE(growth_is_renos),
		CASE(window_settles_where_marking_begins),
		CASE(prague_grows_alike_on_short_paths),
		CASE(prague_grows_by_what_is_unmarked),
		CASE(prague_paces),
		CASE(any_words_are_survived),
	};

	return RIG_RUN("scalable", cases);
}
