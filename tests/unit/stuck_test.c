/* watch/stuck.c: what a connection waits for, in both languages. */
#include "watch/stuck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S TERN_SECOND

static struct stuck_facts none(enum tern_state state)
{
	return (struct stuck_facts){
		.state = state, .held = true, .snd_wnd = 65535, .rcv_wnd = 65535, .idle = TERN_NEVER,
		.retransmit_in = TERN_NEVER, .persist_in = TERN_NEVER, .keepalive_in = TERN_NEVER,
		.user_timeout_in = TERN_NEVER, .orphan_in = TERN_NEVER, .until_in = TERN_NEVER,
	};
}

static void says(const struct stuck_facts *facts, enum stuck_kind kind, const char *sentence)
{
	char line[256];

	assert_string_equal(stuck_kind_name(stuck_kind_of(facts)), stuck_kind_name(kind));
	assert_int_equal(stuck_line(line, sizeof line, facts, EXPLAIN_EN), strlen(sentence));
	assert_string_equal(line, sentence);
}

static void who_has_to_act_and_until_when(void **state)
{
	struct stuck_facts facts = none(TERN_STATE_CLOSE_WAIT);

	(void)state;
	facts.idle = 312 * S;
	says(&facts, STUCK_CLOSE_WAIT, "the peer has closed; the local program has not (nothing has moved for 312 s)");
	assert_int_equal(stuck_who_of(STUCK_CLOSE_WAIT), STUCK_PROGRAM);

	facts = none(TERN_STATE_FIN_WAIT_2);
	says(&facts, STUCK_FIN_WAIT_2,
	     "the local program has closed; the peer has not, and nothing makes it: half-closed");
	facts.held = false;
	facts.orphan_in = 41 * S;
	says(&facts, STUCK_ORPHAN, "given up by its program; the peer has not closed; ends in 41 s");
	assert_true(stuck_ends_in(&facts) == 41 * S);

	facts = none(TERN_STATE_TIME_WAIT);
	facts.until_in = 17 * S;
	says(&facts, STUCK_TIME_WAIT, "both have closed; the last ACK may be lost; ends in 17 s; "
				      "a SYN with a newer timestamp reopens it");

	facts = none(TERN_STATE_SYN_SENT);
	facts.retransmit_in = 2 * S;
	says(&facts, STUCK_SYN_SENT,
	     "has called, and nobody answers: the peer, or what stands between; next try in 2.0 s");

	facts = none(TERN_STATE_LAST_ACK);
	facts.unacked = 1;
	facts.retransmit_in = 300 * TERN_MILLISECOND;
	facts.orphan_in = 900 * S;
	says(&facts, STUCK_FIN_UNACKED, "our FIN, or text before it, is not acknowledged yet; next try in 300 ms; "
					"ends in 900 s");
}

