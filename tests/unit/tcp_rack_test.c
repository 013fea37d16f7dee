/* rack.c and tlp.c: RFC 8985, seen by what leaves and when. Segments are numbered from 0: segment k covers
 * [1 + k * M, 1 + (k + 1) * M). The round trip is 10 ms. */
#include "tcp/rack.h"
#include "unit/tcp_rig.h"

enum { M = RIG_MSS };

static uint32_t at(uint32_t k)
{
	return 1 + k * M;
}

/* ESTABLISHED, n segments in flight, all sent at one moment, 10 ms ago. */
static void flying(struct rig *r, unsigned n, unsigned text)
{
	r->peer.sack = true;
	established(r);
	writes(r, 1, text * M);
	assert_int_equal(drain(r), n);
	pass(r, ms(10));
}

/* The peer acknowledges all before segment k and SACKs [from, to), to 0: none. */
static void acks(struct rig *r, uint32_t k, uint32_t from, uint32_t to)
{
	rx_sack(r, 1, at(k), (const uint32_t[]){ to ? at(from) : 0, at(to), 0 });
}

static void again(struct rig *r, uint32_t k, const char *file, int line)
{
	rig_sends(r, TCP_ACK, at(k), 1, M, file, line);
	assert_true(r->out.retransmitted);
}
#define goes_again(r, k) again(r, k, __FILE__, __LINE__)

/* The next time-out is that timer's, after dt. */
static void fires(struct rig *r, enum tern_timer timer, tern_time dt)
{
	const unsigned before = r->fired[timer];
	const tern_time waited = expires(r);

	assert_int_equal(r->fired[timer], before + 1);
	assert_true(waited >= dt - ms(1) && waited <= dt + ms(1));
}

