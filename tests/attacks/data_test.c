/* What comes on a connection that is up: text, ACKs, SACK blocks, windows, urgent pointers of a peer that means ill. */
#include "attacks/attack.h"

static struct foe_flow flow;
static tern_socket     listener;
static uint8_t	       got[1 << 17];

static void open_one(bool sack)
{
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	flow.sack = sack;
	listener = foe_listen(&foe, 8);
	foe_open(&foe, listener, &flow);
	(void)foe_drain(&foe);
	foe_mark(&foe);
}

/* ---- text ---- */

/* CVE-2020-17437, CVE-2019-12255, "CVE-2019-12260/61/63": urgent pointers of every kind beside 0, 1 and 536 octets, in
 * order, again and ahead: what is read is the stream, never more than was asked for. */
static void urgent_pointers(void **state)
{
	static const uint32_t lens[] = { 0, 1, 536 };

	(void)state;
	open_one(false);
	for (uint32_t up = 0; up < 65536; up += up < 600 || up > 65000 ? 1 : 97)
		for (unsigned i = 0; i < 3; i++) {
			struct tcp_segment seg = foe_of(&flow, TCP_ACK | TCP_URG, 0, 0, lens[i]);

			seg.up = (uint16_t)up;
			foe_send(&foe, FOE_PEER, &seg);
			foe_send(&foe, FOE_PEER, &seg); /* and again */
			(void)foe_drain(&foe);
			const ptrdiff_t n = tern_receive(foe.host, flow.socket, got, 100);
			assert_int_equal(n, lens[i] == 0    ? -TERN_EAGAIN
					    : lens[i] < 100 ? (ptrdiff_t)lens[i]
							    : 100);
			if (lens[i] > 100)
				assert_int_equal(tern_receive(foe.host, flow.socket, got + 100, 1000),
						 lens[i] - 100);
			if (lens[i] > 0)
				assert_memory_equal(got, foe_text(0, lens[i]), lens[i]);
			flow.seq = seq_add(flow.seq, lens[i]);
		}
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	foe_end(&foe);
}

/* "Overlapping TCP data": held text is sent again with other octets, in all the ways that two ranges can overlap: the
 * octets that came first are delivered. */
static void first_arrival_wins(void **state)
{
	(void)state;
	for (unsigned left = 0; left <= 8; left++)
		for (unsigned right = left + 1; right <= 9; right++)
			for (unsigned in_order = 0; in_order < 2; in_order++) {
				uint8_t other[1000];

				memset(other, 0xee, sizeof other);
				open_one(false);
				/* 300 to 600 is here, out of order; then 100 * left to 100 * right, of other octets. */
				foe_say(&foe, &flow, TCP_ACK, 300, 0, 300);
				struct tcp_segment evil = foe_of(&flow, TCP_ACK, (int32_t)(100 * left), 0,
								 100 * (right - left));
				evil.text = in_order ? foe_text(100 * left, evil.text_len) : other;
				foe_send(&foe, FOE_PEER, &evil);
				for (int32_t at = 0; at < 1000; at += 100)
					foe_say(&foe, &flow, TCP_ACK, at, 0, 100);
				(void)foe_drain(&foe);
				assert_int_equal(tern_receive(foe.host, flow.socket, got, sizeof got), 1000);
				for (unsigned i = 0; i < 1000; i++) {
					const bool first = in_order || (i >= 300 && i < 600) ||
							   i < 100 * left || i >= 100 * right;

					assert_int_equal(got[i], first ? foe_text(i, 1)[0] : 0xee);
				}
				foe_end(&foe);
			}
}

/* "Out-of-window data": text across the right edge by 1 to 65,535 octets: cut to the window. */
static void text_across_the_edge(void **state)
{
	(void)state;
	for (uint32_t beyond = 1; beyond <= 60000; beyond = beyond * 3 + 1) {
		open_one(false);
		const uint32_t wnd = foe_status(&foe, &flow).rcv_wnd;
		uint32_t       at = 0;

		for (; at + 1000 < wnd; at += 1000)
			foe_say(&foe, &flow, TCP_ACK, (int32_t)at, 0, 1000);
		const uint32_t most = 64000 < wnd - at + beyond ? 64000 : wnd - at + beyond;
		foe_say(&foe, &flow, TCP_ACK, (int32_t)at, 0, most);
		(void)foe_drain(&foe);
		size_t all = 0;
		for (ptrdiff_t n; (n = tern_receive(foe.host, flow.socket, got, sizeof got)) > 0;
		     all += (size_t)n)
			assert_memory_equal(got, foe_text((uint32_t)all, (uint32_t)n), (size_t)n);
		assert_true(all <= wnd);
		assert_true(all >= at);
		assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
		foe_end(&foe);
	}
}

