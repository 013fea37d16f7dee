/* Datagram sockets between two hosts: UDP and echo, both IP versions; who gets what, errors, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/two_hosts.h"
#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include <tern/datagram.h>

static struct tern_endpoint at(int host, uint16_t port, bool v6)
{
	return (struct tern_endpoint){ .addr = two_addr(host, v6), .port = port };
}

static tern_socket open_bound(struct two_hosts *w, int host, uint16_t port)
{
	const struct tern_datagram_open open = { .local = { .port = port }, .cookie = port };
	tern_socket			socket;

	assert_int_equal(tern_datagram_open(w->host[host], &open, &socket), 0);
	return socket;
}

static int send_to(struct two_hosts *w, int host, tern_socket socket, struct tern_endpoint remote, const void *data,
		   size_t n)
{
	const struct tern_datagram out = { .remote = remote, .data = data, .n = n };

	return tern_datagram_send(w->host[host], socket, &out);
}

static void assert_receives(struct two_hosts *w, int host, tern_socket socket, const void *data, size_t n)
{
	struct tern_datagram in;

	assert_int_equal(tern_datagram_receive(w->host[host], socket, &in), 0);
	assert_int_equal(in.n, n);
	assert_memory_equal(in.data, data, n);
}

static void a_question_and_its_answer_cross_whole(void **state)
{
	static uint8_t large[20000];
	struct two_hosts w;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct tern_datagram in;
		struct tern_event    event;

		two_defaults(&w);
		two_begin(&w);
		for (size_t i = 0; i < sizeof large; i++)
			large[i] = (uint8_t)(i * 7 + i / 256);
		const tern_socket server = open_bound(&w, 1, 53), client = open_bound(&w, 0, 0);
		static const size_t sizes[] = { 0, 1, 512, 1472, 1473, sizeof large }; /* the last two in fragments */

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			assert_int_equal(send_to(&w, 0, client, at(1, 53, v6), large, sizes[i]), 0);
			two_exchange(&w);
			assert_true(tern_host_event(w.host[1], &event));
			assert_int_equal(event.ready, TERN_READABLE);
			assert_int_equal(event.cookie, 53);
			assert_int_equal(tern_datagram_receive(w.host[1], server, &in), 0);
			assert_int_equal(in.n, sizes[i]);
			assert_memory_equal(in.data, large, sizes[i]);
			assert_int_equal(in.local.port, 53);
			assert_int_equal(send_to(&w, 1, server, in.remote, "answer", 6), 0);
			two_exchange(&w);
			assert_receives(&w, 0, client, "answer", 6);
			assert_int_equal(tern_datagram_receive(w.host[0], client, &in), -TERN_EAGAIN);
		}
		two_end(&w);
	}
}

static void a_port_where_nobody_listens_is_told_once(void **state)
{
	struct two_hosts w;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct tern_datagram_open open = { .remote = at(1, 9, v6) };
		struct tern_datagram in;
		tern_socket	     socket;

		two_defaults(&w);
		two_begin(&w);
		assert_int_equal(tern_datagram_open(w.host[0], &open, &socket), 0);
		assert_int_equal(send_to(&w, 0, socket, (struct tern_endpoint){ .port = 0 }, "x", 1), 0);
		two_exchange(&w);
		assert_int_equal(tern_datagram_receive(w.host[0], socket, &in), -TERN_ECONNREFUSED);
		assert_int_equal(in.remote.port, 9);
		assert_int_equal(tern_datagram_receive(w.host[0], socket, &in), -TERN_EAGAIN);
		two_end(&w);
	}
}

