/* Fairness: flows of one controller, and of two, on one bottleneck of 100 Mbit/s and 40 ms with one
 * bandwidth-delay product of buffer, over 60 seconds of which the first ten do not count; and what they do to
 * its queue. Flows begin within one round trip of each other, by seed, or one comes late; a jitter of half a
 * packet's time keeps them from marching in step, as clocks do in the world.
 */
#include "bench.h"
#include "base/siphash.h"
#include "path.h"
#include <stdio.h>

enum { MTU = 1500, WARM_UP = 10, SECONDS = 60, LATE = 5 /* seconds */ };

static const uint64_t rate = 100000000 / 8;
static const tern_time rtt = 40 * TERN_MILLISECOND;

static void make_path(struct path *path, double buffer, uint64_t seed)
{
	const struct path_settings settings = {
		.forward = {
			.delay = rtt / 2, .jitter = 60 * TERN_MICROSECOND, .rate = rate,
			.limit = path_buffer(buffer, rate, rtt, MTU), .seed = seed,
		},
		.back = rtt / 2,
		.window = 16 << 20,
	};

	path_create(path, &settings);
}

/* Shares of flows 0 to n, octets of the seconds that count. */
static void shares(struct path *path, const char *const controller[], unsigned n, bool late, double *share)
{
	const tern_time end = SECONDS * TERN_SECOND;
	uint64_t random = path->settings.forward.seed;

	for (unsigned i = 0; i < n; i++) {
		const tern_time soon = (tern_time)(splitmix64(&random) % (uint64_t)(rtt / n));

		path_open(path, controller[i], UINT64_MAX);
		path_run(path, path->now + (i + 1 == n ? 0 : late ? LATE * TERN_SECOND : soon));
	}
	path_run(path, WARM_UP * TERN_SECOND);
	for (unsigned i = 0; i < n; i++)
		share[i] = -(double)path->flow[i].received;
	path_run(path, end);
	for (unsigned i = 0; i < n; i++)
		share[i] += (double)path->flow[i].received;
}

/* Jain's index: 1 where all have the same, 1/n where one has all. */
static double jain(const double *share, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += share[i];
		squares += share[i] * share[i];
	}
	return squares > 0 ? sum * sum / (n * squares) : 0;
}

static void same_kind(struct bench *bench, const char *name, unsigned n, bool late)
{
	const char *controller[PATH_FLOWS_MAX];
	double samples[BENCH_ROUNDS_MAX], share[PATH_FLOWS_MAX], used = 0;
	const unsigned rounds = bench->quick ? 1 : bench->rounds;
	char metric[BENCH_METRIC];

	for (unsigned i = 0; i < n; i++)
		controller[i] = name;
	for (unsigned round = 0; round < rounds; round++) {
		struct path path;

		make_path(&path, 1, 1 + round);
		shares(&path, controller, n, late, share);
		samples[round] = jain(share, n);
		used = 0;
		for (unsigned i = 0; i < n; i++)
			used += share[i] / (SECONDS - WARM_UP) / path_ceiling(&path);
		path_destroy(&path);
	}
	snprintf(metric, sizeof metric, "%u flows of %s%s", n, name, late ? ", the last 5 s late" : "");
	const struct bench_case what = { "fairness", metric, "Jain", late ? NAN : 0.95, BENCH_HIGHER };
	struct bench_row *const row = bench_add(bench, &what, samples, rounds);

	snprintf(row->note, BENCH_NOTE, "%.0f %% of the bottleneck used", 100 * used);
}

/* One flow of each; the smaller share. */
static void two_kinds(struct bench *bench, const char *a, const char *b, double target)
{
	const char *const controller[] = { a, b };
	double samples[BENCH_ROUNDS_MAX], share[2] = { 0 };
	const unsigned rounds = bench->quick ? 1 : bench->rounds;
	char metric[BENCH_METRIC];

	for (unsigned round = 0; round < rounds; round++) {
		struct path path;

		make_path(&path, 1, 1 + round);
		shares(&path, controller, 2, false, share);
		samples[round] = (share[0] < share[1] ? share[0] : share[1]) / (share[0] + share[1]);
		path_destroy(&path);
	}
	snprintf(metric, sizeof metric, "%s beside %s", a, b);
	const struct bench_case what = { "fairness", metric, "share", target, BENCH_HIGHER };
	struct bench_row *const row = bench_add(bench, &what, samples, rounds);

	snprintf(row->note, BENCH_NOTE, "the smaller share; the last round's of %s: %.2f", a,
		 share[0] / (share[0] + share[1]));
}

void bench_fairness(struct bench *bench)
{
	static const unsigned flows[] = { 2, 8, 32 };

	for (unsigned c = 0; c < bench_n_controllers; c++) {
		for (unsigned i = 0; i < (bench->quick ? 1 : 3); i++)
			same_kind(bench, bench_controllers[c], flows[i], false);
		if (!bench->quick)
			same_kind(bench, bench_controllers[c], 2, true);
	}
	for (unsigned a = 0; a < bench_n_controllers; a++)
		for (unsigned b = a + 1; b < bench_n_controllers; b++)
			two_kinds(bench, bench_controllers[a], bench_controllers[b], 0.15);
}

/* How long packets wait in a buffer of four products, in products, from the tenth second on. */
static void one_queue(struct bench *bench, const char *controller)
{
	const double target = bench_is_model_based(controller) ? 1.5 : NAN;
	char metric[BENCH_METRIC], loss[32] = "nothing lost";
	double mean[1];
	struct path path;

	make_path(&path, 4, 1);
	path_open(&path, controller, UINT64_MAX);
	path_run(&path, WARM_UP * TERN_SECOND);
	path_watch_queue(&path);
	path_run(&path, SECONDS * TERN_SECOND);
	mean[0] = path.queue.sum / (double)path.queue.packets / ((double)rtt / 1e9);
	snprintf(metric, sizeof metric, "%s, buffer 4", controller);
	const struct bench_case what = { "bufferbloat", metric, "products", target, BENCH_LOWER };
	struct bench_row *const row = bench_add(bench, &what, mean, 1);

	if (path.queue.first_loss != TERN_NEVER)
		snprintf(loss, sizeof loss, "first loss at %.2f s", (double)path.queue.first_loss / 1e9);
	snprintf(row->note, BENCH_NOTE, "mean; at most %.2f; %s", (double)path.queue.most / (double)rtt, loss);
	path_destroy(&path);
}

void bench_bufferbloat(struct bench *bench)
{
	for (unsigned c = 0; c < bench_n_controllers; c++)
		one_queue(bench, bench_controllers[c]);
}
