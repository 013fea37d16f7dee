/* Opening: half-open entries, cookies, odd orders of the three segments, old ones, and text too early. */
#include "attacks/attack.h"

#include "host/internal.h"

/* ---- half-open ---- */

/* "SYN-RCVD bad ACK": of the ACKs around ISS + 1 that one alone opens; the others are answered with a reset. */
static void acks_of_the_syn_ack(void **state)
{
	(void)state;
	for (int off = -3; off <= 3; off++) {
		begin(false);
		const tern_socket listener = foe_listen(&foe, 8);
		struct foe_flow	  flow = foe_flow(FOE_PEER, 5000);

		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.seq = seq_add(flow.seq, 1);
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_ACK, 0, off, 0);
		if (off == 0) {
			assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
			foe_end(&foe);
			continue;
		}
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		assert_int_equal(foe.seg.flags, TCP_RST);
		assert_int_equal(foe.seg.seq.v, flow.ack.v + (uint32_t)off);
		assert_int_equal(tern_accept(foe.host, listener, &flow.socket), -TERN_EAGAIN);
		assert_int_equal(foe_stats(&foe).TernHalfOpen, 1); /* the honest ACK may still come */
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
		foe_end(&foe);
	}
}

/* "SYN-RCVD bad ACK": the same where the block stands in SYN-RECEIVED itself (simultaneous open). */
static void acks_of_a_simultaneous_open(void **state)
{
	(void)state;
	for (int off = -3; off <= 3; off++) {
		begin(false);
		const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER), .port = 7 } };
		struct foe_flow	       flow = foe_flow(FOE_PEER, 7);

		assert_int_equal(tern_connect(foe.host, &open, &flow.socket), 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.host_port = foe.seg.src_port;
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		flow.seq = seq_add(flow.seq, 1);
		(void)foe_drain(&foe);
		assert_int_equal(foe_state(&foe, &flow), TERN_STATE_SYN_RECEIVED);
		foe_say(&foe, &flow, TCP_ACK, 0, off, 0);
		if (off != 0) {
			assert_int_equal(foe_next(&foe), FOE_SEGMENT);
			assert_int_equal(foe.seg.flags, TCP_RST);
		}
		assert_int_equal(foe_state(&foe, &flow),
				 off == 0 ? TERN_STATE_ESTABLISHED : TERN_STATE_SYN_RECEIVED);
		foe_end(&foe);
	}
}

/* "Split handshake": a SYN alone in answer to ours, then every second segment that might follow. It ends as a
 * simultaneous open, or not at all; what nobody completes is given up. */
static void split_handshake(void **state)
{
	static const struct {
		unsigned	flags;
		int32_t		seq, ack;
		enum tern_state then;
	} rows[] = {
		{ TCP_ACK, 1, 0, TERN_STATE_ESTABLISHED },
		{ TCP_SYN | TCP_ACK, 0, 0, TERN_STATE_ESTABLISHED },
		{ TCP_SYN, 0, 0, TERN_STATE_SYN_RECEIVED },
		{ TCP_ACK, 1, 1, TERN_STATE_SYN_RECEIVED },
		{ TCP_SYN | TCP_ACK, 0, 5, TERN_STATE_SYN_RECEIVED },
		{ TCP_RST, 1, 0, TERN_STATE_CLOSED },
		{ TCP_RST, 2, 0, TERN_STATE_SYN_RECEIVED },
		{ TCP_FIN | TCP_ACK, 1, 0, TERN_STATE_CLOSE_WAIT },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(false);
		const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER), .port = 7 } };
		struct foe_flow	       flow = foe_flow(FOE_PEER, 7);

		assert_int_equal(tern_connect(foe.host, &open, &flow.socket), 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.host_port = foe.seg.src_port;
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		assert_int_equal(foe.seg.flags, TCP_SYN | TCP_ACK);
		foe_say(&foe, &flow, rows[i].flags, rows[i].seq, rows[i].ack, 0);
		assert_int_equal(foe_state(&foe, &flow), rows[i].then);
		(void)foe_wait(&foe, 300 * TERN_SECOND);
		if (rows[i].then == TERN_STATE_SYN_RECEIVED)
			assert_int_equal(foe_state(&foe, &flow), TERN_STATE_CLOSED);
		foe_end(&foe);
	}
}

