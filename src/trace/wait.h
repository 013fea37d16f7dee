/* What a connection waits for when its capture ends: who has to act, since when, and what is tried next. The last
 * packet of the capture is the present.
 *
 * All of it is inferred: the states as flow.h has them, what is in flight and shut from the numbers, the next try from
 * the pace of those before it. What its ends' programs hold (text not yet sent, or not yet read) shows only where a
 * window does, and when an end gives up is its own affair.
 */
#ifndef TRACE_WAIT_H
#define TRACE_WAIT_H

#include "trace/flow.h"
#include "watch/stuck.h"

struct trace_wait {
	struct stuck_facts facts; /* of the end to tell of */
	unsigned	   side;  /* that end */
	bool		   is_over;	/* closed, refused or reset: it waits for nothing */
	bool		   is_one_sided; /* only what one end sent was captured: nothing follows */
};

/* Of a flow after trace_flow_end(), before trace_flow_done(). */
void trace_wait_of(struct trace_wait *wait, const struct trace_flow *flow, tern_time now);

#endif
