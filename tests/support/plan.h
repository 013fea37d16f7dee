/* A simulated world drawn by chance: link, hosts, and what the programs on them do. */
#ifndef SUPPORT_PLAN_H
#define SUPPORT_PLAN_H

#include "support/talk.h"

struct plan {
	bool	 hasty;	 /* hosts that give orphans and openings up soon, and whose TIME-WAIT is short */
	bool	 may_v6; /* both links are wide enough */
	bool	 scarce; /* of memory: calls may fail */
	unsigned talks;
	uint64_t most; /* octets of one stream, about */
};

/* Fills in seed, start, batch, configs, cables and MTUs. */
void plan_world(struct chance *chance, struct world_settings *settings, struct plan *plan);
void plan_talks(struct chance *chance, struct talks *talks, const struct plan *plan);

#endif
