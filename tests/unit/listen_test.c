/* Listeners (host/listen.c, accept.c, listen_call.c), seen from outside: bare segments in, answers, events and
 * counters out. */
#include "unit/bare_listener.h"

/* ---- segments to a listener ---- */

static void segments_to_a_listener(void **state)
{
	static const struct row rows[] = {
		{ "reset", TCP_RST, 0, 0, 0, 0, TERN_VERDICT_STRAY_RESET, 0, 0, 0 },
		{ "reset with SYN", TCP_RST | TCP_SYN, 0, 0, 0, 0, TERN_VERDICT_STRAY_RESET, 0, 0, 0 },
		{ "ACK", TCP_ACK, 0, 0, 0, 0, TERN_VERDICT_BAD_ACK, TCP_RST, 0, 0 },
		{ "SYN-ACK", TCP_ACK | TCP_SYN, 0, 0, 0, 0, TERN_VERDICT_BAD_ACK, TCP_RST, 0, 0 },
		{ "FIN alone", TCP_FIN, 0, 0, 0, 0, TERN_VERDICT_NO_SYN, 0, 0, 0 },
		{ "nothing", 0, 0, 0, 3, 0, TERN_VERDICT_NO_SYN, 0, 0, 0 },
		{ "SYN with FIN", TCP_SYN | TCP_FIN, 0, 0, 0, 0, TERN_VERDICT_NEW_CONNECTION,
		  TCP_SYN | TCP_ACK, 1, 0 },
		{ "SYN with text", TCP_SYN, 0, 0, 9, 0, TERN_VERDICT_NEW_CONNECTION, TCP_SYN | TCP_ACK, 1,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *const row = &rows[i];
		struct tcp_segment	seg = { .flags = (uint16_t)row->flags,
						.seq = seq(ISN),
						.ack = seq(99),
						.wnd = 1,
						.text = (const uint8_t *)"0123456789",
						.text_len = row->text };

		start(0);
		bare_send(&b, BARE_PEER, 1000, seg);
		if (bare_verdict(&b) != row->verdict)
			fail_msg("%s: verdict %s", row->what, tern_verdict_name(bare_verdict(&b)));
		if (bare_next(&b) != (row->answer != 0) || (row->answer != 0 && b.seg.flags != row->answer))
			fail_msg("%s: answer", row->what);
		/* Neither FIN nor text of a SYN is acknowledged: they come again. */
		if (row->answer == (TCP_SYN | TCP_ACK) && b.seg.ack.v != ISN + 1)
			fail_msg("%s: acknowledged more than the SYN", row->what);
		if (bare_stats(&b).TernHalfOpen != row->half_open)
			fail_msg("%s: what is left", row->what);
		bare_end(&b);
	}
}

static void a_syn_from_ourselves_to_itself(void **state)
{
	const struct tern_addr own = addr_v4(BARE_HOST);
	struct tcp_segment     syn = a_syn();

	(void)state;
	start(0);
	syn.src_port = syn.dst_port = 80;
	bare_send_to(&b, &own, &own, &syn);
	assert_int_equal(bare_stats(&b).TernVerdict[TERN_VERDICT_BAD_ADDRESS], 1);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	assert_false(bare_next(&b));
	bare_end(&b);
}

/* ---- the accept queue ---- */

static void a_full_queue_drops_the_third_and_repeats_the_second(void **state)
{
	tern_socket	   socket;
	struct tcp_segment ack;

	(void)state;
	start(2);
	connect_from(1000, a_syn());
	connect_from(1001, a_syn());
	bare_send(&b, BARE_PEER, 1002, a_syn());
	expect_syn_ack();
	ack = third();
	bare_send(&b, BARE_PEER, 1002, ack);
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_BACKLOG_FULL);
	assert_int_equal(bare_stats(&b).ListenOverflows, 1);
	assert_false(bare_next(&b));
	bare_wait(&b, TERN_SECOND);
	expect_syn_ack();
	bare_send(&b, BARE_PEER, 1002, ack);
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_BACKLOG_FULL);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	bare_wait(&b, 2 * TERN_SECOND);
	expect_syn_ack();
	bare_send(&b, BARE_PEER, 1002, ack);
	assert_int_equal(bare_stats(&b).TernConnections, 3);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	bare_end(&b);
}

