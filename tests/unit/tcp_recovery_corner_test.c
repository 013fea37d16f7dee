/* Recovery's corners: moments in which nothing would leave though text is due, undo that was not earned, and what
 * a peer could win by lies. Segments as in tcp_recovery_test.c; the round trip is 10 ms. */
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "unit/tcp_rig.h"

enum { M = RIG_MSS };

static uint32_t at(uint32_t k)
{
	return 1 + k * M;
}

/* ESTABLISHED, n segments in flight of a text of so many octets, sent 10 ms ago. */
static void flying(struct rig *r, bool sack, unsigned n, unsigned octets)
{
	r->peer.sack = sack;
	established(r);
	writes(r, 1, octets);
	assert_int_equal(drain(r), n);
	pass(r, ms(10));
}

static void times_out(struct rig *r)
{
	const unsigned n = r->fired[TERN_TIMER_RETRANSMIT];

	while (r->fired[TERN_TIMER_RETRANSMIT] == n)
		expires(r);
}

static void goes_again(struct rig *r, uint32_t k)
{
	sends(r, TCP_ACK, at(k), 1, M);
	assert_true(r->out.retransmitted);
}

/* ---- nothing waits that could go ---- */

/* RFC 5682 2.1 step 2b: F-RTO is for where new text can leave. A crumb that Nagle holds back cannot. */
static void frto_does_not_wait_for_a_crumb(struct rig *r)
{
	flying(r, false, 10, 10 * M + 100);
	times_out(r);
	goes_again(r, 0);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(1), 0);
	goes_again(r, 1);
	goes_again(r, 2);
}

/* The same crumb, with Nagle off, can. */
static void frto_sends_a_crumb_without_nagle(struct rig *r)
{
	flying(r, false, 10, 10 * M + 100);
	times_out(r);
	goes_again(r, 0);
	pass(r, ms(10));
	r->tcb->nodelay = true;
	rx(r, TCP_ACK, 1, at(1), 0);
	sends(r, TCP_ACK, at(10), 1, 100);
}

/* Nor can text for which the peer's window has no segment's room. */
static void frto_does_not_wait_for_a_window(struct rig *r)
{
	flying(r, false, 10, 20 * M);
	times_out(r);
	goes_again(r, 0);
	pass(r, ms(10));
	r->peer.wnd = 9 * M + 100;
	rx(r, TCP_ACK, 1, at(1), 0);
	goes_again(r, 1);
	goes_again(r, 2);
}

/* MUST-37: a window that shuts while F-RTO has let new text out is probed, and ends it. */
static void frto_ends_where_the_window_shuts(struct rig *r)
{
	flying(r, false, 10, 40 * M);
	times_out(r);
	goes_again(r, 0);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(1), 0);
	sends(r, TCP_ACK, at(10), 1, M);
	sends(r, TCP_ACK, at(11), 1, M);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, at(1), 0);
	drain(r);
	for (unsigned i = 0; i < 3; i++) {
		expires(r);
		goes_again(r, 1);
		is_quiet(r);
	}
	assert_int_equal(r->env.stats.TCPWinProbe, 3);
}

/* A segment of full size and its FIN are one octet more than the least window: alone it goes nevertheless. */
static void last_segment_with_its_fin_goes_again_at_once(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	writes(r, 1, 3 * M);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	assert_int_equal(drain(r), 3);
	pass(r, ms(10));
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(2), 0 }); /* 0 and 2 are lost */
	while (status_of(r).recovery != TERN_RECOVERY_FAST)
		expires(r);
	goes_again(r, 0);
	pass(r, ms(15));
	rx(r, TCP_ACK, 1, at(2), 0);
	sends(r, TCP_FIN | TCP_ACK, at(2), 1, M);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* RFC 8985 7.2 spares loss recovery alone: while the window shrinks for a mark a tail is probed too, as in Linux. */
