/* Ethernet under the host: frames in are read and judged, ARP and neighbour discovery are answered and
 * asked, packets out get their hardware addresses, or wait for them. */
#ifndef HOST_ETHERNET_H
#define HOST_ETHERNET_H

#include "ip/neighbour.h"
#include "wire/ip.h"
#include <tern/packet.h>

struct outgoing;
struct reply;
struct tern_host;

enum frame_kind {
	FRAME_NONE, /* the link has no frames: an IP packet */
	FRAME_IP,   /* an IP packet to our hardware address */
	FRAME_GROUP, /* one to a group of ours, or to everybody */
	FRAME_ARP,
	FRAME_BAD,   /* a runt, a source that is none, a type that the packet belies */
	FRAME_OTHER, /* not for us, our own, or of a type that we do not speak */
};

/* What a frame holds; of the IP kinds and ARP, *at and *len become what follows the header. Changes
 * nothing else. */
enum frame_kind ethernet_read(const struct tern_host *host, uint8_t link, const uint8_t **at, uint32_t *len);

/* Counts and drops a FRAME_BAD or FRAME_OTHER. */
void ethernet_drop(struct tern_host *host, enum frame_kind kind, uint32_t len, uint64_t mark);
/* at: what follows the Ethernet header, which stands before it. */
void ethernet_arp_arrive(struct tern_host *host, uint8_t link, const uint8_t *at, uint32_t len, uint64_t mark);
/* A packet of an Ethernet link that is nd_is(). at: its IP header, after the Ethernet header. */
void ethernet_nd_arrive(struct tern_host *host, uint8_t link, const struct ip_header *ip, const uint8_t *at,
			uint64_t mark);
/* One that is nd_router_is(). */
void ethernet_solicitation_arrive(struct tern_host *host, uint8_t link, const struct ip_header *ip, const uint8_t *at,
				  uint32_t len, uint64_t mark);

/* A packet whose headers have room for the frame's in front: to the link, or to wait, or dropped. */
void ethernet_dispatch(struct tern_host *host, const struct outgoing *out, struct tern_packet *packet);
/* Makes the packet of a REPLY_NEIGHBOUR. */
void ethernet_reply(struct tern_host *host, const struct reply *reply);
/* Who sent what waited for a neighbour that nobody is learns of it, as a router's ICMP error would tell (RFC 1122
 * 2.3.2.2). Settles blocks: for when no block is at hand. */
void ethernet_tell_unreachable(struct tern_host *host);
/* What was sent to remote on the link got there. */
void ethernet_confirm(struct tern_host *host, uint8_t link, const struct tern_addr *remote);
/* Time passed: asks again, lets go of what waited too long. */
void ethernet_expire(struct tern_host *host);

#endif
