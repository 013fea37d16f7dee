/* ecn.c: RFC 3168 and RFC 9768, from the handshake on; the peer is the test. */
#include "tcp/ecn.h"
#include "tcp/path.h"
#include "unit/tcp_rig.h"

enum { ECE_CWR = TCP_ECE | TCP_CWR, ALL = TCP_AE | TCP_CWR | TCP_ECE, ACK = TCP_ACK };

static uint16_t ace(unsigned n)
{
	return (uint16_t)((n & 4 ? TCP_AE : 0) | (n & 2 ? TCP_CWR : 0) | (n & 1 ? TCP_ECE : 0));
}

/* Whether the segment that left last may be marked. */
static unsigned field(const struct rig *r)
{
	return r->out.traffic_class & 3u;
}

static void arrives_marked(struct rig *r, unsigned how, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	r->peer.traffic_class = (uint8_t)how;
	assert_int_equal(rx(r, flags, seq, ack, len), TERN_VERDICT_ACCEPTED);
	r->peer.traffic_class = 0;
}

/* Our SYN left with these flags, the peer's SYN-ACK with those; the third segment is left to the test. */
static void opens_ecn(struct rig *r, enum tern_ecn set, unsigned syn, unsigned answer)
{
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	assert_int_equal(tcp_option_set(r->tcb, TERN_ECN, set, r->now), 0);
	sends(r, TCP_SYN | syn, 0, 0, 0);
	assert_int_equal(field(r), ECN_NOT_ECT);
	assert_int_equal(tcp_option_set(r->tcb, TERN_ECN, set, r->now), -TERN_EISCONN);
	pass(r, ms(10));
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK | answer, 0, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
	r->tcb->quick = false;
	r->tcb->ready = 0;
}

static void classic(struct rig *r)
{
	opens_ecn(r, TERN_ECN_ON, ECE_CWR, TCP_ECE);
	sends(r, ACK, 1, 1, 0);
	assert_int_equal(field(r), ECN_NOT_ECT);
	assert_true(status_of(r).ecn_ok);
	assert_false(status_of(r).ecn_accurate);
}

static void accurate(struct rig *r)
{
	opens_ecn(r, TERN_ECN_ACCURATE, ALL, ace(2));
	sends(r, ACK | ace(2), 1, 1, 0);
	assert_true(status_of(r).ecn_accurate);
}

/* RFC 3168 6.1.1, RFC 9768 table 2: which answers agree on what. */
static void answers_to_our_syn(struct rig *r)
{
	static const struct {
		enum tern_ecn set;
		unsigned syn, answer; /* as ACE */
		bool ok, accurate, distrusted;
	} table[] = {
		{ TERN_ECN_OFF, 0, 1, false, false, false },
		{ TERN_ECN_ACCEPT, 0, 1, false, false, false },
		{ TERN_ECN_ON, 3, 0, false, false, false },
		{ TERN_ECN_ON, 3, 1, true, false, false },
		{ TERN_ECN_ON, 3, 3, false, false, false }, /* it echoes what it does not know */
		{ TERN_ECN_ON, 3, 5, true, false, false },  /* AE is none of RFC 3168's */
		{ TERN_ECN_ON, 3, 7, false, false, false },
		{ TERN_ECN_ACCURATE, 7, 0, false, false, false },
		{ TERN_ECN_ACCURATE, 7, 1, true, false, false },
		{ TERN_ECN_ACCURATE, 7, 2, true, true, false },
		{ TERN_ECN_ACCURATE, 7, 3, true, true, true }, /* our SYN was not ECT(1) */
		{ TERN_ECN_ACCURATE, 7, 4, true, true, true },
		{ TERN_ECN_ACCURATE, 7, 5, true, true, false },
		{ TERN_ECN_ACCURATE, 7, 6, true, true, true },
		{ TERN_ECN_ACCURATE, 7, 7, false, false, false },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		opens_ecn(r, table[i].set, ace(table[i].syn), ace(table[i].answer));
		sends(r, ACK | (table[i].accurate ? ace(2) : 0), 1, 1, 0);
		const struct tern_status status = status_of(r);

		assert_int_equal(status.ecn_ok, table[i].ok);
		assert_int_equal(status.ecn_accurate, table[i].accurate);
		assert_int_equal(status.ecn_mangled, table[i].distrusted);
		assert_int_equal(r->notes[TERN_NOTE_ECN_AGREED], table[i].ok);
		assert_int_equal(r->notes[TERN_NOTE_ECN_MANGLED], table[i].distrusted);
		writes(r, 1, 100);
		assert_true(tx(r));
		assert_int_equal(field(r), table[i].ok && !table[i].distrusted ? ECN_ECT0 : ECN_NOT_ECT);
	}
}

