/* pace.c: what leaves at once and when the rest follows, against the formula in pace.h; and two hosts whose
 * packets are timed on the wire. */
#include "tcp/pace.h"
#include "tcp/path.h"
#include "unit/tcp_rig.h"
#include "unit/two_hosts.h"

enum { M = RIG_MSS, KB = 1000, MB = 1000 * KB };

/* Established over a window of 8 MB, without Nagle, with 60,000 octets written and room for them all. */
static void ready(struct rig *r, uint64_t most)
{
	r->peer.wscale = 7;
	established(r);
	assert_int_equal(tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now), 0);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, (int64_t)most, r->now), 0);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	writes(r, 1, 60000);
	r->tcb->warm->cc.cwnd = 1 << 23;
	r->tcb->warm->pace_free = 0; /* as if the initial window had left long ago */
}

/* Everything leaves that may now; its octets. */
static uint32_t octets_now(struct rig *r)
{
	uint32_t n = 0;

	while (tx(r))
		n += r->out.seg.text_len;
	return n;
}

/* Q = min(R * 1 ms, 64 KiB), two segments at least; D = Q + R * 131 us. What had time to gather is D at most,
 * and the next burst is Q, when R has paid for it. */
static void bursts_are_as_the_formula_has_it(struct rig *r)
{
	static const struct {
		uint64_t rate;
		uint32_t first, next;
	} table[] = {
		{ 100 * KB, 2 * M, 2 * M },   /* Q 2,920 D 2,933 */
		{ 5 * MB, 3 * M, 3 * M },     /* Q 5,000 D 5,655 */
		{ 30 * MB, 23 * M, 0 },	      /* Q 30,000 D 33,932 */
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		ready(r, table[i].rate);
		assert_int_equal(octets_now(r), table[i].first);
		assert_int_equal(octets_now(r), 0);
		assert_true(r->tcb->warm->pace_at != TERN_NEVER);
		if (table[i].next == 0)
			continue;
		expires(r);
		assert_true(r->tcb->due & DUE_TEXT);
		assert_int_equal(octets_now(r), table[i].next);
	}
}

/* A controller that has seen an octet a round trip, which is what a shut window lets through, may say so: a segment
 * a round trip leaves nevertheless. */
static void a_segment_a_round_trip_is_the_least(struct rig *r)
{
	ready(r, 0);
	r->tcb->warm->cc.paced = true;
	r->tcb->warm->cc.pacing_rate = 1;
	assert_true(octets_now(r) > 0);
	assert_true(wait_of(r) <= ms(25)); /* two segments are a burst */
	expires(r);
	assert_int_equal(octets_now(r), 2 * M);
}

/* At 10 Gbit/s a burst must last for a tick of the wheel, or the clock would be the limit: D is 229,376. */
static void fast_paths_get_a_tick_at_once(struct rig *r)
{
	struct tcp_out out;
	uint32_t n = 0;

	ready(r, UINT64_C(1250) * MB);
	while (tcp_emit(r->tcb, 65000, r->now, &out))
		n += out.seg.text_len;
	assert_int_equal(n, 60000);
	assert_true(pace_room(r->tcb, M, r->now) > 160000);
	assert_true(pace_room(r->tcb, M, r->now) < 229376);
}

/* A link that cuts segments itself is handed no more than what may leave at once. */
static void large_segments_keep_to_the_burst(struct rig *r)
{
	struct tcp_out out;

	ready(r, 10 * MB); /* Q 10,000, D 11,310 */
	assert_true(tcp_emit(r->tcb, 65000, r->now, &out));
	assert_int_equal(out.seg.text_len, 7 * M);
	assert_int_equal(out.gso_size, M);
	assert_false(tcp_emit(r->tcb, 65000, r->now, &out));
	tcb_check(r->tcb);
}

/* Over a long time R, whatever the clock does: on time, a tick late, two ticks late. */
static void lateness_of_two_ticks_is_made_up_for(struct rig *r)
{
	for (unsigned late = 0; late <= 2; late++) {
		uint64_t n = 0;
		uint32_t seq = 1;

		rig_end(r);
		rig_begin(r);
		ready(r, 20 * MB);

		const tern_time begun = r->now;

		while (r->now < begun + ms(100)) {
			n += octets_now(r);
			rx(r, TCP_ACK, 1, r->tcb->snd.nxt.v - r->iss, 0);
			seq = tcb_unsent(r->tcb) + (r->tcb->snd.nxt.v - r->iss);
			writes(r, seq, 60000 - tcb_unsent(r->tcb));
			r->tcb->warm->cc.cwnd = 1 << 23;
			n += octets_now(r);
			assert_true(r->tcb->warm->pace_at > r->now);
			r->now = r->tcb->warm->pace_at + late * 65536;
			tcp_expire(r->tcb, r->now);
			tcb_check(r->tcb);
		}
		assert_in_range(n, 20 * MB / 10 - 25000, 20 * MB / 10 + 25000);
	}
}

