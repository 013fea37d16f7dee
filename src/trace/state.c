#include "trace/inner.h"

#include "base/bytes.h"

/* Theory of operation. Each segment is looked at twice: as sent, which proves things of its sender, and as passed on
 * its way to the other end, which it may or may not reach. What it would do there is kept as pending and becomes a
 * change of state
 *
 *	at once     where that end is near the vantage (all that passes here arrives there, or nearly all),
 *	by proof    as soon as that end sends what it can only send after it,
 *	at the end  where nothing spoke against it.
 *
 * Where more than one course of things would have put the same segments here, what hangs on the difference is unseen.
 *
 * A sender that repeats what was acknowledged has not heard the ACK: what was pending is given up, and the next one
 * stands in its place. The words "proved" and "near" are flow.h's. RFC 9293 3.10.7 gives each edge; the retransmission
 * limit, user time-outs and 2MSL leave no trace on the wire, and nothing is said of them.
 */

/* A sender that paces may keep a segment back for as long with nothing in flight; longer where its first round trip
 * took longer, since that sets its pace. */
static const tern_time PACED = TERN_SECOND;

/* It had nothing to send for a while, though it could have: so no CLOSE had been called before (RFC 9293 3.10.4: a FIN
 * waits behind text, and its state does not). */
static bool was_idle(const struct look *look)
{
	const tern_time rtt = trace_flow_rtt(look->flow);
	const tern_time enough = max_i64(max_i64(4 * rtt, PACED), 2 * look->flow->opening);

	/* Of an end far away text may be under way that was lost before it came here. */
	return knows_all_of(look->me) && look->me->idle_since >= 0 &&
	       look->segment->at - look->me->idle_since > enough;
}

/* ---- what a segment proves of its sender ---- */

static void sent_syn(struct look *look)
{
	struct trace_end *const me = look->me;
	const uint32_t		step = look->step ? look->step - 1 : 0;

	if (!(look->segment->flags & TERN_ACK)) {
		if (!me->has_state || me->state == TERN_STATE_LISTEN) {
			me->state = TERN_STATE_CLOSED;
			edge_add(look->flow, look->side, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE, step, false,
			       true);
		}
		me->was_syn_sent = true;
		return;
	}
	if (me->state == TERN_STATE_ESTABLISHED && !me->is_proved && me->has_state && look->flow->story) {
		/* It says its SYN again: the ACK that was taken to have arrived has not. */
		struct trace_change *const last = edge_last(look->flow, look->side);

		if (last && last->why == TERN_WHY_OUR_SYN_ACKED && !knows_all_of(me)) {
			last->is_gone = true;
			me->state = TERN_STATE_SYN_RECEIVED;
		}
	}
	if (!knows_all_of(me))
		me->pending[TRACE_PENDING_SYN_ACKED].is_set = false;
	if (!me->has_state || me->state == TERN_STATE_SYN_SENT || me->state == TERN_STATE_LISTEN) {
		if (!me->pending[TRACE_PENDING_SYN].is_set && !look->peer->has_syn)
			edge_appear(look->flow, look->side, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED, step);
		else {
			me->pending[TRACE_PENDING_SYN].is_set = true;
			pending_take(look->flow, look->side, TRACE_PENDING_SYN);
		}
	}
	/* From LISTEN only where no SYN of its own can have been lost before it came here. */
	if (me->state == TERN_STATE_SYN_RECEIVED && (me->was_syn_sent || knows_all_of(me)))
		edge_prove(look->flow, look->side);
}

