/* Rows: taken in, and shown as a table or as JSON. */
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

struct bench_row *bench_add(struct bench *bench, const struct bench_case *what, double *samples, unsigned n)
{
	if (bench->n_rows == BENCH_ROWS_MAX)
		bench_fail("more than %d rows", BENCH_ROWS_MAX);
	struct bench_row *const made = &bench->rows[bench->n_rows++];

	qsort(samples, n, sizeof *samples, by_size);
	made->what = *what;
	snprintf(made->metric, sizeof made->metric, "%s", what->metric);
	made->what.metric = made->metric;
	made->low = samples[0];
	made->high = samples[n - 1];
	made->median = n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
	made->machine = bench->machine;
	return made;
}

/* Three digits that matter. */
static const char *figure(char to[16], double value)
{
	const int digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;

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

void bench_print_table(const struct bench *bench)
{
	const int wide = metric_width(bench);

	printf("%-11s  %-*s %9s %17s  %-9s %9s %-7s  %6s %6s\n", "workload", wide, "metric", "median", "range", "unit",
	       "target", "", "memcpy", "sum");
	for (size_t i = 0; i < bench->n_rows; i++) {
		const struct bench_row *const row = &bench->rows[i];
		char median[16], low[16], high[16], target[16], bound[20], copy[16], sum[16], range[40];

		snprintf(range, sizeof range, "%s-%s", figure(low, row->low), figure(high, row->high));
		snprintf(bound, sizeof bound, "%s%s",
			 isnan(row->what.target) ? "" : row->what.better == BENCH_HIGHER ? ">= " : "<= ",
			 figure(target, row->what.target));
		printf("%-11s  %-*s %9s %17s  %-9s %9s %-7s  %6s %6s  %s\n", row->what.workload, wide, row->what.metric,
		       figure(median, row->median), range, row->what.unit, bound, judgement(row),
		       figure(copy, row->machine.copy), figure(sum, row->machine.sum), row->note);
	}
	puts("\nMedian and range of the rounds, on the CPU clock. memcpy, sum: what this machine copied and summed\n"
	     "just before, GB/s (64 KiB in the cache). Its passes: what the copies and sums alone would allow.");
}

void bench_print_json(const struct bench *bench)
{
	puts("[");
	for (size_t i = 0; i < bench->n_rows; i++) {
		const struct bench_row *const row = &bench->rows[i];
		char target[32] = "null";

		if (!isnan(row->what.target))
			snprintf(target, sizeof target, "%g", row->what.target);
		printf("  {\"workload\": \"%s\", \"metric\": \"%s\", \"unit\": \"%s\", \"tern\": %.6g, "
		       "\"peers\": {}, \"target\": %s, \"better\": \"%s\"",
		       row->what.workload, row->what.metric, row->what.unit, row->median, target,
		       row->what.better == BENCH_HIGHER ? "higher" : "lower");
		if (row->ceiling > 0)
			printf(", \"ceiling\": %.6g", row->ceiling);
		if (row->p99 > 0)
			printf(", \"p99_s\": %.6g", row->p99);
		printf("}%s\n", i + 1 < bench->n_rows ? "," : "");
	}
	puts("]");
}
