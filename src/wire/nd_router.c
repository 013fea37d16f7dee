#include "wire/nd_router.h"

#include "wire/checksum.h"
#include "wire/nd.h"
#include "wire/tuple.h"

enum {
	CODE_AT = 1,
	SOLICITATION_MIN = 8,
	HOP_LIMIT_AT = 4,
	FLAGS_AT = 5,
	LIFETIME_AT = 6,
	REACHABLE_AT = 8,
	RETRANS_AT = 12,
	FLAG_MANAGED = 0x80,
	FLAG_OTHER = 0x40,
	FLAG_ON_LINK = 0x80,
	FLAG_AUTONOMOUS = 0x40,
	UNIT = 8,
	OPTION_SOURCE_MAC = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_RDNSS = 25,
	OPTION_DNSSL = 31,
	PREFIX_UNITS = 4,
	LIST_HEAD = 8, /* of RDNSS and DNSSL, before their entries */
};

bool nd_router_is(const struct ip_header *ip)
{
	return ip->version == 6 && ip->protocol == IPPROTO_ICMP6 && !ip->is_fragment && ip->payload_len > 0 &&
	       ip->payload[0] == ND_ROUTER_SOLICITATION;
}

static bool parse_options(struct nd_router_solicitation *solicitation, const uint8_t *p, uint32_t len)
{
	while (len > 0) {
		const uint32_t n = len >= 2 ? p[1] * (uint32_t)UNIT : 0;

		if (n == 0 || n > len)
			return false;
		if (p[0] == OPTION_SOURCE_MAC && n == UNIT) {
			solicitation->has_mac = true;
			memcpy(solicitation->mac, p + 2, ETHERNET_ADDRESS);
		}
		p += n;
		len -= n;
	}
	return !solicitation->has_mac || ethernet_is_station(solicitation->mac);
}

bool nd_router_parse(struct nd_router_solicitation *solicitation, const struct ip_header *ip)
{
	const uint8_t *const p = ip->payload;

	*solicitation = (struct nd_router_solicitation){ .has_mac = false };
	if (!nd_router_is(ip) || ip->ttl != ND_HOP_LIMIT || ip->payload_len < SOLICITATION_MIN || p[CODE_AT] != 0)
		return false;
	const uint32_t sum = checksum_pseudo(&ip->src, &ip->dst, IPPROTO_ICMP6, ip->payload_len);

	if (!checksum_is_right(checksum_add(sum, p, ip->payload_len)))
		return false;
	if (!parse_options(solicitation, p + SOLICITATION_MIN, ip->payload_len - SOLICITATION_MIN))
		return false;
	return addr_is_unspecified(&ip->src) ? !solicitation->has_mac : addr_is_unicast(&ip->src);
}

/* ---- out ---- */

/* Where the next option goes; NULL: there is no room for it. */
struct writer {
	uint8_t *p;
	size_t	 at, room;
};

static uint8_t *add_option(struct writer *w, uint8_t type, size_t units)
{
	uint8_t *const p = w->p + w->at;

	if (w->at + units * UNIT > w->room)
		return NULL;
	memset(p, 0, units * UNIT);
	p[0] = type;
	p[1] = (uint8_t)units;
	w->at += units * UNIT;
	return p;
}

static bool add_mac(struct writer *w, const uint8_t *mac)
{
	uint8_t *const p = add_option(w, OPTION_SOURCE_MAC, 1);

	if (p)
		memcpy(p + 2, mac, ETHERNET_ADDRESS);
	return p != NULL;
}

static bool add_mtu(struct writer *w, uint32_t mtu)
{
	uint8_t *const p = add_option(w, OPTION_MTU, 1);

	if (p)
		put32(p + 4, mtu);
	return p != NULL;
}

/* RFC 4861 4.6.2 */
static bool add_prefix(struct writer *w, const struct nd_router_advertisement *ra)
{
	uint8_t *const p = add_option(w, OPTION_PREFIX, PREFIX_UNITS);

	if (!p)
		return false;
	p[2] = ra->prefix_bits;
	p[3] = (uint8_t)((ra->on_link ? FLAG_ON_LINK : 0) | (ra->autonomous ? FLAG_AUTONOMOUS : 0));
	put32(p + 4, ra->valid);
	put32(p + 8, ra->preferred);
	memcpy(p + 16, ra->prefix.b, sizeof ra->prefix.b);
	return true;
}

/* RFC 8106 5.1 */
static bool add_rdnss(struct writer *w, const struct nd_router_advertisement *ra)
{
	uint8_t *const p = add_option(w, OPTION_RDNSS, 1 + 2 * ra->n_rdnss);

	if (!p)
		return false;
	put32(p + 4, ra->dns_lifetime);
	for (uint32_t i = 0; i < ra->n_rdnss; i++)
		memcpy(p + LIST_HEAD + i * sizeof ra->rdnss[i].b, ra->rdnss[i].b, sizeof ra->rdnss[i].b);
	return true;
}

/* RFC 8106 5.2: padded with zeros. */
static void add_dnssl(struct writer *w, const struct nd_router_advertisement *ra)
{
	const size_t left = (w->room - w->at) / UNIT * UNIT;
	const size_t n = left > LIST_HEAD ? domains_fit(ra->search, left - LIST_HEAD) : 0;

	if (n == 0)
		return;
	uint8_t *const p = add_option(w, OPTION_DNSSL, (LIST_HEAD + n + UNIT - 1) / UNIT);

	put32(p + 4, ra->dns_lifetime);
	memcpy(p + LIST_HEAD, ra->search->bytes, n);
}

size_t nd_router_emit(uint8_t *p, size_t room, const struct nd_router_advertisement *ra)
{
	struct writer w = { .p = p, .at = ND_ROUTER_ADVERTISEMENT_MIN, .room = room };

	if (room < ND_ROUTER_ADVERTISEMENT_MIN || ra->n_rdnss > ND_ROUTER_RDNSS)
		return 0;
	memset(p, 0, ND_ROUTER_ADVERTISEMENT_MIN);
	p[0] = ND_ROUTER_ADVERTISEMENT;
	p[HOP_LIMIT_AT] = ra->hop_limit;
	p[FLAGS_AT] = (uint8_t)((ra->managed ? FLAG_MANAGED : 0) | (ra->other ? FLAG_OTHER : 0));
	put16(p + LIFETIME_AT, ra->lifetime);
	put32(p + REACHABLE_AT, ra->reachable);
	put32(p + RETRANS_AT, ra->retrans);
	if (!add_mac(&w, ra->mac) || (ra->mtu != 0 && !add_mtu(&w, ra->mtu)) ||
	    (ra->has_prefix && !add_prefix(&w, ra)) || (ra->n_rdnss > 0 && !add_rdnss(&w, ra)))
		return 0;
	if (ra->search)
		add_dnssl(&w, ra);
	return w.at;
}
