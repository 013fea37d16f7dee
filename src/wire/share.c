#include "wire/share.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/tuple.h"

enum {
	ENDPOINT = 16 + 2, /* bytes of an address and a port */
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOUR_SOLICITATION = 135,
	NEIGHBOUR_ADVERTISEMENT = 136,
	REDIRECT = 137,
	FIRST = 0, /* who answers what is asked of all */
};

/* ---- functions of addresses and ports ---- */

static struct siphash_key key_of(const struct tern_share *share)
{
	return (struct siphash_key){ share->key[0], share->key[1] };
}

/* The upper half of the hash as a fraction of 2^32, times n. */
static unsigned scale(const struct tern_share *share, uint64_t hash)
{
	return (unsigned)((hash >> 32) * share->n >> 32);
}

static uint64_t endpoint_v4(const struct tern_addr *addr, uint16_t port)
{
	return (uint64_t)get32(addr->b + 12) << 16 | port;
}

/* The smaller endpoint first: the same from both ends. */
static unsigned by_both(const struct tern_share *share, const struct tern_tuple *tuple)
{
	const struct siphash_key key = key_of(share);
	uint8_t			 bytes[2][ENDPOINT], both[2 * ENDPOINT];

	if (addr_is_v4(&tuple->local) && addr_is_v4(&tuple->remote)) {
		const uint64_t a = endpoint_v4(&tuple->local, tuple->local_port);
		const uint64_t b = endpoint_v4(&tuple->remote, tuple->remote_port);
		const uint64_t low = min_u64(a, b), high = a ^ b ^ low;

		return scale(share, siphash13_12(&key, low | high << 48, (uint32_t)(high >> 16)));
	}
	memcpy(bytes[0], tuple->local.b, 16);
	put16(bytes[0] + 16, tuple->local_port);
	memcpy(bytes[1], tuple->remote.b, 16);
	put16(bytes[1] + 16, tuple->remote_port);
	const unsigned low = memcmp(bytes[0], bytes[1], ENDPOINT) > 0;
	memcpy(both, bytes[low], ENDPOINT);
	memcpy(both + ENDPOINT, bytes[1 - low], ENDPOINT);
	return scale(share, siphash13(&key, both, sizeof both));
}

unsigned share_of_tuple(const struct tern_share *share, const struct tern_tuple *tuple)
{
	return share_is_one(share) ? 0 : by_both(share, tuple);
}

static bool is_ephemeral(const struct tern_share *share, uint16_t port)
{
	return port >= share->port_low && port <= share->port_high;
}

static unsigned by_port(const struct tern_share *share, uint16_t port)
{
	return (unsigned)port % share->n;
}

unsigned share_of_datagram(const struct tern_share *share, const struct tern_tuple *tuple)
{
	if (share_is_one(share))
		return 0;
	return is_ephemeral(share, tuple->local_port) ? by_port(share, tuple->local_port) : by_both(share, tuple);
}

bool share_has_port(const struct tern_share *share, uint16_t port)
{
	return share_is_one(share) || !is_ephemeral(share, port) || by_port(share, port) == share->index;
}

/* ---- packets ---- */

static struct tern_tuple tuple_of(const struct tern_addr *local, uint16_t local_port, const struct tern_addr *remote,
				  uint16_t remote_port)
{
	return (struct tern_tuple){
		.local = *local, .remote = *remote, .local_port = local_port, .remote_port = remote_port
	};
}

/* What leads to a fragment's fellows; the ports are not in all of them. */
static unsigned of_fragment(const struct tern_share *share, const struct ip_header *ip)
{
	const struct tern_tuple tuple =
		tuple_of(&ip->dst, (uint16_t)ip->id, &ip->src, (uint16_t)(ip->id >> 16));

	return by_both(share, &tuple);
}

/* `ours` and `theirs`: where the ports (identifiers) stand for us who receive, or for us who sent what is quoted. */
static unsigned of_ports(const struct tern_share *share, uint8_t protocol, const struct tern_tuple *tuple)
{
	if (protocol == IPPROTO_TCP_)
		return share_of_tuple(share, tuple);
	return protocol == IPPROTO_UDP_ ? share_of_datagram(share, tuple) : SHARE_STAYS;
}

static unsigned of_identifier(const struct tern_share *share, uint16_t identifier)
{
	return is_ephemeral(share, identifier) ? by_port(share, identifier) : SHARE_STAYS;
}

