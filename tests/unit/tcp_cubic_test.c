/* cubic.c: RFC 9438 by its formulas, in floating point here. An ideal path: every round trip the window is
 * delivered, segment by segment. */
#include "unit/tcp_rig.h"

#include <math.h>

static uint64_t words[CC_FEW_WORDS];
static tern_time clock_now;

static struct tern_cc controller(uint32_t cwnd, uint32_t ssthresh, uint32_t mss)
{
	struct tern_cc cc = { .ops = &cc_cubic, .state = words, .cwnd = cwnd, .ssthresh = ssthresh, .mss = mss,
			      .paced = true };

	memset(words, 0, sizeof words);
	clock_now = 1000 * TERN_SECOND;
	cc.ops->init(&cc);
	return cc;
}

static void ack(struct tern_cc *cc, uint32_t octets, tern_time rtt, bool limited)
{
	const struct tern_cc_ack event = {
		.now = clock_now, .rtt = rtt, .srtt = rtt, .min_rtt = rtt, .acked = octets, .delivered = octets,
		.in_flight_before = cc->cwnd, .cwnd_limited = limited,
	};

	cc->ops->ack(cc, &event);
}

/* The window is delivered over one round trip. */
static void round_trip(struct tern_cc *cc, tern_time rtt, bool limited)
{
	const uint32_t segments = cc->cwnd / cc->mss;
	const tern_time end = clock_now + rtt;

	for (uint32_t i = 0; i < segments; i++) {
		clock_now += rtt / segments;
		ack(cc, cc->mss, rtt, limited);
	}
	clock_now = end;
}

static void lose(struct tern_cc *cc)
{
	const struct tern_cc_loss loss = { .now = clock_now, .in_flight = cc->cwnd };

	cc->ops->loss(cc, &loss);
	cc->cwnd = cc->ssthresh; /* as recovery leaves it */
}

/* Long ones that know no sequence number run for the first ISS alone. */
static bool is_again(void)
{
	return rig_iss != rig_isses[0];
}

/* After a loss at W_max the window follows W_cubic(t), or Reno's where that is larger (4.2-4.5) (RFC9438-4.2-1). */
static void window_follows_the_curve(struct rig *r)
{
	static const struct {
		double w_max; /* segments */
		int rtt_ms;
		uint32_t mss;
	} table[] = {
		{ 100, 20, 1460 },   { 100, 100, 1460 },  { 100, 300, 1460 }, { 1000, 20, 1448 }, { 1000, 100, 1448 },
		{ 10000, 100, 8960 }, { 2000, 10, 1460 }, { 10, 100, 536 },   { 50, 1, 1460 },	  { 5000, 200, 64 },
	};

	(void)r;
	if (is_again())
		return;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const double w_max = table[i].w_max, rtt = table[i].rtt_ms / 1e3, mss = table[i].mss;
		const uint32_t window = (uint32_t)(w_max * mss);
		struct tern_cc cc = controller(window, window / 2, table[i].mss);

		lose(&cc);
		assert_int_equal(cc.ssthresh, (uint32_t)((uint64_t)window * 70 / 100));
		const double begin = cc.cwnd / mss, k = cbrt((w_max - begin) / 0.4), beta = 0.7;
		double w_est = begin;
		const tern_time start = clock_now;

		/* 1.5 K, and some round trips at least */
		const tern_time end = start + (tern_time)(1.5 * k * 1e9) + 20 * ms(table[i].rtt_ms);

		while (clock_now < end) {
			/* W_est grows by alpha a round trip, whether or not the window is whole segments */
			const double alpha = w_est >= w_max ? 1 : 3 * (1 - beta) / (1 + beta);

			w_est += alpha;
			round_trip(&cc, ms(table[i].rtt_ms), true);
			const double t = (double)(clock_now - start) / 1e9;
			const double curve = 0.4 * pow(t - k, 3) + w_max, window_now = cc.cwnd / mss;
			const double least = fmax(fmin(curve, window_now), w_est); /* no reduction without a loss */
			const double most = fmax(fmax(curve, w_est), begin), slack = 0.005 * window_now + 1.5;
			/* Below the plateau it lags at most a round trip behind the curve. */
			const double behind = fmin(0.4 * pow(t - rtt - k, 3) + w_max, curve);

			if (window_now < least - 0.02 * w_max * rtt - slack ||
			    window_now > most + 0.005 * w_max + slack || window_now < behind - 0.01 * w_max - slack) {
				printf("W_max %g, RTT %g ms, MSS %g, t %g (K %g): %g; curve %g, behind %g, reno %g\n",
				       w_max, rtt * 1e3, mss, t, k, window_now, curve, behind, w_est);
				fail();
			}
		}
	}
}

