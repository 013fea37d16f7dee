#include "fuzz/peer.h"

#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/tuple.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <tern/datagram.h>

enum {
	HEAP_ROOM = 24 << 20,
	BATCH = 16,
	PORT = 80,
	PACKETS_MOST = 8192, /* that one record may bring about */
	MOMENTS_MOST = 4096, /* deadlines on the way to a time */
	STUCK_MOST = 64,     /* at one moment */
};

struct peer peer;

void peer_fail(const char *format, ...)
{
	char	what[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	fuzz_fail("record %llu, at %.6f s: %s", (unsigned long long)peer.ops, (double)peer.state.now / 1e9,
		  what);
}

/* ---- the world ---- */

static void configure(struct tern_config *config, unsigned which)
{
	tern_config_default(config);
	config->secret[0] = (uint8_t)which;
	config->memory_limit = 12 << 20;
	config->packets = 64;
	config->half_open_max = 64;
	config->allocator = heap_allocator(&peer.heap);
	config->watcher = tally_watcher(&peer.sink);
	switch (which) {
	case 1:
		config->no_timestamps = config->no_sack = config->no_window_scale = config->no_ecn = true;
		config->congestion_control = "reno";
		break;
	case 2: /* little of everything */
		config->memory_limit = 768 << 10;
		config->half_open_max = 2;
		config->time_wait_max = 1;
		config->packets = 8;
		config->receive_buffer = 8192;
		config->connections_max = 3;
		break;
	case 3:
		config->ecn = TERN_ECN_ACCURATE;
		config->congestion_control = "bbr";
		break;
	case 4:
		config->mtu_probing = 2;
		config->sack_counting = true;
		config->orphan_timeout = 2 * TERN_SECOND;
		config->r2 = 10 * TERN_SECOND;
		config->msl = TERN_SECOND;
		break;
	case 5:
		config->ecn = TERN_ECN_ON;
		config->congestion_control = "prague";
		config->no_syn_cookies = true;
		config->initial_window = 40;
		break;
	default: break;
	}
}

static void must(int result, const char *what)
{
	if (result < 0)
		peer_fail("%s: %s", what, tern_strerror(result));
}

void peer_listen(unsigned i)
{
	const struct tern_listen listen = {
		.local = { .addr = i ? peer.state.local[1] : (struct tern_addr){ { 0 } },
			   .port = (uint16_t)(PORT + i) },
		.backlog = i ? 1 : 4,
	};

	peer.state.listening[i] = tern_listen(peer.state.host, &listen, &peer.state.listener[i]) == 0;
}

static void make_flows(void)
{
	for (unsigned i = 0; i < PEER_FLOWS; i++) {
		struct peer_flow *const flow = &peer.state.flow[i];

		*flow = (struct peer_flow){
			.v6 = i >= 2, .local = PORT, .remote = (uint16_t)(5000 + i), .wnd = 65535
		};
		flow->isn = 0x10000000u * (i + 1);
		if (i == 1)
			flow->isn = 0xfffffe00u; /* the numbers wrap soon */
		flow->rcv_nxt = flow->end = flow->isn;
	}
}

static void make_host(unsigned which)
{
	struct peer_state *const      s = &peer.state;
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_datagram_open     udp = { .local = { .port = 53 }, .queue = 8192 };
	struct tern_config	      config;

	configure(&config, which);
	*s = (struct peer_state){ .now = 1000 * TERN_SECOND, .mtu = link.mtu };
	must(tern_host_create(&s->host, &config, s->now), "tern_host_create");
	must(tern_host_add_link(s->host, &link, &s->link), "tern_host_add_link");
	(void)tern_addr_parse(&s->local[0], "10.0.0.1");
	(void)tern_addr_parse(&s->remote[0], "10.0.0.2");
	(void)tern_addr_parse(&s->local[1], "fd00::1");
	(void)tern_addr_parse(&s->remote[1], "fd00::2");
	must(tern_host_add_address(s->host, s->link, &s->local[0], 24), "tern_host_add_address");
	must(tern_host_add_address(s->host, s->link, &s->local[1], 64), "tern_host_add_address");
	must(tern_datagram_open(s->host, &udp, &s->datagrams), "tern_datagram_open");
	udp = (struct tern_datagram_open){ .kind = TERN_DATAGRAM_ECHO, .queue = 8192 };
	must(tern_datagram_open(s->host, &udp, &s->echo), "tern_datagram_open");
	make_flows();
	s->memory_new = peer.heap.live;
	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		peer_listen(i);
}

/* ---- what the host sends ---- */

static struct peer_flow *flow_of(bool v6, uint16_t remote)
{
	for (unsigned i = 0; i < PEER_FLOWS; i++)
		if (peer.state.flow[i].v6 == v6 && peer.state.flow[i].remote == remote)
			return &peer.state.flow[i];
	return NULL;
}

static void check_text(const struct peer_flow *flow, const struct tcp_segment *seg)
{
	const uint32_t at = seg->seq.v - flow->iss - 1;

	if (peer.unchecked || (seg->text_len == 1 && flow->garbage))
		return;
	if (at + seg->text_len > flow->sent)
		peer_fail("text [%u, +%u) of %llu octets", at, seg->text_len, (unsigned long long)flow->sent);
	for (uint32_t i = 0; i < seg->text_len; i++)
		if (seg->text[i] != peer_host_octet(at + i))
			peer_fail("octet %u of the stream is not what the program gave", at + i);
}

/* SHLD-14. Its granularity is the scale's. */
static void check_edge(struct peer_flow *flow, const struct tcp_segment *seg)
{
	struct tern_status status;
	struct tern_tuple  tuple;

	if (peer.unchecked || !flow->open || tern_status(peer.state.host, flow->socket, &status) != 0 ||
	    seg->flags & TCP_SYN || status.state < TERN_STATE_ESTABLISHED || status.iss != flow->iss ||
	    tern_name(peer.state.host, flow->socket, &tuple) != 0 || tuple.local_port != seg->src_port)
		return;
	const unsigned scale = status.wscale_ok ? status.rcv_wscale : 0;
	const uint32_t edge = seg->ack.v + ((uint32_t)seg->wnd << scale);
	if (flow->has_edge && (int32_t)(edge - flow->last_edge) <= -(int32_t)(1u << scale))
		peer_fail("the right edge goes back by %u", flow->last_edge - edge);
	if (!flow->has_edge || (int32_t)(edge - flow->last_edge) > 0)
		flow->last_edge = edge;
	flow->has_edge = true;
}

static void learn(const struct ip_header *ip, const struct tcp_segment *seg, const uint8_t *bytes, uint32_t n)
{
	struct peer_flow *const flow = flow_of(ip->version == 6, seg->dst_port);
	const uint32_t		end = seg->seq.v + tcp_seg_len(seg);

	if (!flow || seg->flags & TCP_RST)
		return;
	if (seg->flags & TCP_SYN &&
	    (!flow->knows || flow->iss != seg->seq.v || flow->local != seg->src_port)) {
		flow->iss = flow->nxt = flow->una = seg->seq.v;
		flow->local = seg->src_port;
		flow->knows = true;
		flow->has_edge = false;
		if (!flow->open)
			flow->sent = 0;
	}
	if (flow->local != seg->src_port)
		return;
	flow->n_quote = n < sizeof flow->quote ? n : (uint32_t)sizeof flow->quote;
	memcpy(flow->quote, bytes, flow->n_quote);
	if ((int32_t)(end - flow->nxt) > 0)
		flow->nxt = end;
	if (seg->opt.has_ts)
		flow->ts = seg->opt.ts_val;
	if (seg->text_len > 0)
		check_text(flow, seg);
	if (seg->flags & TCP_ACK) {
		flow->rcv_nxt = seg->ack.v;
		flow->wnd = seg->wnd;
		check_edge(flow, seg);
	}
}

static void look_at(const uint8_t *bytes, uint32_t n)
{
	struct ip_header   ip;
	struct tcp_segment seg;

	if (n > peer.state.mtu)
		peer_fail("a packet of %u bytes", n);
	if (ip_wire_parse(&ip, bytes, n) != IP_PARSED || ip.header_len + ip.payload_len != n)
		peer_fail("the host sends a packet that does not parse");
	if (ip.is_fragment || ip.protocol != IPPROTO_TCP_)
		return;
	const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, ip.payload_len);
	if (!checksum_is_right(checksum_add(sum, ip.payload, ip.payload_len)))
		peer_fail("the host sends a wrong checksum");
	if (!tcp_wire_parse(&seg, ip.payload, ip.payload_len) || seg.opt.malformed)
		peer_fail("the host sends a segment that does not parse");
	learn(&ip, &seg, bytes, n);
}

