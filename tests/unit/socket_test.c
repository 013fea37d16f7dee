#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/two_hosts.h"
#include "base/siphash.h"
#include <tern/pack.h>

static void begin(struct two_hosts *w)
{
	two_defaults(w);
	two_begin(w);
}

static struct tern_stats stats_of(struct two_hosts *w, int host)
{
	struct tern_stats stats;

	tern_host_stats(w->host[host], &stats);
	return stats;
}

/* ---- handles ---- */

static void assert_names_nothing(tern_host *host, tern_socket s)
{
	struct tern_status    status;
	struct tern_tuple     tuple;
	struct tern_endpoint  remote = { .port = 1 };
	tern_socket	      other;
	const uint8_t	     *at;
	char		      c;
	int64_t		      value;

	assert_int_equal(tern_status(host, s, &status), -TERN_EBADF);
	assert_int_equal(tern_name(host, s, &tuple), -TERN_EBADF);
	assert_int_equal(tern_socket_error(host, s), -TERN_EBADF);
	assert_int_equal(tern_ready(host, s), 0);
	assert_int_equal(tern_send(host, s, "x", 1, 0), -TERN_EBADF);
	assert_int_equal(tern_send_owned(host, s, "x", 1, 0, NULL, NULL), -TERN_EBADF);
	assert_int_equal(tern_receive(host, s, &c, 1), -TERN_EBADF);
	assert_int_equal(tern_peek(host, s, 0, &at), -TERN_EBADF);
	assert_int_equal(tern_consume(host, s, 0), -TERN_EBADF);
	assert_int_equal(tern_shutdown(host, s), -TERN_EBADF);
	assert_int_equal(tern_shutdown_receive(host, s), -TERN_EBADF);
	assert_int_equal(tern_close(host, s), -TERN_EBADF);
	assert_int_equal(tern_abort(host, s), -TERN_EBADF);
	assert_int_equal(tern_set_cookie(host, s, 1), -TERN_EBADF);
	assert_int_equal(tern_option_set(host, s, TERN_NODELAY, 1), -TERN_EBADF);
	assert_int_equal(tern_option_get(host, s, TERN_NODELAY, &value), -TERN_EBADF);
	assert_int_equal(tern_set_congestion_control(host, s, "reno"), -TERN_EBADF);
	assert_int_equal(tern_accept(host, s, &other), -TERN_EBADF);
	assert_int_equal(tern_listener_connect(host, s, &remote, &other), -TERN_EBADF);
	assert_int_equal(tern_next_ask(host, s, &other, &tuple), -TERN_EBADF);
	assert_int_equal(tern_answer(host, s, TERN_ANSWER_DROP), -TERN_EBADF);
}

static void bad_handles_are_told(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	uint64_t	 random = 3;

	(void)state;
	begin(&w);
	assert_names_nothing(w.host[0], (tern_socket){ 0, 0 });
	two_open(&w, false, &client, &server);
	tern_socket stale = client;
	stale.generation++;
	assert_names_nothing(w.host[0], stale);
	for (int i = 0; i < 1000; i++) {
		const uint64_t r = splitmix64(&random);

		assert_names_nothing(w.host[0], (tern_socket){ (uint32_t)r | 0x100, (uint32_t)(r >> 32) });
	}
	assert_int_equal(tern_abort(w.host[0], client), 0);
	assert_names_nothing(w.host[0], client);
	two_exchange(&w);
	two_end(&w);
}

static void a_closed_handle_never_names_the_next_connection(void **state)
{
	struct two_hosts w;
	tern_socket	 old, fresh;

	(void)state;
	begin(&w);
	(void)two_listen(&w, 1, 80);
	old = two_connect(&w, 0, 80, false);
	two_exchange(&w);
	assert_int_equal(tern_abort(w.host[0], old), 0);
	two_exchange(&w);
	fresh = two_connect(&w, 0, 80, false);
	assert_int_equal(fresh.index, old.index); /* the block was used again */
	assert_names_nothing(w.host[0], old);
	two_exchange(&w);
	two_end(&w);
}

/* ---- OPEN ---- */

