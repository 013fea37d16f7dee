/* Explicit congestion notification: what SYNs agree on, what is echoed of marks that come, what is made of
 * marks echoed by the peer.
 *
 * Classic (RFC 3168, with the response of RFC 8511 and the relaxations of RFC 8311): ECE on every ACK from a
 * mark on until the peer's CWR; one reduction a window, and CWR on the next new text.
 *
 * Accurate (RFC 9768): AE, CWR and ECE together are ACE, the low three bits of how many marked segments came
 * (r.cep, from 5 on), on everything but SYNs; a SYN-ACK, and the ACK of one, tell instead how the packet they
 * answer was marked. Bare ACKs carry an AccECN option with octets as 24-bit counts, which tells apart what
 * ACE alone leaves open once it may have wrapped.
 *
 * What may be marked is new text alone: no SYN, no bare ACK, no retransmission, no probe (RFC 3168 6.1.1,
 * 6.1.4, 6.1.5, 6.1.6; RFC 8311 would allow experiments beyond).
 *
 * A path that meddles is not trusted: where SYN and SYN-ACK, which are never ECN-capable, are told to have
 * been, or the first ACE is 0, nothing is sent ECN-capable any more and nothing that is echoed is believed;
 * the peer is told what came all the same (RFC 9768 3.2.2.1-3.2.2.4).
 *
 * Departures: we answer a batch with one ACK, so more than six marks may stand between two (RFC 9768 3.2.2.6
 * asks for one at least every six), which is what the option is for; and where the controller counts every
 * mark but the peer speaks classic ECN, ECE tells how the last segment came, without the extra ACK at each
 * change (RFC 8257 3.2). Options go with bare ACKs only, so that text keeps its full segment.
 */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include "tcp/tcp.h"

/* As tcp_agreement.ecn and half-open entries keep it. */
enum {
	ECN_NONE = 0,
	ECN_CLASSIC = 1,
	ECN_ACCURATE = 4, /* plus the ECN field (0 to 3) of the packet that is answered */
};

/* The ECN field of IP (RFC 3168 5). */
enum { ECN_CEP_FIRST = 5 }; /* RFC 9768 3.2.1 */
enum { ECN_NOT_ECT, ECN_ECT1, ECN_ECT0, ECN_CE, ECN_FIELD = 3 };

/* In the path record. */
struct tcb_ecn {
	uint32_t r_cep;		       /* marked segments that came, from 5 on */
	uint32_t r_e0b, r_ceb, r_e1b;  /* octets that came as ECT(0), CE, ECT(1), from 1, 0, 1 on */
	uint32_t s_cep, s_ceb;	       /* of ours, as the peer told last */
	uint32_t delivered_ce;	       /* segments of ours that the peer told to be marked */
	uint8_t	 handshake;	       /* ECN_ACCURATE plus the SYN-ACK's field: to be told by the next bare ACK */
	uint8_t	 pending;	       /* marked segments since an ACK left; saturates */
	bool	 agreed;	       /* ECN of either kind: worth keeping */
	bool	 accurate;
	bool	 distrust;	       /* the path meddles */
	bool	 heard;		       /* a segment came after the handshake */
	bool	 optional;	       /* AccECN options come through */
};

/* What a connection goes by: a controller that wants every mark asks for accurate feedback. */
enum tern_ecn ecn_setting(enum tern_ecn set, const struct tern_cc_ops *controller);

/* ---- handshake ---- */

/* What a listener answers to a SYN that came with this traffic class. */
uint8_t	 ecn_agree(enum tern_ecn set, const struct tcp_segment *syn, uint8_t traffic_class);
/* The same where only the first ACK is left to tell (SYN cookies). */
uint8_t	 ecn_recall(enum tern_ecn set, const struct tcp_segment *ack);
uint16_t ecn_syn_ack_flags(uint8_t agreed);
/* Of our SYN, sent so many times before: a path that drops SYNs with them gets one without (RFC 3168
 * 6.1.1.1; RFC 9768 3.1.4.1). */
uint16_t ecn_syn_flags(const struct tcb *tcb, unsigned times);
/* The block of a passive open stands. */
void ecn_opened(struct tcb *tcb, uint8_t agreed, tern_time now);
/* The SYN-ACK came. */
void ecn_syn_answered(struct tcb *tcb, const struct tcp_segment *syn_ack, tern_time now);
/* The handshake's third segment came. */
void ecn_handshake_done(struct tcb *tcb, const struct tcp_segment *seg, tern_time now);

/* ---- receiving: segments that passed the ACK check ---- */

void ecn_arrived(struct tcb *tcb, const struct tcp_segment *seg, uint32_t len, tern_time now);
/* AE, CWR, ECE of what leaves with an ACK. bare: without text. */
uint16_t ecn_ack_flags(struct tcb *tcb, bool bare);
/* The option, where the rest leaves it room. */
void ecn_add_option(const struct tcb *tcb, struct tcp_options *opt);

/* ---- sending ---- */

/* The ECN field of new text. */
uint8_t ecn_field(const struct tcb *tcb);
/* Text leaves now: CWR, once for each reduction; it goes in one segment. */
bool ecn_cwr_is_due(const struct tcb *tcb);
void ecn_cwr_sent(struct tcb *tcb);
/* The window was reduced for another reason: the peer may stop echoing (RFC 3168 6.1.2). */
void ecn_window_reduced(struct tcb *tcb);

/* What an ACK echoes that showed so many segments and octets to have arrived. Returns the octets of them
 * that were marked. The controller is told where it wants to hear of windows rather than marks. */
uint32_t ecn_feedback(struct tcb *tcb, const struct tcp_segment *seg, uint32_t segments, uint32_t octets,
		      tern_time now);

#endif
