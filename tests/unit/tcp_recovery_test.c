/* recovery.c: RFC 5681, 6582 (NewReno), 3042 (limited transmit), 6675's IsLost(), 6298's time-out, seen
 * by what leaves. Segments are numbered from 0: segment k covers [1 + k * M, 1 + (k + 1) * M). */
#include "unit/tcp_rig.h"

enum { M = RIG_MSS };
static const tern_time SECOND = TERN_SECOND;

static uint32_t at(uint32_t k)
{
	return 1 + k * M;
}

/* ESTABLISHED, n segments in flight of a text of `text`; the initial window is 10. */
static void flying(struct rig *r, bool sack, unsigned n, unsigned text)
{
	r->peer.sack = sack;
	established(r);
	writes(r, 1, text * M);
	assert_int_equal(drain(r), n);
	pass(r, ms(20));
}

/* A duplicate ACK of segment k's beginning; with SACK the segments [from, to) are reported. */
static void duplicate(struct rig *r, uint32_t k, uint32_t from, uint32_t to)
{
	if (r->peer.sack)
		rx_sack(r, 1, at(k), (const uint32_t[]){ at(from), at(to), 0 });
	else
		rx(r, TCP_ACK, 1, at(k), 0);
}

/* RFC 3042: each of the first two lets one new segment out; RFC 5681 3.2: the third retransmits, and
 * ssthresh is half of FlightSize, limited transmit's segments not counted. The window shrinks by RFC 9937. */
static void third_duplicate_retransmits(struct rig *r, bool sack)
{
	flying(r, sack, 10, 40);
	duplicate(r, 0, 1, 2);
	sends(r, TCP_ACK, at(10), 1, M);
	is_quiet(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_DISORDER);
	duplicate(r, 0, 1, 3);
	sends(r, TCP_ACK, at(11), 1, M);
	is_quiet(r);
	duplicate(r, 0, 1, 4);
	sends(r, TCP_ACK, at(0), 1, M);
	assert_true(r->out.retransmitted);
	is_quiet(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
	assert_int_equal(status_of(r).cwnd, 9 * M);
	assert_int_equal(r->retransmits[sack ? TERN_RETRANSMIT_RACK : TERN_RETRANSMIT_FAST], 1);
	assert_int_equal(sack ? r->env.stats.TCPSackRecovery : r->env.stats.TCPRenoRecovery, 1);
	assert_int_equal(r->congestion[TERN_CONGESTION_RECOVERY_ENTER], 1);
}

/* RFC5681-3.2-3. */
static void newreno_third_duplicate_retransmits(struct rig *r)
{
	third_duplicate_retransmits(r, false);
}

/* RFC6675-5-1, RFC6675-5-4. */
static void sack_third_duplicate_retransmits(struct rig *r)
{
	third_duplicate_retransmits(r, true);
}

/* RFC 5681 3.2 steps 4 to 6: further duplicates let new text out once half the window has left; the full
 * ACK ends it (RFC 6582 3.2 step 3; RFC5681-3.2-4). */
static void newreno_recovery_inflates_and_ends(struct rig *r)
{
	unsigned sent = 0;

	flying(r, false, 10, 40);
	for (unsigned i = 1; i <= 3; i++) {
		duplicate(r, 0, 0, 0);
		drain(r);
	}
	for (unsigned i = 4; i <= 9; i++) {
		duplicate(r, 0, 0, 0);
		sent += drain(r);
	}
	/* 12 segments of flight less 9 that left, against a window of 5: two new ones. */
	assert_int_equal(sent, 2);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, at(12), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
	assert_int_equal(status_of(r).cwnd, 3 * M); /* min(ssthresh, FlightSize + SMSS) */
	assert_int_equal(r->congestion[TERN_CONGESTION_RECOVERY_EXIT], 1);
}

/* RFC 6582 3.2 step 3: a partial ACK retransmits the next hole, without waiting for duplicates. */
static void newreno_partial_ack_retransmits_the_next_hole(struct rig *r)
{
	flying(r, false, 10, 10);
	for (unsigned i = 1; i <= 3; i++)
		duplicate(r, 0, 0, 0);
	sends(r, TCP_ACK, at(0), 1, M);
	is_quiet(r);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, at(4), 0);
	sends(r, TCP_ACK, at(4), 1, M);
	is_quiet(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_PARTIAL_ACK], 1);
	rx(r, TCP_ACK, 1, at(7), 0);
	sends(r, TCP_ACK, at(7), 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_true(wait_of(r) == TERN_NEVER);
}

