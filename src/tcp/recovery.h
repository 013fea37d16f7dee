/* Recovery: what to take for lost, and when it is over. RFC 5681, 6582 (NewReno), 3042 (limited
 * transmit), 6298 (time-out). With SACK, what lies below three SACKed segments counts as lost. */
#ifndef TCP_RECOVERY_H
#define TCP_RECOVERY_H

#include "tcp/flight.h"
#include "tcp/tcp.h"

/* An ACK that moved nothing, as RFC 5681 2 defines a duplicate; sacked: octets it newly SACKed. */
void recovery_duplicate_ack(struct tcb *tcb, tern_time now);
/* SND.UNA moved. */
void recovery_acked(struct tcb *tcb, const struct flight_report *acked, tern_time now);
/* SACK blocks of a segment that passed the ACK check: what they newly cover, into the report. */
void	 recovery_sacks(struct tcb *tcb, const struct tcp_segment *seg, struct flight_report *report);
void	 recovery_timeout(struct tcb *tcb, tern_time now);

/* What fills the congestion window: octets in flight less those that duplicate ACKs say have left. */
uint32_t recovery_in_flight(const struct tcb *tcb);

#endif
