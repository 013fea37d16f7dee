/* Numbers for connections, from 1 in the order of their first event, as a sink sees them.
 *
 * A connection is named by its two endpoints whichever end reports it, so that the events of both hosts
 * of a run get the same number; and by its incarnation, so that a new SYN between the same two endpoints
 * after the old connection has ended (or from TIME-WAIT, RFC 9293 MAY-2) gets a new one.
 */
#ifndef WATCH_CONNS_H
#define WATCH_CONNS_H

#include <stddef.h>
#include <stdint.h>
#include <tern/watch.h>

/* What is known of one end of one incarnation. */
struct conns_end {
	enum tern_state state; /* as its last state event had it */
	bool		began; /* it has told of a state */
	bool		has_iss;
	uint32_t	iss;
};

struct conns_incarnation {
	uint32_t	 number; /* 0: there is none */
	struct conns_end end[2];
};

struct conns_entry {
	struct tern_tuple	 tuple; /* canonical: local is the lesser endpoint; end[0] is local's */
	struct conns_incarnation now, before;
};

struct conns {
	struct conns_entry *entries; /* open addressing; a free one has now.number 0 */
	size_t		    room, n;
	uint32_t	    last; /* the highest number given */
};

void conns_init(struct conns *conns);
void conns_done(struct conns *conns);

/* The number of the connection that the event tells of. 0: none (a listener's own, a packet that names
 * no connection), or no memory for a new one. */
uint32_t conns_number(struct conns *conns, const struct tern_watch_event *event);

/* The number that the tuple stands for at present; 0: none yet. */
uint32_t conns_current(const struct conns *conns, const struct tern_tuple *tuple);

#endif
