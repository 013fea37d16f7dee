/* ARP for IPv4 over Ethernet (RFC 826, RFC 5227): bytes <-> struct. */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "wire/ethernet.h"
#include <tern/types.h>

enum { ARP_PACKET = 28 };

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
	enum arp_operation operation;
	uint8_t		   sender_mac[ETHERNET_ADDRESS], target_mac[ETHERNET_ADDRESS];
	struct tern_addr   sender, target; /* sender 0.0.0.0: a probe (RFC 5227 2.1.1) */
};

/* What follows the Ethernet header; bytes beyond ARP_PACKET are padding. False: short, another hardware or
 * protocol, another operation, or a sender whose hardware address is no station's. */
bool arp_parse(struct arp_packet *arp, const uint8_t *p, size_t len);
/* Writes ARP_PACKET bytes. */
void arp_emit(uint8_t *p, const struct arp_packet *arp);

#endif
