/* Half-open entries (host/half_open.c, half_open_arrive.c), seen from outside: bare segments in, answers, events
 * and counters out. */
#include "unit/bare_listener.h"

/* ---- the handshake ---- */

static void three_segments_open(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct tern_event  event;
		struct tern_status status;
		struct tern_tuple  name;
		tern_socket	   socket;

		begin();
		bare_begin(&b, &config, v6);
		listen_on(&(struct tern_listen){ .local = { .port = 80 }, .cookie = 77 });
		b.n_log = 0;
		bare_send(&b, BARE_PEER, 1000, a_full_syn());
		assert_int_equal(bare_verdict(&b), TERN_VERDICT_NEW_CONNECTION);
		expect_syn_ack();
		assert_int_equal(b.seg.ack.v, ISN + 1);
		assert_true(b.seg.opt.has_mss && b.seg.opt.has_wscale && b.seg.opt.sack_permitted &&
			    b.seg.opt.has_ts);
		assert_int_equal(b.seg.opt.mss, v6 ? 1440 : 1460);
		assert_int_equal(b.seg.opt.ts_ecr, 500);
		assert_int_equal(bare_stats(&b).TernHalfOpen, 1);
		assert_int_equal(bare_stats(&b).TernConnections,
				 0); /* no block before the peer has proved itself */
		assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EAGAIN);
		assert_false(tern_host_event(b.host, &event));

		bare_send(&b, BARE_PEER, 1000, third());
		assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
		assert_int_equal(bare_stats(&b).TernConnections, 1);
		assert_int_equal(bare_stats(&b).PassiveOpens, 1);
		assert_int_equal(
			bare_edges(&b, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED), 1);
		assert_int_equal(bare_edges(&b, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED,
					    TERN_WHY_OUR_SYN_ACKED),
				 1);
		assert_true(tern_host_event(b.host, &event));
		assert_int_equal(event.ready, TERN_ACCEPT);
		assert_int_equal(event.cookie, 77);
		assert_memory_equal(&event.socket, &listener, sizeof listener);
		assert_int_equal(tern_ready(b.host, listener), TERN_ACCEPT);
		assert_int_equal(tern_accept(b.host, listener, &socket), 0);
		assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EAGAIN);
		assert_int_equal(tern_ready(b.host, listener), 0);
		assert_int_equal(tern_status(b.host, socket, &status), 0);
		assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
		assert_true(status.ts_ok && status.wscale_ok && status.sack_ok);
		assert_int_equal(status.snd_wscale, 9);
		assert_int_equal(status.snd_wnd, 4000 << 9);
		assert_int_equal(tern_name(b.host, socket, &name), 0);
		const struct tern_tuple is = bare_tuple(&b, BARE_PEER, 1000);

		assert_true(tuple_equal(&name, &is));
		bare_end(&b);
	}
}

