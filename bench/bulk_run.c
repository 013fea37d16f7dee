/* The transfer. A turn: the client sends a buffer; what it then has to send is carried over, a batch at a
 * time, the server reading and acknowledging after each. So a byte is copied into the send
 * store, over the wire, into the receive store and out of it (or straight to where it was posted), and summed
 * twice, each time while it is copied.
 */
#include "bulk_run.h"
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 65536, TURN = 20 * 1000 /* ns of virtual time */ };

struct transfer {
	struct world	   world;
	const struct bulk *bulk;
	tern_socket	   client, server;
	uint8_t		  *from, *to; /* BUFFER each */
	uint64_t	   sent, received, released;
	bool		   check;
};

static void released(void *context, const void *from, size_t n)
{
	struct transfer *const t = context;

	(void)from;
	t->released += n;
}

static void send_some(struct transfer *t)
{
	tern_host *const host = t->world.host[CLIENT];
	const size_t	 at = t->sent % BUFFER;
	const ptrdiff_t	 n = t->bulk->owned ?
				     tern_send_owned(host, t->client, t->from + at, BUFFER - at, 0, released, t) :
				     tern_send(host, t->client, t->from + at, BUFFER - at, 0);

	if (n > 0)
		t->sent += (uint64_t)n;
	else if (n != -TERN_EAGAIN)
		bench_need((int)n, "sending");
}

/* The stream repeats the buffer, so each byte is known by its place. */
static void check(const struct transfer *t, const uint8_t *at, size_t n)
{
	for (size_t done = 0; done < n;) {
		const size_t place = (t->received + done) % BUFFER;
		const size_t step = n - done < BUFFER - place ? n - done : BUFFER - place;

		if (memcmp(at + done, t->from + place, step) != 0)
			bench_fail("wrong bytes arrived");
		done += step;
	}
}

static ptrdiff_t receive_some(struct transfer *t, const uint8_t **at)
{
	tern_host *const host = t->world.host[SERVER];

	*at = t->to;
	if (t->bulk->owned)
		return tern_peek(host, t->server, 0, at);
	return t->bulk->posted ? tern_receive_posted(host, t->server) :
				 tern_receive(host, t->server, t->to, BUFFER);
}

static bool receive_once(struct transfer *t)
{
	tern_host *const host = t->world.host[SERVER];
	const uint8_t	*at;
	const ptrdiff_t	 n = receive_some(t, &at);

	if (n == -TERN_EAGAIN)
		return false;
	if (bench_need((int)n, "receiving") == 0)
		bench_fail("the stream ended");
	if (t->check)
		check(t, at, (size_t)n);
	if (t->bulk->owned)
		bench_need(tern_consume(host, t->server, (size_t)n), "consuming");
	if (t->bulk->posted)
		bench_need(tern_receive_post(host, t->server, t->to, BUFFER), "posting");
	t->received += (uint64_t)n;
	return true;
}

static void take_events(struct transfer *t)
{
	struct tern_event event;

	for (int host = 0; host < 2; host++)
		while (tern_host_event(t->world.host[host], &event))
			if (event.ready & (TERN_ERROR | TERN_CLOSED))
				bench_fail("the connection ended");
}

static size_t carry(struct transfer *t)
{
	return t->bulk->ack_each_second ? world_carry_each(&t->world, CLIENT, 2) : world_carry(&t->world, CLIENT);
}

static void move(struct transfer *t, uint64_t bytes)
{
	const uint64_t until = t->received + bytes;

	while (t->received < until) {
		const uint64_t before = t->received;

		send_some(t);
		while (carry(t) > 0) {
			while (receive_once(t))
				;
			(void)world_carry(&t->world, SERVER);
		}
		take_events(t);
		world_tick(&t->world, TURN);
		if (t->received == before)
			world_wait(&t->world, "bulk");
	}
}

static void begin(struct transfer *t, const struct bulk *bulk)
{
	*t = (struct transfer){ .bulk = bulk, .from = bench_alloc(BUFFER), .to = bench_alloc(BUFFER) };
	for (size_t i = 0; i < BUFFER; i++)
		t->from[i] = (uint8_t)(i * 31 + i / 251);
	memset(t->to, 0, BUFFER);
	world_create(&t->world, &(struct world_settings){ .link = bulk->link });
	world_open(&t->world, 0, 1, &t->client, &t->server);
	if (bulk->posted)
		bench_need(tern_receive_post(t->world.host[SERVER], t->server, t->to, BUFFER), "posting");
	t->check = true;
	move(t, bulk->bytes / 16 + (1 << 20));
	t->check = false;
	t->world.waits = 0;
}

