/* Packets in one piece, as links keep them: gathered from a host's parts, recycled last in first out so
 * that the bytes are still in the cache. Two sizes: what fits the MTU, and up to 64 KiB.
 */
#ifndef LINK_FLAT_H
#define LINK_FLAT_H

#include "base/sum.h"
#include <tern/host.h>
#include <tern/packet.h>
#include <tern/types.h>

enum {
	FLAT_MOST = 65536 + TERN_PACKET_HEADERS, /* bytes of the longest packet */
	FLAT_KEEP_SMALL = 1024,			 /* free ones kept */
	FLAT_KEEP_LARGE = 64,
	FLAT_ETHERNET = 14, /* bytes of an Ethernet header */
};

/* Bytes of the longest packet that a link carries unsplit. */
static inline uint32_t flat_length(const struct tern_link_config *config)
{
	return config->mtu + (config->ethernet ? FLAT_ETHERNET : 0);
}

struct flat {
	tern_packet  packet; /* one part, the whole; host NULL */
	struct flat *next;   /* the holder's */
	uint8_t	    *bytes;
	uint32_t     room;
};

struct flat_pool {
	struct tern_allocator allocator;
	size_t		      head; /* bytes before the packet's own: struct flat and the holder's fields */
	uint32_t	      small_room;
	const struct sum_unit *unit; /* sums that were left to the link are made while copying; NULL: they stay so */
	struct flat	     *small, *large;
	uint32_t	      n_small, n_large;
};

/* head: size of the holder's struct, whose first member is a struct flat. */
void flat_pool_init(struct flat_pool *pool, const struct tern_allocator *allocator, size_t head,
		    uint32_t mtu);
void flat_pool_done(struct flat_pool *pool); /* those in use must have been put back */

/* A copy of the packet's bytes, and of what describes them (gso, mark; sums, unless the pool makes them); the holder's
 * fields are not cleared. NULL: no memory, or longer than any packet. */
struct flat *flat_copy(struct flat_pool *pool, const tern_packet *from);
void	     flat_put(struct flat_pool *pool, struct flat *flat);

#endif
