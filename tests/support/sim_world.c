#include "support/sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 16 };

_Noreturn void world_fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "\nFAILED: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

static void need(int result, const char *what)
{
	if (result < 0)
		world_fail("%s: %s", what, tern_strerror(result));
}

static bool again(const struct world *world, int result, unsigned *tries)
{
	return result == -TERN_ENOMEM && world->settings.forgiving && ++*tries < 1000;
}

static size_t take(void *context, uint64_t cookie, const uint8_t *text, size_t n)
{
	const struct tern_taker *const taker = &((const struct world *)context)->taker;

	return taker->take ? taker->take(taker->context, cookie, text, n) : 0;
}

static bool make_host(struct world *world, unsigned i)
{
	static const char *const v4[] = { "10.0.0.1", "10.0.0.2" }, *const v6[] = { "fd00::1", "fd00::2" };
	struct world_host *const      side = &world->side[i];
	struct tern_config	      config = world->settings.config[i];
	const struct tern_link_config link = { .mtu = world->settings.mtu[i] };

	for (unsigned k = 0; k < sizeof config.secret; k++)
		config.secret[k] = (uint8_t)chance_next(&world->chance);
	config.allocator = test_allocator_of(&side->allocator);
	config.taker = (struct tern_taker){ take, world };
	side->sink = (struct tally_sink){ &world->tally, i ? "B" : "A", world->settings.verbose, world->now };
	if (world->settings.watch || world->settings.verbose)
		config.watcher = tally_watcher(&side->sink);
	if (world->settings.watcher[i].event)
		config.watcher = world->settings.watcher[i];
	side->allocator.fail_at = world->settings.fail_at[i];
	side->allocator.fail_count = world->settings.fail_count[i];
	/* A failed allocation is a clean error; then it is tried again. */
	int	 result;
	unsigned tries = 0;
	do {
		result = tern_host_create(&side->host, &config, world->now);
		if (result != 0 && (side->allocator.blocks != 0 || side->host))
			world_fail("tern_host_create failed and left %zu blocks", side->allocator.blocks);
	} while (again(world, result, &tries));
	if (result == -TERN_ENOMEM && world->settings.forgiving)
		return false;
	need(result, "tern_host_create");
	do
		result = tern_host_add_link(side->host, &link, &side->link);
	while (again(world, result, &tries));
	need(result, "tern_host_add_link");
	need(tern_addr_parse(&side->v4, v4[i]), "address");
	need(tern_addr_parse(&side->v6, v6[i]), "address");
	do
		result = tern_host_add_address(side->host, side->link, &side->v4, 24);
	while (again(world, result, &tries));
	need(result, "tern_host_add_address");
	do /* RFC 8200 5 */
		result = link.mtu >= 1280 ? tern_host_add_address(side->host, side->link, &side->v6, 64) : 0;
	while (again(world, result, &tries));
	need(result, "tern_host_add_address");
	cable_init(&side->out, &world->settings.cable[i], chance_next(&world->chance));
	side->memory_new = side->allocator.bytes;
	return true;
}

bool world_init(struct world *world, const struct world_settings *settings)
{
	memset(world, 0, sizeof *world);
	world->settings = *settings;
	world->chance.state = settings->seed;
	world->now = settings->start;
	if (world->settings.batch == 0 || world->settings.batch > BATCH_MAX)
		world->settings.batch = BATCH_MAX;
	if (!make_host(world, 0))
		return false;
	if (make_host(world, 1)) {
		world->side[0].out.back = &world->side[1].out;
		world->side[1].out.back = &world->side[0].out;
		return true;
	}
	tern_host_destroy(world->side[0].host);
	if (world->side[0].allocator.blocks != 0)
		world_fail("a host was destroyed and left %zu blocks", world->side[0].allocator.blocks);
	cable_done(&world->side[0].out);
	return false;
}

void world_called(struct world *world, unsigned host)
{
	const uint64_t every = world->settings.check_every;

	world->calls++;
	if (every == 0 || world->calls % every != 0)
		return;
	tern_host_check(world->side[host].host);
	world->checks++;
}

static void flush_host(struct world *world, unsigned i)
{
	struct world_host *const side = &world->side[i];
	tern_packet		*batch[BATCH_MAX];
	size_t			 n;

	while ((n = tern_host_output(side->host, batch, world->settings.batch, world->now)) > 0) {
		for (size_t k = 0; k < n; k++) {
			if (batch[k]->link != side->link)
				world_fail("a packet for link %u", batch[k]->link);
			if (batch[k]->len > world->settings.mtu[i])
				world_fail("a packet of %u bytes for an MTU of %u", batch[k]->len,
					   world->settings.mtu[i]);
			if (world->settings.tap.packet)
				world->settings.tap.packet(world->settings.tap.context, i, true, batch[k], world->now);
			cable_put(&side->out, batch[k], world->now);
		}
		world->packets += n;
		world_called(world, i);
	}
}