/* In order, whatever dies in between; a random walk beside a model. */
static void the_queue_keeps_its_order(void **state)
{
	enum { PORTS = 300 };
	uint16_t	  queue[PORTS * 20];
	bool		  alive[65536] = { false };
	seq_t		  at[65536];
	unsigned	  first = 0, end = 0, living = 0;
	uint64_t	  random = 5;
	uint16_t	  port = 1024;
	struct tern_event event;

	(void)state;
	start(PORTS);
	for (unsigned step = 0; step < 3000; step++) {
		const unsigned what = splitmix64(&random) % 10;

		if (what < 5 && living < PORTS) {
			port++;
			connect_from(port, a_syn());
			at[port] = seq(ISN + 1);
			alive[port] = true;
			queue[end++] = port;
			living++;
		} else if (what < 8 && end > first) {
			const uint16_t victim = queue[first + splitmix64(&random) % (end - first)];

			bare_send(&b, BARE_PEER, victim,
				  (struct tcp_segment){ .flags = TCP_RST, .seq = at[victim] });
			living -= alive[victim];
			alive[victim] = false;
		} else {
			tern_socket	  socket;
			struct tern_tuple tuple;

			while (first != end && !alive[queue[first]])
				first++;
			if (first == end) {
				assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EAGAIN);
				continue;
			}
			assert_int_equal(tern_accept(b.host, listener, &socket), 0);
			assert_int_equal(tern_name(b.host, socket, &tuple), 0);
			assert_int_equal(tuple.remote_port, queue[first]);
			first++;
			living--;
			assert_int_equal(tern_abort(b.host, socket), 0);
		}
		bare_drain(&b); /* what is over leaves the lists that it stood in */
		while (tern_host_event(b.host, &event))
			;
		assert_int_equal(bare_stats(&b).TernConnections, living);
	}
	bare_end(&b);
}

/* Connections that die behind one that nobody accepts leave no places behind for good. */
static void the_dead_make_room(void **state)
{
	struct tern_tuple tuple;
	tern_socket	  socket;
	uint16_t	  port = 1000;

	(void)state;
	start(0);
	connect_from(999, a_syn());
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 3; i++)
			connect_from(++port, a_syn());
		bare_drain(&b);
		if (round == 49)
			break;
		for (unsigned i = 0; i < 3; i++)
			bare_send(&b, BARE_PEER, (uint16_t)(port - i),
				  (struct tcp_segment){ .flags = TCP_RST, .seq = seq(ISN + 1) });
	}
	assert_in_range(b.host->listeners.at[0]->queue_room, 1, 8);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(tern_accept(b.host, listener, &socket), 0);
		assert_int_equal(tern_name(b.host, socket, &tuple), 0);
		assert_int_equal(tuple.remote_port, i == 0 ? 999 : port - 3 + i);
	}
	assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EAGAIN);
	bare_drain(&b);
	bare_end(&b);
}

/* Its text that came before it was accepted is there, and told. */
static void what_waits_is_told_at_accept(void **state)
{
	struct tern_event  event;
	tern_socket	   socket;
	struct tcp_segment seg;
	unsigned	   ready = 0;

	(void)state;
	start(0);
	connect_from(1000, a_syn());
	seg = third();
	seg.text = (const uint8_t *)"abc";
	seg.text_len = 3;
	bare_send(&b, BARE_PEER, 1000, seg);
	bare_drain(&b);
	assert_true(tern_host_event(b.host, &event));
	assert_int_equal(event.ready, TERN_ACCEPT);
	assert_false(tern_host_event(b.host, &event)); /* nobody knows the connection yet */
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	while (tern_host_event(b.host, &event)) {
		assert_memory_equal(&event.socket, &socket, sizeof socket);
		ready |= event.ready;
	}
	assert_true(ready & TERN_READABLE);
	bare_end(&b);
}

