/* The end of every connection, exhaustively to a bound (support/teardown.h), and every edge between the
 * states (tern_edges()) taken at least once: by the search, or by a world of its own (support/edge_worlds.c).
 *
 * The bound: the calls at each end and the faults of each job below. Sends carry three octets; the link is
 * 1500 octets wide, so each send is a segment. Prints what was visited; none of it may be zero.
 *
 *   TERN_SIM_RUNS=N   without the widest searches
 *   TERN_SIM_WIDE=1   with wider ones (tools/proof.py)
 */
#include "support/runs.h"
#include "support/teardown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, SEEN_BITS = 23, SEEN_BITS_WIDE = 26 };

/* The longest first, so that two workers end together. */
static const struct teardown_job jobs[] = {
	{ "established", TEARDOWN_ESTABLISHED, { 2, 1 }, 2, false, false, 3 },
	{ "established", TEARDOWN_ESTABLISHED, { 2, 2 }, 1, false, false, 3 },
	{ "simultaneous", TEARDOWN_SIMULTANEOUS, { 1, 1 }, 1, false, false, 3 },
	{ "opening", TEARDOWN_OPENING, { 1, 1 }, 2, false, false, 3 },
	{ "established", TEARDOWN_ESTABLISHED, { 3, 3 }, 0, false, false, 3 },
	{ "established", TEARDOWN_ESTABLISHED, { 1, 1 }, 2, false, false, 3 },
	{ "established, timestamps", TEARDOWN_ESTABLISHED, { 1, 1 }, 1, false, true, 3 },
	{ "established, IPv6", TEARDOWN_ESTABLISHED, { 2, 2 }, 0, true, false, 3 },
	{ "opening, timestamps", TEARDOWN_OPENING, { 1, 1 }, 1, false, true, 3 },
	{ "opening", TEARDOWN_OPENING, { 2, 2 }, 0, false, false, 3 },
	{ "simultaneous", TEARDOWN_SIMULTANEOUS, { 2, 2 }, 0, false, false, 3 },
	{ "simultaneous", TEARDOWN_SIMULTANEOUS, { 0, 0 }, 2, false, false, 3 },
	{ "refused", TEARDOWN_REFUSED, { 3, 0 }, 3, false, false, 3 },
	/* The last four only with TERN_SIM_WIDE. */
	{ "simultaneous", TEARDOWN_SIMULTANEOUS, { 1, 1 }, 2, false, false, 3 },
	{ "opening", TEARDOWN_OPENING, { 2, 1 }, 2, false, false, 3 },
	{ "established", TEARDOWN_ESTABLISHED, { 3, 2 }, 1, false, false, 3 },
	{ "established", TEARDOWN_ESTABLISHED, { 1, 1 }, 3, false, false, 3 },
};

enum { JOBS = sizeof jobs / sizeof *jobs, FIRST_WIDE = JOBS - 4 };

struct shared {
	unsigned	       next; /* job to take */
	bool		       done[JOBS];
	double		       seconds[JOBS];
	struct teardown_result result[JOBS];
};

static bool is_left_out(unsigned job)
{
	const bool wide = jobs[job].calls[0] + jobs[job].calls[1] + jobs[job].faults >= 5;

	return (job >= FIRST_WIDE && !getenv("TERN_SIM_WIDE")) || (wide && getenv("TERN_SIM_RUNS"));
}

static void work(struct shared *shared)
{
	unsigned job;

	while ((job = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < JOBS) {
		const clock_t began = clock();

		shared->done[job] = true;
		if (is_left_out(job))
			continue;
		shared->done[job] = false;

		teardown_search(&jobs[job], job >= FIRST_WIDE ? SEEN_BITS_WIDE : SEEN_BITS, &shared->result[job]);
		shared->seconds[job] = (double)(clock() - began) / CLOCKS_PER_SEC;
		shared->done[job] = true;
	}
	_exit(0);
}

static void work_all(struct shared *shared)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		fflush(stdout);
		if (fork() == 0)
			work(shared);
	}
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	struct shared *const shared =
		mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static struct tally tally;
	uint64_t	    passed = 0, failed = 0;
	unsigned	    zero;

	if (shared == MAP_FAILED)
		return 1;
	work_all(shared);
	printf("calls A, B, faults: distinct points, actions taken, ends, longest path, slowest CLOSED\n");
	for (unsigned i = 0; i < JOBS; i++) {
		const struct teardown_result *const r = &shared->result[i];

		printf("  %-24s %u %u %u: %9llu %9llu %6llu %4llu %8.3f s%s (%.1f s)\n", jobs[i].name,
		       jobs[i].calls[0], jobs[i].calls[1], jobs[i].faults, (unsigned long long)r->points,
		       (unsigned long long)r->actions, (unsigned long long)r->paths,
		       (unsigned long long)r->deepest, (double)r->longest / 1e9,
		       shared->done[i] ? "" : "  FAILED", shared->seconds[i]);
		passed += shared->done[i];
		failed += !shared->done[i];
		tally_add(&tally, &r->tally);
	}
	passed += edge_worlds_run(&tally, getenv("TERN_SIM_SEED") != NULL);
	printf("states entered:\n");
	zero = tally_print_states(&tally);
	printf("edges taken:\n");
	zero += tally_print_edges(&tally);
	if (zero > 0)
		printf("%u of them never\n", zero);
	failed += zero > 0 || tally.unknown_edges > 0;
	return runs_end(passed, failed);
}
