/* Options of IPv4 and TCP headers. */
#include "attacks/attack.h"

static uint8_t packet[FOE_PACKET];

/* ---- IPv4 ---- */

/* A packet to dst whose header has 4 * (ihl - 5) octets of options that begin with (kind, len, 4). */
static size_t with_options(uint8_t *p, uint32_t dst, unsigned ihl, uint8_t kind, uint8_t len,
			   uint8_t protocol)
{
	const struct tcp_segment ack = { .src_port = 999, .flags = TCP_ACK, .wnd = 1000 };
	const size_t		 options = ihl > 5 ? (ihl - 5) * 4 : 0;
	uint8_t			 plain[100];
	const size_t whole = foe_segment(&foe, plain, FOE_PEER, &ack), upper = whole - IPV4_HEADER;

	memcpy(p, plain, IPV4_HEADER);
	memset(p + IPV4_HEADER, 0, 40);
	p[IPV4_HEADER] = kind;
	p[IPV4_HEADER + 1] = len;
	p[IPV4_HEADER + 2] = 4;
	memcpy(p + IPV4_HEADER + options, plain + IPV4_HEADER, upper);
	p[0] = (uint8_t)(0x40 | ihl);
	p[9] = protocol;
	put32(p + 16, dst);
	put16(p + 2, (uint16_t)(IPV4_HEADER + options + upper));
	if (protocol == IPPROTO_ICMP4)
		memcpy(p + IPV4_HEADER + options, "\x08\x00\x00\x00", 4);
	foe_sum_upper(&foe, p, IPV4_HEADER + options, upper, protocol, protocol == IPPROTO_ICMP4 ? 2 : 16);
	foe_sum_v4(p, ihl >= 5 ? ihl * 4 : IPV4_HEADER);
	return IPV4_HEADER + options + upper;
}

/* CVE-2020-11909, CVE-2019-12256, "gVisor 41ccfb37a": every header length and option length, source routes, record
 * route, timestamps and others, in front of TCP, UDP, ICMP and what nobody speaks, to us, to everybody and to a
 * group: source routes are never followed, groups never answered, nothing is kept. */
static void ipv4_options(void **state)
{
	static const uint8_t  kinds[] = { 0, 1, 7, 68, 131, 137, 130, 148, 158, 255 };
	static const uint8_t  protocols[] = { IPPROTO_TCP_, IPPROTO_UDP_, IPPROTO_ICMP4, 47, 200 };
	static const uint32_t to[] = { 0x0a000000 + FOE_HOST, 0xffffffff, 0x0affffff, 0xe0000001 };

	(void)state;
	begin(false);
	(void)foe_listen(&foe, 8);
	for (unsigned ihl = 0; ihl < 16; ihl++)
		for (unsigned k = 0; k < sizeof kinds; k++)
			for (unsigned len = 0; len <= 40; len++)
				for (unsigned i = 0; i < sizeof protocols * 4; i++) {
					const bool   ours = i % 4 == 0;
					const size_t n = with_options(packet, to[i % 4], ihl, kinds[k],
								      (uint8_t)len, protocols[i / 4]);
					const bool   routed = ihl > 5 && (kinds[k] == 131 || kinds[k] == 137);

					foe_mark(&foe);
					foe_raw(&foe, packet, n);
					const unsigned answers = foe_drain(&foe);
					assert_true(answers <= 1);
					if (!ours || ihl < 5 || (routed && len >= 3 && len <= (ihl - 5) * 4))
						assert_int_equal(answers, 0);
					foe_left_no_state(&foe);
				}
	foe_end(&foe);
}

/* ---- TCP ---- */

/* An ACK of the flow with 40 octets of options. */
static size_t an_ack(const struct foe_flow *flow, int32_t seq, const uint8_t options[40])
{
	const struct tcp_segment ack = foe_of(flow, TCP_ACK, seq, 0, 0);
	const size_t		 len = foe_segment(&foe, packet, flow->peer, &ack), ip = len - TCP_HEADER_MIN;

	memcpy(packet + len, options, TCP_OPTIONS_MAX);
	packet[ip + 12] = 0xf0;
	if (foe.v6) {
		put16(packet + 4, TCP_HEADER_MAX);
	} else {
		put16(packet + 2, (uint16_t)(ip + TCP_HEADER_MAX));
		foe_sum_v4(packet, ip);
	}
	foe_sum_upper(&foe, packet, ip, TCP_HEADER_MAX, IPPROTO_TCP_, 16);
	return len + TCP_OPTIONS_MAX;
}

