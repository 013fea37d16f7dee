/* Accept-any listeners that ask (host/ask.c; DESIGN 5.11), seen from outside. */
#include "unit/bare_listener.h"

/* ---- asking ---- */

static void start_asking(void)
{
	begin();
	config.forwarding_any = true;
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .any = true, .ask = true, .cookie = 5 });
}

static tern_socket next_ask(uint64_t cookie)
{
	struct tern_tuple tuple;
	tern_socket	  asked;

	assert_int_equal(tern_next_ask(b.host, listener, &asked, &tuple), 0);
	assert_int_equal(tuple.local_port, b.host_port);
	assert_int_equal(tern_set_cookie(b.host, asked, cookie), 0);
	return asked;
}

static void expect_end(tern_socket asked, uint64_t cookie)
{
	struct tern_event event;

	do
		assert_true(tern_host_event(b.host, &event));
	while (!(event.ready & TERN_CLOSED));
	assert_memory_equal(&event.socket, &asked, sizeof asked);
	assert_int_equal(event.cookie, cookie);
	assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), -TERN_EBADF);
	assert_false(tern_host_event(b.host, &event));
}

static void a_syn_waits_for_its_answer(void **state)
{
	struct tern_event event;
	struct tern_tuple tuple;
	tern_socket	  asked, socket;

	(void)state;
	start_asking();
	assert_int_equal(tern_next_ask(b.host, listener, &asked, &tuple), -TERN_EAGAIN);
	bare_send(&b, BARE_PEER, 1000, a_full_syn());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_WAITING);
	assert_false(bare_next(&b));
	assert_true(tern_host_event(b.host, &event));
	assert_int_equal(event.ready, TERN_ASK);
	assert_int_equal(event.cookie, 5);
	asked = next_ask(42);
	assert_int_equal(tern_name(b.host, asked, &tuple), 0);
	assert_int_equal(tuple.remote_port, 1000);
	/* The guest asks again, and is absorbed. */
	for (int i = 0; i < 3; i++) {
		bare_wait(&b, TERN_SECOND);
		bare_send(&b, BARE_PEER, 1000, a_full_syn());
		assert_int_equal(bare_verdict(&b), TERN_VERDICT_WAITING);
		assert_false(bare_next(&b));
	}
	assert_int_equal(tern_next_ask(b.host, listener, &socket, &tuple), -TERN_EAGAIN);
	b.n_log = 0;
	assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), 0);
	assert_int_equal(bare_edges(&b, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED), 1);
	assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), -TERN_EBADF);
	expect_syn_ack();
	assert_true(b.seg.opt.has_ts && b.seg.opt.has_wscale);
	bare_wait(&b, TERN_SECOND);
	expect_syn_ack();
	bare_send(&b, BARE_PEER, 1000, third());
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	while (tern_host_event(b.host, &event)) {
		assert_false(event.ready &
			     TERN_CLOSED); /* the ask has become the connection: that is no end */
		if (memcmp(&event.socket, &socket, sizeof socket) == 0)
			assert_int_equal(event.cookie, 42);
	}
	assert_int_equal(b.host->listeners.n_asks, 0);
	bare_end(&b);
}

