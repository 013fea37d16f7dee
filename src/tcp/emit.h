/* Inside tcp/: what emit.c and its rooms share, and share with the calls. */
#ifndef TCP_EMIT_H
#define TCP_EMIT_H

#include "base/slices.h"
#include "tcp/flight.h"
#include "tcp/tcp.h"

/* Unsent text is capped this far ahead of the window: more would only fill the cache (DESIGN 5.3). */
enum { TCP_UNSENT_AHEAD = 65536 };

/* The straight way (emit_plain.c): all that is to leave is one segment of text, and nothing else is going on. Into what
 * is all zeros. False: it is not so, and nothing has changed. */
bool emit_plain(struct tcb *tcb, tern_time now, struct tcp_out *out);

/* Text leaves. Who answers what it got is in a dialogue: its next answer takes the ACK along, and one that went before
 * it would double the packets (Linux's "pingpong"). */
static inline void emit_hear_dialogue(struct tcb *tcb)
{
	if (seq_sub(tcb->rcv.nxt, tcb->rcv.irs) != 1)
		tcb->quick = false;
}

/* ---- emit_segment.c ---- */

enum { SACK_HEAD_BYTES = 4, SACK_BLOCK_BYTES = 8 };
/* How many SACK blocks fit beside so much text: a segment never grows beyond the path's MTU (MUST-16). */
uint32_t emit_blocks_that_fit(const struct tcb *tcb, uint32_t text);
/* What every segment of a synchronized connection carries beside its text, of which each has so much. Into what is all
 * zeros. */
void emit_begin(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint16_t flags, uint32_t text, tern_time now);
/* Our SYN, whole; a SYN-ACK where the peer's was heard. */
void emit_make_syn(struct tcb *tcb, struct tcp_out *out, tern_time now);
/* URG, where the segment begins before the end of what is urgent. */
void emit_add_urgent(const struct tcb *tcb, struct tcp_segment *seg);
/* n octets that begin at seq, which is the segment's; URG and PSH as they want them. */
void emit_add_text(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint32_t n);

/* ---- emit_again.c ---- */

/* One record again, as it was: a SYN, text, a FIN. */
void emit_again(struct tcb *tcb, struct flight_record *record, struct tcp_out *out, tern_time now);
/* The first that is lost, if it may leave: beyond the window what stands at SND.UNA does. False: none, and nothing has
 * changed. */
bool emit_lost(struct tcb *tcb, struct tcp_out *out, tern_time now);

/* ---- emit.c ---- */

/* Octets that SEND may queue now. */
uint32_t emit_room(const struct tcb *tcb);
/* Room may have opened: wakes a program that found none. */
void emit_wake_writer(struct tcb *tcb);
static inline void emit_made_room(struct tcb *tcb)
{
	if (tcb->write_blocked)
		emit_wake_writer(tcb);
}

#endif
