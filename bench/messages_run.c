#include "messages_run.h"
#include "bench.h"
#include <stdlib.h>
#include <string.h>

const struct world_settings talk_world = { .link = { .mtu = 1500 }, .memory_limit = (size_t)4 << 30 };

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

void talk_begin(struct talk *talk, uint32_t n)
{
	talk_begin_in(talk, n, &talk_world);
}

void talk_begin_in(struct talk *talk, uint32_t n, const struct world_settings *settings)
{
	*talk = (struct talk){ .n = n, .client = bench_alloc(n * sizeof *talk->client) };
	memset(talk->text, 'x', sizeof talk->text);
	world_create(&talk->world, settings);
	world_open(&talk->world, 0, n, talk->client, NULL);
	world_pass(&talk->world, 5 * TERN_SECOND); /* what the handshakes left is over */
}

void talk_end(struct talk *talk)
{
	world_destroy(&talk->world);
	free(talk->client);
}

uint32_t talk_batch(const struct talk *talk)
{
	return talk->n < MESSAGES_BATCH ? 1 : MESSAGES_BATCH;
}

void talk_exchange(struct talk *talk, uint64_t exchanges)
{
	const uint32_t batch = talk_batch(talk);

	for (uint64_t i = 0; i < exchanges; i += batch)
		exchange(talk, batch);
}

/* ---- counted ---- */

/* The first 24 KB of a connection are acknowledged at once: that is not what is counted. */
enum { COUNTED_EXCHANGES = 800, COUNTED_BEFORE = 400 };

static void *counted_begin(uint32_t n)
{
	struct talk *const talk = bench_alloc(sizeof *talk);

	talk_begin(talk, n);
	talk_exchange(talk, COUNTED_BEFORE * n);
	return talk;
}

static uint64_t counted_run(void *state)
{
	talk_exchange(state, COUNTED_EXCHANGES);
	return 2 * COUNTED_EXCHANGES;
}

static void counted_end(void *state)
{
	talk_end(state);
	free(state);
}

const struct bench_counted counted_messages[COUNTED_MESSAGES] = {
	{ "message, 1 connection", 1, counted_begin, counted_run, counted_end },
	{ "message, 8 connections", 8, counted_begin, counted_run, counted_end },
};
