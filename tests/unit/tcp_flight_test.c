/* flight.c: facts about what was sent and is not acknowledged. Every step ends in flight_is_sound(). */
#include "unit/tcp_rig.h"

enum { SEG = 100 };

struct bench {
	struct rig   *r;
	struct flight flight;
	struct rate   rate;
	uint32_t      una, nxt; /* relative */
};

static seq_t at(const struct bench *b, uint32_t n)
{
	return seq(b->r->iss + n);
}

static void is_sound(const struct bench *b)
{
	assert_true(flight_is_sound(&b->flight, at(b, b->una), at(b, b->nxt)));
}

/* n segments of SEG octets, the first at 1, sent a millisecond apart from 1 ms on. */
static void send_segments(struct bench *b, struct rig *r, uint32_t n)
{
	*b = (struct bench){ .r = r, .una = 1, .nxt = 1 };
	assert_true(flight_reserve(&b->flight, &r->mem, n));
	for (uint32_t i = 0; i < n; i++) {
		flight_push(&b->flight, at(b, b->nxt), SEG, 0, &b->rate, ms(i + 1));
		b->nxt += SEG;
	}
	is_sound(b);
}

static void acknowledge(struct bench *b, uint32_t una, struct flight_report *acked)
{
	*acked = flight_report_begin(&b->flight);
	flight_ack(&b->flight, at(b, una), acked);
	b->una = una > b->una ? una : b->una;
	is_sound(b);
}

static uint32_t sack(struct bench *b, uint32_t left, uint32_t right)
{
	struct flight_report report = flight_report_begin(&b->flight);

	return flight_sack(&b->flight, at(b, left), at(b, right), &report);
}

static void done(struct bench *b)
{
	flight_release(&b->flight, &b->r->mem);
}

/* Round the ring's end, too. */
static void run_is_as_many_pushed(struct rig *r)
{
	for (uint32_t before = 0; before < 40; before++) {
		struct bench one, run;
		struct flight_report report;

		send_segments(&one, r, before);
		send_segments(&run, r, before);
		one.rate.app_limited = run.rate.app_limited = before % 3;
		for (struct bench *b = &one;; b = &run) {
			acknowledge(b, 1 + before / 2 * SEG, &report);
			assert_true(flight_reserve(&b->flight, &r->mem, 30));
			if (b == &run)
				break;
		}
		for (uint32_t i = 0; i < 30; i++)
			flight_push(&one.flight, at(&one, one.nxt + i * SEG), SEG, 0, &one.rate, ms(77));
		flight_push_run(&run.flight, at(&run, run.nxt), 30, SEG, &run.rate, ms(77));
		one.nxt += 30 * SEG, run.nxt += 30 * SEG;
		is_sound(&one);
		is_sound(&run);
		assert_int_equal(one.flight.n, run.flight.n);
		assert_int_equal(one.flight.in_flight, run.flight.in_flight);
		for (uint32_t i = 0; i < one.flight.n; i++)
			assert_memory_equal(flight_at(&one.flight, i), flight_at(&run.flight, i),
					    offsetof(struct flight_record, times) + 1);
		assert_memory_equal(&one.rate, &run.rate, sizeof one.rate);
		done(&one);
		done(&run);
	}
}

