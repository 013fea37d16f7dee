/* What the files of the inference share. */
#ifndef TRACE_INNER_H
#define TRACE_INNER_H

#include "trace/story.h"

static inline bool after(uint32_t a, uint32_t b) /* a > b in the order of sequence numbers */
{
	return (int32_t)(a - b) > 0;
}

static inline bool not_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

/* One segment being looked at. */
struct look {
	struct trace_flow	   *flow;
	const struct trace_segment *segment;
	struct trace_end	   *me, *peer; /* who sent it, and to whom */
	unsigned		    side;      /* of me */
	struct trace_finding	    found;
	uint32_t		    step;    /* in the story, plus one; 0: not told */
	uint32_t		    end;     /* sequence number after it */
	uint32_t		    wnd;     /* scaled */
	uint32_t		    front;   /* of me, before this segment */
	bool			    had_fin; /* of me, before */
};

/* ---- seen.c ---- */

void		     seen_add(struct trace_flight *flight, const struct look *look, bool late);
struct trace_record *seen_find(struct trace_flight *flight, uint32_t seq); /* that holds the octet; NULL */
/* Acknowledged up to ack: RTTs are measured, losses found. */
void seen_acked(struct look *look);
void seen_sacked(struct look *look);
void seen_done(struct trace_flight *flight);

/* ---- stream.c ---- */

/* The first octet that has not passed the vantage. */
uint32_t stream_front(const struct trace_end *end);
/* The sequence numbers of look->segment: new, again, out of order, a probe, ... */
void stream_segment(struct look *look);

/* ---- edges.c: changes of an end's state ---- */

/* All that passes here arrives there, or nearly all. */
static inline bool knows_all_of(const struct trace_end *end)
{
	return end->near == TRACE_JUDGED_NEAR || end->near == TRACE_TOLD_NEAR;
}

struct trace_change *edge_last(const struct trace_flow *flow, unsigned side); /* NULL: none */
/* From the state that it is in. step: in the story, of the segment that brought it. */
void edge_add(struct trace_flow *flow, unsigned side, enum tern_state to, enum tern_why why, uint32_t step,
	      bool by_arrival, bool proved);
void edge_prove(struct trace_flow *flow, unsigned side); /* the last one is observed */
/* It is in this state, and what brought it there was not seen. */
void edge_appear(struct trace_flow *flow, unsigned side, enum tern_state state, enum tern_why why, uint32_t step);
void edge_make_vague(struct trace_flow *flow, unsigned side); /* the last one is shown as unseen */

/* ---- pending.c ---- */

void pending_add(struct look *look, enum trace_pending what); /* at the peer */
void pending_take(struct trace_flow *flow, unsigned side, enum trace_pending what);
void pending_take_all(struct trace_flow *flow, unsigned side); /* nothing spoke against it */

/* ---- state.c ---- */

void state_sent(struct look *look);
void state_passed(struct look *look); /* on its way to the peer */
void state_end(struct trace_flow *flow);

#endif
