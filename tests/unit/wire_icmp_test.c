#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/tuple.h"

static const struct tern_addr a6 = { { 0x20, 0x01, [15] = 1 } }, b6 = { { 0x20, 0x01, [15] = 2 } };

/* The IP header that a message of either version would come in. */
static struct ip_header around(bool v4, const uint8_t *payload, size_t len)
{
	return (struct ip_header){
		.version = v4 ? 4 : 6,
		.src = v4 ? addr_v4(0x0a000001) : a6,
		.dst = v4 ? addr_v4(0x0a000002) : b6,
		.protocol = v4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6,
		.payload = payload,
		.payload_len = (uint32_t)len,
	};
}

/* Fills in the checksum of a message made by hand. */
static void seal(bool v4, uint8_t *p, size_t len)
{
	const struct ip_header ip = around(v4, p, len);

	put16(p + 2, 0);
	put16(p + 2,
	      checksum_finish(checksum_add(
		      v4 ? 0 : checksum_pseudo(&ip.src, &ip.dst, IPPROTO_ICMP6, (uint32_t)len), p, len)));
}

static void types_and_codes_mean_their_kinds(void **state)
{
	static const struct {
		uint8_t	       version, type, code;
		enum icmp_kind kind;
	} cases[] = {
		{ 4, 0, 0, ICMP_ECHO_REPLY },	       { 4, 8, 0, ICMP_ECHO },
		{ 4, 8, 1, ICMP_OTHER },	       { 4, 3, 0, ICMP_NET_UNREACHABLE },
		{ 4, 3, 1, ICMP_HOST_UNREACHABLE },    { 4, 3, 2, ICMP_PROTOCOL_UNREACHABLE },
		{ 4, 3, 3, ICMP_PORT_UNREACHABLE },    { 4, 3, 4, ICMP_PACKET_TOO_BIG },
		{ 4, 3, 5, ICMP_NET_UNREACHABLE },     { 4, 3, 6, ICMP_NET_UNREACHABLE },
		{ 4, 3, 7, ICMP_HOST_UNREACHABLE },    { 4, 3, 8, ICMP_NET_UNREACHABLE },
		{ 4, 3, 9, ICMP_ADMIN_PROHIBITED },    { 4, 3, 10, ICMP_ADMIN_PROHIBITED },
		{ 4, 3, 11, ICMP_NET_UNREACHABLE },    { 4, 3, 12, ICMP_HOST_UNREACHABLE },
		{ 4, 3, 13, ICMP_ADMIN_PROHIBITED },   { 4, 3, 16, ICMP_OTHER },
		{ 4, 4, 0, ICMP_SOURCE_QUENCH },       { 4, 5, 0, ICMP_OTHER },
		{ 4, 11, 0, ICMP_TIME_EXCEEDED },      { 4, 11, 1, ICMP_REASSEMBLY_TIME },
		{ 4, 12, 0, ICMP_PARAMETER_PROBLEM },  { 4, 12, 2, ICMP_PARAMETER_PROBLEM },
		{ 4, 17, 0, ICMP_OTHER },	       { 4, 18, 0, ICMP_OTHER },
		{ 4, 128, 0, ICMP_OTHER },	       { 6, 1, 0, ICMP_NET_UNREACHABLE },
		{ 6, 1, 1, ICMP_ADMIN_PROHIBITED },    { 6, 1, 2, ICMP_HOST_UNREACHABLE },
		{ 6, 1, 3, ICMP_HOST_UNREACHABLE },    { 6, 1, 4, ICMP_PORT_UNREACHABLE },
		{ 6, 1, 5, ICMP_ADMIN_PROHIBITED },    { 6, 1, 6, ICMP_ADMIN_PROHIBITED },
		{ 6, 1, 7, ICMP_NET_UNREACHABLE },     { 6, 2, 0, ICMP_PACKET_TOO_BIG },
		{ 6, 2, 9, ICMP_PACKET_TOO_BIG },      { 6, 3, 0, ICMP_TIME_EXCEEDED },
		{ 6, 3, 1, ICMP_REASSEMBLY_TIME },     { 6, 4, 0, ICMP_PARAMETER_PROBLEM },
		{ 6, 4, 1, ICMP_PROTOCOL_UNREACHABLE }, { 6, 4, 2, ICMP_PARAMETER_PROBLEM },
		{ 6, 8, 0, ICMP_OTHER },	       { 6, 128, 0, ICMP_ECHO },
		{ 6, 129, 0, ICMP_ECHO_REPLY },	       { 6, 135, 0, ICMP_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t p[20] = { cases[i].type, cases[i].code, 0, 0, 0x11, 0x22, 0x33, 0x44, 'b' };
		struct icmp_message m;

		seal(cases[i].version == 4, p, sizeof p);
		const struct ip_header ip = around(cases[i].version == 4, p, sizeof p);
		assert_true(icmp_wire_parse(&m, &ip));
		if (m.kind != cases[i].kind)
			print_error("v%d %d/%d\n", cases[i].version, cases[i].type, cases[i].code);
		assert_int_equal(m.kind, cases[i].kind);
		assert_int_equal(m.type, cases[i].type);
		assert_int_equal(m.code, cases[i].code);
		assert_ptr_equal(m.body, p + 8);
		assert_int_equal(m.body_len, 12);
		const bool v4 = cases[i].version == 4;
		assert_int_equal(m.mtu, m.kind != ICMP_PACKET_TOO_BIG ? 0 : v4 ? 0x3344 : 0x11223344);
		assert_int_equal(m.pointer, m.kind != ICMP_PARAMETER_PROBLEM ? 0 : v4 ? 0x11 : 0x11223344);
		assert_int_equal(m.echo, m.kind == ICMP_ECHO || m.kind == ICMP_ECHO_REPLY ? 0x11223344 : 0);
	}
}

static void what_is_not_whole_or_not_icmp_is_refused(void **state)
{
	(void)state;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint8_t		    p[16] = { v4 ? 8 : 128 };
		struct icmp_message m;

		seal(v4, p, sizeof p);
		struct ip_header ip = around(v4, p, sizeof p);
		assert_true(icmp_wire_parse(&m, &ip));
		ip.protocol = v4 ? IPPROTO_ICMP6 : IPPROTO_ICMP4;
		assert_false(icmp_wire_parse(&m, &ip));
		ip = around(v4, p, sizeof p), ip.is_fragment = true;
		assert_false(icmp_wire_parse(&m, &ip));
		for (size_t i = 0; i < sizeof p * 8; i++) {
			ip = around(v4, p, sizeof p);
			p[i / 8] ^= (uint8_t)(1 << i % 8);
			assert_false(icmp_wire_parse(&m, &ip));
			p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (size_t n = 0; n < 8; n++) {
			uint8_t *tight = calloc(1, n + 1);
			memset(tight, 0xff, n < 2 ? n : 2); /* zero so far as the sum goes */
			ip = around(v4, tight, n);
			assert_false(icmp_wire_parse(&m, &ip));
			free(tight);
		}
		ip = around(v4, p, sizeof p), ip.src.b[15] ^= 1; /* in the pseudo-header of IPv6 alone */
		assert_int_equal(icmp_wire_parse(&m, &ip), v4);
	}
}

static void what_is_written_is_read_back(void **state)
{
	static const enum icmp_kind kinds[] = {
		ICMP_ECHO,
		ICMP_ECHO_REPLY,
		ICMP_NET_UNREACHABLE,
		ICMP_HOST_UNREACHABLE,
		ICMP_PROTOCOL_UNREACHABLE,
		ICMP_PORT_UNREACHABLE,
		ICMP_ADMIN_PROHIBITED,
		ICMP_PACKET_TOO_BIG,
		ICMP_TIME_EXCEEDED,
		ICMP_REASSEMBLY_TIME,
		ICMP_PARAMETER_PROBLEM,
		ICMP_OTHER,
	};

	(void)state;
	for (int v4 = 0; v4 <= 1; v4++) {
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			const struct icmp_message out = { .kind = kinds[i],
							  .type = 200,
							  .code = 2,
							  .mtu = 1400,
							  .pointer = 77,
							  .echo = 0xabcd1234,
							  .body = (const uint8_t *)"quoted",
							  .body_len = 6 };
			uint8_t			  p[14];
			struct icmp_message	  in;
			const struct ip_header	  ip = around(v4, p, sizeof p);

			assert_int_equal(icmp_wire_emit(p, &out, &ip.src, &ip.dst), 14);
			assert_true(icmp_wire_parse(&in, &ip));
			assert_int_equal(in.kind, out.kind);
			assert_memory_equal(in.body, "quoted", 6);
			if (in.kind == ICMP_ECHO || in.kind == ICMP_ECHO_REPLY)
				assert_int_equal(in.echo, out.echo);
			if (in.kind == ICMP_PACKET_TOO_BIG)
				assert_int_equal(in.mtu, 1400);
			if (in.kind == ICMP_PARAMETER_PROBLEM) {
				assert_int_equal(in.pointer, 77);
				assert_int_equal(in.code, v4 ? 0 : 2);
			}
			if (in.kind == ICMP_OTHER)
				assert_int_equal(in.type, 200);
		}
	}
}

