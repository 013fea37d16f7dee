/* Joins two links: what one receives, the other sends, both ways. The caller has the clock, and the waiting. */
#ifndef LINK_BRIDGE_H
#define LINK_BRIDGE_H

#include <tern/link.h>

enum { BRIDGE_BATCH = 64 };

struct bridge {
	struct tern_link *side[2]; /* the caller's; ethernet or not, both alike */
	/* That side may have received something: set by the caller, when its descriptor or its device's deadline says
	 * so, and at first; cleared by a bridge_move() that found nothing there. */
	bool look[2];
	/* Of what side i received: refused by the other, which had no room (never by impair, which drops by itself and
	 * says so). */
	uint64_t refused[2];
	/* NULL: a move takes no time. Else read after each batch: what comes while the move lasts, which may be long on
	 * a busy machine, must not be sent on as if it had come at its begin, with its delay cut. */
	tern_time (*clock)(void *context);
	void *context;
};

/* Moves a batch each way from where there is something, and lets what is due go on: how many packets came. 0: nothing
 * to do before bridge_deadline(), or a descriptor has something. */
size_t bridge_move(struct bridge *bridge, tern_time now);

/* When bridge_move() has something to do by itself; TERN_NEVER: at no time. One that has passed, after a
 * bridge_move() that moved nothing: a device has no room, try again when it has. */
tern_time bridge_deadline(const struct bridge *bridge);

#endif
