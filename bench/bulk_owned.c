/* Bulk without the application's copies: owned buffers in, peeked ones out, checksums offloaded. */
#include "bulk_run.h"

void bench_bulk_owned(struct bench *bench)
{
	const struct bulk bulk = {
		.link = { .mtu = 1500, .checksum_offload = true },
		.owned = true,
		.bytes = bench->quick ? 8 << 20 : 1 << 30,
	};
	const struct bench_case row = { "bulk-owned", "MSS 1460, both ends", "Gbit/s", 80, BENCH_HIGHER };

	bulk_run(bench, &bulk, &row);
}