/* "Simultaneous open": the SYNs cross, our SYN-ACK is lost, the peer's SYN comes again: it is answered with the
 * SYN-ACK, not with a bare ACK that SYN-SENT would drop. */
static void simultaneous_open_recovers(void **state)
{
	(void)state;
	begin(false);
	const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER), .port = 7 } };
	struct foe_flow	       flow = foe_flow(FOE_PEER, 7);

	assert_int_equal(tern_connect(foe.host, &open, &flow.socket), 0);
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	flow.host_port = foe.seg.src_port;
	flow.ack = seq_add(foe.seg.seq, 1);
	foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
	assert_int_equal(foe_drain(&foe), 1); /* lost */
	foe.now += TERN_SECOND / 2;
	tern_host_advance(foe.host, foe.now);
	foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	assert_int_equal(foe.seg.flags, TCP_SYN | TCP_ACK);
	foe_say(&foe, &flow, TCP_ACK, 1, 0, 0);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	foe_end(&foe);
}

/* ---- old and early ---- */

/* "Old duplicate SYN": of an older incarnation, before, during and after the opening: nothing is established by it
 * alone, and what is established does not mind. */
static void old_duplicate_syns(void **state)
{
	(void)state;
	begin(false);
	const tern_socket listener = foe_listen(&foe, 8);
	struct foe_flow	  old = foe_flow(FOE_PEER, 5000), flow = old;

	old.seq = seq_add(flow.seq, 0u - 100000);
	foe_say(&foe, &old, TCP_SYN, 0, 0, 0); /* before */
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	/* The peer knows nothing of it: a reset, as RFC 9293 figure 8 has it. */
	old.ack = seq_add(foe.seg.seq, 1);
	struct tcp_segment reset = foe_of(&old, TCP_RST, 1, 0, 0);
	foe_send(&foe, old.peer, &reset);
	assert_int_equal(foe_stats(&foe).TernHalfOpen, 0);
	foe_say(&foe, &flow, TCP_SYN, 0, 0, 0); /* the true one */
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	const seq_t iss = foe.seg.seq;
	for (unsigned i = 0; i < 100; i++) /* during: challenged, few times */
		foe_say(&foe, &old, TCP_SYN, 0, 0, 0);
	assert_in_range(foe_drain(&foe), 0, 15);
	flow.seq = seq_add(flow.seq, 1);
	flow.ack = seq_add(iss, 1);
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
	for (unsigned i = 0; i < 100; i++) /* after */
		foe_say(&foe, &old, TCP_SYN, 0, 0, 0);
	assert_in_range(foe_drain(&foe), 0, 5);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	assert_int_equal(tern_accept(foe.host, listener, &old.socket), -TERN_EAGAIN);
	foe_end(&foe);
}

/* "TFO replay": there is no Fast Open: text on a SYN is neither acknowledged nor delivered, though the SYN comes
 * 10,000 times; nothing is held for it but one half-open entry. */
static void text_on_a_syn(void **state)
{
	uint8_t		  got[100];
	const tern_socket none = { 0, 0 };

	(void)state;
	begin(false);
	const tern_socket  listener = foe_listen(&foe, 8);
	struct foe_flow	   flow = foe_flow(FOE_PEER, 5000);
	struct tcp_segment syn = foe_of(&flow, TCP_SYN, 0, 0, 0);

	syn.text = foe_text(0, 100);
	syn.text_len = 100;
	for (unsigned i = 0; i < 10000; i++) {
		foe_send(&foe, flow.peer, &syn);
		while (foe_next(&foe) == FOE_SEGMENT) {
			assert_int_equal(foe.seg.flags, TCP_SYN | TCP_ACK);
			assert_int_equal(foe.seg.ack.v, flow.seq.v + 1);
			assert_int_equal(foe.seg.text_len, 0);
		}
	}
	assert_true(foe.came <= 10000 + 3);
	assert_int_equal(foe_stats(&foe).TernHalfOpen, 1);
	flow.seq = seq_add(flow.seq, 1);
	flow.ack = seq_add(foe.seg.seq, 1);
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	flow.socket = none;
	assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
	assert_int_equal(tern_receive(foe.host, flow.socket, got, sizeof got), -TERN_EAGAIN);
	foe_end(&foe);
}

