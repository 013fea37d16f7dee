/* attacks: sockstress/Nkiller2. 100,000 peers connect to a server, ask for something and shut their windows for good,
 * answering every probe. Beside them 1,000 honest clients, a host of their own, download over a link of 1 Gbit/s.
 *
 * Asked: the honest ones keep 95 % of the throughput that they have alone, of the program's and of the link's time;
 * memory stays within its budget; and a peer at zero window costs at most 1 KB beside its send buffer. */
#include "support/figure.h"
#include "support/foe.h"

#include "base/slices.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HONEST = 1000,
	PEERS = 100000,
	PORTS = 50000,
	FEW = 900,
	MANY = 16384,
	WRITE = 16384,
	STEP = 1000 /* microseconds */,
	PACKETS = 83 /* of 1,500 octets, a step: 1 Gbit/s */,
	DELAY = 5 /* steps, one way */,
	CLIENT = 0x0a000001,
};

struct honest {
	tern_socket client, server;
	uint64_t    got;
};

static tern_host    *server, *client;
static tern_socket   listener;
static tern_time     now;
static struct honest honest[HONEST];
static tern_socket  *victim; /* the server's ends of the peers at zero window */
static unsigned	     n_victims, refused;
static uint32_t	     asked;
static size_t memory_limit; /* of each host */
static uint64_t	     probes;
static uint8_t	     text[WRITE], sink[1 << 16];

static tern_host *make_host(uint32_t address, uint8_t salt)
{
	const struct tern_link_config link = { .mtu = 1500, .checksum_offload = true };
	struct tern_config	      config;

	tern_config_default(&config);
	config.packets = 4096;
	config.memory_limit = memory_limit;
	return figure_host(&config, salt, &link, address, now);
}

static struct tern_stats stats_of(const tern_host *host)
{
	struct tern_stats stats;

	tern_host_stats(host, &stats);
	return stats;
}

static void put_in(tern_host *host, const uint8_t *bytes, uint32_t n)
{
	tern_packet in = { .part = { { bytes, n, NULL } }, .len = n, .n_parts = 1, .checksum_offload = true };
	tern_packet *batch[] = { &in };

	tern_host_input(host, batch, 1, now);
}

/* ---- the peers ---- */

static void peer_says(uint32_t peer, uint16_t port, unsigned flags, uint32_t number, uint32_t ack, uint32_t n)
{
	const struct ip_header ip = { .src = addr_v4(peer),
				      .dst = addr_v4(0x0a000000 + FOE_HOST),
				      .version = 4,
				      .protocol = IPPROTO_TCP_,
				      .ttl = 64 };
	struct tcp_segment     seg = { .src_port = port,
				       .dst_port = FOE_PORT,
				       .flags = (uint16_t)flags,
				       .seq = seq(number),
				       .ack = seq(ack),
				       .text_len = n };
	uint8_t		       p[200] = { 0 };

	seg.opt.has_mss = flags & TCP_SYN;
	seg.opt.mss = 1460;
	const size_t header = tcp_wire_header_len(&seg), at = ip_wire_emit(p, &ip, (uint32_t)(header + n));
	(void)tcp_wire_emit(p + at, &seg);
	put_in(server, p, (uint32_t)(at + header + n));
}

/* Whatever the server says to a peer, the answer is an ACK of what came before and a window of 0. */
static void peer_hears(const uint8_t *p)
{
	struct tcp_segment seg;

	if (!tcp_wire_parse(&seg, p + IPV4_HEADER, (uint32_t)(get16(p + 2) - IPV4_HEADER)) ||
	    seg.flags & TCP_RST)
		return;
	if (seg.flags & TCP_SYN) {
		peer_says(get32(p + 16), seg.dst_port, TCP_ACK | TCP_PSH, seg.ack.v, seg.seq.v + 1, 16);
	} else if (seg.text_len > 0) {
		probes++;
		peer_says(get32(p + 16), seg.dst_port, TCP_ACK, seg.ack.v, seg.seq.v, 0);
	}
}

/* ---- the link: so many octets a step, and a delay ---- */

struct held {
	uint8_t	 bytes[1600];
	uint32_t n;
};
static struct held queue[2][DELAY + 1][4 * PACKETS * 16];
static unsigned	   queued[2][DELAY + 1], turn;

static void keep(unsigned to, const tern_packet *packet)
{
	const unsigned slot = (turn + DELAY) % (DELAY + 1);

	figure_must(queued[to][slot] < sizeof queue[0][0] / sizeof queue[0][0][0],
	     "more packets than the link holds");
	struct held *const held = &queue[to][slot][queued[to][slot]++];
	held->n = 0;
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(held->bytes + held->n, packet->part[i].at, packet->part[i].n);
		held->n += packet->part[i].n;
	}
}

