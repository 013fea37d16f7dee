/* window.c: RFC 9293 3.8.6: what we offer, what we are offered; zero-window probes with timers.c and emit.c. */
#include "support/random.h"
#include "unit/tcp_rig.h"

static void offers(struct rig *r, uint32_t wnd)
{
	assert_int_equal((uint32_t)r->out.seg.wnd << r->tcb->rcv.wscale, wnd);
}

/* ---- what we offer ---- */

/* SHLD-14: the right edge is never taken back, though the buffer becomes smaller (RFC7323-2.4-1). */
static void right_edge_is_never_taken_back(struct rig *r)
{
	established(r);
	offers(r, 65535);
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 1000, r->now);
	rx(r, TCP_ACK, 1, 1, 1460);
	rx(r, TCP_ACK, 1461, 1, 1460);
	sends(r, TCP_ACK, 1, 2921, 0);
	offers(r, 65535 - 2920);
}

/* MUST-39 (RFC 9293 3.8.6.2.2): with a buffer of 4000 the edge moves by min(2000, a segment) at least. */
static void edge_moves_by_a_segment_or_half_the_buffer(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 4000, r->now);
	established(r);
	offers(r, 4000);
	rx(r, TCP_ACK, 1, 1, 1460);
	rx(r, TCP_ACK, 1461, 1, 1460);
	sends(r, TCP_ACK, 1, 2921, 0);
	offers(r, 1080);
	rx(r, TCP_ACK, 2921, 1, 1080);
	expires(r);
	sends(r, TCP_ACK, 1, 4001, 0);
	offers(r, 0);
	assert_int_equal(r->notes[TERN_NOTE_ZERO_WINDOW_SENT], 1);
	reads(r, 1, 1459);
	is_quiet(r); /* one octet too few */
	reads(r, 1460, 1);
	sends(r, TCP_ACK, 1, 4001, 0);
	offers(r, 1460);
	assert_int_equal(r->notes[TERN_NOTE_WINDOW_OPENED], 1);
	is_quiet(r);
	reads(r, 1461, 2540);
	sends(r, TCP_ACK, 1, 4001, 0);
	offers(r, 4000);
}

/* The last eighth of the budget is promised in pieces of a segment, and to those alone whose programs read. */
static void short_of_memory_one_segment_to_a_reader(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 4000, r->now);
	established(r);
	rx(r, TCP_ACK, 1, 1, 1460);
	rx(r, TCP_ACK, 1461, 1, 1460);
	sends(r, TCP_ACK, 1, 2921, 0);
	rx(r, TCP_ACK, 2921, 1, 1080);
	expires(r);
	sends(r, TCP_ACK, 1, 4001, 0);
	offers(r, 0);

	const size_t limit = r->mem.limit;
	r->mem.limit = r->mem.reserve + r->mem.used;
	assert_true(mem_is_tight(&r->mem));
	reads(r, 1, 2540);
	is_quiet(r);
	reads(r, 2541, 1460);
	sends(r, TCP_ACK, 1, 4001, 0);
	offers(r, 1461);
	r->mem.limit = limit;
	assert_false(mem_is_tight(&r->mem));
	rx(r, TCP_ACK, 4001, 1, 1460);
	reads(r, 4001, 1460);
	sends(r, TCP_ACK, 1, 5461, 0);
	offers(r, 4000);
}

/* RFC 7323 2.3, 2.4: the field rounds down; what is accepted keeps to what was promised (RFC7323-2.4-1). */
static void scaled_window_rounds_down(struct rig *r)
{
	r->peer.wscale = 0;
	established(r);
	assert_int_equal(r->tcb->rcv.wscale, 11);
	offers(r, 256 * 1024);
	rx(r, TCP_ACK, 1, 1, 100);
	expires(r);
	sends(r, TCP_ACK, 1, 101, 0);
	offers(r, 256 * 1024 - 2048);
	assert_true(rcv_wnd(r->tcb) >= 256 * 1024 - 100);
}

static void window_without_scale_is_at_most_65535(struct rig *r)
{
	established(r);
	offers(r, 65535);
	assert_int_equal(window_buffer(r->tcb), 65535);
}

/* ---- what we are offered ---- */

