/* Tail loss probe (RFC 8985 7): where the end of a flight stays unacknowledged for two round trips, one
 * segment more goes out, new text if there is some, else the last again. Its ACK shows by SACK what was lost,
 * and RACK repairs it without a retransmission time-out; or shows that the probe itself did.
 *
 * At most one probe is on its way, and the next waits for another RTT sample (7.3). It needs SACK, and rests
 * while anything is SACKed or recovery goes on: then ACKs come that RACK can use.
 */
#ifndef TCP_TLP_H
#define TCP_TLP_H

#include "base/seq.h"
#include <tern/types.h>

struct tcb;
struct recovery_ack;

struct tlp {
	seq_t end;	  /* TLP.end_seq: SND.NXT when the probe had left, */
	uint32_t ts;	  /* its TSval */
	bool  out;	  /* while the probe is on its way */
	bool  is_retrans; /* TLP.is_retrans */
	bool  due;	  /* a probe is to leave now */
	bool  unsampled;  /* no RTT was measured since the last one left */
};

/* The PTO ran out: a probe is due, or is not allowed. */
bool tlp_timeout(struct tcb *tcb);
/* It has left. */
void tlp_sent(struct tcb *tcb, bool is_retrans, tern_time now);
/* 7.4.2: did this ACK show that the probe repaired a loss? */
bool tlp_acked(struct tcb *tcb, const struct recovery_ack *ack);
void tlp_reset(struct tcb *tcb); /* recovery begins (7.1) */

#endif