/* What a listener makes of a SYN (SHLD-8). */
static void answers_to_a_syn(struct rig *r)
{
	static const struct {
		enum tern_ecn set;
		unsigned syn, how, agreed, answer;
	} table[] = {
		{ TERN_ECN_OFF, 3, 0, ECN_NONE, 0 },
		{ TERN_ECN_OFF, 7, 0, ECN_NONE, 0 },
		{ TERN_ECN_ACCEPT, 0, 0, ECN_NONE, 0 },
		{ TERN_ECN_ACCEPT, 1, 0, ECN_NONE, 0 },
		{ TERN_ECN_ACCEPT, 2, 0, ECN_NONE, 0 },
		{ TERN_ECN_ACCEPT, 3, 0, ECN_CLASSIC, 1 },
		{ TERN_ECN_ACCEPT, 3, ECN_ECT0, ECN_NONE, 0 }, /* such a SYN is none of RFC 3168 */
		{ TERN_ECN_ACCEPT, 7, 0, ECN_CLASSIC, 1 },
		{ TERN_ECN_ON, 7, ECN_ECT1, ECN_CLASSIC, 1 },
		{ TERN_ECN_ACCURATE, 3, 0, ECN_CLASSIC, 1 },
		{ TERN_ECN_ACCURATE, 7, ECN_NOT_ECT, ECN_ACCURATE, 2 },
		{ TERN_ECN_ACCURATE, 7, ECN_ECT1, ECN_ACCURATE + ECN_ECT1, 3 },
		{ TERN_ECN_ACCURATE, 7, ECN_ECT0, ECN_ACCURATE + ECN_ECT0, 4 },
		{ TERN_ECN_ACCURATE, 7, ECN_CE, ECN_ACCURATE + ECN_CE, 6 },
		{ TERN_ECN_ACCURATE, 5, 0, ECN_ACCURATE, 2 }, /* RFC 9768 3.1.3: for the future */
		{ TERN_ECN_ACCURATE, 0, 0, ECN_NONE, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct tcp_segment syn = rig_segment(r, TCP_SYN | ace(table[i].syn), 0, 0, 0);
		const uint8_t agreed = ecn_agree(table[i].set, &syn, (uint8_t)(0x48 | table[i].how));

		assert_int_equal(agreed, table[i].agreed);
		assert_int_equal(ecn_syn_ack_flags(agreed), ace(table[i].answer));
	}
}

/* A path may drop SYNs with these flags: RFC 3168 6.1.1.1, RFC 9768 3.1.4.1. */
static void syn_again_does_without(struct rig *r)
{
	static const struct {
		enum tern_ecn set;
		unsigned flags[4];
	} table[] = { { TERN_ECN_ON, { 3, 0, 0, 0 } }, { TERN_ECN_ACCURATE, { 7, 7, 0, 0 } } };

	for (size_t i = 0; i < 2; i++) {
		rig_end(r);
		rig_begin(r);
		assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
		assert_int_equal(tcp_option_set(r->tcb, TERN_ECN, table[i].set, r->now), 0);
		for (unsigned k = 0; k < 4; k++) {
			sends(r, TCP_SYN | ace(table[i].flags[k]), 0, 0, 0);
			expires(r);
		}
	}
}

/* RFC 3168 6.1.1, 6.1.4, 6.1.5, 6.1.6: new text alone may be marked. */
static void only_new_text_is_capable(struct rig *r)
{
	classic(r);
	r->tcb->nodelay = true;
	assert_int_equal(tcp_option_set(r->tcb, TERN_TRAFFIC_CLASS, 0x2e << 2, r->now), 0);
	writes(r, 1, 100);
	sends(r, ACK, 1, 1, 100);
	assert_int_equal(r->out.traffic_class, 0x2e << 2 | ECN_ECT0);
	expires(r); /* a probe or the time-out: either way again */
	while (tx(r))
		if (r->out.retransmitted)
			assert_int_equal(field(r), ECN_NOT_ECT);
	rx(r, ACK, 1, 101, 0);
	arrives_marked(r, 0, ACK, 1, 101, 100);
	expires(r);
	assert_true(tx(r));
	assert_int_equal(r->out.seg.text_len, 0);
	assert_int_equal(field(r), ECN_NOT_ECT);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	assert_true(tx(r));
	assert_true(r->out.seg.flags & TCP_FIN);
	assert_int_equal(field(r), ECN_NOT_ECT);
}

/* 6.1.3: ECE from the mark on, until CWR; a mark together with CWR begins anew (SHLD-8). */
static void ece_until_cwr(struct rig *r)
{
	classic(r);
	arrives_marked(r, ECN_ECT0, ACK, 1, 1, 100);
	expires(r);
	sends(r, ACK, 1, 101, 0);
	arrives_marked(r, ECN_CE, ACK, 101, 1, 100);
	sends(r, ACK | TCP_ECE, 1, 201, 0); /* at once */
	assert_int_equal(r->notes[TERN_NOTE_CE_RECEIVED], 1);
	arrives_marked(r, ECN_ECT0, ACK, 201, 1, 100);
	writes(r, 1, 50);
	sends(r, ACK | TCP_ECE, 1, 301, 50); /* on text too */
	arrives_marked(r, ECN_CE, ACK | TCP_CWR, 301, 51, 100);
	sends(r, ACK | TCP_ECE, 51, 401, 0);
	arrives_marked(r, ECN_ECT0, ACK | TCP_CWR, 401, 51, 100);
	sends(r, ACK, 51, 501, 0);
	assert_int_equal(status_of(r).received_ce, 2);
	/* What is not acceptable says nothing. */
	r->peer.traffic_class = ECN_CE;
	rx(r, ACK, 101, 51, 100);
	rx(r, ACK, 501, 51, 0);
	r->peer.traffic_class = 0;
	sends(r, ACK, 51, 501, 0);
	assert_int_equal(status_of(r).received_ce, 3); /* counted, but a bare ACK is not echoed */
}

/* Twenty segments fly. */
static void flies(struct rig *r)
{
	tcb_warm_up(r->tcb, r->now)->cc.cwnd = 20 * RIG_MSS;
	writes(r, 1, 20 * RIG_MSS);
	assert_int_equal(drain(r), 20);
}

/* 6.1.2: as for a loss, once a window (RFC 8511: 0.8), and CWR on the next new text, once (SHLD-8). */
static void one_reduction_a_window_and_cwr(struct rig *r)
{
	classic(r);
	flies(r);
	rx(r, ACK | TCP_ECE, 1, 1 + RIG_MSS, 0);
	const uint32_t reduced = status_of(r).ssthresh;

	assert_int_equal(reduced, 20 * RIG_MSS * 8 / 10);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_CWR);
	writes(r, 1 + 20 * RIG_MSS, 20 * RIG_MSS);
	sends(r, ACK | TCP_CWR, 1 + 20 * RIG_MSS, 1, RIG_MSS);
	for (uint32_t i = 2; i <= 19; i++) {
		rx(r, ACK | TCP_ECE, 1, 1 + i * RIG_MSS, 0);
		while (tx(r))
			assert_false(r->out.seg.flags & TCP_CWR);
	}
	assert_int_equal(status_of(r).ssthresh, reduced); /* not again */
	assert_int_equal(r->congestion[TERN_CONGESTION_ECN], 1);
	rx(r, ACK, 1, 1 + 20 * RIG_MSS, 0); /* all of that window */
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
	assert_int_equal(status_of(r).cwnd, reduced); /* and not grown meanwhile */
	drain(r);
	rx(r, ACK | TCP_ECE, 1, 1 + 21 * RIG_MSS, 0);
	assert_int_equal(r->congestion[TERN_CONGESTION_ECN], 2);
	assert_true(status_of(r).ssthresh < reduced);
	assert_true(status_of(r).delivered_ce >= 11);
	assert_int_equal(r->env.stats.TCPDeliveredCE, status_of(r).delivered_ce);
}

