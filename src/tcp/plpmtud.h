/* Packetization-layer path MTU discovery: RFC 4821, in the manner of RFC 8899, with the terms of the latter.
 *
 * Where ICMP tells the truth nothing of this is needed. Where routers drop what is too big and the word of it
 * is filtered (a black hole), full-size segments vanish and small ones pass. tern_config.mtu_probing, as
 * Linux's tcp_mtu_probing: 1 from a black hole on; 2 from the handshake on; no_mtu_probing: never.
 *
 *   base      After more time-outs in a row than R1 (3), with a segment at SND.UNA longer than the base, the
 *             PLPMTU falls to the base: 1,024 octets of text (IPv6: a packet of 1,280), and should that vanish
 *             too, to 512. What flies is cut to it and goes again.
 *   searching Between PLPMTU and what the path is said to carry: a probe is one segment of the size in the
 *             middle, made of the next text in the queue, sent where more text follows than it takes to find
 *             its loss, and in no recovery. What arrives is the new PLPMTU. Lost three times (MAX_PROBES): it
 *             is too big. A lost probe is cut and sent again; it is no sign of congestion (RFC 4821 7.6.1).
 *   complete  The two are 8 bytes apart, or the whole is reached. After 600 s (PMTU_RAISE_TIMER) the search
 *             begins anew with the next text: no timer runs for it.
 *
 * Sizes are bytes of an IP packet without options of IP. What is learnt is kept in the path record, and is
 * one connection's: others find out for themselves.
 */
#ifndef TCP_PLPMTUD_H
#define TCP_PLPMTUD_H

#include "tcp/tcb.h"

struct plpmtud {
	uint16_t  low;	    /* PLPMTU; 0: off */
	uint16_t  high;	    /* too big is what lies above it, as far as is known */
	uint16_t  most;	    /* MAX_PLPMTU: of the link, or by ICMP */
	uint16_t  probe;    /* the size of the probe that is out; 0: none */
	seq_t	  probe_seq; /* where it begins */
	uint8_t	  lost;	    /* probes of this size, in a row */
	bool	  waits;    /* no probe before again_at; where the search is complete, it begins anew then */
	tern_time again_at;
};

/* Octets of text in a segment that carries timestamps where agreed; mtu: what link and ICMP say. */
uint16_t plpmtud_mss(const struct tcb *tcb, uint32_t mtu);
/* The packet in which a segment of so much text travels. */
uint32_t plpmtud_packet(const struct tcb *tcb, uint32_t text);

/* The handshake is done: with mtu_probing 2 tcb->mss falls to the base and the search begins. */
void plpmtud_begin(struct tcb *tcb);
/* Link or ICMP say something else now. */
void plpmtud_told(struct tcb *tcb, uint32_t mtu);
/* The retransmission timer ran out, and its losses are known. */
void plpmtud_timed_out(struct tcb *tcb, tern_time now);

/* Octets of new text for a probe that should leave now; 0: none should. */
uint32_t plpmtud_search(struct tcb *tcb, tern_time now); /* the same, where there is a path record */
static inline uint32_t plpmtud_wanted(struct tcb *tcb, tern_time now)
{
	return tcb->has_path ? plpmtud_search(tcb, now) : 0;
}
void	 plpmtud_sent(struct tcb *tcb, seq_t seq, uint32_t text);
/* Looks what became of the probe, after each ACK and whatever declares losses. Returns its octets where it was
 * declared lost just now: they are no sign of congestion. */
uint32_t plpmtud_found(struct tcb *tcb, tern_time now); /* the same, where there is a path record */
static inline uint32_t plpmtud_look(struct tcb *tcb, tern_time now)
{
	return tcb->has_path ? plpmtud_found(tcb, now) : 0;
}
bool	 plpmtud_is_probe(const struct tcb *tcb, seq_t seq); /* the probe begins there */

#endif
