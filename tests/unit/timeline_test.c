/* Joining what two hosts and a link tell; and the roles of segments. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/hand.h"

#include <string.h>

enum { CLIENT, SERVER };

static const struct timeline_line *line(const struct hand *hand, size_t i)
{
	return &hand->timeline.lines[i];
}

static void a_segment_and_its_arrival_know_each_other(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	const size_t sent = hand_pass(&hand, CLIENT, TERN_SYN, 0, 0, 0, TERN_VERDICT_NEW_CONNECTION);
	const size_t arrived = hand.timeline.n - 1;

	assert_int_equal(line(&hand, sent)->n, 1);
	assert_int_equal(line(&hand, sent)->nth, 1);
	assert_int_equal(line(&hand, sent)->arrived, (long)arrived);
	assert_int_equal(line(&hand, sent)->arrivals, 1);
	assert_int_equal(line(&hand, sent)->fate, TERN_FATE_DELIVERED);
	assert_int_equal(line(&hand, arrived)->kind, TIMELINE_ARRIVED);
	assert_int_equal(line(&hand, arrived)->host, SERVER);
	assert_int_equal(line(&hand, arrived)->sent, (long)sent);
	assert_int_equal(line(&hand, arrived)->n, 1);
	assert_int_equal(line(&hand, arrived)->copy, 1);
	assert_false(line(&hand, arrived)->late);
	hand_end(&hand);
}

static void numbers_count_both_directions(void **state)
{
	struct hand hand;
	uint32_t    n = 0;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_talk(&hand);
	hand_close(&hand);
	for (size_t i = 0; i < hand.timeline.n; i++)
		if (line(&hand, i)->kind == TIMELINE_SENT)
			assert_int_equal(line(&hand, i)->n, ++n);
	assert_int_equal(n, 10);
	assert_int_equal(hand.timeline.totals[CLIENT].sent, 6);
	assert_int_equal(hand.timeline.totals[CLIENT].arrived, 4);
	assert_int_equal(hand.timeline.totals[CLIENT].text_sent, 300);
	assert_int_equal(hand.timeline.totals[SERVER].text_sent, 1000);
	assert_false(timeline_in_flight(&hand.timeline));
	hand_end(&hand);
}

static void relative_numbers_begin_at_the_syn(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand); /* the client's ISN is 16 before the wrap */
	hand_open(&hand);
	const size_t sent = hand_pass(&hand, CLIENT, TERN_ACK, 1, 1, 300, TERN_VERDICT_ACCEPTED);

	assert_int_equal(line(&hand, sent)->rseq, 1);
	assert_int_equal(line(&hand, sent)->rack, 1);
	assert_int_equal(line(&hand, sent + 1)->rseq, 1);
	assert_int_equal(line(&hand, sent + 1)->rack, 1);
	hand_end(&hand);
}

static void a_host_that_knows_no_isn_is_helped(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;

	(void)state;
	hand_begin(&hand);
	hand_pass(&hand, CLIENT, TERN_SYN, 0, 0, 0, TERN_VERDICT_NEW_CONNECTION);
	event = hand_event(&hand, SERVER, TERN_WATCH_SEGMENT_TX); /* a half-open entry's SYN-ACK */
	event.u.segment = (struct tern_watch_segment){
		.id = ++hand.packets[SERVER], .seq = hand.iss[SERVER], .ack = hand.iss[CLIENT] + 1,
		.flags = TERN_SYN | TERN_ACK,
	};
	const size_t sent = hand_send_as(&hand, SERVER, &event, TERN_FATE_DELIVERED);

	assert_true(line(&hand, sent)->has_rseq && line(&hand, sent)->has_rack);
	assert_int_equal(line(&hand, sent)->rseq, 0);
	assert_int_equal(line(&hand, sent)->rack, 1);
	hand_end(&hand);
}

static void copies_and_late_ones_are_told_apart(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	const size_t first = hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 100);
	const size_t second = hand_send(&hand, CLIENT, TERN_ACK, 101, 1, 100);

	hand_arrive(&hand, second, TERN_VERDICT_OUT_OF_ORDER);
	assert_false(line(&hand, hand.timeline.n - 1)->late);
	hand_arrive(&hand, first, TERN_VERDICT_ACCEPTED);
	assert_true(line(&hand, hand.timeline.n - 1)->late);
	hand_arrive(&hand, first, TERN_VERDICT_DUPLICATE);
	assert_int_equal(line(&hand, hand.timeline.n - 1)->copy, 2);
	assert_int_equal(line(&hand, first)->arrivals, 2);
	assert_int_equal(hand.timeline.totals[SERVER].dropped, 1);
	hand_end(&hand);
}

