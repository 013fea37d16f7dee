#include "fuzz/middle.h"

#include "fuzz/fuzz.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	HEAP_ROOM = 48 << 20,
	BATCH = 16,
	ROUNDS_MOST = 4000, /* of delivering everything, at one moment */
	MOMENTS_MOST = 4096,
	STUCK_MOST = 64,
};

struct middle middle;

void middle_fail(const char *format, ...)
{
	char	what[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	fuzz_fail("record %llu, at %.6f s: %s", (unsigned long long)middle.ops,
		  (double)middle.state.now / 1e9, what);
}

static void must(int result, const char *what)
{
	if (result < 0)
		middle_fail("%s: %s", what, tern_strerror(result));
}

/* ---- the world ---- */

static void configure(struct tern_config *config, unsigned which, unsigned host)
{
	tern_config_default(config);
	config->secret[0] = (uint8_t)(which * 2 + host);
	config->memory_limit = 16 << 20;
	config->packets = 64;
	config->allocator = heap_allocator(&middle.heap);
	config->watcher = tally_watcher(&middle.sink[host]);
	switch (which) {
	case 1:
		config->no_timestamps = config->no_sack = config->no_window_scale = config->no_ecn = true;
		config->congestion_control = "reno";
		break;
	case 2:
		config->memory_limit = host ? 1 << 20 : 16 << 20;
		config->packets = 8;
		config->receive_buffer = 8192;
		config->half_open_max = 2;
		config->time_wait_max = 2;
		break;
	case 3:
		config->ecn = TERN_ECN_ACCURATE;
		config->congestion_control = host ? "prague" : "bbr";
		break;
	case 4:
		config->mtu_probing = 2;
		config->sack_counting = true;
		config->orphan_timeout = 2 * TERN_SECOND;
		config->msl = TERN_SECOND;
		break;
	case 5:
		config->ecn = TERN_ECN_ON;
		config->congestion_control = host ? "cubic" : "dctcp";
		config->no_timestamps = host;
		break;
	default: break;
	}
}

static void make_hosts(unsigned which)
{
	static const char *const   addresses[2][2] = { { "10.0.0.1", "fd00::1" }, { "10.0.0.2", "fd00::2" } };
	struct middle_state *const s = &middle.state;
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_config	      config;

	*s = (struct middle_state){ .now = 1000 * TERN_SECOND, .next_port = 5000 };
	for (unsigned i = 0; i < 2; i++) {
		configure(&config, which, i);
		must(tern_host_create(&s->host[i], &config, s->now), "tern_host_create");
		must(tern_host_add_link(s->host[i], &link, &s->link[i]), "tern_host_add_link");
		for (unsigned v6 = 0; v6 < 2; v6++) {
			must(tern_addr_parse(&s->addr[i][v6], addresses[i][v6]), "an address");
			must(tern_host_add_address(s->host[i], s->link[i], &s->addr[i][v6], v6 ? 64 : 24),
			     "an address");
		}
	}
	s->memory_new = middle.heap.live;
	for (unsigned i = 0; i < 2; i++)
		middle_listen(i);
}

/* ---- packets ---- */

void middle_give(unsigned to, const uint8_t *bytes, uint32_t n)
{
	struct tern_packet packet = { .n_parts = 1, .len = n, .link = middle.state.link[to] };
	tern_packet	  *batch[1] = { &packet };
	uint8_t *const	   exact = malloc(n ? n : 1);

	if (!exact)
		middle_fail("no memory");
	memcpy(exact, bytes, n);
	packet.part[0].at = exact;
	packet.part[0].n = n;
	tern_host_input(middle.state.host[to], batch, 1, middle.state.now);
	free(exact);
	middle.delivered++;
}

/* Onto the wire; what finds the queue full is lost. */
static void queue(unsigned from, const tern_packet *packet)
{
	struct middle_packet *const last = &middle.queue[from][middle.n[from]];
	uint32_t		    n = 0;

	if (packet->len > 1500)
		middle_fail("a packet of %u bytes", packet->len);
	middle.packets++;
	if (middle.n[from] == MIDDLE_QUEUE)
		return;
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(last->bytes + n, packet->part[i].at, packet->part[i].n);
		n += packet->part[i].n;
	}
	last->n = n;
	last->flipped = false;
	middle.n[from]++;
}

