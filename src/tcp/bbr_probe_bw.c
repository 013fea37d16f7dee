/* BBR's ProbeBW: DOWN, CRUISE, REFILL, UP, and the long-term bound (draft-ietf-ccwg-bbr-06 5.3.3). */
#include "tcp/bbr.h"

enum { HEADROOM_PERCENT = 15 };
enum { RENO_ROUNDS_MOST = 63 };	 /* 5.3.3.8.2: what leaves Reno its share of a home's line */
enum { PROBE_UP_ROUNDS_MOST = 30 };

/* splitmix64's finaliser (Steele, Lea, Flood): every bit of x in every bit of the result. */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* PickProbeWait: two to three seconds; 62 or 63 rounds. */
static void pick_probe_wait(struct bbr *bbr, tern_time now)
{
	uint64_t random = mixed((uint64_t)now + 0x9e3779b97f4a7c15u);

	random = mixed(random ^ bbr->delivered);
	random = mixed(random ^ bbr_max_bw(bbr));
	random = mixed(random ^ bbr->min_rtt);
	bbr->rounds_since_probe_up = random & 1;
	bbr->bw_probe_wait = 2 * (uint64_t)TERN_SECOND + (random >> 1) % (uint64_t)TERN_SECOND;
}

void bbr_start_down(const struct tern_cc *cc, tern_time now)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr_reset_congestion_signals(bbr);
	bbr->probe_up_acked_per_inc = BBR_INFINITE;
	pick_probe_wait(bbr, now);
	bbr->cycle_stamp = (uint64_t)now;
	bbr->acks = BBR_ACKS_STOPPING;
	bbr_start_round(bbr);
	bbr->phase = BBR_DOWN;
}

void bbr_start_refill(struct bbr *bbr)
{
	bbr_reset_short_term(bbr);
	bbr->probe_up_rounds = 0;
	bbr->probe_up_acked = 0;
	bbr_let(bbr, BBR_PREV_PRECAUTIONARY, false);
	bbr->acks = BBR_ACKS_REFILLING;
	bbr_start_round(bbr);
	bbr->phase = BBR_REFILL;
}

/* RaiseInflightLongtermSlope: one MSS in the first round, twice as many in each next. */
static void raise_slope(const struct tern_cc *cc)
{
	struct bbr *const bbr = bbr_of(cc);
	const uint64_t growth = (uint64_t)1 << bbr->probe_up_rounds;

	bbr->probe_up_rounds = bbr_min(bbr->probe_up_rounds + 1, PROBE_UP_ROUNDS_MOST);
	bbr->probe_up_acked_per_inc = bbr_max(cc->cwnd / growth, cc->mss);
}

static void start_up(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr->acks = BBR_ACKS_STARTING;
	bbr_start_round(bbr);
	bbr_reset_full_bw(bbr, rs->rate);
	bbr->phase = BBR_UP;
	raise_slope(cc);
}

uint64_t bbr_target_inflight(const struct tern_cc *cc)
{
	const struct bbr *const bbr = bbr_of(cc);

	return bbr_min(bbr_bdp_multiple(bbr, bbr_bw(bbr), 100), cc->cwnd);
}

uint64_t bbr_inflight_with_headroom(const struct tern_cc *cc)
{
	const uint64_t longterm = bbr_of(cc)->inflight_longterm;

	if (longterm == BBR_INFINITE)
		return BBR_INFINITE;

	const uint64_t headroom = bbr_max(cc->mss, longterm * HEADROOM_PERCENT / 100);

	return bbr_max(longterm > headroom ? longterm - headroom : 0, bbr_pipe_floor(cc));
}

/* IsTimeToProbeBW: by the clock, or in as many rounds as Reno would take to have probed. */
static bool is_time_to_probe(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	const struct bbr *const bbr = bbr_of(cc);
	const uint64_t reno_rounds = bbr_target_inflight(cc) / cc->mss;

	return bbr_since(rs->now, bbr->cycle_stamp) > (tern_time)bbr->bw_probe_wait ||
	       bbr->rounds_since_probe_up >= bbr_min(reno_rounds, RENO_ROUNDS_MOST);
}

