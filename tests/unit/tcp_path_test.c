/* path.c: what an idle connection remembers, with two controllers of the test's own: one whose state the
 * warm record has room for, one whose it has not. Both count their ACKs and remember a moment. */
#include "tcp/path.h"
#include "unit/tcp_rig.h"

enum { ACKS, FIRST_AT, RESTLESS, LAST_WORD, FEW = 4, MANY = 40 };

static unsigned inits, restarts;
static struct tern_cc_restart restart;

static void counting_init(struct tern_cc *cc)
{
	inits++;
	for (unsigned i = 0; i < cc->ops->state_words; i++)
		assert_int_equal(cc->state[i], 0);
	cc->state[RESTLESS] = 1;
	cc->state[cc->ops->state_words - 1] = 0xabcdef0123456789;
}

static void counting_ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	if (cc->state[ACKS]++ == 0)
		cc->state[FIRST_AT] = (uint64_t)ack->now;
	cc->cwnd += 100;
}

static void counting_restart(struct tern_cc *cc, const struct tern_cc_restart *r)
{
	(void)cc;
	restarts++;
	restart = *r;
}

static bool counting_at_rest(const struct tern_cc *cc)
{
	return !cc->state[RESTLESS];
}

static void counting_shift(struct tern_cc *cc, tern_time by)
{
	cc->state[FIRST_AT] += (uint64_t)by;
}

#define COUNTING(which, words)                                                                             \
	{                                                                                                  \
		.name = which, .state_words = words, .init = counting_init, .ack = counting_ack,            \
		.restart = counting_restart, .at_rest = counting_at_rest, .shift = counting_shift,          \
	}

static const struct tern_cc_ops few = COUNTING("few", FEW), many = COUNTING("many", MANY);
static const struct tern_cc_ops *const own[] = { &few, &many };

static void bring_own(struct rig *r)
{
	r->env.config.controllers = own;
	r->env.config.n_controllers = 2;
	assert_true(cc_controllers_are_right(&r->env.config));
	inits = restarts = 0;
}

/* ESTABLISHED under a controller. */
static void established_with(struct rig *r, const char *name)
{
	bring_own(r);
	established(r);
	assert_int_equal(tcp_set_congestion_control(r->tcb, name), 0);
}

/* n octets from offset `at` on leave, and are acknowledged 10 ms later. */
static void exchange(struct rig *r, uint32_t at, uint32_t n)
{
	writes(r, at, n);
	drain(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at + n, 0);
	assert_null(r->tcb->warm);
}

static void ordinary_connection_has_none(struct rig *r)
{
	established(r);
	exchange(r, 1, 1000);
	assert_false(r->tcb->has_path);
	assert_true(status_of(r).cwnd > 0);
	assert_false(tcp_shed(r->tcb));
}

static void state_survives_idleness(struct rig *r)
{
	for (size_t i = 0; i < 2; i++) {
		const uint64_t *state;

		rig_end(r);
		rig_begin(r);
		established_with(r, own[i]->name);
		exchange(r, 1, 1000);
		assert_int_equal(inits, 1);
		assert_true(r->tcb->has_path);
		state = path_of(r->tcb)->state;
		assert_int_equal(path_of(r->tcb)->words, own[i]->state_words);
		assert_int_equal(state[ACKS], 1);
		assert_int_equal(state[own[i]->state_words - 1], 0xabcdef0123456789);
		const uint32_t cwnd = status_of(r).cwnd;

		pass(r, ms(3000));
		exchange(r, 1001, 1000);
		assert_int_equal(inits, 1); /* it went on */
		assert_int_equal(path_of(r->tcb)->state[ACKS], 2);
		assert_int_equal(status_of(r).cwnd, cwnd + 100);
		assert_true(restarts >= 1);
		assert_true(restart.idle >= ms(2990) && restart.idle <= ms(3010));
	}
}

