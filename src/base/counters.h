/* Counters by name, in bounded room: a name has one of its own as long as few others share its set, so that what is
 * counted for one does not show in another's. A name that had to go begins again where the furthest of those that went
 * from its set stood: no number of its own comes back. */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdint.h>

enum { COUNTERS_SETS = 16, COUNTERS_WAYS = 4 };

/* All zero: none was ever asked for. */
struct counters {
	uint32_t clock;
	struct counters_set {
		uint32_t floor;
		struct {
			uint64_t name; /* 0: nobody's yet */
			uint32_t count, used;
		} way[COUNTERS_WAYS];
	} set[COUNTERS_SETS];
};

/* The counter of the name, a keyed hash; from 0 on. Good until the next call. */
uint32_t *counters_of(struct counters *counters, uint64_t name);

#endif
