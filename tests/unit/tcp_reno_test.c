/* reno.c and congestion.c: RFC 5681, 6582, 3465, 6928, by numbers; a controller sees events alone. */
#include "unit/tcp_rig.h"

enum { M = 1000 };

static struct tern_cc controller(uint32_t cwnd, uint32_t ssthresh)
{
	static uint64_t state[8][CC_FEW_WORDS];
	static unsigned turn;
	struct tern_cc cc = { .ops = &cc_reno, .cwnd = cwnd, .ssthresh = ssthresh, .mss = M };

	cc.state = state[turn++ % 8];
	memset(cc.state, 0, sizeof state[0]);
	cc.ops->init(&cc);
	return cc;
}

static bool without_sack;

static void acks(struct tern_cc *cc, uint32_t octets, unsigned times)
{
	const struct tern_cc_ack ack = {
		.acked = octets, .delivered = octets, .in_flight_before = cc->cwnd, .cwnd_limited = true,
		.no_sack = without_sack,
	};

	for (unsigned i = 0; i < times; i++)
		cc->ops->ack(cc, &ack);
}

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)) (RFC5681-3.1-3). */
static void initial_window_is_rfc_6928s(struct rig *r)
{
	static const struct {
		uint32_t mss, segments, window;
	} table[] = {
		{ 1460, 10, 14600 }, { 536, 10, 5360 }, { 1448, 10, 14480 },   { 8960, 10, 17920 },
		{ 4380, 10, 14600 }, { 64, 10, 640 },	{ 65495, 10, 130990 }, { 1460, 1, 1460 },
	};

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(cc_initial_window(table[i].mss, table[i].segments), table[i].window);
}

/* RFC 5681 3.1 with RFC 3465 2.2, L = 2: by what is acknowledged, two segments at most (MUST-19, RFC5681-3.1-6). */
static void slow_start_grows_by_octets_acknowledged(struct rig *r)
{
	static const struct {
		uint32_t acked, cwnd;
	} table[] = { { 1, 10001 }, { M, 10000 + M }, { 2 * M, 10000 + 2 * M }, { 9 * M, 10000 + 2 * M } };

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct tern_cc cc = controller(10000, CC_NO_SSTHRESH);

		acks(&cc, table[i].acked, 1);
		assert_int_equal(cc.cwnd, table[i].cwnd);
	}
}

/* RFC 5681 3.1: one segment a window (MUST-19, RFC5681-3.1-7). */
static void congestion_avoidance_grows_by_one_segment_a_window(struct rig *r)
{
	struct tern_cc cc = controller(10 * M, 10 * M);

	(void)r;
	acks(&cc, M, 9);
	assert_int_equal(cc.cwnd, 10 * M);
	acks(&cc, M, 1);
	assert_int_equal(cc.cwnd, 11 * M);
	acks(&cc, M, 10);
	assert_int_equal(cc.cwnd, 11 * M);
	acks(&cc, M, 1);
	assert_int_equal(cc.cwnd, 12 * M);
}

/* Half a segment is never sent: the round trip is over when the whole ones are acknowledged. */
static void fraction_of_a_segment_does_not_slow_growth(struct rig *r)
{
	struct tern_cc cc = controller(3 * M + M / 2, 3 * M + M / 2);

	(void)r;
	acks(&cc, M, 2);
	assert_int_equal(cc.cwnd, 3 * M + M / 2);
	acks(&cc, M, 1);
	assert_int_equal(cc.cwnd, 4 * M + M / 2);
	acks(&cc, M, 4);
	assert_int_equal(cc.cwnd, 5 * M + M / 2);
}

static void unused_window_does_not_grow(struct rig *r)
{
	struct tern_cc	    cc = controller(10 * M, CC_NO_SSTHRESH);
	const struct tern_cc_ack idle = { .acked = M, .delivered = M },
			    recovering = { .acked = M, .delivered = M, .cwnd_limited = true, .in_recovery = true };

	(void)r;
	cc.ops->ack(&cc, &idle);
	cc.ops->ack(&cc, &recovering);
	assert_int_equal(cc.cwnd, 10 * M);
}

/* RFC 5681 equation 4: ssthresh = max(FlightSize / 2, 2 * SMSS). */
static void loss_halves_what_is_in_flight(struct rig *r)
{
	static const struct {
		uint32_t in_flight, ssthresh;
	} table[] = { { 20 * M, 10 * M }, { 5 * M, 2500 }, { 3 * M, 2 * M }, { M, 2 * M }, { 0, 2 * M } };

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tern_cc_loss loss = { .in_flight = table[i].in_flight };
		struct tern_cc	     cc = controller(30 * M, CC_NO_SSTHRESH);

		cc.ops->loss(&cc, &loss);
		assert_int_equal(cc.ssthresh, table[i].ssthresh);
		assert_int_equal(cc.cwnd, table[i].ssthresh);
	}
}

/* RFC 5681 3.1: LW is one segment; ssthresh falls at the first time-out of a series only.
 * (RFC5681-3.1-8, RFC5681-3.1-9, RFC5681-3.1-10) */
