/* gateway/relay_udp.c: how long flows live, and that nothing is left of them. A guest of our own on a pair of links,
 * and a server on the loopback of the system. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/dns.h"
#include "gateway/relay_udp.h"
#include "wire/tuple.h"

enum { TURNS = 2000 };

struct world {
	struct gateway_options options;
	struct gateway	       gateway;
	tern_host	      *guest;
	tern_socket	       socket; /* the guest's, connected to 10.0.2.2 and the server's port */
	int		       server;
};

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	(void)host;
	relay_udp_event(context, event);
}

static struct tern_addr addr(const char *text)
{
	struct tern_addr parsed;

	assert_int_equal(tern_addr_parse(&parsed, text), 0);
	return parsed;
}

static tern_host *add_host(tern_loop *loop, struct tern_link *link, const char *const addresses[])
{
	const struct tern_addr any = addr("0.0.0.0");
	struct tern_config     config;
	tern_host	      *host;
	uint8_t		       number;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.forwarding_any = true;
	assert_int_equal(tern_host_create(&host, &config, tern_loop_now(loop)), 0);
	assert_int_equal(tern_loop_add(loop, host, link, &number), 0);
	for (unsigned i = 0; addresses[i]; i++) {
		const struct tern_addr own = addr(addresses[i]);
		assert_int_equal(tern_host_add_address(host, number, &own, 24), 0);
	}
	assert_int_equal(tern_host_add_route(host, &any, 0, number, NULL), 0);
	return host;
}

static uint16_t serve(struct world *w)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t	   n = sizeof name;

	w->server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->server, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(getsockname(w->server, (struct sockaddr *)&name, &n), 0);
	return ntohs(name.sin_port);
}

static void begin(struct world *w, uint32_t flows)
{
	const struct tern_link_config config = { .mtu = 65520, .checksum_offload = true, .gso = true };
	struct gateway *const	      gateway = &w->gateway;
	struct tern_link	     *end[2];

	*w = (struct world){ .options = { .network = addr("10.0.2.0"), .bits = 24 } };
	gateway->options = &w->options;
	gateway->guest4 = addr("10.0.2.100");
	gateway->gateway4 = addr("10.0.2.2");
	gateway->dns4 = addr("10.0.2.3");
	assert_int_equal(tern_loop_create(&gateway->loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
	gateway->host = add_host(gateway->loop, end[0], (const char *const[]){ "10.0.2.2", "10.0.2.3", NULL });
	w->guest = add_host(gateway->loop, end[1], (const char *const[]){ "10.0.2.100", NULL });
	assert_int_equal(flow_table_init(&gateway->flows, flows), 0);
	assert_int_equal(tern_loop_on_event(gateway->loop, gateway->host, on_event, gateway), 0);
	assert_int_equal(relay_udp_open(gateway), 0);
	const struct tern_datagram_open open = { .remote = { .addr = gateway->gateway4, .port = serve(w) } };
	assert_int_equal(tern_datagram_open(w->guest, &open, &w->socket), 0);
}

static void end(struct world *w)
{
	relay_udp_done(&w->gateway);
	assert_int_equal(w->gateway.flows.n, 0);
	flow_table_done(&w->gateway.flows);
	tern_loop_destroy(w->gateway.loop);
	tern_host_destroy(w->gateway.host);
	tern_host_destroy(w->guest);
	close(w->server);
}

static void turn(struct world *w)
{
	assert_true(tern_loop_turn(w->gateway.loop, TERN_MILLISECOND) >= 0);
}

static void guest_sends(struct world *w, tern_socket socket)
{
	const struct tern_datagram question = { .data = "question", .n = 8 };

	assert_int_equal(tern_datagram_send(w->guest, socket, &question), 0);
}

static ssize_t server_gets(struct world *w, struct sockaddr_in *from)
{
	char	  data[64];
	socklen_t n = sizeof *from;
	ssize_t	  got = -1;

	for (unsigned i = 0; got < 0 && i < TURNS; i++) {
		turn(w);
		got = recvfrom(w->server, data, sizeof data, 0, (struct sockaddr *)from, &n);
	}
	return got;
}

static int guest_gets(struct world *w, struct tern_datagram *datagram)
{
	int result = -TERN_EAGAIN;

	for (unsigned i = 0; result == -TERN_EAGAIN && i < TURNS; i++) {
		turn(w);
		result = tern_datagram_receive(w->guest, w->socket, datagram);
	}
	return result;
}

static tern_time left(const struct world *w)
{
	return relay_udp_deadline(&w->gateway) - tern_loop_now(w->gateway.loop);
}

static void assert_about(tern_time found, tern_time wanted)
{
	assert_true(found <= wanted && found > wanted - 10 * TERN_SECOND);
}

/* RFC 4787 REQ-5, REQ-6 */
static void a_flow_lives_two_minutes_and_five_once_answered(void **state)
{
	struct world	     w;
	struct sockaddr_in   from;
	struct tern_datagram answer;

	(void)state;
	begin(&w, 100);
	assert_true(relay_udp_deadline(&w.gateway) == TERN_NEVER);
	guest_sends(&w, w.socket);
	assert_int_equal(server_gets(&w, &from), 8);
	assert_int_equal(w.gateway.flows.n, 1);
	assert_about(left(&w), 120 * TERN_SECOND);
	relay_udp_expire(&w.gateway, relay_udp_deadline(&w.gateway) - 1);
	assert_int_equal(w.gateway.flows.n, 1);

	assert_int_equal(sendto(w.server, "answer", 6, 0, (struct sockaddr *)&from, sizeof from), 6);
	assert_int_equal(guest_gets(&w, &answer), 0);
	assert_int_equal(answer.n, 6);
	assert_memory_equal(answer.data, "answer", 6);
	assert_about(left(&w), 300 * TERN_SECOND);
	guest_sends(&w, w.socket);
	assert_int_equal(server_gets(&w, &from), 8);
	assert_int_equal(w.gateway.flows.n, 1);
	assert_about(left(&w), 300 * TERN_SECOND);
	relay_udp_expire(&w.gateway, relay_udp_deadline(&w.gateway));
	assert_int_equal(w.gateway.flows.n, 0);
	assert_true(relay_udp_deadline(&w.gateway) == TERN_NEVER);
	end(&w);
}

static void an_error_comes_back_to_its_flow(void **state)
{
	struct world	     w;
	struct tern_datagram answer;

	(void)state;
	begin(&w, 100);
	close(w.server);
	w.server = -1;
	guest_sends(&w, w.socket);
	assert_int_equal(guest_gets(&w, &answer), -TERN_ECONNREFUSED);
	assert_int_equal(w.gateway.stats.udp_errors, 1);
	end(&w);
}

static void no_more_flows_than_the_limit(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 3);
	for (unsigned i = 0; i < 5; i++) {
		const struct tern_datagram_open open = {
			.remote = { .addr = w.gateway.gateway4, .port = (uint16_t)(20000 + i) },
		};
		tern_socket socket;

		assert_int_equal(tern_datagram_open(w.guest, &open, &socket), 0);
		guest_sends(&w, socket);
	}
	for (unsigned i = 0; i < TURNS && w.gateway.stats.flows_refused < 2; i++)
		turn(&w);
	assert_int_equal(w.gateway.flows.n, 3);
	assert_int_equal(w.gateway.stats.flows_refused, 2);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_lives_two_minutes_and_five_once_answered),
		cmocka_unit_test(an_error_comes_back_to_its_flow),
		cmocka_unit_test(no_more_flows_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
