/* host/timers.c: when blocks are armed. What comes of their deadlines is in host_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "unit/two_hosts.h"
#include "host/internal.h"

static bool lose_all(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	(void)w, (void)from, (void)packet, (void)len;
	return true;
}

static void advance(struct two_hosts *w, tern_time by)
{
	w->now += by;
	tern_host_advance(w->host[0], w->now);
	tern_host_check(w->host[0]);
}

/* Nothing is armed before time moves on, and who asks is told all the same. */
static void deadlines_are_armed_when_time_moves_on(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	two_open(&w, false, &client, &server);
	two_wait(&w, 5 * TERN_SECOND);
	const uint32_t n = w.host[0]->wheel.n;

	assert_int_equal(tern_send(w.host[0], client, "x", 1, 0), 1);
	w.lose = lose_all;
	two_exchange(&w);
	tern_host_check(w.host[0]);
	assert_int_equal(w.host[0]->wheel.n, n);
	const tern_time deadline = tern_host_deadline(w.host[0]);

	assert_in_range(deadline, w.now + 1, w.now + TERN_SECOND);
	advance(&w, TERN_MILLISECOND);
	assert_int_equal(w.host[0]->wheel.n, n + 1);
	assert_true(tern_host_deadline(w.host[0]) <= deadline); /* the wheel may ask to look earlier */
	w.lose = NULL;
	two_end(&w);
}

/* More connections than are noted at a time: each has its timer, and goes again. */
static void more_than_are_noted_are_armed(void **state)
{
	enum { MANY = 3 * TIMERS_NOTED };
	struct two_hosts  w;
	struct tern_stats stats;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	w.lose = lose_all;
	for (int i = 0; i < MANY; i++)
		(void)two_connect(&w, 0, 80, false);
	two_exchange(&w);
	advance(&w, TERN_SECOND + TERN_MILLISECOND);
	two_exchange(&w);
	tern_host_stats(w.host[0], &stats);
	assert_int_equal(stats.RetransSegs, MANY);
	two_end(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_are_armed_when_time_moves_on),
		cmocka_unit_test(more_than_are_noted_are_armed),
	};

	return cmocka_run_group_tests_name("host_timers", tests, NULL, NULL);
}
