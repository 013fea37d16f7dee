/* RFC 9293 3.10.7.4: SEGMENT ARRIVES, SYN-RECEIVED and the synchronized states. One function per step,
 * in the RFC's order; RFC 5961 (blind attacks) and RFC 7323 (timestamps) live in the step they amend.
 * The third step (security) is left out; TIME-WAIT is host/time_wait.c. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/call.h"
#include "tcp/challenge.h"
#include "tcp/ecn.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

enum { PAWS_IDLE_MS = 24 * 24 * 3600 * 1000u }; /* RFC 7323 5.5: after 24 days TS.Recent proves nothing */

/* SYN-RECEIVED knows the peer's SYN when it comes again: alone it asks for our SYN-ACK once more; with
 * an ACK (simultaneous open) the SYN is trimmed off as old and the rest goes on. */
static enum tern_verdict step_old_syn(struct tcb *tcb, struct arrival *in)
{
	if (tcb->state != SYN_RECEIVED || !in->syn || !seq_eq(in->seq, tcb->rcv.irs) ||
	    in->seg->flags & TCP_RST)
		return TERN_VERDICT_ACCEPTED;
	if (!(in->seg->flags & TCP_ACK)) {
		if (tcb_has_flight(tcb))
			tcb->due |= DUE_SYN;
		return TERN_VERDICT_DUPLICATE_SYN;
	}
	in->syn = false;
	in->seq = seq_add(in->seq, 1);
	tcb->due |= DUE_ACK;
	return TERN_VERDICT_ACCEPTED;
}

/* An answer to what should not have come. Text is answered always, or a lost ACK would never be made
 * good; the rest within the limit, so that two confused peers do not answer each other for ever. */
static void answer_unacceptable(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	if (in->len > 0 || in->fin)
		tcb->due |= DUE_ACK;
	else
		challenge(tcb, now);
}

/* RFC 7323 5.3 R1 and 3.2 (RFC7323-3.2-2, RFC7323-3.2-3, RFC7323-5.2-1, RFC7323-5.3-1, RFC7323-5.5-1). */
static enum tern_verdict step_timestamps(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const struct tcp_options *const opt = &in->seg->opt;
	struct tcp_env *const env = tcb_env(tcb);

	if (!tcb->ts_ok || in->seg->flags & TCP_RST)
		return TERN_VERDICT_ACCEPTED;
	if (!opt->has_ts)
		return TERN_VERDICT_NO_TIMESTAMP;
	if ((int32_t)(opt->ts_val - tcb->ts.recent) >= 0 ||
	    time_to_ms(now) - tcb_cold(tcb)->heard_ms > PAWS_IDLE_MS)
		return TERN_VERDICT_ACCEPTED;
	env->stats.PAWSEstab++;
	answer_unacceptable(tcb, in, now);
	return TERN_VERDICT_PAWS;
}

/* The acceptability test of RFC 9293 3.4, table 6 (RFC7323-2.4-1). */
static bool is_acceptable(const struct tcb *tcb, const struct arrival *in)
{
	const uint32_t seg_len = in->len + in->syn + in->fin, wnd = rcv_wnd(tcb);
	const uint32_t first = seq_sub(in->seq, tcb->rcv.nxt); /* from RCV.NXT on; huge where before it */

	if (seg_len == 0)
		return wnd == 0 ? first == 0 : first < wnd;
	if (wnd == 0) /* MUST-66: no text, but its ACK, URG and RST count, and a FIN needs no room */
		return first == 0;
	return first < wnd || seq_sub(seq_add(in->seq, seg_len - 1), tcb->rcv.nxt) < wnd;
}

/* "Idealized segments": what lies outside the window is trimmed off. */
static void trim(struct tcb *tcb, struct arrival *in)
{
	const uint32_t wnd = rcv_wnd(tcb);

	if (seq_lt(in->seq, tcb->rcv.nxt)) {
		const uint32_t old = min_u32(seq_sub(tcb->rcv.nxt, in->seq), in->len);

		in->text += old;
		in->len -= old;
		in->seq = seq_add(in->seq, old);
	}
	if (seq_sub(in->seq, tcb->rcv.nxt) + in->len > wnd) {
		in->len = wnd > seq_sub(in->seq, tcb->rcv.nxt) ? wnd - seq_sub(in->seq, tcb->rcv.nxt) : 0;
		in->fin = false;
		tcb->due |= DUE_ACK;
		tcb_env(tcb)->stats.TCPZeroWindowDrop += wnd == 0;
	}
}

