/* What the files of a TCP flow share: relay_tcp.c (its life), relay_tcp_begin.c, relay_tcp_move.c (its octets) and
 * relay_tcp_fail.c. */
#ifndef GATEWAY_RELAY_TCP_H
#define GATEWAY_RELAY_TCP_H

#include "gateway/chunk.h"
#include "gateway/gateway.h"

enum { TCP_READ_CHUNKS = 4 }; /* of one read from a server that has much to say */

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

	/* Read from the server and not yet taken by tern: what one read has brought, in order. */
	struct {
		uint8_t *at;
		uint32_t n;
	} rest[TCP_READ_CHUNKS];
	uint8_t	 n_rest;
	bool	 rest_urgent;
	bool	 bulk;	/* the last read filled all that it was given: the next may take more at once */
	uint32_t whole; /* octets of a chunk that tern makes whole segments of; 0: not looked up yet */

	/* In gateway->tcp.waiting. */
	bool	  waits;
	tern_time again, give_up;
	struct tcp_flow *next, *prev;
};

/* ---- relay_tcp_move.c ---- */

/* Move what can be moved; the flow may be gone, or in another phase, after it. */
void tcp_flow_pump_up(struct tcp_flow *flow);
void tcp_flow_pump_down(struct tcp_flow *flow);
/* The guest's text as it comes, to the host's socket: how many octets that took (struct tern_taker). Calls neither
 * tern nor the loop. */
size_t tcp_flow_take(struct tcp_flow *flow, const uint8_t *text, size_t n);
/* tern says TERN_URGENT. */
void tcp_flow_guest_urgent(struct tcp_flow *flow);
/* Everything that tern can have of the rest. False: it is not all gone yet, or the flow is. */
bool tcp_flow_flush_rest(struct tcp_flow *flow);
void tcp_flow_drop_rest(struct tcp_flow *flow);

/* ---- relay_tcp_begin.c ---- */

/* SYNs of the guest's wait at the listener, or connections for which an ask was answered. */
void tcp_begin_asked(struct gateway *gateway);
/* connect() came to something: 0 or its errno. */
void tcp_begin_connected(struct tcp_flow *flow, int error);
/* The guest gave up before its connection stood. */
void tcp_begin_cancelled(struct tcp_flow *flow);
/* Of the guest's leg: no Nagle, keep-alive, user time-out. */
void tcp_begin_options(const struct gateway *gateway, tern_socket socket);

/* ---- relay_tcp_fail.c ---- */

/* The host's socket failed, or tern's did. */
void tcp_flow_server_failed(struct tcp_flow *flow);
void tcp_flow_guest_failed(struct tcp_flow *flow);
/* Now, whatever it has not been sent. */
void tcp_flow_reset_guest(struct tcp_flow *flow);
/* In TCP_RESET_GUEST, TCP_RESET_SERVER: resets if it may be, or waits on. */
void tcp_fail_look_again(struct tcp_flow *flow, tern_time now);

/* ---- relay_tcp.c ---- */

/* Moves octets as asked for, and then watches for what is needed next. */
void tcp_flow_pump(struct tcp_flow *flow, bool up, bool down);
void tcp_flow_watch(struct tcp_flow *flow, short events); /* 0: not at all */
void tcp_flow_wait(struct tcp_flow *flow, tern_time span);
/* reset: an RST to the server instead of a FIN, where it still has a connection. */
void tcp_flow_close_server(struct tcp_flow *flow, bool reset);
/* Both directions have ended: lets go of both sides. */
void tcp_flow_finish(struct tcp_flow *flow);
/* The flow alone goes; both sides have been seen to. */
void tcp_flow_forget(struct tcp_flow *flow);

#endif
