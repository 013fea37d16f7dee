/* attacks: TIME-WAIT flood.
 *
 * TIME-WAIT: the queue of entries (host/time_wait.c), against a model; and what segments do to an entry
 * (host/time_wait_arrive.c), seen from outside through a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/bare_peer.h"

static struct test_allocator memory;
static struct mem	     mem;
static uint64_t		     random_state = 1;

static uint32_t any(uint32_t n)
{
	return (uint32_t)(splitmix64(&random_state) % n);
}

static void begin_mem(size_t limit)
{
	const struct tern_allocator allocator = test_allocator(&memory);

	mem_init(&mem, &allocator, limit, 0);
}

/* ---- the queue ---- */

static struct tern_tuple tuple_of(uint32_t n)
{
	return (struct tern_tuple){ .local = addr_v4(0x0a000001),
				    .remote = addr_v4(n),
				    .zone = n * 7,
				    .local_port = 80,
				    .remote_port = (uint16_t)(n * 31) };
}

static struct tcp_time_wait what_of(uint32_t n)
{
	return (struct tcp_time_wait){ .snd_nxt = seq(n * 3),
				       .rcv_nxt = seq(n * 5),
				       .ts_recent = n * 11,
				       .ts_offset = n * 13,
				       .ts_ok = n & 1 };
}

enum { MODEL = 5000 };

struct model {
	uint32_t  index[MODEL]; /* of entry n; TIME_WAIT_NONE: none */
	tern_time until[MODEL];
	uint64_t  order[MODEL];
	uint64_t  clock;
	unsigned  n;
	unsigned  moves;
};

static void moved(void *context, const struct tern_tuple *tuple, uint32_t from, uint32_t to)
{
	struct model *const model = context;
	const uint32_t	    n = addr_v4_of(&tuple->remote);

	assert_true(n < MODEL);
	assert_int_equal(model->index[n], from);
	model->index[n] = to;
	model->moves++;
}

static void is_as_added(const struct time_wait *tw, const struct model *model, uint32_t n)
{
	const struct tern_tuple	   tuple = tuple_of(n), other = tuple_of(n + 1);
	const struct tcp_time_wait what = what_of(n);
	struct tern_tuple	   named;
	struct tcp_time_wait	   is;

	assert_true(time_wait_is(tw, model->index[n], &tuple));
	assert_false(time_wait_is(tw, model->index[n], &other));
	time_wait_tuple(tw, model->index[n], &named);
	assert_true(tuple_equal(&named, &tuple));
	time_wait_get(tw, model->index[n], &is);
	assert_int_equal(is.snd_nxt.v, what.snd_nxt.v);
	assert_int_equal(is.rcv_nxt.v, what.rcv_nxt.v);
	assert_int_equal(is.ts_recent, what.ts_recent);
	assert_int_equal(is.ts_offset, what.ts_offset);
	assert_int_equal(is.ts_ok, what.ts_ok);
	/* Never early, at most 3 ns late. */
	assert_in_range(time_wait_until(tw, model->index[n]) - model->until[n], 0, 3);
}

static void add(struct time_wait *tw, struct model *model, uint32_t n, tern_time now)
{
	const struct tern_tuple	   tuple = tuple_of(n);
	const struct tcp_time_wait what = what_of(n);

	model->index[n] = time_wait_add(tw, &tuple, &what, now);
	assert_int_not_equal(model->index[n], TIME_WAIT_NONE);
	assert_true(model->index[n] < 1u << 30);
	model->until[n] = now + tw->lasts;
	model->order[n] = ++model->clock;
	model->n++;
}

static void the_oldest_is_first(const struct time_wait *tw, const struct model *model)
{
	uint32_t oldest = TIME_WAIT_NONE;

	for (uint32_t n = 0; n < MODEL; n++)
		if (model->index[n] != TIME_WAIT_NONE &&
		    (oldest == TIME_WAIT_NONE || model->order[n] < model->order[oldest]))
			oldest = n;
	if (oldest == TIME_WAIT_NONE) {
		assert_int_equal(time_wait_deadline(tw), TERN_NEVER);
		assert_int_equal(time_wait_oldest(tw), TIME_WAIT_NONE);
		return;
	}
	assert_int_equal(time_wait_oldest(tw), model->index[oldest]);
	assert_in_range(time_wait_deadline(tw) - model->until[oldest], 0, 3);
}

