/* DHCP (RFC 2131, RFC 2132), the server's side: reads what clients send, writes what servers answer.
 *
 * Read: options in the options field and, by option 52, in `file` and `sname` (RFC 2131 4.1); parts of a client
 * identifier or a parameter list are put together (RFC 3396). A message whose options do not end within their
 * field, or whose fixed-size options have another size, is no message.
 */
#ifndef WIRE_DHCP_H
#define WIRE_DHCP_H

#include "wire/domain.h"
#include "wire/ethernet.h"

enum {
	DHCP_SERVER_PORT = 67,
	DHCP_CLIENT_PORT = 68,
	DHCP_FIXED = 240,	 /* bytes before the first option */
	DHCP_MESSAGE_MIN = 300,	 /* what we send is padded to it, for BOOTP's sake (RFC 1542 2.1) */
	DHCP_MESSAGE_MOST = 1472,
	DHCP_MESSAGE_ANY = 548, /* what every client takes: 576 bytes as an IP packet (RFC 2131 2) */
	DHCP_CLIENT_ID_MOST = 255,
	DHCP_BOOT_FILE_MOST = 255,
};

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK,
	DHCP_RELEASE,
	DHCP_INFORM,
};

/* Addresses are host order, 0 where there is none. */
struct dhcp_message {
	enum dhcp_type type;
	uint32_t       xid;
	bool	       broadcast; /* the client cannot take unicast yet */
	uint32_t       ciaddr, giaddr;
	uint8_t	       mac[ETHERNET_ADDRESS];
	uint32_t       requested, server; /* options 50, 54 */
	uint16_t       size_most;	  /* option 57: bytes of an IP packet; 0: not said */
	bool	       has_wanted;
	uint8_t	       wanted[32]; /* option 55: bit n % 8 of octet n / 8: option n */
	uint16_t       n_client_id; /* option 61; 0: none */
	uint8_t	       client_id[DHCP_CLIENT_ID_MOST];
};

/* False: not a client's message of Ethernet (BOOTP without a message type among it), or malformed. */
bool dhcp_parse(struct dhcp_message *message, const uint8_t *p, size_t len);

struct dhcp_reply {
	enum dhcp_type	      type; /* OFFER, ACK or NAK */
	uint32_t	      yiaddr, server;
	uint32_t	      lease; /* seconds; 0: none (INFORM) */
	uint32_t	      mask, router, dns, broadcast; /* 0: not told */
	uint16_t	      mtu;			    /* 0: not told */
	const struct domains *search; /* or NULL */
	const char	     *boot_file; /* at most DHCP_BOOT_FILE_MOST octets; or NULL */
	const char	     *message;	 /* of a NAK: why; or NULL */
};

/* Writes the answer to `to` at p: at most `room` bytes, DHCP_FIXED + 60 at least, and no more than the client takes;
 * returns its length. Of the settings only what the client asked for, in the order of their numbers, with the mask
 * before the router (RFC 2132 3.3); where it asked for nothing, all. What does not fit is left out, the last first.
 * Its identifier comes back to it (RFC 6842). */
size_t dhcp_emit(uint8_t *p, size_t room, const struct dhcp_reply *reply, const struct dhcp_message *to);

#endif
