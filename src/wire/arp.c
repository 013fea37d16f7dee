#include "wire/arp.h"

#include "wire/tuple.h"

enum {
	HARDWARE_ETHERNET = 1,
	V4_LEN = 4,
	PROTOCOL_AT = 2,
	LENGTHS_AT = 4,
	OPERATION_AT = 6,
	SENDER_MAC_AT = 8,
	SENDER_AT = 14,
	TARGET_MAC_AT = 18,
	TARGET_AT = 24,
	LENGTHS = ETHERNET_ADDRESS << 8 | V4_LEN,
};

bool arp_parse(struct arp_packet *arp, const uint8_t *p, size_t len)
{
	if (len < ARP_PACKET || get16(p) != HARDWARE_ETHERNET || get16(p + PROTOCOL_AT) != ETHERNET_TYPE_IPV4 ||
	    get16(p + LENGTHS_AT) != LENGTHS)
		return false;
	const uint16_t operation = get16(p + OPERATION_AT);

	if (operation != ARP_REQUEST && operation != ARP_REPLY)
		return false;
	arp->operation = (enum arp_operation)operation;
	memcpy(arp->sender_mac, p + SENDER_MAC_AT, ETHERNET_ADDRESS);
	memcpy(arp->target_mac, p + TARGET_MAC_AT, ETHERNET_ADDRESS);
	arp->sender = addr_v4(get32(p + SENDER_AT));
	arp->target = addr_v4(get32(p + TARGET_AT));
	return ethernet_is_station(arp->sender_mac);
}

void arp_emit(uint8_t *p, const struct arp_packet *arp)
{
	put16(p, HARDWARE_ETHERNET);
	put16(p + PROTOCOL_AT, ETHERNET_TYPE_IPV4);
	put16(p + LENGTHS_AT, LENGTHS);
	put16(p + OPERATION_AT, (uint16_t)arp->operation);
	memcpy(p + SENDER_MAC_AT, arp->sender_mac, ETHERNET_ADDRESS);
	put32(p + SENDER_AT, addr_v4_of(&arp->sender));
	memcpy(p + TARGET_MAC_AT, arp->target_mac, ETHERNET_ADDRESS);
	put32(p + TARGET_AT, addr_v4_of(&arp->target));
}
