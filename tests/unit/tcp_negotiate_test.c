/* negotiate.c: what SYNs agree on, MSS arithmetic, window scale, ISN and timestamp offsets. */
#include "tcp/negotiate.h"
#include "unit/tcp_rig.h"

/* MUST-67: what we announce is at most MMS_R - 20. */
static void mss_for_mtu_leaves_room_for_the_headers(struct rig *r)
{
	static const struct {
		uint32_t mtu;
		bool	 v6;
		uint16_t mss;
	} table[] = {
		{ 1500, false, 1460 },	   { 1500, true, 1440 },    { 576, false, 536 },
		{ 1280, true, 1220 },	   { 68, false, 28 },	    { 40, false, 1 },
		{ 0, false, 1 },	   { 65535, false, 65495 }, { 1u << 20, false, 65495 },
		{ 1u << 20, true, 65475 }, { 9000, false, 8960 },
	};

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(tcp_mss_for_mtu(table[i].mtu, table[i].v6), table[i].mss);
}

/* MUST-16: min(SendMSS + 20, MMS_S) - headers; timestamps take 12 octets of each segment. */
static void effective_mss_is_the_smaller_less_options(struct rig *r)
{
	static const struct {
		uint32_t mtu;
		uint16_t peer;
		bool	 v6, ts;
		uint16_t mss;
	} table[] = {
		{ 1500, 1460, false, false, 1460 },  { 1500, 1460, false, true, 1448 },
		{ 1500, 536, false, false, 536 },    { 576, 1460, false, true, 524 },
		{ 1500, 1440, true, true, 1428 },    { 1280, 9000, true, false, 1220 },
		{ 1500, 65535, false, false, 1460 },
	};

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(
			negotiate_effective_mss(table[i].mtu, table[i].peer, table[i].v6, table[i].ts),
			table[i].mss);
}

static void our_mss_obeys_the_option(struct rig *r)
{
	(void)r;
	assert_int_equal(negotiate_our_mss(1500, 0, false), 1460);
	assert_int_equal(negotiate_our_mss(1500, 1000, false), 1000);
	assert_int_equal(negotiate_our_mss(1500, 9000, false), 1460);
}

/* RFC 7323 2.3: the least shift by which the largest buffer can be announced, at most 14. */
static void wscale_reaches_the_largest_buffer(struct rig *r)
{
	static const struct {
		uint32_t buffer;
		uint8_t	 shift;
	} table[] = {
		{ 1, 0 },      { 65535, 0 },	{ 65536, 1 },	  { 131070, 1 },
		{ 131071, 2 }, { 8u << 20, 8 }, { 1u << 30, 14 },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		r->env.config.receive_buffer_max = table[i].buffer;
		assert_int_equal(negotiate_wscale(&r->env.config), table[i].shift);
	}
}

static struct tcp_agreement agreed_on(struct rig *r, const struct tcp_segment *syn, bool v6)
{
	struct tcp_agreement agreed = { .iss = { 5 }, .ts_offset = 6 };

	tcp_agree(&r->env, &agreed, syn, 1460, v6);
	assert_int_equal(agreed.iss.v, 5); /* not the peer's to say */
	assert_int_equal(agreed.ts_offset, 6);
	return agreed;
}

/* MUST-15: 536 and 1220 where the SYN does not say. */
static void syn_without_mss_means_the_default(struct rig *r)
{
	struct tcp_segment syn = rig_segment(r, TCP_SYN, 0, 0, 0);

	assert_int_equal(agreed_on(r, &syn, false).peer_mss, 1460);
	syn.opt.has_mss = false;
	assert_int_equal(agreed_on(r, &syn, false).peer_mss, 536);
	assert_int_equal(agreed_on(r, &syn, true).peer_mss, 1220);
	syn.opt.has_mss = true;
	syn.opt.mss = 0;
	assert_int_equal(agreed_on(r, &syn, false).peer_mss, r->env.config.mss_floor);
}

/* An option holds only where both sides want it. */
static void options_need_both_sides(struct rig *r)
{
	for (unsigned bits = 0; bits < 64; bits++) {
		const bool	   peer_wscale = bits & 1, peer_ts = bits & 2, peer_sack = bits & 4;
		struct tcp_segment syn = rig_segment(r, TCP_SYN, 0, 0, 0);

		syn.opt.has_wscale = peer_wscale;
		syn.opt.wscale = peer_wscale ? 7 : 0;
		syn.opt.has_ts = peer_ts;
		syn.opt.ts_val = 4711;
		syn.opt.sack_permitted = peer_sack;
		r->env.config.no_window_scale = bits & 8;
		r->env.config.no_timestamps = bits & 16;
		r->env.config.no_sack = bits & 32;
		const struct tcp_agreement agreed = agreed_on(r, &syn, false);

		assert_int_equal(agreed.wscale_ok, peer_wscale && !(bits & 8));
		assert_int_equal(agreed.snd_wscale, agreed.wscale_ok ? 7 : 0);
		assert_int_equal(agreed.rcv_wscale, agreed.wscale_ok ? 11 : 0);
		assert_int_equal(agreed.ts_ok, peer_ts && !(bits & 16));
		assert_int_equal(agreed.ts_recent, agreed.ts_ok ? 4711 : 0);
		assert_int_equal(agreed.sack_ok, peer_sack && !(bits & 32));
		assert_int_equal(agreed.snd_wnd, 65535); /* never scaled on a SYN (RFC 7323 2.2) */
		assert_int_equal(agreed.irs.v, r->irs);
	}
}

