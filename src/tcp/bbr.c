/* BBRv3: draft-ietf-ccwg-bbr-06, "BBR Congestion Control".
 *
 * Theory of operation. Two things are learnt of the path: max_bw, the most that it delivered in the
 * last two cycles, and min_rtt, the least round trip of ten seconds; their product is what the path
 * holds without a queue (bdp). What leaves is paced at pacing_gain * bw, and what flies is bounded by
 * cwnd = cwnd_gain * bdp and what ACKs were seen to bunch. Neither can be seen while the other is: so
 * the phases take turns.
 *
 *	STARTUP  2.77  twice the rate each round, until it grows by less than a quarter in three rounds, or
 *		       more than 2 % of a round is lost in six places
 *	DRAIN    0.50  until the queue that Startup left is gone
 *	DOWN     0.90  until there is no queue and 15 % of inflight_longterm is free; then CRUISE 1.00 for
 *		       2 to 3 s, or 62 to 63 rounds, or bdp / MSS rounds, whichever is least; then REFILL
 *		       1.00 for a round; then UP 1.25 until the rate grows no more, or 2 % is lost
 *	PROBE_RTT 1.00 half a bdp in flight for 200 ms, where no lower round trip was seen for 5 s
 *
 * Losses teach two bounds. Beyond 2 % while probing, inflight_longterm: what flew when it happened.
 * Otherwise bw_shortterm and inflight_shortterm: what was delivered of late, at least 0.7 of what they
 * were, a step each round; the next REFILL forgets them. cwnd stands over RFC 9937's quota in recovery
 * (own_recovery), as 5.6.4.4 has it: nothing else shrinks it but the model; a time-out leaves one MSS.
 *
 * Where it departs from the draft:
 * - "Discontiguous ranges lost" (5.3.1.3) are counted as Linux does, by the times at which losses were
 *   declared: the door names no sequence numbers.
 * - 5.5.11.1 is taken by its words: the state for undo is saved once a recovery, at its first loss, not
 *   once more in each round of it (5.5.10.2), nor when recovery is entered after the model has changed.
 * - The extra-acked filter is two slots of five rounds (5.5.9: the maximum of ten).
 * - Marked as application-limited in ProbeRTT (5.3.4.3): the door has no such call, so the controller
 *   remembers which deliveries it means.
 * - ECN, which 3.7 leaves open but for that a mark is congestion: an echo (once a round) counts as a loss
 *   in its round; while probing for bandwidth it ends the probe with what is in flight as the bound, and
 *   in Startup the second round with a mark ends it (Linux's figure), as losses would.
 * - "Random" (5.3.3.8.3) is a hash of what the connection has seen: the same events, the same bytes.
 */
#include "tcp/bbr.h"
#include "base/bytes.h"

enum { PACING_MARGIN_PERCENT = 1 };
enum { QUANTUM_MOST = 65536 };
enum { CWND_MOST = 0x7fffffff };

static const uint16_t pacing_gain[BBR_PHASES] = {
	[BBR_STARTUP] = 277, [BBR_DRAIN] = 50, [BBR_DOWN] = 90,	      [BBR_CRUISE] = 100,
	[BBR_REFILL] = 100,  [BBR_UP] = 125,   [BBR_PROBE_RTT] = 100,
};

uint64_t bbr_pipe_floor(const struct tern_cc *cc)
{
	return 4 * (uint64_t)cc->mss;
}

/* 5.6.2. Before the pipe was full once, samples may be the program's doing: they never slow it. */
static void set_pacing_rate(struct tern_cc *cc, uint64_t gain)
{
	const struct bbr *const bbr = bbr_of(cc);
	const uint64_t rate = bbr_bw(bbr) * gain / 100 * (100 - PACING_MARGIN_PERCENT) / 100;

	if (rate > 0 && (bbr_is(bbr, BBR_FULL_BW_REACHED) || rate > cc->pacing_rate))
		cc->pacing_rate = rate;
}

