#include "wire/nd.h"

#include "wire/checksum.h"
#include "wire/tuple.h"

enum {
	CODE_AT = 1,
	CHECKSUM_AT = 2,
	FLAGS_AT = 4,
	TARGET_AT = 8,
	OPTIONS_AT = 24,
	OPTION_UNIT = 8,
	OPTION_SOURCE_MAC = 1,
	OPTION_TARGET_MAC = 2,
	FLAG_ROUTER = 0x80,
	FLAG_SOLICITED = 0x40,
	FLAG_OVERRIDE = 0x20,
	GROUP_PREFIX = 13, /* octets of a solicited-node group before the address's own three */
};

struct tern_addr nd_all_nodes(void)
{
	return (struct tern_addr){ { 0xff, 0x02, [15] = 1 } };
}

struct tern_addr nd_all_routers(void)
{
	return (struct tern_addr){ { 0xff, 0x02, [15] = 2 } };
}

struct tern_addr nd_solicited_node(const struct tern_addr *addr)
{
	struct tern_addr group = { { 0xff, 0x02, [11] = 1, [12] = 0xff } };

	memcpy(group.b + GROUP_PREFIX, addr->b + GROUP_PREFIX, sizeof group.b - GROUP_PREFIX);
	return group;
}

struct tern_addr nd_link_local(const uint8_t mac[ETHERNET_ADDRESS])
{
	struct tern_addr addr = { { 0xfe, 0x80 } };

	addr.b[8] = mac[0] ^ 2;
	addr.b[9] = mac[1];
	addr.b[10] = mac[2];
	addr.b[11] = 0xff;
	addr.b[12] = 0xfe;
	memcpy(addr.b + 13, mac + 3, 3);
	return addr;
}

bool nd_is(const struct ip_header *ip)
{
	return ip->version == 6 && ip->protocol == IPPROTO_ICMP6 && !ip->is_fragment && ip->payload_len > 0 &&
	       (ip->payload[0] == ND_SOLICITATION || ip->payload[0] == ND_ADVERTISEMENT);
}

/* RFC 4861 4.6: an option of length 0 discards the message. So does one beyond its end. */
static bool parse_options(struct nd_message *nd, const uint8_t *p, uint32_t len)
{
	const uint8_t wanted = nd->type == ND_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC;

	nd->has_mac = false;
	while (len > 0) {
		const uint32_t n = len >= 2 ? p[1] * (uint32_t)OPTION_UNIT : 0;

		if (n == 0 || n > len)
			return false;
		if (p[0] == wanted && n == OPTION_UNIT) {
			nd->has_mac = true;
			memcpy(nd->mac, p + 2, ETHERNET_ADDRESS);
		}
		p += n;
		len -= n;
	}
	return !nd->has_mac || ethernet_is_station(nd->mac);
}

/* What the addresses must be (RFC 4861 7.1.1, 7.1.2). */
static bool is_well_addressed(const struct nd_message *nd, const struct ip_header *ip)
{
	const struct tern_addr group = nd_solicited_node(&nd->target);

	if (!addr_is_unicast(&nd->target) || addr_is_v4(&nd->target))
		return false;
	if (nd->type == ND_ADVERTISEMENT)
		return addr_is_unicast(&ip->src) && !(addr_is_multicast(&ip->dst) && nd->solicited);
	if (addr_is_unspecified(&ip->src))
		return addr_equal(&ip->dst, &group) && !nd->has_mac;
	return addr_is_unicast(&ip->src);
}

bool nd_parse(struct nd_message *nd, const struct ip_header *ip)
{
	const uint8_t *const p = ip->payload;

	if (!nd_is(ip) || ip->ttl != ND_HOP_LIMIT || ip->payload_len < OPTIONS_AT || p[CODE_AT] != 0)
		return false;
	const uint32_t sum = checksum_pseudo(&ip->src, &ip->dst, IPPROTO_ICMP6, ip->payload_len);

	if (!checksum_is_right(checksum_add(sum, p, ip->payload_len)))
		return false;
	nd->type = p[0];
	nd->router = nd->type == ND_ADVERTISEMENT && (p[FLAGS_AT] & FLAG_ROUTER) != 0;
	nd->solicited = nd->type == ND_ADVERTISEMENT && (p[FLAGS_AT] & FLAG_SOLICITED) != 0;
	nd->override = nd->type == ND_ADVERTISEMENT && (p[FLAGS_AT] & FLAG_OVERRIDE) != 0;
	memcpy(nd->target.b, p + TARGET_AT, sizeof nd->target.b);
	return parse_options(nd, p + OPTIONS_AT, ip->payload_len - OPTIONS_AT) && is_well_addressed(nd, ip);
}

size_t nd_emit(uint8_t *p, const struct nd_message *nd, const struct tern_addr *src, const struct tern_addr *dst)
{
	const uint32_t len = nd->has_mac ? ND_MESSAGE : OPTIONS_AT;

	memset(p, 0, len);
	p[0] = nd->type;
	p[FLAGS_AT] = (uint8_t)((nd->router ? FLAG_ROUTER : 0) | (nd->solicited ? FLAG_SOLICITED : 0) |
				(nd->override ? FLAG_OVERRIDE : 0));
	memcpy(p + TARGET_AT, nd->target.b, sizeof nd->target.b);
	if (nd->has_mac) {
		p[OPTIONS_AT] = nd->type == ND_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC;
		p[OPTIONS_AT + 1] = 1;
		memcpy(p + OPTIONS_AT + 2, nd->mac, ETHERNET_ADDRESS);
	}
	const uint32_t sum = checksum_pseudo(src, dst, IPPROTO_ICMP6, len);

	put16(p + CHECKSUM_AT, checksum_finish(checksum_add(sum, p, len)));
	return len;
}
