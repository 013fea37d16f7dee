/* The playground's runs: what its actions bring about, and that a share of one gives the same packets whatever the
 * steps by which its time passed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/siphash.h"
#include "play/door.h"
#include "play/play.h"
#include "watch/jsonl.h"

#include <tern/loop.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct play play;
static struct play_share share;
static char room[PLAY_TEXT];

static void start(const char *text)
{
	size_t at;

	assert_null(play_share_read(&share, text, strlen(text), &at));
	assert_int_equal(play_create(&play, &share, tern_allocator_default()), 0);
}

static int end(void **state)
{
	(void)state;
	play_destroy(&play);
	return 0;
}

static void ms(unsigned milliseconds)
{
	play_run(&play, play.now + milliseconds * TERN_MILLISECOND);
}

static int try(const char *text)
{
	struct play_action action;

	assert_null(play_action_read(&action, text, strlen(text)));
	return play_act(&play, &action);
}

static void act(const char *text)
{
	const int error = try(text);

	if (error != 0)
		print_error("%s: %d\n", text, error);
	assert_int_equal(error, 0);
}

static enum tern_state state_of(unsigned side)
{
	struct tern_status status;

	return play_state(&play, side, &status);
}

/* The number of the last segment sent; of a host, with text. */
static const struct timeline_line *last_sent(unsigned host, bool with_text)
{
	for (size_t i = play.timeline.n; i-- > 0;) {
		const struct timeline_line *const line = &play.timeline.lines[i];
		if (line->kind == TIMELINE_SENT && line->host == host && (!with_text || line->event.u.segment.len > 0))
			return line;
	}
	fail();
	return NULL;
}

static unsigned calls(const char *text)
{
	unsigned n = 0;

	for (size_t i = 0; i < play.timeline.n; i++)
		n += play.timeline.lines[i].kind == TIMELINE_CALL && strcmp(play.timeline.lines[i].text, text) == 0;
	return n;
}

static void open_it(void)
{
	start("tern1,seed=3,0.w.delay.20000,0.s.listen.1,0.c.open");
	assert_int_equal(state_of(0), TERN_STATE_SYN_SENT);
	assert_int_equal(state_of(1), TERN_STATE_LISTEN);
	ms(30);
	assert_int_equal(state_of(1), TERN_STATE_SYN_RECEIVED);
	ms(70);
	assert_int_equal(state_of(0), TERN_STATE_ESTABLISHED);
	assert_int_equal(state_of(1), TERN_STATE_ESTABLISHED);
}

/* ---- what actions do ---- */

static void plays_a_whole_connection(void **state)
{
	(void)state;
	open_it();
	act("c.send.4000");
	act("s.send.3000");
	ms(500);
	assert_int_equal(play.side[1].program.received, 4000);
	assert_int_equal(play.side[0].program.received, 3000);
	act("c.shutdown");
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_FIN_WAIT_2);
	assert_int_equal(state_of(1), TERN_STATE_CLOSE_WAIT);
	act("s.send.500"); /* half-closed: this direction goes on */
	ms(100);
	assert_int_equal(play.side[0].program.received, 3500);
	act("s.close");
	ms(10);
	assert_int_equal(state_of(1), TERN_STATE_LAST_ACK);
	ms(90);
	assert_int_equal(state_of(0), TERN_STATE_TIME_WAIT);
	assert_int_equal(state_of(1), TERN_STATE_LISTEN);
	assert_false(play.side[0].program.has_socket);
	ms(61000);
	assert_int_equal(state_of(0), TERN_STATE_CLOSED);
	act("s.listen.0");
	assert_int_equal(state_of(1), TERN_STATE_CLOSED);
	assert_int_equal(play_next(&play), TERN_NEVER);
	assert_false(play.side[0].program.garbled || play.side[1].program.garbled);
}

static void what_is_dropped_comes_again(void **state)
{
	(void)state;
	open_it();
	act("c.send.1000");
	const uint32_t n = last_sent(0, true)->n;
	char text[32];
	ms(10);
	snprintf(text, sizeof text, "w.drop.%u", n);
	act(text);
	assert_int_equal(try(text), -TERN_EINVAL); /* it is gone */
	ms(2000);
	assert_int_equal(play.side[1].program.received, 1000);
	assert_int_equal(last_sent(0, true)->again_of, n);
	assert_int_equal(play.n_touches, 1);
}

static void what_is_held_waits_for_its_release(void **state)
{
	char text[32];

	(void)state;
	open_it();
	act("c.send.100");
	const uint32_t n = last_sent(0, true)->n;
	snprintf(text, sizeof text, "w.release.%u", n);
	assert_int_equal(try(text), -TERN_EINVAL); /* it is not held */
	snprintf(text, sizeof text, "w.hold.%u", n);
	act(text);
	assert_int_equal(try(text), -TERN_EINVAL);
	ms(150);
	assert_int_equal(play.side[1].program.received, 0);
	snprintf(text, sizeof text, "w.release.%u", n);
	act(text);
	assert_int_equal(play.side[1].program.received, 100);
	assert_int_equal(try(text), -TERN_EINVAL);
}