void middle_flush(void)
{
	tern_packet *batch[BATCH];
	unsigned     rounds = 0;
	size_t	     n;

	for (unsigned i = 0; i < 2; i++) {
		while ((n = tern_host_output(middle.state.host[i], batch, BATCH, middle.state.now)) > 0) {
			for (size_t k = 0; k < n; k++) {
				queue(i, batch[k]);
				tern_packet_done(batch[k]);
			}
			if (++rounds > ROUNDS_MOST)
				middle_fail("a host does not end sending");
		}
	}
}

void middle_advance(tern_time to)
{
	struct middle_state *const s = &middle.state;
	unsigned		   stuck = 0;

	for (unsigned moments = 0; moments < MOMENTS_MOST; moments++) {
		const tern_time a = tern_host_deadline(s->host[0]), b = tern_host_deadline(s->host[1]);
		const tern_time at = a < b ? a : b;

		if (at > to)
			break;
		stuck = at > s->now ? 0 : stuck + 1;
		if (stuck > STUCK_MOST)
			middle_fail("something is due, and nothing comes of it");
		s->now = at > s->now ? at : s->now;
		tern_host_advance(s->host[0], s->now);
		tern_host_advance(s->host[1], s->now);
		middle_flush();
	}
	s->now = to > s->now ? to : s->now;
	tern_host_advance(s->host[0], s->now);
	tern_host_advance(s->host[1], s->now);
	middle_flush();
}

bool middle_quiet(void)
{
	static const uint8_t all[MIDDLE_OP] = { [2] = 15 };
	unsigned	     rounds = 0;

	middle_flush();
	while (middle.n[0] + middle.n[1] > 0) {
		if (++rounds > ROUNDS_MOST)
			middle_fail("the two go on for ever at one moment");
		middle_fault(MIDDLE_DELIVER, 0, all);
		middle_fault(MIDDLE_DELIVER, 1, all);
		middle_flush();
	}
	return rounds > 0;
}

/* ---- a run ---- */

void middle_check(void)
{
	tern_host_check(middle.state.host[0]);
	tern_host_check(middle.state.host[1]);
}

static void pass(unsigned kind, const uint8_t *op)
{
	struct middle_state *const s = &middle.state;
	const tern_time		   a = tern_host_deadline(s->host[0]), b = tern_host_deadline(s->host[1]);

	if (kind == MIDDLE_PASS)
		middle_advance(s->now + (1 + op[1]) * TERN_MILLISECOND);
	else if (kind == MIDDLE_LONG)
		middle_advance(s->now + (1 + op[1]) * TERN_SECOND);
	else if (a != TERN_NEVER || b != TERN_NEVER)
		middle_advance(a < b ? a : b);
}

void middle_play(const uint8_t *op)
{
	const unsigned			kind = op[0] & 31, host = op[0] >> 5 & 1;
	struct middle_connection *const connection = &middle.state.connection[op[0] >> 6 & 1];

	middle.ops++;
	if (kind <= MIDDLE_FORGE)
		middle_fault(kind, host, op);
	else if (kind == MIDDLE_QUIET)
		(void)middle_quiet();
	else if (kind == MIDDLE_NEXT || kind == MIDDLE_PASS || kind == MIDDLE_LONG)
		pass(kind, op);
	else if (kind <= MIDDLE_LISTEN)
		middle_call(kind, host, connection, op);
	middle_flush();
	middle_accept();
	if (op[0] & 0x80)
		middle_read(host, connection, SIZE_MAX);
	middle_check();
}