static void a_walk_meets_all_once(const struct time_wait *tw, const struct model *model)
{
	unsigned n = 0;

	for (uint32_t i = time_wait_from(tw, 0); i != TIME_WAIT_NONE; i = time_wait_from(tw, i + 1)) {
		struct tern_tuple tuple;

		time_wait_tuple(tw, i, &tuple);
		assert_int_equal(model->index[addr_v4_of(&tuple.remote)], i);
		n++;
	}
	assert_int_equal(n, model->n);
}

static void one_step(struct time_wait *tw, struct model *model, tern_time now, unsigned mix)
{
	const uint32_t n = any(MODEL);

	if (model->index[n] == TIME_WAIT_NONE) {
		add(tw, model, n, now);
	} else if (any(100) < mix) {
		assert_true(time_wait_restart(tw, model->index[n], now));
		model->until[n] = now + tw->lasts;
		model->order[n] = ++model->clock;
	} else {
		time_wait_remove(tw, model->index[n]);
		model->index[n] = TIME_WAIT_NONE;
		model->n--;
	}
	if (model->index[n] != TIME_WAIT_NONE)
		is_as_added(tw, model, n);
}

/* They are the oldest, in their order, and all that are due where the room and their chunk do not end before. */
static void those_due_are_the_oldest(const struct time_wait *tw, const struct model *model, tern_time now)
{
	uint64_t       before = 0;
	uint32_t       due[8];
	const uint32_t n = time_wait_due(tw, now, due, 8);

	assert_true(n <= 8);
	assert_int_equal(n > 0, time_wait_deadline(tw) <= now);
	for (uint32_t i = 0; i < n; i++) {
		struct tern_tuple tuple;

		time_wait_tuple(tw, due[i], &tuple);
		const uint32_t who = addr_v4_of(&tuple.remote);

		assert_int_equal(model->index[who], due[i]);
		assert_true(model->until[who] <= now && time_wait_until(tw, due[i]) <= now);
		assert_true(i > 0 ? model->order[who] > before : due[i] == time_wait_oldest(tw));
		before = model->order[who];
	}
}

static void expire(struct time_wait *tw, struct model *model, tern_time now)
{
	those_due_are_the_oldest(tw, model, now);
	while (time_wait_deadline(tw) <= now) {
		struct tern_tuple tuple;

		time_wait_tuple(tw, time_wait_oldest(tw), &tuple);
		const uint32_t n = addr_v4_of(&tuple.remote);

		assert_true(model->until[n] <= now);
		time_wait_remove(tw, time_wait_oldest(tw));
		model->index[n] = TIME_WAIT_NONE;
		model->n--;
	}
	for (uint32_t n = 0; n < MODEL; n++)
		if (model->index[n] != TIME_WAIT_NONE)
			assert_true(model->until[n] > now - 4);
}

static void random_work_as_the_model_has_it(void **state)
{
	static struct model model;
	struct time_wait    tw;
	tern_time	    now = -7;

	(void)state;
	begin_mem(64 << 20);
	for (unsigned mix = 0; mix <= 100; mix += 25) {
		memset(&model, 0, sizeof model);
		memset(model.index, 0xff, sizeof model.index);
		time_wait_init(&tw, &mem, 1000 * TERN_SECOND, 0, moved, &model);
		for (unsigned i = 0; i < 40000; i++) {
			now += any(100000000);
			one_step(&tw, &model, now, mix);
			if (i % 1000 == 0) {
				time_wait_check(&tw);
				the_oldest_is_first(&tw, &model);
				a_walk_meets_all_once(&tw, &model);
				expire(&tw, &model, now);
				if (i % 7000 == 0)
					time_wait_trim(&tw);
			}
			assert_int_equal(tw.n, model.n);
		}
		for (uint32_t n = 0; n < MODEL; n++)
			if (model.index[n] != TIME_WAIT_NONE)
				is_as_added(&tw, &model, n);
		now += 1001 * TERN_SECOND;
		expire(&tw, &model, now);
		assert_int_equal(tw.n, 0);
		time_wait_trim(&tw);
		assert_int_equal(mem.used, 0);
		time_wait_done(&tw);
	}
	assert_true(model.moves > 0);
	assert_int_equal(memory.blocks, 0);
}