/* RFC 6582 3.2, "impatient": the timer starts anew with the first partial ACK, and not with the next. */
static void newreno_impatient_timer_restarts_at_the_first_partial_ack_only(struct rig *r)
{
	tern_time at_first;

	flying(r, false, 10, 10);
	for (unsigned i = 1; i <= 3; i++)
		duplicate(r, 0, 0, 0);
	drain(r);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, at(2), 0);
	drain(r);
	at_first = status_of(r).retransmit_at;
	assert_true(at_first - r->now >= ms(200));
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, at(4), 0);
	drain(r);
	assert_int_equal(status_of(r).retransmit_at, at_first);
	/* The ACK that ends recovery restarts it where something still flies. */
	writes(r, at(10), M);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, at(10), 0);
	drain(r);
	assert_true(status_of(r).retransmit_at > at_first);
}

/* 4: several holes are retransmitted in one round trip, no ACK needed for each (RFC 6675) (RFC6675-5-5). */
static void sack_holes_are_retransmitted_within_the_window(struct rig *r)
{
	flying(r, true, 10, 10);
	/* Segments 0, 2 and 4 are lost. */
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(2), 0 });
	rx_sack(r, 1, 1, (const uint32_t[]){ at(3), at(4), at(1), at(2), 0 });
	is_quiet(r);
	for (uint32_t right = 6; right <= 10; right++)
		rx_sack(r, 1, 1, (const uint32_t[]){ at(5), at(right), at(3), at(4), at(1), at(2), 0 });
	sends(r, TCP_ACK, at(0), 1, M);
	sends(r, TCP_ACK, at(2), 1, M);
	sends(r, TCP_ACK, at(4), 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(status_of(r).unacked, 0);
}

/* RFC 6675 4, IsLost(): more than two segments' octets must be SACKed above, wherever they lie (RFC6675-4-2). */
static void sack_segment_with_one_sacked_above_is_not_lost(struct rig *r)
{
	r->tcb->sack_counting = true;
	flying(r, true, 10, 10);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(2), 0 });
	rx_sack(r, 1, 1, (const uint32_t[]){ at(4), at(5), at(1), at(2), 0 });
	rx_sack(r, 1, 1, (const uint32_t[]){ at(9), at(10), at(4), at(5), at(1), at(2), 0 });
	sends(r, TCP_ACK, at(0), 1, M);
	is_quiet(r); /* 2, 3: two above; 5 to 8: one */
}

/* RFC 6675 4, NextSeg() rule 3: a hole below something SACKed goes again where nothing new can, though IsLost()
 * does not hold; with new text that goes instead (rule 2) (RFC6675-4-3). */
static void sack_hole_near_the_end_goes_again(struct rig *r)
{
	r->tcb->sack_counting = true;
	flying(r, true, 10, 10);
	for (uint32_t right = 2; right <= 8; right++)
		rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(right), 0 });
	sends(r, TCP_ACK, at(0), 1, M);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(9), at(10), at(1), at(8), 0 });
	sends(r, TCP_ACK, at(8), 1, M);
	is_quiet(r);
	pass(r, ms(20));
	rx_sack(r, 1, at(8), (const uint32_t[]){ at(9), at(10), 0 });
	is_quiet(r); /* it has gone */
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).unacked, 0);
}

/* Rule 4: the last segments are lost as well, and nothing new is there to show it: one of them goes to see.
 * (RFC6675-4-3) */
