/* BBR's min_rtt and ProbeRTT, which looks for it (draft-ietf-ccwg-bbr-06 5.3.4). */
#include "tcp/bbr.h"

enum { PROBE_RTT_CWND_GAIN = 50 };

#define MIN_RTT_FILTER_LEN (10 * TERN_SECOND)
#define PROBE_RTT_INTERVAL (5 * TERN_SECOND)
#define PROBE_RTT_DURATION (200 * TERN_MILLISECOND)

/* Two windows: five seconds, after which ProbeRTT looks for a new minimum, and ten, which remember the
 * one before. */
void bbr_update_min_rtt(struct bbr *bbr, const struct tern_cc_ack *rs)
{
	const uint64_t now = (uint64_t)rs->now;
	const bool expired = bbr_since(rs->now, bbr->probe_rtt_min_stamp) > PROBE_RTT_INTERVAL;

	bbr_let(bbr, BBR_PROBE_RTT_EXPIRED, expired);
	if (rs->rtt > 0 && ((uint64_t)rs->rtt < bbr->probe_rtt_min_delay || expired)) {
		bbr->probe_rtt_min_delay = (uint64_t)rs->rtt;
		bbr->probe_rtt_min_stamp = now;
	}
	if (bbr->probe_rtt_min_delay < bbr->min_rtt ||
	    bbr_since(rs->now, bbr->min_rtt_stamp) > MIN_RTT_FILTER_LEN) {
		bbr->min_rtt = bbr->probe_rtt_min_delay;
		bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
	}
}

uint64_t bbr_probe_rtt_cwnd(const struct tern_cc *cc)
{
	const struct bbr *const bbr = bbr_of(cc);

	return bbr_max(bbr_bdp_multiple(bbr, bbr_bw(bbr), PROBE_RTT_CWND_GAIN), bbr_pipe_floor(cc));
}

static void enter(const struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr_save_cwnd(cc);
	bbr->phase = BBR_PROBE_RTT;
	bbr->probe_rtt_done_stamp = 0;
	bbr->acks = BBR_ACKS_STOPPING;
	bbr->limited_from = rs->delivered_total;
	bbr_start_round(bbr);
}

/* ExitProbeRTT (5.3.4.4): the queue is empty now, so DOWN has nothing to do. */
static void leave(struct tern_cc *cc, tern_time now)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr->probe_rtt_min_stamp = (uint64_t)now;
	bbr_restore_cwnd(cc);
	bbr_reset_short_term(bbr);
	if (!bbr_is(bbr, BBR_FULL_BW_REACHED)) {
		bbr_enter_startup(bbr);
		return;
	}
	bbr_start_down(cc, now);
	bbr->phase = BBR_CRUISE;
}

void bbr_check_probe_rtt_done(struct tern_cc *cc, tern_time now)
{
	const uint64_t done = bbr_of(cc)->probe_rtt_done_stamp;

	if (done != 0 && bbr_since(now, done) > 0)
		leave(cc, now);
}

/* HandleProbeRTT: 200 ms and a round with no more than half a product in flight. What is sent meanwhile
 * is slow by our own choice, and says nothing of the path. */
static void handle(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	bbr->limited_to = rs->delivered_total + rs->in_flight;
	if (bbr->probe_rtt_done_stamp == 0) {
		if (rs->in_flight > bbr_probe_rtt_cwnd(cc))
			return;
		bbr->probe_rtt_done_stamp = (uint64_t)(rs->now + PROBE_RTT_DURATION);
		bbr_let(bbr, BBR_PROBE_RTT_ROUND_DONE, false);
		bbr_start_round(bbr);
		return;
	}
	if (rs->round_start)
		bbr_let(bbr, BBR_PROBE_RTT_ROUND_DONE, true);
	if (bbr_is(bbr, BBR_PROBE_RTT_ROUND_DONE))
		bbr_check_probe_rtt_done(cc, rs->now);
}

/* Not when the program has just been silent: that drained the queue as well. */
void bbr_check_probe_rtt(struct tern_cc *cc, const struct tern_cc_ack *rs)
{
	struct bbr *const bbr = bbr_of(cc);

	if (bbr->phase != BBR_PROBE_RTT && bbr_is(bbr, BBR_PROBE_RTT_EXPIRED) && !bbr_is(bbr, BBR_IDLE_RESTART))
		enter(cc, rs);
	if (bbr->phase == BBR_PROBE_RTT)
		handle(cc, rs);
	if (rs->delivered > 0)
		bbr_let(bbr, BBR_IDLE_RESTART, false);
}