/* CVE-2020-11912, "lwIP 3d896ba0", CVE-2019-12258: every kind of option with every length at every place of the
 * forty octets (the last included, where not even a length follows), on a connection and on a blind segment of it:
 * nothing is read beyond (a guard page follows), nothing answered, and the connection lives. */
static void every_tcp_option_everywhere(void **state)
{
	uint8_t options[40];

	(void)state;
	begin(false);
	struct foe_flow flow = foe_flow(FOE_PEER, 5000);
	flow.sack = true;
	foe_open(&foe, foe_listen(&foe, 8), &flow);
	(void)foe_drain(&foe);
	foe_mark(&foe);
	for (unsigned kind = 0; kind < 256; kind++)
		for (unsigned len = 0; len <= 41; len++)
			for (unsigned at = 0; at < 40; at += kind < 12 || at > 36 ? 1 : 5) {
				memset(options, 1, sizeof options);
				options[at] = (uint8_t)kind;
				if (at + 1 < sizeof options)
					options[at + 1] = (uint8_t)(len == 41 ? 255 : len);
				foe_raw(&foe, packet, an_ack(&flow, 0, options));
				assert_int_equal(foe_drain(&foe), 0);
			}
	foe_left_no_state(&foe);
	assert_true(foe_stats(&foe).TernOptionsMalformed > 0);
	/* Blind: the sequence number decides first, and limits the answers. */
	for (unsigned len = 0; len <= 40; len++) {
		memset(options, 5, sizeof options);
		options[1] = (uint8_t)len;
		foe_raw(&foe, packet, an_ack(&flow, 1 << 30, options));
	}
	assert_true(foe_drain(&foe) <= 5);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	foe_left_no_state(&foe);
	foe_end(&foe);
}

/* CVE-2020-11912: SACK options of every length but 8n + 2 name no block. */
static void sack_lengths(void **state)
{
	(void)state;
	for (unsigned len = 0; len <= 40; len++) {
		uint8_t options[40];

		begin(false);
		struct foe_flow flow = foe_flow(FOE_PEER, 5000);
		flow.sack = true;
		foe_open(&foe, foe_listen(&foe, 8), &flow);
		assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 3000), 3000, 0), 3000);
		(void)foe_drain(&foe);
		memset(options, 1, sizeof options);
		options[0] = 5;
		options[1] = (uint8_t)len;
		for (unsigned at = 2; at + 8 <= 40; at += 8) {
			put32(options + at, flow.ack.v + 1460);
			put32(options + at + 4, flow.ack.v + 2920);
		}
		if (len >= 2 && len < 40)
			memset(options + len, 1, 40 - len);
		foe_raw(&foe, packet, an_ack(&flow, 0, options));
		assert_int_equal(foe_status(&foe, &flow).recovery,
				 len % 8 == 2 && len > 2 ? TERN_RECOVERY_DISORDER : TERN_RECOVERY_OPEN);
		foe_end(&foe);
	}
}

static unsigned shortest, packets, longest;

static void look_at_text(void)
{
	shortest = 65535;
	packets = longest = 0;
	while (foe_next(&foe) == FOE_SEGMENT) {
		packets += foe.seg.text_len > 0;
		shortest = foe.seg.text_len > 0 && foe.seg.text_len < shortest ? foe.seg.text_len : shortest;
		longest = foe.seg.text_len > longest ? foe.seg.text_len : longest;
	}
}

/* CVE-2020-17440/13988, "MSS=0 / tiny MSS", CVE-2019-11479: an MSS of 0 to 100 and 65,535 in the SYN, and in the
 * SYN-ACK: nothing is divided by it, no segment is shorter than the floor, no longer than our path; in a later
 * segment it means nothing. */
