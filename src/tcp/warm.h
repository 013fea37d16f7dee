/* The warm record: what only a connection with text in flight, unsent or out of order needs. Attached
 * with the first octet out (tcb_warm_up), given back when all is acknowledged (tcb_cool_down).
 *
 * Who talks in turns would take and give it with every message. So the few connections (ENV_RESTING) that last came
 * to rest keep theirs, if nothing is in it but what the next flight may go on from; the one that came first gives way
 * to the next, and all do where memory is short. So an idle host holds a handful of records, however many
 * connections it has. What waking does to the window (RFC 5681 4.1) is done to a record that was kept as well.
 */
#ifndef TCP_WARM_H
#define TCP_WARM_H

#include "base/slices.h"
#include "tcp/chrono.h"
#include "tcp/congestion.h"
#include "tcp/flight.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/rate.h"
#include "tcp/reassembly.h"
#include "tcp/tcb.h"
#include "tcp/tlp.h"
#include "tcp/undo.h"

struct tcb_warm {
	struct slices *text;	     /* unacknowledged and unsent; NULL: none (a bare SYN or FIN) */
	struct flight  flight;
	struct rate    rate;	     /* delivery-rate estimation */
	struct tern_cc cc;
	uint64_t       cc_few[CC_FEW_WORDS]; /* its state, where that is enough */
	struct reassembly ooo;	     /* what arrived beyond RCV.NXT */
	struct rack    rack;
	struct tlp     tlp;
	struct prr     prr;
	struct undo    undo;
	struct chrono  chrono;
	uint64_t       delivery_rate;	/* octets/s, the last that tells of the path; 0: none yet */
	uint64_t       bytes_retransmitted;

	tern_time retransmit_at;     /* RFC 6298: TERN_NEVER while nothing is in flight */
	tern_time reordering_at;     /* RFC 8985 6.2 step 5 */
	tern_time probe_at;	     /* RFC 8985 7.2: the PTO */
	tern_time persist_at;	     /* zero window, nothing in flight (RFC 9293 3.8.6.1) */
	tern_time override_at;	     /* sender's SWS override and the end of a cork (3.8.6.2.1) */
	tern_time pace_at;	     /* text waits to be paced: the next burst (pace.h) */
	tern_time pace_from;	     /* what was sent is paid for up to here */
	tern_time progress_at;	     /* when SND.UNA last moved, or the series began: R2 and user timeout */
	tern_time last_sent_at;	     /* for the restart after idle (RFC 5681 4.1) */

	uint32_t pace_free;	     /* octets of the initial window that are not paced */
	uint32_t rto_us;	     /* current, back-off included */
	seq_t	 recover;	     /* RFC 6582 */
	seq_t	 usage_end;	     /* max_in_flight and cwnd_limited are of what was sent before it */
	uint32_t max_in_flight;	     /* octets */
	uint32_t dup_acks;	     /* never more than segments in flight */
	uint32_t spurious;	     /* segments sent again needlessly, since the opening */
	seq_t	 edge;		     /* the furthest right edge that the peer offered since */
	seq_t	 push_end;	     /* octets before this were pushed (MAY-15, SHLD-27) */
	seq_t	 up;		     /* SND.UP, while urgent */
	struct tern_sack_block dsack; /* to be reported once (RFC 2883); left == right: none */

	uint8_t recovery;	     /* enum tern_recovery */
	uint8_t backoff;	     /* retransmissions by time-out in a row */
	uint8_t probes;		     /* zero-window probes in a row */
	bool	urgent : 1;
	bool	r1_told : 1;
	bool	override_now : 1;    /* the override timer fired: send what there is */
	bool	partial_seen : 1;    /* RFC 6582: the timer restarts at the first partial ACK */
	bool	retransmit_now : 1;  /* one retransmission, whatever the congestion window */
	bool	recut : 1;	     /* what is lost was cut again for a smaller path MTU */
	bool	cwnd_limited : 1;    /* the window, not the program, held back sending in the last round trip */
	bool	ecn_cwr : 1;	     /* CWR is to go with new text */
	bool	backed_off : 1;	     /* the RTO is, and no sample has come since */
	bool	rate_app_limited : 1; /* delivery_rate is of a time in which the program was the limit */
	uint16_t mtu;		     /* of the path, for the SYN's MSS option */
	uint16_t max_segment;	     /* TERN_MAX_SEGMENT; 0: not set */
};

