/* ECN between two hosts, by every way a connection comes to be: half-open entries, cookies, TIME-WAIT. Over
 * IPv6, whose header has no checksum to mend where the test marks packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/two_hosts.h"

enum { PORT = 80, FIELD_CE = 0x30 };

static struct two_hosts w;
static unsigned mark_from; /* 1: what host 0 sends; 2: what host 1 sends */
static unsigned marked, capable[2], ect1;
static bool lose_acks;

static unsigned field_of(const uint8_t *packet)
{
	return (packet[1] >> 4) & 3u;
}

static bool road(struct two_hosts *world, int from, const uint8_t *packet, size_t len)
{
	const uint8_t flags = packet[40 + 13];
	const unsigned field = field_of(packet);

	capable[from] += field != 0;
	ect1 += field == 1;
	if (lose_acks && from == 0 && !(flags & 0x02))
		return true;
	assert_false(field != 0 && len == 40u + 4u * (packet[40 + 12] >> 4)); /* text alone may be marked */
	if (mark_from & 1u << from && field != 0) {
		world->last[1] |= FIELD_CE;
		marked++;
	}
	return false;
}

static void begin(int ecn_0, int ecn_1)
{
	two_defaults(&w);
	const int set[2] = { ecn_0, ecn_1 };

	for (int i = 0; i < 2; i++) {
		w.config[i].ecn = (uint8_t)(set[i] > 0 ? set[i] : 0);
		w.config[i].no_ecn = set[i] == TERN_ECN_OFF;
	}
	w.lose = road;
	mark_from = marked = capable[0] = capable[1] = ect1 = 0;
	lose_acks = false;
}

static tern_socket opens(uint16_t from)
{
	const struct tern_open to = {
		.local = { .port = from }, .remote = { .addr = two_addr(1, true), .port = PORT },
	};
	tern_socket socket;

	assert_int_equal(tern_connect(w.host[0], &to, &socket), 0);
	return socket;
}

static tern_socket accepted(tern_socket listener)
{
	tern_socket socket;

	assert_int_equal(tern_accept(w.host[1], listener, &socket), 0);
	return socket;
}

static struct tern_status status(int host, tern_socket socket)
{
	struct tern_status s;

	assert_int_equal(tern_status(w.host[host], socket, &s), 0);
	return s;
}

/* n octets each way; all arrive. */
static void talk(tern_socket a, tern_socket b, size_t n)
{
	static uint8_t text[1 << 16], got[1 << 16];
	const tern_socket of[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		size_t sent = 0, read = 0;

		for (int turns = 0; read < n; turns++) {
			const ptrdiff_t took = sent < n ? tern_send(w.host[i], of[i], text, n - sent, 0) : 0;

			sent += took > 0 ? (size_t)took : 0;
			two_wait(&w, 50 * TERN_MILLISECOND);
			const ptrdiff_t came = tern_receive(w.host[!i], of[!i], got, sizeof got);

			read += came > 0 ? (size_t)came : 0;
			assert_true(turns < 1000);
		}
	}
}

