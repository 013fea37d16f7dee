/* Bulk: one connection, MSS 1460, checksums made and checked, application buffers copied in and out. */
#include "bulk_run.h"

void bench_bulk(struct bench *bench)
{
	const struct bulk	bulk = { .link = { .mtu = 1500 }, .bytes = bench->quick ? 4 << 20 : 512 << 20 };
	const struct bench_case what = { "bulk", "MSS 1460, both ends", "Gbit/s", 33, BENCH_HIGHER };

	bulk_run(bench, &bulk, &what);
}
