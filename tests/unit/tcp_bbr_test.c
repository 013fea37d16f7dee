/* bbr*.c: BBRv3 at its door, over paths of unit/cc_path.h, against the draft's own figures. */
#include "unit/bbr_path.h"

/* ---- control parameters ---- */

/* 5.6.2: IW / srtt * 2.77 until a rate is known; nothing at all before a round trip is. */
static void first_rate_is_the_initial_window_a_round_trip(void **unused)
{
	struct tern_cc_ack ack = sample(TERN_SECOND, 0, 100 * TERN_MILLISECOND);

	(void)unused;
	over(100 * MBIT, 100 * TERN_MILLISECOND, 100);
	assert_int_equal(path.cc.pacing_rate, 0);
	path.cc.ops->ack(&path.cc, &ack);
	assert_int_equal(path.cc.pacing_rate, 14480 * 10 * 277 / 100);
	/* Only upwards in Startup: a slower sample may be the program's doing. */
	ack = sample(TERN_SECOND + 1, 1000, 100 * TERN_MILLISECOND);
	path.cc.ops->ack(&path.cc, &ack);
	assert_int_equal(path.cc.pacing_rate, 14480 * 10 * 277 / 100);
	ack = sample(TERN_SECOND + 2, 1000000, 100 * TERN_MILLISECOND);
	path.cc.ops->ack(&path.cc, &ack);
	assert_int_equal(path.cc.pacing_rate, 1000000 * 277 / 100 * 99 / 100);
}

/* 5.6.3: a millisecond's worth, two segments to 64 KiB. */
static void quantum_is_a_millisecond_within_bounds(void **unused)
{
	static const struct {
		uint64_t rate;
		uint32_t quantum;
	} table[] = { { 100000, 2 * 1448 }, { 10000000, 27423 }, { 10000000000u, 65536 } };

	(void)unused;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tern_cc_ack ack = sample(TERN_SECOND, table[i].rate, 100 * TERN_MILLISECOND);

		over(100 * MBIT, 100 * TERN_MILLISECOND, 100);
		path.cc.ops->ack(&path.cc, &ack);
		assert_int_equal(path.cc.quantum, table[i].quantum);
	}
}

/* 5.6.1: the table of gains, phase by phase, as rate and window show them. */
static void gains_are_the_drafts(void **unused)
{
	static const struct {
		enum bbr_phase phase;
		uint64_t rate, cwnd;
	} table[] = {
		{ BBR_DRAIN, 50, 200 },	 { BBR_DOWN, 90, 200 }, { BBR_CRUISE, 100, 200 },
		{ BBR_REFILL, 100, 200 }, { BBR_UP, 125, 225 }, { BBR_PROBE_RTT, 100, 50 },
	};
	const tern_time rtt = 100 * TERN_MILLISECOND;

	(void)unused;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct tern_cc_ack ack = sample(TERN_SECOND, 10000000, rtt);

		over(100 * MBIT, rtt, 100);
		bbr->flags |= BBR_FULL_BW_REACHED;
		path.cc.ops->ack(&path.cc, &ack);
		bbr->extra_acked[0] = bbr->extra_acked[1] = 0;
		bbr->phase = table[i].phase;
		bbr->next_round_delivered = 200000; /* no round ends, no probe is due */
		bbr->loss_round_delivered = 200000;
		bbr->rounds_since_probe_up = 0;
		bbr->bw_probe_wait = (uint64_t)TERN_SECOND;
		path.cc.cwnd = 10000000;
		ack.now++;
		ack.in_flight = 3000000; /* nothing drained yet */
		ack.delivered = 0;
		path.cc.ops->ack(&path.cc, &ack);
		assert_int_equal(bbr->phase, table[i].phase);
		assert_int_equal(path.cc.pacing_rate, 10000000 * table[i].rate / 100 * 99 / 100);
		assert_within(path.cc.cwnd, 10000 * table[i].cwnd, 10000 * table[i].cwnd + 4 * 1448);
	}
}

/* 5.6.4.3 */
static void window_is_never_below_four_segments(void **unused)
{
	const struct tern_cc_ack ack = sample(TERN_SECOND, 1000, TERN_MILLISECOND);

	(void)unused;
	over(100 * MBIT, TERN_MILLISECOND, 100);
	bbr->flags |= BBR_FULL_BW_REACHED;
	bbr->inflight_shortterm = 1;
	path.cc.ops->ack(&path.cc, &ack);
	assert_int_equal(path.cc.cwnd, 4 * 1448);
}