/* Text and FIN on the third segment count (DESIGN 5.6). */
static void the_third_segment_may_carry_all(void **state)
{
	struct tcp_segment seg;
	tern_socket	   socket;
	char		   text[16];

	(void)state;
	start(0);
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	seg = third();
	seg.flags |= TCP_FIN | TCP_PSH;
	seg.text = (const uint8_t *)"hello";
	seg.text_len = 5;
	bare_send(&b, BARE_PEER, 1000, seg);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	assert_int_equal(tern_receive(b.host, socket, text, sizeof text), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(tern_receive(b.host, socket, text, sizeof text), 0);
	bare_drain(&b);
	bare_end(&b);
}

/* The third was lost, and the first text too: what comes then completes the handshake as well. */
static void a_later_segment_completes(void **state)
{
	struct tcp_segment seg;
	tern_socket	   socket;
	char		   text[16];

	(void)state;
	start(0);
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	seg = third();
	seg.seq = seq_add(seg.seq, 5);
	seg.text = (const uint8_t *)"world";
	seg.text_len = 5;
	bare_send(&b, BARE_PEER, 1000, seg);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	assert_int_equal(tern_receive(b.host, socket, text, sizeof text), -TERN_EAGAIN);
	seg.seq = seq(ISN + 1);
	seg.text = (const uint8_t *)"hello";
	bare_send(&b, BARE_PEER, 1000, seg);
	assert_int_equal(tern_receive(b.host, socket, text, sizeof text), 10);
	bare_drain(&b);
	bare_end(&b);
}

/* Everything that the watcher was told is about this connection, with the timer's work in it. */
static void told_of(uint16_t port, unsigned set, unsigned fired, unsigned repeated)
{
	for (size_t i = 0; i < b.n_log; i++) {
		const struct tern_watch_event *const event = &b.log[i];

		assert_int_equal(event->tuple.remote_port, port);
		assert_int_equal(event->tuple.local_port, 80);
		if (event->kind == TERN_WATCH_TIMER) {
			assert_int_equal(event->u.timer.timer, TERN_TIMER_SYN_ACK);
			set -= event->u.timer.action == TERN_TIMER_SET;
			fired -= event->u.timer.action == TERN_TIMER_FIRED;
		}
		repeated -= event->kind == TERN_WATCH_RETRANSMIT;
	}
	assert_int_equal(set, 0);
	assert_int_equal(fired, 0);
	assert_int_equal(repeated, 0);
}

static void syn_ack_repeats_and_is_given_up(void **state)
{
	static const tern_time at[] = { 1, 3, 7 }; /* seconds after the SYN */
	tern_time	       began;
	seq_t		       iss;

	(void)state;
	start(0);
	began = b.now;
	b.n_log = 0;
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	iss = b.seg.seq;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(tern_host_deadline(b.host), began + at[i] * TERN_SECOND);
		assert_int_equal(half_open_until(b.host, 0), began + 15 * TERN_SECOND);
		bare_wait(&b, tern_host_deadline(b.host) - b.now - 1);
		assert_false(bare_next(&b));
		bare_wait(&b, 1);
		expect_syn_ack();
		assert_int_equal(b.seg.seq.v, iss.v);
		assert_false(bare_next(&b));
	}
	assert_int_equal(tern_host_deadline(b.host), began + 15 * TERN_SECOND);
	told_of(1000, 4, 3, 3);
	b.n_log = 0;
	bare_wait(&b, began + 15 * TERN_SECOND - b.now);
	assert_false(bare_next(&b));
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	assert_int_equal(bare_stats(&b).TernHalfOpenExpired, 1);
	assert_int_equal(
		bare_edges(&b, TERN_STATE_SYN_RECEIVED, TERN_STATE_CLOSED, TERN_WHY_HALF_OPEN_GIVEN_UP), 1);
	assert_int_equal(tern_host_deadline(b.host), TERN_NEVER);
	/* Who answers now is told that nothing is there. */
	bare_send(&b, BARE_PEER, 1000, third());
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_RST);
	bare_end(&b);
}

/* Far more repetitions than anyone sets: the wait doubles up to rto_max and stays there; other entries keep
 * their own times meanwhile. */
static void many_repetitions(void **state)
{
	tern_time at, wait = 1;

	(void)state;
	begin();
	config.syn_ack_retries = 20;
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 } });
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	at = b.now;
	for (unsigned i = 0; i <= 20; i++) {
		at += (wait < 120 ? wait : 120) * TERN_SECOND;
		wait *= 2;
		assert_int_equal(tern_host_deadline(b.host), at);
		assert_int_equal(bare_stats(&b).TernHalfOpen, 1);
		bare_wait(&b, at - b.now);
		assert_int_equal(bare_drain(&b), i < 20);
	}
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	bare_end(&b);
}

/* The zone is part of the name (link-local scopes, guests whose addresses overlap). */
static void zones_are_apart(void **state)
{
	const struct tcp_segment syn = a_syn();
	struct tern_tuple	 tuple, named;

	(void)state;
	start(0);
	tuple = bare_tuple(&b, BARE_PEER, 1000);
	for (tuple.zone = 0; tuple.zone < 3; tuple.zone++) {
		assert_int_equal(half_open_make(b.host, 0, &tuple, &syn, NULL, 0, b.now),
				 TERN_VERDICT_NEW_CONNECTION);
		half_open_tuple(&b.host->half_opens, tuple.zone, &named);
		assert_true(tuple_equal(&named, &tuple));
		tern_host_check(b.host);
	}
	assert_int_equal(bare_stats(&b).TernHalfOpen, 3);
	bare_end(&b);
}

