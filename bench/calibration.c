/* What this machine copies and sums: the measure beside every other row. Buffers of 64 KiB, in the cache,
 * as those of the workloads are. */
#include "bench.h"
#include "base/sum.h"
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 65536 };

static volatile uint32_t sink;

static double copy_once(uint8_t *to, const uint8_t *from, unsigned times)
{
	const double start = bench_cpu();

	for (unsigned i = 0; i < times; i++) {
		memcpy(to, from, BUFFER);
		sink = to[i % BUFFER]; /* so that it is not left out */
	}
	return (double)times * BUFFER / (bench_cpu() - start) / 1e9;
}

static double sum_once(const uint8_t *from, unsigned times)
{
	const struct sum_unit *const unit = sum_unit_best();
	const double		     start = bench_cpu();

	for (unsigned i = 0; i < times; i++)
		sink = unit->add(i, from, BUFFER);
	return (double)times * BUFFER / (bench_cpu() - start) / 1e9;
}

static void measure(const struct bench *bench, double *copy, double *sum, unsigned rounds)
{
	const unsigned times = bench->quick ? 100 : 3000;
	uint8_t *const from = bench_alloc(BUFFER), *const to = bench_alloc(BUFFER);

	memset(from, 0x5a, BUFFER);
	memset(to, 0, BUFFER);
	(void)copy_once(to, from, times);
	for (unsigned round = 0; round < rounds; round++) {
		copy[round] = copy_once(to, from, times);
		sum[round] = sum_once(from, times);
	}
	free(from);
	free(to);
}

void calibrate(struct bench *bench)
{
	double copy[1], sum[1];

	measure(bench, copy, sum, 1);
	bench->machine = (struct calibration){ copy[0], sum[0] };
}

void bench_calibration(struct bench *bench)
{
	const struct bench_case copy_row = { "calibration", "memcpy, 64 KiB", "GB/s", NAN, BENCH_HIGHER };
	const struct bench_case sum_row = { "calibration", "checksum, 64 KiB", "GB/s", NAN, BENCH_HIGHER };
	double		       copy[BENCH_ROUNDS_MAX], sum[BENCH_ROUNDS_MAX];

	measure(bench, copy, sum, bench->rounds);
	bench_add(bench, &copy_row, copy, bench->rounds);
	bench_add(bench, &sum_row, sum, bench->rounds);
}