static int connect_to(struct two_hosts *w, const char *local, uint16_t local_port, const char *remote, uint16_t port)
{
	struct tern_open open = { .local = { .port = local_port }, .remote = { .port = port } };
	tern_socket	 socket;

	if (local)
		assert_int_equal(tern_addr_parse(&open.local.addr, local), 0);
	assert_int_equal(tern_addr_parse(&open.remote.addr, remote), 0);
	return tern_connect(w->host[0], &open, &socket);
}

/* MUST-43, MUST-46. */
static void connect_checks_its_arguments(void **state)
{
	struct two_hosts w;

	(void)state;
	begin(&w);
	assert_int_equal(connect_to(&w, NULL, 0, "10.0.0.2", 0), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "0.0.0.0", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "::", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "224.0.0.1", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "ff02::1", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "255.255.255.255", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "10.0.0.255", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, NULL, 0, "192.0.2.1", 80), -TERN_ENETUNREACH);
	assert_int_equal(connect_to(&w, "10.0.0.9", 0, "10.0.0.2", 80), -TERN_EADDRNOTAVAIL);
	assert_int_equal(connect_to(&w, "fd00::1", 0, "10.0.0.2", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, "127.0.0.1", 0, "10.0.0.2", 80), -TERN_EINVAL);
	assert_int_equal(connect_to(&w, "10.0.0.1", 5000, "10.0.0.2", 80), 0);
	assert_int_equal(connect_to(&w, "10.0.0.1", 5000, "10.0.0.2", 80), -TERN_EADDRINUSE);
	assert_int_equal(connect_to(&w, "10.0.0.1", 5000, "10.0.0.2", 81), 0);
	assert_int_equal(stats_of(&w, 0).TernConnections, 2);
	two_end(&w);
}

static void every_ephemeral_port_is_used_once(void **state)
{
	struct two_hosts w;
	bool		 used[20] = { false };

	(void)state;
	two_defaults(&w);
	w.config[0].port_low = 1000;
	w.config[0].port_high = 1019;
	two_begin(&w);
	for (int i = 0; i < 20; i++) {
		struct tern_tuple tuple;

		assert_int_equal(tern_name(w.host[0], two_connect(&w, 0, 80, false), &tuple), 0);
		assert_in_range(tuple.local_port, 1000, 1019);
		assert_false(used[tuple.local_port - 1000]);
		used[tuple.local_port - 1000] = true;
	}
	assert_int_equal(connect_to(&w, NULL, 0, "10.0.0.2", 80), -TERN_EADDRNOTAVAIL);
	assert_int_equal(connect_to(&w, NULL, 0, "10.0.0.2", 81), 0); /* another remote, another series */
	two_end(&w);
}

/* RFC 9293 3.10.1: a passive OPEN made active; MUST-10 with both doing it. */
static void listener_becomes_active(void **state)
{
	struct two_hosts     w;
	struct tern_tuple    tuple;
	tern_socket	     active, accepted;
	struct tern_endpoint remote = { .port = 80 };

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 0, 7000), other = two_listen(&w, 1, 80);
	remote.addr = two_addr(1, false);
	assert_int_equal(tern_listener_connect(w.host[0], listener, &remote, &active), 0);
	assert_names_nothing(w.host[0], listener);
	two_exchange(&w);
	assert_int_equal(tern_name(w.host[0], active, &tuple), 0);
	assert_int_equal(tuple.local_port, 7000);
	assert_int_equal(two_state(&w, 0, active), TERN_STATE_ESTABLISHED);
	assert_int_equal(tern_accept(w.host[1], other, &accepted), 0);
	two_end(&w);
}

/* ---- events ---- */