static void answers_that_say_no(void **state)
{
	static const struct {
		enum tern_answer answer;
		int		 type[2], code[2]; /* of ICMP, per version; -1 none */
	} rows[] = {
		{ TERN_ANSWER_REFUSE, { -1, -1 }, { 0, 0 } },
		{ TERN_ANSWER_DROP, { -1, -1 }, { 0, 0 } },
		{ TERN_ANSWER_NET_UNREACHABLE, { 3, 1 }, { 0, 0 } },
		{ TERN_ANSWER_HOST_UNREACHABLE, { 3, 1 }, { 1, 3 } },
		{ TERN_ANSWER_PROHIBITED, { 3, 1 }, { 13, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		const bool	       v6 = i & 1;
		const enum tern_answer answer = rows[i / 2].answer;
		struct tern_event      event;
		tern_socket	       asked;

		begin();
		config.forwarding_any = true;
		bare_begin(&b, &config, v6);
		listen_on(&(struct tern_listen){ .any = true, .ask = true });
		bare_send(&b, BARE_PEER, 1000, a_syn());
		asked = next_ask(1);
		assert_int_equal(tern_answer(b.host, asked, (enum tern_answer)99), -TERN_EINVAL);
		while (tern_host_event(b.host, &event))
			;
		assert_int_equal(tern_answer(b.host, asked, answer), 0);
		assert_int_equal(bare_next(&b), answer != TERN_ANSWER_DROP);
		if (answer == TERN_ANSWER_REFUSE) {
			assert_int_equal(b.seg.flags, TCP_RST | TCP_ACK);
			assert_int_equal(b.seg.ack.v, ISN + 1);
			assert_int_equal(b.seg.seq.v, 0);
		} else if (answer != TERN_ANSWER_DROP) {
			struct ip_header quoted;
			uint16_t	 from, to;
			uint32_t	 number;

			assert_true(b.is_icmp);
			assert_int_equal(b.icmp.type, rows[i / 2].type[v6]);
			assert_int_equal(b.icmp.code, rows[i / 2].code[v6]);
			assert_true(icmp_wire_quoted_tcp(&b.icmp, &quoted, &from, &to, &number));
			assert_int_equal(from, 1000);
			assert_int_equal(to, 80);
			assert_int_equal(number, ISN);
		}
		assert_false(tern_host_event(b.host, &event)); /* the program knows */
		assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
		assert_int_equal(b.host->listeners.n_asks, 0);
		bare_end(&b);
	}
}

/* Every way in which an ask ends without the program: told once, with its cookie. */
static void ends_that_the_program_is_told(void **state)
{
	(void)state;
	for (int way = 0; way < 7; way++) {
		struct tern_event event;
		tern_socket	  asked;

		start_asking();
		bare_send(&b, BARE_PEER, 1000, a_syn());
		asked = next_ask(900);
		switch (way) {
		case 0: /* the guest gives up */
			bare_send(&b, BARE_PEER, 1000,
				  (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 1) });
			assert_int_equal(bare_verdict(&b), TERN_VERDICT_RESET);
			break;
		case 1: /* nobody decides */
			assert_int_equal(tern_host_deadline(b.host), b.now + 120 * TERN_SECOND);
			bare_wait(&b, 120 * TERN_SECOND);
			break;
		case 2: /* the listener closes */
			while (tern_host_event(b.host, &event))
				;
			assert_int_equal(tern_close(b.host, listener), 0);
			assert_true(bare_next(&b));
			assert_int_equal(b.seg.flags, TCP_RST | TCP_ACK);
			break;
		case 3: /* the guest never answers the SYN-ACK */
			assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), 0);
			for (int i = 0; i < 4; i++)
				bare_wait(&b, 100 * TERN_SECOND);
			bare_drain(&b);
			break;
		case 4: /* the guest resets the handshake */
			assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), 0);
			expect_syn_ack();
			bare_send(&b, BARE_PEER, 1000,
				  (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 1) });
			break;
		case 5: /* the guest resets the connection before it was accepted */
			assert_int_equal(tern_answer(b.host, asked, TERN_ANSWER_ACCEPT), 0);
			expect_syn_ack();
			bare_send(&b, BARE_PEER, 1000, third());
			bare_send(&b, BARE_PEER, 1000,
				  (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 1) });
			assert_int_equal(bare_stats(&b).TernConnections, 0);
			break;
		default: { /* the guest begins anew with another number: a new ask */
			struct tcp_segment syn = a_syn();

			syn.seq = seq(ISN + 99);
			bare_send(&b, BARE_PEER, 1000, syn);
			assert_int_equal(bare_verdict(&b), TERN_VERDICT_WAITING);
			(void)next_ask(901);
			assert_int_equal(b.host->listeners.n_asks, 2);
		}
		}
		expect_end(asked, 900);
		assert_int_equal(b.host->listeners.n_asks, way == 6);
		bare_end(&b);
	}
}