/* 5.6.2, InitPacingRate: once there is a round trip; until then the stack's choice (RFC 6928's burst). */
static void init_pacing_rate(struct tern_cc *cc, tern_time srtt)
{
	const uint64_t first = bbr_of(cc)->initial_cwnd * (uint64_t)TERN_SECOND / (uint64_t)srtt;

	cc->pacing_rate = first * pacing_gain[BBR_STARTUP] / 100;
}

/* 5.6.3 */
static void set_quantum(struct tern_cc *cc)
{
	const uint64_t in_1_ms = bbr_bytes_in(cc->pacing_rate, TERN_MILLISECOND);

	cc->quantum = max_u32((uint32_t)bbr_min(in_1_ms, QUANTUM_MOST), 2 * cc->mss);
}

/* 5.6.4.5 and 5.6.4.7: what recent losses and ProbeRTT leave of cwnd. */
void bbr_bound_cwnd(struct tern_cc *cc)
{
	const struct bbr *const bbr = bbr_of(cc);
	uint64_t cap = BBR_INFINITE;

	if (bbr->phase == BBR_PROBE_RTT || bbr->phase == BBR_CRUISE)
		cap = bbr_inflight_with_headroom(cc);
	else if (bbr_probes_bw(bbr))
		cap = bbr->inflight_longterm;
	cap = bbr_max(bbr_min(cap, bbr->inflight_shortterm), bbr_pipe_floor(cc));
	if (bbr->phase == BBR_PROBE_RTT)
		cap = bbr_min(cap, bbr_probe_rtt_cwnd(cc));
	cc->cwnd = (uint32_t)bbr_min(cc->cwnd, cap);
}

/* 5.6.4.6: up by what was delivered, down at once. */
static void set_cwnd(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	const struct bbr *const bbr = bbr_of(cc);
	const uint64_t most = bbr_max_inflight(cc);
	uint64_t cwnd = cc->cwnd;

	if (bbr_is(bbr, BBR_FULL_BW_REACHED))
		cwnd = bbr_min(cwnd + rs->delivered, most);
	else if (cwnd < most || rs->delivered_total < bbr->initial_cwnd)
		cwnd += rs->delivered;
	cc->cwnd = (uint32_t)bbr_min(bbr_max(cwnd, bbr_pipe_floor(cc)), CWND_MOST);
	bbr_bound_cwnd(cc);
}

static void bbr_init(struct tern_cc *cc)
{
	*bbr_of(cc) = (struct bbr){
		.phase = BBR_STARTUP,
		.undo_phase = BBR_PHASES,
		.initial_cwnd = cc->cwnd,
		.bw_shortterm = BBR_INFINITE,
		.inflight_longterm = BBR_INFINITE,
		.inflight_shortterm = BBR_INFINITE,
		.min_rtt = BBR_INFINITE,
		.probe_rtt_min_delay = BBR_INFINITE,
		.probe_up_acked_per_inc = BBR_INFINITE,
	};
	cc->pacing_rate = 0;
	cc->quantum = 0;
}

/* The rest of OnInit (5.2.1): what wants the time, at the first ACK. */
static void begin(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);
	const uint64_t now = (uint64_t)rs->now;

	bbr->min_rtt_stamp = now;
	bbr->probe_rtt_min_stamp = now;
	bbr->extra_acked_start = now;
	bbr->cycle_stamp = now;
	bbr_let(bbr, BBR_BEGUN, true);
}

