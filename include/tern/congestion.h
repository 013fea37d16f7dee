/* tern/congestion.h - the door of congestion control (DESIGN: events in, window out): what a controller
 * is told and what it owns. Types only; any layer may include it. A program may bring its own
 * controllers: tern_config.controllers; examples/controller.c has a whole one.
 *
 * A controller sees no connection, no segment and no timer. It owns cwnd and ssthresh and, if it paces,
 * the pacing rate. It keeps what it knows in `state`, an array of 64-bit words that belongs to the
 * connection: zero when init() is called, moved, packed and unpacked with it (so no pointers in it), and
 * gone with it. Calls never overlap and allocate nothing; integers only.
 *
 * RFC 5681, RFC 9438 (CUBIC), draft-ietf-ccwg-bbr, RFC 8257 (DCTCP), RFC 9331 (scalable response).
 */
#ifndef TERN_CONGESTION_H
#define TERN_CONGESTION_H

#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TERN_CC_NO_SSTHRESH 0x7fffffffu /* RFC 5681 3.1: arbitrarily high */
#define TERN_CC_STATE_WORDS 64		 /* the most that a controller may ask for */
#define TERN_CC_OWN	    8		 /* the most controllers of a program's own per host */

struct tern_cc_ops;

struct tern_cc {
	const struct tern_cc_ops *ops;
	uint64_t *state;       /* ops->state_words of them; NULL where it asks for none */
	uint64_t  pacing_rate; /* bytes per second; 0: the stack derives one from cwnd and srtt */
	uint32_t  cwnd;	       /* bytes in flight that the path is trusted with; at least one mss */
	uint32_t  ssthresh;    /* bytes */
	uint32_t  quantum;     /* bytes that may leave back to back where paced; 0: the stack's choice */
	uint32_t  mss;	       /* bytes of text in a full segment: the stack's to set */
	bool	  paced;       /* segments of this connection leave paced: the stack's to set */
};

/* An ACK that showed something to have arrived, cumulatively or by SACK. Bytes; nanoseconds. */
struct tern_cc_ack {
	tern_time now;
	tern_time rtt;	    /* measured by this ACK; 0: no sample */
	tern_time srtt;	    /* RFC 6298; 0: none yet */
	tern_time min_rtt;  /* least seen (window of 300 s, or since the path was used again); 0: none yet */
	uint32_t  acked;    /* what SND.UNA moved over */
	uint32_t  delivered; /* newly known to have arrived, cumulatively or by SACK */
	uint32_t  lost;	    /* newly declared lost by this ACK */
	uint32_t  ce;	    /* bytes newly reported as CE-marked (RFC 9768); classic ECN: see ops->ecn */
	uint32_t  in_flight_before, in_flight;
	/* The rate sample (draft-ietf-ccwg-bbr 4.1). rate 0: none. */
	uint64_t  rate;		   /* delivery rate, bytes per second */
	uint64_t  delivered_total; /* since the opening, or since a restart: it may begin anew then */
	uint64_t  prior_delivered; /* delivered_total when the newest of what was delivered had been sent */
	tern_time interval;	   /* that the sample spans */
	uint32_t  tx_in_flight;	   /* when the newest of what was delivered was sent, itself included */
	uint32_t  lost_in_interval; /* declared lost within the sample */
	uint32_t  delivered_in_interval;
	uint32_t  ce_in_interval;
	bool	  no_sack;	   /* the peer cannot say what it holds: one loss a round trip shows */
	bool	  app_limited;	   /* the sample was taken while the program was the limit */
	bool	  cwnd_limited;	   /* the window, not the program or the peer, held back sending */
	bool	  round_start;	   /* what was in flight when the last round began is all delivered */
	bool	  in_recovery;	   /* fast recovery: unless ops->own_recovery the window is proportional rate
				      reduction's (RFC 9937), not the controller's to grow. With own_recovery
				      also after a time-out, until what had been sent before is acknowledged */
};

/* Losses are known, or a mark came: the window is to shrink, at most once for what was in flight. */
struct tern_cc_loss {
	tern_time now;
	uint32_t  in_flight;	   /* when it was found, the lost bytes counted */
	uint64_t  delivered_total;
};

/* One segment declared lost. */
struct tern_cc_lost {
	tern_time now;
	uint32_t  len;
	uint32_t  tx_in_flight;	   /* when it was sent, itself included */
	uint64_t  lost_since;	   /* bytes declared lost since it was sent, itself included */
	uint64_t  delivered_total, delivered_at_send;
	bool	  app_limited;
};

/* Text leaves again after nothing was in flight. */
struct tern_cc_restart {
	tern_time now, idle, rto;  /* idle: since the last segment left */
	uint32_t  restart_window;  /* bytes, RFC 5681 4.1 */
	bool	  app_limited;	   /* the program had nothing to send meanwhile */
};

/* What it asks of ECN (RFC 3168, 8311). */
enum tern_cc_ecn {
	TERN_CC_ECN_NONE,     /* ECN only where configured; a mark is a loss, ops->ecn NULL; or ops->ecn */
	TERN_CC_ECN_EVERY,    /* wants to know every mark: DCTCP (RFC 8257), ECT(0) */
	TERN_CC_ECN_SCALABLE, /* the same with ECT(1): L4S (RFC 9331) */
};

/* Every op may be NULL but init and ack; what then happens stands beside it. */
struct tern_cc_ops {
	const char *name;	/* as in Linux; at most 15 bytes */
	uint16_t state_words;	/* at most TERN_CC_STATE_WORDS */
	uint8_t	 ecn;		/* enum tern_cc_ecn */
	bool	 paces;		/* sets pacing_rate, and is to be paced wherever the host can */
	bool	 own_recovery;	/* its cwnd governs in recovery too, instead of RFC 9937's quota */

	void (*init)(struct tern_cc *cc); /* cwnd, ssthresh, mss are set */
	void (*ack)(struct tern_cc *cc, const struct tern_cc_ack *ack);
	/* Sets ssthresh: recovery ends there. NULL: half of in_flight, RFC 5681 equation 4. */
	void (*loss)(struct tern_cc *cc, const struct tern_cc_loss *loss);
	/* ECN-Echo, at most once a round trip (RFC 3168 6.1.2). NULL: as loss. */
	void (*ecn_echo)(struct tern_cc *cc, const struct tern_cc_loss *loss);
	/* The retransmission timer. first: of a series. Sets ssthresh; the stack sends one mss. NULL: as loss. */
	void (*rto)(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first);
	void (*lost)(struct tern_cc *cc, const struct tern_cc_lost *lost); /* each segment, before loss or rto */
	void (*recovered)(struct tern_cc *cc, uint32_t in_flight); /* without own_recovery cwnd is ssthresh next */
	/* The last loss or rto was none (RFC 4015): cwnd and ssthresh as they stood before it. NULL: at least
	 * these again. */
	void (*undo)(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh);
	void (*restart)(struct tern_cc *cc, const struct tern_cc_restart *restart);
	void (*mss_changed)(struct tern_cc *cc, uint32_t mss); /* cc->mss is the old one. NULL: it is set */
	/* cwnd and ssthresh are all there is to remember: state may be thrown away. NULL: always. */
	bool (*at_rest)(const struct tern_cc *cc);
	/* The clock is another (a packed connection woke elsewhere): every moment in state moves by so much.
	 * Called before packing too, with the moment taken off. NULL: there is none in it. */
	void (*shift)(struct tern_cc *cc, tern_time by);
};

#ifdef __cplusplus
}
#endif

#endif
