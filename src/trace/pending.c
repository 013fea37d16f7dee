/* What passed here on its way to an end and may have come there: kept until that end shows it, or nothing speaks
 * against it any more (state.c). Each kind knows which edge it brings, from which states. */
#include "trace/inner.h"

static void take_syn_acked(struct trace_flow *flow, unsigned side, const struct trace_passed *passed)
{
	const enum tern_state state = flow->end[side].state;

	if (state == TERN_STATE_SYN_SENT)
		edge_add(flow, side, TERN_STATE_ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED, passed->step, true,
		       false);
	else if (state == TERN_STATE_SYN_RECEIVED)
		edge_add(flow, side, TERN_STATE_ESTABLISHED, TERN_WHY_OUR_SYN_ACKED, passed->step, true, false);
}

static void take_fin_acked(struct trace_flow *flow, unsigned side, const struct trace_passed *passed)
{
	switch (flow->end[side].state) {
	case TERN_STATE_FIN_WAIT_1:
		edge_add(flow, side, TERN_STATE_FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED, passed->step, true, false);
		break;
	case TERN_STATE_CLOSING:
		edge_add(flow, side, TERN_STATE_TIME_WAIT, TERN_WHY_OUR_FIN_ACKED, passed->step, true, false);
		break;
	case TERN_STATE_LAST_ACK:
		edge_add(flow, side, TERN_STATE_CLOSED, TERN_WHY_OUR_FIN_ACKED, passed->step, true, false);
		break;
	default: break;
	}
}

static void take_fin(struct trace_flow *flow, unsigned side, const struct trace_passed *passed, bool both)
{
	if (flow->end[side].state == TERN_STATE_SYN_RECEIVED) /* the ACK of its SYN came with it */
		edge_add(flow, side, TERN_STATE_ESTABLISHED, TERN_WHY_OUR_SYN_ACKED, passed->step, true, false);
	switch (flow->end[side].state) {
	case TERN_STATE_ESTABLISHED:
		edge_add(flow, side, TERN_STATE_CLOSE_WAIT, TERN_WHY_FIN_ARRIVED, passed->step, true, false);
		break;
	case TERN_STATE_FIN_WAIT_1:
		if (both)
			edge_add(flow, side, TERN_STATE_TIME_WAIT, TERN_WHY_FIN_AND_ACK_ARRIVED, passed->step,
			       true, false);
		else
			edge_add(flow, side, TERN_STATE_CLOSING, TERN_WHY_FIN_ARRIVED, passed->step, true,
			       false);
		break;
	case TERN_STATE_FIN_WAIT_2:
		edge_add(flow, side, TERN_STATE_TIME_WAIT, TERN_WHY_FIN_ARRIVED, passed->step, true, false);
		break;
	default: break;
	}
}

static void take_rst(struct trace_flow *flow, unsigned side, const struct trace_passed *passed)
{
	const struct trace_end *const end = &flow->end[side];

	switch (end->state) {
	case TERN_STATE_CLOSED:
	case TERN_STATE_LISTEN:
	case TERN_STATE_TIME_WAIT: break; /* RFC 1337: an RST does not end it */
	case TERN_STATE_SYN_SENT:
		edge_add(flow, side, TERN_STATE_CLOSED, TERN_WHY_REFUSED, passed->step, true, false);
		break;
	case TERN_STATE_SYN_RECEIVED:
		edge_add(flow, side, end->was_syn_sent ? TERN_STATE_CLOSED : TERN_STATE_LISTEN,
		       TERN_WHY_RST_ARRIVED, passed->step, true, false);
		break;
	default:
		edge_add(flow, side, TERN_STATE_CLOSED, TERN_WHY_RST_ARRIVED, passed->step, true, false);
		if (!end->has_syn && !end->has_fin && flow->end[0].n.octets + flow->end[1].n.octets == 0)
			edge_make_vague(flow, side); /* a bare ACK that is answered so may be a stray */
		break;
	}
}

static void take_syn(struct trace_flow *flow, unsigned side, const struct trace_passed *passed)
{
	struct trace_end *const end = &flow->end[side];

	if (end->has_state && end->state != TERN_STATE_SYN_SENT && end->state != TERN_STATE_LISTEN)
		return;
	if (!end->has_state)
		end->state = TERN_STATE_LISTEN;
	edge_add(flow, side, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED, passed->step, true, false);
}

/* Which of the two came first, or both in one, cannot be known where they left within moments: the way from FIN-WAIT-1
 * to TIME-WAIT has three forms. */
