#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tuple.h"

/* Parses in a block of just the packet's size, so that a read beyond it is seen. */
static enum ip_parse_result parse_tight(struct ip_header *ip, const uint8_t *p, size_t len)
{
	uint8_t *tight = malloc(len ? len : 1);

	memcpy(tight, p, len);
	memset(ip, 0, sizeof *ip);
	const enum ip_parse_result result = ip_wire_parse(ip, tight, len);
	if (result == IP_PARSED) {
		assert_true(ip->payload >= tight && ip->payload + ip->payload_len <= tight + len);
		assert_int_equal(ip->payload - tight, ip->header_len);
		assert_int_equal(tight[ip->protocol_at], ip->protocol);
		ip->payload = p + ip->header_len;
	}
	free(tight);
	return result;
}

/* What comes of a packet, short enough for tables. */
enum { GOOD = IP_PARSED, BAD = IP_MALFORMED, SUM = IP_BAD_CHECKSUM, TELL = IP_PARAMETER_PROBLEM };

/* --- IPv4 ---------------------------------------------------------------------------------------- */

/* What is odd about an IPv4 packet: 10.0.0.1 to 10.0.0.2, protocol 17 unless told otherwise. */
struct v4 {
	const char *name;
	unsigned    ihl, total, came; /* 0: 5, and what came; came counts the header */
	unsigned    fragment;	      /* octets 6 and 7 */
	unsigned    protocol;
	uint8_t	    options[40];
	bool	    bad_checksum;
	int	    result;
};

static size_t make_v4(uint8_t *p, const struct v4 *v)
{
	const unsigned ihl = v->ihl ? v->ihl : 5, total = v->total ? v->total : v->came;

	memset(p, 0, 65600);
	p[0] = (uint8_t)(0x40 | (ihl & 15));
	p[1] = 0xb9;
	put16(p + 2, (uint16_t)total);
	put16(p + 4, 0x1234);
	put16(p + 6, (uint16_t)v->fragment);
	p[8] = 61;
	p[9] = (uint8_t)(v->protocol ? v->protocol : IPPROTO_UDP_);
	put32(p + 12, 0x0a000001);
	put32(p + 16, 0x0a000002);
	if (ihl > 5)
		memcpy(p + 20, v->options, (ihl - 5) * 4);
	put16(p + 10, checksum_finish(checksum_add(0, p, ihl * 4 < 20 ? 20 : ihl * 4)));
	if (v->bad_checksum)
		p[10] ^= 1;
	return v->came;
}

