/* The connections of a capture: found by name, begun, ended and let go.
 *
 * A new SYN between the same two endpoints begins the next connection where the one before is over, or where it is
 * answered. Memory is bounded by the connections alive: one that is over is let go TRACE_LINGER after its last segment,
 * one that is silent after TRACE_SILENCE, and the longest silent when there are more than `most`.
 */
#ifndef TRACE_FLOWS_H
#define TRACE_FLOWS_H

#include "trace/story.h"

#include "base/siphash.h"

enum { TRACE_ALIVE_MAX = 1 << 18, TRACE_SOURCES = 1024 };

static const tern_time TRACE_LINGER =
	240 * TERN_SECOND; /* 2MSL of RFC 9293 3.4.2; also a SYN without answer */
static const tern_time TRACE_SILENCE =
	5 * 86400 * TERN_SECOND; /* as long as Linux keeps a silent one in conntrack */

struct trace_list {
	struct trace_flow *newest, *oldest;
};

struct trace_flows {
	struct trace_flow **bucket;
	size_t		    buckets, n, most;
	uint32_t	    last;     /* the last number */
	uint64_t	    given_up; /* let go alive for want of room */
	uint64_t	    corrupt;  /* of no connection that is known */
	bool		    no_memory;
	uint64_t	    all_right, all_wrong;
	uint16_t  right[TRACE_SOURCES], wrong[TRACE_SOURCES]; /* checksums, by hashed address of the sender */
	tern_time now;					      /* the latest of all segments */
	struct siphash_key key;
	struct trace_list  list[2]; /* those that live; those that are over, or were never answered */

	/* A connection has begun: whether its story is to be kept (story of so many steps; 0: none). */
	uint32_t (*story)(void *context, const struct trace_flow *flow);
	/* It is let go. */
	void (*done)(void *context, struct trace_flow *flow);
	void		*context;
	struct tern_addr at; /* told to be where the capture was made */
	bool		 has_at;
	unsigned at_side; /* the capture was made at this end of each connection, plus one; 0: not told */
};

/* key: sixteen octets that nobody can guess, so that no capture can aim at one bucket. */
bool trace_flows_init(struct trace_flows *flows, const uint8_t key[16]);
/* The flow that the segment belongs to, after it; NULL: no memory, or a damaged one that names nobody. */
struct trace_flow *trace_flows_segment(struct trace_flows *flows, const struct trace_segment *segment);
/* The capture has ended: all are let go. */
void trace_flows_end(struct trace_flows *flows);

#endif
