/* rtt.c: RFC 6298's formulas, by their numbers. */
#include "unit/tcp_rig.h"

static void samples_are_taken(struct rig *r, const uint32_t *samples_ms, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rtt_sample(r->tcb, ms(samples_ms[i]));
}

/* 2.1: until there is a sample, one second (RFC6298-2-1). */
static void no_sample_rto_is_one_second(struct rig *r)
{
	assert_int_equal(rtt_rto_us(r->tcb), 1000000);
}

/* 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + max(G, 4 * RTTVAR) = 3R. 2.3: alpha 1/8, beta 1/4. Worked by
 * hand: after R = 100: (100, 50). R' = 200: RTTVAR = 3/4*50 + 1/4*100 = 62.5, SRTT = 7/8*100 + 1/8*200 =
 * 112.5. R' = 200: RTTVAR = 3/4*62.5 + 1/4*87.5 = 68.75, SRTT = 123.4375 (RFC6298-2-2, RFC6298-2-3). */
static void samples_smooth_srtt_and_rttvar(struct rig *r)
{
	static const struct {
		uint32_t samples[3];
		unsigned n;
		uint32_t srtt_us, rttvar_us, rto_us;
	} table[] = {
		{ { 100 }, 1, 100000, 50000, 300000 },
		{ { 400 }, 1, 400000, 200000, 1200000 },
		{ { 100, 200 }, 2, 112500, 62500, 362500 },
		{ { 100, 200, 200 }, 3, 123437, 68750, 398437 },
		{ { 200, 100 }, 2, 187500, 100000, 587500 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		tcb_cold(r->tcb)->srtt8 = tcb_cold(r->tcb)->rttvar4 = 0;
		samples_are_taken(r, table[i].samples, table[i].n);
		assert_int_equal(tcb_cold(r->tcb)->srtt8 / 8, table[i].srtt_us);
		assert_int_equal(tcb_cold(r->tcb)->rttvar4 / 4, table[i].rttvar_us);
		assert_int_equal(rtt_rto_us(r->tcb), table[i].rto_us);
		assert_int_equal(status_of(r).srtt, table[i].srtt_us * TERN_MICROSECOND);
		assert_int_equal(status_of(r).rttvar, table[i].rttvar_us * TERN_MICROSECOND);
	}
}

/* The floor (200 ms, our departure from 2.4) lies under the variance term (RFC6298-2-4, RFC6298-4-1). */
static void steady_rtt_rto_keeps_the_floor_above_it(struct rig *r)
{
	for (unsigned i = 0; i < 200; i++)
		rtt_sample(r->tcb, ms(80));
	assert_int_equal(rtt_rto_us(r->tcb), 280000);
}

/* 2.5: an upper bound (RFC6298-2-5). */
static void long_rtt_rto_is_bounded(struct rig *r)
{
	rtt_sample(r->tcb, 59 * TERN_SECOND);
	assert_int_equal(rtt_rto_us(r->tcb), 120 * 1000000);
}

static void odd_samples_stay_in_their_bounds(struct rig *r)
{
	rtt_sample(r->tcb, 0);
	assert_int_equal(tcb_cold(r->tcb)->srtt8, 8); /* never 0: that means none */
	rtt_sample(r->tcb, -5);
	assert_true(tcb_cold(r->tcb)->srtt8 >= 1);
	rtt_sample(r->tcb, TERN_NEVER / 2);
	assert_true(tcb_cold(r->tcb)->srtt8 / 8 <= 60000000);
}

/* RFC 7323 4.1: the echo of our clock; a value that cannot be ours is none (RFC7323-5.4-1). */
static void echo_of_our_clock_is_a_sample(struct rig *r)
{
	static const struct {
		uint32_t ago;
		bool	 taken;
		uint32_t srtt_us;
	} table[] = {
		{ 50, true, 50000 },
		{ 0, true, 1000 }, /* less than the clock's tick */
		{ 60000, true, 60000000 },
		{ 60001, false, 0 },
		{ (uint32_t)-1, false, 0 }, /* from the future */
		{ 0x80000000, false, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		tcb_cold(r->tcb)->srtt8 = tcb_cold(r->tcb)->rttvar4 = 0;
		r->tcb->ts.offset = r->iss;
		assert_int_equal(rtt_sample_echo(r->tcb, tcp_ts_clock(r->now) + r->iss - table[i].ago, r->now),
				 table[i].taken);
		assert_int_equal(tcb_cold(r->tcb)->srtt8 / 8, table[i].srtt_us);
	}
}

/* The whole way: the SYN's round trip is the first sample (10 ms), text's the next (50 ms) (RFC6298-3-2). */
static void handshake_and_text_are_measured(struct rig *r)
{
	established(r);
	assert_int_equal(status_of(r).srtt, ms(10));
	assert_int_equal(status_of(r).rttvar, ms(5));
	writes(r, 1, 100);
	sends(r, TCP_ACK, 1, 1, 100);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, 101, 0);
	assert_int_equal(status_of(r).srtt, ms(15));				   /* 7/8*10 + 1/8*50 */
	assert_int_equal(status_of(r).rttvar, 13750 * TERN_MICROSECOND); /* 3/4*5 + 1/4*40 */
}

/* MUST-18 (Karn): text sent twice gives no sample, and the backed-off RTO stays until one comes (5.5-5.7).
 * (RFC6298-3-1, RFC6298-5-5) */
static void retransmitted_text_is_not_measured_and_rto_stays_backed_off(struct rig *r)
{
	tern_time rto;

	established(r);
	rto = status_of(r).rto;
	assert_int_equal(rto, ms(210));
	writes(r, 1, 100);
	sends(r, TCP_ACK, 1, 1, 100);
	assert_int_equal(expires(r), rto);
	sends(r, TCP_ACK, 1, 1, 100);
	assert_int_equal(status_of(r).rto, 2 * rto);
	writes(r, 101, 100);
	tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now);
	pass(r, ms(3));
	rx(r, TCP_ACK, 1, 101, 0);
	assert_int_equal(status_of(r).srtt, ms(10));
	sends(r, TCP_ACK, 101, 1, 100);
	pass(r, ms(5));
	rx(r, TCP_ACK, 1, 201, 0);
	assert_int_equal(status_of(r).srtt, 9375 * TERN_MICROSECOND); /* 7/8*10 + 1/8*5 */
}

