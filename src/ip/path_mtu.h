/* Path MTUs that routers told (RFC 1191, RFC 8201): a small table by destination, forgotten in time.
 *
 * Callers lower an entry only for a message whose quote names a live connection and a sequence number
 * in flight (RFC 5927): so many destinations, so many live flows. What does not fit pushes out the
 * entry of its set that would be forgotten first.
 */
#ifndef IP_PATH_MTU_H
#define IP_PATH_MTU_H

#include "base/mem.h"
#include "base/siphash.h"
#include <tern/types.h>

enum {
	PATH_MTU_SETS = 64,
	PATH_MTU_WAYS = 4,
	PATH_MTU_FLOOR_V4 = 552,  /* below it, a forged message would make us pay in headers */
	PATH_MTU_FLOOR_V6 = 1280, /* RFC 8200 5: every link carries that; less is ignored (RFC 8021) */
};

#define PATH_MTU_AGE (600 * TERN_SECOND) /* RFC 1191 6.3, RFC 8201 4 */

struct path_mtu_entry {
	struct tern_addr dst;
	tern_time	 until; /* from then on it says nothing */
	uint32_t	 mtu;	/* 0: free */
	uint32_t	 zone;
};

struct path_mtu {
	struct mem	      *mem;
	struct siphash_key     key;
	struct path_mtu_entry *entries; /* sets of ways; none before the first message */
};

void path_mtu_init(struct path_mtu *table, struct mem *mem, const struct siphash_key *key);
void path_mtu_done(struct path_mtu *table);

/* Bytes of an IP packet that may go to dst now: at most link_mtu. */
uint32_t path_mtu_of(const struct path_mtu *table, const struct tern_addr *dst, uint32_t zone,
		     uint32_t link_mtu, tern_time now);

/* A router says that a packet of packet_len bytes (as quoted: its IP length, header included) was too
 * big; told: the MTU it named, 0: none (RFC 1191 5: the next plateau below). Returns the new path MTU,
 * to be passed to the connections there; 0: ignored, since it would not lower anything or is not to be
 * believed. It never raises one and never goes below the floors (or link_mtu, where that is less).
 * Where memory is spent the answer stands but is not kept. */
uint32_t path_mtu_lower(struct path_mtu *table, const struct tern_addr *dst, uint32_t zone, uint32_t told,
			uint32_t packet_len, uint32_t link_mtu, tern_time now);

/* Gives the table back when nothing in it is in force any more. */
void path_mtu_trim(struct path_mtu *table, tern_time now);

#endif
