/* A flight recorder: what connections did lately, in memory that is taken once and never grows. Of each connection its
 * first events are kept (how it opened: without the SYNs no relative sequence number is known) and its newest; what lay
 * between is counted. One that carries much cannot push out what another did: memory is shared fairly, and where there
 * is none left, connections that have ended make room first, the longest ended before the others, then who has been
 * silent the longest.
 *
 * Events are kept as they come, which costs a look-up and a copy each; words are made when somebody asks.
 */
#ifndef WATCH_HISTORY_H
#define WATCH_HISTORY_H

#include "base/siphash.h"

#include <stdio.h>
#include <tern/watch.h>

enum { HISTORY_MIN = 64 << 10 }; /* bytes */

struct history;

struct history_told {
	uint64_t events;      /* that are kept */
	uint64_t left_out;    /* that were, of connections that still are */
	uint64_t forgotten;   /* connections that are not known any more */
	uint32_t connections; /* that are */
};

/* Takes `bytes` (HISTORY_MIN at least) and no more. NULL: no memory. key: secret, so that nobody can choose what falls
 * into one bucket. */
struct history *history_new(size_t bytes, const struct siphash_key *key);
void		history_delete(struct history *history); /* NULL is fine */

/* tern_watcher.event, with the history as context. */
void history_event(void *history, const struct tern_watch_event *event);

void history_count(const struct history *history, struct history_told *told);

/* JSON lines (docs/json-lines.md) of all that is kept, in its order, times from the first event on; in
 * the place of what was left out a line "folded"; at the end a line "connection" for each: between whom it is. self and
 * peer: names. The time that is 0 goes to *origin. False: no memory; what was written is not whole. */
bool history_tell(const struct history *history, const char *peer, const char *self, FILE *to, tern_time *origin);

#endif
