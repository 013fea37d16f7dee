/* chrono.c: what the time goes to in which there is something to send, in virtual time. The window of the network
 * is ten segments, the peer's as each case has it. */
#include "unit/tcp_rig.h"

#include "tcp/path.h"

enum { M = RIG_MSS };

static uint32_t at(uint32_t k)
{
	return 1 + k * M;
}

static void times_are(struct rig *r, int64_t busy_ms, int64_t rwnd_ms, int64_t sndbuf_ms)
{
	const struct tern_status status = status_of(r);

	assert_int_equal(status.busy_time, ms(busy_ms));
	assert_int_equal(status.rwnd_limited, ms(rwnd_ms));
	assert_int_equal(status.sndbuf_limited, ms(sndbuf_ms));
}

/* Neither the handshake nor silence counts; what is under way does. No record is kept for it. */
static void busy_from_the_first_octet_to_its_ack(struct rig *r)
{
	established(r);
	pass(r, ms(500));
	times_are(r, 0, 0, 0);
	writes(r, 1, 1000);
	pass(r, ms(5));
	drain(r);
	pass(r, ms(25));
	times_are(r, 30, 0, 0);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, 1001, 0);
	assert_null(r->tcb->warm);
	assert_false(r->tcb->has_path);
	pass(r, ms(70000));
	times_are(r, 50, 0, 0);
	writes(r, 1001, 1000);
	drain(r);
	pass(r, ms(50));
	rx(r, TCP_ACK, 1, 2001, 0);
	times_are(r, 100, 0, 0);
}

/* A FIN too wants an ACK. */
static void busy_for_a_fin(struct rig *r)
{
	established(r);
	closes_first(r);
	pass(r, ms(40));
	rx(r, TCP_ACK, 1, 2, 0);
	pass(r, ms(40));
	times_are(r, 40, 0, 0);
}

static void window_of_the_network_is_nobodys_limit(struct rig *r)
{
	established(r);
	writes(r, 1, 20 * M);
	assert_int_equal(drain(r), 10);
	pass(r, ms(40));
	times_are(r, 40, 0, 0);
}

/* Two segments fit; text waits until the window opens, shut meanwhile. */
static void peers_window_limits(struct rig *r)
{
	r->peer.wnd = 2 * M;
	established(r);
	writes(r, 1, 8 * M);
	assert_int_equal(drain(r), 2);
	pass(r, ms(30));
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, at(2), 0);
	drain(r);
	pass(r, ms(70));
	times_are(r, 100, 100, 0);
	r->peer.wnd = 65535;
	rx(r, TCP_ACK, 1, at(2), 0);
	assert_int_equal(drain(r), 6);
	pass(r, ms(20));
	rx(r, TCP_ACK, 1, at(8), 0);
	pass(r, ms(1000));
	times_are(r, 120, 100, 0);
}

/* Less than a segment of it is left: text waits as well. But text that all fits does not. */
static void crumbs_of_a_window_limit(struct rig *r)
{
	r->peer.wnd = 2 * M + 100;
	established(r);
	writes(r, 1, 8 * M);
	assert_int_equal(drain(r), 2);
	pass(r, ms(30));
	times_are(r, 30, 30, 0);
}

static void last_of_the_text_in_the_last_of_the_window(struct rig *r)
{
	r->peer.wnd = 2 * M;
	established(r);
	writes(r, 1, 2 * M);
	assert_int_equal(drain(r), 2);
	pass(r, ms(30));
	times_are(r, 30, 0, 0);
}

/* Both windows have room, but of the text no more fits into the buffer until an ACK makes some. */
static void send_buffer_limits(struct rig *r)
{
	established(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_SEND_BUFFER, 4 * M, r->now), 0);
	const ptrdiff_t taken = tcp_send(r->tcb, rig_octets(r, 0, 20 * M), 20 * M, 0, r->now);

	assert_int_equal(taken, 4 * M);
	assert_int_equal(drain(r), 4);
	pass(r, ms(25));
	times_are(r, 25, 0, 25);
	rx(r, TCP_ACK, 1, at(2), 0);
	drain(r);
	assert_true(r->tcb->ready & TERN_WRITABLE);
	pass(r, ms(10)); /* the program's, though something flies: there is room */
	times_are(r, 35, 0, 25);
	rx(r, TCP_ACK, 1, at(4), 0);
	pass(r, ms(10));
	times_are(r, 35, 0, 25);
}