static void closing_a_listener_ends_all_of_it(void **state)
{
	unsigned	  resets = 0;
	struct tern_event event;
	tern_socket	  socket;
	static uint32_t	  iss[65536];

	(void)state;
	start(0);
	for (uint16_t port = 1000; port < 1010; port++) {
		connect_from(port, a_syn());
		iss[port] = b.seg.seq.v;
	}
	for (uint16_t port = 2000; port < 2007; port++)
		bare_send(&b, BARE_PEER, port, a_syn());
	while (bare_next(&b))
		iss[b.seg.dst_port] = b.seg.seq.v;
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	b.n_log = 0;
	assert_int_equal(tern_close(b.host, listener), 0);
	while (bare_next(&b)) {
		assert_true(b.seg.flags & TCP_RST);
		/* Believable: it begins where the peer expects it (RFC 5961 3.2). */
		assert_int_equal(b.seg.seq.v, iss[b.seg.dst_port] + 1);
		resets++;
	}
	assert_int_equal(resets, 9 + 7);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	assert_int_equal(bare_stats(&b).TernConnections, 1); /* what was accepted is the program's */
	assert_int_equal(bare_stats(&b).TernListeners, 0);
	assert_int_equal(bare_edges(&b, TERN_STATE_LISTEN, TERN_STATE_CLOSED, TERN_WHY_CLOSE_CALLED), 1);
	assert_int_equal(bare_edges(&b, TERN_STATE_SYN_RECEIVED, TERN_STATE_CLOSED, TERN_WHY_LISTENER_CLOSED),
			 7);
	while (tern_host_event(b.host, &event))
		assert_memory_equal(&event.socket, &socket,
				    sizeof socket); /* the listener has nothing to tell */
	assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EBADF);
	assert_int_equal(tern_close(b.host, listener), -TERN_EBADF);
	bare_send(&b, BARE_PEER, 3000, a_syn());
	assert_true(bare_next(&b));
	assert_true(b.seg.flags & TCP_RST);
	/* The port is free, and the old handle is not the new one's. */
	const tern_socket old = listener;

	listen_on(&(struct tern_listen){ .local = { .port = 80 } });
	assert_int_equal(tern_close(b.host, old), -TERN_EBADF);
	assert_int_equal(tern_close(b.host, listener), 0);
	bare_end(&b);
}

/* ---- which listener ---- */

/* MUST-41, MUST-43. */
static void the_most_exact_listener_takes_it(void **state)
{
	static const struct {
		uint32_t local, remote;
		uint16_t port, remote_port;
		bool	 any, v4_only;
	} rows[] = {
		{ 0, 0, 0, 0, true, false },
		{ 0, 0, 80, 0, false, false },
		{ 0, 0, 80, 0, false, true },
		{ BARE_HOST, 0, 80, 0, false, false },
		{ 0, BARE_PEER, 80, 0, false, false },
		{ BARE_HOST, BARE_PEER, 80, 0, false, false },
		{ 0, BARE_PEER, 80, 1000, false, false },
		{ BARE_HOST, BARE_PEER, 80, 1000, false, false },
	};
	enum { N = sizeof rows / sizeof *rows };
	tern_socket sockets[N];

	(void)state;
	begin();
	bare_begin(&b, &config, false);
	/* Each is more exact than all before it, in whatever order they were opened. */
	for (unsigned i = 0; i < N; i++) {
		const unsigned	   n = i * 5 % N;
		struct tern_listen how = { .local = { .port = rows[n].port }, .any = rows[n].any };

		if (rows[n].local != 0 || rows[n].v4_only)
			how.local.addr = addr_v4(rows[n].local);
		if (rows[n].remote != 0)
			how.remote = (struct tern_endpoint){ .addr = addr_v4(rows[n].remote),
							     .port = rows[n].remote_port };
		assert_int_equal(tern_listen(b.host, &how, &sockets[n]), 0);
		assert_int_equal(tern_listen(b.host, &how, &listener), -TERN_EADDRINUSE);
	}
	for (unsigned n = N; n-- > 0;) {
		tern_socket socket;

		connect_from(1000, a_syn());
		if (tern_accept(b.host, sockets[n], &socket) != 0)
			fail_msg("listener %u was passed over", n);
		assert_int_equal(tern_abort(b.host, socket), 0);
		bare_drain(&b);
		assert_int_equal(tern_close(b.host, sockets[n]), 0);
	}
	bare_send(&b, BARE_PEER, 1000, a_syn());
	assert_true(bare_next(&b));
	assert_true(b.seg.flags & TCP_RST);
	bare_end(&b);
}

