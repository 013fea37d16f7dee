/* Round-trip time and RTO: RFC 6298. */
#ifndef TCP_RTT_H
#define TCP_RTT_H

#include "tcp/tcb.h"

/* A measurement, in ns; from octets sent once only, or by timestamps (Karn, MUST-18). */
void rtt_sample(struct tcb *tcb, tern_time rtt);

/* A time-out proved spurious, and so the estimate too short: it takes this measurement at once for what a round
 * trip may take (RFC 4015 3.3). 0: none was made. */
void rtt_grew(struct tcb *tcb, tern_time rtt);

/* A measurement by our timestamp that the peer echoed; false where it cannot be ours. */
bool rtt_sample_echo(struct tcb *tcb, uint32_t ts_ecr, tern_time now);

/* Our SYN was lost and nothing could be measured: three seconds to begin with (RFC 6298 5.7). */
void rtt_syn_lost(struct tcb *tcb);

/* RTO by the estimate, in microseconds, no back-off. */
uint32_t rtt_rto_us(const struct tcb *tcb);
/* The RTO after one more measurement. */
uint32_t rtt_sample_rto_us(struct tcb *tcb, tern_time rtt);

static inline tern_time us_to_time(uint32_t us)
{
	return (tern_time)us * TERN_MICROSECOND;
}

#endif