static void state_that_rests_goes(struct rig *r)
{
	established_with(r, "many");
	writes(r, 1, 1000);
	drain(r);
	assert_ptr_equal(r->tcb->warm->cc.state, path_of(r->tcb)->state);
	r->tcb->warm->cc.state[RESTLESS] = 0;
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, 1001, 0);
	assert_false(r->tcb->has_path);
	exchange(r, 1001, 10);
	assert_int_equal(inits, 2);
}

static void without_memory_it_is_forgotten(struct rig *r)
{
	established_with(r, "few");
	writes(r, 1, 1000);
	drain(r);
	pass(r, ms(10));
	r->memory.fail_all = true;
	rx(r, TCP_ACK, 1, 1001, 0);
	r->memory.fail_all = false;
	assert_false(r->tcb->has_path);
	assert_true(status_of(r).cwnd > 0);
	exchange(r, 1001, 1000);
	assert_int_equal(inits, 2); /* began anew, the window kept */
	assert_string_equal(status_of(r).congestion_control, "few");
}

/* No memory for much state: reno, for that connection, counted; what was to be sent is sent. */
static void without_memory_for_much_state_reno_takes_over(struct rig *r)
{
	established_with(r, "many");
	assert_non_null(tcb_warm_up(r->tcb, r->now)); /* what else it needs stands ready in pools */
	tcb_warm_drop(r->tcb);
	path_drop_state(r->tcb);
	pool_trim(&r->env.paths);
	assert_int_equal(r->env.stats.TernCongestionFallback, 0);
	r->memory.fail_all = true;
	assert_non_null(tcb_warm_up(r->tcb, r->now));
	r->memory.fail_all = false;
	assert_int_equal(r->env.stats.TernCongestionFallback, 1);
	assert_string_equal(status_of(r).congestion_control, "reno");
	assert_ptr_equal(r->tcb->warm->cc.ops, &cc_reno);
	tcb_warm_drop(r->tcb);
	exchange(r, 1, 1000);
	assert_false(r->tcb->has_path);
}

static void another_controller_takes_over_the_window_alone(struct rig *r)
{
	established_with(r, "many");
	exchange(r, 1, 1000);
	const uint32_t cwnd = status_of(r).cwnd;

	assert_int_equal(tcp_set_congestion_control(r->tcb, "reno"), 0);
	assert_false(r->tcb->has_path);
	assert_int_equal(status_of(r).cwnd, cwnd);
	writes(r, 1001, 1000);
	drain(r);
	assert_int_equal(tcp_set_congestion_control(r->tcb, "many"), 0); /* in the middle of it */
	assert_int_equal(inits, 2);
	assert_int_equal(r->tcb->warm->cc.cwnd, cwnd);
	assert_int_equal(tcp_set_congestion_control(r->tcb, "few"), 0);
	assert_false(r->tcb->has_path);
	rx(r, TCP_ACK, 1, 2001, 0);
	assert_int_equal(path_of(r->tcb)->state[ACKS], 1);
}

static void shed_gives_back_what_is_idle(struct rig *r)
{
	established_with(r, "many");
	writes(r, 1, 1000);
	drain(r);
	assert_false(tcp_shed(r->tcb)); /* in use */
	rx(r, TCP_ACK, 1, 1001, 0);
	const uint32_t cwnd = status_of(r).cwnd;
	const size_t used = r->mem.used;

	assert_true(tcp_shed(r->tcb));
	assert_true(r->mem.used + MANY * 8 <= used);
	assert_int_equal(status_of(r).cwnd, cwnd);
	assert_false(tcp_shed(r->tcb));
	exchange(r, 1001, 10);
	assert_int_equal(inits, 2);
}

static uint8_t record[1 << 16];

/* Packs, frees, and unpacks at a clock that stands elsewhere. */
static void moves(struct rig *r, tern_time by)
{
	const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = tcb_pool_get(&r->pool);
	r->tcb->held = true;
	r->now += by;
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	tcb_check(r->tcb);
}