static void a_million_cost_64_bytes_each(void **state)
{
	struct time_wait tw;

	(void)state;
	begin_mem(1 << 30);
	time_wait_init(&tw, &mem, TERN_SECOND, 0, NULL, NULL);
	for (uint32_t n = 0; n < 1000000; n++) {
		const struct tern_tuple	   tuple = tuple_of(n);
		const struct tcp_time_wait what = what_of(n);

		assert_int_not_equal(time_wait_add(&tw, &tuple, &what, n), TIME_WAIT_NONE);
	}
	time_wait_check(&tw);
	assert_in_range(mem.used, 64000000, 64250000);
	/* All end in turn, each at its own moment; the memory goes with them. */
	for (uint32_t n = 0; n < 1000000; n++) {
		assert_in_range(time_wait_deadline(&tw), TERN_SECOND + n, TERN_SECOND + n + 3);
		time_wait_remove(&tw, time_wait_oldest(&tw));
		if (n == 750000)
			assert_in_range(mem.used, 0, 16300000);
	}
	time_wait_trim(&tw);
	assert_int_equal(mem.used, 0);
	time_wait_done(&tw);
}

/* Peers that repeat their FINs for ever hold a few times the memory of what lives, whatever the order. */
static void restarts_without_end_hold_little(void **state)
{
	static struct model   model;
	static const unsigned living[] = { 1, 2, 3, 100, 600, 4000 };

	(void)state;
	for (unsigned row = 0; row < sizeof living / sizeof *living; row++) {
		struct time_wait tw;
		size_t		 peak = 0;

		begin_mem(64 << 20);
		memset(&model, 0, sizeof model);
		memset(model.index, 0xff, sizeof model.index);
		time_wait_init(&tw, &mem, TERN_SECOND, 0, moved, &model);
		for (uint32_t n = 0; n < living[row]; n++)
			add(&tw, &model, n, 0);
		for (unsigned i = 0; i < 200000; i++) {
			/* A few lie still for long, the others go round: chunks with one survivor each. */
			uint32_t n = any(living[row]);

			if (i % 500 != 0)
				n = any(living[row] < 8 ? living[row] : 8);
			assert_true(time_wait_restart(&tw, model.index[n], i));
			peak = mem.used > peak ? mem.used : peak;
		}
		time_wait_check(&tw);
		assert_in_range(peak, 0, 4 * 32768 + 4 * 64 * living[row] + 4096);
		time_wait_done(&tw);
	}
}

/* Entries that end young (a new incarnation took their tuple) leave one survivor for each chunk that they filled:
 * those come together too. */
static void survivors_come_together(void **state)
{
	static struct model model;
	struct time_wait    tw;

	(void)state;
	begin_mem(64 << 20);
	memset(&model, 0, sizeof model);
	memset(model.index, 0xff, sizeof model.index);
	time_wait_init(&tw, &mem, TERN_SECOND, 0, moved, &model);
	for (uint32_t n = 0; n < 1000; n++) {
		add(&tw, &model, n, n);
		for (unsigned i = 0; i < 510; i++) {
			add(&tw, &model, MODEL - 1, n);
			time_wait_remove(&tw, model.index[MODEL - 1]);
			model.n--;
		}
	}
	model.index[MODEL - 1] = TIME_WAIT_NONE;
	time_wait_check(&tw);
	assert_int_equal(tw.n, 1000);
	assert_in_range(mem.used, 64000, 4 * 64000 + 4 * 32768);
	the_oldest_is_first(&tw, &model);
	time_wait_done(&tw);
}