static void text_that_does_not_move(void **state)
{
	struct stuck_facts facts = none(TERN_STATE_ESTABLISHED);

	(void)state;
	facts.snd_wnd = 0;
	facts.unsent = 1000;
	facts.idle = 9 * S;
	facts.persist_in = 3 * S + 200 * TERN_MILLISECOND;
	says(&facts, STUCK_ZERO_WINDOW, "zero window for 9.0 s: the peer's program is slow to read; next try in 3.2 s");

	facts = none(TERN_STATE_ESTABLISHED);
	facts.unacked = 500;
	says(&facts, STUCK_MOVING, "500 octets are on their way, 0 wait behind them");
	facts.retransmits = 4;
	facts.retransmit_in = 8 * S;
	facts.user_timeout_in = 30 * S;
	says(&facts, STUCK_SILENT, "sent 4 times over and never acknowledged: the peer is gone, or the way to it; "
				   "next try in 8.0 s; ends in 30 s");

	facts = none(TERN_STATE_ESTABLISHED);
	facts.unread = 262144;
	facts.rcv_wnd = 0;
	facts.idle = 20 * S;
	says(&facts, STUCK_UNREAD, "262144 octets wait for the local program, which does not read "
				   "(nothing has moved for 20 s); our window is 0");
	facts.rcv_wnd = 40000;
	facts.mss = 65468; /* less than what the peer would send */
	facts.idle = TERN_NEVER;
	assert_int_equal(stuck_kind_of(&facts), STUCK_UNREAD);
	facts.mss = 1460; /* it may be reading right now */
	assert_int_equal(stuck_kind_of(&facts), STUCK_IDLE);
	facts.idle = 2 * S;
	assert_int_equal(stuck_kind_of(&facts), STUCK_UNREAD);

	facts = none(TERN_STATE_ESTABLISHED);
	facts.idle = 60 * S;
	facts.keepalive_in = 540 * S;
	says(&facts, STUCK_IDLE, "nobody has anything to say for 60 s; a keep-alive asks in 540 s");
	facts.keepalive_probes = 2;
	facts.keepalive_in = 75 * S;
	says(&facts, STUCK_KEEPALIVE, "silence for 60 s; 2 keep-alives have no answer: the peer may be gone; "
				      "next try in 75 s");
}

/* A half-closed connection that still sends is not stuck at its own program. */
static void close_wait_that_still_sends(void **state)
{
	struct stuck_facts facts = none(TERN_STATE_CLOSE_WAIT);

	(void)state;
	facts.unacked = 10;
	assert_int_equal(stuck_kind_of(&facts), STUCK_MOVING);
	facts.snd_wnd = 0;
	facts.unsent = 10;
	assert_int_equal(stuck_kind_of(&facts), STUCK_ZERO_WINDOW);
}

static void each_kind_has_its_words(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < STUCK_KINDS; kind++) {
		assert_string_not_equal(stuck_kind_name((enum stuck_kind)kind), "?");
		assert_string_not_equal(stuck_who_name(stuck_who_of((enum stuck_kind)kind)), "?");
	}
	assert_string_equal(stuck_kind_name(STUCK_KINDS), "?");
	for (enum tern_state at = TERN_STATE_CLOSED; at <= TERN_STATE_TIME_WAIT; at++) {
		struct stuck_facts facts = none(at);
		char en[256], zh[256];

		facts.idle = facts.retransmit_in = facts.orphan_in = facts.until_in = facts.keepalive_in = 5 * S;
		assert_true(stuck_line(en, sizeof en, &facts, EXPLAIN_EN) > 0);
		assert_true(stuck_line(zh, sizeof zh, &facts, EXPLAIN_ZH) > 0);
		assert_string_not_equal(en, zh);
		assert_null(strpbrk(en, "{}"));
		assert_null(strpbrk(zh, "{}"));
	}
}

/* Facts that are of each kind. */
static struct stuck_facts of_kind(enum stuck_kind kind)
{
	static const enum tern_state states[STUCK_KINDS] = {
		[STUCK_LISTENING] = TERN_STATE_LISTEN,	     [STUCK_SYN_SENT] = TERN_STATE_SYN_SENT,
		[STUCK_SYN_RECEIVED] = TERN_STATE_SYN_RECEIVED, [STUCK_TIME_WAIT] = TERN_STATE_TIME_WAIT,
		[STUCK_FIN_UNACKED] = TERN_STATE_LAST_ACK,   [STUCK_FIN_WAIT_2] = TERN_STATE_FIN_WAIT_2,
		[STUCK_ORPHAN] = TERN_STATE_FIN_WAIT_2,	     [STUCK_CLOSE_WAIT] = TERN_STATE_CLOSE_WAIT,
	};
	struct stuck_facts facts = none(states[kind] != TERN_STATE_CLOSED ? states[kind] : TERN_STATE_ESTABLISHED);

