/* Blocking calls that need not wait: what they leave to the loop all the same. The others: loop_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

enum { PORT = 7 };

static const tern_time LONG = 20 * TERN_SECOND;

static void count_post(void *context)
{
	++*(unsigned *)context;
}

static void echo(void *context, tern_host *host, const struct tern_event *event)
{
	tern_socket accepted;
	uint8_t	    bytes[64];
	ptrdiff_t   n;

	(void)context;
	if (event->ready & TERN_ACCEPT)
		assert_int_equal(tern_accept(host, event->socket, &accepted), 0);
	else
		while ((n = tern_receive(host, event->socket, bytes, sizeof bytes)) > 0)
			assert_int_equal(tern_send(host, event->socket, bytes, (size_t)n, 0), n);
}

struct world {
	tern_loop  *loop;
	tern_host  *client, *server;
	tern_socket socket;
};

static void start(struct world *world)
{
	const struct tern_link_config link = { .mtu = 1500 };
	const struct tern_listen      listen = { .local.port = PORT };
	struct tern_open	      open = { .remote.port = PORT };
	struct tern_link	     *end[2];
	tern_socket		      listener;

	assert_int_equal(tern_loop_create(&world->loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_pair_create(end, &link, tern_allocator_default()), 0);
	assert_int_equal(tern_loop_host(world->loop, end[0], "10.0.0.1/24", &world->client), 0);
	assert_int_equal(tern_loop_host(world->loop, end[1], "10.0.0.2/24", &world->server), 0);
	assert_int_equal(tern_listen(world->server, &listen, &listener), 0);
	assert_int_equal(tern_loop_on_event(world->loop, world->server, echo, NULL), 0);
	assert_int_equal(tern_addr_parse(&open.remote.addr, "10.0.0.2"), 0);
	assert_int_equal(tern_connect_wait(world->loop, world->client, &open, &world->socket, LONG), 0);
}

static void stop(struct world *world)
{
	tern_loop_destroy(world->loop);
	tern_host_destroy(world->client);
	tern_host_destroy(world->server);
}

/* Who always finds something at once must not keep posts, other connections and acknowledgments from their turn. */
static void a_call_that_need_not_wait_lets_the_loop_turn(void **state)
{
	struct world world;
	unsigned     posts = 0;
	uint8_t	     byte = 'x';

	(void)state;
	start(&world);
	assert_int_equal(tern_post(world.loop, count_post, &posts), 0);
	assert_int_equal(tern_send_wait(world.loop, world.client, world.socket, "xyz", 3, LONG), 3);
	assert_int_equal(posts, 1);
	assert_true(tern_wait(world.loop, world.client, world.socket, TERN_READABLE, LONG) & TERN_READABLE);
	for (unsigned i = 2; i <= 4; i++) {
		assert_int_equal(tern_post(world.loop, count_post, &posts), 0);
		assert_int_equal(tern_receive_wait(world.loop, world.client, world.socket, &byte, 1, i == 3 ? 0 : LONG),
				 1);
		assert_int_equal(byte, "xyz"[i - 2]);
		assert_int_equal(posts, i);
	}
	stop(&world);
}

static void times_are_kept(void **state)
{
	struct world world;
	uint8_t	     byte;

	(void)state;
	start(&world);
	assert_int_equal(tern_receive_wait(world.loop, world.client, world.socket, &byte, 1, -1), -TERN_EINVAL);
	assert_int_equal(tern_send_wait(world.loop, world.client, world.socket, &byte, 1, -1), -TERN_EINVAL);
	assert_int_equal(tern_receive_wait(world.loop, NULL, world.socket, &byte, 1, LONG), -TERN_EINVAL);
	const tern_time before = tern_loop_now(world.loop);
	assert_int_equal(tern_receive_wait(world.loop, world.client, world.socket, &byte, 1, 5 * TERN_MILLISECOND),
			 -TERN_EAGAIN);
	assert_true(tern_loop_now(world.loop) >= before + 5 * TERN_MILLISECOND);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_need_not_wait_lets_the_loop_turn),
		cmocka_unit_test(times_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
