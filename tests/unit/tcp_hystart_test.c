/* hystart.c: the phases of RFC 9406, on rounds of made-up round-trip times. */
#include "tcp/hystart.h"
#include "unit/tcp_rig.h"

enum { M = 1000 };

static uint64_t state[HYSTART_WORDS];
static struct tern_cc cc = { .mss = M };

/* A round of n ACKs, all of the same round-trip time but the least of them. True: slow start goes on. */
static bool goes_on(unsigned n, tern_time rtt)
{
	for (unsigned i = 0; i < n; i++) {
		const struct tern_cc_ack ack = {
			.rtt = i == n / 2 ? rtt : rtt + 50 * TERN_MILLISECOND, .acked = M, .round_start = i == 0,
		};

		if (!hystart_ack(state, &ack))
			return false;
	}
	return true;
}

static bool in_css(void)
{
	return hystart_growth(state, &cc, 4 * M) == M;
}

static void begins(struct rig *r)
{
	(void)r;
	memset(state, 0, sizeof state);
	cc.paced = false;
}

/* RttThresh = max(4 ms, min(lastRoundMinRTT / 8, 16 ms)). */
static void css_begins_at_the_threshold(struct rig *r)
{
	static const struct {
		int64_t last_us, thresh_us;
	} table[] = { { 100, 4000 }, { 20000, 4000 }, { 40000, 5000 }, { 100000, 12500 }, { 128000, 16000 },
		      { 600000, 16000 } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const tern_time last = table[i].last_us * 1000, rise = table[i].thresh_us * 1000;

		begins(r);
		assert_true(goes_on(10, last));
		assert_true(goes_on(10, last + rise - 1));
		assert_false(in_css());
		begins(r);
		assert_true(goes_on(10, last));
		assert_true(goes_on(10, last + rise));
		assert_true(in_css());
	}
}

static void seven_samples_say_nothing(struct rig *r)
{
	begins(r);
	assert_true(goes_on(10, ms(20)));
	assert_true(goes_on(7, ms(40)));
	assert_false(in_css());
	assert_true(goes_on(8, ms(60)));
	assert_true(in_css());
}

/* No sample in an ACK (retransmitted octets, no timestamps): it does not count. */
static void acks_without_a_sample_do_not_count(struct rig *r)
{
	const struct tern_cc_ack none = { .acked = M };

	begins(r);
	assert_true(goes_on(10, ms(20)));
	assert_true(goes_on(7, ms(40)));
	for (unsigned i = 0; i < 100; i++)
		assert_true(hystart_ack(state, &none));
	assert_false(in_css());
	/* Nor did they take anything away: the baseline is 40 ms, and 45 ms no less than that. */
	const struct tern_cc_ack eighth = { .acked = M, .rtt = ms(60) };

	assert_true(hystart_ack(state, &eighth));
	assert_true(in_css());
	assert_true(goes_on(10, ms(45)));
	assert_true(in_css());
}

static void no_last_round_no_exit(struct rig *r)
{
	begins(r);
	assert_true(goes_on(100, ms(500)));
	assert_false(in_css());
}

/* The round in which CSS begins counts: five rounds in all. */
static void css_ends_slow_start_after_five_rounds(struct rig *r)
{
	begins(r);
	assert_true(goes_on(10, ms(20)));
	assert_true(goes_on(10, ms(30)));
	for (unsigned i = 0; i < 4; i++) {
		assert_true(in_css());
		assert_true(goes_on(10, ms(30)));
	}
	assert_false(goes_on(1, ms(30)));
}

static void css_was_a_mistake_when_the_rtt_falls(struct rig *r)
{
	begins(r);
	assert_true(goes_on(10, ms(20)));
	assert_true(goes_on(10, ms(30)));
	assert_true(in_css());
	assert_true(goes_on(10, ms(29)));
	assert_false(in_css());
	for (unsigned i = 0; i < 20; i++) /* slow start as ever, HyStart++ included */
		assert_true(goes_on(10, ms(29)));
	assert_true(goes_on(10, ms(40)));
	assert_true(in_css());
}

/* RFC 9406 4.2: min(N, L * SMSS), L = 8, without bound where paced; a quarter in CSS. */
static void growth_is_bounded_unless_paced(struct rig *r)
{
	begins(r);
	assert_int_equal(hystart_growth(state, &cc, 3 * M), 3 * M);
	assert_int_equal(hystart_growth(state, &cc, 20 * M), 8 * M);
	cc.paced = true;
	assert_int_equal(hystart_growth(state, &cc, 20 * M), 20 * M);
	assert_true(goes_on(10, ms(20)));
	assert_true(goes_on(10, ms(30)));
	assert_int_equal(hystart_growth(state, &cc, 20 * M), 5 * M);
}

static void only_the_first_slow_start(struct rig *r)
{
	(void)r;
	cc.ssthresh = TERN_CC_NO_SSTHRESH;
	assert_true(hystart_applies(&cc));
	cc.ssthresh = 100 * M;
	assert_false(hystart_applies(&cc));
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(css_begins_at_the_threshold),
		CASE(seven_samples_say_nothing),
		CASE(acks_without_a_sample_do_not_count),
		CASE(no_last_round_no_exit),
		CASE(css_ends_slow_start_after_five_rounds),
		CASE(css_was_a_mistake_when_the_rtt_falls),
		CASE(growth_is_bounded_unless_paced),
		CASE(only_the_first_slow_start),
	};

	return RIG_RUN("hystart", cases);
}