/* What carries CWR goes as one segment, or the link would repeat it. */
static void cwr_goes_alone(struct rig *r)
{
	struct tcp_out out;

	classic(r);
	flies(r);
	rx(r, ACK | TCP_ECE, 1, 1 + 5 * RIG_MSS, 0);
	rx(r, ACK, 1, 1 + 15 * RIG_MSS, 0);
	writes(r, 1 + 20 * RIG_MSS, 8 * RIG_MSS);
	assert_true(tcp_emit(r->tcb, 65535, r->now, &out));
	assert_true(out.seg.flags & TCP_CWR);
	assert_int_equal(out.seg.text_len, RIG_MSS);
	assert_int_equal(out.gso_size, 0);
	assert_true(tcp_emit(r->tcb, 65535, r->now, &out));
	assert_false(out.seg.flags & TCP_CWR);
	assert_true(out.seg.text_len > RIG_MSS);
	assert_int_equal(out.traffic_class & 3, ECN_ECT0);
}

/* 6.1.2: a loss tells the peer as well that it may stop: CWR goes with new text, not with what goes again. */
static void loss_sends_cwr_too(struct rig *r)
{
	classic(r);
	writes(r, 1, 3 * RIG_MSS);
	drain(r);
	while (r->congestion[TERN_CONGESTION_TIMEOUT] == 0)
		expires(r);
	assert_true(tx(r));
	assert_true(r->out.retransmitted);
	assert_false(r->out.seg.flags & TCP_CWR);
	assert_int_equal(field(r), ECN_NOT_ECT);
	writes(r, 1 + 3 * RIG_MSS, 2 * RIG_MSS);
	rx(r, ACK, 1, 1 + 2 * RIG_MSS, 0);
	while (tx(r) && r->out.retransmitted)
		assert_false(r->out.seg.flags & TCP_CWR);
	assert_int_equal(r->out.seg.seq.v - r->iss, 1 + 3 * RIG_MSS);
	assert_true(r->out.seg.flags & TCP_CWR);
	assert_int_equal(field(r), ECN_ECT0);
}

