/* Connections opened and closed: the client opens, and closes as soon as it is connected; the server closes
 * when it hears of that; the client's end waits in TIME-WAIT for 60 s. Time goes on so that each open
 * puts one entry in and one comes out: with K = 0 waiting, by 60 s a batch.
 */
#include "bench.h"
#include "world.h"
#include <stdio.h>

enum { OPEN_SPREAD = 480000 /* what world_connect() tells apart */ };

static const tern_time two_msl = 60 * TERN_SECOND;

struct doors {
	struct world world;
	uint32_t     n; /* opened so far */
	uint32_t     closed; /* by both ends */
};

static void server_events(struct doors *doors)
{
	tern_host *const  host = doors->world.host[SERVER];
	struct tern_event event;
	tern_socket	  socket;

	while (tern_host_event(host, &event)) {
		if (event.ready & TERN_ACCEPT)
			while (tern_accept(host, doors->world.listener, &socket) == 0)
				;
		if (event.ready & TERN_PEER_CLOSED) {
			bench_need(tern_close(host, event.socket), "closing");
			doors->closed++;
		}
	}
}

static void client_events(struct doors *doors)
{
	tern_host *const  host = doors->world.host[CLIENT];
	struct tern_event event;

	while (tern_host_event(host, &event)) {
		if (event.ready & TERN_ERROR)
			bench_fail("a connection was refused");
		if (event.ready & TERN_CONNECTED)
			bench_need(tern_close(host, event.socket), "closing");
	}
}

static void open_and_close(struct doors *doors, uint32_t batch, tern_time step)
{
	doors->closed = 0;
	for (uint32_t i = 0; i < batch; i++)
		(void)world_connect(&doors->world, doors->n++ % OPEN_SPREAD, 0);
	for (size_t moved = 1; moved > 0;) {
		moved = world_carry(&doors->world, CLIENT);
		server_events(doors);
		moved += world_carry(&doors->world, SERVER);
		client_events(doors);
	}
	if (doors->closed != batch)
		bench_fail("%u connections of %u closed", (unsigned)doors->closed, (unsigned)batch);
	world_tick(&doors->world, step);
}

static void one_case(struct bench *bench, uint32_t batch, uint32_t waiting, const char *metric, double target)
{
	const uint32_t	 opens = bench->quick ? 2000 : 400000;
	const tern_time	 step = waiting ? two_msl * batch / waiting : two_msl + TERN_SECOND;
	double		 samples[BENCH_ROUNDS_MAX];
	struct tern_stats stats;
	uint64_t	 frames = 0;
	struct doors	 doors = { .n = 0 };

	world_create(&doors.world,
		     &(struct world_settings){ .link = { .mtu = 1500 }, .memory_limit = (size_t)4 << 30 });
	for (uint32_t i = 0; i < waiting + opens / 10; i += batch)
		open_and_close(&doors, batch, step);
	for (unsigned round = 0; round < bench->rounds; round++) {
		const uint64_t before = doors.world.frames[CLIENT] + doors.world.frames[SERVER];
		const double   start = bench_cpu();

		for (uint32_t i = 0; i < opens; i += batch)
			open_and_close(&doors, batch, step);
		samples[round] = opens / (bench_cpu() - start) / 1e6;
		frames += doors.world.frames[CLIENT] + doors.world.frames[SERVER] - before;
	}
	const struct bench_case row = { "open-close", metric, "million/s", target, BENCH_HIGHER };
	struct bench_row *const made = bench_add(bench, &row, samples, bench->rounds);

	tern_host_stats(doors.world.host[CLIENT], &stats);
	snprintf(made->note, sizeof made->note, "%.2f frames each, %llu in TIME-WAIT",
		 (double)frames / ((double)opens * bench->rounds), (unsigned long long)stats.TernTimeWait);
	world_destroy(&doors.world);
}

void bench_open_close(struct bench *bench)
{
	one_case(bench, 8, 0, "batches of 8", 1.2);
	one_case(bench, 1, 0, "one at a time", 0.8);
	if (!bench->quick)
		one_case(bench, 8, 1000000, "batches of 8, K = 10^6", NAN);
}
