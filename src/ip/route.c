#include "ip/route.h"

#include "base/bytes.h"
#include "wire/tuple.h"

enum { V4_BITS = 96 }; /* of 128 bits, how many come before an IPv4 address */

void routes_init(struct routes *routes, struct mem *mem)
{
	*routes = (struct routes){ .mem = mem };
}

void routes_done(struct routes *routes)
{
	mem_put(routes->mem, routes->addresses, routes->room_addresses * sizeof *routes->addresses);
	mem_put(routes->mem, routes->entries, routes->room_entries * sizeof *routes->entries);
	routes_init(routes, routes->mem);
}

/* ---- links ---- */

static bool has_v6_address(const struct routes *routes, uint8_t link)
{
	for (unsigned i = 0; i < routes->n_addresses; i++)
		if (routes->addresses[i].link == link && !addr_is_v4(&routes->addresses[i].addr))
			return true;
	return false;
}

int route_add_link(struct routes *routes, uint32_t mtu, uint32_t zone, uint8_t *link)
{
	if (mtu < ROUTE_MTU_MIN || mtu > ROUTE_MTU_MAX || (zone != 0 && zone <= ROUTE_LINKS))
		return -TERN_EINVAL;
	if (routes->n_links == ROUTE_LINKS)
		return -TERN_ENOMEM;
	*link = routes->n_links++;
	routes->mtu[*link] = mtu;
	routes->zone[*link] = zone;
	return 0;
}

static bool is_link_scoped(const struct tern_addr *addr)
{
	return !addr_is_v4(addr) && addr_is_link_local(addr);
}

uint32_t route_zone(const struct routes *routes, uint8_t link, const struct tern_addr *addr)
{
	if (link >= routes->n_links)
		return 0;
	if (routes->zone[link] != 0)
		return routes->zone[link];
	return is_link_scoped(addr) ? link + 1u : 0;
}

static bool link_is_in(const struct routes *routes, uint8_t link, uint32_t zone)
{
	return zone != 0 && zone <= ROUTE_LINKS ? link == zone - 1 : routes->zone[link] == zone;
}

int route_set_mtu(struct routes *routes, uint8_t link, uint32_t mtu)
{
	if (link >= routes->n_links || mtu < ROUTE_MTU_MIN || mtu > ROUTE_MTU_MAX)
		return -TERN_EINVAL;
	if (mtu < ROUTE_MTU_MIN_V6 && has_v6_address(routes, link))
		return -TERN_EINVAL;
	routes->mtu[link] = mtu;
	return 0;
}

uint32_t route_mtu(const struct routes *routes, uint8_t link)
{
	if (link == ROUTE_LOOPBACK)
		return ROUTE_MTU_MAX;
	return link < routes->n_links ? routes->mtu[link] : 0;
}

/* ---- addresses ---- */

/* Prefix lengths count 128 bits inside, so that the two versions are one case. False: out of range. */
static bool bits_of_128(const struct tern_addr *addr, unsigned bits, uint8_t *whole)
{
	const bool v4 = addr_is_v4(addr);

	if (bits > (v4 ? 32u : 128u))
		return false;
	*whole = (uint8_t)(v4 ? V4_BITS + bits : bits);
	return true;
}

/* The first `bits` of 128 agree, and both are of one version: ::/0 holds no IPv4 address here. */
static bool is_in(const struct tern_addr *addr, const struct tern_addr *prefix, unsigned bits)
{
	const size_t   bytes = bits / 8;
	const unsigned rest = bits % 8;

	if (addr_is_v4(addr) != addr_is_v4(prefix) || memcmp(addr->b, prefix->b, bytes) != 0)
		return false;
	return rest == 0 || (addr->b[bytes] ^ prefix->b[bytes]) >> (8 - rest) == 0;
}

/* addr, an IPv4 one, is the directed broadcast of own's prefix (RFC 1122 3.2.1.3 (d)); a /31 or /32 has
 * none (RFC 3021). */
static bool is_broadcast_of(const struct tern_addr *addr, const struct tern_addr *own, unsigned bits)
{
	if (!addr_is_v4(own) || bits > V4_BITS + 30)
		return false;
	const uint32_t host_part = (uint32_t)(0xffffffffu >> (bits - V4_BITS));
	return (addr_v4_of(addr) ^ addr_v4_of(own)) <= host_part && (~addr_v4_of(addr) & host_part) == 0;
}

