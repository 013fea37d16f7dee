/* Router solicitations and advertisements (RFC 4861 4.1, 4.2, with the options of 4.6 and RFC 8106): bytes <->
 * struct. For the router's side: it reads the first and writes the second.
 */
#ifndef WIRE_ND_ROUTER_H
#define WIRE_ND_ROUTER_H

#include "wire/domain.h"
#include "wire/ethernet.h"
#include "wire/ip.h"

enum {
	ND_ROUTER_SOLICITATION = 133,
	ND_ROUTER_ADVERTISEMENT = 134,
	ND_ROUTER_ADVERTISEMENT_MIN = 16, /* bytes of one without options */
	ND_ROUTER_RDNSS = 3,		  /* resolvers that one advertisement names at most */
};

struct nd_router_solicitation {
	bool	has_mac; /* the source link-layer address option */
	uint8_t mac[ETHERNET_ADDRESS];
};

struct nd_router_advertisement {
	uint8_t		 hop_limit; /* 0: unspecified */
	bool		 managed, other; /* M: addresses, O: other settings by DHCPv6 */
	uint16_t	 lifetime;  /* seconds as a default router; 0: none (any more) */
	uint32_t	 reachable, retrans; /* milliseconds; 0: unspecified */
	uint8_t		 mac[ETHERNET_ADDRESS];
	uint32_t	 mtu; /* 0: no such option */
	bool		 has_prefix, on_link, autonomous;
	struct tern_addr prefix;
	uint8_t		 prefix_bits;
	uint32_t	 valid, preferred; /* seconds */
	uint32_t	 n_rdnss;
	struct tern_addr rdnss[ND_ROUTER_RDNSS];
	const struct domains *search; /* NULL or none: no DNSSL */
	uint32_t	 dns_lifetime; /* seconds, of both (RFC 8106 5.1, 5.2) */
};

/* The packet holds a router solicitation, whole, whatever else is wrong with it. */
bool nd_router_is(const struct ip_header *ip);

/* Every check of RFC 4861 6.1.1: hop limit 255, checksum, code 0, length, no option of length 0 or beyond the
 * end, and none with a hardware address where the source is ::. */
bool nd_router_parse(struct nd_router_solicitation *solicitation, const struct ip_header *ip);

/* Writes an advertisement of at most `room` bytes at p, its checksum 0; returns its length. Search domains that do
 * not fit are left out; 0: not even the rest fits. */
size_t nd_router_emit(uint8_t *p, size_t room, const struct nd_router_advertisement *advertisement);

#endif
