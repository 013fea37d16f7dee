/* Instructions of the stack for a segment of bulk, a message, a connection opened and closed, at both ends, the
 * carrying between them included: fixed work, counted by callgrind, so that the same program gives the same figure
 * to the last digit. bench/baseline keeps them, and a test compares. */
#include "bench.h"
#include "callgrind.h"
#include <stdio.h>

static const struct {
	const struct bench_counted *what;
	unsigned		    n;
} kinds[] = {
	{ counted_bulk, COUNTED_BULK },
	{ counted_messages, COUNTED_MESSAGES },
	{ counted_open_close, COUNTED_OPEN_CLOSE },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

__attribute__((noinline)) uint64_t instructions_measured(const struct bench_counted *what, void *state);
__attribute__((noinline)) void	   instructions_done(void);

uint64_t instructions_measured(const struct bench_counted *what, void *state)
{
	return what->run(state);
}

void instructions_done(void) /* callgrind writes a file when it returns */
{
	__asm__ volatile("");
}

static uint64_t units_of(const struct bench_counted *what)
{
	void *const    state = what->begin(what->n);
	const uint64_t units = instructions_measured(what, state);

	instructions_done();
	what->end(state);
	return units;
}

int instructions_counted(void)
{
	for (unsigned k = 0; k < KINDS; k++)
		for (unsigned i = 0; i < kinds[k].n; i++)
			(void)units_of(&kinds[k].what[i]);
	return 0;
}

/* count NULL: there is no valgrind, and time is no promise. */
static void add(struct bench *bench, const struct bench_counted *what, const struct callgrind_count *count)
{
	const double	  start = bench_cpu(), units = (double)units_of(what), spent = bench_cpu() - start;
	double		  each = count ? count->own / units : spent * 1e9 / units;
	struct bench_row *row;

	const struct bench_case row_of = { "instructions", what->metric, count ? "instr" : "ns", NAN, BENCH_LOWER };
	row = bench_add(bench, &row_of, &each, 1);
	if (count)
		snprintf(row->note, sizeof row->note, "and %.0f of the C library", (count->all - count->own) / units);
	else
		snprintf(row->note, sizeof row->note, "CPU time, set-up included: no valgrind");
}

void bench_instructions(struct bench *bench)
{
	static const char *const arguments[] = { "--count-instructions", NULL };
	const bool		 counts = callgrind_can();
	struct callgrind	 run;

	if (counts)
		callgrind_run(&run, "instructions_measured", "instructions_done", arguments);
	for (unsigned k = 0; k < KINDS; k++) {
		for (unsigned i = 0; i < kinds[k].n; i++) {
			struct callgrind_count count;

			if (counts)
				count = callgrind_next(&run);
			add(bench, &kinds[k].what[i], counts ? &count : NULL);
		}
	}
	if (counts)
		callgrind_end(&run);
}