static void the_best_fitting_socket_gets_it(void **state)
{
	struct two_hosts w;
	tern_socket	 bound, connected;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	const tern_socket wild = open_bound(&w, 1, 7), client = open_bound(&w, 0, 1000);
	const tern_socket other = open_bound(&w, 0, 1001);
	const struct tern_datagram_open to_addr = { .local = at(1, 7, false) };
	const struct tern_datagram_open to_peer = { .local = at(1, 7, false), .remote = at(0, 1000, false) };

	assert_int_equal(send_to(&w, 0, other, at(1, 7, false), "a", 1), 0);
	two_exchange(&w);
	assert_receives(&w, 1, wild, "a", 1);
	assert_int_equal(tern_datagram_open(w.host[1], &to_addr, &bound), 0);
	assert_int_equal(tern_datagram_open(w.host[1], &to_peer, &connected), 0);
	assert_int_equal(tern_datagram_open(w.host[1], &to_addr, &(tern_socket){ 0 }), -TERN_EADDRINUSE);
	assert_int_equal(send_to(&w, 0, other, at(1, 7, false), "b", 1), 0);
	assert_int_equal(send_to(&w, 0, client, at(1, 7, false), "c", 1), 0);
	two_exchange(&w);
	assert_receives(&w, 1, bound, "b", 1);
	assert_receives(&w, 1, connected, "c", 1);
	two_end(&w);
}

static void any_takes_what_is_for_somebody_else_and_answers_as_them(void **state)
{
	const struct tern_datagram_open open = { .any = true };
	const struct tern_addr		everyone = { .b = { [10] = 0xff, 0xff } };
	struct tern_endpoint		stranger = { .port = 53 };
	struct tern_datagram		in;
	struct two_hosts		w;
	tern_socket			any;

	(void)state;
	two_defaults(&w);
	w.config[1].forwarding_any = true;
	two_begin(&w);
	const struct tern_addr hop = two_addr(1, false);
	assert_int_equal(tern_host_add_route(w.host[0], &everyone, 0, 0, &hop), 0);
	assert_int_equal(tern_addr_parse(&stranger.addr, "192.0.2.7"), 0);
	assert_int_equal(tern_datagram_open(w.host[1], &open, &any), 0);
	const tern_socket client = open_bound(&w, 0, 0);

	assert_int_equal(send_to(&w, 0, client, stranger, "who", 3), 0);
	two_exchange(&w);
	assert_int_equal(tern_datagram_receive(w.host[1], any, &in), 0);
	assert_memory_equal(&in.local.addr, &stranger.addr, 16);
	const struct tern_datagram answer = { .local = in.local, .remote = in.remote, .data = "me", .n = 2 };
	assert_int_equal(tern_datagram_send(w.host[1], any, &answer), 0);
	two_exchange(&w);
	assert_int_equal(tern_datagram_receive(w.host[0], client, &in), 0);
	assert_memory_equal(&in.remote.addr, &stranger.addr, 16);

	assert_int_equal(send_to(&w, 0, client, stranger, "no", 2), 0); /* and a refusal in their name */
	two_exchange(&w);
	assert_int_equal(tern_datagram_receive(w.host[1], any, &in), 0);
	assert_int_equal(tern_datagram_refuse(w.host[1], any, TERN_UNREACHABLE_PROHIBITED, 0), 0);
	two_exchange(&w);
	assert_int_equal(tern_datagram_receive(w.host[0], client, &in), -TERN_EACCES);
	two_end(&w);
}

static void echoes_come_back_from_a_host_and_through_any(void **state)
{
	static const uint8_t ping[] = { 0, 1, 'p', 'i', 'n', 'g' };
	const struct tern_datagram_open own = { .kind = TERN_DATAGRAM_ECHO };
	const struct tern_datagram_open open = { .kind = TERN_DATAGRAM_ECHO, .any = true };
	const struct tern_addr		everyone = { .b = { [10] = 0xff, 0xff } };
	struct tern_endpoint		stranger = { .port = 0 };
	struct tern_datagram		in;
	struct two_hosts		w;
	tern_socket			socket, any;

	(void)state;
	two_defaults(&w);
	w.config[1].forwarding_any = true;
	two_begin(&w);
	assert_int_equal(tern_datagram_open(w.host[0], &own, &socket), 0);
	for (int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(send_to(&w, 0, socket, at(1, 0, v6), ping, sizeof ping), 0);
		two_exchange(&w);
		assert_receives(&w, 0, socket, ping, sizeof ping);
	}
	const struct tern_addr hop = two_addr(1, false);
	assert_int_equal(tern_host_add_route(w.host[0], &everyone, 0, 0, &hop), 0);
	assert_int_equal(tern_addr_parse(&stranger.addr, "192.0.2.7"), 0);
	assert_int_equal(tern_datagram_open(w.host[1], &open, &any), 0);
	assert_int_equal(send_to(&w, 0, socket, stranger, ping, sizeof ping), 0);
	two_exchange(&w);
	assert_int_equal(tern_datagram_receive(w.host[1], any, &in), 0);
	assert_memory_equal(in.data, ping, sizeof ping);
	const struct tern_datagram answer = { .local = in.local, .remote = in.remote, .data = ping, .n = sizeof ping };
	assert_int_equal(tern_datagram_send(w.host[1], any, &answer), 0);
	two_exchange(&w);
	assert_receives(&w, 0, socket, ping, sizeof ping);
	two_end(&w);
}

