/* Recovery's part in the congestion window: what the controller is told of an ACK, and RFC 9937's quota while
 * a recovery goes on. */
#include "base/bytes.h"
#include "tcp/plpmtud.h"
#include "tcp/rate_sample.h"
#include "tcp/recovery.h"
#include "tcp/warm.h"

static bool quota_governs(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return (warm->recovery == TERN_RECOVERY_FAST || warm->recovery == TERN_RECOVERY_CWR) &&
	       warm->prr.recover_fs > 0 && !warm->cc.ops->own_recovery;
}

/* As Linux's tcp_cwnd_validate(): what holds of a window's worth of sending holds until as much is
 * acknowledged, or more flies. */
void recovery_window_used(struct tcb *tcb, bool limited, uint32_t ahead)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t in_flight = recovery_in_flight(tcb) + ahead;

	if (!limited && seq_lt(tcb->snd.una, warm->usage_end) &&
	    (warm->cwnd_limited || in_flight <= warm->max_in_flight))
		return;
	warm->cwnd_limited = limited;
	warm->max_in_flight = in_flight;
	warm->usage_end = seq_add(tcb->snd.nxt, ahead);
}

/* Linux's tcp_is_cwnd_limited(): in slow start half a window used is enough. */
static bool is_cwnd_limited(const struct tcb_warm *warm)
{
	if (warm->cwnd_limited)
		return true;
	return warm->cc.cwnd < warm->cc.ssthresh && warm->cc.cwnd / 2 < warm->max_in_flight;
}

static inline void take_sample(struct tcb_warm *warm, tern_time rtt, uint32_t delivered,
			       const struct flight_record *youngest, struct rate_sample *sample, tern_time now)
{
	if (rtt > 0)
		rack_min_rtt(&warm->rack, rtt, now);
	rate_delivered(&warm->rate, delivered, youngest, warm->rack.min_rtt, now, sample);
	/* An app-limited sample counts only if it is better than what is known (Linux's tcp_rate_gen()). */
	if (sample->valid && (!sample->app_limited || sample->delivery_rate >= warm->delivery_rate)) {
		warm->delivery_rate = sample->delivery_rate;
		warm->rate_app_limited = sample->app_limited;
	}
}

void recovery_sample(struct tcb *tcb, const struct recovery_ack *ack, struct rate_sample *sample, tern_time now)
{
	const struct flight_report *const report = &ack->report;

	take_sample(tcb->warm, ack->rtt, report->delivered, report->any ? &report->youngest : NULL, sample, now);
}

static bool recovers(const struct tcb_warm *warm, uint8_t recovery)
{
	return recovery == TERN_RECOVERY_FAST || recovery == TERN_RECOVERY_CWR ||
	       (recovery == TERN_RECOVERY_LOSS && warm->cc.ops->own_recovery);
}

/* RFC 9937 6: DeliveredData. Without SACK a duplicate ACK stands for one segment, and what SND.UNA then moves
 * over was counted with them. */
static uint32_t delivered_data(const struct tcb *tcb, const struct recovery_ack *ack)
{
	const uint32_t counted = ack->dup_acks_before * (uint32_t)tcb->mss;

	if (tcb->sack_ok)
		return ack->report.delivered;
	if (ack->report.acked == 0)
		return ack->duplicate ? tcb->mss : 0;
	return ack->report.acked > counted ? ack->report.acked - counted : 0;
}

/* What the controller is told of every ACK alike. */
static inline void tell_of(struct tern_cc_ack *told, const struct tcb *tcb, tern_time rtt,
			   const struct rate_sample *sample, tern_time now)
{
	const struct tcb_warm *const warm = tcb->warm;

	*told = (struct tern_cc_ack){
		.now = now,
		.rtt = rtt,
		.srtt = (tern_time)(tcb_cold(tcb)->srtt8 / 8) * TERN_MICROSECOND,
		.min_rtt = warm->rack.min_rtt,
		.rate = sample->delivery_rate,
		.delivered_total = warm->rate.delivered,
		.prior_delivered = sample->prior_delivered,
		.interval = sample->interval,
		.tx_in_flight = sample->tx_in_flight,
		.lost_in_interval = sample->lost,
		.delivered_in_interval = sample->delivered,
		.app_limited = sample->app_limited,
		.cwnd_limited = is_cwnd_limited(warm),
		.round_start = sample->round_start,
		.no_sack = !tcb->sack_ok,
	};
}

