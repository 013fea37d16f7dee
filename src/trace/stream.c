#include "trace/inner.h"

#include "base/bytes.h"

/* Theory of operation. Octets that the vantage sees for the first time are new, or fill a hole; octets that it has
 * seen are sent again, probe, or were doubled by the network. A hole is filled by a segment that was overtaken on its
 * way here, or by one that is sent again because it was lost before it came here: the timestamp tells (RFC 7323: one
 * that is sent again carries a newer one than those sent before), else the time: no sender learns of a loss in less
 * than a round trip.
 *
 * Why something is sent again is not on the wire. By three duplicate ACKs or by SACKs beyond it, near the ACK that says
 * so: fast. The last of the flight, with nothing of the kind, before a time-out could be, or for the first time where
 * one could be: a tail probe. After a silence of at least 200 ms, or again though nothing sent later has come: by
 * time-out. In smaller pieces than it left in: the path takes less. */

static const tern_time RTO_MIN = 200 * TERN_MILLISECOND; /* Linux's and ours; RFC 6298 has 1 s */
static const tern_time DOUBLED =
	2 * TERN_MILLISECOND; /* within which the same packet again is a copy, RTT unknown */

static const tern_time QUIET = 20 * TERN_MILLISECOND;

enum { DUPLICATES = 3 };

uint32_t stream_front(const struct trace_end *end)
{
	return end->holes > 0 ? end->hole[0].from : end->nxt;
}

/* ---- holes ---- */

static void open_hole(struct look *look)
{
	struct trace_end *const me = look->me;

	if (me->holes == TRACE_HOLES) { /* the oldest is given up: what fills it will seem to be sent again */
		memmove(me->hole, me->hole + 1, (TRACE_HOLES - 1) * sizeof *me->hole);
		me->holes--;
	}
	me->hole[me->holes++] = (struct trace_hole){
		.from = me->nxt,
		.to = look->segment->seq,
		.ts = look->segment->opt.ts_val,
		.has_ts = look->segment->opt.has_ts,
		.since = look->segment->at,
	};
	look->found.after_hole = true;
}

/* The hole that [seq, end) reaches into; -1: none. */
static int hole_of(const struct trace_end *me, uint32_t seq, uint32_t end)
{
	for (unsigned i = 0; i < me->holes; i++)
		if (after(me->hole[i].to, seq) && after(end, me->hole[i].from))
			return (int)i;
	return -1;
}

static void remove_hole(struct trace_end *me, unsigned i)
{
	memmove(&me->hole[i], &me->hole[i + 1], (me->holes - i - 1) * sizeof *me->hole);
	me->holes--;
}

/* Takes [seq, end) out of hole i. Returns the octets that it filled. */
static uint32_t fill_hole(struct trace_end *me, unsigned i, uint32_t seq, uint32_t end)
{
	struct trace_hole *const hole = &me->hole[i];
	const uint32_t		 from = after(seq, hole->from) ? seq : hole->from;
	const uint32_t		 to = after(hole->to, end) ? end : hole->to;

	if (from == hole->from && to == hole->to) {
		remove_hole(me, i);
	} else if (from == hole->from) {
		hole->from = to;
	} else if (to == hole->to || me->holes == TRACE_HOLES) {
		hole->to = from; /* no room for a second half: that is taken to be filled */
	} else {
		memmove(hole + 1, hole, (me->holes - i) * sizeof *hole);
		me->holes++;
		hole[0].to = from;
		hole[1].from = to;
	}
	return to - from;
}

/* The peer acknowledged it: it went another way, or the capture lost it. */
static void forget_acked_holes(struct look *look)
{
	struct trace_end *const of = look->peer;

	while (of->holes > 0 && not_before(look->segment->ack, of->hole[0].to)) {
		of->n.missing += of->hole[0].to - of->hole[0].from;
		remove_hole(of, 0);
	}
}

/* ---- what is sent again ---- */

static tern_time rto_least(const struct trace_end *me)
{
	return me->srtt + RTO_MIN - RTO_MIN / 8;
}

static bool has_evidence(const struct look *look)
{
	return look->peer->dups >= DUPLICATES || after(look->peer->sack_high, look->end) ||
	       (look->me->in_recovery && !after(look->segment->seq, look->me->recover));
}

/* All that was in flight at the time-out counts as lost. */
static bool is_after_timeout(const struct look *look)
{
	return look->me->after_timeout && after(look->me->timeout_until, look->segment->seq);
}

/* What ACKs say of the loss is not new: if it had made the sender send, it would have done so before. */
static bool is_stale(const struct look *look)
{
	const tern_time rtt = trace_flow_rtt(look->flow);
	const bool	is_near = look->me->near == TRACE_JUDGED_NEAR || look->me->near == TRACE_TOLD_NEAR;

	return look->me->evidence_at < 0 ||
	       look->segment->at - look->me->evidence_at > (is_near ? 0 : rtt) + max_i64(rtt / 2, QUIET);
}

