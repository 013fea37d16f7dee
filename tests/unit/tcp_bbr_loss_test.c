/* bbr_loss.c: what losses and marks do to BBR's model, one by one (draft-ietf-ccwg-bbr-06 5.5.10, 5.5.11). */
#include "unit/bbr_path.h"

/* 5.5.10.2: lost_prefix = (0.02 * inflight_prev - lost_prev) / 0.98, within one large segment. */
static void bound_is_where_losses_crossed_the_threshold(void **unused)
{
	static const struct {
		uint32_t len, tx_in_flight;
		uint64_t lost_since, bound;
	} table[] = {
		{ 60000, 1060000, 60000, 1000000 + 20408 }, /* 20,000 / 0.98 of it was still right */
		{ 60000, 1060000, 75000, 1000000 + 5102 },  /* 15,000 lost before: 5,000 / 0.98 more */
		{ 1448, 1001448, 30000, 1000000 },	      /* too much before it */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tern_cc_ack ack = sample(TERN_SECOND, 100000, 100 * TERN_MILLISECOND);
		const struct tern_cc_lost lost = {
			.now = TERN_SECOND, .len = table[i].len, .tx_in_flight = table[i].tx_in_flight,
			.lost_since = table[i].lost_since, .delivered_total = 100000,
		};

		over(100 * MBIT, 100 * TERN_MILLISECOND, 100);
		path.cc.ops->ack(&path.cc, &ack);
		bbr->phase = BBR_UP;
		bbr->flags |= BBR_FULL_BW_REACHED | BBR_PROBE_SAMPLE;
		path.cc.ops->lost(&path.cc, &lost);
		assert_int_equal(bbr->inflight_longterm, table[i].bound);
		assert_int_equal(bbr->phase, BBR_DOWN);
		assert_true(bbr_is(bbr, BBR_PREV_TOO_HIGH));
		assert_false(bbr_is(bbr, BBR_PROBE_SAMPLE));
	}
}

static struct tern_cc_lost one_lost(void)
{
	return (struct tern_cc_lost){
		.now = path.now, .len = 1448, .tx_in_flight = path.in_flight,
		.lost_since = path.in_flight / 20, .delivered_total = path.delivered,
		.delivered_at_send = path.delivered,
	};
}

/* An application-limited probe ends, and leaves no bound. */
static void app_limited_loss_sets_no_bound(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	while (bbr->phase != BBR_UP)
		run_for(TERN_MILLISECOND);

	struct tern_cc_lost lost = one_lost();

	lost.app_limited = true;
	path.cc.ops->lost(&path.cc, &lost);
	assert_int_equal(bbr->phase, BBR_DOWN);
	assert_true(bbr->inflight_longterm == BBR_INFINITE);
}

/* 5.5.10.3: a step each round with a loss: what was delivered, at least 0.7 of what it was. */
static void loss_in_cruise_lowers_the_short_term_model(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	while (bbr->phase != BBR_CRUISE)
		run_for(TERN_MILLISECOND);
	assert_true(bbr->bw_shortterm == BBR_INFINITE);

	const uint64_t before = bbr_max_bw(bbr);
	const struct tern_cc_lost lost = one_lost();

	path.cc.ops->lost(&path.cc, &lost);
	run_for(2 * path.rtt);
	assert_within(bbr->bw_shortterm, before * 70 / 100, before);
	assert_true(bbr->inflight_shortterm < path.cc.cwnd * (uint64_t)2);
	assert_true(bbr->inflight_longterm == BBR_INFINITE); /* nothing was probed */
	while (bbr->phase != BBR_REFILL)
		run_for(TERN_MILLISECOND);
	assert_true(bbr->bw_shortterm == BBR_INFINITE && bbr->inflight_shortterm == BBR_INFINITE);
}

/* By 0.7 at most, whatever the round's own samples say (BBR.Beta). */
static void a_round_with_losses_takes_three_tenths_at_most(void **unused)
{
	static const struct {
		uint64_t rate, shortterm;
	} table[] = { { 1000000, 7000000 }, { 7500000, 7500000 }, { 12000000, 12000000 } };

	(void)unused;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct tern_cc_ack ack = sample(TERN_SECOND, 10000000, 100 * TERN_MILLISECOND);

		over(100 * MBIT, 100 * TERN_MILLISECOND, 100);
		bbr->flags |= BBR_FULL_BW_REACHED;
		path.cc.ops->ack(&path.cc, &ack);
		bbr->phase = BBR_CRUISE;
		bbr->flags |= BBR_LOSS_IN_ROUND;
		bbr->bw_latest = 0;
		bbr->bw_shortterm = 10000000;
		ack.rate = table[i].rate;
		ack.prior_delivered = 100000;
		path.cc.ops->ack(&path.cc, &ack);
		assert_int_equal(bbr->bw_shortterm, table[i].shortterm);
	}
}