/* ---- Startup and Drain ---- */

static void until_probe_bw(struct path *p, void *context)
{
	tern_time *const at = context;

	(void)p;
	if (*at == 0 && bbr->phase == BBR_DRAIN)
		*at = path.now;
}

/* 5.3.1.1: O(log2(BDP)) round trips; 5.3.1.2: and three more to be sure. */
static void startup_doubles_each_round(void **unused)
{
	static const struct {
		uint64_t mbit;
		unsigned rtt_ms;
	} table[] = { { 10, 20 }, { 100, 40 }, { 1000, 40 }, { 100, 300 }, { 10000, 20 } };

	(void)unused;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const tern_time rtt = table[i].rtt_ms * TERN_MILLISECOND;
		unsigned doublings = 0;
		tern_time drained_at = 0;

		over(table[i].mbit * MBIT, rtt, 400);
		for (uint64_t held = 14480; held < path_bdp(&path); held *= 2)
			doublings++;
		run_for(rtt * (doublings + 4));
		assert_within(bbr_max_bw(bbr), path.rate * 90 / 100, path.rate * 101 / 100);
		/* Three rounds without growth, each up to 2 RTT long by then; then Drain. */
		path_run(&path, 8 * rtt, until_probe_bw, &drained_at);
		assert_true(bbr_probes_bw(bbr));
		assert_true(drained_at > 0);
		assert_int_equal(path.lost, 0);
	}
}

/* 5.3.2: one product in flight when Drain is over. */
static void drain_leaves_no_queue(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	while (bbr->phase <= BBR_DRAIN)
		run_for(TERN_MILLISECOND);
	assert_true(path.now < 2 * TERN_SECOND);
	assert_true(path.in_flight <= bbr_inflight(&path.cc, bbr_bw(bbr), 100));
	assert_within(path.cc.ssthresh, path_bdp(&path) * 90 / 100, path_bdp(&path) * 115 / 100);
}

/* 5.3.1.3: a shallow buffer fills long before the rate stops growing by a quarter. */
static void startup_ends_where_two_percent_are_lost(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 10);
	while (bbr->phase == BBR_STARTUP)
		run_for(TERN_MILLISECOND);
	assert_true(path.now < TERN_SECOND + 12 * path.rtt);
	assert_true(path.lost > 0);
	assert_true(bbr->inflight_longterm != BBR_INFINITE);
	assert_within(bbr->inflight_longterm, path_bdp(&path) * 70 / 100, path_bdp(&path) * 150 / 100);
	assert_int_equal(bbr->undo_phase, BBR_STARTUP);
}

/* 5.3.1.3: not for noise: one burst is not six places, and less than 2 % is none. */
static void startup_bears_a_little_loss(void **unused)
{
	struct tern_cc_ack ack = sample(TERN_SECOND, 1000000, 100 * TERN_MILLISECOND);

	(void)unused;
	for (unsigned times = 1; times <= 6; times++) {
		over(100 * MBIT, 100 * TERN_MILLISECOND, 100);
		path.cc.ops->ack(&path.cc, &ack);
		for (unsigned i = 0; i < 12; i++) { /* twelve segments at so many times */
			const struct tern_cc_lost lost = {
				.now = TERN_SECOND + i * times / 12, .len = 1448, .tx_in_flight = 50000,
				.lost_since = (i + 1) * 1448, .delivered_total = 100000,
			};

			path.cc.ops->lost(&path.cc, &lost);
		}
		const struct tern_cc_loss loss = { .now = TERN_SECOND + 7, .delivered_total = 100000 };

		path.cc.ops->loss(&path.cc, &loss);

		struct tern_cc_ack end = ack;

		end.prior_delivered = 100000;
		end.delivered_total = 150000;
		end.lost_in_interval = 12 * 1448;
		end.in_recovery = true;
		path.cc.ops->ack(&path.cc, &end);
		assert_int_equal(bbr->phase == BBR_STARTUP, times < 6);
	}
}

/* ---- in steady state ---- */

/* 3.2: no more than 1.5 products wait, however much room there is, Startup counted; nothing is lost. */
static void queue_stays_below_one_and_a_half_products(void **unused)
{
	static const unsigned rtts_ms[] = { 20, 40, 100 };

	(void)unused;
	for (size_t i = 0; i < sizeof rtts_ms / sizeof *rtts_ms; i++) {
		over(100 * MBIT, rtts_ms[i] * TERN_MILLISECOND, 400);

		const struct seen seen = watched(30 * TERN_SECOND);

		assert_true(seen.queue_peak * 2 < path_bdp(&path) * 3);
		assert_int_equal(path.lost, 0);
		assert_true(path.delivered * 100 / (path.rate * 30) >= 94);
	}
}

