/* A rig for the tests of tcp/: one block in a pool, with an environment over the tests' allocator, a peer
 * that the test plays, and no host.
 *
 * Sequence numbers in tests are relative: ours to ISS, the peer's to IRS, so that 0 is the SYN and text
 * begins at 1. rig_run() runs every case for five ISSs (and IRSs), which puts the wrap past 2^31 and 2^32
 * under each. The block is checked (tcb_check) after every step. */
#ifndef TESTS_UNIT_TCP_RIG_H
#define TESTS_UNIT_TCP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/call.h"
#include "tcp/flight.h"
#include "tcp/rtt.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"
#include "unit/allocator.h"
#include "wire/tuple.h"
#include <tern/host.h>

enum { RIG_MTU = 1500, RIG_MSS = 1460, RIG_ISSES = 5 };

static const uint32_t rig_isses[RIG_ISSES] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

struct rig {
	struct test_allocator memory;
	struct mem	      mem;
	struct tcp_env	      env;
	struct tcb_pool	      pool;
	struct tcb	     *tcb;
	tern_time	      now;
	uint32_t	      iss, irs;
	/* What the peer says. */
	struct {
		uint16_t wnd, mss; /* mss 0: no option */
		int	 wscale;   /* -1: no option */
		bool	 ts, sack;
		uint32_t ts_val; /* of its next segment */
		bool	 no_ts;	 /* its segments forget the option */
		uint8_t	 traffic_class;
	} peer;
	struct tcp_out out; /* the last segment that left */
	unsigned notes[TERN_NOTES], retransmits[TERN_RETRANSMIT_WHYS], congestion[TERN_CONGESTION_EVENTS];
	unsigned fired[TERN_TIMERS];
	uint32_t note_value;
	uint8_t	 text[1 << 17];
};

static uint32_t rig_iss, rig_irs;

/* The octet that stands at an offset of either stream. */
static inline uint8_t rig_octet(uint32_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8));
}

static inline const uint8_t *rig_octets(struct rig *r, uint32_t offset, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		r->text[i] = rig_octet(offset + i);
	return r->text;
}

static inline void rig_watch(void *context, const struct tern_watch_event *event)
{
	struct rig *const r = context;

	if (event->kind == TERN_WATCH_NOTE) {
		r->notes[event->u.note.note]++;
		r->note_value = event->u.note.value;
	}
	if (event->kind == TERN_WATCH_RETRANSMIT)
		r->retransmits[event->u.retransmit.why]++;
	if (event->kind == TERN_WATCH_CONGESTION)
		r->congestion[event->u.congestion.event]++;
	if (event->kind == TERN_WATCH_TIMER && event->u.timer.action == TERN_TIMER_FIRED)
		r->fired[event->u.timer.timer]++;
}

static inline struct tern_tuple rig_tuple(void)
{
	return (struct tern_tuple){ .local = addr_v4(0x0a000001), .remote = addr_v4(0x0a000002), .local_port = 40000,
				    .remote_port = 80 };
}

/* The peer's defaults: a window of 65,535, MSS 1,460 and nothing of RFC 7323 or 2018. */
static inline void rig_begin(struct rig *r)
{
	struct tern_config config;
	const struct tern_tuple tuple = rig_tuple();

	memset(r, 0, sizeof *r);
	tern_config_default(&config);
	for (unsigned i = 0; i < sizeof config.secret; i++)
		config.secret[i] = (uint8_t)(i * 37 + 11);
	config.congestion_control = "reno"; /* windows in numbers that can be told in advance */
	config.allocator = test_allocator(&r->memory);
	config.watcher = (struct tern_watcher){ rig_watch, r };
	mem_init(&r->mem, &config.allocator, 64u << 20, 1u << 20);
	tcp_env_init(&r->env, &config, &r->mem);
	tcb_pool_init(&r->pool, &r->env, 1000);
	r->tcb = tcb_pool_get(&r->pool);
	assert_non_null(r->tcb);
	tcb_set_tuple(r->tcb, &tuple);
	r->tcb->held = true;
	r->iss = rig_iss;
	r->irs = rig_irs;
	/* The moment at which the ISN's clock (4 us) gives this ISS. */
	r->now = 1000 * TERN_SECOND;
	r->now += (tern_time)(rig_iss - tcp_isn(&r->env, &tuple, r->now).v) * 4 * TERN_MICROSECOND;
	r->peer.wnd = 65535;
	r->peer.mss = RIG_MSS;
	r->peer.wscale = -1;
	r->peer.ts_val = rig_irs + 1000; /* wraps with the others */
}