static void what_nobody_reads_is_bounded_and_given_back(void **state)
{
	static uint8_t		  data[1000];
	const struct tern_datagram_open open = { .local = { .port = 5 }, .queue = 10000 };
	struct tern_datagram	  in;
	struct tern_stats	  stats;
	struct two_hosts	  w;
	tern_socket		  socket;
	unsigned		  n = 0;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	assert_int_equal(tern_datagram_open(w.host[1], &open, &socket), 0);
	const tern_socket client = open_bound(&w, 0, 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(send_to(&w, 0, client, at(1, 5, false), data, sizeof data), 0);
		two_exchange(&w);
	}
	tern_host_stats(w.host[1], &stats);
	while (tern_datagram_receive(w.host[1], socket, &in) == 0)
		n++;
	assert_in_range(n, 5, 10);
	assert_int_equal(stats.UdpRcvbufErrors, 100 - n);
	two_end(&w);
}

/* A router's word about a datagram that was sent: 1300 octets are what the path carries. */
static void inject_too_big(struct two_hosts *w, bool v6, uint16_t src_port, struct tern_endpoint dst, uint32_t len)
{
	const struct tern_addr	  own = two_addr(0, v6), router = two_addr(1, v6);
	const struct ip_header	  quoted = { .src = own, .dst = dst.addr, .version = v6 ? 6 : 4, .ttl = 60,
					     .protocol = IPPROTO_UDP_ };
	const struct ip_header	  ip = { .src = router, .dst = own, .version = v6 ? 6 : 4, .ttl = 60,
					 .protocol = v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4 };
	uint8_t			  quote[64] = { 0 }, message[128], packet[256];
	struct icmp_message	  icmp = { .kind = ICMP_PACKET_TOO_BIG, .mtu = 1300, .body = quote };

	const size_t head = ip_wire_emit(quote, &quoted, len - (v6 ? 0 : 20));
	put16(quote + head, src_port);
	put16(quote + head + 2, dst.port);
	icmp.body_len = (uint32_t)head + 8;
	const size_t n = icmp_wire_emit(message, &icmp, &router, &own);
	const size_t at = ip_wire_emit(packet, &ip, (uint32_t)n);
	memcpy(packet + at, message, n);
	two_inject(w, 0, packet, at + n, false);
}