/* cwnd / srtt, twice that in slow start, 1.2 times after (Linux's tcp_pacing_ss_ratio, _ca_ratio). */
static void rate_follows_the_window(struct rig *r)
{
	static const struct {
		uint32_t cwnd, ssthresh;
		uint64_t rate;
	} table[] = {
		{ 100 * KB, CC_NO_SSTHRESH, 200 * KB * 100 },
		{ 100 * KB, 200 * KB + 2, 200 * KB * 100 },
		{ 100 * KB, 200 * KB, 120 * KB * 100 },
		{ 100 * KB, 50 * KB, 120 * KB * 100 },
	};

	ready(r, 0);
	tcb_cold(r->tcb)->srtt8 = 8 * 10000; /* 10 ms */
	assert_int_equal(pace_rate(r->tcb), 0);
	assert_int_equal(tcp_option_set(r->tcb, TERN_PACING, 1, r->now), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		r->tcb->warm->cc.cwnd = table[i].cwnd;
		r->tcb->warm->cc.ssthresh = table[i].ssthresh;
		assert_int_equal(pace_rate(r->tcb), table[i].rate);
	}
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, 5000, r->now);
	assert_int_equal(pace_rate(r->tcb), 5000);
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, INT64_MAX, r->now);
	assert_int_equal(pace_rate(r->tcb), table[3].rate);
	r->tcb->warm->cc.pacing_rate = 777777; /* a controller's own goes first */
	assert_int_equal(pace_rate(r->tcb), 777777);
	tcp_option_set(r->tcb, TERN_PACING, 0, r->now); /* only what is asked for */
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, 9999, r->now);
	assert_int_equal(pace_rate(r->tcb), 9999);
	assert_int_equal(status_of(r).pacing_rate, 9999);
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, 0, r->now);
	assert_int_equal(pace_rate(r->tcb), 0);
}

/* Who asks for nothing is paced as the controller wants it. */
static void controller_decides_by_default(struct rig *r)
{
	int64_t value;

	ready(r, 0);
	assert_false(r->tcb->warm->cc.paced);
	assert_int_equal(tcp_set_congestion_control(r->tcb, "bbr"), 0);
	assert_true(r->tcb->warm->cc.paced);
	tcp_option_set(r->tcb, TERN_PACING, 0, r->now);
	assert_false(r->tcb->warm->cc.paced);
	tcp_option_set(r->tcb, TERN_PACING, -1, r->now);
	assert_true(r->tcb->warm->cc.paced);
	assert_int_equal(tcp_option_get(r->tcb, TERN_PACING, &value), 0);
	assert_int_equal(value, -1);
	assert_int_equal(tcp_option_set(r->tcb, TERN_PACING, 2, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_option_set(r->tcb, TERN_PACING, -2, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, -1, r->now), -TERN_EINVAL);
}

/* RFC 6928: the first ten segments may leave together; the eleventh waits. */
static void initial_window_leaves_at_once(struct rig *r)
{
	r->peer.wscale = 7;
	established(r);
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, 100 * KB, r->now);
	rx(r, TCP_ACK, 1, 1, 0);
	writes(r, 1, 60000);
	assert_int_equal(octets_now(r), 10 * M);
	rx(r, TCP_ACK, 1, 1 + 10 * M, 0);
	assert_int_equal(octets_now(r), 0);
	assert_int_equal(wait_of(r), 2 * M * 10 * TERN_MICROSECOND);
	expires(r);
	assert_int_equal(octets_now(r), 2 * M);
}

/* All but text, and what SND.UNA waits for. */
static void nothing_else_is_held_up(struct rig *r)
{
	ready(r, 10 * KB);
	octets_now(r);
	assert_true(r->tcb->warm->pace_at != TERN_NEVER);
	rx(r, TCP_ACK | TCP_PSH, 1, 1, M); /* text of the peer's: a pure ACK */
	rx(r, TCP_ACK | TCP_PSH, 1 + M, 1, M);
	sends(r, TCP_ACK, 1 + 2 * M, 1 + 2 * M, 0);
	/* A time-out: the segment at SND.UNA at once, though the pacer waits. */
	while (r->fired[TERN_TIMER_RETRANSMIT] == 0) {
		expires(r);
		if (r->fired[TERN_TIMER_RETRANSMIT] == 0)
			octets_now(r);
	}
	assert_true(tx(r));
	assert_int_equal(r->out.seg.seq.v - r->iss, 1);
	assert_true(r->out.retransmitted);
}

