/* The timing wheel: when to come back, for millions of timers. Ids in arrays, no linked blocks.
 *
 * Six-bit levels over ticks of WHEEL_TICK ns, counted from the time of wheel_init(); a deadline is kept
 * to the tick (never early, at most one tick late). Adding never needs a search; an entry is not removed
 * but outlived: the owner keeps the tick it was last armed for, and drops what comes out for another.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/mem.h"

enum { WHEEL_TICK_BITS = 16, WHEEL_TICK = 1 << WHEEL_TICK_BITS, WHEEL_LEVELS = 8, WHEEL_SLOTS = 64 };

enum { WHEEL_CHUNK = 256 }; /* nodes taken from mem at a time */

struct wheel_entry {
	uint64_t tick; /* as it was given to wheel_add() */
	uint32_t id;
};

/* An entry in its slot's queue, or free. Indices, not addresses: 16 bytes also on 64-bit machines. */
struct wheel_node {
	uint64_t tick;
	uint32_t id, next;
};

struct wheel_slot {
	uint32_t first, last; /* nodes; meaningless while the slot's bit in occupied is clear */
};

struct wheel {
	struct mem	   *mem;
	tern_time	    origin; /* when tick 0 begins */
	uint64_t	    tick;   /* every entry before this one has come out */
	uint64_t	    occupied[WHEEL_LEVELS];
	struct wheel_slot   slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct wheel_node **chunks;
	uint32_t	    n_chunks, room_chunks;
	uint32_t	    n;	  /* entries */
	uint32_t	    free; /* first free node */
};

void wheel_init(struct wheel *wheel, struct mem *mem, tern_time now);
void wheel_done(struct wheel *wheel);

/* The tick that a deadline falls to: rounded up. Deadlines in the past fall to the next tick out. */
uint64_t wheel_tick(const struct wheel *wheel, tern_time deadline);

/* A tick in the past comes out at the next wheel_next(). False: no memory; the caller must then come
 * back by another way (it keeps the deadline). What was added is never lost to a lack of memory. */
bool wheel_add(struct wheel *wheel, uint64_t tick, uint32_t id);

/* Takes out one entry whose tick has come at `now`; false when there is none (the wheel then
 * stands at now). Order: by tick, then by insertion. A now that went back is as none. */
bool wheel_next(struct wheel *wheel, tern_time now, struct wheel_entry *entry);

/* When wheel_next() may next have something: exact, or an earlier moment to look again.
 * TERN_NEVER: empty. */
tern_time wheel_deadline(const struct wheel *wheel);

/* Gives back memory that the present number of entries does not need. Takes time in that number. */
void wheel_trim(struct wheel *wheel);

#endif