/* A clock that jumps costs each entry one turn. */
static void a_jump_of_the_clock(void **state)
{
	(void)state;
	start(0);
	for (uint16_t port = 1; port <= 100; port++)
		bare_send(&b, BARE_PEER, port, a_syn());
	assert_int_equal(bare_drain(&b), 100);
	for (int i = 0; i < 3; i++) {
		bare_wait(&b, 3600 * TERN_SECOND);
		assert_int_equal(bare_drain(&b), 100);
	}
	bare_wait(&b, 3600 * TERN_SECOND);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	bare_end(&b);
}

/* RFC 9293 3.10.7.4, SYN-RECEIVED after a passive OPEN, step by step. */
static void segments_to_a_half_open_entry(void **state)
{
	enum { NO_TS = INT32_MIN };
	static const struct row rows[] = {
		{ "the SYN again", TCP_SYN, -1, 0, 0, 0, TERN_VERDICT_DUPLICATE_SYN, TCP_SYN | TCP_ACK, 1,
		  0 },
		{ "the SYN again, newer", TCP_SYN, -1, 0, 0, 7, TERN_VERDICT_DUPLICATE_SYN, TCP_SYN | TCP_ACK,
		  1, 0 },
		{ "old timestamp", TCP_ACK, 0, 0, 0, -1, TERN_VERDICT_PAWS, TCP_ACK, 1, 0 },
		{ "no timestamp", TCP_ACK, 0, 0, 0, NO_TS, TERN_VERDICT_NO_TIMESTAMP, 0, 1, 0 },
		{ "before the window", TCP_ACK, -10, 0, 0, 1, TERN_VERDICT_OUT_OF_WINDOW, TCP_ACK, 1, 0 },
		{ "beyond the window", TCP_ACK, 65535, 0, 0, 1, TERN_VERDICT_OUT_OF_WINDOW, TCP_ACK, 1, 0 },
		{ "last of the window", TCP_ACK, 65534, 0, 0, 1, TERN_VERDICT_ACCEPTED, 0, 0, 1 },
		{ "another SYN before", TCP_SYN, -100, 0, 0, 1, TERN_VERDICT_OUT_OF_WINDOW, TCP_ACK, 1, 0 },
		{ "another SYN in the window", TCP_SYN, 100, 0, 0, 1, TERN_VERDICT_BLIND_SYN, TCP_ACK, 1, 0 },
		{ "reset", TCP_RST, 0, 0, 0, NO_TS, TERN_VERDICT_RESET, 0, 0, 0 },
		{ "reset, old timestamp", TCP_RST, 0, 0, 0, -5, TERN_VERDICT_RESET, 0, 0, 0 },
		{ "reset in the window", TCP_RST, 1, 0, 0, 1, TERN_VERDICT_BLIND_RESET, TCP_ACK, 1, 0 },
		{ "reset elsewhere", TCP_RST, -1, 0, 0, 1, TERN_VERDICT_STRAY_RESET, 0, 1, 0 },
		{ "no ACK", TCP_FIN, 0, 0, 0, 1, TERN_VERDICT_NO_ACK, 0, 1, 0 },
		{ "ACK of more", TCP_ACK, 0, 1, 0, 1, TERN_VERDICT_BAD_ACK, TCP_RST, 1, 0 },
		{ "ACK of less", TCP_ACK, 0, -1, 0, 1, TERN_VERDICT_BAD_ACK, TCP_RST, 1, 0 },
		{ "SYN-ACK", TCP_SYN | TCP_ACK, 0, 0, 0, 1, TERN_VERDICT_BLIND_SYN, TCP_ACK, 1, 0 },
		{ "the ACK", TCP_ACK, 0, 0, 0, 1, TERN_VERDICT_ACCEPTED, 0, 0, 1 },
		{ "the ACK, with old text too", TCP_ACK, -5, 0, 9, 1, TERN_VERDICT_ACCEPTED, TCP_ACK, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *const row = &rows[i];

		start(0);
		bare_send(&b, BARE_PEER, 1000, a_full_syn());
		expect_syn_ack();
		struct tcp_segment seg = third();
		const seq_t	   iss = b.seg.seq;

		seg.flags = (uint16_t)row->flags;
		seg.seq = seq_add(seg.seq, (uint32_t)row->seq);
		seg.ack = seq_add(seg.ack, (uint32_t)row->ack);
		seg.text = (const uint8_t *)"0123456789";
		seg.text_len = row->text;
		seg.opt.has_ts = row->ts != NO_TS;
		seg.opt.ts_val = 500 + (uint32_t)row->ts;
		bare_send(&b, BARE_PEER, 1000, seg);
		if (bare_verdict(&b) != row->verdict)
			fail_msg("%s: verdict %s", row->what, tern_verdict_name(bare_verdict(&b)));
		if (bare_next(&b) != (row->answer != 0) || (row->answer != 0 && b.seg.flags != row->answer))
			fail_msg("%s: answer %x", row->what, b.seg.flags);
		if (row->answer == TCP_ACK && (b.seg.seq.v != iss.v + 1 || seq_lt(b.seg.ack, seq(ISN + 1))))
			fail_msg("%s: numbers", row->what);
		if (row->answer == TCP_RST && b.seg.seq.v != seg.ack.v)
			fail_msg("%s: reset's number", row->what);
		if (row->answer == (TCP_SYN | TCP_ACK) && b.seg.opt.ts_ecr != seg.opt.ts_val)
			fail_msg("%s: echo", row->what);
		if (bare_stats(&b).TernHalfOpen != row->half_open ||
		    bare_stats(&b).TernConnections != row->connections)
			fail_msg("%s: what is left", row->what);
		bare_drain(&b);
		bare_end(&b);
	}
}

/* A peer that lost its memory: its new SYN is challenged, it resets, its next SYN is taken. */
static void a_peer_that_began_anew(void **state)
{
	struct tcp_segment syn = a_syn();

	(void)state;
	start(0);
	bare_send(&b, BARE_PEER, 1000, syn);
	expect_syn_ack();
	syn.seq = seq(ISN + 1000000);
	bare_send(&b, BARE_PEER, 1000, syn);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_ACK);
	bare_send(&b, BARE_PEER, 1000, (struct tcp_segment){ .flags = TCP_RST, .seq = b.seg.ack });
	assert_int_equal(bare_edges(&b, TERN_STATE_SYN_RECEIVED, TERN_STATE_LISTEN, TERN_WHY_RST_ARRIVED), 1);
	bare_send(&b, BARE_PEER, 1000, syn);
	expect_syn_ack();
	assert_int_equal(b.seg.ack.v, syn.seq.v + 1);
	bare_end(&b);
}

