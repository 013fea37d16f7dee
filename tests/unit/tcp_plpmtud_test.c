/* plpmtud.c: path MTU discovery by probes (RFC 4821, RFC 8899) against paths that eat what is too big without a
 * word. The path is played here: what is larger than `carries` octets of text vanishes. */
#include "tcp/path.h"
#include "unit/tcp_rig.h"

enum { BASE = 1024, LEAST = 512, HEADERS = 40, SENT_MOST = 512 };

/* What the peer has: the right edge of what is whole, and segments beyond it. */
struct path {
	uint32_t carries; /* octets of text of a segment; 0: any */
	uint32_t edge;	  /* relative */
	struct {
		uint32_t from, until;
	} ahead[SENT_MOST];
	unsigned n_ahead;
	uint32_t longest, written;
	unsigned lost, longer; /* lost: vanished; longer: than the MSS of the moment, that is, probes */
};

static struct path path;

static void take_in(uint32_t from, uint32_t until)
{
	if (until <= path.edge)
		return;
	assert_true(path.n_ahead < SENT_MOST);
	path.ahead[path.n_ahead].from = from;
	path.ahead[path.n_ahead++].until = until;
	for (unsigned i = 0; i < path.n_ahead;) {
		if (path.ahead[i].from > path.edge) {
			i++;
			continue;
		}
		path.edge = path.ahead[i].until > path.edge ? path.ahead[i].until : path.edge;
		path.ahead[i] = path.ahead[--path.n_ahead];
		i = 0; /* what it reaches now may be anywhere */
	}
}

/* All that is due leaves; each segment meets its fate. One ACK for each that arrives, 10 ms later. */
static unsigned exchange(struct rig *r)
{
	unsigned n = 0;
	struct {
		uint32_t from, until;
	} arrived[64];

	while (n < 64 && tx(r)) {
		const uint32_t from = r->out.seg.seq.v - r->iss, len = r->out.seg.text_len;

		if (len == 0)
			continue;
		path.longer += len > r->tcb->mss;
		path.longest = len > path.longest ? len : path.longest;
		if (path.carries && len > path.carries) {
			path.lost++;
			continue;
		}
		arrived[n].from = from;
		arrived[n++].until = from + len;
	}
	pass(r, ms(10));
	for (unsigned i = 0; i < n; i++) {
		uint32_t edges[4] = { 0 };

		take_in(arrived[i].from, arrived[i].until);
		if (arrived[i].until > path.edge) {
			edges[0] = arrived[i].from;
			edges[1] = arrived[i].until;
		}
		rx_sack(r, 1, path.edge, edges);
	}
	return n;
}

static void begin(struct rig *r)
{
	r->peer.sack = true;
	r->peer.wscale = 7;
	established(r);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 1 << 20, r->now);
	path = (struct path){ .edge = 1, .written = 1 };
	rx(r, TCP_ACK, 1, 1, 0); /* the window, scaled */
}

static void writes_more(struct rig *r, uint32_t n)
{
	const ptrdiff_t taken = tcp_send(r->tcb, rig_octets(r, path.written - 1, n), n, 0, r->now);

	if (taken > 0)
		path.written += (uint32_t)taken;
}

/* Octets are carried over until so many more have arrived. */
static void carries_over(struct rig *r, uint32_t n)
{
	const uint32_t goal = path.edge + n;

	for (unsigned turn = 0; path.edge < goal; turn++) {
		assert_true(turn < 3000);
		if (path.written - path.edge < 60000)
			writes_more(r, 40000);
		if (exchange(r) == 0 && wait_of(r) != TERN_NEVER)
			expires(r);
	}
}

/* Text goes over, now and then, until nothing more is tried. */
static void search_ends(struct rig *r)
{
	const struct plpmtud *const p = &path_of(r->tcb)->plpmtud;

	for (unsigned turn = 0; !p->waits || p->again_at < r->now + 500 * TERN_SECOND; turn++) {
		assert_true(turn < 200);
		carries_over(r, 40000);
		pass(r, ms(100));
	}
}

static struct tern_stats *stats(struct rig *r)
{
	return &r->env.stats;
}

/* ---- black holes ---- */

/* Four time-outs of a full-size segment: from there on pieces of the base, and the text is whole in the end. */
static void full_size_segments_vanish_and_smaller_ones_follow(struct rig *r)
{
	begin(r);
	path.carries = 1200;
	writes_more(r, 20000);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(exchange(r), 0);
		assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 0);
		while (r->fired[TERN_TIMER_RETRANSMIT] == i)
			expires(r);
	}
	assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 1);
	assert_int_equal(status_of(r).snd_mss, BASE);
	assert_int_equal(status_of(r).pmtu, BASE + HEADERS);
	assert_int_equal(exchange(r), 2); /* the first in two pieces */
	assert_int_equal(path.edge, 1 + RIG_MSS);
	carries_over(r, 19000);
	assert_int_equal(r->retransmits[TERN_RETRANSMIT_PATH_MTU] + r->retransmits[TERN_RETRANSMIT_TIMEOUT] > 3, 1);
}

