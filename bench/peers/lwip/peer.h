/* lwIP between two interfaces of one process, 10.0.0.1 and 10.0.0.2, as tern-bench's world is: a workload says when
 * packets are carried, time is virtual, a packet is copied once on its way.
 *
 * One lwIP holds both ends, since its state is global: what it looks for, it looks for among both ends' connections. */
#ifndef PEER_LWIP_PEER_H
#define PEER_LWIP_PEER_H

#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <stdbool.h>
#include <stdint.h>

enum { CLIENT, SERVER, PEER_PORT = 80 };

struct world {
	uint64_t frames[2]; /* sent by each */
	uint32_t now;	    /* ms; sys_now() */
	tcp_accept_fn accept;
};

extern struct world world;

_Noreturn void peer_fail(const char *why);
void   world_create(tcp_accept_fn accept);
void   world_begin(struct netif *only); /* lwIP alone, with one interface, which is the caller's */
size_t world_carry(int from); /* at most 32 packets; how many */
void   world_settle(void);
void   world_pass(uint32_t ms); /* and what is due then */

/* The n-th connection: from a port of its own, without lwIP's search for one. */
struct tcp_pcb *world_connect(uint32_t n, void *argument, tcp_connected_fn connected);

/* One round each: the figure; its frames a unit in *frames. */
double bulk_round(double *frames);
double messages_round(double *frames);
double opens_round(double *frames);
double device_round(double *frames);
void   bulk_begin(bool copies);
void   device_begin(char *argument[]); /* "to" or "from", descriptor, MTU, both addresses, port */
void   messages_begin(uint32_t n);
void   opens_begin(uint32_t waiting); /* in TIME-WAIT at all times, about */

double peer_cpu(void);

#endif