static void tell_controller(struct tcb *tcb, const struct recovery_ack *ack, const struct rate_sample *sample,
			    uint32_t lost, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool slow_start = warm->cc.cwnd < warm->cc.ssthresh;
	/* The ACK that ends a recovery is the first of what follows: what it newly delivers counts, as in Linux. In a
	 * window of few segments that is a large part of a round trip. What it moves over beyond that was delivered in
	 * the recovery; without SACK nobody knows how much (and RFC 6582 3.2 step 3 sets the window small). */
	const bool was_in = recovers(warm, ack->recovery_before), is_in = recovers(warm, warm->recovery);
	const bool ends = was_in && !is_in && tcb->sack_ok && !warm->cc.ops->own_recovery;
	struct tern_cc_ack told;

	tell_of(&told, tcb, ack->rtt, sample, now);
	told.acked = ends ? min_u32(ack->report.acked, delivered_data(tcb, ack)) : ack->report.acked;
	told.delivered = ack->report.delivered;
	told.lost = lost;
	told.lost_in_interval += lost;
	told.ce = ack->marked;
	told.in_flight_before = ack->in_flight_before;
	told.in_flight = recovery_in_flight(tcb);
	told.in_recovery = is_in || (was_in && !ends);
	warm->cc.ops->ack(&warm->cc, &told);
	if (slow_start && warm->cc.cwnd >= warm->cc.ssthresh && !told.in_recovery)
		watch_congestion(tcb, TERN_CONGESTION_SLOW_START_EXIT, now);
}

void recovery_syn_acked(struct tcb *tcb, const struct flight_record *syn, tern_time rtt, tern_time now)
{
	struct rate_sample sample;

	take_sample(tcb->warm, rtt, syn->len, syn, &sample, now);
}

void recovery_all_acked(struct tcb *tcb, const struct flight_record *record, tern_time rtt, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct rate_sample sample;
	struct tern_cc_ack told;

	take_sample(warm, rtt, record->len, record, &sample, now);
	rack_advance(&warm->rack, record->sent_at, tcb->snd.una, now);
	plpmtud_look(tcb, now);
	tell_of(&told, tcb, rtt, &sample, now);
	told.acked = told.delivered = told.in_flight_before = record->len;
	warm->cc.ops->ack(&warm->cc, &told);
}

static void apply_quota(struct tcb *tcb, uint32_t delivered, bool safe)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct prr_ack news = {
		.delivered = delivered, .in_flight = recovery_in_flight(tcb), .ssthresh = warm->cc.ssthresh,
		.mss = warm->cc.mss, .safe = safe,
	};

	/* Where short segments were delivered the quota may be less than a full one; one may always fly. */
	warm->cc.cwnd = max_u32(prr_window(&warm->prr, &news), warm->cc.mss);
}

void recovery_window(struct tcb *tcb, const struct recovery_ack *ack, const struct rate_sample *sample, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t lost = (uint32_t)(warm->rate.lost - ack->lost_before);
	const uint32_t delivered = delivered_data(tcb, ack);

	if (ack->report.acked > 0 || ack->report.delivered > 0 || lost > 0)
		tell_controller(tcb, ack, sample, lost, now);
	if (quota_governs(tcb) && (delivered > 0 || lost > 0 || warm->prr.out == 0))
		apply_quota(tcb, delivered, ack->report.acked > 0 && lost == 0);
}

/* RFC6675-5-3. */
void recovery_window_reduce(struct tcb *tcb, const struct recovery_ack *ack)
{
	struct tcb_warm *const warm = tcb->warm;
	/* RecoverFS: SND.NXT - SND.UNA, less what was SACKed before this ACK, and with what it acknowledges. */
	const uint32_t flight = seq_sub(tcb->snd.nxt, tcb->snd.una) + (ack ? ack->report.acked : 0);
	const uint32_t sacked = ack ? ack->sacked_before : warm->flight.sacked;

	prr_begin(&warm->prr, flight > sacked ? flight - sacked : 0);
	if (!ack && quota_governs(tcb))
		apply_quota(tcb, 0, false);
}

void recovery_window_again(struct tcb *tcb)
{
	/* No ACK came: what was delivered and not answered yet may leave, and one segment to keep the clock. */
	if (quota_governs(tcb))
		apply_quota(tcb, tcb->warm->cc.mss, false);
}

/* RFC5681-3.2-4. */
void recovery_window_settle(struct tcb *tcb, bool was_cwr)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t in_flight = recovery_in_flight(tcb);

	cc_recovered(&warm->cc, in_flight);
	if (warm->cc.ops->own_recovery)
		return;
	warm->cc.cwnd = warm->cc.ssthresh; /* RFC 9937 6: "at the end of recovery" */
	/* RFC 6582 3.2 step 3, option 1: without SACK the last ACK may free all at once. */
	if (!tcb->sack_ok && !was_cwr)
		warm->cc.cwnd = min_u32(warm->cc.ssthresh, max_u32(in_flight, warm->cc.mss) + warm->cc.mss);
	warm->cc.cwnd = max_u32(warm->cc.cwnd, warm->cc.mss);
}
