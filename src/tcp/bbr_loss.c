/* BBR and what is lost, marked or was not lost after all (draft-ietf-ccwg-bbr-06 5.5.10, 5.5.11, 5.6.4.4). */
#include "base/bytes.h"
#include "tcp/bbr.h"

enum { LOSS_THRESH_PERCENT = 2, BETA_PERCENT = 70 };

/* IsInflightTooHigh. Without SACK a round trip shows one loss only: any is too much. */
bool bbr_inflight_too_high(const struct bbr *bbr, uint64_t lost, uint64_t tx_in_flight)
{
	return lost * 100 > tx_in_flight * LOSS_THRESH_PERCENT || (lost > 0 && bbr_is(bbr, BBR_NO_SACK));
}

void bbr_save_cwnd(const struct tern_cc *cc)
{
	struct bbr *const bbr = bbr_of(cc);

	if (!bbr_is(bbr, BBR_IN_RECOVERY) && bbr->phase != BBR_PROBE_RTT)
		bbr->prior_cwnd = cc->cwnd;
	else
		bbr->prior_cwnd = bbr_max(bbr->prior_cwnd, cc->cwnd);
}

void bbr_restore_cwnd(struct tern_cc *cc)
{
	cc->cwnd = max_u32(cc->cwnd, (uint32_t)bbr_of(cc)->prior_cwnd);
}

/* SaveStateUponLoss, at the first loss of a recovery. */
static void save_state(const struct tern_cc *cc)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr_is(bbr, BBR_SAVED))
		return;
	bbr_save_cwnd(cc);
	bbr_let(bbr, BBR_SAVED, true);
	bbr->undo_phase = BBR_PHASES;
	bbr->undo_bw_shortterm = bbr->bw_shortterm;
	bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
	bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

static void note_loss(const struct tern_cc *cc, uint64_t delivered)
{
	struct bbr *const bbr = bbr_of(cc);

	save_state(cc);
	if (!bbr_is(bbr, BBR_LOSS_IN_ROUND))
		bbr->loss_round_delivered = delivered;
	bbr_let(bbr, BBR_LOSS_IN_ROUND, true);
}

/* HandleInflightTooHigh: once a probe. An application-limited one ends it and proves no bound. */
static void too_high(struct tern_cc *cc, uint64_t tx_in_flight, bool app_limited, tern_time now)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr_let(bbr, BBR_PREV_TOO_HIGH, true);
	bbr_let(bbr, BBR_PROBE_SAMPLE, false);
	if (!app_limited)
		bbr->inflight_longterm = bbr_max(tx_in_flight, bbr_target_inflight(cc) * BETA_PERCENT / 100);
	if (bbr->phase == BBR_UP) {
		bbr->undo_phase = BBR_UP;
		bbr_start_down(cc, now);
	}
}

/* InflightAtLoss: within a segment of many packets, what flew when losses crossed the threshold. */
static uint64_t inflight_at_loss(const struct tern_cc_lost *lost)
{
	const uint64_t before = lost->tx_in_flight > lost->len ? lost->tx_in_flight - lost->len : 0;
	const uint64_t lost_before = lost->lost_since > lost->len ? lost->lost_since - lost->len : 0;
	const uint64_t allowed = before * LOSS_THRESH_PERCENT, had = lost_before * 100;

	return allowed > had ? before + (allowed - had) / (100 - LOSS_THRESH_PERCENT) : before;
}

/* HandleLostPacket */
void bbr_on_lost(struct tern_cc *cc, const struct tern_cc_lost *lost)
{
	struct bbr *const bbr = bbr_of(cc);
	const bool marked = bbr->limited_to > 0 && lost->delivered_at_send >= bbr->limited_from &&
			    lost->delivered_at_send <= bbr->limited_to;

	bbr->delivered = lost->delivered_total;
	note_loss(cc, lost->delivered_total);
	if (bbr->loss_events == 0 || bbr->last_lost_at != (uint64_t)lost->now)
		bbr->loss_events++;
	bbr->last_lost_at = (uint64_t)lost->now;
	if (bbr_is(bbr, BBR_PROBE_SAMPLE) && bbr_inflight_too_high(bbr, lost->lost_since, lost->tx_in_flight))
		too_high(cc, inflight_at_loss(lost), lost->app_limited || marked, lost->now);
}

/* OnEnterFastRecovery: the window is what the model says, before and after. */
void bbr_on_loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr->delivered = loss->delivered_total;
	save_state(cc);
	bbr_let(bbr, BBR_IN_RECOVERY, true);
}

/* 3.7: a mark is congestion. No recovery follows it, so nothing is kept for undo. */
void bbr_on_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	struct bbr *const bbr = bbr_of(cc);
	const bool recovering = bbr_is(bbr, BBR_SAVED);

	bbr->delivered = loss->delivered_total;
	note_loss(cc, loss->delivered_total);
	bbr->echoes++;
	if (bbr_is(bbr, BBR_PROBE_SAMPLE))
		too_high(cc, loss->in_flight, false, loss->now);
	if (!recovering)
		bbr_let(bbr, BBR_SAVED, false);
}

/* OnEnterRTO */
void bbr_on_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first)
{
	struct bbr *const bbr = bbr_of(cc);

	(void)first;
	bbr->delivered = loss->delivered_total;
	save_state(cc);
	bbr_let(bbr, BBR_IN_RECOVERY, true);
	cc->cwnd = cc->mss;
}

/* HandleSpuriousLossDetection: at least what stood, and back to the probe that it broke off. */
void bbr_on_undo(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh)
{
	struct bbr *const bbr = bbr_of(cc);
	const uint64_t undo_phase = bbr->undo_phase;

	bbr_let(bbr, BBR_IN_RECOVERY | BBR_SAVED | BBR_LOSS_IN_ROUND, false);
	bbr->undo_phase = BBR_PHASES;
	cc->ssthresh = max_u32(cc->ssthresh, ssthresh);
	cc->cwnd = max_u32(cc->cwnd, cwnd);
	bbr_restore_cwnd(cc);
	bbr_reset_full_bw(bbr, 0);
	bbr->bw_shortterm = bbr_max(bbr->bw_shortterm, bbr->undo_bw_shortterm);
	bbr->inflight_shortterm = bbr_max(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
	bbr->inflight_longterm = bbr_max(bbr->inflight_longterm, bbr->undo_inflight_longterm);
	if (undo_phase == BBR_STARTUP && bbr->phase != BBR_STARTUP) {
		bbr_let(bbr, BBR_FULL_BW_REACHED, false);
		if (bbr->phase != BBR_PROBE_RTT)
			bbr_enter_startup(bbr);
	} else if (undo_phase == BBR_UP && bbr->phase != BBR_UP && bbr->phase != BBR_PROBE_RTT) {
		bbr_start_refill(bbr);
	}
}
