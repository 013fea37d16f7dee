/* What relay_udp.c and udp_forward.c share: flows of datagrams, by their four ends. */
#ifndef GATEWAY_RELAY_UDP_H
#define GATEWAY_RELAY_UDP_H

#include "base/siphash.h"
#include "gateway/gateway.h"

/* How long a flow stays without a datagram. */
enum udp_life {
	UDP_UNANSWERED, /* 2 minutes (RFC 4787 REQ-5: not less) */
	UDP_ANSWERED,	/* 5 minutes (RFC 4787 REQ-5 recommends) */
	UDP_NAMES,	/* 17 s: three tries of a resolver, five seconds each, and two to spare */
	UDP_LIVES,
};

enum { UDP_BUCKETS = 4096, UDP_BUFFER = 65536, UDP_IN_A_ROW = 64 };

struct udp_forwarding {
	struct udp_forwarding *next;
	struct gateway	      *gateway;
	struct forward	       forward;
	uint32_t	       id;
	int		       fd;
	bool		       parked;
};

struct udp_flow {
	struct flow	       flow; /* first */
	struct gateway	      *gateway;
	struct udp_flow	      *next_in_bucket;
	struct udp_flow	      *older, *newer; /* among those of its life */
	struct udp_forwarding *forwarding;    /* inbound: whose descriptor it uses; else NULL */
	enum udp_life	       life;
	int		       fd;     /* connected; inbound: -1 */
	uint32_t	       last_n; /* octets of the guest's last datagram: what an error quotes */
	bool		       parked; /* its descriptor waits for tern to have room */
};

struct udp_room {
	struct siphash_key     key;
	struct udp_flow	      *bucket[UDP_BUCKETS];
	struct udp_flow	      *oldest[UDP_LIVES], *newest[UDP_LIVES];
	struct udp_forwarding *forwardings;
	/* tern had no packet: nothing more is read until it has, and this one goes first. */
	bool		blocked;
	struct udp_flow *held;
	size_t		held_n;
	uint8_t		buffer[UDP_BUFFER];
};

static inline struct udp_room *udp_room(const struct gateway *gateway)
{
	return gateway->udp.state;
}

struct udp_flow *udp_flow_find(const struct gateway *gateway, const struct tern_tuple *tuple);
/* Enters a new one among the others; NULL: flow_new()'s reasons. fd -1: forwarding's. */
struct udp_flow *udp_flow_begin(struct gateway *gateway, enum flow_kind kind, const struct tern_tuple *tuple,
				const struct tern_endpoint *onward, struct udp_forwarding *forwarding);
void udp_flow_end(struct udp_flow *flow);
/* The n octets in the room's buffer, to the guest. False: tern has no room; the buffer is kept until it has, and
 * whoever read it must park its descriptor. */
bool udp_flow_deliver(struct udp_flow *flow, size_t n);

/* Reading goes on after tern had no room. */
void udp_forwarding_resume(struct gateway *gateway);
void udp_forwarding_done(struct gateway *gateway);

#endif