static void sent_types_and_codes_are_the_usual_ones(void **state)
{
	static const struct {
		enum icmp_kind kind;
		uint8_t	       v4[2], v6[2];
	} cases[] = {
		{ ICMP_ECHO, { 8, 0 }, { 128, 0 } },
		{ ICMP_ECHO_REPLY, { 0, 0 }, { 129, 0 } },
		{ ICMP_NET_UNREACHABLE, { 3, 0 }, { 1, 0 } },
		{ ICMP_HOST_UNREACHABLE, { 3, 1 }, { 1, 3 } },
		{ ICMP_PROTOCOL_UNREACHABLE, { 3, 2 }, { 4, 1 } },
		{ ICMP_PORT_UNREACHABLE, { 3, 3 }, { 1, 4 } },
		{ ICMP_ADMIN_PROHIBITED, { 3, 13 }, { 1, 1 } },
		{ ICMP_PACKET_TOO_BIG, { 3, 4 }, { 2, 0 } },
		{ ICMP_TIME_EXCEEDED, { 11, 0 }, { 3, 0 } },
		{ ICMP_REASSEMBLY_TIME, { 11, 1 }, { 3, 1 } },
		{ ICMP_PARAMETER_PROBLEM, { 12, 0 }, { 4, 0 } },
	};
	const struct tern_addr a4 = addr_v4(1), b4 = addr_v4(2);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct icmp_message m = { .kind = cases[i].kind };
		uint8_t			  p[8];

		assert_int_equal(icmp_wire_emit(p, &m, &a4, &b4), 8);
		assert_memory_equal(p, cases[i].v4, 2);
		assert_int_equal(icmp_wire_emit(p, &m, &a6, &b6), 8);
		assert_memory_equal(p, cases[i].v6, 2);
	}
}