/* CVE-2018-5390, FreeBSD-SA-18:08: tiny segments out of order, 100,000 of them at random places: what is held is
 * bounded by what they bring and 256 ranges, and all goes when the connection does. What one costs:
 * hostile_cost.c. */
static void tiny_segments_out_of_order(void **state)
{
	(void)state;
	open_one(true);
	for (unsigned i = 0; i < 100000; i++) {
		foe_say(&foe, &flow, TCP_ACK, (int32_t)(2 + 2 * any(30000)), 0, 1);
		(void)foe_drain(&foe);
	}
	/* Each page of the window once, 256 ranges, and what any connection has. */
	assert_true(foe_stats(&foe).TernMemoryPeak - foe.before.TernMemory < 65536 + 32768);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	(void)tern_abort(foe.host, flow.socket);
	foe_end(&foe);
}

/* ---- ACKs ---- */

static void write_much(void)
{
	static const uint8_t much[1 << 17];

	assert_true(tern_send(foe.host, flow.socket, much, sizeof much, 0) > 0);
	(void)foe_drain(&foe);
}

/* "Savage ACK splitting": a window's worth acknowledged octet by octet opens the window by what was acknowledged
 * (RFC 3465), not by a segment each. */
static void an_ack_for_every_octet(void **state)
{
	uint32_t cwnd[2];

	(void)state;
	for (unsigned split = 0; split < 2; split++) {
		open_one(false);
		write_much();
		const uint32_t before = foe_status(&foe, &flow).cwnd;
		for (int32_t at = split ? 1 : 1460; at <= 14600; at += split ? 1 : 1460) {
			foe_say(&foe, &flow, TCP_ACK, 0, at, 0);
			(void)foe_drain(&foe);
		}
		cwnd[split] = foe_status(&foe, &flow).cwnd;
		assert_true(cwnd[split] <= before + 14600);
		foe_end(&foe);
	}
	assert_true(cwnd[1] <= cwnd[0]);
}

/* "Savage DupACK spoofing": a thousand duplicate ACKs. With SACK they prove nothing without a block: one segment goes
 * again at the most. Without it each lets out one segment (RFC 5681 3.2), never beyond the window, and what flies is
 * never thought less than nothing: when the flood is over the window is what the loss made it. */
static void a_thousand_duplicates(void **state)
{
	(void)state;
	for (unsigned sack = 0; sack < 2; sack++) {
		open_one(sack);
		write_much();
		const struct tern_status before = foe_status(&foe, &flow);
		uint32_t		 sent = 0;

		for (unsigned i = 0; i < 1000; i++) {
			foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
			while (foe_next(&foe) == FOE_SEGMENT) {
				sent += foe.seg.text_len;
				assert_true(foe.seg.seq.v + foe.seg.text_len - flow.ack.v <= before.snd_wnd);
			}
		}
		if (sack)
			assert_true(sent <= 2 * 1460);
		foe_say(&foe, &flow, TCP_ACK, 0, (int32_t)(foe_status(&foe, &flow).snd_nxt - flow.ack.v), 0);
		assert_true(foe_status(&foe, &flow).cwnd <= before.snd_wnd);
		foe_end(&foe);
	}
}

/* "Optimistic ACK": of what was never sent: challenged and dropped, nothing counts; five answers a second. */
static void acks_before_their_time(void **state)
{
	(void)state;
	open_one(false);
	write_much();
	const struct tern_status before = foe_status(&foe, &flow);

	for (int32_t beyond = 1; beyond < 1000; beyond++)
		foe_say(&foe, &flow, TCP_ACK, 0, (int32_t)(before.snd_nxt - flow.ack.v) + beyond, 0);
	assert_in_range(foe_drain(&foe), 1, 5);
	const struct tern_status after = foe_status(&foe, &flow);
	assert_int_equal(after.snd_una, before.snd_una);
	assert_int_equal(after.cwnd, before.cwnd);
	foe_end(&foe);
}

