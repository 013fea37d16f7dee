/* Listeners, half-open entries and asks under what nobody plans: random segments and calls, memory that fails. */
#include "support/proof.h"
#include "unit/bare_listener.h"

#include <stdio.h>

enum { PORTS = 12, RUNS = 120, STEPS = 500 };

/* What the peer knows of each of its connections: the numbers that it would use next. */
static struct {
	seq_t theirs, ours;
} flow[PORTS];
static uint64_t random_state = 99;

static uint32_t any(uint32_t n)
{
	return (uint32_t)(splitmix64(&random_state) % n);
}

static void random_segment(unsigned step)
{
	static const uint16_t flags[] = {
		TCP_SYN,	   TCP_ACK,	      TCP_ACK, TCP_ACK,		  TCP_ACK,	     TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN | TCP_ACK, TCP_SYN | TCP_FIN, 0,
		TCP_RST | TCP_ACK, TCP_SYN,
	};
	const unsigned	   n = any(PORTS);
	struct tcp_segment seg = { .flags = flags[any(sizeof flags / sizeof *flags)], .wnd = 100 };
	const bool	   exact = any(4) != 0;

	seg.seq = exact ? flow[n].theirs : seq_add(flow[n].theirs, any(5) - 2);
	if (seg.flags & TCP_SYN && any(3) != 0)
		seg.seq = seq(ISN + any(2) * 100000);
	seg.ack = exact ? flow[n].ours : seq_add(flow[n].ours, any(5) - 2);
	seg.opt.has_ts = n & 1;
	seg.opt.ts_val = 100 + step + any(4);
	seg.text = (const uint8_t *)"abcdefghij";
	seg.text_len = any(4) == 0 ? any(10) : 0;
	if (exact && any(2) != 0)
		flow[n].theirs = seq_add(seg.seq, tcp_seg_len(&seg));
	bare_send(&b, BARE_PEER, (uint16_t)(1000 + n), seg);
}

static void hear_the_answers(void)
{
	while (bare_next(&b)) {
		if (b.is_icmp || b.seg.dst_port < 1000 || b.seg.dst_port >= 1000 + PORTS ||
		    !(b.seg.flags & TCP_ACK))
			continue;
		flow[b.seg.dst_port - 1000].theirs = b.seg.ack;
		flow[b.seg.dst_port - 1000].ours = seq_add(b.seg.seq, tcp_seg_len(&b.seg));
	}
}

static void random_call(void)
{
	struct tern_event event;
	struct tern_tuple tuple;
	tern_socket	  socket;

	switch (any(8)) {
	case 0: bare_wait(&b, (tern_time)any(20) * TERN_SECOND / 2); break;
	case 1:
		if (tern_accept(b.host, listener, &socket) == 0)
			assert_int_equal(
				any(4) != 0 ? tern_close(b.host, socket) : tern_abort(b.host, socket), 0);
		break;
	case 2:
		if (tern_next_ask(b.host, listener, &socket, &tuple) == 0 && any(4) != 0)
			assert_int_equal(tern_answer(b.host, socket, any(2) ? TERN_ANSWER_ACCEPT : any(6)),
					 0);
		break;
	case 3:
		while (tern_host_event(b.host, &event))
			;
		break;
	default: break;
	}
	tern_host_check(b.host);
}

/* Segments of every kind near the right numbers, calls in between: the host's own checks run after each. */
static void random_segments_and_calls(void **state)
{
	uint64_t verdicts[TERN_VERDICTS] = { 0 }, recycled = 0, timed_out = 0;
	const unsigned runs = proof_runs(RUNS);

	(void)state;
	for (unsigned run = 0; run < runs; run++) {
		begin();
		config.half_open_max = 6;
		config.time_wait_max = 3;
		config.forwarding_any = run & 1;
		bare_begin(&b, &config, run & 2);
		listen_on(&(struct tern_listen){ .local = { .port = run & 4 ? 0 : 80 },
						 .any = run & 4,
						 .ask = (run & 12) == 12,
						 .backlog = 1 + run % 5 });
		for (unsigned step = 0; step < STEPS; step++) {
			random_segment(step);
			hear_the_answers();
			random_call();
		}
		if (run % 3 == 0)
			assert_int_equal(tern_close(b.host, listener), 0);
		bare_drain(&b);
		for (unsigned i = 0; i < TERN_VERDICTS; i++)
			verdicts[i] += bare_stats(&b).TernVerdict[i];
		recycled += bare_stats(&b).TWRecycled;
		timed_out += bare_stats(&b).TW + bare_stats(&b).TernHalfOpenExpired;
		bare_end(&b);
	}
	/* It went everywhere. */
	static const enum tern_verdict seen[] = {
		TERN_VERDICT_NEW_CONNECTION, TERN_VERDICT_DUPLICATE_SYN,   TERN_VERDICT_BACKLOG_FULL,
		TERN_VERDICT_COOKIE_SENT,    TERN_VERDICT_COOKIE_ACCEPTED, TERN_VERDICT_COOKIE_BAD,
		TERN_VERDICT_WAITING,	     TERN_VERDICT_TIME_WAIT,	   TERN_VERDICT_TIME_WAIT_REUSED,
		TERN_VERDICT_RESET,	     TERN_VERDICT_BLIND_RESET,	   TERN_VERDICT_BLIND_SYN,
		TERN_VERDICT_STRAY_RESET,    TERN_VERDICT_BAD_ACK,	   TERN_VERDICT_NO_SYN,
	};

	for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
		if (verdicts[seen[i]] == 0)
			fail_msg("never: %s", tern_verdict_name(seen[i]));
	assert_true(recycled > 0 && timed_out > 0);
	printf("%u runs of %d segments and calls\n", runs, STEPS);
}

/* The n-th allocation fails, for every n of a run: a clean refusal, nothing leaked, the next attempt succeeds. */
static void every_allocation_fails_once(void **state)
{
	size_t calls = SIZE_MAX;

	(void)state;
	for (size_t n = 0; n < calls; n++) {
		const bool	  ask = n & 1;
		tern_socket	  socket;
		struct tern_tuple tuple;
		bool		  established = false;

		begin();
		bare_begin(&b, &config, false);
		b.memory.fail_at = 0;
		const size_t before = b.memory.calls;

		b.memory.fail_at = before + n / 2 + 1;
		const struct tern_listen how = { .local = { .port = ask ? 0 : 80 }, .any = ask, .ask = ask };

		if (tern_listen(b.host, &how, &listener) != 0)
			assert_int_equal(tern_listen(b.host, &how, &listener), 0);
		for (int tries = 0; tries < 6 && !established; tries++) {
			bare_send(&b, BARE_PEER, 1000, a_full_syn());
			if (ask && tern_next_ask(b.host, listener, &socket, &tuple) == 0)
				assert_int_equal(tern_answer(b.host, socket, TERN_ANSWER_ACCEPT), 0);
			if (!bare_next(&b) || b.seg.flags != (TCP_SYN | TCP_ACK))
				continue;
			bare_send(&b, BARE_PEER, 1000, third());
			established = tern_accept(b.host, listener, &socket) == 0;
		}
		assert_true(established);
		if (b.memory.fail_at >
		    b.memory.calls) /* never reached: both kinds of listener have been through */
			calls = ask ? n : n + 2;
		bare_end(&b);
	}
	assert_true(calls > 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_segments_and_calls),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
