/* A host with a listener, and the segments that a peer opens with: what the tests of listeners, half-open entries
 * and asks begin with. */
#ifndef TESTS_UNIT_BARE_LISTENER_H
#define TESTS_UNIT_BARE_LISTENER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/bare_peer.h"

static struct bare	  b;
static struct tern_config config;
static tern_socket	  listener;

enum { ISN = 7000 };

static inline void begin(void)
{
	bare_config(&b, &config);
}

static inline void listen_on(const struct tern_listen *how)
{
	assert_int_equal(tern_listen(b.host, how, &listener), 0);
}

static inline void start(uint32_t backlog)
{
	begin();
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 }, .backlog = backlog, .cookie = 77 });
}

static inline struct tcp_segment a_syn(void)
{
	struct tcp_segment syn = { .seq = seq(ISN), .flags = TCP_SYN, .wnd = 4000 };

	syn.opt.has_mss = true;
	syn.opt.mss = 1400;
	return syn;
}

static inline struct tcp_segment a_full_syn(void)
{
	struct tcp_segment syn = a_syn();

	syn.opt.has_wscale = syn.opt.sack_permitted = syn.opt.has_ts = true;
	syn.opt.wscale = 9;
	syn.opt.ts_val = 500;
	return syn;
}

/* The ACK of the SYN-ACK that b->seg is. */
static inline struct tcp_segment third(void)
{
	struct tcp_segment ack = {
		.seq = b.seg.ack, .ack = seq_add(b.seg.seq, 1), .flags = TCP_ACK, .wnd = 4000
	};

	ack.opt.has_ts = b.seg.opt.has_ts;
	ack.opt.ts_val = 501;
	ack.opt.ts_ecr = b.seg.opt.ts_val;
	return ack;
}

static inline void expect_syn_ack(void)
{
	assert_true(bare_next(&b));
	assert_int_equal(b.seg.flags, TCP_SYN | TCP_ACK);
}

/* Up to ESTABLISHED, waiting in the accept queue. */
static inline void connect_from(uint16_t port, struct tcp_segment syn)
{
	bare_send(&b, BARE_PEER, port, syn);
	expect_syn_ack();
	bare_send(&b, BARE_PEER, port, third());
}

/* A segment to try, and what is to come of it. */
struct row {
	const char	 *what;
	unsigned	  flags;
	int		  seq, ack; /* from RCV.NXT, from SND.NXT */
	unsigned	  text;
	int		  ts; /* from the SYN's; INT32_MIN: none */
	enum tern_verdict verdict;
	unsigned	  answer; /* flags; 0: none */
	unsigned	  half_open, connections;
};

/* SYNs from peers that never answer. */
static inline void flood(uint32_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bare_send(&b, first + i / 60000, (uint16_t)(1024 + i % 60000), a_syn());
		if (i % 64 == 63)
			bare_drain(&b);
	}
	bare_drain(&b);
}

#endif