/* MUST-50. */
static void v4_lengths_options_and_fragments(void **state)
{
	enum { MF = 0x2000, DF = 0x4000 };
	static const struct v4 cases[] = {
		{ "plain", .came = 48, .result = GOOD },
		{ "no payload", .came = 20, .result = GOOD },
		{ "padded by the link", .total = 28, .came = 46, .result = GOOD },
		{ "nothing came", .came = 0, .result = BAD },
		{ "one octet short of a header", .came = 19, .result = BAD },
		{ "IHL 4", .ihl = 4, .came = 48, .result = BAD },
		{ "IHL 16 is 0", .ihl = 16, .came = 48, .result = BAD },
		{ "IHL beyond what came", .ihl = 15, .came = 56, .result = BAD },
		{ "IHL all that came", .ihl = 15, .came = 60, .result = GOOD },
		{ "total below the header", .ihl = 6, .total = 20, .came = 48, .result = BAD },
		{ "total 19", .total = 19, .came = 48, .result = BAD },
		{ "total beyond what came", .total = 49, .came = 48, .result = BAD },
		{ "total 65535", .total = 65535, .came = 48, .result = BAD },
		{ "checksum", .came = 48, .bad_checksum = true, .result = SUM },
		{ "options of NOP and end", .ihl = 6, .came = 48, .options = { 1, 1, 0, 77 },
		  .result = GOOD },
		{ "option of length 0", .ihl = 6, .came = 48, .options = { 7, 0, 0, 0 }, .result = BAD },
		{ "option of length 1", .ihl = 6, .came = 48, .options = { 7, 1, 0, 0 }, .result = BAD },
		{ "option beyond", .ihl = 6, .came = 48, .options = { 7, 5, 4, 0 }, .result = BAD },
		{ "option kind last", .ihl = 6, .came = 48, .options = { 1, 1, 1, 7 }, .result = BAD },
		{ "option to the end", .ihl = 6, .came = 48, .options = { 7, 4, 4, 0 }, .result = GOOD },
		{ "first fragment", .came = 44, .fragment = MF, .result = GOOD },
		{ "middle fragment", .came = 44, .fragment = MF | 3, .result = GOOD },
		{ "last fragment", .came = 41, .fragment = 3, .result = GOOD },
		{ "not a multiple of eight", .came = 45, .fragment = MF, .result = BAD },
		{ "empty fragment", .came = 20, .fragment = MF, .result = BAD },
		{ "empty last fragment", .came = 20, .fragment = 3, .result = BAD },
		{ "up to 65535", .came = 20 + 65535 - 20 - 65512, .fragment = 8189, .result = GOOD },
		{ "beyond 65535 (ping of death)", .came = 24, .fragment = 8189, .result = BAD },
		{ "1480 octets at 65528", .came = 1500, .fragment = 8191, .result = BAD },
		{ "TCP in 16 octets (RFC 1858)", .came = 36, .fragment = MF, .protocol = 6, .result = BAD },
		{ "TCP in 24 octets", .came = 44, .fragment = MF, .protocol = 6, .result = GOOD },
		{ "TCP from octet 8 (RFC 3128)", .came = 44, .fragment = MF | 1, .protocol = 6,
		  .result = BAD },
		{ "TCP from octet 16", .came = 44, .fragment = 2, .protocol = 6, .result = BAD },
		{ "TCP from octet 24", .came = 44, .fragment = 3, .protocol = 6, .result = GOOD },
	};
	static uint8_t p[65600];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ip_header ip;
		const size_t	 len = make_v4(p, &cases[i]);
		const int	 result = (int)parse_tight(&ip, p, len);

		if (result != cases[i].result)
			print_error("%s\n", cases[i].name);
		assert_int_equal(result, cases[i].result);
		if (result != IP_PARSED)
			continue;
		const unsigned header = (cases[i].ihl ? cases[i].ihl : 5) * 4;
		assert_int_equal(ip.header_len, header);
		assert_int_equal(ip.payload_len, (cases[i].total ? cases[i].total : cases[i].came) - header);
		assert_int_equal(ip.is_fragment, cases[i].fragment != 0);
		assert_int_equal(ip.more_fragments, (cases[i].fragment & MF) != 0);
		assert_int_equal(ip.fragment_offset, (cases[i].fragment & 0x1fff) * 8);
	}
}

static void v4_fields(void **state)
{
	static uint8_t	       p[65600];
	const struct v4	       v = { .came = 30, .fragment = 0x4000 };
	struct ip_header       ip;
	const struct tern_addr src = addr_v4(0x0a000001), dst = addr_v4(0x0a000002);

	(void)state;
	assert_int_equal(parse_tight(&ip, p, make_v4(p, &v)), IP_PARSED);
	assert_true(addr_equal(&ip.src, &src));
	assert_true(addr_equal(&ip.dst, &dst));
	assert_int_equal(ip.version, 4);
	assert_int_equal(ip.protocol, 17);
	assert_int_equal(ip.ttl, 61);
	assert_int_equal(ip.traffic_class, 0xb9);
	assert_int_equal(ip.id, 0x1234);
	assert_true(ip.dont_fragment);
	assert_false(ip.is_fragment);
	assert_false(ip.source_routed);
}

/* RFC 1624: whatever the header's sum was, it is right after the mark. */
static void a_mark_mends_the_sum(void **state)
{
	struct ip_header ip = { .src = addr_v4(0x0a000001), .dst = addr_v4(0x0a000002), .version = 4, .protocol = 6 };
	uint8_t p[IPV4_HEADER];

	(void)state;
	for (uint32_t id = 0; id <= 0xffff; id++) {
		ip.id = id;
		ip.traffic_class = (uint8_t)(0xfc | (id % 4));
		(void)ip_wire_emit(p, &ip, 0);
		ip_wire_mark_ce(p);
		assert_int_equal(p[1], 0xff);
		assert_true(checksum_is_right(checksum_add(0, p, sizeof p)));
	}
}