/* With timestamps the echo says which transmission was acknowledged (RFC 7323 4; RFC7323-4.1-1, RFC6298-3-1). */
static void retransmitted_text_is_measured_by_its_timestamp(struct rig *r)
{
	r->peer.ts = true;
	established(r);
	writes(r, 1, 100);
	sends(r, TCP_ACK, 1, 1, 100);
	expires(r);
	sends(r, TCP_ACK, 1, 1, 100);
	pass(r, ms(18));
	rx(r, TCP_ACK, 1, 101, 0); /* echoes the second */
	assert_int_equal(status_of(r).srtt, ms(11));
}

/* 5.7: our SYN was lost and nothing was measured: three seconds once text is sent (RFC6298-5-7). */
static void lost_syn_rto_begins_with_three_seconds(struct rig *r)
{
	opens(r);
	assert_int_equal(expires(r), TERN_SECOND);
	sends(r, TCP_SYN, 0, 0, 0);
	pass(r, ms(10));
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 100);
	sends(r, TCP_ACK, 1, 1, 100);
	assert_int_equal(wait_of(r), 3 * TERN_SECOND);
	pass(r, ms(100));
	rx(r, TCP_ACK, 1, 101, 0);
	assert_int_equal(status_of(r).rto, ms(300)); /* a sample: as ever */
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(no_sample_rto_is_one_second),
		CASE(samples_smooth_srtt_and_rttvar),
		CASE(steady_rtt_rto_keeps_the_floor_above_it),
		CASE(long_rtt_rto_is_bounded),
		CASE(odd_samples_stay_in_their_bounds),
		CASE(echo_of_our_clock_is_a_sample),
		CASE(handshake_and_text_are_measured),
		CASE(retransmitted_text_is_not_measured_and_rto_stays_backed_off),
		CASE(retransmitted_text_is_measured_by_its_timestamp),
		CASE(lost_syn_rto_begins_with_three_seconds),
	};

	return RIG_RUN("rtt", cases);
}
