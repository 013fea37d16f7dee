/* emit.c and emit_bare.c: what leaves, when, and with which fields. RFC 9293 3.7.4 (Nagle), 3.8.6.2.1 (sender's
 * SWS avoidance), 3.9.1.2 (PUSH), 3.8.5 (urgent), 3.8.4 (keep-alive), 3.10.7.1 (resets). */
#include "unit/tcp_rig.h"

enum { M = RIG_MSS };

/* MUST-17, SHLD-7: a short segment waits while anything is unacknowledged; full ones do not (MUST-60, MAY-16). */
static void nagle_short_text_waits_for_the_ack(struct rig *r)
{
	established(r);
	writes(r, 1, 10);
	sends(r, TCP_ACK, 1, 1, 10);
	writes(r, 11, 20);
	is_quiet(r);
	writes(r, 31, 30);
	is_quiet(r);
	rx(r, TCP_ACK, 1, 11, 0);
	sends(r, TCP_ACK, 11, 1, 50); /* both together */
	writes(r, 61, M + 5);
	sends(r, TCP_ACK, 61, 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, 61 + M, 0);
	sends(r, TCP_ACK, 61 + M, 1, 5);
}

static void nagle_off_short_text_leaves_at_once(struct rig *r)
{
	established(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now), 0);
	for (uint32_t seq = 1; seq <= 41; seq += 10) {
		writes(r, seq, 10);
		sends(r, TCP_ACK, seq, 1, 10);
	}
	is_quiet(r);
}

/* Turning it off lets out what it held. */
static void nagle_turned_off_releases(struct rig *r)
{
	established(r);
	writes(r, 1, 10);
	drain(r);
	writes(r, 11, 10);
	is_quiet(r);
	tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now);
	sends(r, TCP_ACK, 11, 1, 10);
}

/* The FIN follows: nothing more will join the text. */
static void nagle_does_not_hold_the_last_text(struct rig *r)
{
	established(r);
	writes(r, 1, 10);
	drain(r);
	writes(r, 11, 10);
	tcp_shutdown(r->tcb, r->now);
	sends(r, TCP_ACK | TCP_FIN, 11, 1, 10);
}

/* The same where the link cuts segments itself: the tail of a large write waits (SHLD-28). */
static void nagle_holds_the_tail_of_a_large_emit(struct rig *r)
{
	struct tcp_out out;

	established(r);
	writes(r, 1, 3 * M + 10);
	assert_true(tcp_emit(r->tcb, 65000, r->now, &out));
	assert_int_equal(out.seg.text_len, 3 * M);
	assert_int_equal(out.gso_size, M);
	assert_false(tcp_emit(r->tcb, 65000, r->now, &out));
	rx(r, TCP_ACK, 1, 1 + 3 * M, 0);
	assert_true(tcp_emit(r->tcb, 65000, r->now, &out));
	assert_int_equal(out.seg.text_len, 10);
	assert_int_equal(out.gso_size, 0);
	tcb_check(r->tcb);
}