/* It has sent something without SYN that a connection half open would not send. */
static void sent_synchronized(struct look *look)
{
	struct trace_end *const me = look->me;
	const struct trace_end *peer = look->peer;
	const uint32_t		step = look->step ? look->step - 1 : 0;
	const bool		speaks = look->segment->len > 0 || (look->segment->flags & TERN_FIN) ||
			    (peer->has_syn && look->segment->ack != peer->iss + 1);

	if (!me->has_state || me->state == TERN_STATE_LISTEN) {
		edge_appear(look->flow, look->side, TERN_STATE_ESTABLISHED,
		       me->has_syn && me->was_syn_sent ? TERN_WHY_SYN_ACK_ARRIVED : TERN_WHY_OUR_SYN_ACKED,
		       step);
		return;
	}
	if (me->state == TERN_STATE_SYN_SENT) {
		/* Both at once, and no SYN-ACK of its own came by: through SYN-RECEIVED or not, nothing tells. */
		const bool crossed = me->pending[TRACE_PENDING_SYN].is_set;

		me->pending[TRACE_PENDING_SYN].is_set = false;
		if (me->pending[TRACE_PENDING_SYN_ACKED].is_set && !crossed)
			pending_take(look->flow, look->side, TRACE_PENDING_SYN_ACKED);
		else
			edge_appear(look->flow, look->side, TERN_STATE_ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED,
			       step);
	}
	if (me->state == TERN_STATE_SYN_RECEIVED) {
		if (me->pending[TRACE_PENDING_SYN_ACKED].is_set)
			pending_take(look->flow, look->side, TRACE_PENDING_SYN_ACKED);
		else if (speaks)
			edge_appear(look->flow, look->side, TERN_STATE_ESTABLISHED, TERN_WHY_OUR_SYN_ACKED, step);
	}
	if (me->state != TERN_STATE_ESTABLISHED || me->is_proved)
		return;
	/* Out of SYN-SENT another way leads through SYN-RECEIVED, where the peer sent a SYN alone. */
	const struct trace_change *const last = edge_last(look->flow, look->side);
	const bool			 by_syn_ack = last && last->why == TERN_WHY_SYN_ACK_ARRIVED;

	/* An end that opened itself may close before it is open; then it was never ESTABLISHED. */
	if (!by_syn_ack && me->was_syn_sent)
		return;
	if (by_syn_ack ? !look->peer->was_syn_sent && (knows_all_of(me) || knows_all_of(peer))
		       : look->segment->len > 0 || (speaks && !(look->segment->flags & TERN_FIN)) ||
				 knows_all_of(me))
		edge_prove(look->flow, look->side);
}

/* It acknowledges the peer's FIN. */
static void sent_ack_of_fin(struct look *look)
{
	struct trace_end *const me = look->me;
	const bool knew = me->state == TERN_STATE_ESTABLISHED || me->state == TERN_STATE_FIN_WAIT_1 ||
			  me->state == TERN_STATE_FIN_WAIT_2;
	const bool any_near = knows_all_of(me) || knows_all_of(look->peer);
	const bool was_proved = me->is_proved;

	if (knew) {
		if (!me->pending[TRACE_PENDING_FIN].is_set)
			me->pending[TRACE_PENDING_FIN] =
				(struct trace_passed){ .is_set = true,
						       .step = look->step ? look->step - 1 : 0,
						       .packet = look->segment->packet };
		pending_take(look->flow, look->side, TRACE_PENDING_FIN);
	}
	switch (me->state) {
	case TERN_STATE_CLOSE_WAIT:
		if (was_idle(look) && !look->found.after_hole && !look->found.retransmitted)
			edge_prove(look->flow, look->side);
		break;
	case TERN_STATE_CLOSING:
		if (any_near && was_proved && look->peer->has_ack && after(me->fin, look->peer->ack))
			edge_prove(look->flow, look->side);
		break;
	case TERN_STATE_TIME_WAIT:
		if (look->peer->fin_acks_ours && knows_all_of(me))
			edge_prove(look->flow, look->side);
		break;
	default: break;
	}
}

/* Its FIN had left before it knew of its peer's, as the numbers of its ACKs show; only, it was lost before it came
 * here: so the two crossed, and what was taken for CLOSE-WAIT was not. */
static void fin_came_before(struct look *look)
{
	struct trace_end *const	   me = look->me;
	struct trace_change *const last = edge_last(look->flow, look->side);
	const uint32_t		   step = last ? last->step : 0;

	if (last)
		last->is_gone = true;
	me->state = TERN_STATE_ESTABLISHED;
	edge_add(look->flow, look->side, TERN_STATE_FIN_WAIT_1, TERN_WHY_CLOSE_CALLED, step, false, false);
	edge_add(look->flow, look->side, TERN_STATE_CLOSING, TERN_WHY_FIN_ARRIVED, step, true, false);
}

/* What it has sent when it does not acknowledge its peer's FIN, or does so for the first time: the number of a bare ACK
 * tells of what was lost on its way here, too. */
static void watch_fins(struct look *look)
{
	struct trace_end *const me = look->me;
	const bool knows = look->peer->has_fin && not_before(look->segment->ack, look->peer->fin);
	const uint32_t until = knows ? look->segment->seq : look->end;

	if (knows && me->knew_fin)
		return;
	if (!me->has_sent_before || after(until, me->sent_before))
		me->sent_before = until;
	me->has_sent_before = true;
	me->knew_fin = knows;
}

