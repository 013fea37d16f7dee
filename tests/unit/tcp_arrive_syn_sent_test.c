/* arrive_syn_sent.c: RFC 9293 3.10.7.3, step by step; figures 6 to 10 by their segments. */
#include "unit/tcp_rig.h"

/* First and second step. */
static void syn_sent_every_kind_of_segment(struct rig *r)
{
	static const struct {
		unsigned	  flags;
		uint32_t	  ack;
		enum tern_verdict verdict;
		enum tcp_state	  state;
	} table[] = {
		{ TCP_ACK, 0, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_ACK, 2, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_ACK, 0x80000001, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_SYN | TCP_ACK, 0, TERN_VERDICT_BAD_ACK, SYN_SENT }, /* figure 10's half-open peer */
		{ TCP_SYN | TCP_ACK, 300, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_RST | TCP_ACK, 0, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_RST | TCP_ACK, 2, TERN_VERDICT_BAD_ACK, SYN_SENT },
		{ TCP_RST | TCP_ACK, 1, TERN_VERDICT_REFUSED, CLOSED },
		{ TCP_RST, 0, TERN_VERDICT_BLIND_RESET, SYN_SENT },
		{ TCP_RST | TCP_SYN, 0, TERN_VERDICT_BLIND_RESET, SYN_SENT },
		{ TCP_ACK, 1, TERN_VERDICT_NO_SYN, SYN_SENT },
		{ TCP_FIN, 0, TERN_VERDICT_NO_SYN, SYN_SENT },
		{ 0, 0, TERN_VERDICT_NO_SYN, SYN_SENT },
		{ TCP_SYN | TCP_ACK, 1, TERN_VERDICT_ACCEPTED, ESTABLISHED },
		{ TCP_SYN, 0, TERN_VERDICT_ACCEPTED, SYN_RECEIVED },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		opens(r);
		assert_int_equal(rx(r, table[i].flags, 0, table[i].ack, 0), table[i].verdict);
		in_state(r, table[i].state);
		if (table[i].state == SYN_SENT)
			is_quiet(r); /* the host answers what needs an RST */
	}
}

/* Figure 6: the handshake; the window of a SYN is not scaled. */
static void syn_sent_syn_ack_becomes_established(struct rig *r)
{
	r->peer.wscale = 7;
	r->peer.wnd = 1000;
	established(r);
	assert_int_equal(status_of(r).snd_wnd, 1000);
	assert_int_equal(status_of(r).snd_wl1, r->irs);
	assert_int_equal(status_of(r).snd_wl2, r->iss + 1);
	assert_int_equal(r->out.seg.wnd, (256 * 1024) >> 11); /* ours is, by our own shift */
	rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).snd_wnd, 1000 << 7);
}

static void syn_sent_syn_ack_tells_the_program(struct rig *r)
{
	opens(r);
	assert_int_equal(tcp_ready(r->tcb), 0);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(r->tcb->ready & (TERN_CONNECTED | TERN_WRITABLE), TERN_CONNECTED | TERN_WRITABLE);
	assert_true(tcp_ready(r->tcb) & TERN_CONNECTED);
}

/* The third segment carries what SEND queued (RFC 9293 3.10.7.3: "may be combined"). */
static void syn_sent_queued_text_leaves_with_the_third_segment(struct rig *r)
{
	opens(r);
	writes(r, 1, 300);
	is_quiet(r);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK, 1, 1, 300);
	is_quiet(r);
}

/* 3.10.4: a CLOSE by shutdown waits for ESTABLISHED; text and FIN leave together. */
static void syn_sent_shutdown_fin_leaves_after_the_handshake(struct rig *r)
{
	opens(r);
	writes(r, 1, 10);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	is_quiet(r);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK | TCP_FIN, 1, 1, 10);
	in_state(r, FIN_WAIT_1);
}

/* "Continue processing at the sixth step": text and FIN on the SYN-ACK. */
static void syn_sent_syn_ack_with_text_and_fin(struct rig *r)
{
	opens(r);
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK | TCP_FIN, 0, 1, 100), TERN_VERDICT_ACCEPTED);
	in_state(r, CLOSE_WAIT);
	sends(r, TCP_ACK, 1, 102, 0);
	reads(r, 1, 100);
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), 0);
}

/* More than the window offers: what is beyond it, and the FIN behind, was not taken and comes again. */
static void syn_sent_syn_ack_with_text_beyond_the_window(struct rig *r)
{
	enum { TEXT = 60000 };
	uint32_t window;

	assert_int_equal(tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 4096, r->now), 0);
	opens(r);
	window = r->out.seg.wnd;
	assert_true(window > 0 && window < TEXT);
	rx(r, TCP_SYN | TCP_ACK | TCP_FIN, 0, 1, TEXT);
	in_state(r, ESTABLISHED);
	assert_int_equal(status_of(r).rcv_nxt, r->irs + 1 + window);
	sends(r, TCP_ACK, 1, 1 + window, 0);
	reads(r, 1, window);
	drain(r);
	rx(r, TCP_FIN | TCP_ACK, 1 + window, 1, 100);
	in_state(r, CLOSE_WAIT);
	reads(r, 1 + window, 100);
}

