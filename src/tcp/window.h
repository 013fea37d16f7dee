/* Windows: RFC 9293 3.8.6. What we offer (RCV.WND, receiver's SWS avoidance) and what we are offered. */
#ifndef TCP_WINDOW_H
#define TCP_WINDOW_H

#include "tcp/tcp.h"

/* The window field of the next segment; moves the right edge where it should move (MUST-39), never
 * back (SHLD-14). */
uint16_t window_to_send(struct tcb *tcb, bool on_syn, tern_time now);

/* The program took text: is the larger window worth a segment of its own? Marks it due. */
void window_after_read(struct tcb *tcb, tern_time now);

/* SEG.WND in octets; the window of a SYN is never scaled (RFC 7323 2.2). */
static inline uint32_t window_of(const struct tcb *tcb, const struct tcp_segment *seg)
{
	return (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : tcb->snd_wscale);
}

/* The peer's window on a segment that passed the ACK check: SND.WND, WL1, WL2 (3.10.7.4, fifth).
 * edge: SND.UNA + SND.WND before the segment came. */
void window_from(struct tcb *tcb, const struct tcp_segment *seg, seq_t edge, tern_time now);

/* SND.UNA + SND.WND - SND.NXT; 0 where the peer took its edge back below SND.NXT (MUST-34, RFC7323-2.4-2). */
static inline uint32_t window_usable(const struct tcb *tcb)
{
	const uint32_t flight = seq_sub(tcb->snd.nxt, tcb->snd.una);

	return tcb->snd.wnd > flight ? tcb->snd.wnd - flight : 0;
}

/* How far the receive window may reach when nothing is unread. */
static inline uint32_t window_buffer(const struct tcb *tcb)
{
	const uint32_t most = 65535u << tcb->rcv.wscale;

	/* Less than two of the scale's units would be a window that never opens: what is left of the one may be
	 * too little to tell, and what the other adds too little to move the edge for (MUST-39). */
	return max_u32(min_u32(tcb_cold(tcb)->receive_buffer, most), 2u << tcb->rcv.wscale);
}

#endif
