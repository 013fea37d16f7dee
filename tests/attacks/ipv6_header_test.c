/* IPv6 extension headers: routing, hop-by-hop, destination options, long chains, and the errors about them. */
#include "attacks/attack.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60, ICMP_PROBLEM = 4 };

static uint8_t packet[FOE_PACKET];

/* The answer is a reset (the segment behind got through), an error, or nothing; state never. */
static enum foe_answer send_headers(uint8_t first, const uint8_t *headers, size_t n)
{
	const size_t	len = behind_headers(packet, first, headers, n);
	enum foe_answer answer;

	foe_mark(&foe);
	foe_raw(&foe, packet, len);
	answer = foe_next(&foe);
	if (answer == FOE_ICMP) {
		assert_int_equal(foe.icmp.type, ICMP_PROBLEM);
		assert_true(foe.icmp.body_len <= len);
		assert_memory_equal(foe.icmp.body, packet, foe.icmp.body_len);
		assert_true(foe.icmp.pointer < len);
	}
	assert_true(answer != FOE_OTHER);
	assert_int_equal(foe_drain(&foe), 0);
	foe_left_no_state(&foe);
	foe.now += TERN_SECOND; /* so that the limit of errors hides none */
	tern_host_advance(foe.host, foe.now);
	return answer;
}

/* CVE-2020-11897: routing headers of type 0 and 2, every length and number of segments left: never followed, and an
 * error where RFC 8200 4.4 wants one. */
static void routing_headers(void **state)
{
	uint8_t headers[2048];

	(void)state;
	begin(true);
	(void)foe_listen(&foe, 8);
	for (unsigned type = 0; type <= 2; type += 2)
		for (unsigned len = 0; len < 256; len++)
			for (unsigned left = 0; left < 256; left += left < 4 ? 1 : 63) {
				memset(headers, 0xfd, sizeof headers);
				headers[0] = IPPROTO_TCP_;
				headers[1] = (uint8_t)len;
				headers[2] = (uint8_t)type;
				headers[3] = (uint8_t)left;
				assert_int_equal(send_headers(ROUTING, headers, (len + 1) * 8),
						 left == 0 ? FOE_SEGMENT : FOE_ICMP);
				assert_int_equal(foe_stats(&foe).TernConnections, 0);
			}
	foe_end(&foe);
}

/* CVE-2020-11897: cut after each octet, by the length of the packet and by what came. */
static void routing_headers_cut_short(void **state)
{
	uint8_t headers[24] = { IPPROTO_TCP_, 2, 0, 1 };

	(void)state;
	begin(true);
	const size_t len = behind_headers(packet, ROUTING, headers, sizeof headers);
	for (size_t n = 0; n < len; n++)
		for (unsigned told = 0; told < 2; told++) {
			put16(packet + 4,
			      (uint16_t)(told && n >= IPV6_HEADER ? n - IPV6_HEADER : len - IPV6_HEADER));
			foe_mark(&foe);
			foe_raw(&foe, packet, n);
			if (only_errors(packet, n) == 0)
				foe_was_dropped(&foe);
			foe_left_no_state(&foe);
		}
	foe_end(&foe);
}

/* CVE-2020-17442: hop-by-hop headers of every length, with 8 to 64 octets there; options that end beyond it. */
static void hop_by_hop_lengths(void **state)
{
	uint8_t headers[64];

	(void)state;
	begin(true);
	for (unsigned first = HOP_BY_HOP; first <= DESTINATION; first += DESTINATION)
		for (unsigned len = 0; len < 256; len++)
			for (unsigned n = 8; n <= sizeof headers; n += 8)
				for (unsigned option = 0; option < 256; option += option < 8 ? 1 : 31) {
					memset(headers, 0, sizeof headers);
					headers[0] = IPPROTO_TCP_;
					headers[1] = (uint8_t)len;
					headers[2] = 1; /* PadN */
					headers[3] = (uint8_t)option;
					const size_t whole =
						behind_headers(packet, (uint8_t)first, headers, n);
					foe_mark(&foe);
					/* What stands behind the header is no segment where len is not n's. */
					foe_raw(&foe, packet, whole);
					(void)foe_drain(&foe);
					if ((len + 1) * 8 > whole - IPV6_HEADER) {
						assert_int_equal(foe.came, 0);
						foe_was_dropped(&foe);
					} else if (option > (len + 1) * 8 - 4) {
						assert_true(foe.came == 0 ||
							    foe.ip.protocol == IPPROTO_ICMP6);
					}
					foe_left_no_state(&foe);
				}
	foe_end(&foe);
}