/* RFC 8985 3.4, the figure: the end of a flight is lost, the probe shows it, RACK repairs it. */
static void tail_is_repaired_without_a_timeout(struct rig *r)
{
	flying(r, 4, 4);
	acks(r, 1, 0, 0);			  /* 2: P0 */
	is_quiet(r);
	fires(r, TERN_TIMER_PROBE, ms(20));	  /* 3: two round trips */
	goes_again(r, 3);
	is_quiet(r);
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_TAIL_PROBE], 1);
	assert_int_equal(r->env.stats.TCPLossProbes, 1);
	pass(r, ms(10));
	acks(r, 1, 3, 4);			  /* 5: SACK of P3; P1 and P2 left long before */
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	goes_again(r, 1);
	is_quiet(r); /* RFC 9937: as much as was delivered */
	pass(r, ms(10));
	acks(r, 2, 3, 4);
	goes_again(r, 2);
	is_quiet(r);
	pass(r, ms(10));
	acks(r, 4, 0, 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* The figure's second half, with more segments: a retransmission is lost, and one that left after it is not.
 * (RFC8985-6.1-1) */
static void lost_retransmission_goes_again(struct rig *r)
{
	flying(r, 10, 10);
	acks(r, 6, 0, 0);
	fires(r, TERN_TIMER_PROBE, ms(20));
	goes_again(r, 9);
	pass(r, ms(10));
	acks(r, 6, 9, 10); /* 6, 7, 8 are lost */
	goes_again(r, 6);
	is_quiet(r); /* RFC 9937: as much as was delivered */
	pass(r, ms(10));
	acks(r, 7, 9, 10); /* SafeACK: two for one */
	goes_again(r, 7);
	goes_again(r, 8);
	is_quiet(r);
	/* The first of these is lost again; the second, sent after it, arrives. */
	pass(r, ms(10));
	acks(r, 7, 8, 10);
	goes_again(r, 7);
	is_quiet(r);
	assert_int_equal(r->env.stats.TCPLostRetransmit, 1);
	pass(r, ms(10));
	acks(r, 10, 0, 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(status_of(r).unacked, 0);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* 6.2 step 4: with three SACKed and no reordering ever seen, at once; with fewer, after a quarter round trip.
 * (RFC8985-6.2-5) */
static void without_reordering_seen_three_sacks_are_enough(struct rig *r)
{
	flying(r, 10, 10);
	acks(r, 0, 1, 2);
	is_quiet(r);
	acks(r, 0, 1, 3);
	is_quiet(r);
	acks(r, 0, 1, 4);
	goes_again(r, 0);
	is_quiet(r);
}

/* RFC8985-6.2-7. */
static void two_sacks_wait_for_the_reordering_timer(struct rig *r)
{
	flying(r, 10, 10);
	acks(r, 0, 1, 2);
	acks(r, 0, 1, 3);
	is_quiet(r);
	assert_int_equal(status_of(r).reo_wnd, ms(10) / 4);
	fires(r, TERN_TIMER_RACK, ms(10) / 4);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(status_of(r).ssthresh, 5 * M); /* half of FlightSize: what is SACKed counts (RFC 5681 2) */
	goes_again(r, 0);
	is_quiet(r);
}

/* A single segment of three lost: too few duplicates for RFC 5681, and for RFC 5827's early retransmit no need. */
static void early_retransmit_needs_no_third_duplicate(struct rig *r)
{
	flying(r, 2, 2);
	acks(r, 0, 1, 2);
	is_quiet(r);
	fires(r, TERN_TIMER_RACK, ms(10) / 4);
	goes_again(r, 0);
	pass(r, ms(10));
	acks(r, 2, 0, 0);
	assert_int_equal(status_of(r).unacked, 0);
	assert_int_equal(r->env.stats.TCPTimeouts, 0);
}

/* Reordering was seen: segment 0 arrives after 1. From then on three SACKs wait for the window. */
static void reordering(struct rig *r)
{
	flying(r, 10, 40);
	acks(r, 0, 1, 2);
	drain(r);
	pass(r, ms(1));
	acks(r, 2, 0, 0); /* late, not lost */
	drain(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(r->env.stats.TCPSACKReorder, 1);
	assert_int_equal(status_of(r).retransmits_total, 0);
}

/* RFC8985-6.2-3. */
static void once_reordering_was_seen_sacks_do_not_hurry(struct rig *r)
{
	reordering(r);
	for (uint32_t right = 4; right <= 9; right++) {
		acks(r, 2, 3, right);
		while (tx(r))
			assert_false(r->out.retransmitted);
	}
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_DISORDER);
	assert_int_equal(status_of(r).reo_wnd, ms(10) / 4);
	assert_true(status_of(r).reordering > 3);
	expires(r);
	assert_int_equal(r->fired[TERN_TIMER_RACK], 1);
	goes_again(r, 2);
}

/* A D-SACK raises the factor, once a round trip; sixteen recoveries without one take it back (RFC8985-6.2-6). */
static void dsacks_widen_the_window(struct rig *r)
{
	reordering(r);
	acks(r, 2, 3, 9);
	drain(r);
	expires(r);
	goes_again(r, 2);
	drain(r);
	pass(r, ms(2));
	acks(r, 9, 0, 0); /* the original, late: it had not been lost */
	drain(r);
	for (unsigned i = 0; i < 3; i++) { /* the copies of one round trip count once */
		acks(r, 9, 2, 3);
		drain(r);
	}
	assert_int_equal(status_of(r).reo_wnd_mult, 2);
	assert_int_equal(status_of(r).retransmits_spurious, 1);
	assert_true(r->env.stats.TCPDSACKIgnoredDubious >= 1);
	assert_int_equal(status_of(r).reo_wnd, 2 * (status_of(r).min_rtt / 4));
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(status_of(r).reo_wnd_mult, 2);
		rack_recovered(r->tcb);
	}
	assert_int_equal(status_of(r).reo_wnd_mult, 1);
}

/* RFC8985-6.2-4. */
static void the_window_is_bounded_by_srtt(struct rig *r)
{
	reordering(r);
	r->tcb->warm->rack.reo_wnd_mult = 255;
	assert_int_equal(status_of(r).reo_wnd, status_of(r).srtt);
}

/* What a path that reorders has taught outlives the flight. */
static void idleness_forgets_nothing(struct rig *r)
{
	reordering(r);
	while (status_of(r).unacked > 0 || status_of(r).unsent > 0) {
		rx(r, TCP_ACK, 1, r->tcb->snd.nxt.v - r->iss, 0);
		drain(r);
	}
	assert_null(r->tcb->warm);
	pass(r, ms(1));
	writes(r, r->tcb->snd.nxt.v - r->iss, M);
	assert_true(r->tcb->warm->rack.reordering_seen);
	assert_true(status_of(r).min_rtt > 0);
}

/* 6.3: the time-out takes SND.UNA and what is old for lost, not what has just left (RFC8985-6.3-1). */
static void timeout_spares_what_left_just_now(struct rig *r)
{
	flying(r, 2, 2);
	rx(r, TCP_ACK, 1, at(1), 0);
	expires(r); /* the probe: segment 1 again */
	drain(r);
	pass(r, status_of(r).retransmit_at - r->now - ms(1));
	writes(r, at(2), M);
	sends(r, TCP_ACK, at(2), 1, M);
	pass(r, ms(1));
	tcp_expire(r->tcb, r->now);
	assert_int_equal(r->fired[TERN_TIMER_RETRANSMIT], 1);
	assert_int_equal(status_of(r).in_flight, M); /* segment 2 */
	goes_again(r, 1);
	is_quiet(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(3), 0);
	assert_int_equal(status_of(r).unacked, 0);
	assert_int_equal(status_of(r).retransmits_total, 2);
}

/* 6.2 step 2: an ACK sooner after a retransmission than any round trip is the original's, and says nothing of
 * what was sent with the retransmission (RFC8985-6.2-2). */
static void ack_of_the_original_is_not_the_retransmissions(struct rig *r)
{
	flying(r, 10, 20);
	acks(r, 0, 1, 4);
	goes_again(r, 0);
	while (tx(r))
		;
	pass(r, ms(1));
	const tern_time before = r->tcb->warm->rack.sent_at;

	rx(r, TCP_ACK, 1, at(4), 0);
	assert_int_equal(r->tcb->warm->rack.sent_at, before);
}

/* ---- the tail loss probe ---- */

/* 7.2: one segment, whose ACK may be delayed, has longer; but no longer than the RTO (RFC8985-7.2-1). */
static void probe_of_one_segment_waits_for_a_delayed_ack(struct rig *r)
{
	flying(r, 1, 1);
	fires(r, TERN_TIMER_PROBE, ms(210 - 10));
	goes_again(r, 0);
	is_quiet(r);
	/* 7.3: the retransmission timer began anew with it. */
	assert_true(status_of(r).retransmit_at - r->now >= ms(200));
}

/* Several segments that are not full have it as well. */
static void probe_of_crumbs_waits_for_a_delayed_ack(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	r->tcb->nodelay = true;
	for (unsigned i = 0; i < 3; i++) {
		writes(r, 1 + i * 10, 10);
		assert_int_equal(drain(r), 1);
	}
	assert_true(wait_of(r) >= ms(200));
}

/* 7.3: new text is the better probe. One segment more than the window has room for, and one only (RFC8985-7.3-1). */
static void probe_carries_new_text_beyond_the_window(struct rig *r)
{
	flying(r, 10, 40);
	fires(r, TERN_TIMER_PROBE, ms(10));
	sends(r, TCP_ACK, at(10), 1, M);
	assert_false(r->out.retransmitted);
	is_quiet(r);
	/* 7.2: none while it is on its way. */
	assert_int_equal(status_of(r).retransmits_total, 0);
	fires(r, TERN_TIMER_RETRANSMIT, ms(210));
}

/* The peer's window shut out new text: the last goes again (RFC8985-7.3-1). */
static void probe_heeds_the_peers_window(struct rig *r)
{
	r->peer.wnd = 4 * M;
	flying(r, 4, 40);
	fires(r, TERN_TIMER_PROBE, ms(10));
	goes_again(r, 3);
	is_quiet(r);
}

/* RFC8985-3-1. */
static void no_probe_without_sack(struct rig *r)
{
	established(r);
	writes(r, 1, 4 * M);
	drain(r);
	fires(r, TERN_TIMER_RETRANSMIT, ms(210));
	assert_int_equal(r->fired[TERN_TIMER_PROBE], 0);
}

/* RFC8985-7.1-1. */
static void no_probe_while_something_is_sacked(struct rig *r)
{
	flying(r, 10, 10);
	acks(r, 0, 1, 2);
	while (r->fired[TERN_TIMER_RETRANSMIT] == 0) {
		expires(r);
		drain(r);
	}
	assert_int_equal(r->fired[TERN_TIMER_PROBE], 0);
	assert_int_equal(r->fired[TERN_TIMER_RACK], 1);
}

/* 7.3: not before an RTT was measured again, or the RTO could never adapt to a path that got longer.
 * (RFC8985-7.3-2) */
static void next_probe_needs_an_rtt_sample(struct rig *r)
{
	flying(r, 1, 1);
	expires(r);
	goes_again(r, 0);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(1), 0); /* of segment sent twice: no sample */
	writes(r, at(1), 4 * M);
	assert_int_equal(drain(r), 4);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(3), 0); /* a sample: probes again */
	assert_int_equal(r->fired[TERN_TIMER_PROBE], 1);
	fires(r, TERN_TIMER_PROBE, ms(20));
	goes_again(r, 4);
}

