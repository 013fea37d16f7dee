#include "tcp/pto.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"

bool tlp_timeout(struct tcb *tcb)
{
	if (!pto_is_wanted(tcb))
		return false;
	tcb->warm->tlp.due = true;
	tcb->due |= DUE_TEXT;
	tcb_env(tcb)->stats.TCPLossProbes++;
	return true;
}

void tlp_sent(struct tcb *tcb, bool is_retrans, tern_time now)
{
	tcb->warm->tlp = (struct tlp){
		.end = tcb->snd.nxt, .out = true, .is_retrans = is_retrans, .unsampled = true,
		.ts = tcp_ts_clock(now) + tcb->ts.offset,
	};
	timers_probe(tcb, now);
}

bool tlp_acked(struct tcb *tcb, const struct recovery_ack *ack)
{
	struct tlp *const tlp = &tcb->warm->tlp;

	if (ack->rtt > 0)
		tlp->unsampled = false;
	if (!tlp->out || seq_lt(tcb->snd.una, tlp->end))
		return false;
	if (!tlp->is_retrans || (ack->dsack && seq_eq(ack->dsack_right, tlp->end))) {
		tlp->out = false; /* case 1: both copies arrived */
		return false;
	}
	/* The ACK of the end echoes what came first: the original or, that being lost, the probe. RFC 8985 waits
	 * for what comes next, which may be never. */
	if (ack->report.acked > 0 && tcb->ts_ok && ack->seg->opt.has_ts) {
		tlp->out = false;
		return (int32_t)(ack->seg->opt.ts_ecr - tlp->ts) >= 0;
	}
	if (seq_gt(tcb->snd.una, tlp->end)) { /* case 2 */
		tlp->out = false;
		return true;
	}
	if (ack->report.acked == 0 && ack->seg->opt.n_sack == 0)
		tlp->out = false; /* case 3: the second copy, from a peer that sends no D-SACK */
	return false;
}

void tlp_reset(struct tcb *tcb)
{
	const bool unsampled = tcb->warm->tlp.unsampled;

	tcb->warm->tlp = (struct tlp){ .unsampled = unsampled };
}