void world_flush(struct world *world)
{
	flush_host(world, 0);
	flush_host(world, 1);
}

tern_time world_next(const struct world *world)
{
	tern_time next = TERN_NEVER;

	for (unsigned i = 0; i < 2; i++) {
		const tern_time arrival = cable_next(&world->side[i].out);
		const tern_time deadline = tern_host_deadline(world->side[i].host);

		next = arrival < next ? arrival : next;
		next = deadline < next ? deadline : next;
	}
	return next;
}

void world_go_to(struct world *world, tern_time at)
{
	tern_packet *batch[BATCH_MAX];
	size_t	     n;

	if (at > world->now)
		world->now = at;
	for (unsigned i = 0; i < 2; i++) {
		tern_host *const host = world->side[i].host;

		if (tern_host_now(host) < world->now || tern_host_deadline(host) <= world->now) {
			tern_host_advance(host, world->now);
			world_called(world, i);
		}
		struct cable *const in = &world->side[1 - i].out;
		while ((n = cable_take(in, batch, world->settings.batch, world->now)) > 0) {
			for (size_t k = 0; k < n; k++) {
				batch[k]->link = world->side[i].link;
				if (world->settings.tap.packet)
					world->settings.tap.packet(world->settings.tap.context, i, false, batch[k],
								   world->now);
			}
			tern_host_input(host, batch, n, world->now);
			world_called(world, i);
		}
	}
}

static void check_idle_host(struct world *world, unsigned i)
{
	struct world_host *const side = &world->side[i];
	tern_host *const	 host = side->host;
	struct tern_stats	 stats;
	struct tern_entry	 entry;
	tern_socket		 socket;
	uint64_t		 cursor = 0;
	char			 text[46];

	if (tern_host_each(host, &cursor, &socket))
		world_fail("host %u: a handle is left", i);
	cursor = 0;
	if (tern_host_each_entry(host, &cursor, &entry))
		world_fail("host %u: an entry in %s is left, remote %s", i, tern_state_name(entry.state),
			   tern_addr_format(&entry.tuple.remote, text));
	tern_host_stats(host, &stats);
	if (stats.TernConnections != 0 || stats.CurrEstab != 0)
		world_fail("host %u: %llu connections are left, CurrEstab %lld", i,
			   (unsigned long long)stats.TernConnections, (long long)stats.CurrEstab);
	if (stats.TernHalfOpen != 0 || stats.TernTimeWait != 0 || stats.TernListeners != 0)
		world_fail("host %u: half-open %llu, TIME-WAIT %llu, listeners %llu are left", i,
			   (unsigned long long)stats.TernHalfOpen, (unsigned long long)stats.TernTimeWait,
			   (unsigned long long)stats.TernListeners);
	if (tern_host_deadline(host) != TERN_NEVER)
		world_fail("host %u: a timer is left", i);
	tern_host_check(host);
}

void world_check_idle(struct world *world)
{
	/* A chunk of blocks, the table's buckets and the memory of used cookies stay; nothing that connections
	 * hold does. */
	enum {
		BLOCKS = 65536,
		BUCKETS = 32768,
		COOKIES = 65536,
		LISTS = 1024,
		KEPT = BLOCKS + BUCKETS + COOKIES + LISTS
	};

	for (unsigned i = 0; i < 2; i++) {
		struct world_host *const side = &world->side[i];

		check_idle_host(world, i);
		tern_host_trim(side->host);
		if (side->allocator.bytes > side->memory_new + KEPT)
			world_fail("host %u: %zu bytes, %zu at first", i, side->allocator.bytes,
				   side->memory_new);
	}
}

void world_done(struct world *world)
{
	cable_done(&world->side[0].out);
	cable_done(&world->side[1].out);
	for (unsigned i = 0; i < 2; i++) {
		struct world_host *const side = &world->side[i];

		tern_host_destroy(side->host);
		if (side->allocator.blocks != 0)
			world_fail("host %u: %zu blocks of %zu bytes were never given back", i,
				   side->allocator.blocks, side->allocator.bytes);
	}
}

struct tern_endpoint world_endpoint(const struct world *world, unsigned host, bool v6, uint16_t port)
{
	const struct world_host *const side = &world->side[host];

	return (struct tern_endpoint){ .addr = v6 ? side->v6 : side->v4, .port = port };
}
