/* undo.c: what proves a recovery needless, and what does not. RFC 3522 and 4015 (Eifel), RFC 3708 (D-SACK),
 * RFC 5682 (F-RTO). Segments as in tcp_rack_test.c; the round trip is 10 ms. */
#include "tcp/undo.h"
#include "unit/tcp_rig.h"

enum { M = RIG_MSS, T = M - 12 }; /* with timestamps a segment holds 12 octets less */

struct sizes {
	uint32_t cwnd, ssthresh;
};

static struct sizes before;

static uint32_t seg(const struct rig *r, uint32_t k)
{
	return 1 + k * r->tcb->mss;
}

static void flying(struct rig *r, bool sack, bool ts, unsigned n, unsigned text)
{
	r->peer.sack = sack;
	r->peer.ts = ts;
	established(r);
	writes(r, 1, text * r->tcb->mss);
	assert_int_equal(drain(r), n);
	before = (struct sizes){ status_of(r).cwnd, status_of(r).ssthresh };
	pass(r, ms(10));
}

/* An ACK of all before segment k that echoes ts_ecr. */
static void acks_echoing(struct rig *r, uint32_t k, uint32_t ts_ecr)
{
	struct tcp_segment ack = rig_segment(r, TCP_ACK, 1, seg(r, k), 0);

	ack.opt.ts_ecr = ts_ecr;
	rig_arrive(r, &ack);
}

static void times_out(struct rig *r)
{
	const unsigned n = r->fired[TERN_TIMER_RETRANSMIT];

	while (r->fired[TERN_TIMER_RETRANSMIT] == n)
		expires(r);
}

static void window_is_as_before(struct rig *r)
{
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 1);
	assert_true(status_of(r).cwnd >= before.cwnd);
	assert_true(status_of(r).ssthresh >= before.ssthresh);
	assert_true(status_of(r).recovery <= TERN_RECOVERY_DISORDER);
}

static void nothing_is_undone(struct rig *r)
{
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
	assert_true(status_of(r).ssthresh < before.ssthresh);
}

/* ---- Eifel ---- */

/* RFC 3522 3.2: the path was silent for longer than the RTO; the ACK of the original comes after the
 * retransmission has left. RFC 4015: window and threshold come back, and nothing more goes again. */
static void eifel_undoes_a_spurious_timeout(struct rig *r)
{
	flying(r, false, true, 10, 40);
	const uint32_t original = r->out.seg.opt.ts_val;

	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, T);
	assert_int_equal(status_of(r).cwnd, T);
	pass(r, ms(5));
	acks_echoing(r, 1, original);
	window_is_as_before(r);
	assert_int_equal(r->env.stats.TCPLossUndo, 1);
	while (tx(r))
		assert_false(r->out.retransmitted);
	assert_int_equal(status_of(r).retransmits_total, 1);
	assert_int_equal(status_of(r).retransmits_spurious, 1);
}

/* The retransmission's own timestamp comes back: it was needed. */
static void eifel_leaves_a_timeout_that_was_needed(struct rig *r)
{
	flying(r, false, true, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, T);
	pass(r, ms(10));
	acks_echoing(r, 1, r->out.seg.opt.ts_val);
	nothing_is_undone(r);
}

/* Three ACKs that reordering duplicated; then the late original's. */
static void eifel_undoes_a_spurious_fast_retransmit(struct rig *r)
{
	flying(r, false, true, 10, 40);
	const uint32_t original = r->out.seg.opt.ts_val;

	pass(r, ms(3));
	for (unsigned i = 0; i < 3; i++)
		acks_echoing(r, 0, original);
	sends(r, TCP_ACK, seg(r, 0), 1, T);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	drain(r);
	pass(r, ms(2));
	acks_echoing(r, 4, original);
	window_is_as_before(r);
	assert_int_equal(r->env.stats.TCPTSReorder, 1);
}

/* ---- D-SACK ---- */

static void sacks(struct rig *r, uint32_t k, uint32_t from, uint32_t to)
{
	rx_sack(r, 1, seg(r, k), (const uint32_t[]){ seg(r, from), seg(r, to), 0 });
}

/* Segments 0 and 5 go again though they were late only. */
static void two_go_again(struct rig *r)
{
	flying(r, true, false, 10, 10);
	sacks(r, 0, 1, 5);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	rx_sack(r, 1, 1, (const uint32_t[]){ seg(r, 6), seg(r, 10), seg(r, 1), seg(r, 5), 0 });
	while (tx(r))
		;
	assert_int_equal(status_of(r).retransmits_total, 2);
	writes(r, seg(r, 10), M);
	drain(r);
	pass(r, ms(11));
	rx(r, TCP_ACK, 1, seg(r, 10), 0);
	drain(r);
}

