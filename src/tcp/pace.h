/* Pacing: no more text at once than the path can take in a row, none too late.
 *
 * A connection's text leaves in bursts, each as soon as the rate R (bytes per second) has paid for one of Q
 * bytes; what a late clock leaves unused is made up for, by no more than two ticks of the wheel. So in any
 * span of t no more leaves than
 *
 *	D + R * t,   D = Q + R * 131 us,   Q = min(R * 1 ms, 64 KiB), but at least two full segments
 *
 * (draft-ietf-ccwg-bbr 5.6.3; Linux's sk_pacing_shift of 10 is the same millisecond, tcp_tso_autosize() the
 * same two segments). The two ticks carry R where 64 KiB would be sent in less time than a tick takes: from
 * 4 Gbit/s on. A controller may name its own Q (tern_cc.quantum).
 *
 * R is, the first that there is, never above TERN_MAX_PACING_RATE:
 *	the controller's pacing_rate
 *	cwnd / srtt, times 2 while cwnd is below ssthresh / 2, else times 1.2 (Linux's tcp_pacing_ss_ratio,
 *	tcp_pacing_ca_ratio); once a round trip was measured
 *	without bound
 * and of the first two at least a segment a round trip.
 * Paced is who has a controller that paces (tern_cc_ops.paces), TERN_PACING 1, or a TERN_MAX_PACING_RATE.
 *
 * What passes at once, though it is counted: the initial window of a connection (RFC 6928), the segment at
 * SND.UNA sent again, tail loss probes, probes of a shut window, a FIN alone; and all that carries no text.
 * Nothing stands still for it: text that is held back has a deadline (pace_at), which is looked at again with
 * each ACK, and lies a second ahead at most.
 */
#ifndef TCP_PACE_H
#define TCP_PACE_H

#include "tcp/warm.h"

/* Whether text of this connection leaves paced, under such a controller. */
bool pace_is_on(const struct tcb *tcb, const struct tern_cc_ops *ops);

/* A warm record was attached. fresh: no text was ever sent. */
static inline void pace_begin(struct tcb_warm *warm, bool fresh, tern_time now)
{
	warm->pace_from = now - TERN_SECOND; /* as much as may be */
	warm->pace_free = fresh ? warm->cc.cwnd : 0;
	warm->pace_at = TERN_NEVER;
}

/* Whatever another machine packed, nothing waits for longer than it would here. */
void pace_bound(struct tcb_warm *warm, tern_time now);

/* Bytes per second at which text leaves now; 0: not paced. */
uint64_t pace_rate(const struct tcb *tcb);

/* The two below, where text is paced. */
uint32_t pace_room_paced(struct tcb *tcb, uint32_t least, tern_time now);
void	 pace_sent_paced(struct tcb *tcb, uint32_t n, tern_time now);

/* Bytes of text that may leave now, UINT32_MAX where not paced. Fewer than `least` (of which there is
 * one) are none: 0, and the deadline is set. */
static inline uint32_t pace_room(struct tcb *tcb, uint32_t least, tern_time now)
{
	if (tcb->warm->cc.paced)
		return pace_room_paced(tcb, least, now);
	tcb->warm->pace_at = TERN_NEVER;
	return UINT32_MAX;
}

/* So much text has left. */
static inline void pace_sent(struct tcb *tcb, uint32_t n, tern_time now)
{
	if (n > 0 && (tcb->warm->cc.paced || tcb->warm->pace_free > 0))
		pace_sent_paced(tcb, n, now);
}

#endif
