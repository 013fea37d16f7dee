/* Autotuning (tcp/tune.h): a path of 10 Gbit/s and 100 ms is used to nine tenths and more without a setting,
 * with each controller; on one of 20 Mbit/s buffers stay small; and what was held is given back. */
#include "support/sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MTU = 65535 };

static struct world world;
static tern_socket client, server;
static uint8_t zeros[1 << 20];
static bool copies; /* the host keeps what is sent, not the program */

static void need(bool holds, const char *what)
{
	if (!holds)
		world_fail("%s", what);
}

static void begin(const char *controller, uint64_t rate, uint32_t mtu)
{
	struct world_settings settings = { .mtu = { mtu, mtu }, .seed = 1, .start = TERN_SECOND, .batch = 16 };
	const struct tern_listen listen = { .local = { .port = 80 } };
	tern_socket listener;

	for (int i = 0; i < 2; i++) {
		tern_config_default(&settings.config[i]);
		settings.config[i].congestion_control = controller;
		settings.cable[i].delay = 50 * TERN_MILLISECOND;
	}
	settings.cable[0].rate = rate;
	need(world_init(&world, &settings), "no world");

	const struct tern_open open = { .remote = world_endpoint(&world, 1, false, 80) };

	need(tern_listen(world.side[1].host, &listen, &listener) == 0, "no listener");
	need(tern_connect(world.side[0].host, &open, &client) == 0, "no connection");
	while (tern_accept(world.side[1].host, listener, &server) != 0) {
		world_flush(&world);
		world_go_to(&world, world_next(&world));
	}
	need(tern_close(world.side[1].host, listener) == 0, "no close");
}

/* Sends what finds room, where told, and reads what has come, for so long. */
static void run(tern_time span, bool sends)
{
	const tern_time end = world.now + span;
	const uint8_t *at;
	ptrdiff_t n;

	while (world.now < end) {
		while (sends && (copies ? tern_send(world.side[0].host, client, zeros, sizeof zeros, 0) :
					  tern_send_owned(world.side[0].host, client, zeros, sizeof zeros, 0, NULL,
							  NULL)) > 0)
			;
		world_flush(&world);
		while ((n = tern_peek(world.side[1].host, server, 0, &at)) > 0)
			need(tern_consume(world.side[1].host, server, (size_t)n) == 0, "no consume");
		world_flush(&world);
		const tern_time next = world_next(&world);

		world_go_to(&world, next < end ? next : end);
	}
}

static uint64_t received(void)
{
	struct tern_status status;

	need(tern_status(world.side[1].host, server, &status) == 0, "no status");
	return status.bytes_received;
}

static int64_t option(int side, enum tern_option which)
{
	int64_t value = 0;

	need(tern_option_get(world.side[side].host, side ? server : client, which, &value) == 0, "no option");
	return value;
}

static void fast_path(const char *controller, bool copied)
{
	const uint64_t rate = UINT64_C(1250000000);

	copies = copied;
	begin(controller, rate, MTU);

	const size_t idle[2] = { world.side[0].allocator.bytes, world.side[1].allocator.bytes };

	run(2 * TERN_SECOND, true); /* 20 round trips: slow start to 125 MB */

	const uint64_t before = received();

	run(TERN_SECOND, true);

	const unsigned percent = (unsigned)((received() - before) * 100 / rate);

	printf("%-6s 10 Gbit/s x 100 ms: %u %% in the third second, receive buffer %lld, sender holds %zu\n",
	       controller, percent, (long long)option(1, TERN_RECEIVE_BUFFER), world.side[0].allocator.bytes);
	need(percent >= 90, "less than 90 %");
	need(!copies || world.side[0].allocator.bytes > 100 << 20, "the sender holds less than what flies");
	run(5 * TERN_SECOND, false);
	for (int i = 0; i < 2; i++) {
		tern_host_trim(world.side[i].host);
		printf("       host %d: %zu bytes idle, %zu before\n", i, world.side[i].allocator.bytes, idle[i]);
		need(world.side[i].allocator.bytes < idle[i] + 65536, "memory was not given back");
	}
	tern_abort(world.side[0].host, client);
	tern_abort(world.side[1].host, server);
	world_done(&world);
}

/* The receiver grants what is taken in a round trip, twice, and slow start's lead; the sender queues two windows. */
static void slow_path(void)
{
	begin("reno", 2500000, 1500); /* 20 Mbit/s: a product of 250,000 */
	run(10 * TERN_SECOND, true);

	struct tern_status status;

	need(tern_status(world.side[0].host, client, &status) == 0, "no status");
	printf("reno   20 Mbit/s x 100 ms: cwnd %u, unsent %u, receive buffer %lld\n", status.cwnd, status.unsent,
	       (long long)option(1, TERN_RECEIVE_BUFFER));
	need(option(1, TERN_RECEIVE_BUFFER) < 8 << 20, "the receive buffer grew beyond the path");
	need(status.unsent + status.unacked <= 2 * (uint64_t)status.cwnd + (1 << 20) + 65536, "too much is queued");
	tern_abort(world.side[0].host, client);
	tern_abort(world.side[1].host, server);
	world_done(&world);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	fast_path("reno", false);
	fast_path("cubic", true);
	fast_path("bbr", false);
	slow_path();
	return 0;
}
