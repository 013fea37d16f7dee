/* Two captures of one connection, one from each end, made one story: what each end sent is taken from its own capture,
 * when it arrived from the other's; what arrived nowhere was lost. Each end's states are those that its own capture
 * proves.
 *
 * The clocks: offset is what is to be taken off the server's times, by the least delays in both directions, which are
 * taken to be equal (as NTP does, RFC 5905 8); it is wrong by at most `uncertain`, half the least round trip.
 */
#ifndef TRACE_PAIR_H
#define TRACE_PAIR_H

#include "trace/story.h"

struct trace_pair {
	struct trace_flow flow;		       /* with the story of both; ends: each from its own capture */
	tern_time offset, uncertain, delay[2]; /* delay: the least from that end, with the offset taken off */
	uint64_t  matched[2], lost[2];	       /* of what that end sent */
	uint64_t  stray[2]; /* arrived, but its sending is in no capture, or more often than sent */
	bool	  has_offset;
};

/* Whether they show the same connection: the same numbers in the SYNs (addresses may have been translated on the way),
 * or where no SYN was captured the same names. */
bool trace_pair_fits(const struct trace_flow *client, const struct trace_flow *server);
/* The other end is end 0 from here: where the two captures disagree on who opened, as each sees its own SYN first. */
void trace_flow_turn(struct trace_flow *flow);
/* As fits, after turning the server's flow where that makes it fit. */
bool trace_pair_turn(const struct trace_flow *client, struct trace_flow *server);

/* client, server: the same connection in the capture of that end, each with its story, end 0 being the client. False:
 * no memory. */
bool trace_pair_make(struct trace_pair *pair, const struct trace_flow *client,
		     const struct trace_flow *server);
void trace_pair_done(struct trace_pair *pair);

#endif
