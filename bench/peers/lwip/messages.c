/* 64 bytes asked and 64 answered over n connections in turn, eight at a time where there are so many. */
#include "peer.h"
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 64, BATCH = 8, SLOW = 1000 /* connections, from which on a message takes many microseconds */ };

static struct {
	struct tcp_pcb **client;
	uint32_t	 n, at, answered, accepted;
	uint64_t	 exchanges;
	uint8_t		 text[MESSAGE];
} talk;

static void send_message(struct tcp_pcb *pcb)
{
	if (tcp_write(pcb, talk.text, MESSAGE, TCP_WRITE_FLAG_COPY) != ERR_OK || tcp_output(pcb) != ERR_OK)
		peer_fail("send a message");
}

static void take(struct tcp_pcb *pcb, struct pbuf *text)
{
	uint8_t to[MESSAGE];

	if (!text || pbuf_copy_partial(text, to, MESSAGE, 0) != MESSAGE || text->tot_len != MESSAGE)
		peer_fail("receive a message whole");
	tcp_recved(pcb, MESSAGE);
	pbuf_free(text);
}

static err_t asked(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	take(pcb, text);
	send_message(pcb);
	return error;
}

static err_t answered(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	take(pcb, text);
	talk.answered++;
	return error;
}

static err_t accepted(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	tcp_recv(pcb, asked);
	tcp_nagle_disable(pcb);
	talk.accepted++;
	return error;
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	tcp_recv(pcb, answered);
	tcp_nagle_disable(pcb);
	return error;
}

static void exchange(uint32_t batch)
{
	talk.answered = 0;
	for (uint32_t i = 0; i < batch; i++) {
		send_message(talk.client[talk.at]);
		talk.at = talk.at + 1 == talk.n ? 0 : talk.at + 1;
	}
	world_settle();
	if (talk.answered != batch)
		peer_fail("answer every message");
}

static void exchange_all(uint64_t n)
{
	const uint32_t batch = talk.n < BATCH ? 1 : BATCH;

	for (uint64_t done = 0, last = 0; done < n; done += batch) {
		exchange(batch);
		if (done - last >= 2000) { /* 250 ns a message */
			world_pass(1);
			last = done;
		}
	}
}

void messages_begin(uint32_t n)
{
	talk.n = n;
	talk.client = calloc(n, sizeof(struct tcp_pcb *));
	if (!talk.client)
		peer_fail("have memory");
	world_create(accepted);
	for (uint32_t i = 0; i < n; i++) {
		talk.client[i] = world_connect(i, NULL, connected);
		world_settle();
	}
	for (int i = 0; i < 20; i++) {
		world_pass(250);
		world_settle();
	}
	if (talk.accepted != n)
		peer_fail("open every connection");
	talk.exchanges = n < SLOW ? 50000 : 1000;
	exchange_all(talk.exchanges / 10);
}

/* ns a message. */
double messages_round(double *frames)
{
	const uint64_t before = world.frames[CLIENT] + world.frames[SERVER];
	const double   start = peer_cpu();

	exchange_all(talk.exchanges);
	const double spent = peer_cpu() - start, messages = 2 * (double)talk.exchanges;
	*frames = (double)(world.frames[CLIENT] + world.frames[SERVER] - before) / messages;
	return spent * 1e9 / messages;
}
