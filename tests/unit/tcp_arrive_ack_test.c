/* arrive_ack.c: what an acceptable ACK does: SND.UNA, the send store, readiness, growth of the window. */
#include "unit/tcp_rig.h"

enum { M = RIG_MSS };

/* SND.UNA < SEG.ACK =< SND.NXT: what is acknowledged is let go, part of a segment too. */
static void ack_moves_una_and_frees_text(struct rig *r)
{
	static const struct {
		uint32_t ack, unacked;
	} table[] = { { 1, 3 * M },
		      { 2, 3 * M - 1 },
		      { 1 + M, 2 * M },
		      { 1 + M + 700, 2 * M - 700 },
		      { 1 + 3 * M, 0 } };

	established(r);
	writes(r, 1, 3 * M);
	drain(r);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(rx(r, TCP_ACK, 1, table[i].ack, 0), TERN_VERDICT_ACCEPTED);
		assert_int_equal(status_of(r).snd_una, r->iss + table[i].ack);
		assert_int_equal(status_of(r).unacked, table[i].unacked);
	}
	assert_null(r->tcb->warm);
}

/* An ACK of part of a segment: the time-out sends the rest alone. */
static void ack_of_half_a_segment_the_rest_goes_again(struct rig *r)
{
	established(r);
	writes(r, 1, M);
	drain(r);
	rx(r, TCP_ACK, 1, 701, 0);
	expires(r);
	sends(r, TCP_ACK, 701, 1, M - 700);
}

/* TERN_DRAINED: all that was sent is acknowledged. */
static void last_ack_says_drained(struct rig *r)
{
	established(r);
	writes(r, 1, 2 * M);
	drain(r);
	assert_false(tcp_ready(r->tcb) & TERN_DRAINED);
	rx(r, TCP_ACK, 1, 1 + M, 0);
	assert_false(r->tcb->ready & TERN_DRAINED);
	rx(r, TCP_ACK, 1, 1 + 2 * M, 0);
	assert_true(r->tcb->ready & TERN_DRAINED);
	assert_true(tcp_ready(r->tcb) & TERN_DRAINED);
}

/* "If the ACK is a duplicate, it can be ignored"; its text counts. */
static void old_ack_moves_nothing_its_text_counts(struct rig *r)
{
	established(r);
	writes(r, 1, 2 * M);
	drain(r);
	rx(r, TCP_ACK, 1, 1 + M, 0);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_ACCEPTED);
	assert_int_equal(status_of(r).snd_una, r->iss + 1 + M);
	reads(r, 1, 10);
}

/* RFC 5681 2: an ACK that moved SND.UNA is not also the first duplicate: three more it takes. */
static void ack_of_new_text_is_no_duplicate(struct rig *r)
{
	established(r);
	writes(r, 1, 10 * M);
	drain(r);
	rx(r, TCP_ACK, 1, 1 + M, 0);
	drain(r);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(r->retransmits[TERN_RETRANSMIT_FAST], 0);
		rx(r, TCP_ACK, 1, 1 + M, 0);
		drain(r);
	}
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_FAST], 1);
}

/* RFC 6675 2: with SACK it is the new block that makes a duplicate; a bare one is none. */
static void sack_agreed_bare_duplicates_count_for_nothing(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	writes(r, 1, 10 * M);
	drain(r);
	for (unsigned i = 0; i < 10; i++)
		rx(r, TCP_ACK, 1, 1, 0);
	is_quiet(r);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* Slow start, then congestion avoidance from ssthresh on (RFC 5681 3.1). */
static void window_grows_by_phase(struct rig *r)
{
	uint32_t cwnd;

	established(r);
	writes(r, 1, 40 * M);
	drain(r);
	cwnd = status_of(r).cwnd;
	assert_int_equal(cwnd, 10 * M);
	rx(r, TCP_ACK, 1, 1 + 2 * M, 0);
	assert_int_equal(status_of(r).cwnd, 12 * M);
	drain(r);
	r->tcb->warm->cc.ssthresh = 12 * M;
	rx(r, TCP_ACK, 1, 1 + 4 * M, 0);
	assert_int_equal(status_of(r).cwnd, 12 * M);
	drain(r);
	rx(r, TCP_ACK, 1, 1 + 14 * M, 0);
	assert_int_equal(status_of(r).cwnd, 13 * M);
}

/* An application that sends little proves nothing of the path (RFC 7661). */
static void window_unused_does_not_grow(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now);
	for (uint32_t i = 0; i < 30; i++) {
		writes(r, 1 + i * 100, 100);
		drain(r);
		rx(r, TCP_ACK, 1, 101 + i * 100, 0);
	}
	assert_int_equal(status_of(r).cwnd, 10 * M);
}

