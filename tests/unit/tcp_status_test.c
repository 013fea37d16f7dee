/* status.c: STATUS (RFC 9293 3.10.6) says what is so, along a connection's life. */
#include "unit/tcp_rig.h"

static void fresh_block_is_closed_and_empty(struct rig *r)
{
	const struct tern_status status = status_of(r);

	assert_int_equal(status.state, TERN_STATE_CLOSED);
	assert_int_equal(status.bytes_sent + status.bytes_received + status.unread + status.unsent, 0);
	assert_true(status.retransmit_at == TERN_NEVER && status.keepalive_at == TERN_NEVER);
	assert_int_equal(status.tuple.local_port, 40000);
	assert_int_equal(status.tuple.remote_port, 80);
}

/* The SYN is no octet of text, nor is the FIN. */
static void octets_are_counted_without_syn_and_fin(struct rig *r)
{
	struct tern_status status;

	opens(r);
	assert_int_equal(status_of(r).bytes_sent, 0);
	assert_int_equal(status_of(r).unacked, 0);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	drain(r);
	writes(r, 1, 100);
	assert_int_equal(status_of(r).unsent, 100);
	drain(r);
	assert_int_equal(status_of(r).unsent, 0);
	assert_int_equal(status_of(r).unacked, 100);
	assert_int_equal(status_of(r).in_flight, 100);
	rx(r, TCP_FIN | TCP_ACK, 1, 101, 50);
	tcp_shutdown(r->tcb, r->now);
	drain(r);
	status = status_of(r);
	assert_int_equal(status.bytes_sent, 100);
	assert_int_equal(status.bytes_acked, 100);
	assert_int_equal(status.bytes_received, 50);
	assert_int_equal(status.unread, 50);
	assert_true(status.fin_queued && status.fin_sent && status.fin_received);
	rx(r, TCP_ACK, 52, 102, 0);
	status = status_of(r);
	assert_int_equal(status.bytes_sent, 100);
	assert_int_equal(status.bytes_acked, 100);
}

static void variables_are_the_rfcs(struct rig *r)
{
	struct tern_status status;

	r->peer.wscale = 3;
	r->peer.ts = r->peer.sack = true;
	established(r);
	rx(r, TCP_ACK, 1, 1, 1000);
	status = status_of(r);
	assert_int_equal(status.iss, r->iss);
	assert_int_equal(status.irs, r->irs);
	assert_int_equal(status.snd_una, r->iss + 1);
	assert_int_equal(status.snd_nxt, r->iss + 1);
	assert_int_equal(status.rcv_nxt, r->irs + 1001);
	assert_int_equal(status.snd_wnd, 65535 << 3);
	assert_int_equal(status.snd_wl1, r->irs + 1);
	assert_true(status.wscale_ok && status.ts_ok && status.sack_ok);
	assert_int_equal(status.snd_wscale, 3);
	assert_int_equal(status.rcv_wscale, 11);
	assert_int_equal(status.snd_mss, 1448);
	assert_int_equal(status.rcv_mss, 1000);
	assert_int_equal(status.segments_out, 2);
	assert_int_equal(status.segments_in, 2);
	assert_true(status.delayed_ack_at == r->now + ms(40));
}

static void timers_show_as_they_are_armed(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_KEEPALIVE, 1, r->now);
	assert_in_range(status_of(r).keepalive_at - r->now, 7200 * TERN_SECOND - ms(1), 7200 * TERN_SECOND);
	tcp_option_set(r->tcb, TERN_USER_TIMEOUT, 9000, r->now);
	writes(r, 1, 10);
	drain(r);
	assert_true(status_of(r).retransmit_at == r->now + ms(210));
	assert_true(status_of(r).user_timeout_at == r->now + 9 * TERN_SECOND);
	assert_true(status_of(r).keepalive_at == TERN_NEVER);
	expires(r);
	drain(r);
	assert_int_equal(status_of(r).retransmits, 1);
	assert_int_equal(status_of(r).retransmits_total, 1);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_LOSS);
	tcp_close(r->tcb, r->now);
	assert_in_range(status_of(r).orphan_at - r->now, 60 * TERN_SECOND - ms(1), 60 * TERN_SECOND + ms(1));
}

/* MAY-9: the traffic class of the last segment. */
static void received_traffic_class_is_told(struct rig *r)
{
	established(r);
	const struct tcp_segment seg = rig_segment(r, TCP_ACK, 1, 1, 10);

	tcp_arrive(r->tcb, &seg, 0xb8, 0, r->now);
	assert_int_equal(status_of(r).received_traffic_class, 0xb8);
}

/* Levels: what a program may do now, by state. */
static void readiness_levels_by_state(struct rig *r)
{
	static const struct {
		void (*way)(struct rig *);
		unsigned ready;
	} table[] = {
		{ NULL, TERN_WRITABLE | TERN_CONNECTED | TERN_DRAINED },
		{ closes_first, TERN_CONNECTED },
		{ in_fin_wait_2, TERN_CONNECTED | TERN_DRAINED },
		{ in_close_wait, TERN_READABLE | TERN_WRITABLE | TERN_CONNECTED | TERN_PEER_CLOSED | TERN_DRAINED },
		{ in_closing, TERN_READABLE | TERN_CONNECTED | TERN_PEER_CLOSED },
		{ in_last_ack, TERN_READABLE | TERN_CONNECTED | TERN_PEER_CLOSED },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		assert_int_equal(tcp_ready(r->tcb) & (TERN_CONNECTED | TERN_ERROR), 0);
		established(r);
		if (table[i].way)
			table[i].way(r);
		assert_int_equal(tcp_ready(r->tcb), table[i].ready);
	}
	rx(r, TCP_ACK, 2, 2, 0);
	assert_int_equal(tcp_ready(r->tcb) & (TERN_CLOSED | TERN_READABLE | TERN_WRITABLE | TERN_ERROR),
			 TERN_CLOSED | TERN_READABLE | TERN_WRITABLE);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(fresh_block_is_closed_and_empty),
		CASE(octets_are_counted_without_syn_and_fin),
		CASE(variables_are_the_rfcs),
		CASE(timers_show_as_they_are_armed),
		CASE(received_traffic_class_is_told),
		CASE(readiness_levels_by_state),
	};

	return RIG_RUN("status", cases);
}