/* A D-SACK for text that was here before (RFC 2883 4). */
static void report_duplicate(struct tcb *tcb, seq_t left, seq_t right, tern_time now)
{
	/* Not in SYN-RECEIVED: a block from a half-open entry has no flight for its SYN. */
	const bool tells = tcb_tells_duplicates(tcb) && seq_lt(left, right) &&
			   state_is_synchronized((enum tcp_state)tcb->state);
	struct tcb_warm *const warm = tells ? tcb_warm_up(tcb, now) : NULL;

	if (!warm)
		return;
	warm->dsack = (struct tern_sack_block){ left.v, right.v };
	tcb_env(tcb)->stats.TCPDSACKOldSent++;
}

/* First: the sequence number (RFC7323-4.3-1, RFC5961-3.2-1). */
static enum tern_verdict step_sequence(struct tcb *tcb, struct arrival *in, tern_time now)
{
	const seq_t end = seq_add(in->seq, in->len);

	if (!is_acceptable(tcb, in)) {
		const bool old = seq_lt(in->seq, tcb->rcv.nxt) && in->len + in->fin > 0;

		if (in->seg->flags & TCP_RST)
			return TERN_VERDICT_STRAY_RESET;
		if (old)
			report_duplicate(tcb, in->seq, seq_min(end, tcb->rcv.nxt), now);
		answer_unacceptable(tcb, in, now);
		return old ? TERN_VERDICT_DUPLICATE : TERN_VERDICT_OUT_OF_WINDOW;
	}
	if (in->len > 0 && seq_lt(in->seq, tcb->rcv.nxt))
		report_duplicate(tcb, in->seq, seq_min(end, tcb->rcv.nxt), now);
	/* RFC 7323 4.3: TS.Recent follows the segment that spans Last.ACK.sent, never one beyond it. */
	if (tcb->ts_ok && in->seg->opt.has_ts && seq_le(in->seq, tcb->rcv.acked) &&
	    !(in->seg->flags & TCP_RST))
		tcb->ts.recent = in->seg->opt.ts_val;
	trim(tcb, in);
	return TERN_VERDICT_ACCEPTED;
}

/* Second: RST, by RFC 5961 3.2: exactly at RCV.NXT, or challenged (SHLD-2).
 * (RFC5961-3.2-2, RFC5961-3.2-3, RFC5961-3.2-4) */
static enum tern_verdict step_reset(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	if (!(in->seg->flags & TCP_RST))
		return TERN_VERDICT_ACCEPTED;
	if (!seq_eq(in->seg->seq, tcb->rcv.nxt)) {
		challenge(tcb, now);
		return TERN_VERDICT_BLIND_RESET;
	}
	return arrive_was_reset(tcb, now);
}

/* Fourth: SYN, by RFC 5961 4.2: wherever it stands, it is challenged and goes no further. Looked at
 * before the first step, which would only answer the same (RFC5961-4.2-1, RFC5961-4.2-2). */
static enum tern_verdict step_syn(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	if (!in->syn || in->seg->flags & TCP_RST)
		return TERN_VERDICT_ACCEPTED;
	tcb_env(tcb)->stats.TCPSYNChallenge++;
	challenge(tcb, now);
	return TERN_VERDICT_BLIND_SYN;
}

/* RFC 5961 5.2, MAY-12: no older than SND.UNA - MAX.SND.WND; and never below our ISS (ghost ACKs).
 * (RFC5961-5.2-1) */
static bool ack_is_too_old(const struct tcb *tcb, seq_t ack)
{
	const uint32_t behind = seq_sub(tcb->snd.una, ack);
	const bool young = tcb_cold(tcb)->sent_wraps == 0 && seq_sub(tcb->snd.una, tcb->snd.iss) <= tcb->snd.max_wnd;

	if (!seq_lt(ack, tcb->snd.una))
		return false;
	return behind > tcb->snd.max_wnd || (young && behind >= seq_sub(tcb->snd.una, tcb->snd.iss));
}

/* SYN-RECEIVED's own part of the fifth step. */
static enum tern_verdict step_ack_in_syn_received(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	const seq_t our_syn_end = seq_add(tcb->snd.iss, 1);

	if (seq_lt(seg->ack, our_syn_end) || seq_gt(seg->ack, tcb->snd.nxt))
		return TERN_VERDICT_BAD_ACK; /* the host answers with RST */
	tcb_enter(tcb, ESTABLISHED, TERN_WHY_OUR_SYN_ACKED, now);
	tcb->snd.wnd = window_of(tcb, seg);
	tcb->snd.max_wnd = max_u32(tcb->snd.max_wnd, tcb->snd.wnd);
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
	if (!tcb->warm) { /* from a half-open entry: nothing was kept of the SYN-ACK but its numbers */
		tcb->snd.una = our_syn_end;
		if (tcb->ts_ok && seg->opt.has_ts)
			rtt_sample_echo(tcb, seg->opt.ts_ecr, now);
	}
	ecn_handshake_done(tcb, seg, now);
	tcb->due |= DUE_TEXT;
	return TERN_VERDICT_ACCEPTED;
}

