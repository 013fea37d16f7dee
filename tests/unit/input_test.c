/* Where segments went lately is tried first (host/input.c): connections whose ports are the same, and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/two_hosts.h"

enum { CLIENTS = 3, TURNS = 20 };

struct pair {
	tern_socket client, server;
};

static struct tern_addr client_addr(unsigned i, bool v6)
{
	struct tern_addr addr = two_addr(0, v6);

	addr.b[15] = (uint8_t)(i == 0 ? 1 : 10 + i);
	return addr;
}

/* From port 5000 of the i-th address of host 0 to port 80 of host 1. */
static struct pair open_pair(struct two_hosts *w, tern_socket listener, unsigned i, bool v6)
{
	const struct tern_open open = { .local = { .addr = client_addr(i, v6), .port = 5000 },
					.remote = { .addr = two_addr(1, v6), .port = 80 } };
	struct pair pair;

	assert_int_equal(tern_connect(w->host[0], &open, &pair.client), 0);
	two_exchange(w);
	assert_int_equal(tern_accept(w->host[1], listener, &pair.server), 0);
	return pair;
}

static void say(struct two_hosts *w, int from, tern_socket socket, unsigned number)
{
	assert_int_equal(tern_send(w->host[from], socket, &number, sizeof number, 0), sizeof number);
}

static void hear(struct two_hosts *w, int at, tern_socket socket, unsigned number)
{
	unsigned heard = ~number;

	assert_int_equal(tern_receive(w->host[at], socket, &heard, sizeof heard), sizeof heard);
	assert_int_equal(heard, number);
	assert_int_equal(tern_receive(w->host[at], socket, &heard, sizeof heard), -TERN_EAGAIN);
}

static void begin(struct two_hosts *w)
{
	two_defaults(w);
	two_begin(w);
	for (unsigned i = 1; i < CLIENTS; i++)
		for (int v6 = 0; v6 < 2; v6++) {
			const struct tern_addr addr = client_addr(i, v6);

			assert_int_equal(tern_host_add_address(w->host[0], 0, &addr, v6 ? 64 : 24), 0);
		}
}

static void the_same_ports_of_other_addresses_are_others(void **state)
{
	struct two_hosts w;
	struct pair pairs[2 * CLIENTS];

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 1, 80);
	for (unsigned i = 0; i < 2 * CLIENTS; i++)
		pairs[i] = open_pair(&w, listener, i / 2, i % 2);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		/* In one batch, and each by itself. */
		for (unsigned i = 0; i < 2 * CLIENTS; i++) {
			say(&w, 0, pairs[i].client, turn * 100 + i);
			say(&w, 1, pairs[i].server, turn * 100 + 50 + i);
			if (turn % 2)
				two_exchange(&w);
		}
		two_exchange(&w);
		for (unsigned i = 0; i < 2 * CLIENTS; i++) {
			hear(&w, 1, pairs[i].server, turn * 100 + i);
			hear(&w, 0, pairs[i].client, turn * 100 + 50 + i);
		}
	}
	two_end(&w);
}

/* The block of one that ended is another's, of the same ports. */
static void a_block_that_is_anothers_by_now_is_not_found(void **state)
{
	struct two_hosts w;

	(void)state;
	begin(&w);
	const tern_socket listener = two_listen(&w, 1, 80);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		const struct pair pair = open_pair(&w, listener, turn % CLIENTS, turn % 7 < 3);

		say(&w, 0, pair.client, turn);
		two_exchange(&w);
		hear(&w, 1, pair.server, turn);
		assert_int_equal(tern_close(w.host[1], pair.server), 0);
		two_exchange(&w);
		assert_int_equal(two_state(&w, 0, pair.client), TERN_STATE_CLOSE_WAIT);
		say(&w, 0, pair.client, turn); /* whoever is there no more resets it */
		two_exchange(&w);
		assert_int_equal(two_state(&w, 0, pair.client), TERN_STATE_CLOSED);
		assert_int_equal(tern_close(w.host[0], pair.client), 0);
		two_wait(&w, TERN_SECOND);
	}
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_ports_of_other_addresses_are_others),
		cmocka_unit_test(a_block_that_is_anothers_by_now_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
