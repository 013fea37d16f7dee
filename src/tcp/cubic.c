/* CUBIC (RFC 9438) with HyStart++ (RFC 9406).
 *
 *   W_cubic(t) = C * (t - K)^3 + W_max     K = cubic root of ((W_max - cwnd_epoch) / C)     C = 0.4
 *
 * with windows in segments and times in seconds. In congestion avoidance cwnd climbs towards
 * W_cubic(t + RTT), at most by half in a round trip (4.2); but where W_est, an estimate of the window that
 * Reno would have, is the larger, cwnd is W_est (4.3). t counts from the begin of the epoch, less the time
 * in which the window was not what held back sending (5.8).
 *
 * Here windows are octets and times milliseconds: with C = 2/5 and K^3 = 5/2 * 10^9 * octets / mss no
 * product leaves 64 bits for windows of 2^30 octets and segments of 2^16. Growth counts what is newly
 * delivered rather than what SND.UNA moved over, so that an ACK that fills a hole makes no leap.
 *
 * Words of state come from packed records too: whatever stands in them, nothing here may overflow or divide
 * by zero.
 */
#include "base/bytes.h"
#include "tcp/congestion.h"
#include "tcp/hystart.h"
#include "tcp/validate.h"

/* Its state, by word. Windows in octets. */
enum {
	W_MAX,	    /* cwnd at the last reduction, less where fast convergence says so; 0: none yet */
	CWND_PRIOR, /* cwnd when ssthresh was set last */
	K,	    /* milliseconds */
	EPOCH,	    /* begin of congestion avoidance; TERN_NEVER: not begun */
	W_EST,	    /* times 2^10 */
	PART,	    /* of an octet that cwnd has grown, times cwnd */
	LAST_ACK,   /* the moment, in congestion avoidance */
	UNDO,	    /* five words: the first five as they were before the last reduction */
	CAN_UNDO = UNDO + 5,
	HYSTART,
	STATE_WORDS = HYSTART + HYSTART_WORDS
};

_Static_assert((int)STATE_WORDS <= (int)CC_FEW_WORDS, "the warm record has room for it");

enum { WINDOW_MOST = 1 << 30, W_EST_SHIFT = 10, REACH_MOST_MS = 400000 };

static void cubic_init(struct tern_cc *cc)
{
	cc->state[EPOCH] = cc->state[LAST_ACK] = TERN_NEVER;
}

static uint32_t octets_of(uint64_t word)
{
	return word < WINDOW_MOST ? (uint32_t)word : WINDOW_MOST;
}

/* The largest root with root^3 <= n, a bit a step. */
static uint32_t cube_root(uint64_t n)
{
	uint64_t root = 0;

	for (int shift = 63; shift >= 0; shift -= 3) {
		uint64_t step;

		root *= 2;
		step = 3 * root * (root + 1) + 1;
		if (n >> shift >= step) {
			n -= step << shift;
			root++;
		}
	}
	return (uint32_t)root;
}

/* RFC9438-4.2-1. */
static uint32_t w_cubic(const struct tern_cc *cc, uint64_t t_ms)
{
	const uint32_t w_max = octets_of(cc->state[W_MAX]);
	const uint64_t k = cc->state[K];
	const uint64_t d = min_u64(t_ms > k ? t_ms - k : k - t_ms, REACH_MOST_MS);
	const uint64_t term = min_u64(d * d * d / 1000 * cc->mss * 2 / 5 / 1000000, WINDOW_MOST);

	if (t_ms < k)
		return term < w_max ? w_max - (uint32_t)term : 0;
	return w_max + (uint32_t)term;
}

