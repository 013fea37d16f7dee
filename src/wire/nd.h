/* Neighbour solicitations and advertisements (RFC 4861 4.3, 4.4): bytes <-> struct. The router's messages stand in
 * nd_router.h. */
#ifndef WIRE_ND_H
#define WIRE_ND_H

#include "wire/ethernet.h"
#include "wire/ip.h"

enum {
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_MESSAGE = 32, /* bytes of one with its option */
	ND_HOP_LIMIT = 255,
};

struct nd_message {
	uint8_t		 type; /* ND_SOLICITATION or ND_ADVERTISEMENT */
	bool		 router, solicited, override; /* of an advertisement */
	bool		 has_mac; /* it had the link-layer address option of its type */
	uint8_t		 mac[ETHERNET_ADDRESS];
	struct tern_addr target;
};

/* The packet holds one of the two, whole, whatever else is wrong with it: nd_parse() decides. */
bool nd_is(const struct ip_header *ip);

/* Every check of RFC 4861 7.1.1 and 7.1.2: hop limit 255 (so it comes from this link), checksum, code,
 * length, a target that is unicast, options of which none has length 0 (4.6), a solicitation from :: only
 * to a solicited-node group and without the option, an advertisement to a group without the solicited
 * flag. */
bool nd_parse(struct nd_message *nd, const struct ip_header *ip);

/* Writes the message (with the option where has_mac) at p, checksummed; returns its length. */
size_t nd_emit(uint8_t *p, const struct nd_message *nd, const struct tern_addr *src, const struct tern_addr *dst);

struct tern_addr nd_solicited_node(const struct tern_addr *addr); /* ff02::1:ffXX:XXXX, RFC 4291 2.7.1 */
struct tern_addr nd_all_nodes(void);				  /* ff02::1 */
struct tern_addr nd_all_routers(void);				  /* ff02::2 */
/* fe80::/64 with the modified EUI-64 of the hardware address (RFC 2464 4, 5). */
struct tern_addr nd_link_local(const uint8_t mac[ETHERNET_ADDRESS]);

#endif
