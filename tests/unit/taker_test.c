/* struct tern_taker (tern/config.h): text that a program takes as it comes, past the receive store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/two_hosts.h"
#include <tern/record.h>

enum { COOKIE = 7, ROOM = 1 << 22, MSS = 1460 };

/* Host 1's program. It takes as it is told, and keeps what it had. */
struct program {
	struct two_hosts w;
	tern_socket	 client, server;
	size_t		 most; /* of one piece of text */
	unsigned	 asked;
	uint64_t	 cookie; /* that it was asked about last */
	size_t		 n, taken;
	uint8_t		 bytes[ROOM];
};

static struct program program;

static uint8_t octet(size_t at)
{
	return (uint8_t)(at * 7 + (at >> 8));
}

static const uint8_t *octets(size_t from, size_t n)
{
	static uint8_t text[1 << 16];

	for (size_t i = 0; i < n; i++)
		text[i] = octet(from + i);
	return text;
}

static size_t take(void *context, uint64_t cookie, const uint8_t *text, size_t n)
{
	struct program *const p = context;
	const size_t	      some = n < p->most ? n : p->most;

	p->asked++;
	p->cookie = cookie;
	assert_true(n > 0 && p->n + some <= ROOM);
	memcpy(p->bytes + p->n, text, some);
	p->n += some;
	p->taken += some;
	return p->most > n && p->most != SIZE_MAX ? p->most : some; /* more than there was: what there was */
}

static struct program *begin(void)
{
	struct program *const p = &program;

	memset(p, 0, sizeof *p);
	two_defaults(&p->w);
	p->w.config[1].taker = (struct tern_taker){ take, p };
	two_begin(&p->w);
	return p;
}

static struct program *connected(size_t most)
{
	struct program *const p = begin();

	two_open(&p->w, false, &p->client, &p->server);
	assert_int_equal(tern_set_cookie(p->w.host[1], p->server, COOKIE), 0);
	(void)two_events(&p->w, 1, p->server);
	p->most = most;
	return p;
}

static void end(struct program *p)
{
	(void)tern_abort(p->w.host[0], p->client);
	(void)tern_abort(p->w.host[1], p->server);
	two_exchange(&p->w);
	two_end(&p->w);
}

/* The client says n octets that follow on `from`. */
static void says(struct program *p, size_t from, size_t n, unsigned flags)
{
	assert_int_equal(tern_send(p->w.host[0], p->client, octets(from, n), n, flags), n);
	two_exchange(&p->w);
}

/* What is in the store, to the end, follows on what was had before. */
static size_t reads(struct program *p)
{
	const size_t before = p->n;
	ptrdiff_t    n;

	while ((n = tern_receive(p->w.host[1], p->server, p->bytes + p->n, ROOM - p->n)) > 0)
		p->n += (size_t)n;
	assert_int_equal(n, -TERN_EAGAIN);
	return p->n - before;
}

static void had(const struct program *p, size_t n)
{
	assert_int_equal(p->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->bytes[i], octet(i));
}

static struct tern_status status_of(struct program *p, int host)
{
	struct tern_status status;

	assert_int_equal(tern_status(p->w.host[host], host ? p->server : p->client, &status), 0);
	return status;
}

static uint64_t memory_of(struct program *p)
{
	struct tern_stats stats;

	tern_host_stats(p->w.host[1], &stats);
	return stats.TernMemory;
}

/* It was read when it came: acknowledged, nothing of it is held, and no event says that there is something. */
static void all_of_it(void **state)
{
	struct program *const p = connected(SIZE_MAX);
	const uint64_t	      memory = memory_of(p);

	(void)state;
	says(p, 0, 5000, 0);
	had(p, 5000);
	assert_int_equal(p->taken, 5000);
	assert_int_equal(p->cookie, COOKIE);
	assert_int_equal(two_events(&p->w, 1, p->server) & TERN_READABLE, 0);
	assert_int_equal(tern_ready(p->w.host[1], p->server) & TERN_READABLE, 0);
	assert_int_equal(status_of(p, 1).unread, 0);
	assert_int_equal(memory_of(p), memory);
	two_wait(&p->w, 50 * TERN_MILLISECOND); /* a delayed ACK */
	assert_true(two_events(&p->w, 0, p->client) & TERN_DRAINED);
	assert_int_equal(reads(p), 0);
	end(p);
}

