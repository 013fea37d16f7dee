/* The loop and its hosts (loop/loop.c): two over a link, one with itself; calls that wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/tern.h>

#define MS TERN_MILLISECOND

static tern_loop *new_loop(enum tern_clock clock)
{
	tern_loop *loop;

	assert_int_equal(tern_loop_create(&loop, clock), 0);
	return loop;
}

struct world {
	tern_loop	 *loop;
	tern_host	 *client, *server;
	struct tern_addr  client_addr, server_addr;
	tern_socket	  listener;
	unsigned	  accepted, closed;
};

/* A link that takes what it likes: every third time nothing, else one packet. */
struct slow {
	struct tern_link  link;
	struct tern_link *under;
	unsigned	  calls;
};

static size_t slow_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct slow *slow = (struct slow *)link;

	(void)n;
	return ++slow->calls % 3 ? slow->under->ops->send(slow->under, batch, 1, now) : 0;
}

static size_t slow_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct slow *slow = (struct slow *)link;

	return slow->under->ops->receive(slow->under, batch, room, now);
}

static tern_time slow_deadline(const struct tern_link *link)
{
	const struct slow *slow = (const struct slow *)link;

	return slow->under->ops->deadline(slow->under);
}

static int slow_fd(const struct tern_link *link)
{
	(void)link;
	return -1;
}

static void slow_close(struct tern_link *link)
{
	struct slow *slow = (struct slow *)link;

	slow->under->ops->close(slow->under);
	free(slow);
}

static struct tern_link *slow_link(struct tern_link *under)
{
	static const struct tern_link_ops ops = {
		.name = "slow", .send = slow_send, .receive = slow_receive,
		.deadline = slow_deadline, .fd = slow_fd, .close = slow_close,
	};
	struct slow *slow = calloc(1, sizeof *slow);

	slow->link = (struct tern_link){ .ops = &ops, .config = under->config };
	slow->under = under;
	return &slow->link;
}

static struct tern_addr addr(const char *text)
{
	struct tern_addr found;

	assert_int_equal(tern_addr_parse(&found, text), 0);
	return found;
}

static tern_host *new_host(tern_loop *loop, struct tern_link *link, const struct tern_addr *address,
			   uint8_t seed)
{
	struct tern_config config = { .secret = { seed }, .allocator = *tern_allocator_default() };
	tern_host	  *host;
	uint8_t		   number;

	tern_config_default(&config);
	config.secret[0] = seed;
	config.allocator = *tern_allocator_default();
	assert_int_equal(tern_host_create(&host, &config, tern_loop_now(loop)), 0);
	assert_int_equal(tern_loop_add(loop, host, link, &number), 0);
	assert_int_equal(tern_host_add_address(host, number, address, 24), 0);
	return host;
}

/* The echo server, by events. */
static void on_server_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct world *world = context;
	tern_socket   accepted;
	const uint8_t *at;
	ptrdiff_t      n, took;

	if (event->ready & TERN_ACCEPT)
		while (tern_accept(host, event->socket, &accepted) == 0)
			world->accepted++;
	if (event->socket.index == world->listener.index &&
	    event->socket.generation == world->listener.generation)
		return;
	while ((n = tern_peek(host, event->socket, 0, &at)) > 0) {
		took = tern_send(host, event->socket, at, (size_t)n, 0);
		if (took <= 0)
			return; /* TERN_WRITABLE will come */
		tern_consume(host, event->socket, (size_t)took);
	}
	if (n == 0) {
		assert_int_equal(tern_close(host, event->socket), 0);
		world->closed++;
	}
}