/* MUST-38, 3.8.6.2.1. The peer's largest window was 4000; D octets are unsent, U usable. */
static void sender_sws_what_leaves_by_d_and_u(struct rig *r)
{
	static const struct {
		uint32_t d, u, n;
	} table[] = {
		{ 1460, 1460, 1460 },			 /* (1) a full segment */
		{ 5000, 1460, 1460 }, { 100, 100, 100 }, /* (2) all that is queued fits, nothing in flight */
		{ 100, 1000, 100 },   { 1000, 999, 0 },	 /* less than all, less than half of 4000 */
		{ 5000, 1459, 0 },    { 1000, 1, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		r->peer.wnd = 4000;
		established(r);
		r->peer.wnd = (uint16_t)table[i].u;
		rx(r, TCP_ACK, 1, 1, 0);
		writes(r, 1, table[i].d);
		if (table[i].n > 0)
			sends(r, TCP_ACK, 1, 1, table[i].n);
		else
			is_quiet(r);
	}
}

/* (3): half of the largest window, where that is less than a segment. */
static void sender_sws_half_the_largest_window_leaves(struct rig *r)
{
	r->peer.wnd = 1000;
	established(r);
	r->peer.wnd = 499;
	rx(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 3000);
	is_quiet(r);
	r->peer.wnd = 500;
	rx(r, TCP_ACK, 1, 1, 0);
	sends(r, TCP_ACK, 1, 1, 500);
}

/* (4): the override timer, 0.1 to 1 s (MUST-60). */
static void sender_sws_override_sends_what_fits(struct rig *r)
{
	r->peer.wnd = 4000;
	established(r);
	r->peer.wnd = 300;
	rx(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 3000);
	is_quiet(r);
	const tern_time dt = expires(r);

	assert_true(dt >= ms(100) && dt <= ms(1000));
	assert_int_equal(r->fired[TERN_TIMER_SWS], 1);
	sends(r, TCP_ACK, 1, 1, 300);
	is_quiet(r);
}

/* Only full segments, at most 200 ms; then, and when it is taken off, the rest (MUST-60). */
static void cork_holds_short_segments(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_CORK, 1, r->now);
	writes(r, 1, 100);
	is_quiet(r);
	writes(r, 101, M);
	sends(r, TCP_ACK, 1, 1, M);
	is_quiet(r);
	rx(r, TCP_ACK, 1, 1 + M, 0);
	is_quiet(r);
	tcp_option_set(r->tcb, TERN_CORK, 0, r->now);
	sends(r, TCP_ACK, 1 + M, 1, 100);
	rx(r, TCP_ACK, 1, 101 + M, 0);
	tcp_option_set(r->tcb, TERN_CORK, 1, r->now);
	writes(r, 101 + M, 7);
	is_quiet(r);
	assert_int_equal(expires(r), ms(200));
	sends(r, TCP_ACK, 101 + M, 1, 7);
}

static void more_follows_short_text_waits_for_it(struct rig *r)
{
	established(r);
	writes_flags(r, 1, 100, TERN_SEND_MORE);
	is_quiet(r);
	writes(r, 101, 50);
	sends(r, TCP_ACK, 1, 1, 150);
}

/* MUST-61: PSH where the queue runs empty; MAY-15 and SHLD-27: once for all that was pushed. */
static void push_stands_where_the_queue_ends(struct rig *r)
{
	established(r);
	writes(r, 1, 2 * M);
	sends(r, TCP_ACK, 1, 1, M);
	assert_false(r->out.seg.flags & TCP_PSH);
	sends(r, TCP_ACK, 1 + M, 1, M);
	assert_true(r->out.seg.flags & TCP_PSH);
	rx(r, TCP_ACK, 1, 1 + 2 * M, 0);
	writes_flags(r, 1 + 2 * M, 100, TERN_SEND_PUSH | TERN_SEND_MORE);
	writes_flags(r, 101 + 2 * M, 100, TERN_SEND_PUSH | TERN_SEND_MORE);
	writes_flags(r, 201 + 2 * M, 2 * M, TERN_SEND_MORE);
	sends(r, TCP_ACK, 1 + 2 * M, 1, M);
	assert_true(r->out.seg.flags & TCP_PSH);
}

/* MUST-62: the pointer names the octet after the urgent ones; MUST-31: across segments, also the distant. */
static void urgent_pointer_names_the_octet_after(struct rig *r)
{
	established(r);
	writes_flags(r, 1, 3 * M, TERN_SEND_URGENT);
	for (uint32_t i = 0; i < 3; i++) {
		sends(r, TCP_ACK | TCP_URG, 1 + i * M, 1, M);
		assert_int_equal(r->out.seg.up, (3 - i) * M);
	}
	rx(r, TCP_ACK, 1, 1 + 3 * M, 0);
	writes(r, 1 + 3 * M, 10);
	sends(r, TCP_ACK, 1 + 3 * M, 1, 10);
}