/* 3.10.7.4, fifth: SND.WL1 and SND.WL2 keep old segments from bringing an old window back. */
static void window_follows_the_newest_segment(struct rig *r)
{
	static const struct {
		uint32_t seq, ack;
		bool	 taken;
	} table[] = {
		{ 11, 101, true },  /* newer SEG.SEQ */
		{ 1, 101, true },   /* same SEG.SEQ, same ACK */
		{ 1, 201, true },   /* same SEG.SEQ, newer ACK */
		{ 1, 51, false },   /* older ACK */
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		writes(r, 1, 200);
		drain(r);
		rx(r, TCP_ACK, 1, 101, 0);
		r->peer.wnd = 7777;
		rx(r, TCP_ACK, table[i].seq, table[i].ack, 0);
		assert_int_equal(status_of(r).snd_wnd, table[i].taken ? 7777 : 65535);
	}
}

/* MUST-1, REC-1: 16 unsigned bits, scaled to 32 (RFC7323-2.3-1). */
static void window_is_unsigned_and_scaled(struct rig *r)
{
	r->peer.wscale = 14;
	r->peer.wnd = 0xffff;
	established(r);
	assert_int_equal(status_of(r).snd_wnd, 0xffff);
	rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).snd_wnd, 0xffffu << 14);
	assert_int_equal(status_of(r).snd_max_wnd, 0xffffu << 14);
}

/* MUST-34, SHLD-15, SHLD-16: the peer takes its edge back: nothing new leaves, what flies is retransmitted.
 * (MAY-7, RFC7323-2.4-2, RFC7323-2.4-3) */
static void shrunk_window_sends_nothing_new(struct rig *r)
{
	established(r);
	writes(r, 1, 8 * RIG_MSS);
	assert_int_equal(drain(r), 8);
	writes(r, 1 + 8 * RIG_MSS, 2 * RIG_MSS);
	r->peer.wnd = 1000;
	rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(window_usable(r->tcb), 0);
	assert_int_equal(r->notes[TERN_NOTE_WINDOW_SHRUNK], 1);
	drain(r);
	assert_int_equal(status_of(r).snd_nxt, r->iss + 1 + 10 * RIG_MSS - 2 * RIG_MSS);
	expires(r);
	sends(r, TCP_ACK, 1, 1, RIG_MSS);
	r->peer.wnd = 65535;
	rx(r, TCP_ACK, 1, 1 + 8 * RIG_MSS, 0);
	sends(r, TCP_ACK, 1 + 8 * RIG_MSS, 1, RIG_MSS);
}

/* SHLD-17: the edge is taken back to what is acknowledged, and stays there for hours: while the peer answers, what
 * flies beyond it is no reason to give up. */
static void shrunk_window_times_nobody_out(struct rig *r)
{
	established(r);
	writes(r, 1, 4 * RIG_MSS);
	assert_int_equal(drain(r), 4);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 1, 0);
	for (const tern_time until = r->now + 4 * 3600 * TERN_SECOND; r->now < until;) {
		expires(r);
		drain(r);
		rx(r, TCP_ACK, 1, 1, 0);
		in_state(r, ESTABLISHED);
	}
	r->peer.wnd = 65535;
	rx(r, TCP_ACK, 1, 1, 0);
	sends(r, TCP_ACK, 1, 1, RIG_MSS);
}

/* ---- zero windows, 3.8.6.1 ---- */

/* MAY-8: a program that does not read keeps its window shut as long as it likes; every probe is answered. */
static void window_stays_shut_while_nobody_reads(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 4000, r->now);
	while (rcv_wnd(r->tcb) > 0) {
		rx(r, TCP_ACK, 1 + tcb_unread(r->tcb), 1, min_u32(rcv_wnd(r->tcb), 1000));
		pass(r, ms(50));
		tcp_expire(r->tcb, r->now);
		drain(r);
	}
	const uint32_t n = tcb_unread(r->tcb);

	for (unsigned i = 0; i < 200; i++) {
		pass(r, 120 * TERN_SECOND);
		tcp_expire(r->tcb, r->now);
		is_quiet(r);
		rx(r, TCP_ACK, 1 + n, 1, 1);
		sends(r, TCP_ACK, 1, 1 + n, 0);
		assert_int_equal(r->out.seg.wnd, 0);
	}
	reads(r, 1, n);
	sends(r, TCP_ACK, 1, 1 + n, 0);
	assert_true(r->out.seg.wnd > 0);
}

