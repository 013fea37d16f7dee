/* Datagram sockets: UDP and ICMP echo (tern/datagram.h). */
#ifndef HOST_DATAGRAM_H
#define HOST_DATAGRAM_H

#include "base/mem.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include <tern/datagram.h>

struct datagram_socket;

enum { DATAGRAM_BUCKETS = 256, DATAGRAM_GROUPS = 16 };

/* A multicast group that sockets of the host have joined on a link. */
struct datagram_group {
	struct tern_addr addr;
	uint32_t	 members; /* sockets; 0: the place is free */
	uint8_t		 link;
};

struct datagrams {
	struct datagram_socket **at; /* by handle number; NULL: free */
	uint32_t n, room;
	uint32_t generation; /* of the handle made last */
	uint32_t bucket[DATAGRAM_BUCKETS]; /* first socket by local port; numbers + 1, 0: none */
	struct datagram_socket *any[2];	   /* by kind */
	struct datagram_group	groups[DATAGRAM_GROUPS];
	uint32_t		n_broadcast; /* sockets that take broadcasts */
	struct datagram_socket *events_first, *events_last;
	bool blocked; /* some socket waits for a packet */
};

void datagrams_init(struct datagrams *datagrams);
void datagrams_done(struct tern_host *host);

/* A UDP packet to us (ours) or, with forwarding_any, to somebody else. packet: from the IP header on.
 * False: nobody takes it, and nothing was wrong with it. */
bool datagram_arrive_udp(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			 uint8_t link, bool ours, bool offload);
/* A UDP packet to a multicast group or a broadcast address: a copy to each who asked for it. False: nobody. */
bool datagram_arrive_group(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			   uint8_t link, bool offload);
/* A router solicitation that passed its checks. */
void datagram_arrive_solicitation(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet,
				  uint32_t len, uint8_t link);
/* An echo request to somebody else, or a reply to us. False: nobody waits for it. */
bool datagram_arrive_echo(struct tern_host *host, const struct ip_header *ip, const struct icmp_message *echo,
			  const uint8_t *packet, uint32_t len, uint8_t link);
/* An ICMP error that quotes a datagram of ours. */
void datagram_error(struct tern_host *host, const struct icmp_message *icmp, uint32_t zone, int error);

/* Somebody may take what is sent on the link to dst, a group or a broadcast address. */
bool datagram_hears(const struct tern_host *host, uint8_t link, const struct tern_addr *dst);
/* The same of an Ethernet group address: several groups may have one. */
bool datagram_hears_mac(const struct tern_host *host, uint8_t link, const uint8_t *mac);
/* Every group of a socket that goes. */
void datagram_leave_all(struct tern_host *host, struct datagram_socket *socket);

bool datagram_event(struct tern_host *host, struct tern_event *event);
/* Packets are free again: wakes the sockets that found none. */
void datagrams_made_room(struct tern_host *host);

#endif
