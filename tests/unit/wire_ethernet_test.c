/* Ethernet, ARP and neighbour discovery: bytes <-> struct. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/nd.h"
#include "wire/tuple.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static struct tern_addr v6(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static void frames_in_and_out(void **state)
{
	struct ethernet_header frame = { .type = ETHERNET_TYPE_IPV6 }, back;
	uint8_t		       p[ETHERNET_HEADER];

	(void)state;
	memcpy(frame.dst, mac_a, 6);
	memcpy(frame.src, mac_b, 6);
	ethernet_emit(p, &frame);
	assert_true(ethernet_parse(&back, p, sizeof p));
	assert_memory_equal(back.dst, mac_a, 6);
	assert_memory_equal(back.src, mac_b, 6);
	assert_int_equal(back.type, ETHERNET_TYPE_IPV6);
	for (size_t len = 0; len < sizeof p; len++)
		assert_false(ethernet_parse(&back, p, len));
	p[6] |= 1; /* a group sends nothing */
	assert_false(ethernet_parse(&back, p, sizeof p));
	memset(p + 6, 0, 6);
	assert_false(ethernet_parse(&back, p, sizeof p));
}

static void arp_as_rfc_826_has_it(void **state)
{
	static const uint8_t request[ARP_PACKET] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0xa, 10, 0, 0, 1,
						     0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
	struct arp_packet arp;
	uint8_t		  p[ARP_PACKET];

	(void)state;
	assert_true(arp_parse(&arp, request, sizeof request));
	assert_int_equal(arp.operation, ARP_REQUEST);
	assert_memory_equal(arp.sender_mac, mac_a, 6);
	assert_int_equal(addr_v4_of(&arp.sender), 0x0a000001);
	assert_int_equal(addr_v4_of(&arp.target), 0x0a000002);
	arp_emit(p, &arp);
	assert_memory_equal(p, request, sizeof p);
	for (size_t len = 0; len < sizeof p; len++)
		assert_false(arp_parse(&arp, request, len));
	for (size_t at = 0; at < 8; at++) { /* every octet before the addresses counts */
		memcpy(p, request, sizeof p);
		p[at] ^= 0x40;
		assert_false(arp_parse(&arp, p, sizeof p));
	}
	memcpy(p, request, sizeof p);
	p[8] = 0xff;
	assert_false(arp_parse(&arp, p, sizeof p));
}

/* A message of nd in a packet from src to dst; parsed. */
static bool carried(struct nd_message *nd, const struct tern_addr *src, const struct tern_addr *dst, uint8_t ttl)
{
	uint8_t		 p[64];
	struct ip_header ip = { .src = *src, .dst = *dst, .version = 6, .protocol = IPPROTO_ICMP6, .ttl = ttl };
	const size_t	 n = nd_emit(p, nd, src, dst);

	ip.payload = p;
	ip.payload_len = (uint32_t)n;
	return nd_parse(nd, &ip);
}

static void solicitations_and_advertisements(void **state)
{
	const struct tern_addr a = v6("fd00::1"), b = v6("fd00::12:3456"), group = nd_solicited_node(&b);
	const struct tern_addr none = v6("::"), all = nd_all_nodes(), wanted = v6("ff02::1:ff12:3456");
	struct nd_message      nd = { .type = ND_SOLICITATION, .has_mac = true, .target = b };
	uint8_t		       mac[6];

	(void)state;
	assert_true(addr_equal(&group, &wanted));
	ethernet_group_mac(mac, &group);
	assert_memory_equal(mac, ((uint8_t[]){ 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 }), 6);
	memcpy(nd.mac, mac_a, 6);
	assert_true(carried(&nd, &a, &group, 255));
	assert_true(nd.has_mac && nd.type == ND_SOLICITATION && addr_equal(&nd.target, &b));
	assert_memory_equal(nd.mac, mac_a, 6);
	assert_false(carried(&nd, &a, &group, 254)); /* it came through a router */
	assert_false(carried(&nd, &none, &group, 255)); /* from :: with the option */
	nd.has_mac = false;
	assert_true(carried(&nd, &none, &group, 255));
	assert_false(carried(&nd, &none, &b, 255)); /* from :: to no group */
	nd.target = group;
	assert_false(carried(&nd, &a, &group, 255));
	nd = (struct nd_message){ .type = ND_ADVERTISEMENT, .has_mac = true, .solicited = true, .override = true,
				  .router = true, .target = b, .mac = { 2, 0, 0, 0, 0, 0xb } };
	assert_true(carried(&nd, &b, &a, 255));
	assert_true(nd.solicited && nd.override && nd.router);
	assert_false(carried(&nd, &b, &all, 255)); /* solicited, to a group */
	nd.solicited = false;
	assert_true(carried(&nd, &b, &all, 255));
}