static void events_are_edges_with_cookies(void **state)
{
	struct two_hosts  w;
	tern_socket	  server;
	struct tern_event event;
	char		  text[8];
	struct tern_open  open = { .remote = { .port = 80 }, .cookie = 4711 };
	tern_socket	  client;

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 1, 80);
	open.remote.addr = two_addr(1, true);
	assert_int_equal(tern_connect(w.host[0], &open, &client), 0);
	assert_false(tern_host_event(w.host[0], &event));
	two_exchange(&w);
	assert_true(tern_host_event(w.host[0], &event));
	assert_true(event.cookie == 4711 && event.socket.index == client.index);
	assert_true((event.ready & (TERN_CONNECTED | TERN_WRITABLE)) == (TERN_CONNECTED | TERN_WRITABLE));
	assert_false(tern_host_event(w.host[0], &event));

	assert_true(two_events(&w, 1, listener) & TERN_ACCEPT);
	assert_int_equal(tern_accept(w.host[1], listener, &server), 0);
	assert_int_equal(tern_accept(w.host[1], listener, &server), -TERN_EAGAIN);
	assert_int_equal(tern_set_cookie(w.host[1], server, 99), 0);
	(void)two_events(&w, 1, server);
	assert_int_equal(tern_send(w.host[0], client, "hello", 5, 0), 5);
	two_exchange(&w);
	assert_true(tern_host_event(w.host[1], &event));
	assert_true(event.cookie == 99 && (event.ready & TERN_READABLE));
	assert_true(tern_ready(w.host[1], server) & TERN_READABLE);
	assert_int_equal(tern_receive(w.host[1], server, text, sizeof text), 5);
	assert_false(tern_ready(w.host[1], server) & TERN_READABLE);
	assert_int_equal(tern_receive(w.host[1], server, text, sizeof text), -TERN_EAGAIN);
	two_end(&w);
}

/* What a program has let go of tells nothing any more, and leaves no ghost behind. */
static void closing_with_events_untold_leaves_nothing(void **state)
{
	enum { N = 50 };
	struct two_hosts  w;
	tern_socket	  client[N];
	struct tern_event event;

	(void)state;
	begin(&w);
	(void)two_listen(&w, 1, 80);
	for (int i = 0; i < N; i++)
		client[i] = two_connect(&w, 0, 80, false);
	two_exchange(&w); /* fifty events wait */
	for (int i = 0; i < N; i++) {
		assert_int_equal(tern_abort(w.host[0], client[(i * 7) % N]), 0);
		tern_host_check(w.host[0]);
	}
	two_exchange(&w);
	assert_false(tern_host_event(w.host[0], &event));
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	two_end(&w);
}

/* ---- closing ---- */

static void half_close_goes_on_the_other_way(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	char		 text[16];

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_shutdown(w.host[0], client), 0);
	assert_int_equal(tern_shutdown(w.host[0], client), 0);
	assert_int_equal(tern_send(w.host[0], client, "x", 1, 0), -TERN_EPIPE);
	two_exchange(&w);
	assert_true(two_events(&w, 1, server) & TERN_PEER_CLOSED);
	assert_int_equal(tern_receive(w.host[1], server, text, sizeof text), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(tern_send(w.host[1], server, "still here", 10, 0), 10);
		two_wait(&w, TERN_SECOND);
		assert_int_equal(tern_receive(w.host[0], client, text, sizeof text), 10);
	}
	assert_int_equal(tern_close(w.host[1], server), 0);
	two_exchange(&w);
	assert_int_equal(tern_receive(w.host[0], client, text, sizeof text), 0);
	assert_int_equal(two_state(&w, 0, client), TERN_STATE_TIME_WAIT);
	assert_int_equal(stats_of(&w, 0).TernTimeWait, 1);
	assert_int_equal(tern_close(w.host[0], client), 0);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	two_wait(&w, 61 * TERN_SECOND);
	two_end(&w);
}

/* TIME-WAIT in a husk: the program may still read what came before. */
static void unread_text_survives_time_wait(void **state)
{
	struct two_hosts   w;
	struct tern_status status;
	tern_socket	   client, server;
	char		   text[16];

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_shutdown(w.host[0], client), 0);
	two_exchange(&w);
	assert_int_equal(tern_send(w.host[1], server, "goodbye", 8, 0), 8);
	assert_int_equal(tern_close(w.host[1], server), 0);
	two_exchange(&w);
	assert_int_equal(tern_status(w.host[0], client, &status), 0);
	assert_int_equal(status.state, TERN_STATE_TIME_WAIT);
	assert_true(status.time_wait_at == w.now + 60 * TERN_SECOND);
	two_wait(&w, 70 * TERN_SECOND); /* 2MSL passes */
	assert_int_equal(tern_receive(w.host[0], client, text, sizeof text), 8);
	assert_string_equal(text, "goodbye");
	assert_int_equal(tern_receive(w.host[0], client, text, sizeof text), 0);
	assert_int_equal(tern_close(w.host[0], client), 0);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	two_end(&w);
}