static void start(struct world *world, enum tern_clock clock, const struct tern_impair *impair, bool slow)
{
	const struct tern_link_config config = { .mtu = 1500 };
	struct tern_link	     *end[2];

	*world = (struct world){ .loop = new_loop(clock),
				 .client_addr = addr("10.0.0.1"),
				 .server_addr = addr("10.0.0.2") };
	assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
	for (unsigned i = 0; i < 2; i++) {
		if (impair) {
			struct tern_impair mine = *impair;
			mine.seed += i;
			assert_int_equal(tern_impair_create(&end[i], end[i], &mine, tern_allocator_default()),
					 0);
		}
		if (slow)
			end[i] = slow_link(end[i]);
	}
	world->client = new_host(world->loop, end[0], &world->client_addr, 1);
	world->server = new_host(world->loop, end[1], &world->server_addr, 2);
}

static void serve_echo(struct world *world)
{
	const struct tern_listen listen = { .local.port = 7 };

	assert_int_equal(tern_listen(world->server, &listen, &world->listener), 0);
	assert_int_equal(tern_loop_on_event(world->loop, world->server, on_server_event, world), 0);
}

static void stop(struct world *world)
{
	tern_loop_destroy(world->loop);
	tern_host_destroy(world->client);
	tern_host_destroy(world->server);
}

static struct tern_open to_server(const struct world *world, uint16_t port)
{
	return (struct tern_open){ .remote = { .addr = world->server_addr, .port = port } };
}

static uint8_t sent[300000], received[300000];

/* Sends, shuts down, and reads all of it back until the end of the stream. */
static void echo(struct world *world, size_t n, tern_time timeout)
{
	const struct tern_open open = to_server(world, 7);
	tern_socket	       socket;
	ptrdiff_t	       got;
	size_t		       all = 0;

	for (size_t i = 0; i < n; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(tern_connect_wait(world->loop, world->client, &open, &socket, timeout), 0);
	assert_int_equal(tern_send_wait(world->loop, world->client, socket, sent, n, timeout), n);
	assert_int_equal(tern_shutdown(world->client, socket), 0);
	do {
		got = tern_receive_wait(world->loop, world->client, socket, received + all, n - all + 1,
					timeout);
		assert_true(got >= 0);
		all += (size_t)got;
	} while (got > 0);
	assert_int_equal(all, n);
	assert_memory_equal(sent, received, n);
	assert_int_equal(tern_close(world->client, socket), 0);
}

static void blocking_calls_on_virtual_time(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = 20 * MS }, false);
	serve_echo(&world);
	echo(&world, 1, 10 * TERN_SECOND);
	echo(&world, 250000, 60 * TERN_SECOND);
	assert_int_equal(world.accepted, 2);
	assert_int_equal(tern_close(world.server, world.listener), 0);
	assert_int_equal(tern_loop_run(world.loop), 0); /* TIME-WAIT and all: until nothing can happen */
	assert_int_equal(world.closed, 2);
	assert_true(tern_loop_now(world.loop) > 60 * TERN_SECOND);
	stop(&world);
}

static void blocking_calls_on_real_time(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_REAL, &(struct tern_impair){ .delay = MS }, false);
	serve_echo(&world);
	echo(&world, 250000, 20 * TERN_SECOND);
	stop(&world);
}

static void a_link_that_takes_few_holds_the_host_back(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, NULL, true);
	serve_echo(&world);
	echo(&world, 250000, 60 * TERN_SECOND);
	stop(&world);
}

static void loss_and_reordering_lose_nothing(void **state)
{
	const struct tern_impair impair = { .delay = 5 * MS, .jitter = 2 * MS, .loss = 0.03, .reorder = 0.05,
		.duplicate = 0.02, .corrupt = 0.02, .rate = 2000000, .limit = 50, .seed = 1 };
	tern_time    ended[2];
	struct world world;

	(void)state;
	for (unsigned i = 0; i < 2; i++) { /* same seed, same run */
		start(&world, TERN_CLOCK_VIRTUAL, &impair, false);
		serve_echo(&world);
		echo(&world, 100000, 600 * TERN_SECOND);
		tern_close(world.server, world.listener);
		assert_int_equal(tern_loop_run(world.loop), 0);
		ended[i] = tern_loop_now(world.loop);
		stop(&world);
	}
	assert_int_equal(ended[0], ended[1]);
}