static void v4_source_routes_are_told(void **state)
{
	static const struct {
		uint8_t options[8];
		bool	source_routed;
	} cases[] = {
		{ { 131, 7, 4, 10, 0, 0, 9, 0 }, true },  { { 137, 7, 4, 10, 0, 0, 9, 0 }, true },
		{ { 1, 131, 3, 4, 1, 1, 1, 0 }, true },	  { { 7, 7, 4, 10, 0, 0, 9, 0 }, false },
		{ { 0, 131, 7, 4, 10, 0, 0, 9 }, false }, { { 7, 8, 131, 7, 4, 10, 0, 0 }, false },
	};
	static uint8_t p[65600];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct v4	 v = { .ihl = 7, .came = 48 };
		struct ip_header ip;

		memcpy(v.options, cases[i].options, 8);
		assert_int_equal(parse_tight(&ip, p, make_v4(p, &v)), IP_PARSED);
		assert_int_equal(ip.source_routed, cases[i].source_routed);
	}
}

/* --- IPv6 ---------------------------------------------------------------------------------------- */

static const struct tern_addr host_a = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
static const struct tern_addr host_b = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } };
static const struct tern_addr group = { { 0xff, 0x02, [15] = 1 } };

enum { TO_GROUP = 1, FROM_GROUP = 2, FROM_NOBODY = 4 };

/* An IPv6 packet: the first next-header value and all that follows the 40 octets. */
struct v6 {
	const char *name;
	uint8_t	    next;
	uint8_t	    bytes[96];
	unsigned    len;    /* of bytes */
	int	    longer; /* added to the payload length field */
	unsigned    addresses;
	int	    result;
	/* Where it is parsed: */
	unsigned protocol, header_len, payload_len;
	/* Where it is a parameter problem: */
	unsigned code, pointer;
};

static size_t make_v6(uint8_t *p, const struct v6 *v)
{
	const struct tern_addr nobody = { { 0 } };

	put32(p, 0x6b912345); /* class 0xb9, label 0x12345 */
	put16(p + 4, (uint16_t)((int)v->len + v->longer));
	p[6] = v->next;
	p[7] = 61;
	memcpy(p + 8,
	       v->addresses & FROM_NOBODY  ? nobody.b
	       : v->addresses & FROM_GROUP ? group.b
					   : host_a.b,
	       16);
	memcpy(p + 24, v->addresses & TO_GROUP ? group.b : host_b.b, 16);
	memcpy(p + 40, v->bytes, v->len);
	return 40 + v->len;
}

static void check_v6(const struct v6 *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t		 p[256];
		struct ip_header ip;
		const int	 result = (int)parse_tight(&ip, p, make_v6(p, &cases[i]));

		if (result != cases[i].result)
			print_error("%s\n", cases[i].name);
		assert_int_equal(result, cases[i].result);
		if (result == IP_PARSED) {
			if (ip.protocol != cases[i].protocol || ip.header_len != cases[i].header_len)
				print_error("%s\n", cases[i].name);
			assert_int_equal(ip.protocol, cases[i].protocol);
			assert_int_equal(ip.header_len, cases[i].header_len);
			assert_int_equal(ip.payload_len, cases[i].payload_len);
		}
		if (result == IP_PARAMETER_PROBLEM) {
			if (ip.problem_code != cases[i].code || ip.problem_pointer != cases[i].pointer)
				print_error("%s\n", cases[i].name);
			assert_int_equal(ip.problem_code, cases[i].code);
			assert_int_equal(ip.problem_pointer, cases[i].pointer);
			assert_true(addr_equal(&ip.src, &host_a));
		}
	}
}