static void syn_recovered_without_ecn_is_plain(struct rig *r)
{
	classic(r);
	rig_end(r);
	rig_begin(r);
	established(r);
	arrives_marked(r, ECN_CE, ACK, 1, 1, 100);
	expires(r);
	sends(r, ACK, 1, 101, 0);
	writes(r, 1, 100);
	sends(r, ACK, 1, 101, 100);
	assert_int_equal(field(r), ECN_NOT_ECT);
	const uint32_t cwnd = status_of(r).cwnd;

	rx(r, ACK | TCP_ECE, 101, 101, 0);
	assert_true(status_of(r).cwnd >= cwnd);
}

/* ---- accurate ---- */

/* Table 3: the ACK of the SYN-ACK tells how that came; and r.cep begins at 5, or 6. */
static void third_segment_tells_of_the_second(struct rig *r)
{
	static const struct {
		unsigned how, told, next;
	} table[] = { { ECN_NOT_ECT, 2, 5 }, { ECN_ECT1, 3, 5 }, { ECN_ECT0, 4, 5 }, { ECN_CE, 6, 6 } };

	for (size_t i = 0; i < 4; i++) {
		rig_end(r);
		rig_begin(r);
		r->peer.traffic_class = (uint8_t)table[i].how;
		opens_ecn(r, TERN_ECN_ACCURATE, ALL, ace(2));
		r->peer.traffic_class = 0;
		sends(r, ACK | ace(table[i].told), 1, 1, 0);
		arrives_marked(r, ECN_ECT0, ACK | ace(5), 1, 1, 100);
		expires(r);
		sends(r, ACK | ace(table[i].next), 1, 101, 0);
	}
}