static void a_retransmission_names_the_first(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	const size_t first = hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 200);

	event = hand_event(&hand, CLIENT, TERN_WATCH_RETRANSMIT);
	event.u.retransmit.why = TERN_RETRANSMIT_FAST;
	event.u.retransmit.seq = hand.iss[CLIENT] + 101;
	timeline_watch(&hand.tap[CLIENT], &event);
	event = line(&hand, first)->event;
	event.u.segment.seq += 100; /* cut in two on its second way */
	event.u.segment.len = 100;
	event.u.segment.retransmitted = true;
	event.u.segment.id = ++hand.packets[CLIENT];
	const size_t again = hand_send_as(&hand, CLIENT, &event, TERN_FATE_LOST);

	assert_int_equal(line(&hand, again)->again_of, line(&hand, first)->n);
	assert_true(line(&hand, again)->has_why);
	assert_int_equal(line(&hand, again)->why, TERN_RETRANSMIT_FAST);
	assert_int_equal(hand.timeline.totals[CLIENT].retransmitted, 1);
	assert_int_equal(hand.timeline.totals[CLIENT].lost, 1);
	assert_true(timeline_in_flight(&hand.timeline)); /* the first */
	hand_end(&hand);
}

static void a_forged_segment_arrives_like_any(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;

	(void)state;
	hand_begin(&hand);
	event = hand_event(&hand, CLIENT, TERN_WATCH_SEGMENT_TX);
	event.u.segment = (struct tern_watch_segment){ .seq = 77, .flags = TERN_SYN };
	timeline_forge(&hand.timeline, CLIENT, &event, 1000001, hand.now);
	assert_true(line(&hand, 0)->forged);
	hand_arrive(&hand, 0, TERN_VERDICT_NEW_CONNECTION);
	assert_int_equal(line(&hand, 1)->sent, 0);
	assert_int_equal(line(&hand, 1)->n, 1);
	hand_end(&hand);
}

static void long_calls_are_cut(void **state)
{
	struct hand hand;
	char	    words[200];

	(void)state;
	memset(words, 'x', sizeof words);
	words[sizeof words - 1] = 0;
	hand_begin(&hand);
	hand_call(&hand, CLIENT, words);
	assert_int_equal(strlen(line(&hand, 0)->text), TIMELINE_TEXT - 1);
	hand_end(&hand);
}

/* ---- roles ---- */

struct sent {
	unsigned  from, flags;
	uint32_t  rseq, rack, len, wnd;
	bool	  probe;
	enum role role;
};

static void check_roles(const struct sent *sent, size_t n)
{
	struct role_conn conn = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct tern_watch_segment seg = {
			.seq = 1000 + sent[i].rseq, .ack = 1000 + sent[i].rack, .len = sent[i].len,
			.wnd = sent[i].wnd, .flags = (uint16_t)sent[i].flags, .probe = sent[i].probe,
			.known = sent[i].role != ROLE_STRAY_RST && sent[i].role != ROLE_REFUSAL,
		};

		assert_string_equal(role_name(role_sent(&conn, sent[i].from, &seg)), role_name(sent[i].role));
	}
}

enum { S = TERN_SYN, A = TERN_ACK, F = TERN_FIN, R = TERN_RST };

static void seven_segments(void **state)
{
	static const struct sent sent[] = {
		{ 0, S, 0, 0, 0, 9, false, ROLE_SYN },		{ 1, S | A, 0, 1, 0, 9, false, ROLE_SYN_ACK },
		{ 0, A, 1, 1, 0, 9, false, ROLE_THIRD },	{ 0, A, 1, 1, 5, 9, false, ROLE_TEXT },
		{ 1, A, 1, 6, 0, 9, false, ROLE_ACK },		{ 1, F | A, 1, 6, 0, 9, false, ROLE_FIN },
		{ 0, A, 6, 2, 0, 9, false, ROLE_FIN_ACKED },	{ 0, A, 6, 2, 3, 9, false, ROLE_TEXT },
		{ 1, A, 2, 9, 0, 9, false, ROLE_ACK },		{ 0, F | A, 9, 2, 0, 9, false, ROLE_SECOND_FIN },
		{ 0, F | A, 9, 2, 0, 9, false, ROLE_SECOND_FIN }, { 1, A, 2, 10, 0, 9, false, ROLE_SECOND_FIN_ACKED },
		{ 1, A, 2, 10, 0, 9, false, ROLE_SECOND_FIN_ACKED },
	};

	(void)state;
	check_roles(sent, sizeof sent / sizeof *sent);
}