/* Opened and closed without end: numbers are used again, old handles stay dead. */
static void listeners_come_and_go(void **state)
{
	enum { N = 600 }; /* more than the buckets by port */
	static tern_socket sockets[N], old[N];
	struct tern_event  event;

	(void)state;
	begin();
	bare_begin(&b, &config, false);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(
				tern_listen(b.host,
					    &(struct tern_listen){ .local = { .port = (uint16_t)(1 + i) } },
					    &sockets[i]),
				0);
		assert_int_equal(bare_stats(&b).TernListeners, N);
		assert_int_equal(b.host->listeners.n_at, N);
		for (unsigned i = 0; i < N; i++)
			if (round > 0)
				assert_int_equal(tern_close(b.host, old[i]), -TERN_EBADF);
		/* Some with an event that was never fetched. */
		b.host_port = (uint16_t)(1 + round * 7);
		connect_from(1000, a_syn());
		b.host_port = (uint16_t)(2 + round * 7);
		connect_from(1000, a_syn());
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(tern_close(b.host, sockets[(i * 7 + round) % N]), 0);
		assert_false(tern_host_event(b.host, &event));
		bare_drain(&b);
		tern_host_check(b.host);
		memcpy(old, sockets, sizeof old);
	}
	assert_int_equal(bare_stats(&b).TernListeners, 0);
	assert_int_equal(bare_stats(&b).TernConnections, 0);
	bare_end(&b);
}

static void a_listener_for_one_remote_refuses_others(void **state)
{
	(void)state;
	begin();
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 }, .remote = { .addr = addr_v4(BARE_PEER) } });
	bare_send(&b, BARE_PEER + 7, 1000, a_syn());
	assert_true(bare_next(&b));
	assert_true(b.seg.flags & TCP_RST);
	connect_from(1000, a_syn());
	assert_int_equal(bare_stats(&b).TernConnections, 1);
	bare_end(&b);
}

/* MUST-41. */
static void what_cannot_be_listened_on(void **state)
{
	const struct tern_addr multicast = addr_v4(0xe0000001), broadcast = addr_v4(0xffffffff);
	struct tern_addr       v6 = { { 0xfd } };
	const struct {
		struct tern_listen how;
		int		   error;
	} rows[] = {
		{ { .local = { .port = 0 } }, -TERN_EINVAL },
		{ { .local = { .port = 80 }, .any = true }, -TERN_EINVAL },
		{ { .local = { .port = 80 }, .ask = true }, -TERN_EINVAL },
		{ { .local = { .addr = multicast, .port = 80 } }, -TERN_EINVAL },
		{ { .local = { .addr = broadcast, .port = 80 } }, -TERN_EINVAL },
		{ { .local = { .port = 80 }, .remote = { .addr = multicast } }, -TERN_EINVAL },
		{ { .local = { .port = 80 }, .remote = { .port = 5 } }, -TERN_EINVAL },
		{ { .local = { .addr = addr_v4(BARE_HOST), .port = 80 }, .remote = { .addr = v6 } },
		  -TERN_EINVAL },
	};
	tern_socket socket;

	(void)state;
	begin();
	bare_begin(&b, &config, false);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (tern_listen(b.host, &rows[i].how, &socket) != rows[i].error)
			fail_msg("row %zu", i);
	assert_int_equal(bare_stats(&b).TernListeners, 0);
	bare_end(&b);
}

