/* JSON lines: a timeline as one JSON object a line. The schema is docs/json-lines.md. */
#ifndef WATCH_JSONL_H
#define WATCH_JSONL_H

#include "watch/timeline.h"

#include <tern/status.h>

#include <stdio.h>

enum { JSONL_LINE = 1024 }; /* no line is longer, its end included */

/* Line i of the timeline as JSON, ended by a newline and a zero. Returns its length without the zero. */
size_t jsonl_line(char to[JSONL_LINE], const struct timeline *timeline, size_t i);

/* A counter for the closing line. */
struct jsonl_counter {
	const char *name; /* needs no escaping */
	uint64_t    value;
};

/* The closing line of one host at time now: "ev":"end" with its totals, with the counters given, and with what its
 * program last saw of its connection (NULL: it had none). */
void jsonl_end(FILE *to, const struct timeline *timeline, unsigned host, tern_time now, bool as_expected,
	       const struct jsonl_counter *counters, size_t n, const struct tern_status *status);

/* Lines [from, timeline->n), without the closing ones. Returns timeline->n, the next call's from. A SENT
 * line is complete once the link has told its fate, so call this when the links have taken what the hosts
 * gave out. */
size_t jsonl_write(FILE *to, const struct timeline *timeline, size_t from);

#endif