static void both_at_once(void **state)
{
	static const struct sent sent[] = {
		{ 0, S, 0, 0, 0, 9, false, ROLE_SYN },		 { 1, S, 0, 0, 0, 9, false, ROLE_CROSSING_SYN },
		{ 0, S | A, 0, 1, 0, 9, false, ROLE_CROSSING_SYN_ACK },
		{ 1, S | A, 0, 1, 0, 9, false, ROLE_CROSSING_SYN_ACK },
		{ 0, F | A, 1, 1, 0, 9, false, ROLE_FIN },	 { 1, F | A, 1, 1, 0, 9, false, ROLE_CROSSING_FIN },
		{ 0, A, 2, 2, 0, 9, false, ROLE_CROSSING_FIN_ACKED },
		{ 1, A, 2, 2, 0, 9, false, ROLE_CROSSING_FIN_ACKED },
	};

	(void)state;
	check_roles(sent, sizeof sent / sizeof *sent);
}

static void three_segments_to_close(void **state)
{
	static const struct sent sent[] = {
		{ 0, S, 0, 0, 0, 9, false, ROLE_SYN },	       { 1, S | A, 0, 1, 0, 9, false, ROLE_SYN_ACK },
		{ 0, A, 1, 1, 0, 9, false, ROLE_THIRD },       { 0, F | A, 1, 1, 0, 9, false, ROLE_FIN },
		{ 1, F | A, 1, 2, 0, 9, false, ROLE_FIN_AND_ACK }, { 0, A, 2, 2, 0, 9, false, ROLE_SECOND_FIN_ACKED },
	};

	(void)state;
	check_roles(sent, sizeof sent / sizeof *sent);
}

static void windows_probes_and_resets(void **state)
{
	static const struct sent open[] = {
		{ 0, S, 0, 0, 0, 9, false, ROLE_SYN },		{ 1, S | A, 0, 1, 0, 9, false, ROLE_SYN_ACK },
		{ 0, A, 1, 1, 0, 9, false, ROLE_THIRD },	{ 0, A, 0, 1, 0, 9, true, ROLE_KEEPALIVE },
		{ 1, A, 1, 1, 0, 0, false, ROLE_WINDOW_CLOSED }, { 0, A, 1, 1, 1, 9, true, ROLE_WINDOW_PROBE },
		{ 1, A, 1, 1, 0, 0, false, ROLE_PROBE_ANSWER },
		{ 1, A, 1, 1, 0, 0, false, ROLE_DUPLICATE_ACK }, { 1, A, 1, 1, 0, 500, false, ROLE_WINDOW_UPDATE },
		{ 1, A | R, 1, 1, 0, 0, false, ROLE_RST },	{ 0, R, 1, 0, 0, 0, false, ROLE_STRAY_RST },
	};
	static const struct sent refused[] = {
		{ 0, S, 0, 0, 0, 9, false, ROLE_SYN },
		{ 1, R | A, 0, 1, 0, 0, false, ROLE_REFUSAL },
	};

	(void)state;
	check_roles(open, sizeof open / sizeof *open);
	check_roles(refused, sizeof refused / sizeof *refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_and_its_arrival_know_each_other),
		cmocka_unit_test(numbers_count_both_directions),
		cmocka_unit_test(relative_numbers_begin_at_the_syn),
		cmocka_unit_test(a_host_that_knows_no_isn_is_helped),
		cmocka_unit_test(copies_and_late_ones_are_told_apart),
		cmocka_unit_test(a_retransmission_names_the_first),
		cmocka_unit_test(a_forged_segment_arrives_like_any),
		cmocka_unit_test(long_calls_are_cut),
		cmocka_unit_test(seven_segments),
		cmocka_unit_test(both_at_once),
		cmocka_unit_test(three_segments_to_close),
		cmocka_unit_test(windows_probes_and_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