/* Whoever keeps provoking challenges gets a few and no more. */
static void challenges_end(void **state)
{
	unsigned n = 0;

	(void)state;
	start(0);
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	for (int i = 0; i < 100; i++) {
		bare_send(&b, BARE_PEER, 1000,
			  (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 50) });
		n += bare_drain(&b);
	}
	assert_in_range(n, 1, 15);
	bare_end(&b);
}

static void a_half_open_entry_costs_at_most_96_bytes(void **state)
{
	enum { N = 100000 };
	uint64_t before;

	(void)state;
	begin();
	config.half_open_max = N;
	config.watcher.event = NULL;
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 }, .backlog = N });
	before = bare_stats(&b).TernMemory;
	for (unsigned i = 0; i < N; i++) {
		const struct tern_tuple tuple =
			bare_tuple(&b, 0x0a010000 + i / 50000, (uint16_t)(1024 + i % 50000));
		const struct tcp_segment syn = a_syn();

		assert_int_equal(half_open_make(b.host, 0, &tuple, &syn, NULL, 0, b.now),
				 TERN_VERDICT_NEW_CONNECTION);
	}
	assert_int_equal(bare_stats(&b).TernHalfOpen, N);
	assert_in_range((bare_stats(&b).TernMemory - before) / N, 80, 96);
	bare_end(&b);
}

