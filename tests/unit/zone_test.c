/* Zones: a host between two guests that know nothing of each other and have the same addresses.
 *
 *	guest 0: 10.0.0.1, fd00::1, fe80::1  === link 0 ===  host: 10.0.0.2, fd00::2, fe80::2 on each
 *	guest 1: 10.0.0.1, fd00::1, fe80::1  === link 1 ===
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/two_hosts.h"
#include "wire/tuple.h"
#include <tern/datagram.h>

enum { MIDDLE = 2, HOSTS };

struct world {
	struct test_allocator memory[HOSTS];
	tern_host	     *host[HOSTS]; /* the guests, and the one between them */
	tern_time	      now;
	uint32_t	      zone[2];
};

static struct tern_addr addr(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static void give_addresses(tern_host *host, uint8_t link, bool middle)
{
	const struct tern_addr v4 = addr(middle ? "10.0.0.2" : "10.0.0.1"), v6 = addr(middle ? "fd00::2" : "fd00::1");
	const struct tern_addr local = addr(middle ? "fe80::2" : "fe80::1");

	assert_int_equal(tern_host_add_address(host, link, &local, 64), 0);
	assert_int_equal(tern_host_add_address(host, link, &v4, 24), 0);
	assert_int_equal(tern_host_add_address(host, link, &v6, 64), 0);
}

/* zones: the links have one each (17, 18); else both have 0, and then only link-local addresses may be alike. */
static void begin(struct world *w, bool ethernet, bool zones)
{
	memset(w, 0, sizeof *w);
	w->now = 1000 * TERN_SECOND;
	for (int i = 0; i < HOSTS; i++) {
		struct tern_config config;

		tern_config_default(&config);
		config.allocator = test_allocator(&w->memory[i]);
		config.secret[0] = (uint8_t)(i == MIDDLE); /* the guests are alike in every byte */
		assert_int_equal(tern_host_create(&w->host[i], &config, w->now), 0);
	}
	for (int i = 0; i < 2; i++) {
		struct tern_link_config link = { .mtu = 1500, .ethernet = ethernet, .mac = { 2, 0, 0, 0, 0, 1 } };
		uint8_t			number;

		assert_int_equal(tern_host_add_link(w->host[i], &link, &number), 0);
		give_addresses(w->host[i], number, false);
		link.mac[5] = 2;
		link.zone = zones ? 17u + (unsigned)i : 0;
		assert_int_equal(tern_host_add_link(w->host[MIDDLE], &link, &number), 0);
		w->zone[i] = zones ? link.zone : tern_link_zone(number);
		if (zones) {
			give_addresses(w->host[MIDDLE], number, true);
		} else {
			const struct tern_addr local = addr("fe80::2");
			assert_int_equal(tern_host_add_address(w->host[MIDDLE], number, &local, 64), 0);
		}
	}
}

static void end(struct world *w)
{
	for (int i = 0; i < HOSTS; i++) {
		tern_host_check(w->host[i]);
		tern_host_destroy(w->host[i]);
		assert_int_equal(w->memory[i].blocks, 0);
	}
}

/* One packet; 0: there was none. */
static unsigned carry(struct world *w, int from)
{
	static uint8_t bytes[70000];
	tern_packet   *batch[1], in = { .n_parts = 1 }, *const ins[] = { &in };

	if (tern_host_output(w->host[from], batch, 1, w->now) == 0)
		return 0;
	const int to = from == MIDDLE ? batch[0]->link : MIDDLE;
	in.link = (uint8_t)(from == MIDDLE ? 0 : from);
	in.len = (uint32_t)two_flatten(batch[0], bytes);
	in.part[0] = (struct tern_packet_part){ .at = bytes, .n = in.len };
	tern_packet_done(batch[0]);
	tern_host_input(w->host[to], ins, 1, w->now);
	return 1;
}

static void run(struct world *w, tern_time span)
{
	for (const tern_time until = w->now + span;; w->now += 10 * TERN_MILLISECOND) {
		for (int i = 0; i < HOSTS; i++)
			tern_host_advance(w->host[i], w->now);
		for (unsigned n = 0; n < 10000 && carry(w, 0) + carry(w, 1) + carry(w, MIDDLE) > 0; n++)
			;
		if (w->now >= until)
			return;
	}
}

static tern_socket connect_to(struct world *w, int host, const char *to, uint32_t zone, uint16_t port)
{
	const struct tern_open open = { .local = { .port = 5000 },
					.remote = { .addr = addr(to), .zone = zone, .port = port } };
	tern_socket	       socket;

	assert_int_equal(tern_connect(w->host[host], &open, &socket), 0);
	return socket;
}

static void say(tern_host *host, tern_socket socket, const char *text)
{
	assert_int_equal(tern_send(host, socket, text, strlen(text), 0), strlen(text));
}

static void assert_reads(tern_host *host, tern_socket socket, const char *text)
{
	char got[64] = "";

	assert_int_equal(tern_receive(host, socket, got, sizeof got), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void guests_connect_from_the_same_address_and_port(void **state)
{
	static const char *const to[] = { "10.0.0.2", "fd00::2", "fe80::2" };

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		const bool	zones = i >= 6;
		struct world	w;
		struct tern_status status;
		tern_socket	listener, server[2], client[2];

		if (!zones && i % 3 != 2)
			continue; /* without zones only link-local addresses may be alike */
		begin(&w, i % 2, zones);
		const struct tern_listen listen = { .local = { .port = 80 } };
		assert_int_equal(tern_listen(w.host[MIDDLE], &listen, &listener), 0);
		for (int g = 0; g < 2; g++)
			client[g] = connect_to(&w, g, to[i % 3], 0, 80);
		run(&w, TERN_SECOND);
		for (int g = 0; g < 2; g++)
			say(w.host[g], client[g], g ? "one" : "nought");
		run(&w, TERN_SECOND);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(tern_accept(w.host[MIDDLE], listener, &server[n]), 0);
			assert_int_equal(tern_status(w.host[MIDDLE], server[n], &status), 0);
			const bool g = status.tuple.zone == w.zone[1];
			assert_int_equal(status.tuple.zone, w.zone[g]);
			assert_reads(w.host[MIDDLE], server[n], g ? "one" : "nought");
			say(w.host[MIDDLE], server[n], g ? "ONE" : "NOUGHT");
		}
		run(&w, TERN_SECOND);
		for (int g = 0; g < 2; g++)
			assert_reads(w.host[g], client[g], g ? "ONE" : "NOUGHT");
		/* An end is one connection's alone, TIME-WAIT too. */
		assert_int_equal(tern_close(w.host[0], client[0]), 0);
		run(&w, TERN_SECOND);
		assert_int_equal(tern_status(w.host[1], client[1], &status), 0);
		assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
		end(&w);
	}
}

static void a_zone_is_named_to_connect(void **state)
{
	static const char *const to[] = { "10.0.0.1", "fd00::1", "fe80::1" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct world	   w;
		tern_socket	   listener[2], client[2], server;
		struct tern_status status;

		begin(&w, true, true);
		for (int g = 0; g < 2; g++) {
			const struct tern_listen listen = { .local = { .port = 81 } };
			assert_int_equal(tern_listen(w.host[g], &listen, &listener[g]), 0);
			client[g] = connect_to(&w, MIDDLE, to[i], w.zone[g], 81);
		}
		const struct tern_open nowhere = { .remote = { .addr = addr(to[i]), .port = 81 } };
		const struct tern_open unknown = { .remote = { .addr = addr(to[i]), .port = 81, .zone = 19 } };
		assert_int_equal(tern_connect(w.host[MIDDLE], &nowhere, &server), -TERN_ENETUNREACH);
		assert_int_equal(tern_connect(w.host[MIDDLE], &unknown, &server), -TERN_ENETUNREACH);
		run(&w, TERN_SECOND);
		for (int g = 0; g < 2; g++) {
			assert_int_equal(tern_status(w.host[MIDDLE], client[g], &status), 0);
			assert_int_equal(status.state, TERN_STATE_ESTABLISHED);
			assert_int_equal(tern_accept(w.host[g], listener[g], &server), 0);
		}
		end(&w);
	}
}

static void datagrams_and_their_answers(void **state)
{
	static const char *const to[] = { "10.0.0.2", "fd00::2", "fe80::2" };
	static uint8_t		 text[2][3000]; /* in fragments: both guests number them alike */

	(void)state;
	memset(text[1], 'b', sizeof text[1]);
	for (unsigned i = 0; i < 6; i++) {
		const struct tern_datagram_open wild = { .local = { .port = 7 } };
		struct tern_datagram		in;
		struct world			w;
		tern_socket			socket[HOSTS];

		begin(&w, i >= 3, true);
		assert_int_equal(tern_datagram_open(w.host[MIDDLE], &wild, &socket[MIDDLE]), 0);
		for (int g = 0; g < 2; g++) {
			const struct tern_datagram_open open = { .local = { .port = 1000 } };
			const struct tern_datagram	out = { .remote = { .addr = addr(to[i % 3]), .port = 7 },
								.data = text[g], .n = sizeof text[g] };
			assert_int_equal(tern_datagram_open(w.host[g], &open, &socket[g]), 0);
			assert_int_equal(tern_datagram_send(w.host[g], socket[g], &out), 0);
		}
		run(&w, TERN_SECOND);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(tern_datagram_receive(w.host[MIDDLE], socket[MIDDLE], &in), 0);
			const bool g = in.remote.zone == w.zone[1];
			assert_int_equal(in.remote.zone, w.zone[g]);
			assert_memory_equal(in.data, text[g], sizeof text[g]);
			const struct tern_datagram out = { .remote = in.remote, .data = text[g], .n = 10 };
			assert_int_equal(tern_datagram_send(w.host[MIDDLE], socket[MIDDLE], &out), 0);
		}
		run(&w, TERN_SECOND);
		for (int g = 0; g < 2; g++) {
			assert_int_equal(tern_datagram_receive(w.host[g], socket[g], &in), 0);
			assert_memory_equal(in.data, text[g], 10);
			assert_int_equal(tern_datagram_receive(w.host[g], socket[g], &in), -TERN_EAGAIN);
		}
		end(&w);
	}
}

