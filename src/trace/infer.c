#include "trace/inner.h"

#include "base/bytes.h"
#include "wire/tuple.h"

#include <string.h>

/* A segment of one connection, step by step: who sent it, what its numbers say, what its ACK says, what follows for the
 * states of both ends. */

static bool same_end(const struct tern_tuple *tuple, const struct tern_tuple *other)
{
	return tuple->local_port == other->local_port && addr_equal(&tuple->local, &other->local);
}

unsigned trace_sender(const struct trace_flow *flow, const struct trace_segment *segment)
{
	return !(same_end(&flow->tuple, &segment->tuple) &&
		 segment->tuple.remote_port == flow->tuple.remote_port);
}

void trace_flow_begin(struct trace_flow *flow, const struct trace_segment *segment)
{
	const bool syn = segment->flags & TERN_SYN, ack = segment->flags & TERN_ACK;
	const bool by_peer = syn ? ack : segment->tuple.local_port < segment->tuple.remote_port;

	flow->tuple = by_peer ? tuple_turned(&segment->tuple) : segment->tuple;
	flow->opener_known = syn;
	flow->opened = TRACE_OPEN_UNSEEN;
	flow->closed = TRACE_CLOSE_OPEN;
	flow->first = segment->at;
	flow->packet_first = segment->packet;
	flow->handshake = flow->syn_at = flow->syn_ack_at = -1;
	flow->end[0].idle_since = flow->end[1].idle_since = -1;
	flow->end[0].evidence_at = flow->end[1].evidence_at = -1;
	for (unsigned side = 0; side < 2; side++)
		flow->end[side].text_at = flow->end[side].zero_at = flow->end[side].probe_at = -1;
	flow->moved_at = segment->at;
}

void trace_flow_done(struct trace_flow *flow)
{
	for (unsigned side = 0; side < 2; side++)
		seen_done(&flow->end[side].flight);
	trace_story_free(flow->story);
	flow->story = NULL;
}

tern_time trace_flow_rtt(const struct trace_flow *flow)
{
	const tern_time halves = (flow->end[0].rtts ? flow->end[0].rtt_min : 0) +
				 (flow->end[1].rtts ? flow->end[1].rtt_min : 0);

	if (flow->handshake > 0 && (halves == 0 || flow->handshake < halves))
		return flow->handshake;
	return halves;
}

bool trace_flow_is_over(const struct trace_flow *flow)
{
	const struct trace_end *const a = &flow->end[0], *const b = &flow->end[1];

	if (flow->closed == TRACE_CLOSE_RST || flow->opened == TRACE_OPEN_REFUSED)
		return true;
	return a->has_fin && b->has_fin && not_before(a->una, a->fin) && not_before(b->una, b->fin);
}

/* ---- where the vantage is ---- */

/* The end that answers at once is near; the other's answer takes the round trip. */
static void judge(struct trace_flow *flow, tern_time first, tern_time second)
{
	struct trace_end *const near = first * 4 < second   ? &flow->end[1]
				       : second * 4 < first ? &flow->end[0]
							    : NULL;

	if (near && near->near == TRACE_NOT_NEAR && flow->end[near == flow->end].near != TRACE_TOLD_NEAR)
		near->near = TRACE_JUDGED_NEAR;
}

static void take_direction(struct look *look)
{
	if (look->segment->direction == TRACE_OUTBOUND && look->me->near != TRACE_NEVER_NEAR)
		look->me->near = TRACE_TOLD_NEAR;
	if (look->segment->direction == TRACE_INBOUND && look->me->near == TRACE_JUDGED_NEAR)
		look->me->near = TRACE_NOT_NEAR;
}