static void waiting_ends_when_the_time_is_up(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 listener, client, server;
	uint8_t		 byte;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	const struct tern_listen listen = { .local.port = 9 };
	assert_int_equal(tern_listen(world.server, &listen, &listener), 0);
	assert_int_equal(tern_accept_wait(world.loop, world.server, listener, &server, 3 * TERN_SECOND),
			 -TERN_EAGAIN);
	assert_int_equal(tern_loop_now(world.loop), 3 * TERN_SECOND);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &client, TERN_NEVER), 0);
	assert_int_equal(tern_accept_wait(world.loop, world.server, listener, &server, TERN_NEVER), 0);
	assert_int_equal(tern_wait(world.loop, world.client, client, TERN_CONNECTED | TERN_READABLE, 0),
			 TERN_CONNECTED);

	const tern_time before = tern_loop_now(world.loop);
	assert_int_equal(
		tern_receive_wait(world.loop, world.server, server, &byte, 1, 7 * TERN_SECOND), -TERN_EAGAIN);
	assert_int_equal(tern_loop_now(world.loop), before + 7 * TERN_SECOND);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, 0), -TERN_EAGAIN);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, -1), -TERN_EINVAL);
	assert_int_equal(tern_wait(world.loop, NULL, server, TERN_READABLE, 0), -TERN_EINVAL);

	/* Nothing will ever happen: an idle connection has no timer. */
	assert_int_equal(tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER),
			 -TERN_EAGAIN);
	assert_int_equal(tern_send_wait(world.loop, world.client, client, "x", 1, 0), 1);
	assert_int_equal(tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER), 1);
	assert_int_equal(tern_abort(world.client, client), 0);
	assert_int_equal(
		tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER), -TERN_ECONNRESET);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, 0) < 0
			|| tern_ready(world.server, server) & TERN_READABLE, 1);
	tern_close(world.server, server);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, TERN_NEVER), -TERN_EBADF);
	stop(&world);
}

static void a_send_that_nobody_reads_takes_what_it_can(void **state)
{
	static uint8_t	 megabytes[32 << 20];
	struct world	 world;
	struct tern_open open;
	tern_socket	 listener, client;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	const struct tern_listen listen = { .local.port = 9 };
	assert_int_equal(tern_listen(world.server, &listen, &listener), 0);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &client, TERN_NEVER), 0);
	const ptrdiff_t n = tern_send_wait(world.loop, world.client, client, megabytes, sizeof megabytes,
					   5 * TERN_SECOND);
	assert_in_range(n, 65536, sizeof megabytes - 1);
	assert_int_equal(tern_send_wait(world.loop, world.client, client, megabytes, 1000000, TERN_SECOND) <
				 1000000,
			 1);
	stop(&world);
}

static void connecting_fails_for_a_reason(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 socket;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, TERN_NEVER),
			 -TERN_ECONNREFUSED);
	assert_int_equal(socket.index | socket.generation, 0);
	assert_int_equal(tern_loop_now(world.loop), 2 * MS);
	open.remote.addr = addr("192.0.2.1");
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, TERN_NEVER),
			 -TERN_ENETUNREACH);
	stop(&world);

	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .loss = 1 }, false);
	open = to_server(&world, 9);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, 5 * TERN_SECOND),
			 -TERN_ETIMEDOUT);
	assert_int_equal(tern_loop_now(world.loop), 5 * TERN_SECOND);
	stop(&world);
}

/* A thread that has something to send posts it: the only way in from outside. */
struct writer {
	struct world *world;
	tern_socket   socket;
	uint8_t	      byte;
};

static void send_byte(void *context)
{
	struct writer *writer = context;

	assert_int_equal(tern_send(writer->world->client, writer->socket, &writer->byte, 1, 0), 1);
	free(writer);
}