/* The rest is stored behind it, is told of, and what follows waits its turn there. */
static void a_part_of_it(void **state)
{
	struct program *const p = connected(100);

	(void)state;
	says(p, 0, 1000, 0);
	assert_int_equal(p->taken, 100);
	assert_int_equal(status_of(p, 1).unread, 900);
	assert_true(two_events(&p->w, 1, p->server) & TERN_READABLE);
	says(p, 1000, 1000, 0);
	assert_int_equal(p->asked, 1);
	assert_int_equal(reads(p), 1900);
	had(p, 2000);
	says(p, 2000, 1000, 0);
	assert_int_equal(p->asked, 2);
	assert_int_equal(reads(p), 900);
	had(p, 3000);
	end(p);
}

static void nothing_of_it(void **state)
{
	struct program *const p = connected(0);

	(void)state;
	says(p, 0, 1000, 0);
	assert_int_equal(p->asked, 1);
	assert_true(two_events(&p->w, 1, p->server) & TERN_READABLE);
	assert_int_equal(reads(p), 1000);
	had(p, 1000);
	end(p);
}

static void more_than_there_was_counts_as_all(void **state)
{
	struct program *const p = connected(1 << 20);

	(void)state;
	says(p, 0, 1000, 0);
	says(p, 1000, 1000, 0);
	had(p, 2000);
	assert_int_equal(status_of(p, 1).unread, 0);
	end(p);
}

static bool lose_first(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	(void)packet;
	if (from != 0 || len < 1000)
		return false;
	w->lose = NULL;
	return true;
}

/* While something is beyond a gap text has to be put in its place; read away, the store goes, and it is asked again. */
static void not_beside_a_gap(void **state)
{
	struct program *const p = connected(SIZE_MAX);

	(void)state;
	p->w.lose = lose_first;
	says(p, 0, 4 * MSS, 0);
	assert_int_equal(p->asked, 0);
	assert_true(status_of(p, 1).out_of_order > 0);
	two_wait(&p->w, 2 * TERN_SECOND);
	assert_int_equal(p->asked, 0);
	assert_int_equal(reads(p), 4 * MSS);
	had(p, 4 * MSS);
	says(p, 4 * MSS, 1000, 0);
	assert_int_equal(p->asked, 1);
	had(p, 4 * MSS + 1000);
	end(p);
}

/* The end of the stream is told as ever, also where it comes with text that was taken. */
static void the_end_is_told(void **state)
{
	struct program *const p = connected(SIZE_MAX);
	uint8_t		      c;

	(void)state;
	assert_int_equal(tern_send(p->w.host[0], p->client, octets(0, 500), 500, TERN_SEND_MORE), 500);
	assert_int_equal(tern_shutdown(p->w.host[0], p->client), 0);
	two_exchange(&p->w);
	had(p, 500);
	assert_true(two_events(&p->w, 1, p->server) & TERN_PEER_CLOSED);
	assert_int_equal(tern_receive(p->w.host[1], p->server, &c, 1), 0);
	assert_int_equal(two_state(&p->w, 1, p->server), TERN_STATE_CLOSE_WAIT);
	end(p);
}

static void a_reset_is_told(void **state)
{
	struct program *const p = connected(SIZE_MAX);
	uint8_t		      c;

	(void)state;
	says(p, 0, 500, 0);
	assert_int_equal(tern_abort(p->w.host[0], p->client), 0);
	two_exchange(&p->w);
	assert_true(two_events(&p->w, 1, p->server) & TERN_ERROR);
	assert_int_equal(tern_receive(p->w.host[1], p->server, &c, 1), -TERN_ECONNRESET);
	had(p, 500);
	end(p);
}

/* RFC 6093: who is told of urgent data looks where it stands, in the store. */
static void not_while_urgent_data_is_ahead(void **state)
{
	struct program *const p = connected(SIZE_MAX);

	(void)state;
	says(p, 0, 100, TERN_SEND_URGENT);
	assert_int_equal(p->asked, 0);
	assert_true(two_events(&p->w, 1, p->server) & TERN_URGENT);
	assert_int_equal(status_of(p, 1).urgent, 100);
	assert_int_equal(reads(p), 100);
	says(p, 100, 100, 0);
	assert_int_equal(p->asked, 1);
	had(p, 200);
	end(p);
}