static inline void rig_end(struct rig *r)
{
	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	tcb_pool_done(&r->pool);
	tcp_env_done(&r->env);
	assert_int_equal(r->mem.used, 0);
	assert_int_equal(r->memory.blocks, 0);
	assert_false(r->memory.broken);
}

/* ---- the peer's segments ---- */

static inline struct tcp_segment rig_segment(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	struct tcp_segment seg = {
		.src_port = 80, .dst_port = 40000, .seq = { r->irs + seq }, .flags = (uint16_t)flags,
		.wnd = r->peer.wnd, .text_len = len, .text = rig_octets(r, seq - 1, len),
	};

	if (flags & TCP_ACK)
		seg.ack = (seq_t){ r->iss + ack };
	if (flags & TCP_SYN) {
		seg.text = rig_octets(r, 0, len);
		seg.opt.has_mss = r->peer.mss != 0;
		seg.opt.mss = r->peer.mss;
		seg.opt.has_wscale = r->peer.wscale >= 0;
		seg.opt.wscale = (uint8_t)(r->peer.wscale >= 0 ? r->peer.wscale : 0);
		seg.opt.sack_permitted = r->peer.sack;
	}
	if (r->peer.ts && !r->peer.no_ts) {
		seg.opt.has_ts = true;
		seg.opt.ts_val = r->peer.ts_val;
		seg.opt.ts_ecr = r->out.seg.opt.ts_val;
	}
	return seg;
}

static inline enum tern_verdict rig_arrive(struct rig *r, const struct tcp_segment *seg)
{
	const enum tern_verdict verdict = tcp_arrive(r->tcb, seg, r->peer.traffic_class, 0, r->now);

	tcb_check(r->tcb);
	return verdict;
}

/* A segment arrives; what became of it. */
static inline enum tern_verdict rx(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	const struct tcp_segment seg = rig_segment(r, flags, seq, ack, len);

	return rig_arrive(r, &seg);
}

/* An ACK with SACK blocks: pairs of relative numbers of ours, up to a 0. */
static inline enum tern_verdict rx_sack(struct rig *r, uint32_t seq, uint32_t ack, const uint32_t *edges)
{
	struct tcp_segment seg = rig_segment(r, TCP_ACK, seq, ack, 0);

	for (; edges[2 * seg.opt.n_sack] != 0; seg.opt.n_sack++)
		seg.opt.sack[seg.opt.n_sack] = (struct tcp_sack_block){ { r->iss + edges[2 * seg.opt.n_sack] },
									{ r->iss + edges[2 * seg.opt.n_sack + 1] } };
	return rig_arrive(r, &seg);
}

/* ---- our segments ---- */

static inline bool rig_text_is_right(struct rig *r)
{
	struct slice_part parts[64];
	uint32_t at = r->out.text_offset, got;
	bool right = true;
	const size_t n = slices_gather(r->out.text, at, r->out.seg.text_len, parts, 64, &got);

	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < parts[i].n; k++)
			right &= parts[i].at[k] == rig_octet(at + k);
		at += parts[i].n;
		slice_put(&r->env.slices, parts[i].slice);
	}
	return right && got == r->out.seg.text_len;
}

/* The next segment that leaves, in r->out; one emit carries at most one segment. */
static inline bool tx(struct rig *r)
{
	struct tcp_out out;
	const bool any = tcp_emit(r->tcb, RIG_MSS, r->now, &out);

	tcb_check(r->tcb);
	if (any)
		r->out = out;
	if (any && out.text)
		assert_true(rig_text_is_right(r));
	return any;
}