/* MUST-42: one listens on a port of which connections are in SYN-SENT and SYN-RECEIVED; both go on. */
static void a_port_that_is_opening_may_be_listened_on(void **state)
{
	const struct tern_open open = { .local = { .addr = addr_v4(BARE_HOST), .port = 80 },
					.remote = { .addr = addr_v4(BARE_PEER), .port = 1000 } };
	const struct tern_listen again = { .local = { .port = 80 }, .remote = { .addr = addr_v4(0x0a000009) } };
	struct tcp_segment	 syn_ack = { .seq = seq(ISN), .flags = TCP_SYN | TCP_ACK, .wnd = 4000 };
	struct tern_status	 status;
	tern_socket		 active, other;

	(void)state;
	begin();
	bare_begin(&b, &config, false);
	assert_int_equal(tern_connect(b.host, &open, &active), 0);
	assert_true(bare_next(&b));
	syn_ack.ack = seq_add(b.seg.seq, 1);
	listen_on(&(struct tern_listen){ .local = { .port = 80 } });
	bare_send(&b, BARE_PEER, 1001, a_syn());
	expect_syn_ack();
	const struct tcp_segment ack = third();

	assert_int_equal(tern_listen(b.host, &again, &other), 0);
	bare_send(&b, BARE_PEER, 1001, ack);
	bare_send(&b, BARE_PEER, 1000, syn_ack);
	assert_int_equal(tern_accept(b.host, listener, &other), 0);
	assert_int_equal(tern_status(b.host, active, &status), 0);
	assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
	bare_end(&b);
}

static void options_are_handed_on(void **state)
{
	static const struct {
		enum tern_option option;
		int64_t		 value;
	} rows[] = {
		{ TERN_NODELAY, 1 },
		{ TERN_KEEPALIVE, 1 },
		{ TERN_KEEPALIVE_IDLE, 11 },
		{ TERN_KEEPALIVE_PROBES, 3 },
		{ TERN_USER_TIMEOUT, 9000 },
		{ TERN_TRAFFIC_CLASS, 0x20 },
		{ TERN_TTL, 9 },
		{ TERN_MAX_SEGMENT, 700 },
		{ TERN_R2, 500 },
	};
	tern_socket socket;
	int64_t	    value;

	(void)state;
	start(0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(tern_option_set(b.host, listener, rows[i].option, rows[i].value), 0);
	assert_int_equal(tern_option_set(b.host, listener, TERN_TTL, 256), -TERN_EINVAL);
	assert_true(tern_option_set(b.host, listener, TERN_OPTIONS, 1) < 0);
	assert_true(tern_option_set(b.host, listener, (enum tern_option) - 1, 1) < 0);
	assert_true(tern_option_get(b.host, listener, TERN_OPTIONS, &value) < 0);
	assert_int_equal(tern_set_congestion_control(b.host, listener, "reno"), 0);
	assert_int_equal(tern_set_congestion_control(b.host, listener, "none such"), -TERN_ENOENT);
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	assert_int_equal(b.seg.opt.mss, 700);
	assert_int_equal(b.ip.traffic_class, 0x20);
	bare_send(&b, BARE_PEER, 1000, third());
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(tern_option_get(b.host, listener, rows[i].option, &value), 0);
		assert_int_equal(value, rows[i].value);
		if (rows[i].option == TERN_MAX_SEGMENT)
			continue; /* the SYN-ACK had it */
		assert_int_equal(tern_option_get(b.host, socket, rows[i].option, &value), 0);
		if (value != rows[i].value)
			fail_msg("%s: %d", tern_option_name(rows[i].option), (int)value);
	}
	assert_int_equal(tern_option_get(b.host, listener, TERN_CORK, &value), 0);
	assert_int_equal(value, 0);
	bare_end(&b);
}

/* ---- floods ---- */

static void honest_peers_connect_through_a_flood(void **state)
{
	tern_socket	   socket;
	struct tern_status status;

	(void)state;
	start(16);
	flood(0x0a0000f0, 500);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 16);
	assert_int_equal(bare_stats(&b).SyncookiesSent, 500 - 16);
	for (uint16_t port = 1; port <= 10; port++) {
		bare_send(&b, BARE_PEER, port, port & 1 ? a_full_syn() : a_syn());
		assert_int_equal(bare_verdict(&b), TERN_VERDICT_COOKIE_SENT);
		expect_syn_ack();
		struct tcp_segment seg = third();

		bare_wait(&b, 100 * TERN_MILLISECOND);
		flood(0x0a0000f1, 20);
		if (port % 3 == 0) {
			seg.text = (const uint8_t *)"GET /";
			seg.text_len = 5;
		}
		bare_send(&b, BARE_PEER, port, seg);
		assert_int_equal(tern_accept(b.host, listener, &socket), 0);
		assert_int_equal(tern_status(b.host, socket, &status), 0);
		assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
		assert_int_equal(status.ts_ok, port & 1);
		assert_int_equal(status.wscale_ok, port & 1);
		assert_int_equal(status.sack_ok, port & 1);
		assert_int_equal(status.snd_wscale, port & 1 ? 9 : 0);
		assert_int_equal(status.snd_wnd, port & 1 ? 4000 << 9 : 4000);
		assert_int_equal(status.iss, seg.ack.v - 1);
		assert_int_equal(status.unread, seg.text_len);
		bare_drain(&b);
	}
	assert_int_equal(bare_stats(&b).SyncookiesRecv, 10);
	assert_int_equal(bare_stats(&b).TernVerdict[TERN_VERDICT_COOKIE_ACCEPTED], 10);
	assert_int_equal(bare_stats(&b).TernConnections, 10);
	bare_end(&b);
}

