/* attacks: SYN flood, SYN-ACK reflection. A million SYNs a second (virtual time) from made-up addresses at one port of
 * a server, and honest clients, a host of their own, that connect to the same port a thousand times a second, say
 * something, hear it back and close. Everything crosses the in-process link (tern_pair_create).
 *
 * Asked: 99.9 % of the honest connects succeed, none waits for a second SYN, memory stays where the first
 * hundredth of the flood brought it, and no SYN is answered twice once cookies are on. */
#include "support/figure.h"
#include "support/foe.h"

#include "wire/checksum.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 32,	      /* SYNs in a step */
	STEP = 32,	      /* microseconds */
	CONNECT_EVERY = 1000, /* microseconds */
	CLIENTS = 4096,	      /* connects that may be under way */
	PATIENCE = 3,	      /* seconds */
	CLIENT = 0x0a000001,
	SERVER = 0x0a000002,
	TEXT = 64,
};

static struct tern_link *end[2]; /* 0: the server's */
static tern_host	*server, *client;
static tern_socket	 listener;
static tern_time	 now = 1000 * TERN_SECOND;
static struct chance	 chance = { 20261122 };

static uint64_t	 syns, syn_acks, opened, succeeded, failed;
static tern_time worst;

static tern_host *make_host(uint32_t address, uint8_t salt)
{
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_config	      config;

	tern_config_default(&config);
	config.msl = TERN_SECOND / 2; /* so that the client's ports come back: TIME-WAIT is not what is measured */
	return figure_host(&config, salt, &link, address, now);
}

/* ---- the flood ---- */

static uint8_t syn_bytes[BATCH][44];

static void write_syn(uint8_t *p)
{
	const struct ip_header ip = { .src = addr_v4(0x0b000000 + (uint32_t)chance_below(&chance, 1 << 24)),
				      .dst = addr_v4(SERVER),
				      .version = 4,
				      .protocol = IPPROTO_TCP_,
				      .ttl = 64 };
	struct tcp_segment     syn = { .src_port = (uint16_t)chance_between(&chance, 1024, 65535),
				       .dst_port = 80,
				       .seq = seq((uint32_t)chance_next(&chance)),
				       .flags = TCP_SYN,
				       .wnd = 64240 };

	syn.opt.has_mss = true;
	syn.opt.mss = 1460;
	const size_t header = ip_wire_emit(p, &ip, 24);

	(void)tcp_wire_emit(p + header, &syn);
	put16(p + header + 16, checksum_finish(checksum_add(
				       checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, 24), p + header, 24)));
}

static void flood(void)
{
	static tern_packet packet[BATCH];
	tern_packet	  *batch[BATCH];

	for (unsigned i = 0; i < BATCH; i++) {
		write_syn(syn_bytes[i]);
		packet[i] = (tern_packet){ .part = { { syn_bytes[i], sizeof syn_bytes[i], NULL } },
					   .len = sizeof syn_bytes[i],
					   .n_parts = 1 };
		batch[i] = &packet[i];
	}
	figure_must(end[1]->ops->send(end[1], batch, BATCH, now) == BATCH, "the link is full");
	syns += BATCH;
}

/* ---- the link ---- */

static void send_all(tern_host *host, struct tern_link *through)
{
	tern_packet *batch[BATCH];

	for (size_t n; (n = tern_host_output(host, batch, BATCH, now)) > 0;)
		figure_must(through->ops->send(through, batch, n, now) == n, "the link is full");
}

static void arrive_at_server(void)
{
	tern_packet *batch[BATCH];

	for (size_t n; (n = end[0]->ops->receive(end[0], batch, BATCH, now)) > 0; send_all(server, end[0]))
		tern_host_input(server, batch, n, now);
}

/* What is not for the client answers the flood. */
static void arrive_at_client(void)
{
	tern_packet *batch[BATCH];

	for (size_t n; (n = end[1]->ops->receive(end[1], batch, BATCH, now)) > 0;) {
		for (size_t i = 0; i < n; i++) {
			if (get32(batch[i]->part[0].at + 16) == CLIENT)
				tern_host_input(client, &batch[i], 1, now);
			else
				syn_acks++;
		}
	}
}

/* ---- the honest ---- */

static struct {
	tern_socket socket;
	tern_time   since; /* 0: free */
} under_way[CLIENTS];
static uint8_t text[TEXT] = "honest";

static void connect_one(void)
{
	const struct tern_open open = { .remote = { .addr = addr_v4(SERVER), .port = 80 },
					.cookie = opened % CLIENTS };
	const unsigned	       i = opened++ % CLIENTS;

	figure_must(under_way[i].since == 0, "too many connects under way");
	figure_must(tern_connect(client, &open, &under_way[i].socket) == 0, "no connect");
	figure_must(tern_send(client, under_way[i].socket, text, TEXT, 0) == TEXT, "no text");
	under_way[i].since = now;
}