static void begin_epoch(struct tern_cc *cc, tern_time now)
{
	const uint32_t w_max = octets_of(cc->state[W_MAX]);

	cc->state[EPOCH] = cc->state[LAST_ACK] = (uint64_t)now;
	cc->state[PART] = 0;
	cc->state[W_EST] = (uint64_t)cc->cwnd << W_EST_SHIFT;
	if (cc->cwnd < w_max) {
		cc->state[K] = cube_root((uint64_t)(w_max - cc->cwnd) * 2500000000 / cc->mss);
		return;
	}
	/* Slow start ended without a loss (4.10), or a time-out came before (4.8). */
	cc->state[K] = 0;
	cc->state[W_MAX] = cc->cwnd;
	if (cc->state[CWND_PRIOR] == 0)
		cc->state[CWND_PRIOR] = cc->cwnd;
}

/* What of the window can be in flight: no segment is sent in part for its sake. */
static uint32_t whole_segments(const struct tern_cc *cc)
{
	return cc->cwnd < cc->mss ? cc->cwnd : cc->cwnd - cc->cwnd % cc->mss;
}

/* RFC 9438 4.3: alpha = 3 * (1 - 0.7) / (1 + 0.7) = 9/17 until W_est has reached what cwnd was, then 1.
 * (RFC9438-4.3-1) */
static uint32_t w_est(struct tern_cc *cc, uint32_t delivered)
{
	const uint64_t before = min_u64(cc->state[W_EST], (uint64_t)WINDOW_MOST << W_EST_SHIFT);
	const bool reached = before >> W_EST_SHIFT >= cc->state[CWND_PRIOR];
	const uint64_t segment = (uint64_t)min_u32(delivered, cc->cwnd) * cc->mss;

	cc->state[W_EST] = before + (segment << W_EST_SHIFT) * (reached ? 17 : 9) / 17 / whole_segments(cc);
	return octets_of(cc->state[W_EST] >> W_EST_SHIFT);
}

/* RFC9438-4.2-2, RFC9438-5.8-1. */
static void avoid_congestion(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	const uint32_t cwnd = cc->cwnd, delivered = min_u32(ack->delivered, cwnd);
	uint64_t t, target;

	if (!ack->cwnd_limited) { /* RFC 9438 5.8: such time does not count */
		if (cc->state[EPOCH] != TERN_NEVER)
			cc->state[EPOCH] += (uint64_t)ack->now - cc->state[LAST_ACK];
		cc->state[LAST_ACK] = (uint64_t)ack->now;
		return;
	}
	if (cc->state[EPOCH] == TERN_NEVER)
		begin_epoch(cc, ack->now);
	cc->state[LAST_ACK] = (uint64_t)ack->now;
	t = (uint64_t)ack->now - cc->state[EPOCH];
	const uint32_t reno = w_est(cc, delivered);

	if (w_cubic(cc, t / TERN_MILLISECOND) < reno) {
		cc->cwnd = max_u32(cwnd, reno);
		return;
	}
	target = w_cubic(cc, (t + (uint64_t)ack->srtt) / TERN_MILLISECOND);
	target = min_u64(target, (uint64_t)cwnd + cwnd / 2);
	if (target <= cwnd)
		return;
	const uint32_t whole = whole_segments(cc);
	const uint64_t part = min_u64(cc->state[PART], whole) + (target - cwnd) * delivered;

	cc->cwnd = min_u32(cwnd + (uint32_t)(part / whole), WINDOW_MOST);
	cc->state[PART] = part % whole;
}

/* RFC9438-4.10-1. */
static void slow_start(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	uint64_t *const hystart = &cc->state[HYSTART];
	const bool first = hystart_applies(cc);
	uint32_t growth;

	if (first && !hystart_ack(hystart, ack)) {
		cc->ssthresh = cc->cwnd;
		return;
	}
	if (!ack->cwnd_limited)
		return;
	growth = hystart_growth(hystart, cc, ack->delivered);
	cc->cwnd = min_u32(cc->cwnd + min_u32(growth, cc->cwnd), first ? WINDOW_MOST : cc->ssthresh);
}