/* 5.3.4: every 5 s, for 200 ms at least, with 5.3.4.2's cost: 2 %. */
static void probe_rtt_comes_every_five_seconds(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(2 * TERN_SECOND);

	const struct seen seen = watched(52 * TERN_SECOND);

	assert_within(seen.phases[BBR_PROBE_RTT], 9, 10);
	assert_within(seen.probe_rtt_gap_least, 5 * TERN_SECOND, 6 * TERN_SECOND);
	assert_within(seen.probe_rtt_gap_most, 5 * TERN_SECOND, 6 * TERN_SECOND);
	assert_within(seen.probe_rtt_least, 200 * TERN_MILLISECOND, 400 * TERN_MILLISECOND);
	assert_within(bbr->min_rtt, path.rtt, path.rtt + 2 * TERN_MILLISECOND);
	assert_true(utilisation(50 * TERN_SECOND) >= 96);
}

/* 5.3.3: the cycle in its order, every 2 to 3 s or 62 to 63 rounds. */
static void cycle_probes_every_two_to_three_seconds(void **unused)
{
	(void)unused;
	over(100 * MBIT, 100 * TERN_MILLISECOND, 400);
	run_for(3 * TERN_SECOND);

	const struct seen seen = watched(60 * TERN_SECOND);

	/* UP itself takes some rounds, and ProbeRTT begins the wait anew. */
	assert_within(seen.phases[BBR_UP], 60 / 6, 60 / 2);
	assert_int_equal(seen.phases[BBR_UP], seen.phases[BBR_REFILL]);
	assert_true(seen.phases[BBR_DOWN] + 1 >= seen.phases[BBR_UP]);
}

/* 5.3.3.8.2: a small product probes after as many rounds as it has segments. */
static void small_flows_probe_as_often_as_reno(void **unused)
{
	(void)unused;
	over(10 * MBIT, 20 * TERN_MILLISECOND, 400); /* 17 segments */
	run_for(3 * TERN_SECOND);
	/* Twenty rounds or so, and the probe itself takes some more. */
	assert_within(watched(20 * TERN_SECOND).phases[BBR_UP], 20, 60);
}

static void probe_wait_is_spread_and_the_same_each_run(void **unused)
{
	uint64_t waits[2][8], least = BBR_INFINITE, most = 0;

	(void)unused;
	for (unsigned run = 0; run < 2; run++)
		for (unsigned i = 0; i < 8; i++) {
			over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
			bbr->delivered = i * 1448;
			bbr_start_down(&path.cc, TERN_SECOND);
			waits[run][i] = bbr->bw_probe_wait;
			assert_within(waits[run][i], 2 * TERN_SECOND, 3 * TERN_SECOND);
			assert_within(bbr->rounds_since_probe_up, 0, 1);
			least = bbr_min(least, waits[run][i]);
			most = bbr_max(most, waits[run][i]);
		}
	assert_memory_equal(waits[0], waits[1], sizeof waits[0]);
	assert_true(most - least > 300 * TERN_MILLISECOND);
}

/* 5.3.3.8.3: the short-term model falls by what is lost each round, and each cycle restores it: over 62
 * rounds the mean of 0.99^n is 0.74. Reno would have a fiftieth of it. */
static void random_loss_costs_a_quarter(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 100);
	path.drop_percent = 1;
	run_for(5 * TERN_SECOND);
	assert_true(utilisation(60 * TERN_SECOND) >= 75);
	assert_true(path.lost > 0);
}

/* A tenth of a product of buffer: 2 % while probing, much less altogether, and the path is used. */
static void shallow_buffer_bounds_what_flies(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 10);
	run_for(5 * TERN_SECOND);

	const uint64_t lost = path.lost, sent = path.sent;

	assert_true(utilisation(60 * TERN_SECOND) >= 85);
	assert_true((path.lost - lost) * 100 < (path.sent - sent));
	assert_true(bbr->inflight_longterm != BBR_INFINITE);
}

static void halved_bandwidth_is_followed(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(10 * TERN_SECOND);
	path.rate /= 2;
	run_for(10 * TERN_SECOND); /* two cycles of 2 to 3 s */
	assert_within(bbr_bw(bbr), path.rate * 90 / 100, path.rate * 105 / 100);

	const struct seen seen = watched(20 * TERN_SECOND);

	assert_true(seen.queue_peak * 2 < path_bdp(&path) * 3);
	assert_true(utilisation(20 * TERN_SECOND) >= 94);
}