/* Our FIN acknowledged, by state. */
static void ack_of_our_fin_by_state(struct rig *r)
{
	static const struct {
		void (*way)(struct rig *);
		uint32_t       seq;
		enum tcp_state after;
	} table[] = { { closes_first, 1, FIN_WAIT_2 },
		      { in_closing, 2, TIME_WAIT },
		      { in_last_ack, 2, CLOSED } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		table[i].way(r);
		const uint8_t before = r->tcb->state;

		rx(r, TCP_ACK, table[i].seq, 1, 0); /* not yet */
		in_state(r, before);
		rx(r, TCP_ACK, table[i].seq, 2, 0);
		in_state(r, table[i].after);
	}
}

/* Our FIN behind the last text: what it acknowledges is let go, the round trip is measured, and nothing waits. */
static void ack_of_our_fin_ends_sending(struct rig *r)
{
	const uint64_t delivered = r->env.stats.TCPDelivered;

	established(r);
	writes(r, 1, 100);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 100);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, 102, 0);
	in_state(r, FIN_WAIT_2);
	assert_null(r->tcb->warm);
	assert_true(r->tcb->ready & TERN_DRAINED);
	assert_int_equal(status_of(r).srtt, (7 * ms(10) + ms(50)) / 8);
	assert_int_equal(r->env.stats.TCPDelivered - delivered, 1);
	assert_int_equal(tcp_deadline(r->tcb, r->now), TERN_NEVER);
	is_quiet(r);
}

/* RFC 6298 3, Karn: nobody knows which of the two was acknowledged. */
static void ack_of_our_fin_sent_twice_measures_nothing(struct rig *r)
{
	established(r);
	closes_first(r);
	r->peer.wnd = 0; /* so that it goes again without a word of congestion */
	rx(r, TCP_ACK, 1, 1, 0);
	expires(r);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, 2, 0);
	in_state(r, FIN_WAIT_2);
	assert_int_equal(status_of(r).srtt, ms(10));
}

/* The numbers pass 2^32 and 2^31; what STATUS counts does not. */
static void a_mebioctet_each_way_is_counted(struct rig *r)
{
	uint32_t at = 1;

	established(r);
	while (at < 1 << 20) {
		writes(r, at, 10 * M);
		drain(r);
		rx(r, TCP_ACK, at, at + 10 * M, 10 * M);
		reads(r, at, 10 * M);
		drain(r);
		at += 10 * M;
	}
	assert_int_equal(status_of(r).bytes_acked, at - 1);
	assert_int_equal(status_of(r).bytes_sent, at - 1);
	assert_int_equal(status_of(r).bytes_received, at - 1);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(ack_moves_una_and_frees_text),    CASE(ack_of_half_a_segment_the_rest_goes_again),
		CASE(last_ack_says_drained),	       CASE(old_ack_moves_nothing_its_text_counts),
		CASE(ack_of_new_text_is_no_duplicate), CASE(sack_agreed_bare_duplicates_count_for_nothing),
		CASE(window_grows_by_phase),	       CASE(window_unused_does_not_grow),
		CASE(ack_of_our_fin_by_state),	       CASE(a_mebioctet_each_way_is_counted),
		CASE(ack_of_our_fin_ends_sending),     CASE(ack_of_our_fin_sent_twice_measures_nothing),
	};

	return RIG_RUN("arrive_ack", cases);
}