void peer_flush(void)
{
	static uint8_t bytes[65536];
	tern_packet   *batch[BATCH];
	size_t	       n;

	while ((n = tern_host_output(peer.state.host, batch, BATCH, peer.state.now)) > 0) {
		for (size_t i = 0; i < n; i++) {
			uint32_t len = 0;

			for (unsigned k = 0;
			     k < batch[i]->n_parts && len + batch[i]->part[k].n <= sizeof bytes; k++) {
				memcpy(bytes + len, batch[i]->part[k].at, batch[i]->part[k].n);
				len += batch[i]->part[k].n;
			}
			if (len != batch[i]->len)
				peer_fail("the parts of a packet of %u bytes hold %u", batch[i]->len, len);
			const uint8_t link = batch[i]->link;

			tern_packet_done(batch[i]);
			if (link == 0) /* others have Ethernet */
				look_at(bytes, len);
		}
		peer.state.packets_out += (uint32_t)n;
		peer.packets_out += n;
		if (peer.state.packets_out > PACKETS_MOST)
			peer_fail("one record brought %u packets about", peer.state.packets_out);
	}
}

void peer_input(const uint8_t *bytes, uint32_t n)
{
	struct tern_packet packet = {
		.n_parts = 1, .len = n, .link = peer.state.link, .checksum_offload = peer.offload
	};
	tern_packet		 *batch[1] = { &packet };
	struct peer_packet *const kept = &peer.state.kept[peer.state.n_kept++ % PEER_KEPT];
	/* A block of its own, so that a sanitizer sees the first byte read beyond it. */
	uint8_t *const exact = malloc(n ? n : 1);

	if (n > sizeof kept->bytes || !exact)
		peer_fail("a packet of %u bytes", n);
	memcpy(exact, bytes, n);
	if (kept->bytes != bytes) {
		memcpy(kept->bytes, bytes, n);
		kept->n = n;
	}
	packet.part[0].at = exact;
	packet.part[0].n = n;
	tern_host_input(peer.state.host, batch, 1, peer.state.now);
	free(exact);
	peer.packets_in++;
}

