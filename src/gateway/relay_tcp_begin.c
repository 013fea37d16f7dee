/* How a flow begins.
 *
 * Outbound. A SYN of the guest's is an ask: nothing is answered until our own connect() has come to something. Then
 * the guest gets what a direct connection would have given it: a SYN-ACK, an RST, an ICMP error, silence. A guest
 * that gives up (RST, or config.accept_wait) ends the connect().
 *
 * Inbound. The host's kernel has accepted already; tern connects to the guest, and where that fails the
 * client's connection is reset.
 */
#include "gateway/relay_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "gateway/dns.h"
#include "wire/tuple.h"

enum { KEEPALIVE_PROBES = 5, KEEPALIVE_SHARE = 20 }; /* probes; of the idle time between two of them */

/* ---- both legs: no delay of our own, and what ends a flow whose other side has vanished ---- */

/* Whole seconds, as either TCP counts them. */
static int idle_seconds(const struct gateway *gateway)
{
	return (int)((gateway->options->keepalive + TERN_SECOND - 1) / TERN_SECOND);
}

static int interval_seconds(const struct gateway *gateway)
{
	const int share = idle_seconds(gateway) / KEEPALIVE_SHARE;

	return share > 0 ? share : 1;
}

static void set_server_options(const struct gateway *gateway, int fd)
{
	const int idle = idle_seconds(gateway);
	const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(gateway->options->user_timeout / TERN_MILLISECOND) },
		{ SOL_SOCKET, SO_KEEPALIVE, idle > 0 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, idle > 0 ? idle : 1 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, interval_seconds(gateway) },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

void tcp_begin_options(const struct gateway *gateway, tern_socket socket)
{
	const int idle = idle_seconds(gateway);
	const struct {
		enum tern_option option;
		int64_t		 value;
	} options[] = {
		{ TERN_NODELAY, 1 },
		{ TERN_USER_TIMEOUT, gateway->options->user_timeout / TERN_MILLISECOND },
		{ TERN_KEEPALIVE, idle > 0 },
		{ TERN_KEEPALIVE_IDLE, idle > 0 ? idle : 1 },
		{ TERN_KEEPALIVE_INTERVAL, interval_seconds(gateway) },
		{ TERN_KEEPALIVE_PROBES, KEEPALIVE_PROBES },
	};

	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
		(void)tern_option_set(gateway->host, socket, options[i].option, options[i].value);
}

/* ---- outbound ---- */

static void count_answer(struct gateway *gateway, enum tern_answer answer)
{
	switch (answer) {
	case TERN_ANSWER_REFUSE: gateway->stats.tcp_refused++; break;
	case TERN_ANSWER_DROP: gateway->stats.tcp_timed_out++; break;
	case TERN_ANSWER_PROHIBITED: gateway->stats.tcp_denied++; break;
	case TERN_ANSWER_ACCEPT: break;
	default: gateway->stats.tcp_unreachable++; break;
	}
}

/* The guest's SYN is answered, and there is no flow (any more). */
static void turn_down(struct gateway *gateway, tern_socket asked, enum tern_answer answer)
{
	count_answer(gateway, answer);
	(void)tern_answer(gateway->host, asked, answer);
}

/* connect() came to something. */
void tcp_begin_connected(struct tcp_flow *flow, int error)
{
	struct gateway *const gateway = flow->gateway;

	if (error) {
		tcp_flow_close_server(flow, false);
		if (flow->to_resolver)
			dns_resolver_failed(gateway, &flow->flow.onward);
		turn_down(gateway, flow->socket, gateway_answer_of(error));
		tcp_flow_forget(flow);
		return;
	}
	set_server_options(gateway, flow->fd);
	tcp_flow_watch(flow, 0);
	flow->phase = TCP_ANSWERED;
	(void)tern_answer(gateway->host, flow->socket, TERN_ANSWER_ACCEPT);
}

/* Connects as far as it goes at once: 0, EINPROGRESS, or what is wrong. */
static int begin_connect(struct tcp_flow *flow)
{
	struct sockaddr_storage to;
	const socklen_t		n = gateway_sockaddr(&to, &flow->flow.onward);
	const int		fd = gateway_socket(&flow->flow.onward.addr, SOCK_STREAM, 0);

	if (fd < 0)
		return -fd;
	flow->fd = fd;
	int error = connect(fd, (const struct sockaddr *)&to, n) == 0 ? 0 : errno;

	/* On this machine it is done by now, though it says that it goes on: asking again saves a turn. */
	if (error == EINPROGRESS)
		error = connect(fd, (const struct sockaddr *)&to, n) == 0 || errno == EISCONN ? 0 : errno;
	return error == EALREADY ? EINPROGRESS : error;
}