static void what_memory_refuses_is_refused_cleanly(void **state)
{
	static struct model model;

	(void)state;
	for (unsigned fail_at = 1; fail_at < 12; fail_at++) {
		struct time_wait tw;
		unsigned	 n = 0, refused = 0;

		begin_mem(64 << 20);
		memset(&model, 0, sizeof model);
		memset(model.index, 0xff, sizeof model.index);
		time_wait_init(&tw, &mem, TERN_SECOND, 0, moved, &model);
		memory.fail_at = fail_at;
		for (unsigned i = 0; i < 4500; i++) {
			const struct tern_tuple	   tuple = tuple_of(i);
			const struct tcp_time_wait what = what_of(i);

			model.index[i] = time_wait_add(&tw, &tuple, &what, i);
			if (model.index[i] == TIME_WAIT_NONE)
				refused++;
			else
				n++;
			if (i % 3 == 0 && model.index[i / 2] != TIME_WAIT_NONE)
				(void)time_wait_restart(&tw, model.index[i / 2], i);
		}
		assert_int_equal(tw.n, n);
		assert_true(refused <= 1);
		time_wait_check(&tw);
		time_wait_done(&tw);
		assert_int_equal(memory.blocks, 0);
	}
}

static void no_more_than_allowed(void **state)
{
	struct time_wait tw;

	(void)state;
	begin_mem(1 << 20);
	time_wait_init(&tw, &mem, TERN_SECOND, 3, NULL, NULL);
	for (uint32_t n = 0; n < 5; n++) {
		const struct tern_tuple	   tuple = tuple_of(n);
		const struct tcp_time_wait what = what_of(n);
		const uint32_t		   index = time_wait_add(&tw, &tuple, &what, 0);

		assert_int_equal(index == TIME_WAIT_NONE, n >= 3);
	}
	/* To start over is no addition. */
	assert_true(time_wait_restart(&tw, time_wait_oldest(&tw), 1));
	assert_int_equal(tw.n, 3);
	time_wait_done(&tw);
}

/* A clock near the end of its numbers does not make an entry end early. */
static void far_times(void **state)
{
	struct time_wait	   tw;
	const struct tern_tuple	   tuple = tuple_of(1);
	const struct tcp_time_wait what = what_of(1);

	(void)state;
	begin_mem(1 << 20);
	time_wait_init(&tw, &mem, 60 * TERN_SECOND, 0, NULL, NULL);
	assert_int_not_equal(time_wait_add(&tw, &tuple, &what, INT64_MIN), TIME_WAIT_NONE);
	assert_in_range(time_wait_deadline(&tw) - (INT64_MIN + 60 * TERN_SECOND), 0, 3);
	assert_true(time_wait_restart(&tw, time_wait_oldest(&tw), INT64_MAX - 10));
	assert_true(time_wait_deadline(&tw) > INT64_MAX - 10 && time_wait_deadline(&tw) < TERN_NEVER);
	time_wait_done(&tw);
}

/* ---- in a host ---- */

static struct bare b;

enum { PEER_ISN = 5000 };

struct closed {
	uint32_t snd_nxt, rcv_nxt; /* the host's */
	uint32_t ts_ecr;	   /* the host's last timestamp */
	bool	 ts;
};

static void with_ts(struct tcp_segment *seg, bool ts, uint32_t val, uint32_t ecr)
{
	seg->opt.has_ts = ts;
	seg->opt.ts_val = val;
	seg->opt.ts_ecr = ecr;
}

/* A connection that the host closed first, up to TIME-WAIT. Timestamps of the peer: 100. */
static struct closed closed_connection(uint16_t port, bool ts)
{
	struct tcp_segment syn = { .seq = seq(PEER_ISN), .flags = TCP_SYN, .wnd = 65535 };
	struct tcp_segment ack = { .seq = seq(PEER_ISN + 1), .flags = TCP_ACK, .wnd = 65535 };
	tern_socket	   listener = { 0 }, socket;
	uint64_t	   cursor = 0;

