/* One connection as a capture shows it: what each end has sent and heard, as far as that can be known from outside,
 * and the states that follow.
 *
 * Everything is seen at one place, the vantage. What an end sends is seen there before (at a vantage near it: the
 * moment) its peer has it, or never, where it was lost before; what goes to an end may still be lost beyond. So
 *
 *	a state is observed    where segments that the end itself sent prove it, whatever was lost,
 *	           inferred    where it follows if what passed the vantage arrived and was taken,
 *	           unseen      where something must have happened that this capture does not hold, or of several
 *			       things one, and not which.
 *
 * The vantage is near an end where the capture says so (packets marked as leaving; two captures; --at), or where that
 * end's half of the handshake took next to no time. What an end near the vantage sends is seen whole and in order, so
 * that more is proved of it; that is given up where something of its is seen to be missing.
 *
 * Memory: a flow is of fixed size, beside it a record for each segment in flight (at most TRACE_RECORDS_MAX in each
 * direction, let go when all is acknowledged), and a story where one is told (story.h).
 */
#ifndef TRACE_FLOW_H
#define TRACE_FLOW_H

#include "trace/segment.h"

#include <tern/watch.h>

enum { TRACE_HOLES = 4, TRACE_RECORDS_MAX = 4096 };

static const tern_time TRACE_ROUND_MAX = 3600 * TERN_SECOND; /* what takes longer is no round trip */

struct trace_story;

/* [from, to) of a stream passed the vantage not yet, though what follows did. */
struct trace_hole {
	uint32_t  from, to;
	uint32_t  ts; /* of the segment that showed it */
	bool	  has_ts;
	tern_time since;
};

/* Something in flight. */
struct trace_record {
	uint32_t  seq, end;
	tern_time first, last; /* sent */
	uint32_t  step;	       /* of its last sending in the story, plus one */
	uint16_t  times;
	bool	  sacked, late; /* late: it filled a hole; when it was sent is not known */
};

struct trace_flight {
	struct trace_record *record; /* a ring, in the order of sequence numbers */
	uint32_t	     head, n, room;
	bool		     no_memory;
};

/* What has passed on its way to an end and what it would make of it, not yet proved to have arrived. */
enum trace_pending {
	TRACE_PENDING_SYN,
	TRACE_PENDING_SYN_ACKED, /* the peer's SYN-ACK, or the ACK of ours */
	TRACE_PENDING_FIN_ACKED,
	TRACE_PENDING_FIN,
	TRACE_PENDING_RST,
	TRACE_PENDINGS
};

struct trace_passed {
	bool	  is_set;
	bool	  is_vague; /* whether or when it arrived cannot be known: what comes of it is unseen */
	uint32_t  step; /* of the story */
	uint64_t  packet;
	tern_time at;
};

struct trace_counts {
	uint64_t segments, octets; /* octets of text, each time */
	uint64_t text;		   /* of the stream: each octet once */
	uint64_t retransmitted, retransmitted_octets, fast, timeout, tail_probes, path_mtu,
		needless;
	uint64_t lost_after, lost_before; /* of the vantage: segments that were sent again for it */
	uint64_t out_of_order, duplicates, zero_windows, window_full, probes, keepalives, duplicate_acks,
		challenges;
	uint64_t resets, corrupt, missing; /* missing: octets that were acknowledged and never seen */
};