/* 7.4.2: what the ACK of a probe that was a retransmission says of the original. */
static void probed(struct rig *r)
{
	flying(r, 4, 4);
	rx(r, TCP_ACK, 1, at(3), 0);
	drain(r);
	while (r->fired[TERN_TIMER_PROBE] == 0)
		expires(r);
	goes_again(r, 3);
	pass(r, ms(10));
}

static void probe_whose_both_copies_arrive_repaired_nothing(struct rig *r)
{
	probed(r);
	const uint32_t cwnd = status_of(r).cwnd;

	writes(r, at(4), M); /* so that the connection stays warm */
	drain(r);
	rx(r, TCP_ACK, 1, at(4), 0);
	acks(r, 4, 3, 4); /* D-SACK */
	assert_int_equal(r->env.stats.TCPLossProbeRecovery, 0);
	assert_true(status_of(r).cwnd >= cwnd);
	assert_int_equal(status_of(r).retransmits_spurious, 1);
	assert_int_equal(status_of(r).reo_wnd_mult, 1); /* no word of reordering */
	rx(r, TCP_ACK, 1, at(5), 0);
	assert_int_equal(r->env.stats.TCPLossProbeRecovery, 0);
}

/* RFC8985-7.4-1. */
static void probe_that_repairs_a_loss_shrinks_the_window(struct rig *r)
{
	probed(r);
	writes(r, at(4), M);
	drain(r);
	rx(r, TCP_ACK, 1, at(4), 0);
	assert_int_equal(r->env.stats.TCPLossProbeRecovery, 0); /* not known yet */
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(5), 0);
	assert_int_equal(r->env.stats.TCPLossProbeRecovery, 1);
	assert_true(status_of(r).ssthresh < 10 * M);
	assert_int_equal(r->congestion[TERN_CONGESTION_TAIL_LOSS], 1);
}