/* "ECN/CE lie": marks that are never echoed: the window grows as without ECN, and no more. */
static void marks_never_echoed(void **state)
{
	uint32_t cwnd[2];

	(void)state;
	for (unsigned ecn = 0; ecn < 2; ecn++) {
		begin(false);
		flow = foe_flow(FOE_PEER, 5000);
		listener = foe_listen(&foe, 8);
		foe_say(&foe, &flow, TCP_SYN | (ecn ? TCP_ECE | TCP_CWR : 0u), 0, 0, 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		assert_int_equal((foe.seg.flags & TCP_ECE) != 0, ecn);
		flow.seq = seq_add(flow.seq, 1);
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
		write_much();
		for (int32_t at = 1460; at <= 14600; at += 1460) {
			foe_say(&foe, &flow, TCP_ACK, 0, at, 0);
			(void)foe_drain(&foe);
		}
		cwnd[ecn] = foe_status(&foe, &flow).cwnd;
		foe_end(&foe);
	}
	assert_int_equal(cwnd[0], cwnd[1]);
}

/* ---- SACK ---- */

static void say_sack(const struct tcp_sack_block *blocks, unsigned n)
{
	struct tcp_segment seg = foe_of(&flow, TCP_ACK, 0, 0, 0);

	for (unsigned i = 0; i < n; i++)
		seg.opt.sack[i] = blocks[i];
	seg.opt.n_sack = (uint8_t)n;
	foe_send(&foe, FOE_PEER, &seg);
	(void)foe_drain(&foe);
}

/* "SACK wrap": blocks that end before they begin, lie beyond SND.NXT or below SND.UNA, or are 2^31 wide: ignored. */
static void blocks_that_cannot_be(void **state)
{
	static const uint32_t edges[] = { 0,	 1,	     1460,	 14600,	     14601,
					  20000, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff };
	enum { N = sizeof edges / sizeof *edges };

	(void)state;
	for (unsigned i = 0; i < N * N; i++) {
		const uint32_t left = edges[i / N], right = edges[i % N];

		open_one(true);
		write_much();
		const uint32_t		    nxt = foe_status(&foe, &flow).snd_nxt - flow.ack.v;
		const struct tcp_sack_block block = { seq_add(flow.ack, left), seq_add(flow.ack, right) };
		say_sack(&block, 1);
		const bool can_be = left < right && right <= nxt;
		if (!can_be)
			assert_int_equal(foe_status(&foe, &flow).recovery, TERN_RECOVERY_OPEN);
		assert_int_equal(foe_status(&foe, &flow).snd_una, flow.ack.v);
		foe_end(&foe);
	}
}

/* CVE-2019-11477, CVE-2019-11478, CVE-2019-5599: an MSS of 48 (64, by our floor), much in flight, and blocks that cover
 * every other segment, then join them, 100,000 of them: memory is bounded by what flies, all is repaired. */
static void patterns_of_blocks(void **state)
{
	(void)state;
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	flow.sack = true;
	flow.mss = 48;
	listener = foe_listen(&foe, 8);
	foe_open(&foe, listener, &flow);
	for (unsigned round = 0; round < 9; round++) { /* so that some hundred segments fly */
		write_much();
		const uint32_t nxt = foe_status(&foe, &flow).snd_nxt;
		while (round < 8 && seq_lt(flow.ack, seq(nxt))) {
			flow.ack = seq_min(seq_add(flow.ack, 128), seq(nxt));
			foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		}
	}
	const uint32_t segments = (foe_status(&foe, &flow).snd_nxt - flow.ack.v) / 64;
	const size_t   before = foe_stats(&foe).TernMemory;
	assert_true(segments > 200);
	for (unsigned i = 0; i < 100000; i++) {
		struct tcp_sack_block blocks[4];

		for (unsigned k = 0; k < 4; k++) {
			const uint32_t at = 64 * (1 + 2 * any(segments / 2 - 20)),
				       n = i < 50000 ? 64 : 64 * 17;

			blocks[k] =
				(struct tcp_sack_block){ seq_add(flow.ack, at), seq_add(flow.ack, at + n) };
		}
		say_sack(blocks, 4);
	}
	assert_true(foe_stats(&foe).TernMemory <= before + 65536);
	foe_say(&foe, &flow, TCP_ACK, 0, (int32_t)(foe_status(&foe, &flow).snd_nxt - flow.ack.v), 0);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	foe_end(&foe);
}

/* "SACK reneging": all is SACKed, nothing acknowledged, and then nothing more is heard of it: the time-out sends from
 * SND.UNA on, and every octet is sent again. */
static void all_sacked_and_taken_back(void **state)
{
	(void)state;
	open_one(true);
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 7300), 7300, 0), 7300);
	(void)foe_drain(&foe);
	const struct tcp_sack_block all = { seq_add(flow.ack, 1460), seq_add(flow.ack, 7300) };
	say_sack(&all, 1);
	/* The peer has thrown it away: it acknowledges segment by segment what comes again. */
	int32_t acked = 0;
	for (unsigned i = 0; i < 100 && acked < 7300; i++) {
		const tern_time at = tern_host_deadline(foe.host);

		foe.now = at < foe.now + 100 * TERN_SECOND ? at : foe.now + TERN_SECOND;
		tern_host_advance(foe.host, foe.now);
		while (foe_next(&foe) == FOE_SEGMENT)
			if (foe.seg.text_len > 0 && foe.seg.seq.v == flow.ack.v + (uint32_t)acked) {
				assert_memory_equal(foe.seg.text, foe_text((uint32_t)acked, foe.seg.text_len),
						    foe.seg.text_len);
				acked += (int32_t)foe.seg.text_len;
				foe_say(&foe, &flow, TCP_ACK, 0, acked, 0);
			}
	}
	assert_int_equal(acked, 7300);
	foe_end(&foe);
}