static void errors_come_back_to_whom_they_are_about(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct tern_datagram_open open = { .local = { .port = 9 }, .remote = { .port = 9 } };
		struct tern_datagram	  in;
		struct tern_datagram	  out = { .data = "x", .n = 1 };
		struct world		  w;
		tern_socket		  socket[2], nobody;

		begin(&w, true, true);
		for (int g = 0; g < 2; g++) {
			open.remote.addr = addr(v6 ? "fd00::1" : "10.0.0.1");
			open.remote.zone = w.zone[g];
			assert_int_equal(tern_datagram_open(w.host[MIDDLE], &open, &socket[g]), 0);
		}
		assert_int_equal(tern_datagram_send(w.host[MIDDLE], socket[1], &out), 0); /* nobody has port 9 there */
		/* Nobody at all, in the other zone: what waits is told alone. */
		open.remote.addr = addr(v6 ? "fd00::77" : "10.0.0.77");
		open.remote.zone = w.zone[0];
		assert_int_equal(tern_datagram_open(w.host[MIDDLE], &open, &nobody), 0);
		assert_int_equal(tern_datagram_send(w.host[MIDDLE], nobody, &out), 0);
		run(&w, 5 * TERN_SECOND);
		assert_int_equal(tern_datagram_receive(w.host[MIDDLE], socket[0], &in), -TERN_EAGAIN);
		assert_int_equal(tern_datagram_receive(w.host[MIDDLE], socket[1], &in), -TERN_ECONNREFUSED);
		assert_int_equal(tern_datagram_receive(w.host[MIDDLE], nobody, &in), -TERN_EHOSTUNREACH);
		/* And ours go where the datagram came from. */
		open.remote.addr = addr(v6 ? "fd00::2" : "10.0.0.2");
		open.remote.zone = 0;
		open.remote.port = 99;
		for (int g = 0; g < 2; g++)
			assert_int_equal(tern_datagram_open(w.host[g], &open, &socket[g]), 0);
		assert_int_equal(tern_datagram_send(w.host[1], socket[1], &out), 0);
		run(&w, TERN_SECOND);
		assert_int_equal(tern_datagram_receive(w.host[0], socket[0], &in), -TERN_EAGAIN);
		assert_int_equal(tern_datagram_receive(w.host[1], socket[1], &in), -TERN_ECONNREFUSED);
		end(&w);
	}
}

