/* Segments and ICMP errors of somebody who sees nothing, at the numbers where it matters; and what they leave. */
#include "attacks/attack.h"

static struct foe_flow flow;

static void open_one(void)
{
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	foe_open(&foe, foe_listen(&foe, 8), &flow);
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 100), 100, 0), 100);
	(void)foe_drain(&foe);
	foe_say(&foe, &flow, TCP_ACK, 0, 100, 0);
	flow.ack = seq_add(flow.ack, 100);
	foe_mark(&foe);
}

/* RFC 5961 RST: exactly RCV.NXT ends it; in the window one challenge ACK; outside silence. */
static void resets(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		open_one();
		const int32_t wnd = (int32_t)foe_status(&foe, &flow).rcv_wnd;
		const int32_t at[] = { -1, 0, 1, wnd - 1, wnd, wnd + 1, INT32_MIN };
		const bool    in_window = at[i] > 0 && at[i] < wnd;

		foe_say(&foe, &flow, TCP_RST, at[i], 0, 0);
		assert_int_equal(foe_state(&foe, &flow),
				 at[i] == 0 ? TERN_STATE_CLOSED : TERN_STATE_ESTABLISHED);
		if (in_window) {
			assert_int_equal(foe_next(&foe), FOE_SEGMENT);
			assert_int_equal(foe.seg.flags, TCP_ACK);
			assert_int_equal(foe.seg.seq.v, flow.ack.v);
			assert_int_equal(foe.seg.ack.v, flow.seq.v);
		}
		assert_int_equal(foe_next(&foe), FOE_NOTHING);
		foe_end(&foe);
	}
}

/* RFC 5961 SYN: wherever it stands, an ACK and no more. */
static void syns(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		open_one();
		const int32_t wnd = (int32_t)foe_status(&foe, &flow).rcv_wnd;
		const int32_t at[] = { -100000, -1, 0, 1, wnd - 1, wnd, wnd + 1, INT32_MAX, INT32_MIN };

		for (unsigned ack = 0; ack < 2; ack++) {
			foe_say(&foe, &flow, TCP_SYN | (ack ? TCP_ACK : 0u), at[i], 0, 0);
			assert_int_equal(foe_next(&foe), FOE_SEGMENT);
			assert_int_equal(foe.seg.flags, TCP_ACK);
			assert_int_equal(foe.seg.ack.v, flow.seq.v);
			assert_int_equal(foe_next(&foe), FOE_NOTHING);
		}
		foe_left_no_state(&foe);
		foe_end(&foe);
	}
}

/* RFC 5961 DATA, draft-ghost-acks: text at RCV.NXT with ACKs all over the circle: taken where SND.UNA - MAX.SND.WND <=
 * SEG.ACK <= SND.NXT, and in a young connection not below its ISS + 1 either. */
static void acks_all_over_the_circle(void **state)
{
	unsigned taken = 0;
	uint8_t	 got[100];

	(void)state;
	open_one();
	const struct tern_status status = foe_status(&foe, &flow);
	const uint32_t		 young = status.snd_una - (status.iss + 1);

	for (uint32_t i = 0; i < (1u << 20) + 2000; i++) {
		/* Steps of 2^12, and the neighbourhood octet by octet. */
		const uint32_t off = i < 1u << 20 ? i << 12 : i - (1u << 20) - 1000;
		const bool     good = off == 0 || off >= 0u - young;

		foe_say(&foe, &flow, TCP_ACK, (int32_t)taken, (int32_t)off, 1);
		(void)foe_drain(&foe);
		const ptrdiff_t n = tern_receive(foe.host, flow.socket, got, sizeof got);
		assert_int_equal(n, good ? 1 : -TERN_EAGAIN);
		taken += good;
	}
	assert_int_equal(taken, 1 + young + 1); /* 0 stands in both */
	foe_end(&foe);
}

/* "PAWS poison": a segment outside the window with a timestamp far ahead does not become TS.Recent. */
static void timestamps_from_outside(void **state)
{
	uint8_t got[100];

	(void)state;
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	flow.ts = true;
	foe_open(&foe, foe_listen(&foe, 8), &flow);
	(void)foe_drain(&foe);
	const int32_t wnd = (int32_t)foe_status(&foe, &flow).rcv_wnd;
	const int32_t at[] = { -70000, -1, 1, 1000, wnd, wnd + 1000, 1 << 30 };

	for (unsigned i = 0; i < sizeof at / sizeof *at; i++)
		for (unsigned len = 0; len < 2; len++) {
			struct tcp_segment far = foe_of(&flow, TCP_ACK, at[i], 0, len);

			far.opt.ts_val = flow.ts_val + INT32_MAX;
			if (at[i] != -1 || len != 0) /* that one is a keep-alive's, by Last.ACK.sent */
				foe_send(&foe, FOE_PEER, &far);
		}
	(void)foe_drain(&foe);
	flow.ts_val++;
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 1);
	assert_int_equal(tern_receive(foe.host, flow.socket, got, 1), 1);
	foe_end(&foe);
}

