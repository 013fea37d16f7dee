#include "trace/inner.h"

#include "wire/tuple.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_FIRST = 64 };

struct trace_story *trace_story_new(uint32_t limit)
{
	struct trace_story *const story = calloc(1, sizeof *story);

	if (story)
		story->limit = limit;
	return story;
}

void trace_story_free(struct trace_story *story)
{
	if (story)
		free(story->steps);
	free(story);
}

struct trace_step *trace_story_add(struct trace_flow *flow, const struct trace_segment *segment, unsigned end)
{
	struct trace_story *const story = flow->story;

	if (!story)
		return NULL;
	if (story->limit != 0 && story->n == story->limit) {
		story->missed++;
		return NULL;
	}
	if (story->n == story->room) {
		const uint32_t		 room = story->room ? 2 * story->room : STEPS_FIRST;
		struct trace_step *const more = realloc(story->steps, room * sizeof *more);

		if (!more) {
			story->no_memory = true;
			story->missed++;
			return NULL;
		}
		story->steps = more;
		story->room = room;
	}
	story->steps[story->n] = (struct trace_step){ .segment = *segment, .end = (uint8_t)end };
	return &story->steps[story->n++];
}

struct trace_step *trace_story_step(struct trace_flow *flow, uint32_t step)
{
	return flow->story && step > 0 && step <= flow->story->n ? &flow->story->steps[step - 1] : NULL;
}

/* ---- telling ---- */

/* Sendings and arrivals in the order of time. */
struct item {
	tern_time at;
	uint32_t  step;
	bool	  arrives;
};

static int by_time(const void *a, const void *b)
{
	const struct item *const x = a, *const y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return (int)x->arrives - (int)y->arrives;
}

struct telling {
	const struct trace_flow *flow;
	struct timeline		*timeline;
	struct timeline_tap	 tap[2];
	uint32_t		*number; /* on the wire, by step */
};

static struct tern_watch_event event_at(const struct telling *telling, enum tern_watch_kind kind,
					unsigned host, tern_time at)
{
	const struct tern_tuple *const tuple = &telling->flow->tuple;

	return (struct tern_watch_event){ .kind = kind,
					  .now = at,
					  .basis = TERN_BASIS_INFERRED,
					  .tuple = host == 1 ? tuple_turned(tuple) : *tuple };
}

static void tell(struct telling *telling, unsigned host, const struct tern_watch_event *event)
{
	timeline_watch(&telling->tap[host], event);
}

static void tell_note(struct telling *telling, unsigned host, tern_time at, enum tern_note note,
		      uint32_t value)
{
	struct tern_watch_event event = event_at(telling, TERN_WATCH_NOTE, host, at);

	event.u.note.note = note;
	event.u.note.value = value;
	tell(telling, host, &event);
}

static struct tern_watch_segment segment_of(const struct telling *telling, const struct trace_step *step)
{
	const struct trace_segment *const seg = &step->segment;
	const struct trace_end *const me = &telling->flow->end[step->end], *const peer =
										   &telling->flow
											    ->end[!step->end];
	struct tern_watch_segment to = {
		.seq = seg->seq,
		.ack = seg->ack,
		.wnd = step->wnd,
		.len = seg->len,
		.iss = me->has_syn ? me->iss : me->seq0 - 1,
		.irs = peer->has_syn ? peer->iss : peer->seq0 - 1,
		.known = me->is_seen && (peer->is_seen || !(seg->flags & TERN_RST)),
		.retransmitted = step->found.retransmitted,
		.probe = step->found.probe,
		.flags = seg->flags,
		.up = seg->up,
		.raw_wnd = seg->wnd,
		.verdict = (uint8_t)step->found.verdict,
		.has_mss = seg->opt.has_mss,
		.has_wscale = seg->opt.has_wscale,
		.has_ts = seg->opt.has_ts,
		.sack_permitted = seg->opt.sack_permitted,
		.wscale = seg->opt.wscale,
		.mss = seg->opt.mss,
		.ts_val = seg->opt.ts_val,
		.ts_ecr = seg->opt.ts_ecr,
	};

	to.n_sack = seg->opt.n_sack < 4 ? seg->opt.n_sack : 4;
	for (unsigned k = 0; k < to.n_sack; k++)
		to.sack[k] = (struct tern_sack_block){ seg->opt.sack[k].left.v, seg->opt.sack[k].right.v };
	return to;
}

/* The change of state that this step brought at its sender, or at its receiver. */
static void tell_changes(struct telling *telling, uint32_t step, bool arrives, tern_time at)
{
	const struct trace_story *const story = telling->flow->story;

	for (unsigned i = 0; i < story->changes; i++) {
		const struct trace_change *const change = &story->change[i];
		struct tern_watch_event		 event = event_at(telling, TERN_WATCH_STATE, change->end, at);
		size_t				 n;
		const struct tern_edge *const	 edges = tern_edges(&n);

		if (change->step != step || change->by_arrival != arrives || change->is_gone)
			continue;
		event.basis = change->basis;
		event.state = change->to;
		event.u.state.from = change->from;
		event.u.state.to = change->to;
		event.u.state.why = change->why;
		event.u.state.clause = "";
		for (size_t k = 0; k < n; k++)
			if (edges[k].from == change->from && edges[k].to == change->to &&
			    edges[k].why == change->why)
				event.u.state.clause = edges[k].clause;
		tell(telling, change->end, &event);
	}
}