static void ack_of_n_takes_n_records_off(struct rig *r)
{
	static const struct {
		uint32_t  una, octets, records;
		tern_time sent_at; /* of the newest that is wholly acknowledged */
	} table[] = {
		{ 1, 0, 0, TERN_NEVER }, { 50, 49, 0, TERN_NEVER }, { 101, 100, 1, 1 },
		{ 150, 149, 1, 1 },	 { 301, 300, 3, 3 },	    { 1001, 1000, 10, 10 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct flight_report acked;
		struct bench	    b;

		send_segments(&b, r, 10);
		acknowledge(&b, table[i].una, &acked);
		assert_int_equal(acked.acked, table[i].octets);
		assert_int_equal(acked.records, table[i].records);
		assert_int_equal(acked.sent_at,
				 table[i].sent_at == TERN_NEVER ? TERN_NEVER : ms(table[i].sent_at));
		assert_false(acked.again);
		assert_int_equal(b.flight.in_flight, 1000 - table[i].octets);
		done(&b);
	}
}

static void ack_below_the_first_takes_nothing_off(struct rig *r)
{
	struct flight_report acked;
	struct bench	    b;

	send_segments(&b, r, 3);
	acked = flight_report_begin(&b.flight);
	flight_ack(&b.flight, at(&b, (uint32_t)-500), &acked);
	is_sound(&b);
	assert_int_equal(acked.acked, 0);
	done(&b);
}

/* MUST-18, Karn: what was sent twice gives no sample. */
static void ack_of_a_resent_record_gives_no_sample(struct rig *r)
{
	struct flight_report acked;
	struct bench	    b;

	send_segments(&b, r, 3);
	assert_int_equal(flight_lose_first(&b.flight, &b.rate), SEG);
	is_sound(&b);
	flight_resent(&b.flight, flight_first_lost(&b.flight), &b.rate, ms(50));
	is_sound(&b);
	assert_int_equal(b.flight.in_flight, 3 * SEG);
	acknowledge(&b, 101, &acked);
	assert_int_equal(acked.sent_at, TERN_NEVER);
	assert_true(acked.again);
	acknowledge(&b, 201, &acked);
	assert_int_equal(acked.sent_at, ms(2));
	assert_false(acked.again);
	done(&b);
}

/* Only records that lie wholly inside count (RFC6675-4-1). */
static void sack_marks_whole_records(struct rig *r)
{
	static const struct {
		uint32_t left, right, octets, highest;
	} table[] = {
		{ 101, 201, 100, 201 }, { 101, 301, 200, 301 }, { 150, 301, 100, 301 },
		{ 101, 250, 100, 201 }, { 110, 190, 0, 0 },	{ 901, 1001, 100, 1001 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bench b;

		send_segments(&b, r, 10);
		assert_int_equal(sack(&b, table[i].left, table[i].right),
				 table[i].octets);
		is_sound(&b);
		assert_int_equal(b.flight.sacked, table[i].octets);
		assert_int_equal(b.flight.in_flight, 1000 - table[i].octets);
		if (table[i].octets > 0)
			assert_int_equal(b.flight.highest_sacked.v, at(&b, table[i].highest).v);
		/* The same block again brings nothing new. */
		assert_int_equal(sack(&b, table[i].left, table[i].right), 0);
		is_sound(&b);
		done(&b);
	}
}

static void sacked_record_gives_no_sample_and_is_not_lost(struct rig *r)
{
	struct flight_report acked;
	struct bench	    b;

	send_segments(&b, r, 4);
	sack(&b, 101, 201);
	assert_int_equal(flight_lose_all(&b.flight, &b.rate), 3 * SEG);
	is_sound(&b);
	assert_int_equal(b.flight.in_flight, 0);
	acknowledge(&b, 201, &acked);
	assert_int_equal(acked.acked, 200);
	assert_int_equal(acked.records, 2);
	done(&b);
}

/* RFC 2018 8: the receiver may have thrown away what it SACKed. */
static void forgotten_sacks_are_in_flight_again(struct rig *r)
{
	struct bench b;

	send_segments(&b, r, 4);
	sack(&b, 101, 401);
	flight_forget_sacks(&b.flight);
	is_sound(&b);
	assert_int_equal(b.flight.sacked, 0);
	assert_int_equal(b.flight.in_flight, 4 * SEG);
	done(&b);
}

static void lost_records_come_oldest_first(struct rig *r)
{
	struct bench b;

	send_segments(&b, r, 5);
	sack(&b, 201, 301);
	assert_int_equal(flight_lose_below(&b.flight, at(&b, 401), &b.rate), 3 * SEG);
	is_sound(&b);
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t	    expected[] = { 1, 101, 301 };
		struct flight_record *const record = flight_first_lost(&b.flight);

		assert_int_equal(record->seq.v, at(&b, expected[i]).v);
		flight_resent(&b.flight, record, &b.rate, ms(100));
		is_sound(&b);
	}
	assert_null(flight_first_lost(&b.flight));
	/* What was sent again is not taken for lost by the same evidence. */
	assert_int_equal(flight_lose_below(&b.flight, at(&b, 401), &b.rate), 0);
	done(&b);
}

static void ring_grows_and_turns(struct rig *r)
{
	struct flight_report acked;
	struct bench	    b;
	uint32_t	    sent = 1;

	send_segments(&b, r, 0);
	for (unsigned turn = 0; turn < 200; turn++) {
		for (unsigned i = 0; i < 3; i++, sent += SEG) {
			assert_true(flight_reserve(&b.flight, &r->mem, 1));
			flight_push(&b.flight, at(&b, sent), SEG, 0, &b.rate, ms(turn));
			b.nxt += SEG;
		}
		is_sound(&b);
		acknowledge(&b, b.una + 2 * SEG, &acked);
		assert_int_equal(acked.records, 2);
	}
	assert_int_equal(b.flight.n, 200);
	acknowledge(&b, b.nxt, &acked);
	assert_int_equal(acked.records, 200);
	done(&b);
}

static void reserve_without_memory_changes_nothing(struct rig *r)
{
	struct bench b;

	send_segments(&b, r, 16);
	r->memory.fail_all = true;
	assert_false(flight_reserve(&b.flight, &r->mem, 1));
	assert_false(flight_recut(&b.flight, &r->mem, 10));
	r->memory.fail_all = false;
	is_sound(&b);
	assert_int_equal(b.flight.n, 16);
	done(&b);
}

/* A smaller path MTU: every record is cut, its flags follow, the FIN stays with the end. */
static void recut_keeps_octets_and_flags(struct rig *r)
{
	struct bench b = { .r = r, .una = 1, .nxt = 1 };
	uint32_t     octets = 0;

	assert_true(flight_reserve(&b.flight, &r->mem, 4));
	flight_push(&b.flight, at(&b, 1), 1000, 0, &b.rate, ms(1));
	flight_push(&b.flight, at(&b, 1001), 400, 0, &b.rate, ms(2));
	flight_push(&b.flight, at(&b, 1401), 701, FLIGHT_FIN, &b.rate, ms(3));
	b.nxt = 2102;
	sack(&b, 1001, 1401);
	flight_lose_first(&b.flight, &b.rate);
	assert_true(flight_recut(&b.flight, &r->mem, 400));
	is_sound(&b);
	assert_int_equal(b.flight.n, 3 + 1 + 2);
	for (uint32_t i = 0; i < b.flight.n; i++) {
		assert_true(flight_at(&b.flight, i)->len <= 400);
		assert_int_equal((flight_at(&b.flight, i)->flags & FLIGHT_FIN) != 0, i + 1 == b.flight.n);
		octets += flight_at(&b.flight, i)->len;
	}
	assert_int_equal(octets, 2101);
	assert_int_equal(b.flight.n_lost, 3);
	assert_int_equal(b.flight.sacked, 400);
	done(&b);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(run_is_as_many_pushed),
		CASE(ack_of_n_takes_n_records_off),
		CASE(ack_below_the_first_takes_nothing_off),
		CASE(ack_of_a_resent_record_gives_no_sample),
		CASE(sack_marks_whole_records),
		CASE(sacked_record_gives_no_sample_and_is_not_lost),
		CASE(forgotten_sacks_are_in_flight_again),
		CASE(lost_records_come_oldest_first),
		CASE(ring_grows_and_turns),
		CASE(reserve_without_memory_changes_nothing),
		CASE(recut_keeps_octets_and_flags),
	};

	return RIG_RUN("flight", cases);
}