static void sent_fin(struct look *look)
{
	struct trace_end *const me = look->me;
	const uint32_t		step = look->step ? look->step - 1 : 0;
	const bool proved = me->is_proved || (me->state == TERN_STATE_CLOSE_WAIT && was_idle(look));
	const bool acks_fin = look->peer->has_fin && not_before(look->segment->ack, look->peer->fin);

	if (look->had_fin) {
		/* Again: the ACK of it that was taken to have arrived has not. */
		if (!knows_all_of(me))
			me->pending[TRACE_PENDING_FIN_ACKED].is_set = false;
		return;
	}
	switch (me->state) {
	case TERN_STATE_SYN_RECEIVED:
	case TERN_STATE_ESTABLISHED:
		edge_add(look->flow, look->side, TERN_STATE_FIN_WAIT_1, TERN_WHY_CLOSE_CALLED, step, false,
		       proved && (knows_all_of(me) || !acks_fin));
		break;
	case TERN_STATE_CLOSE_WAIT:
		if (me->has_sent_before && not_before(me->sent_before, look->end)) {
			fin_came_before(look);
			break;
		}
		if (proved)
			edge_prove(look->flow, look->side);
		edge_add(look->flow, look->side, TERN_STATE_LAST_ACK, TERN_WHY_CLOSE_CALLED, step, false,
		       proved);
		break;
	default: break;
	}
}

/* What passed on its way to an end far away comes there half a round trip later, and what that makes of it is seen here
 * after another half. */
static bool had_time(const struct look *look, enum trace_pending what)
{
	const tern_time rtt = trace_flow_rtt(look->flow);

	return knows_all_of(look->me) || look->segment->at - look->me->pending[what].at >= rtt - rtt / 8;
}

static void take_in_time(struct look *look, enum trace_pending what)
{
	if (had_time(look, what))
		pending_take(look->flow, look->side, what);
	else
		look->me->pending[what].is_set = false;
}

/* The RST acknowledges less than the peer's FIN: what was taken for its arrival has not been. */
static void not_the_fin(struct look *look)
{
	struct trace_change *const last = edge_last(look->flow, look->side);

	look->me->pending[TRACE_PENDING_FIN].is_set = false;
	if (!last || last->why != TERN_WHY_FIN_ARRIVED || last->basis == TERN_BASIS_OBSERVED)
		return;
	last->is_gone = true;
	look->me->state = last->from;
}

static void sent_rst(struct look *look)
{
	struct trace_end *const me = look->me;
	const uint32_t		step = look->step ? look->step - 1 : 0;
	const bool		fits = look->segment->seq == me->nxt ||
			  (not_before(look->segment->seq, me->una) && !after(look->segment->seq, me->nxt));

	if (!me->has_state || me->state < TERN_STATE_SYN_RECEIVED || !fits)
		return;
	if (me->state == TERN_STATE_SYN_RECEIVED && !(look->segment->flags & TERN_ACK))
		return; /* RFC 9293 3.10.7.4: an ACK that is none answered; the half-open connection stays */
	if (me->pending[TRACE_PENDING_RST].is_set || me->state == TERN_STATE_TIME_WAIT)
		return; /* it answers from CLOSED */
	pending_take(look->flow, look->side, TRACE_PENDING_SYN_ACKED);
	if (me->state == TERN_STATE_LAST_ACK && me->pending[TRACE_PENDING_FIN_ACKED].is_set) {
		pending_take(look->flow, look->side, TRACE_PENDING_FIN_ACKED);
		return;
	}
	if ((look->segment->flags & TERN_ACK) && look->peer->has_fin &&
	    after(look->peer->fin, look->segment->ack))
		not_the_fin(look); /* it says so itself */
	/* Whether what had passed on its way to it came before it gave up. */
	const bool vague = !knows_all_of(me) && (me->pending[TRACE_PENDING_FIN_ACKED].is_set ||
						 (me->pending[TRACE_PENDING_FIN].is_set &&
						  !(look->segment->flags & TERN_ACK)));

	me->pending[TRACE_PENDING_FIN_ACKED].is_vague = me->pending[TRACE_PENDING_FIN].is_vague = vague;
	take_in_time(look, TRACE_PENDING_FIN_ACKED);
	take_in_time(look, TRACE_PENDING_FIN);
	if (me->state == TERN_STATE_CLOSED || me->state == TERN_STATE_TIME_WAIT)
		return;
	edge_add(look->flow, look->side, TERN_STATE_CLOSED, TERN_WHY_ABORT_CALLED, step, false,
	       me->is_proved && knows_all_of(me) && was_idle(look));
	if (vague)
		edge_make_vague(look->flow, look->side);
}

