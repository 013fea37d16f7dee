/* The story of one connection: each of its segments with what was found about it, and each change of state with what
 * it rests on. Kept where the connection is to be drawn; a timeline (watch/timeline.h) is made of it.
 */
#ifndef TRACE_STORY_H
#define TRACE_STORY_H

#include "trace/flow.h"
#include "watch/timeline.h"

/* What was found about one segment, when it passed or afterwards. */
struct trace_finding {
	bool			 retransmitted, has_why, needless, duplicate, out_of_order, after_hole;
	bool			 probe, window_full, zero_window, challenge, acks_unseen, provoked;
	bool			 lost;	      /* it never arrived, as what followed shows */
	bool			 has_arrival; /* two captures: when it arrived */
	enum tern_retransmit_why why;
	enum tern_verdict	 verdict; /* what its receiver made of it, if it arrived */
	uint32_t		 of;	  /* provoked: the step that it answers, plus one */
	tern_time		 arrives;
	uint64_t		 arrival_packet;
};

struct trace_step {
	struct trace_segment segment;
	struct trace_finding found;
	uint32_t	     wnd; /* scaled */
	uint8_t		     end; /* that sent it */
	bool		     wscale_known;
};

struct trace_change {
	uint32_t	step; /* that brought it, or at which it shows */
	uint8_t		end;
	bool		by_arrival, is_gone; /* is_gone: taken back */
	enum tern_state from, to;
	enum tern_why	why;
	enum tern_basis basis;
};

enum { TRACE_CHANGES = 64 };

struct trace_story {
	struct trace_step  *steps;
	uint32_t	    n, room, limit; /* limit: steps kept; 0: none */
	uint64_t	    missed;	    /* beyond it */
	struct trace_change change[TRACE_CHANGES];
	unsigned	    changes;
	bool		    no_memory;
};

struct trace_story *trace_story_new(uint32_t limit);
void		    trace_story_free(struct trace_story *story);
/* The step just added, or NULL: there is no story, or no room in it. */
struct trace_step *trace_story_add(struct trace_flow *flow, const struct trace_segment *segment,
				   unsigned end);
/* A step by its number plus one, as records have it; NULL for 0 and for what was not kept. */
struct trace_step *trace_story_step(struct trace_flow *flow, uint32_t step);

/* What the sinks of watch/ read. Times are moved so that the first is at 0. 0, or -TERN_ENOMEM. */
int trace_story_tell(const struct trace_flow *flow, struct timeline *timeline);

#endif
