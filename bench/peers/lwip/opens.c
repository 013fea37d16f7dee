/* Connections opened and closed, eight at a time: the client opens, and closes as soon as it is connected; the server
 * closes when it hears of that. Time goes on so that about as many wait in TIME-WAIT as is asked for: as many are
 * opened in its two MSL. */
#include "peer.h"

enum { BATCH = 8, SLOW = 1000, TICK = 500 /* ms; lwIP's slow timer */ };

static struct {
	uint32_t n, closed, waiting, due;
} opens;

static err_t at_client(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	(void)pcb;
	if (text)
		pbuf_free(text);
	return error;
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	tcp_recv(pcb, at_client);
	return error == ERR_OK ? tcp_close(pcb) : error;
}

static err_t at_server(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	if (text || error != ERR_OK)
		peer_fail("close in order");
	opens.closed++;
	return tcp_close(pcb);
}

static err_t accepted(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	tcp_recv(pcb, at_server);
	return error;
}

static void open_batch(void)
{
	opens.closed = 0;
	for (unsigned i = 0; i < BATCH; i++)
		(void)world_connect(opens.n++, NULL, connected);
	world_settle();
	if (opens.closed != BATCH)
		peer_fail("open and close every connection");
	/* 2 MSL pass while `waiting` are opened; the slow timer comes at whole ticks only. */
	opens.due += BATCH * 2 * PEER_MSL;
	while (opens.due >= opens.waiting * (TICK / 2)) {
		opens.due -= opens.waiting * (TICK / 2);
		world_pass(TICK / 2);
	}
}

void opens_begin(uint32_t waiting)
{
	opens.waiting = waiting ? waiting : 1;
	world_create(accepted);
	for (uint32_t n = 0; n < 2 * waiting; n += BATCH)
		open_batch();
}

/* Million a second. */
double opens_round(double *frames)
{
	const uint32_t	opened = opens.waiting < SLOW ? 40000 : 4000;
	const uint64_t before = world.frames[CLIENT] + world.frames[SERVER];
	const double   start = peer_cpu();

	for (uint32_t n = 0; n < opened; n += BATCH)
		open_batch();
	const double spent = peer_cpu() - start;
	*frames = (double)(world.frames[CLIENT] + world.frames[SERVER] - before) / opened;
	return opened / spent / 1e6;
}
