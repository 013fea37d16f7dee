/* Two hosts, client 10.0.0.1 and server 10.0.0.2, over a pair, in virtual time, without a loop: the
 * workload says when packets are carried, so that nothing is measured but the stack and one copy a packet.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <tern/tern.h>

enum { CLIENT, SERVER, WORLD_BATCH = 32 };

struct world_settings {
	struct tern_link_config link;
	tern_time msl;		   /* 0: the default */
	uint32_t  half_open_max;   /* 0: the default */
	size_t	  memory_limit;	   /* 0: the default */
	uint32_t  backlog;	   /* 0: 1024 */
	const struct tern_share	 *share; /* of both hosts; NULL: they are alone */
	struct tern_link *const	 *end;	 /* client's and server's, the world's from here on; NULL: a pair */
};

struct world {
	tern_host	 *host[2];
	struct tern_link *end[2];
	tern_socket	  listener; /* the server's, on every port */
	tern_time	  now;
	uint64_t	  frames[2]; /* packets sent by each */
	uint64_t	  waits;     /* times that nothing moved until a timer fired */
};

void world_create(struct world *world, const struct world_settings *settings);
void world_destroy(struct world *world);

/* One batch from a host to the other one; the packets it had. */
size_t world_carry(struct world *world, int from);
/* The same, but the other host takes them `each` at a time and gives what it has to say to it after each of these; that
 * goes back at the end, as one batch. */
size_t world_carry_each(struct world *world, int from, size_t each);
/* Everything that wants to move does. */
void world_settle(struct world *world);
/* As much time passes, and what is due in it happens when it is due. */
void world_pass(struct world *world, tern_time span);
/* A little time passes; timers run if they are due. */
void world_tick(struct world *world, tern_time span);
/* To the next deadline of either host, or the end of the program where there is none. */
void world_wait(struct world *world, const char *what);

/* The n-th connection's: remote port 1 + n / 8 modulo 60000, so that 10^6 find local ports at once. */
tern_socket world_connect(struct world *world, uint32_t n, uint64_t cookie);
/* Connections number `from` to `to`, established at both ends, their events taken. client and server:
 * where their handles go (in the order of connecting, and of accepting); NULL: not wanted. */
void world_open(struct world *world, uint32_t from, uint32_t to, tern_socket *client, tern_socket *server);

uint64_t world_memory(const struct world *world, int host); /* bytes that the host holds, all of them */

#endif