static void v6_lengths_and_chains(void **state)
{
	static const struct v6 cases[] = {
		{ "plain", 17, { 0 }, 8, 0, 0, GOOD, 17, 40, 8, 0, 0 },
		{ "empty", 17, { 0 }, 0, 0, 0, GOOD, 17, 40, 0, 0, 0 },
		{ "padded by the link", 17, { 0 }, 20, -5, 0, GOOD, 17, 40, 15, 0, 0 },
		{ "length beyond what came", 17, { 0 }, 20, 1, 0, BAD, 0, 0, 0, 0, 0 },
		{ "length 65535", 17, { 0 }, 20, 65515, 0, BAD, 0, 0, 0, 0, 0 },
		{ "no next header", 59, { 1, 2, 3 }, 3, 0, 0, GOOD, 59, 40, 0, 0, 0 },
		{ "hop-by-hop", 0, { 6, 0, 1, 4 }, 28, 0, 0, GOOD, 6, 48, 20, 0, 0 },
		{ "hop-by-hop beyond", 0, { 6, 3, 1, 28 }, 28, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "hop-by-hop of 255", 0, { 6, 255, 1, 28 }, 90, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "hop-by-hop in 7 octets", 0, { 6, 0, 1, 3 }, 7, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "hop-by-hop in none (jumbogram)", 0, { 6 }, 20, -20, 0, BAD, 0, 0, 0, 0, 0 },
		{ "hop-by-hop second", 60, { 0, 0, 1, 4, [8] = 6, 0, 1, 4 }, 20, 0, 0, TELL, 0, 0, 0, 1, 40 },
		{ "destination options twice",
		  60,
		  { 60, 0, 1, 4, [8] = 6, 1, 1, 12 },
		  44,
		  0,
		  0,
		  GOOD,
		  6,
		  64,
		  20,
		  0,
		  0 },
		{ "routing, no segments left", 43, { 6, 0, 0, 0 }, 28, 0, 0, GOOD, 6, 48, 20, 0, 0 },
		{ "routing type 0", 43, { 6, 2, 0, 1 }, 44, 0, 0, TELL, 0, 0, 0, 0, 42 },
		{ "routing type 2, to a group", 43, { 6, 2, 2, 1 }, 44, 0, TO_GROUP, BAD, 0, 0, 0, 0, 0 },
		{ "unknown header is the protocol", 51, { 6 }, 20, 0, 0, GOOD, 51, 40, 20, 0, 0 },
		{ "eight headers",
		  60,
		  { 60, 0, 1,  4, 0,  0, 0, 0, 60, 0, 1,  4, 0,	 0, 0, 0, 60, 0, 1,  4, 0, 0,
		    0,	0, 60, 0, 1,  4, 0, 0, 0,  0, 60, 0, 1,	 4, 0, 0, 0,  0, 60, 0, 1, 4,
		    0,	0, 0,  0, 60, 0, 1, 4, 0,  0, 0,  0, 17, 0, 1, 4, 0,  0, 0,  0 },
		  72,
		  0,
		  0,
		  GOOD,
		  17,
		  104,
		  8,
		  0,
		  0 },
		{ "nine headers",
		  60,
		  { 60, 0,  1,	4, 0, 0, 0, 0, 60, 0,  1,  4, 0, 0, 0, 0, 60, 0,  1,  4, 0, 0, 0,
		    0,	60, 0,	1, 4, 0, 0, 0, 0,  60, 0,  1, 4, 0, 0, 0, 0,  60, 0,  1, 4, 0, 0,
		    0,	0,  60, 0, 1, 4, 0, 0, 0,  0,  60, 0, 1, 4, 0, 0, 0,  0,  17, 0, 1, 4 },
		  80,
		  0,
		  0,
		  BAD,
		  0,
		  0,
		  0,
		  0,
		  0 },
	};

	(void)state;
	check_v6(cases, sizeof cases / sizeof cases[0]);
}