	while (tern_host_each(b.host, &cursor, &listener) && handle_kind(listener) != HANDLE_LISTENER)
		;
	with_ts(&syn, ts, 100, 0);
	bare_send(&b, BARE_PEER, port, syn);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_SYN | TCP_ACK);
	ack.ack = seq_add(b.seg.seq, 1);
	with_ts(&ack, ts, 100, b.seg.opt.ts_val);
	bare_send(&b, BARE_PEER, port, ack);
	assert_int_equal(tern_accept(b.host, listener, &socket), 0);
	assert_int_equal(tern_close(b.host, socket), 0);
	assert_true(bare_next(&b));
	assert_true(b.seg.flags & TCP_FIN);
	ack.ack = seq_add(b.seg.seq, 1);
	ack.flags = TCP_ACK | TCP_FIN;
	bare_send(&b, BARE_PEER, port, ack);
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_ACK);
	assert_int_equal(b.seg.ack.v, PEER_ISN + 2);
	assert_false(bare_next(&b));
	assert_int_equal(bare_stats(&b).TernConnections, 0);
	return (struct closed){
		.snd_nxt = ack.ack.v, .rcv_nxt = PEER_ISN + 2, .ts = ts, .ts_ecr = b.seg.opt.ts_val
	};
}

static void begin_host(bool v6)
{
	struct tern_config config;
	tern_socket	   listener;

	bare_config(&b, &config);
	bare_begin(&b, &config, v6);
	const struct tern_listen how = { .local = { .port = 80 } };

	assert_int_equal(tern_listen(b.host, &how, &listener), 0);
}

static struct tcp_segment from_peer(const struct closed *c, unsigned flags, uint32_t seq_, uint32_t ack)
{
	struct tcp_segment seg = {
		.seq = seq(seq_), .ack = seq(ack), .flags = (uint16_t)flags, .wnd = 65535
	};

	with_ts(&seg, c->ts, 101, c->ts_ecr);
	return seg;
}

static tern_time until(void)
{
	uint64_t	  cursor = 0;
	struct tern_entry entry;

	while (tern_host_each_entry(b.host, &cursor, &entry))
		if (entry.state == TERN_STATE_TIME_WAIT)
			return entry.until;
	return TERN_NEVER;
}

/* MUST-13. */
static void ends_after_2msl_and_not_before(void **state)
{
	const tern_time two_msl = 60 * TERN_SECOND;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		begin_host(v6);
		const struct closed c = closed_connection(1000, v6);
		const tern_time	    began = b.now;

		(void)c;
		unsigned timers = 0;

		for (size_t i = 0; i < b.n_log; i++)
			timers += b.log[i].kind == TERN_WATCH_TIMER &&
				  b.log[i].u.timer.timer == TERN_TIMER_TIME_WAIT &&
				  b.log[i].u.timer.deadline == until() && b.log[i].tuple.remote_port == 1000;
		assert_int_equal(timers, 1);
		assert_int_equal(bare_stats(&b).TernTimeWait, 1);
		assert_in_range(until() - began, two_msl, two_msl + 3);
		assert_int_equal(tern_host_deadline(b.host), until());
		bare_wait(&b, two_msl - 1);
		assert_int_equal(bare_stats(&b).TernTimeWait, 1);
		b.n_log = 0;
		b.now = until();
		bare_wait(&b, 0);
		assert_int_equal(bare_stats(&b).TernTimeWait, 0);
		assert_int_equal(bare_stats(&b).TW, 1);
		assert_int_equal(bare_edges(&b, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TWO_MSL),
				 1);
		assert_int_equal(tern_host_deadline(b.host), TERN_NEVER);
		assert_false(bare_next(&b));
		bare_end(&b);
	}
}

