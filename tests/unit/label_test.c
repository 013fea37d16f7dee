/* The words of the ladder: spans, endpoints, and what stands on an arrow. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/hand.h"
#include "watch/label.h"

#include <string.h>

enum { CLIENT, SERVER };

static void spans_have_their_unit(void **state)
{
	static const struct {
		tern_time   span;
		const char *words;
	} cases[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 12 * TERN_MICROSECOND, "12 us" },
		{ 200 * TERN_MILLISECOND, "200 ms" },
		{ 1500 * TERN_MICROSECOND, "1.5 ms" },
		{ 60 * TERN_SECOND, "60 s" },
		{ 1234567 * TERN_MICROSECOND, "1.235 s" },
		{ 7200 * TERN_SECOND, "7200 s" },
	};
	char words[24];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(label_span(words, cases[i].span), cases[i].words);
}

static void endpoints_as_people_write_them(void **state)
{
	static const struct {
		struct tern_addr addr;
		const char	*words;
	} cases[] = {
		{ { { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } }, "10.0.0.1:80" },
		{ { { 0xfd, [15] = 1 } }, "[fd00::1]:80" },
		{ { { [0] = 0 } }, "[::]:80" },
		{ { { [15] = 1 } }, "[::1]:80" },
		{ { { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 } }, "[2001:db8:0:1::1]:80" },
		{ { { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0 } }, "[1:2:3:4:5:6:7:0]:80" },
		{ { { 0x20, 0x01 } }, "[2001::]:80" },
	};
	char words[56];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(label_endpoint(words, &cases[i].addr, 80), cases[i].words);
}

static void check_label(const struct label *label, const char *expected)
{
	char words[512] = "";

	for (unsigned i = 0; i < label->n; i++) {
		strcat(words, i ? " " : "");
		strcat(words, label->token[i]);
	}
	assert_string_equal(words, expected);
}

static void a_label_says_everything_and_can_be_shortened(void **state)
{
	struct label_before before[TIMELINE_HOSTS] = { 0 };
	struct label	    label;
	struct hand	    hand;
	size_t		    sent;

	(void)state;
	hand_begin(&hand);
	label_sent(&label, &hand.timeline, hand_send(&hand, CLIENT, TERN_SYN, 0, 0, 0), false, before);
	check_label(&label, "SYN seq 0 win 65535 mss 1460 wscale 7 sack-ok ts");
	assert_false(label_shorten(&label));

	label_sent(&label, &hand.timeline, hand_send(&hand, SERVER, TERN_SYN | TERN_ACK, 0, 1, 0), true, before);
	check_label(&label, "#1 SYN+ACK seq 0 ack 1 win 65535 mss 1460 wscale 7 sack-ok ts");

	label_sent(&label, &hand.timeline, hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 100), false, before);
	check_label(&label, "ACK seq 1 ack 1 len 100 win 65535");
	sent = hand_send(&hand, CLIENT, TERN_PSH | TERN_ACK, 101, 1, 100);
	label_sent(&label, &hand.timeline, sent, false, before);
	check_label(&label, "PSH+ACK seq 101 ack 1 len 100 win 65535");
	assert_true(label_shorten(&label)); /* the window is the same, */
	check_label(&label, "PSH+ACK seq 101 ack 1 len 100");
	assert_true(label_shorten(&label)); /* and so is what is acknowledged */
	check_label(&label, "PSH+ACK seq 101 len 100");
	assert_false(label_shorten(&label));
	hand_end(&hand);
}

static void a_retransmission_says_of_what_and_why(void **state)
{
	struct label_before	before[TIMELINE_HOSTS] = { 0 };
	struct tern_watch_event event;
	struct label		label;
	struct hand		hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 100);
	event = hand.timeline.lines[hand.timeline.n - 1].event;
	event.kind = TERN_WATCH_RETRANSMIT;
	event.u.retransmit.why = TERN_RETRANSMIT_FAST;
	timeline_watch(&hand.tap[CLIENT], &event);
	event = hand.timeline.lines[hand.timeline.n - 2].event;
	event.u.segment.id = ++hand.packets[CLIENT];
	event.u.segment.retransmitted = true;
	event.u.segment.n_sack = 1;
	event.u.segment.sack[0] = (struct tern_sack_block){ hand.iss[SERVER] + 11, hand.iss[SERVER] + 21 };
	const size_t again = hand_send_as(&hand, CLIENT, &event, TERN_FATE_LOST);

	label_sent(&label, &hand.timeline, again, false, before);
	check_label(&label, "ACK seq 1 ack 1 len 100 retransmission of 4 (fast) win 65535 sack 11-21");
	assert_string_equal(label_lost(&hand.timeline, again), "lost");
	hand_end(&hand);
}

static void arrivals_speak_only_where_there_is_something(void **state)
{
	char	    words[LABEL_TEXT];
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	const size_t first = hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 100);
	const size_t second = hand_send(&hand, CLIENT, TERN_ACK, 101, 1, 100);

	hand_arrive(&hand, second, TERN_VERDICT_OUT_OF_ORDER);
	assert_string_equal(label_arrived(words, &hand.timeline.lines[hand.timeline.n - 1]), "out of order: held");
	hand_arrive(&hand, first, TERN_VERDICT_ACCEPTED);
	assert_string_equal(label_arrived(words, &hand.timeline.lines[hand.timeline.n - 1]), "late");
	hand_arrive(&hand, second, TERN_VERDICT_DUPLICATE);
	assert_string_equal(label_arrived(words, &hand.timeline.lines[hand.timeline.n - 1]), "copy, duplicate");
	hand_pass(&hand, CLIENT, TERN_ACK, 201, 1, 100, TERN_VERDICT_ACCEPTED);
	assert_string_equal(label_arrived(words, &hand.timeline.lines[hand.timeline.n - 1]), "");
	hand_end(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_have_their_unit),
		cmocka_unit_test(endpoints_as_people_write_them),
		cmocka_unit_test(a_label_says_everything_and_can_be_shortened),
		cmocka_unit_test(a_retransmission_says_of_what_and_why),
		cmocka_unit_test(arrivals_speak_only_where_there_is_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