static void v6_options_by_their_action_bits(void **state)
{
	static const struct v6 cases[] = {
		{ "Pad1 all through", 60, { 17, 0, 0, 0, 0, 0, 0, 0 }, 8, 0, 0, GOOD, 17, 48, 0, 0, 0 },
		{ "PadN to the end", 60, { 17, 0, 1, 4 }, 8, 0, 0, GOOD, 17, 48, 0, 0, 0 },
		{ "PadN beyond", 60, { 17, 0, 1, 5 }, 16, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "length octet beyond", 60, { 17, 0, 1, 3, 0, 0, 0, 1 }, 16, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "router alert", 0, { 17, 0, 5, 2, 0, 0, 1, 0 }, 8, 0, 0, GOOD, 17, 48, 0, 0, 0 },
		{ "00: skip", 60, { 17, 0, 0x1e, 4 }, 8, 0, 0, GOOD, 17, 48, 0, 0, 0 },
		{ "01: discard", 60, { 17, 0, 0x5e, 4 }, 8, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "10: tell", 60, { 17, 0, 1, 0, 0x9e, 2 }, 8, 0, 0, TELL, 0, 0, 0, 2, 44 },
		{ "10: tell though to a group",
		  60,
		  { 17, 0, 0x9e, 4 },
		  8,
		  0,
		  TO_GROUP,
		  TELL,
		  0,
		  0,
		  0,
		  2,
		  42 },
		{ "10: but not to a group", 60, { 17, 0, 0x9e, 4 }, 8, 0, FROM_GROUP, BAD, 0, 0, 0, 0, 0 },
		{ "10: nor to nobody", 60, { 17, 0, 0x9e, 4 }, 8, 0, FROM_NOBODY, BAD, 0, 0, 0, 0, 0 },
		{ "11: tell", 60, { 17, 0, 0xde, 4 }, 8, 0, 0, TELL, 0, 0, 0, 2, 42 },
		{ "11: not if to a group", 60, { 17, 0, 0xde, 4 }, 8, 0, TO_GROUP, BAD, 0, 0, 0, 0, 0 },
		{ "jumbo payload", 0, { 17, 0, 0xc2, 4, 0, 1, 0, 0 }, 8, 0, 0, TELL, 0, 0, 0, 2, 42 },
	};

	(void)state;
	check_v6(cases, sizeof cases / sizeof cases[0]);
}

static void v6_fragments(void **state)
{
	static const struct v6 cases[] = {
		{ "first", 44, { 17, 0, 0, 1 }, 24, 0, 0, GOOD, 17, 48, 16, 0, 0 },
		{ "last", 44, { 17, 0, 0, 16 }, 17, 0, 0, GOOD, 17, 48, 9, 0, 0 },
		{ "after hop-by-hop",
		  0,
		  { 44, 0, 1, 4, [8] = 17, 0, 0, 1 },
		  32,
		  0,
		  0,
		  GOOD,
		  17,
		  56,
		  16,
		  0,
		  0 },
		{ "the walk ends there",
		  44,
		  { 60, 0, 0, 1, [8] = 17, 0, 0x5e, 4 },
		  24,
		  0,
		  0,
		  GOOD,
		  60,
		  48,
		  16,
		  0,
		  0 },
		{ "atomic", 44, { 17, 0, 0, 0 }, 24, 0, 0, GOOD, 17, 48, 16, 0, 0 },
		{ "atomic, and on", 44, { 60, 0, 0, 0, [8] = 17, 0, 1, 4 }, 24, 0, 0, GOOD, 17, 56, 8, 0, 0 },
		{ "two of them", 44, { 44, 0, 0, 0, [8] = 17, 0, 0, 0 }, 24, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "cut short", 44, { 17, 0, 0, 1 }, 7, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "empty", 44, { 17, 0, 0, 1 }, 8, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "not a multiple of eight", 44, { 17, 0, 0, 1 }, 23, 0, 0, TELL, 0, 0, 0, 0, 4 },
		{ "beyond 65535", 44, { 17, 0, 0xff, 0xf8 }, 24, 0, 0, TELL, 0, 0, 0, 0, 42 },
		{ "up to 65535", 44, { 17, 0, 0xff, 0xf8 }, 15, 0, 0, GOOD, 17, 48, 7, 0, 0 },
		{ "TCP in 16 octets", 44, { 6, 0, 0, 1 }, 24, 0, 0, BAD, 0, 0, 0, 0, 0 },
		{ "TCP from octet 8", 44, { 6, 0, 0, 8 }, 24, 0, 0, BAD, 0, 0, 0, 0, 0 },
	};

	(void)state;
	check_v6(cases, sizeof cases / sizeof cases[0]);
}

static void v6_fields(void **state)
{
	const struct v6	 v = { .next = 0,
			       .bytes = { 44, 0, 1, 4, [8] = 6, 0, 0x12, 0x31, 1, 2, 3, 4 },
			       .len = 40 };
	uint8_t		 p[256];
	struct ip_header ip;

	(void)state;
	assert_int_equal(parse_tight(&ip, p, make_v6(p, &v)), IP_PARSED);
	assert_true(addr_equal(&ip.src, &host_a));
	assert_true(addr_equal(&ip.dst, &host_b));
	assert_int_equal(ip.version, 6);
	assert_int_equal(ip.ttl, 61);
	assert_int_equal(ip.traffic_class, 0xb9);
	assert_int_equal(ip.flow_label, 0x12345);
	assert_true(ip.is_fragment);
	assert_true(ip.more_fragments);
	assert_int_equal(ip.fragment_offset, 0x1230);
	assert_int_equal(ip.id, 0x01020304);
	assert_int_equal(ip.unfragmentable_len, 48);
	assert_int_equal(ip.fragment_named_at, 40);
	assert_int_equal(ip.protocol_at, 48);
}