/* RFC 9293 3.4.1: MUST-8, a clock of 4 us; SHLD-1, MUST-9, another offset for each tuple and secret.
 * (RFC7323-7.1-1) */
static void isn_follows_its_clock_and_hides_its_offset(struct rig *r)
{
	const struct tern_tuple tuple = rig_tuple();
	struct tern_tuple	other = tuple;
	const seq_t		first = tcp_isn(&r->env, &tuple, r->now);

	assert_int_equal(first.v, r->iss);
	assert_int_equal(seq_sub(tcp_isn(&r->env, &tuple, r->now + 4 * TERN_MICROSECOND), first), 1);
	assert_int_equal(seq_sub(tcp_isn(&r->env, &tuple, r->now + TERN_SECOND), first), 250000);
	other.remote_port++;
	assert_true(tcp_isn(&r->env, &other, r->now).v != first.v);
	assert_true(tcp_ts_offset(&r->env, &other) != tcp_ts_offset(&r->env, &tuple));
	other = tuple;
	other.zone = 1;
	assert_true(tcp_isn(&r->env, &other, r->now).v != first.v);
	r->env.isn_key.k0 ^= 1;
	assert_true(tcp_isn(&r->env, &tuple, r->now).v != first.v);
}

/* MUST-14, MUST-65, MAY-3: the SYN bears what we can, its ACK and what follows no MSS (SHLD-5, RFC7323-3.2-4). */
static void syn_offers_everything_an_ack_nothing(struct rig *r)
{
	opens(r);
	assert_true(r->out.seg.opt.has_mss && r->out.seg.opt.mss == 1460);
	assert_true(r->out.seg.opt.has_wscale && r->out.seg.opt.wscale == 11);
	assert_true(r->out.seg.opt.sack_permitted && r->out.seg.opt.has_ts);
	assert_int_equal(r->out.seg.opt.ts_ecr, 0);
	assert_int_equal(r->out.seg.wnd, 65535);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_false(r->out.seg.opt.has_mss || r->out.seg.opt.has_wscale || r->out.seg.opt.sack_permitted ||
		     r->out.seg.opt.has_ts);
}

/* RFC 7323 1.3, RFC 2018 2: a SYN-ACK offers what the SYN did, and nothing else (RFC7323-2.2-3, RFC7323-3.2-5). */
static void syn_ack_offers_what_was_agreed(struct rig *r)
{
	r->peer.ts = true;
	opens(r);
	rx(r, TCP_SYN, 0, 0, 0);
	sends(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_true(r->out.seg.opt.has_mss && r->out.seg.opt.has_ts);
	assert_int_equal(r->out.seg.opt.ts_ecr, r->peer.ts_val);
	assert_false(r->out.seg.opt.has_wscale || r->out.seg.opt.sack_permitted);
	assert_int_equal(r->tcb->mss, 1448);
}

/* The SYN-ACK that a half-open entry sends says the same as a block's. */
static void half_open_syn_ack_says_what_was_agreed(struct rig *r)
{
	const struct tern_tuple tuple = rig_tuple();
	struct tcp_agreement	agreed = { .iss = { r->iss }, .ts_offset = 5 };
	struct tcp_segment	out, syn = rig_segment(r, TCP_SYN, 0, 0, 0);

	syn.opt.has_ts = true;
	syn.opt.ts_val = 99;
	syn.opt.sack_permitted = true;
	tcp_agree(&r->env, &agreed, &syn, 1460, false);
	emit_syn_ack(&r->env, &out, &tuple, &agreed, r->now);
	assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(out.seq.v, r->iss);
	assert_int_equal(out.ack.v, r->irs + 1);
	assert_int_equal(out.wnd, 65535);
	assert_true(out.opt.has_mss && out.opt.mss == 1460 && out.opt.sack_permitted && !out.opt.has_wscale);
	assert_true(out.opt.has_ts && out.opt.ts_ecr == 99 && out.opt.ts_val == tcp_ts_clock(r->now) + 5);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(mss_for_mtu_leaves_room_for_the_headers),
		CASE(effective_mss_is_the_smaller_less_options),
		CASE(our_mss_obeys_the_option),
		CASE(wscale_reaches_the_largest_buffer),
		CASE(syn_without_mss_means_the_default),
		CASE(options_need_both_sides),
		CASE(isn_follows_its_clock_and_hides_its_offset),
		CASE(syn_offers_everything_an_ack_nothing),
		CASE(syn_ack_offers_what_was_agreed),
		CASE(half_open_syn_ack_says_what_was_agreed),
	};

	return RIG_RUN("negotiate", cases);
}