/* 83 full packets, or as many octets of smaller ones. */
static void server_sends(void)
{
	for (int64_t room = PACKETS * 1500; room > 0;) {
		tern_packet *out[1];

		if (tern_host_output(server, out, 1, now) == 0)
			return;
		room -= out[0]->len;
		if (get32(out[0]->part[0].at + 16) == CLIENT) {
			keep(1, out[0]);
		} else {
			uint8_t	 p[1600];
			uint32_t n = 0;

			for (unsigned i = 0; i < out[0]->n_parts; i++) {
				memcpy(p + n, out[0]->part[i].at, out[0]->part[i].n);
				n += out[0]->part[i].n;
			}
			tern_packet_done(out[0]);
			peer_hears(p);
			continue;
		}
		tern_packet_done(out[0]);
	}
}

static void client_sends(void)
{
	tern_packet *out[1];

	while (tern_host_output(client, out, 1, now) == 1) {
		keep(0, out[0]);
		tern_packet_done(out[0]);
	}
}

static void arrive(unsigned to)
{
	const unsigned slot = turn % (DELAY + 1);

	for (unsigned i = 0; i < queued[to][slot]; i++)
		put_in(to == 0 ? server : client, queue[to][slot][i].bytes, queue[to][slot][i].n);
	queued[to][slot] = 0;
}

/* ---- the programs ---- */

static bool is_victim(const struct tern_tuple *tuple)
{
	return addr_v4_of(&tuple->remote) != CLIENT;
}

static void server_accepts(void)
{
	struct tern_tuple tuple;
	tern_socket	  socket;

	while (tern_accept(server, listener, &socket) == 0) {
		figure_must(tern_name(server, socket, &tuple) == 0, "no name");
		if (is_victim(&tuple)) {
			figure_must(n_victims < PEERS, "too many");
			victim[n_victims++] = socket;
			(void)tern_set_cookie(server, socket, HONEST);
		} else {
			for (unsigned i = 0; i < HONEST; i++)
				if (honest[i].server.generation == 0) {
					honest[i].server = socket;
					(void)tern_set_cookie(server, socket, i);
					break;
				}
		}
		(void)tern_send(server, socket, text, is_victim(&tuple) ? asked : WRITE, 0);
	}
}

static void server_serves(void)
{
	struct tern_event event;

	server_accepts();
	while (tern_host_event(server, &event)) {
		if (event.ready & TERN_READABLE)
			(void)tern_receive(server, event.socket, sink, sizeof sink);
		if (event.ready & TERN_ERROR) {
			refused += event.cookie == HONEST;
			(void)tern_close(server, event.socket);
		}
	}
	/* As a program with a poll loop: whoever is writable is written to. */
	for (unsigned i = 0; i < HONEST; i++)
		if (honest[i].server.generation != 0)
			while (tern_send(server, honest[i].server, text, WRITE, 0) == WRITE)
				;
}

static void client_reads(void)
{
	struct tern_event event;

	while (tern_host_event(client, &event)) {
		ptrdiff_t n;

		while (event.ready & TERN_READABLE &&
		       (n = tern_receive(client, event.socket, sink, sizeof sink)) > 0)
			honest[event.cookie].got += (uint64_t)n;
	}
}

static void step(void)
{
	now += STEP * TERN_MICROSECOND;
	turn++;
	tern_host_advance(server, now);
	tern_host_advance(client, now);
	arrive(0);
	server_serves();
	server_sends();
	arrive(1);
	client_reads();
	client_sends();
}

static void pass(unsigned milliseconds)
{
	for (unsigned i = 0; i < milliseconds; i++)
		step();
}

static void begin(bool with_honest)
{
	now = 1000 * TERN_SECOND;
	memset(honest, 0, sizeof honest);
	memset(queued, 0, sizeof queued);
	server = make_host(0x0a000000 + FOE_HOST, 1);
	client = make_host(CLIENT, 2);
	n_victims = refused = 0;
	probes = 0;
	figure_must(tern_listen(server, &(struct tern_listen){ .local = { .port = FOE_PORT }, .backlog = 4096 },
			 &listener) == 0,
	     "no listener");
	for (unsigned i = 0; with_honest && i < HONEST; i++) {
		const struct tern_open open = {
			.remote = { .addr = addr_v4(0x0a000000 + FOE_HOST), .port = FOE_PORT }, .cookie = i
		};

		figure_must(tern_connect(client, &open, &honest[i].client) == 0, "no connect");
	}
	pass(1000);
}

/* Octets that the honest have in so many seconds. */
static uint64_t measure(unsigned seconds, double *cpu)
{
	uint64_t     before = 0, after = 0;
	const double began = figure_cpu();

	for (unsigned i = 0; i < HONEST; i++)
		before += honest[i].got;
	pass(seconds * 1000);
	for (unsigned i = 0; i < HONEST; i++)
		after += honest[i].got;
	*cpu = figure_cpu() - began;
	return after - before;
}