void peer_advance(tern_time to)
{
	unsigned moments = 0, stuck = 0;

	for (tern_time at; (at = tern_host_deadline(peer.state.host)) <= to && moments < MOMENTS_MOST;
	     moments++) {
		stuck = at > peer.state.now ? 0 : stuck + 1;
		if (stuck > STUCK_MOST)
			peer_fail("something is due, and nothing comes of it");
		if (at > peer.state.now)
			peer.state.now = at;
		tern_host_advance(peer.state.host, peer.state.now);
		peer_flush();
	}
	if (to > peer.state.now)
		peer.state.now = to;
	tern_host_advance(peer.state.host, peer.state.now);
	peer_flush();
}

void peer_know(tern_socket socket)
{
	struct peer_flow *const flow = &peer.state.flow[0];
	struct tern_status	status;

	if (tern_status(peer.state.host, socket, &status) != 0)
		return;
	flow->local = status.tuple.local_port;
	flow->remote = status.tuple.remote_port;
	flow->v6 = !addr_is_v4(&status.tuple.remote);
	flow->iss = status.iss;
	flow->nxt = status.snd_nxt;
	flow->una = status.snd_una;
	flow->isn = status.irs;
	flow->rcv_nxt = flow->end = status.rcv_nxt;
	flow->wnd = status.rcv_wnd;
	flow->knows = true;
	peer.state.local[flow->v6] = status.tuple.local;
	peer.state.remote[flow->v6] = status.tuple.remote;
}

/* ---- a run ---- */

void peer_check(void)
{
	if (!peer.forged)
		tern_host_check(peer.state.host);
	if (peer.heap.live > HEAP_ROOM)
		peer_fail("%zu bytes", peer.heap.live);
}

void peer_play(const uint8_t *op)
{
	const unsigned		kind = op[0] & 31;
	struct peer_flow *const flow = &peer.state.flow[op[0] >> 5 & 3];

	peer.ops++;
	peer.state.packets_out = 0;
	if (kind < PEER_HANDSHAKE)
		peer_segment(flow, op);
	else if (kind == PEER_HANDSHAKE)
		peer_handshake(flow, op);
	else
		peer_call(kind, flow, op);
	peer_flush();
	if (op[0] & 0x80)
		for (unsigned i = 0; i < PEER_FLOWS; i++)
			peer_read_all(&peer.state.flow[i]);
	peer_check();
	if (peer.state.packets_out > peer.dearest)
		peer.dearest = peer.state.packets_out;
}

#define OP(kind, flow, ...)                                                                                  \
	{                                                                                                    \
		(kind) | (flow) << 5, __VA_ARGS__                                                            \
	}

/* Worlds that a run may begin in, as records: so they come by the same way as everything else. The first byte of each
 * says how many follow. */
