/* RACK (RFC 8985 6): what to take for lost, by time. A record is lost when one sent later has arrived, and
 * the earlier one has had RACK.rtt and the reordering window to catch up.
 *
 * flight.h keeps the records in flight in the order of their last transmission, so that the walk begins at
 * the oldest and ends at the first that is too young: each record is looked at once for its loss, and once
 * more an ACK for the one that ends the walk. The timer is set for that one; RFC 8985 6.2 step 5 sets it for
 * the last and finds earlier losses late; here each run of the timer finds one at least, which bounds their
 * number as well.
 *
 * The reordering window is a quarter of the least RTT, times a factor that D-SACKs raise (a round in which
 * some retransmission proved needless) and sixteen recoveries without one reset, at most SRTT; and nothing
 * while no reordering was ever seen and either three segments are SACKed or recovery goes on, which is the
 * third duplicate ACK of old (6.2 step 4).
 */
#ifndef TCP_RACK_H
#define TCP_RACK_H

#include "base/bytes.h"
#include "base/seq.h"
#include <tern/types.h>

struct tcb;
struct tcp_segment;
struct flight_report;

struct rack {
	tern_time sent_at;	/* RACK.xmit_ts: when the youngest record known to have arrived had left */
	tern_time rtt;		/* RACK.rtt: its round trip; 0: nothing has arrived yet */
	tern_time min_rtt;	/* RACK.min_RTT, over the last five minutes; 0: none yet */
	tern_time min_rtt_at;	/* when it was measured */
	seq_t	  end;		/* RACK.end_seq */
	seq_t	  dsack_round;	/* RACK.dsack_round: SND.NXT at the D-SACK that raised the factor, */
	bool	  in_dsack_round; /* while that is not acknowledged */
	bool	  reordering_seen;
	uint8_t	  reo_wnd_mult;	/* 1 to 255 */
	uint8_t	  reo_wnd_persist; /* recoveries until it is 1 again */
};

/* A warm record was attached, or goes: what a path that reorders has taught is kept meanwhile (path.h). */
void rack_wakes(struct tcb *tcb);
void rack_rests(struct tcb *tcb);

/* A round trip was measured without doubt: of octets sent once. Over five minutes. (RFC8985-6.2-1) */
static inline void rack_min_rtt(struct rack *rack, tern_time rtt, tern_time now)
{
	if (rack->min_rtt != 0 && rtt > rack->min_rtt && now - rack->min_rtt_at < 300 * TERN_SECOND)
		return;
	rack->min_rtt = max_i64(rtt, 1);
	rack->min_rtt_at = now;
}
/* RACK_sent_after(): ties go by the sequence. */
static inline bool rack_sent_after(tern_time at, seq_t end, tern_time than_at, seq_t than_end)
{
	return at > than_at || (at == than_at && seq_gt(end, than_end));
}
/* Step 2: RACK.segment is the one that was sent last. */
static inline void rack_advance(struct rack *rack, tern_time sent_at, seq_t end, tern_time now)
{
	const bool first = rack->rtt == 0;

	rack->rtt = max_i64(now - sent_at, 1);
	if (!first && !rack_sent_after(sent_at, end, rack->sent_at, rack->end))
		return;
	rack->sent_at = sent_at;
	rack->end = end;
}

/* An ACK brought news: 6.2 steps 1 to 3. */
void rack_update(struct tcb *tcb, const struct tcp_segment *seg, const struct flight_report *report, tern_time now);
/* Step 4's bookkeeping: a D-SACK came that was not the tail loss probe's; a recovery is over. */
void rack_dsacked(struct tcb *tcb);
void rack_recovered(struct tcb *tcb);

/* The reordering window as it is now. */
tern_time rack_reo_wnd(const struct tcb *tcb);
/* Step 5: declares lost what is, and sets or stops the reordering timer. Octets newly lost. */
uint32_t rack_detect(struct tcb *tcb, tern_time now);
/* 6.3: the retransmission timer ran out: what stands at SND.UNA, and what is old enough. */
void rack_timeout(struct tcb *tcb, tern_time now);

#endif
