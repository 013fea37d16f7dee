/* Header prediction, after Van Jacobson: what most segments are. ESTABLISHED, next in order, no flag but ACK and PSH,
 * within the window, timestamps as they should be, an ACK of what is in flight or a repeated one: all the steps of
 * RFC 9293 3.10.7.4 would say yes to it, and what is left of them is done here.
 *
 * Most ACKs of a conversation acknowledge the one segment that flies. Where nothing was lost, late or sent again, and
 * nobody looks on, what follows of such an ACK is a few lines (all_is_acked()), which do what arrive_ack() would do by
 * way of flight.c, recovery.c, rack.c and tlp.c; sim/sim_plain holds the two against each other: whoever is watched
 * goes the long way.
 */
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/emit.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* All that flies is one record, sent once, which the ACK acknowledges; no recovery, probe or proof of one waits for
 * it. */
static bool is_all(const struct tcb *tcb, const struct tcp_segment *seg)
{
	const struct tcb_warm *const warm = tcb->warm;
	const unsigned odd = warm->recovery | warm->undo.possible | warm->undo.frto | warm->tlp.out | seg->opt.n_sack;

	if (warm->flight.n != 1 || !seq_eq(seg->ack, tcb->snd.nxt) || (odd | warm->dup_acks) != 0)
		return false;
	if (flight_at(&warm->flight, 0)->flags & ~(FLIGHT_PUSH | FLIGHT_APP_LIMITED))
		return false;
	return warm->reordering_at == TERN_NEVER && tcb->held;
}

_Static_assert(TERN_RECOVERY_OPEN == 0 && FRTO_OFF == 0, "what is odd is not 0");

/* SND.UNA moves to SND.NXT. */
static void let_go(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;
	const seq_t una = tcb->snd.nxt;

	if (seq_sub(una, tcb->snd.iss) < seq_sub(tcb->snd.una, tcb->snd.iss))
		tcb_cold(tcb)->sent_wraps++;
	tcb->snd.una = una;
	if (warm->text)
		slices_release(&tcb_env(tcb)->slices, warm->text, snd_offset(tcb, una));
	tcb->due = (uint8_t)((tcb->due & ~DUE_SYN) | DUE_TEXT);
	if (warm->urgent && seq_ge(una, warm->up))
		warm->urgent = false;
	/* It follows, or the numbers come round to it again. */
	if (seq_gt(una, warm->recover))
		warm->recover = seq_add(una, 0u - 1);
	if (seq_ge(una, warm->rack.dsack_round))
		warm->rack.in_dsack_round = false;
}

/* Nothing is in flight any more: its timers end (RFC6298-5-2). An RTT was measured. */
static void timers_end(struct tcb *tcb, tern_time rtt, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	warm->progress_at = now;
	warm->backoff = 0;
	warm->probes = 0;
	warm->r1_told = false;
	warm->rto_us = rtt_sample_rto_us(tcb, rtt);
	warm->backed_off = false;
	warm->retransmit_at = TERN_NEVER;
	warm->probe_at = TERN_NEVER;
	warm->tlp.unsampled = false;
}

static void all_is_acked(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	/* It lies where it was until the next leaves. */
	const struct flight_record *const record = flight_at(&warm->flight, 0);
	const seq_t edge_before = seq_add(tcb->snd.una, tcb->snd.wnd);
	const tern_time rtt = max_i64(now - record->sent_at, 1);
	const uint32_t unsent = tcb_unsent(tcb);

	tcb_note_app_limit_of(tcb, unsent);
	let_go(tcb);
	flight_ack_last(&warm->flight, tcb->snd.una);
	timers_end(tcb, rtt, now);
	tcb_env(tcb)->stats.TCPDelivered++;
	window_from_open(tcb, seg, edge_before, now);
	recovery_all_acked(tcb, record, rtt, now);
	emit_made_room(tcb);
	if (unsent == 0) {
		tcb->ready |= TERN_DRAINED;
		chrono_turn(&warm->chrono, CHRONO_NONE, now); /* in ESTABLISHED no FIN waits */
	}
	flight_trim(&warm->flight, tcb_env(tcb)->mem);
}

static struct arrival arrival_of(const struct tcp_segment *seg)
{
	return (struct arrival){
		.seg = seg, .text = seg->text, .seq = seg->seq, .len = seg->text_len, .push = seg->flags & TCP_PSH,
	};
}

__attribute__((noinline)) static void ack_by_steps(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	const struct arrival in = arrival_of(seg);

	arrive_ack(tcb, &in, now);
}

/* True: a warm record that is kept for the next flight goes on being kept (tcb_cool_idle()), nothing being odd. */
static bool plain_ack(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	if (tcb->warm && is_all(tcb, seg)) {
		all_is_acked(tcb, seg, now);
		return tcb->resting;
	}
	/* A question, after silence. */
	if (!tcb_has_flight(tcb) && seq_eq(seg->ack, tcb->snd.una) && seg->opt.n_sack == 0 && seg->text_len > 0)
		window_from_open(tcb, seg, seq_add(tcb->snd.una, tcb->snd.wnd), now);
	else
		ack_by_steps(tcb, seg, now);
	return false;
}

/* Text that is not plain, or a FIN that waited for it. */
__attribute__((noinline)) static enum tern_verdict text_by_steps(struct tcb *tcb, const struct tcp_segment *seg,
								 bool put, tern_time now)
{
	struct arrival in = arrival_of(seg);
	enum tern_verdict verdict = TERN_VERDICT_ACCEPTED;

	if (!put && in.len > 0)
		verdict = arrive_text(tcb, &in, now);
	if (tcb->state != CLOSED && tcb->warm && tcb->warm->ooo.fin_seen)
		arrive_fin(tcb, &in, now);
	return verdict;
}

/* The steps that are left of a plain segment, in their order. */
enum tern_verdict arrive_plain(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	enum tern_verdict verdict = TERN_VERDICT_ACCEPTED;
	bool put, kept;

	if (tcb->ts_ok && seq_le(seg->seq, tcb->rcv.acked)) /* RFC 7323 4.3 */
		tcb->ts.recent = seg->opt.ts_val;
	kept = plain_ack(tcb, seg, now);
	timers_heard(tcb, now);
	put = seg->text_len == 0 ||
	      (tcb->state == ESTABLISHED && arrive_text_plain(tcb, seg->text, seg->text_len, now));
	if (!put || (tcb->warm && tcb->warm->ooo.fin_seen))
		verdict = text_by_steps(tcb, seg, put, now);
	tcb_env(tcb)->stats.TernVerdict[verdict]++;
	tcb_cold(tcb)->segments_in++;
	if (!kept || !put)
		tcb_cool_down(tcb);
	return verdict;
}
