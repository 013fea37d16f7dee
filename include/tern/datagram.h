/* tern/datagram.h - UDP (RFC 768, RFC 8085) and ICMP echo through one kind of socket: datagrams in,
 * datagrams out, with both addresses in view. Non-blocking; events come by tern_host_event() as for
 * connections: TERN_READABLE, TERN_WRITABLE after -TERN_EAGAIN, TERN_ERROR for an ICMP error.
 */
#ifndef TERN_DATAGRAM_H
#define TERN_DATAGRAM_H

#include <tern/host.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tern_datagram_kind {
	TERN_DATAGRAM_UDP,
	/* ICMP and ICMPv6 echo: ports carry the identifier, the data begins with the two octets of the
	 * sequence number. Sending sends requests (from an `any` socket: replies), receiving gets replies (an
	 * `any` socket: requests). */
	TERN_DATAGRAM_ECHO,
	/* The router's side of neighbour discovery (RFC 4861 6.2): receives router solicitations that passed every
	 * check of 6.1.1, sends router advertisements. Data begins with the ICMPv6 type; the checksum is the host's
	 * to fill in, the hop limit 255. No ports, never `any`. Solicitations come to who joined ff02::2. */
	TERN_DATAGRAM_ROUTER,
};

enum { TERN_LINK_LOOPBACK = 255 }; /* tern_datagram.link of what never left the host */

struct tern_datagram_open {
	enum tern_datagram_kind kind;
	struct tern_endpoint	local;	/* address unspecified: all of the host's; port 0: ephemeral */
	struct tern_endpoint	remote; /* all zero: anyone; else only this one, and ICMP errors about it */
	bool	 any;	  /* every address and port that no other socket has (config.forwarding_any) */
	bool	 broadcast; /* takes what is sent to 255.255.255.255 or a link's broadcast, and may send there */
	bool	 unaddressed; /* with it: also what comes from 0.0.0.0, a host without an address yet (RFC 2131 4.1) */
	uint32_t queue;	  /* bytes that may wait to be received, headers counted; 0: 256 KiB */
	uint64_t cookie;
};

/* 0; -TERN_EINVAL, -TERN_EADDRINUSE, -TERN_EADDRNOTAVAIL, -TERN_ENETUNREACH, -TERN_ENOMEM. */
int tern_datagram_open(tern_host *host, const struct tern_datagram_open *open, tern_socket *socket);

/* The socket also gets what is sent on the link to a multicast group and its port; each that joined gets a copy.
 * Left out: reports (IGMP, MLD). So a group wider than the link, and any group behind a switch that prunes, is
 * heard only as far as it comes unasked; what we send to a group does not come back to ourselves.
 * 0 (also where it has joined already); -TERN_EINVAL: an `any` or connected socket, no such link, not multicast;
 * -TERN_ENOMEM: 16 groups are joined on this host. */
int tern_datagram_join(tern_host *host, tern_socket socket, uint8_t link, const struct tern_addr *group);
/* 0; -TERN_EINVAL: it has not joined. Closing leaves every group. */
int tern_datagram_leave(tern_host *host, tern_socket socket, uint8_t link, const struct tern_addr *group);

struct tern_datagram {
	struct tern_endpoint local, remote;
	const void	    *data;
	size_t		     n;		    /* at most 65,507 (IPv4 UDP) or 65,527 octets */
	uint8_t		     link;	    /* it came by; sending: to a group or 255.255.255.255 it leaves by */
	uint8_t		     ttl;	    /* sending: 0 means the host's, to a group 1 (RFC 1112 6.1) */
	uint8_t		     traffic_class; /* DSCP and ECN */
	/* Sending: -TERN_EMSGSIZE instead of fragments, where the datagram is longer than the path carries as far as
	 * that is known (IPv4: DF is set, so that the path tells). Without it IPv4 is cut to the link, and on the way
	 * where that must be; IPv6 is cut to the path. */
	bool	 dont_fragment;
	uint32_t mtu; /* with -TERN_EMSGSIZE from receiving: what the path carries, as tern_datagram_mtu() */
};

/* One datagram leaves with the next output. remote may be all zero on a socket that has one; local
 * counts on `any` sockets (the address it comes from; need not be the host's) and is chosen otherwise.
 * 0; -TERN_EMSGSIZE; -TERN_EINVAL (no remote, or none that is an address of hosts; no such link);
 * -TERN_EACCES: a broadcast address, and the socket was not opened for that; -TERN_ENETUNREACH; -TERN_EAGAIN:
 * no packet free now; -TERN_ENOMEM; or, once, the ICMP error that came back for an earlier one. */
int tern_datagram_send(tern_host *host, tern_socket socket, const struct tern_datagram *datagram);

/* Octets of an IP packet, header included, that may go to remote whole: the link's MTU, or less where a router has said
 * so about a datagram or connection of ours within the last ten minutes (RFC 1191, RFC 8201). remote NULL: the
 * socket's own. 0: no such socket, no route, or a group. */
uint32_t tern_datagram_mtu(tern_host *host, tern_socket socket, const struct tern_endpoint *remote);

/* The oldest datagram; its data stays until the next call for this socket. 0; -TERN_EAGAIN; or, once, a
 * pending ICMP error: -TERN_ECONNREFUSED, -TERN_EHOSTUNREACH, -TERN_ENETUNREACH, -TERN_EACCES,
 * -TERN_EMSGSIZE, with datagram->remote saying whom it is about. */
int tern_datagram_receive(tern_host *host, tern_socket socket, struct tern_datagram *datagram);

enum tern_unreachable {
	TERN_UNREACHABLE_NET,
	TERN_UNREACHABLE_HOST,
	TERN_UNREACHABLE_PORT,
	TERN_UNREACHABLE_PROHIBITED,
	TERN_UNREACHABLE_TOO_BIG, /* mtu counts */
};
/* Answers the datagram received last with an ICMP error that quotes it (rate limited, RFC 1122 3.2.2). */
int tern_datagram_refuse(tern_host *host, tern_socket socket, enum tern_unreachable why, uint32_t mtu);

/* The same for one that an `any` socket received earlier (UDP alone): local, remote and n name it, its data is
 * quoted only where it is still at hand (data may be NULL: then the error quotes headers). For relays, which
 * learn of an error when the datagram has long gone. 0; -TERN_EINVAL: no such addresses, or why out of range. */
int tern_datagram_report(tern_host *host, const struct tern_datagram *received, enum tern_unreachable why,
			 uint32_t mtu);

/* The handle is gone; what waits is thrown away. */
int tern_datagram_close(tern_host *host, tern_socket socket);

#ifdef __cplusplus
}
#endif

#endif