/* And where that vanishes too: the least. Below that nothing helps. */
static void base_vanishes_too(struct rig *r)
{
	begin(r);
	path.carries = 600;
	writes_more(r, 20000);
	while (r->notes[TERN_NOTE_BLACK_HOLE] < 2) {
		exchange(r); /* the rests of what was cut get through, and prove nothing of the others */
		expires(r);
	}
	assert_int_equal(status_of(r).snd_mss, LEAST); /* half of the packet would be less */
	carries_over(r, 15000);
	assert_true(status_of(r).snd_mss <= 600);
}

static void nothing_gets_through_at_all(struct rig *r)
{
	begin(r);
	path.carries = 1;
	writes_more(r, 20000);
	for (unsigned i = 0; i < 12; i++) {
		exchange(r);
		expires(r);
	}
	assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 2);
	assert_int_equal(status_of(r).snd_mss, LEAST);
}

/* What is small already is not a matter of size. */
static void small_segments_that_vanish_prove_nothing(struct rig *r)
{
	begin(r);
	path.carries = 10;
	writes_more(r, 500);
	for (unsigned i = 0; i < 12; i++) {
		exchange(r);
		expires(r);
	}
	assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 0);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
}

static void switched_off_there_is_no_black_hole(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++) {
		r->env.config.no_mtu_probing = i == 0;
		r->env.config.no_path_mtu_discovery = i == 1;
		if (i == 0) {
			begin(r);
			path.carries = 1200;
			writes_more(r, 20000);
		}
		for (unsigned k = 0; k < 8; k++) {
			exchange(r);
			expires(r);
		}
		assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 0);
		assert_int_equal(status_of(r).snd_mss, RIG_MSS);
	}
}

/* ---- the search ---- */

static void fall_into(struct rig *r, uint32_t carries)
{
	begin(r);
	path.carries = carries;
	writes_more(r, 20000);
	while (r->notes[TERN_NOTE_BLACK_HOLE] == 0) {
		exchange(r);
		expires(r);
	}
}

/* The path eats nothing any more: by halves to the whole, each step a segment of real text. */
static void search_climbs_to_the_whole(struct rig *r)
{
	fall_into(r, 1200);
	path.carries = 0;
	path.longer = 0;
	carries_over(r, 2000000);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
	assert_int_equal(stats(r)->TCPMTUPFail, 0);
	assert_int_equal(stats(r)->TCPMTUPSuccess, path.longer);
	assert_true(path.longer >= 3 && path.longer <= 8); /* log2((1460 - 1024) / 8), and the last step */
	assert_int_equal(r->notes[TERN_NOTE_PROBED_MTU], path.longer);
}

/* It stops within 8 bytes below what the path carries, and no loss of a probe is taken for congestion. */
static void search_finds_what_the_path_carries(struct rig *r)
{
	uint32_t ssthresh;

	fall_into(r, 1300);
	carries_over(r, 30000);
	ssthresh = status_of(r).ssthresh;
	search_ends(r);
	assert_in_range(status_of(r).snd_mss, 1300 - 8, 1300);
	assert_true(stats(r)->TCPMTUPSuccess > 0 && stats(r)->TCPMTUPFail >= 3);
	assert_int_equal(r->congestion[TERN_CONGESTION_RECOVERY_ENTER], 0);
	assert_int_equal(r->congestion[TERN_CONGESTION_TIMEOUT], 4);
	assert_int_equal(status_of(r).ssthresh, ssthresh);
	/* It is over: nothing larger leaves for 600 s, and then it is tried again. */
	path.longer = 0;
	carries_over(r, 400000);
	assert_int_equal(path.longer, 0);
	pass(r, 601 * TERN_SECOND);
	carries_over(r, 400000);
	assert_true(path.longer > 0);
}

/* Chance takes one probe: the size is tried again. */
static void one_lost_probe_proves_nothing(struct rig *r)
{
	fall_into(r, 1200);
	path.carries = BASE;
	while (stats(r)->TCPMTUPFail == 0)
		carries_over(r, 1000);
	path.carries = 0;
	search_ends(r);
	assert_int_equal(stats(r)->TCPMTUPFail, 1);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
}

