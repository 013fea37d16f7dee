/* Inside tcp/: what emit.c shares with the calls. */
#ifndef TCP_EMIT_H
#define TCP_EMIT_H

#include "base/slices.h"
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