/* K = cubic root of ((W_max - cwnd_epoch) / C): it takes that long to be back. */
static void back_at_w_max_after_k(struct rig *r)
{
	static const struct {
		uint32_t w_max;
		double k;
	} table[] = { { 1000, 9.086 }, { 10000, 19.574 }, { 30000, 28.231 } };

	(void)r;
	if (is_again())
		return;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const uint32_t window = table[i].w_max * 1000;
		struct tern_cc cc = controller(window, window / 2, 1000);
		tern_time at = 0;

		lose(&cc);
		const tern_time start = clock_now;

		while (cc.cwnd < window - window / 1000 && clock_now - start < 100 * TERN_SECOND)
			round_trip(&cc, ms(100), true);
		at = clock_now - start;
		/* within a thousandth of W_max is where (t - K)^3 * C is that much */
		const double early = cbrt(table[i].w_max / 1000.0 / 0.4);

		assert_true(at > (tern_time)((table[i].k - early - 0.2) * 1e9));
		assert_true(at < (tern_time)((table[i].k - early + 0.3) * 1e9));
	}
}

/* 4.3: on short paths CUBIC gets as much as a Reno that loses as often: averaged over many losses (MAY-18).
 * (RFC9438-4.3-1) */
static void as_friendly_as_reno(struct rig *r)
{
	struct tern_cc cubic = controller(40 * 1000, 20 * 1000, 1000);
	double sum = 0;
	unsigned rounds = 0;

	(void)r;
	for (unsigned losses = 0; losses < 200; losses++) {
		/* the path holds 50 segments: a loss beyond that */
		while (cubic.cwnd < 50 * 1000) {
			round_trip(&cubic, ms(5), true);
			sum += cubic.cwnd / 1000.0;
			rounds++;
		}
		lose(&cubic);
	}
	/* Reno there goes from 25 to 50 at a segment a round trip: 37.5. AIMD(9/17, 0.7): 42.5, and as long. */
	assert_true(rounds / 200.0 > 20 && rounds / 200.0 < 36);
	assert_true(sum / rounds > 37.5 && sum / rounds < 46);
}

/* 4.2: never by more than half in a round trip (RFC9438-4.2-2). */
static void growth_is_at_most_half_a_round_trip(struct rig *r)
{
	struct tern_cc cc = controller(10 * 1000, 10 * 1000, 1000);

	(void)r;
	ack(&cc, 1000, ms(100), true);
	clock_now += 300 * TERN_SECOND; /* the curve has gone far: congestion-limited but silent */
	const uint32_t before = cc.cwnd;

	round_trip(&cc, ms(100), true);
	assert_true(cc.cwnd > before + before / 4);
	assert_true(cc.cwnd <= before + (uint32_t)(before * 0.66)); /* compounded within the round */
}

/* 4.6, 4.7 (RFC9438-4.6-1, RFC9438-4.7-1). */
static void loss_reduces_and_converges(struct rig *r)
{
	struct tern_cc cc = controller(100000, 50000, 1000);
	const struct tern_cc_loss loss = { .now = clock_now, .in_flight = 100000 };

	(void)r;
	cc.ops->loss(&cc, &loss);
	assert_int_equal(cc.cwnd, 70000);
	assert_int_equal(cc.ssthresh, 70000);
	assert_int_equal(cc.state[0], 100000); /* W_max */
	const struct tern_cc_loss again = { .now = clock_now, .in_flight = 70000 };

	cc.ops->loss(&cc, &again); /* before W_max was reached again */
	assert_int_equal(cc.state[0], 70000 * 85 / 100);
	const struct tern_cc_loss small = { .now = clock_now, .in_flight = 1000 };

	cc.ops->loss(&cc, &small);
	assert_int_equal(cc.cwnd, 2000);
	assert_int_equal(cc.ssthresh, 2000);
	cc.ops->ecn_echo(&cc, &small); /* a mark may leave one segment, ssthresh not */
	assert_int_equal(cc.cwnd, 1000);
	assert_int_equal(cc.ssthresh, 2000);
}