static void *write_from_outside(void *context)
{
	const struct writer *one = context;

	for (unsigned i = 0; i < 200; i++) {
		struct writer *writer = malloc(sizeof *writer);
		*writer = *one;
		writer->byte = (uint8_t)i;
		if (tern_post(one->world->loop, send_byte, writer) != 0)
			abort();
		if (i % 20 == 0)
			usleep(500);
	}
	return NULL;
}

static void another_thread_sends_through_the_loop(void **state)
{
	struct world  world;
	struct writer writer = { .world = &world };
	pthread_t     thread;
	size_t	      all = 0;

	(void)state;
	start(&world, TERN_CLOCK_REAL, NULL, false);
	serve_echo(&world);
	const struct tern_open open = to_server(&world, 7);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &writer.socket, TERN_SECOND), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_from_outside, &writer), 0);
	while (all < 200) {
		const ptrdiff_t n = tern_receive_wait(world.loop, world.client, writer.socket, received + all,
						      sizeof received, 5 * TERN_SECOND);
		assert_true(n > 0);
		all += (size_t)n;
	}
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(received[i], i);
	tern_close(world.client, writer.socket);
	stop(&world);
}

struct noted {
	unsigned ready, events;
};

static void note(void *context, tern_host *host, const struct tern_event *event)
{
	struct noted *const noted = context;

	(void)host;
	noted->ready |= event->ready;
	noted->events++;
}

/* No link has a packet of it, and no deadline is near: whoever waits for both sleeps through it. */
static void a_host_that_speaks_to_itself_hears_at_once(void **state)
{
	const struct tern_listen listen = { .local.port = 7 };
	struct world		 world;
	struct noted		 noted = { 0 };
	tern_socket		 refused, socket, listener, accepted;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, NULL, false);
	assert_int_equal(tern_loop_on_event(world.loop, world.server, note, &noted), 0);
	const struct tern_open closed = to_server(&world, 9), open = to_server(&world, 7);
	assert_int_equal(tern_connect(world.server, &closed, &refused), 0);
	assert_int_equal(tern_loop_turn(world.loop, TERN_SECOND / 2), 1);
	assert_true(noted.ready & TERN_ERROR);

	noted = (struct noted){ 0 };
	assert_int_equal(tern_listen(world.server, &listen, &listener), 0);
	assert_int_equal(tern_connect(world.server, &open, &socket), 0);
	assert_int_equal(tern_loop_turn(world.loop, TERN_SECOND / 2), 1);
	assert_int_equal(tern_accept(world.server, listener, &accepted), 0);
	assert_true(noted.ready & TERN_WRITABLE && noted.events >= 2); /* the listener has heard of it too */

	noted = (struct noted){ 0 };
	assert_int_equal(tern_send(world.server, socket, "ping", 4, 0), 4);
	assert_int_equal(tern_loop_turn(world.loop, TERN_SECOND / 2), 1);
	assert_true(noted.ready & TERN_READABLE);
	assert_int_equal(tern_loop_now(world.loop), 0); /* all of it at once */
	tern_close(world.server, refused);
	stop(&world);
}

static void packets_come_back_before_the_host_goes(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 socket;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, true);
	open = to_server(&world, 7);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(tern_connect(world.client, &open, &socket), 0);
	assert_int_equal(tern_loop_turn(world.loop, 0), 1);
	stop(&world); /* with SYNs in every queue */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocking_calls_on_virtual_time),
		cmocka_unit_test(blocking_calls_on_real_time),
		cmocka_unit_test(a_link_that_takes_few_holds_the_host_back),
		cmocka_unit_test(loss_and_reordering_lose_nothing),
		cmocka_unit_test(waiting_ends_when_the_time_is_up),
		cmocka_unit_test(a_send_that_nobody_reads_takes_what_it_can),
		cmocka_unit_test(connecting_fails_for_a_reason),
		cmocka_unit_test(another_thread_sends_through_the_loop),
		cmocka_unit_test(a_host_that_speaks_to_itself_hears_at_once),
		cmocka_unit_test(packets_come_back_before_the_host_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
