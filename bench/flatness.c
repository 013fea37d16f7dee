/* Flatness: the same messages over 10^4 connections on hosts that hold nothing else, that hold a hundred times as
 * many idle connections, as many in TIME-WAIT, and while SYNs from made-up addresses flood the server, as many as
 * there are messages. The four run in turn, so that each ratio is of one round. What the SYNs themselves cost is
 * not in the figure: what they do to the rest is. */
#include "bench.h"
#include "messages_run.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include <stdio.h>
#include <stdlib.h>

enum { FLOOD_AT_ONCE = 512, CROWD = 100 };
enum kind { ALONE, IDLE, WAITING, FLOOD, KINDS };

static const struct {
	const char *metric;
} kinds[KINDS] = {
	[ALONE] = { "messages" },
	[IDLE] = { "while a hundred times as many are idle" },
	[WAITING] = { "while a hundred times as many are in TIME-WAIT" },
	[FLOOD] = { "while as many SYNs flood" },
};

struct flat {
	struct talk talk;
	enum kind   kind;
	uint32_t    drawn; /* of the flood's addresses */
};

/* Both ends close, the client first: the client is left with TIME-WAIT. */
static void open_and_close(struct world *world, uint32_t from, uint32_t to)
{
	tern_socket *const client = bench_alloc(to * sizeof *client), *const server = bench_alloc(to * sizeof *server);

	for (uint32_t at = from; at < to; at += WORLD_BATCH) {
		const uint32_t end = to - at < WORLD_BATCH ? to : at + WORLD_BATCH;

		world_open(world, at, end, client, server);
		for (uint32_t i = at; i < end; i++)
			bench_need(tern_close(world->host[CLIENT], client[i]), "closing");
		world_settle(world);
		for (uint32_t i = at; i < end; i++)
			bench_need(tern_close(world->host[SERVER], server[i]), "closing");
		world_settle(world);
	}
	free(client);
	free(server);
}

static void begin(struct flat *flat, enum kind kind, uint32_t n)
{
	struct world *const world = &flat->talk.world;

	*flat = (struct flat){ .kind = kind };
	talk_begin(&flat->talk, n);
	if (kind == IDLE)
		world_open(world, n, n + CROWD * n, NULL, NULL);
	if (kind == WAITING)
		open_and_close(world, n, n + CROWD * n);
	world_pass(world, 5 * TERN_SECOND);
}

/* ---- the flood ---- */

static void make_syn(struct flat *flat, tern_packet *packet)
{
	const uint32_t		 drawn = ++flat->drawn * 2654435761u; /* each once, in no order */
	const struct ip_header	 ip = { .src = addr_v4(0x0a000003 + (drawn >> 16) % 250), .dst = addr_v4(0x0a000002),
					.version = 4, .protocol = 6, .ttl = 64, .dont_fragment = true };
	const struct tcp_segment syn = { .seq = { drawn }, .src_port = (uint16_t)drawn, .dst_port = 80,
					 .flags = TCP_SYN, .wnd = 65535,
					 .opt = { .has_mss = true, .mss = 1460, .sack_permitted = true, .has_ts = true,
						  .ts_val = drawn, .has_wscale = true, .wscale = 7 } };
	const size_t		 start = ip_wire_emit(packet->headers, &ip, (uint32_t)tcp_wire_header_len(&syn));

	packet->len = (uint32_t)(start + tcp_wire_emit(packet->headers + start, &syn));
	packet->part[0] = (struct tern_packet_part){ .at = packet->headers, .n = packet->len };
	packet->n_parts = 1;
	packet->checksum_offload = true; /* nobody adds up what nobody made wrong */
}

/* Nobody takes what the server answers. */
static void let_go(struct world *world)
{
	tern_packet *batch[WORLD_BATCH];

	for (size_t n; (n = tern_host_output(world->host[SERVER], batch, WORLD_BATCH, world->now)) > 0;)
		for (size_t i = 0; i < n; i++)
			tern_packet_done(batch[i]);
}

static void flood(struct flat *flat)
{
	static tern_packet packets[WORLD_BATCH];
	tern_packet	  *batch[WORLD_BATCH];

	for (uint32_t sent = 0; sent < FLOOD_AT_ONCE; sent += WORLD_BATCH) {
		for (unsigned i = 0; i < WORLD_BATCH; i++) {
			make_syn(flat, &packets[i]);
			batch[i] = &packets[i];
		}
		tern_host_input(flat->talk.world.host[SERVER], batch, WORLD_BATCH, flat->talk.world.now);
		let_go(&flat->talk.world);
	}
}

/* Nanoseconds a message. */
static double measure(struct flat *flat, uint64_t exchanges)
{
	double spent = 0;

	for (uint64_t done = 0; done < exchanges; done += FLOOD_AT_ONCE / 2) {
		if (flat->kind == FLOOD)
			flood(flat);
		const double start = bench_cpu();

		talk_exchange(&flat->talk, FLOOD_AT_ONCE / 2);
		spent += bench_cpu() - start;
	}
	return spent * 1e9 / (double)(2 * exchanges);
}

/* Each was what it should be. */
static void check(const struct flat *flat, uint32_t n)
{
	struct tern_stats client, server;

	tern_host_stats(flat->talk.world.host[CLIENT], &client);
	tern_host_stats(flat->talk.world.host[SERVER], &server);
	if (client.TernConnections != (flat->kind == IDLE ? (1 + CROWD) * n : n) ||
	    client.TernTimeWait != (flat->kind == WAITING ? CROWD * n : 0) ||
	    (server.SyncookiesSent > 0) != (flat->kind == FLOOD))
		bench_fail("flatness: not the crowd that was meant");
}

static void add(struct bench *bench, const struct flat *flat, double *samples, bool is_ratio)
{
	const struct bench_case row = { "flatness", kinds[flat->kind].metric, is_ratio ? "times" : "ns",
					is_ratio ? 1.2 : NAN, BENCH_LOWER };
	struct tern_stats server;

	tern_host_stats(flat->talk.world.host[SERVER], &server);
	snprintf(bench_add(bench, &row, samples, bench->rounds)->note, BENCH_NOTE,
		 "over %u connections; half-open %llu, cookies sent %llu", (unsigned)flat->talk.n,
		 (unsigned long long)server.TernHalfOpen, (unsigned long long)server.SyncookiesSent);
}

void bench_flatness(struct bench *bench)
{
	static struct flat flat[KINDS];
	const uint32_t	   n = bench->quick ? 200 : 10000;
	const uint64_t	   exchanges = bench->quick ? 2048 : 409600;
	double		   samples[KINDS][BENCH_ROUNDS_MAX];

	for (enum kind kind = ALONE; kind < KINDS; kind++) {
		begin(&flat[kind], kind, n);
		(void)measure(&flat[kind], 2 * n + FLOOD_AT_ONCE);
	}
	for (unsigned round = 0; round < bench->rounds; round++)
		for (enum kind kind = ALONE; kind < KINDS; kind++)
			samples[kind][round] = measure(&flat[kind], exchanges);
	for (unsigned round = 0; round < bench->rounds; round++)
		for (enum kind kind = ALONE + 1; kind < KINDS; kind++)
			samples[kind][round] /= samples[ALONE][round];
	for (enum kind kind = ALONE; kind < KINDS; kind++) {
		check(&flat[kind], n);
		add(bench, &flat[kind], samples[kind], kind != ALONE);
		talk_end(&flat[kind].talk);
	}
}
