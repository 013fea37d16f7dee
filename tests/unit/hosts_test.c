/* Several hosts behind one address: whose a packet is, in virtual time and one thread; then with threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/tern.h>

enum { HOSTS = 3, CONNECTIONS = 60, PORT = 50000 /* within the ephemeral range, too */ };

#define PATIENCE (60 * TERN_SECOND)

/* The group, 10.0.0.2, and one host by itself, 10.0.0.1, on a loop of the group's or of its own. */
struct world {
	tern_hosts *hosts;
	tern_loop  *loop;
	tern_host  *client;
	unsigned    served[HOSTS]; /* connections that each accepted */
	struct tern_addr here, there; /* the group's, the client's */
	tern_socket bound[HOSTS];
};

static unsigned number_of(const struct world *world, const tern_host *host)
{
	unsigned i = 0;

	while (tern_hosts_host(world->hosts, i) != host)
		i++;
	return i;
}

static void echo(tern_host *host, tern_socket socket)
{
	uint8_t	  bytes[256];
	ptrdiff_t n;

	while ((n = tern_receive(host, socket, bytes, sizeof bytes)) > 0)
		assert_int_equal(tern_send(host, socket, bytes, (size_t)n, 0), n);
	if (n == 0)
		tern_close(host, socket);
}

static void serve(void *context, tern_host *host, const struct tern_event *event)
{
	struct world *const world = context;
	tern_socket	    socket;

	if (!(event->ready & TERN_ACCEPT)) {
		if (event->ready & TERN_READABLE)
			echo(host, event->socket);
		return;
	}
	while (tern_accept(host, event->socket, &socket) == 0) {
		world->served[number_of(world, host)]++;
		echo(host, socket);
	}
}

static void open_world(struct world *world, enum tern_clock clock, struct tern_link *end[2], unsigned n)
{
	const struct tern_hosts_settings settings = { .n = n, .clock = clock };
	const struct tern_listen	 listen = { .local.port = PORT };
	uint8_t				 number;

	memset(world, 0, sizeof *world);
	assert_int_equal(tern_addr_parse(&world->here, "10.0.0.2"), 0);
	assert_int_equal(tern_addr_parse(&world->there, "10.0.0.1"), 0);
	assert_int_equal(tern_hosts_create(&world->hosts, &settings), 0);
	assert_int_equal(tern_hosts_count(world->hosts), n);
	assert_int_equal(tern_hosts_add(world->hosts, end, 1, &number), 0);
	assert_int_equal(tern_hosts_add_address(world->hosts, number, &world->here, 24), 0);
	assert_int_equal(tern_hosts_on_event(world->hosts, serve, world), 0);
	assert_int_equal(tern_hosts_listen(world->hosts, &listen, NULL), 0);
	assert_int_equal(tern_hosts_listen(world->hosts, &listen, NULL), -TERN_EADDRINUSE);
	if (clock == TERN_CLOCK_VIRTUAL)
		world->loop = tern_hosts_loop(world->hosts, 0);
	else
		assert_int_equal(tern_loop_create(&world->loop, clock), 0);
	assert_int_equal(tern_loop_host(world->loop, end[1], "10.0.0.1/24", &world->client), 0);
}

static void begin(struct world *world)
{
	const struct tern_link_config config = { .mtu = 1500 };
	struct tern_link	     *end[2];

	assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
	open_world(world, TERN_CLOCK_VIRTUAL, end, HOSTS);
}

static void run_for(struct world *world, tern_time span)
{
	const tern_time until = tern_loop_now(world->loop) + span;

	for (unsigned turns = 0; tern_loop_now(world->loop) < until; turns++) {
		assert_true(turns < 100000);
		if (tern_hosts_turn(world->hosts, until - tern_loop_now(world->loop)) == 0)
			break;
	}
}

static void end(struct world *world)
{
	tern_hosts_destroy(world->hosts);
	tern_host_destroy(world->client);
}