/* ---- ICMP ---- */

static void error_about(uint8_t type, uint8_t code, uint32_t rest, uint32_t quoted_seq, uint16_t len)
{
	const struct ip_header	 ours = { .src = foe_addr(&foe, FOE_HOST),
					  .dst = foe_addr(&foe, FOE_PEER),
					  .version = foe.v6 ? 6 : 4,
					  .protocol = IPPROTO_TCP_,
					  .ttl = 60,
					  .dont_fragment = true };
	const struct tcp_segment seg = {
		.src_port = FOE_PORT, .dst_port = 5000, .seq = seq(quoted_seq), .flags = TCP_ACK
	};
	uint8_t	     quote[100];
	const size_t n = ip_wire_emit(quote, &ours, foe.v6 ? len - 40u : len - 20u);

	(void)tcp_wire_emit(quote + n, &seg);
	foe_icmp(&foe, 0x00770001, type, code, rest, quote, n + TCP_HEADER_MIN);
}

/* RFC 5927, CVE-2020-11910/11911: every code of every error, its quote before, in and beyond what flies: a connection
 * that is up survives all; those of old types mean nothing at all. */
static void errors_kill_nothing(void **state)
{
	static const uint8_t types[] = { 3, 4, 5, 11, 12, 17, 18 };

	(void)state;
	open_one();
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 3000), 3000, 0), 3000);
	(void)foe_drain(&foe);
	foe_mark(&foe);
	for (unsigned t = 0; t < sizeof types; t++)
		for (unsigned code = 0; code < 16; code++)
			for (int32_t at = -2; at <= 3002; at += at < 2 || at >= 2998 ? 1 : 2996) {
				if (types[t] == 3 && code == 4)
					continue;
				error_about(types[t], (uint8_t)code, 0, flow.ack.v + (uint32_t)at, 1500);
				assert_int_equal(foe_next(&foe), FOE_NOTHING);
				assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
				const bool hears = (types[t] == 3 || types[t] == 11 || types[t] == 12) &&
						   at >= 0 && at < 3000;
				if (!hears)
					assert_int_equal(tern_ready(foe.host, flow.socket) & TERN_ERROR, 0);
			}
	assert_int_equal(foe_status(&foe, &flow).cwnd, 14600); /* source quench slows nothing (RFC 6633) */
	foe_left_no_state(&foe);
	foe_end(&foe);
}

/* CVE-2020-11910/11911, RFC 5927, CVE-2020-36516: next-hop MTUs of 0 to 67, 1,500 and 65,535: only of what flies, and
 * never below 552; DF stays on every segment whatever is forged. */
static void mtus_of_ipv4(void **state)
{
	(void)state;
	for (uint32_t mtu = 0; mtu <= 70; mtu++)
		for (unsigned in_flight = 0; in_flight < 2; in_flight++) {
			const uint32_t told = mtu == 68 ? 1500 : mtu == 69 ? 65535 : mtu == 70 ? 1400 : mtu;

			open_one();
			assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 3000), 3000, 0), 3000);
			(void)foe_drain(&foe);
			error_about(3, 4, told, flow.ack.v + (in_flight ? 0 : 3000), 1500);
			const uint32_t pmtu = foe_status(&foe, &flow).pmtu;
			if (!in_flight || told >= 1500)
				assert_int_equal(pmtu, 1500);
			else if (told == 0) /* an old router: the next plateau (RFC 1191 7.1) */
				assert_int_equal(pmtu, 1492);
			else
				assert_int_equal(pmtu, told == 1400 ? 1400 : 552);
			while (foe_next(&foe) == FOE_SEGMENT) {
				assert_true(foe.ip.dont_fragment);
				assert_int_equal(foe.ip.id,
						 0); /* RFC 6864: of what is not cut it means nothing */
				assert_true(foe.len <= pmtu);
			}
			foe_end(&foe);
		}
}