static void tell_findings(struct telling *telling, const struct trace_step *step, tern_time at)
{
	const struct trace_finding *const found = &step->found;
	const unsigned			  host = step->end;
	const uint32_t of = found->provoked && found->of ? telling->number[found->of - 1] : 0;

	if (found->needless)
		tell_note(telling, host, at, TERN_NOTE_NEEDLESS, 0);
	if (found->out_of_order)
		tell_note(telling, host, at, TERN_NOTE_OVERTAKEN, 0);
	if (found->retransmitted && found->verdict != TERN_VERDICT_DUPLICATE && !found->needless &&
	    telling->timeline->lines[telling->timeline->n - 1].again_of == 0)
		tell_note(telling, host, at, TERN_NOTE_LOST_BEFORE, 0);
	if (found->acks_unseen)
		tell_note(telling, host, at, TERN_NOTE_MISSING, 0);
	if (found->window_full)
		tell_note(telling, host, at, TERN_NOTE_WINDOW_FULL, 0);
	if (found->zero_window)
		tell_note(telling, host, at, TERN_NOTE_ZERO_WINDOW_SENT, 0);
	if (found->challenge)
		tell_note(telling, host, at, TERN_NOTE_CHALLENGE_ACK, of);
	else if (found->provoked && of)
		tell_note(telling, host, at, TERN_NOTE_RESET_PROVOKED, of);
}

static void tell_sent(struct telling *telling, uint32_t i, tern_time at)
{
	const struct trace_step *const step = &telling->flow->story->steps[i];
	const tern_packet	       packet = { .id = i + 1 };
	struct tern_watch_event	       event = event_at(telling, TERN_WATCH_RETRANSMIT, step->end, at);

	tell_changes(telling, i, false, at);
	if (step->found.has_why) {
		event.u.retransmit.why = step->found.why;
		event.u.retransmit.seq = step->segment.seq;
		event.u.retransmit.len = step->segment.len;
		event.u.retransmit.rto = TERN_NEVER;
		tell(telling, step->end, &event);
	}
	event = event_at(telling, TERN_WATCH_SEGMENT_TX, step->end, at);
	event.basis = TERN_BASIS_OBSERVED;
	event.u.segment = segment_of(telling, step);
	event.u.segment.id = i + 1;
	tell(telling, step->end, &event);
	telling->number[i] = telling->timeline->wire;
	timeline_fate(&telling->tap[step->end], i + 1, &packet,
		      step->found.lost ? TERN_FATE_LOST : TERN_FATE_DELIVERED,
		      step->found.lost ? TERN_NEVER : at);
	tell_findings(telling, step, at);
}

static void tell_arrived(struct telling *telling, uint32_t i, tern_time at)
{
	const struct trace_step *const step = &telling->flow->story->steps[i];
	struct tern_watch_event	       event = event_at(telling, TERN_WATCH_SEGMENT_RX, !step->end, at);

	if (step->found.has_arrival)
		event.basis = TERN_BASIS_OBSERVED;
	event.u.segment = segment_of(telling, step);
	event.u.segment.iss = segment_of(telling, step).irs;
	event.u.segment.irs = segment_of(telling, step).iss;
	event.u.segment.mark = i + 1;
	tell(telling, !step->end, &event);
	tell_changes(telling, i, true, at);
}

int trace_story_tell(const struct trace_flow *flow, struct timeline *timeline)
{
	const struct trace_story *const story = flow->story;
	struct item *const		items = calloc(2 * (size_t)story->n + 1, sizeof *items);
	struct telling telling = { flow, timeline, { { timeline, 0 }, { timeline, 1 } }, NULL };
	size_t	       n = 0;

	telling.number = calloc((size_t)story->n + 1, sizeof *telling.number);
	timeline->only = flow->number;
	for (uint32_t i = 0; items && i < story->n; i++) {
		const struct trace_step *const step = &story->steps[i];

		items[n++] = (struct item){ step->segment.at, i, false };
		if (!step->found.lost)
			items[n++] = (struct item){ step->found.has_arrival ? step->found.arrives
									    : step->segment.at,
						    i, true };
	}
	if (items)
		qsort(items, n, sizeof *items, by_time);
	for (size_t i = 0; i < n && telling.number; i++) {
		if (items[i].arrives)
			tell_arrived(&telling, items[i].step, items[i].at - items[0].at);
		else
			tell_sent(&telling, items[i].step, items[i].at - items[0].at);
	}
	const bool failed = !items || !telling.number || timeline->no_memory;

	free(items);
	free(telling.number);
	return failed ? -TERN_ENOMEM : 0;
}