/* Nothing but our SYN was ever acknowledged: what that alone has taught is little. */
static inline bool tcb_is_fresh(const struct tcb *tcb)
{
	return seq_sub(tcb->snd.una, tcb->snd.iss) <= 1 && tcb_cold(tcb)->sent_wraps == 0;
}
/* The warm record, attached if need be. NULL: no memory. */
struct tcb_warm *tcb_warm_up(struct tcb *tcb, tern_time now);
/* Gives it back where nothing needs it any more. */
void tcb_cool_idle(struct tcb *tcb); /* nothing is in flight */
static inline void tcb_cool_down(struct tcb *tcb)
{
	if (tcb->warm && tcb->warm->flight.n == 0)
		tcb_cool_idle(tcb);
}
/* The same after a segment arrived. Where the ACK that completes the handshake is due, that gives the record back as it
 * leaves: who sends or closes before then goes on with the one that carried the SYN. */
static inline void tcb_cool_arrived(struct tcb *tcb)
{
	if (!(tcb->due & DUE_ACK) || !tcb_is_fresh(tcb))
		tcb_cool_down(tcb);
}
/* Gives it back with whatever it holds. */
void tcb_warm_drop(struct tcb *tcb);
/* Gives back what is kept for the next flights. True: there was some. */
bool tcb_rest_over(struct tcp_env *env);

/* Octets of text queued and not yet sent. */
static inline uint32_t snd_offset(const struct tcb *tcb, seq_t at)
{
	return seq_sub(at, seq_add(tcb->snd.iss, 1));
}
static inline uint32_t tcb_unsent(const struct tcb *tcb)
{
	const struct slices *const text = tcb->warm ? tcb->warm->text : NULL;

	if (!text || tcb->fin_sent)
		return 0;
	if (tcb->state < ESTABLISHED && seq_eq(tcb->snd.nxt, tcb->snd.iss)) /* the SYN has not left yet */
		return slices_end(text) - slices_base(text);
	return slices_end(text) - snd_offset(tcb, tcb->snd.nxt);
}
/* Nothing needs the record: it is kept for the next flight alone. */
static inline bool tcb_is_cool(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm || warm->flight.n > 0 || warm->ooo.n > 0 || warm->ooo.fin_seen || tcb_unsent(tcb) > 0)
		return false;
	if (warm->dsack.left != warm->dsack.right) /* the next ACK takes it along */
		return false;
	return warm->persist_at == TERN_NEVER && (!tcb->fin_queued || tcb->fin_sent) && tcb->state >= ESTABLISHED;
}
/* Octets of text sent and not yet acknowledged, SYN and FIN not counted. */
uint32_t tcb_unacked(const struct tcb *tcb);

/* Asked before an ACK counts, before text is added and before a timer acts: had the program nothing more to
 * send, though the path had room? Then the next records are app-limited (draft-ietf-ccwg-bbr 4.1.2.4). */
static inline void tcb_note_app_limit_of(struct tcb *tcb, uint32_t unsent)
{
	struct tcb_warm *const warm = tcb->warm;

	if (unsent < tcb->mss && warm->flight.in_flight < warm->cc.cwnd && warm->flight.n_lost == 0)
		rate_app_limited(&warm->rate, warm->flight.in_flight);
}
static inline void tcb_note_app_limit(struct tcb *tcb)
{
	if (tcb->warm)
		tcb_note_app_limit_of(tcb, tcb_unsent(tcb));
}

static inline bool tcb_has_flight(const struct tcb *tcb)
{
	return tcb->warm && tcb->warm->flight.n > 0;
}

#endif
