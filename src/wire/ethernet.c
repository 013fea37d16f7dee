#include "wire/ethernet.h"

#include "wire/tuple.h"

enum { SRC_AT = 6, TYPE_AT = 12, GROUP = 1 };

bool ethernet_is_group(const uint8_t *mac)
{
	return (mac[0] & GROUP) != 0;
}

bool ethernet_is_broadcast(const uint8_t *mac)
{
	static const uint8_t all[ETHERNET_ADDRESS] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return ethernet_equal(mac, all);
}

bool ethernet_is_station(const uint8_t *mac)
{
	static const uint8_t none[ETHERNET_ADDRESS];

	return !ethernet_is_group(mac) && !ethernet_equal(mac, none);
}

void ethernet_group_mac(uint8_t mac[ETHERNET_ADDRESS], const struct tern_addr *group)
{
	static const uint8_t v4[3] = { 0x01, 0x00, 0x5e };

	memset(mac, 0xff, ETHERNET_ADDRESS);
	if (!addr_is_multicast(group))
		return;
	if (addr_is_v4(group)) {
		memcpy(mac, v4, sizeof v4);
		memcpy(mac + 3, group->b + 13, 3);
		mac[3] &= 0x7f;
		return;
	}
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group->b + 12, 4);
}

bool ethernet_parse(struct ethernet_header *frame, const uint8_t *p, size_t len)
{
	if (len < ETHERNET_HEADER)
		return false;
	memcpy(frame->dst, p, ETHERNET_ADDRESS);
	memcpy(frame->src, p + SRC_AT, ETHERNET_ADDRESS);
	frame->type = get16(p + TYPE_AT);
	return ethernet_is_station(frame->src);
}

void ethernet_emit(uint8_t *p, const struct ethernet_header *frame)
{
	memcpy(p, frame->dst, ETHERNET_ADDRESS);
	memcpy(p + SRC_AT, frame->src, ETHERNET_ADDRESS);
	put16(p + TYPE_AT, frame->type);
}

uint32_t ethernet_before_ip(const uint8_t *p, uint32_t len)
{
	for (uint32_t at = ETHERNET_HEADER; at <= ETHERNET_HEADER + 2 * ETHERNET_TAG && at <= len; at += ETHERNET_TAG) {
		const uint16_t type = get16(p + at - 2);

		if (type == ETHERNET_TYPE_IPV4 || type == ETHERNET_TYPE_IPV6)
			return at;
		if (type != ETHERNET_TYPE_VLAN && type != ETHERNET_TYPE_SERVICE)
			return len;
	}
	return len;
}
