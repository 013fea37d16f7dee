/* Links, addresses and routes of one host: what is ours, where a packet leaves, which source it bears.
 *
 * An address a/bits also makes a/bits reachable on its link. The tables are small (bounds below) and
 * looked through from end to end; they take memory as they grow. Weak end system model (RFC 1122
 * 3.3.4.2): an own address is ours on whichever link of its zone a packet for it arrives.
 *
 * Zones keep links apart whose addresses overlap (RFC 4007): nothing of one is seen from another. A link has zone 0,
 * which all such links share, or was given one above ROUTE_LINKS. The IPv6 link-local addresses of a link of zone 0 are
 * a zone of their own, the link's number + 1. So a lookup names its zone: 0, one that was given, or a link.
 */
#ifndef IP_ROUTE_H
#define IP_ROUTE_H

#include "base/mem.h"
#include <tern/types.h>

enum {
	ROUTE_LINKS = 16,
	ROUTE_ADDRESSES = 64,
	ROUTE_ROUTES = 256,
	ROUTE_MTU_MIN = 68, /* RFC 791; an IPv6 address asks for ROUTE_MTU_MIN_V6 of its link */
	ROUTE_MTU_MIN_V6 = 1280,
	ROUTE_MTU_MAX = 65535,
	ROUTE_LOOPBACK = 255, /* the link number of the host's own loopback */
};

struct route_address {
	struct tern_addr addr;
	uint8_t		 bits; /* of 128: an IPv4 /24 is 120 */
	uint8_t		 link;
};

struct route_entry {
	struct tern_addr prefix; /* beyond its bits: zero */
	struct tern_addr next_hop;
	uint8_t		 bits; /* of 128 */
	uint8_t		 link;
	bool		 has_next_hop;
};

struct routes {
	struct mem	     *mem;
	uint32_t	      mtu[ROUTE_LINKS];
	uint32_t	      zone[ROUTE_LINKS]; /* that it was given, or 0 */
	uint8_t		      n_links;
	uint16_t	      n_addresses, room_addresses, n_entries, room_entries;
	struct route_address *addresses; /* in the order they were added */
	struct route_entry   *entries;	 /* the longest prefix first */
};

/* What an address is to this host. */
enum route_kind {
	ROUTE_OTHER,	    /* somebody else's unicast address */
	ROUTE_OWN,	    /* one that was added */
	ROUTE_OWN_LOOPBACK, /* 127.0.0.0/8, ::1: ours, but never on a link (RFC 1122 3.2.1.3 (g)) */
	ROUTE_BROADCAST,    /* 255.255.255.255, or all ones in the host part of one of our IPv4 prefixes */
	ROUTE_MULTICAST,
	ROUTE_UNSPECIFIED,  /* ::, 0.0.0.0/8 */
};

struct route {
	struct tern_addr next_hop; /* the destination itself where it is on the link */
	uint32_t	 mtu;	   /* of the link; ROUTE_MTU_MAX for the loopback */
	uint8_t		 link;	   /* or ROUTE_LOOPBACK: the packet stays in the host */
	bool		 group;	   /* to several: next_hop is multicast or a broadcast address */
	uint32_t	 zone;	   /* what the tuple of a packet on this way bears: route_zone() */
};

void routes_init(struct routes *routes, struct mem *mem);
void routes_done(struct routes *routes);

/* 0 and the link's number; -TERN_EINVAL: an MTU out of range, a zone from 1 to ROUTE_LINKS; -TERN_ENOMEM:
 * ROUTE_LINKS are there. */
int route_add_link(struct routes *routes, uint32_t mtu, uint32_t zone, uint8_t *link);
/* -TERN_EINVAL: no such link, out of range, or below 1280 on a link with an IPv6 address. */
int route_set_mtu(struct routes *routes, uint8_t link, uint32_t mtu);
/* ROUTE_LOOPBACK has one too; 0: no such link. */
uint32_t route_mtu(const struct routes *routes, uint8_t link);

/* bits count from 0 to 32 for IPv4. -TERN_EINVAL: no such link, not a unicast address (or a loopback
 * one, or the broadcast address of its own prefix), bits out of range, IPv6 on a link below 1280 bytes;
 * -TERN_EADDRINUSE: it is ours already; -TERN_ENOMEM: no memory, or ROUTE_ADDRESSES are there. */
int route_add_address(struct routes *routes, uint8_t link, const struct tern_addr *addr, unsigned bits);
/* The one that was added first, where several zones have it. -TERN_EADDRNOTAVAIL: not ours. Routes that were added
 * stay. */
int route_remove_address(struct routes *routes, const struct tern_addr *addr);

/* next_hop NULL: on the link itself. A second route for the same prefix takes the place of the first.
 * -TERN_EINVAL: no such link, bits out of range, a next hop that is not unicast or not of the prefix's
 * version; -TERN_ENOMEM: no memory, or ROUTE_ROUTES are there. */
int route_add(struct routes *routes, const struct tern_addr *prefix, unsigned bits, uint8_t link,
	      const struct tern_addr *next_hop);

/* The zone of what talks with addr by this link; 0 for no link of ours. */
uint32_t route_zone(const struct routes *routes, uint8_t link, const struct tern_addr *addr);

enum route_kind route_kind_of(const struct routes *routes, uint32_t zone, const struct tern_addr *addr);
bool route_is_local(const struct routes *routes, uint32_t zone, const struct tern_addr *addr); /* own or loopback */

/* The way to dst: own and loopback addresses through ROUTE_LOOPBACK, others by the longest prefix (an
 * address's own prefix goes before an added route of the same length). False: no way, or dst is not
 * unicast. */
bool route_find(const struct routes *routes, uint32_t zone, const struct tern_addr *dst, struct route *route);

/* The way of what is for several: multicast and 255.255.255.255 leave by the link that is named (or where that is of
 * another zone, by the first of the zone), the broadcast address of a prefix by that prefix's. False: dst is none of
 * those, or no such link. */
bool route_to_group(const struct routes *routes, uint32_t zone, uint8_t link, const struct tern_addr *dst,
		    struct route *route);
/* Which of the link's own addresses it bears: by route_source()'s rules. False: none of dst's version. */
bool route_group_source(const struct routes *routes, uint8_t link, const struct tern_addr *dst, struct tern_addr *src);

/* The source address for a connection to dst (MUST-44) by RFC 6724 5, rules 1, 2, 5, 6 and 8; for IPv4
 * the same rules, with 127.0.0.0/8 and 169.254.0.0/16 of link-local scope. False: no route, or no
 * address of dst's version. */
bool route_source(const struct routes *routes, uint32_t zone, const struct tern_addr *dst, struct tern_addr *src);
/* The same where the way is known. */
bool route_source_by(const struct routes *routes, const struct route *route, const struct tern_addr *dst,
		     struct tern_addr *src);

#endif
