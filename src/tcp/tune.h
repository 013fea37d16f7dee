/* Buffers that grow with the path: how much may wait to be read, how much to be sent.
 *
 * Receiving (Linux's dynamic right-sizing, tcp_rcv_space_adjust(); RFC 7323 2.3's window is what it moves):
 * once a round trip it is counted how much the program took. A sender in slow start brings twice as much in
 * the next, so where it was more than ever before in a round trip, by the factor 1 + g,
 *
 *	buffer = (2 * taken + 16 * MSS) * (1 + 2 * g), at most receive_buffer_max
 *
 * It never shrinks: an edge is not taken back (SHLD-14), and what is not used takes no memory. The round trip
 * is the smoothed one, of the handshake at least; without any, 100 ms.
 *
 * Sending: what waits and flies together is at most
 *
 *	2 * cwnd + 64 KiB, at most send_buffer_max
 *
 * so that an ACK always finds text (Linux's tcp_sndbuf_expand()); a window of the peer's that is larger than
 * the path takes lets no more be queued.
 *
 * TERN_RECEIVE_BUFFER and TERN_SEND_BUFFER turn it off, the latter below send_buffer_max.
 */
#ifndef TCP_TUNE_H
#define TCP_TUNE_H

#include "tcp/tcb.h"

/* The program has taken some of what was received. A connection that never got a quarter of what it began with room
 * for needs no more. */
void tune_round(struct tcb *tcb, tern_time now); /* the same, where it got more */
static inline void tune_after_read(struct tcb *tcb, tern_time now)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;

	if (tcb->window_fixed || config->no_receive_tuning)
		return;
	if (seq_sub(tcb->rcv.nxt, tcb->rcv.irs) >= config->receive_buffer / 4 || tcb_cold(tcb)->received_wraps > 0)
		tune_round(tcb, now);
}

/* Octets that may wait to be sent and fly together. */
uint32_t tune_send_buffer(const struct tcb *tcb);

#endif