/* RFC 3708 3: both retransmissions come back as duplicates, after recovery has ended. */
static void dsacks_of_all_retransmissions_undo(struct rig *r)
{
	two_go_again(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	sacks(r, 10, 0, 1);
	nothing_is_undone(r);
	sacks(r, 10, 5, 6);
	window_is_as_before(r);
	assert_int_equal(r->env.stats.TCPDSACKUndo, 1);
	assert_int_equal(status_of(r).retransmits_spurious, 2);
}

static void dsack_of_one_of_two_does_not(struct rig *r)
{
	two_go_again(r);
	sacks(r, 10, 0, 1);
	sacks(r, 10, 0, 1); /* the network doubled the ACK */
	/* That counts once too often, as for Linux; what flew before the recovery does not. */
	rx(r, TCP_ACK, 1, seg(r, 11), 0);
	assert_true(status_of(r).retransmits_spurious <= status_of(r).retransmits_total);
}

/* D-SACKs of an earlier episode prove nothing of this one. */
static void dsacks_below_the_recovery_do_not_count(struct rig *r)
{
	flying(r, true, false, 10, 40);
	sacks(r, 0, 1, 4);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	drain(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, r->tcb->snd.nxt.v - r->iss, 0); /* repaired */
	drain(r);
	pass(r, ms(10));
	const uint32_t una = (r->tcb->snd.una.v - r->iss - 1) / M;

	sacks(r, una, una + 1, una + 4);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	drain(r);
	sacks(r, una, 0, 1); /* of the first episode */
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	assert_int_equal(r->congestion[TERN_CONGESTION_UNDO], 0);
}

static void goes_again(struct rig *r, uint32_t k)
{
	do
		assert_true(tx(r));
	while (!r->out.retransmitted);
	assert_int_equal(r->out.seg.seq.v - r->iss, seg(r, k));
}

/* A recovery ends while a retransmission made in it is on its way: of segment 11, which had left after it began
 * and whose loss was found late. Another begins for 13. Returns the TSval of 11's retransmission. */
static uint32_t recovers_twice(struct rig *r, bool ts)
{
	uint32_t of_11;

	r->env.config.dup_ack_threshold = 1;
	r->peer.sack = true;
	r->peer.ts = ts;
	established(r);
	writes(r, 1, 40 * r->tcb->mss);
	assert_int_equal(drain(r), 10);
	before = (struct sizes){ status_of(r).cwnd, status_of(r).ssthresh };
	pass(r, ms(10));
	rx_sack(r, 1, 1, (const uint32_t[]){ seg(r, 9), seg(r, 10), seg(r, 1), seg(r, 8), 0 });
	goes_again(r, 0);
	goes_again(r, 8);
	assert_int_equal(drain(r), 3); /* 10, 11, 12 */
	pass(r, ms(10));
	sacks(r, 8, 9, 11); /* 10 overtook 8's */
	goes_again(r, 8);
	assert_int_equal(drain(r), 2); /* 13, 14 */
	pass(r, ms(1));
	rx_sack(r, 1, seg(r, 8), (const uint32_t[]){ seg(r, 12), seg(r, 13), seg(r, 9), seg(r, 11), 0 });
	goes_again(r, 11);
	of_11 = r->out.seg.opt.ts_val;
	drain(r);
	pass(r, ms(9));
	sacks(r, 11, 12, 13);
	assert_true(status_of(r).recovery <= TERN_RECOVERY_DISORDER); /* what flew when it began has arrived */
	rx_sack(r, 1, seg(r, 11), (const uint32_t[]){ seg(r, 14), seg(r, 15), seg(r, 12), seg(r, 13), 0 });
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_FAST);
	goes_again(r, 13);
	drain(r);
	assert_int_equal(status_of(r).retransmits_total, 5);
	pass(r, ms(1));
	return of_11;
}

/* The timestamp that comes back is older than the second recovery's first retransmission, and proves nothing. */
static void timestamp_of_an_earlier_recovery_proves_nothing(struct rig *r)
{
	const uint32_t of_11 = recovers_twice(r, true);

	acks_echoing(r, 13, of_11);
	nothing_is_undone(r);
}

/* Nor does a D-SACK of it: of those that went again in both, one was needless. */
static void dsack_of_an_earlier_recovery_proves_nothing(struct rig *r)
{
	recovers_twice(r, false);
	rx(r, TCP_ACK, 1, seg(r, 13), 0); /* 11 itself, late */
	sacks(r, 13, 11, 12);
	assert_int_equal(status_of(r).retransmits_spurious, 1);
	nothing_is_undone(r);
}

/* ---- F-RTO ---- */

