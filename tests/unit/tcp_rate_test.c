/* rate.c: delivery-rate samples (draft-ietf-ccwg-bbr 4.1), a flight beneath. Time is in milliseconds. */
#include "unit/tcp_rig.h"

enum { SEG = 1000 };

struct bench {
	struct rig	  *r;
	struct flight	   flight;
	struct rate	   rate;
	struct rate_sample sample;
	uint32_t	   una, nxt;
};

static void begin(struct bench *b, struct rig *r)
{
	*b = (struct bench){ .r = r, .una = r->iss, .nxt = r->iss };
}

static void send_at(struct bench *b, int64_t at, unsigned n)
{
	assert_true(flight_reserve(&b->flight, &b->r->mem, n));
	for (; n > 0; n--, b->nxt += SEG)
		flight_push(&b->flight, seq(b->nxt), SEG, 0, &b->rate, ms(at));
}

/* n segments more are acknowledged; block: segments from the new SND.UNA on that are SACKed, as first and
 * behind the last. */
static bool ack_at(struct bench *b, int64_t at, unsigned n, unsigned first, unsigned end, tern_time min_rtt)
{
	struct flight_report report = flight_report_begin(&b->flight);

	b->una += n * SEG;
	flight_ack(&b->flight, seq(b->una), &report);
	if (first < end)
		flight_sack(&b->flight, seq(b->una + first * SEG), seq(b->una + end * SEG), &report);
	return rate_acked(&b->rate, &report, min_rtt, ms(at), &b->sample);
}

static void done(struct bench *b)
{
	flight_release(&b->flight, &b->r->mem);
}

/* Ten segments in a burst, 100 ms of path, one ACK every millisecond: the ACKs tell the rate. */
static void bottleneck_rate_is_told_by_the_acks(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(ack_at(&b, 100 + i, 1, 0, 0, ms(100)));
		assert_int_equal(b.sample.delivered, (i + 1) * SEG);
		assert_int_equal(b.sample.prior_delivered, 0);
		assert_int_equal(b.sample.interval, ms(100 + i));
		assert_int_equal(b.sample.tx_in_flight, (i + 1) * SEG);
		assert_int_equal(b.sample.rtt, ms(100 + i));
		send_at(&b, 100 + i, 1);
	}
	/* The second flight left at the pace of the ACKs, but what it is measured from left as a burst: the send
	 * clock runs longer. The third has the path's rate alone. */
	for (unsigned i = 0; i < 20; i++) {
		assert_true(ack_at(&b, 200 + i + (i >= 10 ? 90 : 0), 1, 0, 0, ms(100)));
		assert_int_equal(b.sample.delivered, 10 * SEG);
		assert_int_equal(b.sample.prior_delivered, (i + 1) * SEG);
		assert_int_equal(b.sample.interval, i < 10 ? ms(100 + i) : ms(100));
		assert_int_equal(b.sample.delivery_rate, 10 * SEG * 1000 / (i < 10 ? 100 + i : 100));
		if (i < 10)
			send_at(&b, 200 + i, 1);
	}
	done(&b);
}

/* ACKs come in a heap (a link that gathers them): the rate at which they were sent bounds the sample. */
static void gathered_acks_are_bounded_by_the_send_rate(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 1);
	assert_true(ack_at(&b, 10, 1, 0, 0, 0));
	for (unsigned i = 0; i < 20; i++) /* one a millisecond */
		send_at(&b, 10 + i, 1);
	assert_true(ack_at(&b, 30, 20, 0, 0, 0));
	assert_int_equal(b.sample.delivered, 20 * SEG);
	assert_int_equal(b.sample.interval, ms(20)); /* ack elapsed; 19 of sending */
	for (unsigned i = 0; i < 40; i++)
		send_at(&b, 30 + i, 1);
	assert_true(ack_at(&b, 70, 1, 0, 0, 0)); /* the first of the heap... */
	assert_true(ack_at(&b, 70, 38, 0, 0, 0)); /* ...and all the others, at the same moment */
	assert_int_equal(b.sample.interval, ms(40));
	assert_int_equal(b.sample.delivery_rate, 39 * SEG * 25);
	assert_true(ack_at(&b, 70, 1, 0, 0, 0));
	done(&b);
}

/* Sent, and acknowledged, within one moment of a coarse clock: no rate, and no division by nothing. */
static void no_time_gives_no_rate(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 5, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_false(ack_at(&b, 5, 1, 0, 0, 0));
		assert_true(b.sample.any);
		assert_int_equal(b.sample.delivery_rate, 0);
		assert_int_equal(b.sample.delivered, (i + 1) * SEG);
	}
	assert_int_equal(b.rate.delivered, 4 * SEG);
	done(&b);
}