static void sack_rescue_retransmission_once(struct rig *r)
{
	r->tcb->sack_counting = true;
	flying(r, true, 10, 10);
	for (uint32_t right = 2; right <= 7; right++) /* 0, and 7 to 9 are lost */
		rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(right), 0 });
	sends(r, TCP_ACK, at(0), 1, M);
	is_quiet(r);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, at(7), 0);
	sends(r, TCP_ACK, at(9), 1, M); /* the highest */
	is_quiet(r);
	pass(r, ms(20));
	rx_sack(r, 1, at(7), (const uint32_t[]){ at(9), at(10), 0 });
	sends(r, TCP_ACK, at(7), 1, M); /* rule 3: below something SACKed */
	is_quiet(r);
	pass(r, ms(20));
	rx_sack(r, 1, at(8), (const uint32_t[]){ at(9), at(10), 0 });
	sends(r, TCP_ACK, at(8), 1, M);
	is_quiet(r);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).unacked, 0);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* RFC 2883: a block below SND.UNA reports a duplicate, and is no news of this flight. */
static void sack_block_below_una_is_a_dsack(struct rig *r)
{
	flying(r, true, 10, 20);
	rx(r, TCP_ACK, 1, at(2), 0);
	drain(r);
	for (unsigned i = 0; i < 5; i++)
		rx_sack(r, 1, at(2), (const uint32_t[]){ at(0), at(1), 0 });
	is_quiet(r);
	assert_int_equal(r->env.stats.TCPDSACKRecv, 5);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* Beyond SND.NXT, turned round, or of half a segment: no harm. */
static void sack_nonsense_is_ignored(struct rig *r)
{
	static const uint32_t blocks[][2] = {
		{ 1 + 11 * M, 1 + 12 * M },   { 1 + 3 * M, 1 + 2 * M },	  { 1 + 3 * M, 1 + 3 * M },
		{ 1 + M + 1, 1 + 2 * M - 1 }, { 0x80000001, 0x80000100 }, { 1 + 9 * M, 2 + 10 * M },
	};

	flying(r, true, 10, 10);
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		rx_sack(r, 1, 1, (const uint32_t[]){ blocks[i][0], blocks[i][1], 0 });
		assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
		is_quiet(r);
	}
}

/* RFC 6298 5.4-5.6, RFC 5681 3.1: the first again, RTO doubled, one segment's window, slow start. */
static void timeout_begins_again_with_one_segment(struct rig *r)
{
	tern_time rto;

	flying(r, false, 10, 10);
	rto = status_of(r).rto;
	expires(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_LOSS);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
	assert_int_equal(status_of(r).cwnd, M);
	assert_int_equal(status_of(r).rto, 2 * rto);
	sends(r, TCP_ACK, at(0), 1, M);
	is_quiet(r);
	assert_int_equal(expires(r), 2 * rto);
	sends(r, TCP_ACK, at(0), 1, M);
	is_quiet(r);
	assert_int_equal(status_of(r).ssthresh, 5 * M); /* no lower for the same octets */
	assert_int_equal(status_of(r).rto, 4 * rto);
	rx(r, TCP_ACK, 1, at(1), 0);
	sends(r, TCP_ACK, at(1), 1, M);
	sends(r, TCP_ACK, at(2), 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, at(10), 0); /* the rest had come */
	is_quiet(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* RFC 6298 2.5: the bound, and no further (MUST-19). */
static void timeouts_back_off_to_the_bound(struct rig *r)
{
	tern_time last = 0;

	flying(r, false, 1, 1);
	for (unsigned i = 0; i < 11; i++) {
		const tern_time dt = expires(r);

		assert_true(dt >= last);
		last = dt;
		drain(r);
	}
	assert_int_equal(status_of(r).rto, 120 * TERN_SECOND);
}

/* RFC 2018 8: the ACK stops where something was SACKed: the receiver threw it away. Once that is sure, nothing
 * that it SACKed is believed. */
static void sack_reneging_is_survived(struct rig *r)
{
	flying(r, true, 10, 10);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(3), at(5), at(6), 0 });
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	drain(r);
	rx(r, TCP_ACK, 1, at(1), 0);
	assert_true(wait_of(r) <= ms(10));
	expires(r);
	assert_int_equal(r->env.stats.TCPSACKReneging, 1);
	sends(r, TCP_ACK, at(1), 1, M);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_LOSS);
	rx(r, TCP_ACK, 1, at(2), 0);
	sends(r, TCP_ACK, at(2), 1, M);
	rx(r, TCP_ACK, 1, at(5), 0);
	drain(r);
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).unacked, 0);
}

