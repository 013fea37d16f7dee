#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/route.h"
#include "wire/tuple.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct routes	      routes;
};

static void begin(struct fixture *f)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, 1 << 20, 0);
	routes_init(&f->routes, &f->mem);
}

static void end(struct fixture *f)
{
	routes_done(&f->routes);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_false(f->host.broken);
}

static struct tern_addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return addr_v4(a << 24 | b << 16 | c << 8 | d);
}

/* The first two and the last of the eight groups; the third stands between. */
static struct tern_addr v6(unsigned first, unsigned second, unsigned last)
{
	struct tern_addr addr = { 0 };

	put16(addr.b, (uint16_t)first);
	put16(addr.b + 2, (uint16_t)second);
	put16(addr.b + 14, (uint16_t)last);
	return addr;
}

static uint8_t link_of(struct fixture *f, uint32_t mtu)
{
	uint8_t link = 77;

	assert_int_equal(route_add_link(&f->routes, mtu, 0, &link), 0);
	return link;
}

static int add_address(struct fixture *f, uint8_t link, struct tern_addr addr, unsigned bits)
{
	return route_add_address(&f->routes, link, &addr, bits);
}

static int add_route(struct fixture *f, struct tern_addr prefix, unsigned bits, uint8_t link,
		     struct tern_addr hop)
{
	return route_add(&f->routes, &prefix, bits, link, addr_is_unspecified(&hop) ? NULL : &hop);
}

static enum route_kind kind(const struct fixture *f, struct tern_addr addr)
{
	return route_kind_of(&f->routes, 0, &addr);
}

static const struct tern_addr nobody = { { 0 } };

static void links_have_an_mtu(void **state)
{
	struct fixture f;
	uint8_t	       link;

	(void)state;
	begin(&f);
	assert_int_equal(route_add_link(&f.routes, 67, 0, &link), -TERN_EINVAL);
	assert_int_equal(route_add_link(&f.routes, 65536, 0, &link), -TERN_EINVAL);
	for (unsigned i = 0; i < ROUTE_LINKS; i++)
		assert_int_equal(link_of(&f, 1500), i);
	assert_int_equal(route_add_link(&f.routes, 1500, 0, &link), -TERN_ENOMEM);
	assert_int_equal(route_set_mtu(&f.routes, 3, 68), 0);
	assert_int_equal(route_mtu(&f.routes, 3), 68);
	assert_int_equal(route_mtu(&f.routes, 4), 1500);
	assert_int_equal(route_mtu(&f.routes, ROUTE_LINKS), 0);
	assert_int_equal(route_mtu(&f.routes, ROUTE_LOOPBACK), 65535);
	assert_int_equal(route_set_mtu(&f.routes, 3, 67), -TERN_EINVAL);
	assert_int_equal(route_set_mtu(&f.routes, 3, 65536), -TERN_EINVAL);
	assert_int_equal(route_set_mtu(&f.routes, ROUTE_LINKS, 1500), -TERN_EINVAL);
	/* RFC 8200 5: IPv6 asks for 1,280 */
	assert_int_equal(add_address(&f, 3, v6(0x2001, 0xdb8, 1), 64), -TERN_EINVAL);
	assert_int_equal(add_address(&f, 4, v6(0x2001, 0xdb8, 1), 64), 0);
	assert_int_equal(route_set_mtu(&f.routes, 4, 1279), -TERN_EINVAL);
	assert_int_equal(route_set_mtu(&f.routes, 4, 1280), 0);
	end(&f);
}

static void only_unicast_addresses_are_ours(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	const uint8_t link = link_of(&f, 1500);
	assert_int_equal(add_address(&f, link, v4(0, 0, 0, 0), 8), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(0, 1, 2, 3), 8), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(127, 0, 0, 1), 8), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(224, 0, 0, 1), 24), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(255, 255, 255, 255), 32), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(10, 0, 0, 255), 24), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v4(10, 0, 0, 1), 33), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, nobody, 64), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v6(0, 0, 1), 128), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v6(0xff02, 0, 1), 64), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link, v6(0x2001, 0xdb8, 1), 129), -TERN_EINVAL);
	assert_int_equal(add_address(&f, link + 1, v4(10, 0, 0, 1), 24), -TERN_EINVAL);
	assert_int_equal(f.routes.n_addresses, 0);

	assert_int_equal(add_address(&f, link, v4(10, 0, 0, 1), 24), 0);
	assert_int_equal(add_address(&f, link, v4(10, 0, 0, 1), 16), -TERN_EADDRINUSE);
	assert_int_equal(add_address(&f, link, v4(10, 0, 1, 255), 31), 0); /* RFC 3021: no broadcast there */
	assert_int_equal(add_address(&f, link, v4(10, 0, 2, 255), 32), 0);
	end(&f);
}