static void fin_alone_leaves_at_once(struct rig *r)
{
	ready(r, 10 * KB);
	while (tcb_unsent(r->tcb) > 0) {
		octets_now(r);
		rx(r, TCP_ACK, 1, r->tcb->snd.nxt.v - r->iss, 0);
		if (tcb_unsent(r->tcb) > 0)
			expires(r);
	}
	tcp_shutdown(r->tcb, r->now);
	assert_true(tx(r));
	assert_true(r->out.seg.flags & TCP_FIN);
}

/* check.c: text that both windows have room for never waits without a deadline. */
static void check_finds_what_stands_still(struct rig *r)
{
	ready(r, 10 * KB);
	octets_now(r);
	assert_true(tcb_is_sound(r->tcb));
	r->tcb->warm->pace_at = TERN_NEVER;
	assert_false(tcb_is_sound(r->tcb));
	r->tcb->due |= DUE_TEXT;
	assert_true(tcb_is_sound(r->tcb));
	r->tcb->due &= (uint8_t)~DUE_TEXT;
	r->tcb->warm->pace_at = r->now + 1;
}

/* A rate that falls to nothing, or rises, is looked at within a second. */
static void waits_end_within_a_second(struct rig *r)
{
	ready(r, 1);
	octets_now(r);
	for (int i = 0; i < 5; i++)
		assert_in_range(expires(r), 1, TERN_SECOND), octets_now(r);
	tcp_option_set(r->tcb, TERN_MAX_PACING_RATE, 100 * MB, r->now);
	expires(r);
	assert_true(octets_now(r) > 10 * M);
}

/* ---- two hosts ---- */

struct wire {
	uint64_t octets, most; /* most: beyond rate * time since the last time that nothing was owed */
	tern_time since;
	uint64_t rate;
	uint64_t by_port[16];
	uint16_t first_port;
};

/* Adds up what leaves host 0 and by how much it is ahead of its rate. */
static bool measure(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	struct wire *const wire = w->context;
	const size_t head = 20 + (packet[32] >> 4) * 4u;
	const uint64_t text = len - head, paid = wire->rate * (uint64_t)(w->now - wire->since) / (uint64_t)TERN_SECOND;

	if (from != 0 || text == 0)
		return false;
	if (paid >= wire->octets) {
		wire->since = w->now;
		wire->octets = 0;
	}
	wire->octets += text;
	if (wire->since == w->now || wire->octets > paid + wire->most)
		wire->most = wire->octets - (wire->since == w->now ? 0 : paid);
	wire->by_port[(uint16_t)(packet[20] << 8 | packet[21]) % 16] += text;
	return false;
}

/* Writes what it takes and reads what came, for so long. */
static void bulk(struct two_hosts *w, const tern_socket *from, const tern_socket *to, unsigned n, tern_time span)
{
	static uint8_t text[65536];
	const tern_time end = w->now + span;

	while (w->now < end) {
		for (unsigned i = 0; i < n; i++) {
			while (tern_send(w->host[0], from[i], text, sizeof text, 0) > 0)
				;
			while (tern_receive(w->host[1], to[i], text, sizeof text) > 0)
				;
		}
		two_wait(w, TERN_MILLISECOND);
	}
}

/* On the wire no span carries more than D + R * t, nor the whole less than R. */
static void wire_carries_no_more_than_the_formula(struct rig *r)
{
	struct two_hosts w;
	struct wire wire = { .rate = 2 * MB };
	tern_socket a, b;
	struct tern_status status;

	(void)r;
	two_defaults(&w);
	w.lose = measure;
	w.context = &wire;
	two_begin(&w);
	two_open(&w, false, &a, &b);
	assert_int_equal(tern_option_set(w.host[0], a, TERN_MAX_PACING_RATE, 2 * MB), 0);
	bulk(&w, &a, &b, 1, 100 * TERN_MILLISECOND);
	wire.most = wire.octets = 0;
	wire.since = w.now;
	assert_int_equal(tern_status(w.host[0], a, &status), 0);

	const uint64_t before = status.bytes_acked;

	bulk(&w, &a, &b, 1, TERN_SECOND);
	assert_int_equal(tern_status(w.host[0], a, &status), 0);
	assert_in_range(status.bytes_acked - before, 2 * MB * 98 / 100, 2 * MB * 101 / 100);
	assert_in_range(wire.most, 1448, 2 * 1448 + 263 + 1448); /* Q 2,896: two segments; and 131 us */
	two_end(&w);
}