/* With timestamps the ACK itself tells. */
static void timestamps_tell_at_once_what_the_probe_did(struct rig *r)
{
	const uint32_t text = M - 12;

	r->peer.ts = r->peer.sack = true;
	established(r);
	writes(r, 1, 4 * text);
	assert_int_equal(drain(r), 4);
	pass(r, ms(10));
	const uint32_t original = r->out.seg.opt.ts_val;

	rx(r, TCP_ACK, 1, 1 + 3 * text, 0);
	drain(r);
	while (r->fired[TERN_TIMER_PROBE] == 0)
		expires(r);
	assert_int_equal(drain(r), 1);
	assert_int_not_equal(r->out.seg.opt.ts_val, original);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, 1 + 4 * text, 0); /* echoes the probe's */
	assert_int_equal(r->env.stats.TCPLossProbeRecovery, 1);
}

/* ---- hostile peers ---- */

/* D-SACKs of what was never sent again, of everything, and of nothing: neither window nor factor move. */
static void bogus_dsacks_change_nothing(struct rig *r)
{
	flying(r, 10, 40);
	rx(r, TCP_ACK, 1, at(5), 0);
	drain(r);
	const uint32_t cwnd = status_of(r).cwnd;

	for (uint32_t k = 0; k < 5; k++)
		acks(r, 5, k, k + 1);
	rx_sack(r, 1, at(5), (const uint32_t[]){ 1 - 0x40000000u, at(5), 0 });
	rx_sack(r, 1, at(5), (const uint32_t[]){ at(4), at(4), 0 });
	rx_sack(r, 1, at(5), (const uint32_t[]){ at(6), at(7), at(5), at(8), 0 });
	drain(r);
	assert_int_equal(status_of(r).reo_wnd_mult, 1);
	assert_int_equal(status_of(r).retransmits_spurious, 0);
	assert_true(status_of(r).cwnd <= cwnd + M);
	assert_int_equal(r->env.stats.TCPDSACKUndo, 0);
}

