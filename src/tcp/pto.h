/* The probe time-out of RFC 8985 7.2: when a tail loss probe (tlp.h) is to leave. Asked for with every segment of text
 * that leaves and every ACK that counts, and so inline.
 */
#ifndef TCP_PTO_H
#define TCP_PTO_H

#include "base/bytes.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/warm.h"

#define PTO_LEAST     (2 * TERN_MILLISECOND) /* two ticks of a coarse clock, as in Linux */
#define PTO_UNSAMPLED TERN_SECOND

/* RFC8985-7.1-1, RFC8985-7.3-2. */
static inline bool pto_is_wanted(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return recovery_is_rack(tcb) && !tcb_env(tcb)->config.no_tlp && tcb->state >= ESTABLISHED &&
	       warm->recovery <= TERN_RECOVERY_CWR &&
	       warm->flight.n > 0 && (warm->flight.sacked | warm->flight.n_lost) == 0 && !warm->tlp.out &&
	       !warm->tlp.unsampled && warm->backoff == 0 && tcb->snd.wnd > 0;
}

/* When the probe is to leave: the PTO from now; TERN_NEVER: no probe wanted. (RFC8985-7.2-1) */
static inline tern_time pto_at(const struct tcb *tcb, tern_time now)
{
	const struct tcb_warm *const warm = tcb->warm;
	const uint32_t srtt_us = tcb_cold(tcb)->srtt8 / 8;
	tern_time pto;

	if (!pto_is_wanted(tcb))
		return TERN_NEVER;
	pto = srtt_us > 0 ? max_i64(2 * us_to_time(srtt_us), PTO_LEAST) : PTO_UNSAMPLED;
	/* TLP.max_ack_delay. RFC 8985 7.2 adds it for one segment; a peer may as well hold back the ACK of
	 * several short ones, as it owes one for each two full-sized segments only (RFC 5681 4.2). */
	if (srtt_us > 0 && (warm->flight.n == 1 || warm->flight.in_flight < 2u * tcb->mss))
		pto += tcb_env(tcb)->config.rto_min;
	return min_i64(now + pto, warm->retransmit_at);
}

#endif