static void refuses_where_nobody_listens(void **state)
{
	(void)state;
	start("tern1,0.w.delay.20000,0.c.open");
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_CLOSED);
	assert_false(play.side[0].program.has_socket);
	assert_int_equal(calls(tern_strerror(TERN_ECONNREFUSED)), 1);
	act("c.open"); /* the next port */
	ms(100);
	assert_int_equal(calls("connect()"), 2);
}

static void opens_at_both_ends_at_once(void **state)
{
	(void)state;
	start("tern1,0.w.delay.20000,0.s.open,5000.c.open");
	ms(15);
	assert_int_equal(state_of(0), TERN_STATE_SYN_SENT);
	assert_int_equal(state_of(1), TERN_STATE_SYN_SENT);
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_ESTABLISHED);
	assert_int_equal(state_of(1), TERN_STATE_ESTABLISHED);
	act("c.close");
	act("s.close");
	ms(10);
	assert_int_equal(state_of(0), TERN_STATE_FIN_WAIT_1);
	ms(20);
	assert_int_equal(state_of(0), TERN_STATE_CLOSING);
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_TIME_WAIT);
	assert_int_equal(state_of(1), TERN_STATE_TIME_WAIT);
}

static void the_server_opens_from_listen(void **state)
{
	(void)state;
	start("tern1,0.w.delay.20000,0.c.listen.1,0.s.listen.1,1000.s.open");
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_ESTABLISHED);
	assert_int_equal(state_of(1), TERN_STATE_ESTABLISHED);
	assert_false(play.side[1].program.listens); /* RFC 9293 3.10.1: the passive open became an active one */
	assert_true(play.side[0].program.listens);
}

static void aborts(void **state)
{
	(void)state;
	open_it();
	act("s.abort");
	assert_int_equal(state_of(1), TERN_STATE_LISTEN);
	ms(100);
	assert_int_equal(state_of(0), TERN_STATE_CLOSED);
	assert_int_equal(calls(tern_strerror(TERN_ECONNRESET)), 1);
}

static void closes_when_all_is_sent(void **state)
{
	(void)state;
	open_it();
	act("w.rate.1000000");
	act("c.send.3000000");
	act("c.close");
	assert_int_equal(state_of(0), TERN_STATE_ESTABLISHED);
	assert_int_equal(try("c.close"), -TERN_EINVAL);
	assert_int_equal(try("c.send.1"), -TERN_EINVAL);
	ms(6000);
	assert_int_equal(play.side[1].program.received, 3000000);
	assert_int_equal(state_of(1), TERN_STATE_CLOSE_WAIT);
	act("c.listen.1"); /* its program has let go, and may listen */
	assert_int_equal(state_of(0), TERN_STATE_FIN_WAIT_2);
}

static void a_reader_that_stops_closes_the_window(void **state)
{
	(void)state;
	start("tern1,buffer=4000,0.w.delay.20000,0.s.listen.1,0.c.open,0.s.read.0");
	ms(100);
	act("c.send.10000");
	ms(3000);
	assert_int_equal(play.side[1].program.received, 0);
	struct tern_status status;
	(void)play_state(&play, 0, &status);
	assert_int_equal(status.snd_wnd, 0);
	/* A probe waits, or flies. */
	assert_true(status.persist_at != TERN_NEVER || status.retransmit_at != TERN_NEVER);
	act("s.read.1");
	ms(3000);
	assert_int_equal(play.side[1].program.received, 10000);
}

static void settings_reach_the_stack(void **state)
{
	struct tern_status status;

	(void)state;
	start("tern1,sack=0,ts=0,ecn=2,mtu=1300,ip=6,0.w.cc.bbr,0.w.delay.20000,0.s.listen.1,0.c.open");
	ms(100);
	for (unsigned side = 0; side < PLAY_SIDES; side++) {
		assert_int_equal(play_state(&play, side, &status), TERN_STATE_ESTABLISHED);
		assert_false(status.sack_ok || status.ts_ok);
		assert_true(status.ecn_ok && status.ecn_accurate);
		assert_string_equal(status.congestion_control, "bbr");
	}
	act("c.cc.reno");
	(void)play_state(&play, 0, &status);
	assert_string_equal(status.congestion_control, "reno");
	(void)play_state(&play, 1, &status);
	assert_string_equal(status.congestion_control, "bbr");
}

