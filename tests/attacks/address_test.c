/* Where a packet says it is from and to, and packets within packets. */
#include "attacks/attack.h"

static uint8_t packet[FOE_PACKET];

static size_t from_to(uint8_t *p, const struct tern_addr *src, const struct tern_addr *dst, uint8_t protocol,
		      const void *payload, size_t n)
{
	const struct ip_header ip = {
		.src = *src, .dst = *dst, .version = addr_is_v4(dst) ? 4 : 6, .protocol = protocol, .ttl = 64
	};
	const size_t header = ip_wire_emit(p, &ip, (uint32_t)n);

	memcpy(p + header, payload, n);
	return header + n;
}

static size_t syn_from_to(uint8_t *p, const struct tern_addr *src, const struct tern_addr *dst, uint16_t port)
{
	const struct tcp_segment syn = {
		.src_port = port, .dst_port = FOE_PORT, .flags = TCP_SYN, .wnd = 1000, .seq = seq(77)
	};
	uint8_t	     bytes[60];
	const size_t n = tcp_wire_emit(bytes, &syn), len = from_to(p, src, dst, IPPROTO_TCP_, bytes, n);

	foe.v6 = !addr_is_v4(dst);
	foe_sum_upper(&foe, p, len - n, n, IPPROTO_TCP_, 16);
	return len;
}

static struct tern_addr text_addr(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

/* "LAND": SYNs from the address and port that they go to, and from every address that is nobody's. */
static void from_ourselves_and_nobody(void **state)
{
	static const char *const sources[] = { "10.0.0.2",	 "127.0.0.1", "127.255.255.254",
					       "0.0.0.0",	 "0.1.2.3",   "255.255.255.255",
					       "10.255.255.255", "224.0.0.1", "239.1.2.3",
					       "fd00::2",	 "::1",	      "::",
					       "ff02::1",	 "ff0e::5" };

	(void)state;
	begin(false);
	(void)foe_listen(&foe, 8);
	for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++) {
		const struct tern_addr src = text_addr(sources[i]);
		const struct tern_addr dst = text_addr(addr_is_v4(&src) ? "10.0.0.2" : "fd00::2");

		for (unsigned port = 0; port < 100; port++) {
			foe_mark(&foe);
			foe_raw(&foe, packet,
				syn_from_to(packet, &src, &dst, (uint16_t)(port == 0 ? FOE_PORT : port)));
			foe_was_dropped(&foe);
		}
	}
	foe_end(&foe);
}

/* "ICMP smurf / broadcast": pings, datagrams and SYNs to everybody and to groups. */
static void to_everybody(void **state)
{
	static const char *const targets[] = { "255.255.255.255", "10.255.255.255", "224.0.0.1",
					       "239.255.255.250", "ff02::1",	    "ff02::2",
					       "ff02::1:ff00:2",  "ff05::2" };

	(void)state;
	begin(false);
	(void)foe_listen(&foe, 8);
	for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
		const struct tern_addr dst = text_addr(targets[i]);
		const bool	       v6 = !addr_is_v4(&dst);
		const struct tern_addr src = text_addr(v6 ? "fd00::1:5" : "10.1.0.5");
		uint8_t		       ask[8] = { v6 ? 128 : 8 }, datagram[8] = { 0, 7, 0, 9, 0, 8 };

		foe_mark(&foe);
		foe_raw(&foe, packet, syn_from_to(packet, &src, &dst, 999));
		size_t len = from_to(packet, &src, &dst, v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4, ask, sizeof ask);
		foe_sum_upper(&foe, packet, len - 8, 8, v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4, 2);
		foe_raw(&foe, packet, len);
		len = from_to(packet, &src, &dst, IPPROTO_UDP_, datagram, sizeof datagram);
		foe_sum_upper(&foe, packet, len - 8, 8, IPPROTO_UDP_, 6);
		foe_raw(&foe, packet, len);
		foe_was_dropped(&foe);
	}
	foe_end(&foe);
}

/* ---- packets within packets ---- */

static uint8_t inner[FOE_PACKET];

/* CVE-2020-11896, CVE-2020-11902, CVE-2020-10136: IP in IP, IPv6 in IP and GRE from anybody: not unpacked; answered
 * with few errors that quote what came. Inner lengths of every kind, payloads of 0 to 80 octets. */