static unsigned notes(enum tern_note note)
{
	unsigned n = 0;

	for (size_t i = 0; i < b.n_log; i++)
		n += b.log[i].kind == TERN_WATCH_NOTE && b.log[i].u.note.note == note;
	return n;
}

static void cookies_begin_and_end_with_the_flood(void **state)
{
	(void)state;
	start(8);
	flood(0x0a0000f0, 100);
	assert_int_equal(notes(TERN_NOTE_COOKIES_ON), 1);
	bare_wait(&b, 100 * TERN_SECOND); /* entries are given up (one turn each) */
	while (bare_stats(&b).TernHalfOpen > 0)
		bare_wait(&b, 100 * TERN_SECOND);
	bare_drain(&b);
	b.n_log = 0;
	bare_send(&b, BARE_PEER, 1000, a_syn());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_NEW_CONNECTION);
	assert_int_equal(notes(TERN_NOTE_COOKIES_OFF), 1);
	bare_end(&b);
}

static void an_ack_that_proves_nothing(void **state)
{
	(void)state;
	start(1);
	/* While no cookie is out an ACK is refused unread. */
	bare_send(&b, BARE_PEER, 999, (struct tcp_segment){ .flags = TCP_ACK, .ack = seq(5), .seq = seq(6) });
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_BAD_ACK);
	assert_int_equal(bare_drain(&b), 1);
	flood(0x0a0000f0, 2);
	bare_send(&b, BARE_PEER, 999, (struct tcp_segment){ .flags = TCP_ACK, .ack = seq(5), .seq = seq(6) });
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_COOKIE_BAD);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_RST);
	assert_int_equal(b.seg.seq.v, 5);
	assert_int_equal(bare_stats(&b).SyncookiesFailed, 1);
	/* The peer's third and its first text were lost: its second text must not end it. */
	bare_send(&b, BARE_PEER, 1000, a_syn());
	expect_syn_ack();
	struct tcp_segment seg = third();

	seg.text = (const uint8_t *)"world";
	seg.text_len = 5;
	seg.seq = seq_add(seg.seq, 5);
	bare_send(&b, BARE_PEER, 1000, seg);
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_COOKIE_BAD);
	assert_false(bare_next(&b));
	seg.seq = seq_add(seg.seq, (uint32_t)-5);
	seg.text = (const uint8_t *)"hello";
	bare_send(&b, BARE_PEER, 1000, seg);
	assert_int_equal(bare_stats(&b).SyncookiesRecv, 1);
	/* The queue is full now: the next waits without being told no. */
	bare_drain(&b);
	bare_send(&b, BARE_PEER, 1001, a_syn());
	expect_syn_ack();
	bare_send(&b, BARE_PEER, 1001, third());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_BACKLOG_FULL);
	assert_false(bare_next(&b));
	/* An old cookie is none. */
	tern_socket socket;

	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	bare_send(&b, BARE_PEER, 1002, a_syn());
	expect_syn_ack();
	seg = third();
	bare_wait(&b, 130 * TERN_SECOND);
	bare_drain(&b);
	bare_send(&b, BARE_PEER, 1002, seg);
	assert_int_equal(bare_stats(&b).SyncookiesRecv, 1);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_RST);
	bare_end(&b);
}

/* The SYN came twice: the first was answered with a cookie, the second found a place. The peer answers the
 * first, whose number is not the entry's. */
