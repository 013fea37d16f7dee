/* BBRv3, the inner side: what its rooms share. The theory of operation stands in bbr.c. */
#ifndef TCP_BBR_H
#define TCP_BBR_H

#include "tcp/congestion.h"

/* Sections without a number of an RFC are draft-ietf-ccwg-bbr-06's; so are the names, where C allows.
 * Rates are bytes per second, volumes bytes, times nanoseconds, gains hundredths. */
enum bbr_phase {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN, /* ProbeBW_DOWN to ProbeBW_UP stand together: bbr_probes_bw() */
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT,
	BBR_PHASES
};

/* What the ACKs that now arrive tell of the probe for bandwidth (2.14). */
enum bbr_acks { BBR_ACKS_INIT, BBR_ACKS_REFILLING, BBR_ACKS_STARTING, BBR_ACKS_FEEDBACK, BBR_ACKS_STOPPING };

enum bbr_flag {
	BBR_BEGUN		 = 1 << 0, /* an ACK has come: the stamps hold times */
	BBR_FULL_BW_REACHED	 = 1 << 1,
	BBR_FULL_BW_NOW		 = 1 << 2,
	BBR_IDLE_RESTART	 = 1 << 3,
	BBR_PROBE_SAMPLE	 = 1 << 4, /* is_bw_probe_sample */
	BBR_LOSS_IN_ROUND	 = 1 << 5,
	BBR_LOSS_ROUND_START	 = 1 << 6,
	BBR_PREV_TOO_HIGH	 = 1 << 7,
	BBR_PREV_PRECAUTIONARY	 = 1 << 8,
	BBR_PROBE_RTT_EXPIRED	 = 1 << 9,
	BBR_PROBE_RTT_ROUND_DONE = 1 << 10,
	BBR_IN_RECOVERY		 = 1 << 11,
	BBR_SAVED		 = 1 << 12, /* what stood before this recovery is kept for undo */
	BBR_FILLED_THIS_ROUND	 = 1 << 13, /* cwnd was the limit in this round, in the last one */
	BBR_FILLED_LAST_ROUND	 = 1 << 14,
	BBR_NO_SACK		 = 1 << 15,
};

#define BBR_INFINITE UINT64_MAX

/* 64-bit words, as the door wants them: no pointers, no bit-fields, the same on every machine. */
struct bbr {
	uint64_t phase, acks, undo_phase, flags;
	uint64_t delivered;	     /* C.delivered at the last ACK */
	uint64_t round_count, next_round_delivered;
	uint64_t initial_cwnd;

	/* The long-term and the short-term model (2.9). */
	uint64_t bw_filter[2];	     /* the most in the last cycle of ProbeBW, and in this one */
	uint64_t bw_shortterm, bw_latest;
	uint64_t inflight_longterm, inflight_shortterm, inflight_latest;
	uint64_t min_rtt, min_rtt_stamp;
	uint64_t extra_acked_start, extra_acked_delivered;
	uint64_t extra_acked[2], extra_acked_rounds;

	/* Is the pipe full (2.13)? */
	uint64_t full_bw, full_bw_count;
	uint64_t loss_events, last_lost_at, echoes;
	uint64_t loss_round_delivered;
	uint64_t drain_start_round;

	/* The cycle of ProbeBW (2.14). */
	uint64_t cycle_stamp, bw_probe_wait, rounds_since_probe_up;
	uint64_t probe_up_rounds, probe_up_acked, probe_up_acked_per_inc;

	/* ProbeRTT (2.16). */
	uint64_t probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
	uint64_t limited_from, limited_to; /* C.delivered: what was sent between is called app-limited */

	uint64_t prior_cwnd, undo_bw_shortterm, undo_inflight_shortterm, undo_inflight_longterm;
};

enum { BBR_STATE_WORDS = sizeof(struct bbr) / sizeof(uint64_t) };
_Static_assert(BBR_STATE_WORDS <= TERN_CC_STATE_WORDS, "the door's room");

static inline struct bbr *bbr_of(const struct tern_cc *cc)
{
	return (struct bbr *)(void *)cc->state;
}

/* Any of these bits of enum bbr_flag? */
static inline bool bbr_is(const struct bbr *bbr, uint64_t flags)
{
	return bbr->flags & flags;
}

