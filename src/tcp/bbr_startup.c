/* BBR's Startup and Drain, and the signs that the pipe is full (draft-ietf-ccwg-bbr-06 5.3.1, 5.3.2). */
#include "base/bytes.h"
#include "tcp/bbr.h"

enum { FULL_BW_GROWTH_PERCENT = 125, FULL_BW_ROUNDS = 3 };
enum { STARTUP_FULL_LOSSES = 6, STARTUP_FULL_ECHOES = 2 };
enum { DRAIN_ROUNDS_MOST = 3 };

void bbr_enter_startup(struct bbr *bbr)
{
	bbr->phase = BBR_STARTUP;
}

void bbr_reset_full_bw(struct bbr *bbr, uint64_t baseline)
{
	bbr->full_bw = baseline;
	bbr->full_bw_count = 0;
	bbr_let(bbr, BBR_FULL_BW_NOW, false);
}

/* 5.3.1.2: three rounds in which pushing harder brought less than a quarter more. */
void bbr_check_full_bw(struct bbr *bbr, const struct tern_cc_ack *rs)
{
	if (bbr_is(bbr, BBR_FULL_BW_NOW) || !rs->round_start || rs->app_limited)
		return;
	if (rs->rate >= bbr->full_bw * FULL_BW_GROWTH_PERCENT / 100) {
		bbr_reset_full_bw(bbr, rs->rate);
		return;
	}
	if (++bbr->full_bw_count >= FULL_BW_ROUNDS)
		bbr_let(bbr, BBR_FULL_BW_NOW | BBR_FULL_BW_REACHED, true);
}

/* The pipe is full, as losses or marks say. */
static void stop_for_congestion(const struct tern_cc *cc)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr->undo_phase = BBR_STARTUP;
	bbr_let(bbr, BBR_FULL_BW_REACHED, true);
	bbr->inflight_longterm = bbr_max(bbr_bdp_multiple(bbr, bbr_bw(bbr), 100), bbr->inflight_latest);
}

/* 5.3.1.3, at the end of a round: in recovery, more than 2 % lost, in six places. */
static void check_high_loss(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);
	const uint64_t enough = rs->no_sack ? 1 : STARTUP_FULL_LOSSES;

	if (!bbr_is(bbr, BBR_LOSS_ROUND_START))
		return;
	if (!bbr_is(bbr, BBR_FULL_BW_REACHED) && (rs->in_recovery || bbr_is(bbr, BBR_IN_RECOVERY)) &&
	    bbr->loss_events >= enough && bbr_inflight_too_high(bbr, rs->lost_in_interval, rs->tx_in_flight))
		stop_for_congestion(cc);
	bbr->loss_events = 0;
	if (!bbr_is(bbr, BBR_FULL_BW_REACHED) && bbr->echoes >= STARTUP_FULL_ECHOES)
		stop_for_congestion(cc);
}

/* Into Drain: what Startup found is told to the world as ssthresh, as Linux does. */
void bbr_check_startup(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	check_high_loss(cc, rs);
	if (bbr->phase != BBR_STARTUP || !bbr_is(bbr, BBR_FULL_BW_REACHED))
		return;
	bbr->phase = BBR_DRAIN;
	bbr->drain_start_round = bbr->round_count;
	cc->ssthresh = (uint32_t)bbr_min(bbr_inflight(cc, bbr_max_bw(bbr), 100), CC_NO_SSTHRESH);
}

/* 5.3.2: no queue any more; or three rounds, where Startup took another's share for its own. */
void bbr_check_drain(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr->phase != BBR_DRAIN)
		return;
	if (rs->in_flight <= bbr_inflight(cc, bbr_bw(bbr), 100) ||
	    bbr->round_count > bbr->drain_start_round + DRAIN_ROUNDS_MOST)
		bbr_start_down(cc, rs->now);
}