static void abort_resets(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	char		 text[4];

	(void)state;
	begin(&w);
	two_open(&w, true, &client, &server);
	assert_int_equal(tern_send(w.host[0], client, "lost", 4, 0), 4);
	assert_int_equal(tern_abort(w.host[0], client), 0);
	two_exchange(&w);
	assert_int_equal(tern_receive(w.host[1], server, text, 4), -TERN_ECONNRESET);
	assert_true(two_events(&w, 1, server) & TERN_ERROR);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	assert_int_equal(tern_close(w.host[1], server), 0);
	assert_int_equal(stats_of(&w, 1).TernConnections, 0);
	two_end(&w);
}

static void close_with_linger_zero_or_unread_text_resets(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	begin(&w);
	for (int unread = 0; unread < 2; unread++) {
		two_open(&w, false, &client, &server);
		if (unread) {
			assert_int_equal(tern_send(w.host[1], server, "x", 1, 0), 1);
			two_exchange(&w);
		} else {
			assert_int_equal(tern_option_set(w.host[0], client, TERN_LINGER, 0), 0);
		}
		assert_int_equal(tern_close(w.host[0], client), 0);
		two_exchange(&w);
		assert_int_equal(tern_socket_error(w.host[1], server), -TERN_ECONNRESET);
		assert_int_equal(tern_close(w.host[1], server), 0);
	}
	assert_int_equal(stats_of(&w, 0).TCPAbortOnClose, 1);
	assert_int_equal(stats_of(&w, 0).TCPAbortOnLinger, 1);
	two_end(&w);
}

static void closing_a_listener_resets_what_nobody_accepted(void **state)
{
	struct two_hosts w;
	tern_socket	 client[3];

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 1, 80);
	for (int i = 0; i < 3; i++)
		client[i] = two_connect(&w, 0, 80, i % 2);
	two_exchange(&w);
	assert_int_equal(tern_close(w.host[1], listener), 0);
	assert_names_nothing(w.host[1], listener);
	two_exchange(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tern_socket_error(w.host[0], client[i]), -TERN_ECONNRESET);
	assert_int_equal(stats_of(&w, 1).TernConnections, 0);
	two_end(&w);
}

static void a_vanished_peer_is_given_up(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_close(w.host[1], server), 0);
	tern_packet *batch[8];
	for (size_t n; (n = tern_host_output(w.host[1], batch, 8, w.now)) > 0;)
		while (n-- > 0)
			tern_packet_done(batch[n]); /* into the void */
	/* host 1 alone: its orphan must end by itself */
	for (int i = 0; i < 1000 && tern_host_deadline(w.host[1]) != TERN_NEVER; i++) {
		w.now = tern_host_deadline(w.host[1]) + 1;
		tern_host_advance(w.host[1], w.now);
		for (size_t n; (n = tern_host_output(w.host[1], batch, 8, w.now)) > 0;)
			while (n-- > 0)
				tern_packet_done(batch[n]);
		tern_host_check(w.host[1]);
	}
	assert_int_equal(stats_of(&w, 1).TernConnections, 0);
	two_end(&w);
}

/* ---- options and listings ---- */

static void options_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < TERN_OPTIONS; i++)
		assert_int_equal(tern_option_by_name(tern_option_name((enum tern_option)i)), i);
	assert_int_equal(tern_option_by_name("node"), -TERN_ENOENT);
	assert_int_equal(tern_option_by_name("nodelayed"), -TERN_ENOENT);
	assert_int_equal(tern_option_by_name(""), -TERN_ENOENT);
	assert_null(tern_option_name(TERN_OPTIONS));
}