static void kinds_follow_the_prefixes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	const uint8_t link = link_of(&f, 1500);
	add_address(&f, link, v4(10, 1, 2, 3), 20);
	add_address(&f, link, v4(192, 0, 2, 0), 31);
	add_address(&f, link, v6(0x2001, 0xdb8, 1), 64);
	assert_int_equal(kind(&f, v4(10, 1, 2, 3)), ROUTE_OWN);
	assert_int_equal(kind(&f, v4(10, 1, 15, 255)), ROUTE_BROADCAST);
	assert_int_equal(kind(&f, v4(10, 1, 2, 255)), ROUTE_OTHER);
	assert_int_equal(kind(&f, v4(10, 2, 15, 255)), ROUTE_OTHER);
	assert_int_equal(kind(&f, v4(192, 0, 2, 0)), ROUTE_OWN);
	assert_int_equal(kind(&f, v4(192, 0, 2, 1)), ROUTE_OTHER);
	assert_int_equal(kind(&f, v4(255, 255, 255, 255)), ROUTE_BROADCAST);
	assert_int_equal(kind(&f, v4(239, 1, 1, 1)), ROUTE_MULTICAST);
	assert_int_equal(kind(&f, v4(127, 9, 9, 9)), ROUTE_OWN_LOOPBACK);
	assert_int_equal(kind(&f, v4(0, 0, 0, 0)), ROUTE_UNSPECIFIED);
	assert_int_equal(kind(&f, v4(0, 0, 0, 9)), ROUTE_UNSPECIFIED);
	assert_int_equal(kind(&f, nobody), ROUTE_UNSPECIFIED);
	assert_int_equal(kind(&f, v6(0, 0, 1)), ROUTE_OWN_LOOPBACK);
	assert_int_equal(kind(&f, v6(0xff02, 0, 1)), ROUTE_MULTICAST);
	assert_int_equal(kind(&f, v6(0x2001, 0xdb8, 1)), ROUTE_OWN);
	assert_int_equal(kind(&f, v6(0x2001, 0xdb8, 0xffff)), ROUTE_OTHER);
	/* /0: everything is on the link, and only all ones is its broadcast. */
	add_address(&f, link, v4(172, 16, 0, 1), 0);
	assert_int_equal(kind(&f, v4(8, 8, 8, 8)), ROUTE_OTHER);

	const struct tern_addr own = v4(10, 1, 2, 3);
	assert_true(route_is_local(&f.routes, 0, &own));
	assert_int_equal(route_remove_address(&f.routes, &own), 0);
	assert_int_equal(route_remove_address(&f.routes, &own), -TERN_EADDRNOTAVAIL);
	assert_false(route_is_local(&f.routes, 0, &own));
	assert_int_equal(kind(&f, v4(10, 1, 15, 255)), ROUTE_OTHER);
	assert_int_equal(kind(&f, v6(0x2001, 0xdb8, 1)), ROUTE_OWN); /* the others moved up */
	assert_int_equal(kind(&f, v4(192, 0, 2, 0)), ROUTE_OWN);
	end(&f);
}

static void found(const struct fixture *f, struct tern_addr dst, unsigned link, struct tern_addr next_hop)
{
	struct route route;

	assert_true(route_find(&f->routes, 0, &dst, &route));
	assert_int_equal(route.link, link);
	assert_true(addr_equal(&route.next_hop, &next_hop));
	assert_int_equal(route.mtu, route_mtu(&f->routes, (uint8_t)link));
}

static void not_found(const struct fixture *f, struct tern_addr dst)
{
	struct route route;

	assert_false(route_find(&f->routes, 0, &dst, &route));
}