/* A program that writes all it has and waits for nothing is no buffer's victim; one whose window is full neither. */
static void full_window_is_not_the_buffers(struct rig *r)
{
	established(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_SEND_BUFFER, 10 * M, r->now), 0);
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 0, 20 * M), 20 * M, 0, r->now), 10 * M);
	assert_int_equal(drain(r), 10);
	pass(r, ms(25));
	times_are(r, 25, 0, 0);
}

/* Idle, and packed, and woken: the sums are what they were; and once all is over too. */
static void sums_outlive_the_records(struct rig *r)
{
	static uint8_t record[1 << 16];

	peers_window_limits(r);
	assert_null(r->tcb->warm);
	assert_true(r->tcb->has_path);
	const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = tcb_pool_get(&r->pool);
	r->tcb->held = true;
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	times_are(r, 120, 100, 0);
	writes(r, at(8), M);
	drain(r);
	pass(r, ms(30));
	rx(r, TCP_RST | TCP_ACK, 1, at(8), 0);
	in_state(r, CLOSED);
	pass(r, ms(30));
	times_are(r, 150, 100, 0);
}

static void busy_alone_is_packed(struct rig *r)
{
	static uint8_t record[1 << 16];

	busy_from_the_first_octet_to_its_ack(r);
	const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = tcb_pool_get(&r->pool);
	r->tcb->held = true;
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	times_are(r, 100, 0, 0);
}

/* More than the cold record has room for. */
static void hours_of_it(struct rig *r)
{
	established(r);
	writes(r, 1, M);
	drain(r);
	pass(r, ms(2 * 3600 * 1000));
	rx(r, TCP_ACK, 1, at(1), 0);
	assert_null(r->tcb->warm);
	times_are(r, 2 * 3600 * 1000, 0, 0);
}

/* Where busy_us stood, an orphan's end stands. */
static void orphans_end_when_they_should(struct rig *r)
{
	established(r);
	writes(r, 1, M);
	drain(r);
	pass(r, ms(123));
	rx(r, TCP_ACK, 1, at(1), 0);
	assert_true(status_of(r).orphan_at == TERN_NEVER);
	tcp_close(r->tcb, r->now);
	drain(r);
	tcb_check(r->tcb);
	assert_in_range(status_of(r).orphan_at - r->now, r->env.config.orphan_timeout - ms(1),
			r->env.config.orphan_timeout + ms(1));
}

/* Linux's tcpi_delivery_rate_app_limited. */
static void rate_says_whose_limit_it_was(struct rig *r)
{
	established(r);
	assert_true(status_of(r).delivery_rate_app_limited);
	writes(r, 1, 40 * M);
	drain(r); /* when it began there was nothing to send, so the first flight says little (as in Linux) */
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(10), 0);
	assert_true(status_of(r).delivery_rate_app_limited);
	assert_int_equal(drain(r), 12);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(22), 0);
	assert_false(status_of(r).delivery_rate_app_limited);
	assert_int_equal(status_of(r).delivery_rate, 12 * M * 100);
}

static void rate_of_a_short_text_is_the_programs(struct rig *r)
{
	established(r);
	writes(r, 1, 2 * M);
	drain(r);
	pass(r, ms(10));
	rx(r, TCP_ACK, 1, at(1), 0);
	assert_true(status_of(r).delivery_rate > 0);
	assert_true(status_of(r).delivery_rate_app_limited);
}

static void octets_that_left_again(struct rig *r)
{
	established(r);
	writes(r, 1, 100);
	tcp_shutdown(r->tcb, r->now);
	drain(r);
	assert_int_equal(status_of(r).bytes_retransmitted, 0);
	expires(r);
	assert_int_equal(drain(r), 1);
	expires(r);
	assert_int_equal(drain(r), 1);
	assert_int_equal(status_of(r).bytes_retransmitted, 200);
	rx(r, TCP_ACK, 1, 102, 0);
	assert_null(r->tcb->warm);
	assert_int_equal(status_of(r).bytes_retransmitted, 200);
	assert_int_equal(status_of(r).bytes_sent, 100);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(busy_from_the_first_octet_to_its_ack),
		CASE(busy_for_a_fin),
		CASE(window_of_the_network_is_nobodys_limit),
		CASE(peers_window_limits),
		CASE(crumbs_of_a_window_limit),
		CASE(last_of_the_text_in_the_last_of_the_window),
		CASE(send_buffer_limits),
		CASE(full_window_is_not_the_buffers),
		CASE(sums_outlive_the_records),
		CASE(busy_alone_is_packed),
		CASE(hours_of_it),
		CASE(orphans_end_when_they_should),
		CASE(rate_says_whose_limit_it_was),
		CASE(rate_of_a_short_text_is_the_programs),
		CASE(octets_that_left_again),
	};

	return RIG_RUN("chrono", cases);
}
