/* flight.c against a naive one: an array of records, walked from end to end for every question. Random sends,
 * ACKs, SACK blocks (whole, in part, repeated, backwards), losses, retransmissions, undo, reneging and new path
 * MTUs; after each step both agree about every record, every count and the order by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "support/proof.h"
#include "support/random.h"
#include "tcp/flight.h"
#include "unit/allocator.h"

enum { MOST = 4000, MSS = 1000 };

struct naive_record {
	seq_t	  seq;
	uint32_t  len, times;
	tern_time sent_at;
	uint64_t  left; /* the number of this transmission, of all */
	bool	  sacked, lost, fin;
};

struct naive {
	struct naive_record r[MOST];
	uint32_t	    n;
	seq_t		    fack;
	uint64_t	    left, delivered, lost; /* lost: ever declared */
};

struct both {
	struct chance	      chance;
	struct test_allocator memory;
	struct mem	      mem;
	struct flight	      flight;
	struct rate	      rate;
	struct naive	      naive;
	struct flight_report  report;
	seq_t		      una, nxt;
	tern_time	      now;
};

static seq_t naive_end(const struct naive_record *r)
{
	return seq_add(r->seq, r->len);
}

/* ---- the same step in both ---- */

static void send_some(struct both *b)
{
	const uint32_t n = (uint32_t)chance_between(&b->chance, 1, 40);
	const bool at_once = chance_percent(&b->chance, 50);
	const seq_t from = b->nxt;
	struct naive *const naive = &b->naive;

	if (naive->n + n >= MOST)
		return;
	assert_true(flight_reserve(&b->flight, &b->mem, n));
	for (uint32_t i = 0; i < n; i++) {
		const bool small = !at_once && chance_percent(&b->chance, 20);
		const uint16_t len = (uint16_t)(small ? chance_between(&b->chance, 1, MSS) : MSS);

		if (naive->n == 0)
			naive->fack = b->nxt;
		if (!at_once)
			flight_push(&b->flight, b->nxt, len, 0, &b->rate, b->now);
		naive->r[naive->n++] = (struct naive_record){ .seq = b->nxt, .len = len, .times = 1,
							      .sent_at = b->now, .left = naive->left++ };
		b->nxt = seq_add(b->nxt, len);
	}
	if (at_once)
		flight_push_run(&b->flight, from, n, MSS, &b->rate, b->now);
}

static seq_t somewhere(struct both *b)
{
	return seq_add(b->una, (uint32_t)chance_below(&b->chance, seq_sub(b->nxt, b->una) + 1));
}

/* Mostly an edge of a record. */
static seq_t edge(struct both *b)
{
	if (b->naive.n == 0 || chance_percent(&b->chance, 20))
		return somewhere(b);
	return naive_end(&b->naive.r[chance_below(&b->chance, b->naive.n)]);
}

struct naive_report {
	uint32_t  acked, records, sacked, delivered;
	tern_time sent_at;
	bool	  again, cut, reordered, revived;
	seq_t	  fack;
	const struct naive_record *youngest;
	struct naive_record youngest_is;
};

static void naive_delivered(struct naive_record *r, struct naive_report *report)
{
	report->revived |= r->lost;
	report->reordered |= r->times == 1 && seq_lt(naive_end(r), report->fack);
	if (r->times == 1 && (report->sent_at == TERN_NEVER || r->sent_at > report->sent_at))
		report->sent_at = r->sent_at;
	if (!report->youngest || r->sent_at > report->youngest_is.sent_at ||
	    (r->sent_at == report->youngest_is.sent_at && seq_gt(naive_end(r), naive_end(&report->youngest_is)))) {
		report->youngest = r;
		report->youngest_is = *r;
	}
}

static void naive_ack(struct naive *naive, seq_t una, struct naive_report *report)
{
	uint32_t gone = 0;

	for (uint32_t i = 0; i < naive->n && seq_gt(una, naive->r[i].seq); i++) {
		struct naive_record *const r = &naive->r[i];
		const uint32_t octets = min_u32(seq_sub(una, r->seq), r->len);

		report->acked += octets;
		report->again |= r->times > 1;
		report->cut = octets < r->len;
		if (!r->sacked)
			report->delivered += octets;
		if (!report->cut) {
			report->records++;
			if (!r->sacked)
				naive_delivered(r, report);
			gone++;
			continue;
		}
		r->seq = una;
		r->len -= octets;
	}
	naive->n -= gone;
	memmove(naive->r, naive->r + gone, naive->n * sizeof *naive->r);
	naive->fack = seq_max(naive->fack, una);
}

static void naive_sack(struct naive *naive, seq_t left, seq_t right, struct naive_report *report)
{
	for (uint32_t i = 0; i < naive->n; i++) {
		struct naive_record *const r = &naive->r[i];

		if (r->sacked || seq_lt(r->seq, left) || seq_gt(naive_end(r), right))
			continue;
		naive_delivered(r, report);
		r->sacked = true;
		r->lost = false;
		report->sacked += r->len;
		report->delivered += r->len;
		naive->fack = seq_max(naive->fack, naive_end(r));
	}
}