/* room doubles up to most; the old block stays where memory is refused. */
static bool grow(struct mem *mem, void **block, uint16_t *room, size_t size, unsigned most)
{
	const unsigned more = *room == 0 ? 4 : *room * 2u < most ? *room * 2u : most;
	void *const    bigger = *room < most ? mem_get(mem, more * size, 0, MEM_ORDINARY) : NULL;

	if (bigger == NULL)
		return false;
	if (*room != 0)
		memcpy(bigger, *block, *room * size);
	mem_put(mem, *block, *room * size);
	*block = bigger;
	*room = (uint16_t)more;
	return true;
}

static struct route_address *find_address(const struct routes *routes, uint32_t zone, const struct tern_addr *addr)
{
	for (unsigned i = 0; i < routes->n_addresses; i++)
		if (addr_equal(&routes->addresses[i].addr, addr) && link_is_in(routes, routes->addresses[i].link, zone))
			return &routes->addresses[i];
	return NULL;
}

int route_add_address(struct routes *routes, uint8_t link, const struct tern_addr *addr, unsigned bits)
{
	uint8_t whole;

	if (link >= routes->n_links || !addr_is_unicast(addr) || addr_is_loopback(addr) ||
	    !bits_of_128(addr, bits, &whole) || is_broadcast_of(addr, addr, whole))
		return -TERN_EINVAL;
	if (!addr_is_v4(addr) && routes->mtu[link] < ROUTE_MTU_MIN_V6)
		return -TERN_EINVAL;
	if (find_address(routes, route_zone(routes, link, addr), addr) != NULL)
		return -TERN_EADDRINUSE;
	if (routes->n_addresses == routes->room_addresses) {
		void *block = routes->addresses;

		if (!grow(routes->mem, &block, &routes->room_addresses, sizeof *routes->addresses,
			  ROUTE_ADDRESSES))
			return -TERN_ENOMEM;
		routes->addresses = block;
	}
	routes->addresses[routes->n_addresses++] = (struct route_address){ *addr, whole, link };
	return 0;
}

int route_remove_address(struct routes *routes, const struct tern_addr *addr)
{
	unsigned at = 0;

	while (at < routes->n_addresses && !addr_equal(&routes->addresses[at].addr, addr))
		at++;
	if (at == routes->n_addresses)
		return -TERN_EADDRNOTAVAIL;
	struct route_address *const found = &routes->addresses[at];
	const size_t after = (size_t)(routes->addresses + routes->n_addresses - (found + 1));
	memmove(found, found + 1, after * sizeof *found);
	routes->n_addresses--;
	return 0;
}

enum route_kind route_kind_of(const struct routes *routes, uint32_t zone, const struct tern_addr *addr)
{
	if (!addr_is_unicast(addr)) {
		if (addr_is_multicast(addr))
			return ROUTE_MULTICAST;
		return addr_is_broadcast(addr) ? ROUTE_BROADCAST : ROUTE_UNSPECIFIED;
	}
	if (addr_is_loopback(addr))
		return ROUTE_OWN_LOOPBACK;
	if (find_address(routes, zone, addr) != NULL)
		return ROUTE_OWN;
	for (unsigned i = 0; addr_is_v4(addr) && i < routes->n_addresses; i++)
		if (link_is_in(routes, routes->addresses[i].link, zone) &&
		    is_broadcast_of(addr, &routes->addresses[i].addr, routes->addresses[i].bits))
			return ROUTE_BROADCAST;
	return ROUTE_OTHER;
}

bool route_is_local(const struct routes *routes, uint32_t zone, const struct tern_addr *addr)
{
	return addr_is_loopback(addr) || find_address(routes, zone, addr) != NULL;
}

/* ---- routes ---- */

static struct tern_addr masked(struct tern_addr addr, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		addr.b[i / 8] = (uint8_t)(addr.b[i / 8] & ~(0x80u >> (i % 8)));
	return addr;
}

