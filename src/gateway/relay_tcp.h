/* What relay_tcp.c (the life of a flow) and relay_tcp_move.c (its octets) share. */
#ifndef GATEWAY_RELAY_TCP_H
#define GATEWAY_RELAY_TCP_H

#include "gateway/chunk.h"
#include "gateway/gateway.h"

enum tcp_phase {
	TCP_CONNECTING, /* outbound: the guest's SYN waits for our connect() */
	TCP_ANSWERED,	/* outbound: connected; the guest's handshake goes on */
	TCP_CALLING,	/* inbound: accepted here, our SYN is on its way to the guest */
	TCP_OPEN,
	TCP_RESET_GUEST,  /* the server is gone by an error: what it sent goes first, then RST */
	TCP_RESET_SERVER, /* the guest is: likewise */
};

struct tcp_flow {
	struct flow	flow; /* first */
	struct gateway *gateway;
	tern_socket	socket; /* CONNECTING, ANSWERED: the ask's */
	int		fd;	/* -1: closed */
	enum tcp_phase	phase;
	bool		up_done, down_done; /* the end of that direction has been passed on */
	bool		down_ended;	    /* the server's end of stream was read */
	bool		up_blocked;	    /* the host's socket takes no more now */
	bool		to_resolver;	    /* the guest asked the DNS address */
	bool		short_of_memory;    /* downwards: tries again by time */
	short		watched;	    /* what the loop watches fd for; 0: nothing */
	uint32_t	urgent;		    /* octets of the guest's until the end of urgent data; 0: none */
	bool		server_urgent;	    /* the server's urgent octet is on its way */

	/* Read from the server and not yet taken by tern: one chunk at most. */
	uint8_t *rest;
	uint32_t rest_n;
	bool	 rest_urgent;

	/* In gateway->tcp.waiting. */
	bool	  waits;
	tern_time again, give_up;
	struct tcp_flow *next, *prev;
};

/* ---- relay_tcp_move.c ---- */

/* Move what can be moved; the flow may be gone, or in another phase, after it. */
void tcp_flow_pump_up(struct tcp_flow *flow);
void tcp_flow_pump_down(struct tcp_flow *flow);
/* tern says TERN_URGENT. */
void tcp_flow_guest_urgent(struct tcp_flow *flow);
/* Everything that tern can have of the rest. False: it is not all gone yet. */
bool tcp_flow_flush_rest(struct tcp_flow *flow);

/* ---- relay_tcp.c ---- */

/* Both of the above as asked for, and then watches for what is needed next. */
void tcp_flow_pump(struct tcp_flow *flow, bool up, bool down);
void tcp_flow_watch(struct tcp_flow *flow, short events); /* 0: not at all */
void tcp_flow_wait(struct tcp_flow *flow, tern_time span);
/* Both directions have ended: lets go of both sides. */
void tcp_flow_finish(struct tcp_flow *flow);
/* The host's socket failed, or tern's did. */
void tcp_flow_server_failed(struct tcp_flow *flow);
void tcp_flow_guest_failed(struct tcp_flow *flow);

#endif
