/* NewReno: RFC 5681 with appropriate byte counting (RFC 3465, L = 2) and RFC 6582's recovery. */
#include "base/bytes.h"
#include "tcp/congestion.h"

static void reno_init(struct cc *cc)
{
	cc->u.reno.acked = 0;
}

static void reno_on_ack(struct cc *cc, const struct cc_ack *ack)
{
	if (!ack->cwnd_limited || ack->in_recovery)
		return; /* an unused window proves nothing (RFC 7661) */
	if (cc->cwnd < cc->ssthresh) {
		/* RFC 3465 2.2 and 2.3: L = 2, but 1 after a time-out, whose ACKs may cover much at once. */
		cc->cwnd += min_u32(ack->bytes_acked, (cc->u.reno.after_rto ? 1 : 2) * cc->mss);
		return;
	}
	cc->u.reno.after_rto = false;
	cc->u.reno.acked += ack->bytes_acked;
	if (cc->u.reno.acked >= cc->cwnd) {
		cc->u.reno.acked -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

/* RFC 5681 equation 4. */
static uint32_t half_of(const struct cc *cc, uint32_t in_flight)
{
	return max_u32(in_flight / 2, 2 * cc->mss);
}

static void reno_on_loss(struct cc *cc, const struct cc_loss *loss)
{
	cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->ssthresh;
	cc->u.reno.acked = 0;
}

static void reno_on_rto(struct cc *cc, const struct cc_loss *loss, bool first)
{
	if (first) /* the same octets lost again say nothing new (RFC 5681 3.1) */
		cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->mss;
	cc->u.reno.acked = 0;
	cc->u.reno.after_rto = true;
}

static void reno_recovered(struct cc *cc, uint32_t in_flight)
{
	/* RFC 6582 3.2 step 3, option 1: no burst where little is in flight. */
	cc->cwnd = min_u32(cc->ssthresh, max_u32(in_flight, cc->mss) + cc->mss);
}

static void reno_undo(struct cc *cc, uint32_t cwnd, uint32_t ssthresh)
{
	cc->cwnd = max_u32(cc->cwnd, cwnd);
	cc->ssthresh = max_u32(cc->ssthresh, ssthresh);
}

static void reno_idle_restart(struct cc *cc, uint32_t restart_window)
{
	cc->cwnd = min_u32(cc->cwnd, restart_window);
}

static void reno_mss_changed(struct cc *cc, uint32_t mss)
{
	cc->mss = mss;
	cc->cwnd = max_u32(cc->cwnd, mss);
}

const struct cc_ops cc_reno = {
	.name = "reno",
	.init = reno_init,
	.ack = reno_on_ack,
	.loss = reno_on_loss,
	.rto = reno_on_rto,
	.recovered = reno_recovered,
	.undo = reno_undo,
	.idle_restart = reno_idle_restart,
	.mss_changed = reno_mss_changed,
};