/* "IPv6 PTB <1280": MTUs of 0 to 1,279 are no MTUs (RFC 8021): nothing changes, no fragment header ever. */
static void mtus_of_ipv6(void **state)
{
	(void)state;
	begin(true);
	flow = foe_flow(FOE_PEER, 5000);
	flow.mss = 1440;
	foe_open(&foe, foe_listen(&foe, 8), &flow);
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 3000), 3000, 0), 3000);
	(void)foe_drain(&foe);
	for (uint32_t mtu = 0; mtu < 1280; mtu++) {
		error_about(2, 0, mtu, flow.ack.v, 1500);
		assert_int_equal(foe_next(&foe), FOE_NOTHING);
		assert_int_equal(foe_status(&foe, &flow).pmtu, 1500);
	}
	error_about(2, 0, 1280, flow.ack.v, 1500); /* that one is */
	assert_int_equal(foe_status(&foe, &flow).pmtu, 1280);
	foe_end(&foe);
}

/* "PMTU cache flood": 100,000 of them about destinations and flows that do not exist: no entry, no memory. */
static void a_flood_of_mtus(void **state)
{
	(void)state;
	open_one();
	foe_mark(&foe);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct ip_header	 ours = { .src = foe_addr(&foe, FOE_HOST),
						  .dst = foe_addr(&foe, 0x00030000 + i),
						  .version = 4,
						  .protocol = IPPROTO_TCP_,
						  .ttl = 60,
						  .dont_fragment = true };
		const struct tcp_segment seg = { .src_port = FOE_PORT, .dst_port = 5000, .seq = flow.ack };
		uint8_t			 quote[100];
		const size_t		 n = ip_wire_emit(quote, &ours, 1480);

		(void)tcp_wire_emit(quote + n, &seg);
		foe_icmp(&foe, 0x00770001, 3, 4, 600, quote, n + TCP_HEADER_MIN);
	}
	foe_was_dropped(&foe);
	assert_int_equal(foe_status(&foe, &flow).pmtu, 1500);
	foe_end(&foe);
}

/* ---- challenges ---- */

/* CVE-2026-4247: a million segments that ask for a challenge ACK, most above the limit: nothing is held of any. */
static void challenges_above_the_limit(void **state)
{
	unsigned answers = 0;

	(void)state;
	open_one();
	foe_mark(&foe);
	for (unsigned i = 0; i < 1000000; i++) {
		static const unsigned flags[] = { TCP_RST, TCP_SYN, TCP_ACK, TCP_SYN | TCP_ACK };

		foe_say(&foe, &flow, flags[i % 4], 5, 1 << 30, 0);
		answers += foe_drain(&foe);
		foe.now += 10 * TERN_MICROSECOND;
	}
	assert_in_range(answers, 5, 10 * 5 + 5); /* five in each of ten seconds */
	foe_left_no_state(&foe);
	foe_end(&foe);
}

/* CVE-2016-5696: what one connection is answered does not depend on how many challenges another has had. */
static void challenges_of_another_connection(void **state)
{
	unsigned own[2];

	(void)state;
	for (unsigned busy = 0; busy < 2; busy++) {
		begin(false);
		const tern_socket listener = foe_listen(&foe, 8);
		struct foe_flow	  victim = foe_flow(FOE_PEER, 5000), spy = foe_flow(FOE_PEER + 1, 5000);

		foe_open(&foe, listener, &victim);
		foe_open(&foe, listener, &spy);
		(void)foe_drain(&foe);
		for (unsigned i = 0; busy && i < 100; i++)
			foe_say(&foe, &victim, i % 2 ? TCP_RST : TCP_SYN, 10, 0, 0);
		(void)foe_drain(&foe);
		for (unsigned i = 0; i < 100; i++)
			foe_say(&foe, &spy, TCP_RST, 10, 0, 0);
		own[busy] = foe_drain(&foe);
		foe_end(&foe);
	}
	assert_int_equal(own[0], own[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resets),
		cmocka_unit_test(syns),
		cmocka_unit_test(acks_all_over_the_circle),
		cmocka_unit_test(timestamps_from_outside),
		cmocka_unit_test(errors_kill_nothing),
		cmocka_unit_test(mtus_of_ipv4),
		cmocka_unit_test(mtus_of_ipv6),
		cmocka_unit_test(a_flood_of_mtus),
		cmocka_unit_test(challenges_above_the_limit),
		cmocka_unit_test(challenges_of_another_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
