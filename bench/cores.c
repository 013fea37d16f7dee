/* More cores: messages and openings as `messages` and `open-close` have them, by one thread and by two, each with a
 * client and a server of its own. The servers share one address, the clients another, and every packet goes through
 * the steering of tern/hosts.h (link/steer.h), which asks whose it is; both groups have one key, as a device whose
 * hash is ours, so that each packet is found to have come to its own thread.
 *
 * One and two run in turn. Each thread's cost is taken on its own CPU clock: what two cores would do is what two
 * threads did, each in the time that it ran. The wall clock stands beside it, which on a busy machine says less.
 */
#include "bench.h"
#include "link/steer.h"
#include "messages_run.h"
#include "open_close_run.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 2, CONNECTIONS = 100 };

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		bench_fail("this system has no clock for the CPU time of a thread");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct worker {
	_Alignas(128) struct group *group; /* no line is shared with another thread */
	struct talk   talk;
	struct doors  doors;
	uint64_t      work;
	double	      cpu, began, ended; /* seconds */
	pthread_t     thread;
};

struct group {
	unsigned	  n;
	bool		  opens;
	struct worker	  worker[THREADS];
	struct tern_share share;
	struct tern_link *end[2][THREADS]; /* the clients', the servers' */
	pthread_barrier_t barrier;
};

/* Pairs as queues, and the two groups' ends over them. */
static void make_links(struct group *group)
{
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_link	     *queue[2][THREADS], *pair[2];

	group->share = (struct tern_share){ .key = { 1, 2 }, .n = (uint16_t)group->n, .port_low = 32768,
					    .port_high = 60999 };
	for (unsigned i = 0; i < group->n; i++) {
		bench_need(tern_pair_create(pair, &link, tern_allocator_default()), "a pair");
		queue[CLIENT][i] = pair[0];
		queue[SERVER][i] = pair[1];
	}
	for (unsigned side = 0; side < 2; side++) {
		const struct steer_settings settings = { .n = group->n, .queue = queue[side], .n_queues = group->n,
							 .share = &group->share,
							 .allocator = tern_allocator_default() };
		bench_need(steer_create(group->end[side], &settings), "steering");
	}
}

static void begin(struct group *group, unsigned n, bool opens)
{
	*group = (struct group){ .n = n, .opens = opens };
	make_links(group);
	if (pthread_barrier_init(&group->barrier, NULL, n) != 0)
		bench_fail("a barrier: not to be had");
	for (unsigned i = 0; i < n; i++) {
		struct worker *const   worker = &group->worker[i];
		struct tern_share      share = group->share;
		struct tern_link      *end[2] = { group->end[CLIENT][i], group->end[SERVER][i] };
		struct world_settings settings = { .link = { .mtu = 1500 }, .memory_limit = (size_t)2 << 30,
						   .share = &share, .end = end };

		share.index = (uint16_t)i;
		worker->group = group;
		if (opens)
			doors_begin_in(&worker->doors, &settings);
		else
			talk_begin_in(&worker->talk, CONNECTIONS, &settings);
	}
}

/* What was steered elsewhere would never have come back; that nothing was, the workloads' own checks say. */
static void let_go(struct group *group)
{
	for (unsigned i = 0; i < group->n; i++)
		if (group->opens)
			world_destroy(&group->worker[i].doors.world);
		else
			talk_end(&group->worker[i].talk);
	pthread_barrier_destroy(&group->barrier);
}

static void *work(void *context)
{
	struct worker *const worker = context;

	(void)pthread_barrier_wait(&worker->group->barrier);
	worker->began = seconds_of(CLOCK_MONOTONIC);
	const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	if (worker->group->opens)
		doors_open_and_close(&worker->doors, (uint32_t)worker->work);
	else
		talk_exchange(&worker->talk, worker->work);
	worker->cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - before;
	worker->ended = seconds_of(CLOCK_MONOTONIC);
	return NULL;
}

struct rates {
	double cpu, wall; /* of all threads, in a second */
};

static struct rates run(struct group *group, uint64_t n)
{
	struct rates rates = { 0, 0 };
	double	     began = INFINITY, ended = 0;

	for (unsigned i = 0; i < group->n; i++) {
		group->worker[i].work = n;
		if (pthread_create(&group->worker[i].thread, NULL, work, &group->worker[i]) != 0)
			bench_fail("a thread: not to be had");
	}
	for (unsigned i = 0; i < group->n; i++) {
		const struct worker *const worker = &group->worker[i];

		(void)pthread_join(worker->thread, NULL);
		rates.cpu += (double)n / worker->cpu;
		began = worker->began < began ? worker->began : began;
		ended = worker->ended > ended ? worker->ended : ended;
	}
	rates.wall = (double)n * group->n / (ended - began);
	return rates;
}

static void one_case(struct bench *bench, bool opens, const char *metric)
{
	const uint64_t n = bench->quick ? 2000 : opens ? 200000 : 500000;
	const struct bench_case row = { "cores", metric, "times", 1.8, BENCH_HIGHER };
	double		  samples[BENCH_ROUNDS_MAX], wall[BENCH_ROUNDS_MAX], alone = 0;
	static struct group group[2];

	for (unsigned i = 0; i < 2; i++) {
		begin(&group[i], i + 1, opens);
		(void)run(&group[i], n / 10);
	}
	for (unsigned round = 0; round < bench->rounds; round++) {
		const struct rates one = run(&group[0], n), two = run(&group[1], n);

		samples[round] = two.cpu / one.cpu;
		wall[round] = two.wall / one.wall;
		alone += one.cpu / bench->rounds;
	}
	struct bench_row *const made = bench_add(bench, &row, samples, bench->rounds);
	const struct bench_case wall_row = { "cores", opens ? "open and close, by the wall clock" :
							 "messages, by the wall clock", "times", NAN, BENCH_HIGHER };
	(void)bench_add(bench, &wall_row, wall, bench->rounds);
	snprintf(made->note, sizeof made->note, "two threads to one; one does %.0f ns each of CPU, steering counted",
		 1e9 / alone / (opens ? 1 : 2));
	for (unsigned i = 0; i < 2; i++)
		let_go(&group[i]);
}

void bench_cores(struct bench *bench)
{
	one_case(bench, false, "messages, 100 connections a thread");
	one_case(bench, true, "open and close, batches of 8");
}