static void tunnels_are_not_unpacked(void **state)
{
	static const uint8_t  protocols[] = { 4, 41, 47 };
	static const unsigned totals[] = { 0, 19, 20, 47, 48, 49, 65535 };

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < sizeof protocols; i++) {
			begin(v6);
			(void)foe_listen(&foe, 8);
			const struct tcp_segment syn = { .src_port = 999, .flags = TCP_SYN, .wnd = 1000 };
			unsigned		 errors = 0;

			for (unsigned t = 0; t < sizeof totals / sizeof *totals; t++)
				for (size_t n = 0; n <= 80; n++) {
					memset(inner, 0, 100);
					(void)foe_segment(&foe, inner, FOE_PEER + 1, &syn);
					put16(inner + (v6 ? 4 : 2), (uint16_t)totals[t]);
					const size_t len =
						foe_packet(&foe, packet, FOE_PEER, protocols[i], inner, n);
					foe_mark(&foe);
					foe_raw(&foe, packet, len);
					errors += only_errors(packet, len);
					foe_left_no_state(&foe);
				}
			assert_in_range(errors, 1, ICMP_BURST_MOST);
			assert_int_equal(foe_stats(&foe).ActiveOpens + foe_stats(&foe).PassiveOpens, 0);
			foe_end(&foe);
		}
}

/* CVE-2020-11896, CVE-2020-11898: the same in fragments, split at every place; the error quotes what was put together,
 * or nothing is sent. */
static void tunnels_in_fragments(void **state)
{
	const struct tcp_segment syn = { .src_port = 999, .flags = TCP_SYN, .wnd = 1000 };

	(void)state;
	begin(false);
	(void)foe_listen(&foe, 8);
	static const unsigned totals[] = { 0, 19, 20, 63, 64, 65, 65535 };
	for (unsigned t = 0; t < sizeof totals / sizeof *totals; t++)
		for (uint32_t at = 8; at < 64; at += 8)
			for (unsigned order = 0; order < 2; order++) {
				memset(inner, 0xee, 64);
				(void)foe_segment(&foe, inner, FOE_PEER + 1, &syn);
				put16(inner + 2, (uint16_t)totals[t]);
				foe_mark(&foe);
				for (unsigned half = 0; half < 2; half++) {
					const bool	       first = half == order;
					const struct ip_header ip = { .src = foe_addr(&foe, FOE_PEER),
								      .dst = foe_addr(&foe, FOE_HOST),
								      .version = 4,
								      .protocol = 4,
								      .ttl = 64,
								      .is_fragment = true,
								      .id = t * 100 + at,
								      .more_fragments = first,
								      .fragment_offset =
									      first ? 0 : (uint16_t)at };
					const uint32_t	       n = first ? at : 64 - at;
					const size_t	       header = ip_wire_emit_fragment(packet, &ip, n);

					memcpy(packet + header, inner + (first ? 0 : at), n);
					foe_raw(&foe, packet, header + n);
				}
				while (foe_next(&foe) != FOE_NOTHING) {
					assert_int_equal(foe.icmp.kind, ICMP_PROTOCOL_UNREACHABLE);
					assert_int_equal(foe.icmp.body_len, IPV4_HEADER + 64);
					assert_memory_equal(foe.icmp.body + IPV4_HEADER, inner, 64);
				}
				foe_left_no_state(&foe);
			}
	foe_end(&foe);
}

/* CVE-2020-11900: IP in IP, one to 64 deep: not even the first layer is taken off. */
static void nested_tunnels(void **state)
{
	(void)state;
	begin(false);
	const struct tcp_segment syn = { .src_port = 999, .flags = TCP_SYN, .wnd = 1000 };
	size_t			 len = foe_segment(&foe, inner, FOE_PEER, &syn);
	unsigned		 errors = 0;

	(void)foe_listen(&foe, 8);
	for (unsigned depth = 1; depth <= 64; depth++) {
		len = foe_packet(&foe, packet, FOE_PEER, 4, inner, len);
		memcpy(inner, packet, len);
		foe_mark(&foe);
		foe_raw(&foe, packet, len);
		errors += only_errors(packet, len);
		foe_left_no_state(&foe);
	}
	assert_in_range(errors, 1, ICMP_BURST_MOST);
	foe_end(&foe);
}

/* CVE-2019-12265/12259: IGMP, whole and in pieces, of no sources, for the group 0.0.0.0, of odd lengths: nobody here
 * speaks it. */
static void igmp(void **state)
{
	const struct tern_addr dst = text_addr("224.0.0.1"), src = text_addr("10.1.0.5");

	(void)state;
	begin(false);
	for (unsigned type = 0; type < 256; type++)
		for (size_t n = 0; n <= 24; n++) {
			uint8_t	     message[24] = { (uint8_t)type };
			const size_t len = from_to(packet, &src, &dst, 2, message, n);

			foe_mark(&foe);
			foe_raw(&foe, packet, len);
			put16(packet + 6, 0x2000); /* the first of several fragments */
			foe_sum_v4(packet, IPV4_HEADER);
			foe_raw(&foe, packet, len);
			foe_was_dropped(&foe);
		}
	foe_end(&foe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_ourselves_and_nobody),
		cmocka_unit_test(to_everybody),
		cmocka_unit_test(tunnels_are_not_unpacked),
		cmocka_unit_test(tunnels_in_fragments),
		cmocka_unit_test(nested_tunnels),
		cmocka_unit_test(igmp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