int route_add(struct routes *routes, const struct tern_addr *prefix, unsigned bits, uint8_t link,
	      const struct tern_addr *next_hop)
{
	struct route_entry entry = { .link = link, .has_next_hop = next_hop != NULL };

	if (link >= routes->n_links || !bits_of_128(prefix, bits, &entry.bits))
		return -TERN_EINVAL;
	if (next_hop != NULL && (!addr_is_unicast(next_hop) || addr_is_v4(next_hop) != addr_is_v4(prefix)))
		return -TERN_EINVAL;
	entry.prefix = masked(*prefix, entry.bits);
	if (next_hop != NULL)
		entry.next_hop = *next_hop;

	unsigned at = 0;
	while (at < routes->n_entries && routes->entries[at].bits >= entry.bits) {
		struct route_entry *const there = &routes->entries[at++];

		if (there->bits == entry.bits && addr_equal(&there->prefix, &entry.prefix) &&
		    route_zone(routes, there->link, prefix) == route_zone(routes, link, prefix)) {
			*there = entry;
			return 0;
		}
	}
	if (routes->n_entries == routes->room_entries) {
		void *block = routes->entries;

		if (!grow(routes->mem, &block, &routes->room_entries, sizeof entry, ROUTE_ROUTES))
			return -TERN_ENOMEM;
		routes->entries = block;
	}
	memmove(&routes->entries[at + 1], &routes->entries[at], (routes->n_entries - at) * sizeof entry);
	routes->entries[at] = entry;
	routes->n_entries++;
	return 0;
}

/* The longest prefix among the addresses' own; NULL: dst is on no link. */
static const struct route_address *find_neighbour(const struct routes *routes, uint32_t zone,
						  const struct tern_addr *dst)
{
	const struct route_address *best = NULL;

	for (unsigned i = 0; i < routes->n_addresses; i++) {
		const struct route_address *const own = &routes->addresses[i];

		if (link_is_in(routes, own->link, zone) && (best == NULL || own->bits > best->bits) &&
		    is_in(dst, &own->addr, own->bits))
			best = own;
	}
	return best;
}

static const struct route_entry *find_entry(const struct routes *routes, uint32_t zone, const struct tern_addr *dst)
{
	for (unsigned i = 0; i < routes->n_entries; i++) {
		const struct route_entry *const entry = &routes->entries[i];

		if (link_is_in(routes, entry->link, zone) && is_in(dst, &entry->prefix, entry->bits))
			return entry;
	}
	return NULL;
}

bool route_find(const struct routes *routes, uint32_t zone, const struct tern_addr *dst, struct route *route)
{
	switch (route_kind_of(routes, zone, dst)) {
	case ROUTE_OWN:
	case ROUTE_OWN_LOOPBACK:
		*route = (struct route){ .next_hop = *dst, .mtu = ROUTE_MTU_MAX, .link = ROUTE_LOOPBACK };
		if (!addr_is_loopback(dst))
			route->zone = route_zone(routes, find_address(routes, zone, dst)->link, dst);
		return true;
	case ROUTE_OTHER: break;
	default: return false;
	}
	const struct route_address *const neighbour = find_neighbour(routes, zone, dst);
	const struct route_entry *const	  entry = find_entry(routes, zone, dst);

	if (entry != NULL && (neighbour == NULL || entry->bits > neighbour->bits)) {
		*route = (struct route){ .next_hop = entry->has_next_hop ? entry->next_hop : *dst,
					 .mtu = routes->mtu[entry->link],
					 .link = entry->link,
					 .zone = route_zone(routes, entry->link, dst) };
		return true;
	}
	if (neighbour == NULL)
		return false;
	*route = (struct route){ .next_hop = *dst,
				 .mtu = routes->mtu[neighbour->link],
				 .link = neighbour->link,
				 .zone = route_zone(routes, neighbour->link, dst) };
	return true;
}

bool route_to_group(const struct routes *routes, uint32_t zone, uint8_t link, const struct tern_addr *dst,
		    struct route *route)
{
	const enum route_kind kind = route_kind_of(routes, zone, dst);

	if (kind != ROUTE_MULTICAST && kind != ROUTE_BROADCAST)
		return false;
	if (zone != 0 && (link >= routes->n_links || !link_is_in(routes, link, zone)))
		for (link = 0; link < routes->n_links && !link_is_in(routes, link, zone);)
			link++;
	for (unsigned i = 0; kind == ROUTE_BROADCAST && i < routes->n_addresses; i++)
		if (link_is_in(routes, routes->addresses[i].link, zone) &&
		    is_broadcast_of(dst, &routes->addresses[i].addr, routes->addresses[i].bits))
			link = routes->addresses[i].link;
	if (link >= routes->n_links)
		return false;
	*route = (struct route){ .next_hop = *dst,
				 .mtu = routes->mtu[link],
				 .link = link,
				 .group = true,
				 .zone = route_zone(routes, link, dst) };
	return true;
}

/* ---- source address selection (RFC 6724) ---- */

enum { SCOPE_LINK_LOCAL = 2, SCOPE_SITE_LOCAL = 5, SCOPE_GLOBAL = 14 };