/* RFC 8511: 0.85. */
static void mark_reduces_less_than_a_loss(struct rig *r)
{
	struct tern_cc cc = controller(100000, 50000, 1000);
	const struct tern_cc_loss mark = { .now = clock_now, .in_flight = 100000 };

	(void)r;
	cc.ops->ecn_echo(&cc, &mark);
	assert_int_equal(cc.cwnd, 85000);
	assert_int_equal(cc.ssthresh, 85000);
}

/* 4.8: K = 0 and W_max = cwnd at the begin of the first epoch after a time-out (RFC9438-4.8-1). */
static void after_a_timeout_the_curve_begins_flat(struct rig *r)
{
	struct tern_cc cc = controller(100000, 50000, 1000);
	const struct tern_cc_loss loss = { .now = clock_now, .in_flight = 100000 };

	(void)r;
	cc.ops->rto(&cc, &loss, true);
	assert_int_equal(cc.cwnd, 1000);
	assert_int_equal(cc.ssthresh, 70000);
	const struct tern_cc_loss again = { .now = clock_now, .in_flight = 1000 };

	cc.ops->rto(&cc, &again, false);
	assert_int_equal(cc.ssthresh, 70000); /* once a series */
	while (cc.cwnd < cc.ssthresh)
		round_trip(&cc, ms(100), true);
	const uint32_t begin = cc.cwnd;

	assert_in_range(begin, 70000, 71000);
	assert_int_equal(cc.state[0], 70000); /* where slow start ended: not beyond ssthresh */
	assert_int_equal(cc.state[2], 0); /* K */
	for (unsigned i = 0; i < 50; i++)
		round_trip(&cc, ms(100), true);
	/* 0.4 * 5.1^3 = 53 segments */
	assert_in_range(cc.cwnd, begin + 48000, begin + 58000);
}

/* 4.9: as if nothing had been (RFC9438-4.9-1). */
static void undo_goes_on_where_it_was(struct rig *r)
{
	struct tern_cc cc = controller(200000, 100000, 1000), twin;
	uint64_t twin_words[CC_FEW_WORDS];

	(void)r;
	lose(&cc);
	for (unsigned i = 0; i < 40; i++)
		round_trip(&cc, ms(100), true);
	const uint32_t cwnd = cc.cwnd, ssthresh = cc.ssthresh;
	const struct tern_cc_loss spurious = { .now = clock_now, .in_flight = cwnd };

	for (unsigned timeout = 0; timeout < 2; timeout++) {
		twin = cc;
		memcpy(twin_words, words, sizeof words);
		if (timeout)
			cc_rto(&cc, &spurious, true);
		else
			cc_loss(&cc, &spurious);
		assert_true(cc.cwnd < cwnd);
		cc_undo(&cc, cwnd, ssthresh);
		assert_int_equal(cc.cwnd, cwnd);
		assert_int_equal(cc.ssthresh, ssthresh);
		const tern_time then = clock_now;

		for (unsigned i = 0; i < 20; i++)
			round_trip(&cc, ms(100), true);
		const uint32_t after = cc.cwnd;

		clock_now = then;
		memcpy(words, twin_words, sizeof words);
		cc = twin;
		for (unsigned i = 0; i < 20; i++)
			round_trip(&cc, ms(100), true);
		assert_int_equal(after, cc.cwnd);
		clock_now = then;
		memcpy(words, twin_words, sizeof words);
		cc = twin;
	}
}