/* Own addresses too: what stays in the host stays in its zone. */
static void a_host_talks_to_itself_in_a_zone(void **state)
{
	struct world	   w;
	tern_socket	   listener, client, server;
	struct tern_status status;

	(void)state;
	begin(&w, true, true);
	const struct tern_listen listen = { .local = { .addr = addr("10.0.0.2"), .zone = w.zone[1], .port = 80 } };
	assert_int_equal(tern_listen(w.host[MIDDLE], &listen, &listener), 0);
	client = connect_to(&w, MIDDLE, "10.0.0.2", w.zone[1], 80);
	run(&w, TERN_SECOND);
	assert_int_equal(tern_accept(w.host[MIDDLE], listener, &server), 0);
	assert_int_equal(tern_status(w.host[MIDDLE], server, &status), 0);
	assert_int_equal(status.tuple.zone, w.zone[1]);
	assert_int_equal(tern_close(w.host[MIDDLE], client), 0);
	client = connect_to(&w, MIDDLE, "10.0.0.2", w.zone[0], 80); /* nobody listens in that one */
	run(&w, TERN_SECOND);
	assert_int_equal(tern_status(w.host[MIDDLE], client, &status), 0);
	assert_int_equal(status.error, -TERN_ECONNREFUSED);
	end(&w);
}

