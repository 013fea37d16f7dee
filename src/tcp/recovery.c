#include "tcp/recovery.h"
#include "base/bytes.h"
#include "tcp/ecn.h"
#include "tcp/path.h"
#include "tcp/plpmtud.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static void tell(const struct tcb *tcb, enum tern_congestion_event event, tern_time now)
{
	const struct tcp_env *const env = tcb_env(tcb);

	if (env_is_watched(env))
		watch_congestion(tcb, event, now);
}

bool recovery_holds_back(const struct tcb *tcb)
{
	return tcb->warm->undo.frto == FRTO_NEW_SENT && undo_new_text_may_leave(tcb);
}

/* ---- states ---- */

/* To OPEN or DISORDER, as the flight looks. */
static void calm(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;

	warm->recovery = warm->flight.sacked > 0 || warm->dup_acks > 0 ? TERN_RECOVERY_DISORDER : TERN_RECOVERY_OPEN;
}

/* FlightSize (RFC 5681 2): what was sent and not yet acknowledged, whatever was SACKed of it or duplicate ACKs stand
 * for. What limited transmit sent beyond the window does not count (3.2 step 1). */
static uint32_t flight_size(const struct tcb *tcb, seq_t una)
{
	return min_u32(seq_sub(tcb->snd.nxt, una), tcb->warm->cc.cwnd);
}

/* in_flight: before the losses were known. */
static void reduce(struct tcb *tcb, uint32_t in_flight, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct tern_cc_loss loss = {
		.now = now, .in_flight = in_flight, .delivered_total = warm->rate.delivered,
	};

	undo_begin(tcb);
	ecn_window_reduced(tcb);
	if (warm->recovery == TERN_RECOVERY_CWR)
		cc_ecn_echo(&warm->cc, &loss);
	else
		cc_loss(&warm->cc, &loss);
	recovery_window_reduce(tcb, ack);
}

/* ack: that brought the news; NULL: a timer did (RFC6675-5-4). */
static void enter_fast_recovery(struct tcb *tcb, const struct recovery_ack *ack, uint32_t in_flight, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_stats *const stats = &tcb_env(tcb)->stats;
	const bool is_reduced = warm->recovery == TERN_RECOVERY_CWR; /* by ECN, in this very window */

	warm->recovery = TERN_RECOVERY_FAST;
	warm->recover = tcb->snd.nxt;
	warm->partial_seen = false;
	warm->retransmit_now = true; /* RFC 5681 3.2 step 3: whatever the window says */
	tlp_reset(tcb);
	if (!is_reduced)
		reduce(tcb, in_flight, ack, now);
	if (tcb->sack_ok)
		stats->TCPSackRecovery++;
	else
		stats->TCPRenoRecovery++;
	tcb->due |= DUE_TEXT;
	tell(tcb, TERN_CONGESTION_RECOVERY_ENTER, now);
}

void recovery_congested(struct tcb *tcb, uint32_t delivered, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	if (!warm || warm->recovery >= TERN_RECOVERY_CWR)
		return;
	warm->recovery = TERN_RECOVERY_CWR;
	warm->recover = tcb->snd.nxt;
	reduce(tcb, recovery_in_flight(tcb) + delivered, NULL, now);
	undo_done(tcb); /* a mark is no guess: whatever proves needless of a recovery that follows leaves it */
	tell(tcb, TERN_CONGESTION_ECN, now);
}

static void recovered(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint8_t was = warm->recovery;

	warm->dup_acks = 0;
	calm(tcb);
	warm->undo.frto = FRTO_OFF;
	if (was != TERN_RECOVERY_LOSS)
		recovery_window_settle(tcb, was == TERN_RECOVERY_CWR);
	else if (warm->cc.ops->own_recovery)
		cc_recovered(&warm->cc, recovery_in_flight(tcb));
	warm->prr = (struct prr){ 0 };
	if (was != TERN_RECOVERY_CWR)
		rack_recovered(tcb);
	tell(tcb, TERN_CONGESTION_RECOVERY_EXIT, now);
}

