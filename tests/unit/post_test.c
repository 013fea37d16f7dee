/* Posted receive buffers at the public door (tern_receive_post() and its two companions). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/siphash.h"
#include "unit/two_hosts.h"
#include <tern/pack.h>

enum { ROOM = 8192, GUARD = 64, BATCH = 32, TEXT = 100000 };

static struct two_hosts w;
static tern_socket	a, b; /* client, server: text goes to the server */
static uint8_t		text[TEXT];
static uint8_t		buffer[GUARD + ROOM + GUARD];
static uint8_t *const	to = buffer + GUARD;
static uint64_t		seed;

static int begin(void **state)
{
	(void)state;
	seed = 5;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 31 + i / 251);
	memset(buffer, 0x5a, sizeof buffer);
	two_defaults(&w);
	two_begin(&w);
	two_open(&w, false, &a, &b);
	return 0;
}

static int end(void **state)
{
	(void)state;
	two_end(&w);
	for (size_t i = 0; i < GUARD; i++) {
		assert_int_equal(buffer[i], 0x5a);
		assert_int_equal(buffer[GUARD + ROOM + i], 0x5a);
	}
	return 0;
}

static void say(size_t from, size_t n)
{
	assert_int_equal(tern_send(w.host[0], a, text + from, n, 0), n);
	two_exchange(&w);
}

static int post(size_t n)
{
	return tern_receive_post(w.host[1], b, to, n);
}

static ptrdiff_t posted(void)
{
	return tern_receive_posted(w.host[1], b);
}

/* It is where it was wanted before the program asks for it. */
static void text_goes_straight_there(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	assert_int_equal(posted(), -TERN_EAGAIN);
	two_events(&w, 1, b);
	say(0, 5000);
	assert_memory_equal(to, text, 5000);
	assert_true(two_events(&w, 1, b) & TERN_READABLE);
	assert_true(tern_ready(w.host[1], b) & TERN_READABLE);
	assert_int_equal(posted(), 5000);
	assert_false(tern_ready(w.host[1], b) & TERN_READABLE);
	assert_int_equal(posted(), -TERN_EINVAL); /* it is the program's again */
	memset(to, 0x11, ROOM);
	say(5000, 100);
	assert_int_equal(to[0], 0x11);
	assert_int_equal(tern_receive(w.host[1], b, to, ROOM), 100);
	assert_memory_equal(to, text + 5000, 100);
}

static void what_waits_goes_there_at_once_and_what_is_more_follows(void **state)
{
	uint8_t rest[ROOM];

	(void)state;
	say(0, 3000);
	assert_int_equal(post(1000), 0); /* less than waits */
	assert_memory_equal(to, text, 1000);
	say(3000, 500);
	assert_int_equal(posted(), 1000);
	assert_int_equal(post(4000), 0); /* more than waits */
	assert_memory_equal(to, text + 1000, 2500);
	say(3500, 2000);
	assert_int_equal(posted(), 4000);
	assert_memory_equal(to, text + 1000, 4000);
	assert_int_equal(tern_receive(w.host[1], b, rest, sizeof rest), 500);
	assert_memory_equal(rest, text + 5000, 500);
}

static void refusals(void **state)
{
	const uint8_t *at;
	uint8_t	       record[100];
	const tern_socket none = { 0 };

	(void)state;
	assert_int_equal(tern_receive_post(w.host[1], none, to, 1), -TERN_EBADF);
	assert_int_equal(tern_receive_posted(w.host[1], none), -TERN_EBADF);
	assert_int_equal(tern_receive_unpost(w.host[1], none), -TERN_EBADF);
	assert_int_equal(tern_receive_post(w.host[1], b, NULL, 1), -TERN_EINVAL);
	assert_int_equal(post(0), -TERN_EINVAL);
	assert_int_equal(post(((size_t)1 << 30) + 1), -TERN_EINVAL);
	assert_int_equal(posted(), -TERN_EINVAL);
	assert_int_equal(tern_receive_unpost(w.host[1], b), -TERN_EINVAL);
	assert_int_equal(post(10), 0);
	assert_int_equal(post(10), -TERN_EALREADY);
	assert_int_equal(tern_receive(w.host[1], b, to, 1), -TERN_EALREADY);
	assert_int_equal(tern_peek(w.host[1], b, 0, &at), -TERN_EALREADY);
	assert_int_equal(tern_consume(w.host[1], b, 0), -TERN_EALREADY);
	assert_int_equal(tern_pack(w.host[1], b, record, sizeof record), -TERN_EALREADY);
	assert_int_equal(tern_receive_unpost(w.host[1], b), 0);
	assert_int_equal(tern_receive(w.host[1], b, to, 1), -TERN_EAGAIN);
}

