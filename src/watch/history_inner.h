/* What history.c and history_tell.c share. */
#ifndef WATCH_HISTORY_INNER_H
#define WATCH_HISTORY_INNER_H

#include "watch/history.h"

enum { HISTORY_BLOCK = 16 }; /* events */
#define HISTORY_NONE UINT32_MAX

struct history_block {
	uint32_t		next, n;
	uint64_t		order[HISTORY_BLOCK]; /* over all connections */
	struct tern_watch_event events[HISTORY_BLOCK];
};

struct history_conn {
	struct tern_tuple tuple;
	uint32_t	  next;		/* in its bucket, or among the free */
	uint32_t	  older, newer; /* in its list */
	uint32_t	  first, last, n_blocks; /* n_blocks 0: it is free */
	bool		  has_ended;

	uint64_t  left_out, segments, octets, order; /* order: of the first that was left out */
	uint32_t  again;
	tern_time from, until;
};

struct history_list {
	uint32_t oldest, newest;
};

struct history {
	struct siphash_key    key;
	struct history_block *blocks;
	struct history_conn  *conns;
	uint32_t	     *buckets;
	uint32_t	      n_blocks, n_conns, n_buckets, n_used; /* n_buckets: a power of two */
	uint32_t	      free_blocks, free_conns, hand;
	struct history_list   lists[2]; /* by has_ended */
	uint64_t	      order, forgotten;
};

#endif
