/* Inside tcp/: the pieces of SEGMENT ARRIVES (RFC 9293 3.10.7), one file per group of states, one
 * function per step, in the RFC's order. A step returns TERN_VERDICT_ACCEPTED to go on, or the verdict
 * that names why the segment goes no further. */
#ifndef TCP_ARRIVE_H
#define TCP_ARRIVE_H

#include "tcp/tcp.h"

/* What is left of a segment: the steps trim it to the window. */
struct arrival {
	const struct tcp_segment *seg;
	const uint8_t		 *text;
	seq_t			  seq;
	uint32_t		  len; /* octets of text */
	bool			  syn, fin, push;
};

enum tern_verdict arrive_syn_sent(struct tcb *tcb, const struct tcp_segment *seg, tern_time now);
enum tern_verdict arrive_synchronized(struct tcb *tcb, const struct tcp_segment *seg, tern_time now);

/* Fifth step's heart: an acceptable ACK of something new or not; duplicates, window, SACK, RTT. */
void arrive_ack(struct tcb *tcb, const struct arrival *in, tern_time now);

/* Seventh and eighth steps (arrive_text.c). */
enum tern_verdict arrive_text(struct tcb *tcb, struct arrival *in, tern_time now);
void		  arrive_fin(struct tcb *tcb, const struct arrival *in, tern_time now);

/* All that we sent is acknowledged, our FIN included. */
static inline bool our_fin_is_acked(const struct tcb *tcb)
{
	return tcb->fin_sent && seq_eq(tcb->snd.una, tcb->snd.nxt);
}

/* The peer reset it: RFC 9293 3.10.7.4, second. */
enum tern_verdict arrive_was_reset(struct tcb *tcb, tern_time now);

#endif