static void pad(uint8_t *p, size_t n)
{
	while (n > 0) {
		const size_t piece = n == 1 ? 1 : n < 200 ? n : 200;

		memset(p, 0, piece);
		if (piece > 1)
			p[0] = 1, p[1] = (uint8_t)(piece - 2);
		p += piece, n -= piece;
	}
}

/* CVE-2020-17445: destination options of every kind and length; floods of Pad1 and PadN and of options to be skipped
 * are dropped (RFC 8504 5.3). */
static void destination_options(void **state)
{
	uint8_t headers[2048];

	(void)state;
	begin(true);
	(void)foe_listen(&foe, 8);
	for (unsigned kind = 1; kind < 256; kind++) /* 0 is Pad1, which has no length */
		for (unsigned len = 0; len < 256; len++) {
			memset(headers, 0, 264);
			headers[0] = IPPROTO_TCP_;
			headers[1] = 264 / 8 - 1;
			headers[2] = (uint8_t)kind;
			headers[3] = (uint8_t)len;
			pad(headers + 4 + len, 260 - len);
			const enum foe_answer answer = send_headers(DESTINATION, headers, 264);
			if (kind >> 6 == 0)
				assert_int_equal(answer, FOE_SEGMENT); /* skipped (RFC 8200 4.2) */
			else
				assert_int_equal(answer, kind >> 6 == 1 ? FOE_NOTHING : FOE_ICMP);
		}
	for (unsigned n = 8; n <= 2048; n += 8) { /* floods */
		memset(headers, 0, sizeof headers);
		headers[0] = IPPROTO_TCP_;
		headers[1] = (uint8_t)(n / 8 - 1);
		assert_int_equal(send_headers(DESTINATION, headers, n), n == 8 ? FOE_SEGMENT : FOE_NOTHING);
		for (unsigned kind = 1; kind < 0x40; kind += 0x1d) {
			for (unsigned at = 2; at < n; at += 2)
				headers[at] = (uint8_t)kind, headers[at + 1] = 0;
			assert_int_equal(send_headers(DESTINATION, headers, n),
					 (n - 2) / 2 <= IP_V6_OPTIONS_MAX ? FOE_SEGMENT : FOE_NOTHING);
		}
	}
	foe_end(&foe);
}

/* CVE-2020-17444: chains of 1 to 1,000 headers: eight at most, then dropped; each as long as can be, or claiming to
 * be; and headers that name themselves as what follows. */
static void long_chains(void **state)
{
	static uint8_t headers[8000];

	(void)state;
	begin(true);
	(void)foe_listen(&foe, 8);
	for (unsigned n = 1; n <= 1000; n++) {
		memset(headers, 0, sizeof headers);
		for (unsigned i = 0; i < n; i++)
			headers[(size_t)i * 8] = i + 1 < n ? DESTINATION : IPPROTO_TCP_;
		assert_int_equal(send_headers(DESTINATION, headers, (size_t)n * 8),
				 n <= IP_EXTENSION_HEADERS_MAX ? FOE_SEGMENT : FOE_NOTHING);
	}
	for (unsigned n = 1; n <= 31; n++) { /* of 2,048 octets, if they were there */
		memset(headers, DESTINATION, sizeof headers);
		for (unsigned i = 0; i < n; i++)
			headers[(size_t)i * 8 + 1] = 255;
		assert_true(send_headers(DESTINATION, headers, (size_t)n * 8) != FOE_SEGMENT);
	}
	for (unsigned kind = HOP_BY_HOP; kind <= DESTINATION; kind += 1) { /* each follows itself */
		memset(headers, 0, sizeof headers);
		for (size_t i = 0; i < sizeof headers; i += 8)
			headers[i] = (uint8_t)kind;
		if (kind != IPPROTO_TCP_ && kind != IPPROTO_UDP_ && kind != IPPROTO_ICMP6)
			assert_true(send_headers((uint8_t)kind, headers, sizeof headers) != FOE_SEGMENT);
	}
	foe_end(&foe);
}