static void taken_back_at_once_with_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	say(0, 70);
	assert_int_equal(tern_receive_unpost(w.host[1], b), 70);
	memset(to, 0x11, ROOM);
	say(70, 30);
	assert_int_equal(to[0], 0x11);
	assert_int_equal(tern_receive(w.host[1], b, to, ROOM), 30);
}

static void the_end_of_the_stream(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	assert_int_equal(tern_send(w.host[0], a, text, 10, 0), 10);
	assert_int_equal(tern_shutdown(w.host[0], a), 0);
	two_exchange(&w);
	assert_int_equal(posted(), 10);
	assert_int_equal(post(ROOM), 0);
	assert_int_equal(posted(), 0);
	assert_int_equal(posted(), -TERN_EINVAL); /* the end gives it back too */
}

static void text_before_a_reset_is_not_lost(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	say(0, 10);
	assert_int_equal(tern_abort(w.host[0], a), 0);
	two_exchange(&w);
	assert_int_equal(posted(), 10);
	assert_int_equal(post(ROOM), 0);
	assert_int_equal(posted(), -TERN_ECONNRESET);
	assert_int_equal(posted(), -TERN_EINVAL);
}

/* SHLD-3: what stands in it was not read. */
static void to_close_with_text_in_it_resets(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	say(0, 10);
	assert_int_equal(tern_close(w.host[1], b), 0);
	memset(to, 0x11, ROOM);
	two_exchange(&w);
	assert_int_equal(tern_socket_error(w.host[0], a), -TERN_ECONNRESET);
	assert_int_equal(to[0], 0x11);
}

/* Closed without text it is an ordinary end, and what comes afterwards is not written anywhere. */
static void to_close_gives_it_back(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	assert_int_equal(tern_close(w.host[1], b), 0);
	memset(to, 0x11, ROOM);
	two_exchange(&w);
	assert_int_equal(two_state(&w, 0, a), TERN_STATE_CLOSE_WAIT);
	assert_int_equal(tern_send(w.host[0], a, text, 100, 0), 100);
	two_exchange(&w);
	assert_int_equal(to[0], 0x11);
}

static void to_receive_no_more_throws_it_away(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	say(0, 100);
	assert_int_equal(tern_shutdown_receive(w.host[1], b), 0);
	memset(to, 0x11, ROOM);
	say(100, 100);
	assert_int_equal(to[0], 0x11);
	assert_int_equal(posted(), -TERN_EINVAL);
}

/* Text in it counts against the window until it is read. */
static void the_window_shuts_on_it(void **state)
{
	struct tern_status status;

	(void)state;
	assert_int_equal(tern_option_set(w.host[1], b, TERN_RECEIVE_BUFFER, 6000), 0);
	assert_int_equal(post(ROOM), 0);
	assert_true(tern_send(w.host[0], a, text, 20000, 0) > 6000);
	two_exchange(&w);
	assert_int_equal(tern_status(w.host[0], a, &status), 0);
	const ptrdiff_t first = posted();
	assert_in_range(first, 1, ROOM);
	assert_memory_equal(to, text, (size_t)first);
}

/* Memory pressure gives back what is only useful: not what was posted. */
static void pressure_leaves_it(void **state)
{
	(void)state;
	assert_int_equal(post(ROOM), 0);
	tern_host_trim(w.host[1]);
	say(0, 10);
	tern_host_trim(w.host[1]);
	assert_int_equal(posted(), 10);
}

/* ---- anything, for a while ---- */

struct wire {
	uint32_t n;
	uint32_t len[BATCH];
	uint8_t	 bytes[BATCH][1600];
};