/* What is learnt outlives idleness: the warm record goes, the size stays. */
static void learnt_size_outlives_idleness(struct rig *r)
{
	fall_into(r, 1300);
	search_ends(r);
	const uint16_t mss = status_of(r).snd_mss;

	while (path.edge < path.written)
		if (exchange(r) == 0 && wait_of(r) != TERN_NEVER)
			expires(r);
	drain(r);
	assert_null(r->tcb->warm);
	pass(r, 10 * TERN_SECOND);
	path.longest = 0;
	carries_over(r, 20000);
	assert_int_equal(path.longest, mss);
	assert_true(path_of(r->tcb) && path_of(r->tcb)->plpmtud.low == mss + HEADERS);
}

/* mtu_probing 2: begins at the base, whatever the link says. */
static void always_begins_at_the_base(struct rig *r)
{
	r->env.config.mtu_probing = 2;
	begin(r);
	assert_int_equal(status_of(r).snd_mss, BASE);
	path.carries = 1400;
	search_ends(r);
	assert_in_range(status_of(r).snd_mss, 1400 - 8, 1400);
	assert_int_equal(r->congestion[TERN_CONGESTION_TIMEOUT], 0);
	assert_int_equal(r->notes[TERN_NOTE_BLACK_HOLE], 0);
}

/* ... unless no path MTU is to be looked for. */
static void switched_off_nothing_begins_at_the_base(struct rig *r)
{
	r->env.config.mtu_probing = 2;
	r->env.config.no_path_mtu_discovery = true;
	begin(r);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
	carries_over(r, 200000);
	assert_int_equal(path.longer, 0);
}

/* ICMP comes while a probe flies that is longer: it is no probe any more, and goes again in pieces with the rest. */
static void told_while_a_probe_flies(struct rig *r)
{
	r->env.config.mtu_probing = 2;
	begin(r);
	for (unsigned turn = 0; path.longer == 0; turn++) {
		assert_true(turn < 200);
		writes_more(r, 40000);
		path.carries = BASE;
		if (exchange(r) == 0)
			expires(r);
	}
	tcp_path_mtu(r->tcb, BASE + HEADERS, r->now);
	path.carries = BASE;
	path.longer = 0;
	carries_over(r, 200000);
	assert_int_equal(status_of(r).snd_mss, BASE);
	assert_int_equal(path.longer, 0);
}

/* ICMP that comes through after all ends the doubt from above; a path told wider opens the search. */
static void told_sizes_bound_the_search(struct rig *r)
{
	fall_into(r, 1200);
	carries_over(r, 10000);
	tcp_path_mtu(r->tcb, 1100, r->now);
	path.carries = 1060;
	carries_over(r, 2000000);
	assert_int_equal(status_of(r).snd_mss, 1060);
	tcp_path_mtu(r->tcb, 1500, r->now);
	assert_int_equal(status_of(r).snd_mss, 1060); /* to be proved first */
	path.carries = 0;
	carries_over(r, 2000000);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
	tcp_path_mtu(r->tcb, 900, r->now);
	assert_int_equal(status_of(r).snd_mss, 860);
	tcp_path_mtu(r->tcb, 9000, r->now);
	carries_over(r, 2000000);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS); /* the peer takes no more */
}

/* No memory to cut a lost one again: it waits, rather than vanish once more, and goes when there is some. */
static void without_memory_to_cut_nothing_too_long_leaves(struct rig *r)
{
	begin(r);
	path.carries = 1200;
	writes_more(r, 20 * RIG_MSS);
	exchange(r);
	r->memory.fail_all = true;
	while (r->notes[TERN_NOTE_BLACK_HOLE] == 0 && r->fired[TERN_TIMER_RETRANSMIT] < 8) {
		expires(r);
		path.longest = 0;
		exchange(r);
	}
	r->memory.fail_all = false;
	carries_over(r, 20000);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(full_size_segments_vanish_and_smaller_ones_follow),
		CASE(base_vanishes_too),
		CASE(nothing_gets_through_at_all),
		CASE(small_segments_that_vanish_prove_nothing),
		CASE(switched_off_there_is_no_black_hole),
		CASE(search_climbs_to_the_whole),
		CASE(search_finds_what_the_path_carries),
		CASE(one_lost_probe_proves_nothing),
		CASE(learnt_size_outlives_idleness),
		CASE(always_begins_at_the_base),
		CASE(switched_off_nothing_begins_at_the_base),
		CASE(told_while_a_probe_flies),
		CASE(told_sizes_bound_the_search),
		CASE(without_memory_to_cut_nothing_too_long_leaves),
	};

	return RIG_RUN("plpmtud", cases);
}