static bool is_order_vague(const struct trace_flow *flow, unsigned side, const struct trace_passed *fin,
			   const struct trace_passed *acked)
{
	const tern_time apart = fin->at > acked->at ? fin->at - acked->at : acked->at - fin->at;

	return acked->is_set && !knows_all_of(&flow->end[side]) && flow->end[side].state == TERN_STATE_FIN_WAIT_1 &&
	       acked->packet != fin->packet && apart < trace_flow_rtt(flow) / 8;
}

/* The FIN and the ACK of ours in one (or of the same moment), or one before the other. */
static void take_fin_in_turn(struct trace_flow *flow, unsigned side, struct trace_passed passed)
{
	struct trace_passed *const acked = &flow->end[side].pending[TRACE_PENDING_FIN_ACKED];
	const bool		   both = acked->is_set && acked->packet == passed.packet;
	const bool		   vague = is_order_vague(flow, side, &passed, acked);
	const enum tern_state	   before = flow->end[side].state;

	acked->is_vague = acked->is_vague || vague;
	if (acked->is_set && (acked->packet < passed.packet || before == TERN_STATE_CLOSING))
		pending_take(flow, side, TRACE_PENDING_FIN_ACKED);
	else if (both)
		acked->is_set = false;
	take_fin(flow, side, &passed, both);
	if (vague)
		edge_make_vague(flow, side);
}

/* Takes what is pending as arrived. */
void pending_take(struct trace_flow *flow, unsigned side, enum trace_pending what)
{
	struct trace_passed *const pending = flow->end[side].pending;
	const struct trace_passed  passed = pending[what];
	const enum tern_state	   before = flow->end[side].state;

	if (!passed.is_set)
		return;
	pending[what].is_set = false;
	switch (what) {
	case TRACE_PENDING_SYN: take_syn(flow, side, &passed); break;
	case TRACE_PENDING_SYN_ACKED: take_syn_acked(flow, side, &passed); break;
	case TRACE_PENDING_FIN_ACKED: take_fin_acked(flow, side, &passed); break;
	case TRACE_PENDING_RST: take_rst(flow, side, &passed); break;
	default: take_fin_in_turn(flow, side, passed); break;
	}
	if (passed.is_vague && flow->end[side].state != before)
		edge_make_vague(flow, side);
}

/* Sets it pending for the peer; the first stands until it is given up. */
void pending_add(struct look *look, enum trace_pending what)
{
	struct trace_passed *const pending = &look->peer->pending[what];

	if (pending->is_set)
		return;
	*pending = (struct trace_passed){
		.is_set = true,
		.step = look->step ? look->step - 1 : 0,
		.packet = look->segment->packet,
		.at = look->segment->at,
	};
}

void pending_take_all(struct trace_flow *flow, unsigned side)
{
	struct trace_passed *const pending = flow->end[side].pending;

	for (unsigned i = TRACE_PENDING_SYN; i < TRACE_PENDING_RST;
	     i++) /* an RST leaves nobody for what comes after it */
		if (pending[TRACE_PENDING_RST].is_set &&
		    pending[i].packet > pending[TRACE_PENDING_RST].packet)
			pending[i].is_set = false;

	/* Whether what went before the RST came, nobody is left to say. */
	if (pending[TRACE_PENDING_RST].is_set && !knows_all_of(&flow->end[side]) &&
	    (pending[TRACE_PENDING_FIN].is_set || pending[TRACE_PENDING_FIN_ACKED].is_set))
		for (unsigned i = TRACE_PENDING_FIN_ACKED; i < TRACE_PENDINGS; i++)
			pending[i].is_vague = true;
	pending_take(flow, side, TRACE_PENDING_SYN);
	pending_take(flow, side, TRACE_PENDING_SYN_ACKED);
	if (pending[TRACE_PENDING_FIN].is_set && pending[TRACE_PENDING_FIN_ACKED].is_set &&
	    pending[TRACE_PENDING_FIN].packet < pending[TRACE_PENDING_FIN_ACKED].packet) {
		pending_take(flow, side, TRACE_PENDING_FIN);
		pending_take(flow, side, TRACE_PENDING_FIN_ACKED);
	} else if (pending[TRACE_PENDING_FIN].is_set) {
		pending_take(flow, side, TRACE_PENDING_FIN);
	} else {
		pending_take(flow, side, TRACE_PENDING_FIN_ACKED);
	}
	pending_take(flow, side, TRACE_PENDING_RST);
}
