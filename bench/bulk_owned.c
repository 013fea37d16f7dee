/* Bulk without the application's copies: owned buffers in, peeked ones out, checksums offloaded. */
#include "bulk_run.h"

static const struct peer_what peers[BULK_PEERS] = {
	{ .name = "lwIP, window 64 KiB", .program = "lwip-offload-64k bulk-owned" },
	{ .name = "lwIP, window 256 KiB", .program = "lwip-offload-256k bulk-owned" },
};

void bench_bulk_owned(struct bench *bench)
{
	const struct bulk bulk = {
		.link = { .mtu = 1500, .checksum_offload = true },
		.owned = true,
		.peers = peers,
		.bytes = bench->quick ? 8 << 20 : 1 << 30,
	};
	const struct bulk second = {
		.link = bulk.link,
		.owned = true,
		.peers = peers,
		.ack_each_second = true,
		.bytes = bulk.bytes,
	};
	const struct bench_case each = { "bulk-owned", "MSS 1460, ACK every second segment", "Gbit/s", 80,
					 BENCH_HIGHER };
	const struct bench_case row = { "bulk-owned", "MSS 1460, both ends", "Gbit/s", 100, BENCH_HIGHER };

	bulk_run(bench, &second, &each);
	bulk_run(bench, &bulk, &row);
}
