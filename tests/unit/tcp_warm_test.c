/* warm.c: the warm record comes with what is sent, and goes when all is acknowledged; where a host keeps the last few,
 * who talks in turns has the same one, and nothing else is different. */
#include "unit/tcp_rig.h"

/* n octets from offset `at` on leave, and are acknowledged 10 ms later. */
static void exchange(struct rig *r, uint32_t at, uint32_t n)
{
	writes(r, at, n);
	drain(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at + n, 0);
}

static void keeps(struct rig *r)
{
	r->env.resting.kept = true;
	established(r);
}

static void goes_where_none_is_kept(struct rig *r)
{
	established(r);
	exchange(r, 1, 100);
	assert_null(r->tcb->warm);
}

static void stays_with_who_talks_in_turns(struct rig *r)
{
	const struct tcb_warm *warm;

	keeps(r);
	assert_null(r->tcb->warm); /* a handshake alone is no reason */
	exchange(r, 1, 100);
	warm = r->tcb->warm;
	assert_non_null(warm);
	assert_int_equal(tcp_deadline(r->tcb, r->now), TERN_NEVER);
	const uint64_t asked = r->memory.calls;

	for (uint32_t i = 0; i < 100; i++) {
		exchange(r, 101 + 100 * i, 100);
		assert_ptr_equal(r->tcb->warm, warm);
	}
	assert_int_equal(r->memory.calls, asked);
	assert_true(tcb_rest_over(&r->env));
	assert_null(r->tcb->warm);
	assert_false(tcb_rest_over(&r->env));
	exchange(r, 10101, 100);
	assert_non_null(r->tcb->warm);
}

/* Who closes, or sends, before the ACK that completes the handshake has left. */
static void of_the_handshake_goes_with_its_ack(struct rig *r)
{
	const struct tcb_warm *warm;

	opens(r);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	warm = r->tcb->warm;
	assert_non_null(warm);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	assert_ptr_equal(r->tcb->warm, warm);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	rig_end(r);
	rig_begin(r);
	opens(r);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_null(r->tcb->warm);
}

static void goes_when_more_will_not_be_sent(struct rig *r)
{
	keeps(r);
	exchange(r, 1, 100);
	assert_non_null(r->tcb->warm);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	drain(r);
	rx(r, TCP_ACK, 1, 102, 0);
	assert_null(r->tcb->warm);
}

/* What a time-out has left behind is not what the next flight should begin with. */
static void goes_after_a_time_out(struct rig *r)
{
	keeps(r);
	writes(r, 1, 100);
	drain(r);
	pass(r, ms(10000));
	tcp_expire(r->tcb, r->now);
	drain(r);
	assert_true(r->tcb->warm->backed_off);
	rx(r, TCP_ACK, 1, 101, 0); /* Karn: no sample */
	assert_null(r->tcb->warm);
}

/* RFC 5681 4.1, whether the record was kept or not. */
static void window_restarts_after_silence_all_the_same(struct rig *r)
{
	uint32_t cwnd[2];

	for (int kept = 0; kept < 2; kept++) {
		rig_end(r);
		rig_begin(r);
		r->env.resting.kept = kept;
		established(r);
		for (uint32_t i = 0; i < 20; i++)
			exchange(r, 1 + 10 * RIG_MSS * i, 10 * RIG_MSS);
		const uint32_t before = status_of(r).cwnd;

		pass(r, 100 * TERN_SECOND);
		writes(r, 1 + 200 * RIG_MSS, 1);
		cwnd[kept] = status_of(r).cwnd;
		assert_true(cwnd[kept] < before);
	}
	assert_int_equal(cwnd[0], cwnd[1]);
}

/* A request that comes after the silence changes nothing of it. */
static void who_only_hears_is_idle(struct rig *r)
{
	keeps(r);
	exchange(r, 1, 100);
	assert_false(r->tcb->was_idle);
	pass(r, 10 * TERN_SECOND);
	rx(r, TCP_ACK, 1, 101, 100);
	assert_true(r->tcb->was_idle);
	writes(r, 101, 100);
	assert_false(r->tcb->was_idle);
}

/* An established connection, with another remote address, that has sent and is acknowledged. */
static struct tcb *another(struct rig *r, uint8_t number)
{
	struct tern_tuple tuple = rig_tuple();
	struct tcb *const first = r->tcb;

	tuple.remote.b[15] = number;
	r->tcb = tcb_pool_get(&r->pool);
	assert_non_null(r->tcb);
	tcb_set_tuple(r->tcb, &tuple);
	r->tcb->held = true;
	r->iss = tcp_isn(&r->env, &tuple, r->now).v;
	established(r);
	exchange(r, 1, 10);
	assert_non_null(r->tcb->warm);
	struct tcb *const made = r->tcb;
	r->tcb = first;
	r->iss = first->snd.iss.v;
	return made;
}

static void first_to_rest_gives_way(struct rig *r)
{
	struct tcb *all[ENV_RESTING];

	keeps(r);
	exchange(r, 1, 100);
	for (int i = 0; i < ENV_RESTING; i++) {
		assert_non_null(r->tcb->warm);
		all[i] = another(r, (uint8_t)(100 + i));
	}
	assert_null(r->tcb->warm);
	/* A block that has gone, and one that is used anew, are no harm. */
	tcp_release(all[0]);
	tcb_pool_put(&r->pool, all[0]);
	all[0] = another(r, 200);
	assert_non_null(all[1]->warm); /* the one that went had its place */
	for (int i = 0; i < ENV_RESTING; i++) {
		tcp_release(all[i]);
		tcb_pool_put(&r->pool, all[i]);
	}
	assert_false(tcb_rest_over(&r->env));
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(goes_where_none_is_kept),
		CASE(stays_with_who_talks_in_turns),
		CASE(of_the_handshake_goes_with_its_ack),
		CASE(goes_when_more_will_not_be_sent),
		CASE(goes_after_a_time_out),
		CASE(window_restarts_after_silence_all_the_same),
		CASE(who_only_hears_is_idle),
		CASE(first_to_rest_gives_way),
	};

	return RIG_RUN("warm", cases);
}
