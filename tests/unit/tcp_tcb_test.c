/* tcb.c, warm.c and check.c: where blocks live, their names, what their memory is for. */
#include "base/bytes.h"
#include "unit/tcp_rig.h"

/* DESIGN 5.4, 5.15: hot and cold records together, per connection. */
static void records_keep_their_sizes(struct rig *r)
{
	(void)r;
	assert_true(sizeof(struct tcb_cold) == 112);
	if (sizeof(void *) == 8) {
		assert_true(sizeof(struct tcb) == 128);
		assert_true(TCB_CHUNK_BYTES / TCB_PER_CHUNK <= 242);
	}
}

/* A thousand blocks in several chunks: each has its own index, record and environment. */
static void blocks_find_their_chunk_cold_record_and_index(struct rig *r)
{
	static struct tcb *blocks[999];

	for (uint32_t i = 0; i < 999; i++) {
		blocks[i] = tcb_pool_get(&r->pool);
		assert_non_null(blocks[i]);
		tcb_cold(blocks[i])->cookie = i;
	}
	assert_null(tcb_pool_get(&r->pool)); /* 1000 are allowed, the rig has one */
	for (uint32_t i = 0; i < 999; i++) {
		assert_ptr_equal(tcb_pool_at(&r->pool, tcb_index(blocks[i])), blocks[i]);
		assert_ptr_equal(tcb_env(blocks[i]), &r->env);
		assert_int_equal(tcb_cold(blocks[i])->cookie, i);
		tcb_check(blocks[i]);
	}
	for (uint32_t i = 0; i < 999; i += 2)
		tcb_pool_put(&r->pool, blocks[i]);
	for (uint32_t i = 0; i < 999; i++)
		assert_ptr_equal(tcb_pool_at(&r->pool, tcb_index(blocks[i])), i % 2 ? blocks[i] : NULL);
	uint32_t n = 0;

	for (struct tcb *tcb = tcb_pool_from(&r->pool, 0); tcb; tcb = tcb_pool_from(&r->pool, tcb_index(tcb) + 1))
		n++;
	assert_int_equal(n, 1 + 499);
	for (uint32_t i = 1; i < 999; i += 2)
		tcb_pool_put(&r->pool, blocks[i]);
}

/* A handle that outlives its block names nothing: the generation moves on, and is never 0. */
static void slot_again_has_another_generation(struct rig *r)
{
	uint32_t before = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct tcb *const tcb = tcb_pool_get(&r->pool);

		assert_int_not_equal(tcb->generation, before);
		assert_int_not_equal(tcb->generation, 0);
		before = tcb->generation;
		if (i == 1)
			tcb->generation = 0xffffffff;
		tcb_pool_put(&r->pool, tcb);
	}
}

static void no_memory_no_block(struct rig *r)
{
	static struct tcb *blocks[TCB_PER_CHUNK];
	uint32_t n = 0;

	r->memory.fail_all = true;
	while (n < TCB_PER_CHUNK && (blocks[n] = tcb_pool_get(&r->pool)))
		n++;
	assert_int_equal(n, TCB_PER_CHUNK - 1);
	r->memory.fail_all = false;
	while (n > 0)
		tcb_pool_put(&r->pool, blocks[--n]);
}

/* IPv4 stands in the hot record, IPv6 in the cold one; the zone tells equal addresses apart. */
static void tuples_are_kept_and_compared(struct rig *r)
{
	struct tern_tuple tuples[5], got;

	tuples[0] = rig_tuple();
	tuples[1] = tuples[0];
	tuples[1].zone = 7;
	tuples[2] = tuples[0];
	tuples[2].remote_port = 81;
	memset(tuples[3].local.b, 0xfd, 16);
	memset(tuples[3].remote.b, 0xfe, 16);
	tuples[3].zone = 0;
	tuples[3].local_port = 40000;
	tuples[3].remote_port = 80;
	tuples[4] = tuples[3];
	tuples[4].remote.b[15] = 1;
	for (size_t i = 0; i < 5; i++) {
		tcb_set_tuple(r->tcb, &tuples[i]);
		tcb_get_tuple(r->tcb, &got);
		assert_true(tuple_equal(&got, &tuples[i]));
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(tcb_is(r->tcb, &tuples[k]), i == k);
	}
}

/* Nothing in flight, unsent or out of order: no warm record, no store. */
static void idle_connection_owns_no_memory(struct rig *r)
{
	established(r);
	assert_null(r->tcb->warm);
	assert_null(r->tcb->store);
	writes(r, 1, 100);
	assert_non_null(r->tcb->warm);
	drain(r);
	rx(r, TCP_ACK, 1, 101, 0);
	assert_null(r->tcb->warm);
	rx(r, TCP_ACK, 101, 101, 100);
	assert_non_null(r->tcb->warm);
	rx(r, TCP_ACK, 1, 101, 100);
	assert_null(r->tcb->warm);
	reads(r, 1, 200);
	assert_null(r->tcb->store);
}