/* What each pair of settings agrees on. */
static void settings_meet(void **state)
{
	static const struct {
		int client, server;
		bool ok, accurate;
	} table[] = {
		{ TERN_ECN_OFF, TERN_ECN_ON, false, false },	  { TERN_ECN_ACCEPT, TERN_ECN_ACCEPT, false, false },
		{ TERN_ECN_ON, TERN_ECN_OFF, false, false },	  { TERN_ECN_ON, TERN_ECN_ACCEPT, true, false },
		{ TERN_ECN_ON, TERN_ECN_ON, true, false },	  { TERN_ECN_ON, TERN_ECN_ACCURATE, true, false },
		{ TERN_ECN_ACCURATE, TERN_ECN_OFF, false, false }, { TERN_ECN_ACCURATE, TERN_ECN_ACCEPT, true, false },
		{ TERN_ECN_ACCURATE, TERN_ECN_ACCURATE, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		begin(table[i].client, table[i].server);
		two_begin(&w);
		const tern_socket listener = two_listen(&w, 1, PORT), a = opens(0);

		two_exchange(&w);
		const tern_socket b = accepted(listener);

		talk(a, b, 20000);
		assert_int_equal(status(0, a).ecn_ok, table[i].ok);
		assert_int_equal(status(1, b).ecn_ok, table[i].ok);
		assert_int_equal(status(0, a).ecn_accurate, table[i].accurate);
		assert_int_equal(status(1, b).ecn_accurate, table[i].accurate);
		assert_false(status(0, a).ecn_mangled || status(1, b).ecn_mangled);
		assert_int_equal(capable[0] > 0 && capable[1] > 0, table[i].ok);
		two_end(&w);
	}
}

/* Marks in one direction come back in the other: all of them where feedback is accurate. */
static void marks_come_back(void **state)
{
	(void)state;
	for (int kind = TERN_ECN_ON; kind <= TERN_ECN_ACCURATE; kind += TERN_ECN_ACCURATE - TERN_ECN_ON) {
		begin(kind, kind);
		two_begin(&w);
		const tern_socket listener = two_listen(&w, 1, PORT), a = opens(0);

		two_exchange(&w);
		const tern_socket b = accepted(listener);

		mark_from = 1;
		talk(a, b, 50000);
		assert_true(marked >= 30);
		assert_int_equal(status(1, b).received_ce, marked);
		assert_int_equal(status(1, b).delivered_ce, 0);
		assert_int_equal(status(0, a).received_ce, 0);
		if (kind == TERN_ECN_ACCURATE)
			assert_int_equal(status(0, a).delivered_ce, marked);
		else
			assert_true(status(0, a).delivered_ce > 0);
		assert_true(status(0, a).ssthresh < 50000); /* it made way */
		assert_true(status(1, b).ssthresh > 1u << 30);
		two_end(&w);
	}
}

/* The listener's places are taken: cookies, whose only memory is what the peer sends back. */
static void cookies_remember_it(void **state)
{
	static const struct {
		int client, server;
		bool no_timestamps, ok, accurate;
	} table[] = {
		{ TERN_ECN_ACCEPT, TERN_ECN_ACCURATE, false, false, false },
		{ TERN_ECN_ON, TERN_ECN_ACCEPT, false, true, false },
		{ TERN_ECN_ON, TERN_ECN_ACCURATE, false, true, false },
		{ TERN_ECN_ACCURATE, TERN_ECN_ACCEPT, false, true, false },
		{ TERN_ECN_ACCURATE, TERN_ECN_ACCURATE, false, true, true },
		{ TERN_ECN_ACCURATE, TERN_ECN_ACCURATE, true, false, false }, /* there is no room for it */
		{ TERN_ECN_ON, TERN_ECN_OFF, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct tern_stats stats;

		begin(table[i].client, table[i].server);
		w.config[1].half_open_max = 1;
		w.config[0].no_timestamps = table[i].no_timestamps;
		two_begin(&w);
		const tern_socket listener = two_listen(&w, 1, PORT);

		lose_acks = true;
		(void)opens(0); /* takes the one place */
		two_exchange(&w);
		lose_acks = false;
		const tern_socket a = opens(0);

		two_exchange(&w);
		const tern_socket b = accepted(listener);

		tern_host_stats(w.host[1], &stats);
		assert_int_equal(stats.SyncookiesRecv, 1);
		talk(a, b, 20000);
		assert_int_equal(status(0, a).ecn_ok, table[i].ok);
		assert_int_equal(status(1, b).ecn_ok, table[i].ok);
		assert_int_equal(status(0, a).ecn_accurate, table[i].accurate);
		assert_int_equal(status(1, b).ecn_accurate, table[i].accurate);
		assert_false(status(0, a).ecn_mangled || status(1, b).ecn_mangled);
		two_end(&w);
	}
}

/* A SYN that takes over from TIME-WAIT is a SYN like others. */
static void time_wait_is_taken_over(void **state)
{
	struct tern_stats stats;

	(void)state;
	begin(TERN_ECN_ACCURATE, TERN_ECN_ACCURATE);
	two_begin(&w);
	const tern_socket listener = two_listen(&w, 1, PORT), a = opens(40000);

	two_exchange(&w);
	const tern_socket b = accepted(listener);

	assert_int_equal(tern_close(w.host[1], b), 0); /* so that TIME-WAIT is the server's */
	two_exchange(&w);
	assert_int_equal(tern_close(w.host[0], a), 0);
	two_wait(&w, 2 * TERN_SECOND);
	const tern_socket c = opens(40000);

	two_wait(&w, TERN_SECOND);
	const tern_socket d = accepted(listener);

	tern_host_stats(w.host[1], &stats);
	assert_int_equal(stats.TWRecycled, 1);
	assert_true(status(0, c).ecn_accurate);
	assert_true(status(1, d).ecn_accurate);
	talk(c, d, 20000);
	two_end(&w);
}

/* A listener's own word, and a controller's. */
static void listeners_and_controllers_have_a_say(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const char *const controllers[] = { "cubic", "cubic", "dctcp", "prague" };

		begin(TERN_ECN_ACCEPT, TERN_ECN_ACCEPT);
		w.config[0].congestion_control = controllers[i];
		w.config[0].ecn = i < 2 ? TERN_ECN_ON : 0;
		two_begin(&w);
		const tern_socket listener = two_listen(&w, 1, PORT);

		if (i == 0)
			assert_int_equal(tern_option_set(w.host[1], listener, TERN_ECN, TERN_ECN_OFF), 0);
		if (i >= 2)
			assert_int_equal(tern_option_set(w.host[1], listener, TERN_ECN, TERN_ECN_ACCURATE), 0);
		assert_int_equal(tern_option_set(w.host[1], listener, TERN_ECN, 4), -TERN_EINVAL);
		const tern_socket a = opens(0);

		two_exchange(&w);
		const tern_socket b = accepted(listener);

		talk(a, b, 20000);
		assert_int_equal(status(0, a).ecn_ok, i != 0);
		assert_int_equal(status(1, b).ecn_accurate, i >= 2);
		assert_int_equal(ect1 > 0, i == 3); /* L4S: ECT(1), RFC 9331 */
		two_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_meet),
		cmocka_unit_test(marks_come_back),
		cmocka_unit_test(cookies_remember_it),
		cmocka_unit_test(time_wait_is_taken_over),
		cmocka_unit_test(listeners_and_controllers_have_a_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
