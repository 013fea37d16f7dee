/* Lengths that contradict each other: IPv4, IPv6, TCP and ICMP headers that say other than what came. */
#include "attacks/attack.h"

/* A bare ACK with 8 octets of text to a listener: answered with a reset if it is taken. */
static size_t an_ack(uint8_t *p, unsigned offset)
{
	const struct tcp_segment ack = {
		.src_port = 999, .flags = TCP_ACK, .wnd = 1000, .text = foe_text(0, 8), .text_len = 8
	};
	const size_t len = foe_segment(&foe, p, FOE_PEER, &ack);

	p[len - 28 + 12] = (uint8_t)(offset << 4);
	return len;
}

/* CVE-2020-11907, CVE-2020-24341, "INFRA:HALT tcp/icmp set": the grid of the IP header's total length, the octets that
 * came and TCP's data offset; sums are right for what the header says, so that the lengths alone decide. */
static void tcp_lengths_against_ip_and_frame(void **state)
{
	static const unsigned totals[] = { 0, 19, 20, 39, 40, 47, 48, 49, 1500, 65535 };
	static const unsigned frames[] = { 47, 48, 49, 60, 148 };
	uint8_t		      p[200];

	(void)state;
	begin(false);
	(void)foe_listen(&foe, 8);
	for (unsigned t = 0; t < sizeof totals / sizeof *totals; t++)
		for (unsigned f = 0; f < sizeof frames / sizeof *frames; f++)
			for (unsigned offset = 0; offset < 16; offset++) {
				const unsigned total = totals[t], frame = frames[f];
				const bool     whole = total <= frame && total >= 40;
				const bool     good = whole && offset >= 5 && offset * 4 <= total - 20;

				memset(p, 0, sizeof p);
				(void)an_ack(p, offset);
				put16(p + 2, (uint16_t)total);
				foe_sum_v4(p, IPV4_HEADER);
				if (whole)
					foe_sum_upper(&foe, p, IPV4_HEADER, total - 20, IPPROTO_TCP_, 16);
				foe_mark(&foe);
				foe_raw(&foe, p, frame);
				if (!good) {
					foe_was_dropped(&foe);
					continue;
				}
				assert_int_equal(foe_next(&foe), FOE_SEGMENT);
				assert_int_equal(foe.seg.flags & TCP_RST, TCP_RST);
				foe_left_no_state(&foe);
			}
	foe_end(&foe);
}

/* CVE-2020-24341: a TCP header cut short, each data offset, both versions. */
static void tcp_header_cut_short(void **state)
{
	uint8_t p[200];

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		begin(v6);
		(void)foe_listen(&foe, 8);
		for (unsigned n = 0; n < TCP_HEADER_MIN; n++)
			for (unsigned offset = 0; offset < 16; offset++) {
				uint8_t	     header[TCP_HEADER_MIN] = { 0, 5, 0, FOE_PORT };
				const size_t at = v6 ? IPV6_HEADER : IPV4_HEADER;

				header[12] = (uint8_t)(offset << 4);
				header[13] = TCP_SYN;
				const size_t len = foe_packet(&foe, p, FOE_PEER, IPPROTO_TCP_, header, n);
				if (n >= 18)
					foe_sum_upper(&foe, p, at, n, IPPROTO_TCP_, 16);
				foe_mark(&foe);
				foe_raw(&foe, p, len);
				foe_was_dropped(&foe);
			}
		foe_end(&foe);
	}
}

/* "INFRA:HALT tcp/icmp set": header length below the least, beyond the packet, total length below the header's. */
static void ipv4_header_lengths(void **state)
{
	uint8_t p[200];

	(void)state;
	begin(false);
	for (unsigned ihl = 0; ihl < 16; ihl++)
		for (unsigned total = 0; total < 70; total++) {
			const size_t len = an_ack(p, 5);

			p[0] = (uint8_t)(0x40 | ihl);
			put16(p + 2, (uint16_t)total);
			if (ihl >= 5)
				foe_sum_v4(p, ihl * 4);
			foe_mark(&foe);
			foe_raw(&foe, p, len);
			if (ihl < 5 || total < ihl * 4 || total > len)
				foe_was_dropped(&foe);
			else
				foe_left_no_state(&foe);
			(void)foe_drain(&foe);
		}
	foe_end(&foe);
}