static tern_socket connect_from(struct world *world, tern_host *host, const struct tern_addr *to, uint16_t port)
{
	const struct tern_open open = { .remote = { .addr = *to, .port = port } };
	tern_socket	       socket;

	(void)world;
	assert_int_equal(tern_connect(host, &open, &socket), 0);
	return socket;
}

/* ---- in virtual time ---- */

static void every_host_serves_its_own(void **state)
{
	struct world	   world;
	struct tern_stats  sum;
	struct tern_hosts_stats steering;
	tern_socket	   socket[CONNECTIONS];
	struct tern_tuple  tuple;
	unsigned	   owned[HOSTS] = { 0 };
	char		   answer[8];

	(void)state;
	begin(&world);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		socket[i] = connect_from(&world, world.client, &world.here, PORT);
		assert_int_equal(tern_name(world.client, socket[i], &tuple), 0);
		owned[tern_hosts_owner(world.hosts, &tuple)]++; /* the same from either end */
	}
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		assert_int_equal(tern_send(world.client, socket[i], "tern", 4, 0), 4);
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		assert_int_equal(tern_receive(world.client, socket[i], answer, sizeof answer), 4);
		assert_memory_equal(answer, "tern", 4);
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(world.served[i], owned[i]);
		assert_in_range(owned[i], 1, CONNECTIONS - 2);
	}
	assert_int_equal(tern_hosts_stats(world.hosts, &sum, &steering), 0);
	assert_int_equal(sum.CurrEstab, CONNECTIONS);
	assert_int_equal(sum.OutRsts, 0);
	assert_true(steering.kept > 0 && steering.passed > 0);
	assert_int_equal(steering.dropped, 0);
	end(&world);
}

static void what_a_host_opens_comes_back_to_it(void **state)
{
	const struct tern_listen listen = { .local.port = 7 };
	struct world		 world;
	tern_socket		 listener, socket[HOSTS][8];
	struct tern_tuple	 tuple;

	(void)state;
	begin(&world);
	assert_int_equal(tern_listen(world.client, &listen, &listener), 0);
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned k = 0; k < 8; k++) {
			tern_host *const host = tern_hosts_host(world.hosts, i);

			socket[i][k] = connect_from(&world, host, &world.there, 7);
			assert_int_equal(tern_name(host, socket[i][k], &tuple), 0);
			assert_int_equal(tern_hosts_owner(world.hosts, &tuple), i);
		}
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned k = 0; k < 8; k++)
			assert_true(tern_ready(tern_hosts_host(world.hosts, i), socket[i][k]) & TERN_CONNECTED);
	end(&world);
}

/* A given local port belongs to one host, by the remote end too: the others refuse it, and so does unpacking. */
static void a_port_of_another_host_is_refused(void **state)
{
	const struct tern_listen listen = { .local.port = 7 };
	struct world		 world;
	tern_socket		 listener, socket, moved;
	struct tern_open	 open = { .local.port = 1234, .remote.port = 7 };
	struct tern_tuple	 tuple = { .local_port = 1234, .remote_port = 7 };
	uint8_t			 record[8192];

	(void)state;
	begin(&world);
	assert_int_equal(tern_listen(world.client, &listen, &listener), 0);
	open.remote.addr = tuple.remote = world.there;
	tuple.local = world.here;
	const unsigned owner = tern_hosts_owner(world.hosts, &tuple);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(tern_connect(tern_hosts_host(world.hosts, i), &open, &socket),
				 i == owner ? 0 : -TERN_EADDRNOTAVAIL);
	assert_int_equal(tern_connect(tern_hosts_host(world.hosts, owner), &open, &socket), -TERN_EADDRINUSE);
	open.local.port = 0;
	tern_host *const first = tern_hosts_host(world.hosts, 0);
	assert_int_equal(tern_connect(first, &open, &socket), 0);
	run_for(&world, TERN_SECOND);
	const ptrdiff_t n = tern_pack_out(first, socket, record, sizeof record);
	assert_in_range(n, 1, sizeof record);
	assert_int_equal(tern_unpack(tern_hosts_host(world.hosts, 1), record, (size_t)n, &moved), -TERN_EADDRNOTAVAIL);
	assert_int_equal(tern_unpack(first, record, (size_t)n, &moved), 0);
	end(&world);
}

