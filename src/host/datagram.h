/* Datagram sockets: UDP and ICMP echo (tern/datagram.h). */
#ifndef HOST_DATAGRAM_H
#define HOST_DATAGRAM_H

#include "base/mem.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include <tern/datagram.h>

struct datagram_socket;

enum { DATAGRAM_BUCKETS = 256 };

struct datagrams {
	struct datagram_socket **at; /* by handle number; NULL: free */
	uint32_t n, room;
	uint32_t generation; /* of the handle made last */
	uint32_t bucket[DATAGRAM_BUCKETS]; /* first socket by local port; numbers + 1, 0: none */
	struct datagram_socket *any[2];	   /* by kind */
	struct datagram_socket *events_first, *events_last;
	bool blocked; /* some socket waits for a packet */
};

void datagrams_init(struct datagrams *datagrams);
void datagrams_done(struct tern_host *host);

/* A UDP packet to us (ours) or, with forwarding_any, to somebody else. packet: from the IP header on.
 * False: nobody takes it, and nothing was wrong with it. */
bool datagram_arrive_udp(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			 bool ours, bool offload);
/* An echo request to somebody else, or a reply to us. False: nobody waits for it. */
bool datagram_arrive_echo(struct tern_host *host, const struct ip_header *ip, const struct icmp_message *echo,
			  const uint8_t *packet, uint32_t len);
/* An ICMP error that quotes a datagram of ours. */
void datagram_error(struct tern_host *host, const struct icmp_message *icmp, int error);

bool datagram_event(struct tern_host *host, struct tern_event *event);
/* Packets are free again: wakes the sockets that found none. */
void datagrams_made_room(struct tern_host *host);

#endif
