/* What the ladder draws, in order: the timeline's lines without those that are folded or of no interest,
 * and with each change of state put on the row of what caused it.
 */
#ifndef WATCH_PLAN_H
#define WATCH_PLAN_H

#include "watch/timeline.h"

enum plan_kind {
	PLAN_SENT,
	PLAN_ARRIVED,
	PLAN_LOCAL, /* words beside one lifeline */
	PLAN_STATE, /* a change of state that nothing on the drawing caused */
	PLAN_FOLD,
	PLAN_GONE,
};

struct plan_item {
	enum plan_kind	kind;
	uint8_t		host; /* at whose lifeline it happens */
	bool		has_state;
	enum tern_state state; /* of host, from here on */
	size_t		state_line;
	uint32_t	conn;
	tern_time	t;
	size_t		line; /* FOLD: unused */

	/* FOLD: what is left out. */
	uint32_t first, last; /* numbers */
	uint32_t segments[TIMELINE_HOSTS];
	uint64_t octets[TIMELINE_HOSTS];
};

struct plan {
	struct plan_item *items;
	size_t		  n;
};

/* all: nothing folded, every timer. False: no memory. */
bool plan_make(struct plan *plan, const struct timeline *timeline, bool all);
void plan_done(struct plan *plan);

#endif
