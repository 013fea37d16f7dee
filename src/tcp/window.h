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

/* SND.UNA + SND.WND - SND.NXT; 0 where the peer took its edge back below SND.NXT (MUST-34). */
uint32_t window_usable(const struct tcb *tcb);

/* How far the receive window may reach when nothing is unread. */
uint32_t window_buffer(const struct tcb *tcb);

#endif