static void bind_everywhere(struct world *world, uint16_t port)
{
	const struct tern_datagram_open open = { .local.port = port };

	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(tern_datagram_open(tern_hosts_host(world->hosts, i), &open, &world->bound[i]), 0);
}

static tern_socket send_from(tern_host *host, const struct tern_addr *to, uint16_t port, const void *data, size_t n)
{
	const struct tern_datagram_open open = { .local.port = 0 };
	const struct tern_datagram	datagram = { .remote = { .addr = *to, .port = port }, .data = data, .n = n };
	tern_socket			socket;

	assert_int_equal(tern_datagram_open(host, &open, &socket), 0);
	assert_int_equal(tern_datagram_send(host, socket, &datagram), 0);
	return socket;
}

/* Each fragment alone does not say whose the datagram is. */
static void fragments_are_joined_and_handed_on(void **state)
{
	static uint8_t	     data[5000];
	struct world	     world;
	struct tern_datagram datagram;
	unsigned	     got[HOSTS] = { 0 }, sum = 0, hosts = 0;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	begin(&world);
	bind_everywhere(&world, 53);
	for (unsigned i = 0; i < 24; i++)
		(void)send_from(world.client, &world.here, 53, data, sizeof data);
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < HOSTS; i++) {
		tern_host *const host = tern_hosts_host(world.hosts, i);

		for (; tern_datagram_receive(host, world.bound[i], &datagram) == 0; got[i]++) {
			const struct tern_tuple tuple = { .local = datagram.local.addr, .local_port = 53,
							  .remote = datagram.remote.addr,
							  .remote_port = datagram.remote.port };
			assert_int_equal(tern_hosts_owner(world.hosts, &tuple), i);
			assert_int_equal(datagram.n, sizeof data);
			assert_memory_equal(datagram.data, data, sizeof data);
		}
		hosts += got[i] > 0; /* the secrets are chance, so one may have none */
		sum += got[i];
	}
	assert_int_equal(sum, 24);
	assert_true(hosts > 1);
	end(&world);
}

/* Unconnected sockets are answered by whoever; and the error goes to who sent. */
static void datagrams_and_errors_find_their_socket(void **state)
{
	struct world		world;
	struct tern_datagram	datagram;
	struct tern_datagram_open open = { .local.port = 9 };
	tern_socket		answering, asking[HOSTS], lost[HOSTS];

	(void)state;
	begin(&world);
	assert_int_equal(tern_datagram_open(world.client, &open, &answering), 0);
	for (unsigned i = 0; i < HOSTS; i++) {
		tern_host *const host = tern_hosts_host(world.hosts, i);

		asking[i] = send_from(host, &world.there, 9, "?", 1);
		open = (struct tern_datagram_open){ .remote = { .addr = world.there, .port = 10 } };
		assert_int_equal(tern_datagram_open(host, &open, &lost[i]), 0);
		assert_int_equal(tern_datagram_send(host, lost[i], &(struct tern_datagram){ .data = "!", .n = 1 }), 0);
	}
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(tern_datagram_receive(world.client, answering, &datagram), 0);
		const struct tern_datagram answer = { .remote = datagram.remote, .data = "=", .n = 1 };
		assert_int_equal(tern_datagram_send(world.client, answering, &answer), 0);
	}
	run_for(&world, TERN_SECOND);
	for (unsigned i = 0; i < HOSTS; i++) {
		tern_host *const host = tern_hosts_host(world.hosts, i);

		assert_int_equal(tern_datagram_receive(host, asking[i], &datagram), 0);
		assert_int_equal(tern_datagram_receive(host, lost[i], &datagram), -TERN_ECONNREFUSED);
	}
	end(&world);
}

