/* Inside tcp/: what the calls share with segment arrival. */
#ifndef TCP_CALL_H
#define TCP_CALL_H

#include "tcp/tcp.h"

/* CLOSE was called before the state allowed a FIN: now perhaps it does (RFC 9293 3.10.4). */
void call_fin_queued(struct tcb *tcb, tern_time now);

/* What RECEIVE says where there is no text: 0: end of the stream, an error, or -TERN_EAGAIN: not yet (MUST-12). */
ptrdiff_t call_nothing_to_read(const struct tcb *tcb);

/* The stream offset of a received octet. */
static inline uint32_t rcv_offset(const struct tcb *tcb, seq_t at)
{
	return seq_sub(at, seq_add(tcb->rcv.irs, 1));
}

#endif
