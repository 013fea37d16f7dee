/* Memory: what a host holds, all of it, divided by the connections that it holds idle; the same for
 * half-open entries and for TIME-WAIT entries. Nothing is left out and nothing taken off: packets, rings, the
 * table and the host itself are in it, and whatever its pools keep.
 */
#include "bench.h"
#include "peer.h"
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t how_many(const struct bench *bench)
{
	return bench->quick ? 20000 : 1000000;
}

/* Resident bytes of this process; 0: not to be known here. */
static double resident(void)
{
	unsigned long size = 0, pages = 0;
	FILE	     *file = fopen("/proc/self/statm", "r");

	if (!file)
		return 0;
	if (fscanf(file, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static const struct world_settings settings = {
	.link = { .mtu = 1500 },
	.memory_limit = (size_t)8 << 30,
	.half_open_max = 2000000,
	.backlog = 2000000,
};

static struct bench_row *add(struct bench *bench, const char *metric, double target, double bytes, const char *note)
{
	const struct bench_case row = { "memory", metric, "bytes", target, BENCH_LOWER };

	struct bench_row *const made = bench_add(bench, &row, &bytes, 1);

	snprintf(made->note, BENCH_NOTE, "%s", note);
	return made;
}

/* Two endpoints each: with --full ten million of them. */
static uint32_t how_many_established(const struct bench *bench)
{
	return bench->full ? 5000000 : how_many(bench);
}

static void established(struct bench *bench)
{
	const uint32_t n = how_many_established(bench);
	const double   before = resident();
	struct world   world;
	char	       note[BENCH_NOTE];

	world_create(&world, &settings);
	world_open(&world, 0, n, NULL, NULL);
	world_pass(&world, 60 * TERN_SECOND); /* nothing of the handshakes is left but the connections */

	const double client = (double)world_memory(&world, CLIENT) / n;
	const double server = (double)world_memory(&world, SERVER) / n;

	snprintf(note, sizeof note, "%u endpoints; client %.1f, server %.1f; %.0f resident, %.2f GB of all",
		 2 * (unsigned)n, client, server, (resident() - before) / n / 2, (resident() - before) / 1e9);
	struct bench_row *const row =
		add(bench, "idle established", 256, client > server ? client : server, note);
	struct peer lwip;

	peer_start(&lwip, bench, &(struct peer_what){ .name = "lwIP", .program = "lwip-64k memory" });
	peer_round(&lwip);
	peer_end(&lwip, row);
	world_destroy(&world);
}

/* SYNs arrive, and nothing more: the SYN-ACKs go nowhere. */
static void half_open(struct bench *bench)
{
	const uint32_t	  n = how_many(bench);
	tern_packet	 *batch[WORLD_BATCH];
	struct tern_stats stats;
	struct world	  world;
	char		  note[BENCH_NOTE];

	world_create(&world, &settings);
	for (uint32_t i = 0; i < n;) {
		for (; i < n && i % WORLD_BATCH != WORLD_BATCH - 1; i++)
			(void)world_connect(&world, i, 0);
		if (i < n)
			(void)world_connect(&world, i++, 0);
		world_carry(&world, CLIENT);
		for (size_t made; (made = tern_host_output(world.host[SERVER], batch, WORLD_BATCH, world.now)) > 0;)
			for (size_t k = 0; k < made; k++)
				tern_packet_done(batch[k]);
	}
	tern_host_stats(world.host[SERVER], &stats);
	if (stats.TernHalfOpen != n)
		bench_fail("%llu half-open entries of %u", (unsigned long long)stats.TernHalfOpen, (unsigned)n);
	snprintf(note, sizeof note, "%u entries", (unsigned)n);
	(void)add(bench, "half-open entry", 96, (double)stats.TernMemory / n, note);
	world_destroy(&world);
}

/* Opened, then closed by both ends, 32 at a time: the client is left with TIME-WAIT alone. */
static void time_wait(struct bench *bench)
{
	const uint32_t	  n = how_many(bench);
	struct tern_stats stats;
	struct world	  world;
	tern_socket	 *client = bench_alloc(n * sizeof *client), *server = bench_alloc(n * sizeof *server);
	char		  note[BENCH_NOTE];

	world_create(&world, &settings);
	for (uint32_t at = 0; at < n; at += WORLD_BATCH) {
		const uint32_t end = n - at < WORLD_BATCH ? n : at + WORLD_BATCH;

		world_open(&world, at, end, client, server);
		for (uint32_t i = at; i < end; i++)
			bench_need(tern_close(world.host[CLIENT], client[i]), "closing");
		world_settle(&world);
		for (uint32_t i = at; i < end; i++)
			bench_need(tern_close(world.host[SERVER], server[i]), "closing");
		world_settle(&world);
	}
	world_pass(&world, 20 * TERN_SECOND); /* of 60 */
	tern_host_stats(world.host[CLIENT], &stats);
	if (stats.TernTimeWait != n)
		bench_fail("%llu TIME-WAIT entries of %u", (unsigned long long)stats.TernTimeWait, (unsigned)n);
	snprintf(note, sizeof note, "%u entries, %llu blocks left", (unsigned)n,
		 (unsigned long long)stats.TernConnections);
	(void)add(bench, "TIME-WAIT entry", 80, (double)stats.TernMemory / n, note);
	world_destroy(&world);
	free(client);
	free(server);
}

void bench_memory(struct bench *bench)
{
	established(bench);
	half_open(bench);
	time_wait(bench);
}