/* What an error quotes is ours: its source is our end. */
static unsigned of_quote(const struct tern_share *share, const struct icmp_message *icmp)
{
	struct ip_header quoted;

	if (!ip_wire_parse_quoted(&quoted, icmp->body, icmp->body_len) || quoted.fragment_offset != 0 ||
	    quoted.payload_len < 8)
		return SHARE_STAYS;
	if (quoted.protocol == (quoted.version == 4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6))
		return of_identifier(share, get16(quoted.payload + 4));
	const struct tern_tuple tuple =
		tuple_of(&quoted.src, get16(quoted.payload), &quoted.dst, get16(quoted.payload + 2));
	return of_ports(share, quoted.protocol, &tuple);
}

static unsigned of_icmp(const struct tern_share *share, const struct ip_header *ip)
{
	const uint8_t	    type = ip->payload_len > 0 ? ip->payload[0] : 0;
	struct icmp_message icmp;

	if (ip->version == 6 && type >= ROUTER_SOLICITATION && type <= REDIRECT)
		return type == NEIGHBOUR_SOLICITATION || type == ROUTER_SOLICITATION ? FIRST : SHARE_ALL;
	if (!icmp_wire_parse(&icmp, ip) || icmp.kind == ICMP_ECHO || icmp.kind == ICMP_OTHER)
		return SHARE_STAYS;
	if (icmp.kind == ICMP_ECHO_REPLY)
		return of_identifier(share, (uint16_t)(icmp.echo >> 16));
	return of_quote(share, &icmp);
}

/* 10.0.0.1 to 10.0.0.2, no options, no fragment, TCP: nearly every packet. */
static bool is_plain_v4(const uint8_t *p, size_t n)
{
	return n >= IPV4_HEADER + 4 && p[0] == 0x45 && (get16(p + 6) & 0x3fff) == 0 && p[9] == IPPROTO_TCP_;
}

static unsigned of_ip(const struct tern_share *share, const uint8_t *p, size_t n, bool to_group)
{
	struct ip_header ip;

	if (is_plain_v4(p, n) && !to_group) {
		const struct tern_addr	local = addr_v4(get32(p + 16)), remote = addr_v4(get32(p + 12));
		const struct tern_tuple tuple =
			tuple_of(&local, get16(p + IPV4_HEADER + 2), &remote, get16(p + IPV4_HEADER));

		return by_both(share, &tuple);
	}
	if (ip_wire_parse(&ip, p, n) != IP_PARSED)
		return SHARE_STAYS;
	if (!ip.is_fragment && ip.protocol == (ip.version == 4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6) &&
	    !(to_group && ip.version == 4))
		return of_icmp(share, &ip);
	if (to_group || addr_is_multicast(&ip.dst) || addr_is_broadcast(&ip.dst))
		return SHARE_ALL;
	if (ip.is_fragment)
		return of_fragment(share, &ip);
	if (ip.payload_len < 4)
		return SHARE_STAYS;
	const struct tern_tuple tuple = tuple_of(&ip.dst, get16(ip.payload + 2), &ip.src, get16(ip.payload));
	return of_ports(share, ip.protocol, &tuple);
}

/* A question is answered once; what somebody says of himself, all that keep a table want to hear. */
static unsigned of_arp(const uint8_t *p, size_t n)
{
	struct arp_packet arp;

	if (!arp_parse(&arp, p, n))
		return SHARE_STAYS;
	return arp.operation == ARP_REPLY || addr_equal(&arp.sender, &arp.target) ? SHARE_ALL : FIRST;
}

unsigned share_of_packet(const struct tern_share *share, const uint8_t *packet, size_t n, bool ethernet)
{
	struct ethernet_header frame;

	if (share_is_one(share))
		return 0;
	if (!ethernet)
		return of_ip(share, packet, n, false);
	if (!ethernet_parse(&frame, packet, n))
		return SHARE_STAYS;
	const uint32_t start = ethernet_before_ip(packet, (uint32_t)n);
	if (start < n)
		return of_ip(share, packet + start, n - start, ethernet_is_group(frame.dst));
	return frame.type == ETHERNET_TYPE_ARP ? of_arp(packet + ETHERNET_HEADER, n - ETHERNET_HEADER) : SHARE_STAYS;
}