static void shut(struct rig *r)
{
	established(r);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(r->notes[TERN_NOTE_ZERO_WINDOW_RECEIVED], 1);
	writes(r, 1, 3000);
	is_quiet(r);
}

/* MUST-36; SHLD-29: first after an RTO; SHLD-30: then twice as long each time; MUST-37: as long as the
 * peer answers, for ever. */
static void zero_window_is_probed_with_back_off_and_without_end(struct rig *r)
{
	const tern_time rto = ms(210);
	tern_time expected = rto;

	shut(r);
	assert_int_equal(expires(r), rto);
	sends(r, TCP_ACK, 1, 1, 1);
	assert_true(r->out.probe);
	is_quiet(r);
	rx(r, TCP_ACK, 1, 1, 0);
	for (unsigned i = 0; i < 100; i++) {
		expected = expected * 2 < 120 * TERN_SECOND ? expected * 2 : 120 * TERN_SECOND;
		assert_int_equal(expires(r), expected);
		sends(r, TCP_ACK, 1, 1, 1);
		assert_true(r->out.probe);
		is_quiet(r);
		rx(r, TCP_ACK, 1, 1, 0);
		is_quiet(r);
	}
	in_state(r, ESTABLISHED);
	assert_int_equal(r->notes[TERN_NOTE_R1], 0);
	assert_true(r->env.stats.TCPWinProbe >= 100);
	assert_int_equal(status_of(r).ssthresh, CC_NO_SSTHRESH); /* no congestion */
}

/* Unanswered it is a dead path: R2. */
static void zero_window_probes_unanswered_end_by_r2(struct rig *r)
{
	tern_time begun;

	shut(r);
	begun = r->now;
	while (r->tcb->state != CLOSED) {
		expires(r);
		drain(r);
	}
	assert_true(r->now - begun >= 924 * TERN_SECOND);
	assert_true(r->now - begun <= (924 + 240) * TERN_SECOND);
	assert_int_equal(status_of(r).error, -TERN_ETIMEDOUT);
}

/* The window opens: the probe's octet first and at once, then the rest. */
static void zero_window_opens_text_flows(struct rig *r)
{
	shut(r);
	expires(r);
	sends(r, TCP_ACK, 1, 1, 1);
	pass(r, ms(30));
	r->peer.wnd = 65535;
	rx(r, TCP_ACK, 1, 1, 0);
	sends(r, TCP_ACK, 1, 1, 1);
	sends(r, TCP_ACK, 2, 1, RIG_MSS);
	sends(r, TCP_ACK, 1462, 1, RIG_MSS);
	is_quiet(r); /* the last 79: Nagle */
	rx(r, TCP_ACK, 1, 2922, 0);
	sends(r, TCP_ACK, 2922, 1, 79);
	rx(r, TCP_ACK, 1, 3001, 0);
	assert_int_equal(status_of(r).unacked, 0);
}

/* The peer took the probe's octet. */
static void zero_window_probe_accepted_goes_on(struct rig *r)
{
	shut(r);
	expires(r);
	sends(r, TCP_ACK, 1, 1, 1);
	rx(r, TCP_ACK, 1, 2, 0);
	is_quiet(r);
	expires(r);
	sends(r, TCP_ACK, 2, 1, 1);
}

/* A FIN alone is probed too. */
static void zero_window_fin_is_its_own_probe(struct rig *r)
{
	established(r);
	r->peer.wnd = 0;
	rx(r, TCP_ACK, 1, 1, 0);
	tcp_shutdown(r->tcb, r->now);
	is_quiet(r);
	expires(r);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	in_state(r, FIN_WAIT_1);
	rx(r, TCP_ACK, 1, 2, 0);
	in_state(r, FIN_WAIT_2);
}

