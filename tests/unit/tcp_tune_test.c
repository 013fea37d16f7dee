/* tune.c: by how much buffers grow, and when they do not, by the formulas of tune.h. */
#include "tcp/path.h"
#include "tcp/tune.h"
#include "unit/tcp_rig.h"

enum { M = 1460, FIRST = 256 * 1024 };

/* n octets of the peer's stream come from relative number *seq on, in segments; the program reads all. */
static void streams(struct rig *r, uint32_t *seq, uint32_t n)
{
	while (n > 0) {
		const uint32_t len = min_u32(n, M);

		assert_int_equal(rx(r, TCP_ACK, *seq, 1, len), TERN_VERDICT_ACCEPTED);
		reads(r, *seq, len);
		(void)drain(r);
		*seq += len;
		n -= len;
	}
}

static uint32_t buffer(const struct rig *r)
{
	return tcb_cold(r->tcb)->receive_buffer;
}

/* A round trip of 10 ms: what is read within it counts with the first segment after it, which ends it. */
static void round_of(struct rig *r, uint32_t *seq, uint32_t segments)
{
	streams(r, seq, (segments - 1) * M);
	pass(r, ms(10));
	streams(r, seq, M);
}

/* Each brings twice as much as the one before: 2 * taken + 16 * MSS, and that much twice again. */
static void receive_buffer_leads_slow_start(struct rig *r)
{
	uint32_t seq = 1;

	r->peer.wscale = 0;
	established(r);
	streams(r, &seq, 45 * M); /* a quarter of the buffer: counting begins with what comes now */
	assert_int_equal(buffer(r), FIRST);
	assert_int_equal(path_of(r->tcb)->tune.most, 10 * M);
	round_of(r, &seq, 20);
	assert_int_equal(buffer(r), 3 * (2 * 20 + 16) * M > FIRST ? 3 * (2 * 20 + 16) * M : FIRST);
	round_of(r, &seq, 40);
	assert_int_equal(buffer(r), 3 * (2 * 40 + 16) * M);
	round_of(r, &seq, 80);
	assert_int_equal(buffer(r), 3 * (2 * 80 + 16) * M);
	round_of(r, &seq, 100); /* a quarter more: half as much again */
	assert_int_equal(buffer(r), 3 * (2 * 80 + 16) * M);
	round_of(r, &seq, 300);
	assert_int_equal(buffer(r), 5 * (2 * 300 + 16) * M);
}

/* The same rate for ever: no growth. */
static void receive_buffer_rests_where_the_path_does(struct rig *r)
{
	uint32_t seq = 1, after;

	r->peer.wscale = 0;
	established(r);
	streams(r, &seq, 60 * M);
	for (int round = 0; round < 5; round++) {
		streams(r, &seq, 60 * M);
		pass(r, ms(11));
	}
	after = buffer(r);
	for (int round = 0; round < 50; round++) {
		streams(r, &seq, 60 * M);
		pass(r, ms(11));
	}
	assert_int_equal(buffer(r), after);
}

static void receive_buffer_stops_at_the_hosts_most(struct rig *r)
{
	uint32_t seq = 1;

	r->env.config.receive_buffer_max = 2 * FIRST;
	r->peer.wscale = 0;
	established(r);
	for (uint32_t n = 60 * M; n < 500 * M; n *= 2) {
		streams(r, &seq, n);
		pass(r, ms(11));
	}
	assert_int_equal(buffer(r), 2 * FIRST);
}

/* Nor where it was set, nor for a connection of little text, nor while memory is short. */
static void receive_buffer_stays_where_nothing_asks(struct rig *r)
{
	uint32_t seq = 1;

	r->peer.wscale = 0;
	established(r);
	streams(r, &seq, 30 * M);
	assert_null(path_of(r->tcb));
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, FIRST + 1, r->now);
	for (uint32_t n = 60 * M; n < 500 * M; n *= 2) {
		streams(r, &seq, n);
		pass(r, ms(11));
	}
	assert_int_equal(buffer(r), FIRST + 1);
}

/* A buffer below a unit of the window's scale still opens the window. */
static void smallest_buffer_still_opens_the_window(struct rig *r)
{
	uint32_t seq = 1;

	r->peer.wscale = 0;
	established(r);
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 1, r->now);
	for (int i = 0; i < 200; i++) { /* what was promised before is used up */
		streams(r, &seq, M);
		if (rcv_wnd(r->tcb) < 4096)
			break;
	}
	streams(r, &seq, M);
	assert_int_equal(window_buffer(r->tcb), 2 << r->tcb->rcv.wscale);
	streams(r, &seq, M);
	assert_true(rcv_wnd(r->tcb) > 0);
}

/* 2 * cwnd + 64 KiB; as it was set; the host's most. */
static void send_buffer_follows_the_window(struct rig *r)
{
	r->peer.wscale = 7;
	established(r);
	rx(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, M);
	r->tcb->warm->cc.cwnd = 100000;
	assert_int_equal(tune_send_buffer(r->tcb), 265536);
	r->tcb->warm->cc.cwnd = 1 << 30;
	assert_int_equal(tune_send_buffer(r->tcb), 128 << 20);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 5000, r->now);
	assert_int_equal(tune_send_buffer(r->tcb), 5000);
	r->tcb->warm->cc.cwnd = 100000;
	assert_int_equal(tune_send_buffer(r->tcb), 5000);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(receive_buffer_leads_slow_start),
		CASE(receive_buffer_rests_where_the_path_does),
		CASE(receive_buffer_stops_at_the_hosts_most),
		CASE(receive_buffer_stays_where_nothing_asks),
		CASE(smallest_buffer_still_opens_the_window),
		CASE(send_buffer_follows_the_window),
	};

	return RIG_RUN("tune", cases);
}