/* The server's side of it, table 4. */
static void third_segment_is_judged(struct rig *r)
{
	static const struct {
		unsigned told;
		bool distrusted;
	} table[] = { { 0, true }, { 1, false }, { 2, false }, { 3, true }, { 4, true }, { 5, false }, { 6, true },
		      { 7, false } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct tcp_agreement agreed = { .iss = { r->iss }, .ts_offset = 77, .ecn = ECN_ACCURATE };
		const uint16_t our_mss = tcp_mss_for_mtu(RIG_MTU, false);

		rig_end(r);
		rig_begin(r);
		const struct tcp_segment syn = rig_segment(r, TCP_SYN | ALL, 0, 0, 0);

		tcp_agree(&r->env, &agreed, &syn, our_mss, false);
		tcp_open_from_half(r->tcb, &agreed, RIG_MTU, r->now);
		rx(r, ACK | ace(table[i].told), 1, 1, 0);
		in_state(r, ESTABLISHED);
		assert_true(status_of(r).ecn_accurate);
		assert_int_equal(status_of(r).ecn_mangled, table[i].distrusted);
		writes(r, 1, 100);
		assert_true(tx(r));
		assert_int_equal(field(r), table[i].distrusted ? ECN_NOT_ECT : ECN_ECT0);
	}
}

static void marks_are_counted(struct rig *r)
{
	uint32_t seq = 1;

	accurate(r);
	for (unsigned i = 1; i <= 20; i++, seq += 100) {
		arrives_marked(r, ECN_CE, ACK | ace(5), seq, 1, 100);
		sends(r, ACK | ace((5 + i) & 7), 1, seq + 100, 0);
		assert_int_equal(r->out.seg.opt.n_accecn, 3);
		assert_false(r->out.seg.opt.accecn_1);
		assert_int_equal(r->out.seg.opt.accecn[1], i * 100);
	}
	arrives_marked(r, ECN_ECT0, ACK | ace(5), seq, 1, 1000);
	seq += 1000;
	arrives_marked(r, ECN_ECT1, ACK | ace(5), seq, 1, 3000 / 2);
	seq += 3000 / 2;
	writes(r, 1, 50);
	sends(r, ACK | ace((5 + 20) & 7), 1, seq, 50);
	assert_int_equal(r->out.seg.opt.n_accecn, 0); /* text keeps its room */
	arrives_marked(r, ECN_CE, ACK | ace(5), seq, 51, 100);
	sends(r, ACK | ace((5 + 21) & 7), 51, seq + 100, 0);
	assert_true(r->out.seg.opt.accecn_1); /* more came as ECT(1): that is first */
	assert_int_equal(r->out.seg.opt.accecn[0], 1 + 1500);
	assert_int_equal(r->out.seg.opt.accecn[1], 2100);
	assert_int_equal(r->out.seg.opt.accecn[2], 1 + 1000);
	assert_int_equal(status_of(r).received_ce, 21);
}

static void acked_with(struct rig *r, uint32_t ack, unsigned told, int64_t ceb)
{
	struct tcp_segment seg = rig_segment(r, ACK | ace(told), 1, ack, 0);

	if (ceb >= 0) {
		seg.opt.n_accecn = 3;
		seg.opt.accecn[0] = 1;
		seg.opt.accecn[1] = (uint32_t)ceb & 0xffffff;
		seg.opt.accecn[2] = 1;
	}
	assert_int_equal(rig_arrive(r, &seg), TERN_VERDICT_ACCEPTED);
}