static void connections_share_by_their_rates(struct rig *r)
{
	enum { N = 8 };
	struct two_hosts w;
	struct wire wire = { .rate = MB };
	tern_socket a[N], b[N];
	const tern_socket none = { 0 };
	uint64_t least = UINT64_MAX, most = 0;

	(void)r;
	(void)none;
	two_defaults(&w);
	w.lose = measure;
	w.context = &wire;
	two_begin(&w);
	for (unsigned i = 0; i < N; i++) {
		two_open(&w, false, &a[i], &b[i]);
		assert_int_equal(tern_option_set(w.host[0], a[i], TERN_MAX_PACING_RATE, MB), 0);
	}
	bulk(&w, a, b, N, 300 * TERN_MILLISECOND);
	for (unsigned i = 0; i < N; i++) {
		struct tern_status status;

		assert_int_equal(tern_status(w.host[0], a[i], &status), 0);
		least = status.bytes_acked < least ? status.bytes_acked : least;
		most = status.bytes_acked > most ? status.bytes_acked : most;
	}
	assert_in_range(most - least, 0, most / 50);
	assert_in_range(least, 300 * KB * 95 / 100, 330 * KB);
	two_end(&w);
}

/* When all is delivered nothing is armed. */
static void idle_costs_nothing(struct rig *r)
{
	struct two_hosts w;
	tern_socket a, b;
	uint8_t text[5000] = { 0 };

	(void)r;
	two_defaults(&w);
	two_begin(&w);
	two_open(&w, false, &a, &b);
	tern_option_set(w.host[0], a, TERN_PACING, 1);
	tern_option_set(w.host[0], a, TERN_MAX_PACING_RATE, 10 * KB);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(tern_send(w.host[0], a, text, sizeof text, 0), sizeof text);
		two_wait(&w, TERN_SECOND);
		while (tern_receive(w.host[1], b, text, sizeof text) > 0)
			;
	}
	two_wait(&w, 10 * TERN_SECOND);
	assert_int_equal(tern_host_deadline(w.host[0]), TERN_NEVER);
	two_end(&w);
}

/* What a listener is told goes on to what it accepts. */
static void listeners_hand_it_on(struct rig *r)
{
	struct two_hosts w;
	tern_socket client, server;
	int64_t value = 0;

	(void)r;
	two_defaults(&w);
	two_begin(&w);

	const tern_socket listener = two_listen(&w, 1, 80);

	assert_int_equal(tern_option_set(w.host[1], listener, TERN_MAX_PACING_RATE, 12345), 0);
	assert_int_equal(tern_option_set(w.host[1], listener, TERN_PACING, 1), 0);
	client = two_connect(&w, 0, 80, false);
	two_exchange(&w);
	assert_int_equal(tern_accept(w.host[1], listener, &server), 0);
	assert_int_equal(tern_option_get(w.host[1], server, TERN_MAX_PACING_RATE, &value), 0);
	assert_int_equal(value, 12345);
	assert_int_equal(tern_option_get(w.host[1], server, TERN_PACING, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(tern_option_get(w.host[0], client, TERN_PACING, &value), 0);
	assert_int_equal(value, -1);
	two_end(&w);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(bursts_are_as_the_formula_has_it),
		CASE(a_segment_a_round_trip_is_the_least),
		CASE(fast_paths_get_a_tick_at_once),
		CASE(large_segments_keep_to_the_burst),
		CASE(lateness_of_two_ticks_is_made_up_for),
		CASE(rate_follows_the_window),
		CASE(controller_decides_by_default),
		CASE(initial_window_leaves_at_once),
		CASE(nothing_else_is_held_up),
		CASE(fin_alone_leaves_at_once),
		CASE(check_finds_what_stands_still),
		CASE(waits_end_within_a_second),
		CASE(wire_carries_no_more_than_the_formula),
		CASE(connections_share_by_their_rates),
		CASE(idle_costs_nothing),
		CASE(listeners_hand_it_on),
	};

	return RIG_RUN("pace", cases);
}
