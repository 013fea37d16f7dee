/* A scalable controller after the requirements of RFC 9331 4.3, in the manner of Prague
 * (draft-briscoe-iccrg-prague-congestion-control): DCTCP's response to marks, paced, sent as ECT(1), so that
 * L4S queues keep it apart and short.
 *
 * - Only octets that come unmarked make the window grow, so that it meets the marking instead of sawing.
 * - Below a round trip of 25 ms it grows, and alpha moves, as if that were the round trip: flows of short
 *   paths do not push out those of long ones.
 * - A loss halves it; and where the peer has no accurate feedback, a mark is answered as classic controllers
 *   do (ecn.c sends ECT(0) then, and calls ecn_echo).
 *
 * Off unless asked for: a queue that takes ECT(1) for ECT(0) marks it as late as the others, and it would
 * yield less than they do.
 */
#include "base/bytes.h"
#include "tcp/congestion.h"
#include "tcp/scalable.h"

enum { ALPHA_AT = SCALABLE_WORDS, STATE_WORDS }; /* when alpha was updated; 0: not yet */

enum { VIRTUAL_RTT_US = 25000, SLOWNESS_SHIFT = 20 };

static void pace(struct tern_cc *cc, tern_time srtt)
{
	const uint64_t rate = srtt > 0 ? (uint64_t)cc->cwnd * (uint64_t)TERN_SECOND / (uint64_t)srtt : 0;

	cc->pacing_rate = cc->cwnd < cc->ssthresh ? 2 * rate : rate + rate / 32;
}

static void avoid_congestion(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	uint64_t *const part = &cc->state[SCALABLE_PART];
	const uint64_t rtt_us = min_u64((uint64_t)ack->srtt / TERN_MICROSECOND, VIRTUAL_RTT_US);
	const uint64_t unmarked = ack->delivered - min_u32(ack->ce, ack->delivered);

	/* (RTT / virtual RTT)^2: so much less in each round trip, of which there are so many more */
	const uint64_t slowness = (rtt_us * rtt_us << SLOWNESS_SHIFT) / VIRTUAL_RTT_US / VIRTUAL_RTT_US;
	const uint64_t whole = (uint64_t)cc->cwnd << SLOWNESS_SHIFT;

	*part = min_u64(*part, whole) + unmarked * slowness;
	if (*part >= whole) {
		*part -= whole;
		cc->cwnd += cc->mss;
	}
}

static void prague_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	const uint64_t since = (uint64_t)ack->now - cc->state[ALPHA_AT];

	scalable_count(cc, ack);
	if (ack->round_start && since >= (uint64_t)VIRTUAL_RTT_US * TERN_MICROSECOND) {
		scalable_update_alpha(cc);
		cc->state[ALPHA_AT] = (uint64_t)ack->now;
	}
	if (!ack->in_recovery) {
		scalable_reduce(cc, ack);
		if (ack->cwnd_limited && cc->cwnd < cc->ssthresh)
			scalable_slow_start(cc, ack->delivered);
		else if (ack->cwnd_limited)
			avoid_congestion(cc, ack);
	}
	pace(cc, ack->srtt);
}

/* RFC 8511 3: as Reno. */
static void prague_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	cc->ssthresh = max_u32((uint32_t)((uint64_t)loss->in_flight * 8 / 10), 2 * cc->mss);
	cc->cwnd = cc->ssthresh;
}

static void prague_shift(struct tern_cc *cc, tern_time by)
{
	cc->state[ALPHA_AT] += (uint64_t)by;
}

const struct tern_cc_ops cc_prague = {
	.name = "prague",
	.state_words = STATE_WORDS,
	.ecn = TERN_CC_ECN_SCALABLE,
	.paces = true,
	.init = scalable_init,
	.ack = prague_ack,
	.loss = scalable_loss,
	.ecn_echo = prague_ecn_echo,
	.rto = scalable_rto,
	.restart = scalable_restart,
	.at_rest = scalable_at_rest,
	.shift = prague_shift,
};