/* Both windows are shut and both probe: a bare ACK must lie where the peer looks at it (3.10.7.4, first). */
static void zero_windows_both_ways_bare_ack_stays_in_the_peers_window(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 4000, r->now);
	shut(r);
	rx(r, TCP_ACK, 1, 1, 2000);
	rx(r, TCP_ACK, 2001, 1, 2000);
	drain(r);
	expires(r);
	sends(r, TCP_ACK, 1, 4001, 1); /* our probe: SND.NXT is one beyond the peer's window now */
	reads(r, 1, 4000);
	sends(r, TCP_ACK, 1, 4001, 0); /* the window opens: not at 2 */
	offers(r, 4000);
}

/* R1's advice is about silence, the orphan's end about a program that has let go. */
static void zero_window_orphan_ends(struct rig *r)
{
	shut(r);
	tcp_close(r->tcb, r->now);
	const tern_time begun = r->now;

	while (r->tcb->state != CLOSED) {
		expires(r);
		drain(r);
		if (r->tcb->state != CLOSED)
			rx(r, TCP_ACK, 1, 1, 0);
	}
	assert_true(r->now - begun <= 61 * TERN_SECOND);
}

/* ---- most segments, which move no edge ---- */

static void anything(struct chance *chance, struct tcb *tcb)
{
	const uint32_t open = (uint32_t)chance_below(chance, chance_percent(chance, 20) ? 40 : 300000);
	const uint32_t unread = (uint32_t)chance_below(chance, chance_percent(chance, 50) ? 1 : 5000);
	uint32_t buffer = (uint32_t)chance_below(chance, 300000);

	tcb->rcv.wscale = (uint8_t)chance_below(chance, 8);
	tcb->rcv.mss = (uint16_t)chance_between(chance, 0, 1460);
	tcb->rcv.wnd_edge = seq_add(tcb->rcv.nxt, open);
	tcb->rcv.read = seq_add(tcb->rcv.nxt, 0u - unread);
	tcb->zero_window_told = chance_percent(chance, 10);
	if (chance_percent(chance, 70))
		buffer = open + (uint32_t)chance_below(chance, 3000);
	else if (chance_percent(chance, 50)) /* where the edge just moves, or just does not */
		buffer = open + tcb->rcv.mss - 1 + (uint32_t)chance_below(chance, 3);
	tcb_cold(tcb)->receive_buffer = buffer;
}

/* What is decided at a glance is what a second look at edge and memory says. */
static void window_at_a_glance_is_the_window(struct rig *r)
{
	struct chance chance = { 0x5eed };

	established(r);
	const struct tcb begun = *r->tcb;

	for (unsigned i = 0; i < 20000; i++) {
		anything(&chance, r->tcb);
		const struct tcb asked = *r->tcb;
		const uint16_t glance = window_to_send(r->tcb, false, r->now);
		const seq_t edge = r->tcb->rcv.wnd_edge;
		const bool told = r->tcb->zero_window_told;

		*r->tcb = asked;
		assert_int_equal(glance, window_to_send_anew(r->tcb, false, r->now));
		assert_int_equal(edge.v, r->tcb->rcv.wnd_edge.v);
		assert_int_equal(told, r->tcb->zero_window_told);
	}
	*r->tcb = begun;
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(right_edge_is_never_taken_back),
		CASE(edge_moves_by_a_segment_or_half_the_buffer),
		CASE(short_of_memory_one_segment_to_a_reader),
		CASE(scaled_window_rounds_down),
		CASE(window_without_scale_is_at_most_65535),
		CASE(window_follows_the_newest_segment),
		CASE(window_is_unsigned_and_scaled),
		CASE(shrunk_window_sends_nothing_new),
		CASE(shrunk_window_times_nobody_out),
		CASE(window_stays_shut_while_nobody_reads),
		CASE(zero_window_is_probed_with_back_off_and_without_end),
		CASE(zero_window_probes_unanswered_end_by_r2),
		CASE(zero_window_opens_text_flows),
		CASE(zero_window_probe_accepted_goes_on),
		CASE(zero_window_fin_is_its_own_probe),
		CASE(zero_windows_both_ways_bare_ack_stays_in_the_peers_window),
		CASE(zero_window_orphan_ends),
		CASE(window_at_a_glance_is_the_window),
	};

	return RIG_RUN("window", cases);
}