/* The controller's window outlives the warm record. */
static void window_outlives_the_warm_record(struct rig *r)
{
	established(r);
	writes(r, 1, 10 * RIG_MSS);
	drain(r);
	rx(r, TCP_ACK, 1, 1 + 5 * RIG_MSS, 0);
	rx(r, TCP_ACK, 1, 1 + 10 * RIG_MSS, 0);
	assert_null(r->tcb->warm);
	const uint32_t cwnd = status_of(r).cwnd;

	assert_true(cwnd > 10 * RIG_MSS);
	writes(r, 1 + 10 * RIG_MSS, 10);
	assert_int_equal(status_of(r).cwnd, cwnd);
}

/* Memory is short: what is out of order may go (RFC 2018 8), what is acknowledged never. */
static void shed_drops_only_what_is_out_of_order(struct rig *r)
{
	established(r);
	assert_false(tcp_shed(r->tcb));
	rx(r, TCP_ACK, 1, 1, 100);
	rx(r, TCP_ACK, 5001, 1, 100);
	assert_true(tcp_shed(r->tcb));
	tcb_check(r->tcb);
	assert_int_equal(status_of(r).out_of_order, 0);
	drain(r);
	reads(r, 1, 100);
	rx(r, TCP_ACK, 101, 1, 4900);
	assert_int_equal(status_of(r).unread, 4900); /* the shed octets come again */
	rx(r, TCP_ACK, 5001, 1, 100);
	reads(r, 101, 5000);
}

/* check.c sees what must not be. */
static void check_sees_unsound_blocks(struct rig *r)
{
	established(r);
	writes(r, 1, 100);
	drain(r);
	assert_true(tcb_is_sound(r->tcb));
	struct tcb was = *r->tcb;
	const struct tcb_warm warm = *r->tcb->warm;

	r->tcb->snd.una = seq_add(r->tcb->snd.nxt, 1);
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb = was;
	r->tcb->fin_received = true;
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb = was;
	r->tcb->rcv.wnd_edge = seq_add(r->tcb->rcv.nxt, 0u - 1);
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb = was;
	r->tcb->warm->retransmit_at = TERN_NEVER; /* liveness */
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb->warm = warm;
	r->tcb->warm->flight.in_flight++;
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb->warm = warm;
	r->tcb->state = LISTEN;
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb = was;
	r->tcb->held = false; /* an orphan whose end nothing brings */
	assert_false(tcb_is_sound(r->tcb));
	*r->tcb = was;
	assert_true(tcb_is_sound(r->tcb));
}

/* What a TIME-WAIT entry takes over. */
static void time_wait_takes_the_numbers(struct rig *r)
{
	struct tcp_time_wait tw;

	r->peer.ts = true;
	established(r);
	in_fin_wait_2(r);
	rx(r, TCP_FIN | TCP_ACK, 1, 2, 0);
	in_state(r, TIME_WAIT);
	tcp_to_time_wait(r->tcb, &tw);
	assert_int_equal(tw.snd_nxt.v, r->iss + 2);
	assert_int_equal(tw.rcv_nxt.v, r->irs + 2);
	assert_int_equal(tw.ts_recent, r->peer.ts_val);
	assert_true(tw.ts_ok);
	assert_true(wait_of(r) == TERN_NEVER);
}

/* Nothing but what came out of order was held: nothing is left, and it comes again. */
static void shed_of_all_text_that_is_held(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 101, 1, 100);
	drain(r);
	assert_non_null(r->tcb->store);
	while (tcp_shed(r->tcb))
		tcb_check(r->tcb);
	assert_null(r->tcb->store);
	rx(r, TCP_ACK, 1, 1, 200);
	reads(r, 1, 200);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(records_keep_their_sizes),
		CASE(blocks_find_their_chunk_cold_record_and_index),
		CASE(slot_again_has_another_generation),
		CASE(no_memory_no_block),
		CASE(tuples_are_kept_and_compared),
		CASE(idle_connection_owns_no_memory),
		CASE(window_outlives_the_warm_record),
		CASE(shed_drops_only_what_is_out_of_order),
		CASE(shed_of_all_text_that_is_held),
		CASE(check_sees_unsound_blocks),
		CASE(time_wait_takes_the_numbers),
	};

	return RIG_RUN("tcb", cases);
}
