/* timers.c and expire.c: RFC 9293 3.10.8, 3.8.3 (R1, R2), 3.8.4 (keep-alive); user timeout, orphans, delayed ACKs. */
#include "unit/tcp_rig.h"

/* Time-outs and what they send go by until the block is closed, or `most` has passed. */
static tern_time until_closed(struct rig *r, tern_time most)
{
	const tern_time begun = r->now;

	while (r->tcb->state != CLOSED && r->now - begun < most) {
		expires(r);
		while (r->tcb->state != CLOSED && tx(r))
			;
	}
	return r->now - begun;
}

/* MUST-20, SHLD-10: R1 after three retransmissions tells the program; R2 (SHLD-11: at least 100 s) ends it.
 * (SHLD-9) */
static void established_silence_r1_tells_r2_ends(struct rig *r)
{
	established(r);
	writes(r, 1, 100);
	drain(r);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(r->tcb->ready & TERN_ADVICE, 0);
		expires(r);
		drain(r);
	}
	assert_true(r->tcb->ready & TERN_ADVICE);
	assert_int_equal(r->notes[TERN_NOTE_R1], 1);
	const tern_time took = until_closed(r, 3000 * TERN_SECOND);

	assert_true(took > 900 * TERN_SECOND && took < 1050 * TERN_SECOND);
	in_state(r, CLOSED);
	is_quiet(r);
	assert_int_equal(status_of(r).error, -TERN_ETIMEDOUT);
	assert_int_equal(r->notes[TERN_NOTE_R1], 1);
	assert_true(tcp_ready(r->tcb) & TERN_ERROR);
}

/* SHLD-20: the program may not want to know. */
static void error_reports_off_r1_is_silent(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_ERROR_REPORTS, 0, r->now);
	writes(r, 1, 100);
	drain(r);
	for (unsigned i = 0; i < 4; i++) {
		expires(r);
		drain(r);
	}
	assert_false(r->tcb->ready & TERN_ADVICE);
}

/* MUST-21: R2 is the program's; for a SYN it is never less than three minutes (MUST-23). */
static void r2_option_sets_the_limit(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_R2, 10, r->now);
	writes(r, 1, 100);
	drain(r);
	const tern_time took = until_closed(r, 100 * TERN_SECOND);

	assert_true(took >= 10 * TERN_SECOND && took < 21 * TERN_SECOND);
	rig_end(r);
	rig_begin(r);
	opens(r);
	tcp_option_set(r->tcb, TERN_R2, 10, r->now);
	assert_true(until_closed(r, 1000 * TERN_SECOND) >= 180 * TERN_SECOND);
}

/* Progress begins the count anew. */
static void progress_restarts_r1_and_r2(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_R2, 10, r->now);
	for (uint32_t i = 0; i < 10; i++) {
		writes(r, 1 + i * 20, 10);
		drain(r);
		expires(r);
		drain(r);
		expires(r);
		drain(r);
		pass(r, 5 * TERN_SECOND);
		rx(r, TCP_ACK, 1, 11 + i * 20, 0);
		writes(r, 11 + i * 20, 10); /* a round trip that can be measured ends the back-off (Karn) */
		drain(r);
		pass(r, ms(10));
		rx(r, TCP_ACK, 1, 21 + i * 20, 0);
	}
	in_state(r, ESTABLISHED);
	assert_int_equal(r->notes[TERN_NOTE_R1], 0);
}

/* RFC 6298 5.1-5.3: the timer starts with the first segment, restarts as SND.UNA moves, stops with the last.
 * (RFC6298-5-2, RFC6298-5-4) */
static void retransmission_timer_follows_the_flight(struct rig *r)
{
	established(r);
	assert_true(wait_of(r) == TERN_NEVER);
	writes(r, 1, 3 * RIG_MSS);
	sends(r, TCP_ACK, 1, 1, RIG_MSS);
	assert_int_equal(wait_of(r), ms(210));
	pass(r, ms(100));
	drain(r);
	assert_int_equal(wait_of(r), ms(110));
	rx(r, TCP_ACK, 1, 1 + RIG_MSS, 0);
	assert_int_equal(wait_of(r), status_of(r).rto);
	rx(r, TCP_ACK, 1, 1 + 3 * RIG_MSS, 0);
	assert_true(wait_of(r) == TERN_NEVER);
	assert_null(r->tcb->warm);
}

