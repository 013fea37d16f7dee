/* Bulk with segments of about 64 KiB: a link with such an MTU, and one that splits (gso) at MTU 1500. */
#include "bulk_run.h"

void bench_bulk_64k(struct bench *bench)
{
	const uint64_t	       bytes = bench->quick ? 8 << 20 : 1 << 30;
	const struct bulk      wide = { .link = { .mtu = 65535 }, .bytes = bytes };
	const struct bulk      gso = { .link = { .mtu = 1500, .gso = true, .checksum_offload = true }, .bytes = bytes };
	const struct bench_case wide_row = { "bulk-64k", "MTU 65535", "Gbit/s", NAN, BENCH_HIGHER };
	const struct bench_case gso_row = { "bulk-64k", "gso, sums offloaded", "Gbit/s", NAN, BENCH_HIGHER };

	bulk_run(bench, &wide, &wide_row);
	bulk_run(bench, &gso, &gso_row);
}
