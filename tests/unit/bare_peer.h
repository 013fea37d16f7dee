/* A peer made of bare segments, for tests of one host from outside: what it sends is written by hand, what
 * the host answers is read back, and nothing is retransmitted, acknowledged or remembered unless the test
 * says so. */
#ifndef TESTS_UNIT_BARE_PEER_H
#define TESTS_UNIT_BARE_PEER_H

#include "unit/allocator.h"

#include "host/internal.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

#include <tern/tern.h>

enum { BARE_LOG = 4096 };

struct bare {
	tern_host	     *host;
	struct test_allocator memory;
	tern_time	      now;
	bool		      v6;
	uint16_t	      host_port;
	/* What the watcher saw. */
	struct tern_watch_event log[BARE_LOG];
	size_t			n_log;
	/* The last packet that came. */
	uint8_t		    bytes[65536];
	struct ip_header    ip;
	struct tcp_segment  seg;
	struct icmp_message icmp;
	bool		    is_icmp;
};

static inline struct tern_addr bare_addr(const struct bare *b, uint32_t n)
{
	struct tern_addr addr = { { 0xfd } };

	if (!b->v6)
		return addr_v4(n);
	put32(addr.b + 12, n);
	return addr;
}

/* 10.0.0.2 (fd00::a00:2) is the host, 10.0.0.1 and its neighbours the peers. */
enum { BARE_HOST = 0x0a000002, BARE_PEER = 0x0a000001 };

static inline void bare_event(void *context, const struct tern_watch_event *event)
{
	struct bare *const b = context;

	if (b->n_log < BARE_LOG)
		b->log[b->n_log++] = *event;
}

static inline void bare_config(struct bare *b, struct tern_config *config)
{
	tern_config_default(config);
	memset(config->secret, 7, sizeof config->secret);
	config->allocator = test_allocator(&b->memory);
	config->watcher = (struct tern_watcher){ bare_event, b };
}

static inline void bare_begin(struct bare *b, const struct tern_config *config, bool v6)
{
	struct tern_link_config link = { .mtu = 1500 };
	uint8_t			number;

	b->v6 = v6;
	b->now = 1000 * TERN_SECOND;
	b->host_port = 80;
	b->n_log = 0;
	if (tern_host_create(&b->host, config, b->now) != 0 ||
	    tern_host_add_link(b->host, &link, &number) != 0)
		abort();
	const struct tern_addr own = bare_addr(b, BARE_HOST);

	if (tern_host_add_address(b->host, number, &own, v6 ? 64 : 8) != 0)
		abort();
}

static inline void bare_end(struct bare *b)
{
	tern_host_check(b->host);
	tern_host_destroy(b->host);
	if (b->memory.blocks != 0 || b->memory.broken)
		abort();
}

/* As the host names it. */
static inline struct tern_tuple bare_tuple(const struct bare *b, uint32_t peer, uint16_t port)
{
	return (struct tern_tuple){ .local = bare_addr(b, BARE_HOST),
				    .remote = bare_addr(b, peer),
				    .local_port = b->host_port,
				    .remote_port = port };
}

static inline void bare_send_to(struct bare *b, const struct tern_addr *src, const struct tern_addr *dst,
				const struct tcp_segment *seg)
{
	uint8_t		 bytes[2048];
	struct ip_header ip = { .src = *src,
				.dst = *dst,
				.version = b->v6 ? 6 : 4,
				.protocol = IPPROTO_TCP_,
				.ttl = 64,
				.dont_fragment = true };
	const size_t ip_len = ip_wire_emit(bytes, &ip, (uint32_t)(tcp_wire_header_len(seg) + seg->text_len));
	const size_t header = tcp_wire_emit(bytes + ip_len, seg), len = header + seg->text_len;

	if (seg->text_len > 0)
		memcpy(bytes + ip_len + header, seg->text, seg->text_len);
	put16(bytes + ip_len + 16,
	      checksum_finish(checksum_add(checksum_pseudo(src, dst, IPPROTO_TCP_, (uint32_t)len),
					   bytes + ip_len, len)));
	struct tern_packet packet = { .part = { { bytes, (uint32_t)(ip_len + len), NULL } },
				      .len = (uint32_t)(ip_len + len),
				      .n_parts = 1 };
	tern_packet	  *batch[1] = { &packet };

	tern_host_input(b->host, batch, 1, b->now);
	tern_host_check(b->host);
}

/* seg's ports are set here. */
static inline void bare_send(struct bare *b, uint32_t peer, uint16_t port, struct tcp_segment seg)
{
	const struct tern_addr src = bare_addr(b, peer), dst = bare_addr(b, BARE_HOST);

	seg.src_port = port;
	seg.dst_port = b->host_port;
	bare_send_to(b, &src, &dst, &seg);
}

/* The next packet that the host sends: b->seg or b->icmp. False: none. */
static inline bool bare_next(struct bare *b)
{
	tern_packet *out[1];
	uint32_t     at = 0;

	if (tern_host_output(b->host, out, 1, b->now) == 0)
		return false;
	for (unsigned i = 0; i < out[0]->n_parts; i++) {
		memcpy(b->bytes + at, out[0]->part[i].at, out[0]->part[i].n);
		at += out[0]->part[i].n;
	}
	tern_packet_done(out[0]);
	tern_host_check(b->host);
	if (ip_wire_parse(&b->ip, b->bytes, at) != IP_PARSED)
		abort();
	b->is_icmp = b->ip.protocol != IPPROTO_TCP_;
	if (b->is_icmp)
		return icmp_wire_parse(&b->icmp, &b->ip) || (abort(), false);
	return tcp_wire_parse(&b->seg, b->ip.payload, b->ip.payload_len) || (abort(), false);
}

static inline void bare_wait(struct bare *b, tern_time span)
{
	b->now += span;
	tern_host_advance(b->host, b->now);
	tern_host_check(b->host);
}

static inline unsigned bare_drain(struct bare *b)
{
	unsigned n = 0;

	while (bare_next(b))
		n++;
	return n;
}

static inline struct tern_stats bare_stats(const struct bare *b)
{
	struct tern_stats stats;

	tern_host_stats(b->host, &stats);
	return stats;
}

/* How often the watcher was told of that change of state since the log was cleared. */
static inline unsigned bare_edges(const struct bare *b, enum tern_state from, enum tern_state to,
				  enum tern_why why)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n_log; i++)
		n += b->log[i].kind == TERN_WATCH_STATE && b->log[i].u.state.from == from &&
		     b->log[i].u.state.to == to && b->log[i].u.state.why == why;
	return n;
}

static inline enum tern_verdict bare_verdict(const struct bare *b)
{
	for (size_t i = b->n_log; i-- > 0;)
		if (b->log[i].kind == TERN_WATCH_SEGMENT_RX)
			return (enum tern_verdict)b->log[i].u.segment.verdict;
	return TERN_VERDICTS;
}

#endif