static void watch_handshake(struct look *look)
{
	struct trace_flow *const flow = look->flow;
	const unsigned		 flags = look->segment->flags & (TERN_SYN | TERN_ACK | TERN_RST | TERN_FIN);

	if (flags == TERN_SYN && look->side == 0) {
		flow->syn_at = flow->end[0].n.segments == 0 ? look->segment->at : -1;
		flow->opened = TRACE_OPEN_TRIED;
	} else if (flags == TERN_SYN && flow->opened == TRACE_OPEN_TRIED) {
		flow->opened = TRACE_OPEN_SIMULTANEOUS;
	} else if (flags == (TERN_SYN | TERN_ACK)) {
		flow->syn_ack_at = look->me->n.segments == 0 ? look->segment->at : -1;
		if (flow->opened <= TRACE_OPEN_TRIED)
			flow->opened = TRACE_OPEN_HALF;
	} else if (flags == TERN_ACK && look->side == 0 && flow->opened == TRACE_OPEN_HALF) {
		flow->opened = TRACE_OPEN_THREE;
		flow->opening = min_i64(look->segment->at - flow->first, TRACE_ROUND_MAX);
		if (flow->syn_at < 0 || flow->syn_ack_at < 0 || look->segment->len > 0)
			return;
		if (look->segment->at < flow->syn_at || look->segment->at - flow->syn_at > TRACE_ROUND_MAX)
			return;
		flow->handshake = look->segment->at - flow->syn_at;
		judge(flow, flow->syn_ack_at - flow->syn_at, look->segment->at - flow->syn_ack_at);
	}
}

/* ---- what a segment announces ---- */

static void take_syn(struct look *look)
{
	struct trace_end *const		me = look->me;
	const struct tcp_options *const opt = &look->segment->opt;

	if (me->has_syn && me->iss == look->segment->seq)
		return;
	me->has_syn = true;
	me->iss = look->segment->seq;
	me->has_wscale = opt->has_wscale;
	me->wscale = opt->wscale;
	me->mss = opt->has_mss ? opt->mss : 536;
	me->has_sack = opt->sack_permitted;
	me->has_ts = opt->has_ts;
}

static uint32_t scaled(const struct look *look)
{
	const bool both = look->me->has_wscale && look->peer->has_wscale;

	return (uint32_t)look->segment->wnd
	       << (both && !(look->segment->flags & TERN_SYN) ? look->me->wscale : 0);
}

/* The scale is in the SYNs alone (RFC 7323 2.2). */
static bool scale_known(const struct look *look)
{
	return look->me->has_syn && look->peer->has_syn;
}

static bool is_duplicate_ack(const struct look *look)
{
	const struct trace_end *const me = look->me;

	return me->has_ack && look->segment->ack == me->ack && look->end == look->segment->seq &&
	       look->wnd == me->wnd && after(look->peer->nxt, me->ack) && !look->found.probe;
}

/* An ACK of what cannot have been sent: forged, or of another incarnation. */
static bool is_possible_ack(const struct look *look)
{
	const struct trace_end *const me = look->me, *const peer = look->peer;

	if (!peer->is_seen || !after(look->segment->ack, peer->nxt))
		return true;
	if (!me->has_ack)
		return !peer->has_syn; /* the capture began later */
	return scale_known(look) && not_before(me->edge + 1, look->segment->ack);
}

static void take_ack(struct look *look)
{
	struct trace_end *const me = look->me, *const peer = look->peer;
	const struct trace_segment *const seg = look->segment;

	if (is_duplicate_ack(look)) {
		me->dups++;
		me->n.duplicate_acks++;
	}
	if (!peer->is_seen || after(seg->ack, peer->una)) {
		peer->una = seg->ack;
		look->flow->moved_at = seg->at;
		if (!peer->is_seen && !peer->has_syn) {
			peer->nxt = peer->seq0 = seg->ack;
			peer->is_seen = true;
		}
		me->dups = 0;
		peer->evidence_at = -1;
		seen_acked(look);
		if (peer->in_recovery && not_before(seg->ack, peer->recover))
			peer->in_recovery = false;
		if (peer->after_timeout && not_before(seg->ack, peer->timeout_until))
			peer->after_timeout = false;
	}
	if (seg->opt.n_sack > 0)
		seen_sacked(look);
	if (peer->evidence_at < 0 && (me->dups >= 3 || after(me->sack_high, seg->ack)))
		peer->evidence_at = seg->at;
	if (look->wnd == 0 && !(me->has_wnd && me->wnd == 0) && !(seg->flags & TERN_SYN)) {
		look->found.zero_window = true;
		me->n.zero_windows++;
	}
	if (!me->has_ack || not_before(seg->ack, me->ack)) {
		me->ack = seg->ack;
		me->wnd = look->wnd;
		me->ack_at = seg->at;
		if (look->wnd > 0 || (seg->flags & TERN_SYN))
			me->zero_at = -1;
		else if (me->zero_at < 0)
			me->zero_at = seg->at;
	}
	me->has_wnd = scale_known(look) || look->wnd == 0;
	if (!me->has_ack || after(seg->ack + look->wnd, me->edge))
		me->edge = seg->ack + look->wnd;
	me->has_ack = true;
}