/* MUST-12: refused, not closed. */
static void syn_sent_refused_tells_the_error(struct rig *r)
{
	opens(r);
	rx(r, TCP_RST | TCP_ACK, 0, 1, 0);
	is_quiet(r);
	assert_int_equal(tcp_receive(r->tcb, r->text, 1, r->now), -TERN_ECONNREFUSED);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_ECONNREFUSED);
	assert_int_equal(status_of(r).error, -TERN_ECONNREFUSED);
	assert_int_equal(r->tcb->ready & (TERN_ERROR | TERN_CLOSED), TERN_ERROR | TERN_CLOSED);
	assert_int_equal(r->env.stats.AttemptFails, 1);
}

/* Figure 8, MUST-10: both open at once; each SYN-ACK is acknowledged. */
static void simultaneous_open_both_are_established(struct rig *r)
{
	opens_simultaneously(r);
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK, 0, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
	drain(r);
	assert_int_equal(r->out.seg.flags, TCP_ACK);
	assert_int_equal(r->out.seg.ack.v, r->irs + 1);
}

/* The SYN-ACK was lost: the peer's ACK of our SYN comes bare. */
static void simultaneous_open_bare_ack_is_enough(struct rig *r)
{
	opens_simultaneously(r);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
}

/* The window on the SYN-ACK of a simultaneous open is that of a SYN: not scaled (RFC 7323 2.2; RFC7323-2.2-2). */
static void simultaneous_open_window_of_the_syn_ack_is_not_scaled(struct rig *r)
{
	r->peer.wscale = 7;
	r->peer.wnd = 1000;
	opens_simultaneously(r);
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK, 0, 1, 0), TERN_VERDICT_ACCEPTED);
	assert_int_equal(status_of(r).snd_wnd, 1000);
	assert_int_equal(status_of(r).snd_max_wnd, 1000);
	rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).snd_wnd, 1000 << 7);
}

/* The peer's SYN crosses ours before ours has even left. */
static void simultaneous_open_before_our_syn_left(struct rig *r)
{
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	assert_int_equal(rx(r, TCP_SYN, 0, 0, 0), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	writes(r, 1, 10);
	rx(r, TCP_ACK, 1, 1, 0);
	sends(r, TCP_ACK, 1, 1, 10);
}

/* Figure 9 at A's end: the answer to an old duplicate SYN, seen as an ACK of nothing. */
static void figure_9_ack_of_an_old_syn_is_answered_with_rst(struct rig *r)
{
	struct tcp_segment reset, seg;

	opens(r);
	seg = rig_segment(r, TCP_SYN | TCP_ACK, 300, 91 - 100u, 0);
	assert_int_equal(rig_arrive(r, &seg), TERN_VERDICT_BAD_ACK);
	emit_reset_for(&reset, &seg);
	assert_int_equal(reset.flags, TCP_RST);
	assert_int_equal(reset.seq.v, seg.ack.v);
	assert_int_equal(reset.src_port, 40000);
	in_state(r, SYN_SENT);
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK, 0, 1, 0), TERN_VERDICT_ACCEPTED);
}

/* MUST-22: the SYN goes again, 1, 2, 4 ... seconds apart; MUST-23: for three minutes at least. */
static void syn_sent_silence_ends_after_three_minutes(struct rig *r)
{
	tern_time begun;
	unsigned  n = 0;

	opens(r);
	begun = r->now;
	for (tern_time dt = TERN_SECOND; r->tcb->state == SYN_SENT;
	     dt = dt < 64 * TERN_SECOND ? 2 * dt : 120 * TERN_SECOND) {
		assert_int_equal(expires(r), dt);
		if (r->tcb->state == SYN_SENT)
			sends(r, TCP_SYN, 0, 0, 0);
		n++;
	}
	in_state(r, CLOSED);
	assert_true(r->now - begun >= 180 * TERN_SECOND && n >= 4);
	is_quiet(r);
	assert_int_equal(status_of(r).error, -TERN_ETIMEDOUT);
}

/* RFC 5681 3.1: after a lost SYN the window begins with one segment (RFC5681-3.1-4). */
static void lost_syn_window_begins_with_one_segment(struct rig *r)
{
	opens(r);
	expires(r);
	sends(r, TCP_SYN, 0, 0, 0);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 4 * RIG_MSS);
	sends(r, TCP_ACK, 1, 1, RIG_MSS);
	is_quiet(r);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(syn_sent_every_kind_of_segment),
		CASE(syn_sent_syn_ack_becomes_established),
		CASE(syn_sent_syn_ack_tells_the_program),
		CASE(syn_sent_queued_text_leaves_with_the_third_segment),
		CASE(syn_sent_shutdown_fin_leaves_after_the_handshake),
		CASE(syn_sent_syn_ack_with_text_and_fin),
		CASE(syn_sent_syn_ack_with_text_beyond_the_window),
		CASE(syn_sent_refused_tells_the_error),
		CASE(simultaneous_open_both_are_established),
		CASE(simultaneous_open_bare_ack_is_enough),
		CASE(simultaneous_open_window_of_the_syn_ack_is_not_scaled),
		CASE(simultaneous_open_before_our_syn_left),
		CASE(figure_9_ack_of_an_old_syn_is_answered_with_rst),
		CASE(syn_sent_silence_ends_after_three_minutes),
		CASE(lost_syn_window_begins_with_one_segment),
	};

	return RIG_RUN("arrive_syn_sent", cases);
}