static void count_undo(struct tcb *tcb, enum undo_proof proof)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_stats *const stats = &tcb_env(tcb)->stats;
	const bool after_timeout = warm->recovery == TERN_RECOVERY_LOSS;

	if (proof == UNDO_DSACK)
		stats->TCPDSACKUndo++;
	else if (after_timeout)
		stats->TCPLossUndo++;
	else if (seq_ge(tcb->snd.una, warm->recover))
		stats->TCPFullUndo++;
	else
		stats->TCPPartialUndo++;
	if (proof == UNDO_FRTO)
		stats->TCPSpuriousRTOs++;
	if (proof != UNDO_FRTO && !warm->undo.timed_out) { /* what was taken for lost was late */
		warm->rack.reordering_seen = true;
		stats->TCPTSReorder += proof == UNDO_EIFEL;
		stats->TCPSACKReorder += proof == UNDO_DSACK;
	}
	if (!tcb->sack_ok) /* with SACK, D-SACKs tell, and count each */
		warm->spurious = min_u32(warm->spurious + warm->undo.resent, tcb_cold(tcb)->retransmits);
}

/* RFC 4015 3: what was before comes back. */
static void undo(struct tcb *tcb, enum undo_proof proof, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	count_undo(tcb, proof);
	if (warm->recovery == TERN_RECOVERY_LOSS) {
		rtt_grew(tcb, ack->rtt); /* RFC 4015 3.3 */
		timers_progress(tcb, true, now);
	}
	cc_undo(&warm->cc, warm->undo.cwnd, warm->undo.ssthresh);
	undo_done(tcb);
	if (warm->recovery >= TERN_RECOVERY_CWR) {
		flight_unlose_all(&warm->flight);
		warm->retransmit_now = false;
		warm->dup_acks = 0;
		warm->prr = (struct prr){ 0 };
		calm(tcb);
	}
	tcb->due |= DUE_TEXT;
	tell(tcb, TERN_CONGESTION_UNDO, now);
}

/* ---- an ACK ---- */

struct recovery_ack recovery_ack_begin(const struct tcb *tcb, const struct tcp_segment *seg)
{
	const struct tcb_warm *const warm = tcb->warm;

	return (struct recovery_ack){
		.seg = seg,
		.report = flight_report_begin(&warm->flight),
		.lost_before = warm->rate.lost,
		.una_before = tcb->snd.una,
		.in_flight_before = recovery_in_flight(tcb),
		.sacked_before = warm->flight.sacked,
		.dup_acks_before = warm->dup_acks,
		.recovery_before = warm->recovery,
	};
}

/* RFC 2883 4: the first block lies below the ACK, or within the second. */
static bool is_dsack(const struct tcp_segment *seg)
{
	const struct tcp_sack_block *const first = &seg->opt.sack[0];

	if (seq_le(first->right, seg->ack))
		return true;
	return seg->opt.n_sack > 1 && seq_le(first[1].left, first->left) && seq_le(first->right, first[1].right);
}

static void take_dsack(struct tcb *tcb, struct recovery_ack *ack)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_stats *const stats = &tcb_env(tcb)->stats;
	const struct tcp_sack_block *const block = &ack->seg->opt.sack[0];
	const uint32_t octets = seq_sub(block->right, block->left);
	const uint32_t segments = octets / tcb->mss + (octets % tcb->mss > 0);

	if (seq_le(block->right, ack->seg->ack))
		stats->TCPDSACKRecv++;
	else
		stats->TCPDSACKOfoRecv++;
	/* What was never sent twice cannot have come twice, but by a network that duplicates: so many at most
	 * count as were sent again (RFC 3708 3). */
	if (segments > tcb_cold(tcb)->retransmits - min_u32(warm->spurious, tcb_cold(tcb)->retransmits)) {
		stats->TCPDSACKIgnoredDubious++;
		return;
	}
	warm->spurious += segments;
	ack->dsack = true;
	ack->dsack_right = block->right;
	undo_dsacked(tcb, block->right, segments);
	/* A probe's second copy says nothing of reordering (RFC 8985 7.4.2); nor, when nothing flies any more, does
	 * that of what ended the flight: a timer sent it again. */
	if (!(warm->tlp.out && warm->tlp.is_retrans && seq_eq(warm->tlp.end, block->right)) &&
	    !(warm->flight.n == 0 && seq_eq(tcb->snd.una, block->right)))
		rack_dsacked(tcb);
}