/* MUST-66's other side, RFC 9293 3.8.5: urgent news leaves though the window is shut; beyond 65,535 it saturates. */
static void urgent_pointer_passes_a_shut_window(struct rig *r)
{
	r->peer.wnd = 0;
	established(r);
	writes_flags(r, 1, 65536, TERN_SEND_URGENT);
	sends(r, TCP_ACK | TCP_URG, 1, 1, 0);
	assert_int_equal(r->out.seg.up, 65535);
	is_quiet(r);
}

/* What is retransmitted is as it was, its ACK and window as they are now. */
static void retransmission_carries_the_newest_ack(struct rig *r)
{
	established(r);
	writes(r, 1, M);
	drain(r);
	rx(r, TCP_ACK, 1, 1, 100);
	expires(r);
	drain(r);
	rx(r, TCP_ACK, 101, 1, 100);
	expires(r);
	drain(r);
	expires(r);
	sends(r, TCP_ACK, 1, 201, M);
	assert_true(r->out.retransmitted);
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_TIMEOUT], 1);
}

/* MUST-16: SACK blocks never push a full segment over the MTU, new or again. */
static void sack_blocks_never_exceed_the_mtu(struct rig *r)
{
	r->peer.sack = true;
	r->peer.ts = true;
	established(r);
	writes(r, 1, 4 * 1448);
	assert_int_equal(drain(r), 4);
	for (uint32_t i = 1; i <= 5; i++)
		rx(r, TCP_ACK, i * 1000, 1, 100);
	writes(r, 1 + 4 * 1448, 4 * 1448);
	for (unsigned n = 0; n < 20 && tx(r); n++)
		assert_true(r->out.seg.text_len + tcp_wire_header_len(&r->out.seg) <= RIG_MTU - 20);
	expires(r);
	drain(r);
	expires(r);
	while (tx(r))
		assert_true(r->out.seg.text_len + tcp_wire_header_len(&r->out.seg) <= RIG_MTU - 20);
}

/* RFC 6928, 5681 3.1: ten segments, then two for each one acknowledged.
 * (RFC5681-3.1-1, RFC5681-3.1-2, RFC5681-3.1-3) */
static void slow_start_begins_with_ten(struct rig *r)
{
	established(r);
	writes(r, 1, 40 * M);
	assert_int_equal(drain(r), 10);
	for (uint32_t i = 1; i <= 4; i++) {
		rx(r, TCP_ACK, 1, 1 + i * M, 0);
		assert_int_equal(drain(r), 2);
	}
}

/* RFC 5681 4.1: who has not sent for longer than an RTO begins with the restart window again, also when a
 * request came in between (RFC5681-4.1-1). */
static void idle_window_restarts(struct rig *r)
{
	uint32_t seq = 1;

	established(r);
	for (unsigned turn = 0; turn < 12; turn++) {
		writes(r, seq, 40 * M);
		for (uint32_t end = seq + 40 * M; seq < end;) {
			drain(r);
			seq = r->tcb->snd.nxt.v - r->iss;
			pass(r, ms(1));
			rx(r, TCP_ACK, 1, seq, 0);
		}
	}
	assert_true(status_of(r).cwnd > 20 * M);
	pass(r, 10 * TERN_SECOND);
	rx(r, TCP_ACK, 1, seq, 10); /* a request */
	writes(r, seq, 20 * M);
	assert_int_equal(drain(r), 10);
}

/* SHLD-12, MAY-6: SND.NXT - 1, no text, or one octet of garbage. */
static void keepalive_probe_stands_before_snd_nxt(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_KEEPALIVE, 1, r->now);
	expires(r);
	sends(r, TCP_ACK, 0, 1, 0);
	assert_true(r->out.probe);
	is_quiet(r);
	tcp_option_set(r->tcb, TERN_KEEPALIVE_GARBAGE, 1, r->now);
	expires(r);
	sends(r, TCP_ACK, 0, 1, 1);
	assert_null(r->out.text);
}