/* Nobody holds it yet, so there is no cookie to ask by. */
static void not_before_it_is_accepted(void **state)
{
	struct program *const p = begin();
	const tern_socket     listener = two_listen(&p->w, 1, 80);

	(void)state;
	p->most = SIZE_MAX;
	p->client = two_connect(&p->w, 0, 80, false);
	two_exchange(&p->w);
	says(p, 0, 1000, 0);
	assert_int_equal(p->asked, 0);
	assert_int_equal(tern_accept(p->w.host[1], listener, &p->server), 0);
	assert_int_equal(reads(p), 1000);
	says(p, 1000, 1000, 0);
	assert_int_equal(p->asked, 1);
	assert_int_equal(p->cookie, 0);
	had(p, 2000);
	assert_int_equal(tern_close(p->w.host[1], listener), 0);
	end(p);
}

static void not_what_nobody_wants(void **state)
{
	struct program *const p = connected(SIZE_MAX);

	(void)state;
	assert_int_equal(tern_shutdown_receive(p->w.host[1], p->server), 0);
	says(p, 0, 1000, 0);
	assert_int_equal(p->asked, 0);
	end(p);
}

static void recorded(void *context, const struct tern_record_call *call)
{
	(void)context;
	(void)call;
}

static void not_while_recorded(void **state)
{
	struct program *const p = connected(SIZE_MAX);

	(void)state;
	tern_host_set_recorder(p->w.host[1], &(struct tern_recorder){ recorded, NULL });
	says(p, 0, 1000, 0);
	assert_int_equal(p->asked, 0);
	assert_int_equal(reads(p), 1000);
	end(p);
}

/* Read as far as the windows go: a small one never shuts, and one that may grow does. */
static void windows_stay_open(void **state)
{
	struct program *const p = connected(SIZE_MAX);
	const uint32_t	      began = status_of(p, 1).rcv_wnd;

	(void)state;
	for (size_t done = 0; done < 3 << 20;) {
		const size_t	n = 1 << 16;
		const ptrdiff_t taken = tern_send(p->w.host[0], p->client, octets(done, n), n, 0);

		assert_true(taken > 0 || taken == -TERN_EAGAIN);
		done += taken > 0 ? (size_t)taken : 0;
		two_wait(&p->w, TERN_MILLISECOND);
		assert_int_equal(p->n, done);
	}
	had(p, p->taken);
	assert_true(status_of(p, 1).rcv_wnd > began);
	end(p);
}

/* What neither the program nor the store has is not acknowledged: it comes again. */
static void what_has_no_room_is_not_acknowledged(void **state)
{
	struct program *const p = connected(100);

	(void)state;
	tern_host_trim(p->w.host[1]); /* nothing in reserve */
	p->w.memory[1].fail_all = true;
	assert_int_equal(tern_send(p->w.host[0], p->client, octets(0, 1000), 1000, 0), 1000);
	assert_true(two_carry(&p->w, 0, 64));
	p->w.memory[1].fail_all = false;
	assert_int_equal(p->taken, 100);
	assert_int_equal(status_of(p, 1).unread, 0);
	two_wait(&p->w, 5 * TERN_SECOND);
	(void)reads(p);
	had(p, 1000);
	end(p);
}

/* A host that talks to itself asks within tern_host_output(). */
static void within_the_host(void **state)
{
	struct program *const p = begin();
	const struct tern_open open = { .remote = { .addr = two_addr(1, false), .port = 80 } };
	const tern_socket      listener = two_listen(&p->w, 1, 80);

	(void)state;
	assert_int_equal(tern_connect(p->w.host[1], &open, &p->client), 0);
	two_exchange(&p->w);
	assert_int_equal(tern_accept(p->w.host[1], listener, &p->server), 0);
	p->most = SIZE_MAX;
	assert_int_equal(tern_send(p->w.host[1], p->client, octets(0, 3000), 3000, 0), 3000);
	two_exchange(&p->w);
	had(p, 3000);
	assert_int_equal(tern_close(p->w.host[1], listener), 0);
	assert_int_equal(tern_abort(p->w.host[1], p->client), 0);
	two_exchange(&p->w);
	(void)tern_abort(p->w.host[1], p->server);
	two_end(&p->w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(a_part_of_it),
		cmocka_unit_test(nothing_of_it),
		cmocka_unit_test(more_than_there_was_counts_as_all),
		cmocka_unit_test(not_beside_a_gap),
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(a_reset_is_told),
		cmocka_unit_test(not_while_urgent_data_is_ahead),
		cmocka_unit_test(not_before_it_is_accepted),
		cmocka_unit_test(not_what_nobody_wants),
		cmocka_unit_test(not_while_recorded),
		cmocka_unit_test(windows_stay_open),
		cmocka_unit_test(what_has_no_room_is_not_acknowledged),
		cmocka_unit_test(within_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
