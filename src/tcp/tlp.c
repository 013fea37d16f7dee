#include "tcp/tlp.h"
#include "base/bytes.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static const tern_time pto_least = 2 * TERN_MILLISECOND; /* two ticks of a coarse clock, as in Linux */
static const tern_time pto_unsampled = TERN_SECOND;

/* RFC8985-7.1-1, RFC8985-7.3-2. */
static bool is_wanted(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return recovery_is_rack(tcb) && !tcb_env(tcb)->config.no_tlp && tcb->state >= ESTABLISHED &&
	       warm->recovery <= TERN_RECOVERY_CWR &&
	       warm->flight.n > 0 && warm->flight.sacked == 0 && warm->flight.n_lost == 0 && !warm->tlp.out &&
	       !warm->tlp.unsampled && warm->backoff == 0 && tcb->snd.wnd > 0;
}

/* RFC8985-7.2-1. */
tern_time tlp_at(const struct tcb *tcb, tern_time now)
{
	const struct tcb_warm *const warm = tcb->warm;
	const uint32_t srtt_us = tcb_cold(tcb)->srtt8 / 8;
	tern_time pto;

	if (!is_wanted(tcb))
		return TERN_NEVER;
	pto = srtt_us > 0 ? max_i64(2 * us_to_time(srtt_us), pto_least) : pto_unsampled;
	/* TLP.max_ack_delay. RFC 8985 7.2 adds it for one segment; a peer may as well hold back the ACK of
	 * several short ones, as it owes one for each two full-sized segments only (RFC 5681 4.2). */
	if (srtt_us > 0 && (warm->flight.n == 1 || warm->flight.in_flight < 2u * tcb->mss))
		pto += tcb_env(tcb)->config.rto_min;
	return min_i64(now + pto, warm->retransmit_at);
}

bool tlp_timeout(struct tcb *tcb)
{
	if (!is_wanted(tcb))
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
