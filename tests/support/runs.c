#include "support/runs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2, FAILURES_MAX = 20 };

struct shared {
	struct tally	  tally[WORKERS];
	uint64_t	  at[WORKERS]; /* the run that a worker is in */
	bool		  ended[WORKERS];
	struct run_result result[]; /* by run */
};

static char	   replay[256];
static size_t	   replay_n;
static const char *program_name;
static uint64_t	   first_seed = 1;

static void set_replay(uint64_t seed)
{
	replay_n = (size_t)snprintf(replay, sizeof replay, "\nreplay: TERN_SIM_SEED=%llu %s\n",
				    (unsigned long long)seed, program_name);
}

static void on_crash(int number)
{
	const ssize_t n = write(STDERR_FILENO, replay, replay_n);

	(void)n;
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_crashes(void)
{
	static const int numbers[] = { SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM, SIGPROF };
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };

	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
}

/* seconds of CPU time, which a busy machine does not lengthen; and where nothing is done, far more of real time. 0: no
 * bound. */
static void bound(unsigned seconds)
{
	const struct itimerval limit = { .it_value.tv_sec = seconds };

	(void)setitimer(ITIMER_PROF, &limit, NULL);
	alarm(30 * seconds);
}

static void one(struct runs *runs, uint64_t seed, bool verbose, struct run_result *result,
		struct tally *tally)
{
	set_replay(seed);
	bound(verbose ? 0 : runs->seconds ? runs->seconds : 30);
	runs->run(seed, verbose, result, tally);
	bound(0);
}

static void work(struct runs *runs, struct shared *shared, unsigned worker, uint64_t first)
{
	catch_crashes();
	for (uint64_t i = first; i < runs->count; i += WORKERS) {
		shared->at[worker] = i;
		one(runs, first_seed + i, false, &shared->result[i], &shared->tally[worker]);
		shared->result[i].done = true;
	}
	shared->ended[worker] = true;
	_exit(0);
}

static pid_t start(struct runs *runs, struct shared *shared, unsigned worker, uint64_t first)
{
	fflush(stdout);
	fflush(stderr);
	const pid_t pid = fork();

	if (pid == 0)
		work(runs, shared, worker, first);
	return pid;
}

static void oversee(struct runs *runs, struct shared *shared)
{
	pid_t	 pid[WORKERS];
	unsigned alive = 0;

	for (unsigned i = 0; i < WORKERS; i++, alive++)
		pid[i] = start(runs, shared, i, i);
	while (alive > 0) {
		int	    status;
		const pid_t gone = wait(&status);
		unsigned    worker = 0;

		while (worker < WORKERS && pid[worker] != gone)
			worker++;
		if (gone < 0 || worker == WORKERS)
			break;
		alive--;
		if (shared->ended[worker])
			continue;
		runs->failed++;
		fprintf(stderr, "run %llu ended by signal %d\n", (unsigned long long)(first_seed + shared->at[worker]),
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		if (runs->failed >= FAILURES_MAX)
			continue;
		pid[worker] = start(runs, shared, worker, shared->at[worker] + WORKERS);
		alive++;
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(const struct runs *runs, const struct shared *shared, size_t field)
{
	uint64_t *const values = malloc((size_t)runs->count * sizeof *values);
	size_t		n = 0;

	for (uint64_t i = 0; i < runs->count; i++)
		if (shared->result[i].done)
			values[n++] =
				*(const uint64_t *)(const void *)((const char *)&shared->result[i] + field);
	qsort(values, n, sizeof *values, by_value);
	const uint64_t middle = n ? values[n / 2] : 0;
	free(values);
	return middle;
}

static void sum_up(struct runs *runs, const struct shared *shared)
{
	runs->median.bytes = median(runs, shared, offsetof(struct run_result, bytes));
	runs->median.faults = median(runs, shared, offsetof(struct run_result, faults));
	runs->median.packets = median(runs, shared, offsetof(struct run_result, packets));
	for (uint64_t i = 0; i < runs->count; i++) {
		runs->passed += shared->result[i].done;
		for (unsigned k = 0; k < sizeof runs->median.more / sizeof *runs->median.more; k++)
			runs->median.more[k] += shared->result[i].more[k];
	}
	for (unsigned i = 0; i < WORKERS; i++)
		tally_add(&runs->tally, &shared->tally[i]);
}

void runs_go(struct runs *runs)
{
	const char *const count = getenv("TERN_SIM_RUNS"), *const seed = getenv("TERN_SIM_SEED");
	const char *const from = getenv("TERN_SIM_FROM");

	program_name = runs->program;
	if (seed) {
		catch_crashes();
		one(runs, strtoull(seed, NULL, 10), true, &runs->median, &runs->tally);
		runs->passed = runs->count = 1;
		return;
	}
	first_seed = from && !runs->most ? strtoull(from, NULL, 10) + 1 : 1;
	const uint64_t asked = count ? strtoull(count, NULL, 10) : 0;
	if (asked > 0 && (!runs->most || asked < runs->count))
		runs->count = asked;
	const size_t	     size = sizeof(struct shared) + (size_t)runs->count * sizeof(struct run_result);
	struct shared *const shared =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	oversee(runs, shared);
	sum_up(runs, shared);
	munmap(shared, size);
}

int runs_end(uint64_t passed, uint64_t failed)
{
	printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
	return failed ? 1 : 0;
}