static void the_path_mtu_is_learned(void **state)
{
	static uint8_t data[1400];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const uint32_t	     heads = (v6 ? 40 : 20) + 8;
		const struct tern_endpoint to = at(1, 5, v6), never = at(1, 6, v6);
		struct tern_datagram out = { .remote = to, .data = data, .n = 1300, .dont_fragment = true }, in;
		struct two_hosts     w;

		two_defaults(&w);
		two_begin(&w);
		const tern_socket socket = open_bound(&w, 0, 1000), server = open_bound(&w, 1, 5);

		assert_int_equal(tern_datagram_mtu(w.host[0], socket, &to), 1500);
		struct tern_addr elsewhere = to.addr;
		elsewhere.b[15] = 77; /* nothing was ever sent there */
		inject_too_big(&w, v6, 1000, (struct tern_endpoint){ .addr = elsewhere, .port = 5 }, 1400);
		const struct tern_endpoint there = { .addr = elsewhere };
		assert_int_equal(tern_datagram_mtu(w.host[0], socket, &there), 1500);
		assert_int_equal(tern_datagram_receive(w.host[0], socket, &in), -TERN_EMSGSIZE);

		assert_int_equal(tern_datagram_send(w.host[0], socket, &out), 0);
		two_exchange(&w);
		assert_receives(&w, 1, server, data, 1300);
		inject_too_big(&w, v6, 1001, never, 1300 + heads); /* of a port that nobody has */
		assert_int_equal(tern_datagram_mtu(w.host[0], socket, &to), 1500);
		inject_too_big(&w, v6, 1000, to, 1300 + heads);
		assert_int_equal(tern_datagram_mtu(w.host[0], socket, &to), 1300);
		assert_int_equal(tern_datagram_receive(w.host[0], socket, &in), -TERN_EMSGSIZE);
		assert_int_equal(in.mtu, 1300);
		assert_int_equal(tern_datagram_send(w.host[0], socket, &out), -TERN_EMSGSIZE);
		out.n = 1300 - heads;
		assert_int_equal(tern_datagram_send(w.host[0], socket, &out), 0);
		/* Whoever lets it be cut: by us to the path's size over IPv6, by routers over IPv4. */
		out.n = 1400;
		out.dont_fragment = false;
		assert_int_equal(tern_datagram_send(w.host[0], socket, &out), 0);
		w.sent[0] = 0;
		two_exchange(&w);
		assert_int_equal(w.sent[0], v6 ? 3 : 2);
		assert_receives(&w, 1, server, data, 1300 - heads);
		assert_receives(&w, 1, server, data, 1400);
		two_wait(&w, 601 * TERN_SECOND); /* RFC 1191 6.3: it may be wider again */
		assert_int_equal(tern_datagram_mtu(w.host[0], socket, &to), 1500);
		two_end(&w);
	}
}

static void what_cannot_be_sent_says_why(void **state)
{
	static uint8_t	  data[65536];
	struct two_hosts  w;
	struct tern_event event;

	(void)state;
	two_defaults(&w);
	w.config[0].packets = 16;
	two_begin(&w);
	const tern_socket    socket = open_bound(&w, 0, 0);
	struct tern_datagram out = { .remote = at(1, 5, false), .data = data, .n = 1473, .dont_fragment = true };
	struct tern_endpoint far = { .port = 5 }, everyone = { .port = 5 };

	assert_int_equal(tern_addr_parse(&far.addr, "192.0.2.1"), 0);
	assert_int_equal(tern_addr_parse(&everyone.addr, "255.255.255.255"), 0);
	assert_int_equal(tern_datagram_send(w.host[0], socket, &out), -TERN_EMSGSIZE);
	assert_int_equal(send_to(&w, 0, socket, at(1, 5, false), data, 65508), -TERN_EMSGSIZE);
	assert_int_equal(send_to(&w, 0, socket, far, data, 1), -TERN_ENETUNREACH);
	assert_int_equal(send_to(&w, 0, socket, everyone, data, 1), -TERN_EACCES);
	assert_int_equal(send_to(&w, 0, socket, (struct tern_endpoint){ .port = 0 }, data, 1), -TERN_EINVAL);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(send_to(&w, 0, socket, at(1, 5, false), data, 1), 0);
	assert_int_equal(send_to(&w, 0, socket, at(1, 5, false), data, 1), -TERN_EAGAIN);
	two_exchange(&w);
	assert_true(tern_host_event(w.host[0], &event));
	assert_true(event.ready & TERN_WRITABLE);
	assert_int_equal(tern_datagram_close(w.host[0], socket), 0);
	assert_int_equal(tern_datagram_close(w.host[0], socket), -TERN_EBADF);
	assert_int_equal(send_to(&w, 0, socket, at(1, 5, false), data, 1), -TERN_EBADF);
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_and_its_answer_cross_whole),
		cmocka_unit_test(a_port_where_nobody_listens_is_told_once),
		cmocka_unit_test(the_best_fitting_socket_gets_it),
		cmocka_unit_test(any_takes_what_is_for_somebody_else_and_answers_as_them),
		cmocka_unit_test(echoes_come_back_from_a_host_and_through_any),
		cmocka_unit_test(what_nobody_reads_is_bounded_and_given_back),
		cmocka_unit_test(the_path_mtu_is_learned),
		cmocka_unit_test(what_cannot_be_sent_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
