/* Delivery rate: how fast the path delivered the newest flight, one sample an ACK. draft-ietf-ccwg-bbr
 * 4.1, as draft-cheng-iccrg-delivery-rate-estimation had it; the names are theirs.
 *
 * Each record that leaves takes a stamp of the connection's counts (rate_sent). When the youngest record
 * that an ACK shows delivered comes home, the sample is
 *
 *	delivered     C.delivered now - C.delivered when it left
 *	interval      max(send elapsed, ack elapsed): the slower of the two clocks, since ACKs may come in a
 *	              heap, and segments may leave in one, but the path cannot have been faster than either
 *	delivery rate delivered / interval
 *
 * A sample is app-limited where, when the record left, the program had left room in the window: such a
 * sample says what the program did, not what the path could. The bubble goes with the octets that were in
 * flight when it began.
 *
 * Counts are octets of sequence space since the warm record began; each record keeps their low 32 bits, which
 * is enough as no more than 2^31 fly.
 */
#ifndef TCP_RATE_H
#define TCP_RATE_H

#include <tern/types.h>

struct flight_record;
struct flight_report;

struct rate {
	uint64_t  delivered;	 /* C.delivered: octets known to have arrived, by ACK or SACK */
	uint64_t  lost;		 /* C.lost: octets ever declared lost */
	uint64_t  round_end;	 /* BBR.next_round_delivered: what leaves from here on is of the next round */
	uint64_t  app_limited;	 /* C.app_limited: the bubble ends when delivered passes it; 0: none */
	tern_time delivered_at;	 /* C.delivered_time: when delivered last grew, or a flight began */
	tern_time first_sent_at; /* C.first_send_time: of the record last known delivered, or a flight began */
};

struct rate_sample {
	uint64_t  prior_delivered; /* C.delivered when the youngest delivered record left */
	uint64_t  delivery_rate;   /* octets per second; 0 unless valid */
	uint32_t  delivered;	   /* octets, over the interval */
	uint32_t  lost;		   /* octets declared lost over it */
	uint32_t  tx_in_flight;	   /* octets in flight when that record left, itself included */
	tern_time interval;
	tern_time rtt;		   /* of that record; 0: it was sent more than once */
	bool	  app_limited;
	bool	  round_start;	   /* the first of what left after the last round began is delivered */
	bool	  any;		   /* something was newly delivered: all but delivery_rate hold */
	bool	  valid;	   /* and so does delivery_rate */
};

/* The record leaves now; before: octets in flight without it. */
void rate_sent(struct rate *rate, struct flight_record *record, uint32_t before, tern_time now);

/* What one ACK showed delivered. min_rtt: of the path, 0 where not known; a sample over a shorter interval
 * is not one of the path (it is the ACK of the first of two copies). False: no delivery rate in it. */
bool rate_acked(struct rate *rate, const struct flight_report *report, tern_time min_rtt, tern_time now,
		struct rate_sample *sample);

/* The program has nothing more to send though the window has room, and no loss waits to be repaired
 * (draft 4.1.2.4): in_flight octets later that will be over. */
static inline void rate_app_limited(struct rate *rate, uint32_t in_flight)
{
	const uint64_t end = rate->delivered + in_flight;

	rate->app_limited = end > 0 ? end : 1; /* 0 means none */
}

#endif
