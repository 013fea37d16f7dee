/* Cuts an outgoing packet that exceeds the MTU into fragments (RFC 791 3.2, RFC 8200 4.5), and makes
 * the identifications that fragments need.
 *
 *	fragment_start(&f, &ip, payload_len, mtu);
 *	while (fragment_next(&f, &piece))
 *		send piece.header, then fragment_gather(…, piece.offset, piece.len, …)
 */
#ifndef IP_FRAGMENT_H
#define IP_FRAGMENT_H

#include "base/counters.h"
#include "base/siphash.h"
#include "wire/ip.h"
#include <tern/packet.h>

enum { FRAGMENT_HEADER_MAX = IPV6_HEADER + IPV6_FRAGMENT_HEADER };

struct fragmenter {
	struct ip_header ip;
	uint32_t	 payload_len, at, each; /* bytes; each is a multiple of 8 */
};

struct fragment_piece {
	uint8_t	 header[FRAGMENT_HEADER_MAX];
	uint32_t header_len;
	uint32_t offset, len; /* of the payload: the bytes after the packet's own IP header */
};

/* ip as for ip_wire_emit(), with its id. mtu: bytes of an IP packet. False: nothing may be cut (IPv4
 * with dont_fragment), the payload is empty or too long for any packet, or the MTU holds no header
 * with eight bytes. A payload that fits the MTU comes out as one fragment: ask before. */
bool fragment_start(struct fragmenter *f, const struct ip_header *ip, uint32_t payload_len, uint32_t mtu);
/* The next one; false: that was all. */
bool fragment_next(struct fragmenter *f, struct fragment_piece *piece);
/* How many fragment_next() will yield in all. */
uint32_t fragment_count(const struct fragmenter *f);

/* The parts that hold [offset, offset + len) of what n parts hold together. Returns how many of `to` were
 * filled; 0: more than room, or not that many bytes there. `held` is copied: the caller counts it. */
size_t fragment_gather(const struct tern_packet_part *parts, size_t n, uint32_t offset, uint32_t len,
		       struct tern_packet_part *to, size_t room);

/* Identifications: for each source, destination and protocol a keyed permutation of a counter, so that
 * none returns soon, none can be foretold, and none tells how much this host sends (RFC 7739 5, RFC
 * 6864). 16 bits are used for IPv4, 32 for IPv6.
 */
struct fragment_ids {
	struct siphash_key key;
	struct counters	   counters; /* by source, destination and protocol */
};

void	 fragment_ids_init(struct fragment_ids *ids, const struct siphash_key *key);
uint32_t fragment_id(struct fragment_ids *ids, const struct tern_addr *src, const struct tern_addr *dst,
		     uint8_t protocol);

#endif