/* Several that end at once are told one by one, in their order; and so the next time. */
static void many_ends_are_told_in_order(void **state)
{
	struct tern_event event;

	(void)state;
	start_asking();
	for (int round = 0; round < 20; round++) {
		tern_socket asked[5];

		for (uint16_t i = 0; i < 5; i++) {
			bare_send(&b, BARE_PEER, 1000 + i, a_syn());
			asked[i] = next_ask(100 + i);
		}
		while (tern_host_event(b.host, &event))
			assert_int_equal(event.ready, TERN_ASK);
		bare_wait(&b, 120 * TERN_SECOND);
		for (uint16_t i = 0; i < 5; i++) {
			assert_true(tern_host_event(b.host, &event));
			assert_memory_equal(&event.socket, &asked[i], sizeof asked[i]);
			assert_int_equal(event.ready, TERN_CLOSED);
			assert_int_equal(event.cookie, 100 + i);
		}
		assert_false(tern_host_event(b.host, &event));
		assert_int_equal(b.host->listeners.n_asks, 0);
	}
	assert_in_range(b.host->listeners.asks_room, 5, 16); /* records are used again */
	bare_end(&b);
}

/* An ask that the program never looked at ends without a trace. */
static void ends_that_nobody_is_told(void **state)
{
	struct tern_event event;
	struct tern_tuple tuple;
	tern_socket	  asked;

	(void)state;
	start_asking();
	for (uint16_t port = 1000; port < 1050; port++)
		bare_send(&b, BARE_PEER, port, a_syn());
	for (uint16_t port = 1001; port < 1050; port += 2)
		bare_send(&b, BARE_PEER, port, (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 1) });
	assert_true(tern_host_event(b.host, &event));
	assert_false(tern_host_event(b.host, &event));
	for (uint16_t port = 1000; port < 1050; port += 2) {
		assert_int_equal(tern_next_ask(b.host, listener, &asked, &tuple), 0);
		assert_int_equal(tuple.remote_port, port);
		assert_int_equal(tern_close(b.host, asked), 0); /* as TERN_ANSWER_DROP */
	}
	assert_int_equal(tern_next_ask(b.host, listener, &asked, &tuple), -TERN_EAGAIN);
	assert_int_equal(b.host->listeners.n_asks, 0);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	assert_false(tern_host_event(b.host, &event));
	bare_end(&b);
}

static void a_listener_that_asks_never_sends_cookies(void **state)
{
	(void)state;
	begin();
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .any = true, .ask = true, .backlog = 4 });
	flood(0x0a0000f0, 20);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 4);
	assert_int_equal(bare_stats(&b).SyncookiesSent, 0);
	assert_int_equal(bare_stats(&b).ListenOverflows, 16);
	assert_int_equal(bare_stats(&b).TernVerdict[TERN_VERDICT_BACKLOG_FULL], 16);
	bare_end(&b);
}

static void while_it_asks_other_segments(void **state)
{
	static const struct row rows[] = {
		{ "ACK", TCP_ACK, 0, 0, 0, 0, TERN_VERDICT_BAD_ACK, TCP_RST, 1, 0 },
		{ "reset of another number", TCP_RST, 5, 0, 0, 0, TERN_VERDICT_STRAY_RESET, 0, 1, 0 },
		{ "FIN", TCP_FIN, 0, 0, 0, 0, TERN_VERDICT_NO_SYN, 0, 1, 0 },
		{ "reset of the SYN", TCP_RST, -1, 0, 0, 0, TERN_VERDICT_RESET, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start_asking();
		bare_send(&b, BARE_PEER, 1000, a_syn());
		bare_send(&b, BARE_PEER, 1000,
			  (struct tcp_segment){ .flags = (uint16_t)rows[i].flags,
						.ack = seq(4),
						.seq = seq(ISN + 1 + (uint32_t)rows[i].seq) });
		if (bare_verdict(&b) != rows[i].verdict || bare_next(&b) != (rows[i].answer != 0) ||
		    bare_stats(&b).TernHalfOpen != rows[i].half_open)
			fail_msg("%s", rows[i].what);
		bare_end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_waits_for_its_answer),
		cmocka_unit_test(answers_that_say_no),
		cmocka_unit_test(ends_that_the_program_is_told),
		cmocka_unit_test(many_ends_are_told_in_order),
		cmocka_unit_test(ends_that_nobody_is_told),
		cmocka_unit_test(a_listener_that_asks_never_sends_cookies),
		cmocka_unit_test(while_it_asks_other_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