static void mss_of_the_syn(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned mss = 0; mss <= 101; mss++) {
			begin(v6);
			struct foe_flow flow = foe_flow(FOE_PEER, 5000);
			flow.mss = (uint16_t)(mss == 101 ? 65535 : mss);
			const tern_socket  listener = foe_listen(&foe, 8);
			struct tcp_segment syn = foe_of(&flow, TCP_SYN, 0, 0, 0);
			syn.opt.has_mss = true;
			foe_send(&foe, flow.peer, &syn);
			assert_int_equal(foe_next(&foe), FOE_SEGMENT);
			flow.seq = seq_add(flow.seq, 1);
			flow.ack = seq_add(foe.seg.seq, 1);
			foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
			assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
			assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 20000), 20000, 0),
					 20000);
			look_at_text();
			assert_true(packets > 0 && packets <= 20000 / 64 + 1);
			assert_true(shortest >= foe.config.mss_floor || packets * 64 > 20000);
			assert_true(longest >= foe.config.mss_floor && longest <= (v6 ? 1440u : 1460u));
			assert_true(mss < 64 || mss == 101 || longest == mss);
			foe_end(&foe);
		}
}

/* CVE-2020-17440/13988, "MSS=0 / tiny MSS": the same of the SYN-ACK, and of a later segment. */
static void mss_of_the_syn_ack_and_later(void **state)
{
	(void)state;
	for (unsigned mss = 0; mss <= 100; mss++) {
		begin(false);
		const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER), .port = 7 } };
		struct foe_flow	       flow = foe_flow(FOE_PEER, 7);

		assert_int_equal(tern_connect(foe.host, &open, &flow.socket), 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.host_port = foe.seg.src_port;
		flow.ack = seq_add(foe.seg.seq, 1);
		struct tcp_segment answer = foe_of(&flow, TCP_SYN | TCP_ACK, 0, 0, 0);
		answer.opt.has_mss = true;
		answer.opt.mss = (uint16_t)mss;
		foe_send(&foe, flow.peer, &answer);
		(void)foe_drain(&foe);
		assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
		flow.seq = seq_add(flow.seq, 1);
		/* Once more where it has no business. */
		struct tcp_segment later = foe_of(&flow, TCP_ACK, 0, 0, 0);
		later.opt.has_mss = true;
		later.opt.mss = 1;
		foe_send(&foe, flow.peer, &later);
		assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 20000), 20000, 0), 20000);
		look_at_text();
		assert_int_equal(longest, mss < 64 ? 64 : mss);
		foe_end(&foe);
	}
}

/* "WSCALE>14": shifts of 0 to 255 count as 14 at most (RFC 7323 2.3); a window of 65,535 then is 1 GiB. */
static void window_scales(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 256; shift++) {
		begin(false);
		struct foe_flow flow = foe_flow(FOE_PEER, 5000);
		flow.wscale = 0;
		const tern_socket	 listener = foe_listen(&foe, 8);
		const struct tcp_segment syn = foe_of(&flow, TCP_SYN, 0, 0, 0);
		const size_t		 len = foe_segment(&foe, packet, FOE_PEER, &syn);
		uint8_t			*at = packet + IPV4_HEADER + TCP_HEADER_MIN;

		while (at[0] != 3)
			at += at[0] == 1 ? 1 : at[1];
		at[2] = (uint8_t)shift;
		foe_sum_upper(&foe, packet, IPV4_HEADER, len - IPV4_HEADER, IPPROTO_TCP_, 16);
		foe_raw(&foe, packet, len);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.seq = seq_add(flow.seq, 1);
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
		assert_int_equal(foe_status(&foe, &flow).snd_wnd, UINT32_C(65535)
									  << (shift < 14 ? shift : 14));
		foe_end(&foe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_options),
		cmocka_unit_test(every_tcp_option_everywhere),
		cmocka_unit_test(sack_lengths),
		cmocka_unit_test(mss_of_the_syn),
		cmocka_unit_test(mss_of_the_syn_ack_and_later),
		cmocka_unit_test(window_scales),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