/* "Crash half-open": the peer has forgotten, its new SYN meets our connection: an ACK, its reset, and the next SYN
 * opens; no octet of the old stream comes into the new one. */
static void a_peer_that_began_anew(void **state)
{
	uint8_t got[3000];

	(void)state;
	begin(false);
	const tern_socket listener = foe_listen(&foe, 8);
	struct foe_flow	  flow = foe_flow(FOE_PEER, 5000);

	foe_open(&foe, listener, &flow);
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 1000);
	foe_say(&foe, &flow, TCP_ACK, 2000, 0, 1000); /* held, out of order */
	(void)foe_drain(&foe);
	struct foe_flow again = foe_flow(FOE_PEER, 5000);
	again.seq = seq_add(flow.seq, 1500); /* the worst: in the old window */
	foe_say(&foe, &again, TCP_SYN, 0, 0, 0);
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	assert_int_equal(foe.seg.flags, TCP_ACK);
	struct tcp_segment reset = {
		.src_port = 5000, .dst_port = FOE_PORT, .flags = TCP_RST, .seq = foe.seg.ack
	};
	foe_send(&foe, FOE_PEER, &reset);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_CLOSED);
	(void)foe_drain(&foe);
	foe_open(&foe, listener, &again);
	foe_say(&foe, &again, TCP_ACK, 0, 0, 10);
	assert_int_equal(tern_receive(foe.host, again.socket, got, sizeof got), 10);
	assert_memory_equal(got, foe_text(0, 10), 10);
	foe_end(&foe);
}

/* ---- cookies ---- */

static void fill(unsigned backlog)
{
	for (unsigned i = 0; i < backlog + 10; i++) {
		const struct foe_flow spoofed = foe_flow(0x00020000 + i, 4000);

		foe_say(&foe, &spoofed, TCP_SYN, 0, 0, 0);
	}
	(void)foe_drain(&foe);
}

/* "FreeBSD-SA-02:20": an ACK of a cookie with options that no SYN had, or without those it had; and one whose
 * listener has been closed. */
static void options_on_the_ack_of_a_cookie(void **state)
{
	(void)state;
	for (unsigned ts = 0; ts < 2; ts++)
		for (unsigned later = 0; later < 2; later++) {
			begin(false);
			const tern_socket listener = foe_listen(&foe, 8);
			struct foe_flow	  flow = foe_flow(FOE_PEER, 5000);

			fill(8);
			flow.ts = ts;
			foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
			assert_int_equal(foe_next(&foe), FOE_SEGMENT);
			assert_int_equal(foe_stats(&foe).SyncookiesSent, 11);
			flow.seq = seq_add(flow.seq, 1);
			flow.ack = seq_add(foe.seg.seq, 1);
			flow.ts_ecr = foe.seg.opt.ts_val;
			flow.ts = later;
			struct tcp_segment ack = foe_of(&flow, TCP_ACK, 0, 0, 0);
			ack.opt.n_sack = 3;
			ack.opt.sack[0] = (struct tcp_sack_block){ flow.ack, seq_add(flow.ack, 100) };
			foe_send(&foe, FOE_PEER, &ack);
			assert_int_equal(tern_accept(foe.host, listener, &flow.socket), 0);
			const struct tern_status status = foe_status(&foe, &flow);
			assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
			assert_int_equal(status.ts_ok, later); /* what the ACK itself shows */
			assert_true(status.snd_mss >= 28 && status.snd_mss <= 1460 &&
				    status.snd_wscale <= 14);
			foe_end(&foe);
		}
	begin(false);
	const tern_socket listener = foe_listen(&foe, 8);
	struct foe_flow	  flow = foe_flow(FOE_PEER, 5000);

	fill(8);
	foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	flow.seq = seq_add(flow.seq, 1);
	flow.ack = seq_add(foe.seg.seq, 1);
	assert_int_equal(tern_close(foe.host, listener), 0);
	(void)foe_drain(&foe);
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	assert_int_equal(foe_next(&foe), FOE_SEGMENT);
	assert_int_equal(foe.seg.flags, TCP_RST);
	assert_int_equal(foe_stats(&foe).TernConnections, 0);
	foe_end(&foe);
}