static void doubled_bandwidth_is_followed(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(10 * TERN_SECOND);
	path.rate *= 2;
	run_for(10 * TERN_SECOND);
	assert_within(bbr_max_bw(bbr), path.rate * 90 / 100, path.rate * 105 / 100);
	assert_true(utilisation(20 * TERN_SECOND) >= 92);
}

/* The same where losses had set a bound: it must be raised, by 1, 2, 4... segments a round (5.3.3.5). */
static void doubled_bandwidth_is_followed_past_the_long_term_bound(void **unused)
{
	(void)unused;
	over(50 * MBIT, 40 * TERN_MILLISECOND, 10);
	run_for(10 * TERN_SECOND);

	const uint64_t bound = bbr->inflight_longterm;

	assert_true(bound != BBR_INFINITE);
	path.rate *= 2;
	path.buffer *= 20;
	run_for(30 * TERN_SECOND);
	assert_true(bbr->inflight_longterm > bound * 3 / 2);
	assert_within(bbr_max_bw(bbr), path.rate * 90 / 100, path.rate * 105 / 100);
}

/* 5.5.4: what the program holds back says nothing of the path. */
static void slow_program_does_not_lower_the_estimate(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(5 * TERN_SECOND);

	const uint64_t known = bbr_max_bw(bbr);

	path.app_rate = path.rate / 20;
	path.app_sent = 0;
	path.app_since = path.now;
	run_for(30 * TERN_SECOND);
	assert_true(bbr_max_bw(bbr) >= known * 99 / 100);
	path.app_rate = 0;
	run_for(TERN_SECOND);
	assert_true(utilisation(4 * TERN_SECOND) >= 90);
}

/* 5.4.1: at bw at once, cwnd as it was, no ProbeRTT. */
static void idle_restart_paces_at_what_is_known(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(6500 * TERN_MILLISECOND);
	while (bbr->phase != BBR_DOWN)
		run_for(TERN_MILLISECOND);

	const uint32_t cwnd = path.cc.cwnd;

	path.app_paused = true;
	run_for(20 * TERN_SECOND);
	assert_int_equal(path.in_flight, 0);
	path.app_paused = false;
	path.may_send_at = path.now;
	path.delivered = 0, path.app_limited_until = 1; /* the books began anew meanwhile */
	run_for(1); /* the first packet */
	assert_true(bbr_is(bbr, BBR_IDLE_RESTART));
	assert_int_equal(path.cc.pacing_rate, bbr_bw(bbr) * 99 / 100);
	assert_true(path.cc.cwnd >= cwnd / 2);
	const uint64_t rounds = bbr->round_count;

	run_for(2 * path.rtt);
	assert_true(bbr->round_count > rounds);
	assert_true(bbr->phase != BBR_PROBE_RTT);
	assert_false(bbr_is(bbr, BBR_IDLE_RESTART));
	assert_true(utilisation(TERN_SECOND) >= 85);
}

/* Nothing a sample can hold brings it to a halt, or beyond its words. */
static void wild_samples_do_no_harm(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 100);
	path.random = 7;
	for (unsigned i = 0; i < 200000; i++) {
		const uint64_t wild = (uint64_t)path_random(&path) << (path_random(&path) % 33);
		const tern_time now = TERN_SECOND + (tern_time)i * (path_random(&path) % 50000000);
		const struct tern_cc_ack ack = {
			.now = now, .rtt = (tern_time)(wild >> 20), .srtt = (tern_time)(wild >> 18), .rate = wild,
			.delivered = path_random(&path), .delivered_total = wild, .prior_delivered = wild >> i % 9,
			.delivered_in_interval = path_random(&path), .tx_in_flight = path_random(&path),
			.in_flight = path_random(&path), .lost_in_interval = path_random(&path) >> i % 31,
			.app_limited = i & 1, .cwnd_limited = i & 2, .in_recovery = i & 4, .no_sack = i & 64,
		};
		const struct tern_cc_lost lost = { .now = now, .len = path_random(&path), .tx_in_flight = 1,
						   .lost_since = wild, .delivered_total = wild };
		const struct tern_cc_loss loss = { .now = now, .in_flight = (uint32_t)wild, .delivered_total = wild };

		path.cc.ops->ack(&path.cc, &ack);
		switch (path_random(&path) % 8) {
		case 0: cc_lost(&path.cc, &lost); break;
		case 1: cc_loss(&path.cc, &loss); break;
		case 2: cc_rto(&path.cc, &loss, true); break;
		case 3: cc_recovered(&path.cc, (uint32_t)wild); break;
		case 4: cc_undo(&path.cc, (uint32_t)wild, (uint32_t)wild); break;
		case 5: cc_ecn_echo(&path.cc, &loss); break;
		default: break;
		}
		assert_true(bbr->phase < BBR_PHASES);
		assert_true(path.cc.cwnd >= path.cc.mss);
		assert_true(path.cc.quantum >= 2 * path.cc.mss && path.cc.quantum <= 65536);
	}
}