/* A probe is due after two round trips and what the peer may hold its ACK back, but no later than the time-out would
 * be, in whose place it leaves then (RFC 8985 7.2). One goes out in a row, and none without SACK. */
static bool may_probe_in_its_place(const struct look *look, const struct trace_record *record)
{
	const struct trace_end *const me = look->me;

	return record && record->times == 1 && look->segment->len > 1 && me->rtts > 0 && me->has_sack &&
	       look->peer->has_sack && !me->in_recovery && !me->after_timeout && look->peer->has_wnd &&
	       look->peer->wnd > 0;
}

/* A part of what left as one segment: the path takes less than it did. What was larger than an MSS the sender's
 * card had cut (TSO), and one octet is a probe. */
static bool is_cut_again(const struct look *look, const struct trace_record *record)
{
	const uint32_t len = look->segment->len, whole = record ? record->end - record->seq : 0;

	return len > 1 && len < whole && whole <= look->peer->mss && !after(look->end, record->end);
}

static enum tern_retransmit_why why_again(const struct look *look, const struct trace_record *record)
{
	const struct trace_end *const me = look->me;
	const tern_time		      now = look->segment->at, since = record ? now - record->last : RTO_MIN;
	const bool first = look->segment->seq == me->una || !after(look->segment->seq, me->una);
	const bool tail = look->end == me->nxt;

	if (look->segment->flags & TERN_SYN)
		return (look->segment->flags & TERN_ACK) && look->peer->last_at >= me->last_at &&
				       since < RTO_MIN
			       ? TERN_RETRANSMIT_DUPLICATE_SYN
			       : TERN_RETRANSMIT_TIMEOUT;
	/* Sent again already, and nothing sent later has come: only silence makes a sender do it once more. */
	if (first && record && record->times > 1 && me->came_at <= record->last)
		return TERN_RETRANSMIT_TIMEOUT;
	if (is_after_timeout(look) && (!first || (record && record->times == 1)))
		return TERN_RETRANSMIT_AFTER_TIMEOUT;
	if (since < rto_least(me) && !me->in_recovery && is_cut_again(look, record))
		return TERN_RETRANSMIT_PATH_MTU;
	if (has_evidence(look) && !(first && since >= rto_least(me) && is_stale(look)))
		return TERN_RETRANSMIT_FAST;
	if (tail && !first)
		return TERN_RETRANSMIT_TAIL_PROBE;
	if (tail && (since < rto_least(me) || may_probe_in_its_place(look, record)))
		return TERN_RETRANSMIT_TAIL_PROBE;
	if (since < rto_least(me) && me->after_timeout)
		return TERN_RETRANSMIT_AFTER_TIMEOUT;
	return since < rto_least(me) ? TERN_RETRANSMIT_FAST : TERN_RETRANSMIT_TIMEOUT;
}

static void count_again(struct look *look)
{
	struct trace_end *const me = look->me;

	me->n.retransmitted++;
	me->n.retransmitted_octets += look->segment->len;
	switch (look->found.why) {
	case TERN_RETRANSMIT_FAST:
		me->n.fast++;
		if (!me->in_recovery) {
			me->in_recovery = true;
			me->recover = me->nxt;
		}
		break;
	case TERN_RETRANSMIT_TAIL_PROBE: me->n.tail_probes++; break;
	case TERN_RETRANSMIT_PATH_MTU: me->n.path_mtu++; break;
	default: me->n.timeout++; break;
	}
	if (look->found.why != TERN_RETRANSMIT_TIMEOUT)
		return;
	me->after_timeout = true;
	me->timeout_until = me->nxt;
	me->in_recovery = false;
}

/* The same packet again, so soon that no sender could have missed it: the network made two of it, or the capture saw it
 * twice. */
static bool is_copy(const struct look *look, const struct trace_record *record)
{
	const struct trace_segment *const seg = look->segment;
	const tern_time			  rtt = trace_flow_rtt(look->flow),
			since = record ? seg->at - record->last : TERN_NEVER;

	if (seg->id != 0 && seg->id == look->me->last_id && since < TERN_SECOND)
		return true;
	if (seg->opt.has_ts && record && after(look->me->ts, seg->opt.ts_val) && since < RTO_MIN)
		return true; /* older than what was sent since */
	return since < (rtt > 0 ? min_i64(rtt / 2, RTO_MIN / 2) : DOUBLED) && !has_evidence(look) &&
	       !is_after_timeout(look);
}

static void again(struct look *look)
{
	struct trace_end *const	   me = look->me;
	struct trace_record *const record = seen_find(&me->flight, look->segment->seq);

	if (is_copy(look, record)) {
		look->found.duplicate = true;
		me->n.duplicates++;
		return;
	}
	look->found.retransmitted = true;
	look->found.has_why = true;
	look->found.why = why_again(look, record);
	look->found.needless = not_before(me->una, look->end) || (record && record->sacked);
	me->n.needless += look->found.needless;
	count_again(look);
	if (!record)
		return;

	struct trace_step *const step = trace_story_step(look->flow, record->step);

	/* What is sent again was lost, until its receiver shows that it was not. */
	if (step && !look->found.needless)
		step->found.lost = true;
	me->n.lost_after += !look->found.needless;
	record->last = look->segment->at;
	record->times++;
	record->step = look->step;
}