/* One batch of the client's to the server, some lost, some damaged, some late; in one call. */
static bool batch_over(struct wire *wire)
{
	tern_packet *out[BATCH], in[BATCH], *batch[BATCH];
	const size_t n = tern_host_output(w.host[0], out, BATCH, w.now);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t dice = splitmix64(&seed);

		wire->len[kept] = (uint32_t)two_flatten(out[i], wire->bytes[kept]);
		tern_packet_done(out[i]);
		if (dice % 100 == 0)
			continue;
		if (dice % 100 == 1)
			wire->bytes[kept][dice / 100 % wire->len[kept]] ^= 0x10;
		in[kept] = (tern_packet){ .n_parts = 1, .len = wire->len[kept] };
		in[kept].part[0].at = wire->bytes[kept];
		in[kept].part[0].n = wire->len[kept];
		batch[kept] = &in[kept];
		kept++;
	}
	if (kept > 3 && splitmix64(&seed) % 8 == 0) {
		tern_packet *const late = batch[1];

		batch[1] = batch[kept - 1];
		batch[kept - 1] = late;
	}
	if (kept > 0)
		tern_host_input(w.host[1], batch, kept, w.now);
	tern_host_check(w.host[1]);
	return n > 0;
}

/* What was taken is the stream's next, by whichever way. */
static uint64_t take(uint64_t taken, bool *is_posted)
{
	const uint64_t dice = splitmix64(&seed);
	ptrdiff_t n;

	if (!*is_posted && dice % 3 == 0) {
		*is_posted = post(1 + dice / 3 % ROOM) == 0;
		assert_true(*is_posted);
		return 0;
	}
	if (!*is_posted)
		n = tern_receive(w.host[1], b, to, dice / 3 % ROOM);
	else
		n = dice % 5 == 0 ? tern_receive_unpost(w.host[1], b) : posted();
	*is_posted &= n == -TERN_EAGAIN;
	assert_true(n >= 0 || n == -TERN_EAGAIN);
	for (ptrdiff_t i = 0; i < n; i++)
		assert_int_equal(to[i], text[(taken + (uint64_t)i) % TEXT]);
	return n > 0 ? (uint64_t)n : 0;
}

static void the_stream_is_whole_however_it_is_taken(void **state)
{
	static struct wire wire;
	uint64_t sent = 0, taken = 0;
	bool is_posted = false;

	(void)state;
	for (unsigned step = 0; step < 30000; step++) {
		const size_t at = sent % TEXT, n = TEXT - at < 9000 ? TEXT - at : 9000;
		const ptrdiff_t more = tern_send(w.host[0], a, text + at, n, 0);

		sent += more > 0 ? (uint64_t)more : 0;
		for (unsigned i = 0; i < 3 && batch_over(&wire); i++)
			taken += take(taken, &is_posted);
		taken += take(taken, &is_posted);
		two_carry(&w, 1, 64);
		w.now += step % 7 == 0 ? 20 * TERN_MILLISECOND : 50 * TERN_MICROSECOND;
		for (int host = 0; host < 2; host++)
			tern_host_advance(w.host[host], w.now);
	}
	assert_true(taken > 10 * TEXT && sent - taken < 20 * TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_goes_straight_there, begin, end),
		cmocka_unit_test_setup_teardown(what_waits_goes_there_at_once_and_what_is_more_follows, begin, end),
		cmocka_unit_test_setup_teardown(refusals, begin, end),
		cmocka_unit_test_setup_teardown(taken_back_at_once_with_what_there_is, begin, end),
		cmocka_unit_test_setup_teardown(the_end_of_the_stream, begin, end),
		cmocka_unit_test_setup_teardown(text_before_a_reset_is_not_lost, begin, end),
		cmocka_unit_test_setup_teardown(to_close_with_text_in_it_resets, begin, end),
		cmocka_unit_test_setup_teardown(to_close_gives_it_back, begin, end),
		cmocka_unit_test_setup_teardown(to_receive_no_more_throws_it_away, begin, end),
		cmocka_unit_test_setup_teardown(the_window_shuts_on_it, begin, end),
		cmocka_unit_test_setup_teardown(pressure_leaves_it, begin, end),
		cmocka_unit_test_setup_teardown(the_stream_is_whole_however_it_is_taken, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
