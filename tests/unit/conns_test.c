/* Numbers of connections: one for both ends' view, another for another incarnation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/hand.h"
#include "watch/conns.h"

enum { CLIENT, SERVER };

static uint32_t number_of_last(const struct hand *hand)
{
	return hand->timeline.lines[hand->timeline.n - 1].conn;
}

static void both_ends_share_a_number(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_talk(&hand);
	for (size_t i = 0; i < hand.timeline.n; i++)
		if (hand.timeline.lines[i].kind != TIMELINE_CALL)
			assert_int_equal(hand.timeline.lines[i].conn, 1);
	hand_end(&hand);
}

static void other_ports_are_another_connection(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand.port[CLIENT]++;
	hand_open(&hand);
	assert_int_equal(number_of_last(&hand), 2);
	hand_end(&hand);
}

static void the_same_ports_again_are_another_connection(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_talk(&hand);
	hand_close(&hand);
	assert_int_equal(number_of_last(&hand), 1);
	hand.iss[CLIENT] += 100000;
	hand.iss[SERVER] += 100000;
	hand_open(&hand);
	for (size_t i = hand.timeline.n - 9; i < hand.timeline.n; i++)
		assert_int_equal(hand.timeline.lines[i].conn, 2);
	hand_end(&hand);
}

static void time_wait_reuse_keeps_the_old_ones_apart(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_state(&hand, SERVER, TERN_STATE_FIN_WAIT_2, TERN_STATE_TIME_WAIT, TERN_WHY_FIN_ARRIVED);
	hand_state(&hand, CLIENT, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, TERN_WHY_OUR_FIN_ACKED);
	hand.iss[CLIENT] += 100000;
	hand_state(&hand, CLIENT, TERN_STATE_CLOSED, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE);
	assert_int_equal(number_of_last(&hand), 2);
	const size_t syn = hand_send(&hand, CLIENT, TERN_SYN, 0, 0, 0);

	assert_int_equal(number_of_last(&hand), 2);
	hand_timer(&hand, SERVER, TERN_TIMER_TIME_WAIT, TERN_TIMER_STOPPED, 0);
	assert_int_equal(number_of_last(&hand), 1);
	hand_state(&hand, SERVER, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TIME_WAIT_REUSED);
	assert_int_equal(number_of_last(&hand), 1);
	hand_state(&hand, SERVER, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED);
	assert_int_equal(number_of_last(&hand), 2);
	hand_arrive(&hand, syn, TERN_VERDICT_TIME_WAIT_REUSED);
	assert_int_equal(number_of_last(&hand), 2);
	hand_end(&hand);
}

static void a_repeated_or_blind_syn_changes_nothing(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_arrive(&hand, hand_send(&hand, CLIENT, TERN_SYN, 0, 0, 0), TERN_VERDICT_DUPLICATE_SYN);
	assert_int_equal(number_of_last(&hand), 1);

	struct tern_watch_event blind = hand_event(&hand, SERVER, TERN_WATCH_SEGMENT_RX);

	blind.u.segment = (struct tern_watch_segment){
		.seq = 123456, .flags = TERN_SYN, .verdict = TERN_VERDICT_BLIND_SYN
	};
	timeline_watch(&hand.tap[SERVER], &blind);
	assert_int_equal(number_of_last(&hand), 1);
	hand_end(&hand);
}

static void simultaneous_opens_are_one(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		hand_state(&hand, host, TERN_STATE_CLOSED, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE);
	const size_t a = hand_send(&hand, CLIENT, TERN_SYN, 0, 0, 0);
	const size_t b = hand_send(&hand, SERVER, TERN_SYN, 0, 0, 0);

	hand_arrive(&hand, a, TERN_VERDICT_ACCEPTED);
	hand_arrive(&hand, b, TERN_VERDICT_ACCEPTED);
	for (size_t i = 0; i < hand.timeline.n; i++)
		assert_int_equal(hand.timeline.lines[i].conn, 1);
	hand_end(&hand);
}

static void a_listener_is_no_connection(void **state)
{
	struct conns		conns;
	struct tern_watch_event event = { .kind = TERN_WATCH_STATE };

	(void)state;
	conns_init(&conns);
	event.tuple.local_port = 80;
	event.u.state.to = TERN_STATE_LISTEN;
	assert_int_equal(conns_number(&conns, &event), 0);
	assert_int_equal(conns_current(&conns, &event.tuple), 0);
	conns_done(&conns);
}

static void a_flood_finds_its_numbers_again(void **state)
{
	struct conns conns;

	(void)state;
	conns_init(&conns);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned port = 1; port <= 5000; port++) {
			struct tern_watch_event event = { .kind = TERN_WATCH_NOTE };

			event.tuple.remote_port = (uint16_t)port;
			event.tuple.local_port = 80;
			assert_int_equal(conns_number(&conns, &event), port);
			assert_int_equal(conns_current(&conns, &event.tuple), port);
		}
	}
	conns_done(&conns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_share_a_number),
		cmocka_unit_test(other_ports_are_another_connection),
		cmocka_unit_test(the_same_ports_again_are_another_connection),
		cmocka_unit_test(time_wait_reuse_keeps_the_old_ones_apart),
		cmocka_unit_test(a_repeated_or_blind_syn_changes_nothing),
		cmocka_unit_test(simultaneous_opens_are_one),
		cmocka_unit_test(a_listener_is_no_connection),
		cmocka_unit_test(a_flood_finds_its_numbers_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