static void late(struct look *look, unsigned hole)
{
	struct trace_end *const		  me = look->me;
	const struct trace_segment *const seg = look->segment;
	const struct trace_hole *const	  at = &me->hole[hole];
	const tern_time			  rtt = trace_flow_rtt(look->flow), since = seg->at - at->since;
	bool				  sent_again = since >= (rtt > 0 ? rtt - rtt / 8 : DOUBLED);

	if (seg->opt.has_ts && at->has_ts && seg->opt.ts_val != at->ts)
		sent_again = after(seg->opt.ts_val, at->ts);
	me->n.text += fill_hole(me, hole, seg->seq, look->end);
	seen_add(&me->flight, look, true);
	if (!sent_again) {
		look->found.out_of_order = true;
		me->n.out_of_order++;
		return;
	}
	look->found.retransmitted = true;
	look->found.has_why = true;
	look->found.why = why_again(look, NULL);
	if (since < rto_least(me) || has_evidence(look))
		look->found.why = TERN_RETRANSMIT_FAST;
	me->n.lost_before++;
	count_again(look);
}

/* ---- probes ---- */

static void note_probe(struct look *look)
{
	struct trace_end *const me = look->me;

	me->probe_gap = me->probe_at >= 0 ? look->segment->at - me->probe_at : -1;
	me->probe_at = look->segment->at;
}

/* One octet at most, where nothing new could be sent, or nothing has to be. */
static bool is_probe(struct look *look)
{
	const struct trace_segment *const seg = look->segment;
	struct trace_end *const		  me = look->me;
	const bool			  closed = look->peer->has_wnd && look->peer->wnd == 0;

	if (seg->len > 1 || (seg->flags & (TERN_SYN | TERN_FIN | TERN_RST)) || !look->peer->has_ack)
		return false;
	if (closed && (seg->len == 1 ? not_before(seg->seq, look->peer->edge) || seg->seq == me->una
				     : seg->seq == me->una - 1)) {
		me->n.probes++;
		note_probe(look);
		look->found.probe = true;
		look->found.has_why = seg->len == 1 && seg->seq != me->nxt;
		look->found.why = TERN_RETRANSMIT_ZERO_WINDOW_PROBE;
		return true;
	}
	if (seg->seq == me->nxt - 1 && me->una == me->nxt) {
		me->n.keepalives++;
		me->asked++;
		note_probe(look);
		look->found.probe = true;
		look->found.has_why = true;
		look->found.why = TERN_RETRANSMIT_KEEPALIVE;
		return true;
	}
	return false;
}

/* ---- the door ---- */

static void new_text(struct look *look)
{
	struct trace_end *const me = look->me;

	if (after(look->segment->seq, me->nxt))
		open_hole(look);
	me->n.text += min_u32(look->segment->len, look->end - me->nxt);
	me->nxt = look->end;
	me->probe_at = -1;
	me->text_at = look->flow->moved_at = look->segment->at;
	seen_add(&me->flight, look, false);
	if (me->after_timeout && !after(me->timeout_until, me->una))
		me->after_timeout = false;
	look->found.window_full = look->segment->len > 0 && look->peer->has_wnd && look->peer->wnd > 0 &&
				  look->end == look->peer->edge;
	me->n.window_full += look->found.window_full;
}

void stream_segment(struct look *look)
{
	struct trace_end *const		  me = look->me;
	const struct trace_segment *const seg = look->segment;
	const uint32_t			  n = look->end - seg->seq;

	look->front = stream_front(me);
	if (is_probe(look)) {
		if (after(look->end, me->nxt)) /* a probe with new text */
			new_text(look);
	} else if (n > 0 && after(look->end, me->nxt)) {
		new_text(look);
	} else if (n > 0) {
		const int hole = hole_of(me, seg->seq, look->end);

		if (hole >= 0)
			late(look, (unsigned)hole);
		else
			again(look);
	} else if (after(seg->seq, me->nxt) && me->is_seen) {
		open_hole(look); /* an ACK tells what was sent before it */
		me->nxt = look->end;
	}
	if (seg->flags & TERN_ACK) {
		if (after(seg->ack, look->peer->nxt) && look->peer->is_seen) {
			look->found.acks_unseen = true;
			look->peer->n.missing += seg->ack - look->peer->nxt;
			look->peer->nxt = seg->ack;
		}
		forget_acked_holes(look);
	}
	look->found.verdict = TERN_VERDICT_ACCEPTED;
	if (n > 0 && after(seg->seq, look->front))
		look->found.verdict = TERN_VERDICT_OUT_OF_ORDER;
	else if (n > 0 && (look->found.duplicate || look->found.needless) && !after(look->end, look->front))
		look->found.verdict = TERN_VERDICT_DUPLICATE;
}