static void same_report(const struct flight_report *a, const struct naive_report *b)
{
	assert_int_equal(a->acked, b->acked);
	assert_int_equal(a->records, b->records);
	assert_int_equal(a->sacked, b->sacked);
	assert_int_equal(a->delivered, b->delivered);
	assert_int_equal(a->sent_at, b->sent_at);
	assert_int_equal(a->again, b->again);
	assert_int_equal(a->cut, b->cut);
	assert_int_equal(a->reordered, b->reordered);
	assert_int_equal(a->revived, b->revived);
	assert_int_equal(a->any, b->youngest != NULL);
	if (a->any) {
		assert_int_equal(a->youngest.sent_at, b->youngest_is.sent_at);
		assert_int_equal(a->youngest.times, b->youngest_is.times);
	}
}

/* One ACK: perhaps cumulative, perhaps blocks, in either order. */
static void ack(struct both *b)
{
	const bool blocks_first = chance_percent(&b->chance, 50);
	const seq_t una = chance_percent(&b->chance, 60) ? edge(b) : b->una;
	struct naive_report expected = { .sent_at = TERN_NEVER, .fack = b->naive.fack };
	struct rate_sample sample;
	unsigned blocks = (unsigned)chance_below(&b->chance, 5);

	b->report = flight_report_begin(&b->flight);
	for (unsigned pass = 0; pass < 2; pass++) {
		if ((pass == 0) != blocks_first) {
			flight_ack(&b->flight, una, &b->report);
			naive_ack(&b->naive, una, &expected);
			b->una = una;
			continue;
		}
		for (; blocks > 0; blocks--) {
			seq_t left = edge(b), right = edge(b);

			if (seq_lt(right, left) && chance_percent(&b->chance, 90)) {
				const seq_t swap = left;

				left = right;
				right = swap;
			}
			if (chance_percent(&b->chance, 70)) /* short blocks, so that many records stay open */
				right = seq_min(right, seq_add(left, 3 * MSS));
			flight_sack(&b->flight, left, right, &b->report);
			naive_sack(&b->naive, left, right, &expected);
		}
	}
	same_report(&b->report, &expected);
	rate_acked(&b->rate, &b->report, 0, b->now, &sample);
	b->naive.delivered += expected.delivered;
	assert_true(b->rate.delivered == b->naive.delivered);
	flight_trim(&b->flight, &b->mem);
}

static uint32_t naive_lose(struct naive *naive, struct naive_record *r)
{
	if (r->sacked || r->lost)
		return 0;
	r->lost = true;
	naive->lost += r->len;
	return r->len;
}

static void lose(struct both *b)
{
	struct naive *const naive = &b->naive;
	const uint32_t kind = (uint32_t)chance_below(&b->chance, 100);
	uint32_t octets = 0;

	if (naive->n == 0)
		return;
	if (kind < 5) {
		for (uint32_t i = 0; i < naive->n; i++)
			octets += naive_lose(naive, &naive->r[i]);
		assert_int_equal(flight_lose_all(&b->flight, &b->rate), octets);
	} else if (kind < 10) {
		const uint32_t most = (uint32_t)chance_between(&b->chance, MSS / 2, MSS);

		for (uint32_t i = 0; i < naive->n; i++)
			octets += naive->r[i].len > most ? naive_lose(naive, &naive->r[i]) : 0;
		assert_int_equal(flight_lose_longer(&b->flight, most, &b->rate), octets);
	} else if (kind < 30) {
		octets = naive_lose(naive, &naive->r[0]);
		assert_int_equal(flight_lose_first(&b->flight, &b->rate), octets);
	} else if (kind < 60) {
		const seq_t below = edge(b);

		for (uint32_t i = 0; i < naive->n; i++)
			if (naive->r[i].times == 1 && seq_le(naive_end(&naive->r[i]), below))
				octets += naive_lose(naive, &naive->r[i]);
		assert_int_equal(flight_lose_below(&b->flight, below, &b->rate), octets);
	} else {
		const uint32_t i = (uint32_t)chance_below(&b->chance, naive->n);
		const bool counted = naive_lose(naive, &naive->r[i]) > 0;

		assert_int_equal(flight_lose(&b->flight, flight_at(&b->flight, i), &b->rate), counted);
	}
	assert_true(b->rate.lost == naive->lost);
}

static void send_again(struct both *b)
{
	struct naive *const naive = &b->naive;

	for (uint32_t tries = (uint32_t)chance_between(&b->chance, 1, 20); tries > 0; tries--) {
		struct flight_record *record = flight_first_lost(&b->flight);
		uint32_t i = 0;

		while (i < naive->n && !naive->r[i].lost)
			i++;
		assert_true((record != NULL) == (i < naive->n));
		if (!record && naive->n > 0 && chance_percent(&b->chance, 10)) { /* a probe of the tail */
			i = naive->n - 1;
			record = naive->r[i].sacked ? NULL : flight_last(&b->flight);
		}
		if (!record)
			return;
		assert_int_equal(record->seq.v, naive->r[i].seq.v);
		flight_resent(&b->flight, record, &b->rate, b->now);
		naive->r[i].lost = false;
		naive->r[i].times++;
		naive->r[i].sent_at = b->now;
		naive->r[i].left = naive->left++;
	}
}

