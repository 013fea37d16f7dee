/* Undo: was a recovery needed at all? What stood before it is kept, and comes back where one of these says
 * that nothing had been lost:
 *
 *   Eifel     the ACK that moves SND.UNA echoes a timestamp older than the first retransmission: it is the
 *             original's (RFC 3522 3.2); the response is RFC 4015's
 *   D-SACK    every retransmission since was reported as a duplicate (RFC 2883, RFC 3708 3)
 *   F-RTO     after a time-out, octets arrive that were not sent again (RFC 5682 2, 3)
 *
 * A receiver that lies here hurts the network for its own sake, as with ACKs of what it did not get; what it can
 * win is bounded by what the controller had before. RFC 3708's and 4015's counsel not to believe in D-SACKs
 * without retransmissions is kept by counting.
 */
#ifndef TCP_UNDO_H
#define TCP_UNDO_H

#include "base/seq.h"
#include <tern/types.h>

struct tcb;
struct recovery_ack;

enum undo_frto {
	FRTO_OFF,
	FRTO_WAIT,	/* RFC 5682 step 2: nothing but SND.UNA has been sent again */
	FRTO_NEW_SENT,	/* step 3: new text was let out; the next ACK decides */
};

enum undo_proof { UNDO_NONE, UNDO_EIFEL, UNDO_DSACK, UNDO_FRTO };

struct undo {
	uint32_t cwnd, ssthresh; /* before */
	uint32_t resent;	 /* segments sent again since */
	uint32_t needless;	 /* of them, reported by D-SACK */
	uint32_t first_resent_ts; /* RetransmitTS: TSval of the first retransmission that may still be on its way, */
	seq_t	 resent_end;	 /* none being beyond this; at or below SND.UNA: there is none */
	seq_t	 from;		 /* SND.UNA when it began: D-SACKs of what lies below are of an earlier one */
	bool	 possible;	 /* there is something to undo */
	bool	 timed_out;	 /* a time-out was part of it: no reordering is meant */
	uint8_t	 frto;		 /* enum undo_frto */
};

/* A recovery begins: cwnd and ssthresh are still as they were. */
void undo_begin(struct tcb *tcb);
/* A segment that ends there leaves again, in a recovery or as a probe. */
void undo_resent(struct tcb *tcb, seq_t end, tern_time now);
/* A D-SACK of segments segments, up to right. */
void undo_dsacked(struct tcb *tcb, seq_t right, uint32_t segments);
/* The retransmission timer ran out; the state of recovery is still what it was before. */
void undo_timed_out(struct tcb *tcb);
/* What this ACK proves. It carries F-RTO on by a step. */
enum undo_proof undo_proof(struct tcb *tcb, const struct recovery_ack *ack);
/* F-RTO's step 2b has something to send. */
bool undo_new_text_may_leave(const struct tcb *tcb);
/* The warm record comes or goes: a D-SACK of the last retransmission comes when nothing flies any more. */
void undo_wakes(struct tcb *tcb);
void undo_rests(struct tcb *tcb);
/* It is undone, or can never be. */
void undo_done(struct tcb *tcb);

#endif