static inline void bbr_let(struct bbr *bbr, uint64_t flags, bool on)
{
	bbr->flags = on ? bbr->flags | flags : bbr->flags & ~flags;
}

static inline uint64_t bbr_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t bbr_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Moments are kept as words; on another clock (shift) they may lie before its zero. */
static inline tern_time bbr_since(tern_time now, uint64_t moment)
{
	return (tern_time)((uint64_t)now - moment);
}

static inline bool bbr_probes_bw(const struct bbr *bbr)
{
	return bbr->phase >= BBR_DOWN && bbr->phase <= BBR_UP;
}

/* The last octet of the round that begins now (5.5.1). */
static inline void bbr_start_round(struct bbr *bbr)
{
	bbr->next_round_delivered = bbr->delivered;
}

/* bbr_model.c: the path, as the samples show it (5.5) */
uint64_t bbr_max_bw(const struct bbr *bbr);
uint64_t bbr_bw(const struct bbr *bbr); /* bounded by the short-term model */
uint64_t bbr_bytes_in(uint64_t rate, uint64_t time);
uint64_t bbr_bdp_multiple(const struct bbr *bbr, uint64_t bw, uint64_t gain);
uint64_t bbr_inflight(const struct tern_cc *cc, uint64_t bw, uint64_t gain); /* with the offload budget */
uint64_t bbr_max_inflight(const struct tern_cc *cc);
void	 bbr_count_round(struct bbr *bbr, struct tern_cc_ack *rs);
void	 bbr_update_congestion_signals(struct tern_cc *cc, const struct tern_cc_ack *rs);
void	 bbr_advance_latest_signals(struct bbr *bbr, const struct tern_cc_ack *rs);
void	 bbr_update_ack_aggregation(const struct tern_cc *cc, const struct tern_cc_ack *rs);
void	 bbr_advance_bw_filter(struct bbr *bbr);
void	 bbr_reset_congestion_signals(struct bbr *bbr);
void	 bbr_reset_short_term(struct bbr *bbr);

/* bbr_loss.c: what losses and marks do to the model, and undoing it (5.5.10, 5.5.11) */
bool bbr_inflight_too_high(const struct bbr *bbr, uint64_t lost, uint64_t tx_in_flight);
void bbr_save_cwnd(const struct tern_cc *cc);
void bbr_restore_cwnd(struct tern_cc *cc);
void bbr_on_lost(struct tern_cc *cc, const struct tern_cc_lost *lost);
void bbr_on_loss(struct tern_cc *cc, const struct tern_cc_loss *loss);
void bbr_on_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss);
void bbr_on_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first);
void bbr_on_undo(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh);

/* bbr_startup.c: Startup and Drain, and whether the pipe is full (5.3.1, 5.3.2) */
void bbr_enter_startup(struct bbr *bbr);
void bbr_reset_full_bw(struct bbr *bbr, uint64_t baseline);
void bbr_check_full_bw(struct bbr *bbr, const struct tern_cc_ack *rs);
void bbr_check_startup(struct tern_cc *cc, const struct tern_cc_ack *rs);
void bbr_check_drain(struct tern_cc *cc, const struct tern_cc_ack *rs);

/* bbr_probe_bw.c: DOWN, CRUISE, REFILL, UP (5.3.3) */
void	 bbr_start_down(const struct tern_cc *cc, tern_time now);
void	 bbr_start_refill(struct bbr *bbr);
void	 bbr_update_cycle(struct tern_cc *cc, const struct tern_cc_ack *rs);
uint64_t bbr_inflight_with_headroom(const struct tern_cc *cc);
uint64_t bbr_target_inflight(const struct tern_cc *cc);

/* bbr_probe_rtt.c: min_rtt and the looking for it (5.3.4) */
void	 bbr_update_min_rtt(struct bbr *bbr, const struct tern_cc_ack *rs);
void	 bbr_check_probe_rtt(struct tern_cc *cc, const struct tern_cc_ack *rs);
void	 bbr_check_probe_rtt_done(struct tern_cc *cc, tern_time now);
uint64_t bbr_probe_rtt_cwnd(const struct tern_cc *cc);

/* bbr.c */
uint64_t bbr_pipe_floor(const struct tern_cc *cc); /* MinPipeCwnd */
void	 bbr_bound_cwnd(struct tern_cc *cc);

#endif