/* RFC6675-4-1. */
void recovery_sacks(struct tcb *tcb, struct recovery_ack *ack)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct tcp_segment *const seg = ack->seg;

	for (uint8_t i = 0; i < seg->opt.n_sack; i++) {
		const seq_t left = seg->opt.sack[i].left, right = seg->opt.sack[i].right;

		/* Beyond SND.NXT, or turned round: nonsense. */
		if (seq_le(right, left) || seq_gt(right, tcb->snd.nxt))
			tcb_env(tcb)->stats.TCPSACKDiscard++;
		else if (i == 0 && is_dsack(seg))
			take_dsack(tcb, ack);
		else if (seq_ge(left, tcb->snd.una))
			flight_sack(&warm->flight, left, right, &ack->report);
	}
}

void recovery_sacks_idle(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	const struct tcp_sack_block *const first = &seg->opt.sack[0];
	const uint32_t again = tcb_cold(tcb)->retransmits;
	const struct tcb_path *const path = path_of(tcb);
	struct recovery_ack ack = { .seg = seg };

	/* Nothing can be learnt of it where all that left again has proved needless, or nothing did. */
	if (again <= (tcb->warm ? tcb->warm->spurious : path ? path->spurious : 0) || !is_dsack(seg))
		return;
	if (seq_le(first->right, first->left) || seq_gt(first->right, tcb->snd.nxt) || !tcb_warm_up(tcb, now))
		return;
	take_dsack(tcb, &ack);
	if (undo_proof(tcb, &ack) == UNDO_DSACK)
		undo(tcb, UNDO_DSACK, &ack, now);
}

/* The peer's window took a part only of what went again. ACKs that come sooner than that can be answered are of an
 * earlier copy, or divided so that each would bring a segment. */
static bool is_cut(const struct tcb *tcb, const struct recovery_ack *ack, tern_time now)
{
	const struct tcb_warm *const warm = tcb->warm;
	const tern_time srtt = us_to_time(tcb_cold(tcb)->srtt8 / 8);

	return warm->recovery == TERN_RECOVERY_LOSS && ack->report.cut && !recovery_has_reneged(warm) &&
	       now - flight_at(&warm->flight, 0)->sent_at >= (warm->rack.min_rtt ? warm->rack.min_rtt : srtt / 2);
}

/* A recovery may end, then another begin. */
static void step_state(struct tcb *tcb, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool moved = ack->report.acked > 0;
	uint32_t lost;

	if (moved && warm->recovery >= TERN_RECOVERY_CWR && seq_ge(tcb->snd.una, warm->recover))
		recovered(tcb, now);
	if (moved && warm->recovery <= TERN_RECOVERY_CWR)
		warm->dup_acks = 0;
	/* It follows, or the numbers come round to it again. */
	if (warm->recovery <= TERN_RECOVERY_DISORDER && seq_gt(tcb->snd.una, warm->recover))
		warm->recover = seq_add(tcb->snd.una, 0u - 1);
	if (recovery_is_rack(tcb)) /* that all is acknowledged is the most frequent case */
		lost = warm->flight.n > 0 || warm->reordering_at != TERN_NEVER ? rack_detect(tcb, now) : 0;
	else
		lost = recovery_lose_by_counting(tcb, ack, now);
	lost -= min_u32(lost, plpmtud_look(tcb, now));
	if (is_cut(tcb, ack, now))
		lost += recovery_lose_oldest(tcb, now);
	if (lost > 0 && recovery_may_enter(tcb))
		enter_fast_recovery(tcb, ack, flight_size(tcb, ack->una_before), now);
	else if (warm->recovery <= TERN_RECOVERY_DISORDER)
		calm(tcb);
	if (lost > 0 || ack->duplicate)
		tcb->due |= DUE_TEXT;
}

