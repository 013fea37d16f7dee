/* The run as one ordered list of typed lines: what two hosts told their watchers joined with what the
 * link told of each packet. The ladder, the JSON lines and the explanations all read it; who runs the
 * hosts fills it.
 *
 * Order is the order of telling, which in virtual time is the order of happening. A segment that was sent
 * is one line; each of its arrivals (none, one, or more where the link duplicates) is another, and the
 * two know each other. Joining goes by tern_packet.id (a host's SEGMENT_TX event and the link's fate
 * callback have it) and by the fate callback's n, which the link writes into tern_packet.mark, which the
 * SEGMENT_RX event shows.
 *
 * Lines are named by index: the array moves as it grows.
 */
#ifndef WATCH_TIMELINE_H
#define WATCH_TIMELINE_H

#include "watch/conns.h"
#include "watch/role.h"

#include <tern/link.h>
#include <tern/watch.h>

enum { TIMELINE_HOSTS = 2, TIMELINE_NONE = -1, TIMELINE_TEXT = 48 };

enum timeline_kind {
	TIMELINE_SENT,	     /* event: SEGMENT_TX */
	TIMELINE_ARRIVED,    /* event: SEGMENT_RX */
	TIMELINE_STATE,
	TIMELINE_TIMER,
	TIMELINE_RETRANSMIT, /* the segment itself follows as a SENT line */
	TIMELINE_CONGESTION,
	TIMELINE_NOTE,
	TIMELINE_DROP,	     /* arrived, but never became a segment: PACKET_DROP */
	TIMELINE_ICMP,
	TIMELINE_CALL,	     /* the program did something: text */
	TIMELINE_KINDS
};

struct timeline_line {
	enum timeline_kind	kind;
	uint8_t			host; /* 0: left, 1: right */
	uint32_t		conn; /* 0: none */
	struct tern_watch_event event; /* event.now is the line's time */

	/* SENT, ARRIVED, DROP */
	uint32_t n;   /* number on the wire, from 1, in the order of sending over both hosts; 0: not known */
	uint64_t nth; /* which packet of its sender's, from 1 (as --drop counts); 0: not known */
	uint32_t rseq, rack; /* relative to the ISNs that the SYNs of this connection carried */
	bool	 has_rseq, has_rack;

	/* SENT */
	enum role		 role;
	bool			 has_fate;
	enum tern_fate		 fate;
	tern_time		 arrives; /* TERN_NEVER: it does not */
	uint32_t		 arrivals; /* so far */
	long			 arrived;  /* index of its first ARRIVED or DROP line, or TIMELINE_NONE */
	uint32_t		 again_of; /* retransmitted: n of the first that carried its first octet; 0: none */
	enum tern_retransmit_why why;	   /* where again_of or event.u.segment.probe */
	bool			 has_why;
	bool			 forged; /* put on the wire by timeline_forge(), not by the host */

	/* ARRIVED, DROP */
	long	 sent;	/* index of its SENT line, or TIMELINE_NONE */
	uint32_t copy;	/* 1 for the first arrival, 2 for the duplicate */
	bool	 late;	/* something sent after it by the same host arrived before it */

	char text[TIMELINE_TEXT]; /* CALL */
};

struct timeline_totals {
	uint64_t sent, arrived, lost, retransmitted; /* segments */
	uint64_t text_sent, text_retransmitted;	     /* octets; sent counts each time */
	uint64_t dropped;			     /* arrived but not taken: any verdict but those of progress */
};

struct timeline_index {
	uint32_t *line; /* line + 1; 0: none */
	size_t	  room;
};

struct timeline {
	struct timeline_line *lines;
	size_t		      n, room;
	const char	     *name[TIMELINE_HOSTS]; /* "client", "server": the caller's strings */
	struct conns	      conns;
	struct role_conn     *roles; /* by connection number */
	size_t		      n_roles;
	struct timeline_totals totals[TIMELINE_HOSTS];
	struct timeline_index  by_id[TIMELINE_HOSTS], by_nth[TIMELINE_HOSTS];
	uint32_t	       wire; /* the last number given to a segment */
	uint32_t	       latest[TIMELINE_HOSTS]; /* highest n of this host's that arrived */
	long		       retransmit[TIMELINE_HOSTS]; /* the RETRANSMIT line that waits for its segment */
	bool		       no_memory; /* lines are missing */
	/* All that is told is of one connection, which bears this number in JSON; 0: they are told apart here. */
	uint32_t	       only;
};

void timeline_init(struct timeline *timeline, const char *left, const char *right);
void timeline_done(struct timeline *timeline);

/* Who tells: one for each host. */
struct timeline_tap {
	struct timeline *timeline;
	unsigned	 host;
};

/* As tern_watcher.event, with a tap as context. */
void timeline_watch(void *tap, const struct tern_watch_event *event);
/* A segment that one end told of, as the other end tells of it, in a packet of this number: kind is SEGMENT_TX of what
 * came, SEGMENT_RX of what went. */
struct tern_watch_event timeline_from_other_end(const struct tern_watch_event *event, enum tern_watch_kind kind,
						uint64_t number);
/* As tern_impair.fate, with the SENDING host's tap as context; impair of the direction away from it. */
void timeline_fate(void *tap, uint64_t n, const tern_packet *packet, enum tern_fate fate, tern_time arrives);

/* The program at `host` did something worth a row: "connect()", "send 1000 octets". tuple NULL: no
 * connection yet, the next one that this host tells of. Cut to TIMELINE_TEXT. */
void timeline_call(struct timeline *timeline, unsigned host, tern_time now, const struct tern_tuple *tuple,
		   const char *text);

/* A segment put on the wire in the host's name by someone else (an old duplicate that comes back): a
 * SEGMENT_TX event as the host would have told it, with its packet id (0 where it has none), and the
 * fate and nth that its arrival will show as mark. */
void timeline_forge(struct timeline *timeline, unsigned host, const struct tern_watch_event *event, uint64_t nth,
		    tern_time arrives);

/* A forged segment that nobody ever sent in earnest (its source is not the host's, or it was aimed into an
 * open connection), rather than an old duplicate of the host's own. */
bool timeline_is_attack(const struct timeline *timeline, const struct timeline_line *line);

/* A sequence number of the line's sender (or of its peer) relative to its ISN. False: not known. */
bool timeline_relative(const struct timeline *timeline, size_t i, bool of_peer, uint32_t absolute, uint32_t *relative);

/* Keeps the newest `keep` lines: for a timeline that is read as it grows, without end. The indices of the
 * rest change; what is gone is not found any more. Not for one whose segments are joined by numbers. */
void timeline_forget(struct timeline *timeline, size_t keep);

/* Keeps the lines of one connection, of a timeline to which nothing is added any more. */
void timeline_keep_conn(struct timeline *timeline, uint32_t conn);

/* Segments that were sent and have neither arrived nor been lost. */
bool timeline_in_flight(const struct timeline *timeline);

#endif