static enum tern_answer answer_of_route(enum gateway_route route)
{
	switch (route) {
	case ROUTE_DENIED: return TERN_ANSWER_PROHIBITED;
	case ROUTE_UNREACHABLE: return TERN_ANSWER_HOST_UNREACHABLE;
	default: return TERN_ANSWER_REFUSE;
	}
}

static struct tcp_flow *new_flow(struct gateway *gateway, const struct tern_tuple *tuple,
				 const struct tern_endpoint *onward)
{
	struct tcp_flow *flow = NULL;

	if (gateway->tcp.half_open >= gateway->options->half_open_max)
		gateway->stats.half_open_refused++;
	else
		flow = flow_new(gateway, FLOW_TCP, sizeof *flow);
	if (!flow)
		return NULL;
	flow->gateway = gateway;
	flow->fd = -1;
	flow->flow.tuple = *tuple;
	flow->flow.onward = *onward;
	gateway->tcp.half_open++;
	return flow;
}

static uint64_t cookie_of(const struct tcp_flow *flow)
{
	return gateway_cookie(OWNER_TCP, flow->flow.index, flow->flow.generation);
}

static void take_ask(struct gateway *gateway, tern_socket asked, const struct tern_tuple *tuple)
{
	struct tern_endpoint	 onward;
	const enum gateway_route route = gateway_onward(gateway, &tuple->local, tuple->local_port, &onward);

	if (route != ROUTE_ONWARD && route != ROUTE_DNS) {
		turn_down(gateway, asked, answer_of_route(route));
		return;
	}
	struct tcp_flow *const flow = new_flow(gateway, tuple, &onward);

	if (!flow) {
		turn_down(gateway, asked, TERN_ANSWER_REFUSE);
		return;
	}
	flow->socket = asked;
	flow->phase = TCP_CONNECTING;
	flow->to_resolver = route == ROUTE_DNS;
	(void)tern_set_cookie(gateway->host, asked, cookie_of(flow));
	const int error = begin_connect(flow);

	if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
		gateway->stats.flows_refused++;
	if (error == EINPROGRESS)
		tcp_flow_watch(flow, POLLOUT);
	else
		tcp_begin_connected(flow, error);
}

void tcp_begin_asked(struct gateway *gateway)
{
	tern_socket	  socket;
	struct tern_tuple tuple;

	while (tern_next_ask(gateway->host, gateway->tcp.listener, &socket, &tuple) == 0)
		take_ask(gateway, socket, &tuple);
	/* Who it is its first event says (TERN_CONNECTED), by the cookie of its ask. */
	while (tern_accept(gateway->host, gateway->tcp.listener, &socket) == 0)
		;
}

/* The guest gave up before its connection stood. */
void tcp_begin_cancelled(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_cancelled++;
	tcp_flow_close_server(flow, true);
	if (flow->phase == TCP_CALLING) {
		flow->gateway->stats.tcp_inbound_failed++;
		(void)tern_close(flow->gateway->host, flow->socket);
	}
	tcp_flow_forget(flow);
}

/* ---- inbound ---- */

int relay_tcp_inbound(struct gateway *gateway, int fd, const struct tern_endpoint *from,
		      const struct tern_endpoint *guest)
{
	const bool	       v4 = addr_is_v4(&guest->addr);
	const struct tern_open open = { .remote = *guest, .local.addr = v4 ? gateway->gateway4 : gateway->gateway6 };
	const struct tern_tuple tuple = { .local = open.local.addr,
					  .remote = guest->addr,
					  .remote_port = guest->port };
	struct tcp_flow *const flow = new_flow(gateway, &tuple, from);

	if (!flow) {
		close(fd);
		return -TERN_ENOMEM;
	}
	flow->fd = fd;
	flow->flow.inbound = true;
	flow->phase = TCP_CALLING;
	gateway->stats.tcp_inbound++;
	set_server_options(gateway, fd);

	struct tern_open with_cookie = open;
	with_cookie.cookie = cookie_of(flow);
	const int error = tern_connect(gateway->host, &with_cookie, &flow->socket);
	if (error) {
		gateway->stats.tcp_inbound_failed++;
		tcp_flow_close_server(flow, true);
		tcp_flow_forget(flow);
		return error;
	}
	tcp_begin_options(gateway, flow->socket);
	(void)tern_name(gateway->host, flow->socket, &flow->flow.tuple);
	tcp_flow_watch(flow, POLLERR);
	return 0;
}
