/* One relay (tern, pasta, slirp4netns) with the agent as its guest, and what it costs. */
#ifndef BENCH_GATEWAY_RELAY_H
#define BENCH_GATEWAY_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gateway_order.h"

enum relay_kind { RELAY_TERN, RELAY_PASTA, RELAY_SLIRP, RELAYS };

enum { RELAY_VERSION = 64, RELAY_PATH = 512 };

struct relay {
	enum relay_kind kind;
	pid_t		pid, guest; /* guest: slirp4netns's namespace is ours to make; 0: none */
	int		control;    /* to the agent, through the relay */
};

struct relay_cost {
	double cpu;  /* seconds, user and system, of all its processes so far; not of the agent's */
	double peak; /* octets: the greatest VmHWM among them */
};

/* Whether this machine has it; then its version. */
bool relay_find(enum relay_kind kind, char version[RELAY_VERSION]);
/* The name of a relay, as its users know it. */
const char *relay_name(enum relay_kind kind);

/* Starts it and waits for its agent's call. False: it came to nothing; why has been said, and nothing is left. */
bool relay_start(struct relay *relay, enum relay_kind kind, unsigned mtu);
/* Gives the order and waits for the report. False: none came, or it says that it failed. */
bool relay_order(const struct relay *relay, const struct order *order, struct report *report);
void relay_look(const struct relay *relay, struct relay_cost *cost);
void relay_stop(struct relay *relay);

/* The agent's main(): address and port of the driver's. Exit code. */
int agent_main(const char *address, const char *port);

/* The answering server, a process; -1: it cannot be. */
pid_t answer_start(uint16_t *port);

/* A non-blocking listener on 127.0.0.1; *port is its own. -1: errno says. */
int relay_listen(uint16_t *port, int backlog);

#endif
