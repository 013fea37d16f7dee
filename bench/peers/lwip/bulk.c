/* One connection at full speed. With copies: from a reused 64 KiB buffer into lwIP's memory, and out of it into
 * another. Without: lwIP sends from the buffer itself, and what arrives is let go of unread. */
#include "peer.h"
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 65536, ROUND = 128 << 20, TURNS_TO_A_MS = 50 /* 20 us a turn */ };

static struct {
	struct tcp_pcb *pcb;
	bool		copies;
	uint8_t	       *from, *to;
	uint64_t	sent, received;
	unsigned	turns;
} bulk;

static err_t receive(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	if (!text || error != ERR_OK)
		peer_fail("keep a connection");
	for (u16_t at = 0; bulk.copies && at < text->tot_len;) {
		const size_t place = bulk.received % BUFFER + at < BUFFER ? bulk.received % BUFFER + at : 0;
		const size_t room = BUFFER - place;
		const u16_t  n = text->tot_len - at < (int)room ? (u16_t)(text->tot_len - at) : (u16_t)room;

		at = (u16_t)(at + pbuf_copy_partial(text, bulk.to + place, n, at));
	}
	bulk.received += text->tot_len;
	tcp_recved(pcb, text->tot_len);
	pbuf_free(text);
	return ERR_OK;
}

static err_t accepted(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	(void)error;
	tcp_recv(pcb, receive);
	return ERR_OK;
}

static void send_some(void)
{
	for (;;) {
		const size_t at = bulk.sent % BUFFER, left = BUFFER - at, room = tcp_sndbuf(bulk.pcb);
		const size_t least = left < room ? left : room;
		const u16_t  n = least > 0xffff ? 0xffff : (u16_t)least;

		if (n == 0 || tcp_write(bulk.pcb, bulk.from + at, n, bulk.copies ? TCP_WRITE_FLAG_COPY : 0) != ERR_OK)
			break;
		bulk.sent += n;
	}
	tcp_output(bulk.pcb);
}

static void move(uint64_t bytes)
{
	const uint64_t until = bulk.received + bytes;

	while (bulk.received < until) {
		const uint64_t before = bulk.received;

		send_some();
		while (world_carry(CLIENT) > 0)
			(void)world_carry(SERVER);
		world_settle();
		if (++bulk.turns % TURNS_TO_A_MS == 0 || bulk.received == before)
			world_pass(bulk.received == before ? 250 : 1);
	}
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	(void)pcb;
	return error;
}

void bulk_begin(bool copies)
{
	bulk.copies = copies;
	bulk.from = malloc(BUFFER);
	bulk.to = malloc(BUFFER);
	if (!bulk.from || !bulk.to)
		peer_fail("have memory");
	for (size_t i = 0; i < BUFFER; i++)
		bulk.from[i] = (uint8_t)(i * 31 + i / 251);
	world_create(accepted);
	bulk.pcb = world_connect(0, NULL, connected);
	world_settle();
	move(ROUND / 8);
	if (copies && memcmp(bulk.to, bulk.from, 1024) != 0)
		peer_fail("carry the bytes as they were");
}

double bulk_round(double *frames)
{
	const uint64_t before = world.frames[CLIENT], acks = world.frames[SERVER], had = bulk.received;
	const double   start = peer_cpu();

	move(ROUND);
	const double spent = peer_cpu() - start, segments = (double)(world.frames[CLIENT] - before);
	*frames = (segments + (double)(world.frames[SERVER] - acks)) / segments;
	return (double)(bulk.received - had) * 8 / spent / 1e9;
}
