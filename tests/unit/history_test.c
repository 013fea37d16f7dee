/* watch/history: what is kept of connections, what is left out and counted, and that memory never grows. */
#include "watch/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = { 1, 2 };

static struct tern_watch_event segment(uint16_t port, tern_time now, uint32_t seq)
{
	struct tern_watch_event event = { .kind = TERN_WATCH_SEGMENT_RX, .now = now, .state = TERN_STATE_ESTABLISHED };

	event.tuple = (struct tern_tuple){ .local_port = 80, .remote_port = port };
	event.tuple.local.b[15] = 1;
	event.tuple.remote.b[15] = 2;
	event.u.segment.seq = seq;
	event.u.segment.len = 10;
	event.u.segment.flags = TERN_ACK;
	return event;
}

static void carry(struct history *history, uint16_t port, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		const struct tern_watch_event event = segment(port, i, i * 10);
		history_event(history, &event);
	}
}

static void close_it(struct history *history, uint16_t port, tern_time now)
{
	struct tern_watch_event event = segment(port, now, 0);

	event.kind = TERN_WATCH_STATE;
	event.u.state.from = TERN_STATE_LAST_ACK;
	event.u.state.to = TERN_STATE_CLOSED;
	event.u.state.clause = "";
	history_event(history, &event);
}

static char *told(const struct history *history, tern_time *origin)
{
	char	   *text = NULL;
	size_t	    n = 0;
	FILE *const to = open_memstream(&text, &n);

	assert_non_null(to);
	assert_true(history_tell(history, "guest", "tern", to, origin));
	assert_int_equal(fclose(to), 0);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void test_all_is_kept_in_its_order(void **state)
{
	struct history *const history = history_new(HISTORY_MIN, &key);
	struct history_told   of;
	tern_time	      origin;

	(void)state;
	assert_non_null(history);
	for (uint32_t i = 0; i < 30; i++)
		carry(history, (uint16_t)(1000 + i % 3), 500 + i, 1);
	history_count(history, &of);
	assert_int_equal(of.events, 30);
	assert_int_equal(of.left_out, 0);
	assert_int_equal(of.connections, 3);
	char *const text = told(history, &origin);

	assert_int_equal(origin, 500); /* times begin with the first that is kept */
	assert_int_equal(count(text, "\"ev\":\"segment\""), 30);
	assert_int_equal(count(text, "\"ev\":\"folded\""), 0);
	assert_int_equal(count(text, "\"ev\":\"connection\""), 3);
	const char *at = text;
	for (int i = 0; i < 30; i++) {
		char begins[64];

		(void)snprintf(begins, sizeof begins, "{\"v\":1,\"t\":%d,\"host\":\"tern\",\"conn\":%d,", i,
			       1 + i % 3);
		assert_int_equal(strncmp(at, begins, strlen(begins)), 0);
		at = strchr(at, '\n') + 1;
	}
	free(text);
	history_delete(history);
}

/* Its beginning and its newest stay; the rest is counted to the last octet. */
static void test_what_is_left_out_is_counted(void **state)
{
	struct history *const history = history_new(HISTORY_MIN, &key);
	struct history_told   of;
	tern_time	      origin;
	char		      wanted[120];

	(void)state;
	carry(history, 1000, 0, 5000);
	history_count(history, &of);
	assert_int_equal(of.events + of.left_out, 5000);
	assert_true(of.events >= 100 && of.events < 1000);
	char *const text = told(history, &origin);

	assert_int_equal(count(text, "\"ev\":\"segment\""), of.events);
	assert_non_null(strstr(text, "\"seq\":150,"));	   /* of the first sixteen */
	assert_null(strstr(text, "\"seq\":160,"));
	assert_non_null(strstr(text, "\"seq\":49990,")); /* and the last of all */
	(void)snprintf(wanted, sizeof wanted, "\"segments\":%u,\"octets\":%u,\"again\":0,\"lost\":0}",
		       (unsigned)of.left_out, (unsigned)of.left_out * 10);
	assert_non_null(strstr(text, "{\"v\":1,\"t\":16,\"host\":\"tern\",\"conn\":1,\"ev\":\"folded\""));
	assert_non_null(strstr(text, wanted));
	free(text);
	history_delete(history);
}

/* One that carries much takes nothing of what a silent one has. */
static void test_a_silent_one_stays(void **state)
{
	struct history *const history = history_new(HISTORY_MIN, &key);
	tern_time	      origin;

	(void)state;
	carry(history, 7, 0, 20);
	carry(history, 1000, 100, 10000);
	carry(history, 1001, 20000, 10000);
	char *const text = told(history, &origin);

	assert_int_equal(count(text, "\"t\":19,"), 1);
	assert_int_equal(count(text, "\"ev\":\"folded\""), 2); /* of the other two alone */
	free(text);
	history_delete(history);
}

/* Who has ended goes first, the oldest before the others. */
static void test_the_ended_make_room(void **state)
{
	struct history *const history = history_new(HISTORY_MIN, &key);
	struct history_told   of;
	tern_time	      origin;

	(void)state;
	carry(history, 7, 0, 3); /* lives, and says no more */
	for (uint16_t port = 1000; port < 3000; port++) {
		carry(history, port, port, 3);
		close_it(history, port, port);
	}
	history_count(history, &of);
	assert_true(of.connections >= 5 && of.connections <= 40);
	assert_int_equal(of.connections + of.forgotten, 2001);
	char *const text = told(history, &origin);

	assert_non_null(strstr(text, ":7\""));
	assert_non_null(strstr(text, ":2999\""));
	assert_null(strstr(text, ":1000\""));
	free(text);
	history_delete(history);
}

/* A flood of connections that never end: the newest stay, and nothing grows or trips. */
static void test_a_flood(void **state)
{
	struct history *const history = history_new(HISTORY_MIN, &key);
	struct history_told   of;

	(void)state;
	for (uint32_t i = 0; i < 60000; i++)
		carry(history, (uint16_t)(i * 7919), i, 1 + i % 40 / 39 * 50);
	history_count(history, &of);
	assert_true(of.connections > 0 && of.connections <= HISTORY_MIN / 2000);
	assert_true(of.events <= HISTORY_MIN / 168);
	history_delete(history);
	history_delete(NULL);
	assert_null(history_new(HISTORY_MIN - 1, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_kept_in_its_order), cmocka_unit_test(test_what_is_left_out_is_counted),
		cmocka_unit_test(test_a_silent_one_stays),	 cmocka_unit_test(test_the_ended_make_room),
		cmocka_unit_test(test_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
