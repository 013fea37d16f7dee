/* What the rooms of datagram sockets share: datagram.c (who there is), datagram_arrive.c (in),
 * datagram_send.c (out), datagram_group.c (who hears what is sent to several).
 *
 * Who gets a datagram: the socket connected to its sender; else the one bound to its address; else the one
 * bound to its port alone; else the `any` socket of its kind. What is sent to a group or to everybody goes
 * to each that asked for it, and to no other.
 */
#ifndef HOST_DATAGRAM_SOCKET_H
#define HOST_DATAGRAM_SOCKET_H

#include "host/internal.h"

enum { ECHO_SEQUENCE = 2 /* octets of an echo, ahead of its data */ };


/* One datagram that arrived. */
struct waiting {
	struct waiting	    *next;
	size_t		     size; /* of the whole allocation */
	struct tern_endpoint local, remote;
	uint32_t	     len;     /* of packet */
	uint32_t	     data_at; /* in packet */
	uint32_t	     n;
	uint8_t		     link, ttl, traffic_class;
	uint8_t		     packet[];
};

struct datagram_socket {
	enum tern_datagram_kind kind;
	struct tern_endpoint	local, remote;
	bool			any, connected, broadcast, unaddressed;
	uint32_t		joined; /* bit n: host->datagrams.groups[n] */
	uint32_t		number, generation, next_in_bucket; /* number + 1; 0 ends */
	uint64_t		cookie;
	struct waiting	       *first, *last;
	struct waiting	       *taken; /* handed out: its data stays until the next call */
	size_t			queued, limit;
	int			error; /* pending, negative */
	struct tern_endpoint	error_remote;
	struct tern_endpoint	sent_to; /* last: who a router may say something of (RFC 5927 4.1's thought) */
	bool			blocked;    /* a send found no packet */
	uint32_t		ready;	    /* edges not told */
	bool			listed;
	struct datagram_socket *next_event;
};

/* NULL: no such socket (any more). */
struct datagram_socket *datagram_socket_of(const struct tern_host *host, tern_socket handle);
/* The first of the sockets that have the port, and others of its bucket; NULL: none. */
struct datagram_socket *datagram_first(const struct tern_host *host, enum tern_datagram_kind kind, uint16_t port);
struct datagram_socket *datagram_next(const struct tern_host *host, const struct datagram_socket *socket);
/* The one that fits best; NULL: none but, perhaps, the `any` socket. */
struct datagram_socket *datagram_socket_find(const struct tern_host *host, enum tern_datagram_kind kind,
					     const struct tern_endpoint *local, const struct tern_endpoint *remote);
void datagram_become_ready(struct tern_host *host, struct datagram_socket *socket, uint32_t ready);
void datagram_let_go(struct tern_host *host, struct waiting *datagram); /* NULL is let pass */
bool datagram_has_joined(const struct tern_host *host, const struct datagram_socket *socket, uint8_t link,
			 const struct tern_addr *group);
bool endpoint_is_given(const struct tern_endpoint *endpoint); /* not all zero */

#endif