/* RFC 6724 3.1 and 3.2 */
static int scope_of(const struct tern_addr *addr)
{
	if (!addr_is_v4(addr) && addr_is_multicast(addr))
		return addr->b[1] & 0x0f;
	if (addr_is_loopback(addr) || addr_is_link_local(addr))
		return SCOPE_LINK_LOCAL;
	return !addr_is_v4(addr) && addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0xc0 ? SCOPE_SITE_LOCAL
										      : SCOPE_GLOBAL;
}

/* RFC 6724 2.1, the default policy table, as far as unicast sources can bear it. */
static int label_of(const struct tern_addr *addr)
{
	static const struct {
		uint8_t first[4], mask[4];
		int	label;
	} policy[] = {
		{ { 0xfc }, { 0xfe }, 13 },				 /* fc00::/7 */
		{ { 0x20, 0x02 }, { 0xff, 0xff }, 2 },			 /* 2002::/16 */
		{ { 0x20, 0x01, 0, 0 }, { 0xff, 0xff, 0xff, 0xff }, 5 }, /* 2001::/32 */
		{ { 0xfe, 0xc0 }, { 0xff, 0xc0 }, 11 },			 /* fec0::/10 */
		{ { 0x3f, 0xfe }, { 0xff, 0xff }, 12 },			 /* 3ffe::/16 */
	};

	if (addr_is_v4(addr))
		return 4;
	for (size_t i = 0; i < sizeof policy / sizeof *policy; i++) {
		const uint32_t mask = get32(policy[i].mask);

		if ((get32(addr->b) & mask) == get32(policy[i].first))
			return policy[i].label;
	}
	return 1;
}

static unsigned common_bits(const struct tern_addr *a, const struct tern_addr *b, unsigned most)
{
	unsigned n = 0;

	while (n < most && ((a->b[n / 8] ^ b->b[n / 8]) & 0x80 >> n % 8) == 0)
		n++;
	return n;
}

/* True where a goes before b as the source for dst through link. */
static bool is_better(const struct route_address *a, const struct route_address *b,
		      const struct tern_addr *dst, uint8_t link)
{
	const int scope_a = scope_of(&a->addr), scope_b = scope_of(&b->addr);

	if (scope_a != scope_b) { /* rule 2: the smaller scope, unless it does not reach as far as dst */
		const bool a_is_smaller = scope_a < scope_b;
		const bool smaller_reaches = (a_is_smaller ? scope_a : scope_b) >= scope_of(dst);

		return a_is_smaller == smaller_reaches;
	}
	if ((a->link == link) != (b->link == link)) /* rule 5 */
		return a->link == link;
	const bool a_is_like = label_of(&a->addr) == label_of(dst);
	const bool b_is_like = label_of(&b->addr) == label_of(dst);
	if (a_is_like != b_is_like) /* rule 6 */
		return a_is_like;
	return common_bits(&a->addr, dst, a->bits) > common_bits(&b->addr, dst, b->bits); /* rule 8 */
}

static bool best_source(const struct routes *routes, const struct tern_addr *dst, uint8_t link, bool of_link_alone,
			struct tern_addr *src)
{
	const struct route_address *best = NULL;

	for (unsigned i = 0; i < routes->n_addresses; i++) {
		const struct route_address *const own = &routes->addresses[i];

		if (addr_is_v4(&own->addr) != addr_is_v4(dst) || routes->zone[own->link] != routes->zone[link])
			continue;
		if (own->link != link && (of_link_alone || is_link_scoped(&own->addr)))
			continue;
		if (best == NULL || is_better(own, best, dst, link))
			best = own;
	}
	if (best == NULL)
		return false;
	*src = best->addr;
	return true;
}

bool route_group_source(const struct routes *routes, uint8_t link, const struct tern_addr *dst, struct tern_addr *src)
{
	return best_source(routes, dst, link, true, src);
}

bool route_source(const struct routes *routes, uint32_t zone, const struct tern_addr *dst, struct tern_addr *src)
{
	struct route route;

	return route_find(routes, zone, dst, &route) && route_source_by(routes, &route, dst, src);
}

bool route_source_by(const struct routes *routes, const struct route *route, const struct tern_addr *dst,
		     struct tern_addr *src)
{
	if (route->link == ROUTE_LOOPBACK) { /* rule 1; all of 127.0.0.0/8 speaks as 127.0.0.1 */
		*src = addr_is_v4(dst) && addr_is_loopback(dst) ? addr_v4(0x7f000001) : *dst;
		return true;
	}
	return best_source(routes, dst, route->link, false, src);
}