void state_sent(struct look *look)
{
	struct trace_end *const me = look->me;
	const unsigned		flags = look->segment->flags;

	if (flags & TERN_RST) {
		sent_rst(look);
		return;
	}
	if (flags & TERN_SYN) {
		sent_syn(look);
		return;
	}
	if (!(flags & TERN_ACK))
		return;
	/* An RST that was believed to end it has not. */
	if (me->pending[TRACE_PENDING_RST].is_set &&
	    look->segment->at - me->pending[TRACE_PENDING_RST].at > 2 * trace_flow_rtt(look->flow))
		me->pending[TRACE_PENDING_RST].is_set = false;
	sent_synchronized(look);
	/* It would have acknowledged a FIN that had come. */
	if (!knows_all_of(me) && me->pending[TRACE_PENDING_FIN].is_set && look->peer->has_fin &&
	    after(look->peer->fin, look->segment->ack) && had_time(look, TRACE_PENDING_FIN))
		me->missed_fin = true;
	if (look->peer->has_fin && not_before(look->segment->ack, look->peer->fin))
		sent_ack_of_fin(look);
	if (flags & TERN_FIN)
		sent_fin(look);
	watch_fins(look);
}

/* ---- what a segment would do at its receiver ---- */

static void passed_rst(struct look *look)
{
	const struct trace_end *const peer = look->peer;
	const struct trace_segment   *seg = look->segment;

	if (peer->state == TERN_STATE_SYN_SENT) {
		if ((seg->flags & TERN_ACK) && seg->ack == peer->iss + 1)
			pending_add(look, TRACE_PENDING_RST);
		return;
	}
	/* RFC 5961 3.2: exactly the next number, else a challenge ACK. */
	if (seg->seq == look->front || (seg->seq == look->me->nxt && !knows_all_of(peer)) ||
	    (peer->has_ack && seg->seq == peer->ack)) {
		pending_add(look, TRACE_PENDING_RST);
		look->found.verdict = TERN_VERDICT_RESET;
	} else {
		look->found.verdict =
			peer->has_wnd && not_before(seg->seq, peer->ack) && after(peer->edge, seg->seq)
				? TERN_VERDICT_BLIND_RESET
				: TERN_VERDICT_STRAY_RESET;
	}
}

void state_passed(struct look *look)
{
	const struct trace_segment *const seg = look->segment;
	const struct trace_end *const peer = look->peer, *const me = look->me;
	const bool acks = seg->flags & TERN_ACK;

	if (seg->flags & TERN_RST) {
		passed_rst(look);
	} else if (seg->flags & TERN_SYN) {
		if (acks && peer->has_syn && seg->ack == peer->iss + 1)
			pending_add(look, TRACE_PENDING_SYN_ACKED);
		else if (!acks && (!peer->has_state || peer->state <= TERN_STATE_SYN_SENT))
			pending_add(look, TRACE_PENDING_SYN);
	} else if (acks) {
		if (peer->has_syn && not_before(seg->ack, peer->iss + 1) &&
		    peer->state == TERN_STATE_SYN_RECEIVED)
			pending_add(look, TRACE_PENDING_SYN_ACKED);
	}
	if (acks && !(seg->flags & TERN_RST) && peer->has_fin && seg->ack == peer->fin)
		pending_add(look, TRACE_PENDING_FIN_ACKED);
	/* Sent again, and the other end had not acknowledged it where it should have: so the first was lost. */
	if (look->had_fin && (seg->flags & TERN_FIN) && peer->missed_fin && !knows_all_of(peer)) {
		look->peer->pending[TRACE_PENDING_FIN].is_set = false;
		look->peer->missed_fin = false;
	}
	/* What is sent again may be what its FIN waits for. */
	if (look->found.retransmitted && !look->found.needless && peer->pending[TRACE_PENDING_FIN].is_set &&
	    !knows_all_of(peer)) {
		look->peer->pending[TRACE_PENDING_FIN].packet = seg->packet;
		look->peer->pending[TRACE_PENDING_FIN].at = seg->at;
		look->peer->pending[TRACE_PENDING_FIN].step = look->step ? look->step - 1 : 0;
	}
	if (me->has_fin && not_before(stream_front(me), me->fin) && !(seg->flags & TERN_RST) &&
	    peer->state != TERN_STATE_CLOSE_WAIT && peer->state != TERN_STATE_CLOSING &&
	    peer->state != TERN_STATE_LAST_ACK && peer->state != TERN_STATE_TIME_WAIT && peer->has_state &&
	    (seg->flags & TERN_FIN || look->front != me->fin))
		pending_add(look, TRACE_PENDING_FIN);
	/* A listener that nothing was heard of yet: whether it is one its answer tells. */
	if (knows_all_of(peer) && peer->has_state)
		pending_take_all(look->flow, !look->side);
}

void state_end(struct trace_flow *flow)
{
	for (unsigned side = 0; side < 2; side++) {
		flow->end[side].pending[TRACE_PENDING_SYN].is_set = false; /* nobody answered it */
		pending_take_all(flow, side);
	}
}