static void what_a_zone_may_be(void **state)
{
	const struct tern_addr	v4 = addr("10.0.0.2"), local = addr("fe80::2");
	struct tern_link_config link = { .mtu = 1500 };
	struct world		w;
	uint8_t			number;

	(void)state;
	begin(&w, false, true);
	for (link.zone = 1; link.zone <= 16; link.zone++)
		assert_int_equal(tern_host_add_link(w.host[MIDDLE], &link, &number), -TERN_EINVAL);
	link.zone = 18; /* a second link of the zone */
	assert_int_equal(tern_host_add_link(w.host[MIDDLE], &link, &number), 0);
	assert_int_equal(tern_host_add_address(w.host[MIDDLE], number, &v4, 24), -TERN_EADDRINUSE);
	link.zone = 0;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(tern_host_add_link(w.host[MIDDLE], &link, &number), 0);
		assert_int_equal(tern_host_add_address(w.host[MIDDLE], number, &v4, 24), i ? -TERN_EADDRINUSE : 0);
		assert_int_equal(tern_host_add_address(w.host[MIDDLE], number, &local, 64), 0);
		assert_int_equal(tern_host_add_address(w.host[MIDDLE], number, &local, 64), -TERN_EADDRINUSE);
	}
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_connect_from_the_same_address_and_port),
		cmocka_unit_test(a_zone_is_named_to_connect),
		cmocka_unit_test(datagrams_and_their_answers),
		cmocka_unit_test(errors_come_back_to_whom_they_are_about),
		cmocka_unit_test(a_host_talks_to_itself_in_a_zone),
		cmocka_unit_test(what_a_zone_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
