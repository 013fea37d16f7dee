/* NewReno: RFC 5681 with appropriate byte counting (RFC 3465, L = 2) and RFC 6582's recovery. */
#include "base/bytes.h"
#include "tcp/congestion.h"
#include "tcp/validate.h"

/* Its state, by word. */
enum {
	ACKED,	   /* octets since cwnd last grew in congestion avoidance */
	AFTER_RTO, /* in the slow start that follows a time-out */
	STATE_WORDS
};

static void reno_init(struct tern_cc *cc)
{
	cc->state[ACKED] = 0;
}

static uint32_t whole_segments(const struct tern_cc *cc)
{
	return max_u32(cc->cwnd - cc->cwnd % cc->mss, cc->mss);
}

/* Slow start and congestion avoidance (MUST-19, RFC5681-3.1-6, RFC5681-3.1-7). */
static void reno_on_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	if (!ack->cwnd_limited || ack->in_recovery || ack->acked == 0)
		return; /* an unused window proves nothing (RFC 7661); SACKs alone say that something is odd */
	if (cc->cwnd < cc->ssthresh) {
		/* RFC 3465 2.2 and 2.3: L = 2, but 1 after a time-out, whose ACKs may cover much at once. Where SACK
		 * tells what an ACK newly delivers, that is no reason, and 2 is right again (Linux has no bound). */
		cc->cwnd += min_u32(ack->delivered, (cc->state[AFTER_RTO] && ack->no_sack ? 1 : 2) * cc->mss);
		return;
	}
	cc->state[AFTER_RTO] = 0;
	/* One segment a round trip (RFC 5681 3.1). What full segments leave over of the window is never sent, so
	 * a round trip acknowledges no more than they hold: half a segment over would slow a small window's growth
	 * by a tenth. */
	cc->state[ACKED] += ack->acked;
	if (cc->state[ACKED] >= whole_segments(cc)) {
		cc->state[ACKED] -= whole_segments(cc);
		cc->cwnd += cc->mss;
	}
}

/* RFC 5681 equation 4 (RFC5681-3.2-3). */
static uint32_t half_of(const struct tern_cc *cc, uint32_t in_flight)
{
	return max_u32(in_flight / 2, 2 * cc->mss);
}

static void reno_on_loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->ssthresh;
	cc->state[ACKED] = 0;
}

/* ABE: a mark comes from a short queue, and asks for less than a loss does (RFC 8511 3: 0.8). */
static void reno_on_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	cc->ssthresh = max_u32((uint32_t)((uint64_t)loss->in_flight * 8 / 10), 2 * cc->mss);
	cc->cwnd = cc->ssthresh;
	cc->state[ACKED] = 0;
}

/* RFC5681-3.1-8, RFC5681-3.1-10. */
static void reno_on_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first)
{
	if (first) /* the same octets lost again say nothing new (RFC 5681 3.1) */
		cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->mss;
	cc->state[ACKED] = 0;
	cc->state[AFTER_RTO] = 1;
}

const struct tern_cc_ops cc_reno = {
	.name = "reno",
	.state_words = STATE_WORDS,
	.init = reno_init,
	.ack = reno_on_ack,
	.loss = reno_on_loss,
	.ecn_echo = reno_on_ecn_echo,
	.rto = reno_on_rto,
	.restart = validate_restart,
};