static void cubic_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	/* SACKs alone make no window grow (RFC 5681 3.1): what they name is not here until SND.UNA has passed it. */
	if (ack->in_recovery || ack->acked == 0)
		return;
	if (cc->cwnd < cc->ssthresh)
		slow_start(cc, ack);
	else
		avoid_congestion(cc, ack);
}

/* A reduction begins: what it takes for granted may prove wrong (4.9). */
static void remember(struct tern_cc *cc)
{
	for (unsigned i = 0; i < CAN_UNDO - UNDO; i++)
		cc->state[UNDO + i] = cc->state[i];
	cc->state[CAN_UNDO] = 1;
}

/* RFC 9438 4.6, 4.7: cwnd becomes in_flight * percent / 100 (RFC9438-4.6-1, RFC9438-4.7-1). */
static void reduce(struct tern_cc *cc, uint32_t in_flight, uint32_t percent, uint32_t least)
{
	const uint32_t cwnd = cc->cwnd, window = (uint32_t)((uint64_t)in_flight * percent / 100);
	const bool converges = cwnd < octets_of(cc->state[W_MAX]); /* others want room: leave it sooner */

	remember(cc);
	cc->state[CWND_PRIOR] = cwnd;
	cc->state[W_MAX] = converges ? (uint64_t)cwnd * 17 / 20 : cwnd; /* (1 + 0.7) / 2 */
	cc->state[EPOCH] = TERN_NEVER;
	cc->ssthresh = max_u32(window, 2 * cc->mss);
	cc->cwnd = max_u32(window, least);
}

static void cubic_loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	reduce(cc, loss->in_flight, 70, 2 * cc->mss);
}

/* ABE: a mark comes from a short queue, and asks for less than a loss does (RFC 8511 3: 0.85). */
static void cubic_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	reduce(cc, loss->in_flight, 85, cc->mss);
}

/* RFC9438-4.8-1. */
static void cubic_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first)
{
	if (first) {
		reduce(cc, loss->in_flight, 70, cc->mss);
		cc->state[W_MAX] = 0; /* 4.8: the next epoch begins at its own window, K = 0 */
	}
	cc->cwnd = cc->mss;
}

/* RFC9438-4.9-1. */
static void cubic_undo(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh)
{
	cc->cwnd = max_u32(cc->cwnd, cwnd);
	cc->ssthresh = max_u32(cc->ssthresh, ssthresh);
	for (unsigned i = 0; cc->state[CAN_UNDO] && i < CAN_UNDO - UNDO; i++)
		cc->state[i] = cc->state[UNDO + i];
	cc->state[CAN_UNDO] = 0;
}

static void cubic_restart(struct tern_cc *cc, const struct tern_cc_restart *restart)
{
	if (cc->state[EPOCH] != TERN_NEVER)
		cc->state[EPOCH] += (uint64_t)restart->now - cc->state[LAST_ACK];
	cc->state[LAST_ACK] = (uint64_t)restart->now;
	validate_restart(cc, restart);
}

/* In the first slow start cwnd says it all. */
static bool cubic_at_rest(const struct tern_cc *cc)
{
	return cc->state[W_MAX] == 0 && cc->state[EPOCH] == TERN_NEVER && cc->state[CWND_PRIOR] == 0;
}

static void cubic_shift(struct tern_cc *cc, tern_time by)
{
	static const uint8_t moments[] = { EPOCH, LAST_ACK, UNDO + EPOCH };

	for (unsigned i = 0; i < sizeof moments; i++)
		if (cc->state[moments[i]] != TERN_NEVER)
			cc->state[moments[i]] += (uint64_t)by;
}

const struct tern_cc_ops cc_cubic = {
	.name = "cubic",
	.state_words = STATE_WORDS,
	.init = cubic_init,
	.ack = cubic_ack,
	.loss = cubic_loss,
	.ecn_echo = cubic_ecn_echo,
	.rto = cubic_rto,
	.undo = cubic_undo,
	.restart = cubic_restart,
	.at_rest = cubic_at_rest,
	.shift = cubic_shift,
};