/* Fifth: ACK (RFC5961-5.2-1). */
static enum tern_verdict step_ack(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const struct tcp_segment *const seg = in->seg;

	if (!(seg->flags & TCP_ACK))
		return TERN_VERDICT_NO_ACK;
	if (tcb->state == SYN_RECEIVED) {
		const enum tern_verdict verdict = step_ack_in_syn_received(tcb, seg, now);

		if (verdict != TERN_VERDICT_ACCEPTED)
			return verdict;
	}
	if (seq_gt(seg->ack, tcb->snd.nxt)) {
		challenge(tcb, now);
		return TERN_VERDICT_BAD_ACK;
	}
	if (ack_is_too_old(tcb, seg->ack)) {
		challenge(tcb, now);
		return TERN_VERDICT_OLD_ACK;
	}
	arrive_ack(tcb, in, now);
	call_fin_queued(tcb, now); /* CLOSE waited for ESTABLISHED */
	if (our_fin_is_acked(tcb) && tcb->state == CLOSING)
		tcb_enter(tcb, TIME_WAIT, TERN_WHY_OUR_FIN_ACKED, now);
	else if (our_fin_is_acked(tcb) && tcb->state == LAST_ACK)
		tcb_enter(tcb, CLOSED, TERN_WHY_OUR_FIN_ACKED, now);
	return TERN_VERDICT_ACCEPTED;
}

/* Sixth: URG (MUST-31, MUST-32); RFC 6093: the octets stay in the stream (MUST-30). */
static void step_urgent(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	const seq_t up = seq_add(in->seg->seq, in->seg->up);
	struct tern_tuple tuple;

	if (!(in->seg->flags & TCP_URG) || !state_receives((enum tcp_state)tcb->state))
		return;
	/* Only what is ahead of what the program has read is news. */
	if (seq_le(up, tcb->rcv.read))
		return;
	if (tcb->urgent_received && seq_le(up, (seq_t){ cold->rcv_up }))
		return;
	cold->rcv_up = up.v;
	tcb->urgent_received = true;
	tcb->ready |= TERN_URGENT;
	tcb_get_tuple(tcb, &tuple);
	watch_note(tcb_env(tcb), &tuple, (enum tcp_state)tcb->state, TERN_NOTE_URGENT, seq_sub(up, tcb->rcv.read), now);
}

enum tern_verdict arrive_synchronized(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	struct arrival in = {
		.seg = seg, .text = seg->text, .seq = seg->seq, .len = seg->text_len,
		.syn = seg->flags & TCP_SYN, .fin = seg->flags & TCP_FIN, .push = seg->flags & TCP_PSH,
	};
	enum tern_verdict verdict = step_old_syn(tcb, &in);

	if (verdict == TERN_VERDICT_ACCEPTED)
		verdict = step_syn(tcb, &in, now);
	if (verdict == TERN_VERDICT_ACCEPTED)
		verdict = step_timestamps(tcb, &in, now);
	if (verdict == TERN_VERDICT_ACCEPTED)
		verdict = step_sequence(tcb, &in, now);
	if (verdict == TERN_VERDICT_ACCEPTED)
		verdict = step_reset(tcb, &in, now);
	if (verdict == TERN_VERDICT_ACCEPTED)
		verdict = step_ack(tcb, &in, now);
	if (verdict != TERN_VERDICT_ACCEPTED)
		return verdict;
	if (tcb->state == CLOSED)
		return TERN_VERDICT_ACCEPTED; /* LAST-ACK was acknowledged */
	timers_heard(tcb, now);
	ecn_arrived(tcb, seg, in.len, now);
	step_urgent(tcb, &in, now);
	verdict = arrive_text(tcb, &in, now);
	if (tcb->state != CLOSED)
		arrive_fin(tcb, &in, now);
	/* Figure 5's FIN-WAIT-2 only now: a FIN in the same segment leads past it (eighth step). */
	if (tcb->state == FIN_WAIT_1 && our_fin_is_acked(tcb)) {
		tcb_enter(tcb, FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED, now);
		timers_orphaned(tcb, now);
	}
	return verdict;
}