static void end(struct transfer *t)
{
	bench_need(tern_abort(t->world.host[CLIENT], t->client), "the end");
	world_settle(&t->world);
	world_destroy(&t->world);
	if (t->bulk->owned && t->released != t->sent)
		bench_fail("owned memory was not released");
	free(t->from);
	free(t->to);
}

/* What the passes over each byte alone would allow, in Gbit/s. */
static double bound(const struct bench *bench, const struct bulk *bulk)
{
	const double copies = bulk->owned ? 2 : bulk->posted ? 3 : 4, sums = bulk->link.checksum_offload ? 0 : 2;

	return 8 / (copies / bench->machine.copy + sums / bench->machine.sum);
}

static unsigned peers_of(const struct bulk *bulk)
{
	unsigned n = 0;

	while (bulk->peers && n < BULK_PEERS && bulk->peers[n].program)
		n++;
	return n;
}

void bulk_run(struct bench *bench, const struct bulk *bulk, const struct bench_case *what)
{
	double	 samples[BENCH_ROUNDS_MAX];
	uint64_t waits = 0, bytes = 0, segments = 0, acks = 0;
	struct peer peers[BULK_PEERS];
	const unsigned n_peers = peers_of(bulk);

	peers_start(peers, n_peers, bench, bulk->peers);
	for (unsigned round = 0; round < bench->rounds; round++) {
		struct transfer t;

		begin(&t, bulk);
		const uint64_t before[2] = { t.world.frames[CLIENT], t.world.frames[SERVER] }, had = t.received;
		const double   start = bench_cpu();
		move(&t, bulk->bytes);
		samples[round] = (double)(t.received - had) * 8 / (bench_cpu() - start) / 1e9;
		segments += t.world.frames[CLIENT] - before[CLIENT];
		acks += t.world.frames[SERVER] - before[SERVER];
		bytes += t.received - had;
		waits += t.world.waits;
		end(&t);
		peers_round(peers, n_peers);
	}
	struct bench_row *const made = bench_add(bench, what, samples, bench->rounds);

	made->frames = (double)(segments + acks) / (double)segments;
	made->passes = bound(bench, bulk);
	peers_end(peers, n_peers, made);
	snprintf(made->note, sizeof made->note, "%.0f B/segment, %.2f frames a segment, %.0f%% of its passes%s",
		 (double)bytes / (double)segments, made->frames, 100 * made->median / made->passes,
		 waits ? ", STALLED" : "");
}

/* ---- counted ---- */

enum { COUNTED_BYTES = 4 << 20 };

static const struct bulk counted[COUNTED_BULK] = {
	{ .link = { .mtu = 1500 }, .bytes = COUNTED_BYTES },
	{ .link = { .mtu = 1500, .checksum_offload = true }, .owned = true, .bytes = COUNTED_BYTES },
	{ .link = { .mtu = 1500 }, .posted = true, .bytes = COUNTED_BYTES },
	{ .link = { .mtu = 1500, .checksum_offload = true }, .owned = true, .ack_each_second = true,
	  .bytes = COUNTED_BYTES },
};

static void *counted_begin(uint32_t n)
{
	struct transfer *const t = bench_alloc(sizeof *t);

	begin(t, &counted[n]);
	return t;
}

/* Units: segments of text. */
static uint64_t counted_run(void *state)
{
	struct transfer *const t = state;
	const uint64_t	       before = t->world.frames[CLIENT];

	move(t, COUNTED_BYTES);
	return t->world.frames[CLIENT] - before;
}

static void counted_end(void *state)
{
	end(state);
	free(state);
}

const struct bench_counted counted_bulk[COUNTED_BULK] = {
	{ "bulk, a segment", 0, counted_begin, counted_run, counted_end },
	{ "bulk owned, a segment", 1, counted_begin, counted_run, counted_end },
	{ "bulk posted, a segment", 2, counted_begin, counted_run, counted_end },
	{ "bulk owned, each second acknowledged", 3, counted_begin, counted_run, counted_end },
};