static void what_cannot_be_done_is_not_recorded(void **state)
{
	static const char *const texts[] = { "c.send.5", "c.close", "c.shutdown", "c.abort", "s.listen.1", "c.read.1",
					     "w.drop.1", "w.hold.99", "w.release.1" };

	(void)state;
	start("tern1,0.s.listen.1");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(try(texts[i]), -TERN_EINVAL);
	assert_int_equal(play.share.n, 1);
	for (unsigned i = 1; i < PLAY_ACTIONS; i++)
		act("w.loss.5");
	assert_int_equal(try("w.loss.5"), -TERN_ENOMEM);
}

static void a_run_ends_when_it_is_full(void **state)
{
	(void)state;
	open_it();
	act("w.delay.0");
	for (unsigned i = 0; i < 8 && !play.problem; i++)
		act("c.send.16777216");
	assert_string_equal(play.problem, "the run is full");
	assert_true(play.timeline.n < PLAY_LINES + 2000);
	assert_int_equal(play_next(&play), TERN_NEVER);
	assert_int_equal(try("c.abort"), -TERN_EINVAL);
	play_shared(&play, &share);
	(void)end(state);
	assert_int_equal(play_create(&play, &share, tern_allocator_default()), 0);
	play_run(&play, share.to);
	assert_int_equal(play.check, PLAY_IDENTICAL);
}

/* ---- the same again ---- */

static char *all_lines(size_t *n)
{
	char *all = NULL;
	size_t had = 0;

	for (;;) {
		all = realloc(all, had + 4 * JSONL_LINE);
		assert_non_null(all);
		const size_t more = play_lines(&play, all + had, 4 * JSONL_LINE);
		had += more;
		if (more == 0)
			break;
	}
	*n = had;
	return all;
}

static void shares_come_again(void **state)
{
	size_t n, n_again;
	uint64_t random = 5;

	(void)state;
	start("tern1,seed=11,0.w.delay.20000,0.w.loss.500,0.w.jitter.3000,0.s.listen.1,0.c.open");
	ms(100);
	act("c.send.60000");
	for (unsigned i = 0; i < 40; i++)
		play_run(&play, play_next(&play) == TERN_NEVER ? play.now + 1 : play_next(&play));
	act("s.send.70000");
	play_run(&play, play.now + 12345);
	act("w.reorder.1000");
	ms(3000);
	act("c.close");
	ms(1);
	play_shared(&play, &share);
	char *const lines = all_lines(&n);
	const size_t length = play_share_write(&share, room);
	for (unsigned way = 0; way < 3; way++) {
		(void)end(state);
		size_t at;
		assert_null(play_share_read(&share, room, length, &at));
		assert_int_equal(play_create(&play, &share, tern_allocator_default()), 0);
		while (way == 1 && play_next(&play) <= share.to) /* step by step */
			play_run(&play, play_next(&play));
		while (way == 2 && play.now < share.to) /* frame by frame */
			play_run(&play, play.now + (tern_time)(splitmix64(&random) % 40000000));
		if (way != 2)
			play_run(&play, share.to);
		assert_int_equal(play.check, PLAY_IDENTICAL);
		if (way == 2)
			continue; /* it went beyond */
		char *const again = all_lines(&n_again);
		assert_int_equal(n_again, n);
		assert_memory_equal(again, lines, n);
		free(again);
	}
	free(lines);
}

/* At the moment at which the SYN arrives: it has been taken when the listener goes. */
static void an_action_acts_after_what_is_due(void **state)
{
	(void)state;
	start("tern1,0.w.delay.20000,0.s.listen.1,0.c.open");
	ms(20);
	assert_int_equal(state_of(1), TERN_STATE_SYN_RECEIVED);
	act("s.listen.0");
	ms(100);
	play_shared(&play, &share);
	(void)end(state);
	assert_int_equal(play_create(&play, &share, tern_allocator_default()), 0);
	play_run(&play, share.to);
	assert_int_equal(play.check, PLAY_IDENTICAL);
}

static void another_run_is_told_apart(void **state)
{
	static const char run[] = "tern1,seed=%u,0.w.delay.%u,0.s.listen.1,0.c.open,100000.c.send.%u";
	uint64_t sums[4];

	for (unsigned i = 0; i < 4; i++) {
		char text[128];
		snprintf(text, sizeof text, run, 5 + (i == 1), 20000 + (i == 2), 100 + (i == 3));
		start(text);
		ms(1000);
		play_shared(&play, &share);
		sums[i] = share.sum;
		assert_int_equal(play.packets, 5);
		(void)end(state);
	}
	assert_true(sums[0] != sums[1] && sums[0] != sums[2] && sums[0] != sums[3]);
	share.sum ^= 1;
	assert_int_equal(play_create(&play, &share, tern_allocator_default()), 0);
	play_run(&play, share.to);
	assert_int_equal(play.check, PLAY_DIFFERENT);
}

