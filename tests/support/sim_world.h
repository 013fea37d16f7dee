/* Two hosts joined by two impaired cables, in virtual time.
 *
 * Every door call goes through the world, which asserts the hosts' invariants (tern_host_check) after
 * each check_every-th of them. What goes wrong is told by world_fail(), which does not return.
 */
#ifndef SUPPORT_SIM_WORLD_H
#define SUPPORT_SIM_WORLD_H

#include "support/cable.h"
#include "support/tally.h"
#include "support/test_allocator.h"

#include <tern/tern.h>

/* Sees each packet as it passes a host's door: out before its cable, in before the host. */
struct world_tap {
	void (*packet)(void *context, unsigned host, bool out, const tern_packet *packet, tern_time now);
	void *context;
};

struct world_host {
	tern_host	     *host;
	struct test_allocator allocator;
	struct tern_addr      v4, v6;
	uint8_t		      link;
	struct cable	      out; /* to the other one */
	struct tally_sink     sink;
	size_t		      memory_new; /* of the host, when nothing had happened yet */
};

struct world_settings {
	struct tern_config    config[2]; /* secret and allocator are the world's */
	uint32_t	      mtu[2];
	struct cable_settings cable[2]; /* [i]: from host i */
	uint64_t	      seed;
	tern_time	      start;
	uint64_t	      check_every; /* 0: never */
	unsigned	      batch;	   /* packets taken and given at once, 1 to 16 */
	bool		      watch, verbose;
	bool		      forgiving;		 /* memory runs out on purpose */
	struct tern_watcher   watcher[2];		 /* instead of the tally's */
	struct world_tap      tap;
	uint64_t	      fail_at[2], fail_count[2]; /* support/test_allocator.h */
};

struct world {
	struct world_settings settings;
	struct tern_taker     taker; /* of both hosts; whoever runs programs here sets it */
	struct world_host     side[2];
	struct chance	      chance;
	tern_time	      now;
	uint64_t	      calls, checks, packets;
	struct tally	      tally;
};

/* False: a host could not be made for want of memory, and nothing is left (only where that is forgiven). */
bool world_init(struct world *world, const struct world_settings *settings);
void world_done(struct world *world); /* destroys the hosts; asserts that no memory is left */

/* After a door call on a host. */
void world_called(struct world *world, unsigned host);

/* Puts what both hosts have to send on the cables. */
void world_flush(struct world *world);

/* The earliest time at which something happens by itself. */
tern_time world_next(const struct world *world);

/* Lets time pass to `at`: timers run, packets arrive. */
void world_go_to(struct world *world, tern_time at);

/* Asserts that both hosts hold nothing any more: no connection, entry, timer; memory as at first. */
void world_check_idle(struct world *world);

struct tern_endpoint world_endpoint(const struct world *world, unsigned host, bool v6, uint16_t port);

/* Says what is wrong and how to see it again, and ends the run (support/runs.h). */
_Noreturn void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
