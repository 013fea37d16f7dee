/* Bulk: one connection, MSS 1460, checksums made and checked, application buffers copied in and out; and text put
 * straight into posted buffers. */
#include "bulk_run.h"

static const struct peer_what peers[BULK_PEERS] = {
	{ .name = "lwIP, window 64 KiB", .program = "lwip-64k bulk" },
	{ .name = "lwIP, window 256 KiB", .program = "lwip-256k bulk" },
	{ .name = "gVisor", .program = "gvisor bulk" },
};

void bench_bulk(struct bench *bench)
{
	const uint64_t		bytes = bench->quick ? 4 << 20 : 512 << 20;
	const struct bulk	bulk = { .link = { .mtu = 1500 }, .peers = peers, .bytes = bytes };
	const struct bench_case what = { "bulk", "MSS 1460, both ends", "Gbit/s", 33, BENCH_HIGHER };

	const struct bulk	posted = { .link = bulk.link, .posted = true, .peers = peers, .bytes = bulk.bytes };
	const struct bench_case into = { "bulk", "MSS 1460, posted buffers", "Gbit/s", 40, BENCH_HIGHER };

	bulk_run(bench, &bulk, &what);
	bulk_run(bench, &posted, &into);
}