/* A connection that is refused by ICMP learns of it, whichever host it is in. */
static void icmp_about_a_connection_reaches_its_host(void **state)
{
	struct world	 world;
	struct tern_addr beyond;
	tern_socket	 listener, asked, socket[HOSTS];
	struct tern_tuple tuple;

	(void)state;
	begin(&world);
	assert_int_equal(tern_addr_parse(&beyond, "10.0.0.1"), 0);
	const struct tern_listen listen = { .any = true, .ask = true };
	assert_int_equal(tern_listen(world.client, &listen, &listener), 0);
	for (unsigned i = 0; i < HOSTS; i++)
		socket[i] = connect_from(&world, tern_hosts_host(world.hosts, i), &beyond, 80);
	run_for(&world, TERN_MILLISECOND);
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(tern_next_ask(world.client, listener, &asked, &tuple), 0);
		assert_int_equal(tern_answer(world.client, asked, TERN_ANSWER_PROHIBITED), 0);
	}
	run_for(&world, TERN_MILLISECOND);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(tern_socket_error(tern_hosts_host(world.hosts, i), socket[i]), -TERN_EACCES);
	end(&world);
}

static void settings_are_checked(void **state)
{
	struct tern_config	   config;
	struct tern_hosts_settings settings = { .n = TERN_SHARE_MOST + 1 };
	struct world		   world;
	struct tern_link	  *none[1] = { NULL };
	struct tern_addr	   addr;
	tern_hosts		  *hosts;
	tern_host		  *host;

	(void)state;
	assert_int_equal(tern_hosts_create(&hosts, &settings), -TERN_EINVAL);
	assert_int_equal(tern_hosts_create(NULL, &settings), -TERN_EINVAL);
	assert_int_equal(tern_hosts_create(&hosts, NULL), -TERN_EINVAL);
	settings = (struct tern_hosts_settings){ .clock = (enum tern_clock)9 };
	assert_int_equal(tern_hosts_create(&hosts, &settings), -TERN_EINVAL);
	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.share = (struct tern_share){ .n = 2, .index = 2 };
	assert_int_equal(tern_host_create(&host, &config, 0), -TERN_EINVAL);
	config.share = (struct tern_share){ .n = TERN_SHARE_MOST + 1 };
	assert_int_equal(tern_host_create(&host, &config, 0), -TERN_EINVAL);
	tern_hosts_destroy(NULL);

	begin(&world);
	assert_int_equal(tern_hosts_add(world.hosts, none, 0, NULL), -TERN_EINVAL);
	assert_int_equal(tern_hosts_add(world.hosts, none, HOSTS + 1, NULL), -TERN_EINVAL);
	assert_int_equal(tern_hosts_start(world.hosts), -TERN_EINVAL); /* virtual */
	assert_int_equal(tern_hosts_turn(world.hosts, -1), -TERN_EINVAL);
	assert_null(tern_hosts_host(world.hosts, HOSTS));
	assert_null(tern_hosts_loop(world.hosts, HOSTS));
	assert_int_equal(tern_addr_parse(&addr, "224.0.0.1"), 0);
	assert_int_equal(tern_hosts_add_address(world.hosts, 0, &addr, 24), -TERN_EINVAL);
	assert_int_equal(tern_hosts_add_route(world.hosts, &world.there, 32, 9, NULL), -TERN_EINVAL);
	end(&world);
}

/* A link that no host takes stays the caller's. */
static void a_link_that_is_refused_is_given_back(void **state)
{
	const struct tern_hosts_settings settings = { .n = 2, .clock = TERN_CLOCK_VIRTUAL };
	const struct tern_link_config	 config = { .mtu = 1500 };
	struct tern_link		*end[2];
	tern_hosts			*hosts;

	(void)state;
	assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
	assert_int_equal(tern_hosts_create(&hosts, &settings), 0);
	end[0]->config.mtu = 10;
	assert_int_equal(tern_hosts_add(hosts, end, 1, NULL), -TERN_EINVAL);
	assert_int_equal(tern_hosts_turn(hosts, TERN_SECOND), 0);
	tern_hosts_destroy(hosts);
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
}

/* ---- with threads ---- */

