/* Many seeded runs over two processes. A run that fails (abort, assert, crash, or no end) costs its
 * process; it is told with the command that replays it, and the others go on.
 */
#ifndef SUPPORT_RUNS_H
#define SUPPORT_RUNS_H

#include "support/tally.h"

#include <stdbool.h>
#include <stdint.h>

/* What a run reports. */
struct run_result {
	uint64_t bytes, faults, packets;
	uint64_t more[20]; /* as the program likes; summed */
	bool	 done;	  /* set when the run has returned */
};

struct runs {
	const char *program; /* "build/release/tests/sim/sim_random" */
	uint64_t    count;   /* unless TERN_SIM_RUNS says other */
	bool	    most;    /* count is all there are: TERN_SIM_RUNS only asks for fewer */
	void (*run)(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally);
	unsigned seconds; /* a run may take, of CPU time; 0: 30 */
	/* Filled in. */
	uint64_t	  passed, failed;
	struct run_result median; /* by each field; more: the sums */
	struct tally	  tally;  /* of all */
};

/* With TERN_SIM_SEED only that run, verbosely, in this process. TERN_SIM_FROM=N begins after run N: worlds that
 * an earlier, shorter call has not been to. */
void runs_go(struct runs *runs);

/* Prints the plain last line; the exit code. */
int runs_end(uint64_t passed, uint64_t failed);

#endif
