/* BBR's model of the path: rounds, bandwidth, volume (draft-ietf-ccwg-bbr-06 5.5, 5.6.4.2). */
#include "tcp/bbr.h"

enum { DEFAULT_CWND_GAIN = 200, UP_CWND_GAIN = 225, PROBE_RTT_CWND_GAIN = 50 };
enum { BETA_PERCENT = 70 };
enum { OFFLOAD_QUANTA = 3 }; /* 5.5.8.1: one in the qdisc, one in segmentation, one in the peer's */
enum { EXTRA_ACKED_SLOT_ROUNDS = 5 };

#define RATE_MOST ((uint64_t)1 << 44) /* 140 Tbit/s: products stay in 64 bits */
#define TIME_MOST ((uint64_t)1 << 34) /* 17 s */

uint64_t bbr_max_bw(const struct bbr *bbr)
{
	return bbr_max(bbr->bw_filter[0], bbr->bw_filter[1]);
}

uint64_t bbr_bw(const struct bbr *bbr)
{
	return bbr_min(bbr_max_bw(bbr), bbr->bw_shortterm);
}

uint64_t bbr_bytes_in(uint64_t rate, uint64_t time)
{
	const uint64_t second = (uint64_t)TERN_SECOND, t = bbr_min(time, TIME_MOST), r = bbr_min(rate, RATE_MOST);

	return r / second * t + r % second * t / second;
}

uint64_t bbr_bdp_multiple(const struct bbr *bbr, uint64_t bw, uint64_t gain)
{
	if (bbr->min_rtt == BBR_INFINITE)
		return bbr->initial_cwnd; /* no round trip is known */
	return bbr_bytes_in(bw, bbr->min_rtt) * gain / 100;
}

/* QuantizationBudget (5.6.4.2): room for what offloads hold, however small the product. */
static uint64_t with_budget(const struct tern_cc *cc, uint64_t volume)
{
	volume = bbr_max(volume, OFFLOAD_QUANTA * (uint64_t)cc->quantum);
	volume = bbr_max(volume, bbr_pipe_floor(cc));
	return bbr_of(cc)->phase == BBR_UP ? volume + 2 * (uint64_t)cc->mss : volume;
}

uint64_t bbr_inflight(const struct tern_cc *cc, uint64_t bw, uint64_t gain)
{
	return with_budget(cc, bbr_bdp_multiple(bbr_of(cc), bw, gain));
}

static uint64_t cwnd_gain(const struct bbr *bbr)
{
	switch (bbr->phase) {
	case BBR_UP: return UP_CWND_GAIN;
	case BBR_PROBE_RTT: return PROBE_RTT_CWND_GAIN;
	default: return DEFAULT_CWND_GAIN;
	}
}

uint64_t bbr_max_inflight(const struct tern_cc *cc)
{
	const struct bbr *const bbr = bbr_of(cc);
	const uint64_t extra = bbr_max(bbr->extra_acked[0], bbr->extra_acked[1]);

	return with_budget(cc, bbr_bdp_multiple(bbr, bbr_bw(bbr), cwnd_gain(bbr)) + extra);
}

/* UpdateRound (5.5.1). rs->round_start becomes BBR's own: its rounds begin anew with each phase. And
 * C.is_cwnd_limited (2.2): at any time in the last round. */
void bbr_count_round(struct bbr *bbr, struct tern_cc_ack *rs)
{
	rs->round_start = rs->prior_delivered >= bbr->next_round_delivered;
	if (rs->round_start) {
		bbr_start_round(bbr);
		bbr->round_count++;
		bbr->rounds_since_probe_up++;
		bbr_let(bbr, BBR_FILLED_LAST_ROUND, bbr_is(bbr, BBR_FILLED_THIS_ROUND));
		bbr_let(bbr, BBR_FILLED_THIS_ROUND, false);
	}
	if (rs->cwnd_limited)
		bbr_let(bbr, BBR_FILLED_THIS_ROUND, true);
	rs->cwnd_limited = bbr_is(bbr, BBR_FILLED_THIS_ROUND | BBR_FILLED_LAST_ROUND);
}

/* UpdateMaxBw (5.5.5): a sample that the program held down counts only where it still shows more. */
static void update_max_bw(struct bbr *bbr, const struct tern_cc_ack *rs)
{
	const uint64_t rate = bbr_min(rs->rate, RATE_MOST);

	if (rate > 0 && (rate >= bbr_max_bw(bbr) || !rs->app_limited))
		bbr->bw_filter[1] = bbr_max(bbr->bw_filter[1], rate);
}