static const uint8_t preludes[MIDDLE_PRELUDES][6][MIDDLE_OP] = {
	{ { 0 } },
	{ { 2 }, { MIDDLE_CONNECT }, { MIDDLE_QUIET } },
	{ { 4 },
	  { MIDDLE_CONNECT, 1 },
	  { MIDDLE_QUIET },
	  { MIDDLE_SEND, 0, 0x3f },
	  { MIDDLE_SEND | 1 << 5, 0, 0x3f } },
	{ { 5 },
	  { MIDDLE_CONNECT },
	  { MIDDLE_QUIET },
	  { MIDDLE_SHUTDOWN },
	  { MIDDLE_QUIET },
	  { MIDDLE_SEND | 1 << 5, 0, 0x3f } },
};

static void make(unsigned base)
{
	const unsigned which = base / MIDDLE_CONFIGS % MIDDLE_PRELUDES;

	heap_clear(&middle.heap);
	middle.n[0] = middle.n[1] = 0;
	make_hosts(base % MIDDLE_CONFIGS);
	for (unsigned i = 0; i < preludes[which][0][0]; i++)
		middle_play(preludes[which][1 + i]);
}

/* What was under way when the snapshot was taken. */
struct wire {
	struct middle_packet queue[2][MIDDLE_QUEUE];
	unsigned	     n[2];
};

static void keep_wire(struct wire *wire)
{
	memcpy(wire->queue, middle.queue, sizeof wire->queue);
	memcpy(wire->n, middle.n, sizeof wire->n);
}

static void restore_wire(const struct wire *wire)
{
	for (unsigned i = 0; i < 2; i++)
		memcpy(middle.queue[i], wire->queue[i], wire->n[i] * sizeof wire->queue[i][0]);
	memcpy(middle.n, wire->n, sizeof wire->n);
}

void middle_begin(unsigned base, bool fresh)
{
	static struct {
		bool		     made;
		struct heap_snapshot heap;
		struct middle_state  state;
		struct wire	     wire;
	} snapshots[MIDDLE_CONFIGS * MIDDLE_PRELUDES];

	if (!middle.heap.base) {
		heap_init(&middle.heap, HEAP_ROOM);
		for (unsigned i = 0; i < 2; i++)
			middle.sink[i] = (struct tally_sink){ .tally = &middle.tally,
							      .name = i ? "B" : "A",
							      .print = getenv("TERN_FUZZ_SHOW"),
							      .zero = 1000 * TERN_SECOND };
	}
	middle.ops = 0;
	memset(middle.old, 0, sizeof middle.old);
	middle.n_old[0] = middle.n_old[1] = 0;
	base %= MIDDLE_CONFIGS * MIDDLE_PRELUDES;
	if (fresh || !snapshots[base].made)
		make(base);
	if (!fresh && !snapshots[base].made) {
		heap_save(&middle.heap, &snapshots[base].heap);
		snapshots[base].state = middle.state;
		keep_wire(&snapshots[base].wire);
		snapshots[base].made = true;
	} else if (!fresh) {
		heap_restore(&middle.heap, &snapshots[base].heap);
		middle.state = snapshots[base].state;
		restore_wire(&snapshots[base].wire);
	}
}

/* ---- its end ---- */

static void finish_side(unsigned host, struct middle_connection *connection)
{
	struct middle_side *const side = &connection->side[host];

	middle_read(host, connection, SIZE_MAX);
	if (!side->open)
		return;
	side->error |= tern_socket_error(middle.state.host[host], side->socket) != 0;
	if (!side->shut)
		(void)tern_shutdown(middle.state.host[host], side->socket);
	side->shut = true;
}

/* Where one end is gone, or has given up, and its RST was lost, the other may wait for ever: nothing would tell it. */
static bool is_over(const struct middle_connection *connection)
{
	const struct middle_side *const a = &connection->side[0], *const b = &connection->side[1];

	return connection->let_go || a->error || b->error || ((!a->open || a->eof) && (!b->open || b->eof));
}

