#include "tcp/undo.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* Retransmissions of an earlier recovery, or a tail loss probe, may still be on their way: what was begun with them
 * counts on, or their ACKs and D-SACKs would be taken for those of the new one. Those of which D-SACKs have told
 * already prove nothing more. */
void undo_begin(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct undo old = warm->undo;
	const bool goes_on = seq_lt(tcb->snd.una, old.resent_end) && old.needless < old.resent;

	warm->undo = (struct undo){
		.cwnd = warm->cc.cwnd,
		.ssthresh = warm->cc.ssthresh,
		.resent = goes_on ? old.resent : 0,
		.needless = goes_on ? old.needless : 0,
		.first_resent_ts = old.first_resent_ts,
		.resent_end = old.resent_end,
		.from = goes_on ? old.from : tcb->snd.una,
		.possible = true,
	};
}

void undo_resent(struct tcb *tcb, seq_t end, tern_time now)
{
	struct undo *const undo = &tcb->warm->undo;

	if (seq_le(undo->resent_end, tcb->snd.una)) {
		undo->first_resent_ts = tcp_ts_clock(now) + tcb->ts.offset;
		undo->resent_end = end;
		if (!undo->possible) { /* a probe: nothing of before is out */
			undo->resent = undo->needless = 0;
			undo->from = tcb->snd.una;
		}
	}
	undo->resent_end = seq_max(undo->resent_end, end);
	undo->resent++;
}

void undo_dsacked(struct tcb *tcb, seq_t right, uint32_t segments)
{
	struct undo *const undo = &tcb->warm->undo;

	if (seq_gt(right, undo->from))
		undo->needless = min_u32(undo->needless + segments, undo->resent);
}

void undo_timed_out(struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	struct undo *const undo = &tcb->warm->undo;

	undo->timed_out = true;
	/* RFC 5682 2.1 step 1: only where nothing but SND.UNA was sent again. A series of time-outs for it alone
	 * counts as one, as in Linux: a delay may outlast several. */
	if (warm->recovery < TERN_RECOVERY_FAST && !tcb_env(tcb)->config.no_frto)
		undo->frto = FRTO_WAIT;
	else if (warm->recovery == TERN_RECOVERY_FAST || warm->backoff == 0 || undo->frto != FRTO_WAIT)
		undo->frto = FRTO_OFF;
}

/* F-RTO needs two segments of new text to see which ACKs come back. What Nagle's algorithm, a cork or the peer's
 * window holds back while something flies is none. */
bool undo_new_text_may_leave(const struct tcb *tcb)
{
	const uint32_t unsent = tcb_unsent(tcb), usable = window_usable(tcb);

	if (unsent >= tcb->mss)
		return usable >= tcb->mss;
	return unsent > 0 && usable >= unsent && (tcb->fin_queued || (tcb->nodelay && !tcb->cork && !tcb->more));
}

/* RFC 5682 2.1, and 3.1 with SACK. Is the time-out proved spurious? */
static bool frto_step(struct tcb *tcb, const struct recovery_ack *ack)
{
	struct tcb_warm *const warm = tcb->warm;
	struct undo *const undo = &warm->undo;

	if (undo->frto == FRTO_WAIT) {
		if (ack->report.acked == 0) {
			/* A duplicate. Without SACK it ends the algorithm (2a); with it, wait on (3.1 step 2). */
			if (!tcb->sack_ok && ack->duplicate)
				undo->frto = FRTO_OFF;
			return false;
		}
		/* All that had been sent is acknowledged: that says nothing. */
		undo->frto = seq_ge(tcb->snd.una, warm->recover) || ack->report.cut || !undo_new_text_may_leave(tcb) ?
				     FRTO_OFF :
				     FRTO_NEW_SENT;
		return false;
	}
	if (undo->frto != FRTO_NEW_SENT || (ack->report.delivered == 0 && !ack->duplicate))
		return false;
	undo->frto = FRTO_OFF;
	/* 3a: what was sent later came first, or nothing moved. 3b: octets arrived that were sent once, before. */
	return ack->report.sent_at != TERN_NEVER && seq_le(tcb->snd.una, warm->recover) &&
	       seq_le(warm->flight.highest_sacked, warm->recover);
}

/* RFC 3522 3.2 step 3. */
static bool is_eifel(const struct tcb *tcb, const struct recovery_ack *ack)
{
	const struct undo *const undo = &tcb->warm->undo;

	return tcb->ts_ok && ack->seg->opt.has_ts && undo->resent > 0 && ack->report.acked > 0 &&
	       tcb->warm->recovery >= TERN_RECOVERY_FAST && seq_lt(ack->una_before, undo->resent_end) &&
	       (int32_t)(ack->seg->opt.ts_ecr - undo->first_resent_ts) < 0;
}

enum undo_proof undo_proof(struct tcb *tcb, const struct recovery_ack *ack)
{
	const struct undo *const undo = &tcb->warm->undo;
	const bool frto = undo->frto != FRTO_OFF && frto_step(tcb, ack);

	if (!undo->possible)
		return UNDO_NONE;
	if (is_eifel(tcb, ack))
		return UNDO_EIFEL;
	if (undo->resent > 0 && undo->needless == undo->resent)
		return UNDO_DSACK;
	return frto ? UNDO_FRTO : UNDO_NONE;
}

void undo_wakes(struct tcb *tcb)
{
	const struct tcb_path *const path = path_of(tcb);

	if (path && path->undo.possible)
		tcb->warm->undo = path->undo;
}

void undo_rests(struct tcb *tcb)
{
	const struct undo *const undo = &tcb->warm->undo;
	const bool open = tcb->sack_ok && undo->possible && undo->needless < undo->resent;
	struct tcb_path *const path = open ? path_attach(tcb) : path_of(tcb);

	if (!path)
		return;
	path->undo = open ? *undo : (struct undo){ 0 };
	path->undo.frto = FRTO_OFF;
}

void undo_done(struct tcb *tcb)
{
	struct undo *const undo = &tcb->warm->undo;

	*undo = (struct undo){
		.resent = undo->resent, .needless = undo->needless, .first_resent_ts = undo->first_resent_ts,
		.resent_end = undo->resent_end, .from = undo->from,
	};
}