static void tail_is_probed_after_a_mark(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	r->tcb->ecn_ok = true;
	rx(r, TCP_ACK | TCP_ECE, 1, at(5), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_CWR);
	expires(r);
	goes_again(r, 9);
	assert_int_equal(r->env.stats.TCPLossProbes, 1);
	pass(r, ms(10));
	rx_sack(r, 1, at(5), (const uint32_t[]){ at(9), at(10), 0 });
	goes_again(r, 5);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* RFC 6582 3.2 step 2's recover is of the last recovery, not of half the numbers from there on. */
static void recovery_begins_gigabytes_after_the_last(struct rig *r)
{
	flying(r, false, 10, 40 * M);
	r->tcb->warm->recover = seq_add(r->tcb->snd.una, 0x80000001u + M + M / 2);
	rx(r, TCP_ACK, 1, at(1), 0);
	rx(r, TCP_ACK, 1, at(2), 0); /* SND.UNA is 2^31 further than that */
	drain(r);
	pass(r, ms(10));
	for (unsigned i = 0; i < 3; i++) {
		rx(r, TCP_ACK, 1, at(2), 0);
		if (i < 2)
			drain(r);
	}
	goes_again(r, 2);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
}

/* The round of a D-SACK (RFC 8985 6.2 step 4) is over when it is over, and not again 2^31 octets later. */
static void dsack_round_ends(struct rig *r)
{
	flying(r, true, 10, 40 * M);
	r->tcb->warm->rack.in_dsack_round = true;
	r->tcb->warm->rack.dsack_round = r->tcb->snd.una;
	rx(r, TCP_ACK, 1, at(2), 0);
	assert_false(r->tcb->warm->rack.in_dsack_round);
}

/* ---- undo ---- */

/* RFC 8985 7.3's probe may be one copy too many, and says nothing of what recovery sent: Linux counts it among the
 * retransmissions for that. */
static void dsack_of_the_tail_probe_undoes_nothing(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	expires(r);
	goes_again(r, 9); /* the probe; the originals' ACK was late */
	pass(r, ms(1));
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(10), 0 });
	goes_again(r, 0); /* this one was lost */
	pass(r, ms(9));
	rx_sack(r, 1, 1, (const uint32_t[]){ at(9), at(10), at(1), at(10), 0 });
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
	assert_int_equal(r->env.stats.TCPDSACKOfoRecv, 1);
}

/* Both came twice: then nothing was lost. */
static void dsacks_of_tail_probe_and_retransmission_undo(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	expires(r);
	goes_again(r, 9);
	pass(r, ms(1));
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(10), 0 });
	goes_again(r, 0);
	writes(r, at(10), M); /* something flies */
	drain(r);
	pass(r, ms(9));
	rx_sack(r, 1, at(10), (const uint32_t[]){ at(9), at(10), 0 });
	drain(r);
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
	rx_sack(r, 1, at(10), (const uint32_t[]){ at(0), at(1), 0 });
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
}

/* A recovery that begins while the window shrinks for a mark takes nothing away; that it was needless does not
 * take back what the mark asked for (RFC 3168 6.1.2). */
static void undo_leaves_the_answer_to_a_mark(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	recovery_congested(r->tcb, 0, r->now);
	const uint32_t ssthresh = status_of(r).ssthresh;

	drain(r);
	assert_true(ssthresh < TERN_CC_NO_SSTHRESH);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(5), 0 });
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	goes_again(r, 0);
	drain(r);
	pass(r, ms(1));
	rx_sack(r, 1, at(5), (const uint32_t[]){ at(0), at(1), 0 });
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
	assert_int_equal(status_of(r).ssthresh, ssthresh);
	assert_true(status_of(r).cwnd <= 10 * M);
}

/* The mark comes with the ACK of all that flew: the window becomes a part of that (RFC 3168 6.1.2), and not of the
 * nothing that flies then. */
static void mark_on_the_last_ack_counts_what_flew(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	r->tcb->ecn_ok = true;
	rx(r, TCP_ACK | TCP_ECE, 1, at(10), 0);
	assert_int_equal(status_of(r).ssthresh, 8 * M); /* RFC 8511 */
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* A probe that D-SACK has told of, and its recovery begun but not yet seen on the wire: no proof of anything. */
static void old_dsacks_prove_nothing_of_a_new_recovery(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	expires(r);
	goes_again(r, 9);
	pass(r, ms(10));
	rx_sack(r, 1, 1, (const uint32_t[]){ at(9), at(10), at(8), at(10), 0 }); /* twice; with 0 to 7 late */
	assert_int_equal(r->env.stats.TCPDSACKOfoRecv, 1);
	while (status_of(r).recovery != TERN_RECOVERY_FAST)
		expires(r);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(7), at(10), 0 }); /* before what is due has left */
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
	goes_again(r, 0);
}

/* ---- lies ---- */

/* After a time-out, an ACK of a part shows a window that had room for a part; a peer that sends a thousand of them a
 * round trip does not get a thousand segments. */
static void acks_of_parts_do_not_multiply(struct rig *r)
{
	unsigned again = 0;

	flying(r, true, 10, 10 * M);
	times_out(r);
	drain(r);
	again = (unsigned)status_of(r).retransmits_total;
	for (uint32_t i = 0; i < 1000; i++) {
		pass(r, 10 * TERN_MICROSECOND);
		rx(r, TCP_ACK, 1, 2 + i, 0);
		drain(r);
	}
	assert_true(status_of(r).retransmits_total - again <= 12); /* the rest of the flight, and one a round trip */
}