static void a_cookie_before_an_entry(void **state)
{
	struct tcp_segment ack, flood_ack;
	tern_socket	   socket;
	struct tern_status status;

	(void)state;
	start(1);
	bare_send(&b, BARE_PEER, 999, a_syn());
	expect_syn_ack();
	flood_ack = third();
	bare_send(&b, BARE_PEER, 1000, a_full_syn());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_COOKIE_SENT);
	expect_syn_ack();
	ack = third();
	bare_send(&b, BARE_PEER, 999, (struct tcp_segment){ .flags = TCP_RST, .seq = flood_ack.seq });
	bare_send(&b, BARE_PEER, 1000, a_full_syn());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_NEW_CONNECTION);
	expect_syn_ack();
	bare_send(&b, BARE_PEER, 1000, ack);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	assert_int_equal(tern_status(b.host, socket, &status), 0);
	assert_int_equal(status.iss, ack.ack.v - 1);
	assert_int_equal(status.snd_wscale, 9);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 0);
	bare_drain(&b);
	bare_end(&b);
}

/* A third segment with text, doubled by the network: the copy comes when its connection has already ended. */
static void an_old_third_segment_opens_nothing(void **state)
{
	struct tcp_segment third_with_text, fin;
	tern_socket	   socket;

	(void)state;
	start(1);
	bare_send(&b, BARE_PEER, 999, a_syn());
	bare_send(&b, BARE_PEER, 1000, a_syn());
	assert_int_equal(bare_verdict(&b), TERN_VERDICT_COOKIE_SENT);
	expect_syn_ack();
	expect_syn_ack();
	third_with_text = third();
	third_with_text.text = (const uint8_t *)"pay 100";
	third_with_text.text_len = 7;
	fin = third_with_text;
	bare_send(&b, BARE_PEER, 1000, third_with_text);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	bare_drain(&b);
	fin.flags |= TCP_RST;
	fin.text_len = 0;
	fin.seq = seq_add(fin.seq, 7);
	bare_send(&b, BARE_PEER, 1000, fin);
	assert_int_equal(tern_close(b.host, socket), 0);
	bare_send(&b, BARE_PEER, 1000, third_with_text);
	assert_int_equal(tern_accept(b.host, listener, &socket), -TERN_EAGAIN);
	assert_int_equal(bare_stats(&b).SyncookiesRecv, 1);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_RST);
	bare_end(&b);
}

static void without_cookies_the_rest_is_dropped(void **state)
{
	(void)state;
	begin();
	config.no_syn_cookies = true;
	config.half_open_max = 5;
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 }, .backlog = 100 });
	flood(0x0a0000f0, 50);
	assert_int_equal(bare_stats(&b).TernHalfOpen, 5);
	assert_int_equal(bare_stats(&b).SyncookiesSent, 0);
	assert_int_equal(bare_stats(&b).ListenOverflows, 45);
	assert_int_equal(bare_stats(&b).TernVerdict[TERN_VERDICT_BACKLOG_FULL], 45);
	bare_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_to_a_listener),
		cmocka_unit_test(a_syn_from_ourselves_to_itself),
		cmocka_unit_test(a_full_queue_drops_the_third_and_repeats_the_second),
		cmocka_unit_test(the_queue_keeps_its_order),
		cmocka_unit_test(the_dead_make_room),
		cmocka_unit_test(what_waits_is_told_at_accept),
		cmocka_unit_test(closing_a_listener_ends_all_of_it),
		cmocka_unit_test(the_most_exact_listener_takes_it),
		cmocka_unit_test(listeners_come_and_go),
		cmocka_unit_test(a_listener_for_one_remote_refuses_others),
		cmocka_unit_test(what_cannot_be_listened_on),
		cmocka_unit_test(a_port_that_is_opening_may_be_listened_on),
		cmocka_unit_test(options_are_handed_on),
		cmocka_unit_test(honest_peers_connect_through_a_flood),
		cmocka_unit_test(cookies_begin_and_end_with_the_flood),
		cmocka_unit_test(an_ack_that_proves_nothing),
		cmocka_unit_test(a_cookie_before_an_entry),
		cmocka_unit_test(an_old_third_segment_opens_nothing),
		cmocka_unit_test(without_cookies_the_rest_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