static void the_longest_prefix_wins(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500), link_of(&f, 1400), link_of(&f, 1300);
	add_address(&f, 0, v4(10, 0, 0, 1), 24);
	not_found(&f, v4(10, 0, 1, 1));
	assert_int_equal(add_route(&f, v4(0, 0, 0, 0), 0, 0, v4(10, 0, 0, 254)), 0);
	assert_int_equal(add_route(&f, v4(10, 5, 0, 0), 16, 1, nobody), 0);
	assert_int_equal(add_route(&f, v4(10, 5, 6, 99), 24, 2, v4(10, 0, 0, 9)), 0); /* 99 counts not */
	assert_int_equal(add_route(&f, v4(10, 0, 0, 128), 25, 2, nobody), 0);
	assert_int_equal(add_route(&f, v4(10, 0, 0, 0), 24, 2, nobody), 0);
	found(&f, v4(8, 8, 8, 8), 0, v4(10, 0, 0, 254));
	found(&f, v4(10, 5, 5, 5), 1, v4(10, 5, 5, 5));
	found(&f, v4(10, 5, 6, 7), 2, v4(10, 0, 0, 9));
	found(&f, v4(10, 0, 0, 7), 0, v4(10, 0, 0, 7));	    /* the address's own prefix goes first */
	found(&f, v4(10, 0, 0, 200), 2, v4(10, 0, 0, 200)); /* unless another is longer */
	found(&f, v4(10, 0, 0, 1), ROUTE_LOOPBACK, v4(10, 0, 0, 1));
	found(&f, v4(127, 1, 2, 3), ROUTE_LOOPBACK, v4(127, 1, 2, 3));
	not_found(&f, v4(10, 0, 0, 255));
	not_found(&f, v4(255, 255, 255, 255));
	not_found(&f, v4(224, 0, 0, 1));
	not_found(&f, v4(0, 0, 0, 0));
	not_found(&f, v6(0x2001, 0xdb8, 1)); /* 0.0.0.0/0 says nothing of IPv6 */
	/* The same prefix again takes the place of the first. */
	assert_int_equal(add_route(&f, v4(10, 5, 6, 1), 24, 0, v4(10, 0, 0, 8)), 0);
	found(&f, v4(10, 5, 6, 7), 0, v4(10, 0, 0, 8));
	assert_int_equal(f.routes.n_entries, 5);

	assert_int_equal(add_route(&f, nobody, 0, 1, v6(0xfe80, 0, 1)), 0);
	found(&f, v6(0x2001, 0xdb8, 1), 1, v6(0xfe80, 0, 1));
	found(&f, v4(8, 8, 8, 8), 0, v4(10, 0, 0, 254)); /* nor ::/0 of IPv4 */
	found(&f, v6(0, 0, 1), ROUTE_LOOPBACK, v6(0, 0, 1));
	end(&f);
}

static void of_two_addresses_the_longer_prefix_wins(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		begin(&f);
		link_of(&f, 1500), link_of(&f, 1400);
		for (unsigned i = 0; i < 2; i++)
			add_address(&f, (uint8_t)(i ^ first),
				    (i ^ first) == 0 ? v4(10, 0, 0, 1) : v4(10, 1, 0, 1),
				    (i ^ first) == 0 ? 8 : 16);
		found(&f, v4(10, 1, 2, 3), 1, v4(10, 1, 2, 3));
		found(&f, v4(10, 2, 2, 3), 0, v4(10, 2, 2, 3));
		end(&f);
	}
}

static void routes_that_cannot_be_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500);
	assert_int_equal(add_route(&f, v4(10, 0, 0, 0), 33, 0, nobody), -TERN_EINVAL);
	assert_int_equal(add_route(&f, v6(1, 1, 1), 129, 0, nobody), -TERN_EINVAL);
	assert_int_equal(add_route(&f, v4(10, 0, 0, 0), 8, 1, nobody), -TERN_EINVAL);
	assert_int_equal(add_route(&f, v4(10, 0, 0, 0), 8, 0, v4(224, 0, 0, 1)), -TERN_EINVAL);
	assert_int_equal(add_route(&f, v4(10, 0, 0, 0), 8, 0, v6(0xfe80, 0, 1)), -TERN_EINVAL);
	assert_int_equal(add_route(&f, v6(1, 1, 1), 64, 0, v4(10, 0, 0, 1)), -TERN_EINVAL);
	assert_int_equal(f.routes.n_entries, 0);
	end(&f);
}

