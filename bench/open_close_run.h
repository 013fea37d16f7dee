/* Connections opened and closed, eight at a time, none left waiting (open_close.c says how). */
#ifndef BENCH_OPEN_CLOSE_RUN_H
#define BENCH_OPEN_CLOSE_RUN_H

#include "world.h"

enum { DOORS_BATCH = 8 };

struct doors {
	struct world world;
	uint32_t     n; /* opened so far */
	uint32_t     closed; /* by both ends */
	bool	     reuse;
};

void doors_begin_in(struct doors *doors, const struct world_settings *settings);
/* A whole number of batches. */
void doors_open_and_close(struct doors *doors, uint32_t n);

#endif