static void who_acts_leaves_the_share(void **state)
{
	(void)state;
	start("tern1,0.w.delay.20000,0.s.listen.1,0.c.open,500000.c.close,"
	      "600000.s.close,to=900000,sum=0123456789abcdef");
	ms(100);
	assert_int_equal(play.share.n - play.done, 2);
	act("c.send.10");
	assert_int_equal(play.share.n, play.done);
	ms(2000);
	assert_int_equal(state_of(0), TERN_STATE_ESTABLISHED); /* the close to come is forgotten */
	assert_int_equal(play.check, PLAY_UNKNOWN);
}

/* ---- what it tells ---- */

static void tells_what_was_done_to_segments_in_its_place(void **state)
{
	size_t n;

	(void)state;
	open_it();
	act("c.send.100");
	act("w.hold.4");
	act("w.release.4");
	act("c.send.100");
	ms(1);
	char *const lines = all_lines(&n);
	lines[n - 1] = 0;
	const char *const tx = strstr(lines, "\"dir\":\"tx\",\"n\":4,");
	assert_non_null(tx);
	assert_non_null(strstr(tx, ",\"hdr\":\"45"));
	const char *const held = strstr(tx, "\"ev\":\"fate\",\"n\":4,\"fate\":\"held\",\"arrives\":null}\n");
	assert_non_null(held);
	const char *const released =
		strstr(held, "\"ev\":\"fate\",\"n\":4,\"fate\":\"released\",\"arrives\":100000000}\n");
	assert_non_null(released);
	assert_non_null(strstr(released, "\"dir\":\"rx\",\"n\":4,"));
	free(lines);
}

/* ---- the door ---- */

static uint32_t put(const char *text)
{
	memcpy(door_room(), text, strlen(text));
	return (uint32_t)strlen(text);
}

static void the_door(void **state)
{
	(void)state;
	(void)end(state);
	assert_true(door_next() < 0);
	assert_int_equal(door_lines(), 0);
	assert_int_equal(door_act(put("c.open")), -1);
	assert_int_equal(door_start(put("tern1,mtu=1")), -1);
	assert_int_equal(door_wrong(), strlen("at 11: a setting out of its range"));
	assert_string_equal(door_room(), "at 11: a setting out of its range");
	assert_int_equal(door_start(put("tern1,0.w.delay.20000,0.s.listen.1")), 0);
	assert_int_equal(door_may(put("c.open")), 1);
	assert_int_equal(door_act(put("c.open")), 0);
	assert_int_equal(door_may(put("c.open")), 0);
	assert_int_equal(door_act(put("c.open")), -1);
	assert_int_equal(door_wrong(), strlen("it cannot be done now"));
	assert_int_equal(door_act(put("c.opens")), -1);
	assert_true(door_next() == 20e6);
	door_run(1e9);
	door_run(-5);
	assert_true(door_now() == 1e9);
	assert_true(door_lines() > 500);
	assert_int_equal(door_lines(), 0);
	assert_true(door_status() > 500);
	assert_non_null(strstr(door_room(), "\"state\":\"ESTABLISHED\""));
	assert_true(door_share() > 60);
	assert_non_null(strstr(door_room(), "0.c.open,to=1000000,sum="));
	door_run(1e300);
	assert_true(door_now() == (double)PLAY_LONGEST);
	assert_int_equal(door_start(put("tern1")), 0);
	assert_true(door_now() == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(plays_a_whole_connection, end),
		cmocka_unit_test_teardown(what_is_dropped_comes_again, end),
		cmocka_unit_test_teardown(what_is_held_waits_for_its_release, end),
		cmocka_unit_test_teardown(refuses_where_nobody_listens, end),
		cmocka_unit_test_teardown(opens_at_both_ends_at_once, end),
		cmocka_unit_test_teardown(the_server_opens_from_listen, end),
		cmocka_unit_test_teardown(aborts, end),
		cmocka_unit_test_teardown(closes_when_all_is_sent, end),
		cmocka_unit_test_teardown(a_reader_that_stops_closes_the_window, end),
		cmocka_unit_test_teardown(settings_reach_the_stack, end),
		cmocka_unit_test_teardown(what_cannot_be_done_is_not_recorded, end),
		cmocka_unit_test_teardown(a_run_ends_when_it_is_full, end),
		cmocka_unit_test_teardown(shares_come_again, end),
		cmocka_unit_test_teardown(an_action_acts_after_what_is_due, end),
		cmocka_unit_test_teardown(another_run_is_told_apart, end),
		cmocka_unit_test_teardown(who_acts_leaves_the_share, end),
		cmocka_unit_test_teardown(tells_what_was_done_to_segments_in_its_place, end),
		cmocka_unit_test(the_door),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