static void tables_are_bounded_and_survive_a_lack_of_memory(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(add_address(&f, 0, v4(10, 0, i, 1), 24), 0);
	assert_int_equal(add_address(&f, 0, v4(10, 0, 64, 1), 24), -TERN_ENOMEM);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(add_route(&f, v4(20, i, 0, 0), 8 + i % 24, 0, v4(10, 0, 0, 9)),
				 0); /* some are one and the same: fewer than 256 in all */
	for (unsigned i = f.routes.n_entries; i < 256; i++)
		assert_int_equal(add_route(&f, v4(30, i, 0, 0), 16, 0, v4(10, 0, 0, 9)), 0);
	assert_int_equal(add_route(&f, v4(31, 0, 0, 0), 16, 0, nobody), -TERN_ENOMEM);
	for (unsigned i = 1; i < 256; i++)
		assert_true(f.routes.entries[i - 1].bits >= f.routes.entries[i].bits);
	end(&f);

	begin(&f);
	link_of(&f, 1500);
	f.host.fail_at = 2; /* the first growth */
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(add_address(&f, 0, v4(10, 0, i, 1), 24), i < 4 ? 0 : -TERN_ENOMEM);
	assert_int_equal(add_address(&f, 0, v4(10, 0, 4, 1), 24), 0);
	f.host.fail_all = true;
	assert_int_equal(add_route(&f, v4(20, 0, 0, 0), 8, 0, nobody), -TERN_ENOMEM);
	assert_int_equal(kind(&f, v4(10, 0, 0, 1)), ROUTE_OWN);
	end(&f);
}

/* ---- sources ---- */

static void source_is(const struct fixture *f, struct tern_addr dst, struct tern_addr want)
{
	struct tern_addr src;

	assert_true(route_source(&f->routes, 0, &dst, &src));
	assert_memory_equal(src.b, want.b, 16);
}

/* MUST-44. */
static void ipv4_sources(void **state)
{
	struct fixture	 f;
	struct tern_addr src, dst = v4(8, 8, 8, 8);

	(void)state;
	begin(&f);
	link_of(&f, 1500), link_of(&f, 1500);
	assert_false(route_source(&f.routes, 0, &dst, &src));
	add_address(&f, 0, v4(169, 254, 1, 1), 16);
	add_address(&f, 0, v4(10, 0, 0, 1), 24);
	add_address(&f, 0, v4(10, 0, 1, 1), 24);
	add_address(&f, 1, v4(192, 168, 0, 1), 24);
	assert_false(route_source(&f.routes, 0, &dst, &src));
	add_route(&f, v4(0, 0, 0, 0), 0, 1, v4(192, 168, 0, 254));
	source_is(&f, v4(10, 0, 0, 7), v4(10, 0, 0, 1)); /* rule 8 */
	source_is(&f, v4(10, 0, 1, 7), v4(10, 0, 1, 1));
	source_is(&f, v4(10, 0, 1, 1), v4(10, 0, 1, 1));       /* rule 1 */
	source_is(&f, v4(169, 254, 9, 9), v4(169, 254, 1, 1)); /* rule 2 */
	source_is(&f, v4(8, 8, 8, 8), v4(192, 168, 0, 1));     /* rule 5 */
	source_is(&f, v4(127, 0, 0, 9), v4(127, 0, 0, 1));
	dst = v6(0x2001, 0xdb8, 1);
	assert_false(route_source(&f.routes, 0, &dst, &src));
	add_route(&f, nobody, 0, 0, nobody);
	assert_false(route_source(&f.routes, 0, &dst, &src)); /* a route, but no address of that version */
	end(&f);
}