/* ::ffff:10.0.0.1 in an IPv6 header is nobody's: inside the stack it names an IPv4 host. */
static void v6_header_with_mapped_addresses_is_refused(void **state)
{
	const struct tern_addr mapped = addr_v4(0x0a000001);

	(void)state;
	for (unsigned at = 8; at <= 24; at += 16) {
		const struct v6	 v = { .next = 17, .len = 8 };
		uint8_t		 p[256];
		struct ip_header ip;
		const size_t	 len = make_v6(p, &v);

		memcpy(p + at, mapped.b, 16);
		assert_int_equal(parse_tight(&ip, p, len), IP_MALFORMED);
	}
}

static void other_versions_are_malformed(void **state)
{
	uint8_t		 p[64] = { 0 };
	struct ip_header ip;

	(void)state;
	for (unsigned version = 0; version < 16; version++) {
		p[0] = (uint8_t)(version << 4 | 5);
		put16(p + 2, 64);
		if (version != 6)
			assert_int_not_equal(parse_tight(&ip, p, sizeof p), IP_PARSED);
	}
}

/* --- both ---------------------------------------------------------------------------------------- */

static void every_truncation_is_malformed_but_readable_as_a_quote(void **state)
{
	const struct v6	 v = { .next = 0, .bytes = { 60, 0, 1, 4, [8] = 6, 0, 1, 4 }, .len = 36 };
	uint8_t		 p[256];
	struct ip_header ip;
	const size_t	 len = make_v6(p, &v);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(parse_tight(&ip, p, n), IP_MALFORMED);
		assert_int_equal(ip_wire_parse_quoted(&ip, p, n), n >= 56);
		if (n >= 56)
			assert_int_equal(ip.payload_len, n - 56);
	}
	static uint8_t	big[65600];
	const struct v4 w = { .came = 28, .total = 1500, .bad_checksum = true };
	make_v4(big, &w);
	assert_false(ip_wire_parse_quoted(&ip, big, 19));
	assert_true(ip_wire_parse_quoted(&ip, big, 28));
	assert_int_equal(ip.payload_len, 8);
	big[0] = 0x48; /* a header of 32 octets, of which 28 are quoted */
	assert_false(ip_wire_parse_quoted(&ip, big, 28));
}

static void what_is_written_is_read_back(void **state)
{
	static uint8_t p[70000];
	uint64_t       seed = 10;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		const uint64_t	 r = splitmix64(&seed);
		const bool	 v4 = r & 1, fragment = r & 2;
		struct ip_header out = {
			.version = v4 ? 4 : 6,
			.src = v4 ? addr_v4((uint32_t)splitmix64(&seed)) : host_a,
			.dst = v4 ? addr_v4((uint32_t)splitmix64(&seed)) : host_b,
			.protocol = 17,
			.ttl = (uint8_t)(r >> 8),
			.traffic_class = (uint8_t)(r >> 16),
			.flow_label = v4 ? 0 : (uint32_t)(r >> 24) & 0xfffff,
			.dont_fragment = r & 4,
			.id = v4 ? (uint32_t)(r >> 48) : (uint32_t)splitmix64(&seed),
		};
		const uint32_t	 payload = (uint32_t)(splitmix64(&seed) % 1480) / 8 * 8 + 8;
		struct ip_header in;

		if (fragment) {
			out.fragment_offset = (uint16_t)(splitmix64(&seed) % 60000 / 8 * 8);
			out.more_fragments = r & 8;
		}
		const size_t header =
			fragment ? ip_wire_emit_fragment(p, &out, payload) : ip_wire_emit(p, &out, payload);
		assert_int_equal(header, v4 ? 20 : fragment ? 48 : 40);
		assert_int_equal(ip_wire_parse(&in, p, header + payload), IP_PARSED);
		assert_true(addr_equal(&in.src, &out.src) && addr_equal(&in.dst, &out.dst));
		assert_int_equal(in.version, out.version);
		assert_int_equal(in.protocol, out.protocol);
		assert_int_equal(in.ttl, out.ttl);
		assert_int_equal(in.traffic_class, out.traffic_class);
		assert_int_equal(in.flow_label, out.flow_label);
		assert_int_equal(in.header_len, header);
		assert_int_equal(in.payload_len, payload);
		assert_int_equal(in.dont_fragment, v4 ? out.dont_fragment && !fragment : true);
		assert_int_equal(in.id, v4 || fragment ? out.id : 0);
		assert_int_equal(in.fragment_offset, out.fragment_offset);
		assert_int_equal(in.more_fragments, out.more_fragments);
	}
}