/* RFC 8985 7.4.2: the probe repaired a loss, so there was congestion, though nothing is left to recover.
 * (RFC8985-7.4-1) */
static void repaired_by_probe(struct tcb *tcb, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	tcb_env(tcb)->stats.TCPLossProbeRecovery++;
	if (warm->recovery > TERN_RECOVERY_DISORDER)
		return;
	reduce(tcb, flight_size(tcb, ack->una_before), ack, now);
	undo_done(tcb);
	if (!warm->cc.ops->own_recovery)
		recovery_window_settle(tcb, true);
	warm->prr = (struct prr){ 0 };
	tell(tcb, TERN_CONGESTION_TAIL_LOSS, now);
}

void recovery_ack(struct tcb *tcb, struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct rate_sample sample;
	enum undo_proof proof;

	recovery_sample(tcb, ack, &sample, now);
	rack_update(tcb, ack->seg, &ack->report, now);
	proof = undo_proof(tcb, ack);
	if (proof != UNDO_NONE)
		undo(tcb, proof, ack, now);
	step_state(tcb, ack, now);
	if (tlp_acked(tcb, ack))
		repaired_by_probe(tcb, ack, now);
	recovery_window(tcb, ack, &sample, now);
	if (ack->report.acked > 0 && recovery_has_reneged(warm))
		timers_reneged(tcb, now);
	timers_probe(tcb, now);
}

/* ---- timers ---- */

void recovery_reordering_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t lost = rack_detect(tcb, now);

	if (lost == min_u32(lost, plpmtud_look(tcb, now)))
		return;
	if (recovery_may_enter(tcb))
		enter_fast_recovery(tcb, NULL, flight_size(tcb, tcb->snd.una), now);
	else
		recovery_window_again(tcb);
	warm->retransmit_now |= warm->flight.in_flight == 0;
	timers_probe(tcb, now);
	tcb->due |= DUE_TEXT;
}

static void count_timeout(struct tcb *tcb)
{
	struct tern_stats *const stats = &tcb_env(tcb)->stats;
	const uint8_t recovery = tcb->warm->recovery;

	stats->TCPTimeouts++;
	if (recovery == TERN_RECOVERY_LOSS)
		stats->TCPLossFailures++;
	else if (recovery == TERN_RECOVERY_FAST && tcb->sack_ok)
		stats->TCPSackFailures++;
	else if (recovery == TERN_RECOVERY_FAST)
		stats->TCPRenoFailures++;
}

/* A fast recovery has reduced the window already, so what flies says what it was; a time-out in it halves that, not
 * once more what is left (as Linux, and still no more than RFC 5681 3.1 allows). */
static uint32_t flight_at_timeout(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (warm->recovery == TERN_RECOVERY_FAST)
		return seq_sub(tcb->snd.nxt, tcb->snd.una);
	return warm->flight.in_flight + warm->flight.lost_octets;
}

void recovery_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct tern_cc_loss loss = {
		.now = now,
		.in_flight = flight_at_timeout(tcb),
		.delivered_total = warm->rate.delivered,
	};
	const bool first = warm->backoff == 0;

	count_timeout(tcb);
	if (warm->recovery < TERN_RECOVERY_FAST)
		undo_begin(tcb);
	undo_timed_out(tcb);
	recovery_lose_on_timeout(tcb, now);
	ecn_window_reduced(tcb);
	warm->recovery = TERN_RECOVERY_LOSS;
	warm->recover = tcb->snd.nxt;
	warm->dup_acks = 0;
	warm->prr = (struct prr){ 0 };
	warm->retransmit_now = true;
	tlp_reset(tcb);
	if (state_is_synchronized((enum tcp_state)tcb->state)) /* else: arrive_syn_sent.c, when the SYN is through */
		cc_rto(&warm->cc, &loss, first);
	timers_probe(tcb, now);
	tcb->due |= DUE_TEXT;
	tell(tcb, TERN_CONGESTION_TIMEOUT, now);
}
