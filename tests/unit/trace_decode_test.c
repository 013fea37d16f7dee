/* From a packet of each link to a TCP segment: tags, fragments, what was cut off, what a device was to complete. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "support/capture.h"
#include "support/random.h"
#include "wire/checksum.h"
#include "wire/ip.h"

static struct trace_decoder decoder;

static const struct capture_segment plain = {
	.seq = 1000, .ack = 5, .len = 40, .flags = TERN_ACK | TERN_PSH
};

static bool decode(const void *bytes, size_t n, uint32_t len, uint16_t link, struct trace_segment *segment)
{
	const struct trace_packet packet = {
		.at = 5, .number = 1, .bytes = bytes, .n = (uint32_t)n, .len = len, .link = link
	};

	return trace_decode(&decoder, &packet, segment);
}

static void each_link_has_its_header(void **state)
{
	static const struct {
		uint16_t    link;
		const char *before;
		unsigned    n;
		uint8_t	    direction;
	} links[] = {
		{ 1, "\1\2\3\4\5\6\1\2\3\4\5\7\x08\x00", 14, 0 },
		{ 1, "\1\2\3\4\5\6\1\2\3\4\5\7\x81\x00\x00\x07\x08\x00", 18, 0 },
		{ 1, "\1\2\3\4\5\6\1\2\3\4\5\7\x88\xa8\x00\x07\x81\x00\x00\x09\x08\x00", 22, 0 },
		{ 1, "\1\2\3\4\5\6\1\2\3\4\5\7\x91\x00\x00\x07\x81\x00\x00\x09\x08\x00", 22, 0 },
		{ 101, "", 0, 0 },
		{ 12, "", 0, 0 },
		{ 228, "", 0, 0 },
		{ 0, "\2\0\0\0", 4, 0 },
		{ 108, "\0\0\0\2", 4, 0 },
		{ 9, "\xff\x03\x00\x21", 4, 0 },
		{ 9, "\x00\x21", 2, 0 },
		{ 113, "\0\4\0\1\0\6\1\2\3\4\5\6\0\0\x08\x00", 16, TRACE_OUTBOUND },
		{ 113, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x81\x00\x00\x05\x08\x00", 20, TRACE_INBOUND },
		{ 276, "\x08\x00\0\0\0\0\0\2\0\1\4\6\1\2\3\4\5\6\0\0", 20, TRACE_OUTBOUND },
	};
	uint8_t packet[256];

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct trace_segment segment;

		memcpy(packet, links[i].before, links[i].n);
		const size_t n = links[i].n + capture_packet(packet + links[i].n, &plain);

		assert_true(decode(packet, n, (uint32_t)n, links[i].link, &segment));
		assert_int_equal(segment.seq, 1000);
		assert_int_equal(segment.len, 40);
		assert_int_equal(segment.tuple.local_port, 1000);
		assert_int_equal(segment.direction, links[i].direction);
		assert_true(segment.has_right_sum);
		/* Padding of the link's is none of the segment's. */
		assert_true(decode(packet, n + 6, (uint32_t)n + 6, links[i].link, &segment));
		assert_int_equal(segment.len, 40);
	}
}

static void what_is_none_is_counted(void **state)
{
	static const uint8_t arp[60] = { [12] = 8, [13] = 6 };
	uint8_t		     packet[256];
	const size_t	     n = capture_packet(packet, &plain);
	struct trace_segment segment;

	(void)state;
	assert_false(decode(arp, sizeof arp, 60, 1, &segment));
	assert_int_equal(decoder.others.not_ip, 1);
	assert_false(decode(packet, n, (uint32_t)n, 105, &segment));
	assert_int_equal(decoder.others.unknown_link, 1);
	assert_int_equal(decoder.others.last_unknown_link, 105);
	packet[9] = 17;
	put16(packet + 10, 0); /* as where a device was to fill it in */
	assert_false(decode(packet, n, (uint32_t)n, 101, &segment));
	assert_int_equal(decoder.others.not_tcp, 1);
	assert_false(decode(packet, 10, (uint32_t)n, 101, &segment));
	assert_int_equal(decoder.others.malformed, 1);
	put16(packet + 10, 1); /* a wrong sum over the IP header: nothing in it is to be believed */
	assert_false(decode(packet, n, (uint32_t)n, 101, &segment));
	assert_int_equal(decoder.others.malformed, 2);
}

/* However little the snaplen left: lengths are the IP header's. */
static void cut_packets_keep_their_length(void **state)
{
	struct capture_segment with = plain;
	uint8_t		       packet[2048];
	struct trace_segment   segment;

	(void)state;
	with.len = 1400;
	with.opt.has_ts = true;
	with.opt.ts_val = 77;
	for (int v6 = 0; v6 < 2; v6++) {
		with.v6 = v6;
		const size_t n = capture_packet(packet, &with), ip = v6 ? 40 : 20;

		for (size_t have = ip + 20; have <= n; have++) {
			assert_true(decode(packet, have, (uint32_t)n, 101, &segment));
			assert_int_equal(segment.len, 1400);
			assert_int_equal(segment.is_cut, have < ip + 32);
			assert_int_equal(segment.opt.has_ts, have >= ip + 32);
			assert_false(segment.is_corrupt);
		}
		assert_false(decode(packet, ip + 19, (uint32_t)n, 101, &segment));
	}
}

