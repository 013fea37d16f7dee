/* The edges between states that a story tells of: added, proved, and taken back as unseen. */
#include "trace/inner.h"

struct trace_change *edge_last(const struct trace_flow *flow, unsigned side)
{
	for (unsigned i = flow->story ? flow->story->changes : 0; i-- > 0;)
		if (flow->story->change[i].end == side && !flow->story->change[i].is_gone)
			return &flow->story->change[i];
	return NULL;
}

void edge_add(struct trace_flow *flow, unsigned side, enum tern_state to, enum tern_why why, uint32_t step,
	      bool by_arrival, bool proved)
{
	struct trace_end *const	  end = &flow->end[side];
	struct trace_story *const story = flow->story;
	const enum tern_state	  from = end->state;

	end->state = to;
	end->has_state = true;
	end->is_proved = proved;
	if (!story || story->changes == TRACE_CHANGES)
		return;
	story->change[story->changes++] = (struct trace_change){
		.step = step,
		.end = (uint8_t)side,
		.by_arrival = by_arrival,
		.from = from,
		.to = to,
		.why = why,
		.basis = proved ? TERN_BASIS_OBSERVED : TERN_BASIS_INFERRED,
	};
}

/* What was inferred has been proved since. */
void edge_prove(struct trace_flow *flow, unsigned side)
{
	struct trace_change *const last = edge_last(flow, side);

	flow->end[side].is_proved = true;
	if (last && last->basis == TERN_BASIS_INFERRED)
		last->basis = TERN_BASIS_OBSERVED;
}

/* The end is in a state that this capture does not show it going to. */
void edge_appear(struct trace_flow *flow, unsigned side, enum tern_state state, enum tern_why why, uint32_t step)
{
	struct trace_change *last;

	edge_add(flow, side, state, why, step, false, false);
	last = edge_last(flow, side);
	if (last)
		last->basis = TERN_BASIS_UNSEEN;
}

/* What the last change took for granted cannot be known from here. */
void edge_make_vague(struct trace_flow *flow, unsigned side)
{
	struct trace_change *const last = edge_last(flow, side);

	if (last && last->basis == TERN_BASIS_INFERRED)
		last->basis = TERN_BASIS_UNSEEN;
}
