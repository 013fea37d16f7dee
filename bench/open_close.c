/* Connections opened and closed: the client opens, and closes as soon as it is connected; the server closes
 * when it hears of that; the client's end waits in TIME-WAIT for 60 s. Time goes on so that each open
 * puts one entry in and one comes out: with K = 0 waiting, by 60 s a batch.
 *
 * Reuse: the server closes first, and the client opens again and again from the same ports, so that each SYN finds
 * the last connection's TIME-WAIT entry and takes its place (RFC 6191).
 */
#include "bench.h"
#include "open_close_run.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_SPREAD = 480000 /* what world_connect() tells apart */, REUSED_PORT = 20000, REUSED_REMOTE = 80 };

static const tern_time two_msl = 60 * TERN_SECOND;

/* The n-th of a batch. */
static void connect(struct doors *doors, uint32_t n)
{
	struct tern_open open = { .local.port = (uint16_t)(REUSED_PORT + n), .remote.port = REUSED_REMOTE };
	tern_socket	 socket;

	if (!doors->reuse) {
		(void)world_connect(&doors->world, doors->n++ % OPEN_SPREAD, 0);
		return;
	}
	bench_need(tern_addr_parse(&open.remote.addr, "10.0.0.2"), "an address");
	bench_need(tern_connect(doors->world.host[CLIENT], &open, &socket), "a connection");
}