static int be_inside(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	struct world *const world = context;

	assert_ptr_equal(loop, tern_hosts_loop(world->hosts, i));
	assert_ptr_equal(host, tern_hosts_host(world->hosts, i));
	if (tern_hosts_stop(world->hosts) != -TERN_EALREADY ||
	    tern_hosts_each(world->hosts, be_inside, world) != -TERN_EALREADY)
		return -TERN_EPROTO;
	return i == 1 ? -TERN_EPIPE : 0;
}

static void talk(struct world *world, unsigned rounds)
{
	struct tern_open open = { .remote = { .addr = world->here, .port = PORT } };
	tern_socket	 socket[CONNECTIONS];
	char		 answer[8];

	for (unsigned i = 0; i < CONNECTIONS; i++)
		assert_int_equal(tern_connect_wait(world->loop, world->client, &open, &socket[i], PATIENCE), 0);
	for (unsigned i = 0; i < rounds * CONNECTIONS; i++) {
		const tern_socket at = socket[i % CONNECTIONS];

		assert_int_equal(tern_send_wait(world->loop, world->client, at, "tern", 4, PATIENCE), 4);
		for (ptrdiff_t n = 0, got; n < 4; n += got) {
			got = tern_receive_wait(world->loop, world->client, at, answer + n, 4 - (size_t)n, PATIENCE);
			assert_in_range(got, 1, 4);
		}
		assert_memory_equal(answer, "tern", 4);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		assert_int_equal(tern_close(world->client, socket[i]), 0);
	(void)tern_loop_turn(world->loop, 0);
}

static void threads_serve_together(void **state)
{
	const struct tern_link_config config = { .mtu = 1500 };
	struct tern_hosts_stats	      steering;
	struct tern_stats	      sum;
	struct tern_link	     *end[2];
	struct world		      world;

	(void)state;
	assert_int_equal(tern_thread_pair_create(end, &config, tern_allocator_default()), 0);
	open_world(&world, TERN_CLOCK_REAL, end, 2);
	assert_int_equal(tern_hosts_turn(world.hosts, 0), -TERN_EINVAL); /* real */
	assert_int_equal(tern_hosts_start(world.hosts), 0);
	assert_int_equal(tern_hosts_start(world.hosts), -TERN_EALREADY);
	assert_int_equal(tern_hosts_add(world.hosts, end, 1, NULL), -TERN_EALREADY);
	assert_int_equal(tern_hosts_each(world.hosts, be_inside, &world), -TERN_EPIPE);
	talk(&world, 3);
	assert_int_equal(tern_hosts_stats(world.hosts, &sum, &steering), 0);
	assert_int_equal(sum.PassiveOpens, CONNECTIONS);
	assert_int_equal(sum.OutRsts, 0);
	assert_true(steering.passed > 0);

	assert_int_equal(tern_hosts_stop(world.hosts), 0); /* and once more */
	assert_int_equal(tern_hosts_stop(world.hosts), 0);
	assert_int_equal(tern_loop_set_spin(tern_hosts_loop(world.hosts, 0), TERN_NEVER), 0);
	assert_int_equal(tern_loop_set_spin(tern_hosts_loop(world.hosts, 1), 50 * TERN_MICROSECOND), 0);
	assert_int_equal(tern_loop_set_spin(world.loop, 20 * TERN_MICROSECOND), 0);
	assert_int_equal(tern_hosts_start(world.hosts), 0);
	talk(&world, 1);
	assert_int_equal(tern_hosts_stop(world.hosts), 0);
	assert_int_equal(world.served[0] + world.served[1], 2 * CONNECTIONS);
	assert_true(world.served[0] > 0 && world.served[1] > 0);
	tern_hosts_destroy(world.hosts);
	tern_loop_destroy(world.loop);
	tern_host_destroy(world.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_serves_its_own),
		cmocka_unit_test(what_a_host_opens_comes_back_to_it),
		cmocka_unit_test(a_port_of_another_host_is_refused),
		cmocka_unit_test(fragments_are_joined_and_handed_on),
		cmocka_unit_test(datagrams_and_errors_find_their_socket),
		cmocka_unit_test(icmp_about_a_connection_reaches_its_host),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(a_link_that_is_refused_is_given_back),
		cmocka_unit_test(threads_serve_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