/* How many of ours were marked, where ACE alone leaves it open (A.1). */
static void feedback_is_read(struct rig *r)
{
	static const struct {
		unsigned segments, told;
		int64_t ceb;
		unsigned marked;
	} table[] = {
		{ 2, 5, -1, 0 },  { 2, 6, -1, 1 },   { 3, 0, -1, 3 },	  { 2, 7, 2 * RIG_MSS, 2 },
		{ 10, 6, -1, 9 }, { 10, 6, RIG_MSS, 1 }, { 10, 6, 9 * RIG_MSS, 9 }, { 10, 5, 0, 0 },
		{ 10, 5, 8 * RIG_MSS, 8 }, { 18, 7, 2 * RIG_MSS, 2 }, { 18, 7, 10 * RIG_MSS, 10 },
		{ 18, 7, 18 * RIG_MSS, 18 }, { 8, 5, -1, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		accurate(r);
		acked_with(r, 1, 5, 0);
		flies(r);
		acked_with(r, 1 + table[i].segments * RIG_MSS, table[i].told, table[i].ceb);
		assert_int_equal(status_of(r).delivered_ce, table[i].marked);
		assert_int_equal(r->congestion[TERN_CONGESTION_ECN], table[i].marked > 0);
	}
}

/* An old ACK overtaken by a newer one does not count backwards (or seven ahead). */
static void old_feedback_is_not_read(struct rig *r)
{
	accurate(r);
	acked_with(r, 1, 5, 0);
	flies(r);
	acked_with(r, 1 + 4 * RIG_MSS, 6, RIG_MSS);
	assert_int_equal(status_of(r).delivered_ce, 1);
	acked_with(r, 1 + 2 * RIG_MSS, 5, 0);
	acked_with(r, 1 + 4 * RIG_MSS, 5, 0);
	assert_int_equal(status_of(r).delivered_ce, 1);
	acked_with(r, 1 + 6 * RIG_MSS, 6, RIG_MSS);
	assert_int_equal(status_of(r).delivered_ce, 1);
}

/* 3.2.2.4: the first ACE of a peer is never 0 unless somebody clears it; we tell on, and believe nothing. */
static void cleared_ace_is_not_believed(struct rig *r)
{
	accurate(r);
	arrives_marked(r, ECN_CE, ACK, 1, 1, 100);
	assert_true(status_of(r).ecn_mangled);
	assert_int_equal(r->notes[TERN_NOTE_ECN_MANGLED], 1);
	sends(r, ACK | ace(6), 1, 101, 0);
	writes(r, 1, 1000);
	assert_true(tx(r));
	assert_int_equal(field(r), ECN_NOT_ECT);
	const uint32_t cwnd = status_of(r).cwnd;

	rx(r, ACK | ace(7), 101, 1001, 0);
	assert_true(status_of(r).cwnd >= cwnd);
	assert_int_equal(status_of(r).delivered_ce, 0);
	assert_int_equal(r->env.stats.TernEcnMangled, 1);
}

/* No memory for the counts: without ECN, and the peer can tell by ACE 0. */
static void without_memory_without_ecn(struct rig *r)
{
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	assert_int_equal(tcp_option_set(r->tcb, TERN_ECN, TERN_ECN_ACCURATE, r->now), 0);
	sends(r, TCP_SYN | ALL, 0, 0, 0);
	r->memory.fail_all = true;
	rx(r, TCP_SYN | TCP_ACK | ace(2), 0, 1, 0);
	r->memory.fail_all = false;
	in_state(r, ESTABLISHED);
	assert_false(status_of(r).ecn_ok);
	sends(r, ACK, 1, 1, 0);
}

static uint8_t record[1 << 16];

static void survives_packing_and_memory_pressure(struct rig *r)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		rig_end(r);
		rig_begin(r);
		if (kind)
			accurate(r);
		else
			classic(r);
		arrives_marked(r, ECN_CE, ACK | (kind ? ace(5) : 0), 1, 1, 100);
		drain(r);
		assert_null(r->tcb->warm);
		assert_false(tcp_shed(r->tcb)); /* the peer counts on it */
		const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

		tcp_release(r->tcb);
		tcb_pool_put(&r->pool, r->tcb);
		r->tcb = tcb_pool_get(&r->pool);
		r->tcb->held = true;
		assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
		assert_int_equal(status_of(r).ecn_accurate, kind);
		assert_int_equal(status_of(r).received_ce, 1);
		arrives_marked(r, ECN_CE, ACK | (kind ? ace(5) : 0), 101, 1, 100);
		if (!kind) /* it is echoed already: no hurry */
			expires(r);
		sends(r, ACK | (kind ? ace(7) : TCP_ECE), 1, 201, 0);
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(answers_to_our_syn),
		CASE(answers_to_a_syn),
		CASE(syn_again_does_without),
		CASE(only_new_text_is_capable),
		CASE(ece_until_cwr),
		CASE(one_reduction_a_window_and_cwr),
		CASE(cwr_goes_alone),
		CASE(loss_sends_cwr_too),
		CASE(syn_recovered_without_ecn_is_plain),
		CASE(third_segment_tells_of_the_second),
		CASE(third_segment_is_judged),
		CASE(marks_are_counted),
		CASE(feedback_is_read),
		CASE(old_feedback_is_not_read),
		CASE(cleared_ace_is_not_believed),
		CASE(without_memory_without_ecn),
		CASE(survives_packing_and_memory_pressure),
	};

	return RIG_RUN("ecn", cases);
}