/* "D-SACK abuse": D-SACKs of what was never sent twice undo nothing: the window stays cut. */
static void dsacks_without_retransmissions(void **state)
{
	(void)state;
	open_one(true);
	write_much();
	const struct tcp_sack_block lost = { seq_add(flow.ack, 1460), seq_add(flow.ack, 14600) };

	say_sack(&lost, 1); /* all but the first: recovery */
	(void)foe_wait(&foe, 50 * TERN_MILLISECOND);
	assert_int_equal(foe_status(&foe, &flow).recovery, TERN_RECOVERY_FAST);
	const uint32_t cut = foe_status(&foe, &flow).ssthresh;
	for (unsigned i = 0; i < 100; i++) { /* of octets below SND.UNA, at random */
		const uint32_t		    at = 1 + any(100000);
		const struct tcp_sack_block blocks[2] = {
			{ seq_add(flow.ack, 0u - at - 1460), seq_add(flow.ack, 0u - at) }, lost
		};

		say_sack(blocks, 2);
	}
	assert_int_equal(foe_status(&foe, &flow).ssthresh, cut);
	assert_int_equal(foe_stats(&foe).TCPDSACKUndo, 0);
	foe_end(&foe);
}

/* ---- windows ---- */

/* "Window shrink": 64 KiB, then 0, then 1, with text in flight: nothing underflows, the probe goes on, all arrives. */
static void a_window_taken_back(void **state)
{
	uint32_t acked = 0;

	(void)state;
	open_one(false);
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 30000), 30000, 0), 30000);
	(void)foe_drain(&foe);
	static const uint16_t windows[] = { 0, 1, 0, 1, 65535 };
	for (unsigned i = 0; i < 5; i++) {
		flow.wnd = windows[i];
		foe_say(&foe, &flow, TCP_ACK, 0, (int32_t)acked, 0);
		(void)foe_drain(&foe);
		assert_true(foe_status(&foe, &flow).in_flight <= 30000);
	}
	for (unsigned i = 0; i < 1000 && acked < 30000; i++) {
		const uint32_t before = acked;

		while (foe_next(&foe) == FOE_SEGMENT)
			if (foe.seg.seq.v == flow.ack.v + acked)
				acked += foe.seg.text_len;
		if (acked > before) {
			foe_say(&foe, &flow, TCP_ACK, 0, (int32_t)acked, 0);
			continue;
		}
		const tern_time at = tern_host_deadline(foe.host);
		foe.now = at < foe.now + 100 * TERN_SECOND ? at : foe.now + TERN_SECOND;
		tern_host_advance(foe.host, foe.now);
	}
	assert_int_equal(acked, 30000);
	foe_end(&foe);
}

/* "Slow read / slow write": windows of 1 to 10 octets: no flood of tiny segments (RFC 9293 3.8.6.2.1): a few in ten
 * seconds, not one for each octet. */
static void windows_of_few_octets(void **state)
{
	(void)state;
	for (uint16_t wnd = 1; wnd <= 10; wnd++) {
		unsigned sent = 0;

		open_one(false);
		flow.wnd = wnd;
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 30000), 30000, 0), 30000);
		for (unsigned i = 0; i < 100; i++) {
			while (foe_next(&foe) == FOE_SEGMENT) {
				sent++;
				if (foe.seg.text_len > 0)
					flow.ack = seq_add(foe.seg.seq, foe.seg.text_len);
			}
			foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
			foe.now += 100 * TERN_MILLISECOND;
			tern_host_advance(foe.host, foe.now);
		}
		assert_true(sent <= 100);
		foe_end(&foe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_pointers),	     cmocka_unit_test(first_arrival_wins),
		cmocka_unit_test(text_across_the_edge),	     cmocka_unit_test(tiny_segments_out_of_order),
		cmocka_unit_test(an_ack_for_every_octet),    cmocka_unit_test(a_thousand_duplicates),
		cmocka_unit_test(acks_before_their_time),    cmocka_unit_test(marks_never_echoed),
		cmocka_unit_test(blocks_that_cannot_be),     cmocka_unit_test(patterns_of_blocks),
		cmocka_unit_test(all_sacked_and_taken_back), cmocka_unit_test(dsacks_without_retransmissions),
		cmocka_unit_test(a_window_taken_back),	     cmocka_unit_test(windows_of_few_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
