#include "world.h"
#include "bench.h"

enum { OPEN_BATCH = 64, SPREAD = 60000 };

static tern_host *make_host(int number, const struct world_settings *settings, const struct tern_link *end)
{
	struct tern_config config;
	struct tern_addr   addr;
	tern_host	  *host;
	uint8_t		   link;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.secret[0] = (uint8_t)(number + 1); /* the same run every time */
	if (settings->msl)
		config.msl = settings->msl;
	if (settings->half_open_max)
		config.half_open_max = settings->half_open_max;
	if (settings->share)
		config.share = *settings->share;
	if (settings->memory_limit)
		config.memory_limit = settings->memory_limit;
	bench_need(tern_host_create(&host, &config, 0), "a host");
	bench_need(tern_host_add_link(host, &end->config, &link), "a link");
	bench_need(tern_addr_parse(&addr, number == CLIENT ? "10.0.0.1" : "10.0.0.2"), "an address");
	bench_need(tern_host_add_address(host, link, &addr, 24), "an address");
	return host;
}

void world_create(struct world *world, const struct world_settings *settings)
{
	const struct tern_listen listen = {
		.any = true,
		.backlog = settings->backlog ? settings->backlog : 1024,
	};

	*world = (struct world){ .now = 0 };
	if (!settings->end)
		bench_need(tern_pair_create(world->end, &settings->link, tern_allocator_default()), "a pair");
	for (int i = 0; settings->end && i < 2; i++)
		world->end[i] = settings->end[i];
	for (int i = 0; i < 2; i++)
		world->host[i] = make_host(i, settings, world->end[i]);
	bench_need(tern_listen(world->host[SERVER], &listen, &world->listener), "a listener");
}

void world_destroy(struct world *world)
{
	for (int i = 0; i < 2; i++)
		world->end[i]->ops->close(world->end[i]);
	for (int i = 0; i < 2; i++)
		tern_host_destroy(world->host[i]);
}

size_t world_carry(struct world *world, int from)
{
	struct tern_link *const near = world->end[from], *const far = world->end[1 - from];
	tern_packet	       *batch[WORLD_BATCH];
	const size_t		made = tern_host_output(world->host[from], batch, WORLD_BATCH, world->now);

	if (made == 0)
		return 0;
	if (near->ops->send(near, batch, made, world->now) != made)
		bench_fail("the pair is full");
	world->frames[from] += made;
	const size_t n = far->ops->receive(far, batch, WORLD_BATCH, world->now);
	tern_host_input(world->host[1 - from], batch, n, world->now);
	return made;
}

/* What a host has, onto the wire. */
static void put_on_wire(struct world *world, int from)
{
	struct tern_link *const near = world->end[from];
	tern_packet	       *batch[WORLD_BATCH];
	const size_t		made = tern_host_output(world->host[from], batch, WORLD_BATCH, world->now);

	if (made > 0 && near->ops->send(near, batch, made, world->now) != made)
		bench_fail("the pair is full");
	world->frames[from] += made;
}

size_t world_carry_each(struct world *world, int from, size_t each)
{
	struct tern_link *const near = world->end[from], *const far = world->end[1 - from];
	tern_packet	       *batch[WORLD_BATCH];

	put_on_wire(world, from);
	const size_t n = far->ops->receive(far, batch, WORLD_BATCH, world->now);

	for (size_t i = 0; i < n; i += each) {
		tern_host_input(world->host[1 - from], batch + i, n - i < each ? n - i : each, world->now);
		put_on_wire(world, 1 - from);
	}
	const size_t back = near->ops->receive(near, batch, WORLD_BATCH, world->now);

	tern_host_input(world->host[from], batch, back, world->now);
	return n;
}

void world_settle(struct world *world)
{
	while (world_carry(world, CLIENT) + world_carry(world, SERVER) > 0)
		;
}

static tern_time next_deadline(const struct world *world)
{
	const tern_time a = tern_host_deadline(world->host[CLIENT]), b = tern_host_deadline(world->host[SERVER]);

	return a < b ? a : b;
}

static void advance(struct world *world)
{
	for (int i = 0; i < 2; i++)
		if (tern_host_deadline(world->host[i]) <= world->now)
			tern_host_advance(world->host[i], world->now);
}

void world_tick(struct world *world, tern_time span)
{
	world->now += span;
	advance(world);
}

void world_pass(struct world *world, tern_time span)
{
	const tern_time end = world->now + span;

	world_settle(world);
	for (tern_time next; (next = next_deadline(world)) <= end;) {
		world->now = next > world->now ? next : world->now + 1;
		advance(world);
		world_settle(world);
	}
	world->now = end;
	advance(world);
}

void world_wait(struct world *world, const char *what)
{
	const tern_time next = next_deadline(world);

	if (next == TERN_NEVER)
		bench_fail("%s: nothing moves any more", what);
	world->waits++;
	world->now = next > world->now ? next : world->now + 1;
	advance(world);
}

tern_socket world_connect(struct world *world, uint32_t n, uint64_t cookie)
{
	static const struct tern_addr server = { .b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 } };
	const struct tern_open open = {
		.remote = { .addr = server, .port = (uint16_t)(1 + n / 8 % SPREAD) }, .cookie = cookie,
	};
	tern_socket socket;

	bench_need(tern_connect(world->host[CLIENT], &open, &socket), "a connection");
	return socket;
}

static uint32_t accept_all(struct world *world, tern_socket *server, uint32_t at)
{
	tern_socket socket;

	while (tern_accept(world->host[SERVER], world->listener, &socket) == 0) {
		bench_need(tern_set_cookie(world->host[SERVER], socket, at), "a cookie");
		if (server)
			server[at] = socket;
		at++;
	}
	return at;
}

void world_open(struct world *world, uint32_t from, uint32_t to, tern_socket *client, tern_socket *server)
{
	struct tern_event event;
	uint32_t	  accepted = from;

	for (uint32_t n = from; n < to;) {
		for (uint32_t i = 0; i < OPEN_BATCH && n < to; i++, n++) {
			const tern_socket socket = world_connect(world, n, n);

			if (client)
				client[n] = socket;
		}
		world_settle(world);
		accepted = accept_all(world, server, accepted);
		for (int host = 0; host < 2; host++)
			while (tern_host_event(world->host[host], &event))
				;
		world_tick(world, OPEN_BATCH * TERN_MICROSECOND);
	}
	if (accepted != to)
		bench_fail("%u connections of %u were accepted", (unsigned)(accepted - from), (unsigned)(to - from));
}

uint64_t world_memory(const struct world *world, int host)
{
	struct tern_stats stats;

	tern_host_stats(world->host[host], &stats);
	return stats.TernMemory;
}
