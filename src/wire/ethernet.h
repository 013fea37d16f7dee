/* Ethernet II frames (RFC 894, RFC 2464): bytes <-> struct, and what a hardware address says of itself. */
#ifndef WIRE_ETHERNET_H
#define WIRE_ETHERNET_H

#include "base/bytes.h"
#include <tern/types.h>

enum {
	ETHERNET_ADDRESS = 6,
	ETHERNET_HEADER = 14,
	ETHERNET_TYPE_IPV4 = 0x0800,
	ETHERNET_TYPE_ARP = 0x0806,
	ETHERNET_TYPE_IPV6 = 0x86dd,
	ETHERNET_TYPE_VLAN = 0x8100,	/* IEEE 802.1Q: a tag of 4 bytes, the type among them */
	ETHERNET_TYPE_SERVICE = 0x88a8, /* 802.1ad: an outer one */
	ETHERNET_TAG = 4,
};

struct ethernet_header {
	uint8_t	 dst[ETHERNET_ADDRESS], src[ETHERNET_ADDRESS];
	uint16_t type; /* below 0x600 it is a length: IEEE 802.3, which nobody here speaks */
};

/* False: shorter than the header, or its source is no station's address (a group's, or zero). */
bool ethernet_parse(struct ethernet_header *frame, const uint8_t *p, size_t len);
/* Writes 14 bytes. */
void ethernet_emit(uint8_t *p, const struct ethernet_header *frame);

/* Bytes before the IP header of a frame: 14, and 4 for each VLAN tag (two at most). len: it carries no IP. */
uint32_t ethernet_before_ip(const uint8_t *p, uint32_t len);

bool ethernet_is_group(const uint8_t *mac);	/* multicast, broadcast among it */
bool ethernet_is_broadcast(const uint8_t *mac); /* ff:ff:ff:ff:ff:ff */
bool ethernet_is_station(const uint8_t *mac);	/* neither a group nor zero */

/* Where a frame to the multicast group or IPv4 broadcast address goes: 33:33 and the last four octets (RFC 2464 7);
 * 01:00:5e and the last 23 bits (RFC 1112 6.4); ff:ff:ff:ff:ff:ff for all else. */
void ethernet_group_mac(uint8_t mac[ETHERNET_ADDRESS], const struct tern_addr *group);

static inline bool ethernet_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ETHERNET_ADDRESS) == 0;
}

#endif
