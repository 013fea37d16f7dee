/* challenge.c: RFC 5961's challenge ACKs, and their limit in each second (RFC 5961 7). */
#include "unit/tcp_rig.h"

/* What blind segments get as an answer. */
static unsigned answers(struct rig *r, unsigned blind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < blind; i++) {
		assert_int_equal(rx(r, TCP_RST, 5, 0, 0), TERN_VERDICT_BLIND_RESET);
		n += drain(r);
	}
	return n;
}

/* To the beginning of a second, so that the test's own steps stay inside. */
static void next_second(struct rig *r)
{
	r->now += TERN_SECOND - r->now % TERN_SECOND;
}

/* RFC5961-7-1. */
static void five_in_a_second_and_no_more(struct rig *r)
{
	established(r);
	next_second(r);
	assert_int_equal(answers(r, 20), 5);
	assert_int_equal(r->env.stats.TCPChallengeACK, 5);
	assert_int_equal(r->env.stats.TCPACKSkippedChallenge, 15);
	assert_int_equal(r->notes[TERN_NOTE_CHALLENGE_LIMITED], 15);
	pass(r, ms(999));
	assert_int_equal(answers(r, 3), 0);
	next_second(r);
	assert_int_equal(answers(r, 20), 5);
}

/* RFC5961-7-1. */
static void limit_is_the_hosts_setting(struct rig *r)
{
	static const struct {
		uint8_t limit;
		unsigned answered;
	} table[] = { { 1, 1 }, { 10, 10 }, { 15, 15 }, { 16, 15 }, { 255, 15 } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		r->env.config.challenge_acks = table[i].limit;
		established(r);
		next_second(r);
		assert_int_equal(answers(r, 40), table[i].answered);
	}
}

/* It is the connection's own: another's answers tell an attacker nothing of this one. */
static void limit_is_per_connection(struct rig *r)
{
	struct rig other;
	struct tcb *const first = r->tcb;

	established(r);
	next_second(r);
	answers(r, 20);
	other = *r;
	r->tcb = tcb_pool_get(&r->pool);
	assert_non_null(r->tcb);
	r->tcb->held = true;
	r->now = other.now;
	struct tern_tuple tuple = rig_tuple();

	tcb_set_tuple(r->tcb, &tuple);
	half_opens(r);
	rx(r, TCP_ACK, 1, 1, 0);
	drain(r);
	assert_int_equal(answers(r, 20), 5);
	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = first;
}

/* What is answered within the limit, and what always: text, or a lost ACK could never be made good. */
static void text_is_answered_always_the_rest_within_the_limit(struct rig *r)
{
	established(r);
	next_second(r);
	answers(r, 20);
	assert_int_equal(rx(r, TCP_ACK, 10000000, 1, 0), TERN_VERDICT_OUT_OF_WINDOW);
	is_quiet(r);
	assert_int_equal(rx(r, TCP_ACK, 1, 500, 0), TERN_VERDICT_BAD_ACK);
	is_quiet(r);
	assert_int_equal(rx(r, TCP_SYN, 1, 0, 0), TERN_VERDICT_BLIND_SYN);
	is_quiet(r);
	assert_int_equal(rx(r, TCP_ACK, (uint32_t)-9, 1, 5), TERN_VERDICT_DUPLICATE);
	sends(r, TCP_ACK, 1, 1, 0);
	in_state(r, ESTABLISHED);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(five_in_a_second_and_no_more),
		CASE(limit_is_the_hosts_setting),
		CASE(limit_is_per_connection),
		CASE(text_is_answered_always_the_rest_within_the_limit),
	};

	return RIG_RUN("challenge", cases);
}