static void take_fin(struct look *look)
{
	struct trace_flow *const flow = look->flow;
	struct trace_end *const	 me = look->me;

	if (me->has_fin)
		return;
	me->has_fin = true;
	me->fin = look->end;
	me->text_at = flow->moved_at = look->segment->at;
	me->fin_acks_ours = look->peer->has_fin && not_before(look->segment->ack, look->peer->fin);
	if (flow->closed == TRACE_CLOSE_OPEN) {
		flow->closed = TRACE_CLOSE_HALF;
		flow->closer = (uint8_t)look->side;
	} else if (flow->closed == TRACE_CLOSE_HALF) {
		flow->closed = me->fin_acks_ours ? TRACE_CLOSE_FINS : TRACE_CLOSE_CROSSING;
	}
}

static void take_rst(struct look *look)
{
	struct trace_flow *const flow = look->flow;

	look->me->n.resets++;
	if (flow->opened == TRACE_OPEN_TRIED && !look->me->has_syn) {
		/* RFC 9293 3.10.7.3: one that does not acknowledge the SYN is nobody's answer to it. */
		if (!(look->segment->flags & TERN_ACK) || look->segment->ack != look->peer->iss + 1)
			return;
		flow->opened = TRACE_OPEN_REFUSED;
		look->found.verdict = TERN_VERDICT_REFUSED;
	} else if (look->found.verdict == TERN_VERDICT_RESET && flow->closed != TRACE_CLOSE_RST &&
		   !trace_flow_is_over(flow)) {
		flow->closed = TRACE_CLOSE_RST;
		flow->closer = (uint8_t)look->side;
	}
}

/* ---- the steps ---- */

/* Beyond any window that was offered, or an ACK of nothing: not of this stream. */
static bool is_foreign(const struct look *look)
{
	const struct trace_end *const me = look->me, *const peer = look->peer;
	const struct trace_segment *seg = look->segment;

	if (seg->flags & (TERN_SYN | TERN_RST))
		return false;
	if ((seg->flags & TERN_ACK) && !is_possible_ack(look))
		return true;
	if (!me->is_seen || !peer->has_ack || !scale_known(look))
		return false;
	return after(seg->seq, peer->edge + 65536) || (int32_t)(seg->seq - me->nxt) < -(1 << 30);
}

/* A bare ACK of old numbers that answers what was not acceptable (RFC 5961 7, RFC 9293 3.10.7.4). */
static void find_challenge(struct look *look, const struct trace_step *before)
{
	if (!before || before->end == look->side || look->end != look->segment->seq)
		return;
	const enum tern_verdict verdict = before->found.verdict;

	if (verdict != TERN_VERDICT_BLIND_RESET && verdict != TERN_VERDICT_BLIND_SYN)
		return;
	look->found.challenge = true;
	look->found.provoked = true;
	look->found.of = look->step - 1;
	look->me->n.challenges++;
}

static void find_provocation(struct look *look)
{
	for (uint32_t step = look->step - 1, back = 0; step > 0 && back < 8; step--, back++) {
		const struct trace_step *const at = trace_story_step(look->flow, step);

		if (!at || at->end == look->side)
			continue;
		look->found.provoked = true;
		look->found.of = step;
		return;
	}
}

/* Where the end could send what it had, and has not, it had nothing to send. */
static void watch_idle(struct look *look)
{
	for (unsigned side = 0; side < 2; side++) {
		struct trace_end *const end = &look->flow->end[side], *const other = &look->flow->end[!side];
		const bool idle = end->is_seen && end->una == end->nxt && end->holes == 0 && other->has_ack &&
				  other->wnd >= (end->mss ? end->mss : 536u);

		if (!idle)
			end->idle_since = -1;
		else if (end->idle_since < 0)
			end->idle_since = look->segment->at;
	}
}

