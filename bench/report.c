/* Rows: taken in, and shown as a table. */
#include "bench.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tern/types.h>

_Noreturn void bench_fail(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("tern-bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

int bench_need(int result, const char *what)
{
	if (result < 0)
		bench_fail("%s: %s", what, tern_strerror(result));
	return result;
}

void *bench_alloc(size_t n)
{
	void *const block = malloc(n);

	if (!block)
		bench_fail("%zu bytes of memory: not to be had", n);
	return block;
}

double bench_cpu(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		bench_fail("this system has no clock for CPU time");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Puts the samples in order; their middle. */
static double middle_of(double *samples, unsigned n)
{
	qsort(samples, n, sizeof *samples, by_size);
	return n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

struct bench_row *bench_add(struct bench *bench, const struct bench_case *what, double *samples, unsigned n)
{
	if (bench->n_rows == BENCH_ROWS_MAX)
		bench_fail("more than %d rows", BENCH_ROWS_MAX);
	struct bench_row *const made = &bench->rows[bench->n_rows++];

	made->what = *what;
	snprintf(made->metric, sizeof made->metric, "%s", what->metric);
	made->what.metric = made->metric;
	made->median = middle_of(samples, n);
	made->low = samples[0];
	made->high = samples[n - 1];
	made->machine = bench->machine;
	made->date = (int64_t)time(NULL);
	if (getloadavg(&made->load, 1) != 1)
		made->load = 0;
	return made;
}

void bench_add_peer(struct bench_row *row, const char *name, const char *version, double *samples, unsigned n)
{
	if (n == 0)
		return;
	if (row->n_peers == BENCH_PEERS)
		bench_fail("more than %d peers", BENCH_PEERS);
	struct bench_peer *const peer = &row->peers[row->n_peers++];

	*peer = (struct bench_peer){ .name = name, .median = middle_of(samples, n) };
	snprintf(peer->version, sizeof peer->version, "%s", version);
	peer->low = samples[0];
	peer->high = samples[n - 1];
}

double bench_ratio(const struct bench_row *row, const struct bench_peer *peer)
{
	return row->what.better == BENCH_HIGHER ? row->median / peer->median : peer->median / row->median;
}

/* Three digits that matter. */
static const char *figure(char to[16], double value)
{
	const int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 4;

	if (isnan(value))
		snprintf(to, 16, "-");
	else
		snprintf(to, 16, "%.*f", digits, value);
	return to;
}

static const char *judgement(const struct bench_row *row)
{
	if (isnan(row->what.target))
		return "";
	const bool higher = row->what.better == BENCH_HIGHER;
	const bool met = higher ? row->median >= row->what.target : row->median <= row->what.target;
	return met ? "met" : "not met";
}

/* The longest name of a metric. */
static int metric_width(const struct bench *bench)
{
	size_t wide = 23;

	for (size_t i = 0; i < bench->n_rows; i++)
		wide = strlen(bench->rows[i].metric) > wide ? strlen(bench->rows[i].metric) : wide;
	return (int)wide;
}

static const char *bound_of(char to[20], const struct bench_row *row)
{
	char target[16];

	snprintf(to, 20, "%s%s",
		 isnan(row->what.target) ? "" : row->what.better == BENCH_HIGHER ? ">= " : "<= ",
		 figure(target, row->what.target));
	return to;
}

static const char *range_of(char to[40], double low, double high)
{
	char from[16], until[16];

	snprintf(to, 40, "%s-%s", figure(from, low), figure(until, high));
	return to;
}

static void print_peers(const struct bench_row *row, int wide)
{
	for (unsigned i = 0; i < row->n_peers; i++) {
		const struct bench_peer *const peer = &row->peers[i];
		char median[16], ratio[16], range[40];

		printf("%-11s    %-*s %9s %17s  %-9s tern is %s times as good", "", wide - 2, peer->name,
		       figure(median, peer->median), range_of(range, peer->low, peer->high), row->what.unit,
		       figure(ratio, bench_ratio(row, peer)));
		if (peer->frames > 0)
			printf("; %.2f frames each", peer->frames);
		putchar('\n');
	}
}

/* Whether an earlier peer has the same name and version. */
static bool was_named(const struct bench *bench, size_t row, unsigned peer)
{
	const struct bench_peer *const one = &bench->rows[row].peers[peer];

	for (size_t i = 0; i <= row; i++)
		for (unsigned k = 0; k < bench->rows[i].n_peers && (i < row || k < peer); k++)
			if (strcmp(bench->rows[i].peers[k].name, one->name) == 0 &&
			    strcmp(bench->rows[i].peers[k].version, one->version) == 0)
				return true;
	return false;
}

static void print_versions(const struct bench *bench)
{
	bool any = false;

	for (size_t i = 0; i < bench->n_rows; i++) {
		for (unsigned k = 0; k < bench->rows[i].n_peers; k++) {
			const struct bench_peer *const peer = &bench->rows[i].peers[k];

			if (was_named(bench, i, k))
				continue;
			printf("%s%s (%s)", any ? "; " : "\nBeside ", peer->name, peer->version);
			any = true;
		}
	}
	if (any)
		puts(".");
}

void bench_print_table(const struct bench *bench)
{
	const int wide = metric_width(bench);

	printf("%-11s  %-*s %9s %17s  %-9s %9s %-7s  %6s %6s\n", "workload", wide, "metric", "median", "range", "unit",
	       "target", "", "memcpy", "sum");
	for (size_t i = 0; i < bench->n_rows; i++) {
		const struct bench_row *const row = &bench->rows[i];
		char median[16], bound[20], copy[16], sum[16], range[40];

		printf("%-11s  %-*s %9s %17s  %-9s %9s %-7s  %6s %6s  %s\n", row->what.workload, wide, row->what.metric,
		       figure(median, row->median), range_of(range, row->low, row->high), row->what.unit,
		       bound_of(bound, row), judgement(row), figure(copy, row->machine.copy),
		       figure(sum, row->machine.sum), row->note);
		print_peers(row, wide);
	}
	print_versions(bench);
	puts("\nMedian and range of the rounds, on the CPU clock; of the gateway, rates and latencies by the wall\n"
	     "clock. memcpy, sum: what this machine copied and summed just before, GB/s (64 KiB in the cache). Its\n"
	     "passes: what the copies and sums alone would allow.");
}
