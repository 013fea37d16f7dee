/* What names a connection on the wire: helpers on addresses and tuples. */
#ifndef WIRE_TUPLE_H
#define WIRE_TUPLE_H

#include "base/bytes.h"
#include <tern/types.h>

/* Asked of every packet, and so inline: */

static inline bool addr_is_v4(const struct tern_addr *addr) /* mapped */
{
	return get64(addr->b) == 0 && get32(addr->b + 8) == 0xffff;
}

static inline uint32_t addr_v4_of(const struct tern_addr *addr) /* host order */
{
	return get32(addr->b + 12);
}

static inline bool addr_equal(const struct tern_addr *a, const struct tern_addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool tuple_equal(const struct tern_tuple *a, const struct tern_tuple *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port && a->zone == b->zone &&
	       addr_equal(&a->remote, &b->remote) && addr_equal(&a->local, &b->local);
}

/* The same connection, as its other end names it. */
static inline struct tern_tuple tuple_turned(const struct tern_tuple *tuple)
{
	return (struct tern_tuple){ .local = tuple->remote,
				    .remote = tuple->local,
				    .zone = tuple->zone,
				    .local_port = tuple->remote_port,
				    .remote_port = tuple->local_port };
}

/* The bytes that name a tuple, for keyed hashes: no two tuples have the same, and IPv4's are few. Returns how many. */
enum { TUPLE_PACKED = 40 };
size_t tuple_pack(uint8_t at[TUPLE_PACKED], const struct tern_tuple *tuple);

static inline struct tern_addr addr_v4(uint32_t host_order)
{
	struct tern_addr addr = { { [10] = 0xff, [11] = 0xff } };

	put32(addr.b + 12, host_order);
	return addr;
}


bool		 addr_is_unspecified(const struct tern_addr *addr); /* 0.0.0.0, :: */
bool		 addr_is_loopback(const struct tern_addr *addr);
bool		 addr_is_multicast(const struct tern_addr *addr);
bool		 addr_is_broadcast(const struct tern_addr *addr); /* 255.255.255.255 only */
bool		 addr_is_link_local(const struct tern_addr *addr);

/* Whether the first `bits` bits of both agree. An IPv4 prefix counts its bits from 0 to 32 and holds
 * IPv4 alone; an IPv6 prefix from 0 to 128. ::/0 holds every address of both versions. */
bool addr_in_prefix(const struct tern_addr *addr, const struct tern_addr *prefix, unsigned bits);

/* True for what may be the source or remote address of a TCP segment (MUST-46, MUST-57, MUST-63):
 * not unspecified (for IPv4 all of 0.0.0.0/8, RFC 6890), multicast or 255.255.255.255. */
bool addr_is_unicast(const struct tern_addr *addr);

#endif