/* What was taken in part, by a window of that size, goes on at the pace of its ACKs. */
static void rest_of_a_segment_goes_again(struct rig *r)
{
	flying(r, false, 3, 3 * M);
	times_out(r);
	goes_again(r, 0);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, 101, 0);
	sends(r, TCP_ACK, 101, 1, M - 100);
	assert_true(r->out.retransmitted);
}

/* ---- counting (RFC 6675) ---- */

static unsigned n_lost;

static void count_init(struct tern_cc *cc)
{
	(void)cc;
}

static void count_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	(void)cc;
	(void)ack;
}

static void count_lost(struct tern_cc *cc, const struct tern_cc_lost *lost)
{
	assert_int_equal(lost->len, cc->mss);
	n_lost++;
}

static const struct tern_cc_ops counting = {
	.name = "counting", .init = count_init, .ack = count_ack, .lost = count_lost,
};

/* The controller hears of each segment, whoever finds it lost. */
static void counting_tells_the_controller(struct rig *r)
{
	n_lost = 0;
	r->tcb->sack_counting = true;
	flying(r, true, 10, 10 * M);
	r->tcb->warm->cc.ops = &counting;
	rx_sack(r, 1, 1, (const uint32_t[]){ at(3), at(7), 0 });
	assert_int_equal(n_lost, 3);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(3), at(8), 0 });
	assert_int_equal(n_lost, 3);
	while (tx(r))
		assert_true(r->out.seg.seq.v - r->iss < at(3));
}

/* TERN_SACK_COUNTING may be set at any time: RACK's timers end. */
static void counting_ends_racks_timers(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(2), 0 });
	assert_true(r->tcb->warm->reordering_at != TERN_NEVER);
	assert_int_equal(tcp_option_set(r->tcb, TERN_SACK_COUNTING, 1, r->now), 0);
	drain(r);
	writes(r, at(10), 100);
	rx(r, TCP_ACK, 1, at(10), 0);
	drain(r);
	rx(r, TCP_ACK, 1, at(10) + 100, 0);
	assert_true(wait_of(r) == TERN_NEVER);
}

/* The ACK that ends a recovery begins what follows: its one new segment counts for congestion avoidance. */
static void ack_that_ends_a_recovery_counts(struct rig *r)
{
	flying(r, true, 10, 40 * M);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(10), 0 });
	drain(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(10), 0); /* nine of the ten were delivered before */
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(status_of(r).cwnd, 5 * M);
	drain(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(13), 0);
	assert_int_equal(status_of(r).cwnd, 5 * M);
	rx(r, TCP_ACK, 1, at(14), 0); /* with it five */
	assert_int_equal(status_of(r).cwnd, 6 * M);
}

/* ---- what idleness, or the lack of SACK, must not hide ---- */

/* A time-out of the last segment proves needless when nothing flies any more: without timestamps D-SACKs alone tell. */
static void dsacks_after_the_last_ack_undo(struct rig *r)
{
	flying(r, true, 1, 100);
	times_out(r); /* after a tail loss probe: two left again */
	drain(r);
	const uint32_t again = status_of(r).retransmits_total;

	assert_true(again > 0);
	assert_int_equal(status_of(r).cwnd, M);
	rx(r, TCP_ACK, 1, 101, 0);
	assert_null(r->tcb->warm);
	assert_true(status_of(r).cwnd < 10 * M);
	pass(r, ms(1));
	for (uint32_t i = 0; i < again; i++) {
		assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
		rx_sack(r, 1, 101, (const uint32_t[]){ 1, 101, 0 });
	}
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
	assert_null(r->tcb->warm);
	assert_int_equal(status_of(r).cwnd, 10 * M);
	assert_int_equal(status_of(r).retransmits_spurious, again);
	assert_int_equal(status_of(r).reo_wnd_mult, 1); /* no reordering is meant */
	assert_false(path_of(r->tcb)->reordering_seen);
	/* What is said once more proves nothing more, and costs nothing. */
	rx_sack(r, 1, 101, (const uint32_t[]){ 1, 101, 0 });
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
	assert_null(r->tcb->warm);
}

/* A recovery that D-SACKs undo was one of reordering: without timestamps nothing else tells, as what is sent again at
 * the third SACK is never seen to arrive late. */
static void undone_recovery_was_reordering(struct rig *r)
{
	flying(r, true, 10, 40 * M);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(4), 0 });
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	drain(r);
	assert_false(r->tcb->warm->rack.reordering_seen);
	pass(r, ms(1));
	rx(r, TCP_ACK, 1, at(4), 0);
	drain(r);
	rx_sack(r, 1, at(4), (const uint32_t[]){ at(0), at(1), 0 });
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
	assert_true(r->tcb->warm->rack.reordering_seen);
	/* So the next that is late is waited for. */
	rx_sack(r, 1, at(4), (const uint32_t[]){ at(5), at(8), 0 });
	assert_int_not_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
}

