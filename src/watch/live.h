/* The ladder of real connections while they live: a row a segment, as it happens, of one host that tells (on the
 * right) and a peer of which only the segments are seen (on the left). Many connections share the drawing;
 * each row says which one it is of.
 *
 *	seconds  #1   guest                                              tern
 *	  0.000  #1 ┠── SYN seq 0 win 65535 mss 65480 ─────────────────►┨ SYN-RECEIVED
 *
 * Bulk is folded: where a connection only carries text and ACKs, what goes on is counted, and told now and then.
 */
#ifndef WATCH_LIVE_H
#define WATCH_LIVE_H

#include "watch/canvas.h"
#include "watch/label.h"
#include "watch/timeline.h"

#include <stdio.h>

struct live_options {
	unsigned columns; /* 72 to CANVAS_COLUMNS; 0: 100 */
	bool	 ascii, colour;
	bool	 all; /* nothing folded, and every timer */
};

/* What is folded of one connection. */
struct live_conn {
	uint32_t plain;	   /* rows in a row that told nothing new */
	uint32_t segments; /* folded */
	uint64_t octets;
};

struct live {
	struct timeline	    timeline; /* the newest lines; host 0 is the peer */
	struct live_options options;
	FILE		   *to;	  /* the drawing, or NULL: none */
	FILE		   *json; /* JSON lines, or NULL */
	struct canvas	    canvas;
	tern_time	    start, last, shown, told; /* last: event; told: folds */
	bool		    has_start, has_shown;
	unsigned	    left, right; /* the lifelines' columns */
	struct label_before before[TIMELINE_HOSTS];
	struct live_conn   *conns;
	size_t		    n_conns;
	uint32_t	    named; /* the last connection whose ends have been written */
	/* A change of state waits for the segment that goes with it. */
	bool		    has_state;
	uint32_t	    state_conn;
	enum tern_state	    state;
	tern_time	    state_at;
};

/* Writes the head of the drawing, where there is one. peer and self: names. */
void live_init(struct live *live, FILE *to, FILE *json, const struct live_options *options, const char *peer,
	       const char *self);
void live_done(struct live *live); /* what is folded, and the end */

void live_event(struct live *live, const struct tern_watch_event *event);
/* Nothing more comes for now: what waits is drawn, and both files are flushed. */
void live_flush(struct live *live, tern_time now);

#endif
