/* Recovery: what to take for lost, when to send it again, and when that is over. The states are Linux's:
 *
 *	OPEN	  nothing is odd
 *	DISORDER  duplicate ACKs or SACKs: something is late or lost
 *	CWR	  the window shrinks because of ECN-Echo (RFC 3168 6.1.2)
 *	FAST	  losses are known and go again, within RFC 9937's quota (prr.h)
 *	LOSS	  the retransmission timer ran out; slow start from one segment (RFC 5681 3.1)
 *
 * CWR, FAST and LOSS end when SND.UNA reaches what SND.NXT was when they began (RFC 6582's recover).
 *
 * With SACK, RACK alone (rack.h) says what is lost; tlp.h provokes the ACK it needs at the end of a flight.
 * TERN_SACK_COUNTING instead asks for RFC 6675's counting. Without SACK: RFC 5681 and 6582, with RFC 3042's
 * limited transmit. A recovery that proves needless is undone (undo.h).
 *
 * The steps of an ACK, in order (recovery_ack): the sample of the path; RACK's facts; undo; the end of a
 * recovery; losses; the beginning of one; the probe; the window (recovery_window.c); the timers.
 */
#ifndef TCP_RECOVERY_H
#define TCP_RECOVERY_H

#include "tcp/flight.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"

/* An acceptable ACK that met something in flight, as its steps hand it on. */
struct recovery_ack {
	const struct tcp_segment *seg;
	struct flight_report	  report;
	uint64_t  lost_before;	    /* rate.lost */
	uint32_t  in_flight_before; /* recovery_in_flight() */
	seq_t	  una_before;
	uint32_t  sacked_before;    /* octets */
	uint32_t  dup_acks_before;
	uint8_t	  recovery_before;  /* enum tern_recovery */
	tern_time rtt;		    /* of octets sent once; 0: no sample */
	seq_t	  dsack_right;	    /* where dsack: its right edge */
	bool	  dsack;	    /* it reports a duplicate (RFC 2883) that can be a retransmission's */
	uint32_t  marked;	    /* octets newly told to have been marked CE (ecn.h) */
	bool	  duplicate;	    /* RFC 5681 2; with SACK, it newly SACKs something (RFC 6675 2) */
};

/* Before anything of the ACK is taken in. There is something in flight. */
struct recovery_ack recovery_ack_begin(const struct tcb *tcb, const struct tcp_segment *seg);
/* SACK blocks of a segment that passed the ACK check; SND.UNA is still as it was before. */
void recovery_sacks(struct tcb *tcb, struct recovery_ack *ack);
/* SND.UNA, the window and the flight have taken the ACK in: what follows of it. */
void recovery_ack(struct tcb *tcb, struct recovery_ack *ack, tern_time now);

/* SACK blocks where nothing is in flight: of what a D-SACK reports a retransmission may have been needless. */
void recovery_sacks_idle(struct tcb *tcb, const struct tcp_segment *seg, tern_time now);

void recovery_timeout(struct tcb *tcb, tern_time now);	       /* RFC 6298 5.4-5.6 */
void recovery_reordering_timeout(struct tcb *tcb, tern_time now); /* RFC 8985 6.2 step 5 */
/* ECN-Echo, or another word of congestion without loss: once for what is in flight. delivered: octets, by the ACK
 * that tells so, which are in flight no more. */
void recovery_congested(struct tcb *tcb, uint32_t delivered, tern_time now);

/* RACK finds the losses of this connection (RFC8985-3-1). */
static inline bool recovery_is_rack(const struct tcb *tcb)
{
	return tcb->sack_ok && !tcb->sack_counting;
}
/* What was declared lost is not to leave yet: F-RTO looks whether it was (RFC 5682 2.1 step 2b). */
bool recovery_holds_back(const struct tcb *tcb);

/* RFC6675-5-2. */
static inline bool recovery_may_enter(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	/* RFC 6582 3.2 step 2: not twice for one window. RACK knows what was sent since. */
	return warm->recovery <= TERN_RECOVERY_CWR && (recovery_is_rack(tcb) || seq_gt(tcb->snd.una, warm->recover));
}

/* ---- recovery_lost.c ---- */

/* What stands at SND.UNA is SACKed, and yet SND.UNA is there: the receiver threw it away (RFC 2018 8). */
static inline bool recovery_has_reneged(const struct tcb_warm *warm)
{
	return warm->flight.n > 0 && flight_at(&warm->flight, 0)->flags & FLIGHT_SACKED;
}
/* Declares a record lost and tells the controller. Octets. */
uint32_t recovery_lose(struct tcb *tcb, struct flight_record *record, tern_time now);
/* What stands at SND.UNA. */
uint32_t recovery_lose_oldest(struct tcb *tcb, tern_time now);
/* It goes again at once: against a shut window, or after it. */
void recovery_lose_first(struct tcb *tcb, tern_time now);
/* What an ACK's count says, where RACK does not judge. Octets. */
uint32_t recovery_lose_by_counting(struct tcb *tcb, const struct recovery_ack *ack, tern_time now);
/* What the retransmission timer says. */
void recovery_lose_on_timeout(struct tcb *tcb, tern_time now);

/* ---- recovery_window.c ---- */

/* What fills the congestion window: octets in flight less those that duplicate ACKs say have left
 * (RFC5681-3.2-2). */
static inline uint32_t recovery_in_flight(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	uint32_t left = 0;

	/* Without SACK each duplicate ACK says that one segment has left the path (RFC 3042, RFC 5681 3.2). */
	if (!tcb->sack_ok && warm->recovery != TERN_RECOVERY_LOSS)
		left = warm->dup_acks * (uint32_t)tcb->mss;
	return warm->flight.in_flight > left ? warm->flight.in_flight - left : 0;
}
/* Octets leave, new or again. */
static inline void recovery_sent(struct tcb *tcb, uint32_t octets)
{
	prr_sent(&tcb->warm->prr, octets);
}
/* Before new text leaves, or does not: the congestion window does (or does not) hold something back. ahead: octets of
 * a run that leave before its last segment. */
void recovery_window_used(struct tcb *tcb, bool limited, uint32_t ahead);
/* The path's sample of an ACK: before any loss is looked for. */
void recovery_sample(struct tcb *tcb, const struct recovery_ack *ack, struct rate_sample *sample, tern_time now);
/* The congestion window after an ACK. */
void recovery_window(struct tcb *tcb, const struct recovery_ack *ack, const struct rate_sample *sample, tern_time now);
/* What recovery_ack() comes to where nothing is odd, or was, and the record, sent once and all that flew, is
 * acknowledged: the sample, RACK's part, the window. */
void recovery_all_acked(struct tcb *tcb, const struct flight_record *record, tern_time rtt, tern_time now);
/* Of a SYN, sent once: the sample. */
void recovery_syn_acked(struct tcb *tcb, const struct flight_record *syn, tern_time rtt, tern_time now);
/* PRR's quota governs from here on. ack: of which the losses are known; NULL: a timer's. */
void recovery_window_reduce(struct tcb *tcb, const struct recovery_ack *ack);
/* A timer found more losses. */
void recovery_window_again(struct tcb *tcb);
/* FAST or CWR is over. */
void recovery_window_settle(struct tcb *tcb, bool was_cwr);

#endif
