/* Windows: RFC 9293 3.8.6. What we offer (RCV.WND, receiver's SWS avoidance) and what we are offered. */
#ifndef TCP_WINDOW_H
#define TCP_WINDOW_H

#include "tcp/tcp.h"
#include "tcp/tune.h"
#include "tcp/warm.h"

/* SEG.WND in octets; the window of a SYN is never scaled (RFC 7323 2.2). */
static inline uint32_t window_of(const struct tcb *tcb, const struct tcp_segment *seg)
{
	return (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : tcb->snd_wscale);
}

/* Only a newer segment may change it: SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK. */
static inline bool window_is_newer(const struct tcb *tcb, const struct tcp_segment *seg)
{
	return seq_lt(tcb->snd.wl1, seg->seq) || (seq_eq(tcb->snd.wl1, seg->seq) && seq_le(tcb->snd.wl2, seg->ack));
}

/* It changes it. edge: as below. */
static inline void window_take(struct tcb *tcb, const struct tcp_segment *seg, uint32_t wnd, seq_t edge)
{
	const seq_t edge_now = seq_add(seg->ack, wnd);

	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
	tcb->snd.wnd = wnd;
	if (tcb->warm)
		tcb->warm->edge = seq_max(tcb->warm->edge, edge_now);
	tcb->snd.max_wnd = max_u32(tcb->snd.max_wnd, wnd);
	if (seq_gt(edge_now, edge))
		tcb->due |= DUE_TEXT;
}

/* The peer's window on a segment that passed the ACK check: SND.WND, WL1, WL2 (3.10.7.4, fifth).
 * edge: SND.UNA + SND.WND before the segment came. */
void window_from(struct tcb *tcb, const struct tcp_segment *seg, seq_t edge, tern_time now);

/* The same; where nobody looks on, and the window was open and stays so, most segments say no more of it than how far
 * it reaches now. */
static inline void window_from_open(struct tcb *tcb, const struct tcp_segment *seg, seq_t edge, tern_time now)
{
	const uint32_t wnd = window_of(tcb, seg);

	if (wnd == 0 || tcb->snd.wnd == 0 || env_is_watched(tcb_env(tcb)))
		window_from(tcb, seg, edge, now);
	else if (window_is_newer(tcb, seg))
		window_take(tcb, seg, wnd, edge);
}

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

/* window_to_send() where the edge may move. */
uint16_t window_to_send_anew(struct tcb *tcb, bool on_syn, tern_time now);
/* The window field of the next segment; moves the right edge where it should move (MUST-39), never
 * back (SHLD-14). */
static inline uint16_t window_to_send(struct tcb *tcb, bool on_syn, tern_time now)
{
	const uint32_t buffer = window_buffer(tcb), open = rcv_wnd(tcb), field = open >> tcb->rcv.wscale;

	/* The whole buffer would not move it (then it is not shut: it is half of that at least, which is a unit of the
	 * scale), nor was it shut: so with most segments. */
	if (buffer < open + min_u32(buffer / 2, tcb->rcv.mss) && field <= 65535 && !on_syn && !tcb->zero_window_told)
		return (uint16_t)field;
	return window_to_send_anew(tcb, on_syn, now);
}

/* The program took text: is the larger window worth a segment of its own? Marks it due. */
void window_may_tell(struct tcb *tcb, uint32_t open, uint32_t buffer); /* the same, where it may be */
static inline void window_after_read(struct tcb *tcb, tern_time now)
{
	uint32_t open, buffer;

	tune_after_read(tcb, now);
	open = rcv_wnd(tcb);
	buffer = window_buffer(tcb);
	/* Wide open, and what is missing is not worth a word: so with most reads. */
	if (open < 2u * tcb->rcv.mss || buffer >= open + buffer / 4)
		window_may_tell(tcb, open, buffer);
}

#endif
