/* The fifth step of RFC 9293 3.10.7.4 once the ACK is known to be acceptable: what it acknowledges, what
 * it says of the peer's window, and what duplicates mean (RFC 5681 2). */
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/ecn.h"
#include "tcp/emit.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* RTT from octets sent once; else from the echoed timestamp (RFC 7323 4.1), if it can be ours.
 * (RFC7323-4.1-1, RFC6298-3-1, RFC6298-3-2) */
static bool measure(struct tcb *tcb, struct recovery_ack *ack, tern_time now)
{
	const struct flight_report *const report = &ack->report;

	if (report->sent_at != TERN_NEVER && !report->again) {
		ack->rtt = max_i64(now - report->sent_at, 1);
		rtt_sample(tcb, ack->rtt);
		return true;
	}
	return report->acked > 0 && tcb->ts_ok && ack->seg->opt.has_ts &&
	       rtt_sample_echo(tcb, ack->seg->opt.ts_ecr, now);
}

/* SND.UNA < SEG.ACK =< SND.NXT: the number moves, and what it frees is let go. */
static void move_una(struct tcb *tcb, struct recovery_ack *ack)
{
	struct tcb_warm *const warm = tcb->warm;
	const seq_t una = ack->seg->ack;

	if (seq_sub(una, tcb->snd.iss) < seq_sub(tcb->snd.una, tcb->snd.iss))
		tcb_cold(tcb)->sent_wraps++;
	tcb->snd.una = una;
	flight_ack(&warm->flight, una, &ack->report);
	if (warm->text) {
		const uint32_t upto = snd_offset(tcb, una) - our_fin_is_acked(tcb);

		slices_release(&tcb_env(tcb)->slices, warm->text, upto);
	}
	tcb->due &= (uint8_t)~DUE_SYN; /* whatever is acknowledged, our SYN is */
	if (warm->urgent && seq_ge(una, warm->up))
		warm->urgent = false;
}

static void after_progress(struct tcb *tcb, tern_time now)
{
	tcb->due |= DUE_TEXT;
	emit_made_room(tcb);
	if (seq_eq(tcb->snd.una, tcb->snd.nxt) && tcb_unsent(tcb) == 0) {
		tcb->ready |= TERN_DRAINED;
		chrono_drained(tcb, now);
	}
}

/* RFC 5681 2: outstanding data, no text, no FIN, the same ACK, the same window; with SACK any ACK that
 * brings a new block. */
static bool is_duplicate(const struct tcb *tcb, const struct arrival *in, seq_t una_before, uint32_t window_before,
			 uint32_t sacked)
{
	if (!tcb_has_flight(tcb) || !seq_eq(in->seg->ack, tcb->snd.una))
		return false;
	if (sacked > 0) /* RFC 6675 2: even one that moves SND.UNA */
		return true;
	return !tcb->sack_ok && seq_eq(tcb->snd.una, una_before) && in->seg->text_len == 0 &&
	       !(in->seg->flags & (TCP_SYN | TCP_FIN)) && tcb->snd.wnd == window_before && tcb->snd.wnd > 0;
}

/* How many segments an ACK shows to have arrived: those SACKed without their records count by their octets. */
static uint32_t segments_of(const struct tcb *tcb, const struct flight_report *report)
{
	return max_u32(report->records, (report->delivered + tcb->mss - 1) / tcb->mss);
}

/* All that flies is our FIN, alone or behind the last text, sent once, which the ACK acknowledges; no recovery, probe
 * or proof of one waits for it. */
static bool ends_sending(const struct tcb *tcb, const struct tcp_segment *seg)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!tcb->fin_sent || warm->flight.n != 1 || !seq_eq(seg->ack, tcb->snd.nxt) || seg->opt.n_sack > 0)
		return false;
	if (flight_at(&warm->flight, 0)->flags & ~(FLIGHT_FIN | FLIGHT_APP_LIMITED))
		return false;
	return warm->recovery == TERN_RECOVERY_OPEN && warm->dup_acks == 0 && !warm->undo.possible &&
	       warm->undo.frto == FRTO_OFF && !warm->tlp.out && warm->reordering_at == TERN_NEVER && !tcb->ecn_ok;
}

/* Nothing is ever sent after it: what the controller and loss recovery would learn for the next flight is not asked
 * of them. The round trip is, for whoever looks at the status. */
static void sending_ended(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const seq_t edge_before = seq_add(tcb->snd.una, tcb->snd.wnd), una = tcb->snd.nxt;
	const tern_time sent_at = flight_at(&warm->flight, 0)->sent_at;

	if (seq_sub(una, tcb->snd.iss) < seq_sub(tcb->snd.una, tcb->snd.iss))
		tcb_cold(tcb)->sent_wraps++;
	tcb->snd.una = una;
	flight_ack_last(&warm->flight, una);
	if (warm->text)
		slices_release(&tcb_env(tcb)->slices, warm->text, snd_offset(tcb, una) - 1); /* the FIN is no text */
	warm->urgent = false;
	rtt_sample(tcb, max_i64(now - sent_at, 1));
	timers_progress(tcb, true, now);
	timers_probe(tcb, now);
	tcb_env(tcb)->stats.TCPDelivered++;
	window_from(tcb, seg, edge_before, now);
	emit_made_room(tcb);
	tcb->ready |= TERN_DRAINED;
	chrono_drained(tcb, now);
}

/* Something is in flight. */
static void acked(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const struct tcp_segment *const seg = in->seg;
	const uint32_t window_before = tcb->snd.wnd;
	const seq_t una_before = tcb->snd.una, edge_before = seq_add(tcb->snd.una, tcb->snd.wnd);
	struct recovery_ack ack = recovery_ack_begin(tcb, seg);
	bool sampled;

	tcb_note_app_limit(tcb);
	if (tcb->sack_ok && seg->opt.n_sack > 0)
		recovery_sacks(tcb, &ack);
	if (seq_lt(tcb->snd.una, seg->ack))
		move_una(tcb, &ack);
	sampled = measure(tcb, &ack, now);
	if (ack.report.acked > 0)
		timers_progress(tcb, sampled, now);
	tcb_env(tcb)->stats.TCPDelivered += ack.report.records;
	if (tcb->ecn_ok)
		ack.marked = ecn_feedback(tcb, seg, segments_of(tcb, &ack.report), ack.report.delivered, now);
	if (seq_eq(tcb->snd.una, seg->ack)) /* an older one says nothing of the window; its SACKs hold */
		window_from(tcb, seg, edge_before, now);
	ack.duplicate = is_duplicate(tcb, in, una_before, window_before, ack.report.sacked);
	recovery_ack(tcb, &ack, now);
	if (ack.report.acked > 0)
		after_progress(tcb, now);
	flight_trim(&tcb->warm->flight, tcb_env(tcb)->mem);
}

void arrive_ack(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const struct tcp_segment *const seg = in->seg;

	if (seq_le(seg->ack, tcb->snd.una) && seg->text_len == 0)
		tcb_env(tcb)->stats.TCPPureAcksReceived++;
	if (tcb_has_flight(tcb)) {
		if (ends_sending(tcb, seg))
			sending_ended(tcb, seg, now);
		else
			acked(tcb, in, now);
		return;
	}
	if (tcb->sack_ok && seg->opt.n_sack > 0)
		recovery_sacks_idle(tcb, seg, now);
	if (seq_eq(tcb->snd.una, seg->ack))
		window_from(tcb, seg, seq_add(tcb->snd.una, tcb->snd.wnd), now);
}