/* 5.8: time in which the program was the limit moves neither the window nor t (RFC9438-5.8-1). */
static void time_not_limited_does_not_count(struct rig *r)
{
	for (unsigned idle = 0; idle < 3; idle++) {
		struct tern_cc cc = controller(1000000, 500000, 1000);
		uint32_t plain, broken;

		(void)r;
		lose(&cc);
		for (unsigned i = 0; i < 40; i++)
			round_trip(&cc, ms(100), true);
		plain = cc.cwnd;
		cc = controller(1000000, 500000, 1000);
		lose(&cc);
		for (unsigned i = 0; i < 20; i++)
			round_trip(&cc, ms(100), true);
		const uint32_t before = cc.cwnd;

		for (unsigned i = 0; idle == 1 && i < 50; i++)
			round_trip(&cc, ms(100), false);
		if (idle == 2) { /* silent, but not for an RTO */
			const struct tern_cc_restart restart = { .now = clock_now += 5 * TERN_SECOND,
								 .idle = 5 * TERN_SECOND, .rto = 6 * TERN_SECOND };

			cc.ops->restart(&cc, &restart);
		}
		assert_int_equal(cc.cwnd, before);
		for (unsigned i = 0; i < 20; i++)
			round_trip(&cc, ms(100), true);
		broken = cc.cwnd;
		assert_in_range(broken, plain - plain / 200, plain + plain / 200);
	}
}

/* cwnd climbs to where the curve will be a round trip later: (target - cwnd) / cwnd a segment (4.4). */
static void aims_a_round_trip_ahead(struct rig *r)
{
	struct tern_cc cc = controller(1000000, 500000, 1000);
	const double k = cbrt(300 / 0.4);

	(void)r;
	lose(&cc);
	ack(&cc, 1000, ms(200), true); /* the epoch begins */
	clock_now += ms(500);
	const double now = cc.cwnd / 1e3, target = 0.4 * pow(0.7 - k, 3) + 1000;
	const uint32_t before = cc.cwnd;

	ack(&cc, 100000, ms(200), true);
	const double grown = (cc.cwnd - before) / 1e3, expected = (target - now) / now * 100;

	assert_true(fabs(grown - expected) < 0.02 * expected);
}

/* An ACK for much does not carry slow start past ssthresh (RFC9438-4.10-1). */
static void slow_start_ends_at_ssthresh(struct rig *r)
{
	struct tern_cc cc = controller(49000, 50000, 1000);

	(void)r;
	ack(&cc, 8000, ms(10), true);
	assert_int_equal(cc.cwnd, 50000);
}

static void recovery_and_small_windows_do_not_grow(struct rig *r)
{
	struct tern_cc cc = controller(10000, TERN_CC_NO_SSTHRESH, 1000);
	struct tern_cc_ack event = { .now = clock_now, .acked = 1000, .delivered = 1000, .cwnd_limited = true,
				     .in_recovery = true };

	(void)r;
	cc.ops->ack(&cc, &event);
	assert_int_equal(cc.cwnd, 10000);
	event.in_recovery = event.cwnd_limited = false;
	cc.ops->ack(&cc, &event);
	assert_int_equal(cc.cwnd, 10000);
	event.cwnd_limited = true;
	event.acked = 0; /* SACKs alone, in slow start and out of it */
	cc.ops->ack(&cc, &event);
	assert_int_equal(cc.cwnd, 10000);
	cc.ssthresh = 5000;
	for (int i = 0; i < 100; i++) {
		event.now += 100 * TERN_MILLISECOND;
		cc.ops->ack(&cc, &event);
	}
	assert_int_equal(cc.cwnd, 10000);
	cc.ssthresh = TERN_CC_NO_SSTHRESH;
	event.acked = 1000;
	cc.ops->ack(&cc, &event);
	assert_int_equal(cc.cwnd, 11000);
}

/* RFC 9406 in it: a round-trip time that rises ends slow start at the window there is, and 4.10 follows.
 * (RFC9438-4.10-1) */
static void rising_delay_ends_slow_start(struct rig *r)
{
	struct tern_cc cc = controller(10000, TERN_CC_NO_SSTHRESH, 1000);
	unsigned rounds = 0;

	(void)r;
	for (; cc.cwnd < cc.ssthresh && rounds < 40; rounds++) {
		const uint32_t segments = cc.cwnd / 1000;

		for (uint32_t i = 0; i < segments; i++) {
			const tern_time rtt = ms(20) + (rounds > 3 ? ms(6) : 0);
			const struct tern_cc_ack event = {
				.now = clock_now += rtt / segments, .rtt = rtt, .srtt = rtt, .acked = 1000,
				.delivered = 1000, .cwnd_limited = true, .round_start = i == 0,
			};

			cc.ops->ack(&cc, &event);
		}
		if (rounds == 3)
			assert_int_equal(cc.cwnd, 160000); /* doubled four times */
	}
	assert_int_equal(rounds, 10);
	assert_in_range(cc.cwnd, 160000 * 3, 160000 * 8);
	assert_int_equal(cc.cwnd / 10000, cc.ssthresh / 10000);
	const uint32_t before = cc.cwnd;

	round_trip(&cc, ms(20), true);
	assert_int_equal(cc.state[2], 0);
	assert_true(cc.cwnd >= before + 500 && cc.cwnd <= before + 2500);
}