static void records_carry_it_and_its_moments(struct rig *r)
{
	for (size_t i = 0; i < 4; i++) {
		const bool idle = i >= 2;

		rig_end(r);
		rig_begin(r);
		established_with(r, own[i % 2]->name);
		exchange(r, 1, 1000);
		const tern_time then = r->now;

		if (!idle) {
			writes(r, 1001, 1000);
			drain(r);
		}
		moves(r, 500 * TERN_SECOND);
		assert_string_equal(status_of(r).congestion_control, own[i % 2]->name);
		const uint64_t *const state = idle ? path_of(r->tcb)->state : r->tcb->warm->cc.state;

		assert_int_equal(state[ACKS], 1);
		assert_int_equal(state[FIRST_AT], then + 500 * TERN_SECOND);
		assert_int_equal(state[own[i % 2]->state_words - 1], 0xabcdef0123456789);
		if (!idle)
			rx(r, TCP_ACK, 1, 2001, 0);
		assert_int_equal(path_of(r->tcb)->state[ACKS], 1 + !idle);
	}
}

/* A window of one segment, as after a time-out, is one of the larger segment when the path grows while nothing flies:
 * else a full segment would wait for ever, and its record would not be taken. */
static void a_path_that_grows_at_rest_leaves_room_for_a_segment(struct rig *r)
{
	established(r);
	tcp_path_mtu(r->tcb, 578, r->now);
	exchange(r, 1, 100);
	assert_null(r->tcb->warm);
	assert_int_equal(r->tcb->mss, 538);
	*path_cwnd(r->tcb) = 538;
	tcp_path_mtu(r->tcb, 842, r->now);
	assert_int_equal(r->tcb->mss, 802);
	assert_int_equal(*path_cwnd(r->tcb), 802);
	moves(r, TERN_SECOND);
	writes(r, 101, 2000);
	sends(r, TCP_ACK, 101, 1, 802);
	is_quiet(r);
	tcb_check(r->tcb);
}

static void records_of_an_unknown_controller_take_the_hosts(struct rig *r)
{
	established_with(r, "many");
	exchange(r, 1, 1000);
	const uint32_t cwnd = status_of(r).cwnd;

	const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->env.config.n_controllers = 1;
	r->tcb = tcb_pool_get(&r->pool);
	r->tcb->held = true;
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	assert_string_equal(status_of(r).congestion_control, r->env.config.congestion_control);
	assert_int_equal(status_of(r).cwnd, cwnd);
	exchange(r, 1001, 1000);
}

static void own_controllers_must_be_whole(struct rig *r)
{
	static const struct tern_cc_ops nameless = { .init = counting_init, .ack = counting_ack },
					 taken = COUNTING("reno", 1), long_name = COUNTING("sixteen-letters-", 1),
					 huge = COUNTING("huge", TERN_CC_STATE_WORDS + 1),
					 deaf = { .name = "deaf", .init = counting_init };
	static const struct tern_cc_ops *const wrong[] = { NULL, &nameless, &taken, &long_name, &huge, &deaf };
	static const struct tern_cc_ops *const twice[] = { &few, &few };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		r->env.config.controllers = &wrong[i];
		r->env.config.n_controllers = 1;
		assert_false(cc_controllers_are_right(&r->env.config));
	}
	r->env.config.controllers = twice;
	r->env.config.n_controllers = 2;
	assert_false(cc_controllers_are_right(&r->env.config));
	r->env.config.controllers = NULL;
	assert_false(cc_controllers_are_right(&r->env.config));
	r->env.config.n_controllers = TERN_CC_OWN + 1;
	r->env.config.controllers = own;
	assert_false(cc_controllers_are_right(&r->env.config));
	r->env.config.n_controllers = 0;
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(ordinary_connection_has_none),
		CASE(state_survives_idleness),
		CASE(state_that_rests_goes),
		CASE(without_memory_it_is_forgotten),
		CASE(without_memory_for_much_state_reno_takes_over),
		CASE(another_controller_takes_over_the_window_alone),
		CASE(shed_gives_back_what_is_idle),
		CASE(records_carry_it_and_its_moments),
		CASE(a_path_that_grows_at_rest_leaves_room_for_a_segment),
		CASE(records_of_an_unknown_controller_take_the_hosts),
		CASE(own_controllers_must_be_whole),
	};

	return RIG_RUN("path", cases);
}
