/* tern/host.h - one host: feed it packets, time and calls; drain packets and events; sleep until the
 * deadline. No I/O, no clock, no thread, no global state: the same inputs under the same secret give
 * the same bytes out. One host belongs to one thread.
 */
#ifndef TERN_HOST_H
#define TERN_HOST_H

#include <tern/config.h>
#include <tern/packet.h>
#include <tern/stats.h>
#include <tern/status.h>
#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0, or -TERN_ENOMEM, -TERN_EINVAL (a setting out of its range). config is copied. */
int  tern_host_create(tern_host **host, const struct tern_config *config, tern_time now);
/* Every connection ends without a segment; packets still out must have come back before. */
void tern_host_destroy(tern_host *host);

/* ---- links, addresses, routes ---- */

struct tern_link_config {
	uint32_t mtu;		   /* bytes of an IP packet: 68 (IPv6: 1280) to 65535 */
	bool	 checksum_offload; /* the link completes transport checksums */
	bool	 gso;		   /* the link splits TCP segments of up to 64 KiB */
	bool	 ethernet;	   /* packets begin with the Ethernet header, in and out */
	uint8_t	 mac[6];	   /* then: our own address on the link, which is no group's and not zero */
	/* Ethernet: ARP and neighbour discovery are answered for every unicast address but the asker's own, not
	 * for our addresses alone: for a link on which everybody but its one machine is behind us. */
	bool proxy_any;
	/* 0, or 17 and up: the link is apart from those of other zones, and may have their addresses: two guests that
	 * both are 10.0.2.15. Tuples and endpoints bear the zone; a listener or socket of zone 0 hears all zones. */
	uint32_t zone;
};

/* The zone of IPv6 link-local addresses on a link whose zone is 0 (RFC 4007): connections with such an address bear
 * it. To connect with zone 0 means the first link that has a way there. */
static inline uint32_t tern_link_zone(uint8_t link)
{
	return link + UINT32_C(1);
}

/* 0 and the link's number, or -TERN_EINVAL (a setting out of its range), -TERN_ENOMEM (at most 16 links, or no
 * memory for the neighbours of the first Ethernet link). */
int tern_host_add_link(tern_host *host, const struct tern_link_config *config, uint8_t *link);
int tern_host_set_link_mtu(tern_host *host, uint8_t link, uint32_t mtu);

/* The host answers to addr and reaches addr/bits through the link. IPv4 prefixes count their own 32
 * bits. -TERN_EINVAL: not a unicast address, or bits out of range. */
int tern_host_add_address(tern_host *host, uint8_t link, const struct tern_addr *addr, unsigned bits);
/* Where several zones have it, the one that was added first. */
int tern_host_remove_address(tern_host *host, const struct tern_addr *addr);
/* Adds fe80::/64 with the modified EUI-64 of an Ethernet link's address (RFC 2464 5), without duplicate
 * address detection. Errors as above; -TERN_EINVAL also: not an Ethernet link. */
int tern_host_add_link_local(tern_host *host, uint8_t link);
/* next_hop NULL: on the link itself. Longest prefix wins. */
int tern_host_add_route(tern_host *host, const struct tern_addr *prefix, unsigned bits, uint8_t link,
			const struct tern_addr *next_hop);

/* Ethernet: addr is at mac from now on, until it is proved to be elsewhere: for who knows better than to ask, as a
 * DHCP server does that answers a client by its new address (RFC 2131 4.1). The entry counts as unverified: it is
 * probed when it is used again, and goes before others. -TERN_EINVAL: not an Ethernet link, addr not unicast or
 * ours, mac a group's or zero; -TERN_ENOMEM: every place is taken by a neighbour in use. */
int tern_host_set_neighbour(tern_host *host, uint8_t link, const struct tern_addr *addr, const uint8_t mac[6]);

/* ---- the four ways in and out ---- */

/* Packets that arrived, in order; they stay the caller's and may be reused on return. now never goes
 * back; an earlier now counts as the latest one seen. */
void tern_host_input(tern_host *host, tern_packet *const batch[], size_t n, tern_time now);

/* Up to room packets to send, each to its .link; 0: nothing (more). They stay the host's: hand each
 * back with tern_packet_done(), in any order, before the host is destroyed. */
size_t tern_host_output(tern_host *host, tern_packet *batch[], size_t room, tern_time now);
void   tern_packet_done(tern_packet *packet); /* the device is finished with its bytes */

/* Time passed: runs what is due. Also sets the time for the calls that follow (tern/socket.h), which
 * carry none of their own. */
void tern_host_advance(tern_host *host, tern_time now);
/* When to call tern_host_advance() at the latest. TERN_NEVER: idle. Never in the past. */
tern_time tern_host_deadline(const tern_host *host);
/* True where tern_host_output() would have something. */
bool tern_host_has_output(const tern_host *host);

/* ---- readiness ---- */

struct tern_event {
	tern_socket socket;
	uint32_t    ready; /* enum tern_readiness: what became true since the last event of this socket */
	uint64_t    cookie; /* what the program attached */
};

/* Takes the next event; false: none. Edges, not levels: each change is told once. */
bool tern_host_event(tern_host *host, struct tern_event *event);

/* ---- looking on ---- */

void	  tern_host_stats(const tern_host *host, struct tern_stats *stats);
tern_time tern_host_now(const tern_host *host);
void	  tern_host_set_watcher(tern_host *host, const struct tern_watcher *watcher); /* NULL: none */

/* Every live handle, for listings: start with *cursor = 0. Kinds: connections and listeners. */
bool tern_host_each(const tern_host *host, uint64_t *cursor, tern_socket *socket);

/* Connections that their programs have let go of and that are not over yet: FIN-WAIT, CLOSING, LAST-ACK. They have no
 * handle, so this lists what they are at: same cursor rule. */
bool tern_host_each_orphan(const tern_host *host, uint64_t *cursor, struct tern_status *status);

/* TIME-WAIT and half-open entries hold no handle; this lists them: same cursor rule. */
struct tern_entry {
	struct tern_tuple tuple;
	enum tern_state	  state;    /* TIME-WAIT or SYN-RECEIVED */
	tern_time	  until;    /* when it ends by itself */
};
bool tern_host_each_entry(const tern_host *host, uint64_t *cursor, struct tern_entry *entry);

/* Gives cached memory back to the allocator. */
void tern_host_trim(tern_host *host);

/* Asserts every invariant of every connection and table: for tests and simulations. */
void tern_host_check(const tern_host *host);

#ifdef __cplusplus
}
#endif

#endif
