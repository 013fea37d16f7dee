/* The path record: what a connection has learnt and must not forget while it is idle.
 *
 * A warm record goes when all is acknowledged, and with it goes what only what is in flight needs. Most
 * connections leave a congestion window behind and nothing else, for which the cold record has room. Where
 * there is more - a controller that is not at rest, a path that reorders, counters, ECN - a path record is
 * attached, with the first such thing, and stays until the block goes. It is charged to the host's budget,
 * and for want of memory what it would have held is forgotten: never an error, only a slower start.
 *
 * While a warm record holds the controller (warm->cc), cwnd and ssthresh here are what they were before.
 */
#ifndef TCP_PATH_H
#define TCP_PATH_H

#include "tcp/chrono.h"
#include "tcp/congestion.h"
#include "tcp/ecn.h"
#include "tcp/plpmtud.h"
#include "tcp/tcb.h"
#include "tcp/undo.h"

/* post.h */
struct tcb_post {
	uint8_t *to;	  /* NULL: nothing is posted */
	uint32_t room, n; /* octets, and how many of them are text by now */
};

struct tcb_path {
	/* The controller, while no warm record holds it. */
	uint32_t  cwnd, ssthresh; /* cwnd 0: not begun */
	uint64_t  pacing_rate;
	uint64_t  max_pacing_rate; /* TERN_MAX_PACING_RATE; 0: none */
	uint32_t  quantum;
	uint16_t  mss;
	struct {
		tern_time at;	/* the round of reading began (tune.h) */
		seq_t	  from; /* RCV.READ then */
		uint32_t  most; /* octets taken in a round trip; 0: not begun */
	} tune;
	int8_t	  pacing; /* TERN_PACING: -1 as the controller wants it */
	uint16_t  words; /* of state */
	/* Loss recovery (rack.h, undo.h), while no warm record holds it. */
	tern_time min_rtt, min_rtt_at;
	uint64_t  delivery_rate;
	uint64_t  bytes_retransmitted;
	tern_time spent[CHRONO_KINDS]; /* chrono.h */
	uint32_t  spurious;
	uint32_t  backed_off_us; /* the RTO, where it was backed off and no sample has come since (Karn); or 0 */
	uint8_t	  reo_wnd_mult, reo_wnd_persist;
	bool	  reordering_seen;
	bool	  rate_app_limited; /* delivery_rate is */
	struct undo undo;	    /* D-SACKs may come when nothing flies any more */
	struct tcb_ecn ecn;
	uint64_t *state; /* while warm too, where the warm record has no room for it; NULL: none */
	struct plpmtud plpmtud; /* while warm too */
	struct tcb_post post;
};

/* The record there is; NULL: none. */
static inline struct tcb_path *path_of(const struct tcb *tcb)
{
	return tcb->has_path ? tcb_cold(tcb)->path : NULL;
}

/* The record, attached if need be. NULL: no memory; the host forgets. */
struct tcb_path *path_attach(struct tcb *tcb);
/* The block goes. No warm record stands on it any more. */
void path_let_go(struct tcb *tcb);
/* Memory is short: what is only useful goes, what was asked for stays.
 * True if something did. Never while a warm record is there. */
bool path_shed(struct tcb *tcb);

/* The RTO with which it would go on, in microseconds: one that was backed off and has seen no sample since stays so. */
uint32_t path_rto_us(const struct tcb *tcb);
/* The warm record goes: so does what it had of that. */
void path_rto_rests(struct tcb *tcb);

/* Where the window of an idle connection is kept. */
static inline uint32_t *path_cwnd(const struct tcb *tcb)
{
	return tcb->has_path ? &tcb_cold(tcb)->path->cwnd : &tcb_cold(tcb)->cwnd;
}

static inline uint32_t *path_ssthresh(const struct tcb *tcb)
{
	return tcb->has_path ? &tcb_cold(tcb)->path->ssthresh : &tcb_cold(tcb)->ssthresh;
}

/* `words` zeroed words of state, in place of what there was. NULL: no memory. */
uint64_t *path_new_state(struct tcb *tcb, uint16_t words);
/* The state goes, and the record if nothing else is in it. */
void path_drop_state(struct tcb *tcb);

/* ---- the controller's way between warm record and path ---- */

/* A warm record that was kept is used again (RFC 5681 4.1). */
void path_controller_restarts(struct tcb *tcb, struct tcb_warm *warm, tern_time now);
/* Segments are of another size from here on. A window of less than one of them would send nothing (RFC 5681 3.1: the
 * loss window is one full-sized segment), whether the controller is awake or rests. */
void path_mss_changed(struct tcb *tcb, uint16_t mss);
/* A warm record was attached: its controller goes on where it was, or begins (RFC 6928, RFC 5681 4.1). */
void path_controller_wakes(struct tcb *tcb, struct tcb_warm *warm, tern_time now);
/* The warm record goes: what the controller cannot do without is kept. */
void path_controller_rests(struct tcb *tcb);
/* Another controller takes over, by number: the window stays, what the old one knew goes. */
void path_controller_changes(struct tcb *tcb, uint8_t number);

#endif
