#include "base/counters.h"

#include "base/bytes.h"

uint32_t *counters_of(struct counters *counters, uint64_t name)
{
	struct counters_set *const set = &counters->set[(name >> 32) % COUNTERS_SETS];
	const uint32_t		   now = ++counters->clock;
	unsigned		   i = 0, oldest = 0;

	for (name |= 1; i < COUNTERS_WAYS && set->way[i].name != name; i++)
		if (now - set->way[i].used > now - set->way[oldest].used)
			oldest = i;
	if (i == COUNTERS_WAYS) {
		i = oldest;
		set->floor = max_u32(set->floor, set->way[i].count);
		set->way[i].name = name;
		set->way[i].count = set->floor;
	}
	set->way[i].used = now;
	return &set->way[i].count;
}
