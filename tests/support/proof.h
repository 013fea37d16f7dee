/* How often a randomised unit test runs: as often as it says, or TERN_PROOF_RUNS times (tools/proof.py). */
#ifndef SUPPORT_PROOF_H
#define SUPPORT_PROOF_H

#include <stdlib.h>

static inline unsigned proof_runs(unsigned usual)
{
	const char *const asked = getenv("TERN_PROOF_RUNS");
	const unsigned	  runs = asked ? (unsigned)strtoul(asked, NULL, 10) : 0;

	return runs > usual ? runs : usual;
}

#endif