static const uint8_t preludes[PEER_PRELUDES][8][PEER_OP] = {
	{ { 0 } },
	{ { 2 }, OP(PEER_HANDSHAKE, 0, 0, 15, 0, 0, 0, 4), OP(PEER_ACCEPT, 0, 0) },
	{ { 2 }, OP(PEER_HANDSHAKE, 2, 0, 15, 0, 0, 0, 0), OP(PEER_ACCEPT, 2, 0) },
	{ { 1 }, OP(PEER_CONNECT, 0, 0) },
	{ { 3 }, OP(PEER_CONNECT, 1, 0), OP(PEER_HANDSHAKE, 1, 0, 15), OP(PEER_SEND, 1, 0x40) },
	{ { 4 },
	  OP(PEER_HANDSHAKE, 0, 0, 15),
	  OP(PEER_ACCEPT, 0, 0),
	  OP(PEER_SEND, 0, 0x40),
	  OP(PEER_SHUTDOWN, 0, 0) },
	{ { 3 },
	  OP(PEER_HANDSHAKE, 0, 0, 15),
	  OP(PEER_ACCEPT, 0, 0),
	  OP(PEER_SEGMENT, 0, TCP_ACK | TCP_FIN, 8) },
	{ { 5 },
	  OP(PEER_HANDSHAKE, 0, 0, 15),
	  OP(PEER_ACCEPT, 0, 0),
	  OP(PEER_SHUTDOWN, 0, 0),
	  OP(PEER_SEGMENT, 0, TCP_ACK, 8),
	  OP(PEER_SEGMENT, 0, TCP_ACK | TCP_FIN, 8) },
	{ { 1 }, OP(PEER_SEGMENT, 0, TCP_SYN, 15) },
};

static void make(unsigned base)
{
	const unsigned which = base / PEER_CONFIGS % PEER_PRELUDES;

	heap_clear(&peer.heap);
	make_host(base % PEER_CONFIGS);
	for (unsigned i = 0; i < preludes[which][0][0]; i++)
		peer_play(preludes[which][1 + i]);
}

void peer_begin(unsigned base, bool fresh)
{
	static struct {
		bool		     made;
		struct heap_snapshot heap;
		struct peer_state    state;
	} snapshots[PEER_CONFIGS * PEER_PRELUDES];

	if (!peer.heap.base) {
		heap_init(&peer.heap, HEAP_ROOM);
		peer.sink = (struct tally_sink){ .tally = &peer.tally,
						 .name = "host",
						 .print = getenv("TERN_FUZZ_SHOW") };
		peer.sink.zero = 1000 * TERN_SECOND;
	}
	peer.ops = 0;
	base %= PEER_CONFIGS * PEER_PRELUDES;
	if (fresh) {
		make(base);
	} else if (snapshots[base].made) {
		heap_restore(&peer.heap, &snapshots[base].heap);
		peer.state = snapshots[base].state;
	} else {
		make(base);
		heap_save(&peer.heap, &snapshots[base].heap);
		snapshots[base].state = peer.state;
		snapshots[base].made = true;
	}
}

static void check_idle(void)
{
	/* What a host that has worked keeps: a chunk of blocks, the table's buckets, used cookies, lists. */
	enum { KEPT = 65536 + 32768 + 65536 + 4096 };
	struct tern_stats stats;
	struct tern_entry entry;
	tern_socket	  socket;
	uint64_t	  cursor = 0;

	if (tern_host_each(peer.state.host, &cursor, &socket))
		peer_fail("a handle is left");
	cursor = 0;
	if (tern_host_each_entry(peer.state.host, &cursor, &entry))
		peer_fail("an entry in %s is left", tern_state_name(entry.state));
	tern_host_stats(peer.state.host, &stats);
	if (stats.TernConnections || stats.CurrEstab || stats.TernHalfOpen || stats.TernTimeWait ||
	    stats.TernListeners)
		peer_fail(
			"connections %llu, established %lld, half-open %llu, TIME-WAIT %llu, listeners %llu are left",
			(unsigned long long)stats.TernConnections, (long long)stats.CurrEstab,
			(unsigned long long)stats.TernHalfOpen, (unsigned long long)stats.TernTimeWait,
			(unsigned long long)stats.TernListeners);
	if (tern_host_deadline(peer.state.host) != TERN_NEVER)
		peer_fail("a timer is left");
	tern_host_trim(peer.state.host);
	if (peer.heap.live > peer.state.memory_new + KEPT)
		peer_fail("%zu bytes, %zu at first", peer.heap.live, peer.state.memory_new);
}

void peer_end(bool abort)
{
	struct peer_state *const s = &peer.state;
	uint64_t		 cursor = 0;
	tern_socket		 socket;

	s->packets_out = 0;
	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		if (s->listening[i])
			must(tern_close(s->host, s->listener[i]), "tern_close");
	must(tern_datagram_close(s->host, s->datagrams), "tern_datagram_close");
	must(tern_datagram_close(s->host, s->echo), "tern_datagram_close");
	while (tern_host_each(s->host, &cursor, &socket))
		must(abort ? tern_abort(s->host, socket) : tern_close(s->host, socket), "letting go");
	peer_flush();
	peer_check();
	peer_advance(s->now + 3000 * TERN_SECOND);
	check_idle();
	tern_host_destroy(s->host);
	if (peer.owned != 0)
		peer_fail("%u texts that were lent do not come back", peer.owned);
	if (peer.heap.n_live != 0)
		peer_fail("%zu blocks of %zu bytes are never given back", peer.heap.n_live, peer.heap.live);
}