/* RFC 9293 3.10.7.1: the RST that answers where there is no connection. */
static void reset_for_a_segment_takes_its_numbers(struct rig *r)
{
	static const struct {
		unsigned flags;
		uint32_t len, seq, ack;
		unsigned out;
	} table[] = {
		{ TCP_ACK, 0, 7, 0, TCP_RST },
		{ TCP_ACK | TCP_SYN, 0, 7, 0, TCP_RST },
		{ TCP_SYN, 0, 0, 5 + 1, TCP_RST | TCP_ACK },
		{ TCP_FIN, 10, 0, 5 + 11, TCP_RST | TCP_ACK },
		{ 0, 3, 0, 5 + 3, TCP_RST | TCP_ACK },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tcp_segment seg = rig_segment(r, table[i].flags, 5, 7, table[i].len);
		struct tcp_segment	 out;

		emit_reset_for(&out, &seg);
		assert_int_equal(out.flags, table[i].out);
		if (table[i].flags & TCP_ACK)
			assert_int_equal(out.seq.v, r->iss + 7);
		else
			assert_int_equal(out.seq.v, 0);
		if (table[i].out & TCP_ACK)
			assert_int_equal(out.ack.v, r->irs + table[i].ack);
		assert_int_equal(out.src_port, 40000);
		assert_int_equal(out.dst_port, 80);
		assert_int_equal(out.text_len, 0);
	}
}

static void ack_only_says_what_it_was_given(struct rig *r)
{
	const struct tern_tuple	  tuple = rig_tuple();
	const struct tcp_ack_only ack = {
		.seq = { r->iss }, .ack = { r->irs }, .wnd = 77, .ts_ok = true, .ts_recent = 5, .ts_offset = 9
	};
	struct tcp_segment out;

	emit_ack_only(&out, &tuple, &ack, r->now);
	assert_int_equal(out.flags, TCP_ACK);
	assert_int_equal(out.seq.v, r->iss);
	assert_int_equal(out.ack.v, r->irs);
	assert_int_equal(out.wnd, 77);
	assert_true(out.opt.has_ts && out.opt.ts_ecr == 5 && out.opt.ts_val == tcp_ts_clock(r->now) + 9);
}

/* MUST-48, MUST-49: DiffServ field and TTL of what leaves; SHLD-21: changed while it lives (SHLD-22). */
static void traffic_class_and_ttl_go_with_each_segment(struct rig *r)
{
	established(r);
	assert_int_equal(r->out.ttl, 64);
	tcp_option_set(r->tcb, TERN_TRAFFIC_CLASS, 0xb8 | 3, r->now);
	tcp_option_set(r->tcb, TERN_TTL, 9, r->now);
	writes(r, 1, 10);
	sends(r, TCP_ACK, 1, 1, 10);
	assert_int_equal(r->out.traffic_class, 0xb8); /* the ECN bits are ours */
	assert_int_equal(r->out.ttl, 9);
}

/* Memory for the flight is spent: nothing leaves now, it comes back by itself. */
static void no_memory_text_leaves_later(struct rig *r)
{
	established(r);
	writes(r, 1, 10 * M);
	r->memory.fail_all = true;
	const unsigned n = drain(r);

	assert_int_equal(n, FLIGHT_FEW);
	r->memory.fail_all = false;
	expires(r);
	sends(r, TCP_ACK, 1 + n * M, 1, M);
	rx(r, TCP_ACK, 1, 1 + (n + 1) * M, 0);
	assert_int_equal(drain(r), 10 - n - 1);
}

/* A long stream: every octet once, in order, whatever the numbers wrap around. */
static void long_text_is_sent_in_order(struct rig *r)
{
	uint32_t seq = 1, acked = 1;

	established(r);
	for (uint32_t written = 1; acked < 300001;) {
		while (written < 300001) {
			const uint32_t	n = 300001 - written < 7777 ? 300001 - written : 7777;
			const ptrdiff_t taken = tcp_send(r->tcb, rig_octets(r, written - 1, n), n, 0, r->now);

			if (taken == -TERN_EAGAIN)
				break;
			written += (uint32_t)taken;
		}
		while (tx(r)) {
			assert_int_equal(r->out.seg.seq.v - r->iss, seq);
			seq += r->out.seg.text_len;
		}
		pass(r, ms(1));
		acked = seq;
		rx(r, TCP_ACK, 1, acked, 0);
	}
	assert_int_equal(status_of(r).bytes_acked, 300000);
	assert_null(r->tcb->warm);
}