static void server_events(struct doors *doors)
{
	tern_host *const  host = doors->world.host[SERVER];
	struct tern_event event;
	tern_socket	  socket;

	while (tern_host_event(host, &event)) {
		if (event.ready & TERN_ACCEPT)
			while (tern_accept(host, doors->world.listener, &socket) == 0)
				if (doors->reuse) {
					bench_need(tern_close(host, socket), "closing");
					doors->closed++;
				}
		if (event.ready & TERN_PEER_CLOSED && !doors->reuse) {
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
		if (event.ready & (doors->reuse ? TERN_PEER_CLOSED : TERN_CONNECTED))
			bench_need(tern_close(host, event.socket), "closing");
	}
}

static void open_and_close(struct doors *doors, uint32_t batch, tern_time step)
{
	doors->closed = 0;
	for (uint32_t i = 0; i < batch; i++)
		connect(doors, i);
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

static void begin(struct doors *doors, bool reuse)
{
	*doors = (struct doors){ .reuse = reuse };
	world_create(&doors->world,
		     &(struct world_settings){ .link = { .mtu = 1500 }, .memory_limit = (size_t)8 << 30 });
}

void doors_begin_in(struct doors *doors, const struct world_settings *settings)
{
	*doors = (struct doors){ .n = 0 };
	world_create(&doors->world, settings);
}

void doors_open_and_close(struct doors *doors, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += DOORS_BATCH)
		open_and_close(doors, DOORS_BATCH, two_msl + TERN_SECOND);
}

enum { DOORS_PEERS = 1 };

struct variant {
	const char *metric, *also; /* also: the same world again, one at a time; NULL: not so */
	uint32_t    batch, waiting; /* K */
	bool	    reuse;
	double	    target, also_target;
	struct peer_what peers[DOORS_PEERS]; /* without a program: none */
};

/* Reuse: a moment, so that timestamps are younger. Else the batch that opened K ago goes out as this comes in. */
static tern_time step_of(const struct variant *variant)
{
	if (variant->reuse)
		return 2 * TERN_MILLISECOND;
	return variant->waiting ? two_msl * variant->batch / variant->waiting : two_msl + TERN_SECOND;
}

static uint32_t how_many(const struct bench *bench)
{
	return bench->quick ? 2000 : 400000;
}

/* Million a second, in doors that are filled. The row. */
static struct bench_row *rounds(struct bench *bench, struct doors *doors, const struct variant *variant)
{
	const uint32_t	 opens = how_many(bench);
	const tern_time	 step = step_of(variant);
	double		 samples[BENCH_ROUNDS_MAX];
	struct tern_stats stats;
	uint64_t	 frames = 0;
	struct peer	 peers[DOORS_PEERS];
	const unsigned	 n_peers = variant->peers[0].program ? DOORS_PEERS : 0;

	peers_start(peers, n_peers, bench, variant->peers);
	for (unsigned round = 0; round < bench->rounds; round++) {
		const uint64_t before = doors->world.frames[CLIENT] + doors->world.frames[SERVER];
		const double   start = bench_cpu();

		for (uint32_t i = 0; i < opens; i += variant->batch)
			open_and_close(doors, variant->batch, step);
		samples[round] = opens / (bench_cpu() - start) / 1e6;
		frames += doors->world.frames[CLIENT] + doors->world.frames[SERVER] - before;
		peers_round(peers, n_peers);
	}
	const struct bench_case row = { "open-close", variant->metric, "million/s", variant->target, BENCH_HIGHER };
	struct bench_row *const made = bench_add(bench, &row, samples, bench->rounds);

	tern_host_stats(doors->world.host[variant->reuse ? SERVER : CLIENT], &stats);
	peers_end(peers, n_peers, made);
	made->frames = (double)frames / ((double)opens * bench->rounds);
	snprintf(made->note, sizeof made->note, "%.2f frames each, %llu in TIME-WAIT", made->frames,
		 (unsigned long long)stats.TernTimeWait);
	return made;
}

/* The median, in millions a second. */
static double one_case(struct bench *bench, const struct variant *variant)
{
	struct variant single = *variant;
	struct doors   doors;

	begin(&doors, variant->reuse);
	for (uint32_t i = 0; i < variant->waiting + how_many(bench) / 10; i += variant->batch)
		open_and_close(&doors, variant->batch, step_of(variant));
	const double median = rounds(bench, &doors, variant)->median;

	single.metric = variant->also;
	single.batch = 1;
	single.target = variant->also_target;
	single.peers[0].program = NULL;
	if (variant->also)
		(void)rounds(bench, &doors, &single);
	world_destroy(&doors.world);
	return median;
}

void bench_open_close(struct bench *bench)
{
	static const struct variant empty = {
		.metric = "batches of 8", .batch = 8, .target = 1.2,
		.peers = { { .name = "lwIP, MSL 100 ms", .program = "lwip-msl open-close 16" } },
	};
	static const struct variant single = {
		.metric = "one at a time", .batch = 1, .target = 0.8,
		.peers = { { .name = "Linux, loopback", .program = "linux open-close" } },
	};
	static const struct variant reuse = {
		.metric = "batches of 8, reuse (RFC 6191)", .batch = 8, .reuse = true, .target = NAN,
	};
	struct variant waiting[] = {
		{ .metric = "batches of 8, K = 10^6", .also = "one at a time, K = 10^6", .waiting = 1000000,
		  .peers = { { .name = "lwIP, K = 10^4", .program = "lwip-64k open-close 10000", .slow = true } } },
		{ .metric = "batches of 8, K = 10^7", .also = "one at a time, K = 10^7", .waiting = 10000000 },
		{ .metric = "batches of 8, K = 6x10^7", .also = "one at a time, K = 6x10^7", .waiting = 60000000 },
	};
	const unsigned n_waiting = bench->full ? 3 : bench->quick ? 0 : 2;
	const double   alone = one_case(bench, &empty);

	(void)one_case(bench, &single);
	(void)one_case(bench, &reuse);
	for (unsigned i = 0; i < n_waiting; i++) {
		waiting[i].batch = 8;
		waiting[i].target = i == 2 ? 0.8 * alone : NAN;
		waiting[i].also_target = NAN;
		(void)one_case(bench, &waiting[i]);
	}
}

/* ---- counted ---- */

enum { COUNTED_OPENS = 400, COUNTED_WAITING = 400 };

struct counted_doors {
	struct doors doors;
	uint32_t     batch;
};

/* Each opening puts one in TIME-WAIT and takes one out. */
static void open_counted(struct counted_doors *counted, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += counted->batch)
		open_and_close(&counted->doors, counted->batch, two_msl * counted->batch / COUNTED_WAITING);
}

static void *counted_begin(uint32_t batch)
{
	struct counted_doors *const counted = bench_alloc(sizeof *counted);

	counted->batch = batch;
	begin(&counted->doors, false);
	open_counted(counted, 2 * COUNTED_WAITING);
	return counted;
}

static uint64_t counted_run(void *state)
{
	open_counted(state, COUNTED_OPENS);
	return COUNTED_OPENS;
}

static void counted_end(void *state)
{
	struct counted_doors *const counted = state;

	world_destroy(&counted->doors.world);
	free(counted);
}

const struct bench_counted counted_open_close[COUNTED_OPEN_CLOSE] = {
	{ "open and close, batches of 8", 8, counted_begin, counted_run, counted_end },
	{ "open and close, one at a time", 1, counted_begin, counted_run, counted_end },
};