static void timeout_falls_to_one_segment_ssthresh_once(struct rig *r)
{
	const struct tern_cc_loss loss = { .in_flight = 20 * M }, again = { .in_flight = M };
	struct tern_cc	     cc = controller(20 * M, CC_NO_SSTHRESH);

	(void)r;
	cc.ops->rto(&cc, &loss, true);
	assert_int_equal(cc.cwnd, M);
	assert_int_equal(cc.ssthresh, 10 * M);
	cc.ops->rto(&cc, &again, false);
	assert_int_equal(cc.cwnd, M);
	assert_int_equal(cc.ssthresh, 10 * M);
}

/* RFC 3465 2.3: the slow start that follows a time-out counts one segment an ACK (L = 1) where nobody knows how much of
 * what an ACK covers was there before. With SACK it is known, and as much counts as ever. */
static void slow_start_after_timeout_grows_by_one_segment_an_ack(struct rig *r)
{
	const struct tern_cc_loss loss = { .in_flight = 20 * M };
	struct tern_cc	     cc = controller(20 * M, CC_NO_SSTHRESH);

	(void)r;
	cc.ops->rto(&cc, &loss, true);
	acks(&cc, 2 * M, 1);
	assert_int_equal(cc.cwnd, 3 * M);
	acks(&cc, 0, 8); /* all of it had been SACKed */
	assert_int_equal(cc.cwnd, 3 * M);
	cc.ops->rto(&cc, &loss, true);
	without_sack = true;
	acks(&cc, 2 * M, 1);
	assert_int_equal(cc.cwnd, 2 * M);
	acks(&cc, 9 * M, 8);
	without_sack = false;
	assert_int_equal(cc.cwnd, 10 * M);
	/* Past ssthresh it is over; the next slow start, without a time-out, is as ever. */
	acks(&cc, M, 1);
	cc.ssthresh = CC_NO_SSTHRESH;
	acks(&cc, 2 * M, 1);
	assert_int_equal(cc.cwnd, 12 * M);
}

/* RFC 5681 4.1: RW = min(IW, cwnd) (RFC5681-4.1-1). */
static void idle_restart_takes_the_smaller(struct rig *r)
{
	struct tern_cc big = controller(40 * M, 20 * M), small = controller(3 * M, 20 * M);
	const struct tern_cc_restart briefly = { .idle = 10, .rto = 10, .restart_window = 10 * M };
	const struct tern_cc_restart long_idle = { .idle = 11, .rto = 10, .restart_window = 10 * M };

	(void)r;
	big.ops->restart(&big, &briefly);
	assert_int_equal(big.cwnd, 40 * M);
	big.ops->restart(&big, &long_idle);
	assert_int_equal(big.cwnd, 10 * M);
	assert_int_equal(big.ssthresh, 20 * M);
	small.ops->restart(&small, &long_idle);
	assert_int_equal(small.cwnd, 3 * M);
}

static void undo_restores_what_stood(struct rig *r)
{
	struct tern_cc cc = controller(M, 5 * M);

	(void)r;
	cc_undo(&cc, 20 * M, 15 * M);
	assert_int_equal(cc.cwnd, 20 * M);
	assert_int_equal(cc.ssthresh, 15 * M);
}

static void mss_change_keeps_room_for_a_segment(struct rig *r)
{
	struct tern_cc cc = controller(M, 5 * M);

	(void)r;
	cc_mss_changed(&cc, 1400);
	assert_int_equal(cc.mss, 1400);
	assert_int_equal(cc.cwnd, 1400);
}

/* MAY-18. */
static void controllers_are_found_by_name(struct rig *r)
{
	assert_int_equal(cc_by_name(&r->env.config, "reno"), 0);
	assert_ptr_equal(cc_at(&r->env.config, 0), &cc_reno);
	assert_int_equal(cc_by_name(&r->env.config, "ren"), -TERN_ENOENT);
	assert_int_equal(cc_by_name(&r->env.config, "renos"), -TERN_ENOENT);
	assert_int_equal(cc_by_name(&r->env.config, ""), -TERN_ENOENT);
	assert_null(cc_at(&r->env.config, -1));
	assert_null(cc_at(&r->env.config, 255));
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(initial_window_is_rfc_6928s),
		CASE(slow_start_grows_by_octets_acknowledged),
		CASE(congestion_avoidance_grows_by_one_segment_a_window),
		CASE(fraction_of_a_segment_does_not_slow_growth),
		CASE(unused_window_does_not_grow),
		CASE(loss_halves_what_is_in_flight),
		CASE(timeout_falls_to_one_segment_ssthresh_once),
		CASE(slow_start_after_timeout_grows_by_one_segment_an_ack),
		CASE(idle_restart_takes_the_smaller),
		CASE(undo_restores_what_stood),
		CASE(mss_change_keeps_room_for_a_segment),
		CASE(controllers_are_found_by_name),
	};

	return RIG_RUN("reno", cases);
}