struct trace_end {
	/* What it sent. */
	bool	  is_seen, has_syn, has_fin, has_ack, has_wnd, has_wscale, has_sack, has_ts, ts_seen;
	uint8_t	  wscale;
	uint16_t  mss;
	uint32_t  iss, seq0;	  /* seq0: the first that was seen */
	uint32_t  nxt, una;	  /* una: the highest ACK seen for it */
	uint32_t  fin;		  /* the number after its FIN */
	uint32_t  ts;		  /* its highest timestamp */
	uint32_t  ack, wnd, edge; /* as last announced; edge: highest right edge */
	uint32_t  sack_high;	  /* highest octet that it SACKed, where above ack */
	uint32_t  dups;		  /* duplicate ACKs in a row */
	uint32_t  recover, timeout_until;
	uint32_t  sent_before; /* all that it is seen to have sent before it knew of its peer's FIN */
	bool	  has_sent_before, knew_fin;
	bool	  in_recovery, after_timeout, is_stuck; /* is_stuck: its peer's window is full */
	uint16_t  last_id;
	tern_time last_at, ack_at; /* ack_at: its last ACK */
	tern_time came_at;	   /* the latest that anything was sent which is known to have come; RACK.xmit_ts */
	tern_time evidence_at;	   /* when ACKs first said that una is missing; -1: they have not */
	tern_time idle_since;	   /* all it sent is acknowledged, and its peer's window open; -1: not so */
	/* What it waits for (wait.h): -1 where there is none. */
	tern_time text_at;	       /* its last new text or FIN */
	tern_time zero_at;	       /* its window has been shut since */
	tern_time probe_at, probe_gap; /* its last probe, and how long after the one before */
	uint32_t  asked;	       /* keep-alives in a row that have no answer */
	struct trace_hole   hole[TRACE_HOLES];
	unsigned	    holes;
	struct trace_flight flight;
	struct trace_counts n;

	/* Round trips between the vantage and its peer, measured on what it sent. */
	tern_time rtt_min, srtt, rttvar;
	uint32_t  rtts;

	/* Its state. */
	enum tern_state	    state;
	bool		    has_state, is_proved, was_syn_sent, fin_acks_ours, missed_fin;
	uint8_t		    near; /* enum trace_near */
	struct trace_passed pending[TRACE_PENDINGS];
};

enum trace_near { TRACE_NOT_NEAR, TRACE_JUDGED_NEAR, TRACE_TOLD_NEAR, TRACE_NEVER_NEAR };

enum trace_opened {
	TRACE_OPEN_UNSEEN, /* the capture begins later */
	TRACE_OPEN_TRIED,  /* SYN without an answer */
	TRACE_OPEN_REFUSED,
	TRACE_OPEN_HALF,  /* SYN and SYN-ACK */
	TRACE_OPEN_THREE, /* the three segments */
	TRACE_OPEN_SIMULTANEOUS,
};

enum trace_closed {
	TRACE_CLOSE_OPEN,     /* not, in this capture */
	TRACE_CLOSE_HALF,     /* one FIN */
	TRACE_CLOSE_FINS,     /* both, in turn */
	TRACE_CLOSE_CROSSING, /* both at once */
	TRACE_CLOSE_RST,
};

struct trace_flow {
	uint32_t	  number; /* from 1 */
	struct tern_tuple tuple;  /* local: end[0] */
	struct trace_end  end[2]; /* 0: who opened, as far as is known */
	bool		  opener_known, has_candidate;
	bool		  is_over;		  /* in flows.c: the list that it stands in */
	uint8_t		  opened, closed, closer; /* closer: whose FIN or RST was the first */
	tern_time first, last, syn_at, syn_ack_at, handshake, opening; /* opening: until the third segment */
	tern_time moved_at; /* something new was sent or acknowledged */
	uint64_t  packet_first, packet_last, segments;
	uint64_t  believed; /* segments with a wrong checksum that were taken for right, in flows.c */
	struct trace_segment candidate; /* a SYN that may begin the next connection of this name */
	struct trace_story  *story;
	struct trace_flow   *next;	    /* of its bucket */
	struct trace_flow   *newer, *older; /* by last packet */
};

/* ---- infer.c ---- */

void trace_flow_begin(struct trace_flow *flow, const struct trace_segment *segment);
/* A segment of this flow, in the order of the capture. */
void trace_flow_segment(struct trace_flow *flow, const struct trace_segment *segment);
/* Nothing more will come: what was pending is taken to have arrived. */
void trace_flow_end(struct trace_flow *flow);
void trace_flow_done(struct trace_flow *flow);

/* Which end sent it. */
unsigned trace_sender(const struct trace_flow *flow, const struct trace_segment *segment);
/* Both ends are done with it, as far as can be known. */
bool trace_flow_is_over(const struct trace_flow *flow);
/* Round-trip time between the two ends, as well as the capture shows it; 0: not at all. */
tern_time trace_flow_rtt(const struct trace_flow *flow);

const char *trace_opened_name(enum trace_opened opened);
const char *trace_closed_name(enum trace_closed closed);

#endif