/* A listener that had forgotten the SYN (or never kept it: a cookie) answers it anew, with another number. */
static void take_new_answer(struct look *look)
{
	struct trace_end *const me = look->me;

	seen_done(&me->flight);
	me->holes = 0;
	me->has_syn = false;
	me->is_seen = false;
	me->state = TERN_STATE_LISTEN;
	me->pending[TRACE_PENDING_SYN_ACKED].is_set = false;
	look->flow->syn_ack_at = -1;
}

static void analyse(struct look *look)
{
	const unsigned		flags = look->segment->flags;
	struct trace_end *const me = look->me;

	look->found.verdict = TERN_VERDICT_ACCEPTED;
	look->front = stream_front(me);
	look->had_fin = me->has_fin;
	if (is_foreign(look)) {
		look->found.verdict = after(look->segment->seq, me->nxt) ? TERN_VERDICT_OUT_OF_WINDOW
									 : TERN_VERDICT_BAD_ACK;
		return;
	}
	if (flags & TERN_RST) {
		state_sent(look);
		state_passed(look);
		take_rst(look);
		return;
	}
	if ((flags & TERN_SYN) && (flags & TERN_ACK) && me->has_syn && me->iss != look->segment->seq &&
	    me->state == TERN_STATE_SYN_RECEIVED && !me->was_syn_sent &&
	    look->segment->ack == look->peer->iss + 1)
		take_new_answer(look);
	if ((flags & TERN_SYN) && me->has_syn && me->iss != look->segment->seq) {
		look->found.verdict = TERN_VERDICT_BLIND_SYN;
		return;
	}
	if (flags & TERN_SYN)
		take_syn(look);
	if (!me->is_seen) {
		me->seq0 = me->nxt = look->segment->seq;
		me->una = me->seq0;
		me->is_seen = true;
	}
	stream_segment(look);
	if (me->near == TRACE_JUDGED_NEAR && (look->found.out_of_order || me->n.lost_before > 0))
		me->near = TRACE_NEVER_NEAR;
	if (flags & TERN_FIN)
		take_fin(look);
	state_sent(look);
	if (flags & TERN_ACK)
		take_ack(look);
	state_passed(look);
	watch_idle(look);
	if (look->segment->opt.has_ts && (!me->ts_seen || after(look->segment->opt.ts_val, me->ts))) {
		me->ts = look->segment->opt.ts_val;
		me->ts_seen = true;
	}
}

void trace_flow_segment(struct trace_flow *flow, const struct trace_segment *segment)
{
	const unsigned	   side = trace_sender(flow, segment);
	struct look	   look = { .flow = flow, .segment = segment, .side = side };
	struct trace_step *step = trace_story_add(flow, segment, side);

	look.me = &flow->end[side];
	look.peer = &flow->end[!side];
	look.end = segment->seq + trace_seg_len(segment);
	look.wnd = scaled(&look);
	look.step = step ? flow->story->n : 0;
	flow->segments++;
	flow->last = segment->at;
	flow->packet_last = segment->packet;
	if (segment->is_corrupt) {
		look.me->n.corrupt++;
		look.found.verdict = TERN_VERDICT_BAD_CHECKSUM;
	} else {
		take_direction(&look);
		look.peer->asked = 0;
		watch_handshake(&look);
		analyse(&look);
		look.me->n.octets += segment->len;
	}
	look.me->n.segments++;
	look.me->last_at = segment->at;
	look.me->last_id = segment->id;
	if (!step)
		return;
	if (segment->flags & TERN_RST)
		find_provocation(&look);
	else
		find_challenge(&look, trace_story_step(flow, look.step - 1));
	step = trace_story_step(flow, look.step);
	look.found.lost = step->found.lost;
	step->found = look.found;
	step->wnd = look.wnd;
	step->wscale_known = scale_known(&look);
}

void trace_flow_end(struct trace_flow *flow)
{
	state_end(flow);
}

/* ---- names ---- */

const char *trace_opened_name(enum trace_opened opened)
{
	static const char *const names[] = { "unseen", "unanswered", "refused",
					     "half",   "three-way",  "simultaneous" };

	return names[opened];
}

const char *trace_closed_name(enum trace_closed closed)
{
	static const char *const names[] = { "open", "half-closed", "fin", "crossing-fin", "rst" };

	return names[closed];
}