static void options_are_inherited_from_the_listener(void **state)
{
	struct two_hosts w;
	tern_socket	 server;
	int64_t		 value = 0;

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 1, 80);
	assert_int_equal(tern_option_set(w.host[1], listener, TERN_NODELAY, 1), 0);
	assert_int_equal(tern_option_set(w.host[1], listener, TERN_TTL, 300), -TERN_EINVAL);
	(void)two_connect(&w, 0, 80, false);
	two_exchange(&w);
	assert_int_equal(tern_accept(w.host[1], listener, &server), 0);
	assert_int_equal(tern_option_get(w.host[1], server, TERN_NODELAY, &value), 0);
	assert_int_equal(value, 1);
	two_end(&w);
}

static void counters_have_names(void **state)
{
	struct two_hosts  w;
	const char	 *name;
	uint64_t	  value;
	struct tern_stats stats;
	size_t		  n = 0, verdicts = 0;

	(void)state;
	begin(&w);
	(void)two_connect(&w, 0, 80, false);
	stats = stats_of(&w, 0);
	for (; tern_stats_at(&stats, n, &name, &value); n++) {
		if (strcmp(name, "ActiveOpens") == 0)
			assert_int_equal(value, 1);
		if (strncmp(name, "TernVerdict/", 12) == 0)
			assert_string_equal(name + 12, tern_verdict_name((enum tern_verdict)verdicts++));
	}
	assert_int_equal(verdicts, TERN_VERDICTS);
	assert_int_equal(n, sizeof stats / sizeof(uint64_t));
	two_end(&w);
}

static void listings_name_everything_once(void **state)
{
	struct two_hosts  w;
	tern_socket	  client, server, found;
	struct tern_entry entry;
	uint64_t	  cursor = 0;
	int		  n = 0;

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	(void)two_listen(&w, 0, 81);
	(void)two_listen(&w, 0, 82);
	while (tern_host_each(w.host[0], &cursor, &found)) {
		struct tern_status status;

		assert_int_equal(tern_status(w.host[0], found, &status), 0);
		assert_int_equal(status.state, n == 0 ? TERN_STATE_ESTABLISHED : TERN_STATE_LISTEN);
		n++;
	}
	assert_int_equal(n, 3);

	struct tern_status orphan;

	cursor = 0;
	assert_false(tern_host_each_orphan(w.host[0], &cursor, &orphan));
	assert_int_equal(tern_close(w.host[0], client), 0);
	two_exchange(&w);
	assert_true(tern_host_each_orphan(w.host[0], &cursor, &orphan));
	assert_int_equal(orphan.state, TERN_STATE_FIN_WAIT_2);
	assert_int_equal(orphan.tuple.remote_port, 80);
	assert_true(orphan.orphan_at > w.now && orphan.orphan_at <= w.now + 61 * TERN_SECOND);
	assert_false(tern_host_each_orphan(w.host[0], &cursor, &orphan));
	assert_int_equal(tern_close(w.host[1], server), 0);
	two_exchange(&w);
	cursor = 0;
	assert_true(tern_host_each_entry(w.host[0], &cursor, &entry));
	assert_int_equal(entry.state, TERN_STATE_TIME_WAIT);
	assert_true(entry.until == w.now + 60 * TERN_SECOND);
	assert_int_equal(entry.tuple.remote_port, 80);
	assert_false(tern_host_each_entry(w.host[0], &cursor, &entry));
	two_end(&w);
}

/* ---- pack ---- */