static void the_body_may_stand_in_its_place_already(void **state)
{
	const struct tern_addr	  a4 = addr_v4(1), b4 = addr_v4(2);
	uint8_t			  p[16] = { [8] = 'p', 'l', 'a', 'c', 'e', 'd', '!', '!' };
	const struct icmp_message m = { .kind = ICMP_ECHO, .body = p + 8, .body_len = 8 };

	(void)state;
	assert_int_equal(icmp_wire_emit(p, &m, &a4, &b4), 16);
	assert_memory_equal(p + 8, "placed!!", 8);
	assert_true(checksum_is_right(checksum_add(0, p, 16)));
}

/* A segment of ours as an error would quote it: header and the first octets of TCP. */
static size_t quote(bool v4, uint8_t *p, uint8_t protocol, uint16_t fragment_offset)
{
	struct ip_header ip = around(v4, NULL, 0);

	ip.protocol = protocol;
	ip.fragment_offset = fragment_offset;
	ip.more_fragments = fragment_offset != 0;
	const size_t header =
		fragment_offset ? ip_wire_emit_fragment(p, &ip, 1000) : ip_wire_emit(p, &ip, 1000);
	put16(p + header, 4000);
	put16(p + header + 2, 80);
	put32(p + header + 4, 0xcafebabe);
	return header + 8;
}

static void a_quote_of_eight_octets_names_the_connection(void **state)
{
	(void)state;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint8_t		 p[80];
		struct ip_header quoted;
		uint16_t	 src, dst;
		uint32_t	 seq;
		const size_t	 len = quote(v4, p, IPPROTO_TCP_, 0);

		for (size_t n = 0; n <= len; n++) {
			const struct icmp_message m = { .body = p, .body_len = (uint32_t)n };
			assert_int_equal(icmp_wire_quoted_tcp(&m, &quoted, &src, &dst, &seq), n == len);
		}
		const struct ip_header ours = around(v4, NULL, 0);
		assert_true(addr_equal(&quoted.src, &ours.src) && addr_equal(&quoted.dst, &ours.dst));
		assert_int_equal(src, 4000);
		assert_int_equal(dst, 80);
		assert_int_equal(seq, 0xcafebabe);
	}
}

static void a_quote_of_anything_else_names_none(void **state)
{
	(void)state;
	for (int v4 = 0; v4 <= 1; v4++) {
		uint8_t		    p[80];
		struct ip_header    quoted;
		uint16_t	    src, dst;
		uint32_t	    seq;
		struct icmp_message m = { .body = p, .body_len = (uint32_t)quote(v4, p, IPPROTO_UDP_, 0) };

		assert_false(icmp_wire_quoted_tcp(&m, &quoted, &src, &dst, &seq));
		m.body_len = (uint32_t)quote(v4, p, IPPROTO_TCP_, 800);
		assert_false(icmp_wire_quoted_tcp(&m, &quoted, &src, &dst, &seq));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_and_codes_mean_their_kinds),
		cmocka_unit_test(what_is_not_whole_or_not_icmp_is_refused),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(sent_types_and_codes_are_the_usual_ones),
		cmocka_unit_test(the_body_may_stand_in_its_place_already),
		cmocka_unit_test(a_quote_of_eight_octets_names_the_connection),
		cmocka_unit_test(a_quote_of_anything_else_names_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
