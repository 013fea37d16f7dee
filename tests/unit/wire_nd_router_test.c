/* Router solicitations and advertisements, and domain lists. attacks: CVE-2020-11899, lwIP 0a65e654. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/checksum.h"
#include "wire/nd.h"
#include "wire/nd_router.h"

/* The solicitation with its checksum right, as a packet from fe80::3. payload is in memory of its own length, so
 * that a sanitizer sees every octet that is read beyond it. */
static bool parse(struct nd_router_solicitation *got, const uint8_t *p, uint32_t n, bool unspecified, uint8_t hop_limit)
{
	struct ip_header ip = { .version = 6, .protocol = IPPROTO_ICMP6, .ttl = hop_limit, .payload_len = n };
	uint8_t *const	 copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	if (!unspecified)
		ip.src = (struct tern_addr){ { 0xfe, 0x80, [15] = 3 } };
	ip.dst = nd_all_routers();
	if (n >= 4) {
		put16(copy + 2, 0);
		const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, n);
		put16(copy + 2, checksum_finish(checksum_add(sum, copy, n)));
	}
	ip.payload = copy;
	const bool parsed = nd_router_parse(got, &ip);
	free(copy);
	return parsed;
}

static void what_a_solicitation_must_be(void **state)
{
	static const uint8_t bare[8] = { 133 };
	static const uint8_t with_mac[16] = { 133, [8] = 1, 1, 2, 0, 0, 0, 0, 9 };
	static const uint8_t group_mac[16] = { 133, [8] = 1, 1, 3, 0, 0, 0, 0, 9 };
	static const uint8_t code[8] = { 133, 1 };
	static const uint8_t zero[16] = { 133, [8] = 1, 0 };
	static const uint8_t beyond[16] = { 133, [8] = 7, 2 };
	static const uint8_t after_others[32] = { 133, [8] = 14, 1, [16] = 200, 1, [24] = 1, 1, 2, 0, 0, 0, 0, 9 };
	static const struct {
		const uint8_t *p;
		uint32_t       n;
		bool	       unspecified, taken, has_mac;
		uint8_t	       hop_limit;
	} rows[] = {
		{ bare, 8, false, true, false, 255 },	     { bare, 8, true, true, false, 255 },
		{ bare, 8, false, false, false, 254 },	     { bare, 7, false, false, false, 255 },
		{ with_mac, 16, false, true, true, 255 },    { with_mac, 16, true, false, false, 255 },
		{ with_mac, 15, false, false, false, 255 },  { group_mac, 16, false, false, false, 255 },
		{ code, 8, false, false, false, 255 },	     { zero, 16, false, false, false, 255 },
		{ beyond, 16, false, false, false, 255 },    { after_others, 32, false, true, true, 255 },
		{ after_others, 9, false, false, false, 255 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct nd_router_solicitation got;

		if (parse(&got, rows[i].p, rows[i].n, rows[i].unspecified, rows[i].hop_limit) != rows[i].taken ||
		    (rows[i].taken && got.has_mac != rows[i].has_mac))
			fail_msg("row %u", i);
	}
}

/* Every option length at every place, and every truncation. */
static void hostile_options_end_within_the_message(void **state)
{
	struct nd_router_solicitation got;
	uint8_t			      p[64];
	unsigned		      taken = 0;

	(void)state;
	for (unsigned at = 9; at < sizeof p; at += 8) {
		for (unsigned length = 0; length < 256; length++) {
			for (uint32_t n = 0; n <= sizeof p; n++) {
				memset(p, 0, sizeof p);
				p[0] = 133;
				for (unsigned i = 8; i < sizeof p; i += 8)
					p[i] = 1, p[i + 1] = 1, p[i + 2] = 2;
				p[at] = (uint8_t)length;
				taken += parse(&got, p, n, false, 255);
			}
		}
	}
	assert_true(taken > 0);
}

static void an_advertisement_octet_by_octet(void **state)
{
	static const uint8_t expected[] = {
		134, 0, 0, 0, 64, 0x40, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, /* */
		1, 1, 2, 0, 0, 0, 0, 9, /* source link-layer address */
		5, 1, 0, 0, 0, 0, 0x05, 0xdc, /* MTU */
		3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, /* prefix */
		0, 0, 0, 0, 0, 0, 0, 0, /* */
		25, 3, 0, 0, 0, 0, 0x07, 0x08, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, /* RDNSS */
		31, 3, 0, 0, 0, 0, 0x07, 0x08, 2, 'e', 'x', 4, 't', 'e', 's', 't', 0, 0, 0, 0, 0, 0, 0, 0, /* DNSSL */
	};
	struct domains		       search = { .n = 0 };
	struct nd_router_advertisement ra = {
		.hop_limit = 64, .other = true, .lifetime = 1800, .mac = { 2, 0, 0, 0, 0, 9 }, .mtu = 1500,
		.has_prefix = true, .on_link = true, .autonomous = true, .prefix = { { 0xfd } }, .prefix_bits = 64,
		.valid = 86400, .preferred = 14400, .n_rdnss = 1, .rdnss = { { { 0xfd, [15] = 3 } } },
		.search = &search, .dns_lifetime = 1800,
	};
	uint8_t p[sizeof expected];

	(void)state;
	assert_true(domain_add(&search, "ex.test", 7));
	memset(p, 0xaa, sizeof p);
	assert_int_equal(nd_router_emit(p, sizeof p, &ra), sizeof expected);
	assert_memory_equal(p, expected, sizeof expected);
	/* Where the search list does not fit, it is the one to stay away; where the rest does not, nothing is made. */
	assert_int_equal(nd_router_emit(p, sizeof p - 1, &ra), sizeof expected - 24);
	assert_int_equal(nd_router_emit(p, sizeof p - 24, &ra), sizeof expected - 24);
	for (size_t room = 0; room < sizeof p - 24; room++)
		assert_int_equal(nd_router_emit(p, room, &ra), 0);
}

static void domain_names(void **state)
{
	static const struct {
		const char *name;
		bool	    taken;
	} rows[] = {
		{ "example.org", true }, { "example.org.", true }, { "a", true }, { "_x.a-b.c0", true },
		{ "", false }, { ".", false }, { "..", false }, { ".a", false }, { "a..b", false }, { "a b", false },
		{ "a\\.b", false }, { "a\n", false }, { "\xc3\xa9.org", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123.x", false }, /* 64 */
		{ "012345678901234567890123456789012345678901234567890123456789012.x", true },
	};
	struct domains domains;
	char	       name[300];

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		domains = (struct domains){ .n = 0 };
		if (domain_add(&domains, rows[i].name, strlen(rows[i].name)) != rows[i].taken)
			fail_msg("%s", rows[i].name);
		assert_int_equal(domains.n, rows[i].taken);
	}
	domains = (struct domains){ .n = 0 };
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 2 ? '.' : 'a';
	assert_false(domain_add(&domains, name, 255));
	assert_true(domain_add(&domains, name, 253)); /* 255 octets on the wire */
	assert_int_equal(domains.n_bytes, 255);
	assert_true(domain_add(&domains, name, 253));
	assert_false(domain_add(&domains, "a", 1));
	assert_int_equal(domains_fit(&domains, 254), 0);
	assert_int_equal(domains_fit(&domains, 509), 255);
	assert_int_equal(domains_fit(&domains, 510), 510);
	domains = (struct domains){ .n = 0 };
	for (unsigned i = 0; i < DOMAINS; i++)
		assert_true(domain_add(&domains, "a", 1));
	assert_false(domain_add(&domains, "a", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_solicitation_must_be),
		cmocka_unit_test(hostile_options_end_within_the_message),
		cmocka_unit_test(an_advertisement_octet_by_octet),
		cmocka_unit_test(domain_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
