/* Worlds for the edges that the search of teardown.c does not reach: time-outs of a vanished peer, ICMP,
 * budgets. Each is a script of one letter a step; host A takes the edge.
 */
#include "support/sim_world.h"
#include "support/teardown.h"
#include "wire/icmp.h"

#include <stdio.h>
#include <string.h>

struct edge_world {
	enum tern_state from, to;
	enum tern_why	why;
	const char     *script; /* see step() */
};

#define EDGE(from, to, why) TERN_STATE_##from, TERN_STATE_##to, TERN_WHY_##why

static const struct edge_world worlds[] = {
	{ EDGE(LISTEN, SYN_SENT, OPEN_ACTIVE), "lR" },
	{ EDGE(SYN_SENT, CLOSED, R2), "mCT" },
	{ EDGE(SYN_SENT, CLOSED, USER_TIMEOUT), "mCUT" },
	{ EDGE(SYN_SENT, CLOSED, ICMP), "mCi" },
	{ EDGE(SYN_RECEIVED, CLOSED, R2), "mCu>DmT" },
	{ EDGE(SYN_RECEIVED, CLOSED, USER_TIMEOUT), "mCu>DmUT" },
	{ EDGE(SYN_RECEIVED, CLOSED, ICMP), "mCu>Dmi" },
	{ EDGE(SYN_RECEIVED, CLOSED, ORPHAN_TIMEOUT), "mCwu>DmcT" },
	{ EDGE(SYN_RECEIVED, CLOSED, HALF_OPEN_GIVEN_UP), "L<CT" },
	{ EDGE(ESTABLISHED, CLOSED, R2), "LCamwT" },
	{ EDGE(ESTABLISHED, CLOSED, USER_TIMEOUT), "LCaUmwT" },
	{ EDGE(ESTABLISHED, CLOSED, KEEPALIVE), "LCaKmT" },
	{ EDGE(ESTABLISHED, CLOSED, TEXT_UNREAD), "LCaWc" },
	{ EDGE(FIN_WAIT_1, CLOSED, R2), "LCamsT" },
	{ EDGE(FIN_WAIT_1, CLOSED, USER_TIMEOUT), "LCaUmsT" },
	{ EDGE(FIN_WAIT_1, CLOSED, ORPHAN_TIMEOUT), "LCamcT" },
	{ EDGE(FIN_WAIT_1, CLOSED, TEXT_UNREAD), "LCa>sWc" },
	{ EDGE(FIN_WAIT_2, CLOSED, KEEPALIVE), "LCaKsmT" },
	{ EDGE(FIN_WAIT_2, CLOSED, ORPHAN_TIMEOUT), "LCacT" },
	{ EDGE(FIN_WAIT_2, CLOSED, TEXT_UNREAD), "LCasWc" },
	{ EDGE(CLOSE_WAIT, CLOSED, R2), "LCaxmwT" },
	{ EDGE(CLOSE_WAIT, CLOSED, USER_TIMEOUT), "LCaUxmwT" },
	{ EDGE(CLOSE_WAIT, CLOSED, KEEPALIVE), "LCaKxmT" },
	{ EDGE(CLOSE_WAIT, CLOSED, TEXT_UNREAD), "LCaWxc" },
	{ EDGE(CLOSING, CLOSED, R2), "LCa>sxmT" },
	{ EDGE(CLOSING, CLOSED, USER_TIMEOUT), "LCaU>sxmT" },
	{ EDGE(CLOSING, CLOSED, ORPHAN_TIMEOUT), "LCa>sxmcT" },
	{ EDGE(CLOSING, CLOSED, TEXT_UNREAD), "LCa>sWxc" },
	{ EDGE(LAST_ACK, CLOSED, R2), "LCaxmsT" },
	{ EDGE(LAST_ACK, CLOSED, USER_TIMEOUT), "LCaUxmsT" },
	{ EDGE(LAST_ACK, CLOSED, ORPHAN_TIMEOUT), "LCaxmcT" },
	{ EDGE(LAST_ACK, CLOSED, TEXT_UNREAD), "LCaWxmsc" },
	{ EDGE(TIME_WAIT, CLOSED, TIME_WAIT_REUSED), "LCaxsckPC" },
	{ EDGE(TIME_WAIT, CLOSED, TIME_WAIT_GIVEN_UP), "LCasxck+CaSxck" },
};

struct stage {
	struct world world;
	tern_socket  socket[2], listener[2];
	bool	     open[2], listening[2], mute[2]; /* mute: from that host */
	uint16_t     port;
	uint8_t	     last[256]; /* A's last packet */
	uint32_t     last_n;
};

/* ---- the wire: at once, or not at all ---- */