static inline void rig_fail(const char *what, const char *file, int line)
{
	print_error("%s\n", what);
	_fail(file, line);
}

static inline void rig_sends(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, const char *file,
			     int line)
{
	const struct tcp_segment *const seg = &r->out.seg;
	char what[200];

	if (!tx(r)) {
		rig_fail("nothing leaves", file, line);
		return;
	}
	snprintf(what, sizeof what, "flags %x seq %u ack %u len %u left, not flags %x seq %u ack %u len %u", seg->flags,
		 seg->seq.v - r->iss, seg->ack.v - r->irs, seg->text_len, flags, seq, ack, len);
	if ((seg->flags & ~(unsigned)TCP_PSH) != (flags & ~(unsigned)TCP_PSH) || seg->seq.v - r->iss != seq ||
	    (flags & TCP_ACK && seg->ack.v - r->irs != ack) || seg->text_len != len || seg->src_port != 40000 ||
	    seg->dst_port != 80)
		rig_fail(what, file, line);
}

static inline void rig_quiet(struct rig *r, const char *file, int line)
{
	char what[100];

	if (!tx(r))
		return;
	snprintf(what, sizeof what, "flags %x seq %u len %u left, not nothing", r->out.seg.flags,
		 r->out.seg.seq.v - r->iss, r->out.seg.text_len);
	rig_fail(what, file, line);
}

/* That, and of the flags PSH apart, is what leaves next; and nothing does. */
#define sends(r, flags, seq, ack, len) rig_sends(r, flags, seq, ack, len, __FILE__, __LINE__)
#define is_quiet(r)		       rig_quiet(r, __FILE__, __LINE__)
#define in_state(r, is)		       assert_int_equal((r)->tcb->state, is)

/* Everything that is due leaves; how many segments that were. */
static inline unsigned drain(struct rig *r)
{
	unsigned n = 0;

	while (tx(r))
		n++;
	return n;
}

/* ---- time ---- */

static inline tern_time ms(int64_t n)
{
	return n * TERN_MILLISECOND;
}

static inline void pass(struct rig *r, tern_time dt)
{
	r->now += dt;
}

/* How long until the next time-out; TERN_NEVER: none. */
static inline tern_time wait_of(const struct rig *r)
{
	const tern_time at = tcp_deadline(r->tcb, r->now);

	return at == TERN_NEVER ? TERN_NEVER : at - r->now;
}

/* The next time-out happens; how long that took. */
static inline tern_time expires(struct rig *r)
{
	const tern_time dt = wait_of(r);

	assert_true(dt != TERN_NEVER);
	r->now += dt;
	tcp_expire(r->tcb, r->now);
	tcb_check(r->tcb);
	return dt;
}

/* ---- the program ---- */

/* n octets of our stream, beginning at relative number seq, are sent; all are taken. */
static inline void writes_flags(struct rig *r, uint32_t seq, uint32_t n, unsigned flags)
{
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, seq - 1, n), n, flags, r->now), n);
	tcb_check(r->tcb);
}

static inline void writes(struct rig *r, uint32_t seq, uint32_t n)
{
	writes_flags(r, seq, n, 0);
}

