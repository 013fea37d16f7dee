/* RFC 9293 3.10.7.3: SEGMENT ARRIVES, SYN-SENT STATE. Step numbers are the RFC's; the third (security)
 * is left out. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/call.h"
#include "tcp/ecn.h"
#include "tcp/negotiate.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

static enum tern_verdict refused(struct tcb *tcb, tern_time now)
{
	tcb_cold(tcb)->error = TERN_ECONNREFUSED;
	tcb_env(tcb)->stats.AttemptFails++;
	tcb_enter(tcb, CLOSED, TERN_WHY_REFUSED, now);
	return TERN_VERDICT_REFUSED;
}

/* The window scale, timestamps and SACK that the peer's SYN agrees to. */
static void agree(struct tcb *tcb, const struct tcp_segment *seg)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint16_t our_mss = negotiate_our_mss(warm->mtu, warm->max_segment, tcb->v6);
	struct tcp_agreement agreed = { .iss = tcb->snd.iss };

	tcp_agree(tcb_env(tcb), &agreed, seg, our_mss, tcb->v6);
	negotiate_take(tcb, &agreed, warm->mtu);
	warm->cc.cwnd = cc_initial_window(tcb->mss, tcb_env(tcb)->config.initial_window);
	cc_mss_changed(&warm->cc, tcb->mss);
}

/* It was sent once, and nothing is odd: a round trip is measured, and the first sample of the path taken. */
static void sample_of_syn(struct tcb *tcb, const struct flight_record *syn, tern_time now)
{
	const tern_time rtt = max_i64(now - syn->sent_at, 1);

	flight_ack_last(&tcb->warm->flight, tcb->snd.una); /* the record lies where it was until the next leaves */
	rtt_sample(tcb, rtt);
	recovery_syn_acked(tcb, syn, rtt, now);
}

static void sample_of_lost_syn(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct recovery_ack ack = recovery_ack_begin(tcb, seg);
	struct rate_sample sample;

	flight_ack(&warm->flight, seg->ack, &ack.report);
	warm->cc.cwnd = tcb->mss; /* begin with one segment (RFC 5681 3.1) */
	if (!tcb->ts_ok || !rtt_sample_echo(tcb, seg->opt.ts_ecr, now))
		rtt_syn_lost(tcb);
	recovery_sample(tcb, &ack, &sample, now);
}

/* Our SYN is acknowledged: what ESTABLISHED begins with (RFC5681-3.1-4, RFC5681-3.1-5). */
static void our_syn_acked(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct flight_record *const syn = flight_at(&warm->flight, 0);

	tcb->snd.una = seg->ack;
	if ((syn->flags & (FLIGHT_AGAIN | FLIGHT_LOST)) == 0)
		sample_of_syn(tcb, syn, now);
	else
		sample_of_lost_syn(tcb, seg, now);
	warm->recovery = TERN_RECOVERY_OPEN; /* a SYN that was lost says nothing of what follows */
	undo_done(tcb);
	timers_progress(tcb, true, now);
	/* WL1 and WL2 as the RFC says; the window itself was read, unscaled, with the SYN. */
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
}

enum tern_verdict arrive_syn_sent(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	tern_assert(tcb->state == SYN_SENT);
	const bool ack = seg->flags & TCP_ACK;
	const bool rst = seg->flags & TCP_RST;
	const bool our_syn_is_acked = ack && seq_lt(tcb->snd.iss, seg->ack) && seq_le(seg->ack, tcb->snd.nxt);

	/* First: an ACK of anything but our SYN belongs to another incarnation; the host answers with RST. */
	if (ack && !our_syn_is_acked)
		return TERN_VERDICT_BAD_ACK;
	/* Second: a reset counts only if it proves that it saw our SYN. */
	if (rst)
		return our_syn_is_acked ? refused(tcb, now) : TERN_VERDICT_BLIND_RESET;
	if (!(seg->flags & TCP_SYN))
		return TERN_VERDICT_NO_SYN;

	/* Fourth: the peer's SYN. */
	agree(tcb, seg);
	timers_heard(tcb, now);
	if (!our_syn_is_acked) {
		tcb_enter(tcb, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED, now); /* simultaneous open (MUST-10) */
		tcb->due |= DUE_SYN;
		/* Text and FIN that came with it are not acknowledged, so they come again. */
		return TERN_VERDICT_ACCEPTED;
	}
	tcb_enter(tcb, ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED, now);
	our_syn_acked(tcb, seg, now);
	ecn_syn_answered(tcb, seg, now);
	tcb->due |= DUE_ACK | DUE_TEXT;
	call_fin_queued(tcb, now);
	/* "Continue processing at the sixth step": text on a SYN-ACK is rare, but legal. */
	struct arrival in = {
		.seg = seg, .text = seg->text, .seq = seq_add(seg->seq, 1), .len = seg->text_len,
		.fin = seg->flags & TCP_FIN, .push = seg->flags & TCP_PSH,
	};
	if (in.len > rcv_wnd(tcb)) {
		in.len = rcv_wnd(tcb);
		in.fin = false;
	}
	const enum tern_verdict verdict = arrive_text(tcb, &in, now);

	if (tcb->state != CLOSED)
		arrive_fin(tcb, &in, now);
	return verdict;
}