/* RFC 9293 3.10.8, USER TIMEOUT, in milliseconds; the peer that may still live is told. */
static void user_timeout_aborts(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_USER_TIMEOUT, 5000, r->now);
	assert_true(wait_of(r) == TERN_NEVER); /* nothing waits for the peer */
	writes(r, 1, 10);
	drain(r);
	assert_int_equal(until_closed(r, 100 * TERN_SECOND), 5 * TERN_SECOND);
	sends(r, TCP_RST | TCP_ACK, 11, 1, 0);
	is_quiet(r);
	assert_int_equal(status_of(r).error, -TERN_ETIMEDOUT);
}

static void user_timeout_in_syn_sent_tells_nobody(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_USER_TIMEOUT, 2500, r->now);
	opens(r);
	assert_int_equal(until_closed(r, 100 * TERN_SECOND), ms(2500));
	is_quiet(r);
}

/* MUST-24, MUST-25: only where asked for; MUST-28: two hours; MUST-29: nine unanswered, 75 s apart, not one.
 * (MAY-5) */
static void keepalive_nine_unanswered_probes_end_it(struct rig *r)
{
	established(r);
	assert_true(wait_of(r) == TERN_NEVER);
	tcp_option_set(r->tcb, TERN_KEEPALIVE, 1, r->now);
	for (unsigned i = 0; i < 9; i++) {
		const tern_time dt = expires(r);

		assert_in_range(dt, (i ? 75 : 7200) * TERN_SECOND - ms(1), (i ? 75 : 7200) * TERN_SECOND);
		sends(r, TCP_ACK, 0, 1, 0);
		is_quiet(r);
		in_state(r, ESTABLISHED);
		assert_int_equal(status_of(r).keepalive_probes, i + 1);
	}
	assert_int_equal(expires(r), 75 * TERN_SECOND);
	in_state(r, CLOSED);
	sends(r, TCP_RST | TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).error, -TERN_ETIMEDOUT);
}

/* MUST-26, MUST-27: after idle time as set; any answer begins it anew. */
static void keepalive_answer_begins_anew(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_KEEPALIVE, 1, r->now);
	tcp_option_set(r->tcb, TERN_KEEPALIVE_IDLE, 60, r->now);
	tcp_option_set(r->tcb, TERN_KEEPALIVE_INTERVAL, 5, r->now);
	tcp_option_set(r->tcb, TERN_KEEPALIVE_PROBES, 2, r->now);
	for (unsigned i = 0; i < 5; i++) {
		assert_in_range(expires(r), 60 * TERN_SECOND - ms(1), 60 * TERN_SECOND);
		sends(r, TCP_ACK, 0, 1, 0);
		assert_int_equal(expires(r), 5 * TERN_SECOND);
		sends(r, TCP_ACK, 0, 1, 0);
		rx(r, TCP_ACK, 1, 1, 0);
		in_state(r, ESTABLISHED);
		assert_int_equal(status_of(r).keepalive_probes, 0);
	}
	writes(r, 1, 10); /* with something in flight the retransmission timer finds out */
	drain(r);
	assert_true(status_of(r).keepalive_at == TERN_NEVER);
}

/* MUST-40: less than half a second; an ACK that leaves with something else stops it. */
static void delayed_ack_is_below_half_a_second(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 1);
	assert_true(wait_of(r) < ms(500));
	pass(r, ms(10));
	rx(r, TCP_ACK, 2, 1, 1);
	assert_int_equal(wait_of(r), ms(30)); /* counted from the first */
	expires(r);
	sends(r, TCP_ACK, 1, 3, 0);
	assert_int_equal(r->env.stats.DelayedACKs, 1);
	assert_true(wait_of(r) == TERN_NEVER);
}