static void checksums_tell_damage_from_offload(void **state)
{
	uint8_t		     packet[256];
	const size_t	     n = capture_packet(packet, &plain);
	struct trace_segment segment;
	struct tern_addr     src, dst;

	(void)state;
	packet[n - 1] ^= 1;
	assert_true(decode(packet, n, (uint32_t)n, 101, &segment));
	assert_true(segment.is_corrupt);
	/* CHECKSUM_PARTIAL: the pseudo-header's sum, for the device to go on with. */
	(void)tern_addr_parse(&src, "10.0.0.1");
	(void)tern_addr_parse(&dst, "10.0.0.2");
	put16(packet + 36, (uint16_t)~checksum_finish(checksum_pseudo(&src, &dst, 6, (uint32_t)n - 20)));
	assert_true(decode(packet, n, (uint32_t)n, 101, &segment));
	assert_false(segment.is_corrupt);
	assert_false(segment.has_right_sum);
}

/* TSO: a segment longer than any packet; IPv4's total length may be left 0. */
static void a_length_of_zero_is_what_came(void **state)
{
	uint8_t		       packet[2048];
	struct capture_segment with = plain;
	struct trace_segment   segment;

	(void)state;
	with.len = 1500;
	const size_t n = capture_packet(packet, &with);

	put16(packet + 2, 0);
	assert_true(decode(packet, n, (uint32_t)n, 101, &segment));
	assert_int_equal(segment.len, 1500);
	assert_true(decode(packet, 60, 70040, 101, &segment));
	assert_int_equal(segment.len, 70000);
}

/* In any order, with one of them twice; and another datagram's between. */
static void fragments_make_one_segment(void **state)
{
	static const unsigned  orders[][5] = { { 0, 1, 2, 2, 9 }, { 2, 1, 1, 0, 9 }, { 1, 0, 0, 2, 9 } };
	uint8_t		       whole[2048], piece[3][700];
	struct capture_segment with = plain;
	struct trace_segment   segment;

	(void)state;
	with.len = 1180;
	(void)capture_packet(whole, &with);
	for (unsigned i = 0; i < 3; i++) { /* 1200 octets behind the IP header in three pieces */
		struct ip_header ip = { .version = 4, .protocol = 6, .ttl = 9, .id = 77 };

		(void)tern_addr_parse(&ip.src, "10.0.0.1");
		(void)tern_addr_parse(&ip.dst, "10.0.0.2");
		ip.fragment_offset = (uint16_t)(i * 400);
		ip.more_fragments = i < 2;
		assert_int_equal(ip_wire_emit_fragment(piece[i], &ip, 400), 20);
		memcpy(piece[i] + 20, whole + 20 + (size_t)i * 400, 400);
	}
	for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
		unsigned made = 0, mask = 0;

		for (unsigned k = 0; orders[o][k] != 9 && mask != 7; k++) {
			mask |= 1u << orders[o][k];
			made += decode(piece[orders[o][k]], 420, 420, 101, &segment);
			assert_int_equal(made, mask == 7);
		}
		assert_int_equal(segment.len, 1180);
		assert_int_equal(segment.seq, 1000);
		assert_int_equal(segment.fragments, orders[o][2] == orders[o][1] ? 4
						    : orders[o][0] == 1		 ? 4
										 : 3);
	}
}

/* Anything may stand in a packet. */
static void hostile_packets_are_borne(void **state)
{
	struct chance chance = { 3 };
	uint8_t	      packet[128];

	(void)state;
	for (int run = 0; run < 200000; run++) {
		static const uint16_t  links[] = { 0, 1, 9, 12, 101, 108, 113, 228, 276 };
		struct capture_segment with = plain;
		struct trace_segment   segment;

		with.v6 = run & 1;
		with.len = 4;
		memset(packet, 0, sizeof packet);
		const size_t before = chance_below(&chance, 24);
		const size_t n = before + capture_packet(packet + before, &with);

		for (uint64_t k = chance_below(&chance, 6); k > 0; k--)
			packet[chance_below(&chance, n)] = (uint8_t)chance_next(&chance);
		const size_t have = chance_below(&chance, n + 1);

		/* A copy of just that size, so that a sanitizer sees what is read beyond it. */
		uint8_t *const exact = test_malloc(have + 1);

		memcpy(exact, packet, have);
		(void)decode(exact, have, (uint32_t)n,
			     links[chance_below(&chance, sizeof links / sizeof *links)], &segment);
		test_free(exact);
	}
}

static int set_up(void **state)
{
	(void)state;
	trace_decoder_init(&decoder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trace_decoder_done(&decoder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_link_has_its_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_none_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_packets_keep_their_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checksums_tell_damage_from_offload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_length_of_zero_is_what_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fragments_make_one_segment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hostile_packets_are_borne, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
