/* watch/live.c: rows as segments happen, connections told apart, bulk folded, memory bounded. */
#include "watch/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct drawing {
	struct live live;
	FILE	   *to, *json;
	char	   *text, *lines;
	size_t	    n_text, n_lines;
	tern_time   now;
};

static void begin(struct drawing *d, bool all)
{
	const struct live_options options = { .columns = 100, .ascii = true, .all = all };

	*d = (struct drawing){ .now = TERN_SECOND };
	d->to = open_memstream(&d->text, &d->n_text);
	d->json = open_memstream(&d->lines, &d->n_lines);
	live_init(&d->live, d->to, d->json, &options, "guest", "tern");
}

static void end(struct drawing *d)
{
	free(d->text);
	free(d->lines);
}

static void finish(struct drawing *d)
{
	live_done(&d->live);
	fclose(d->to);
	fclose(d->json);
}

static struct tern_tuple tuple_of(uint16_t port)
{
	struct tern_tuple tuple = { .local_port = 80, .remote_port = port };

	assert_int_equal(tern_addr_parse(&tuple.local, "10.0.2.2"), 0);
	assert_int_equal(tern_addr_parse(&tuple.remote, "10.0.2.100"), 0);
	return tuple;
}

static void segment(struct drawing *d, uint16_t port, bool out, unsigned flags, uint32_t seq, uint32_t ack,
		    uint32_t len)
{
	struct tern_watch_event event = {
		.kind = out ? TERN_WATCH_SEGMENT_TX : TERN_WATCH_SEGMENT_RX,
		.now = d->now += TERN_MILLISECOND,
		.tuple = tuple_of(port),
		.state = TERN_STATE_ESTABLISHED,
		.u.segment = { .seq = seq, .ack = ack, .len = len, .wnd = 1000, .flags = (uint16_t)flags,
			       .iss = 500, .irs = 100, .known = true, .id = out ? 7 : 0 },
	};

	live_event(&d->live, &event);
}

static void state(struct drawing *d, uint16_t port, enum tern_state from, enum tern_state to)
{
	const struct tern_watch_event event = {
		.kind = TERN_WATCH_STATE,
		.now = d->now,
		.tuple = tuple_of(port),
		.state = to,
		.u.state = { from, to, TERN_WHY_SYN_ARRIVED, "RFC 9293 3.10.7.2" },
	};

	live_event(&d->live, &event);
}

static void open_connection(struct drawing *d, uint16_t port)
{
	segment(d, port, false, TERN_SYN, 100, 0, 0);
	state(d, port, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED);
	segment(d, port, true, TERN_SYN | TERN_ACK, 500, 101, 0);
	state(d, port, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED);
	segment(d, port, false, TERN_ACK, 101, 501, 0);
}

/* The line that holds `what`, or fails. */
static void assert_row(const struct drawing *d, const char *what, const char *and)
{
	const char *at = strstr(d->text, what);

	assert_non_null(at);
	while (at > d->text && at[-1] != '\n')
		at--;
	char *const line = strndup(at, strcspn(at, "\n"));
	assert_non_null(strstr(line, and));
	free(line);
}

static void segments_have_rows_and_states_their_place(void **unused)
{
	struct drawing d;

	(void)unused;
	begin(&d, false);
	open_connection(&d, 4000);
	open_connection(&d, 4001);
	finish(&d);
	assert_row(&d, "10.0.2.100:4000", "10.0.2.2:80");
	assert_row(&d, "10.0.2.100:4001", "#2");
	assert_row(&d, "SYN seq 0", "#1");
	assert_row(&d, "SYN+ACK seq 0 ack 1", "SYN-RECEIVED");
	assert_row(&d, "ACK seq 1 ack 1", "ESTABLISHED");
	end(&d);
}

static void bulk_is_folded_and_what_matters_is_not(void **unused)
{
	struct drawing d;

	(void)unused;
	begin(&d, false);
	open_connection(&d, 4000);
	for (uint32_t i = 0; i < 100; i++)
		segment(&d, 4000, true, TERN_ACK, 501 + 10 * i, 101, 10);
	segment(&d, 4000, true, TERN_FIN | TERN_ACK, 1501, 101, 0);
	finish(&d);
	/* Ten rows, of which the last ACK of the opening may be one. */
	assert_row(&d, "more segments", "octets");
	assert_non_null(strstr(d.text, "seq 11 "));
	assert_null(strstr(d.text, "seq 501 "));
	assert_non_null(strstr(d.text, "FIN+ACK seq 1001"));
	end(&d);

	begin(&d, true);
	open_connection(&d, 4000);
	for (uint32_t i = 0; i < 100; i++)
		segment(&d, 4000, true, TERN_ACK, 501 + 10 * i, 101, 10);
	finish(&d);
	assert_null(strstr(d.text, "more segments"));
	assert_non_null(strstr(d.text, "seq 501 "));
	end(&d);
}

static void json_lines_are_tern_s_own_alone(void **unused)
{
	struct drawing d;

	(void)unused;
	begin(&d, false);
	open_connection(&d, 4000);
	finish(&d);
	unsigned lines = 0;
	for (const char *at = d.lines; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 5);
	assert_null(strstr(d.lines, "\"host\":\"guest\""));
	assert_non_null(strstr(d.lines, "\"dir\":\"rx\",\"n\":1"));
	assert_non_null(strstr(d.lines, "\"to\":\"SYN-RECEIVED\""));
	end(&d);
}

static void lines_are_forgotten_as_it_goes_on(void **unused)
{
	struct drawing d;

	(void)unused;
	begin(&d, false);
	open_connection(&d, 4000);
	for (uint32_t i = 0; i < 10000; i++) {
		segment(&d, 4000, true, TERN_ACK, 501 + 10 * i, 101, 10);
		segment(&d, 4000, false, TERN_ACK, 101, 511 + 10 * i, 0);
	}
	assert_true(d.live.timeline.n < 5000);
	assert_true(d.live.timeline.room < 10000);
	finish(&d);
	end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_have_rows_and_states_their_place),
		cmocka_unit_test(bulk_is_folded_and_what_matters_is_not),
		cmocka_unit_test(json_lines_are_tern_s_own_alone),
		cmocka_unit_test(lines_are_forgotten_as_it_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