static bool is_time_to_cruise(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	return rs->in_flight <= bbr_inflight_with_headroom(cc) &&
	       rs->in_flight <= bbr_inflight(cc, bbr_max_bw(bbr_of(cc)), 100);
}

/* IsTimeToGoDown (5.3.3.7) */
static bool is_time_to_go_down(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr_is(bbr, BBR_PREV_TOO_HIGH) && rs->in_flight >= bbr->inflight_longterm) {
		bbr_let(bbr, BBR_PREV_PRECAUTIONARY, true);
		return true;
	}
	if (rs->cwnd_limited && cc->cwnd >= bbr->inflight_longterm)
		bbr_reset_full_bw(bbr, rs->rate); /* the bound, not the path, holds the rate */
	else if (bbr_is(bbr, BBR_FULL_BW_NOW))
		return true;
	return false;
}

/* ProbeInflightLongtermUpward: only while it is what holds back. */
static void raise_longterm(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (!rs->cwnd_limited || cc->cwnd < bbr->inflight_longterm)
		return;
	bbr->probe_up_acked += rs->delivered;
	if (bbr->probe_up_acked >= bbr->probe_up_acked_per_inc) {
		const uint64_t steps = bbr->probe_up_acked / bbr->probe_up_acked_per_inc;

		bbr->probe_up_acked -= steps * bbr->probe_up_acked_per_inc;
		bbr->inflight_longterm += steps * cc->mss;
	}
	if (rs->round_start)
		raise_slope(cc);
}

/* AdaptLongTermModel (5.3.3.9). True: the phase has changed. */
static bool adapt_long_term(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr->acks == BBR_ACKS_STARTING && rs->round_start)
		bbr->acks = BBR_ACKS_FEEDBACK;
	if (bbr->acks == BBR_ACKS_STOPPING && rs->round_start) {
		bbr_let(bbr, BBR_PROBE_SAMPLE, false);
		bbr->acks = BBR_ACKS_INIT;
		if (bbr_probes_bw(bbr) && !rs->app_limited)
			bbr_advance_bw_filter(bbr);
		/* 5.3.3.6: a probe that was cut short and did no harm is taken up again at once. */
		if (bbr_probes_bw(bbr) && bbr_is(bbr, BBR_PREV_PRECAUTIONARY) &&
		    !bbr_is(bbr, BBR_PREV_TOO_HIGH)) {
			bbr_start_refill(bbr);
			return true;
		}
	}
	if (bbr_inflight_too_high(bbr, rs->lost_in_interval, rs->tx_in_flight) ||
	    bbr->inflight_longterm == BBR_INFINITE)
		return false;
	bbr->inflight_longterm = bbr_max(bbr->inflight_longterm, rs->tx_in_flight);
	if (bbr->phase == BBR_UP)
		raise_longterm(cc, rs);
	return false;
}

/* UpdateProbeBWCyclePhase */
void bbr_update_cycle(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (!bbr_is(bbr, BBR_FULL_BW_REACHED) || adapt_long_term(cc, rs))
		return;
	switch (bbr->phase) {
	case BBR_DOWN:
		if (is_time_to_probe(cc, rs))
			bbr_start_refill(bbr);
		else if (is_time_to_cruise(cc, rs))
			bbr->phase = BBR_CRUISE;
		break;
	case BBR_CRUISE:
		if (is_time_to_probe(cc, rs))
			bbr_start_refill(bbr);
		break;
	case BBR_REFILL:
		if (rs->round_start) {
			bbr_let(bbr, BBR_PROBE_SAMPLE, true);
			start_up(cc, rs);
		}
		break;
	case BBR_UP:
		if (is_time_to_go_down(cc, rs)) {
			bbr_let(bbr, BBR_PREV_TOO_HIGH, false); /* no high loss, yet */
			bbr_start_down(cc, rs->now);
		}
		break;
	default: break;
	}
}
