#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/receive.h"
#include "wire/tuple.h"

/* Our host: 10.0.0.1/24 and 2001:db8::1/64 on link 0, 192.168.1.1/24 on link 1. */
static struct routes our_routes(struct mem *mem)
{
	struct routes	 routes;
	struct tern_addr addr = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	uint8_t		 link;

	routes_init(&routes, mem);
	route_add_link(&routes, 1500, 0, &link);
	route_add_address(&routes, 0, &addr, 64);
	addr = addr_v4(0x0a000001);
	route_add_address(&routes, 0, &addr, 24);
	route_add_link(&routes, 1500, 0, &link);
	addr = addr_v4(0xc0a80101);
	route_add_address(&routes, 1, &addr, 24);
	return routes;
}

/* attacks: LAND, ICMP smurf / broadcast, CVE-2020-11899, CVE-2019-12256: the part that an address decides.
 * (MUST-57, MUST-63) */
static void addresses_decide(void **state)
{
	enum {
		OURS = IP_RECEIVE_OURS,
		ANY = IP_RECEIVE_ANY,
		NOT_OURS = IP_RECEIVE_NOT_OURS,
		BAD = IP_RECEIVE_BAD_SOURCE,
		OWN = IP_RECEIVE_OWN_SOURCE,
		LOOPBACK = IP_RECEIVE_LOOPBACK,
		TO_ALL = IP_RECEIVE_BROADCAST,
		TO_GROUP = IP_RECEIVE_MULTICAST,
	};
	static const struct {
		const char *name;
		uint32_t    src, dst;
		int	    link, looped, forwarding; /* from link 0; looped; link 0 and forwarding_any */
	} cases[] = {
		{ "a neighbour", 0x0a000002, 0x0a000001, OURS, OURS, OURS },
		{ "from afar", 0x08080808, 0x0a000001, OURS, OURS, OURS },
		{ "to the other link's address", 0x0a000002, 0xc0a80101, OURS, OURS, OURS },
		{ "to somebody else", 0x0a000002, 0x0a000003, NOT_OURS, NOT_OURS, ANY },
		{ "LAND", 0x0a000001, 0x0a000001, OWN, OURS, OWN },
		{ "our other address", 0xc0a80101, 0x0a000001, OWN, OURS, OWN },
		{ "LAND on a guest's peer", 0x08080808, 0x08080808, OWN, NOT_OURS, OWN },
		{ "loopback to us", 0x7f000001, 0x0a000001, LOOPBACK, OURS, LOOPBACK },
		{ "to loopback", 0x0a000002, 0x7f000001, LOOPBACK, OURS, LOOPBACK },
		{ "loopback LAND", 0x7f000001, 0x7f000001, LOOPBACK, OURS, LOOPBACK },
		{ "broadcast source", 0xffffffff, 0x0a000001, BAD, BAD, BAD },
		{ "our subnet's broadcast as source", 0x0a0000ff, 0x0a000001, BAD, BAD, BAD },
		{ "the other subnet's", 0xc0a801ff, 0x0a000001, BAD, BAD, BAD },
		{ "multicast source", 0xe0000001, 0x0a000001, BAD, BAD, BAD },
		{ "no source", 0, 0x0a000001, BAD, BAD, BAD },
		{ "source in 0/8", 0x00000005, 0x0a000001, BAD, BAD, BAD },
		{ "to all", 0x0a000002, 0xffffffff, TO_ALL, TO_ALL, TO_ALL },
		{ "to our subnet", 0x0a000002, 0x0a0000ff, TO_ALL, TO_ALL, TO_ALL },
		{ "to a group", 0x0a000002, 0xe00000fb, TO_GROUP, TO_GROUP, TO_GROUP },
		{ "to nobody", 0x0a000002, 0, NOT_OURS, NOT_OURS, NOT_OURS },
	};
	struct test_allocator	    host;
	struct mem		    mem;
	const struct tern_allocator allocator = test_allocator(&host);

	(void)state;
	mem_init(&mem, &allocator, 1 << 20, 0);
	struct routes routes = our_routes(&mem);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ip_header ip = { .src = addr_v4(cases[i].src),
					.dst = addr_v4(cases[i].dst),
					.version = 4 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(ip_receive_judge(&routes, &ip, 0, false), cases[i].link);
		assert_int_equal(ip_receive_judge(&routes, &ip, 1, false), cases[i].link);
		assert_int_equal(ip_receive_judge(&routes, &ip, ROUTE_LOOPBACK, false), cases[i].looped);
		assert_int_equal(ip_receive_judge(&routes, &ip, 0, true), cases[i].forwarding);
		/* CVE-2020-11909: a source route is never followed, whatever the addresses say. */
		ip.source_routed = true;
		assert_int_equal(ip_receive_judge(&routes, &ip, 0, true), IP_RECEIVE_SOURCE_ROUTED);
	}
	routes_done(&routes);
	assert_int_equal(host.blocks, 0);
}

static void ipv6_addresses_decide(void **state)
{
	static const struct tern_addr us = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	static const struct tern_addr peer = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } };
	static const struct tern_addr other = { { 0x20, 0x01, 0x0d, 0xb8, 5, [15] = 2 } };
	static const struct tern_addr group = { { 0xff, 0x02, [15] = 1 } };
	static const struct tern_addr loopback = { { [15] = 1 } };
	static const struct tern_addr nobody = { { 0 } };
	static const struct {
		const struct tern_addr *src, *dst;
		enum ip_receive_verdict verdict;
	} cases[] = {
		{ &peer, &us, IP_RECEIVE_OURS },	   { &peer, &other, IP_RECEIVE_NOT_OURS },
		{ &us, &us, IP_RECEIVE_OWN_SOURCE },	   { &group, &us, IP_RECEIVE_BAD_SOURCE },
		{ &nobody, &us, IP_RECEIVE_BAD_SOURCE },   { &loopback, &us, IP_RECEIVE_LOOPBACK },
		{ &peer, &loopback, IP_RECEIVE_LOOPBACK }, { &peer, &group, IP_RECEIVE_MULTICAST },
		{ &peer, &nobody, IP_RECEIVE_NOT_OURS },
	};
	struct test_allocator	    host;
	struct mem		    mem;
	const struct tern_allocator allocator = test_allocator(&host);

	(void)state;
	mem_init(&mem, &allocator, 1 << 20, 0);
	struct routes routes = our_routes(&mem);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct ip_header ip = { .src = *cases[i].src, .dst = *cases[i].dst, .version = 6 };

		assert_int_equal(ip_receive_judge(&routes, &ip, 0, false), cases[i].verdict);
	}
	routes_done(&routes);
}

static void verdicts_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < IP_RECEIVE_VERDICTS; i++) {
		assert_string_not_equal(ip_receive_name((enum ip_receive_verdict)i), "?");
		assert_int_equal(ip_receive_is_taken((enum ip_receive_verdict)i), i <= IP_RECEIVE_ANY);
	}
	assert_string_equal(ip_receive_name(IP_RECEIVE_VERDICTS), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_decide),
		cmocka_unit_test(ipv6_addresses_decide),
		cmocka_unit_test(verdicts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
