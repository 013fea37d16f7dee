/* Every way in which a connection can be opened, used a little and ended, to a bound: a search over all
 * interleavings of the calls at both ends, of deliveries, and of faults.
 *
 * At each point the search takes every action that is possible there:
 *
 *   send, shutdown, close, abort   at either end, while that end has calls left
 *   deliver                        the oldest packet of either direction
 *   lose, duplicate, put last      the same packet, while faults are left; the copy comes after the others
 *   late                           timers run though packets are under way (a fault)
 *   time                           nothing is under way: the next timer runs
 *   end                            nothing will happen by itself any more: an end that is open closes
 *
 * Points that are alike (both hosts' connections and entries, relative to now; what is under way; what the
 * programs have seen; what is left) are looked at once. Each branch goes on from a snapshot (arena.h).
 *
 * In every point all invariants hold (tern_host_check); at the end of every path: no block, entry, timer or
 * byte of memory is left, every end that was let go is CLOSED within TEARDOWN_BOUND, and, where neither end
 * aborted nor let go before it had read all, every octet has arrived and both have seen the end.
 */
#ifndef SUPPORT_TEARDOWN_H
#define SUPPORT_TEARDOWN_H

#include "support/tally.h"

enum teardown_kind {
	TEARDOWN_ESTABLISHED,  /* begins when both ends are ESTABLISHED */
	TEARDOWN_OPENING,      /* begins with the client's SYN under way, to a listener that may close too */
	TEARDOWN_SIMULTANEOUS, /* both SYNs under way */
	TEARDOWN_REFUSED,      /* nobody listens */
};

struct teardown_job {
	const char	  *name;
	enum teardown_kind kind;
	unsigned	   calls[2]; /* at each end */
	unsigned	   faults;
	bool		   v6, timestamps;
	unsigned	   send; /* octets of each send */
};

struct teardown_result {
	uint64_t     paths, points, actions; /* ends reached; distinct points; actions taken */
	uint64_t     deepest;
	tern_time    longest; /* from the last handle's close to CLOSED */
	struct tally tally;
};

#define TEARDOWN_BOUND (300 * TERN_SECOND)

/* At most 3/4 of 2^seen_bits points, of 8 bytes each. */
void teardown_search(const struct teardown_job *job, unsigned seen_bits, struct teardown_result *result);

/* Worlds of their own for the edges that no such search reaches; edge_worlds.c. Returns how many ran. */
unsigned edge_worlds_run(struct tally *tally, bool verbose);

#endif