static void over(unsigned i, bool good)
{
	const tern_time took = now - under_way[i].since;

	*(good ? &succeeded : &failed) += 1;
	worst = good && took > worst ? took : worst;
	(void)tern_close(client, under_way[i].socket);
	under_way[i].since = 0;
}

static void client_events(void)
{
	struct tern_event event;
	uint8_t		  got[TEXT];

	while (tern_host_event(client, &event)) {
		const unsigned i = (unsigned)event.cookie;

		if (under_way[i].since == 0 || event.socket.index != under_way[i].socket.index ||
		    event.socket.generation != under_way[i].socket.generation)
			continue;
		if (event.ready & TERN_ERROR)
			over(i, false);
		else if (event.ready & TERN_READABLE && tern_receive(client, event.socket, got, TEXT) == TEXT)
			over(i, memcmp(got, text, TEXT) == 0);
	}
}

static void client_patience(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (under_way[i].since != 0 && now - under_way[i].since > PATIENCE * TERN_SECOND)
			over(i, false);
}

static void server_events(void)
{
	struct tern_event event;
	tern_socket	  socket;
	uint8_t		  got[TEXT];

	while (tern_accept(server, listener, &socket) == 0)
		;
	while (tern_host_event(server, &event)) {
		if (event.ready & TERN_READABLE) {
			const ptrdiff_t n = tern_receive(server, event.socket, got, TEXT);

			if (n > 0)
				figure_must(tern_send(server, event.socket, got, (size_t)n, 0) == n, "no echo");
		}
		if (event.ready & (TERN_PEER_CLOSED | TERN_ERROR))
			(void)tern_close(server, event.socket);
	}
}

/* ---- */

static void step(bool flooding, bool connecting)
{
	static tern_time next;

	now += STEP * TERN_MICROSECOND;
	if (flooding)
		flood();
	if (connecting && now >= next) {
		connect_one();
		next = now + CONNECT_EVERY * TERN_MICROSECOND;
	}
	tern_host_advance(client, now);
	tern_host_advance(server, now);
	send_all(client, end[1]);
	arrive_at_server();
	server_events();
	send_all(server, end[0]);
	arrive_at_client();
	client_events();
	send_all(client, end[1]);
}

static struct tern_stats stats_of(const tern_host *host)
{
	struct tern_stats stats;

	tern_host_stats(host, &stats);
	return stats;
}

static void report(uint64_t early)
{
	const struct tern_stats stats = stats_of(server);
	const double		share = 100.0 * (double)succeeded / (double)opened;

	figure_note("%llu SYNs of a flood, a million a second: %llu cookies, %llu SYN-ACKs to them",
		    (unsigned long long)syns, (unsigned long long)stats.SyncookiesSent,
		    (unsigned long long)syn_acks);
	figure(share >= 99.9 && succeeded + failed == opened,
	       "honest connects through it: %.3f %% of %llu, the slowest in %.1f ms (asked: 99.9 %%)", share,
	       (unsigned long long)opened, (double)worst / 1e6);
	/* Beside the flood's own there is what the honest connections hold at one time. */
	figure(stats.TernMemoryPeak <= early + (4 << 20),
	       "memory of the server: %.2f MiB at its peak, %.2f after a hundredth of the flood (asked: constant)",
	       (double)stats.TernMemoryPeak / (1 << 20), (double)early / (1 << 20));
	/* Half-open entries, a backlog of them, repeat their SYN-ACK; cookies are sent once. */
	figure(syn_acks <= syns + 4 * 128u * (1 + syns / 1000000),
	       "SYN-ACKs for each SYN of the flood: %.6f (asked: 1, and repetitions of the backlog)",
	       (double)syn_acks / (double)syns);
}

int main(int argc, char **argv)
{
	const bool     is_long = figure_begin(argc, argv);
	const uint64_t steps = (is_long ? 20 : 1) * 1000000 / STEP;
	uint64_t       early = 0;

	figure_must(tern_pair_create(end, &(struct tern_link_config){ .mtu = 1500 }, tern_allocator_default()) == 0,
	     "no link");
	server = make_host(SERVER, 1);
	client = make_host(CLIENT, 2);
	figure_must(tern_listen(server, &(struct tern_listen){ .local = { .port = 80 } }, &listener) == 0,
	     "no listener");
	for (uint64_t i = 0; i < steps; i++) {
		step(true, i > steps / 100);
		if (i == steps / 100)
			early = stats_of(server).TernMemoryPeak;
		if (i % 1000 == 0)
			client_patience();
	}
	for (tern_time stop = now + (PATIENCE + 1) * TERN_SECOND; now < stop;)
		step(false, false);
	client_patience();
	report(early);
	tern_host_check(server);
	for (unsigned i = 0; i < 2; i++)
		end[i]->ops->close(end[i]);
	tern_host_destroy(client);
	tern_host_destroy(server);
	return figure_end();
}