/* RFC 9293 3.9.2.2, RFC 5927: a hard error counts where it names our SYN-ACK's own number. */
static void icmp_errors(void **state)
{
	static const struct {
		enum icmp_kind kind;
		uint32_t       off;
		bool	       ends;
	} rows[] = {
		{ ICMP_PORT_UNREACHABLE, 0, true },  { ICMP_PROTOCOL_UNREACHABLE, 0, true },
		{ ICMP_PORT_UNREACHABLE, 1, false }, { ICMP_HOST_UNREACHABLE, 0, false },
		{ ICMP_TIME_EXCEEDED, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tern_addr router = addr_v4(BARE_PEER + 9), own = addr_v4(BARE_HOST);
		uint8_t		       bytes[128], quote[28];

		start(0);
		bare_send(&b, BARE_PEER, 1000, a_syn());
		expect_syn_ack();
		memcpy(quote, b.bytes, sizeof quote);
		put32(quote + 24, b.seg.seq.v + rows[i].off);
		const struct icmp_message icmp = { .kind = rows[i].kind,
						   .body = quote,
						   .body_len = sizeof quote };
		const struct ip_header	  ip = {
			   .src = router, .dst = own, .version = 4, .protocol = IPPROTO_ICMP4, .ttl = 9
		};
		const uint32_t len =
			(uint32_t)(IPV4_HEADER + icmp_wire_emit(bytes + IPV4_HEADER, &icmp, &router, &own));
		struct tern_packet packet = { .part = { { bytes, len, NULL } }, .len = len, .n_parts = 1 };
		tern_packet	  *batch[1] = { &packet };

		ip_wire_emit(bytes, &ip, len - IPV4_HEADER);
		b.n_log = 0;
		tern_host_input(b.host, batch, 1, b.now);
		assert_int_equal(bare_stats(&b).TernHalfOpen, !rows[i].ends);
		assert_int_equal(bare_edges(&b, TERN_STATE_SYN_RECEIVED, TERN_STATE_CLOSED, TERN_WHY_ICMP),
				 rows[i].ends);
		bare_end(&b);
	}
}

/* The records by themselves: as many as allowed, indices used again, memory given back. */
static void records(void **state)
{
	const struct tern_allocator allocator = test_allocator(&b.memory);
	struct half_opens	    all;
	struct mem		    mem;

	(void)state;
	mem_init(&mem, &allocator, 1 << 20, 0);
	half_open_init(&all, &mem, 600);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 600; i++) {
			const uint32_t index = half_open_get(&all);

			assert_true(index < 600);
			half_open_wait(&all, index, 0, 1000 - i); /* deadlines of a queue never go back */
		}
		assert_int_equal(half_open_get(&all), HALF_OPEN_NONE);
		half_open_check(&all);
		assert_int_equal(half_open_deadline(&all), 1000);
		assert_int_equal(half_open_due(&all, 999), HALF_OPEN_NONE);
		for (uint32_t i = 0; i < 600; i++)
			half_open_put(&all, (i * 7 + round) % 600);
		half_open_check(&all);
		assert_int_equal(half_open_deadline(&all), TERN_NEVER);
	}
	half_open_trim(&all);
	assert_int_equal(mem.used, 0);
	half_open_done(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_segments_open),
		cmocka_unit_test(the_third_segment_may_carry_all),
		cmocka_unit_test(a_later_segment_completes),
		cmocka_unit_test(syn_ack_repeats_and_is_given_up),
		cmocka_unit_test(many_repetitions),
		cmocka_unit_test(zones_are_apart),
		cmocka_unit_test(a_jump_of_the_clock),
		cmocka_unit_test(segments_to_a_half_open_entry),
		cmocka_unit_test(a_peer_that_began_anew),
		cmocka_unit_test(challenges_end),
		cmocka_unit_test(icmp_errors),
		cmocka_unit_test(records),
		cmocka_unit_test(a_half_open_entry_costs_at_most_96_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
