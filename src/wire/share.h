/* Hosts that share their addresses, one for each core: whose a packet is, as a function of its own bytes.
 *
 * TCP: by both endpoints, whichever of them is ours, so that two such groups with the same key at the two ends of
 * several queues agree. A connection's local port is chosen so that its answers come back to its own host.
 * UDP and pings: a local port (identifier) of the ephemeral range by itself alone, since an unconnected socket is
 * answered by anybody; other ports by both endpoints. Fragments have no ports: those of one datagram go together,
 * and the host that joins them hands the whole on. An ICMP error goes where what it quotes came from.
 */
#ifndef WIRE_SHARE_H
#define WIRE_SHARE_H

#include <tern/config.h>

enum {
	SHARE_STAYS = 0xfffe, /* anybody's: with the host that it came to */
	SHARE_ALL = 0xffff,   /* everybody's: groups, and what neighbours tell of themselves */
};

/* One host alone: everything is its own. */
static inline bool share_is_one(const struct tern_share *share)
{
	return share->n <= 1;
}

/* The connection's; zones do not count. */
unsigned share_of_tuple(const struct tern_share *share, const struct tern_tuple *tuple);
/* A datagram's, as its receiver sees it. */
unsigned share_of_datagram(const struct tern_share *share, const struct tern_tuple *tuple);
/* A local port of datagrams or an identifier of pings: false where it is another host's alone. */
bool share_has_port(const struct tern_share *share, uint16_t port);

/* A packet as it came: a number below share->n, SHARE_STAYS or SHARE_ALL. Whatever is wrong with it stays. */
unsigned share_of_packet(const struct tern_share *share, const uint8_t *packet, size_t n, bool ethernet);

#endif
