/* The fifth step of RFC 9293 3.10.7.4 once the ACK is known to be acceptable: what it acknowledges, what
 * it says of the peer's window, and what duplicates mean (RFC 5681 2). */
#include "base/bytes.h"
#include "tcp/arrive.h"
#include "tcp/emit.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* RTT from octets sent once; else from the echoed timestamp (RFC 7323 4.1), if it can be ours. */
static bool measure(struct tcb *tcb, const struct tcp_segment *seg, const struct flight_report *acked, tern_time now)
{
	if (acked->sent_at != TERN_NEVER && !acked->again) {
		rtt_sample(tcb, now - acked->sent_at);
		return true;
	}
	return tcb->ts_ok && seg->opt.has_ts && rtt_sample_echo(tcb, seg->opt.ts_ecr, now);
}

static void grow_window(struct tcb *tcb, const struct flight_report *acked, const struct rate_sample *sample,
			uint32_t in_flight_before, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool in_slow_start = warm->cc.cwnd < warm->cc.ssthresh;
	const struct tern_cc_ack ack = {
		.now = now,
		.rtt = sample->rtt,
		.srtt = (tern_time)(tcb_cold(tcb)->srtt8 / 8) * TERN_MICROSECOND,
		.acked = acked->acked,
		.delivered = acked->delivered,
		.in_flight_before = in_flight_before,
		.in_flight = warm->flight.in_flight,
		.rate = sample->delivery_rate,
		.delivered_total = warm->rate.delivered,
		.prior_delivered = sample->prior_delivered,
		.interval = sample->interval,
		.tx_in_flight = sample->tx_in_flight,
		.lost_in_interval = sample->lost,
		.delivered_in_interval = sample->delivered,
		.app_limited = sample->app_limited,
		.round_start = sample->round_start,
		.cwnd_limited = warm->cwnd_limited || (in_slow_start && in_flight_before * 2 > warm->cc.cwnd),
		.in_recovery = warm->recovery == TERN_RECOVERY_FAST,
	};

	warm->cc.ops->ack(&warm->cc, &ack);
	if (in_slow_start && warm->cc.cwnd >= warm->cc.ssthresh)
		watch_congestion(tcb, TERN_CONGESTION_SLOW_START_EXIT, now);
}

/* SND.UNA < SEG.ACK =< SND.NXT. */
static void acked_something(struct tcb *tcb, const struct tcp_segment *seg, struct flight_report *acked, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tcb_cold *const cold = tcb_cold(tcb);
	const uint32_t before = warm->flight.in_flight;
	struct rate_sample sample;

	if (seq_sub(seg->ack, tcb->snd.iss) < seq_sub(tcb->snd.una, tcb->snd.iss))
		cold->sent_wraps++;
	tcb->snd.una = seg->ack;
	flight_ack(&warm->flight, seg->ack, acked);
	rate_acked(&warm->rate, acked, 0, now, &sample);
	if (warm->text) {
		const uint32_t upto = snd_offset(tcb, seg->ack) - our_fin_is_acked(tcb);

		slices_release(&tcb_env(tcb)->slices, warm->text, upto);
	}
	tcb->due &= (uint8_t)~DUE_SYN; /* whatever is acknowledged, our SYN is */
	if (warm->urgent && seq_ge(tcb->snd.una, warm->up))
		warm->urgent = false;
	const bool sampled = measure(tcb, seg, acked, now);

	timers_progress(tcb, sampled, now);
	tcb_env(tcb)->stats.TCPDelivered += acked->records;
	if (warm->recovery != TERN_RECOVERY_FAST)
		grow_window(tcb, acked, &sample, before, now);
	recovery_acked(tcb, acked, now);
	tcb->due |= DUE_TEXT;
	emit_made_room(tcb);
	if (seq_eq(tcb->snd.una, tcb->snd.nxt) && tcb_unsent(tcb) == 0)
		tcb->ready |= TERN_DRAINED;
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

void arrive_ack(struct tcb *tcb, const struct arrival *in, tern_time now)
{
	const struct tcp_segment *const seg = in->seg;
	const uint32_t window_before = tcb->snd.wnd;
	const seq_t una_before = tcb->snd.una;
	const seq_t edge_before = seq_add(tcb->snd.una, tcb->snd.wnd);
	struct flight_report report = { .sent_at = TERN_NEVER };
	struct rate_sample sample;

	if (tcb_has_flight(tcb)) {
		report = flight_report_begin(&tcb->warm->flight);
		tcb_note_app_limit(tcb);
		if (tcb->sack_ok && seg->opt.n_sack > 0)
			recovery_sacks(tcb, seg, &report);
	}
	if (seq_lt(tcb->snd.una, seg->ack))
		acked_something(tcb, seg, &report, now);
	else if (seg->text_len == 0)
		tcb_env(tcb)->stats.TCPPureAcksReceived++;
	if (report.any && report.acked == 0)
		rate_acked(&tcb->warm->rate, &report, 0, now, &sample);
	if (seq_le(tcb->snd.una, seg->ack))
		window_from(tcb, seg, edge_before, now);
	if (is_duplicate(tcb, in, una_before, window_before, report.sacked))
		recovery_duplicate_ack(tcb, now);
	if (tcb->warm)
		flight_trim(&tcb->warm->flight, tcb_env(tcb)->mem);
}
