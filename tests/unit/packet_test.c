/* What host/packet.c puts around segments: addresses, identification, checksums, the MSS of the path. */
#include <string.h>

#include "unit/bare_listener.h"

static tern_socket socket_;

static void open_to(const char *local, uint16_t port)
{
	struct tern_open open = { .remote = { .addr = bare_addr(&b, BARE_PEER), .port = port } };

	if (local)
		assert_int_equal(tern_addr_parse(&open.local.addr, local), 0);
	assert_int_equal(tern_connect(b.host, &open, &socket_), 0);
}

/* The peer answers the segment at hand: a SYN by its SYN-ACK, else by an ACK of all that it carried. */
static void answer(void)
{
	const bool	   syn = b.seg.flags & TCP_SYN;
	const uint32_t	   len = tcp_seg_len(&b.seg);
	struct tcp_segment seg = { .seq = seq(syn ? ISN : ISN + 1), .ack = seq_add(b.seg.seq, len), .wnd = 60000 };

	seg.flags = syn ? TCP_SYN | TCP_ACK : TCP_ACK;
	seg.src_port = b.seg.dst_port;
	seg.dst_port = b.seg.src_port;
	seg.opt.has_mss = syn;
	seg.opt.mss = 1460;
	const struct tern_addr src = b.ip.dst, dst = b.ip.src;
	bare_send_to(&b, &src, &dst, &seg);
}

static bool sum_is_right(void)
{
	return checksum_is_right(checksum_add(
		checksum_pseudo(&b.ip.src, &b.ip.dst, IPPROTO_TCP_, b.ip.payload_len), b.ip.payload, b.ip.payload_len));
}

/* MUST-2: SYN, ACK, text of every length up to 70 octets, FIN, and a reset for nobody. */
static void every_segment_bears_its_checksum(void **state)
{
	static const uint8_t text[70] = { 0xff, 0xfe, 1, 2, 3, 0x80 };

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		unsigned seen = 0;

		begin();
		bare_begin(&b, &config, v6);
		open_to(NULL, 1000);
		for (unsigned n = 1; n <= sizeof text; n++) {
			for (; bare_next(&b); seen++) {
				assert_true(sum_is_right());
				if (tcp_seg_len(&b.seg) > 0)
					answer();
			}
			assert_int_equal(tern_send(b.host, socket_, text, n, 0), n);
		}
		assert_int_equal(tern_close(b.host, socket_), 0);
		bare_send(&b, BARE_PEER, 5, (struct tcp_segment){ .seq = seq(9), .flags = TCP_SYN });
		for (; bare_next(&b); seen++)
			assert_true(sum_is_right());
		assert_true(seen >= sizeof text + 3);
		bare_end(&b);
	}
}

/* MUST-45: of a host with two addresses, whether it was asked for, chosen by route, or what the peer named. */
static void a_connection_keeps_its_local_address(void **state)
{
	const struct tern_addr	  second = addr_v4(0x0a000003);
	const struct tern_addr	  peer = addr_v4(BARE_PEER);
	struct tcp_segment	  syn = a_syn();

	(void)state;
	for (int row = 0; row < 3; row++) {
		const struct tern_addr local = row == 1 ? addr_v4(BARE_HOST) : second;

		begin();
		bare_begin(&b, &config, false);
		assert_int_equal(tern_host_add_address(b.host, 0, &second, 8), 0);
		if (row == 2) {
			listen_on(&(struct tern_listen){ .local = { .port = 80 } });
			syn.src_port = 1000;
			syn.dst_port = 80;
			bare_send_to(&b, &peer, &second, &syn);
		} else {
			open_to(row == 0 ? "10.0.0.3" : NULL, 80);
		}
		for (int i = 0; i < 3; i++) { /* it is sent again, and again from there */
			assert_true(bare_next(&b));
			assert_true(addr_equal(&b.ip.src, &local));
			bare_wait(&b, 5 * TERN_SECOND);
		}
		if (row < 2) {
			answer();
			assert_int_equal(tern_send(b.host, socket_, "abc", 3, 0), 3);
			assert_int_equal(tern_close(b.host, socket_), 0);
		}
		while (bare_next(&b))
			assert_true(addr_equal(&b.ip.src, &local));
		bare_end(&b);
	}
}

/* MAY-4, RFC 6864 4.1: what is never cut bears 0 each time; what may be cut a new one each time. */
static void identifications_of_what_goes_again(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		uint32_t id[3];

		begin();
		config.no_path_mtu_discovery = cut;
		bare_begin(&b, &config, false);
		open_to(NULL, 80);
		for (int i = 0; i < 3; i++) {
			assert_true(bare_next(&b));
			assert_int_equal(b.ip.dont_fragment, !cut);
			id[i] = b.ip.id;
			bare_wait(&b, 5 * TERN_SECOND);
		}
		if (cut)
			assert_true(id[0] != id[1] && id[1] != id[2] && id[0] != id[2]);
		else
			assert_true(id[0] == 0 && id[1] == 0 && id[2] == 0);
		bare_end(&b);
	}
}

/* A router says that no packet of more than 1,000 octets passes, about the one at hand. */
static void too_big(void)
{
	uint8_t			  bytes[1024];
	const struct icmp_message icmp = { .kind = ICMP_PACKET_TOO_BIG, .mtu = 1000, .body = b.bytes, .body_len = 48 };
	const struct tern_addr	  router = bare_addr(&b, BARE_PEER), own = bare_addr(&b, BARE_HOST);
	const uint32_t		  n = (uint32_t)icmp_wire_emit(bytes + IPV4_HEADER, &icmp, &router, &own);
	const struct ip_header	  ip = { .src = router, .dst = own, .version = 4, .protocol = IPPROTO_ICMP4, .ttl = 9 };
	const uint32_t		  len = (uint32_t)ip_wire_emit(bytes, &ip, n) + n;
	struct tern_packet	  packet = { .part = { { bytes, len, NULL } }, .len = len, .n_parts = 1 };
	tern_packet		 *batch[] = { &packet };

	tern_host_input(b.host, batch, 1, b.now);
}

/* SHLD-6: the MSS told is of the smallest packet that the way is known to carry. */
static void the_mss_told_follows_the_smallest_mtu(void **state)
{
	static const uint8_t text[3000];

	(void)state;
	begin();
	bare_begin(&b, &config, false);
	open_to(NULL, 80);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.opt.mss, 1460);
	answer();
	bare_drain(&b);
	assert_int_equal(tern_send(b.host, socket_, text, sizeof text, 0), sizeof text);
	assert_true(bare_next(&b));
	assert_true(b.seg.text_len > 960);
	too_big();
	bare_drain(&b);
	open_to(NULL, 81);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags & TCP_SYN, TCP_SYN);
	assert_int_equal(b.seg.opt.mss, 960);
	bare_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_segment_bears_its_checksum),
		cmocka_unit_test(a_connection_keeps_its_local_address),
		cmocka_unit_test(identifications_of_what_goes_again),
		cmocka_unit_test(the_mss_told_follows_the_smallest_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