/* Records come from elsewhere: whatever the words, no trap (sanitizers look on) and a window. */
static void any_words_are_survived(struct rig *r)
{
	uint64_t seed = 88172645463325252;

	(void)r;
	for (unsigned i = 0; i < 20000; i++) {
		const uint32_t cwnd = 1 + (uint32_t)(seed >> 40), ssthresh = (uint32_t)seed & 0xffffff;
		struct tern_cc cc = controller(cwnd, ssthresh, 1 + (seed & 0xfffe));

		for (unsigned k = 0; k < CC_FEW_WORDS; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			words[k] = i % 3 == 0 ? seed : i % 3 == 1 ? seed >> 32 : UINT64_MAX;
		}
		ack(&cc, cc.mss, ms(10), true);
		ack(&cc, 1u << 30, ms(10), false);
		ack(&cc, 1u << 30, ms(10), true);
		lose(&cc);
		ack(&cc, cc.mss, ms(10), true);
		cc_undo(&cc, 10000, 10000);
		ack(&cc, cc.mss, ms(10), true);
		assert_true(cc.cwnd > 0);
	}
}

static void shift_moves_its_moments(struct rig *r)
{
	struct tern_cc cc = controller(200000, 100000, 1000);
	uint64_t before[CC_FEW_WORDS];

	(void)r;
	lose(&cc);
	for (unsigned i = 0; i < 10; i++)
		round_trip(&cc, ms(100), true);
	lose(&cc);
	for (unsigned i = 0; i < 10; i++)
		round_trip(&cc, ms(100), true);
	memcpy(before, words, sizeof words);
	cc_shift(&cc, -clock_now);
	cc_shift(&cc, clock_now);
	assert_memory_equal(before, words, sizeof words);
	/* moved with the clock, it goes on alike */
	struct tern_cc there = cc;
	const tern_time then = clock_now;

	for (unsigned i = 0; i < 10; i++)
		round_trip(&cc, ms(100), true);
	memcpy(words, before, sizeof words);
	clock_now = then + 12345 * TERN_SECOND;
	cc_shift(&there, 12345 * TERN_SECOND);
	for (unsigned i = 0; i < 10; i++)
		round_trip(&there, ms(100), true);
	assert_int_equal(there.cwnd, cc.cwnd);

	/* and so does what an undo brings back */
	uint64_t spurious[CC_FEW_WORDS];

	lose(&there);
	memcpy(spurious, words, sizeof words);
	cc_undo(&there, 100000, 100000);
	const uint64_t epoch = words[3];

	memcpy(words, spurious, sizeof words);
	cc_shift(&there, 777);
	cc_undo(&there, 100000, 100000);
	assert_int_equal(words[3], epoch + 777);
}

static void rests_before_the_first_loss_only(struct rig *r)
{
	struct tern_cc cc = controller(10000, TERN_CC_NO_SSTHRESH, 1000);

	(void)r;
	round_trip(&cc, ms(20), true);
	assert_true(cc_at_rest(&cc));
	lose(&cc);
	assert_false(cc_at_rest(&cc));
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(window_follows_the_curve),
		CASE(back_at_w_max_after_k),
		CASE(as_friendly_as_reno),
		CASE(growth_is_at_most_half_a_round_trip),
		CASE(loss_reduces_and_converges),
		CASE(mark_reduces_less_than_a_loss),
		CASE(after_a_timeout_the_curve_begins_flat),
		CASE(undo_goes_on_where_it_was),
		CASE(time_not_limited_does_not_count),
		CASE(aims_a_round_trip_ahead),
		CASE(slow_start_ends_at_ssthresh),
		CASE(recovery_and_small_windows_do_not_grow),
		CASE(rising_delay_ends_slow_start),
		CASE(any_words_are_survived),
		CASE(shift_moves_its_moments),
		CASE(rests_before_the_first_loss_only),
	};

	return RIG_RUN("cubic", cases);
}
