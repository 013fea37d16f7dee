/* TCP: each connection of the guest's ends at tern and goes on through a socket of the host.
 *
 * Outbound. A SYN of the guest's is an ask: nothing is answered until our own connect() has come to something. Then
 * the guest gets what a direct connection would have given it: a SYN-ACK, an RST, an ICMP error, silence. A guest
 * that gives up (RST, or config.accept_wait) ends the connect().
 *
 * Inbound. The host's kernel has accepted already; tern connects to the guest, and where that fails the
 * client's connection is reset.
 *
 *	CONNECTING -> ANSWERED -> OPEN -> gone       outbound
 *	CALLING -> OPEN -> gone                      inbound
 *	OPEN -> RESET_GUEST | RESET_SERVER -> gone   one side failed
 *
 * A failure of one side becomes a reset on the other, after the octets that came before it: an RST overtakes what
 * still waits on this machine, which it could not on a direct connection. Where the other side takes no more,
 * it is sent after RESET_PATIENCE all the same.
 *
 * Vanished peers: data that nobody acknowledges is given up after 924 s (config.r2, tcp_retries2); silence with
 * nothing in flight is asked about after ten minutes and given up 150 s later, on both legs.
 */
#include "gateway/relay_tcp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gateway/dns.h"
#include "wire/tuple.h"

enum { KEEPALIVE_IDLE = 600, KEEPALIVE_INTERVAL = 30, KEEPALIVE_PROBES = 5 }; /* seconds, seconds, probes */

#define RESET_PATIENCE TERN_SECOND

static const tern_time LOOK_AGAIN = TERN_MILLISECOND;

/* ---- both ends of a flow ---- */

static bool is_half_open(const struct tcp_flow *flow)
{
	return flow->phase < TCP_OPEN;
}

static void on_server(void *context, short revents);

void tcp_flow_watch(struct tcp_flow *flow, short events)
{
	if (events == flow->watched || flow->fd < 0)
		return;
	if (tern_loop_watch_fd(flow->gateway->loop, flow->fd, events, on_server, flow) == 0)
		flow->watched = events;
}

static void stop_waiting(struct tcp_flow *flow)
{
	if (!flow->waits)
		return;
	if (flow->prev)
		flow->prev->next = flow->next;
	else
		flow->gateway->tcp.waiting = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
	flow->waits = false;
}

void tcp_flow_wait(struct tcp_flow *flow, tern_time span)
{
	struct relay_tcp *const tcp = &flow->gateway->tcp;

	flow->again = tern_loop_now(flow->gateway->loop) + span;
	if (flow->waits)
		return;
	flow->waits = true;
	flow->prev = NULL;
	flow->next = tcp->waiting;
	if (flow->next)
		flow->next->prev = flow;
	tcp->waiting = flow;
}