/* 5.2.3 */
static void bbr_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	struct bbr *const bbr = bbr_of(cc);
	struct tern_cc_ack rs = *ack;

	if (!bbr_is(bbr, BBR_BEGUN))
		begin(cc, &rs);
	if (cc->pacing_rate == 0 && rs.srtt > 0)
		init_pacing_rate(cc, rs.srtt);
	if (bbr->limited_to > 0 && rs.prior_delivered >= bbr->limited_from &&
	    rs.prior_delivered <= bbr->limited_to)
		rs.app_limited = true;
	bbr_let(bbr, BBR_NO_SACK, rs.no_sack);
	bbr->delivered = rs.delivered_total;
	bbr_count_round(bbr, &rs);

	bbr_update_congestion_signals(cc, &rs);
	bbr_update_ack_aggregation(cc, &rs);
	bbr_check_full_bw(bbr, &rs);
	bbr_check_startup(cc, &rs);
	bbr_check_drain(cc, &rs);
	bbr_update_cycle(cc, &rs);
	bbr_update_min_rtt(bbr, &rs);
	bbr_check_probe_rtt(cc, &rs);
	bbr_advance_latest_signals(bbr, &rs);

	set_pacing_rate(cc, pacing_gain[bbr->phase]);
	set_quantum(cc);
	set_cwnd(cc, &rs);
}

/* 5.6.4.4: the last cwnd that was good, within what the model now allows. */
static void bbr_recovered(struct tern_cc *cc, uint32_t in_flight)
{
	struct bbr *const bbr = bbr_of(cc);

	(void)in_flight; /* paced: no burst comes of it */
	bbr_let(bbr, BBR_IN_RECOVERY | BBR_SAVED, false);
	bbr_restore_cwnd(cc);
	bbr_bound_cwnd(cc);
}

/* 5.4: at the rate that was known, not from RFC 5681 4.1's restart window. */
static void bbr_restart(struct tern_cc *cc, const struct tern_cc_restart *restart)
{
	struct bbr *const bbr = bbr_of(cc);

	/* Nothing flies: rounds end here, and delivered_total may begin anew. */
	bbr->delivered = 0;
	bbr->next_round_delivered = 0;
	bbr->loss_round_delivered = 0;
	bbr->limited_to = 0;
	if (!restart->app_limited || !bbr_is(bbr, BBR_BEGUN))
		return;
	bbr_let(bbr, BBR_IDLE_RESTART, true);
	bbr->extra_acked_start = (uint64_t)restart->now;
	bbr->extra_acked_delivered = 0;
	if (bbr_probes_bw(bbr))
		set_pacing_rate(cc, 100);
	else if (bbr->phase == BBR_PROBE_RTT)
		bbr_check_probe_rtt_done(cc, restart->now);
}

/* The words may come from another machine: what arithmetic or a table would stumble over is put right. */
static void bbr_shift(struct tern_cc *cc, tern_time by)
{
	struct bbr *const bbr = bbr_of(cc);
	uint64_t *const moments[] = {
		&bbr->min_rtt_stamp, &bbr->probe_rtt_min_stamp, &bbr->extra_acked_start, &bbr->cycle_stamp,
		&bbr->last_lost_at,
	};

	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
		*moments[i] += (uint64_t)by;
	if (bbr->probe_rtt_done_stamp != 0)
		bbr->probe_rtt_done_stamp += (uint64_t)by;
	if (bbr->phase >= BBR_PHASES)
		bbr->phase = BBR_STARTUP;
	bbr->probe_up_rounds = bbr_min(bbr->probe_up_rounds, 30);
	bbr->probe_up_acked_per_inc = bbr_max(bbr->probe_up_acked_per_inc, 1);
}

/* What it knows of the path is more than cwnd. */
static bool bbr_at_rest(const struct tern_cc *cc)
{
	return bbr_max_bw(bbr_of(cc)) == 0;
}

const struct tern_cc_ops cc_bbr = {
	.name = "bbr",
	.state_words = BBR_STATE_WORDS,
	.ecn = TERN_CC_ECN_NONE,
	.paces = true,
	.own_recovery = true,
	.init = bbr_init,
	.ack = bbr_ack,
	.loss = bbr_on_loss,
	.ecn_echo = bbr_on_ecn_echo,
	.rto = bbr_on_rto,
	.lost = bbr_on_lost,
	.recovered = bbr_recovered,
	.undo = bbr_on_undo,
	.restart = bbr_restart,
	.at_rest = bbr_at_rest,
	.shift = bbr_shift,
};
