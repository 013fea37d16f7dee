/* Messages over few and many connections (messages_run.h). */
#include "bench.h"
#include "messages_run.h"
#include "peer.h"
#include <stdio.h>

static void one_case(struct bench *bench, uint32_t n, const char *metric, double target,
		     const char *program)
{
	const uint64_t least = bench->quick ? 2000 : 500000;
	const uint64_t exchanges = n > least ? n : least;
	double	       samples[BENCH_ROUNDS_MAX];
	struct talk    talk;
	uint64_t       frames = 0;
	struct peer    peer;

	const struct peer_what lwip = { .name = "lwIP", .program = program, .slow = n > 100 };

	peers_start(&peer, program != NULL, bench, &lwip);
	talk_begin(&talk, n);
	talk_exchange(&talk, n + exchanges / 10);
	for (unsigned round = 0; round < bench->rounds; round++) {
		const uint64_t before = talk.world.frames[CLIENT] + talk.world.frames[SERVER];
		const double   start = bench_cpu();

		talk_exchange(&talk, exchanges);
		samples[round] = (bench_cpu() - start) * 1e9 / (double)(2 * exchanges);
		frames += talk.world.frames[CLIENT] + talk.world.frames[SERVER] - before;
		peers_round(&peer, program != NULL);
	}
	const struct bench_case row = { "messages", metric, "ns", target, BENCH_LOWER };
	struct bench_row *const made = bench_add(bench, &row, samples, bench->rounds);

	peers_end(&peer, program != NULL, made);
	made->frames = (double)frames / (double)(2 * exchanges * bench->rounds);
	snprintf(made->note, sizeof made->note, "64 bytes, one way; %.2f frames a message", made->frames);
	talk_end(&talk);
}

void bench_messages(struct bench *bench)
{
	one_case(bench, 1, "1 connection", 200, "lwip-64k messages 1");
	one_case(bench, 100, "100 connections", NAN, "lwip-64k messages 100");
	if (bench->quick)
		return;
	one_case(bench, 10000, "10^4 connections", 300, "lwip-64k messages 10000");
	one_case(bench, 1000000, "10^6 connections", 500, NULL);
}