/* CVE-2020-17441, CVE-2020-17443: IPv6 payload lengths other than what came, of echo requests of 0 to 8 octets; no
 * jumbo payload (length 0) either. */
static void icmpv6_echo_lengths(void **state)
{
	uint8_t p[200];

	(void)state;
	begin(true);
	for (unsigned n = 0; n <= 8; n++)
		for (unsigned declared = 0; declared < 80; declared++) {
			uint8_t	     echo[16] = { 128, 0 };
			const size_t len = foe_packet(&foe, p, FOE_PEER, IPPROTO_ICMP6, echo, 8 + n);

			foe_sum_upper(&foe, p, IPV6_HEADER, 8 + n, IPPROTO_ICMP6, 2);
			put16(p + 4, (uint16_t)(declared == 79 ? 65535 : declared));
			foe_mark(&foe);
			foe_raw(&foe, p, len);
			if (declared != 8 + n) {
				foe_was_dropped(&foe);
				continue;
			}
			assert_int_equal(foe_next(&foe), FOE_ICMP);
			assert_int_equal(foe.len, len);
			foe_left_no_state(&foe);
		}
	foe_end(&foe);
}

/* CVE-2026-7423: echo replies whose total length leaves less than an ICMP header. */
static void echo_replies_of_nothing(void **state)
{
	uint8_t p[200];

	(void)state;
	begin(false);
	for (unsigned n = 0; n < 8; n++) {
		const uint8_t reply[8] = { 0, 0, 0xff, 0xff };
		const size_t  len = foe_packet(&foe, p, FOE_PEER, IPPROTO_ICMP4, reply, n);

		foe_mark(&foe);
		foe_raw(&foe, p, len);
		foe_was_dropped(&foe);
		/* The same where the frame is longer than the header says. */
		memset(p + len, 0, 40);
		foe_mark(&foe);
		foe_raw(&foe, p, len + 40);
		foe_was_dropped(&foe);
	}
	foe_end(&foe);
}

/* "smoltcp a6841955": errors that quote 0 to 60 octets, of every type, both versions. */
static void errors_with_short_quotes(void **state)
{
	static const uint8_t types[2][6] = { { 3, 4, 5, 11, 12, 31 }, { 1, 2, 3, 4, 100, 127 } };

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		begin(v6);
		struct foe_flow flow = foe_flow(FOE_PEER, 5000);
		foe_open(&foe, foe_listen(&foe, 8), &flow);
		(void)foe_drain(&foe);
		const struct tcp_segment ours = {
			.src_port = FOE_PORT, .dst_port = 5000, .flags = TCP_ACK, .seq = flow.ack
		};
		uint8_t quote[100];

		(void)foe_segment(&foe, quote, FOE_PEER,
				  &ours); /* addresses are the wrong way round: turned */
		uint8_t	     turned[32];
		const size_t at = v6 ? 8 : 12, n = v6 ? 16 : 4;
		memcpy(turned, quote + at, 2 * n);
		memcpy(quote + at, turned + n, n);
		memcpy(quote + at + n, turned, n);
		for (unsigned type = 0; type < 6; type++)
			for (unsigned code = 0; code < 16; code++)
				for (unsigned len = 0; len <= 60; len++) {
					foe_mark(&foe);
					foe_icmp(&foe, FOE_PEER, types[v6][type], (uint8_t)code, 0, quote,
						 len);
					foe_was_dropped(&foe);
				}
		assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
		foe_end(&foe);
	}
}

/* CVE-2020-11913/11914 (without Ethernet): packets of 0 to 64 octets of every first octet. */
static void packets_of_nothing(void **state)
{
	uint8_t p[64] = { 0 };

	(void)state;
	begin(false);
	for (unsigned first = 0; first < 256; first++)
		for (unsigned len = 0; len <= 64; len++) {
			p[0] = (uint8_t)first;
			foe_mark(&foe);
			foe_raw(&foe, p, len);
			foe_was_dropped(&foe);
		}
	foe_end(&foe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_lengths_against_ip_and_frame),
		cmocka_unit_test(tcp_header_cut_short),
		cmocka_unit_test(ipv4_header_lengths),
		cmocka_unit_test(icmpv6_echo_lengths),
		cmocka_unit_test(echo_replies_of_nothing),
		cmocka_unit_test(errors_with_short_quotes),
		cmocka_unit_test(packets_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
