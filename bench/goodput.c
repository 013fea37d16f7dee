/* Goodput: one flow over one bottleneck in virtual time, for each controller and each way in which a path can
 * be bad; and beside it the slowest of many short transfers. What is counted is text that the receiver's
 * program read; the ceiling is what the bottleneck could have carried of it.
 */
#include "bench.h"
#include "path.h"
#include <stdio.h>
#include <stdlib.h>

enum { SHORT = 100000, SHORT_TIMES = 200, SHORT_TIMES_QUICK = 20, ROUND_TRIPS = 100, MTU = 1500 };

static const tern_time patience = 120 * TERN_SECOND; /* for a short transfer */

struct harm {
	const char *name;
	struct tern_impair set;
};

static const struct harm harms[] = {
	{ "no loss", { 0 } },
	{ "0.1 % loss", { .loss = 0.001 } },
	{ "1 % loss", { .loss = 0.01 } },
	{ "3 % loss", { .loss = 0.03 } },
	{ "10 % loss", { .loss = 0.1 } },
	{ "bursts", { .burst_enter = 0.002, .burst_leave = 0.2 } }, /* five packets at a time, 1 % in all */
	{ "1 % reordered", { .reorder = 0.01, .reorder_by = 20 } },
	{ "1 % reordered by 3", { .reorder = 0.01, .reorder_by = 3 } },
	{ "5 ms jitter", { .jitter = 5 * TERN_MILLISECOND } },
	{ "1 % duplicated", { .duplicate = 0.01 } },
};

enum { N_HARMS = sizeof harms / sizeof *harms, QUICK_HARMS = 3 };

struct cell {
	const struct harm *harm;
	const char *controller;
	tern_time rtt;
	uint64_t  rate; /* bits per second */
	double	  buffer; /* bandwidth-delay products */
};

static void set_path(const struct cell *cell, uint64_t seed, struct path_settings *settings)
{
	const uint64_t rate = cell->rate / 8;
	const double product = (double)rate * (double)cell->rtt / 1e9;

	*settings = (struct path_settings){
		.forward = cell->harm->set,
		.back = cell->rtt - cell->rtt / 2,
		.window = (uint32_t)(product * (cell->buffer + 2) + 1e6),
	};
	settings->forward.delay = cell->rtt / 2;
	settings->forward.rate = rate;
	settings->forward.limit = path_buffer(cell->buffer, rate, cell->rtt, MTU);
	settings->forward.memory = (size_t)(4 * product * (cell->buffer + 1)) + ((size_t)16 << 20);
	settings->forward.reorder_delay = cell->rtt / 4 + TERN_MILLISECOND;
	settings->forward.seed = seed;
}

/* Octets a second over a hundred round trips and at least ten seconds (quick: 20 and 2). */
static double goodput(const struct cell *cell, uint64_t seed, bool quick, double *ceiling)
{
	const tern_time least = (quick ? 2 : 10) * TERN_SECOND, trips = (quick ? 20 : ROUND_TRIPS) * cell->rtt;
	const tern_time span = trips > least ? trips : least;
	struct path_settings settings;
	struct path path;

	set_path(cell, seed, &settings);
	path_create(&path, &settings);
	path_open(&path, cell->controller, UINT64_MAX);
	path_run(&path, span);
	*ceiling = path_ceiling(&path);
	const double rate = (double)path.flow[0].received / ((double)span / 1e9);

	path_destroy(&path);
	return rate;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The 99th percentile, in seconds, of transfers of 100,000 octets, each over a connection of its own. */
static double completion(const struct cell *cell, uint64_t seed, bool quick)
{
	const unsigned times = quick ? SHORT_TIMES_QUICK : SHORT_TIMES;
	double took[SHORT_TIMES];

	for (unsigned i = 0; i < times; i++) {
		struct path_settings settings;
		struct path path;

		set_path(cell, seed + i, &settings);
		path_create(&path, &settings);
		path_open(&path, cell->controller, SHORT);
		path_run_flow(&path, 0, patience);
		if (path.flow[0].ended == TERN_NEVER)
			path.flow[0].ended = patience; /* it is long enough as it is */
		took[i] = (double)path.flow[0].ended / 1e9;
		path_destroy(&path);
	}
	qsort(took, times, sizeof *took, by_size);
	return took[(times * 99 + 99) / 100 - 1];
}

static void one_cell(struct bench *bench, const struct cell *cell)
{
	const unsigned rounds = bench->quick ? 1 : bench->rounds;
	double samples[BENCH_ROUNDS_MAX], ceiling = 0;
	char metric[BENCH_METRIC];

	snprintf(metric, sizeof metric, "%s, %s, %d ms, %g Mbit/s, buffer %g", cell->controller, cell->harm->name,
		 (int)(cell->rtt / TERN_MILLISECOND), (double)cell->rate / 1e6, cell->buffer);
	for (unsigned i = 0; i < rounds; i++)
		samples[i] = goodput(cell, 1 + i, bench->quick, &ceiling) * 8e-6;
	const double p99 = completion(cell, 1, bench->quick);
	const struct bench_case what = { "goodput", metric, "Mbit/s", NAN, BENCH_HIGHER };
	struct bench_row *const row = bench_add(bench, &what, samples, rounds);

	row->ceiling = ceiling * 8e-6;
	row->p99 = p99;
	snprintf(row->note, sizeof row->note, "%.0f %% of %.3g; 100 kB in %.3g s (p99)",
		 100 * row->median / row->ceiling, row->ceiling, p99);
}

static void all_harms(struct bench *bench, const char *controller, tern_time rtt, uint64_t rate, double buffer)
{
	for (unsigned i = 0; i < (bench->quick ? QUICK_HARMS : N_HARMS); i++)
		one_cell(bench, &(struct cell){ &harms[i], controller, rtt, rate, buffer });
}

void bench_goodput(struct bench *bench)
{
	static const tern_time rtts[] = { 1, 20, 100, 300 };
	static const uint64_t rates[] = { 10000000, 1000000000 };
	static const double buffers[] = { 0.1, 1, 4 };

	if (!bench->full) {
		for (unsigned c = 0; c < bench_n_controllers; c++)
			all_harms(bench, bench_controllers[c], 20 * TERN_MILLISECOND, rates[0], 1);
		return;
	}
	for (unsigned c = 0; c < bench_n_controllers; c++)
		for (unsigned i = 0; i < 2 * 4 * 3; i++)
			all_harms(bench, bench_controllers[c], rtts[i / 3 % 4] * TERN_MILLISECOND, rates[i / 12],
				  buffers[i % 3]);
}
