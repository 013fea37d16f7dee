/* Messages: 64 bytes asked and 64 bytes answered, over N connections in turn, eight at a time where there
 * are so many. A message is one of them in one direction; time goes on by 250 ns for each, so that
 * timers live as they would.
 */
#include "bench.h"
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 64, BATCH = 8, MESSAGE_NS = 250 };

struct talk {
	struct world world;
	tern_socket *client;
	uint32_t     n, at; /* connections; the next one's turn */
	uint32_t     answered;
	uint8_t	     text[MESSAGE];
};

static void send_message(tern_host *host, tern_socket socket, const uint8_t *text)
{
	if (tern_send(host, socket, text, MESSAGE, 0) != MESSAGE)
		bench_fail("a message was not taken");
}

static void receive_message(tern_host *host, tern_socket socket)
{
	uint8_t text[MESSAGE];

	if (tern_receive(host, socket, text, MESSAGE) != MESSAGE)
		bench_fail("a message did not arrive whole");
}

/* The server answers what was asked, the client takes what was answered. */
static void serve(struct talk *talk)
{
	struct tern_event event;

	while (tern_host_event(talk->world.host[SERVER], &event)) {
		if (event.ready & TERN_READABLE) {
			receive_message(talk->world.host[SERVER], event.socket);
			send_message(talk->world.host[SERVER], event.socket, talk->text);
		}
	}
	while (tern_host_event(talk->world.host[CLIENT], &event)) {
		if (event.ready & TERN_READABLE) {
			receive_message(talk->world.host[CLIENT], event.socket);
			talk->answered++;
		}
	}
}

static void exchange(struct talk *talk, uint32_t batch)
{
	talk->answered = 0;
	for (uint32_t i = 0; i < batch; i++) {
		send_message(talk->world.host[CLIENT], talk->client[talk->at], talk->text);
		talk->at = talk->at + 1 == talk->n ? 0 : talk->at + 1;
	}
	while (world_carry(&talk->world, CLIENT) > 0)
		serve(talk);
	while (world_carry(&talk->world, SERVER) > 0)
		serve(talk);
	if (talk->answered != batch)
		bench_fail("%u messages of %u were answered", (unsigned)talk->answered, (unsigned)batch);
	world_tick(&talk->world, (tern_time)batch * 2 * MESSAGE_NS);
}

static void begin(struct talk *talk, uint32_t n)
{
	*talk = (struct talk){ .n = n, .client = bench_alloc(n * sizeof *talk->client) };
	memset(talk->text, 'x', sizeof talk->text);
	world_create(&talk->world,
		     &(struct world_settings){ .link = { .mtu = 1500 }, .memory_limit = (size_t)4 << 30 });
	world_open(&talk->world, 0, n, talk->client, NULL);
	world_pass(&talk->world, 5 * TERN_SECOND); /* what the handshakes left is over */
}

static void one_case(struct bench *bench, uint32_t n, const char *metric, double target)
{
	const uint32_t batch = n < BATCH ? 1 : BATCH;
	const uint64_t least = bench->quick ? 2000 : 500000;
	const uint64_t exchanges = n > least ? n : least;
	double	       samples[BENCH_ROUNDS_MAX];
	struct talk    talk;
	uint64_t       frames = 0;

	begin(&talk, n);
	for (uint64_t i = 0; i < n + exchanges / 10; i += batch)
		exchange(&talk, batch);
	for (unsigned round = 0; round < bench->rounds; round++) {
		const uint64_t before = talk.world.frames[CLIENT] + talk.world.frames[SERVER];
		const double   start = bench_cpu();

		for (uint64_t i = 0; i < exchanges; i += batch)
			exchange(&talk, batch);
		samples[round] = (bench_cpu() - start) * 1e9 / (double)(2 * exchanges);
		frames += talk.world.frames[CLIENT] + talk.world.frames[SERVER] - before;
	}
	const struct bench_case row = { "messages", metric, "ns", target, BENCH_LOWER };
	struct bench_row *const made = bench_add(bench, &row, samples, bench->rounds);

	snprintf(made->note, sizeof made->note, "64 bytes, one way; %.2f frames a message",
		 (double)frames / (double)(2 * exchanges * bench->rounds));
	world_destroy(&talk.world);
	free(talk.client);
}

void bench_messages(struct bench *bench)
{
	one_case(bench, 1, "1 connection", 200);
	one_case(bench, 100, "100 connections", NAN);
	if (!bench->quick)
		one_case(bench, 10000, "10^4 connections", 300);
	if (bench->full)
		one_case(bench, 1000000, "10^6 connections", 500);
}