/* CVE-2021-28362, CVE-2020-11898: errors about headers whose lengths are off by one quote what came, no octet more. */
static void errors_quote_what_came(void **state)
{
	uint8_t	 headers[16] = { IPPROTO_TCP_, 1, 0x9e, 4 };
	unsigned errors = 0;

	(void)state;
	begin(true);
	const size_t len = behind_headers(packet, DESTINATION, headers, sizeof headers);
	for (size_t came = IPV6_HEADER; came <= len; came++)
		for (int off = -1; off <= 1; off++) {
			put16(packet + 4, (uint16_t)((int)(came - IPV6_HEADER) + off));
			foe_mark(&foe);
			foe_raw(&foe, packet, came);
			const unsigned answers = only_errors(packet, came);
			assert_true(answers <= 1);
			errors += answers;
			foe_left_no_state(&foe);
			foe.now += TERN_SECOND;
			tern_host_advance(foe.host, foe.now);
		}
	assert_true(errors > 0);
	foe_end(&foe);
}

/* CVE-2020-11899: solicitations, advertisements and headers to groups, cut after each octet: no answer, no state. */
static void to_groups_cut_short(void **state)
{
	static const uint8_t groups[][16] = { { 0xff, 2, [15] = 1 },
					      { 0xff, 2, [15] = 2 },
					      { 0xff, 5, [15] = 1 },
					      { 0xff, 2, [11] = 1, 0xff, 0, 0, 2 },
					      { 0xff, 0x0e, [15] = 1 } };
	static const uint8_t types[] = { 128, 130, 133, 134, 135, 136, 137, 143 };

	(void)state;
	begin(true);
	for (unsigned group = 0; group < sizeof groups / sizeof *groups; group++)
		for (unsigned type = 0; type < sizeof types; type++)
			for (unsigned headers = 0; headers < 2; headers++) {
				uint8_t	     payload[48] = { IPPROTO_ICMP6 };
				uint8_t	    *message = payload + 8 * headers;
				const size_t n = 32 + 8 * headers;

				memset(message, 0, 32);
				message[0] = types[type];
				message[24] = 1; /* an option: link-layer address */
				message[25] = 1;
				const size_t len =
					foe_packet(&foe, packet, FOE_PEER,
						   headers ? DESTINATION : IPPROTO_ICMP6, payload, n);
				memcpy(packet + 24, groups[group], 16);
				packet[7] = 255;
				foe_sum_upper(&foe, packet, len - 32, 32, IPPROTO_ICMP6, 2);
				for (size_t cut = 0; cut <= len; cut++) {
					foe_mark(&foe);
					foe_raw(&foe, packet, cut);
					foe_was_dropped(&foe);
				}
			}
	foe_end(&foe);
}

/* "lwIP 354e3854": multicast listener queries and reports that tell of up to 65,535 records; nobody reads them. */
static void listener_queries(void **state)
{
	uint8_t body[40] = { 0 };

	(void)state;
	begin(true);
	for (unsigned count = 0; count < 65536; count += count < 300 ? 1 : 4079)
		for (unsigned type = 130; type <= 143; type += 13) {
			put16(body + 18, (uint16_t)count);
			foe_mark(&foe);
			foe_icmp(&foe, FOE_PEER, (uint8_t)type, 0, count, body, sizeof body);
			foe_was_dropped(&foe);
		}
	foe_end(&foe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routing_headers),     cmocka_unit_test(routing_headers_cut_short),
		cmocka_unit_test(hop_by_hop_lengths),  cmocka_unit_test(destination_options),
		cmocka_unit_test(long_chains),	       cmocka_unit_test(errors_quote_what_came),
		cmocka_unit_test(to_groups_cut_short), cmocka_unit_test(listener_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