static void end(void)
{
	tern_host_check(server);
	tern_host_destroy(server);
	tern_host_destroy(client);
}

/* The peers come, so many a millisecond; who was not let in tries again, as such tools do. */
static void besiege(unsigned peers, unsigned each)
{
	for (unsigned i = 0; i < peers; i++) {
		peer_says(0x0b000000 + i / PORTS, (uint16_t)(1024 + i % PORTS), TCP_SYN, i, 0, 0);
		if (i % each == each - 1)
			step();
	}
}

/* Clients that come later. How many are connected and have something after ten seconds. */
static unsigned latecomers(void)
{
	enum { LATE = 100 };
	unsigned served = 0;

	for (unsigned i = 0; i < LATE; i++) { /* those who came first leave their places */
		const struct tern_open open = {
			.remote = { .addr = addr_v4(0x0a000000 + FOE_HOST), .port = FOE_PORT }, .cookie = i
		};

		(void)tern_abort(client, honest[i].client);
		honest[i] = (struct honest){ .got = 0 };
		figure_must(tern_connect(client, &open, &honest[i].client) == 0, "no connect");
	}
	pass(10000);
	for (unsigned i = 0; i < LATE; i++)
		served += honest[i].got > 0;
	return served;
}

static void report(unsigned peers, unsigned seconds, uint64_t alone, uint64_t beside)
{
	const double		share = 100.0 * (double)beside / (double)alone;
	const struct tern_stats stats = stats_of(server);

	figure_note(
		"%u peers at zero window, asking for %u octets each: %u were connected, %u ended for want of memory",
		peers, asked, n_victims, refused);
	figure_note("they answered %llu probes", (unsigned long long)probes);
	figure(share >= 95,
	       "throughput of %d honest clients beside them: %.1f MB in %u s, alone %.1f: %.2f %% (asked: 95 %%)",
	       HONEST, (double)beside / 1e6, seconds, (double)alone / 1e6, share);
	figure(stats.TernMemoryPeak <= stats.TernMemoryLimit, "memory at its peak: %.1f MiB of %.1f",
	       (double)stats.TernMemoryPeak / (1 << 20), (double)stats.TernMemoryLimit / (1 << 20));
}

/* What one costs beside the block that its text stands in, and a connection that does nothing. */
static void cost_of_one(unsigned peers, uint64_t before)
{
	enum { IDLE = 256 };
	const double each =
		(double)(stats_of(server).TernMemory - before) / n_victims - SLICE_BLOCK_SMALL - IDLE;

	figure(n_victims == peers && refused == 0, "%u of %u are connected, %u ended (asked: all, and none)",
	       n_victims, peers, refused);
	figure(each <= 1024,
	       "each costs %.0f octets beside its send buffer of %d and the %d of an idle one (asked: 1,024)",
	       each, SLICE_BLOCK_SMALL, IDLE);
}

int main(int argc, char **argv)
{
	const bool     is_long = figure_begin(argc, argv);
	const unsigned peers = is_long ? PEERS : PEERS / 10, seconds = is_long ? 20 : 1;
	double	       cpu_alone, cpu_beside;

	victim = calloc(PEERS, sizeof *victim);
	figure_must(victim != NULL, "no memory");
	/* Text that fits the budget: all of them stay, and the honest do not notice. */
	asked = FEW;
	memory_limit = 256 << 20;
	begin(false);
	const uint64_t before = stats_of(server).TernMemory;
	besiege(peers, 100);
	pass(2000);
	cost_of_one(peers, before);
	end();

	memory_limit = (size_t)1 << 30; /* beside what the honest have in their buffers */
	begin(true);
	const uint64_t alone = measure(seconds, &cpu_alone);
	end();
	begin(true);
	besiege(peers, is_long ? 2 : 10);
	report(peers, seconds, alone, measure(seconds, &cpu_beside));
	figure_note("CPU time while measured: %.2f s, alone %.2f", cpu_beside, cpu_alone);
	end();

	/* More than there is memory for: who takes nothing for ten seconds has to go. */
	asked = MANY;
	memory_limit = 256 << 20;
	begin(true);
	besiege(peers, is_long ? 2 : 10);
	report(peers, seconds, alone, measure(seconds, &cpu_beside));
	pass(20000);
	const unsigned served = latecomers();
	figure(served >= 99,
	       "clients that come later and are served within ten seconds: %u of 100 (asked: 99)", served);
	figure_note("ended for want of memory: %llu", (unsigned long long)stats_of(server).TCPAbortOnMemory);
	end();
	free(victim);
	return figure_end();
}