/* reset: an RST to the server instead of a FIN, where it still has a connection. */
static void close_server(struct tcp_flow *flow, bool reset)
{
	const struct linger linger = { .l_onoff = 1 };

	if (flow->fd < 0)
		return;
	tcp_flow_watch(flow, 0);
	if (reset)
		(void)setsockopt(flow->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(flow->fd);
	flow->fd = -1;
}

/* What the phase leaves behind of its place among the half-open; the block goes. */
static void forget(struct tcp_flow *flow)
{
	struct gateway *const gateway = flow->gateway;

	if (is_half_open(flow))
		gateway->tcp.half_open--;
	stop_waiting(flow);
	if (flow->rest)
		chunk_put(gateway->tcp.chunks, flow->rest);
	flow_free(gateway, &flow->flow);
}

void tcp_flow_finish(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_closed++;
	close_server(flow, false);
	(void)tern_close(flow->gateway->host, flow->socket);
	forget(flow);
}

/* ---- failures of an open flow ---- */

static void reset_guest(struct tcp_flow *flow)
{
	(void)tern_abort(flow->gateway->host, flow->socket);
	forget(flow);
}

/* Whether everything that the server sent has gone out to the guest. */
static bool is_drained_to_guest(struct tcp_flow *flow)
{
	struct tern_status status;

	return !flow->rest && (tern_status(flow->gateway->host, flow->socket, &status) != 0 || status.unsent == 0);
}

static bool is_drained_to_server(const struct tcp_flow *flow)
{
	int left = 0;

	return ioctl(flow->fd, SIOCOUTQNSD, &left) != 0 || left == 0;
}

void tcp_flow_server_failed(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_reset_by_server++;
	close_server(flow, true);
	flow->phase = TCP_RESET_GUEST;
	flow->give_up = tern_loop_now(flow->gateway->loop) + RESET_PATIENCE;
	if (is_drained_to_guest(flow))
		reset_guest(flow);
	else
		tcp_flow_wait(flow, LOOK_AGAIN);
}

static void reset_server(struct tcp_flow *flow)
{
	close_server(flow, true);
	forget(flow);
}

void tcp_flow_guest_failed(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_reset_by_guest++;
	(void)tern_close(flow->gateway->host, flow->socket);
	flow->phase = TCP_RESET_SERVER;
	flow->give_up = tern_loop_now(flow->gateway->loop) + RESET_PATIENCE;
	tcp_flow_watch(flow, 0);
	if (is_drained_to_server(flow))
		reset_server(flow);
	else
		tcp_flow_wait(flow, LOOK_AGAIN);
}

static void look_again(struct tcp_flow *flow, tern_time now)
{
	stop_waiting(flow);
	flow->short_of_memory = false;
	if (flow->phase == TCP_OPEN) {
		tcp_flow_pump(flow, false, true);
		return;
	}
	struct flow_table *const flows = &flow->gateway->flows;
	const uint32_t		 index = flow->flow.index, generation = flow->flow.generation;
	const bool		 to_guest = flow->phase == TCP_RESET_GUEST;

	if (to_guest && !tcp_flow_flush_rest(flow) && !flow_find(flows, index, generation))
		return; /* the guest failed too */
	if (now >= flow->give_up || (to_guest ? is_drained_to_guest(flow) : is_drained_to_server(flow))) {
		if (to_guest)
			reset_guest(flow);
		else
			reset_server(flow);
		return;
	}
	tcp_flow_wait(flow, LOOK_AGAIN);
}

tern_time relay_tcp_deadline(const struct gateway *gateway)
{
	tern_time at = TERN_NEVER;

	for (const struct tcp_flow *flow = gateway->tcp.waiting; flow; flow = flow->next)
		at = flow->again < at ? flow->again : at;
	return at;
}

void relay_tcp_expire(struct gateway *gateway, tern_time now)
{
	/* One that looks again may end itself, never another. */
	for (struct tcp_flow *flow = gateway->tcp.waiting, *next; flow; flow = next) {
		next = flow->next;
		if (flow->again <= now)
			look_again(flow, now);
	}
}

/* ---- an open flow ---- */

/* For what the host's socket is to wake us. POLLERR alone (which always comes): a reset is to be seen at once. */
static short wanted(const struct tcp_flow *flow)
{
	int events = 0;

	if (!flow->down_ended && !flow->rest && !flow->short_of_memory)
		events |= POLLIN | POLLPRI;
	if (flow->up_blocked)
		events |= POLLOUT;
	return (short)(events ? events : POLLERR);
}

void tcp_flow_pump(struct tcp_flow *flow, bool up, bool down)
{
	struct flow_table *const flows = &flow->gateway->flows;
	const uint32_t		 index = flow->flow.index, generation = flow->flow.generation;

	if (up)
		tcp_flow_pump_up(flow);
	if (down && flow_find(flows, index, generation) && flow->phase == TCP_OPEN)
		tcp_flow_pump_down(flow);
	if (flow_find(flows, index, generation) && flow->phase == TCP_OPEN)
		tcp_flow_watch(flow, wanted(flow));
}

static void on_server_open(struct tcp_flow *flow, short revents)
{
	if (revents & POLLPRI)
		flow->server_urgent = true;
	if (revents & POLLOUT)
		flow->up_blocked = false;
	/* Reset, while nothing may be read: what the guest has not taken would be lost on a direct one as well. */
	if (revents & POLLERR && !(flow->watched & POLLIN)) {
		tcp_flow_server_failed(flow);
		return;
	}
	/* Both directions have ended, and what is left cannot be taken yet. */
	if (revents & POLLHUP && !(flow->watched & POLLIN)) {
		tcp_flow_watch(flow, 0);
		return;
	}
	tcp_flow_pump(flow, (revents & POLLOUT) != 0, (revents & ~POLLOUT) != 0);
}

static void set_server_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static void set_guest_options(tern_host *host, tern_socket socket)
{
	(void)tern_option_set(host, socket, TERN_NODELAY, 1);
	(void)tern_option_set(host, socket, TERN_KEEPALIVE, 1);
	(void)tern_option_set(host, socket, TERN_KEEPALIVE_IDLE, KEEPALIVE_IDLE);
	(void)tern_option_set(host, socket, TERN_KEEPALIVE_INTERVAL, KEEPALIVE_INTERVAL);
	(void)tern_option_set(host, socket, TERN_KEEPALIVE_PROBES, KEEPALIVE_PROBES);
}

/* The handshake with the guest is complete. */
static void open_flow(struct tcp_flow *flow, tern_socket socket)
{
	flow->socket = socket;
	flow->phase = TCP_OPEN;
	flow->gateway->tcp.half_open--;
	flow->gateway->stats.tcp_opened++;
	tcp_flow_pump(flow, true, false);
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
static void connected(struct tcp_flow *flow, int error)
{
	struct gateway *const gateway = flow->gateway;

	if (error) {
		close_server(flow, false);
		if (flow->to_resolver)
			dns_resolver_failed(gateway, &flow->flow.onward);
		turn_down(gateway, flow->socket, gateway_answer_of(error));
		forget(flow);
		return;
	}
	set_server_options(flow->fd);
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
		connected(flow, error);
}

static void on_listener(struct gateway *gateway)
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
static void cancelled(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_cancelled++;
	close_server(flow, true);
	if (flow->phase == TCP_CALLING) {
		flow->gateway->stats.tcp_inbound_failed++;
		(void)tern_close(flow->gateway->host, flow->socket);
	}
	forget(flow);
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
	set_server_options(fd);

	struct tern_open with_cookie = open;
	with_cookie.cookie = cookie_of(flow);
	const int error = tern_connect(gateway->host, &with_cookie, &flow->socket);
	if (error) {
		gateway->stats.tcp_inbound_failed++;
		close_server(flow, true);
		forget(flow);
		return error;
	}
	set_guest_options(gateway->host, flow->socket);
	(void)tern_name(gateway->host, flow->socket, &flow->flow.tuple);
	tcp_flow_watch(flow, POLLERR);
	return 0;
}

/* ---- what happens ---- */

static void on_server(void *context, short revents)
{
	struct tcp_flow *const flow = context;
	int		       error = 0;
	socklen_t	       n = sizeof error;

	switch (flow->phase) {
	case TCP_CONNECTING:
		(void)getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		connected(flow, error);
		break;
	case TCP_CALLING: /* the client gave up */
		flow->gateway->stats.tcp_cancelled++;
		close_server(flow, true);
		(void)tern_abort(flow->gateway->host, flow->socket);
		forget(flow);
		break;
	case TCP_OPEN:
		on_server_open(flow, revents);
		break;
	default:
		tcp_flow_watch(flow, 0);
		break;
	}
}

static void on_guest(struct tcp_flow *flow, const struct tern_event *event)
{
	if (is_half_open(flow)) {
		if (event->ready & TERN_CONNECTED)
			open_flow(flow, event->socket);
		else if (event->ready & (TERN_CLOSED | TERN_ERROR))
			cancelled(flow);
		return;
	}
	if (flow->phase == TCP_RESET_GUEST) {
		if (event->ready & (TERN_CLOSED | TERN_ERROR))
			reset_guest(flow);
		return;
	}
	if (flow->phase != TCP_OPEN)
		return;
	if (event->ready & TERN_URGENT)
		tcp_flow_guest_urgent(flow);
	/* A failure of the guest's is met by the pump, behind what it sent before; where it has sent its end, here.
	 * New text of the server's the host's socket tells. */
	const uint32_t not_of_text = TERN_WRITABLE | TERN_DRAINED | TERN_ADVICE;
	const bool     down = event->ready & TERN_WRITABLE && (flow->rest || (flow->down_ended && !flow->down_done));

	if (event->ready & TERN_ERROR && flow->up_done)
		tcp_flow_guest_failed(flow);
	else
		tcp_flow_pump(flow, (event->ready & ~not_of_text) != 0, down);
}

void relay_tcp_event(struct gateway *gateway, const struct tern_event *event)
{
	const uint32_t index = (uint32_t)event->cookie, generation = (uint32_t)(event->cookie >> 32) & 0xffffff;

	if (event->cookie >> 56 == OWNER_TCP_LISTENER) {
		on_listener(gateway);
		return;
	}
	struct flow *const flow = flow_find(&gateway->flows, index, generation);

	if (flow)
		on_guest((struct tcp_flow *)flow, event);
	else
		(void)tern_abort(gateway->host, event->socket); /* accepted for a flow that has gone */
}

const char *relay_tcp_state(const struct gateway *gateway, const struct flow *of)
{
	const struct tcp_flow *const flow = (const struct tcp_flow *)of;
	static const char *const     names[] = { "connecting", "answered", "calling", NULL, "resetting guest",
						 "resetting server" };
	struct tern_status	     status;

	if (flow->phase != TCP_OPEN)
		return names[flow->phase];
	return tern_status(gateway->host, flow->socket, &status) == 0 ? tern_state_name(status.state) : "CLOSED";
}

/* ---- making and ending ---- */

int relay_tcp_open(struct gateway *gateway)
{
	const struct tern_listen listen = { .any = true,
					    .ask = true,
					    .backlog = gateway->options->half_open_max,
					    .cookie = gateway_cookie(OWNER_TCP_LISTENER, 0, 0) };
	const size_t		 most = gateway->options->memory / 2 / CHUNK_SIZE;

	gateway->tcp.chunks = chunks_new(most > 0 ? most : 1);
	if (!gateway->tcp.chunks)
		return -TERN_ENOMEM;
	const int error = tern_listen(gateway->host, &listen, &gateway->tcp.listener);
	if (error)
		return error;
	set_guest_options(gateway->host, gateway->tcp.listener); /* handed on to what it accepts */
	gateway->tcp.open = true;
	return 0;
}

void relay_tcp_done(struct gateway *gateway)
{
	uint32_t     cursor = 0;
	struct flow *flow;

	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL) {
		if (flow->kind != FLOW_TCP)
			continue;
		struct tcp_flow *const tcp = (struct tcp_flow *)flow;

		close_server(tcp, !tcp->up_done); /* what it was told to send to its end is the host kernel's */
		if (tcp->phase == TCP_OPEN || tcp->phase == TCP_CALLING || tcp->phase == TCP_RESET_GUEST)
			(void)tern_abort(gateway->host, tcp->socket);
		forget(tcp);
	}
	if (gateway->tcp.open)
		(void)tern_close(gateway->host, gateway->tcp.listener);
	gateway->tcp.open = false;
}

bool relay_tcp_is_drained(const struct gateway *gateway)
{
	uint32_t     cursor = 0;
	struct flow *flow;

	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL) {
		const struct tcp_flow *const tcp = (const struct tcp_flow *)flow;

		if (flow->kind != FLOW_TCP)
			continue;
		if (tcp->phase == TCP_ANSWERED || tcp->phase == TCP_RESET_SERVER)
			return false;
		if (tcp->phase == TCP_OPEN && !tcp->up_done && tern_ready(gateway->host, tcp->socket) & TERN_READABLE)
			return false;
	}
	return true;
}