static void nobody_frees(void *context, const void *from, size_t n)
{
	(void)context;
	(void)from;
	(void)n;
}

/* More than half the circle of numbers by one connection, some of it early on pushed and sent again: what was noted
 * then never seems to lie ahead, so that runs go on to be as long as they may. */
static void runs_are_whole_beyond_two_gigabytes(struct rig *r)
{
	enum { RUN = 44 * RIG_MSS, RUNS = (int)(((1u << 31) + (1u << 28)) / RUN), LOOK = 1000 };
	static const uint8_t text[RUN];
	struct tcp_out out;

	if (rig_iss != rig_isses[0]) /* only distance counts, and it takes its time */
		return;
	r->peer.wscale = 4;
	established(r);
	writes_flags(r, 1, 1, TERN_SEND_PUSH);
	sends(r, TCP_ACK, 1, 1, 1);
	expires(r); /* the tail probe */
	sends(r, TCP_ACK, 1, 1, 1);
	r->tcb->warm->cc.cwnd = 1 << 20;
	for (uint32_t i = 0; i < (uint32_t)RUNS; i++) {
		const uint32_t at = 2 + i * RUN;

		assert_int_equal(tcp_send_owned(r->tcb, text, RUN, 0, nobody_frees, NULL, r->now), RUN);
		assert_true(tcp_emit(r->tcb, RUN, r->now, &out));
		assert_int_equal(out.seg.text_len, RUN);
		assert_int_equal(out.seg.seq.v - r->iss, at);
		pass(r, ms(1));
		const struct tcp_segment ack = rig_segment(r, TCP_ACK, 1, at + RUN - 1, 0); /* one octet is left */
		(void)tcp_arrive(r->tcb, &ack, 0, 0, r->now);
		if (i % LOOK == 0)
			tcb_check(r->tcb);
	}
	tcb_check(r->tcb);
}

/* Half of a small window, with something in flight: Nagle holds it, nodelay lets it go (RFC 9293 3.8.6.2.1). */
static void half_the_window_waits_for_nagle_alone(struct rig *r)
{
	r->peer.wnd = 1000;
	established(r);
	writes(r, 1, 400);
	sends(r, TCP_ACK, 1, 1, 400);
	writes(r, 401, 2000);
	is_quiet(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now), 0);
	sends(r, TCP_ACK, 401, 1, 600);
	is_quiet(r);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(nagle_short_text_waits_for_the_ack),
		CASE(nagle_off_short_text_leaves_at_once),
		CASE(nagle_turned_off_releases),
		CASE(nagle_does_not_hold_the_last_text),
		CASE(nagle_holds_the_tail_of_a_large_emit),
		CASE(sender_sws_what_leaves_by_d_and_u),
		CASE(sender_sws_half_the_largest_window_leaves),
		CASE(sender_sws_override_sends_what_fits),
		CASE(cork_holds_short_segments),
		CASE(more_follows_short_text_waits_for_it),
		CASE(push_stands_where_the_queue_ends),
		CASE(urgent_pointer_names_the_octet_after),
		CASE(urgent_pointer_passes_a_shut_window),
		CASE(retransmission_carries_the_newest_ack),
		CASE(sack_blocks_never_exceed_the_mtu),
		CASE(slow_start_begins_with_ten),
		CASE(idle_window_restarts),
		CASE(keepalive_probe_stands_before_snd_nxt),
		CASE(reset_for_a_segment_takes_its_numbers),
		CASE(ack_only_says_what_it_was_given),
		CASE(traffic_class_and_ttl_go_with_each_segment),
		CASE(no_memory_text_leaves_later),
		CASE(half_the_window_waits_for_nagle_alone),
		CASE(runs_are_whole_beyond_two_gigabytes),
		CASE(long_text_is_sent_in_order),
	};

	return RIG_RUN("emit", cases);
}