/* Noise with the first octets bent towards sense, each in a block of its own size. */
static void noise_is_read_or_refused(void **state)
{
	static const uint8_t likely[] = { 0, 6, 17, 43, 44, 58, 59, 60, 1, 2 };
	uint64_t	     seed = 11;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		const size_t	 len = splitmix64(&seed) % 200;
		uint8_t		 p[200];
		struct ip_header ip;

		for (size_t i = 0; i < len; i++) {
			const uint64_t r = splitmix64(&seed);
			p[i] = r & 0x300 ? likely[r % sizeof likely] : (uint8_t)r;
		}
		if (len > 5) {
			p[0] = splitmix64(&seed) & 1 ? 0x60 : (uint8_t)(0x45 + splitmix64(&seed) % 4);
			if (p[0] == 0x60)
				put16(p + 4, (uint16_t)(len - 40 - splitmix64(&seed) % 3));
			else
				put16(p + 2, (uint16_t)(len - splitmix64(&seed) % 3));
		}
		if (len >= 60 && p[0] >> 4 == 4) {
			put16(p + 10, 0);
			put16(p + 10, checksum_finish(checksum_add(0, p, (p[0] & 15) * 4u)));
		}
		parse_tight(&ip, p, len);
		if (ip_wire_parse_quoted(&ip, p, len))
			assert_true(ip.payload + ip.payload_len <= p + len);
	}
}

/* What is kept of a way's IPv4 headers gives the same octets as writing each, checksum and all. */
static void v4_from_its_head_is_as_written_anew(void **state)
{
	uint64_t seed = 4;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ip_header ip = {
			.src = addr_v4((uint32_t)splitmix64(&seed)),
			.dst = addr_v4((uint32_t)splitmix64(&seed)),
			.version = 4,
			.protocol = IPPROTO_TCP_,
			.ttl = (uint8_t)splitmix64(&seed), /* of whom it was kept: left out */
			.traffic_class = (uint8_t)splitmix64(&seed),
			.dont_fragment = splitmix64(&seed) & 1,
			.id = (uint16_t)splitmix64(&seed),
		};
		const uint32_t lengths[] = { 0, 20, 65515, (uint32_t)(splitmix64(&seed) % 65516) };
		const uint32_t payload = lengths[i % 4];
		uint8_t anew[IPV4_HEADER], kept[IPV4_HEADER];
		struct ip_head4 head;

		ip_head4_init(&head, &ip);
		ip.ttl = (uint8_t)splitmix64(&seed);
		ip.traffic_class = i % 2 ? (uint8_t)splitmix64(&seed) : 0;
		(void)ip_wire_emit(anew, &ip, payload);
		ip_head4_emit(kept, &head, ip.ttl, ip.traffic_class, payload);
		assert_memory_equal(kept, anew, sizeof anew);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_lengths_options_and_fragments),
		cmocka_unit_test(v4_fields),
		cmocka_unit_test(a_mark_mends_the_sum),
		cmocka_unit_test(v4_source_routes_are_told),
		cmocka_unit_test(v6_lengths_and_chains),
		cmocka_unit_test(v6_options_by_their_action_bits),
		cmocka_unit_test(v6_fragments),
		cmocka_unit_test(v6_fields),
		cmocka_unit_test(v6_header_with_mapped_addresses_is_refused),
		cmocka_unit_test(other_versions_are_malformed),
		cmocka_unit_test(every_truncation_is_malformed_but_readable_as_a_quote),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(v4_from_its_head_is_as_written_anew),
		cmocka_unit_test(noise_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