/* RFC 5682 2.1, the basic algorithm, neither SACK nor timestamps: a delay of the whole flight. */
static void frto_undoes_a_spurious_timeout(struct rig *r)
{
	flying(r, false, false, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M); /* step 1 */
	is_quiet(r);
	pass(r, ms(1));
	rx(r, TCP_ACK, 1, seg(r, 1), 0); /* the originals' ACKs, late */
	sends(r, TCP_ACK, seg(r, 10), 1, M); /* step 2b: two new ones */
	sends(r, TCP_ACK, seg(r, 11), 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, seg(r, 2), 0); /* step 3b */
	window_is_as_before(r);
	assert_int_equal(r->env.stats.TCPSpuriousRTOs, 1);
	while (tx(r))
		assert_false(r->out.retransmitted);
	assert_int_equal(status_of(r).retransmits_total, 1);
}

/* The same delay outlasts three time-outs. */
static void frto_survives_a_series_of_timeouts(struct rig *r)
{
	flying(r, false, false, 10, 40);
	for (unsigned i = 0; i < 3; i++) {
		times_out(r);
		sends(r, TCP_ACK, seg(r, 0), 1, M);
		is_quiet(r);
	}
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	drain(r);
	rx(r, TCP_ACK, 1, seg(r, 2), 0);
	window_is_as_before(r);
	while (tx(r))
		assert_false(r->out.retransmitted);
	assert_int_equal(status_of(r).retransmits_spurious, 3);
}

/* Step 3a: the new segments' ACKs are duplicates: the rest was lost, and follows. */
static void frto_duplicate_means_loss(struct rig *r)
{
	flying(r, false, false, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	sends(r, TCP_ACK, seg(r, 10), 1, M);
	sends(r, TCP_ACK, seg(r, 11), 1, M);
	is_quiet(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	nothing_is_undone(r);
	pass(r, ms(1));
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	for (unsigned i = 0; i < 20 && !r->out.retransmitted; i++)
		if (!tx(r))
			expires(r);
	assert_true(r->out.retransmitted);
	assert_int_equal(r->out.seg.seq.v - r->iss, seg(r, 1));
}

/* Step 2a: all is acknowledged at once, so nothing can be told. */
static void frto_full_ack_says_nothing(struct rig *r)
{
	flying(r, false, false, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, seg(r, 10), 0);
	nothing_is_undone(r);
	rx(r, TCP_ACK, 1, seg(r, 10), 0);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* Nothing new to send: conventional recovery at once. */
static void frto_without_new_text_goes_on_conventionally(struct rig *r)
{
	flying(r, false, false, 10, 10);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	sends(r, TCP_ACK, seg(r, 1), 1, M);
	sends(r, TCP_ACK, seg(r, 2), 1, M);
	assert_true(r->out.retransmitted);
	is_quiet(r);
}

/* RFC 5682 3.1, with SACK: only segment 0 was lost, and the ACKs of the others too; the next tell. */
static void frto_with_sack_tells_late_from_lost(struct rig *r)
{
	r->tcb->sack_counting = true; /* no tail loss probe before */
	flying(r, true, false, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	sends(r, TCP_ACK, seg(r, 10), 1, M);
	drain(r);
	sacks(r, 1, 3, 4); /* an original, sent once, not beyond recover */
	window_is_as_before(r);
	assert_int_equal(r->env.stats.TCPSpuriousRTOs, 1);
}

/* 3.1 step 3a: what was sent later came first. */
static void frto_with_sack_of_new_text_means_loss(struct rig *r)
{
	r->tcb->sack_counting = true;
	flying(r, true, false, 10, 40);
	times_out(r);
	sends(r, TCP_ACK, seg(r, 0), 1, M);
	rx(r, TCP_ACK, 1, seg(r, 1), 0);
	sends(r, TCP_ACK, seg(r, 10), 1, M);
	sends(r, TCP_ACK, seg(r, 11), 1, M);
	sacks(r, 1, 10, 11);
	nothing_is_undone(r);
	sends(r, TCP_ACK, seg(r, 1), 1, M);
	assert_true(r->out.retransmitted);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(eifel_undoes_a_spurious_timeout),
		CASE(eifel_leaves_a_timeout_that_was_needed),
		CASE(eifel_undoes_a_spurious_fast_retransmit),
		CASE(dsacks_of_all_retransmissions_undo),
		CASE(dsack_of_one_of_two_does_not),
		CASE(dsacks_below_the_recovery_do_not_count),
		CASE(timestamp_of_an_earlier_recovery_proves_nothing),
		CASE(dsack_of_an_earlier_recovery_proves_nothing),
		CASE(frto_undoes_a_spurious_timeout),
		CASE(frto_survives_a_series_of_timeouts),
		CASE(frto_duplicate_means_loss),
		CASE(frto_full_ack_says_nothing),
		CASE(frto_without_new_text_goes_on_conventionally),
		CASE(frto_with_sack_tells_late_from_lost),
		CASE(frto_with_sack_of_new_text_means_loss),
	};

	return RIG_RUN("undo", cases);
}
