/* DHCPv6 (RFC 8415) for a server without addresses to give: reads Information-requests, writes Replies. */
#ifndef WIRE_DHCP6_H
#define WIRE_DHCP6_H

#include "wire/domain.h"
#include "wire/ethernet.h"

enum {
	DHCP6_SERVER_PORT = 547,
	DHCP6_CLIENT_PORT = 546,
	DHCP6_DUID_MOST = 130, /* RFC 8415 11.1: a type of two octets and at most 128 more */
	DHCP6_DUID_LL = 4 + ETHERNET_ADDRESS,
	DHCP6_MESSAGE_MOST = 1232, /* what no path cuts: 1280 bytes as an IPv6 packet */
};

enum dhcp6_type {
	DHCP6_REPLY = 7,
	DHCP6_INFORMATION_REQUEST = 11,
};

/* A DUID based on a link-layer address (RFC 8415 11.4). */
void dhcp6_duid_ll(uint8_t duid[DHCP6_DUID_LL], const uint8_t mac[ETHERNET_ADDRESS]);

struct dhcp6_request {
	uint32_t transaction; /* 24 bits */
	bool	 wants_dns, wants_search, wants_refresh_time; /* option 6 names them, or there is none */
	uint16_t n_client; /* the client's DUID; 0: none */
	uint8_t	 client[DHCP6_DUID_MOST];
};

enum dhcp6_verdict {
	DHCP6_TAKEN,
	DHCP6_MALFORMED, /* an option that does not end within the message, or is of a wrong size; too short */
	DHCP6_NOT_OURS,	 /* another message than an Information-request, or one that RFC 8415 16.12 discards: for
			  * another server, or with an identity association in it */
};

/* duid: our own. */
enum dhcp6_verdict dhcp6_parse(struct dhcp6_request *request, const uint8_t *p, size_t len, const uint8_t *duid,
			       size_t n_duid);

struct dhcp6_reply {
	const uint8_t	       *duid; /* ours */
	size_t			n_duid;
	const struct tern_addr *dns;	/* NULL: none */
	const struct domains   *search; /* or NULL */
	uint32_t		refresh_time; /* seconds (RFC 8415 21.23: 600 at least) */
};

/* Writes at most room bytes at p and returns their number. Domains that do not fit are left out; 0: not even the rest
 * fits. */
size_t dhcp6_emit(uint8_t *p, size_t room, const struct dhcp6_reply *reply, const struct dhcp6_request *to);

#endif
