#include "trace/wait.h"

#include "trace/inner.h"

static const tern_time SPAN_MAX = 86400 * TERN_SECOND; /* nobody tries for longer */

static const struct trace_record *oldest(const struct trace_end *end)
{
	return end->flight.n > 0 ? &end->flight.record[end->flight.head] : NULL;
}

static tern_time later(tern_time at, tern_time now)
{
	return at > now ? at - now : TERN_NEVER; /* it is overdue: nobody can say */
}

/* Time-outs double (RFC 6298 5.5): so many tries over so long tell the first, and the next. */
static tern_time next_try(const struct trace_record *record, tern_time now)
{
	const unsigned gaps = record->times - 1u;

	if (gaps == 0 || gaps > 30)
		return TERN_NEVER;
	const tern_time span = record->last - record->first, first = span / ((INT64_C(1) << gaps) - 1);

	if (first <= 0 || span > SPAN_MAX)
		return TERN_NEVER;
	return later(record->last + first * (INT64_C(1) << gaps), now);
}

/* Probes of a shut window back off as well (RFC 9293 3.8.6.1); keep-alives come evenly. */
static tern_time next_probe(const struct trace_end *end, bool doubles, tern_time now)
{
	if (end->probe_at < 0 || end->probe_gap <= 0 || end->probe_gap > TRACE_ROUND_MAX)
		return TERN_NEVER;
	return later(end->probe_at + (doubles ? 2 * end->probe_gap : end->probe_gap), now);
}

/* Octets of text alone: a SYN and a FIN count in sequence numbers. */
static uint32_t octets_in_flight(const struct trace_end *end)
{
	uint32_t n = end->nxt - end->una;

	if (!after(end->nxt, end->una))
		return 0;
	n -= end->has_fin && after(end->fin, end->una);
	return n > 0 && end->has_syn && end->una == end->iss ? n - 1 : n;
}

static bool is_shut(const struct trace_end *end)
{
	return end->zero_at >= 0 && end->has_wnd && end->wnd == 0;
}

static bool facts_of(struct stuck_facts *facts, const struct trace_flow *flow, unsigned side, tern_time now)
{
	const struct trace_end *const	 me = &flow->end[side], *const peer = &flow->end[!side];
	const struct trace_record *const record = oldest(me);
	const bool			 probes = is_shut(peer) && me->probe_at > peer->zero_at;
	const tern_time since = is_shut(peer) ? peer->zero_at : is_shut(me) ? me->zero_at : flow->moved_at;

	if (!me->has_state || me->state <= TERN_STATE_LISTEN)
		return false;
	*facts = (struct stuck_facts){
		.state = me->state,
		.held = true,
		.unacked = octets_in_flight(me),
		.snd_wnd = is_shut(peer) ? 0 : 1,
		.unsent = probes, /* who has nothing to send does not probe */
		.probes = probes,
		.rcv_wnd = me->wnd,
		.unread = is_shut(me), /* its program does not read, whether or not more waits for it */
		.retransmits = record && !is_shut(peer) ? record->times - 1u : 0,
		.keepalive_probes = me->asked,
		.idle = now > since ? now - since : 0,
		.retransmit_in = record && !is_shut(peer) ? next_try(record, now) : TERN_NEVER,
		.persist_in = probes ? next_probe(me, true, now) : TERN_NEVER,
		.keepalive_in = me->asked > 0 ? next_probe(me, false, now) : TERN_NEVER,
		.user_timeout_in = TERN_NEVER,
		.orphan_in = TERN_NEVER,
		.until_in = TERN_NEVER,
	};
	return true;
}

static bool is_ended(const struct trace_flow *flow)
{
	for (unsigned side = 0; side < 2; side++)
		if (flow->end[side].has_state && flow->end[side].state == TERN_STATE_TIME_WAIT)
			return flow->closed == TRACE_CLOSE_RST;
	return trace_flow_is_over(flow);
}

void trace_wait_of(struct trace_wait *wait, const struct trace_flow *flow, tern_time now)
{
	bool has = false;

	*wait = (struct trace_wait){ .is_over = is_ended(flow) };
	wait->is_one_sided = flow->opened != TRACE_OPEN_TRIED &&
			     (flow->end[0].n.segments == 0 || flow->end[1].n.segments == 0);
	for (unsigned side = 0; side < 2; side++) {
		struct stuck_facts facts;

		if (!facts_of(&facts, flow, side, now))
			continue;
		const unsigned weight = stuck_weight(stuck_kind_of(&facts));
		const unsigned before = has ? stuck_weight(stuck_kind_of(&wait->facts)) : 0;

		if (has && (weight < before || (weight == before && flow->end[1].text_at <= flow->end[0].text_at)))
			continue;
		wait->facts = facts;
		wait->side = side;
		has = true;
	}
	wait->is_over = wait->is_over || !has;
}
