/* A watcher that counts: states, edges, verdicts, timers, retransmissions; and one that prints. */
#ifndef SUPPORT_TALLY_H
#define SUPPORT_TALLY_H

#include <tern/watch.h>

enum { TALLY_EDGES_MAX = 128 };

struct tally {
	uint64_t states[TERN_STATES];	 /* entered */
	uint64_t edges[TALLY_EDGES_MAX]; /* in the order of tern_edges() */
	uint64_t verdicts[TERN_VERDICTS];
	uint64_t timers[TERN_TIMERS]; /* fired */
	uint64_t retransmits[TERN_RETRANSMIT_WHYS];
	uint64_t notes[TERN_NOTES];
	uint64_t segments_tx, segments_rx, unknown_edges;
};

struct tally_sink {
	struct tally *tally;
	const char   *name;  /* of the host, for printing */
	bool	      print; /* each event, to stderr */
	tern_time     zero;  /* times are printed from here */
};

struct tern_watcher tally_watcher(struct tally_sink *sink);
void		    tally_add(struct tally *sum, const struct tally *more);

/* Prints every state and edge with its count; returns how many are zero. */
unsigned tally_print_states(const struct tally *tally);
unsigned tally_print_edges(const struct tally *tally);

#endif