static void take_back(struct both *b)
{
	struct naive *const naive = &b->naive;
	const bool reneges = chance_percent(&b->chance, 50);
	bool any = false;

	for (uint32_t i = 0; i < naive->n; i++) {
		bool *const flag = reneges ? &naive->r[i].sacked : &naive->r[i].lost;

		any |= *flag;
		*flag = false;
	}
	if (reneges)
		flight_forget_sacks(&b->flight);
	else
		assert_int_equal(flight_unlose_all(&b->flight), any);
}

static void cut(struct both *b)
{
	static struct naive_record old[MOST];
	struct naive *const naive = &b->naive;
	const uint32_t most = (uint32_t)chance_between(&b->chance, MSS / 2, MSS), n = naive->n;

	if (n * 2 > MOST)
		return;
	memcpy(old, naive->r, n * sizeof *old);
	naive->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t done = 0; done < old[i].len; naive->n++) {
			struct naive_record *const piece = &naive->r[naive->n];

			*piece = old[i];
			piece->seq = seq_add(old[i].seq, done);
			piece->len = min_u32(old[i].len - done, most);
			done += piece->len;
		}
	}
	assert_true(flight_recut(&b->flight, &b->mem, most));
}

/* ---- do they agree? ---- */

static void same(const struct both *b)
{
	const struct naive *const naive = &b->naive;
	uint32_t in_flight = 0, sacked = 0, n_lost = 0, listed = 0;

	assert_true(flight_is_sound(&b->flight, b->una, b->nxt));
	assert_int_equal(b->flight.n, naive->n);
	for (uint32_t i = 0; i < naive->n; i++) {
		const struct naive_record *const r = &naive->r[i];
		const struct flight_record *const f = flight_at(&b->flight, i);

		assert_true(f->seq.v == r->seq.v && f->len == r->len && f->sent_at == r->sent_at);
		assert_true(!(f->flags & FLIGHT_SACKED) == !r->sacked && !(f->flags & FLIGHT_LOST) == !r->lost);
		assert_true(f->times == min_u32(r->times, UINT8_MAX) && !(f->flags & FLIGHT_AGAIN) == (r->times == 1));
		in_flight += r->sacked || r->lost ? 0 : r->len;
		sacked += r->sacked ? r->len : 0;
		n_lost += r->lost;
		listed += !r->sacked && !r->lost;
	}
	assert_int_equal(b->flight.in_flight, in_flight);
	assert_int_equal(b->flight.sacked, sacked);
	assert_int_equal(b->flight.n_lost, n_lost);
	if (naive->n > 0)
		assert_int_equal(b->flight.highest_sacked.v, naive->fack.v);
	const struct flight_record *before = NULL, *f = flight_oldest(&b->flight);

	for (; f; before = f, f = flight_younger(&b->flight, f), listed--)
		assert_true(!before || before->sent_at <= f->sent_at);
	assert_int_equal(listed, 0);
}

static void sacked_from_is_where_the_highest_are(const struct both *b)
{
	const struct naive *const naive = &b->naive;
	const uint32_t octets = min_u32(b->flight.sacked, 2 * MSS + 1);
	uint32_t i = naive->n, sum = 0;

	if (octets == 0)
		return;
	while (sum < octets) {
		i--;
		sum += naive->r[i].sacked ? naive->r[i].len : 0;
	}
	assert_int_equal(flight_sacked_from(&b->flight, octets).v, naive->r[i].seq.v);
}

static void agrees_with_a_naive_one(void **state)
{
	static struct both b;

	(void)state;
	const unsigned runs = proof_runs(60);
	for (uint64_t seed = 1; seed <= runs; seed++) {
		const struct tern_allocator allocator = test_allocator(&b.memory);
		/* Some live long and few fly, some gather thousands. */
		const unsigned sends = 20 + (unsigned)(seed % 4) * 10;

		memset(&b, 0, sizeof b);
		b.chance.state = seed;
		mem_init(&b.mem, &allocator, 64u << 20, 0);
		b.una = b.nxt = seq(seed % 2 ? 0xffff0000 : (uint32_t)chance_next(&b.chance));
		for (unsigned step = 0; step < 400; step++) {
			const unsigned kind = (unsigned)chance_below(&b.chance, 100);

			if (chance_percent(&b.chance, 60)) /* several things happen at one moment */
				b.now += (tern_time)chance_between(&b.chance, 1, 1000);
			if (kind < sends)
				send_some(&b);
			else if (kind < 75)
				ack(&b);
			else if (kind < 87)
				lose(&b);
			else if (kind < 96)
				send_again(&b);
			else if (kind < 99)
				take_back(&b);
			else
				cut(&b);
			same(&b);
			sacked_from_is_where_the_highest_are(&b);
		}
		flight_release(&b.flight, &b.mem);
		assert_int_equal(b.mem.used, 0);
	}
	printf("%u runs of 400 steps\n", runs);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_naive_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
