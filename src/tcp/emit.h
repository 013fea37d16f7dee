/* Inside tcp/: what emit.c shares with the calls. */
#ifndef TCP_EMIT_H
#define TCP_EMIT_H

#include "base/slices.h"
#include "tcp/tcp.h"

/* Unsent text is capped this far ahead of the window: more would only fill the cache (DESIGN 5.3). */
enum { TCP_UNSENT_AHEAD = 65536 };

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