/* Each state that an orphan may wait in ends 60 s after the last progress. */
static void orphan_ends_after_a_minute(struct rig *r)
{
	static void (*const ways[])(struct rig *) = { closes_first, in_fin_wait_2, in_closing, in_last_ack };
	static const bool told[] = { true, false, true, true };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		ways[i](r);
		tcp_close(r->tcb, r->now);
		const tern_time took = until_closed(r, 1000 * TERN_SECOND);

		assert_in_range(took, 60 * TERN_SECOND - ms(1), 60 * TERN_SECOND + ms(2));
		in_state(r, CLOSED);
		assert_int_equal(tx(r), told[i]);
		if (told[i])
			assert_true(r->out.seg.flags & TCP_RST);
		is_quiet(r);
		assert_true(tcp_is_over(r->tcb));
	}
}

/* A program that still holds its handle may wait in FIN-WAIT-2 as long as it likes. */
static void held_fin_wait_2_waits(struct rig *r)
{
	established(r);
	in_fin_wait_2(r);
	assert_true(wait_of(r) == TERN_NEVER);
}

/* An orphan that makes progress lives on: its text must arrive (SHLD-3's other half). */
static void orphan_with_progress_lives(struct rig *r)
{
	established(r);
	writes(r, 1, 10 * RIG_MSS);
	tcp_close(r->tcb, r->now);
	drain(r);
	for (uint32_t i = 1; i <= 10; i++) {
		pass(r, 50 * TERN_SECOND);
		rx(r, TCP_ACK, 1, 1 + i * RIG_MSS, 0);
		drain(r);
		in_state(r, FIN_WAIT_1);
	}
	rx(r, TCP_ACK, 1, 2 + 10 * RIG_MSS, 0);
	in_state(r, FIN_WAIT_2);
}

/* A soft error before it explains the time-out (RFC 9293 3.9.2.2). */
static void timeout_reports_the_soft_error(struct rig *r)
{
	const struct tcp_icmp icmp = { .seq = r->iss, .error = TERN_EHOSTUNREACH };

	opens(r);
	assert_true(tcp_icmp_arrives(r->tcb, &icmp, false, r->now));
	until_closed(r, 1000 * TERN_SECOND);
	assert_int_equal(status_of(r).error, -TERN_EHOSTUNREACH);
}

/* Late: all that is due happens in one call, and no earlier than due. */
static void late_expire_runs_all_that_is_due(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 10);
	tcp_expire(r->tcb, r->now);
	is_quiet(r);
	writes_flags(r, 1, 10, TERN_SEND_MORE); /* held: the override timer */
	is_quiet(r);
	pass(r, TERN_SECOND);
	tcp_expire(r->tcb, r->now);
	assert_int_equal(r->fired[TERN_TIMER_DELAYED_ACK], 1);
	assert_int_equal(r->fired[TERN_TIMER_SWS], 1);
	sends(r, TCP_ACK, 1, 11, 10);
}

static void closed_has_no_deadline(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_KEEPALIVE, 1, r->now);
	writes(r, 1, 10);
	drain(r);
	tcp_abort(r->tcb, TERN_WHY_ABORT_CALLED, 0, r->now);
	assert_true(wait_of(r) == TERN_NEVER);
}

static void milliseconds_name_the_nearest_moment(struct rig *r)
{
	static const int64_t distances[] = { 0, 1, -1, 1000, -1000, 0x7fffffff, -0x7fffffff };

	for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
		const tern_time now = 5000000 * TERN_SECOND + (tern_time)r->iss * TERN_MILLISECOND;
		const tern_time then = now + ms(distances[i]);

		assert_true(ms_to_time(time_to_ms(then), now) == then);
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(established_silence_r1_tells_r2_ends),
		CASE(error_reports_off_r1_is_silent),
		CASE(r2_option_sets_the_limit),
		CASE(progress_restarts_r1_and_r2),
		CASE(retransmission_timer_follows_the_flight),
		CASE(user_timeout_aborts),
		CASE(user_timeout_in_syn_sent_tells_nobody),
		CASE(keepalive_nine_unanswered_probes_end_it),
		CASE(keepalive_answer_begins_anew),
		CASE(delayed_ack_is_below_half_a_second),
		CASE(orphan_ends_after_a_minute),
		CASE(held_fin_wait_2_waits),
		CASE(orphan_with_progress_lives),
		CASE(timeout_reports_the_soft_error),
		CASE(late_expire_runs_all_that_is_due),
		CASE(closed_has_no_deadline),
		CASE(milliseconds_name_the_nearest_moment),
	};

	return RIG_RUN("expire", cases);
}
