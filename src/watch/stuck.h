/* What a connection waits for: who has to act, since when, and what will end it. One look at its STATUS, in words.
 *
 * Pure: the same facts give the same sentence, whether they come from a running gateway, a recording, or a test. From a
 * capture the facts are inferred (trace/wait.h), nobody there is "local", and the sentences name both ends.
 */
#ifndef WATCH_STUCK_H
#define WATCH_STUCK_H

#include "watch/explain.h"

#include <tern/status.h>

/* In the order in which they are looked for: the first that holds is what it waits for. */
enum stuck_kind {
	STUCK_LISTENING,    /* for somebody to call */
	STUCK_SYN_SENT,	    /* for the answer to our SYN */
	STUCK_SYN_RECEIVED, /* for the third segment */
	STUCK_TIME_WAIT,    /* for 2MSL to be over */
	STUCK_ZERO_WINDOW,  /* for the peer's program to read */
	STUCK_SILENT,	    /* for an ACK: what was sent has been sent again */
	STUCK_UNREAD,	    /* for the local program to read */
	STUCK_FIN_UNACKED,  /* for the ACK of our FIN: FIN-WAIT-1, CLOSING, LAST-ACK */
	STUCK_FIN_WAIT_2,   /* for the peer to close; its program holds it */
	STUCK_ORPHAN,	    /* the same, given up by its program */
	STUCK_CLOSE_WAIT,   /* for the local program to close */
	STUCK_MOVING,	    /* for ACKs of what is on its way: nothing is wrong */
	STUCK_KEEPALIVE,    /* silence, and a probe is unanswered */
	STUCK_IDLE,	    /* for anybody to say something */
	STUCK_KINDS
};

enum stuck_who { STUCK_PEER, STUCK_PROGRAM, STUCK_EITHER, STUCK_NOBODY, STUCK_WHOS };

struct stuck_facts {
	enum tern_state state;
	bool	  held;	     /* by a program */
	uint32_t  unsent, unacked, unread, snd_wnd, rcv_wnd; /* octets */
	uint32_t  mss;	     /* a window below it is as good as shut (RFC 9293 3.8.6.2.1) */
	uint32_t  retransmits, probes, keepalive_probes;     /* in a row */
	tern_time idle;	     /* since octets moved last; TERN_NEVER: not known */
	/* From now on; TERN_NEVER: not armed. */
	tern_time retransmit_in, persist_in, keepalive_in, user_timeout_in, orphan_in, until_in;
};

/* Of a STATUS taken at `now`; idle and held are left for the caller. */
void stuck_facts_of(struct stuck_facts *facts, const struct tern_status *status, tern_time now);

enum stuck_kind stuck_kind_of(const struct stuck_facts *facts);
enum stuck_who	stuck_who_of(enum stuck_kind kind);
/* Nothing is wrong, and nothing has to be done: not listed unless asked for. */
bool stuck_is_well(enum stuck_kind kind);
/* Of a connection's two ends, the one whose wait is the greater is the one to tell of: nothing wrong is 0. */
unsigned stuck_weight(enum stuck_kind kind);
/* When it ends if nobody does anything; TERN_NEVER: never, or not known. */
tern_time stuck_ends_in(const struct stuck_facts *facts);
/* When something is sent again or probed; TERN_NEVER: nothing is, or not known. */
tern_time stuck_next_in(const struct stuck_facts *facts);

const char *stuck_kind_name(enum stuck_kind kind); /* "zero-window"; "?" out of range */
const char *stuck_who_name(enum stuck_who who);	   /* "peer", "program", "either", "nobody" */

/* One line, such as "zero window for 9 s: the reader is slow; next probe in 3 s". Returns its length. */
size_t stuck_line(char *to, size_t size, const struct stuck_facts *facts, enum explain_language language);
/* The same from outside, as a capture has it: names[0] is the end whose facts these are, names[1] its peer, such as
 * "the client" or "10.0.0.1:80". */
size_t stuck_line_seen(char *to, size_t size, const struct stuck_facts *facts, const char *const names[2],
		       enum explain_language language);

#endif