/* RFC 6675 5.1, RFC 8985 6.3: what is SACKed stays so over a time-out, and does not go again. */
static void sack_timeout_keeps_sacks(struct rig *r, bool counting)
{
	r->tcb->sack_counting = counting;
	flying(r, true, 5, 5);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(3), 0 });
	pass(r, SECOND);
	tcp_expire(r->tcb, r->now);
	while (status_of(r).recovery != TERN_RECOVERY_LOSS) {
		drain(r);
		expires(r);
	}
	sends(r, TCP_ACK, at(0), 1, M);
	rx(r, TCP_ACK, 1, at(3), 0);
	while (tx(r))
		assert_true(r->out.seg.seq.v - r->iss >= at(3));
	assert_int_equal(r->env.stats.TCPSACKReneging, 0);
	rx(r, TCP_ACK, 1, at(5), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

static void rack_timeout_keeps_sacks(struct rig *r)
{
	sack_timeout_keeps_sacks(r, false);
}

/* RFC6675-5.1-1. */
static void counting_timeout_keeps_sacks(struct rig *r)
{
	sack_timeout_keeps_sacks(r, true);
}

/* RFC 6582 3.2 step 2: duplicates of what the time-out sent twice do not begin another recovery (RFC6675-5-2). */
static void newreno_duplicates_after_a_timeout_do_not_retransmit(struct rig *r)
{
	flying(r, false, 10, 40);
	expires(r);
	drain(r);
	rx(r, TCP_ACK, 1, at(10), 0);
	drain(r);
	for (unsigned i = 0; i < 5; i++) {
		rx(r, TCP_ACK, 1, at(10), 0);
		while (tx(r))
			assert_false(r->out.retransmitted);
	}
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_DISORDER);
}

/* RFC 5681 2: what is no duplicate ACK. */
static void newreno_what_is_no_duplicate_counts_for_nothing(struct rig *r)
{
	flying(r, false, 10, 10);
	for (unsigned i = 0; i < 5; i++) {
		rx(r, TCP_ACK, 1 + i * 10, 1, 10); /* with text */
		drain(r);
		assert_int_equal(r->retransmits[TERN_RETRANSMIT_FAST], 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		r->peer.wnd = (uint16_t)(r->peer.wnd - 1); /* a window update */
		rx(r, TCP_ACK, 51, 1, 0);
		drain(r);
	}
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_FAST], 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* More duplicates than segments in flight (forged): no more is let out than flies. */
static void newreno_forged_duplicates_are_bounded(struct rig *r)
{
	unsigned sent = 0;

	flying(r, false, 10, 60);
	for (unsigned i = 0; i < 200; i++) {
		duplicate(r, 0, 0, 0);
		sent += drain(r);
	}
	assert_true(status_of(r).unacked <= 65535);
	assert_true(sent <= 35);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(newreno_third_duplicate_retransmits),
		CASE(sack_third_duplicate_retransmits),
		CASE(newreno_recovery_inflates_and_ends),
		CASE(newreno_partial_ack_retransmits_the_next_hole),
		CASE(newreno_impatient_timer_restarts_at_the_first_partial_ack_only),
		CASE(sack_holes_are_retransmitted_within_the_window),
		CASE(sack_segment_with_one_sacked_above_is_not_lost),
		CASE(sack_hole_near_the_end_goes_again),
		CASE(sack_rescue_retransmission_once),
		CASE(sack_block_below_una_is_a_dsack),
		CASE(sack_nonsense_is_ignored),
		CASE(timeout_begins_again_with_one_segment),
		CASE(timeouts_back_off_to_the_bound),
		CASE(sack_reneging_is_survived),
		CASE(rack_timeout_keeps_sacks),
		CASE(counting_timeout_keeps_sacks),
		CASE(newreno_duplicates_after_a_timeout_do_not_retransmit),
		CASE(newreno_what_is_no_duplicate_counts_for_nothing),
		CASE(newreno_forged_duplicates_are_bounded),
	};

	return RIG_RUN("recovery", cases);
}
