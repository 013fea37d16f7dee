/* One direction of an impaired link between two simulated hosts, in virtual time: what enters leaves
 * later, not at all, twice, damaged or out of order. Seeded: the same packets in, the same packets out.
 *
 * A packet may be held without a copy until it is delivered (lazy): then what its parts point at has to
 * stay as it is until tern_packet_done(), however much is acknowledged meanwhile.
 */
#ifndef SUPPORT_CABLE_H
#define SUPPORT_CABLE_H

#include "support/random.h"

#include <tern/packet.h>

/* Chances are in 65536ths. Times one way. */
struct cable_settings {
	tern_time delay, jitter; /* each packet: delay to delay + jitter */
	bool	  in_order;	 /* jitter does not reorder */
	uint32_t  loss, burst_enter, burst_leave, duplicate, corrupt, reorder;
	uint32_t  mark; /* CE, of what is ECN-capable */
	tern_time reorder_delay; /* those held back come this much later at the most */
	uint64_t  rate;		 /* bytes per second; 0: no limit */
	uint32_t  queue;	 /* packets that may wait for the rate; 0: any number */
	tern_time faults_until;	 /* from then on nothing is lost, damaged or out of order */
	bool	  lazy;
	uint32_t  forge;    /* this share is followed by a forged segment (support/router.h) */
	uint32_t  narrow;   /* MTU of a router on the way; 0: none */
	tern_time narrow_from; /* before: as wide as the rest */
	bool	  mute;	    /* and nobody hears its errors: a black hole */
};

struct cable_packet; /* one on its way */

struct cable_counts {
	uint64_t entered, delivered, bytes, lost, duplicated, corrupted, reordered, queue_full, forged, refused, cut;
	uint64_t marked;
};

struct cable {
	struct cable_settings settings;
	struct chance	      chance;
	struct cable_packet **heap; /* by arrival */
	size_t		      n, room;
	struct cable_packet  *free;
	struct cable *back; /* the other direction, for a router's errors; NULL: none */
	uint64_t	      order; /* entered so far: breaks ties */
	tern_time	      busy_until, last_arrival;
	bool		      bad; /* in a burst */
	struct cable_counts   counts;
	bool		      digesting;
	uint64_t	      digest; /* of all that entered: time and bytes */
};

void cable_init(struct cable *cable, const struct cable_settings *settings, uint64_t seed);
void cable_done(struct cable *cable);

/* Takes the packet (and hands it back in time). */
void cable_put(struct cable *cable, tern_packet *packet, tern_time now);

/* Bytes that did not come from a host: an old duplicate, a forgery. */
void cable_inject(struct cable *cable, const void *bytes, uint32_t n, tern_time at);

/* When the next arrives; TERN_NEVER: nothing is on its way. */
tern_time cable_next(const struct cable *cable);

/* Takes what has arrived at now, at most room of them, as input packets whose bytes live until the next
 * call. */
size_t cable_take(struct cable *cable, tern_packet *into[], size_t room, tern_time now);

uint64_t cable_faults(const struct cable *cable);

#endif