/* The same where new text flies by then. */
static void dsacks_undo_across_idleness(struct rig *r)
{
	flying(r, true, 1, 100);
	times_out(r);
	drain(r);
	const uint32_t again = status_of(r).retransmits_total;

	rx(r, TCP_ACK, 1, 101, 0);
	assert_null(r->tcb->warm);
	writes(r, 101, 100);
	drain(r);
	for (uint32_t i = 0; i < again; i++)
		rx_sack(r, 1, 101, (const uint32_t[]){ 1, 101, 0 });
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
	assert_true(status_of(r).cwnd >= 10 * M);
}

/* Four hundred short segments, the first lost, no SACK: each duplicate ACK stands for one that has left the path. */
static void duplicates_are_counted_in_large_windows(struct rig *r)
{
	enum { N = 400, SHORT = 100 };

	r->peer.mss = SHORT;
	established(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now), 0);
	writes(r, 1, N * SHORT);
	r->tcb->warm->cc.cwnd = N * SHORT;
	drain(r);
	assert_int_equal(r->tcb->warm->flight.n, N);
	pass(r, ms(10));
	for (unsigned i = 1; i < N; i++) {
		rx(r, TCP_ACK, 1, 1, 0);
		drain(r);
	}
	assert_int_equal(status_of(r).retransmits_total, 1);
	assert_int_equal(status_of(r).in_flight, SHORT);
}

/* RFC 6298 5, Karn: what was backed off stays until an RTT is measured, whatever idleness comes between. */
static void backed_off_rto_outlives_idleness(struct rig *r)
{
	flying(r, false, 1, 100);
	const tern_time before = status_of(r).rto;

	times_out(r);
	drain(r);
	rx(r, TCP_ACK, 1, 101, 0); /* of either copy: no sample */
	assert_null(r->tcb->warm);
	assert_int_equal(status_of(r).rto, 2 * before);
	pass(r, ms(100));
	writes(r, 101, 100);
	drain(r);
	assert_int_equal(wait_of(r), 2 * before);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, 201, 0);
	assert_null(r->tcb->warm);
	assert_true(status_of(r).rto <= before);
}

/* FlightSize is what SND.UNA has not moved over (RFC 5681 2), though two duplicates say that less flies. */
static void duplicates_do_not_lower_ssthresh(struct rig *r)
{
	flying(r, false, 10, 10 * M);
	for (unsigned i = 0; i < 3; i++)
		rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
}

/* And what limited transmit added does not raise it (3.2 step 1). */
static void limited_transmit_does_not_raise_ssthresh(struct rig *r)
{
	flying(r, false, 10, 20 * M);
	for (unsigned i = 0; i < 3; i++) {
		rx(r, TCP_ACK, 1, 1, 0);
		drain(r);
	}
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
}

/* A time-out in a fast recovery is of the same window: it is halved once. */
static void timeout_in_recovery_halves_once(struct rig *r)
{
	flying(r, true, 10, 10 * M);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(1), at(6), 0 });
	drain(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
	times_out(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_LOSS);
	assert_int_equal(status_of(r).ssthresh, 5 * M);
	assert_int_equal(status_of(r).cwnd, M);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(frto_does_not_wait_for_a_crumb),
		CASE(frto_sends_a_crumb_without_nagle),
		CASE(frto_does_not_wait_for_a_window),
		CASE(frto_ends_where_the_window_shuts),
		CASE(last_segment_with_its_fin_goes_again_at_once),
		CASE(tail_is_probed_after_a_mark),
		CASE(recovery_begins_gigabytes_after_the_last),
		CASE(dsack_round_ends),
		CASE(dsack_of_the_tail_probe_undoes_nothing),
		CASE(dsacks_of_tail_probe_and_retransmission_undo),
		CASE(undo_leaves_the_answer_to_a_mark),
		CASE(mark_on_the_last_ack_counts_what_flew),
		CASE(old_dsacks_prove_nothing_of_a_new_recovery),
		CASE(acks_of_parts_do_not_multiply),
		CASE(rest_of_a_segment_goes_again),
		CASE(counting_tells_the_controller),
		CASE(counting_ends_racks_timers),
		CASE(ack_that_ends_a_recovery_counts),
		CASE(dsacks_after_the_last_ack_undo),
		CASE(undone_recovery_was_reordering),
		CASE(dsacks_undo_across_idleness),
		CASE(duplicates_are_counted_in_large_windows),
		CASE(backed_off_rto_outlives_idleness),
		CASE(duplicates_do_not_lower_ssthresh),
		CASE(limited_transmit_does_not_raise_ssthresh),
		CASE(timeout_in_recovery_halves_once),
	};

	return RIG_RUN("recovery, corners", cases);
}
