/* DCTCP (RFC 8257): Reno's growth, and a reduction in proportion to the share of octets that come marked.
 * For networks whose switches mark at a short queue, and which are its alone: beside flows that halve at a
 * mark it would take their share (RFC 8257 5), so it is never a default. */
#include "base/bytes.h"
#include "tcp/congestion.h"
#include "tcp/scalable.h"

static void dctcp_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	uint64_t *const part = &cc->state[SCALABLE_PART];

	scalable_count(cc, ack);
	if (ack->round_start) /* the observation window is a round trip (3.3) */
		scalable_update_alpha(cc);
	if (ack->in_recovery)
		return;
	scalable_reduce(cc, ack);
	if (!ack->cwnd_limited)
		return;
	if (cc->cwnd < cc->ssthresh) {
		scalable_slow_start(cc, ack->delivered);
		return;
	}
	*part += ack->delivered;
	if (*part >= cc->cwnd) {
		*part = 0;
		cc->cwnd += cc->mss;
	}
}

const struct tern_cc_ops cc_dctcp = {
	.name = "dctcp",
	.state_words = SCALABLE_WORDS,
	.ecn = TERN_CC_ECN_EVERY,
	.init = scalable_init,
	.ack = dctcp_ack,
	.loss = scalable_loss,
	.rto = scalable_rto,
	.restart = scalable_restart,
	.at_rest = scalable_at_rest,
};
