/* Work per ACK: instructions, as callgrind counts them, whatever the number of segments in flight and however
 * hostile the SACK blocks. Where there is no valgrind: CPU time, which is no promise. */
#include "acks_run.h"
#include "bench.h"
#include "callgrind.h"
#include <stdio.h>

enum { ACKS = 200, MOST_TIMES = 2 };

static const uint32_t flights[] = { 10, 100, 1000, 10000, 100000 };
enum { FLIGHTS = sizeof flights / sizeof flights[0] };

/* --quick: the ends of the scale. */
static bool left_out(const struct bench *bench, unsigned flight)
{
	return bench->quick && flight > 0 && flight + 1 < FLIGHTS;
}

__attribute__((noinline)) void acks_case_done(void);

void acks_case_done(void) /* callgrind writes a file when it returns */
{
	__asm__ volatile("");
}

int acks_counted(bool quick)
{
	const struct bench bench = { .quick = quick };

	for (unsigned kind = 0; kind < ACKS_KINDS; kind++)
		for (unsigned i = 0; i < FLIGHTS; i++) {
			if (left_out(&bench, i))
				continue;
			(void)acks_run(kind, flights[i], ACKS);
			acks_case_done();
		}
	return 0;
}

static void add(struct bench *bench, unsigned kind, uint32_t n, double each, bool instructions, double of_ten)
{
	char metric[BENCH_METRIC];
	const struct bench_case what = {
		.workload = "acks", .metric = metric, .unit = instructions ? "instr/ACK" : "ns/ACK",
		.target = instructions && n > flights[0] ? MOST_TIMES * of_ten : NAN, .better = BENCH_LOWER,
	};

	snprintf(metric, sizeof metric, "%s, %u in flight", acks_kinds[kind].name, n);
	struct bench_row *const row = bench_add(bench, &what, &each, 1);

	if (!instructions)
		snprintf(row->note, sizeof row->note, "CPU time: no valgrind could count instructions");
}

void bench_acks(struct bench *bench)
{
	const char *const arguments[] = { "--count-acks", bench->quick ? "quick" : "all", NULL };
	const bool instructions = callgrind_can();
	struct callgrind run;

	if (instructions)
		callgrind_run(&run, "acks_measured", "acks_case_done", arguments);
	for (unsigned kind = 0; kind < ACKS_KINDS; kind++) {
		double of_ten = NAN;

		for (unsigned i = 0; i < FLIGHTS; i++) {
			if (left_out(bench, i))
				continue;
			const double each = (instructions ? callgrind_next(&run).all :
							    acks_run(kind, flights[i], ACKS) * 1e9) / ACKS;

			of_ten = i == 0 ? each : of_ten;
			add(bench, kind, flights[i], each, instructions, of_ten);
		}
	}
	if (instructions)
		callgrind_end(&run);
}
