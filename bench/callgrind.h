/* A part of this very program run once more under callgrind, which counts its instructions: the same figure in
 * every run, whatever else the machine does. For tern-bench, and for the tests that count (tests/attacks). What fails
 * here ends the program, with its reason. */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include <stdbool.h>

struct callgrind {
	char	 folder[40];
	unsigned taken; /* files read so far */
};

struct callgrind_count {
	double all; /* instructions, of libraries too */
	double own; /* of this program's own code: the C library picks its copying by what the processor has */
};

/* False: there is no valgrind, or this program is sanitized, which wants the same memory. */
bool callgrind_can(void);
/* Runs this program with the arguments (NULL ends them; at most 3). What happens within the function `measured` is
 * counted, and kept for callgrind_next() each time that the function `done` returns. */
void callgrind_run(struct callgrind *run, const char *measured, const char *done, const char *const arguments[]);
/* The next count, in the order of the run. */
struct callgrind_count callgrind_next(struct callgrind *run);
void		       callgrind_end(struct callgrind *run);

#endif
