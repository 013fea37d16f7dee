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

/* Header prediction (arrive_plain.c): all that the steps ask of a segment is as it should be; and then what is left of
 * them. */
static inline bool arrive_is_plain(const struct tcb *tcb, const struct tcp_segment *seg)
{
	if (tcb->state != ESTABLISHED || (seg->flags & ~TCP_PSH) != TCP_ACK || !seq_eq(seg->seq, tcb->rcv.nxt))
		return false;
	if (seg->text_len > rcv_wnd(tcb) || tcb->ecn_ok || tcb->ts_ok != seg->opt.has_ts || seg->opt.malformed)
		return false;
	if (tcb->ts_ok && (int32_t)(seg->opt.ts_val - tcb->ts.recent) < 0)
		return false;
	/* By distance: half the circle away a number is both before and behind. */
	return seq_sub(seg->ack, tcb->snd.una) <= seq_sub(tcb->snd.nxt, tcb->snd.una);
}
/* All of tcp_arrive(), of one that is plain and that nobody looks at. */
enum tern_verdict arrive_plain(struct tcb *tcb, const struct tcp_segment *seg, tern_time now);

/* Fifth step's heart: an acceptable ACK of something new or not; duplicates, window, SACK, RTT. */
void arrive_ack(struct tcb *tcb, const struct arrival *in, tern_time now);

/* Seventh and eighth steps (arrive_text.c). */
enum tern_verdict arrive_text(struct tcb *tcb, struct arrival *in, tern_time now);
/* Text at RCV.NXT, in ESTABLISHED, that the program reads from the store, where nothing is out of order: what most is.
 * False: it is another's, or memory is out, and nothing has changed. */
bool arrive_text_plain(struct tcb *tcb, const uint8_t *text, uint32_t n, tern_time now);
void		  arrive_fin(struct tcb *tcb, const struct arrival *in, tern_time now);

/* All that we sent is acknowledged, our FIN included. */
static inline bool our_fin_is_acked(const struct tcb *tcb)
{
	return tcb->fin_sent && seq_eq(tcb->snd.una, tcb->snd.nxt);
}

/* The peer reset it: RFC 9293 3.10.7.4, second. */
enum tern_verdict arrive_was_reset(struct tcb *tcb, tern_time now);

#endif