/* MUST-44. */
static void ipv6_sources(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500), link_of(&f, 1500);
	add_route(&f, nobody, 0, 0, v6(0xfe80, 0, 99));
	add_address(&f, 0, v6(0xfe80, 0, 1), 64);
	source_is(&f, v6(0x2600, 1, 1), v6(0xfe80, 0, 1)); /* there is no other */
	add_address(&f, 1, v6(0xfe80, 0, 2), 64);
	add_address(&f, 1, v6(0x2001, 0xdb8, 2), 64);
	source_is(&f, v6(0x2600, 1, 1), v6(0x2001, 0xdb8, 2)); /* rule 2 before rule 5 */
	add_address(&f, 0, v6(0xfd00, 1, 1), 64);
	source_is(&f, v6(0x2600, 1, 1), v6(0xfd00, 1, 1)); /* rule 5 before rule 6 */
	add_address(&f, 0, v6(0x2001, 0xdb8, 1), 64);
	source_is(&f, v6(0x2600, 1, 1), v6(0x2001, 0xdb8, 1)); /* rule 6: labels 1 and 13 */
	source_is(&f, v6(0xfd77, 1, 1), v6(0xfd00, 1, 1));
	add_address(&f, 0, v6(0x2600, 2, 1), 32);
	source_is(&f, v6(0x2600, 1, 1), v6(0x2600, 2, 1));	   /* rule 8 */
	source_is(&f, v6(0x2001, 0xdb8, 7), v6(0x2001, 0xdb8, 2)); /* of two such links the first */
	source_is(&f, v6(0xfe80, 0, 7), v6(0xfe80, 0, 1));
	source_is(&f, v6(0x2001, 0xdb8, 2), v6(0x2001, 0xdb8, 2)); /* rule 1 */
	source_is(&f, v6(0, 0, 1), v6(0, 0, 1));
	source_is(&f, v6(0x2002, 1, 1),
		  v6(0x2001, 0xdb8, 1)); /* nobody is 6to4: 14 bits in common against 5 */
	add_address(&f, 0, v6(0x2002, 1, 5), 16);
	source_is(&f, v6(0x2002, 1, 1), v6(0x2002, 1, 5));
	end(&f);

	begin(&f); /* rule 6 where rule 8 has no opinion: five bits each */
	link_of(&f, 1500);
	add_route(&f, nobody, 0, 0, nobody);
	add_address(&f, 0, v6(0x2002, 1, 5), 64);
	add_address(&f, 0, v6(0x2003, 1, 5), 64);
	source_is(&f, v6(0x2600, 1, 1), v6(0x2003, 1, 5));
	end(&f);
}

/* The way of a group's packets: the link that is named, where it is of the zone; else the zone's first. */
static void groups_leave_by_a_link_of_their_zone(void **state)
{
	const struct tern_addr group = v4(239, 1, 2, 3), all = v4(255, 255, 255, 255), net = v4(10, 0, 0, 255);
	const struct tern_addr one = v4(10, 0, 0, 7);
	struct route	       route;
	struct fixture	       f;
	uint8_t		       link;

	(void)state;
	begin(&f);
	assert_int_equal(link_of(&f, 1500), 0);
	assert_int_equal(route_add_link(&f.routes, 1400, 100, &link), 0);
	assert_int_equal(route_add_link(&f.routes, 1300, 100, &link), 0);
	assert_int_equal(add_address(&f, 0, v4(10, 0, 0, 1), 24), 0);
	assert_int_equal(add_address(&f, 2, v4(10, 0, 0, 1), 24), 0); /* another network of the same numbers */
	static const struct {
		uint32_t zone;
		uint8_t	 named, by;
	} table[] = { { 0, 0, 0 }, { 100, 0, 1 }, { 100, 1, 1 }, { 100, 2, 2 }, { 100, 9, 1 } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_true(route_to_group(&f.routes, table[i].zone, table[i].named, &group, &route));
		assert_int_equal(route.link, table[i].by);
		assert_true(route.group);
		assert_int_equal(route.zone, table[i].zone);
		assert_true(route_to_group(&f.routes, table[i].zone, table[i].named, &all, &route));
		assert_int_equal(route.link, table[i].by);
	}
	assert_true(route_to_group(&f.routes, 0, 1, &net, &route)); /* where that network is, whatever was named */
	assert_int_equal(route.link, 0);
	assert_true(route_to_group(&f.routes, 100, 1, &net, &route));
	assert_int_equal(route.link, 2);
	assert_int_equal(route.mtu, 1300);
	assert_false(route_to_group(&f.routes, 0, 9, &group, &route));
	assert_false(route_to_group(&f.routes, 200, 0, &group, &route)); /* no link is of that zone */
	assert_false(route_to_group(&f.routes, 0, 0, &one, &route));
	end(&f);
}