static void deliver(struct stage *stage, unsigned to, const uint8_t *bytes, uint32_t n)
{
	struct tern_packet packet = { .n_parts = 1, .len = n, .link = stage->world.side[to].link };
	tern_packet	  *batch[1] = { &packet };

	packet.part[0].at = bytes;
	packet.part[0].n = n;
	tern_host_input(stage->world.side[to].host, batch, 1, stage->world.now);
	tern_host_check(stage->world.side[to].host);
}

static bool carry(struct stage *stage, unsigned from)
{
	uint8_t	     bytes[2048];
	tern_packet *packet;
	uint32_t     n = 0;

	if (tern_host_output(stage->world.side[from].host, &packet, 1, stage->world.now) == 0)
		return false;
	for (unsigned k = 0; k < packet->n_parts; n += packet->part[k++].n)
		memcpy(bytes + n, packet->part[k].at, packet->part[k].n);
	tern_packet_done(packet);
	if (from == 0) {
		stage->last_n = n < sizeof stage->last ? n : (uint32_t)sizeof stage->last;
		memcpy(stage->last, bytes, stage->last_n);
	}
	if (!stage->mute[from])
		deliver(stage, 1 - from, bytes, n);
	return true;
}

static void run_for(struct stage *stage, tern_time time)
{
	struct world *const world = &stage->world;
	const tern_time	    until = world->now + time;

	for (;;) {
		while (carry(stage, 0) || carry(stage, 1))
			;
		tern_time next = tern_host_deadline(world->side[0].host);
		if (tern_host_deadline(world->side[1].host) < next)
			next = tern_host_deadline(world->side[1].host);
		if (next > until)
			break;
		world->now = next > world->now ? next : world->now;
		for (unsigned i = 0; i < 2; i++) {
			tern_host_advance(world->side[i].host, world->now);
			tern_host_check(world->side[i].host);
		}
	}
	world->now = until;
	tern_host_advance(world->side[0].host, until);
	tern_host_advance(world->side[1].host, until);
	while (carry(stage, 0) || carry(stage, 1))
		;
}

/* A router says that the port at the far end is unreachable, about A's last packet: a hard error. */
static void unreachable(struct stage *stage)
{
	uint8_t			       bytes[512];
	const struct icmp_message      icmp = { .kind = ICMP_PORT_UNREACHABLE,
						.body = stage->last,
						.body_len = stage->last_n };
	const struct world_host *const a = &stage->world.side[0], *const b = &stage->world.side[1];
	const uint32_t	       n = (uint32_t)icmp_wire_emit(bytes + IPV4_HEADER, &icmp, &b->v4, &a->v4);
	const struct ip_header ip = {
		.src = b->v4, .dst = a->v4, .version = 4, .protocol = IPPROTO_ICMP4, .ttl = 64
	};

	ip_wire_emit(bytes, &ip, n);
	deliver(stage, 0, bytes, IPV4_HEADER + n);
}

/* ---- the steps ---- */

static void must(int result, const char *what)
{
	if (result < 0)
		world_fail("%s: %s", what, tern_strerror(result));
}

static void open_from(struct stage *stage, unsigned i)
{
	const uint16_t	       port[2] = { stage->port, 80 };
	const struct tern_open open = {
		.local = world_endpoint(&stage->world, i, false, port[i]),
		.remote = world_endpoint(&stage->world, 1 - i, false, port[1 - i]),
	};

	must(tern_connect(stage->world.side[i].host, &open, &stage->socket[i]), "tern_connect");
	stage->open[i] = true;
}

static void listen_at(struct stage *stage, unsigned i, uint16_t port)
{
	const struct tern_listen listen = { .local = world_endpoint(&stage->world, i, false, port) };

	must(tern_listen(stage->world.side[i].host, &listen, &stage->listener[i]), "tern_listen");
	stage->listening[i] = true;
}

static void close_one(struct stage *stage, unsigned i)
{
	if (stage->open[i])
		must(tern_close(stage->world.side[i].host, stage->socket[i]), "tern_close");
	stage->open[i] = false;
}

static void option(struct stage *stage, enum tern_option option, int64_t value)
{
	must(tern_option_set(stage->world.side[0].host, stage->socket[0], option, value), "tern_option_set");
}

static void listener_connects(struct stage *stage)
{
	const struct tern_endpoint remote = world_endpoint(&stage->world, 1, false, 80);

	must(tern_listener_connect(stage->world.side[0].host, stage->listener[0], &remote, &stage->socket[0]),
	     "tern_listener_connect");
	stage->listening[0] = false;
	stage->open[0] = true;
}