/* 5.3.4.3: what ProbeRTT sent slowly of its own will ends no cycle of the bandwidth filter. */
static void probe_rtt_is_no_sample_of_the_path(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	while (bbr->phase != BBR_PROBE_RTT)
		run_for(TERN_MILLISECOND);
	while (bbr->phase == BBR_PROBE_RTT)
		run_for(TERN_MILLISECOND);

	const uint64_t filter[2] = { bbr->bw_filter[0], bbr->bw_filter[1] };

	run_for(path.rtt * 3 / 2);
	assert_int_equal(bbr->acks, BBR_ACKS_INIT);
	assert_memory_equal(bbr->bw_filter, filter, sizeof filter);
}

/* Without SACK any loss is too much: a round trip shows one only. */
static void without_sack_any_loss_ends_the_probe(void **unused)
{
	(void)unused;
	for (unsigned no_sack = 0; no_sack < 2; no_sack++) {
		over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
		path.no_sack = no_sack;
		while (bbr->phase != BBR_UP)
			run_for(TERN_MILLISECOND);

		struct tern_cc_lost lost = one_lost();

		lost.lost_since = 1448;
		path.cc.ops->lost(&path.cc, &lost);
		assert_int_equal(bbr->phase, no_sack ? BBR_DOWN : BBR_UP);
	}
}

/* 5.6.4.4: one segment after a time-out; what was good when it is over. */
static void timeout_leaves_one_segment_and_recovery_restores(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(3 * TERN_SECOND);

	const struct tern_cc_loss loss = { .now = path.now, .delivered_total = path.delivered };
	const uint32_t cwnd = path.cc.cwnd;

	cc_rto(&path.cc, &loss, true);
	assert_int_equal(path.cc.cwnd, 1448);
	cc_rto(&path.cc, &loss, false); /* again: what was good is not forgotten */
	assert_int_equal(path.cc.cwnd, 1448);
	cc_recovered(&path.cc, 0);
	assert_int_equal(path.cc.cwnd, cwnd);
}

/* 5.5.11.2: Startup that losses ended goes on when there were none. */
static void spurious_loss_returns_to_startup(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 10);
	while (bbr->phase == BBR_STARTUP)
		run_for(TERN_MILLISECOND);

	const uint32_t cwnd = path.cc.cwnd;

	assert_int_equal(bbr->undo_phase, BBR_STARTUP);
	cc_undo(&path.cc, cwnd + 10000, TERN_CC_NO_SSTHRESH);
	assert_int_equal(bbr->phase, BBR_STARTUP);
	assert_false(bbr_is(bbr, BBR_FULL_BW_REACHED));
	assert_true(bbr->inflight_longterm == BBR_INFINITE);
	assert_true(path.cc.cwnd >= cwnd + 10000);
	assert_int_equal(path.cc.ssthresh, TERN_CC_NO_SSTHRESH);
}

/* And a probe that they ended begins anew with REFILL. */
static void spurious_loss_returns_to_the_probe(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	while (bbr->phase != BBR_UP)
		run_for(TERN_MILLISECOND);

	const struct tern_cc_lost lost = one_lost();
	const struct tern_cc_loss loss = { .now = path.now, .delivered_total = path.delivered };

	cc_lost(&path.cc, &lost);
	cc_loss(&path.cc, &loss);
	assert_int_equal(bbr->phase, BBR_DOWN);
	assert_true(bbr->inflight_longterm != BBR_INFINITE);
	cc_undo(&path.cc, path.cc.cwnd, path.cc.ssthresh);
	assert_int_equal(bbr->phase, BBR_REFILL);
	assert_true(bbr->inflight_longterm == BBR_INFINITE);
	/* Once: the next undo has nothing to return to. */
	run_for(TERN_SECOND);
	bbr->phase = BBR_CRUISE;
	cc_undo(&path.cc, path.cc.cwnd, path.cc.ssthresh);
	assert_int_equal(bbr->phase, BBR_CRUISE);
}

/* 3.7: marks are congestion. Where a queue of a tenth of a product is marked, none stands. */
static void marks_keep_the_queue_short(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	path.mark_above = (uint32_t)(path_bdp(&path) / 10);
	while (bbr->phase == BBR_STARTUP)
		run_for(TERN_MILLISECOND);
	assert_true(bbr->inflight_longterm != BBR_INFINITE); /* the marks ended it, not the plateau */
	run_for(5 * TERN_SECOND);

	const struct seen seen = watched(20 * TERN_SECOND);

	assert_true(seen.queue_peak * 100 < path_bdp(&path) * 60);
	assert_true(utilisation(20 * TERN_SECOND) >= 80);
	assert_int_equal(path.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bound_is_where_losses_crossed_the_threshold),
		cmocka_unit_test(app_limited_loss_sets_no_bound),
		cmocka_unit_test(loss_in_cruise_lowers_the_short_term_model),
		cmocka_unit_test(a_round_with_losses_takes_three_tenths_at_most),
		cmocka_unit_test(probe_rtt_is_no_sample_of_the_path),
		cmocka_unit_test(without_sack_any_loss_ends_the_probe),
		cmocka_unit_test(timeout_leaves_one_segment_and_recovery_restores),
		cmocka_unit_test(spurious_loss_returns_to_startup),
		cmocka_unit_test(spurious_loss_returns_to_the_probe),
		cmocka_unit_test(marks_keep_the_queue_short),
	};

	return cmocka_run_group_tests_name("bbr_loss", tests, NULL, NULL);
}