/* The same prefix in two zones: two routes, each seen from its own alone. */
static void zones_have_routes_of_their_own(void **state)
{
	const struct tern_addr dst = v4(8, 8, 8, 8);
	struct route	       route;
	struct fixture	       f;
	uint8_t		       link;

	(void)state;
	begin(&f);
	assert_int_equal(link_of(&f, 1500), 0);
	assert_int_equal(route_add_link(&f.routes, 1400, 100, &link), 0);
	add_address(&f, 0, v4(10, 0, 0, 1), 24);
	add_address(&f, 1, v4(10, 0, 0, 1), 24);
	assert_int_equal(add_route(&f, v4(0, 0, 0, 0), 0, 0, v4(10, 0, 0, 254)), 0);
	assert_int_equal(add_route(&f, v4(0, 0, 0, 0), 0, 1, v4(10, 0, 0, 253)), 0);
	assert_int_equal(f.routes.n_entries, 2);
	for (uint8_t i = 0; i < 2; i++) {
		const struct tern_addr hop = v4(10, 0, 0, 254u - i);

		assert_true(route_find(&f.routes, i ? 100 : 0, &dst, &route));
		assert_int_equal(route.link, i);
		assert_memory_equal(&route.next_hop, &hop, sizeof hop);
	}
	assert_false(route_find(&f.routes, 200, &dst, &route));
	end(&f);
}

/* RFC 8200 5 asks for 1,280 octets where an IPv6 address is, and nowhere else. */
static void a_small_mtu_beside_ipv6(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500), link_of(&f, 1500);
	add_address(&f, 1, v4(10, 0, 0, 1), 24);
	add_address(&f, 0, v6(0x2001, 0xdb8, 1), 64);
	assert_int_equal(route_set_mtu(&f.routes, 1, 576), 0);
	assert_int_equal(route_set_mtu(&f.routes, 0, 576), -TERN_EINVAL);
	end(&f);
}

/* What is sent to a group bears an address of the link by which it leaves. */
static void a_group_is_sent_to_from_its_link(void **state)
{
	const struct tern_addr group = v6(0xff05, 0, 1), group4 = v4(239, 1, 2, 3), want = v6(0xfd00, 1, 1);
	struct tern_addr       src;
	struct fixture	       f;

	(void)state;
	begin(&f);
	link_of(&f, 1500), link_of(&f, 1500);
	add_address(&f, 0, v6(0xfd77, 1, 1), 64);
	assert_false(route_group_source(&f.routes, 1, &group, &src));
	add_address(&f, 1, v6(0xfe80, 0, 2), 64);
	add_address(&f, 1, want, 64);
	assert_true(route_group_source(&f.routes, 1, &group, &src)); /* ff05: a site's, which fe80 does not reach */
	assert_memory_equal(&src, &want, sizeof want);
	assert_false(route_group_source(&f.routes, 1, &group4, &src));
	end(&f);
}

/* RFC 6724 3.1: fec0::/10 is of a site; rule 2 prefers it to the global address only inside one. */
static void site_local_sources(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	link_of(&f, 1500);
	add_route(&f, nobody, 0, 0, nobody);
	add_address(&f, 0, v6(0x2600, 1, 1), 64);
	add_address(&f, 0, v6(0xfec0, 1, 1), 64);
	source_is(&f, v6(0xfec0, 7, 7), v6(0xfec0, 1, 1));
	source_is(&f, v6(0x2600, 7, 7), v6(0x2600, 1, 1));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_have_an_mtu),
		cmocka_unit_test(only_unicast_addresses_are_ours),
		cmocka_unit_test(kinds_follow_the_prefixes),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(of_two_addresses_the_longer_prefix_wins),
		cmocka_unit_test(routes_that_cannot_be_are_refused),
		cmocka_unit_test(tables_are_bounded_and_survive_a_lack_of_memory),
		cmocka_unit_test(ipv4_sources),
		cmocka_unit_test(ipv6_sources),
		cmocka_unit_test(groups_leave_by_a_link_of_their_zone),
		cmocka_unit_test(zones_have_routes_of_their_own),
		cmocka_unit_test(a_small_mtu_beside_ipv6),
		cmocka_unit_test(a_group_is_sent_to_from_its_link),
		cmocka_unit_test(site_local_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
