/* UDP headers: what is taken, what is refused, and that what we write is what we read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wire/tuple.h"
#include "wire/udp.h"

static const struct tern_addr here6 = { { 0xfd, [15] = 1 } }, there6 = { { 0xfd, [15] = 2 } };

static struct ip_header packet(const struct tern_addr *src, const struct tern_addr *dst, const uint8_t *p, size_t n)
{
	return (struct ip_header){
		.src = *src, .dst = *dst, .version = addr_is_v4(src) ? 4 : 6, .protocol = IPPROTO_UDP_,
		.payload = p, .payload_len = (uint32_t)n,
	};
}

static void what_is_written_is_read(void **state)
{
	const struct tern_addr src = addr_v4(0x0a000001), dst = addr_v4(0x0a000002);
	uint8_t wire[UDP_HEADER + 300];
	struct udp_datagram udp;

	(void)state;
	for (size_t n = 0; n <= 300; n++) {
		const bool v6 = n % 2;
		const struct tern_addr *const from = v6 ? &here6 : &src, *const to = v6 ? &there6 : &dst;

		for (size_t i = 0; i < n; i++)
			wire[UDP_HEADER + i] = (uint8_t)(i * 31 + n);
		udp_wire_emit(wire, from, to, 53, 4711, wire + UDP_HEADER, (uint32_t)n);
		const struct ip_header ip = packet(from, to, wire, UDP_HEADER + n);

		assert_int_equal(udp_wire_parse(&udp, &ip, false), UDP_PARSED);
		assert_int_equal(udp.src_port, 53);
		assert_int_equal(udp.dst_port, 4711);
		assert_int_equal(udp.n, n);
		assert_ptr_equal(udp.data, wire + UDP_HEADER);
		wire[n % (UDP_HEADER + n)] ^= 0x10; /* any bit that flips is seen */
		assert_int_not_equal(udp_wire_parse(&udp, &ip, false), UDP_PARSED);
	}
}

/* RFC 768: zero means that there is none, so a sum that comes out as zero is sent as all ones. */
static void a_sum_is_never_sent_as_zero(void **state)
{
	const struct tern_addr src = addr_v4(0x0a000001), dst = addr_v4(0x0a000002);
	uint8_t wire[UDP_HEADER + 2];
	unsigned all_ones = 0;

	(void)state;
	for (uint32_t text = 0; text <= 0xffff; text++) {
		put16(wire + UDP_HEADER, (uint16_t)text);
		udp_wire_emit(wire, &src, &dst, 53, 4711, wire + UDP_HEADER, 2);
		assert_int_not_equal(get16(wire + 6), 0);
		all_ones += get16(wire + 6) == 0xffff;
	}
	assert_int_equal(all_ones, 1); /* the one that comes out so */
}

static void lengths_that_contradict_the_packet_are_refused(void **state)
{
	static const struct {
		uint16_t field;
		size_t	 octets;
		enum udp_parse_result result;
	} cases[] = {
		{ 8, 7, UDP_MALFORMED },   { 8, 0, UDP_MALFORMED },  { 7, 8, UDP_MALFORMED }, { 0, 8, UDP_MALFORMED },
		{ 9, 8, UDP_MALFORMED },   { 65535, 20, UDP_MALFORMED }, { 8, 8, UDP_PARSED }, { 8, 20, UDP_PARSED },
	};
	const struct tern_addr src = addr_v4(0x0a000001), dst = addr_v4(0x0a000002);
	struct udp_datagram udp;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t wire[32] = { 0, 1, 0, 2 };
		const struct ip_header ip = packet(&src, &dst, wire, cases[i].octets);

		put16(wire + 4, cases[i].field); /* checksum 0: none, fine over IPv4 */
		assert_int_equal(udp_wire_parse(&udp, &ip, false), cases[i].result);
	}
}

static void no_checksum_is_ipv4_only(void **state)
{
	const uint8_t wire[8] = { 0, 1, 0, 2, 0, 8, 0, 0 };
	const struct tern_addr src = addr_v4(0x0a000001), dst = addr_v4(0x0a000002);
	const struct ip_header v4 = packet(&src, &dst, wire, 8), v6 = packet(&here6, &there6, wire, 8);
	struct udp_datagram udp;

	(void)state;
	assert_int_equal(udp_wire_parse(&udp, &v4, false), UDP_PARSED);
	assert_int_equal(udp_wire_parse(&udp, &v6, false), UDP_BAD_CHECKSUM); /* RFC 8200 8.1 */
	assert_int_equal(udp_wire_parse(&udp, &v6, true), UDP_PARSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_sum_is_never_sent_as_zero),
		cmocka_unit_test(lengths_that_contradict_the_packet_are_refused),
		cmocka_unit_test(no_checksum_is_ipv4_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