/* RFC 4861 4.6, 7.1.1 (lwIP 0a65e654, CVE-2026-7422 and their like): no option may be empty or longer than
 * what is there. */
static void options_end_in_the_message(void **state)
{
	const struct tern_addr a = v6("fd00::1"), b = v6("fd00::2");
	const struct nd_message nd = { .type = ND_SOLICITATION, .has_mac = true, .target = b, .mac = { 2 } };
	struct nd_message      got;
	struct ip_header       ip = { .src = a, .dst = b, .version = 6, .protocol = IPPROTO_ICMP6, .ttl = 255 };

	(void)state;
	for (unsigned option_len = 0; option_len < 256; option_len++) {
		for (uint32_t len = 0; len <= ND_MESSAGE; len++) {
			uint8_t *const p = test_malloc(ND_MESSAGE);

			(void)nd_emit(p, &nd, &a, &b);
			p[25] = (uint8_t)option_len;
			put16(p + 2, 0);
			const uint32_t pseudo = checksum_pseudo(&a, &b, IPPROTO_ICMP6, len);
			put16(p + 2, checksum_finish(checksum_add(pseudo, p, len)));
			ip.payload = p;
			ip.payload_len = len;
			const bool good = len == 24 || (len == ND_MESSAGE && option_len == 1);
			assert_int_equal(nd_parse(&got, &ip), good);
			test_free(p);
		}
	}
}

static void link_local_of_a_mac(void **state)
{
	const struct tern_addr made = nd_link_local((const uint8_t[]){ 0x00, 0x1b, 0x21, 0x01, 0x02, 0x03 });
	const struct tern_addr wanted = v6("fe80::21b:21ff:fe01:203");

	(void)state;
	assert_true(addr_equal(&made, &wanted));
}

static void tags_stand_before_ip(void **state)
{
	static const struct {
		uint16_t type[4];
		uint32_t len, before;
	} cases[] = {
		{ { 0x0800 }, 60, 14 }, { { 0x86dd }, 14, 14 }, { { 0x8100, 0x0800 }, 60, 18 },
		{ { 0x88a8, 0x8100, 0x86dd }, 60, 22 },
		{ { 0x0806 }, 60, 60 }, { { 0x8100, 0x0806 }, 60, 60 }, { { 0x8100, 0x8100, 0x8100, 0x0800 }, 60, 60 },
		{ { 0x8100, 0x0800 }, 17, 17 }, { { 0x0800 }, 13, 13 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t frame[60] = { 0 };

		for (unsigned k = 0; k < 4; k++)
			put16(frame + 12 + 4 * k, cases[i].type[k]);
		assert_int_equal(ethernet_before_ip(frame, cases[i].len), cases[i].before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_and_out),
		cmocka_unit_test(arp_as_rfc_826_has_it),
		cmocka_unit_test(solicitations_and_advertisements),
		cmocka_unit_test(options_end_in_the_message),
		cmocka_unit_test(link_local_of_a_mac),
		cmocka_unit_test(tags_stand_before_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