static void the_fin_again_is_answered_and_2msl_begins_again(void **state)
{
	(void)state;
	for (int ts = 0; ts < 2; ts++) {
		begin_host(ts);
		const struct closed c = closed_connection(1000, ts);

		for (int i = 0; i < 5; i++) {
			bare_wait(&b, 50 * TERN_SECOND);
			b.n_log = 0;
			bare_send(&b, BARE_PEER, 1000,
				  from_peer(&c, TCP_FIN | TCP_ACK, c.rcv_nxt - 1, c.snd_nxt));
			assert_int_equal(bare_verdict(&b), TERN_VERDICT_TIME_WAIT);
			assert_int_equal(b.log[0].kind, TERN_WATCH_TIMER);
			assert_int_equal(b.log[0].u.timer.deadline, until());
			assert_int_equal(b.log[0].tuple.remote_port, 1000);
			assert_true(bare_next(&b));
			assert_int_equal(b.seg.flags, TCP_ACK);
			assert_int_equal(b.seg.seq.v, c.snd_nxt);
			assert_int_equal(b.seg.ack.v, c.rcv_nxt);
			assert_int_equal(b.seg.opt.has_ts, ts);
			if (ts)
				assert_int_equal(b.seg.opt.ts_ecr, 101);
			assert_in_range(until() - b.now, 60 * TERN_SECOND, 60 * TERN_SECOND + 3);
		}
		/* The FIN with the text before it, and one that acknowledges less (both closed at once). */
		struct tcp_segment seg = from_peer(&c, TCP_FIN | TCP_ACK, c.rcv_nxt - 6, c.snd_nxt - 1);

		seg.text = (const uint8_t *)"hello";
		seg.text_len = 5;
		bare_wait(&b, TERN_SECOND);
		bare_send(&b, BARE_PEER, 1000, seg);
		assert_true(bare_next(&b));
		assert_in_range(until() - b.now, 60 * TERN_SECOND, 60 * TERN_SECOND + 3);
		bare_end(&b);
	}
}

struct quiet_row {
	const char *what;
	unsigned    flags;
	int	    seq, ack; /* from RCV.NXT, from SND.NXT */
	unsigned    text;
	int	    ts; /* from what the peer sent last */
	bool	    answered;
};