/* Draft 4.1.2.3: a sample over less than the path's least round trip is one of a copy's ACK. */
static void shorter_than_min_rtt_is_refused(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 2);
	assert_false(ack_at(&b, 9, 1, 0, 0, ms(10)));
	assert_true(b.sample.any);
	assert_int_equal(b.sample.interval, ms(9));
	assert_true(ack_at(&b, 10, 1, 0, 0, ms(10)));
	done(&b);
}

/* Silence does not count: the clocks begin anew where nothing flies. */
static void idle_time_is_left_out(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 1);
	assert_true(ack_at(&b, 10, 1, 0, 0, 0));
	send_at(&b, 5000, 2);
	assert_true(ack_at(&b, 5010, 2, 0, 0, 0));
	assert_int_equal(b.sample.interval, ms(10));
	assert_int_equal(b.sample.delivery_rate, 2 * SEG * 100);
	done(&b);
}

/* Draft 4.1.2.4: the bubble lasts until what flew when it began has arrived, and one octet more. */
static void app_limited_until_the_bubble_is_gone(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 3);
	rate_app_limited(&b.rate, b.flight.in_flight);
	send_at(&b, 1, 2); /* leave within the bubble */
	assert_true(ack_at(&b, 10, 3, 0, 0, 0));
	assert_false(b.sample.app_limited); /* left before it */
	assert_true(b.rate.app_limited != 0);
	assert_true(ack_at(&b, 11, 1, 0, 0, 0));
	assert_true(b.sample.app_limited);
	assert_true(b.rate.app_limited == 0);
	send_at(&b, 12, 1);
	assert_true(ack_at(&b, 13, 1, 0, 0, 0));
	assert_true(b.sample.app_limited); /* left within it */
	assert_true(ack_at(&b, 30, 1, 0, 0, 0));
	assert_false(b.sample.app_limited);
	/* Nothing delivered, nothing in flight: 0 would mean none. */
	b.rate = (struct rate){ 0 };
	rate_app_limited(&b.rate, 0);
	assert_true(b.rate.app_limited == 1);
	done(&b);
}

/* SACKs deliver too; what they skip is counted as lost over the interval once it is declared so; a record
 * that was SACKed is not delivered again by the ACK. */
static void sacks_and_losses_are_counted_once(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	send_at(&b, 0, 5);
	assert_true(ack_at(&b, 20, 0, 1, 4, 0));
	assert_int_equal(b.sample.delivered, 3 * SEG);
	assert_int_equal(b.sample.lost, 0);
	assert_int_equal(flight_lose_first(&b.flight, &b.rate), SEG);
	flight_resent(&b.flight, flight_first_lost(&b.flight), &b.rate, ms(21));
	assert_true(ack_at(&b, 22, 0, 4, 5, 0)); /* the fifth, of the first flight */
	assert_int_equal(b.sample.lost, SEG);
	assert_int_equal(b.sample.delivered, 4 * SEG);
	assert_int_equal(b.sample.rtt, ms(22));
	assert_true(ack_at(&b, 41, 5, 0, 0, 0));
	assert_int_equal(b.sample.delivered, 2 * SEG); /* since the first left again: the fifth and itself */
	assert_int_equal(b.sample.prior_delivered, 3 * SEG);
	assert_int_equal(b.sample.lost, 0);
	assert_int_equal(b.sample.rtt, 0); /* Karn */
	assert_int_equal(b.rate.delivered, 5 * SEG);
	assert_int_equal(b.rate.lost, SEG);
	done(&b);
}

/* The whole way: a connection's ACKs make samples, and what the program leaves unused is marked. */
static void connection_counts_what_it_delivers(struct rig *r)
{
	established(r);
	writes(r, 1, 3 * RIG_MSS);
	drain(r);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, 1 + 2 * RIG_MSS, 0);
	assert_int_equal(r->tcb->warm->rate.delivered, 2 * RIG_MSS);
	assert_int_equal(r->tcb->warm->rate.delivered_at, r->now);
	assert_true(r->tcb->warm->rate.app_limited != 0); /* room for ten, three were written */
	writes(r, 1 + 3 * RIG_MSS, RIG_MSS);
	drain(r);
	assert_true(flight_last(&r->tcb->warm->flight)->flags & FLIGHT_APP_LIMITED);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(bottleneck_rate_is_told_by_the_acks),
		CASE(gathered_acks_are_bounded_by_the_send_rate),
		CASE(no_time_gives_no_rate),
		CASE(shorter_than_min_rtt_is_refused),
		CASE(idle_time_is_left_out),
		CASE(app_limited_until_the_bubble_is_gone),
		CASE(sacks_and_losses_are_counted_once),
		CASE(connection_counts_what_it_delivers),
	};

	return RIG_RUN("rate", cases);
}