/* Packed and woken on another clock, even one that began later: the same goes on. */
static void clock_may_be_another(void **unused)
{
	static const tern_time by[] = { 0, 1000 * TERN_SECOND, -1000 * TERN_SECOND };
	uint64_t delivered[3];

	(void)unused;
	for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
		over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
		run_for(4 * TERN_SECOND);
		path.cc.ops->shift(&path.cc, by[i]);
		/* The path's own clock moves along. */
		path.now += by[i];
		path.app_since += by[i];
		path.bottleneck_free_at += by[i];
		path.may_send_at += by[i];
		path.last_sent_at += by[i];
		path.first_sent_at += by[i];
		path.delivered_at += by[i];
		for (uint32_t n = path.first; n != path.next; n++) {
			struct path_packet *const p = path_packet(&path, n);

			p->sent_at += by[i];
			p->arrives_at += by[i];
			p->first_sent_at += by[i];
			p->delivered_at += by[i];
		}
		assert_within(watched(11 * TERN_SECOND).phases[BBR_PROBE_RTT], 2, 2);
		delivered[i] = path.delivered;
		assert_within(delivered[i], delivered[0] * 98 / 100, delivered[0] * 102 / 100);
	}
}

/* What another machine packed is not believed where it would do harm. */
static void packed_nonsense_is_put_right(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 400);
	run_for(TERN_SECOND);
	for (unsigned i = 0; i < sizeof(struct bbr) / sizeof(uint64_t); i++) {
		path.state[i] = i & 1 ? UINT64_MAX : 0;
	}
	path.cc.ops->shift(&path.cc, 0);
	run_for(5 * TERN_SECOND);
	memset(path.state, 0xff, sizeof path.state);
	path.cc.ops->shift(&path.cc, 0);
	run_for(5 * TERN_SECOND);
	assert_true(bbr->phase < BBR_PHASES);
}

static void state_is_worth_keeping_once_a_rate_is_known(void **unused)
{
	(void)unused;
	over(100 * MBIT, 40 * TERN_MILLISECOND, 100);
	assert_true(cc_at_rest(&path.cc));
	run_for(TERN_SECOND);
	assert_false(cc_at_rest(&path.cc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_rate_is_the_initial_window_a_round_trip),
		cmocka_unit_test(quantum_is_a_millisecond_within_bounds),
		cmocka_unit_test(gains_are_the_drafts),
		cmocka_unit_test(window_is_never_below_four_segments),
		cmocka_unit_test(startup_doubles_each_round),
		cmocka_unit_test(drain_leaves_no_queue),
		cmocka_unit_test(startup_ends_where_two_percent_are_lost),
		cmocka_unit_test(startup_bears_a_little_loss),
		cmocka_unit_test(queue_stays_below_one_and_a_half_products),
		cmocka_unit_test(probe_rtt_comes_every_five_seconds),
		cmocka_unit_test(cycle_probes_every_two_to_three_seconds),
		cmocka_unit_test(small_flows_probe_as_often_as_reno),
		cmocka_unit_test(probe_wait_is_spread_and_the_same_each_run),
		cmocka_unit_test(random_loss_costs_a_quarter),
		cmocka_unit_test(shallow_buffer_bounds_what_flies),
		cmocka_unit_test(halved_bandwidth_is_followed),
		cmocka_unit_test(doubled_bandwidth_is_followed),
		cmocka_unit_test(doubled_bandwidth_is_followed_past_the_long_term_bound),
		cmocka_unit_test(slow_program_does_not_lower_the_estimate),
		cmocka_unit_test(idle_restart_paces_at_what_is_known),
		cmocka_unit_test(wild_samples_do_no_harm),
		cmocka_unit_test(clock_may_be_another),
		cmocka_unit_test(packed_nonsense_is_put_right),
		cmocka_unit_test(state_is_worth_keeping_once_a_rate_is_known),
	};

	return cmocka_run_group_tests_name("bbr", tests, NULL, NULL);
}