static void set_option(struct stage *stage, char letter)
{
	switch (letter) {
	case 'U': /* A has a user timeout */ option(stage, TERN_USER_TIMEOUT, 1500); break;
	case 'K': /* A has keep-alive */
		option(stage, TERN_KEEPALIVE, 1);
		option(stage, TERN_KEEPALIVE_IDLE, 5);
		option(stage, TERN_KEEPALIVE_INTERVAL, 1);
		option(stage, TERN_KEEPALIVE_PROBES, 2);
		break;
	default: world_fail("no such step: %c", letter);
	}
}

static void step(struct stage *stage, char letter)
{
	tern_host *const a = stage->world.side[0].host, *const b = stage->world.side[1].host;

	switch (letter) {
	case 'l': /* A listens */ listen_at(stage, 0, 4000); break;
	case 'R': /* A's listener opens actively */ listener_connects(stage); break;
	case 'L': /* B listens */ listen_at(stage, 1, 80); break;
	case 'C': /* A connects, from the same port each time */ open_from(stage, 0); break;
	case 'D': /* B connects */ open_from(stage, 1); break;
	case '+': /* another port from now on */ stage->port++; break;
	case 'a': /* B accepts */
		must(tern_accept(b, stage->listener[1], &stage->socket[1]), "tern_accept");
		stage->open[1] = true;
		break;
	case 'm': /* nothing passes any more */
	case 'u': /* everything passes */ stage->mute[0] = stage->mute[1] = letter == 'm'; break;
	case '>': /* nothing from A to B */
	case '<': /* nothing from B to A */ stage->mute[letter == '<'] = true; break;
	case 'w': /* A sends */ must((int)tern_send(a, stage->socket[0], "abc", 3, 0), "tern_send"); break;
	case 'W': /* B sends */ must((int)tern_send(b, stage->socket[1], "abc", 3, 0), "tern_send"); break;
	case 's':
	case 'S': /* A shuts down */ must(tern_shutdown(a, stage->socket[0]), "tern_shutdown"); break;
	case 'x': /* B shuts down */ must(tern_shutdown(b, stage->socket[1]), "tern_shutdown"); break;
	case 'c': /* A closes */
	case 'k': /* B closes */ close_one(stage, letter == 'k'); break;
	case 'i': /* ICMP about A's last packet */ unreachable(stage); break;
	case 'P': /* a second passes */ run_for(stage, TERN_SECOND); break;
	case 'T': /* more time than anything takes */ run_for(stage, 3000 * TERN_SECOND); break;
	default: set_option(stage, letter);
	}
	run_for(stage, TERN_MILLISECOND);
}

/* ---- a world ---- */

static uint64_t count_of(const struct tally *tally, const struct edge_world *edge)
{
	size_t			      n;
	const struct tern_edge *const edges = tern_edges(&n);

	for (size_t i = 0; i < n; i++)
		if (edges[i].from == edge->from && edges[i].to == edge->to && edges[i].why == edge->why)
			return tally->edges[i];
	world_fail("no such edge: %s to %s", tern_state_name(edge->from), tern_state_name(edge->to));
}

static void finish(struct stage *stage)
{
	stage->mute[0] = stage->mute[1] = false;
	for (unsigned i = 0; i < 2; i++) {
		close_one(stage, i);
		if (stage->listening[i])
			must(tern_close(stage->world.side[i].host, stage->listener[i]), "tern_close");
	}
	run_for(stage, 3000 * TERN_SECOND);
	world_check_idle(&stage->world);
	world_done(&stage->world);
}

static bool run_world(const struct edge_world *edge, struct tally *tally, bool verbose)
{
	static struct stage   stage;
	struct world_settings settings = {
		.mtu = { 1500, 1500 }, .seed = 1, .watch = true, .verbose = verbose
	};

	for (unsigned i = 0; i < 2; i++) {
		tern_config_default(&settings.config[i]);
		settings.config[i].time_wait_max = 1;
	}
	memset(&stage, 0, sizeof stage);
	stage.port = 4000;
	if (verbose)
		fprintf(stderr, "---- %s to %s, %s: %s\n", tern_state_name(edge->from),
			tern_state_name(edge->to), tern_why_name(edge->why), edge->script);
	(void)world_init(&stage.world, &settings);
	for (const char *letter = edge->script; *letter; letter++)
		step(&stage, *letter);
	const bool taken = count_of(&stage.world.tally, edge) > 0;
	finish(&stage);
	tally_add(tally, &stage.world.tally);
	if (!taken)
		printf("not taken: %s to %s, %s, by %s\n", tern_state_name(edge->from),
		       tern_state_name(edge->to), tern_why_name(edge->why), edge->script);
	return taken;
}

unsigned edge_worlds_run(struct tally *tally, bool verbose)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < sizeof worlds / sizeof *worlds; i++)
		taken += run_world(&worlds[i], tally, verbose);
	return taken;
}