/* A SACK of half a segment, of the whole flight from SND.UNA on, of the FIN's number alone. */
static void odd_sacks_do_not_stall(struct rig *r)
{
	flying(r, 10, 10);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(0) + 1, at(3) - 1, 0 });
	drain(r);
	rx_sack(r, 1, 1, (const uint32_t[]){ at(0), at(10), 0 }); /* all, but not acknowledged: reneging */
	drain(r);
	for (unsigned i = 0; i < 10 && status_of(r).recovery != TERN_RECOVERY_LOSS; i++)
		expires(r);
	goes_again(r, 0);
	assert_int_equal(r->env.stats.TCPSACKReneging, 1);
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_int_equal(status_of(r).unacked, 0);
}

/* Acknowledging octet by octet (ACK division) earns no more window than octets. */
static void divided_acks_earn_octets(struct rig *r)
{
	flying(r, 10, 40);
	const uint32_t cwnd = status_of(r).cwnd;

	for (uint32_t i = 1; i <= 100; i++) {
		rx(r, TCP_ACK, 1, 1 + i, 0);
		drain(r);
	}
	assert_true(status_of(r).cwnd <= cwnd + 100);
	assert_int_equal(status_of(r).retransmits_total, 0);
}

/* RFC8985-6.2-1: a larger round trip counts only once the least is five minutes old. */
static void min_rtt_is_the_least_of_five_minutes(struct rig *r)
{
	struct rack rack = { 0 };

	(void)r;
	rack_min_rtt(&rack, ms(50), ms(1000));
	rack_min_rtt(&rack, ms(70), ms(2000));
	assert_int_equal(rack.min_rtt, ms(50));
	rack_min_rtt(&rack, ms(40), ms(3000));
	assert_int_equal(rack.min_rtt, ms(40));
	rack_min_rtt(&rack, ms(90), ms(3000) + 299 * TERN_SECOND);
	assert_int_equal(rack.min_rtt, ms(40));
	rack_min_rtt(&rack, ms(90), ms(3000) + 300 * TERN_SECOND);
	assert_int_equal(rack.min_rtt, ms(90));
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(min_rtt_is_the_least_of_five_minutes),
		CASE(tail_is_repaired_without_a_timeout),
		CASE(lost_retransmission_goes_again),
		CASE(without_reordering_seen_three_sacks_are_enough),
		CASE(two_sacks_wait_for_the_reordering_timer),
		CASE(early_retransmit_needs_no_third_duplicate),
		CASE(once_reordering_was_seen_sacks_do_not_hurry),
		CASE(dsacks_widen_the_window),
		CASE(the_window_is_bounded_by_srtt),
		CASE(idleness_forgets_nothing),
		CASE(timeout_spares_what_left_just_now),
		CASE(ack_of_the_original_is_not_the_retransmissions),
		CASE(probe_of_one_segment_waits_for_a_delayed_ack),
		CASE(probe_of_crumbs_waits_for_a_delayed_ack),
		CASE(probe_carries_new_text_beyond_the_window),
		CASE(probe_heeds_the_peers_window),
		CASE(no_probe_without_sack),
		CASE(no_probe_while_something_is_sacked),
		CASE(next_probe_needs_an_rtt_sample),
		CASE(probe_whose_both_copies_arrive_repaired_nothing),
		CASE(probe_that_repairs_a_loss_shrinks_the_window),
		CASE(timestamps_tell_at_once_what_the_probe_did),
		CASE(bogus_dsacks_change_nothing),
		CASE(odd_sacks_do_not_stall),
		CASE(divided_acks_earn_octets),
	};

	return RIG_RUN("rack", cases);
}