	facts.held = kind != STUCK_ORPHAN;
	facts.probes = kind == STUCK_ZERO_WINDOW;
	facts.retransmits = kind == STUCK_SILENT ? 3 : 0;
	facts.unread = kind == STUCK_UNREAD ? 7 : 0;
	facts.unacked = kind == STUCK_MOVING ? 9 : 0;
	facts.keepalive_probes = kind == STUCK_KEEPALIVE ? 2 : 0;
	facts.idle = facts.retransmit_in = facts.persist_in = facts.keepalive_in = 5 * S;
	return facts;
}

/* From outside nobody is local: both ends, or the one that is at it, are named. */
static void each_kind_from_outside(void **state)
{
	static const char *const names[2] = { "the <client>", "the <server>" };

	(void)state;
	for (unsigned kind = 0; kind < STUCK_KINDS; kind++) {
		const struct stuck_facts facts = of_kind((enum stuck_kind)kind);
		char			 en[384], zh[384];

		assert_string_equal(stuck_kind_name(stuck_kind_of(&facts)), stuck_kind_name((enum stuck_kind)kind));
		assert_in_range(stuck_line_seen(en, sizeof en, &facts, names, EXPLAIN_EN), 20, sizeof en - 2);
		assert_in_range(stuck_line_seen(zh, sizeof zh, &facts, names, EXPLAIN_ZH), 20, sizeof zh - 2);
		assert_string_not_equal(en, zh);
		for (unsigned language = 0; language < 2; language++) {
			const char *const line = language ? zh : en;

			assert_null(strpbrk(line, "{}"));
			assert_non_null(strchr(line, '<'));
			assert_null(strstr(line, "local"));
			assert_null(strstr(line, "本地"));
		}
	}
}

/* Of the two ends of a connection, the one that something is wrong with is told of. */
static void trouble_weighs_more_than_none(void **state)
{
	(void)state;
	for (unsigned a = 0; a < STUCK_KINDS; a++)
		for (unsigned b = 0; b < STUCK_KINDS; b++)
			if (stuck_is_well((enum stuck_kind)a) && !stuck_is_well((enum stuck_kind)b))
				assert_true(stuck_weight((enum stuck_kind)a) < stuck_weight((enum stuck_kind)b));
	assert_true(stuck_weight(STUCK_CLOSE_WAIT) > stuck_weight(STUCK_FIN_WAIT_2)); /* it says who can end it */
}

static void facts_of_a_status_count_from_now(void **state)
{
	const struct tern_status status = {
		.state = TERN_STATE_ESTABLISHED, .unsent = 1, .unacked = 2, .unread = 3, .snd_wnd = 4, .rcv_wnd = 5,
		.retransmits = 6, .probes = 7, .keepalive_probes = 8, .retransmit_at = 15 * S, .persist_at = TERN_NEVER,
		.keepalive_at = 5 * S, .user_timeout_at = 30 * S, .orphan_at = TERN_NEVER, .time_wait_at = 70 * S,
	};
	struct stuck_facts facts;

	(void)state;
	stuck_facts_of(&facts, &status, 10 * S);
	assert_true(facts.retransmit_in == 5 * S && facts.persist_in == TERN_NEVER && facts.keepalive_in == 0);
	assert_true(facts.user_timeout_in == 20 * S && facts.orphan_in == TERN_NEVER && facts.until_in == 60 * S);
	assert_int_equal(facts.unsent + 10 * facts.unacked + 100 * facts.unread, 321);
	assert_int_equal(facts.snd_wnd + 10 * facts.rcv_wnd + 100 * facts.retransmits, 654);
	assert_int_equal(facts.probes + 10 * facts.keepalive_probes, 87);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_to_act_and_until_when),
		cmocka_unit_test(text_that_does_not_move),
		cmocka_unit_test(close_wait_that_still_sends),
		cmocka_unit_test(each_kind_has_its_words),
		cmocka_unit_test(each_kind_from_outside),
		cmocka_unit_test(trouble_weighs_more_than_none),
		cmocka_unit_test(facts_of_a_status_count_from_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