/* "ACK flood on cookies": a million random ACKs at a listener that has sent cookies: no connection, no memory; where
 * none was sent, not even a hash. */
static void random_acks(void **state)
{
	(void)state;
	for (unsigned cookies = 0; cookies < 2; cookies++) {
		begin(false);
		const tern_socket listener = foe_listen(&foe, 8);
		tern_socket	  socket;

		if (cookies)
			fill(8);
		foe_mark(&foe);
		for (unsigned i = 0; i < 500000; i++) {
			const struct tcp_segment ack = { .src_port = (uint16_t)any(65536),
							 .flags = TCP_ACK,
							 .wnd = 1000,
							 .seq = seq((uint32_t)chance_next(&chance)),
							 .ack = seq((uint32_t)chance_next(&chance)) };

			foe_send(&foe, 0x00020000 + any(1000), &ack);
			assert_true(foe_drain(&foe) <= 1);
		}
		assert_int_equal(tern_accept(foe.host, listener, &socket), -TERN_EAGAIN);
		assert_int_equal(foe_stats(&foe).SyncookiesFailed, cookies ? 500000 : 0);
		foe_left_no_state(&foe);
		foe_end(&foe);
	}
}

/* "SYN-cookie channel": one listener is full, another answers as if there were no flood: byte for byte, its ISS too. */
static void a_full_listener_does_not_show_at_another(void **state)
{
	uint8_t	 answer[2][100];
	uint32_t len[2];

	(void)state;
	for (unsigned flooded = 0; flooded < 2; flooded++) {
		const struct tern_listen other = { .local = { .port = 81 } };
		struct foe_flow		 flow = foe_flow(FOE_PEER, 5000);
		tern_socket		 socket;

		begin(false);
		(void)foe_listen(&foe, 8);
		assert_int_equal(tern_listen(foe.host, &other, &socket), 0);
		if (flooded)
			fill(8);
		flow.host_port = 81;
		flow.ts = flow.sack = true;
		flow.wscale = 7;
		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		len[flooded] = foe.len;
		memcpy(answer[flooded], foe.bytes, foe.len);
		foe_end(&foe);
	}
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(answer[0], answer[1], len[0]);
}

/* "Connection flood": handshakes, each complete, for a program that accepts nothing: as many connections as the
 * backlog, clients beyond it are neither connected nor reset, and another listener serves on. */
static void nobody_accepts(void **state)
{
	(void)state;
	begin(false);
	(void)foe_listen(&foe, 100);
	const struct tern_listen other = { .local = { .port = 81 } };
	tern_socket		 second, socket;
	unsigned		 resets = 0;

	assert_int_equal(tern_listen(foe.host, &other, &second), 0);
	for (unsigned i = 0; i < 100000; i++) {
		struct foe_flow flow = foe_flow(0x00020000 + i, 4000);

		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		if (foe_next(&foe) != FOE_SEGMENT)
			continue;
		flow.seq = seq_add(flow.seq, 1);
		flow.ack = seq_add(foe.seg.seq, 1);
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
		while (foe_next(&foe) == FOE_SEGMENT)
			resets += (foe.seg.flags & TCP_RST) != 0;
	}
	assert_int_equal(resets, 0);
	assert_int_equal(foe_stats(&foe).TernConnections, 100);
	assert_int_equal(foe_stats(&foe).TernHalfOpen, 100);
	assert_true(foe_stats(&foe).TernMemoryPeak < foe.before.TernMemory + (1 << 20));
	struct foe_flow honest = foe_flow(FOE_PEER, 5000);
	honest.host_port = 81;
	foe_open(&foe, second, &honest);
	assert_int_equal(tern_accept(foe.host, second, &socket), -TERN_EAGAIN);
	foe_end(&foe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acks_of_the_syn_ack),
		cmocka_unit_test(acks_of_a_simultaneous_open),
		cmocka_unit_test(split_handshake),
		cmocka_unit_test(simultaneous_open_recovers),
		cmocka_unit_test(old_duplicate_syns),
		cmocka_unit_test(text_on_a_syn),
		cmocka_unit_test(a_peer_that_began_anew),
		cmocka_unit_test(options_on_the_ack_of_a_cookie),
		cmocka_unit_test(random_acks),
		cmocka_unit_test(a_full_listener_does_not_show_at_another),
		cmocka_unit_test(nobody_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
