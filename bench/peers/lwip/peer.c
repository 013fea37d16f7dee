/* What tern-bench starts (bench/peer.h): the world, and the talk over standard input and output. */
#include "peer.h"
#include "base/sum.h"
#include <lwip/init.h>
#include <lwip/memp.h>
#include <lwip/priv/memp_priv.h>
#include <lwip/timeouts.h>
#include <netif/etharp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUE = 1024, BATCH = 32 };

struct wire {
	struct pbuf *at[QUEUE];
	unsigned     head, n;
};

struct world		      world;
static struct netif	      netifs[2];
static struct wire	      wires[2]; /* what each has sent */
static const struct sum_unit *sums;
static ip4_addr_t	      addresses[2];
static struct netif	     *only_one; /* NULL: there are the two */

_Noreturn void peer_fail(const char *why)
{
	printf("cannot %s\n", why);
	fflush(stdout);
	exit(1);
}

unsigned short peer_sum(const void *from, int n)
{
	return sum_fold16(sums->add(0, from, (size_t)n));
}

unsigned short peer_sum_copy(void *to, const void *from, unsigned short n)
{
	return sum_fold16(sums->copy(0, to, from, n));
}

struct netif *peer_route(const struct ip4_addr *from, const struct ip4_addr *to)
{
	(void)to;
	if (only_one)
		return only_one;
	return &netifs[from && from->addr == addresses[SERVER].addr ? SERVER : CLIENT];
}

u32_t sys_now(void)
{
	return world.now;
}

double peer_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the wire ---- */

/* The one copy. */
static err_t send(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
	const int	   from = netif == &netifs[SERVER] ? SERVER : CLIENT;
	struct wire *const wire = &wires[from];
	struct pbuf *const copy = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_POOL);

	(void)to;
	if (!copy || wire->n == QUEUE)
		peer_fail("carry so many packets");
	pbuf_copy(copy, packet);
	wire->at[(wire->head + wire->n++) % QUEUE] = copy;
	world.frames[from]++;
	return ERR_OK;
}

size_t world_carry(int from)
{
	struct wire *const wire = &wires[from];
	const unsigned	   n = wire->n < BATCH ? wire->n : BATCH;

	for (unsigned i = 0; i < n; i++) {
		struct pbuf *const packet = wire->at[wire->head];

		wire->head = (wire->head + 1) % QUEUE;
		wire->n--;
		if (netifs[1 - from].input(packet, &netifs[1 - from]) != ERR_OK)
			peer_fail("take a packet");
	}
	return n;
}

void world_settle(void)
{
	while (world_carry(CLIENT) + world_carry(SERVER) > 0)
		;
}

void world_pass(uint32_t ms)
{
	world.now += ms;
	sys_check_timeouts();
}

static err_t start(struct netif *netif)
{
	netif->output = send;
	netif->mtu = 1500;
	return ERR_OK;
}

void world_begin(struct netif *only)
{
	sums = sum_unit_best();
	only_one = only;
	lwip_init();
}

void world_create(tcp_accept_fn accept)
{
	ip4_addr_t	mask;
	struct tcp_pcb *pcb;

	world_begin(NULL);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	for (int i = 0; i < 2; i++) {
		IP4_ADDR(&addresses[i], 10, 0, 0, i + 1);
		netif_add(&netifs[i], &addresses[i], &mask, NULL, NULL, start, ip_input);
		netif_set_up(&netifs[i]);
		netif_set_link_up(&netifs[i]);
	}
	pcb = tcp_new();
	if (!pcb || tcp_bind(pcb, &addresses[SERVER], PEER_PORT) != ERR_OK)
		peer_fail("bind");
	tcp_accept(tcp_listen(pcb), accept);
}

struct tcp_pcb *world_connect(uint32_t n, void *argument, tcp_connected_fn connected)
{
	struct tcp_pcb *const pcb = tcp_new();

	if (!pcb)
		peer_fail("make a connection");
	pcb->local_ip = addresses[CLIENT];
	pcb->local_port = (u16_t)(1024 + n % 64000);
	tcp_arg(pcb, argument);
	if (tcp_connect(pcb, &addresses[SERVER], PEER_PORT, connected) != ERR_OK)
		peer_fail("connect");
	return pcb;
}

/* ---- the talk ---- */

/* Bytes of an idle endpoint: its place in the pool, which is all that it has. */
static double memory_round(double *frames)
{
	*frames = 0;
	return memp_pools[MEMP_TCP_PCB]->size;
}

static double (*begin(int n, char *argument[]))(double *)
{
	const char *const what = n > 1 ? argument[1] : "";
	const uint32_t	  number = n > 2 ? (uint32_t)strtoul(argument[2], NULL, 10) : 0;

	if (strcmp(what, "bulk") == 0 || strcmp(what, "bulk-owned") == 0) {
		bulk_begin(strcmp(what, "bulk") == 0);
		return bulk_round;
	}
	if (strcmp(what, "messages") == 0 && number > 0) {
		messages_begin(number);
		return messages_round;
	}
	if (strcmp(what, "open-close") == 0) {
		opens_begin(number);
		return opens_round;
	}
	if (strcmp(what, "device") == 0 && n == 8) {
		device_begin(argument + 2);
		return device_round;
	}
	if (strcmp(what, "memory") == 0)
		return memory_round;
	peer_fail("measure that");
}

int main(int n, char *argument[])
{
	double (*const round)(double *) = begin(n, argument);
	char line[16];

	printf("ready %s\n", LWIP_VERSION_STRING);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		double	     frames;
		const double figure = round(&frames);

		printf("%.9g %.4g\n", figure, frames);
		fflush(stdout);
	}
	return 0;
}