/* AdvanceMaxBwFilter (5.5.6): a cycle is over. One without a sample says nothing. */
void bbr_advance_bw_filter(struct bbr *bbr)
{
	if (bbr->bw_filter[1] == 0)
		return;
	bbr->bw_filter[0] = bbr->bw_filter[1];
	bbr->bw_filter[1] = 0;
}

/* 5.5.10.3: a round with a loss, while not probing: towards what was delivered in it, by 0.7 at most. */
static void adapt_lower_bounds(struct tern_cc *cc)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr->phase == BBR_STARTUP || bbr->phase == BBR_REFILL || bbr->phase == BBR_UP)
		return;
	if (!bbr_is(bbr, BBR_LOSS_IN_ROUND))
		return;
	if (bbr->bw_shortterm == BBR_INFINITE)
		bbr->bw_shortterm = bbr_max_bw(bbr);
	if (bbr->inflight_shortterm == BBR_INFINITE)
		bbr->inflight_shortterm = cc->cwnd;
	bbr->bw_shortterm = bbr_max(bbr->bw_latest, bbr->bw_shortterm * BETA_PERCENT / 100);
	bbr->inflight_shortterm = bbr_max(bbr->inflight_latest, bbr->inflight_shortterm * BETA_PERCENT / 100);
}

/* UpdateLatestDeliverySignals and UpdateCongestionSignals (5.5.10.3) */
void bbr_update_congestion_signals(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);
	const bool round_ends = rs->prior_delivered >= bbr->loss_round_delivered;

	bbr->bw_latest = bbr_max(bbr->bw_latest, bbr_min(rs->rate, RATE_MOST));
	bbr->inflight_latest = bbr_max(bbr->inflight_latest, rs->delivered_in_interval);
	bbr_let(bbr, BBR_LOSS_ROUND_START, round_ends);
	if (round_ends)
		bbr->loss_round_delivered = rs->delivered_total;
	update_max_bw(bbr, rs);
	if (!round_ends)
		return;
	adapt_lower_bounds(cc);
	bbr_let(bbr, BBR_LOSS_IN_ROUND, false);
}

void bbr_advance_latest_signals(struct bbr *bbr, const struct tern_cc_ack *rs)
{
	if (!bbr_is(bbr, BBR_LOSS_ROUND_START))
		return;
	bbr->bw_latest = bbr_min(rs->rate, RATE_MOST);
	bbr->inflight_latest = rs->delivered_in_interval;
}

void bbr_reset_congestion_signals(struct bbr *bbr)
{
	bbr_let(bbr, BBR_LOSS_IN_ROUND, false);
	bbr->bw_latest = 0;
	bbr->inflight_latest = 0;
}

void bbr_reset_short_term(struct bbr *bbr)
{
	bbr->bw_shortterm = BBR_INFINITE;
	bbr->inflight_shortterm = BBR_INFINITE;
}

/* UpdateACKAggregation (5.5.9): how much more than bw explains was acknowledged since ACKs were last
 * slower than it. */
void bbr_update_ack_aggregation(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);
	const uint64_t rounds = bbr_is(bbr, BBR_FULL_BW_REACHED) ? EXTRA_ACKED_SLOT_ROUNDS : 1;
	uint64_t expected = bbr_bytes_in(bbr_bw(bbr), (uint64_t)bbr_since(rs->now, bbr->extra_acked_start));

	if (rs->round_start && ++bbr->extra_acked_rounds >= rounds) {
		bbr->extra_acked[0] = rounds > 1 ? bbr->extra_acked[1] : 0;
		bbr->extra_acked[1] = 0;
		bbr->extra_acked_rounds = 0;
	}
	if (bbr->extra_acked_delivered <= expected) {
		bbr->extra_acked_delivered = 0;
		bbr->extra_acked_start = (uint64_t)rs->now;
		expected = 0;
	}
	bbr->extra_acked_delivered += rs->delivered;
	/* Reset just now or above it: never below expected. */
	bbr->extra_acked[1] = bbr_max(bbr->extra_acked[1],
				      bbr_min(bbr->extra_acked_delivered - expected, cc->cwnd));
}
