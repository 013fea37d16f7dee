/* prr.c: RFC 9937's figures, segment by segment, and its bounds. A segment is one octet here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/prr.h"

enum { LOST, ACKED };

/* A flight of 20, ssthresh 10: what happens at each ACK of the first round trip, after limited transmit has let
 * two new segments out. Returns how many leave at it. */
struct world {
	struct prr prr;
	uint32_t   in_flight, ssthresh;
	uint32_t   waits; /* to go again */
	unsigned   again, fresh;
};

static unsigned ack(struct world *w, uint32_t delivered, bool safe)
{
	const struct prr_ack news = {
		.delivered = delivered, .in_flight = w->in_flight, .ssthresh = w->ssthresh, .mss = 1, .safe = safe,
	};
	const uint32_t cwnd = prr_window(&w->prr, &news);
	unsigned sent = 0;

	while (w->in_flight < cwnd) {
		w->in_flight++;
		sent++;
		prr_sent(&w->prr, 1);
		if (w->waits > 0) {
			w->waits--;
			w->again++;
		} else {
			w->fresh++;
		}
	}
	return sent;
}

/* RFC 9937's figure of one loss: segment 0 of 20; ACKs 1 and 2 let two new ones out; from the third on each
 * second ACK lets one out, and 10 fly at the end (RFC6675-5-3). */
static void one_loss_of_twenty_halves_over_a_round_trip(void **state)
{
	/* in_flight once ACKs 1, 2 are answered: 20 - 1 - 1 + 2; ACK 3 takes one more, and the loss. */
	static const unsigned sent[17] = { 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0 };
	static const unsigned flies[17] = { 19, 18, 18, 17, 17, 16, 16, 15, 15, 14, 14, 13, 13, 12, 12, 11, 10 };
	struct world w = { .in_flight = 20 - 2, .ssthresh = 10, .waits = 1 };

	(void)state;
	prr_begin(&w.prr, 22 - 2); /* SND.NXT - SND.UNA, less what the first two ACKs SACKed */
	for (unsigned i = 0; i < 17; i++) {
		if (i > 0)
			w.in_flight--; /* SACKed */
		assert_int_equal(ack(&w, 1, false), sent[i]);
		assert_int_equal(w.in_flight, flies[i]);
	}
	assert_int_equal(w.again, 1);
	/* What limited transmit had sent arrives: one for one, at ssthresh. */
	for (unsigned i = 0; i < 2; i++) {
		w.in_flight--;
		assert_int_equal(ack(&w, 1, false), 1);
		assert_int_equal(w.in_flight, 10);
	}
}

/* The figure of the burst: 15 of 20 lost. Packet conservation while more losses are told of: one for one. */
static void burst_of_losses_conserves_packets(void **state)
{
	struct world w = { .in_flight = 4, .ssthresh = 10, .waits = 15 };

	(void)state;
	prr_begin(&w.prr, 20);
	assert_int_equal(ack(&w, 1, false), 1); /* 17 */
	w.in_flight--;
	assert_int_equal(ack(&w, 1, false), 1); /* 18 */
	w.in_flight--;
	assert_int_equal(ack(&w, 1, false), 1); /* 19 */
	/* The new ones arrive, SND.UNA still stands: the same. */
	for (unsigned i = 0; i < 2; i++) {
		w.in_flight--;
		assert_int_equal(ack(&w, 1, false), 1);
	}
	/* Retransmissions arrive, SND.UNA moves, nothing else is lost (SafeACK): slow start up to ssthresh. */
	for (unsigned i = 0; i < 5; i++) {
		w.in_flight--;
		assert_int_equal(ack(&w, 1, true), 2);
	}
	assert_int_equal(w.in_flight, 10);
	w.in_flight--;
	assert_int_equal(ack(&w, 1, true), 1);
	assert_int_equal(w.in_flight, 10);
}

/* The first retransmission goes, whatever the quota. */
static void first_retransmission_is_forced(void **state)
{
	struct prr prr;
	const struct prr_ack news = { .delivered = 0, .in_flight = 100, .ssthresh = 50, .mss = 10 };

	(void)state;
	prr_begin(&prr, 100);
	assert_int_equal(prr_window(&prr, &news), 110);
	prr_sent(&prr, 10);
	assert_int_equal(prr_window(&prr, &news), 100);
}

/* What the program did not send in time it may catch up on: RFC 9937 8 ("banked" opportunities). */
static void stalls_are_made_good(void **state)
{
	struct world w = { .in_flight = 18, .ssthresh = 10, .waits = 1 };
	struct prr_ack news = { .delivered = 1, .ssthresh = 10, .mss = 1 };

	(void)state;
	prr_begin(&w.prr, 20);
	ack(&w, 1, false);
	for (unsigned i = 0; i < 12; i++) { /* nothing to send meanwhile */
		news.in_flight = --w.in_flight;
		prr_window(&w.prr, &news);
	}
	assert_int_equal(w.in_flight, 7);
	w.in_flight--;
	assert_int_equal(ack(&w, 1, false), 4); /* up to ssthresh, as if it had never stalled */
	assert_int_equal(w.in_flight, 10);
}

/* Never more than delivered without SafeACK below ssthresh, whatever the order of events; and never below what
 * flies. */
static void conservation_holds_for_any_order(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned run = 0; run < 2000; run++) {
		struct prr prr;
		uint32_t delivered = 0, out = 0;

		prr_begin(&prr, 1000);
		for (unsigned i = 0; i < 50; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			const struct prr_ack news = {
				.delivered = (uint32_t)(random >> 33) % 30,
				.in_flight = (uint32_t)(random >> 40) % 1000,
				.ssthresh = 500,
				.mss = 10,
			};
			const uint32_t cwnd = prr_window(&prr, &news);
			const uint32_t room = cwnd - news.in_flight;

			assert_true(cwnd >= news.in_flight);
			delivered += news.delivered;
			if (news.in_flight <= 500 && out > 0)
				assert_true(room <= (delivered > out ? delivered - out : 0) || room <= news.delivered);
			prr_sent(&prr, room);
			out += room;
		}
	}
}

static void huge_numbers_do_not_wrap(void **state)
{
	struct prr prr;
	const struct prr_ack news = {
		.delivered = UINT32_MAX, .in_flight = UINT32_MAX - 5, .ssthresh = UINT32_MAX - 10, .mss = 1460,
		.safe = true,
	};

	(void)state;
	prr_begin(&prr, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(prr_window(&prr, &news) >= news.in_flight);
		prr_sent(&prr, UINT32_MAX);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_loss_of_twenty_halves_over_a_round_trip),
		cmocka_unit_test(burst_of_losses_conserves_packets),
		cmocka_unit_test(first_retransmission_is_forced),
		cmocka_unit_test(stalls_are_made_good),
		cmocka_unit_test(conservation_holds_for_any_order),
		cmocka_unit_test(huge_numbers_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