static void a_connection_moves_and_goes_on(void **state)
{
	static uint8_t	 record[65536];
	struct two_hosts w;
	tern_socket	 client, server;
	char		 text[16];

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_send(w.host[0], client, "before", 6, 0), 6); /* unsent: it goes along */
	const ptrdiff_t n = tern_pack(w.host[0], client, record, sizeof record);
	assert_true(n > 0 && n <= (ptrdiff_t)sizeof record);
	assert_int_equal(tern_unpack(w.host[0], record, (size_t)n, &server), -TERN_EADDRINUSE);
	assert_int_equal(tern_pack_out(w.host[0], client, record, (size_t)n - 1), n); /* no room: nothing happened */
	assert_int_equal(tern_pack_out(w.host[0], client, record, sizeof record), n);
	assert_names_nothing(w.host[0], client);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	assert_int_equal(stats_of(&w, 0).CurrEstab, 0);
	for (ptrdiff_t cut = 0; cut < n; cut += 3)
		assert_int_equal(tern_unpack(w.host[0], record, (size_t)cut, &client), -TERN_EPROTO);
	assert_int_equal(tern_unpack(w.host[0], record, (size_t)n, &client), 0);
	assert_int_equal(stats_of(&w, 0).CurrEstab, 1);
	two_wait(&w, TERN_SECOND);
	uint64_t cursor = 0;
	assert_true(tern_host_each(w.host[1], &cursor, &server));
	assert_int_equal(tern_receive(w.host[1], server, text, sizeof text), 6);
	assert_int_equal(tern_close(w.host[0], client), 0);
	assert_int_equal(tern_close(w.host[1], server), 0);
	two_wait(&w, 100 * TERN_SECOND);
	assert_int_equal(stats_of(&w, 0).TernConnections + stats_of(&w, 1).TernConnections, 0);
	two_end(&w);
}

/* ---- memory ---- */

/* Opens, talks both ways and closes, whatever fails on the way. */
static void a_whole_life(struct two_hosts *w)
{
	static uint8_t		 text[5000];
	const struct tern_listen listen = { .local = { .port = 80 } };
	struct tern_open	 open = { .remote = { .port = 80 } };
	tern_socket		 listener, client, server;

	open.remote.addr = two_addr(1, false);
	if (tern_listen(w->host[1], &listen, &listener) != 0)
		return;
	if (tern_connect(w->host[0], &open, &client) == 0) {
		two_wait(w, 10 * TERN_SECOND);
		(void)tern_send(w->host[0], client, text, sizeof text, 0);
		two_wait(w, 3 * TERN_SECOND);
		if (tern_accept(w->host[1], listener, &server) == 0) {
			(void)tern_send(w->host[1], server, text, sizeof text, 0);
			(void)tern_receive(w->host[1], server, text, sizeof text);
			two_wait(w, 3 * TERN_SECOND);
			assert_int_equal(tern_close(w->host[1], server), 0);
		}
		two_wait(w, 3 * TERN_SECOND);
		assert_int_equal(tern_close(w->host[0], client), 0);
	}
	assert_int_equal(tern_close(w->host[1], listener), 0);
	two_wait(w, 1000 * TERN_SECOND);
}

static void each_failing_allocation_is_survived(void **state)
{
	struct two_hosts w;

	(void)state;
	for (int which = 0; which < 2; which++) {
		for (size_t n = 1;; n++) {
			begin(&w);
			w.memory[which].fail_at = w.memory[which].calls + n;
			const size_t last = w.memory[which].fail_at;
			a_whole_life(&w);
			const bool reached = w.memory[which].calls >= last;
			assert_int_equal(stats_of(&w, 0).TernConnections, 0);
			assert_int_equal(stats_of(&w, 1).TernConnections, 0);
			two_end(&w);
			if (!reached) {
				assert_true(n > 5);
				break;
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_handles_are_told),
		cmocka_unit_test(a_closed_handle_never_names_the_next_connection),
		cmocka_unit_test(connect_checks_its_arguments),
		cmocka_unit_test(every_ephemeral_port_is_used_once),
		cmocka_unit_test(listener_becomes_active),
		cmocka_unit_test(events_are_edges_with_cookies),
		cmocka_unit_test(closing_with_events_untold_leaves_nothing),
		cmocka_unit_test(half_close_goes_on_the_other_way),
		cmocka_unit_test(unread_text_survives_time_wait),
		cmocka_unit_test(abort_resets),
		cmocka_unit_test(close_with_linger_zero_or_unread_text_resets),
		cmocka_unit_test(closing_a_listener_resets_what_nobody_accepted),
		cmocka_unit_test(a_vanished_peer_is_given_up),
		cmocka_unit_test(options_have_names),
		cmocka_unit_test(options_are_inherited_from_the_listener),
		cmocka_unit_test(counters_have_names),
		cmocka_unit_test(listings_name_everything_once),
		cmocka_unit_test(a_connection_moves_and_goes_on),
		cmocka_unit_test(each_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