/* The network has healed. False: not within the time that anything takes. */
static bool heal(void)
{
	const tern_time limit = middle.state.now + 4000 * TERN_SECOND;

	for (unsigned turns = 0; turns < 20000 && middle.state.now < limit; turns++) {
		static const uint8_t nothing[MIDDLE_OP];
		bool		     over = true;

		(void)middle_quiet();
		middle_accept();
		for (unsigned i = 0; i < MIDDLE_CONNECTIONS; i++) {
			finish_side(0, &middle.state.connection[i]);
			finish_side(1, &middle.state.connection[i]);
			over = over && is_over(&middle.state.connection[i]);
		}
		if (over && !middle_quiet())
			return true;
		pass(MIDDLE_NEXT, nothing);
		middle_check();
	}
	return false;
}

static void check_promise(const struct middle_connection *connection)
{
	const struct middle_side *const a = &connection->side[0], *const b = &connection->side[1];

	if (!a->open || !b->open || a->error || b->error || connection->let_go)
		return;
	if (a->received != b->sent || b->received != a->sent)
		middle_fail("%llu octets of %llu and %llu of %llu have arrived, and nobody has an error",
			    (unsigned long long)a->received, (unsigned long long)b->sent,
			    (unsigned long long)b->received, (unsigned long long)a->sent);
	middle.whole++;
}

static void check_idle(unsigned host)
{
	struct tern_stats stats;
	tern_socket	  socket;
	struct tern_entry entry;
	uint64_t	  cursor = 0;

	if (tern_host_each(middle.state.host[host], &cursor, &socket))
		middle_fail("host %u: a handle is left", host);
	cursor = 0;
	if (tern_host_each_entry(middle.state.host[host], &cursor, &entry))
		middle_fail("host %u: an entry in %s is left", host, tern_state_name(entry.state));
	tern_host_stats(middle.state.host[host], &stats);
	if (stats.TernConnections || stats.CurrEstab || stats.TernHalfOpen || stats.TernTimeWait ||
	    stats.TernListeners)
		middle_fail("host %u: something is left", host);
	if (tern_host_deadline(middle.state.host[host]) != TERN_NEVER)
		middle_fail("host %u: a timer is left", host);
}

void middle_end(void)
{
	/* What two hosts that have worked keep: blocks, buckets, cookies, lists. */
	enum { KEPT = 2 * (65536 + 32768 + 65536 + 4096) };
	struct middle_state *const s = &middle.state;

	if (!heal() && !s->hostile)
		middle_fail("the network has healed, and a connection does not come to its end");
	for (unsigned i = 0; i < MIDDLE_CONNECTIONS && !s->hostile; i++)
		check_promise(&s->connection[i]);
	for (unsigned host = 0; host < 2; host++) {
		uint64_t    cursor = 0;
		tern_socket socket;

		if (s->listening[host])
			must(tern_close(s->host[host], s->listener[host]), "tern_close");
		while (tern_host_each(s->host[host], &cursor, &socket))
			must(s->hostile ? tern_abort(s->host[host], socket)
					: tern_close(s->host[host], socket),
			     "letting go");
	}
	for (unsigned turns = 0; turns < 2000 && (middle_quiet() || turns < 1); turns++)
		middle_advance(s->now + 3000 * TERN_SECOND);
	for (unsigned host = 0; host < 2; host++) {
		check_idle(host);
		tern_host_trim(s->host[host]);
	}
	if (middle.heap.live > s->memory_new + KEPT)
		middle_fail("%zu bytes, %zu at first", middle.heap.live, s->memory_new);
	tern_host_destroy(s->host[0]);
	tern_host_destroy(s->host[1]);
	if (middle.heap.n_live != 0)
		middle_fail("%zu blocks of %zu bytes are never given back", middle.heap.n_live,
			    middle.heap.live);
	middle.hostile += s->hostile;
}