/* What is neither the FIN again nor a new incarnation ends nothing and prolongs nothing. */
static void all_else_changes_nothing(void **state)
{
	static const struct quiet_row rows[] = {
		{ "reset at RCV.NXT (RFC 1337)", TCP_RST, 0, 0, 0, 1, false },
		{ "reset with ACK", TCP_RST | TCP_ACK, 0, 0, 0, 1, false },
		{ "reset with SYN", TCP_RST | TCP_SYN, 0, 0, 0, 1, false },
		{ "bare ACK", TCP_ACK, 0, 0, 0, 1, false },
		{ "bare ACK of what was not sent", TCP_ACK, 0, 1, 0, 1, false },
		{ "bare ACK before the window", TCP_ACK, -100, 0, 0, 1, false },
		{ "nothing at all", 0, 0, 0, 0, 1, false },
		{ "old text", TCP_ACK, -50, 0, 10, 1, true },
		{ "text after the FIN", TCP_ACK, 0, 0, 10, 1, true },
		{ "another FIN after the FIN", TCP_FIN | TCP_ACK, 0, 0, 0, 1, true },
		{ "the FIN without ACK", TCP_FIN, -1, 0, 0, 1, true },
		{ "the FIN, acknowledging what was not sent", TCP_FIN | TCP_ACK, -1, 1, 0, 1, true },
		{ "an old FIN by its timestamp", TCP_FIN | TCP_ACK, -1, 0, 0, -1, true },
		{ "SYN and ACK", TCP_SYN | TCP_ACK, 10, 0, 0, 1, true },
		{ "an old SYN", TCP_SYN, -2, 0, 0, -1, true },
		{ "SYN, same time, old number", TCP_SYN, -2, 0, 0, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin_host(false);
		const struct closed c = closed_connection(1000, true);
		const tern_time	    ends = until();
		struct tcp_segment  seg = from_peer(&c, rows[i].flags, c.rcv_nxt + (uint32_t)rows[i].seq,
						    c.snd_nxt + (uint32_t)rows[i].ack);

		seg.opt.ts_val = 100 + (uint32_t)rows[i].ts;
		seg.text = (const uint8_t *)"0123456789";
		seg.text_len = rows[i].text;
		bare_wait(&b, TERN_SECOND);
		bare_send(&b, BARE_PEER, 1000, seg);
		if (bare_verdict(&b) != TERN_VERDICT_TIME_WAIT || until() != ends ||
		    bare_next(&b) != rows[i].answered)
			fail_msg("%s", rows[i].what);
		if (rows[i].answered &&
		    (b.seg.flags != TCP_ACK || b.seg.seq.v != c.snd_nxt || b.seg.ack.v != c.rcv_nxt))
			fail_msg("%s: answer", rows[i].what);
		assert_false(bare_next(&b));
		bare_end(&b);
	}
}

struct reuse_row {
	const char *what;
	bool	    had_ts, has_ts;
	int	    seq, ts; /* from RCV.NXT, from the last one seen */
	bool	    taken;
};

/* RFC 6191 2, and RFC 9293 MAY-2 without timestamps (SHLD-4). */
static void a_newer_syn_begins_anew(void **state)
{
	static const struct reuse_row rows[] = {
		{ "newer timestamp, old number", true, true, -1000, 1, true },
		{ "same timestamp, larger number", true, true, 0, 0, true },
		{ "same timestamp, old number", true, true, -1, 0, false },
		{ "older timestamp, larger number", true, true, 1000, -1, false },
		{ "no timestamps, larger number", false, false, 0, 0, true },
		{ "no timestamps, old number", false, false, -1, 0, false },
		{ "none before, one now", false, true, -1000, -1000, true },
		{ "one before, none now, larger number", true, false, 5, 0, true },
		{ "one before, none now, old number", true, false, -5, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin_host(i & 1);
		const struct closed c = closed_connection(1000, rows[i].had_ts);
		struct tcp_segment  syn = { .seq = seq(c.rcv_nxt + (uint32_t)rows[i].seq),
					    .flags = TCP_SYN,
					    .wnd = 9 };

		with_ts(&syn, rows[i].has_ts, 100 + (uint32_t)rows[i].ts, 0);
		b.n_log = 0;
		bare_send(&b, BARE_PEER, 1000, syn);
		assert_true(bare_next(&b));
		if (!rows[i].taken) {
			if (b.seg.flags != TCP_ACK || bare_stats(&b).TernTimeWait != 1)
				fail_msg("%s", rows[i].what);
			bare_end(&b);
			continue;
		}
		if (b.seg.flags != (TCP_SYN | TCP_ACK) || bare_stats(&b).TernTimeWait != 0)
			fail_msg("%s", rows[i].what);
		assert_int_equal(b.seg.ack.v, syn.seq.v + 1);
		assert_true(seq_gt(b.seg.seq, seq(c.snd_nxt))); /* above all that was used */
		assert_int_equal(
			bare_edges(&b, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TIME_WAIT_REUSED),
			1);
		assert_int_equal(
			bare_edges(&b, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED), 1);
		assert_int_equal(bare_stats(&b).TWRecycled, 1);
		assert_int_equal(bare_stats(&b).TernHalfOpen, 1);
		bare_end(&b);
	}
}

/* Without a listener, or without room there, TIME-WAIT stays. */
static void a_newer_syn_that_nobody_takes(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct tern_config config;
		struct tern_listen how = { .local = { .port = 80 }, .backlog = 1 };
		tern_socket	   listener;

		bare_config(&b, &config);
		bare_begin(&b, &config, false);
		assert_int_equal(tern_listen(b.host, &how, &listener), 0);
		const struct closed c = closed_connection(1000, true);
		struct tcp_segment  syn = from_peer(&c, TCP_SYN, c.rcv_nxt + 1000, 0);

		if (full) {
			bare_send(&b, BARE_PEER, 2000, syn);
			assert_int_equal(bare_drain(&b), 1);
		} else {
			assert_int_equal(tern_close(b.host, listener), 0);
		}
		bare_send(&b, BARE_PEER, 1000, syn);
		assert_int_equal(bare_stats(&b).TernTimeWait, 1);
		assert_true(bare_next(&b));
		assert_int_equal(b.seg.flags, TCP_ACK);
		bare_end(&b);
	}
}

static void the_oldest_is_given_up_for_room(void **state)
{
	struct tern_config config;
	tern_socket	   listener;

	(void)state;
	bare_config(&b, &config);
	config.time_wait_max = 3;
	bare_begin(&b, &config, false);
	const struct tern_listen how = { .local = { .port = 80 } };

	assert_int_equal(tern_listen(b.host, &how, &listener), 0);
	for (uint16_t port = 1000; port < 1010; port++)
		(void)closed_connection(port, true);
	assert_int_equal(bare_stats(&b).TernTimeWait, 3);
	assert_int_equal(bare_stats(&b).TCPTimeWaitOverflow, 7);
	assert_int_equal(bare_edges(&b, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TIME_WAIT_GIVEN_UP),
			 7);
	bare_end(&b);
}

static bool no_chunks;

static void *alloc_but_chunks(void *context, size_t size, size_t align)
{
	return no_chunks && size == 32768 ? NULL : checked_alloc(context, size, align);
}

/* The queue cannot grow: the oldest go, a chunk of them at once, and every new one finds its place. */
static void without_memory_the_oldest_go(void **state)
{
	struct tern_config config;
	tern_socket	   listener;
	uint16_t	   newest = 0;

	(void)state;
	bare_config(&b, &config);
	config.allocator.alloc = alloc_but_chunks;
	config.watcher.event = NULL;
	no_chunks = false;
	bare_begin(&b, &config, false);
	assert_int_equal(tern_listen(b.host, &(struct tern_listen){ .local = { .port = 80 } }, &listener), 0);
	for (uint16_t port = 1; port <= 3 * 511; port++) {
		no_chunks = port > 600;
		(void)closed_connection(port, true);
		newest = port;
		const struct tern_tuple tuple = bare_tuple(&b, BARE_PEER, port);

		assert_int_equal(demux_ref_kind(demux_find(&b.host->demux, &tuple)), DEMUX_TIME_WAIT);
		assert_int_equal(bare_stats(&b).TernTimeWait + bare_stats(&b).TCPTimeWaitOverflow, newest);
		if (port > 600)
			assert_in_range(bare_stats(&b).TernTimeWait, 511, 1022);
	}
	no_chunks = false;
	bare_end(&b);
}

/* Not even one entry is to be had: the connection has ended, told and counted, and nothing is left of it. */
static void without_any_memory_it_ends(void **state)
{
	struct tern_config config;
	tern_socket	   listener;

	(void)state;
	bare_config(&b, &config);
	config.allocator.alloc = alloc_but_chunks;
	no_chunks = true;
	bare_begin(&b, &config, false);
	assert_int_equal(tern_listen(b.host, &(struct tern_listen){ .local = { .port = 80 } }, &listener), 0);
	(void)closed_connection(1000, true);
	no_chunks = false;
	assert_int_equal(bare_stats(&b).TernTimeWait, 0);
	assert_int_equal(bare_stats(&b).TCPTimeWaitOverflow, 1);
	assert_int_equal(bare_edges(&b, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TIME_WAIT_GIVEN_UP),
			 1);
	assert_int_equal(b.host->demux.n, 0);
	bare_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_work_as_the_model_has_it),
		cmocka_unit_test(a_million_cost_64_bytes_each),
		cmocka_unit_test(restarts_without_end_hold_little),
		cmocka_unit_test(survivors_come_together),
		cmocka_unit_test(what_memory_refuses_is_refused_cleanly),
		cmocka_unit_test(no_more_than_allowed),
		cmocka_unit_test(far_times),
		cmocka_unit_test(ends_after_2msl_and_not_before),
		cmocka_unit_test(the_fin_again_is_answered_and_2msl_begins_again),
		cmocka_unit_test(all_else_changes_nothing),
		cmocka_unit_test(a_newer_syn_begins_anew),
		cmocka_unit_test(a_newer_syn_that_nobody_takes),
		cmocka_unit_test(the_oldest_is_given_up_for_room),
		cmocka_unit_test(without_memory_the_oldest_go),
		cmocka_unit_test(without_any_memory_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