/* The program reads n octets of the peer's stream from relative number seq on: they are the right ones. */
static inline void reads(struct rig *r, uint32_t seq, uint32_t n)
{
	static uint8_t got[1 << 17];

	assert_int_equal(tcp_receive(r->tcb, got, n, r->now), n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(got[i], rig_octet(seq - 1 + i));
	tcb_check(r->tcb);
}

static inline struct tern_status status_of(const struct rig *r)
{
	struct tern_status status;

	tcp_status(r->tcb, r->now, &status);
	return status;
}

/* ---- opening ---- */

/* CLOSED to SYN-SENT; the SYN has left. */
static inline void opens(struct rig *r)
{
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	tcb_check(r->tcb);
	assert_int_equal(r->tcb->snd.iss.v, r->iss);
	sends(r, TCP_SYN, 0, 0, 0);
	is_quiet(r);
}

/* To ESTABLISHED by an active OPEN, 10 ms after the SYN; all is acknowledged, nothing is due. */
static inline void established(struct rig *r)
{
	opens(r);
	pass(r, ms(10));
	assert_int_equal(rx(r, TCP_SYN | TCP_ACK, 0, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
	sends(r, TCP_ACK, 1, 1, 0);
	is_quiet(r);
	r->tcb->quick = false; /* delayed ACKs from the first text on, as later in a connection */
	r->tcb->ready = 0;
}

/* To another state from ESTABLISHED, with nothing due. Ours is the FIN at 1, the peer's at 1. */
static inline void closes_first(struct rig *r) /* FIN-WAIT-1 */
{
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	in_state(r, FIN_WAIT_1);
}

static inline void in_fin_wait_2(struct rig *r)
{
	closes_first(r);
	assert_int_equal(rx(r, TCP_ACK, 1, 2, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, FIN_WAIT_2);
}

static inline void in_close_wait(struct rig *r)
{
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_ACK, 1, 2, 0);
	in_state(r, CLOSE_WAIT);
}

static inline void in_closing(struct rig *r)
{
	closes_first(r);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_ACK, 2, 2, 0);
	in_state(r, CLOSING);
}

static inline void in_last_ack(struct rig *r)
{
	in_close_wait(r);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	sends(r, TCP_FIN | TCP_ACK, 1, 2, 0);
	in_state(r, LAST_ACK);
}

/* By a passive OPEN: a half-open entry becomes a block in SYN-RECEIVED; its third segment is to come. */
static inline void half_opens(struct rig *r)
{
	const uint16_t our_mss = tcp_mss_for_mtu(RIG_MTU, false);
	struct tcp_agreement agreed = { .iss = { r->iss }, .ts_offset = 77 };
	const struct tcp_segment syn = rig_segment(r, TCP_SYN, 0, 0, 0);

	tcp_agree(&r->env, &agreed, &syn, our_mss, false);
	tcp_open_from_half(r->tcb, &agreed, RIG_MTU, r->now);
	r->out.seg.opt.ts_val = tcp_ts_clock(r->now) + agreed.ts_offset; /* of the entry's SYN-ACK */
	tcb_check(r->tcb);
}

/* To SYN-RECEIVED by simultaneous open: our SYN-ACK has left. */
static inline void opens_simultaneously(struct rig *r)
{
	opens(r);
	assert_int_equal(rx(r, TCP_SYN, 0, 0, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, SYN_RECEIVED);
	sends(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	is_quiet(r);
}

/* ---- running ---- */

struct rig_case {
	const char *name;
	void (*run)(struct rig *r);
};

#define CASE(function)               \
	{                            \
		#function, function  \
	}

static struct rig rig_now;

static inline int rig_setup(void **state)
{
	(void)state;
	rig_begin(&rig_now);
	return 0;
}

static inline void rig_trampoline(void **state)
{
	const struct rig_case *const one = *state;

	one->run(&rig_now);
	rig_end(&rig_now);
}

/* Every case, for every ISS. Returns the number that failed. */
static inline int rig_run(const char *group, const struct rig_case *cases, size_t n)
{
	struct CMUnitTest *const tests = calloc(n, sizeof *tests);
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, rig_trampoline, rig_setup, NULL,
						(void *)(uintptr_t)&cases[i] };
	for (unsigned i = 0; i < RIG_ISSES; i++) {
		char name[80];

		rig_iss = rig_isses[i];
		rig_irs = rig_isses[(i * 2 + 3) % RIG_ISSES];
		snprintf(name, sizeof name, "%s, ISS %u", group, rig_iss);
		failed += _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	}
	free(tests);
	return failed;
}

#define RIG_RUN(group, cases) rig_run(group, cases, sizeof(cases) / sizeof *(cases))

#endif
